"""Reading the journal back: ticks, state at a moment, events, tables. Any process, no lock."""

import struct
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import msgspec

from wftui.clock import NS_PER_S
from wftui.errors import NoDataError
from wftui.model.event import Event
from wftui.model.sample import Column
from wftui.model.series import parse
from wftui.model.table import Row, TableChange, TableSchema, apply, keyframe
from wftui.model.tick import Layout, Tick
from wftui.store import journal, little
from wftui.store.journal import Database

_change: Final = msgspec.msgpack.Decoder(TableChange)
_schema: Final = msgspec.json.Decoder(TableSchema)
decode_change: Final = _change.decode
"""Of a stored body whose checksum fits."""

GAP_NS: Final = 1_500_000_000
"""Two ticks further apart than this (CLOCK_BOOTTIME) have a gap between them."""

_COLUMN: Final = "id, series, unit, kind, grp, quality, source, call"
_COLUMN_INDEX: Final = "sqlite_autoindex_series_column_1"
_SCHEMA_INDEX: Final = "sqlite_autoindex_table_schema_1"

_BATCH: Final = 64
"""Ticks read at once: they stay in the processor's cache (an hour as CSV took 0.34 s, with 256 0.40 s)."""


Told = tuple[int, TableSchema, TableChange]
"""A change of a table, with the number of the tick that it belongs to."""


class TableAt:
    """Rows of one table at a moment."""

    def __init__(self, schema: TableSchema, time_ns: int, rows: dict[str, Row]) -> None:
        self.schema = schema
        self.time_ns = time_ns
        self.rows = rows


class Span(NamedTuple):
    """The ticks of a range of time, without their values."""

    first_seq: int
    last_seq: int
    """The range of sequence numbers; a clock that stepped may have put ticks of other times between them."""
    ticks: int
    """Ticks whose second is in the range."""
    layouts: tuple[int, ...]
    """Ids of the layouts that they use, ascending."""


