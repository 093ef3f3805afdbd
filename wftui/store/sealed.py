"""The segments of a data dir, for readers: which there are, whether they are whole, and one locked-down DuckDB.

No numpy here and DuckDB only with the first question: a range of the last hour needs neither.
"""

import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wftui.errors import StoreError
from wftui.model.sample import Column
from wftui.model.series import parse
from wftui.store import manifest
from wftui.store.answers import TooLargeError
from wftui.store.manifest import Manifest, Segment

if TYPE_CHECKING:
    import _duckdb as duckdb

_CHUNK: Final = 1 << 20
MEMORY_MB: Final = 64
"""For DuckDB's buffers, unless it is told otherwise."""


class SegmentGoneError(StoreError):
    """Retention or a merge took the file between listing and opening: list again, once."""

    def __init__(self, segment: Segment) -> None:
        super().__init__(f"{segment.file}: is gone")
        self.segment = segment


class NoRoomError(TooLargeError):
    """A question needs more memory than DuckDB was given."""


class Run(NamedTuple):
    """Raw segments of the same ticks, one or more a group."""

    first_seq: int
    last_seq: int
    since_s: int
    until_s: int
    segments: tuple[Segment, ...]


class Sealed:
    """The segments, as the manifest last read names them."""

    def __init__(self, data_dir: Path, memory_mb: int = MEMORY_MB) -> None:
        self.data_dir = data_dir
        self._memory_mb = memory_mb
        self.folder = data_dir / manifest.FOLDER
        self.manifest = Manifest()
        self.error: StoreError | None = None
        """Why the manifest cannot be read; the segments are as good as not there then."""
        self.damaged_files: list[str] = []
        """Segments that were left out, by their name in the manifest."""
        self._stamp: tuple[int, int, int] | None = None
        self._checked: dict[tuple[str, int], bool] = {}
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._runs: list[Run] | None = None
        self._columns: dict[tuple[str, ...], Column] = {}
        self._asking: object | None = None
        self._late: object | None = None

    def refresh(self) -> Manifest:
        """Read the manifest again if it was replaced; a stat otherwise."""
        try:
            found = (self.folder / manifest.NAME).stat()
            stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
        except OSError:
            stamp = None
        if stamp is None or stamp != self._stamp:
            try:
                self.manifest, self.error = manifest.load(self.data_dir), None
            except StoreError as error:
                self.manifest, self.error = Manifest(), error
            self._stamp, self._runs = stamp, None
        return self.manifest

    def close(self) -> None:
        """Let go of DuckDB. Twice is harmless."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # ---- files

    def path(self, segment: Segment) -> Path:
        """Where a segment lies."""
        return self.folder / segment.file

    def whole(self, segments: Sequence[Segment]) -> list[Segment]:
        """Those whose bytes are what was sealed; looked at once for each file and process.

        Raises:
            SegmentGoneError: One is not there any more.
        """
        if self._connection is None and segments:
            # Who asks for files reads them with DuckDB next: its start (35 ms) hides the sums of a day (20 ms).
            checking = threading.Thread(target=self._check, args=(segments,))
            checking.start()
            try:
                self.connection()
            finally:
                checking.join()
        return [item for item in segments if self._is_whole(item)]

    def _check(self, segments: Sequence[Segment]) -> None:
        with suppress(SegmentGoneError):  # said when it is asked for
            for item in segments:
                self._is_whole(item)

    def _is_whole(self, segment: Segment) -> bool:
        key = segment.file, segment.crc32
        known = self._checked.get(key)
        if known is None:
            try:
                known = _crc32(self.path(segment)) == segment.crc32
            except FileNotFoundError as error:
                raise SegmentGoneError(segment) from error
            except OSError:
                known = False
            if not known:
                self.damaged_files.append(segment.file)
            self._checked[key] = known
        return known

    def forget(self, segment: Segment) -> None:
        """Leave a segment out from now on: listed, but gone for good or unreadable although its bytes fit."""
        if self._checked.get((segment.file, segment.crc32)) is not False:
            self._checked[segment.file, segment.crc32] = False
            self.damaged_files.append(segment.file)

    # ---- what there is

    def runs(self) -> list[Run]:
        """Raw segments by the ticks they hold, in order."""
        if self._runs is None:
            found: list[Run] = []
            for item in sorted(self.manifest.of(manifest.RAW), key=lambda item: (item.first_seq, item.file)):
                if found and item.first_seq <= found[-1].last_seq:
                    last = found[-1]
                    found[-1] = Run(
                        last.first_seq,
                        max(last.last_seq, item.last_seq),
                        min(last.since_s, item.since_s),
                        max(last.until_s, item.until_s),
                        (*last.segments, item),
                    )
                else:
                    found.append(Run(item.first_seq, item.last_seq, item.since_s, item.until_s, (item,)))
            self._runs = found
        return self._runs

    def column(self, series: str, *rest: str) -> Column:
        """A column as layouts have it, one object for equal ones."""
        key = (series, *rest)
        column = self._columns.get(key)
        if column is None:
            column = self._columns[key] = Column(parse(series), *rest)
        return column

    # ---- DuckDB

    def connection(self) -> "duckdb.DuckDBPyConnection":
        """Rows come in the order of the files and within them."""
        if self._connection is None:
            from wftui.store import duck  # 35 ms: only for what the journal does not have

            self._connection = duck.connect(
                [self.folder], memory_mb=self._memory_mb, ordered=True, keep_footers=True
            )
        return self._connection

    def rows(self, sql: str, segments: Sequence[Segment]) -> list[tuple[Any, ...]]:  # Any: SQL's cells
        """All rows of a question to these segments.

        Raises:
            SegmentGoneError: One of them is not there any more.
            NoRoomError: It needs more memory than it may have.
            TooLargeError: The deadline has passed.
            StoreError: DuckDB failed otherwise.
        """
        connection = self.connection()
        with self.translated(segments):
            return connection.execute(sql).fetchall()

    @contextmanager
    def translated(self, segments: Sequence[Segment]) -> Iterator[None]:
        """DuckDB's errors as ours; see ``rows``."""
        import _duckdb as duckdb  # see ``duck``

        if self._late is not None and self._late is self._asking:
            raise TooLargeError("not done within its deadline; ask for less time or fewer series")
        try:
            yield
        except duckdb.OutOfMemoryException as error:
            raise NoRoomError("the question needs too much memory; ask for less time or fewer series") from error
        except duckdb.InterruptException as error:
            raise TooLargeError("not done within its deadline; ask for less time or fewer series") from error
        except duckdb.Error as error:
            for item in segments:
                if not self.path(item).exists():
                    raise SegmentGoneError(item) from error
            raise StoreError(f"{self.folder}: {error}") from error

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        """Questions to DuckDB inside end with ``TooLargeError`` when the time is over."""
        token = self._asking = object()
        timer = threading.Timer(seconds, self._interrupt, (token,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            self._asking, self._late = None, None

    def _interrupt(self, token: object) -> None:
        if self._asking is not token:
            return  # the question ended meanwhile
        self._late = token
        connection = self._connection
        if connection is not None:
            with suppress(Exception):  # it may be closing; the flag above ends the next question
                connection.interrupt()


def _crc32(path: Path) -> int:
    crc = 0
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            crc = zlib.crc32(chunk, crc)
    return crc
