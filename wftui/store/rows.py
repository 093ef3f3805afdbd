"""Ticks to rows: series under one set of columns over changing layouts, counters as rates, steps.

Rows stay in the order in which the ticks were made, so both passes of a repeated hour come one after the other.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby, islice
from operator import sub
from typing import Final, NamedTuple, Protocol, TypeAlias

from wftui import names
from wftui.model.sample import Column
from wftui.model.series import select
from wftui.model.tick import Layout, Tick, unpack
from wftui.store.read import GAP_NS, Span

NAN: Final = float("nan")
RATE: Final = "rate"
"""Kind of an exported counter that was made a rate per second."""

_WORST: Final = frozenset({"max", "p50", "p95", "p99"})
_SUMMED: Final = frozenset({"count", "sum"})
_STEP_ROWS: Final = 300
_HUGE: Final = 1e200  # a difference beyond this is no counter's, and overflows below

Values: TypeAlias = "array[float]"


class Batch(NamedTuple):
    """Consecutive rows of an export, by column."""

    seq: list[int]
    """Of each row's tick; with steps, of the first tick in it."""
    time_s: list[int]
    """UTC; with steps, where the step begins."""
    columns: list[Values]
    """float64 of shape (rows,), one per field, NaN = no value."""


class Field(NamedTuple):
    """One column of an export."""

    column: Column
    unit: str
    kind: str
    """``gauge``, ``counter``, ``distribution`` or ``rate``."""


class Ticks(Protocol):
    """Where rows come from: a journal's ``Reader``, or an ``Archive``."""

    damaged: int

    def layout(self, number: int) -> Layout:
        """A layout by its id."""
        ...

    def sequence(self, first_seq: int, last_seq: int) -> Iterator[Tick]:
        """Ticks by their order, both ends included."""
        ...


class Batches(Protocol):
    """Rows in order."""

    def batches(self, size: int) -> Iterator[Batch]:
        """At most ``size`` at once; each call is a new pass."""
        ...


