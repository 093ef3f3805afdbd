"""Recorded seconds for a replay of rules: single ones where they are left, steps of 10 s and 5 min where not."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from wftui.alerts.replay import selectors, text_signals
from wftui.alerts.rule import Rule
from wftui.alerts.signals import Labels
from wftui.clock import NS_PER_S
from wftui.model.alert_texts import PLACES
from wftui.model.sample import Column
from wftui.model.series import matches, selector_of
from wftui.model.table import Row, TableChange, TableSchema, apply
from wftui.model.tick import Layout, Tick, pack, unpack
from wftui.names import COUNTER, GAUGE
from wftui.store.answers import distinct
from wftui.store.archive import Archive
from wftui.store.query import range_
from wftui.wire import messages as m

HOUR_S: Final = 3600
_FINE_S: Final = 10
_SERIES: Final = 500
"""Asked for at once."""
_COARSE: Final = -(1 << 40)
"""Id of the layout of steps: no journal and no segment has it."""


class Level(NamedTuple):
    """A span that is known by steps only."""

    since_s: int
    until_s: int
    step_s: int
    """Of the coarsest step in it."""


class Past:
    """What was recorded, second by second; one thread uses it."""

    def __init__(self, archive: Archive, rules: Sequence[Rule]) -> None:
        """Of the series and texts that these rules look at."""
        self._archive = archive
        self._selectors = selectors(rules)
        self.levels: list[Level] = []
        """Where single seconds are gone, in order."""
        self.untold = sorted(text_signals(rules) - set(PLACES))
        """Texts that are not recorded each second."""
        self._names = text_signals(rules) & set(PLACES)
        self._tables: dict[str, _Table] = {}

    def texts(self, name: str) -> Iterable[tuple[Labels, str]]:
        """The texts of a text signal in the second that came last."""
        place = PLACES.get(name)
        table = self._tables.get(name)
        return () if place is None or table is None else place.texts(table.rows)

    def seconds(self, since_s: int, until_s: int) -> Iterator[tuple[Tick, Layout]]:
        """The ticks of [since, until), in the order in which they were made.

        Raises:
            StoreError: The store cannot be read.
        """
        archive = self._archive
        for name in self._names:
            changes = archive.changes(PLACES[name].table, since_s * NS_PER_S, until_s * NS_PER_S)
            self._tables[name] = _Table(changes)
        first = next(archive.ticks(since_s, until_s), None)
        found = self._coarse(since_s, until_s if first is None else min(first.time_s, until_s))
        for tick, layout in found:
            yield self._told(tick), layout
        for tick in () if first is None else archive.ticks(since_s, until_s):
            layout = archive.layout(tick.layout)
            if len(tick.values) == 8 * len(layout.columns):
                yield self._told(tick), layout

    def _told(self, tick: Tick) -> Tick:
        for table in self._tables.values():
            table.until((tick.time_s + 1) * NS_PER_S)
        return tick

    # ---- steps

    def _coarse(self, since_s: int, until_s: int) -> Iterator[tuple[Tick, Layout]]:
        """Each step as so many seconds of its mean; counters are rates already."""
        extent = self._archive.extent()
        if extent is None:
            return
        # Whole steps only: one that reaches into single seconds is made of them.
        since_s, until_s = -(-max(since_s, extent[0]) // _FINE_S) * _FINE_S, until_s // _FINE_S * _FINE_S
        if since_s >= until_s:
            return
        columns = [item for item in distinct(self._archive.columns()) if self._meant(item)]
        if not columns:
            return
        layout = Layout(_COARSE, tuple(map(_as_gauge, columns)))
        for hour_s in range(since_s // HOUR_S * HOUR_S, until_s, HOUR_S):
            for time_s, step_s, values in self._steps(
                columns, max(hour_s, since_s), min(hour_s + HOUR_S, until_s)
            ):
                for second in range(max(time_s, since_s), min(time_s + step_s, until_s)):
                    yield Tick(0, second, second * NS_PER_S, -1, _COARSE, values), layout

    def _steps(self, columns: list[Column], since_s: int, until_s: int) -> Iterator[tuple[int, int, bytes]]:
        """(UTC second, seconds, values) of each step in which anything was recorded."""
        points = -(-(until_s - since_s) // _FINE_S)
        replies = []
        for start in range(0, len(columns), _SERIES):
            texts = [selector_of(item.series.text) for item in columns[start : start + _SERIES]]
            question = m.Range(texts, since_s * NS_PER_S, until_s * NS_PER_S, points)
            replies.append(range_(self._archive, question))
        first = replies[0]
        if not any(first.counts):
            return
        step_s = first.step_ns // NS_PER_S
        self._note(since_s, until_s, max(step_s, first.level_s))
        means = {item.column.series.text: unpack(item.mean) for reply in replies for item in reply.series}
        rows = [means.get(item.series.text) for item in columns]
        for place, count in enumerate(first.counts):
            if count:
                values = array("d", [float("nan") if row is None else row[place] for row in rows])
                yield first.start_ns // NS_PER_S + place * step_s, step_s, pack(values)

    def _note(self, since_s: int, until_s: int, step_s: int) -> None:
        last = self.levels[-1] if self.levels else None
        if last is not None and last.until_s == since_s and last.step_s == step_s:
            self.levels[-1] = last._replace(until_s=until_s)
        else:
            self.levels.append(Level(since_s, until_s, step_s))

    def _meant(self, column: Column) -> bool:
        return any(matches(selector, column.series) for selector in self._selectors)


class _Table:
    """Rows of a table as time goes on."""

    def __init__(self, changes: Iterator[tuple[TableSchema, TableChange]]) -> None:
        self.rows: dict[str, Row] = {}
        self._changes = changes
        self._next = next(changes, None)

    def until(self, time_ns: int) -> None:
        """Take in what came before a moment."""
        while self._next is not None and self._next[1].time_ns < time_ns:
            apply(self.rows, self._next[1])
            self._next = next(self._changes, None)


def _as_gauge(column: Column) -> Column:
    if column.kind != COUNTER:
        return column
    return msgspec.structs.replace(column, kind=GAUGE, unit=f"{column.unit}/s")
