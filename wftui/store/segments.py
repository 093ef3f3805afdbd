"""Segments, low-level: columns into a Parquet file that is there as a whole or not at all.

A file is written as ``*.tmp``, made to last, renamed; its folder is made to last before the manifest names it.
Key-value metadata of each file (JSON, the columns packed):

- ``wftop.schema_version``: ``manifest.VERSION``; ``wftop.kind``: as ``Segment.kind``.
- ``wftop.segment``: ``Label``, with which a lost manifest can be made anew.
- ``wftop.columns`` (wide files and bursts): ``manifest.packed`` list of ``StoredColumn``, provenance as at the
  file's beginning.
- ``wftop.provenance`` (raw): what changed inside, ``[seq, id, quality, source, call]`` each.
- ``wftop.schema`` (tables): the ``TableSchema``.

A wide file holds the series of one group whose numbers lie in one range of 500 (``part``), so that a series
stays in the same part for ever and parts can be merged apart; parts above 0 end in ``-<part>``.
"""

import hashlib
import os
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb
import msgspec
import numpy as np
import numpy.typing as npt

from wftui.errors import StoreError
from wftui.store import manifest
from wftui.store.arrow import Buffers, Columns, Kept, Source
from wftui.store.duck import connect, give_back
from wftui.store.manifest import Manifest, Segment, StoredColumn
from wftui.store.sql import name as quoted
from wftui.store.sql import text

Matrix = npt.NDArray[np.float64]
"""float64 of shape (series, rows), NaN = no value."""
Single = npt.NDArray[np.float32]
"""The same in float32: means."""
Flags = npt.NDArray[np.bool_]

ROW_GROUP: Final = 4096
"""Rows: an hour of raw ticks is one row group, which is 8 % smaller than two and one seek."""
SUFFIX: Final = ".parquet"
BESIDE: Final = ".tmp"
ASIDE: Final = ".damaged"
"""In the name of a file that was set aside; such a file is nobody's leftover."""
DICTIONARY: Final = 0.25
"""Share of a raw file's rows up to which different values of a series become a dictionary. DuckDB's own limit
takes most ratios of three digits for random numbers (6.4 instead of 1.9 bytes each); half of the rows would take
counters for a few values."""
MANTISSA_BITS: Final = 12
"""Kept of a mean: an error of 1.2e-4 at most, at a third of the bytes."""
_MEMORY_MB: Final = (64, 512)
"""For DuckDB's buffers: what a merge of 500 series needs (48) and some more; then what an odd one may take."""
_BLOCK: Final = 1 << 20
_TOO_BIG: Final = 2.0**63


class Label(msgspec.Struct, frozen=True):
    """What a segment is, apart from its bytes: as in ``Segment``."""

    kind: str
    group: str
    stat: str
    first_seq: int
    last_seq: int
    since_s: int
    until_s: int
    part: int = 0
    boots: dict[str, int] = {}
    """Boot id to the number that rows carry; more than those in this file."""

    def file(self) -> str:
        """Path under the folder of segments."""
        group = re.sub(r"[^a-zA-Z0-9_]", "_", self.group)
        tail = f"-{self.part}" if self.part else ""
        parts = [self.kind, self.stat, f"{group or self.kind}-{self.first_seq}-{self.last_seq}{tail}{SUFFIX}"]
        return "/".join(item for item in parts if item)

    def segment(self, file: str, rows: int, found: "Checks", columns: Iterable[StoredColumn]) -> Segment:
        """What the manifest says of a file of this kind."""
        return Segment(
            file,
            self.kind,
            self.group,
            self.stat,
            self.first_seq,
            self.last_seq,
            self.since_s,
            self.until_s,
            rows,
            *found,
            columns=manifest.ranges(item.id for item in columns),
        )


class Checks(NamedTuple):
    """A file's size and checksums."""

    size: int
    sha256: str
    crc32: int


def checks(path: Path) -> Checks:
    """Read a file once.

    Raises:
        OSError: It cannot be read.
    """
    digest, crc, size = hashlib.sha256(), 0, 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            crc = zlib.crc32(block, crc)
            size += len(block)
    return Checks(size, digest.hexdigest(), crc)