class Rows:
    """The rows of a span of ticks; by column, as arrays: 1.4 M values pass in 60 ms."""

    def __init__(
        self, reader: Ticks, span: Span, since_s: int, until_s: int, patterns: Sequence[str] = (), *,
        step_s: int = 1, raw: bool = False, more: Iterable[Column] = (),
    ) -> None:  # fmt: skip
        """Fix the columns: every series that the span's layouts have and a pattern names, sorted by text.

        Args:
            reader: Where the ticks come from.
            span: ``reader.span(since_s, until_s)``.
            since_s: UTC second.
            until_s: UTC second after the last one.
            patterns: As ``series.matches`` takes them; none means all.
            step_s: Seconds of one row; 1 = a row per tick.
            raw: Counters as they are, cumulative.
            more: Series that have a column besides, when a pattern names them.
        """
        self._reader, self._span, self._range = reader, span, range(since_s, until_s)
        self._patterns, self._step_s, self._raw = tuple(patterns), step_s, raw
        self.fields = tuple(self._fields(more))
        self._slots = {_key(field.column): place for place, field in enumerate(self.fields)}
        self._counters = [] if raw else [place for place, field in enumerate(self.fields) if field.kind == RATE]
        self._merge = [_merger(field) for field in self.fields]

    def _fields(self, more: Iterable[Column]) -> Iterator[Field]:
        found = {_key(column): column for column in more}
        for number in self._span.layouts:
            for column in self._reader.layout(number).columns:
                found[_key(column)] = column
        columns = list(found.values())
        if self._patterns:
            wanted = set(select(self._patterns, [column.series for column in columns]))
            columns = [column for column in columns if column.series in wanted]
        for column in sorted(columns, key=_key):
            rate = column.kind == names.COUNTER and not self._raw
            yield Field(column, f"{column.unit}/s" if rate else column.unit, RATE if rate else column.kind)

    def unmatched(self) -> list[str]:
        """Patterns that name no series of the span."""
        items = [field.column.series for field in self.fields]
        return [pattern for pattern in self._patterns if not select((pattern,), items)]

    def batches(self, size: int) -> Iterator[Batch]:
        """The rows in order, at most ``size`` at once; each call is a new pass.

        Damaged ticks are left out and counted in ``reader.damaged``.
        """
        return self._ticks(size) if self._step_s <= 1 else self._steps(size)

    def _ticks(self, size: int) -> Iterator[Batch]:
        before: tuple[Tick, list[float]] | None = None
        # One tick more than the span has: so the first row has rates too.
        ticks = self._reader.sequence(self._span.first_seq - 1, self._span.last_seq)
        for (number, inside), group in groupby(ticks, key=lambda tick: (tick.layout, tick.time_s in self._range)):
            layout = self._reader.layout(number).columns
            while found := list(islice(group, size)):
                whole = [tick for tick in found if len(tick.values) == 8 * len(layout)]
                self._reader.damaged += len(found) - len(whole)
                if not whole:
                    continue
                columns = self._columns(layout, whole)
                counters = [columns[place] for place in self._counters]
                if inside:
                    self._make_rates(columns, before, whole)
                    yield Batch([tick.seq for tick in whole], [tick.time_s for tick in whole], columns)
                before = whole[-1], [column[-1] for column in counters]

    def _columns(self, layout: Sequence[Column], ticks: Sequence[Tick]) -> list[Values]:
        flat = unpack(b"".join([tick.values for tick in ticks]))
        columns = [array("d", [NAN]) * len(ticks)] * len(self.fields)
        for place, column in enumerate(layout):
            slot = self._slots.get(_key(column))
            if slot is not None:
                columns[slot] = flat[place :: len(layout)]
        return columns

    def _make_rates(
        self, columns: list[Values], before: tuple[Tick, list[float]] | None, ticks: Sequence[Tick]
    ) -> None:
        """Replace counters by rates per second to 6 decimals.

        NaN at a reset (a smaller reading), across a gap, a missing tick and a boot.
        """
        factors = [0.0] if before is None else [_per_second(before[0], ticks[0])]
        factors += map(_per_second, ticks, ticks[1:])
        broken = [place for place, factor in enumerate(factors) if not factor]
        earlier = before[1] if before is not None else [NAN] * len(self._counters)
        for slot, first in zip(self._counters, earlier, strict=True):
            column = columns[slot]
            grown = map(sub, column, chain((first,), column))
            # int() and a division are 4x as fast as round(); the digits behind are the clock's jitter.
            rates = array(
                "d",
                [
                    int(more * factor + 0.5) / 1e6 if 0 <= more < _HUGE else NAN
                    for more, factor in zip(grown, factors, strict=True)
                ],
            )
            for place in broken:
                rates[place] = NAN
            columns[slot] = rates

    def _steps(self, size: int) -> Iterator[Batch]:
        out = Batch([], [], [array("d") for _ in self.fields])
        held: list[Values] = []
        for batch in self._ticks(max(size, _STEP_ROWS)):
            starts = [time_s - time_s % self._step_s for time_s in batch.time_s]
            for start, group in groupby(range(len(starts)), key=starts.__getitem__):
                places = list(group)
                if not held or out.time_s[-1] != start:
                    self._merge_into(out, held)
                    if len(out.seq) == size:
                        yield out
                        out = Batch([], [], [array("d") for _ in self.fields])
                    out.seq.append(batch.seq[places[0]])
                    out.time_s.append(start)
                    held = [array("d") for _ in self.fields]
                for values, column in zip(held, batch.columns, strict=True):
                    values.extend(column[places[0] : places[-1] + 1])
        self._merge_into(out, held)
        if out.seq:
            yield out

    def _merge_into(self, out: Batch, held: list[Values]) -> None:
        for merge, column, values in zip(self._merge, out.columns, held, strict=False):  # nothing is held at first
            known = [value for value in values if value == value]
            column.append(merge(known) if known else NAN)


def _key(column: Column) -> tuple[str, str, str]:
    # A series whose unit or kind changed is another column: its old and new numbers do not mean the same.
    return column.series.text, column.unit, column.kind


def _per_second(before: Tick, tick: Tick) -> float:
    """Factor from a counter's growth to millionths per second; 0 when the two ticks do not belong together."""
    elapsed_ns = tick.boottime_ns - before.boottime_ns
    if before.seq + 1 != tick.seq or before.boot != tick.boot or not 0 < elapsed_ns <= GAP_NS:
        return 0.0
    return 1e15 / elapsed_ns


def _merger(field: Field) -> Callable[[list[float]], float]:
    """How the known values of one step become one."""
    stat = field.column.series.stat
    if field.kind == names.DISTRIBUTION and stat in _SUMMED:
        return sum
    if stat in _WORST:
        return max
    if stat == "min":
        return min
    if field.kind == names.COUNTER:
        return lambda values: values[-1]
    return _mean


def _mean(values: list[float]) -> float:
    first = values[0]
    # A flat line stays what it is: the sum of ten 0.1 is not 1.
    return first if values.count(first) == len(values) else sum(values) / len(values)
