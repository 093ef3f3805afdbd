"""Wide Parquet files, written by DuckDB: a row per tick, a column per series. The only importer of duckdb."""

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import duckdb

from wftui.errors import StoreError
from wftui.store.arrow import Columns, Source
from wftui.store.rows import Batch, Rows
from wftui.units import NS_PER_S

SCHEMA_VERSION: Final = 1
MEMORY: Final = "256MB"
_CELLS: Final = 2_000_000
"""Values in one batch and row group at most: 16 MB."""
_MAX_ROWS: Final = 4096

VERSION: Final = duckdb.__version__


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """An in-memory database that can touch one folder and nothing else, and cannot be opened up again.

    The order of the settings matters: ``allowed_directories`` cannot be set any more once access is off.
    """
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": 2,
            "async_threads": 0,
            "memory_limit": MEMORY,
            "temp_directory": "",
            "preserve_insertion_order": True,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "allow_persistent_secrets": False,
            "python_enable_replacements": False,
        },
    )
    connection.execute(f"SET allowed_directories = [{_text(str(folder))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def write(
    path: Path,
    names: Sequence[str],
    rows: Rows,
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
    size = max(16, min(_MAX_ROWS, _CELLS // max(1, len(names))))
    whole = set(range(len(names)))
    single: list[Batch] = []
    for number, batch in enumerate(rows.batches(size)):
        _keep_whole(whole, batch.columns)
        single = [] if number else [batch]

    def batches() -> Iterator[Columns]:
        for batch in single or rows.batches(size):
            tell(batch)
            yield _columns(batch)

    # The source's columns have short names: series' texts only stand in the query.
    source = Source([f"c{place}" for place in range(len(names) + 2)], "qq" + "d" * len(names), batches)
    columns = ["c0 AS seq", "c1 AS time_ns"]
    for place, name in enumerate(names):
        cell = f"c{place + 2}"
        typed = (
            f"TRY_CAST({cell} AS BIGINT)"
            if place in whole
            else f"CASE WHEN isnan({cell}) THEN NULL ELSE {cell} END"
        )
        columns.append(f"{typed} AS {_name(name)}")
    pairs = ", ".join(f"{_name(key)}: {_text(value)}" for key, value in metadata.items())
    form = f"FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2, ROW_GROUP_SIZE {size}, KV_METADATA {{{pairs}}}"
    query = f"SELECT {', '.join(columns)} FROM source"  # noqa: S608  every name and text in it is quoted above
    sql = f"COPY ({query}) TO {_text(str(path))} ({form})"
    connection = connect(path.parent)
    try:
        connection.register("source", source)
        connection.execute(sql)
    except duckdb.Error as error:
        if source.error is not None:
            raise source.error from None
        raise StoreError(f"{path}: {error}") from error
    finally:
        connection.unregister("source")
        connection.close()


def _columns(batch: Batch) -> Columns:
    times_ns = array("q", [time_s * NS_PER_S for time_s in batch.time_s])
    return [array("q", batch.seq), times_ns, *batch.columns]


def _keep_whole(whole: set[int], columns: Sequence["array[float]"]) -> None:
    """Leave in ``whole`` the places whose known values are all whole numbers that int64 holds."""
    for place in list(whole):
        column = columns[place].tolist()
        if not all(map(float.is_integer, column)):
            column = [value for value in column if value == value]
            if not all(map(float.is_integer, column)):
                whole.discard(place)
                continue
        if column and (min(column) < -(2.0**63) or max(column) >= 2.0**63):
            whole.discard(place)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'
