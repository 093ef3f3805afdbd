"""What rows of the journal refer to by number: series, layouts, schemas. Each is written down once."""

import zlib
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from wftui.model.sample import Column
from wftui.model.table import TableSchema
from wftui.model.tick import Layout
from wftui.store import little
from wftui.store.database import StoreDamagedError

_json: Final = msgspec.json.Encoder()


class Numbering:
    """Of one journal, inside its transactions.

    Each method may raise SQLite's errors, and StoreDamagedError where an index leads nowhere.
    """

    def __init__(self, run: Callable[..., Any], path: Path | None) -> None:  # Any: SQLite's cursor
        """``run``: ``execute`` of the connection."""
        self._run = run
        self._path = path
        self._columns: dict[Column, int] = {}
        self._layouts: set[int] = set()
        self._schemas: dict[str, tuple[TableSchema, int]] = {}

    def forget(self) -> None:
        """What was written down is gone."""
        self._columns.clear()
        self._layouts.clear()
        self._schemas.clear()

    def put_layout(self, layout: Layout) -> None:
        """Write a layout down under the number that it has."""
        if layout.id in self._layouts:
            return
        blob = little.pack(array("I", [self.column(column) for column in layout.columns]))
        self._run("INSERT OR IGNORE INTO layout VALUES (?,?,?)", (layout.id, blob, zlib.crc32(blob)))
        self._layouts.add(layout.id)

    def column(self, column: Column) -> int:
        """Number of a series with its provenance."""
        number = self._columns.get(column)
        if number is None:
            fields = (
                column.series.text,
                column.unit,
                column.kind,
                column.group,
                column.quality,
                column.source,
                column.call,
            )
            self._run(
                "INSERT OR IGNORE INTO series_column(series, unit, kind, grp, quality, source, call)"
                " VALUES (?,?,?,?,?,?,?)",
                fields,
            )
            (number,) = self._one(
                "SELECT id FROM series_column"
                " WHERE series=? AND unit=? AND kind=? AND grp=? AND quality=? AND source=? AND call=?",
                fields,
            )
            self._columns[column] = int(number)
        return int(number)

    def schema(self, item: TableSchema) -> int:
        """Number of a table's schema."""
        known = self._schemas.get(item.name)
        if known is None or (known[0] is not item and known[0] != item):
            text = _json.encode(item).decode()
            self._run("INSERT OR IGNORE INTO table_schema(schema) VALUES (?)", (text,))
            (number,) = self._one("SELECT id FROM table_schema WHERE schema = ?", (text,))
            known = self._schemas[item.name] = item, int(number)
        return known[1]

    def _one(self, sql: str, parameters: tuple[str, ...]) -> tuple[Any, ...]:  # Any: SQLite's cells
        row = self._run(sql, parameters).fetchone()
        if row is None:
            raise StoreDamagedError(f"{self._path}: an index names a row that is not there")
        found: tuple[Any, ...] = row
        return found