def verify(data_dir: Path, segment: Segment) -> str:
    """What is wrong with a segment's file; an empty text: nothing."""
    path = data_dir / manifest.FOLDER / segment.file
    try:
        found = checks(path)
    except OSError as error:
        return f"{path}: {error.strerror or error}"
    if found != (segment.size, segment.sha256, segment.crc32):
        return f"{path}: its checksum does not fit ({found.size} bytes, {segment.size} were written)"
    return ""


def part_of(segment: Segment) -> int:
    """Which range of series a wide segment holds."""
    return manifest.numbers(segment.columns)[0] // manifest.PART if segment.columns else 0


class Batch(NamedTuple):
    """Rows for a file: leading whole-number columns, then series."""

    lead: Sequence[npt.NDArray[np.int64]]
    """int64 of shape (rows,) each."""
    values: Matrix | Single


def whole(values: Matrix | Single) -> Flags:
    """Which series hold only whole numbers that int64 can (and gaps). Shape (series,)."""
    with np.errstate(invalid="ignore"):
        fits = (values == np.trunc(values)) & (np.abs(values) < _TOO_BIG)
    found: Flags = np.all(fits | np.isnan(values), axis=1)
    return found


def wide(names: Sequence[str], lead: int, types: str, batches: Callable[[], Iterable[Batch]]) -> Source:
    """A source of rows for ``Shelf.put``.

    Args:
        names: Of all columns.
        lead: How many int64 columns come first.
        types: Of the series, a letter each: ``q`` whole numbers, ``d`` all digits, ``f`` a mean.
        batches: Begins a pass over the rows.
    """
    return Source(names, "q" * lead + types, lambda: (_columns(batch, types) for batch in batches()))


