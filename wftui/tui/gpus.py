"""The GPUs as the view knows them: one value a GPU, what troubles it, which process holds which.

Pure functions over ``State``; screens and panels draw what they return. Unknown numbers are NaN, never 0.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.model import gpus as cells
from wftui.model.health import FAILED, OK, STUCK
from wftui.model.table import Cell, Row
from wftui.tui.gpu_trouble import BAD as BAD
from wftui.tui.gpu_trouble import GOOD as GOOD
from wftui.tui.gpu_trouble import QUIET as QUIET
from wftui.tui.gpu_trouble import RANK as RANK
from wftui.tui.gpu_trouble import THROTTLES, trouble_of
from wftui.tui.gpu_trouble import WARN as WARN
from wftui.tui.history import NAN
from wftui.tui.scene import keep
from wftui.tui.state import State, text_of
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_PREFIXES: Final = ("NVIDIA ", "AMD ", "Intel(R) ", "Intel ", "GeForce ", "Radeon ", "Instinct ", "Tesla ")


class Gpu(NamedTuple):
    """One GPU, or one MIG instance, now."""

    uuid: str
    title: str
    """What a person calls it: ``3``, ``3.0`` for its first MIG instance, ``-`` where there is no number."""
    number: int | None
    """As the driver counts; None: lost, or without one."""
    name: str
    """As the driver says."""
    short: str
    """Without the makers' words: ``H200``, ``RTX 4090``, ``1g.10gb``."""
    vendor: str
    bus: str
    parent: str
    """UUID of the card that it is an instance of; empty: it is a card."""
    state: str
    """One of ``model.gpus.STATES``."""
    reason: str
    fix: str
    since_ns: int | None
    """Since when it is in this state."""
    utilization: float
    memory_io: float
    memory_used: float
    memory_total: float
    memory_share: float
    unified: bool
    """Its memory is the system's."""
    temperature: float
    memory_temperature: float
    hot_at: float
    """Temperature at which its clocks are lowered."""
    power: float
    power_limit: float
    clock: float
    clock_limit: float
    performance: str
    throttle: tuple[str, ...]
    """What holds it back now, the worst first, as in ``THROTTLES``; without what is no trouble."""
    throttled_ns: int | None
    processes: float
    energy_source: str
    """``counter``, ``instant``, ``average`` or empty."""
    mig: str
    unavailable: frozenset[str]
    """Fields that it does not have, as in ``collectors/nvml/fields.py``: shown ``n/a``, not ``-``."""
    last_xid: int | None
    xid_ns: int | None
    level: str
    """``GOOD``, ``WARN``, ``BAD`` or ``QUIET``."""
    trouble: str
    """In a word, what ``level`` comes from; empty: nothing to say."""
    trouble_ns: int | None
    """Since when."""

    @property
    def label(self) -> str:
        """Its number; where it stands on the bus while it has none."""
        return self.title if self.title[0] != "-" else f"at {self.bus.lstrip('0:') or self.uuid[:12]}"

    @property
    def speaks(self) -> bool:
        """Whether it has numbers to show."""
        return self.state == OK or self.utilization == self.utilization or self.memory_used == self.memory_used


class Held(NamedTuple):
    """What one process has of all GPUs together."""

    utilization: float | None
    """Sum over the GPUs, 1 = one whole GPU; None: the driver does not tell."""
    memory: float | None
    rows: tuple[Row, ...]
    """Its rows of ``gpu_processes``."""


# ---- all of them


def boxes(state: State) -> tuple[Gpu, ...]:
    """All GPUs, in the order of their numbers, MIG instances after their card; a lost one keeps its place."""
    return keep(state, "gpu boxes", (state.version, state.table_version), lambda: _boxes(state))


def names(state: State) -> dict[str, str]:
    """What a person calls each GPU, by its UUID: ``gpu 3``."""
    found = boxes(state)
    return keep(state, "gpu names", found, lambda: {gpu.uuid: f"gpu {gpu.label}" for gpu in found})


def cards(gpus: Iterable[Gpu]) -> list[Gpu]:
    """Without the MIG instances."""
    return [gpu for gpu in gpus if not gpu.parent]


def summed_power(gpus: Sequence[Gpu]) -> tuple[float, int, int]:
    """Power of all cards that tell it, how many those are, and how many cards there are."""
    those = cards(gpus)
    told = [gpu.power for gpu in those if gpu.power == gpu.power]
    return (sum(told) if told else NAN), len(told), len(those)


def talks(gpu: Gpu) -> bool:
    """Whether it has, or had until something befell it, more to show than its name."""
    return gpu.speaks or gpu.state in (cells.LOST, STUCK, FAILED)


def _boxes(state: State) -> tuple[Gpu, ...]:
    table = state.tables.get(cells.GPUS.name)
    if not table:
        return ()
    now_ns = (state.tick.time_s + 1) * NS_PER_S if state.tick is not None else 0
    whole = [(uuid, row) for uuid, row in table.items() if row[cells.PARENT] not in table]
    # A lost card has no number: it stays where its place on the bus is.
    numbered = [
        (_text(row[cells.BUS]), float(index))
        for _, row in whole
        if (index := _whole(row[cells.INDEX])) is not None
    ]

    def place(row: Row) -> tuple[float, str]:
        index = _whole(row[cells.INDEX])
        if index is not None:
            return float(index), ""
        bus = _text(row[cells.BUS])
        return max((number + 0.5 for other, number in numbered if other < bus), default=-0.5), bus

    found = []
    for uuid, row in sorted(whole, key=lambda item: (*place(item[1]), item[0])):
        index = _whole(row[cells.INDEX])
        title = "-" if index is None else str(index)
        found.append(_gpu(state, uuid, row, title, now_ns))
        parts = [(key, other) for key, other in table.items() if other[cells.PARENT] == uuid]
        parts.sort(key=lambda item: (_number(item[1][cells.INDEX]), item[0]))
        for number, (key, other) in enumerate(parts):
            found.append(_gpu(state, key, other, f"{title}.{number}", now_ns))
    return tuple(found)


