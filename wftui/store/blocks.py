"""Sealed ticks, a few hundred at a time, kept decoded so that travelling through an hour does not read files."""

import math
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from wftui.errors import StoreError
from wftui.model.sample import Column
from wftui.model.tick import Layout, Tick
from wftui.store import manifest
from wftui.store.manifest import Segment, StoredColumn
from wftui.store.read import Span
from wftui.store.sealed import Run, Sealed
from wftui.store.sql import name as quoted
from wftui.store.sql import text

if TYPE_CHECKING:
    import numpy as np

    Matrix = np.ndarray[tuple[int, int], np.dtype[np.float64]]

CACHE_BYTES: Final = 12_000_000
"""An hour of 400 series."""
_CELLS: Final = 360_000
"""Values of a block: 3 MB, 20 ms to decode (a whole hour of 400 series takes 50 ms)."""
_INFOS: Final = 32
_LISTS: Final = 16

_provenance: Final = msgspec.json.Decoder(list[tuple[int, int, str, str, str]])


class _Part(NamedTuple):
    """One file of a run."""

    segment: Segment
    columns: list[StoredColumn]
    changes: list[tuple[int, int, str, str, str]]
    """(seq, id, quality, source, call), ascending by seq."""


class Info(NamedTuple):
    """A run without its values."""

    parts: list[_Part]
    seq: "array[int]"
    time_s: "array[int]"
    boottime_ns: "array[int]"
    boot: "array[int]"
    starts: list[int]
    """seq at which each of the layouts begins, ascending."""
    layouts: list[Layout]
    rows: int
    """Of a block."""

    def layout(self, seq: int) -> Layout:
        """The layout of one tick."""
        return self.layouts[max(0, bisect_right(self.starts, seq) - 1)]


_Key = tuple[tuple[str, int], ...]