class Reader:
    """Questions to one journal."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._layouts: dict[int, Layout] = {}
        self._widths: dict[int, int] = {}
        self._columns: dict[int, Column] = {}
        self._schemas: dict[int, TableSchema] = {}
        self.damaged = 0
        """Ticks, layouts and changes left out because their checksum did not fit."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._database.close()

    @property
    def database(self) -> Database:
        """What it reads."""
        return self._database

    def bounds(self) -> tuple[int, int] | None:
        """First and last UTC second with a tick; None: there is none."""
        low, high = next(self._database.rows("SELECT min(time_s), max(time_s) FROM tick"))
        return None if low is None else (low, high)

    def first(self) -> tuple[tuple[int, int] | None, int | None]:
        """Seq and UTC second of the first tick, and seq of the first event; None: there is none."""
        tick = next(self._database.rows("SELECT seq, time_s FROM tick ORDER BY seq LIMIT 1"), None)
        (event,) = next(self._database.rows("SELECT min(seq) FROM event"))
        return tick, event

    def layout(self, number: int) -> Layout:
        """A layout by its id; without columns when it is damaged."""
        layout = self._layouts.get(number)
        if layout is None:
            layout = self._layouts[number] = Layout(number, self._read_layout(number))
        return layout

    def width(self, number: int) -> int:
        """Columns of a layout, whatever they are; 0 when it is damaged."""
        if number not in self._widths:
            self._widths[number] = len(self._column_ids(number))
        return self._widths[number]

    def _column_ids(self, number: int) -> "array[int]":
        row = next(self._database.rows("SELECT columns, crc32 FROM layout WHERE id = ?", (number,)), None)
        if row is None or not _fits(row[1], row[0]) or len(row[0]) % 4:
            self.damaged += 1
            return array("I")
        return little.unpack("I", row[0])

    def _read_layout(self, number: int) -> tuple[Column, ...]:
        ids = self._column_ids(number)
        if any(item not in self._columns for item in ids):
            for item, column in self._sound_columns():
                self._columns.setdefault(item, column)
        # What nobody can name keeps its place: the other numbers of the tick are sound.
        return tuple(self._columns.get(item) or _unknown(item) for item in ids)

    def column(self, number: int) -> Column | None:
        """A column by its id; None: it is damaged, or there is none."""
        if number not in self._columns:
            self._columns |= dict(self._sound_columns())
        return self._columns.get(number)

    def _sound_columns(self) -> Iterator[tuple[int, Column]]:
        """Columns by id. They have no checksum, but the index that keeps them apart holds all of them again."""
        # Their hashes: the rows themselves would take megabytes in a recorder that starts.
        again = {
            hash(row)
            for row in self._database.rows(f"SELECT {_COLUMN} FROM series_column INDEXED BY {_COLUMN_INDEX}")  # noqa: S608  fixed words only
        }
        for row in self._database.rows(f"SELECT {_COLUMN} FROM series_column NOT INDEXED ORDER BY id"):  # noqa: S608  fixed words only
            try:
                if hash(row) in again:
                    yield row[0], Column(parse(row[1]), *row[2:])
                    continue
            except ValueError:
                pass
            self.damaged += 1

    def ticks(self, since_s: int, until_s: int, from_seq: int = 0) -> Iterator[Tick]:
        """Ticks of the seconds [since, until), in the order in which they were made, from a number on."""
        span = self._span(since_s, until_s)
        if span is None:
            return
        # By seq, not by time (hence the +): sorting a day of ticks would copy all of them before the first comes.
        rows = self._database.rows(
            'SELECT seq, time_s, boottime_ns, boot, layout, "values", crc32 FROM tick'
            " WHERE seq BETWEEN ? AND ? AND +time_s >= ? AND +time_s < ? ORDER BY seq",
            (max(span[0], from_seq), span[1], since_s, until_s),
        )
        for row in rows:
            tick = _sound_tick(row)
            if tick is not None:
                yield tick
            else:
                self.damaged += 1

    def span(self, since_s: int, until_s: int) -> Span | None:
        """What there is of the seconds [since, until); None: nothing."""
        where = "WHERE time_s >= ? AND time_s < ?"
        first, last, count = next(
            self._database.rows(f"SELECT min(seq), max(seq), count(*) FROM tick {where}", (since_s, until_s))  # noqa: S608  fixed words only
        )
        if first is None:
            return None
        layouts = self._database.rows(
            "SELECT DISTINCT layout FROM tick WHERE seq >= ? AND seq <= ? AND +time_s >= ? AND +time_s < ?",
            (first, last, since_s, until_s),
        )
        return Span(first, last, count, tuple(sorted(number for (number,) in layouts)))

    def sequence(self, first_seq: int, last_seq: int) -> Iterator[Tick]:
        """Ticks by their order, both ends included, in batches: a reader that pauses keeps no snapshot open.

        An open snapshot would hold the journal's WAL, which then grows while somebody pages through an export.
        """
        for start in range(first_seq, last_seq + 1, _BATCH):
            rows = self._database.rows(
                'SELECT seq, time_s, boottime_ns, boot, layout, "values", crc32 FROM tick'
                " WHERE seq >= ? AND seq <= ? ORDER BY seq",
                (start, min(start + _BATCH - 1, last_seq)),
            )
            for row in list(rows):
                tick = _sound_tick(row)
                if tick is not None:
                    yield tick
                else:
                    self.damaged += 1

    def at(self, time_s: int) -> Tick | None:
        """The last tick that covers a UTC second; None in a gap."""
        return next(iter(sorted(self.ticks(time_s, time_s + 1), key=lambda t: -t.seq)), None)

    def neighbours(self, time_s: int) -> tuple[int | None, int | None]:
        """The nearest seconds with a tick, before and after."""
        (before,) = next(self._database.rows("SELECT max(time_s) FROM tick WHERE time_s < ?", (time_s,)))
        (after,) = next(self._database.rows("SELECT min(time_s) FROM tick WHERE time_s > ?", (time_s,)))
        return before, after

    def check_columns(self) -> None:
        """Count those that are damaged, without keeping any."""
        for _ in self._sound_columns():
            pass

    def columns(self) -> list[Column]:
        """Every column that ever was in a layout, newest last."""
        return [column for _, column in self._sound_columns()]

    def events(
        self,
        after_seq: int = 0,
        since_ns: int | None = None,
        until_ns: int | None = None,
        types: list[str] | None = None,
        limit: int = 1000,
        newest: bool = False,
    ) -> tuple[list[Event], bool]:
        """Events in ascending order of seq, and whether there are more than ``limit``."""
        where, parameters = ["seq > ?"], [after_seq]
        if since_ns is not None:
            where.append("time_ns >= ?")
            parameters.append(since_ns)
        if until_ns is not None:
            where.append("time_ns < ?")
            parameters.append(until_ns)
        order = "DESC" if newest else "ASC"
        sql = f"SELECT * FROM event WHERE {' AND '.join(where)} ORDER BY seq {order}"  # noqa: S608  fixed words only
        found: list[Event] = []
        more = False
        for row in self._database.rows(sql, parameters):
            if types and not any(fnmatchcase(str(row[3]), pattern) for pattern in types):
                continue
            if len(found) >= limit:
                more = True
                break
            item = sound_event(row)
            if item is None:
                self.damaged += 1
            else:
                found.append(item)
        return (found[::-1] if newest else found), more

    def tables(self) -> list[TableSchema]:
        """Schemas of the tables that were ever stored, the newest of each name."""
        newest = {}
        for item in self._sound_schemas().values():
            newest[item.name] = item
        return list(newest.values())

    def _sound_schemas(self) -> dict[int, TableSchema]:
        """Schemas by id; as columns they stand in an index once more."""
        again = set(self._database.rows(f"SELECT id, schema FROM table_schema INDEXED BY {_SCHEMA_INDEX}"))  # noqa: S608  fixed words only
        found = {}
        for row in self._database.rows("SELECT id, schema FROM table_schema NOT INDEXED ORDER BY id"):
            if row in again:
                found[row[0]] = _schema.decode(row[1])
            else:
                self.damaged += 1
        return found

    def changes(self, name: str, since_ns: int, until_ns: int) -> Iterator[tuple[TableSchema, TableChange]]:
        """Changes of a table over [since, until) in the order in which they came, the whole table before it first.

        Both passes of a repeated hour come, each with a keyframe before it; nothing comes for a gap.
        """
        span = self._span(since_ns // NS_PER_S, -(-until_ns // NS_PER_S))
        # The open second has changes, but no tick yet: hence one more.
        return within(self.stored(name, *span, 1) if span else iter(()), since_ns, until_ns)

    def table_at(self, name: str, time_ns: int) -> TableAt | None:
        """Rows of a table in the last tick that covers that second; None: a gap, or there was no table."""
        tick = self.at(time_ns // NS_PER_S)
        return self.table_of(name, tick.seq) if tick else None

    def table_of(self, name: str, seq: int) -> TableAt | None:
        """Rows of a table in one tick; None: there was no table."""
        found: TableAt | None = None
        for _, schema, change in self.stored(name, seq, seq):
            if found is None:
                found = TableAt(schema, change.time_ns, {})
            apply(found.rows, change)
            found.time_ns = change.time_ns
        return found

    def _span(self, since_s: int, until_s: int) -> tuple[int, int] | None:
        """First and last seq among the ticks of the seconds [since, until)."""
        low, high = next(
            self._database.rows(
                "SELECT min(seq), max(seq) FROM tick WHERE time_s >= ? AND time_s < ?", (since_s, until_s)
            )
        )
        return None if low is None else (low, high)

    def resumed(self, name: str, low: int, high: int, beyond: int = 0) -> Iterator[Told]:
        """As ``stored``, with one keyframe of what there was before ``low``: for who has seen what led to it."""
        return resumed(self.stored(name, low, high, beyond), low)

    def stored(self, name: str, low: int, high: int, beyond: int = 0) -> Iterator[Told]:
        """Changes that belong to the ticks [low, high + beyond], from the last keyframe before them on."""
        first = next(
            self._database.rows(
                # The + keeps SQLite off the index by name and time: it would sort.
                "SELECT tick FROM table_change WHERE +name = ? AND tick <= ? AND keyframe = 1"
                " ORDER BY tick DESC, id DESC LIMIT 1",
                (name, low),
            ),
            (low,),
        )
        whole = False
        for tick, schema, crc, body in self._database.rows(
            "SELECT tick, schema, crc32, body FROM table_change WHERE +name = ? AND tick BETWEEN ? AND ?"
            " ORDER BY tick, id",
            (name, first[0], high + beyond),
        ):
            if not _fits(crc, body):
                self.damaged += 1
                whole = False  # what follows would be applied to the wrong rows
                continue
            change = _change.decode(body)
            known = self.schema(schema)
            whole = known is not None and (whole or change.keyframe)
            if known is not None and whole:
                yield tick, known, change

    def schema(self, number: int) -> TableSchema | None:
        """A schema by its id; None: it is damaged."""
        if number not in self._schemas:
            self._schemas |= self._sound_schemas()
        return self._schemas.get(number)


def _fits(crc: object, data: object) -> bool:
    """Whether a checksum fits; SQLite gives what a damaged row holds, of any type."""
    return isinstance(data, bytes) and zlib.crc32(data) == crc


def _sound_tick(row: Sequence[Any]) -> Tick | None:  # Any: SQLite's cells
    """A tick whose checksum, the last cell, fits; else None."""
    *fields, crc = row
    try:
        tick = Tick(*fields)
        return tick if tick.crc32() == crc else None
    except (TypeError, ValueError, struct.error):
        return None  # not even numbers


def sound_event(row: Sequence[Any]) -> Event | None:  # Any: SQLite's cells
    """An event from its row; None: it is none. Events have no checksum."""
    try:
        return msgspec.convert(
            dict(zip(Event.__struct_fields__, (*row[:8], *map(msgspec.json.decode, row[8:])), strict=True)), Event
        )
    except (msgspec.MsgspecError, TypeError, ValueError):
        return None


def _unknown(number: int) -> Column:
    """A column that nobody can name any more."""
    return Column(parse(f"custom.damaged.{number}"), "1", "gauge", "custom", "suspect", "store", "")


def resumed(stored: Iterable[Told], low: int) -> Iterator[Told]:
    """Changes from the tick ``low`` on, with one keyframe of what there was before it, told of that tick."""
    rows: dict[str, Row] = {}
    before: tuple[TableSchema, int] | None = None
    for tick, schema, change in stored:
        if tick < low:
            apply(rows, change)
            before = schema, change.time_ns
            continue
        if before is not None:
            yield low, before[0], keyframe(*before, rows)
            before = None
        yield tick, schema, change
    if before is not None:
        yield low, before[0], keyframe(*before, rows)


def within(stored: Iterable[Told], since_ns: int, until_ns: int) -> Iterator[tuple[TableSchema, TableChange]]:
    """Changes over [since, until) among those that a table went through, the whole table before it first."""
    rows: dict[str, Row] = {}
    before: tuple[TableSchema, int] | None = None  # what the asker does not have yet: the table at that time
    for _, schema, change in stored:
        if since_ns <= change.time_ns < until_ns:
            if before is not None:
                yield before[0], keyframe(before[0], before[1], rows)
            yield schema, change
            before = None
        else:
            before = schema, change.time_ns
        apply(rows, change)
    if before is not None and before[1] < since_ns:
        yield before[0], keyframe(before[0], before[1], rows)


def open_reader(data_dir: Path) -> Reader:
    """Read a data dir, with a recorder running or not.

    Raises:
        NoDataError: Nothing was ever recorded there.
        StoreError: The journal is damaged, or a newer wftop wrote it.
    """
    path = data_dir / journal.NAME
    if not path.exists():
        raise NoDataError(f"{data_dir}: nothing was recorded there yet (wftop record, or wftop, records)")
    return Reader(journal.open_reader(path))
