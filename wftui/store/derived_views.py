"""Views over the segments: SQL made from the manifest, for history.duckdb and for `wftop sql`.

A name that is asked for reads only the files of its kind. Times are TIMESTAMP in UTC: TIMESTAMPTZ would need
DuckDB's ICU extension to be shown, and pytz to reach Python.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from wftui.model.processes import PROCESSES as _PROCESSES
from wftui.model.servers import MODELS, REQUESTS, SERVERS
from wftui.model.table import TableSchema
from wftui.store import manifest
from wftui.store.manifest import Manifest, Segment
from wftui.store.sql import name as quoted
from wftui.store.sql import text

TABLE_FILES: Final = 2000
"""Segments of one table that its view reads, the newest: each is opened before the first row comes."""
NARROW: Final = "time, seq, series, value"
"""Columns of ``metrics_timeseries`` and ``samples()``."""
KNOWN: Final = {item.name: item for item in (_PROCESSES, SERVERS, MODELS, REQUESTS)}
"""Tables that can be asked for although nothing of them may have been stored."""
_AXIS: Final = "seq, time_s, boottime_ns, boot"


def scan(folder: Path, segments: Sequence[Segment], *, named: bool = False) -> str:
    """A table function over the files of some segments; their columns may differ."""
    files = ", ".join(text(str(folder / item.file)) for item in segments)
    return f"read_parquet([{files}], union_by_name = true{', filename = true' if named else ''})"


def parts(segments: Iterable[Segment]) -> list[list[Segment]]:
    """Wide segments by group and range of series; in order of time."""
    found: dict[tuple[str, int], list[Segment]] = {}
    for item in segments:
        found.setdefault((item.group, part(item)), []).append(item)
    return list(found.values())


def part(item: Segment) -> int:
    """Which range of series a wide segment holds: parts are read apart, else rows would come twice."""
    return int(item.columns.partition("-")[0].partition(",")[0]) // manifest.PART if item.columns else 0


def unpivot(source: str, columns: str, *, instead: str = "") -> str:
    """A wide source as ``time, seq, series, value``; a NULL is no row.

    Args:
        source: A relation with ``seq``, ``time_s`` and series.
        columns: What ``COLUMNS()`` is to pick of it.
        instead: A column that is among those picked and is no series.
    """
    # Time is made inside: a condition on it then works before the columns become rows (0.4 s instead of 1.8).
    where = f" WHERE series <> {text(instead)}" if instead else ""
    inner = (
        f"SELECT make_timestamp(time_s * 1000000) AS time, seq AS tick, COLUMNS({columns})::DOUBLE FROM {source}"  # noqa: S608  made of quoted names
    )
    return (
        f"SELECT time, tick AS seq, series, value FROM (UNPIVOT ({inner})"  # noqa: S608  as above
        f" ON COLUMNS(* EXCLUDE (time, tick)) INTO NAME series VALUE value){where}"
    )


EMPTY_NARROW: Final = (
    "SELECT NULL::TIMESTAMP AS time, NULL::BIGINT AS seq, NULL::VARCHAR AS series, NULL::DOUBLE AS value"
    " WHERE false"
)


def timeseries(sources: Sequence[str]) -> str:
    """``metrics_timeseries``: every sample of some wide relations (all columns of theirs are read)."""
    return " UNION ALL ".join(unpivot(item, f"* EXCLUDE ({_AXIS})") for item in sources) or EMPTY_NARROW


def samples(sources: Sequence[str]) -> str:
    """Body of ``samples(pattern)``: samples of the series that a pattern names, reading only their columns.

    A regular expression and no lambda: DuckDB changed how those are written between versions.
    """
    # ``seq`` is picked too, so that a pattern without a match has no rows instead of no columns, an error.
    like = r"replace(replace(regexp_escape(pattern), '\*', '.*'), '\?', '.')"
    columns = f"'^(seq|' || {like} || '(\\{{.*)?)$'"
    return " UNION ALL ".join(unpivot(item, columns, instead="seq") for item in sources) or EMPTY_NARROW


def raw_sources(folder: Path, made: Manifest) -> list[str]:
    """Wide relations of the raw level."""
    return [scan(folder, item) for item in parts(made.of(manifest.RAW))]


def recent(made: Manifest, columns: int) -> Manifest:
    """With the newest raw segments only: as many as have so many columns together, one hour at least."""
    raw = made.of(manifest.RAW)
    kept: list[Segment] = []
    for first in sorted({item.first_seq for item in raw}, reverse=True):
        run = [item for item in raw if item.first_seq == first]
        columns -= sum(len(manifest.numbers(item.columns)) for item in run)
        if columns < 0 and kept:
            break
        kept += run
    return msgspec.structs.replace(made, segments=tuple(kept))


def last_sources(folder: Path, made: Manifest) -> list[str]:
    """Narrow relations that hold the last raw value of every series, from as few files as possible."""
    found = []
    for files in parts(made.of(manifest.RAW)):
        seen: set[int] = set()
        names = made.catalogue()
        for item in reversed(files):
            new = [number for number in manifest.numbers(item.columns) if number not in seen]
            seen.update(new)
            if new:
                columns = ", ".join(text(names[number].name) for number in new)
                found.append(
                    unpivot(scan(folder, [item]), f"[{columns}]" if seen - set(new) else f"* EXCLUDE ({_AXIS})")
                )
    return found


def snapshots(narrow: Sequence[str], series: str) -> str:
    """``metrics_snapshots``: the last value of each series.

    Args:
        narrow: Relations as ``last_sources`` gives them.
        series: Name of the table of series.
    """
    all_rows = " UNION ALL ".join(narrow) or EMPTY_NARROW
    return (
        "SELECT s.series, l.time, l.seq, l.value, s.unit, s.kind, s.id AS series_id FROM"  # noqa: S608  as above
        f" (SELECT series, max(seq) AS seq, arg_max(time, seq) AS time, arg_max(value, seq) AS value"
        f" FROM ({all_rows}) GROUP BY series) AS l JOIN {series} AS s ON s.column_name = l.series"
    )


def plain(column: str) -> str:
    """Name of a table's cell in SQL: ``process.cpu.utilization`` becomes ``cpu_utilization``."""
    return column.removeprefix("process.").replace(".", "_")


