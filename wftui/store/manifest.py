"""The manifest: which segments there are, what is in each, and how far the journal is sealed.

One JSON file, written beside and renamed over, so that a seal (a dozen files) becomes visible at once or not at
all; a file that it does not name is left over from a sealer that was killed. Readers need no lock: journal
snapshot first, then the manifest.
"""

import os
import zlib
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from wftui.errors import StoreError
from wftui.model.sample import Column
from wftui.model.series import Series, parse

NAME: Final = "manifest.json"
FOLDER: Final = "segments"
"""Under the data dir; the manifest and all files it names lie in there."""
VERSION: Final = 1
"""Of the manifest and of the segments' layout: a newer one is refused untouched."""

RAW: Final = "raw"
R10: Final = "r10"
R300: Final = "r300"
TABLE: Final = "table"
EVENT: Final = "event"
BURST: Final = "burst"
LEVELS: Final = {RAW: 1, R10: 10, R300: 300}
"""Kind of a wide segment to the seconds of one row."""
MIN, MEAN, MAX, SUM = "min", "mean", "max", "sum"
STATISTICS: Final = (MIN, MEAN, MAX, SUM)
"""Of rollups, a file each. ``sum`` holds only the ``count`` and ``sum`` of distributions."""
PART: Final = 500
"""Series in one wide file at most; a series stays in its part. DuckDB holds 16 kB a column for every chunk that is
under way, and the hour besides: the seal of 2,000 series peaks at 169 MB with 500, at 227 MB with 1,000."""
RESERVED: Final = frozenset({"seq", "time_s", "boottime_ns", "boot", "count"})
"""Columns of wide segments that are no series."""


class SegmentsDamagedError(StoreError):
    """The manifest cannot be read: ``wftop doctor --rebuild`` makes it anew from the segments themselves."""


class SegmentsNewerError(StoreError):
    """A newer wftop wrote the segments: they are left untouched."""


class StoredColumn(msgspec.Struct, frozen=True):
    """One series that segments hold. Its number never means another series."""

    id: int
    name: str
    """Of the Parquet column: the canonical text, with ``~2`` behind it when DuckDB, which ignores case, would
    take it for another series, or when the same text has another unit or kind."""
    series: str
    unit: str
    kind: str
    """``gauge``, ``counter`` or ``distribution``. Rollups of a counter hold its rate per second."""
    group: str
    quality: str
    """Provenance as last sealed; what it was at a moment stands in the raw segment's own metadata."""
    source: str
    call: str

    def column(self) -> Column:
        """As the layouts of ticks have it."""
        return Column(parse(self.series), self.unit, self.kind, self.group, self.quality, self.source, self.call)

    def is_of(self, item: Column) -> bool:
        """Whether this is the same series with the same meaning."""
        return (self.series, self.unit, self.kind) == (item.series.text, item.unit, item.kind)


class Segment(msgspec.Struct, frozen=True):
    """One immutable Parquet file."""

    file: str
    """Relative to the folder of segments."""
    kind: str
    """``raw``, ``r10``, ``r300``, ``table``, ``event`` or ``burst``."""
    group: str
    """Raw and rollups: group of the series; tables: the table's name."""
    stat: str
    """Rollups: one of ``STATISTICS``; else empty."""
    first_seq: int
    """Of ticks (events: of events). A segment holds all ticks of its group from first to last."""
    last_seq: int
    since_s: int
    """UTC second of the earliest row; rollups: where its step begins."""
    until_s: int
    """UTC second behind the latest row."""
    rows: int
    size: int
    """Bytes (By)."""
    sha256: str
    """For ``wftop doctor --store`` and backups."""
    crc32: int
    """The same bytes; readers check it before they believe a file (twice as fast)."""
    columns: str = ""
    """Ids of the series in it, as ranges: ``0-187,190``."""


class Manifest(msgspec.Struct, frozen=True):
    """All of it, at one moment."""

    version: int = VERSION
    program: str = ""
    """wftop's version that wrote it."""
    sealed_seq: int = 0
    """The last tick that is in segments; younger ones are in the journal."""
    sealed_event_seq: int = 0
    sealed_ns: int = 0
    """When the last seal was committed, UTC."""
    next_id: int = 0
    """Number of the next new series."""
    boots: dict[str, int] = {}
    """Boot id to the number that rows carry."""
    columns: tuple[StoredColumn, ...] = ()
    segments: tuple[Segment, ...] = ()
    damaged: int = 0
    """Segments renamed aside because they could not be read."""

    def of(self, kind: str, group: str = "", stat: str = "") -> list[Segment]:
        """Segments of a kind (and group, statistic), in order."""
        found = [
            item
            for item in self.segments
            if item.kind == kind and (not group or item.group == group) and (not stat or item.stat == stat)
        ]
        return sorted(found, key=lambda item: (item.first_seq, item.group, item.file))

    def catalogue(self) -> dict[int, StoredColumn]:
        """Series by number."""
        return {item.id: item for item in self.columns}


