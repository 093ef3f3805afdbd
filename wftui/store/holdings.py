"""What a data dir holds: its journal and its segments, together, without a lock.

The journal is looked at first, then the manifest. A tick is taken from the journal when that still has it, else
from a segment: what the journal no longer has was sealed before, so nothing falls between the two, and nothing
comes twice. A file that retention removed in between is looked for once more; a damaged one is left out,
counted and named, and the rest answers.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeVar

from wftui.errors import NoDataError, StoreError
from wftui.model.sample import Column
from wftui.model.tick import Layout, Tick
from wftui.store import journal, manifest
from wftui.store.database import StoreDamagedError
from wftui.store.read import Reader
from wftui.store.sealed import MEMORY_MB, Run, Sealed, SegmentGoneError

if TYPE_CHECKING:
    from wftui.store.blocks import Blocks
    from wftui.store.facts import Facts

_HOUR_S: Final = 3600
END: Final = 1 << 62
"""Behind every sequence number and every second."""
_T = TypeVar("_T")


class Holdings:
    """Journal and segments of a data dir, each open once it is needed. One thread uses it."""

    def __init__(self, data_dir: Path, memory_mb: int = MEMORY_MB) -> None:
        """Nothing is opened yet; see ``refresh``.

        Args:
            data_dir: Holds a journal, segments, or both.
            memory_mb: For DuckDB's buffers.
        """
        self.data_dir = data_dir
        self.sealed = Sealed(data_dir, memory_mb)
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
        return END if first is None else first[0]

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

    def again(self, ask: Callable[[], _T]) -> _T:
        """What is asked, once more wherever a file went away meanwhile."""
        while True:
            try:
                return ask()
            except SegmentGoneError as error:
                self.gone(error)

    def _runs(self, limit: int, since_s: int = -END, until_s: int = END) -> list[Run]:
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
        low, high = found or (END, -END)
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

    def _held(self, ticks: Iterator[Tick]) -> Iterator[Tick]:
        """Ticks of the journal, up to where it is damaged."""
        try:
            yield from ticks
        except StoreDamagedError as error:
            self._lose_journal(error)