def _columns(batch: Batch, types: str) -> Columns:
    rows = batch.values.shape[1]
    gaps = np.isnan(batch.values)
    nulls = gaps.sum(axis=1)
    # Bitmaps are padded to whole words: their reader may load the last one at once.
    width = -(-rows // 64) * 64
    known = np.zeros((len(types), width), dtype=np.bool_)
    np.logical_not(gaps, out=known[:, :rows])
    bits = np.packbits(known, axis=1, bitorder="little")
    data: dict[str, npt.NDArray[Any]] = {}  # Any: one type per letter
    if "d" in types:
        data["d"] = np.ascontiguousarray(batch.values, dtype=np.float64)
    if "q" in types:
        with np.errstate(invalid="ignore"):
            data["q"] = np.where(gaps, 0.0, batch.values).astype(np.int64)
    if "f" in types:
        data["f"] = _cut(batch.values)
    columns = [Buffers(rows, 0, (0, _address(column))) for column in batch.lead]
    base, step = _address(bits), bits.strides[0]
    starts = {letter: (_address(array), array.strides[0]) for letter, array in data.items()}
    for place, (letter, missing) in enumerate(zip(types, nulls.tolist(), strict=True)):
        start, stride = starts[letter]
        columns.append(Buffers(rows, missing, (base + place * step if missing else 0, start + place * stride)))
    return Kept(columns, (batch, bits, data))


def _cut(values: Matrix | Single) -> Single:
    """float32 rounded to ``MANTISSA_BITS``."""
    drop = 23 - MANTISSA_BITS
    with np.errstate(over="ignore", invalid="ignore"):
        single = np.ascontiguousarray(values, dtype=np.float32)
    bits = single.view(np.uint32)
    finite = np.isfinite(single)
    rounded = (bits + np.uint32(1 << drop - 1)) & np.uint32(0xFFFFFFFF << drop & 0xFFFFFFFF)
    return np.where(finite, rounded, bits).view(np.float32)


def _address(array: npt.NDArray[Any]) -> int:  # Any: of any type
    return int(array.__array_interface__["data"][0])


class Shelf:
    """The files of one commit: all of them become visible together, or none stays."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._folder = data_dir / manifest.FOLDER
        self.added: list[Segment] = []

    def put(
        self,
        label: Label,
        sql: str,
        source: Source | None = None,
        columns: Sequence[StoredColumn] = (),
        extra: Mapping[str, str] | None = None,
        row_group: int = ROW_GROUP,
        dictionary: int | None = None,
    ) -> Segment:
        """Write one file.

        Args:
            label: What it is.
            sql: A query; ``source`` in it is the argument of that name.
            source: Rows in the order in which they are stored.
            columns: Its series.
            extra: More metadata.
            row_group: Rows.
            dictionary: Different values in a row group up to which a column is stored as a dictionary; None:
                as DuckDB likes.

        Raises:
            StoreError, OSError: It could not be written; nothing of it stays.
        """
        path = self._folder / label.file()
        beside = path.with_name(path.name + BESIDE)
        pairs = {
            "wftop.schema_version": str(manifest.VERSION),
            "wftop.kind": label.kind,
            "wftop.segment": msgspec.json.encode(label).decode(),
        }
        if columns:
            pairs["wftop.columns"] = manifest.packed(columns)
        pairs |= extra or {}
        listed = ", ".join(f"{quoted(key)}: {text(value)}" for key, value in pairs.items())
        form = (
            f"FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2, ROW_GROUP_SIZE {row_group},"
            f" WRITE_BLOOM_FILTER false, USE_TMP_FILE false, KV_METADATA {{{listed}}}"
        )
        if dictionary is not None:
            form += f", DICTIONARY_SIZE_LIMIT {dictionary}"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            rows = self._copy(f"COPY ({sql}) TO {text(str(beside))} ({form})", source, path)
            descriptor = os.open(beside, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fchmod(descriptor, 0o600)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            found = checks(beside)
            os.replace(beside, path)  # noqa: PTH105  one name for what tests make fail
        except BaseException:
            beside.unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            raise
        segment = label.segment(label.file(), rows, found, columns)
        self.added.append(segment)
        return segment

    def _copy(self, sql: str, source: Source | None, path: Path) -> int:
        for memory_mb in _MEMORY_MB:
            # A database for each file: one that goes on keeps 15 MB more after every wide file.
            give_back()
            connection = connect([self._folder], memory_mb=memory_mb, ordered=True)
            try:
                if source is not None:
                    connection.register("source", source)
                ((rows,),) = connection.execute(sql).fetchall()
                return int(rows)
            except duckdb.Error as error:
                if source is not None and source.error is not None:
                    raise source.error from None
                if isinstance(error, duckdb.OutOfMemoryException) and memory_mb != _MEMORY_MB[-1]:
                    continue
                raise StoreError(f"{path}: cannot be written: {_line(error)}") from error
            finally:
                connection.close()
                if source is not None:
                    source.close()
        raise AssertionError("the last one returns or raises")

    def commit(self, made: Manifest) -> None:
        """Make the files last, then make them visible by the manifest.

        Raises:
            OSError: Not committed; the files are gone, unless the manifest names them after all.
        """
        try:
            for folder in sorted({(self._folder / item.file).parent for item in self.added}):
                manifest.sync_folder(folder)
            manifest.save(self._data_dir, made)
        except OSError:
            # The rename may have been done and only its fsync have failed: then readers already see them.
            if manifest.load(self._data_dir) == made:
                self.added.clear()
            self.discard()
            raise
        self.added.clear()

    def discard(self) -> None:
        """Remove what was not committed."""
        for item in self.added:
            (self._folder / item.file).unlink(missing_ok=True)
        self.added.clear()


def _line(error: duckdb.Error) -> str:
    return str(error).splitlines()[0]


def leftovers(data_dir: Path, made: Manifest) -> list[Path]:
    """Files of a sealer that was killed: unfinished ones, and segments that the manifest does not name."""
    folder = data_dir / manifest.FOLDER
    named = {item.file for item in made.segments}
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and ASIDE not in path.name
        and (path.suffix == BESIDE or (path.suffix == SUFFIX and str(path.relative_to(folder)) not in named))
    )


def set_aside(path: Path) -> Path:
    """Rename a damaged file so that nobody reads or removes it; return the new name.

    Raises:
        OSError: It cannot be renamed.
    """
    target, number = path.with_name(path.name + ASIDE), 0
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}{ASIDE}-{number}")
    path.rename(target)
    return target


def metadata(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    """Key-value metadata of a file.

    Raises:
        StoreError: It is no Parquet file, or cannot be read.
    """
    sql = f"SELECT decode(key), decode(value) FROM parquet_kv_metadata({text(str(path))})"  # noqa: S608  quoted
    try:
        return dict(connection.execute(sql).fetchall())
    except duckdb.Error as error:
        raise StoreError(f"{path}: {_line(error)}") from error
