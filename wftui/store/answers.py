"""Answers to questions about the past: pure functions over whatever can read ticks, tables and events.

The recorder asks them of its journal, the history service of journal and segments together, replay of a bundle.
"""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby, islice
from typing import Final, Protocol, TypeVar

from wftui import clock
from wftui.clock import NS_PER_S
from wftui.errors import ProtocolError
from wftui.model.event import Event
from wftui.model.sample import Column
from wftui.model.series import matches
from wftui.model.table import Row, TableChange, TableSchema, keyframe
from wftui.model.tick import Layout, Tick, pack
from wftui.windows.buckets import Bucket, Buckets
from wftui.wire import messages as m

DEADLINE_S: Final = 4.0
MAX_POINTS: Final = 10_000
MAX_CELLS: Final = 250_000
"""Series times points of one answer: three float64 arrays of that many cells fit a frame."""
MAX_ROWS: Final = 30_000
"""Rows of tables in one answer."""
_CHECK: Final = 512
"""Ticks that are counted at once, at most; the deadline is looked at between."""
_BLOCK: Final = 1_000_000
"""Bytes of them."""
_NEXT_NS: Final = 1_500_000_000
"""Two ticks further apart than this (CLOCK_BOOTTIME) have a gap between them."""
_T = TypeVar("_T")


class TooLargeError(ProtocolError):
    """The answer would be too large or take too long; the asker narrows the question."""


class TableState(Protocol):
    """Rows of one table at a moment."""

    schema: TableSchema
    time_ns: int
    rows: dict[str, Row]


class Source(Protocol):
    """What can be asked: a journal (``store.read.Reader``), or journal and segments together."""

    def bounds(self) -> tuple[int, int] | None:
        """First and last UTC second with a tick; None: there is none."""
        ...

    def layout(self, number: int) -> Layout:
        """A layout by its id."""
        ...

    def columns(self) -> list[Column]:
        """Every series that is stored; of equal ones the newest comes last."""
        ...

    def ticks(self, since_s: int, until_s: int) -> Iterator[Tick]:
        """Ticks of the seconds [since, until), in the order in which they were made."""
        ...

    def sequence(self, first_seq: int, last_seq: int) -> Iterator[Tick]:
        """Ticks by their order, both ends included."""
        ...

    def at(self, time_s: int) -> Tick | None:
        """The last tick that covers a UTC second; None in a gap."""
        ...

    def neighbours(self, time_s: int) -> tuple[int | None, int | None]:
        """The nearest seconds with a tick, before and after."""
        ...

    def tables(self) -> list[TableSchema]:
        """Schemas of the tables that were ever stored, the newest of each name."""
        ...

    def table_of(self, name: str, seq: int) -> TableState | None:
        """Rows of a table in one tick; None: there was no table."""
        ...

    def changes(self, name: str, since_ns: int, until_ns: int) -> Iterator[tuple[TableSchema, TableChange]]:
        """Changes of a table over [since, until), the whole table before it first."""
        ...

    def events(
        self,
        after_seq: int = 0,
        since_ns: int | None = None,
        until_ns: int | None = None,
        types: list[str] | None = None,
        limit: int = 1000,
        newest: bool = False,
    ) -> tuple[list[Event], bool]:
        """Events in ascending order of seq, and whether there are more than ``limit``."""
        ...


@contextmanager
def _let_go(read: Iterator[_T]) -> Iterator[Iterator[_T]]:
    """What is read, ended in any case: an error keeps whatever its frames hold, here a journal's snapshot, with
    which the reader would see nothing of what is recorded after it, and the journal's WAL would only grow."""
    try:
        yield read
    finally:
        close = getattr(read, "close", None)
        if close is not None:
            close()


