"""Everything that was recorded: journal and segments together, for any process, without a lock.

The journal is looked at first, then the manifest. A tick is taken from the journal when that still has it, else
from a segment: what the journal no longer has was sealed before, so nothing falls between the two, and nothing
comes twice. A file that retention removed in between is looked for once more; a damaged one is left out,
counted and named, and the rest answers.
"""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from wftui.clock import NS_PER_S
from wftui.errors import NoDataError, StoreError
from wftui.model.event import Event
from wftui.model.sample import Column
from wftui.model.table import TableChange, TableSchema
from wftui.model.tick import Layout, Tick
from wftui.store import journal, manifest
from wftui.store.database import StoreDamagedError
from wftui.store.read import Reader, Span, TableAt, within
from wftui.store.sealed import Run, Sealed, SegmentGoneError

if TYPE_CHECKING:
    from wftui.store.blocks import Blocks
    from wftui.store.facts import Facts

_HOUR_S: Final = 3600
_END: Final = 1 << 62
"""Behind every sequence number."""
_PAGE: Final = 64
"""Ticks of the journal after which a reader looks whether they were sealed and trimmed meanwhile."""

_KEYFRAMES: Final = 90
"""Ticks until the journal surely holds a keyframe of every table."""


class Archive:
    """Questions to a data dir. It is a ``store.answers.Source``, as a ``Reader`` is; one thread uses it.

    Layouts of segments have negative ids, those of the journal positive ones.
    """

    def __init__(self, data_dir: Path) -> None:
        """Nothing is opened yet; see ``open_archive``."""
        self.data_dir = data_dir
        self.sealed = Sealed(data_dir)
        self.journal: Reader | None = None
        """None: there is none, or it cannot be read."""
        self.journal_error: StoreError | None = None
        self._journal_file: tuple[int, int] | None = None
        self._blocks: Blocks | None = None
        self._facts: Facts | None = None
        self._more_damaged = 0
        self._begin: tuple[int, int] | None = None
        """Number and second of the journal's first tick."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close everything. Twice is harmless."""
        if self.journal is not None:
            self.journal.close()
            self.journal = None
            self._journal_file = None
        self.sealed.close()
        self._blocks = self._facts = None

    # ---- what is there

    @property
    def damaged(self) -> int:
        """Ticks, layouts and changes of the journal and whole segments that were left out."""
        held = self.journal.damaged if self.journal is not None else 0
        return held + len(self.sealed.damaged_files) + self._more_damaged

    @damaged.setter
    def damaged(self, value: int) -> None:
        self._more_damaged += value - self.damaged

    @property
    def damaged_files(self) -> list[str]:
        """Segments that were left out because their bytes are not what was sealed, or that are missing."""
        return self.sealed.damaged_files

    def refresh(self) -> None:
        """See what changed: a journal that was begun anew, newer segments. Two stats when nothing did.

        Raises:
            NoDataError: There is neither journal nor segment.
            StoreError: What there is cannot be read.
        """
        path = self.data_dir / journal.NAME
        try:
            found = path.stat()
            stamp = (found.st_dev, found.st_ino)
        except OSError:
            stamp = None
        if stamp != self._journal_file or (self.journal is None and stamp is not None):
            if self.journal is not None:
                self.journal.close()
            self.journal, self.journal_error, self._journal_file = None, None, stamp
            if stamp is not None:
                try:
                    self.journal = Reader(journal.open_reader(path))
                except StoreError as error:
                    self.journal_error = error
        self.sealed.refresh()
        if self.journal is None and not self.sealed.manifest.segments:
            if self.journal_error is not None or self.sealed.error is not None:
                raise self.journal_error or self.sealed.error or StoreError("")
            raise NoDataError(f"{self.data_dir}: nothing was recorded there yet (wftop record, or wftop, records)")

    def boundary(self) -> int:
        """The first tick that the journal has; segments have all before it. A new look at both."""
        first = None
        if self.journal is not None:
            try:
                first, _ = self.journal.first()
            except StoreError as error:
                self._lose_journal(error)
        self.sealed.refresh()
        self._begin = first
        return _END if first is None else first[0]

    def _lose_journal(self, error: StoreError) -> None:
        if self.journal is not None:
            self._more_damaged += self.journal.damaged + 1
            self.journal.close()
        self.journal, self.journal_error = None, error

    @property
    def blocks(self) -> "Blocks":
        """Sealed ticks."""
        if self._blocks is None:
            from wftui.store.blocks import Blocks  # with DuckDB: only for what the journal does not have

            self._blocks = Blocks(self.sealed)
        return self._blocks

    @property
    def facts(self) -> "Facts":
        """Sealed tables and events."""
        if self._facts is None:
            from wftui.store.facts import Facts

            self._facts = Facts(self.sealed)
        return self._facts

    def gone(self, error: SegmentGoneError) -> None:
        """List again; a file that is still named but not there is as good as damaged."""
        self.sealed.refresh()
        if error.segment in self.sealed.manifest.segments:
            self.sealed.forget(error.segment)

    def _runs(self, limit: int, since_s: int = -_END, until_s: int = _END) -> list[Run]:
        return [
            run
            for run in self.sealed.runs()
            if run.first_seq < limit and run.since_s < until_s and self._end_s(run) > since_s
        ]

    def _end_s(self, run: Run) -> int:
        """Where the seconds end for which this run is needed: the journal may have its last ones."""
        begin = self._begin
        if begin is None or run.last_seq < begin[0]:
            return run.until_s
        # Where seconds came twice, or the clock flipped between hours, the time of the journal's first tick says
        # nothing about the others.
        if not run.last_seq - run.first_seq < run.until_s - run.since_s <= _HOUR_S:
            return run.until_s
        return min(run.until_s, begin[1])

    def bounds(self) -> tuple[int, int] | None:
        """First and last UTC second with a tick of one second; None: there is none."""
        limit = self.boundary()
        found = [(run.since_s, run.until_s - 1) for run in self._runs(limit)]
        held = self.journal.bounds() if self.journal is not None else None
        found += [held] if held else []
        return (min(low for low, _ in found), max(high for _, high in found)) if found else None

    def extent(self) -> tuple[int, int] | None:
        """First and last UTC second of which anything is known, at any level."""
        found = self.bounds()
        low, high = found or (_END, -_END)
        for item in self.sealed.manifest.segments:
            if item.kind in manifest.LEVELS:
                low, high = min(low, item.since_s), max(high, item.until_s - 1)
        return (low, high) if low <= high else None

    def columns(self) -> list[Column]:
        """Every series that is stored; of equal ones the newest comes last."""
        self.boundary()
        found = [
            self.sealed.column(item.series, item.unit, item.kind, item.group, item.quality, item.source, item.call)
            for item in self.sealed.manifest.columns
        ]
        return found + (self.journal.columns() if self.journal is not None else [])

    def layout(self, number: int) -> Layout:
        """A layout by its id; without columns when it is damaged."""
        if number < 0:
            return self.blocks.known_layout(number)
        return self.journal.layout(number) if self.journal is not None else Layout(number, ())

    # ---- ticks

    def ticks(self, since_s: int, until_s: int) -> Iterator[Tick]:
        """Ticks of the seconds [since, until), in the order in which they were made."""
        limit = self.boundary()
        if self._runs(limit, since_s, until_s):
            for tick in self._sealed_ticks(-_END, limit - 1, since_s, until_s):
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

    def _held(self, ticks: Iterator[Tick]) -> Iterator[Tick]:
        """Ticks of the journal, up to where it is damaged."""
        try:
            yield from ticks
        except StoreDamagedError as error:
            self._lose_journal(error)

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
        self, first_seq: int, last_seq: int, since_s: int = -_END, until_s: int = _END
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
                    span = self.blocks.clip(run, -_END, limit - 1, time_s, time_s + 1)
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
            try:
                schema = self.facts.schema(name)
            except SegmentGoneError as error:
                self.gone(error)
                continue
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
        try:
            return self.facts.at(name, seq)
        except SegmentGoneError as error:
            self.gone(error)
            return self.facts.at(name, seq)

    def changes(self, name: str, since_ns: int, until_ns: int) -> Iterator[tuple[TableSchema, TableChange]]:
        """Changes of a table over [since, until) in the order in which they came, the whole table before it first.

        Both passes of a repeated hour come, each with a keyframe before it; nothing comes for a gap.
        """
        return within(self._stored(name, since_ns // NS_PER_S, -(-until_ns // NS_PER_S)), since_ns, until_ns)

    def _stored(self, name: str, since_s: int, until_s: int) -> Iterator[tuple[TableSchema, TableChange]]:
        span = self.span(since_s, until_s)
        if span is None:
            return
        cut = self.boundary()
        if span.first_seq < cut + _KEYFRAMES and self.sealed.manifest.of(manifest.TABLE, name):
            # The journal's first minute has no keyframe before it any more.
            cut = max(cut, self.sealed.manifest.sealed_seq + 1)
            if span.first_seq < cut:
                yield from self.facts.stored(name, span.first_seq, min(span.last_seq, cut - 1))
        if self.journal is not None and span.last_seq >= cut:
            # The open second has changes, but no tick yet: hence one more.
            yield from self.journal.stored(name, max(span.first_seq, cut), span.last_seq, 1)

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
        end = _END if first is None else first
        older = any(
            item.first_seq < end and item.last_seq > after_seq for item in self.sealed.manifest.of(manifest.EVENT)
        )
        wanted = (since_ns, until_ns, types or [])

        def sealed(count: int) -> tuple[list[Event], bool]:
            if not older:
                return [], False
            try:
                return self.facts.events(after_seq, end, *wanted, count, newest)
            except SegmentGoneError as error:
                self.gone(error)
                return self.facts.events(after_seq, end, *wanted, count, newest)

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
