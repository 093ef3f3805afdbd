"""Exported Parquet files, written by DuckDB: a row per tick, a column per series."""

import re
import sys
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import duckdb

from wftui.errors import StoreError
from wftui.store.arrow import Columns, Source
from wftui.store.duck import connect
from wftui.store.rows import Batch, Batches
from wftui.store.sql import name as quoted
from wftui.store.sql import text
from wftui.units import NS_PER_S

SCHEMA_VERSION: Final = 1
_MEMORY_MB: Final = 256
_CELLS: Final = 2_000_000
"""Values in one batch and row group at most: 16 MB."""
_MAX_ROWS: Final = 4096
_HIGH: Final = 7 if sys.byteorder == "little" else 0
_SPECIAL: Final = re.compile(rb"[\x7f\xff]")  # NaN, infinity, and what comes near it
_LARGE: Final = re.compile(rb"[\x43-\x7f\xc3-\xff]")  # 2**49 and more


def write(
    path: Path,
    names: Sequence[str],
    rows: Batches,
    metadata: Mapping[str, str],
    tell: Callable[[Batch], None],
) -> None:
    """Write rows as ``seq``, ``time_ns`` and one column per name.

    zstd, Parquet v2; a column whose values are all whole numbers is BIGINT, the others DOUBLE; NaN is NULL.

    Args:
        path: The new file; an existing one is replaced.
        names: Of the fields' columns; they must differ by more than case.
        rows: Passed once while they fit into one batch, else twice (types first), with one batch in memory.
        metadata: Key-value metadata of the file.
        tell: Called with each batch that is on its way into the file.

    Raises:
        StoreError: DuckDB could not write it.
    """
    found = judged(names, rows, tell)
    pairs = ", ".join(f"{quoted(key)}: {text(value)}" for key, value in metadata.items())
    form = f"FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2, ROW_GROUP_SIZE {found.size}"
    query = f"SELECT c0 AS seq, c1 AS time_ns, {found.columns} FROM source"  # noqa: S608  every name and text in it is quoted
    sql = f"COPY ({query}) TO {text(str(path))} ({form}, KV_METADATA {{{pairs}}})"
    connection = connect([path.parent], memory_mb=_MEMORY_MB, threads=2, ordered=True)
    try:
        connection.register("source", found.source)
        connection.execute(sql)
    except duckdb.Error as error:
        if found.source.error is not None:
            raise found.source.error from None
        raise StoreError(f"{path}: {error}") from error
    finally:
        connection.unregister("source")
        connection.close()


class Judged(NamedTuple):
    """Rows ready for DuckDB."""

    source: Source
    """Columns ``c0`` (seq), ``c1`` (time in ns), then one per name."""
    columns: str
    """The named ones as SQL, typed."""
    size: int
    """Rows of a batch."""


def judged(names: Sequence[str], rows: Batches, tell: Callable[[Batch], None]) -> Judged:
    """Look at all rows once to type their columns; see ``write``."""
    size = max(16, min(_MAX_ROWS, _CELLS // max(1, len(names))))
    whole = set(range(len(names)))
    gaps: set[int] = set()
    single: list[Batch] = []
    for number, batch in enumerate(rows.batches(size)):
        _judge(batch.columns, whole, gaps)
        single = [] if number else [batch]

    def batches() -> Iterator[Columns]:
        for batch in single or rows.batches(size):
            tell(batch)
            yield _columns(batch)

    # The source's columns have short names: series' texts only stand in the query.
    source = Source([f"c{place}" for place in range(len(names) + 2)], "qq" + "d" * len(names), batches)
    columns = []
    for place, name in enumerate(names):
        cell = f"c{place + 2}"
        known = f"CASE WHEN isnan({cell}) THEN NULL ELSE {cell} END" if place in gaps else cell
        typed = f"TRY_CAST({known} AS BIGINT)" if place in whole else known
        columns.append(f"{typed} AS {quoted(name)}")
    return Judged(source, ", ".join(columns), size)


def _columns(batch: Batch) -> Columns:
    times_ns = array("q", [time_s * NS_PER_S for time_s in batch.time_s])
    return [array("q", batch.seq), times_ns, *batch.columns]


def _judge(columns: Sequence["array[float]"], whole: set[int], gaps: set[int]) -> None:
    """Look at the values: which columns may hold NaN, and which hold only whole numbers that int64 can.

    The byte with the sign and the exponent's high bits tells most of it, at a tenth of looking at every number.

    Args:
        columns: float64 of shape (rows,) each.
        whole: Places that hold whole numbers so far; others are taken out.
        gaps: Places that may hold NaN are put in.
    """
    for place, column in enumerate(columns):
        high = column.tobytes()[_HIGH::8]
        special = _SPECIAL.search(high) is not None
        if special:
            gaps.add(place)
        if place not in whole:
            continue
        known = [value for value in column if value == value] if special else column
        fits = not (known and _LARGE.search(high)) or (min(known) >= -(2.0**63) and max(known) < 2.0**63)
        if not fits or not all(map(float.is_integer, known)):
            whole.discard(place)