class Blocks:
    """Ticks of runs, by their place."""

    def __init__(self, sealed: Sealed) -> None:
        self._sealed = sealed
        self._infos: OrderedDict[_Key, Info] = OrderedDict()
        self._blocks: OrderedDict[tuple[_Key, int], Matrix] = OrderedDict()
        self._bytes = 0
        self._columns: OrderedDict[bytes, list[StoredColumn]] = OrderedDict()
        """As files hold them, packed and not: most hours have the list of the hour before."""
        self._numbers: dict[tuple[Column, ...], int] = {}
        self._layouts: dict[int, Layout] = {}

    def known_layout(self, number: int) -> Layout:
        """A layout that an ``Info`` named; without columns when none did."""
        return self._layouts.get(number) or Layout(number, ())

    def info(self, run: Run) -> Info | None:
        """What a run holds; None when none of its files can be read.

        Raises:
            SegmentGoneError: A file is not there any more.
        """
        parts = self._sealed.whole(run.segments)
        key = _key(parts)
        found = self._infos.get(key)
        if found is None:
            if not parts:
                return None
            found = self._infos[key] = self._read_info(parts)
            while len(self._infos) > _INFOS:
                self._infos.popitem(last=False)
        self._infos.move_to_end(key)
        return found if found.parts else None

    def _read_info(self, segments: list[Segment]) -> Info:
        parts = []
        for item in segments:
            try:
                parts.append(self._read_part(item))
            except (StoreError, msgspec.MsgspecError, ValueError) as error:
                if not self._sealed.path(item).exists():
                    raise
                if isinstance(error, StoreError) and type(error) is not StoreError:
                    raise
                self._sealed.forget(item)
        lead = [array("q") for _ in range(4)]
        if parts:
            # Files of a run have the same ticks, unless one of them began later or was cut.
            spans = {(item.segment.first_seq, item.segment.last_seq, item.segment.rows) for item in parts}
            files = [item.segment for item in parts][: 1 if len(spans) == 1 else None]
            rows = self._sealed.rows(
                f"SELECT {'DISTINCT' if len(files) > 1 else ''} seq, time_s, boottime_ns, boot"  # noqa: S608  paths are quoted
                f" FROM read_parquet({self.files(files)}) ORDER BY seq",
                files,
            )
            lead = [array("q", items) for items in zip(*rows, strict=True)] if rows else lead
        starts, layouts = self._epochs(parts)
        width = max(1, sum(len(item.columns) for item in parts))
        return Info(
            parts, *(lead[0], lead[1], lead[2], lead[3]), starts, layouts, min(3600, max(60, _CELLS // width))
        )

    def files(self, segments: Sequence[Segment]) -> str:
        """A SQL list of their paths."""
        return f"[{', '.join(text(str(self._sealed.path(item))) for item in segments)}]"

    def _read_part(self, segment: Segment) -> _Part:
        path = text(str(self._sealed.path(segment)))
        pairs = {
            bytes(key): bytes(value)
            for key, value in self._sealed.rows(
                f"SELECT key, value FROM parquet_kv_metadata({path})",  # noqa: S608  the path is quoted
                [segment],
            )
        }
        packed = pairs.get(b"wftop.columns", b"")
        columns = self._columns.get(packed)
        if columns is None:
            columns = self._columns[packed] = manifest.unpacked(packed)
            while len(self._columns) > _LISTS:
                self._columns.popitem(last=False)
        return _Part(segment, columns, _provenance.decode(pairs.get(b"wftop.provenance", b"[]")))

    def _epochs(self, parts: list[_Part]) -> tuple[list[int], list[Layout]]:
        """Where provenance changes, a layout ends: each tick has the one that was true then."""
        columns = [item for part in parts for item in part.columns]
        places = {item.id: place for place, item in enumerate(columns)}
        row = [
            self._sealed.column(
                item.series, item.unit, item.kind, item.group, item.quality, item.source, item.call
            )
            for item in columns
        ]
        starts, layouts = [0], [self._layout(row)]
        for seq, number, quality, source, call in sorted(item for part in parts for item in part.changes):
            place = places.get(number)
            if place is None:
                continue
            old = row[place]
            row[place] = self._sealed.column(old.series.text, old.unit, old.kind, old.group, quality, source, call)
            if starts[-1] == seq:
                layouts[-1] = self._layout(row)
            else:
                starts.append(seq)
                layouts.append(self._layout(row))
        return starts, layouts

    def _layout(self, row: list[Column]) -> Layout:
        # Negative numbers, so that they never meet the journal's.
        key = tuple(row)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = -1 - len(self._numbers)
            self._layouts[number] = Layout(number, key)
        return self._layouts[number]

    def clip(self, run: Run, first_seq: int, last_seq: int, since_s: int, until_s: int) -> tuple[int, int] | None:
        """First and last seq of a run's ticks in a range of numbers and of seconds [since, until); None: none."""
        info = self.info(run)
        if info is None:
            return None
        low, high = bisect_left(info.seq, first_seq), bisect_right(info.seq, last_seq)
        if since_s > run.since_s or until_s < run.until_s:
            inside = [place for place in range(low, high) if since_s <= info.time_s[place] < until_s]
            low, high = (inside[0], inside[-1] + 1) if inside else (0, 0)
        return (info.seq[low], info.seq[high - 1]) if low < high else None

    def span(self, run: Run, limit: int, since_s: int, until_s: int) -> Span | None:
        """What a run has of the seconds [since, until), before the tick ``limit``."""
        found = self.clip(run, -1, limit - 1, since_s, until_s)
        info = self.info(run)
        if found is None or info is None:
            return None
        low, high = bisect_left(info.seq, found[0]), bisect_right(info.seq, found[1])
        count = sum(since_s <= time_s < until_s for time_s in info.time_s[low:high])
        first, last = bisect_right(info.starts, found[0]) - 1, bisect_right(info.starts, found[1])
        numbers = {layout.id for layout in info.layouts[max(0, first) : last]}
        return Span(*found, count, tuple(sorted(numbers)))

    def near(self, run: Run, time_s: int) -> tuple[int | None, int | None]:
        """The nearest seconds with a tick, before and after, in a run."""
        info = self.info(run)
        times = info.time_s if info is not None else array("q")
        return (
            max((item for item in times if item < time_s), default=None),
            min((item for item in times if item > time_s), default=None),
        )

    def ticks(self, run: Run, first_seq: int, last_seq: int) -> Iterator[Tick]:
        """Ticks of a run by their order, both ends included.

        Raises:
            SegmentGoneError: A file is not there any more.
        """
        info = self.info(run)
        if info is None:
            return
        place, end = bisect_left(info.seq, first_seq), bisect_right(info.seq, last_seq)
        while place < end:
            number = place // info.rows
            block = self._block(info, number)
            low = number * info.rows
            stop = min(end, low + info.rows)
            for row in range(place, stop):
                yield self._tick(info, row, block[row - low].tobytes())
            place = stop

    def _tick(self, info: Info, place: int, values: bytes) -> Tick:
        seq = info.seq[place]
        return Tick(
            seq, info.time_s[place], info.boottime_ns[place], info.boot[place], info.layout(seq).id, values
        )

    def _block(self, info: Info, number: int) -> "Matrix":
        key = _key([item.segment for item in info.parts]), number
        block = self._blocks.get(key)
        if block is None:
            rows = slice(number * info.rows, (number + 1) * info.rows)
            width = sum(len(item.columns) for item in info.parts)
            block = self._blocks[key] = self.decoded(info, rows, range(width))
            self._bytes += block.nbytes
            while self._bytes > CACHE_BYTES and len(self._blocks) > 1:
                _, old = self._blocks.popitem(last=False)
                self._bytes -= old.nbytes
        self._blocks.move_to_end(key)
        return block

    def decoded(self, info: Info, rows: slice, places: Sequence[int]) -> "Matrix":
        """Some rows and columns, not kept.

        Args:
            info: Of the run.
            rows: Places of its ticks, ascending.
            places: Of its layouts' columns, ascending.

        Returns:
            float64 of shape (rows, places), NaN = no value, little-endian.
        """
        import numpy as np  # 40 ms, and ranges do without

        seq = info.seq[rows]
        block = np.full((len(seq), len(places)), math.nan, dtype="<f8")
        offset = slot = 0
        for part in info.parts:
            until = offset + len(part.columns)
            wanted = [part.columns[place - offset] for place in places if offset <= place < until]
            offset = until
            if not wanted:
                continue
            cells = ", ".join(quoted(item.name) for item in wanted)
            sql = (
                f"SELECT seq, {cells} FROM read_parquet({self.files([part.segment])})"  # noqa: S608  quoted
                f" WHERE seq BETWEEN {seq[0]} AND {seq[-1]}"
            )
            with self._sealed.translated([part.segment]):
                found = self._sealed.connection().execute(sql).fetchnumpy()
            held = found.pop("seq")
            # Its rows may be fewer: a file that began later, or one that was cut.
            those = slice(0, len(seq)) if len(held) == len(seq) else np.searchsorted(np.array(seq), held)
            for place, item in enumerate(wanted, slot):
                column = found.pop(item.name)
                block[those, place] = column.data if isinstance(column, np.ma.MaskedArray) else column
                if isinstance(column, np.ma.MaskedArray) and column.mask is not np.ma.nomask:
                    where = np.flatnonzero(column.mask)
                    block[where if isinstance(those, slice) else those[where], place] = math.nan
            slot += len(wanted)
        return block


def _key(segments: Sequence[Segment]) -> _Key:
    return tuple((item.file, item.crc32) for item in segments)