@lru_cache(maxsize=256)
def _series(uuid: str) -> tuple[str, ...]:
    """The series of a GPU's numbers, in the order of ``_gpu``."""
    gpu = ("gpu", uuid)
    return (
        text_of("hw.gpu.utilization", gpu),
        text_of("hw.gpu.memory.io.utilization", gpu),
        text_of("hw.gpu.memory.usage", gpu, ("mode", "used")),
        text_of("hw.gpu.memory.limit", gpu),
        text_of("hw.gpu.memory.utilization", gpu),
        text_of("hw.gpu.temperature", gpu, ("sensor", "gpu")),
        text_of("hw.gpu.temperature", gpu, ("sensor", "memory")),
        text_of("hw.gpu.temperature.limit", gpu, ("mode", "slowdown")),
        text_of("hw.gpu.power", gpu),
        text_of("hw.gpu.power.average", gpu),
        text_of("hw.gpu.power.limit", gpu, ("mode", "enforced")),
        text_of("hw.gpu.clock.frequency", gpu, ("mode", "graphics")),
        text_of("hw.gpu.clock.limit", gpu, ("mode", "graphics")),
        text_of("hw.gpu.process.count", gpu),
    )


def _gpu(state: State, uuid: str, row: Row, title: str, now_ns: int) -> Gpu:
    # One and the same NaN: two unchanged GPUs are then equal.
    known = [value if (value := state.newest(text, counter=False)) == value else NAN for text in _series(uuid)]
    (use, io, used, total, share, heat, memory_heat, hot_at, power, average, limit, clock, top, processes) = known
    if share != share and total > 0:
        share = used / total if used == used else NAN
    name = _text(row[cells.NAME])
    reasons = frozenset(_text(row[cells.THROTTLED]).split(","))
    gpu = Gpu(
        uuid,
        title,
        _whole(row[cells.INDEX]),
        name,
        short_name(name) or _text(row[cells.VENDOR]) or "GPU",
        _text(row[cells.VENDOR]),
        _text(row[cells.BUS]),
        _text(row[cells.PARENT]),
        _text(row[cells.STATE]) or OK,
        _text(row[cells.REASON]),
        _text(row[cells.FIX]),
        _whole(row[cells.SINCE]),
        use,
        io,
        used,
        total,
        share,
        row[cells.MEMORY_KIND] == cells.UNIFIED,
        heat,
        memory_heat,
        hot_at,
        power if power == power else average,
        limit,
        clock,
        top,
        _text(row[cells.PERFORMANCE]),
        tuple(reason for reason in THROTTLES if reason in reasons),
        _whole(row[cells.THROTTLED_SINCE]),
        processes,
        _text(row[cells.ENERGY_SOURCE]),
        _text(row[cells.MIG]),
        _words(_text(row[cells.UNAVAILABLE])),
        _whole(row[cells.LAST_XID]),
        _whole(row[cells.LAST_XID_TIME]),
        GOOD,
        "",
        None,
    )
    level, trouble, since = trouble_of(gpu, now_ns)
    return gpu._replace(level=level, trouble=trouble, trouble_ns=since)


def short_name(name: str) -> str:
    """A name without the makers' words."""
    before, found, instance = name.rpartition("MIG ")
    if found and before:
        return instance.strip()
    changed = True
    while changed:
        changed = False
        for prefix in _PREFIXES:
            if name.startswith(prefix) and len(name) > len(prefix):
                name = name[len(prefix) :]
                changed = True
    return name.removesuffix(" Graphics").strip()


# ---- who holds them


def holders(state: State) -> dict[str, Held]:
    """Key of a row in ``processes`` to what that process has of the GPUs; once for each table that comes."""
    return keep(state, "gpu holders", state.table_version, lambda: _holders(state))


def _holders(state: State) -> dict[str, Held]:
    grouped: dict[str, list[Row]] = {}
    for row in state.tables.get(cells.GPU_PROCESSES.name, {}).values():
        pid, start = _whole(row[cells.P_PID]), _whole(row[cells.P_START])
        if pid is not None and start is not None:
            grouped.setdefault(f"{pid}:{start}", []).append(row)
    return {
        key: Held(_sum(rows, cells.P_UTILIZATION), _sum(rows, cells.P_MEMORY), tuple(rows))
        for key, rows in grouped.items()
    }


def held_by(state: State, uuid: str) -> list[Row]:
    """Rows of ``gpu_processes`` of one GPU, most memory first; those of its instances with it."""
    rows = [
        row
        for row in state.tables.get(cells.GPU_PROCESSES.name, {}).values()
        if row[cells.P_UUID] == uuid or row[cells.P_INSTANCE] == uuid
    ]
    return sorted(rows, key=lambda row: (-_number(row[cells.P_MEMORY]), _number(row[cells.P_PID])))


def _sum(rows: Sequence[Row], place: int) -> float | None:
    known = [float(value) for row in rows if isinstance(value := row[place], int | float)]
    return sum(known) if known else None


# ---- cells


def _text(value: Cell) -> str:
    return value if isinstance(value, str) else ""


@lru_cache(maxsize=64)
def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split(",")) - {""}


def _whole(value: Cell) -> int | None:
    return int(value) if isinstance(value, int | float) and value == value else None


def _number(value: Cell) -> float:
    return float(value) if isinstance(value, int | float) and value == value else 0.0
