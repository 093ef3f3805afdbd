"""`wftop export --format duckdb`: series, events and tables of a range in one file for any DuckDB client."""

from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wftui import __version__
from wftui.cli.export_facts import EVENT_COLUMNS, event_records, table_columns, table_records
from wftui.cli.output import OutputFile
from wftui.model.table import TableSchema
from wftui.render.files import Heading, rfc3339, unique
from wftui.render.records import Heading as Column
from wftui.render.records import Record
from wftui.store import duckfile
from wftui.store.duckfile import Facts
from wftui.text import clean
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from wftui.store.archive import Archive
    from wftui.store.levels import Levels
    from wftui.store.rows import Batch

_TYPES: Final = {
    "text": "VARCHAR", "time": "TIMESTAMP", "flag": "BOOLEAN", "object": "JSON", "gauge": "DOUBLE",
    "counter": "DOUBLE",
}  # fmt: skip
_WHOLE: Final = frozenset({"seq", "process.pid", "process.parent_pid", "process.start_time"})
_RESERVED: Final = frozenset({"meta", "series", "samples", "metrics", "events"})


def write(
    arguments: Namespace,
    archive: "Archive",
    rows: "Levels",
    columns: Sequence[Heading],
    span_s: tuple[int, int],
    tell: "Callable[[Batch], None]",
) -> None:
    """Write the file.

    Raises:
        ConfigError: It is there already, or cannot be written.
        StoreError: DuckDB could not write it.
    """
    identity = arguments.include_identity
    since_ns, until_ns = span_s[0] * NS_PER_S, span_s[1] * NS_PER_S
    names = unique(["seq", "time", *(item.id for item in columns)], fold=True)[2:]
    series = [
        duckfile.Series(name, item.id, item.name, item.labels, item.stat, item.unit, item.kind)
        for name, item in zip(names, columns, strict=True)
    ]
    facts = [_facts("events", list(EVENT_COLUMNS), event_records(archive, since_ns, until_ns, identity=identity))]
    facts += [_table(archive, schema, since_ns, until_ns, identity=identity) for schema in archive.tables()]
    meta = {
        "schema_version": str(duckfile.SCHEMA_VERSION),
        "wftop_version": __version__,
        "since": rfc3339(span_s[0]),
        "until": rfc3339(span_s[1]),
        "step": arguments.step,
        "level_s": str(rows.level_s),
        "identity": "kept" if identity else "left out",
    }
    with OutputFile(arguments.output, force=arguments.force) as file:
        duckfile.write(file.path, series, rows, facts, meta, tell)


def _table(archive: "Archive", schema: TableSchema, since_ns: int, until_ns: int, *, identity: bool) -> Facts:
    columns, places = table_columns(schema, identity=identity)
    name = f"{schema.name}_table" if schema.name in _RESERVED else schema.name
    return _facts(name, columns, table_records(archive, schema.name, since_ns, until_ns, places))


def _facts(name: str, columns: Sequence[Column], found: Iterator[Record]) -> Facts:
    """``time`` as TIMESTAMP from ``time_ns``; the text beside it is left out."""
    kept = [place for place, item in enumerate(columns) if item.name != "time"]
    typed = [
        ("time", "TIMESTAMP")
        if item.name == "time_ns"
        else (item.name, "BIGINT" if item.name in _WHOLE else _TYPES[item.kind])
        for item in (columns[place] for place in kept)
    ]
    return Facts(name, typed, ([_cell(record[place]) for place in kept] for record in found))


def _cell(cell: Any) -> Any:  # Any: a cell of a record, and what DuckDB takes for it
    if isinstance(cell, str):
        return clean(cell)
    return msgspec.json.encode(cell).decode() if isinstance(cell, dict) else cell
