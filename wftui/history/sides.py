"""One side of a comparison, out of an archive: statistics of its series, its events, programs and gaps."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from wftui import clock
from wftui.bundle.format import Facts, Manifest
from wftui.bundle.sides import Label, Side, Usage
from wftui.clock import NS_PER_S
from wftui.history import compare
from wftui.history.deviation import wanted
from wftui.model import gpus, processes, servers
from wftui.model.table import Cell, Row, TableChange, TableSchema
from wftui.store.archive import Archive
from wftui.store.gaps import gaps, reason

_EVENTS: Final = 100_000
_STILL_NS: Final = 90 * NS_PER_S
"""A row says nothing of what is longer ago: a keyframe comes each minute."""
_NOT_COMPARED: Final = frozenset({"system.uptime"})
"""It grows whatever happens."""


class Asked(NamedTuple):
    """What is compared of a recording."""

    name: str
    since_s: int
    until_s: int
    selectors: list[str]
    """Empty: everything but wftop's own series, and statistics that say nothing more."""


def side(
    archive: Archive, asked: Asked, recording: str, facts: Facts, manifest: Manifest | None, deadline_s: float
) -> Side:
    """All that is compared of the seconds [since, until).

    Args:
        archive: The own recording, or a bundle that was opened.
        asked: What of it.
        recording: See ``Side.recording``.
        facts: What else is known of that time.
        manifest: Of a bundle.
        deadline_s: For the statistics.

    Raises:
        TooLargeError: Too many series, or the deadline passed.
        StoreError: The store cannot be read.
    """
    since_ns, until_ns = asked.since_s * NS_PER_S, asked.until_s * NS_PER_S
    missing, recorded_s = gaps(archive, asked.since_s, asked.until_s)
    deadline_ns = clock.perf_ns() + int(deadline_s * NS_PER_S)
    told = compare.told(archive, asked.selectors or ["*"], since_ns, until_ns, deadline_ns)
    columns = {
        text: column
        for text, column in told.columns.items()
        if asked.selectors or (wanted(column) and column.series.name not in _NOT_COMPARED)
    }
    events, _ = archive.events(since_ns=since_ns, until_ns=until_ns, limit=_EVENTS)
    fired = (str(item.payload.get("rule") or item.aggregate_id) for item in events if item.type == "alert.fired")
    return Side(
        name=asked.name,
        recording=recording,
        since_s=asked.since_s,
        until_s=asked.until_s,
        recorded_s=recorded_s,
        gaps=[(item, reason(item, events)) for item in missing],
        level_s=told.level_s,
        columns=columns,
        stats={text: item for text, item in told.stats.items() if text in columns},
        variances=told.variances,
        events=Counter(item.type for item in events),
        alerts=Counter(fired),
        programs=_programs(archive, since_ns, until_ns),
        clues=_clues(archive, told, until_ns),
        facts=facts,
        manifest=manifest,
    )


# ---- programs


def _programs(archive: Archive, since_ns: int, until_ns: int) -> dict[str, Usage]:
    """By name of the processes, over the time in which their table was written."""
    span = since_ns, until_ns
    host = _Sums(("process.cpu.utilization", "process.memory.usage", "process.disk.read", "process.disk.write"))
    host.add(archive.changes(processes.PROCESSES.name, *span), span)
    cards = _Sums(("process.gpu.utilization", "process.gpu.memory.usage"))
    cards.add(archive.changes(gpus.GPU_PROCESSES.name, *span), span)
    found = {}
    for name in host.names | cards.names:
        cpu, memory, read, written = host.means(name)
        gpu, gpu_memory = cards.means(name)
        disk = written if read != read else read if written != written else read + written
        found[name] = Usage(cpu, memory, disk, gpu, gpu_memory)
    return found


