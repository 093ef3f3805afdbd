"""Narrow segments: what is not a number each second. Tables and bursts by (what, when), events in their order."""

import zlib
from array import array
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from wftui.model.sample import Column
from wftui.model.series import parse
from wftui.model.table import Row, TableChange, TableSchema
from wftui.store import manifest
from wftui.store.arrow import Buffers, Kept, Source
from wftui.store.journal import Database
from wftui.store.manifest import Manifest
from wftui.store.segments import Label, Shelf
from wftui.units import NS_PER_S

ROW_GROUP: Final = 16_384
_BATCH: Final = 4096
_NO_INT: Final = -(2**63)
_NAN: Final = float("nan")
EVENTS: Final = 20_000
"""In one file at most."""
_change: Final = msgspec.msgpack.Decoder(TableChange)
_schema: Final = msgspec.json.Decoder(TableSchema)

EVENT_COLUMNS: Final = (
    "seq", "event_id", "time_ns", "type", "aggregate_type", "aggregate_id", "trace_id", "span_id", "payload",
    "metadata",
)  # fmt: skip
EVENT_TYPES: Final = "ququuuuuuu"


class _Texts:
    """A growing column of texts; each text is held once."""

    def __init__(self) -> None:
        self._numbers: dict[str | None, int] = {}
        self._places = array("q")

    def append(self, value: str | None) -> None:
        self._places.append(self._numbers.setdefault(value, len(self._numbers)))

    def ranks(self) -> npt.NDArray[np.int64]:
        """Places in the sorted order of texts, per row."""
        order = {text: rank for rank, text in enumerate(sorted(item or "" for item in self._numbers))}
        ranks = np.array([order[item or ""] for item in self._numbers], dtype=np.int64)
        return ranks[_whole(self._places)]

    def finish(self) -> None:
        self._known = [None if item is None else item.encode() for item in self._numbers]
        self._rows = _whole(self._places)

    def buffers(self, rows: npt.NDArray[np.intp]) -> tuple[Buffers, object]:
        picked = [self._known[place] for place in self._rows[rows].tolist()]
        ends = np.zeros(len(picked) + 1, dtype=np.int32)
        np.cumsum([len(item or b"") for item in picked], out=ends[1:])
        data = b"".join([item or b"" for item in picked]) + b"\0"
        bits, nulls = _bitmap(np.array([item is not None for item in picked], dtype=np.bool_))
        held = np.frombuffer(data, dtype=np.uint8)
        return Buffers(len(picked), nulls, (_at(bits) if nulls else 0, _at(ends), _at(held))), (bits, ends, held)

    letter = "u"


class _Numbers:
    """A growing column of numbers; whole ones stay exact, whatever their size."""

    def __init__(self) -> None:
        self._whole: array[int] = array("q")
        self._floats: array[float] | None = None

    def append(self, value: object) -> None:
        if isinstance(value, int | float) and self._floats is None:
            number = int(value) if value == value and abs(value) < 2**63 else None
            if number is not None and number == value:
                self._whole.append(number)
                return
            if value == value:
                # From the first number that is not whole on, the column is float64.
                self._floats = array(
                    "d", [float("nan") if item == _NO_INT else float(item) for item in self._whole]
                )
                self._whole = array("q")
        if self._floats is not None:
            self._floats.append(float(value) if isinstance(value, int | float) else _NAN)
        else:
            self._whole.append(_NO_INT)

    def finish(self) -> None:
        self.letter = "q" if self._floats is None else "d"
        self._rows: npt.NDArray[np.int64] | npt.NDArray[np.float64] = (
            _whole(self._whole) if self._floats is None else np.frombuffer(self._floats, dtype=np.float64)
        )

    def buffers(self, rows: npt.NDArray[np.intp]) -> tuple[Buffers, object]:
        picked = self._rows[rows]
        known = picked != _NO_INT if self._floats is None else ~np.isnan(picked)
        bits, nulls = _bitmap(known)
        return Buffers(len(picked), nulls, (_at(bits) if nulls else 0, _at(picked))), (bits, picked)


class _Flags:
    """A growing column of booleans."""

    letter = "b"

    def __init__(self) -> None:
        self._cells = bytearray()

    def append(self, value: bool) -> None:
        self._cells.append(value)

    def finish(self) -> None:
        self._rows = np.frombuffer(self._cells, dtype=np.bool_)

    def buffers(self, rows: npt.NDArray[np.intp]) -> tuple[Buffers, object]:
        bits, _ = _bitmap(self._rows[rows])
        return Buffers(len(rows), 0, (0, _at(bits))), bits


def _whole(numbers: "array[int]") -> npt.NDArray[np.int64]:
    return np.frombuffer(numbers, dtype=np.int64) if numbers else np.zeros(0, dtype=np.int64)


