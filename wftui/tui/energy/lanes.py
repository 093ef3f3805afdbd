"""What flows: the devices that tell their power, each with what it may draw at most and how that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.tui import gpus
from wftui.tui.history import NAN
from wftui.tui.scene import keep
from wftui.tui.state import text_of

if TYPE_CHECKING:
    from wftui.tui.state import State

_PACKAGE: Final = "package"
"""Zones of powercap that hold the others."""
_PEAK: Final = "energy peak of "


class Lane(NamedTuple):
    """One device."""

    key: str
    """Series of its power."""
    name: str
    what: str
    """Its model, or what it is."""
    watts: float
    limit: float
    """W; NaN: nobody says."""
    peak: float
    """The most that was seen since the view began, where there is no limit: W."""
    busy: float
    """Utilisation, 1 = all of it; NaN: not told."""
    how: str
    """How the power is known: ``measured``, ``average``, ``from energy``; empty: not known."""
    trouble: str

    @property
    def share(self) -> float:
        """Of the limit, else of the most that was seen; NaN when the power is not known."""
        top = self.limit if self.limit > 0 else self.peak
        return self.watts / top if top > 0 else NAN


def lanes(state: State) -> tuple[Lane, ...]:
    """All devices with a power: GPUs in their order, then CPU packages."""
    return keep(state, "energy lanes", (state.version, state.table_version), lambda: _lanes(state))


def _lanes(state: State) -> tuple[Lane, ...]:
    found = []
    for gpu in gpus.cards(gpus.boxes(state)):
        if gpu.power != gpu.power and not gpus.talks(gpu):
            continue
        key = text_of("hw.gpu.power", ("gpu", gpu.uuid))
        how = "" if gpu.power != gpu.power else "average" if gpu.energy_source == "average" else "measured"
        found.append(
            Lane(
                key, f"gpu {gpu.label}", gpu.short, gpu.power, gpu.power_limit,
                _peak(state, key, gpu.power), gpu.utilization, how, gpu.trouble,
            )
        )  # fmt: skip
    for device in state.labels("hw.power", "device"):
        if not device.startswith(_PACKAGE):
            continue
        watts = state.value("hw.power", ("device", device))
        key = text_of("hw.power", ("device", device))
        number = device.removeprefix(_PACKAGE).strip("-: ")
        found.append(
            Lane(
                key, f"cpu {number}".strip(), "package", watts, NAN, _peak(state, key, watts),
                state.value("system.cpu.utilization"), "from energy" if watts == watts else "", "",
            )
        )  # fmt: skip
    return tuple(found)


def _peak(state: State, key: str, watts: float) -> float:
    held = state.kept.get(_PEAK + key)
    before = held[1] if held is not None and isinstance(held[1], float) else NAN
    if not watts <= before and watts == watts:
        state.kept[_PEAK + key] = (None, watts)
        return watts
    return before
