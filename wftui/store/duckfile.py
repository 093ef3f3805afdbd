"""An export as a DuckDB file: series, samples, events and tables, for any DuckDB client since 1.1."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb

from wftui.errors import StoreError
from wftui.store.derived import STORAGE
from wftui.store.duck import connect
from wftui.store.parquet import judged
from wftui.store.rows import Batch, Batches
from wftui.store.sql import name as quoted
from wftui.store.sql import text

SCHEMA_VERSION: Final = 1
_MEMORY_MB: Final = 256
_RECORDS: Final = 5_000

NARROW: Final = (
    "CREATE VIEW metrics AS SELECT seq, time, column_name, value FROM"
    " (UNPIVOT samples ON COLUMNS(* EXCLUDE (seq, time))::DOUBLE INTO NAME column_name VALUE value)"
)
"""The same numbers a row each; unknown ones are left out."""


class Series(NamedTuple):
    """A row of the table ``series``: what a column of ``samples`` means."""

    column_name: str
    series: str
    name: str
    labels: Mapping[str, str]
    stat: str
    unit: str
    kind: str


class Facts(NamedTuple):
    """A table of records."""

    name: str
    columns: Sequence[tuple[str, str]]
    """Name and SQL type. A TIMESTAMP is given in ns."""
    records: Iterator[Sequence[Any]]  # Any: text, numbers, None
    """Cells in the order of the columns."""


def write(
    path: Path,
    series: Sequence[Series],
    rows: Batches,
    facts: Sequence[Facts],
    meta: Mapping[str, str],
    tell: Callable[[Batch], None],
) -> None:
    """Write a new database; an empty file of that name is replaced.

    Args:
        path: Of the file.
        series: One per column of ``rows``; names differ by more than case, from ``seq`` and ``time`` too.
        rows: As for ``parquet.write``.
        facts: Further tables.
        meta: What the file says of itself.
        tell: Called with each batch that is on its way.

    Raises:
        StoreError: DuckDB could not write it.
    """
    path.unlink(missing_ok=True)  # DuckDB refuses an empty file
    found = judged([item.column_name for item in series], rows, tell)
    # The folder, not the file: DuckDB puts its log beside it.
    connection = connect([path.parent], memory_mb=_MEMORY_MB, threads=2, ordered=True)
    try:
        connection.execute(f"ATTACH {text(str(path))} AS export (STORAGE_VERSION {text(STORAGE)})")
        connection.execute("USE export")
        connection.execute("CREATE TABLE meta (key VARCHAR, value VARCHAR)")
        connection.executemany("INSERT INTO meta VALUES (?, ?)", list(meta.items()))
        _series(connection, series)
        connection.register("source", found.source)
        lead = "c0 AS seq, make_timestamp(c1 // 1000) AS time"
        connection.execute(f"CREATE TABLE samples AS SELECT {lead}, {found.columns} FROM source")  # noqa: S608  every name in it is quoted
        connection.unregister("source")
        connection.execute(NARROW)
        for item in facts:
            _facts(connection, item)
        connection.execute("USE memory")
        connection.execute("DETACH export")
    except duckdb.Error as error:
        if found.source.error is not None:
            raise found.source.error from None
        raise StoreError(f"{path}: {error}") from error
    finally:
        connection.close()
        path.with_name(path.name + ".wal").unlink(missing_ok=True)


def _series(connection: duckdb.DuckDBPyConnection, series: Sequence[Series]) -> None:
    connection.execute(
        "CREATE TABLE series (column_name VARCHAR, series VARCHAR, name VARCHAR, labels MAP(VARCHAR, VARCHAR),"
        " stat VARCHAR, unit VARCHAR, kind VARCHAR)"
    )
    columns: list[list[Any]] = [  # Any: a list per column
        [item.column_name for item in series],
        [item.series for item in series],
        [item.name for item in series],
        [list(item.labels) for item in series],
        [list(item.labels.values()) for item in series],
        [item.stat for item in series],
        [item.unit for item in series],
        [item.kind for item in series],
    ]
    # One row of lists: a parameter per cell would cost 100 us a row.
    connection.execute(
        "INSERT INTO series SELECT c, s, n, map(k::VARCHAR[], v::VARCHAR[]), t, u, d FROM (SELECT"
        " unnest(?::VARCHAR[]) AS c, unnest(?::VARCHAR[]) AS s, unnest(?::VARCHAR[]) AS n,"
        " unnest(?::VARCHAR[][]) AS k, unnest(?::VARCHAR[][]) AS v, unnest(?::VARCHAR[]) AS t,"
        " unnest(?::VARCHAR[]) AS u, unnest(?::VARCHAR[]) AS d)",
        columns,
    )


def _facts(connection: duckdb.DuckDBPyConnection, facts: Facts) -> None:
    columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in facts.columns)
    connection.execute(f"CREATE TABLE {quoted(facts.name)} ({columns})")
    given = ", ".join(
        f"unnest(?::{'BIGINT' if kind == 'TIMESTAMP' else kind}[]) AS c{place}"
        for place, (_, kind) in enumerate(facts.columns)
    )
    taken = ", ".join(
        f"make_timestamp(c{place} // 1000)" if kind == "TIMESTAMP" else f"c{place}"
        for place, (_, kind) in enumerate(facts.columns)
    )
    sql = f"INSERT INTO {quoted(facts.name)} SELECT {taken} FROM (SELECT {given})"  # noqa: S608  quoted above
    while batch := list(islice(facts.records, _RECORDS)):
        connection.execute(sql, [list(column) for column in zip(*batch, strict=True)])