class _Sums:
    """Numbers of a table times how long they held, by name of the process."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.names: set[str] = set()
        self._columns = columns
        self._sums: dict[str, list[float]] = {}
        self._known: dict[str, list[bool]] = {}
        self._rows: dict[str, tuple[str, list[Cell], int]] = {}
        """Key of a row to its name, its numbers and since when it has them (ns)."""
        self._total_ns = 0

    def add(self, changes: Iterable[tuple[TableSchema, TableChange]], span: tuple[int, int]) -> None:
        """Rows of a table as they changed."""
        at_ns: int | None = None
        for schema, change in changes:
            now_ns = min(max(change.time_ns, span[0]), span[1])
            self._pass(at_ns, now_ns)
            for key in list(self._rows) if change.keyframe else change.gone:
                self._end(key, now_ns)
            name_at, *places = (_place(schema, item) for item in ("process.name", *self._columns))
            for key, row in change.rows.items():
                self._end(key, now_ns)
                name = "" if name_at is None else str(row[name_at] or "")
                if name:
                    self._rows[key] = name, [None if place is None else row[place] for place in places], now_ns
            at_ns = now_ns
        self._pass(at_ns, span[1])
        for key in list(self._rows):
            self._end(key, span[1])

    def _pass(self, at_ns: int | None, now_ns: int) -> None:
        if at_ns is not None:
            self._total_ns += min(max(0, now_ns - at_ns), _STILL_NS)

    def _end(self, key: str, now_ns: int) -> None:
        name, cells, since_ns = self._rows.pop(key, ("", [], 0))
        if not name:
            return
        held_ns = min(max(0, now_ns - since_ns), _STILL_NS)
        self.names.add(name)
        sums = self._sums.setdefault(name, [0.0] * len(self._columns))
        known = self._known.setdefault(name, [False] * len(self._columns))
        for place, cell in enumerate(cells):
            if isinstance(cell, int | float) and math.isfinite(cell):
                sums[place] += float(cell) * held_ns
                known[place] = True

    def means(self, name: str) -> list[float]:
        """In the order of the columns; NaN: never known."""
        if name not in self.names or not self._total_ns:
            return [math.nan] * len(self._columns)
        pairs = zip(self._sums[name], self._known[name], strict=True)
        return [total / self._total_ns if known else math.nan for total, known in pairs]


def _place(schema: TableSchema, name: str) -> int | None:
    return next((place for place, item in enumerate(schema.columns) if item.name == name), None)


# ---- which thing is which


def _clues(archive: Archive, told: compare.Told, until_ns: int) -> dict[Label, str]:
    """Numbers of GPUs, kinds of model servers, which server a model is the only one of, sizes of file systems."""
    found: dict[Label, str] = {}
    for name, key, of, says in (
        (gpus.GPUS.name, "gpu", "gpu.uuid", "gpu.index"),
        (servers.SERVERS.name, "server", "server.endpoint", "server.kind"),
    ):
        for schema, row in _last(archive, name, until_ns):
            value, clue = _place(schema, of), _place(schema, says)
            if value is not None and clue is not None and row[value] and row[clue] is not None:
                cell = row[clue]
                found[key, str(row[value])] = f"{cell:g}" if isinstance(cell, int | float) else str(cell)
    models: dict[str, set[str]] = {}
    for text, column in told.columns.items():
        item = column.series
        if item.name == "system.filesystem.limit" and text in told.stats:
            found["mount", item.label("mount")] = f"{told.stats[text].mean:.0f}"
        if item.label("server") and item.label("model"):
            models.setdefault(item.label("server"), set()).add(item.label("model"))
    for server, names in models.items():
        if len(names) == 1 and (kind := found.get(("server", server))):
            found["model", next(iter(names))] = f"of {kind}"
    return found


def _last(archive: Archive, name: str, until_ns: int) -> Iterator[tuple[TableSchema, Row]]:
    """Rows of a table at the end of the range, or where the recording ends before."""
    before, _ = archive.neighbours(until_ns // NS_PER_S)
    at = None if before is None else archive.table_at(name, before * NS_PER_S)
    if at is not None:
        for row in at.rows.values():
            yield at.schema, row
