"""The GPUs of one moment as calm text: a line each, and below it what is wrong with what mends it."""

from typing import Final, NamedTuple

from wftui.model import gpus as cells
from wftui.model import health
from wftui.model.table import Row
from wftui.render import text
from wftui.render.columns import aligned
from wftui.render.digest import moment
from wftui.render.report import Section, State
from wftui.text import clean, cut_middle
from wftui.units import NS_PER_S

_NAME: Final = 20
"""With it a line has 80 cells."""


class Gpu(NamedTuple):
    """One GPU, or one MIG instance; what is not known is None."""

    uuid: str
    number: int | None
    name: str
    parent: str
    """UUID of the card; empty: it is one."""
    state: str
    reason: str
    fix: str
    utilization: float | None
    memory: float | None
    """By, used."""
    memory_limit: float | None
    memory_kind: str
    temperature: float | None
    power: float | None
    power_limit: float | None
    throttle: tuple[str, ...]
    """Reasons that hold its clocks back, without the harmless ones."""
    processes: int | None
    energy_source: str


def gpus(state: State) -> list[Gpu]:
    """Every GPU in the order of its number, instances behind their card."""
    table = state.tables.get(cells.GPUS.name)
    rows = list(table[1].values()) if table is not None else []
    return sorted((_gpu(state, row) for row in rows), key=_order)


def _order(item: Gpu) -> tuple[bool, int, str, bool, str]:
    return item.number is None, item.number or 0, item.parent or item.uuid, bool(item.parent), item.uuid


def _gpu(state: State, row: Row) -> Gpu:
    uuid, number = str(row[cells.UUID]), row[cells.INDEX]

    def value(metric: str, **labels: str) -> float | None:
        return state.value(f"hw.gpu.{metric}", gpu=uuid, **labels)

    power = value("power")
    processes = value("process.count")
    return Gpu(
        uuid=uuid,
        number=int(number) if isinstance(number, int | float) else None,
        name=str(row[cells.NAME] or ""),
        parent=str(row[cells.PARENT] or ""),
        state=str(row[cells.STATE] or ""),
        reason=str(row[cells.REASON] or ""),
        fix=str(row[cells.FIX] or ""),
        utilization=value("utilization"),
        memory=value("memory.usage", mode="used"),
        memory_limit=value("memory.limit"),
        memory_kind=str(row[cells.MEMORY_KIND] or ""),
        temperature=value("temperature", sensor="gpu"),
        power=value("power.average") if power is None else power,
        power_limit=value("power.limit", mode="enforced"),
        throttle=tuple(sorted(set(str(row[cells.THROTTLED] or "").split(",")) - cells.HARMLESS - {""})),
        processes=None if processes is None else int(processes),
        energy_source=str(row[cells.ENERGY_SOURCE] or ""),
    )


def now(state: State) -> list[Section]:
    """The table, and the word on those that are not well."""
    found = gpus(state)
    said = "" if state.recorder is not None else ", by a look of our own: no recorder runs"
    title = f"GPUs, {moment(state.time_ns / NS_PER_S)}{said}"
    if not found:
        return [Section(title, [f"- {state.why('gpu', 'gpu.sysfs', 'gpu.presence')}"])]
    heads = ("", "name", "state", "busy", "memory", "temp", "power", "procs")
    lines = aligned(heads, [_cells(item) for item in found], (1, 2))
    for item in found:
        called = f"GPU {item.uuid if item.number is None else item.number}"
        if item.reason or item.fix:
            fix = f"; fix: {clean(item.fix)}" if item.fix else ""
            lines.append(f"{called} {clean(item.state)}: {clean(item.reason)}{fix}")
        if item.throttle:
            lines.append(
                f"{called} is held back: {', '.join(cells.REASONS.get(one, one) for one in item.throttle)}"
            )
    return [Section(title, lines)]


def _number(item: Gpu) -> str:
    return text.UNKNOWN if item.number is None else str(item.number)


def _cells(item: Gpu) -> tuple[str, ...]:
    there = item.state in (health.OK, health.UNSUPPORTED)
    memory = text.UNKNOWN
    if item.memory is not None:
        memory = text.size(item.memory).strip()
        if item.memory_limit is not None:
            memory = text.share(item.memory, item.memory_limit).strip()
        if item.memory_kind == cells.UNIFIED:
            memory += " (system's)"
    name = clean(item.name).removeprefix("NVIDIA ") or item.uuid
    return (
        _number(item) if not item.parent else "",
        cut_middle(f"- {name}" if item.parent else name, _NAME),
        clean(item.state) or text.UNKNOWN,
        text.percent(item.utilization).strip() if there else "",
        memory if there else "",
        text.celsius(item.temperature).strip() if there else "",
        _watts(item) if there else "",
        "" if item.processes is None else str(item.processes),
    )


def _watts(item: Gpu) -> str:
    if item.power is None:
        return text.UNKNOWN
    limit = "" if item.power_limit is None else f"/{item.power_limit:.0f}"
    return f"{item.power:.0f}{limit} W"
