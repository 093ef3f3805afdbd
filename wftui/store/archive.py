"""Everything that was recorded: ticks, tables and events of journal and segments together, for any process."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wftui.clock import NS_PER_S
from wftui.model.event import Event
from wftui.model.table import TableChange, TableSchema
from wftui.model.tick import Tick
from wftui.store import manifest
from wftui.store.holdings import END, Holdings
from wftui.store.read import Span, TableAt, Told, within
from wftui.store.sealed import SegmentGoneError

if TYPE_CHECKING:
    from wftui.store.cuts import Cut, Fits

_PAGE: Final = 64
"""Ticks of the journal after which a reader looks whether they were sealed and trimmed meanwhile."""
_KEYFRAMES: Final = 90
"""Ticks until the journal surely holds a keyframe of every table."""


class Archive(Holdings):
    """Questions to a data dir. It is a ``store.answers.Source``, as a ``Reader`` is; one thread uses it.

    Layouts of segments have negative ids, those of the journal positive ones.
    """

    # ---- ticks

    def ticks(self, since_s: int, until_s: int) -> Iterator[Tick]:
        """Ticks of the seconds [since, until), in the order in which they were made."""
        limit = self.boundary()
        if self._runs(limit, since_s, until_s):
            for tick in self._sealed_ticks(-END, limit - 1, since_s, until_s):
                if since_s <= tick.time_s < until_s:
                    yield tick
        if self.journal is not None:
            for tick in self._held(self.journal.ticks(since_s, until_s)):
                if tick.seq >= limit:
                    yield tick

    def sequence(self, first_seq: int, last_seq: int) -> Iterator[Tick]:
        """Ticks by their order, both ends included; no snapshot stays open, and no file either."""
        place, limit = first_seq, self.boundary()
        while place <= last_seq:
            if limit > place:  # not, or no longer, in the journal
                stop = min(last_seq, limit - 1)
                yield from self._sealed_ticks(place, stop)
                limit = self.boundary()
            else:
                stop = min(last_seq, place + _PAGE - 1)
                page = list(self._held(self.journal.sequence(place, stop))) if self.journal is not None else []
                limit = self.boundary()
                if limit > place:
                    continue  # sealed and trimmed while it was read
                yield from page
            place = stop + 1

    def has_older(self, first_seq: int, since_s: int, until_s: int) -> bool:
        """Whether segments, at any level, hold ticks before a number, in the seconds [since, until)."""
        return any(
            item.kind in manifest.LEVELS
            and item.first_seq < first_seq
            and item.since_s < until_s
            and item.until_s > since_s
            for item in self.sealed.manifest.segments
        )

    def live(self, since_s: int, until_s: int, from_seq: int) -> Iterator[Tick]:
        """The journal's ticks of the seconds [since, until) from a number on, and up to two before the first one.

        Those two are what rates need; they come only where nothing lies between.
        """
        if self.journal is None:
            return
        for number, tick in enumerate(self._held(self.journal.ticks(since_s, until_s, from_seq))):
            if number == 0 and tick.seq == from_seq:
                for before in self.sequence(from_seq - 2, from_seq - 1):
                    if since_s <= before.time_s < until_s:
                        yield before
            yield tick

    def _sealed_ticks(
        self, first_seq: int, last_seq: int, since_s: int = -END, until_s: int = END
    ) -> Iterator[Tick]:
        place = first_seq
        while True:
            try:
                for run in self._runs(last_seq + 1, since_s, until_s):
                    if run.last_seq < place:
                        continue
                    span = self.blocks.clip(run, place, last_seq, since_s, until_s)
                    for tick in self.blocks.ticks(run, *span) if span else ():
                        yield tick
                        place = tick.seq + 1
                    place = max(place, run.last_seq + 1)
            except SegmentGoneError as error:
                self.gone(error)
                continue
            return

    def cuts(self, fits: "Fits", since_s: int, until_s: int) -> "Iterator[Cut]":
        """The same ticks with the wanted columns alone: what else is in files is not decoded."""
        from wftui.store.cuts import held  # with numpy

        limit = self.boundary()
        if self._runs(limit, since_s, until_s):
            yield from self._sealed_cuts(fits, limit, since_s, until_s)
        if self.journal is not None:
            ticks = (tick for tick in self._held(self.journal.ticks(since_s, until_s)) if tick.seq >= limit)
            yield from held(ticks, self.journal.layout, fits)

    def _sealed_cuts(self, fits: "Fits", limit: int, since_s: int, until_s: int) -> "Iterator[Cut]":
        from wftui.store.cuts import sealed

        place = -END
        while True:
            try:
                for run in self._runs(limit, since_s, until_s):
                    if run.last_seq < place:
                        continue
                    span = self.blocks.clip(run, place, limit - 1, since_s, until_s)
                    for cut in sealed(self.blocks, run, span, since_s, until_s, fits) if span else ():
                        yield cut
                        place = int(cut.lead.seq[-1]) + 1
                    place = max(place, run.last_seq + 1)
            except SegmentGoneError as error:
                self.gone(error)
                continue
            return

    def span(self, since_s: int, until_s: int) -> Span | None:
        """What there is of the seconds [since, until); None: nothing."""
        while True:
            limit = self.boundary()
            try:
                found = [
                    self.blocks.span(run, limit, since_s, until_s) for run in self._runs(limit, since_s, until_s)
                ]
            except SegmentGoneError as error:
                self.gone(error)
                continue
            break
        spans = [item for item in found if item is not None]
        held = self.journal.span(since_s, until_s) if self.journal is not None else None
        spans += [held] if held is not None else []
        if not spans:
            return None
        return Span(
            min(item.first_seq for item in spans),
            max(item.last_seq for item in spans),
            sum(item.ticks for item in spans),
            tuple(sorted({number for item in spans for number in item.layouts})),
        )

    def at(self, time_s: int) -> Tick | None:
        """The last tick that covers a UTC second; None in a gap."""
        limit = self.boundary()
        if self.journal is not None and (tick := self.journal.at(time_s)) is not None:
            return tick
        while True:
            try:
                for run in reversed(self._runs(limit, time_s, time_s + 1)):
                    span = self.blocks.clip(run, -END, limit - 1, time_s, time_s + 1)
                    if span is not None:
                        return next(self.blocks.ticks(run, span[1], span[1]), None)
            except SegmentGoneError as error:
                self.gone(error)
                continue
            return None

    def neighbours(self, time_s: int) -> tuple[int | None, int | None]:
        """The nearest seconds with a tick, before and after."""
        limit = self.boundary()
        held = self.journal.neighbours(time_s) if self.journal is not None else (None, None)
        before = [] if held[0] is None else [held[0]]
        after = [] if held[1] is None else [held[1]]
        for run in self._runs(limit):
            if run.until_s <= time_s:
                before.append(run.until_s - 1)
            elif run.since_s > time_s:
                after.append(run.since_s)
            else:
                try:
                    near = self.blocks.near(run, time_s)
                except SegmentGoneError as error:
                    self.gone(error)
                    continue
                before += [] if near[0] is None else [near[0]]
                after += [] if near[1] is None else [near[1]]
        return max(before, default=None), min(after, default=None)

    # ---- tables

    def tables(self) -> list[TableSchema]:
        """Schemas of the tables that were ever stored, the newest of each name."""
        self.boundary()
        found = self.journal.tables() if self.journal is not None else []
        known = {item.name for item in found}
        missing = {item.group for item in self.sealed.manifest.of(manifest.TABLE)} - known
        for name in sorted(missing):
            schema = self.again(partial(self.facts.schema, name))
            found += [] if schema is None else [schema]
        return found

    def table_at(self, name: str, time_ns: int) -> TableAt | None:
        """Rows of a table in the last tick that covers that second; None: a gap, or there was no table."""
        tick = self.at(time_ns // NS_PER_S)
        return self.table_of(name, tick.seq) if tick else None

    def table_of(self, name: str, seq: int) -> TableAt | None:
        """Rows of a table in one tick; None: there was no table."""
        limit = self.boundary()
        if self.journal is not None and seq >= limit:
            found = self.journal.table_of(name, seq)
            # The keyframe before the journal's first minute may be trimmed already.
            if found is not None or seq > self.sealed.manifest.sealed_seq:
                return found
        if not self.sealed.manifest.of(manifest.TABLE, name):
            return None
        return self.again(lambda: self.facts.at(name, seq))

    def changes(self, name: str, since_ns: int, until_ns: int) -> Iterator[tuple[TableSchema, TableChange]]:
        """Changes of a table over [since, until) in the order in which they came, the whole table before it first.

        Both passes of a repeated hour come, each with a keyframe before it; nothing comes for a gap.
        """
        return within(self._stored(name, since_ns // NS_PER_S, -(-until_ns // NS_PER_S)), since_ns, until_ns)

    def _stored(self, name: str, since_s: int, until_s: int) -> Iterator[Told]:
        span = self.span(since_s, until_s)
        if span is not None:
            # The open second has changes, but no tick yet: hence one more.
            yield from self.told(name, span.first_seq, span.last_seq, 1)

    def told(self, name: str, first_seq: int, last_seq: int, beyond: int = 0) -> Iterator[Told]:
        """Changes of a table that belong to some ticks, from the last keyframe before them on."""
        cut = self.boundary()
        if first_seq < cut + _KEYFRAMES and self.sealed.manifest.of(manifest.TABLE, name):
            # The journal's first minute has no keyframe before it any more.
            cut = max(cut, self.sealed.manifest.sealed_seq + 1)
            if first_seq < cut:
                yield from self._sealed_changes(name, first_seq, min(last_seq, cut - 1))
        if self.journal is not None and last_seq >= cut:
            told = self.journal.resumed if first_seq < cut else self.journal.stored
            yield from told(name, max(first_seq, cut), last_seq, beyond)

    def _sealed_changes(self, name: str, low: int, high: int) -> Iterator[Told]:
        place = low
        while True:
            try:
                for item in self.sealed.manifest.of(manifest.TABLE, name):
                    if item.last_seq >= place and item.first_seq <= high:
                        yield from self.facts.stored(item, max(place, item.first_seq), high)
                        place = item.last_seq + 1
            except SegmentGoneError as error:
                self.gone(error)
                continue
            return

    # ---- events

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
        first = self.journal.first()[1] if self.journal is not None else None
        self.sealed.refresh()
        end = END if first is None else first
        older = any(
            item.first_seq < end and item.last_seq > after_seq for item in self.sealed.manifest.of(manifest.EVENT)
        )
        wanted = (since_ns, until_ns, types or [])

        def sealed(count: int) -> tuple[list[Event], bool]:
            if not older:
                return [], False
            return self.again(lambda: self.facts.events(after_seq, end, *wanted, count, newest))

        def held(count: int) -> tuple[list[Event], bool]:
            if self.journal is None:
                return [], False
            return self.journal.events(max(after_seq, end - 1 if first else 0), *wanted, count, newest)

        if newest:
            late, more = held(limit)
            if more:
                return late, True
            early, more = sealed(limit - len(late))
            return early[::-1] + late, more
        early, more = sealed(limit)
        if more:
            return early, True
        late, more = held(limit - len(early))
        return early + late, more


def open_archive(data_dir: Path) -> Archive:
    """Read a data dir, with a recorder running or not.

    Raises:
        NoDataError: Nothing was ever recorded there.
        StoreError: Neither journal nor segments can be read.
    """
    archive = Archive(data_dir)
    archive.refresh()
    return archive
