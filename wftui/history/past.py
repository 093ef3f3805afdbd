"""Recorded seconds for a replay of rules: single ones where they are left, steps of 10 s and 5 min where not."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple

import msgspec
import numpy as np

from wftui.alerts.replay import selectors, text_signals
from wftui.alerts.rule import Rule
from wftui.alerts.signals import Labels
from wftui.clock import NS_PER_S
from wftui.model.alert_texts import PLACES
from wftui.model.sample import Column
from wftui.model.series import matches, selector_of
from wftui.model.table import Row, TableChange, TableSchema, apply
from wftui.model.tick import Layout, unpack
from wftui.names import COUNTER, GAUGE
from wftui.store.answers import distinct
from wftui.store.archive import Archive
from wftui.store.cuts import Cut, Lead
from wftui.store.query import range_
from wftui.wire import messages as m

HOUR_S: Final = 3600
KEPT_BYTES: Final = 8_000_000
"""Of the values that were read, for who asks again: a day of 11 series. More is read anew each time: the history
service has no room for it beside DuckDB."""
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
    """What was recorded of the series that some rules look at; one thread uses it."""

    def __init__(self, archive: Archive, rules: Sequence[Rule]) -> None:
        """Nothing is read yet."""
        self._archive = archive
        self._selectors = selectors(rules)
        self._wanted: dict[str, bool] = {}
        self.levels: list[Level] = []
        """Where single seconds are gone, in order."""
        self.untold = sorted(text_signals(rules) - set(PLACES))
        """Texts that are not recorded each second."""
        self._signals = text_signals(rules)
        self._tables: dict[str, _Table] = {}
        self._kept: tuple[tuple[int, int], list[Cut], list[Level]] | None = None

    def serves(self, rules: Sequence[Rule]) -> bool:
        """Whether these rules look at nothing else: the same ones with other numbers."""
        return set(selectors(rules)) <= set(self._selectors) and text_signals(rules) <= self._signals

    def texts(self, name: str) -> Iterable[tuple[Labels, str]]:
        """The texts of a text signal in the second that was told last."""
        place = PLACES.get(name)
        table = self._tables.get(name)
        return () if place is None or table is None else place.texts(table.rows)

    def tell(self, time_s: int) -> None:
        """Go on to a second: what ``texts`` gives."""
        for table in self._tables.values():
            table.until((time_s + 1) * NS_PER_S)

    def cuts(self, since_s: int, until_s: int) -> Iterator[Cut]:
        """The ticks of [since, until), in the order in which they were made; kept when they are few.

        Raises:
            StoreError: The store cannot be read.
        """
        archive = self._archive
        for name in self._signals & set(PLACES):
            changes = archive.changes(PLACES[name].table, since_s * NS_PER_S, until_s * NS_PER_S)
            self._tables[name] = _Table(changes)
        if self._kept is not None and self._kept[0] == (since_s, until_s):
            self.levels = self._kept[2]
            yield from self._kept[1]
            return
        self._kept, self.levels = None, []
        kept: list[Cut] | None = []
        size = 0
        for cut in self._read(since_s, until_s):
            size += cut.values.nbytes
            if kept is not None and size <= KEPT_BYTES:
                kept.append(cut)
            else:
                kept = None
            yield cut
        if kept is not None:
            self._kept = (since_s, until_s), kept, self.levels

    def _read(self, since_s: int, until_s: int) -> Iterator[Cut]:
        single = self._archive.cuts(self._meant, since_s, until_s)
        first = next(single, None)
        begin_s = until_s if first is None else int(first.lead.time_s[0])
        yield from self._coarse(since_s, min(begin_s, until_s))
        yield from () if first is None else chain((first,), single)

    # ---- steps

    def _coarse(self, since_s: int, until_s: int) -> Iterator[Cut]:
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
            cut = self._steps(layout, columns, max(hour_s, since_s), min(hour_s + HOUR_S, until_s))
            if cut is not None:
                yield cut

    def _steps(self, layout: Layout, columns: list[Column], since_s: int, until_s: int) -> Cut | None:
        """The seconds of the steps in which anything was recorded; None: of none."""
        points = -(-(until_s - since_s) // _FINE_S)
        replies = []
        for start in range(0, len(columns), _SERIES):
            texts = [selector_of(item.series.text) for item in columns[start : start + _SERIES]]
            question = m.Range(texts, since_s * NS_PER_S, until_s * NS_PER_S, points)
            replies.append(range_(self._archive, question))
        first = replies[0]
        if not any(first.counts):
            return None
        step_s = first.step_ns // NS_PER_S
        self._note(since_s, until_s, max(step_s, first.level_s))
        means = {item.column.series.text: unpack(item.mean) for reply in replies for item in reply.series}
        values = np.full((len(first.counts), len(columns)), np.nan)
        for place, item in enumerate(columns):
            if (row := means.get(item.series.text)) is not None:
                values[:, place] = row
        known = np.flatnonzero(np.array(first.counts))
        times = (first.start_ns // NS_PER_S + known[:, None] * step_s + np.arange(step_s)).ravel()
        inside = (times >= since_s) & (times < until_s)
        times = times[inside]
        lead = Lead(np.zeros_like(times), times, times * NS_PER_S, np.full_like(times, -1))
        return Cut(layout, lead, np.repeat(values[known], step_s, axis=0)[inside])

    def _note(self, since_s: int, until_s: int, step_s: int) -> None:
        last = self.levels[-1] if self.levels else None
        if last is not None and last.until_s == since_s and last.step_s == step_s:
            self.levels[-1] = last._replace(until_s=until_s)
        else:
            self.levels.append(Level(since_s, until_s, step_s))

    def _meant(self, column: Column) -> bool:
        text = column.series.text
        found = self._wanted.get(text)
        if found is None:
            found = self._wanted[text] = any(
                # Without a word of it peaks and quantiles are not meant.
                ("stat=" in selector or not column.series.stat) and matches(selector, column.series)
                for selector in self._selectors
            )
        return found


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