def _bitmap(known: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.uint8], int]:
    padded = np.zeros(-(-max(1, len(known)) // 64) * 64, dtype=np.bool_)
    padded[: len(known)] = known
    return np.packbits(padded, bitorder="little"), len(known) - int(known.sum())


def _at(values: npt.NDArray[np.generic]) -> int:
    return int(values.__array_interface__["data"][0])


def _source(
    names: Sequence[str], columns: Sequence[_Texts | _Numbers | _Flags], order: npt.NDArray[np.intp]
) -> Source:
    for column in columns:
        column.finish()

    def batches() -> Iterator[Kept]:
        for start in range(0, len(order), _BATCH):
            found = [column.buffers(order[start : start + _BATCH]) for column in columns]
            yield Kept([item for item, _ in found], found)

    return Source(names, "".join(column.letter for column in columns), batches)


class _Table:
    """Rows of one table on their way into a segment: the state at its first tick, then what really changed."""

    def __init__(self, schema: TableSchema, first_seq: int) -> None:
        self.schema = schema
        self.first_seq = first_seq
        self.count = 0
        self._seq, self._time, self._gone, self._key = _Numbers(), _Numbers(), _Flags(), _Texts()
        self._cells: list[_Texts | _Numbers] = [
            _Texts() if item.kind == "text" else _Numbers() for item in schema.columns
        ]
        self._at = first_seq
        self._open: dict[str, tuple[int, Row | None]] = {}
        self._stored: set[str] = set()

    def set(self, seq: int, time_ns: int, key: str, row: Row | None) -> None:
        """One row; None: it is gone. Of several in one tick the last one counts."""
        if seq > self._at:
            self.flush()
            self._at = seq
        self._open[key] = (time_ns, row)

    def flush(self) -> None:
        """Take over what the tick has."""
        for key, (time_ns, row) in self._open.items():
            if row is None and key not in self._stored:
                continue  # it came and went within a tick
            (self._stored.discard if row is None else self._stored.add)(key)
            self.count += 1
            self._seq.append(self._at)
            self._time.append(time_ns)
            self._key.append(key)
            self._gone.append(row is None)
            for place, column in enumerate(self._cells):
                cell = row[place] if row is not None else None
                if isinstance(column, _Texts):
                    column.append(cell if cell is None or isinstance(cell, str) else str(cell))
                else:
                    column.append(cell)
        self._open.clear()

    def put(self, shelf: Shelf, label: Label) -> None:
        """Write the file, if there is a row."""
        self.flush()
        if not self.count:
            return
        names = ["seq", "time_ns", "key", "gone", *(item.name for item in self.schema.columns)]
        columns = [self._seq, self._time, self._key, self._gone, *self._cells]
        order = np.argsort(self._key.ranks(), kind="stable")  # rows came in the order of seq
        named = msgspec.structs.replace(
            label, kind=manifest.TABLE, group=self.schema.name, first_seq=self.first_seq
        )
        extra = {"wftop.schema": msgspec.json.encode(self.schema).decode()}
        shelf.put(named, "FROM source", _source(names, columns, order), extra=extra, row_group=ROW_GROUP)


def tables(database: Database, shelf: Shelf, label: Label, after_seq: int) -> int:
    """Write a file per table that has rows in a piece; return how many changes were damaged.

    Args:
        database: The journal.
        shelf: Takes the files.
        label: Of the piece: its ticks.
        after_seq: What came behind this tick belongs to the piece.
    """
    names = [name for (name,) in database.rows("SELECT DISTINCT name FROM table_change")]
    return sum(_table(database, shelf, label, after_seq, name) for name in sorted(names))


def _table(database: Database, shelf: Shelf, label: Label, after_seq: int, name: str) -> int:
    """One table. Another schema begins another file, each with its part of the piece's ticks."""
    begin = next(
        database.rows(
            # The + keeps SQLite off the index by name and time: it would sort.
            "SELECT tick, id FROM table_change WHERE +name = ? AND tick <= ? AND keyframe = 1"
            " ORDER BY tick DESC, id DESC LIMIT 1",
            (name, after_seq),
        ),
        (after_seq + 1, 0),
    )
    schemas = {number: _schema.decode(text) for number, text in database.rows("SELECT * FROM table_schema")}
    state: dict[str, Row] = {}
    times: dict[str, int] = {}
    table: _Table | None = None
    using, whole, damaged = 0, False, 0
    for tick, schema, crc, body in database.rows(
        "SELECT tick, schema, crc32, body FROM table_change WHERE +name = ? AND tick BETWEEN ? AND ?"
        " AND (tick > ? OR id >= ?) ORDER BY tick, id",
        (name, begin[0], label.last_seq, begin[0], begin[1]),
    ):
        if zlib.crc32(body) != crc:
            damaged += tick > after_seq
            whole = False  # what follows would be applied to the wrong rows
            continue
        change = _change.decode(body)
        whole = whole or change.keyframe
        if not whole:
            continue
        seq = max(tick, label.first_seq)
        if schema != using:
            if table is not None and seq > table.first_seq:
                table.put(shelf, msgspec.structs.replace(label, last_seq=seq - 1))
            table, using = _Table(schemas[schema], seq), schema
            state.clear()
            times.clear()
        elif table is None:
            table = _Table(schemas[schema], seq)
        for key in [key for key in state if key not in change.rows] if change.keyframe else change.gone:
            if state.pop(key, None) is not None:
                table.set(seq, change.time_ns, key, None)
        for key, row in change.rows.items():
            if state.get(key) != row:
                state[key] = row
                table.set(seq, change.time_ns, key, row)
    if table is not None:
        table.put(shelf, label)
    return damaged


def bursts(database: Database, shelf: Shelf, label: Label, after_seq: int, made: Manifest) -> tuple[Manifest, int]:
    """Write the bursts of a piece, by series and time; the manifest with their series, and how many were bad."""
    columns = {
        number: Column(parse(series), *rest)
        for number, series, *rest in database.rows(
            "SELECT * FROM series_column"
            " WHERE id IN (SELECT series_column FROM burst WHERE tick > ? AND tick <= ?)",
            (after_seq, label.last_seq),
        )
    }
    found: list[tuple[str, int, int]] = []
    damaged = 0
    for number, column, times, values, crc in database.rows(
        'SELECT id, series_column, time_ns, "values", crc32 FROM burst WHERE tick > ? AND tick <= ?',
        (after_seq, label.last_seq),
    ):
        if zlib.crc32(values, zlib.crc32(times)) != crc or len(times) != len(values):
            damaged += 1
        elif times:
            found.append((columns[column].series.text, int.from_bytes(times[:8], "little", signed=True), number))
    if not found:
        return made, damaged
    made, stored = manifest.with_columns(made, list(columns.values()))

    def batches() -> Iterator[Kept]:
        # One after the other: a burst is small, an hour of them may not be.
        for series, _, number in sorted(found):
            for event, times, values in database.rows(
                'SELECT event, time_ns, "values" FROM burst WHERE id = ?', (number,)
            ):
                yield _burst(series, event, np.frombuffer(times, dtype="<i8"), np.frombuffer(values, dtype="<f8"))

    source = Source(["event", "series", "time_ns", "value"], "uuqd", batches)
    kept = list({item.id: item for item in stored}.values())
    named = msgspec.structs.replace(label, kind=manifest.BURST, group="")
    shelf.put(named, "FROM source", source, kept, row_group=ROW_GROUP)
    return made, damaged


def _burst(series: str, event: str, times: npt.NDArray[np.int64], values: npt.NDArray[np.float64]) -> Kept:
    count = len(times)
    times = np.ascontiguousarray(times, dtype=np.int64)
    values = np.ascontiguousarray(values, dtype=np.float64)
    bits, nulls = _bitmap(~np.isnan(values))
    columns, owners = [], []
    for item in (event, series):
        data = item.encode()
        ends = np.arange(count + 1, dtype=np.int32) * np.int32(len(data))
        held = np.frombuffer(data * count + b"\0", dtype=np.uint8)
        columns.append(Buffers(count, 0, (0, _at(ends), _at(held))))
        owners.append((ends, held))
    columns.append(Buffers(count, 0, (0, _at(times))))
    columns.append(Buffers(count, nulls, (_at(bits) if nulls else 0, _at(values))))
    return Kept(columns, (owners, times, values, bits))


def events(database: Database, shelf: Shelf, made: Manifest) -> Manifest:
    """Write the events that are in no segment yet; the manifest that counts them as sealed."""
    after = made.sealed_event_seq
    while rows := list(database.rows("SELECT * FROM event WHERE seq > ? ORDER BY seq LIMIT ?", (after, EVENTS))):
        columns = [_Texts() if letter == "u" else _Numbers() for letter in EVENT_TYPES]
        for row in rows:
            for column, cell in zip(columns, row, strict=True):
                column.append(cell)
        times_s = [row[2] // NS_PER_S for row in rows]
        label = Label(
            manifest.EVENT, "", "", rows[0][0], rows[-1][0], min(times_s), max(times_s) + 1, 0, made.boots
        )
        source = _source(EVENT_COLUMNS, columns, np.arange(len(rows)))
        shelf.put(label, "FROM source", source, row_group=ROW_GROUP)
        after = rows[-1][0]
    return msgspec.structs.replace(made, sealed_event_seq=after)
