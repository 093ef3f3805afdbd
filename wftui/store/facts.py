"""Tables and events as their segments hold them."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import groupby
from typing import Any, Final

import msgspec

from wftui.errors import StoreError
from wftui.model.event import Event
from wftui.model.table import Row, TableChange, TableSchema, keyframe
from wftui.store import manifest
from wftui.store.manifest import Segment
from wftui.store.read import TableAt, Told
from wftui.store.sealed import Sealed
from wftui.store.sql import name as quoted
from wftui.store.sql import text

_schema: Final = msgspec.json.Decoder(TableSchema)
_HELD_CELLS: Final = 600_000
"""Of segments whose rows stay in DuckDB's memory (two busy hours, 10 MB); a larger one stays in its file."""
_EVENT: Final = "seq, event_id, time_ns, type, aggregate_type, aggregate_id, trace_id, span_id, payload, metadata"
_FETCH: Final = 2000


class Facts:
    """Questions to table and event segments; all raise what ``Sealed.rows`` does."""

    def __init__(self, sealed: Sealed) -> None:
        self._sealed = sealed
        self._schemas: dict[tuple[str, int], TableSchema] = {}
        self._held: OrderedDict[tuple[str, int], tuple[str, int]] = OrderedDict()
        """File to the table that holds it, and its cells."""
        self._number = 0

    # ---- tables

    def names(self) -> list[str]:
        """Tables that have segments."""
        return sorted({item.group for item in self._sealed.manifest.of(manifest.TABLE)})

    def schema(self, name: str) -> TableSchema | None:
        """The newest schema of a table; None: no segment of it can be read."""
        for item in reversed(self._sealed.manifest.of(manifest.TABLE, name)):
            found = self._schema_of(item)
            if found is not None:
                return found
        return None

    def _schema_of(self, segment: Segment) -> TableSchema | None:
        if not self._sealed.whole([segment]):
            return None
        key = segment.file, segment.crc32
        if key not in self._schemas:
            path = text(str(self._sealed.path(segment)))
            pairs = self._sealed.rows(
                f"SELECT key, value FROM parquet_kv_metadata({path})",  # noqa: S608  the path is quoted
                [segment],
            )
            try:
                self._schemas[key] = _schema.decode(dict(pairs).get(b"wftop.schema", b""))
            except msgspec.MsgspecError:
                self._sealed.forget(segment)
                return None
        return self._schemas[key]

    def at(self, name: str, seq: int) -> TableAt | None:
        """Rows of a table at a tick; None: no segment holds it."""
        for item in reversed(self._sealed.manifest.of(manifest.TABLE, name)):
            if item.first_seq <= seq <= item.last_seq:
                return self._state(item, seq)
        return None

    def _state(self, segment: Segment, seq: int) -> TableAt | None:
        schema = self._schema_of(segment)
        if schema is None:
            return None
        source, place = self._source(segment, schema)
        cells = ", ".join(quoted(column.name) for column in schema.columns)
        # The rows are sorted by key, then seq: the last one of a key is its newest.
        found = self._sealed.rows(
            f"SELECT gone, time_ns, key, {cells} FROM {source} WHERE {place} IN"  # noqa: S608  quoted above
            f" (SELECT max({place}) FROM {source} WHERE seq <= {int(seq)} GROUP BY key)",
            [segment],
        )
        if not found:
            return None
        rows = {row[2]: tuple(row[3:]) for row in found if not row[0]}
        return TableAt(schema, max(row[1] for row in found), rows)

    def stored(self, segment: Segment, first: int, high: int) -> Iterator[Told]:
        """Changes of one segment that belong to the ticks [first, high], after a keyframe of the first one."""
        state = self._state(segment, first)
        schema = self._schema_of(segment)
        if state is not None:
            yield first, state.schema, keyframe(state.schema, state.time_ns, state.rows)
        if schema is not None:
            yield from self._changes(segment, schema, first, high)

    def _changes(self, segment: Segment, schema: TableSchema, after: int, high: int) -> Iterator[Told]:
        source, _ = self._source(segment, schema)
        cells = ", ".join(quoted(column.name) for column in schema.columns)
        found = self._sealed.rows(
            f"SELECT seq, time_ns, gone, key, {cells} FROM {source}"  # noqa: S608  quoted above
            f" WHERE seq > {int(after)} AND seq <= {int(high)} ORDER BY seq, time_ns",
            [segment],
        )
        for (seq, time_ns), group in groupby(found, key=lambda row: (int(row[0]), int(row[1]))):
            rows: dict[str, Row] = {}
            gone: list[str] = []
            for row in group:
                if row[2]:
                    gone.append(row[3])
                else:
                    rows[row[3]] = tuple(row[4:])
            yield seq, schema, TableChange(schema.name, time_ns, keyframe=False, rows=rows, gone=gone)

    def _source(self, segment: Segment, schema: TableSchema) -> tuple[str, str]:
        """Where to select the rows of a segment from, and the column that gives their order."""
        path = text(str(self._sealed.path(segment)))
        cells = segment.rows * (len(schema.columns) + 4)
        if cells > _HELD_CELLS:
            return f"read_parquet({path}, file_row_number = true)", "file_row_number"
        key = segment.file, segment.crc32
        if key not in self._held:
            while self._held and sum(size for _, size in self._held.values()) + cells > _HELD_CELLS:
                _, (old, _) = self._held.popitem(last=False)
                self._sealed.rows(f"DROP TABLE {old}", [])
            self._number += 1
            table = f"held_{self._number}"
            self._sealed.rows(f"CREATE TEMP TABLE {table} AS FROM read_parquet({path})", [segment])
            self._held[key] = table, cells
        self._held.move_to_end(key)
        return self._held[key][0], "rowid"

    # ---- events

    def events(
        self,
        low: int,
        high: int,
        since_ns: int | None,
        until_ns: int | None,
        types: Sequence[str],
        limit: int,
        newest: bool,
    ) -> tuple[list[Event], bool]:
        """Events with low < seq < high, ``limit`` of them from one end on, and whether there are more.

        In the order in which they were found: descending for ``newest``.
        """
        segments = [
            item
            for item in self._sealed.manifest.of(manifest.EVENT)
            if item.last_seq > low and item.first_seq < high
        ]
        where = [f"seq > {int(low)}", f"seq < {int(high)}"]
        if since_ns is not None:
            where.append(f"time_ns >= {int(since_ns)}")
        if until_ns is not None:
            where.append(f"time_ns < {int(until_ns)}")
        order = "DESC" if newest else "ASC"
        found: list[Event] = []
        for item in reversed(segments) if newest else segments:
            for row in self._event_rows(item, f"{' AND '.join(where)} ORDER BY seq {order}"):
                if types and not any(fnmatchcase(row[3], pattern) for pattern in types):
                    continue
                if len(found) >= limit:
                    return found, True
                found.append(_event(row))
        return found, False

    def _event_rows(self, segment: Segment, where: str) -> Iterator[tuple[Any, ...]]:  # Any: SQL's cells
        if not self._sealed.whole([segment]):
            return
        path = text(str(self._sealed.path(segment)))
        offset = 0
        while True:
            rows = self._sealed.rows(
                f"SELECT {_EVENT} FROM read_parquet({path}) WHERE {where} LIMIT {_FETCH} OFFSET {offset}",  # noqa: S608  numbers and a quoted path
                [segment],
            )
            yield from rows
            if len(rows) < _FETCH:
                return
            offset += _FETCH


def _event(row: tuple[Any, ...]) -> Event:  # Any: SQL's cells
    try:
        return Event(*row[:8], *map(msgspec.json.decode, row[8:]))
    except msgspec.MsgspecError as error:
        raise StoreError(f"event {row[0]}: {error}") from error
