"""What flows: the devices that tell their power, each with what it may draw at most and how that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.render.text import round_up
from wftui.tui import gpus
from wftui.tui.history import NAN
from wftui.tui.scene import keep
from wftui.tui.state import text_of

if TYPE_CHECKING:
    from wftui.tui.state import State

_PACKAGE: Final = "package"
"""Zones of powercap that hold the others."""
_TOP: Final = "energy scale of "


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
    top: float
    """W that a full ribbon stands for: the limit; where nobody says one, the largest limit of another device, or
    a round number above the most that was seen."""
    busy: float
    """Utilisation, 1 = all of it; NaN: not told."""
    how: str
    """How the power is known: ``measured``, ``average``, ``from energy``; empty: not known."""
    trouble: str

    @property
    def share(self) -> float:
        """Of ``top``; NaN when the power is not known."""
        return self.watts / self.top if self.top > 0 else NAN


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
                key, f"gpu {gpu.label}", gpu.short, gpu.power, gpu.power_limit, gpu.power_limit, gpu.utilization,
                how, gpu.trouble,
            )
        )  # fmt: skip
    for device in state.labels("hw.power", "device"):
        if not device.startswith(_PACKAGE):
            continue
        watts = state.value("hw.power", ("device", device))
        key = text_of("hw.power", ("device", device))
        number = device.removeprefix(_PACKAGE).strip("-: ")
        busy = state.value("system.cpu.utilization")
        how = "from energy" if watts == watts else ""
        found.append(Lane(key, f"cpu {number}".strip(), "package", watts, NAN, NAN, busy, how, ""))
    highest = max((lane.limit for lane in found if lane.limit > 0), default=NAN)
    return tuple(lane if lane.top > 0 else lane._replace(top=_top(state, lane, highest)) for lane in found)


def _top(state: State, lane: Lane, highest: float) -> float:
    """The scale of a lane without a limit; it never shrinks while the view lives."""
    held = state.kept.get(_TOP + lane.key)
    before = held[1] if held is not None and isinstance(held[1], float) else NAN
    least = highest if highest > 0 else NAN
    for known in (before, round_up(lane.watts) if lane.watts > 0 else NAN):
        if not known <= least and known == known:
            least = known
    if least == least:
        state.kept[_TOP + lane.key] = (None, least)
    return least
