"""The live hour of `wftop sql`: what the journal holds and no segment yet, as tables of a DuckDB connection."""

import zlib
from array import array
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import duckdb
import msgspec

from wftui.model.sample import Column
from wftui.model.table import Row, TableChange, TableSchema
from wftui.store import manifest
from wftui.store.arrow import Columns, Source
from wftui.store.database import Database
from wftui.store.manifest import Manifest, StoredColumn
from wftui.store.read import Reader, Span
from wftui.store.rows import Batch, Rows
from wftui.store.sql import name as quoted

CELLS: Final = 8_000_000
"""Values loaded at most (64 MB), the newest: the journal may hold days when hours cannot be sealed."""
SCHEMA: Final = "live"
"""Where the tables are; the caller makes it."""
TICKS: Final = "live.ticks"
"""Wide table: ``seq, time_s, boottime_ns, boot`` (the last two NULL), then the series."""
FILE: Final = "journal"
"""In the column ``filename`` of live tables."""
_BATCH: Final = 256

_change: Final = msgspec.msgpack.Decoder(TableChange)
_schema: Final = msgspec.json.Decoder(TableSchema)


class Ticks(NamedTuple):
    """What was loaded."""

    manifest: Manifest
    """With the series that only the journal has."""
    ticks: int
    skipped: int
    """Older ticks that were left out."""


