"""Answers to questions about the past, in a thread of their own: a long one never delays a tick."""

import math
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Final

from wftui import clock
from wftui.clock import NS_PER_S
from wftui.errors import ProtocolError, StoreError
from wftui.model.sample import Column
from wftui.model.series import matches
from wftui.model.table import keyframe
from wftui.model.tick import pack
from wftui.recorder.keeper import Keeper
from wftui.store.read import Reader
from wftui.windows.buckets import Bucket, Buckets
from wftui.wire import messages as m

DEADLINE_S: Final = 4.0
MAX_POINTS: Final = 10_000
MAX_CELLS: Final = 250_000
"""Series times points of one answer: three float64 arrays of that many cells fit a frame."""
_CHECK: Final = 512

Ask = Callable[[Reader], m.Message]


class TooLargeError(ProtocolError):
    """The answer would be too large or take too long; the asker narrows the question."""


class Answers:
    """A thread with a reader of its own, opened on the first question.

    A journal in memory has one connection only: then the questions are jobs of the thread that owns it.
    """

    def __init__(self, open_reader: Callable[[], Reader], keeper: Keeper | None) -> None:
        """``keeper``: owner of a journal in memory; None: the journal is a file."""
        self._open_reader = open_reader
        self._keeper = keeper
        self._queue: SimpleQueue[tuple[Ask, Future[m.Message]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._stale = False

    def renew(self) -> None:
        """The journal was renamed aside: read the new one from the next question on."""
        self._stale = True

    def submit(self, ask: Ask) -> "Future[m.Message]":
        """Answer a question; the future carries the reply or the error."""
        future: Future[m.Message] = Future()
        if self._keeper is not None:
            self._keeper.put(lambda journal: _settle(future, ask, Reader(journal.reader())))
            return future
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="wftop-answers", daemon=True)
            self._thread.start()
        self._queue.put((ask, future))
        return future

    def stop(self) -> None:
        """End after the question under way; does not wait."""
        self._queue.put(None)

    def _run(self) -> None:
        reader: Reader | None = None
        while (item := self._queue.get()) is not None:
            ask, future = item
            if reader is not None and self._stale:
                reader.close()
                reader = None
            self._stale = False
            try:
                if reader is None:
                    reader = self._open_reader()
            except StoreError as error:
                if future.set_running_or_notify_cancel():
                    future.set_exception(error)
                continue
            if not _settle(future, ask, reader):
                # The file may have been renamed aside meanwhile: look again next time.
                reader.close()
                reader = None
        if reader is not None:
            reader.close()


def _settle(future: "Future[m.Message]", ask: Ask, reader: Reader) -> bool:
    """Answer into the future; False when the store failed."""
    if not future.set_running_or_notify_cancel():
        return True  # the asker has gone
    try:
        future.set_result(ask(reader))
    except OverflowError as error:
        future.set_exception(ProtocolError(f"the question holds a number out of range: {error}"))
    except Exception as error:  # noqa: BLE001  it belongs to the asker, who gets it through the future
        future.set_exception(error)
        return not isinstance(error, StoreError)
    return True


def answer_range(reader: Reader, question: m.Range) -> m.RangeReply:
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
    for number, tick in enumerate(reader.ticks(start_s - 1, end_s)):
        if number % _CHECK == 0 and clock.perf_ns() > deadline:
            raise TooLargeError(f"range: not done within {DEADLINE_S:g} s; ask for less time or fewer series")
        if tick.layout not in places:
            places[tick.layout] = _wanted(reader, tick.layout, question.selectors, columns)
            if len(columns) * points > MAX_CELLS:
                raise TooLargeError(
                    f"range: {len(columns)} series x {points} points, at most {MAX_CELLS} together; name fewer"
                )
        buckets.add(tick, *places[tick.layout])
    empty = Bucket(points)
    found = []
    for text, column in columns.items():
        bucket = buckets.series.get(text, empty)
        found.append(m.RangeSeries(column, pack(bucket.minimum), pack(bucket.mean()), pack(bucket.maximum)))
    return m.RangeReply(buckets.start_ns, buckets.step_ns, points, buckets.counts, found)


def _wanted(
    reader: Reader, layout: int, selectors: list[str], columns: dict[str, Column]
) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    gauges: list[tuple[str, int]] = []
    counters: list[tuple[str, int]] = []
    for place, column in enumerate(reader.layout(layout).columns):
        if any(matches(selector, column.series) for selector in selectors):
            columns[column.series.text] = column
            (counters if column.kind == "counter" else gauges).append((column.series.text, place))
    return gauges, counters


def answer_at(reader: Reader, question: m.At) -> m.AtReply:
    """The state at one moment."""
    second = question.time_ns // NS_PER_S
    tick = reader.at(second)
    tables = []
    for schema in reader.tables():
        found = reader.table_at(schema.name, question.time_ns)
        if found is not None:
            snapshot = keyframe(found.schema, found.time_ns, found.rows)
            tables.append(m.TableArrived(snapshot, found.schema))
    if tick is None:
        before, after = reader.neighbours(second)
        return m.AtReply(None, None, tables, before, after)
    layout = reader.layout(tick.layout)
    return m.AtReply(
        m.TickArrived(tick.seq, tick.time_s, tick.boottime_ns, tick.boot, tick.layout, tick.values),
        m.LayoutChanged(layout.id, list(layout.columns)),
        tables,
    )


def answer_events(reader: Reader, question: m.Events) -> m.EventsReply:
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


def answer_tables(reader: Reader, question: m.Tables) -> m.TablesReply:
    """Changes of one table.

    Raises:
        TooLargeError: More rows than one frame holds, or the deadline passed.
    """
    deadline = clock.perf_ns() + int(DEADLINE_S * 1e9)
    schema = None
    changes = []
    rows = 0
    for schema, change in reader.changes(question.name, question.since_ns, question.until_ns):  # noqa: B007  the last schema counts
        changes.append(change)
        rows += len(change.rows)
        if rows > 30_000 or clock.perf_ns() > deadline:
            raise TooLargeError(f"tables: {rows} rows of {question.name} already; ask for less time")
    return m.TablesReply(schema, changes)