def table(source: str, known: Iterable[str], schema: TableSchema | None = None) -> str:
    """A table's view: a row per change, with plain names.

    Args:
        source: A relation with ``seq``, ``time_ns``, ``key``, ``gone``, ``filename`` and cells.
        known: Names of its columns.
        schema: Cells that the view has in any case.
    """
    return f"SELECT make_timestamp(time_ns // 1000) AS time, seq, key, gone{_cells(known, schema)} FROM {source}"  # noqa: S608  as above


def table_at(source: str, known: Iterable[str], schema: TableSchema | None = None) -> str:
    """Body of ``processes_at(moment)``: the rows in effect then, by the segment that holds the moment."""
    before = f"(SELECT * FROM {source} WHERE time_ns <= epoch_ns(moment::TIMESTAMP))"  # noqa: S608  as above
    return (
        f"SELECT make_timestamp(time_ns // 1000) AS time, seq, key{_cells(known, schema)} FROM {before}"  # noqa: S608  as above
        f" WHERE filename = (SELECT arg_max(filename, seq) FROM {before})"
        " QUALIFY row_number() OVER (PARTITION BY key ORDER BY seq DESC, time_ns DESC) = 1 AND NOT gone"
    )


def _cells(known: Iterable[str], schema: TableSchema | None) -> str:
    there = [item for item in known if item not in ("seq", "time_ns", "key", "gone", "filename")]
    cells = {plain(item): quoted(item) for item in there}
    for item in schema.columns if schema else ():
        kind = "VARCHAR" if item.kind == "text" else "DOUBLE"
        cells.setdefault(plain(item.name), f"NULL::{kind}")
    return "".join(f", {cell} AS {quoted(name)}" for name, cell in cells.items())


NO_ROWS: Final = (
    "(SELECT NULL::BIGINT AS seq, NULL::BIGINT AS time_ns, NULL::VARCHAR AS key, NULL::BOOLEAN AS gone,"
    " NULL::VARCHAR AS filename WHERE false)"
)
"""A table that was never stored."""


def table_sources(folder: Path, made: Manifest) -> Mapping[str, str]:
    """Name of each stored table to its relation."""
    found: dict[str, list[Segment]] = {}
    for item in made.of(manifest.TABLE):
        found.setdefault(item.group, []).append(item)
    return {name: scan(folder, items[-TABLE_FILES:], named=True) for name, items in found.items()}


def schema_of(name: str) -> TableSchema | None:
    """Schema of a table that is known although nothing of it may have been stored."""
    return KNOWN.get(name)