def ranges(ids: Iterable[int]) -> str:
    """Numbers as ascending ranges: ``0-187,190``."""
    parts: list[list[int]] = []
    for item in sorted(set(ids)):
        if parts and parts[-1][1] == item - 1:
            parts[-1][1] = item
        else:
            parts.append([item, item])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in parts)


def numbers(text: str) -> list[int]:
    """The numbers of ``ranges``, ascending."""
    found: list[int] = []
    for part in text.split(",") if text else ():
        low, _, high = part.partition("-")
        found += range(int(low), int(high or low) + 1)
    return found


def load(data_dir: Path) -> Manifest:
    """The manifest of a data dir; an empty one when nothing was sealed yet.

    Raises:
        SegmentsNewerError, SegmentsDamagedError, StoreError: As their names say; all name the file.
    """
    path = data_dir / FOLDER / NAME
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return Manifest()
    except IsADirectoryError as error:
        raise SegmentsDamagedError(f"{path}: damaged (a folder); wftop doctor --rebuild makes it anew") from error
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        (version,) = (msgspec.json.decode(raw, type=_Version).version,)
        if version > VERSION:
            raise SegmentsNewerError(
                f"{path}: written by a newer wftop (schema {version}, this one knows {VERSION}); left untouched"
            )
        return msgspec.json.decode(raw, type=Manifest)
    except msgspec.MsgspecError as error:
        raise SegmentsDamagedError(f"{path}: damaged ({error}); wftop doctor --rebuild makes it anew") from error


class _Version(msgspec.Struct):
    version: int


def save(data_dir: Path, manifest: Manifest) -> None:
    """Commit a manifest: from here on readers see its segments.

    Raises:
        OSError: It could not be written; the old one stays.
    """
    folder = data_dir / FOLDER
    replace_file(folder / NAME, msgspec.json.format(msgspec.json.encode(manifest), indent=1))


def replace_file(path: Path, content: bytes) -> None:
    """Write a file beside, make it last, rename it over; 0600."""
    beside = path.with_name(path.name + ".tmp")
    descriptor = os.open(beside, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder last."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_columns: Final = msgspec.json.Decoder(list[StoredColumn])


def packed(columns: Sequence[StoredColumn]) -> str:
    """Columns as text for a segment's metadata: JSON, deflated, base64 (of 85 kB in an hour of 400 series, 6)."""
    return b2a_base64(zlib.compress(msgspec.json.encode(columns)), newline=False).decode()


def unpacked(text: bytes | str) -> list[StoredColumn]:
    """The columns of ``packed``.

    Raises:
        StoreError: The text is damaged.
    """
    try:
        return _columns.decode(zlib.decompress(a2b_base64(text)))
    except (ValueError, zlib.error, msgspec.MsgspecError) as error:  # binascii.Error is a ValueError
        raise StoreError(f"the columns of a segment are damaged: {error}") from error


def with_columns(manifest: Manifest, wanted: Sequence[Column]) -> tuple[Manifest, list[StoredColumn]]:
    """Number the series that are new, refresh the provenance of the others.

    Returns:
        The manifest with them, and their stored columns in the order of ``wanted``.
    """
    known = {(item.series, item.unit, item.kind): item for item in manifest.columns}
    taken = {item.name.casefold() for item in manifest.columns} | RESERVED
    next_id = manifest.next_id
    found = []
    for item in wanted:
        key = (item.series.text, item.unit, item.kind)
        old = known.get(key)
        if old is None:
            number, name = next_id, _free(item.series, taken)
            next_id += 1
            taken.add(name.casefold())
        else:
            number, name = old.id, old.name
        known[key] = StoredColumn(number, name, *key, item.group, item.quality, item.source, item.call)
        found.append(known[key])
    columns = tuple(sorted(known.values(), key=lambda item: item.id))
    return msgspec.structs.replace(manifest, columns=columns, next_id=next_id), found


def _free(item: Series, taken: set[str]) -> str:
    name, number = item.text, 1
    while name.casefold() in taken:
        number += 1
        name = f"{item.text}~{number}"
    return name


class Floor(msgspec.Struct, frozen=True):
    """Where numbers go on when the journal is new but segments are there."""

    seq: int
    event_seq: int
    boots: dict[str, int]


def floor(data_dir: Path) -> Floor:
    """The numbers that segments have already used; zeros when there are none.

    Raises:
        StoreError: As ``load``.
    """
    manifest = load(data_dir)
    return Floor(manifest.sealed_seq, manifest.sealed_event_seq, manifest.boots)