def answer_range(reader: Source, question: m.Range) -> m.RangeReply:
    """min/mean/max per bucket.

    Raises:
        TooLargeError: Too many cells, or the deadline passed.
        ProtocolError: The question makes no sense.
    """
    if question.until_ns <= question.since_ns or not 1 <= question.points <= MAX_POINTS:
        raise ProtocolError(f"range: expected since < until and 1 to {MAX_POINTS} points")
    deadline = clock.perf_ns() + int(DEADLINE_S * 1e9)
    # Buckets are whole seconds: a tick covers one, and half of one is nobody's.
    step_s = max(1, math.ceil((question.until_ns - question.since_ns) / NS_PER_S / question.points))
    start_s = question.since_ns // NS_PER_S
    end_s = -(-question.until_ns // NS_PER_S)
    points = min(question.points, -(-(end_s - start_s) // step_s))
    buckets = Buckets(start_s * NS_PER_S, step_s * NS_PER_S, points)
    columns: dict[str, Column] = {}
    places: dict[int, tuple[list[tuple[str, int]], list[tuple[str, int]]]] = {}
    with _let_go(reader.ticks(start_s - 1, end_s)) as read:
        for (layout, size), group in groupby(read, lambda tick: (tick.layout, len(tick.values))):
            if layout not in places:
                places[layout] = _wanted(reader, layout, question.selectors, columns)
                if len(columns) * points > MAX_CELLS:
                    raise TooLargeError(
                        f"range: {len(columns)} series x {points} points, at most {MAX_CELLS} together; name fewer"
                    )
            rows = max(16, min(_CHECK, _BLOCK // max(1, size)))
            while block := list(islice(group, rows)):
                if clock.perf_ns() > deadline:
                    raise TooLargeError(
                        f"range: not done within {DEADLINE_S:g} s; ask for less time or fewer series"
                    )
                if size == 8 * len(reader.layout(layout).columns):
                    buckets.add_all(block, *places[layout])
    empty = Bucket(points)
    found = []
    for text, column in columns.items():
        bucket = buckets.series.get(text, empty)
        low = pack(bucket.minimum)
        found.append(
            m.RangeSeries(column, low, low, low)
            if bucket.single
            else m.RangeSeries(column, low, pack(bucket.mean()), pack(bucket.maximum))
        )
    return m.RangeReply(buckets.start_ns, buckets.step_ns, points, buckets.counts, found)


def _wanted(
    reader: Source, layout: int, selectors: list[str], columns: dict[str, Column]
) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    gauges: list[tuple[str, int]] = []
    counters: list[tuple[str, int]] = []
    everything = "*" in selectors
    for place, column in enumerate(reader.layout(layout).columns):
        if everything or any(matches(selector, column.series) for selector in selectors):
            columns[column.series.text] = column
            (counters if column.kind == "counter" else gauges).append((column.series.text, place))
    return gauges, counters


def answer_at(reader: Source, question: m.At) -> m.AtReply:
    """The state at one moment."""
    second = question.time_ns // NS_PER_S
    if question.seq is None:
        tick = reader.at(second)
    else:
        tick = next(iter(list(reader.sequence(question.seq, question.seq))), None)
    if tick is None:
        before, after = reader.neighbours(second)
        return m.AtReply(None, None, [], before, after)
    tables = []
    for schema in reader.tables():
        found = reader.table_of(schema.name, tick.seq)
        if found is not None:
            snapshot = keyframe(found.schema, found.time_ns, found.rows)
            tables.append(m.TableArrived(snapshot, found.schema))
    layout = reader.layout(tick.layout)
    return m.AtReply(
        _told(tick),
        m.LayoutChanged(layout.id, list(layout.columns)),
        tables,
        before=_before(reader, tick),
    )


def _before(reader: Source, tick: Tick) -> m.TickArrived | None:
    for other in reader.sequence(tick.seq - 1, tick.seq - 1):
        apart_ns = tick.boottime_ns - other.boottime_ns
        if other.boot == tick.boot and other.layout == tick.layout and 0 < apart_ns <= _NEXT_NS:
            return _told(other)
    return None


def _told(tick: Tick) -> m.TickArrived:
    return m.TickArrived(tick.seq, tick.time_s, tick.boottime_ns, tick.boot, tick.layout, tick.values)


def answer_events(reader: Source, question: m.Events) -> m.EventsReply:
    """Events in order."""
    found, more = reader.events(
        question.after_seq,
        question.since_ns,
        question.until_ns,
        question.types,
        max(1, min(question.limit, 10_000)),
        question.newest,
    )
    return m.EventsReply(found, more)


def answer_tables(reader: Source, question: m.Tables) -> m.TablesReply:
    """Changes of one table.

    Raises:
        TooLargeError: More rows than one frame holds, or the deadline passed.
    """
    deadline = clock.perf_ns() + int(DEADLINE_S * 1e9)
    schema = None
    changes = []
    rows = 0
    with _let_go(reader.changes(question.name, question.since_ns, question.until_ns)) as read:
        for schema, change in read:  # noqa: B007  the last schema counts
            kept = _only(change, question.keys) if question.keys else change
            changes.append(kept)
            rows += len(kept.rows)
            if rows > MAX_ROWS or clock.perf_ns() > deadline:
                raise TooLargeError(f"tables: {rows} rows of {question.name} already; ask for less time")
    return m.TablesReply(schema, changes)


def _only(change: TableChange, keys: list[str]) -> TableChange:
    """What a change says of some rows."""
    rows = {key: row for key in keys if (row := change.rows.get(key)) is not None}
    gone = [key for key in change.gone if key in keys]
    return TableChange(change.name, change.time_ns, change.keyframe, rows, gone)


def answer_catalogue(reader: Source) -> m.CatalogueReply:
    """What there is to ask for."""
    bounds = reader.bounds()
    first_ns, last_ns = (bounds[0] * NS_PER_S, (bounds[1] + 1) * NS_PER_S) if bounds else (None, None)
    return m.CatalogueReply(distinct(reader.columns()), reader.tables(), first_ns, last_ns)


def distinct(columns: Iterable[Column]) -> list[Column]:
    """The last column of each series, ascending by text."""
    newest = {item.series.text: item for item in columns}
    return [newest[text] for text in sorted(newest)]
