"""Processes that use more or less in a window than in the two minutes before it."""

import math
from collections.abc import Iterable
from typing import Final, NamedTuple

from wftui.clock import NS_PER_S
from wftui.model import gpus
from wftui.model import processes as cells
from wftui.model.table import Cell, Row, TableChange, TableSchema
from wftui.model.why import ENDED, FELL, ROSE, STARTED, Process
from wftui.store.archive import Archive

BEFORE_S: Final = 120
_TOLD: Final = 8
_SPARE_S: Final = 5
"""The last scan may be so old at the end of the window."""


class Aspect(NamedTuple):
    """A number of a process that is looked at."""

    name: str
    unit: str
    column: str
    least: float
    """A smaller step is not told."""


_HOST: Final = (
    Aspect("cpu", "1", "process.cpu.utilization", 0.25),
    Aspect("memory", "By", "process.memory.usage", 256 * 1024.0**2),
    Aspect("disk", "By/s", "process.disk.read", 10e6),
    Aspect("disk", "By/s", "process.disk.write", 10e6),
)
_GPU: Final = (
    Aspect("gpu", "1", "process.gpu.utilization", 0.2),
    Aspect("gpu memory", "By", "process.gpu.memory.usage", 512 * 1024.0**2),
)
Changes = Iterable[tuple[TableSchema, TableChange]]


def processes(archive: Archive, from_s: int, until_s: int) -> list[Process]:
    """The most telling first."""
    span = (from_s - BEFORE_S) * NS_PER_S, until_s * NS_PER_S
    found = [
        *_judge(archive.changes(cells.PROCESSES.name, *span), _HOST, from_s, span),
        *_judge(archive.changes(gpus.GPU_PROCESSES.name, *span), _GPU, from_s, span),
    ]
    found.sort(key=lambda item: -item.score)
    return found[:_TOLD]


class _Track:
    """One process: what it used before, and the farthest from it since."""

    def __init__(self, born_ns: int, row: Row) -> None:
        self.born_ns = born_ns
        self.gone_ns: int | None = None
        self.row = row
        self.steps: list[tuple[int, Row]] = []


def _judge(changes: Changes, aspects: tuple[Aspect, ...], from_s: int, span: tuple[int, int]) -> list[Process]:
    tracks: dict[str, _Track] = {}
    schema: TableSchema | None = None
    first_ns = last_ns = 0
    for schema, change in changes:  # noqa: B007  the last schema counts
        at_ns = max(change.time_ns, span[0])
        first_ns, last_ns = first_ns or at_ns, at_ns
        if change.keyframe:
            for key, track in tracks.items():
                if key not in change.rows and track.gone_ns is None:
                    track.gone_ns = at_ns
        for key, row in change.rows.items():
            known = tracks.get(key)
            if known is None:
                known = tracks[key] = _Track(at_ns, row)
            known.row, known.gone_ns = row, None
            known.steps.append((at_ns, row))
        for key in change.gone:
            if key in tracks:
                tracks[key].gone_ns = at_ns
    if schema is None:
        return []
    names = [item.name for item in schema.columns]
    places = [(aspect, names.index(aspect.column)) for aspect in aspects if aspect.column in names]
    frame = _Frame(from_s * NS_PER_S, span[0], min(span[1], last_ns + _SPARE_S * NS_PER_S), first_ns)
    found: list[Process] = []
    for key, track in tracks.items():
        best: Process | None = None
        for aspect, place in places:
            item = _step(key, track, aspect, place, frame, names)
            if item is not None and (best is None or item.score > best.score):
                best = item
        if best is not None:
            found.append(best)
    return found


class _Frame(NamedTuple):
    from_ns: int
    since_ns: int
    until_ns: int
    first_ns: int
    """Of the first that is known at all."""


def _number(cell: Cell) -> float:
    return float(cell) if isinstance(cell, int | float) else math.nan


def _step(key: str, track: _Track, aspect: Aspect, place: int, frame: _Frame, names: list[str]) -> Process | None:
    before, most, least = _level(track, place, frame)
    started, ended = track.born_ns > frame.first_ns, track.gone_ns is not None and track.gone_ns >= frame.from_ns
    if started and track.born_ns >= frame.from_ns:
        before, most, least = 0.0, 0.0, 0.0
    if before != before:
        return None
    at_ns, after = frame.from_ns, before
    for when_ns, row in track.steps:
        value = _number(row[place])
        if when_ns >= frame.from_ns and value == value and abs(value - before) > abs(after - before):
            at_ns, after = when_ns, value
    kind = ROSE if after > before else FELL
    if kind == FELL and ended and track.gone_ns is not None:
        after = before
    if ended and abs(after - before) < aspect.least and track.gone_ns is not None:
        at_ns, after, kind = track.gone_ns, 0.0, ENDED
    step = abs(after - before)
    # It did as much in the two minutes before: it always does.
    if step < aspect.least or (kind == ROSE and after <= most * 1.3) or (kind == FELL and after >= least * 0.7):
        return None
    if started and kind == ROSE and track.born_ns >= frame.from_ns - 30 * NS_PER_S:
        kind, at_ns = STARTED, max(track.born_ns, min(at_ns, track.born_ns + 10 * NS_PER_S))
    name = names.index("process.name")
    pid = names.index("process.pid")
    return Process(
        key,
        int(_number(track.row[pid])) if track.row[pid] is not None else 0,
        str(track.row[name] or ""),
        kind,
        aspect.name,
        aspect.unit,
        before,
        after,
        at_ns // NS_PER_S,
        step / aspect.least,
        str(track.row[0]) if names[0] == "gpu.uuid" else "",
    )


def _level(track: _Track, place: int, frame: _Frame) -> tuple[float, float, float]:
    """Mean over time, most and least of the time before; NaN: not known."""
    total = weight = 0.0
    most, least = -math.inf, math.inf
    steps = [(at_ns, _number(row[place])) for at_ns, row in track.steps if at_ns < frame.from_ns]
    ends = [*(at_ns for at_ns, _ in steps[1:]), frame.from_ns][: len(steps)]
    for (at_ns, value), end_ns in zip(steps, ends, strict=True):
        if value == value:
            total += value * (end_ns - at_ns)
            weight += end_ns - at_ns
            most, least = max(most, value), min(least, value)
    return (total / weight, most, least) if weight else (math.nan, math.nan, math.nan)