def load_ticks(connection: duckdb.DuckDBPyConnection, database: Database, made: Manifest) -> Ticks:
    """Fill ``live.ticks`` with the ticks behind the sealed ones; no table when there are none.

    Raises:
        StoreError: The journal cannot be read.
    """
    reader = Reader(database)
    found = _span(database, made.sealed_seq)
    if found is None:
        return Ticks(made, 0, 0)
    width = max((len(reader.layout(number).columns) for number in found.layouts), default=0)
    first = max(found.first_seq, found.last_seq - CELLS // max(1, width) + 1)
    span = _span(database, first - 1) or found
    ((low, high),) = database.rows("SELECT min(time_s), max(time_s) FROM tick WHERE seq >= ?", (first,))
    rows = Rows(reader, span, low, high + 1, raw=True)
    made, stored = manifest.with_columns(made, [field.column for field in rows.fields])
    _fill(connection, rows, stored)
    return Ticks(made, span.ticks, found.ticks - span.ticks)


def _span(database: Database, after_seq: int) -> Span | None:
    sql = "SELECT min(seq), max(seq), count(*) FROM tick WHERE seq > ?"
    ((first, last, count),) = database.rows(sql, (after_seq,))
    if first is None:
        return None
    layouts = database.rows("SELECT DISTINCT layout FROM tick WHERE seq > ?", (after_seq,))
    return Span(first, last, count, tuple(sorted(number for (number,) in layouts)))


def _fill(connection: duckdb.DuckDBPyConnection, rows: Rows, stored: Sequence[StoredColumn]) -> None:
    def batches() -> Iterator[Columns]:
        for batch in rows.batches(_BATCH):
            yield _columns(batch)

    names = ["seq", "time_s", *(f"c{place}" for place in range(len(stored)))]
    source = Source(names, "qq" + "d" * len(stored), batches)
    cells = "".join(f", {_known(place)} AS {quoted(item.name)}" for place, item in enumerate(stored))
    axis = "seq, time_s, NULL::BIGINT AS boottime_ns, NULL::BIGINT AS boot"
    _create(connection, TICKS, f"SELECT {axis}{cells} FROM source", source)  # noqa: S608  made of quoted names


def _columns(batch: Batch) -> Columns:
    return [array("q", batch.seq), array("q", batch.time_s), *batch.columns]


def _known(place: int) -> str:
    return f"CASE WHEN isnan(c{place}) THEN NULL ELSE c{place} END"


def _create(connection: duckdb.DuckDBPyConnection, name: str, query: str, source: Source) -> None:
    connection.register("source", source)
    try:
        connection.execute(f"CREATE TABLE {name} AS {query}")
    except duckdb.Error:
        if source.error is not None:
            raise source.error from None
        raise
    finally:
        connection.unregister("source")


def columns(database: Database, made: Manifest) -> list[Column]:
    """Series of the unsealed ticks."""
    span = _span(database, made.sealed_seq)
    reader = Reader(database)
    found = {}
    for number in span.layouts if span else ():
        for item in reader.layout(number).columns:
            found[item.series.text, item.unit, item.kind] = item
    return list(found.values())


class _Cells:
    """Rows of one table by column; a text is a number in ``words``."""

    def __init__(self, schema: TableSchema, words: dict[str, int]) -> None:
        self.schema = schema
        self.words = words
        self.axis: tuple[array[int], ...] = tuple(array("q") for _ in range(4))
        """seq, time_ns, word of the key, 1 = gone."""
        self.cells: list[array[float]] = [array("d") for _ in schema.columns]

    def put(self, seq: int, time_ns: int, key: str, row: Row | None) -> None:
        """One row; None: it has gone."""
        words = self.words
        for column, number in zip(self.axis, (seq, time_ns, _number(words, key), row is None), strict=True):
            column.append(number)
        for cell, value in zip(self.cells, row or (None,) * len(self.cells), strict=True):
            if isinstance(value, str):
                cell.append(_number(words, value))
            else:
                cell.append(float("nan") if value is None else value)


def _number(words: dict[str, int], word: str) -> int:
    return words.setdefault(word, len(words))


def load_table(connection: duckdb.DuckDBPyConnection, database: Database, made: Manifest, name: str) -> str | None:
    """Fill ``live.<name>`` with a table's rows behind the sealed ticks, its state there first; None: no rows.

    Raises:
        StoreError: The journal cannot be read.
    """
    held: _Cells | None = None
    for schema, seq, time_ns, rows in _changes(database, name, made.sealed_seq):
        if held is None or held.schema is not schema:
            # The columns of another schema differ: what came before it is left out until it is sealed.
            held = _Cells(schema, {})
        for key, row in rows:
            held.put(seq, time_ns, key, row)
    return _put(connection, name, held) if held is not None and held.axis[0] else None


def _put(connection: duckdb.DuckDBPyConnection, name: str, held: _Cells) -> str:
    table = f"{SCHEMA}.{quoted(name)}"
    names = ["seq", "time_ns", "k", "g", *(f"c{place}" for place in range(len(held.cells)))]
    source = Source(names, "qqqq" + "d" * len(held.cells), lambda: iter([[*held.axis, *held.cells]]))
    words = "CREATE OR REPLACE TABLE live.words AS SELECT unnest(?::VARCHAR[]) AS word"
    connection.execute(words, [list(held.words)])
    cells, joins = "", ""
    for place, item in enumerate(held.schema.columns):
        if item.kind == "text":
            cells += f", t{place}.word AS {quoted(item.name)}"
            joins += f" LEFT JOIN live.words AS t{place} ON t{place}.rowid = c{place}"
        else:
            cells += f", {_known(place)} AS {quoted(item.name)}"
    query = (
        f"SELECT seq, time_ns, tk.word AS key, g = 1 AS gone, '{FILE}' AS filename{cells} FROM source"  # noqa: S608  made of quoted names
        f" JOIN live.words AS tk ON tk.rowid = k{joins}"
    )
    _create(connection, table, query, source)
    return table


def _changes(
    database: Database, name: str, after_seq: int
) -> Iterator[tuple[TableSchema, int, int, list[tuple[str, Row | None]]]]:
    """Schema, tick, time and rows (None: gone) of what really changed behind a tick."""
    (begin,) = next(
        database.rows(
            # The + keeps SQLite off the index by name and time: it would sort.
            "SELECT tick FROM table_change WHERE +name = ? AND tick <= ? AND keyframe = 1"
            " ORDER BY tick DESC, id DESC LIMIT 1",
            (name, after_seq),
        ),
        (after_seq + 1,),
    )
    schemas = {number: _schema.decode(text) for number, text in database.rows("SELECT * FROM table_schema")}
    state: dict[str, Row] = {}
    using, whole = 0, False
    for tick, schema, crc, body in database.rows(
        "SELECT tick, schema, crc32, body FROM table_change WHERE +name = ? AND tick >= ? ORDER BY tick, id",
        (name, begin),
    ):
        if zlib.crc32(body) != crc:
            whole = False  # what follows would be applied to the wrong rows
            continue
        change = _change.decode(body)
        whole = whole or change.keyframe
        if not whole:
            continue
        if schema != using:
            using = schema
            state.clear()
        gone = [key for key in state if key not in change.rows] if change.keyframe else change.gone
        rows: list[tuple[str, Row | None]] = [(key, None) for key in gone if state.pop(key, None) is not None]
        for key, row in change.rows.items():
            if state.get(key) != row:
                state[key] = row
                rows.append((key, row))
        yield schemas[schema], max(tick, after_seq + 1), change.time_ns, rows
