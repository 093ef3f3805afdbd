"""Values from outside made into values as the recorder makes them: cleaned, bounded, or refused.

Rows of tables that this wftop knows come out in the order of its own columns, whatever columns the file names: who
shows them finds each cell at its place and of its kind, or unknown.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from wftui.bundle import limits
from wftui.bundle.format import TableLine
from wftui.errors import BundleError
from wftui.model.alerts import ALERTS, RULES, SILENCES
from wftui.model.event import Event
from wftui.model.gpus import GPU_LINKS, GPU_PROCESSES, GPUS
from wftui.model.processes import PROCESSES
from wftui.model.quality import QUALITY
from wftui.model.sample import QUALITIES, Column
from wftui.model.score import SCORE
from wftui.model.series import MAX_VALUE, series
from wftui.model.servers import MODELS, REQUESTS, SERVERS
from wftui.model.streams import FRAMES, STREAMS
from wftui.model.table import Cell, Row, TableChange, TableColumn, TableSchema
from wftui.names.entry import COUNTER, DISTRIBUTION, GAUGE
from wftui.text import clean

KNOWN: Final = {
    item.name: item
    for item in (
        ALERTS, FRAMES, GPUS, GPU_LINKS, GPU_PROCESSES, MODELS, PROCESSES, QUALITY, REQUESTS, RULES, SCORE,
        SERVERS, SILENCES, STREAMS,
    )
}  # fmt: skip
"""Tables of this wftop by name."""
TEXT: Final = "text"
_CELLS: Final = (TEXT, "gauge", "counter", "time")
_LABELS: Final = (".source", ".server", ".model", ".uuid", ".name", ".endpoint", ".program")
"""Ends of columns whose cells are labels of series as well: as long as those may be, at most."""
_GROUP: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_FIELD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,63}")
_KIND: Final = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+")
_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


def name(value: str) -> str:
    """A short text: a unit, a source, a key."""
    return clean(value, limits.NAME)


def column(given: Column) -> Column:
    """A column; its text is made anew from name and labels.

    Raises:
        BundleError: It is none that a recorder could have.
    """
    try:
        item = series(given.series.name, {key: name(value) for key, value in given.series.labels})
    except ValueError as error:
        raise BundleError(f"a series is none: {error}") from error
    if given.kind not in (GAUGE, COUNTER, DISTRIBUTION):
        raise BundleError(f"{item.text}: of kind {name(given.kind)!r}, expected gauge, counter or distribution")
    if given.quality not in QUALITIES:
        raise BundleError(f"{item.text}: known as {name(given.quality)!r}, expected one of {', '.join(QUALITIES)}")
    if not _GROUP.fullmatch(given.group):
        raise BundleError(f"{item.text}: of group {name(given.group)!r}, expected a word")
    return Column(
        item, name(given.unit), given.kind, given.group, given.quality, name(given.source), name(given.call)
    )


def columns(given: Sequence[Column]) -> list[Column]:
    """The columns of a layout.

    Raises:
        BundleError: One is none, or there twice.
    """
    found = [column(item) for item in given]
    if len({(item.series.text, item.unit, item.kind) for item in found}) != len(found):
        raise BundleError("a series is there twice")
    return found


class Rows:
    """One table's schema as it is told, and its rows."""

    def __init__(self, given: TableSchema) -> None:
        """Raises: BundleError: It is no schema."""
        if not 1 <= len(given.columns) <= limits.FIELDS:
            raise BundleError(f"{len(given.columns)} columns, expected 1 to {limits.FIELDS}")
        if given.quality not in QUALITIES:
            raise BundleError(f"known as {name(given.quality)!r}, expected one of {', '.join(QUALITIES)}")
        self._width = len(given.columns)
        places: dict[tuple[str, bool], int] = {}
        told = []
        for place, item in enumerate(given.columns):
            if not _FIELD.fullmatch(item.name) or item.kind not in _CELLS:
                raise BundleError(f"column {place + 1} is none: {name(item.name)!r} of kind {name(item.kind)!r}")
            if (item.name, True) in places or (item.name, False) in places:
                raise BundleError(f"column {item.name} is there twice")
            places[item.name, item.kind == TEXT] = place
            told.append(TableColumn(item.name, name(item.unit), item.kind, item.identity))
        known = KNOWN.get(given.name)
        fields = tuple(told) if known is None else known.columns
        self.schema = TableSchema(given.name, fields, given.quality, name(given.source))
        """As it is told: this wftop's own, when it knows the table."""
        self._told = [
            (places.get((item.name, item.kind == TEXT)), item.kind == TEXT, item.name) for item in fields
        ]

    def line(self, given: TableLine) -> TableLine:
        """A change of the table.

        Raises:
            BundleError: It is none of this table, or a cell is of another kind.
        """
        change = given.change
        if change.name != self.schema.name:
            raise BundleError(f"a change of the table {name(change.name)!r}")
        if not 1 <= given.tick < limits.ORDINAL or not 0 <= change.time_ns < limits.TIME_NS:
            raise BundleError(
                f"a change of tick {given.tick} at {change.time_ns} ns, expected both to be possible"
            )
        if len(change.rows) > limits.ROWS or len(change.gone) > limits.ROWS:
            raise BundleError(f"a change of more than {limits.ROWS} rows")
        rows = {name(key): self._row(row) for key, row in change.rows.items()}
        gone = [name(key) for key in change.gone]
        return TableLine(given.tick, TableChange(change.name, change.time_ns, change.keyframe, rows, gone))

    def _row(self, row: Row) -> Row:
        if len(row) != self._width:
            raise BundleError(f"a row of {len(row)} cells, expected {self._width}")
        found: list[Cell] = []
        for place, is_text, field in self._told:
            cell = None if place is None else row[place]
            if isinstance(cell, str):
                if not is_text:
                    raise BundleError(f"{field}: {name(cell)!r}, expected a number")
                cell = clean(cell, limits.TEXT)
                if field.endswith(_LABELS):
                    cell = cell.encode()[:MAX_VALUE].decode(errors="ignore")
            elif cell is not None:
                if is_text:
                    raise BundleError(f"{field}: {cell}, expected text")
                _bounded(cell)
            found.append(cell)
        return tuple(found)


def event(given: Event) -> Event:
    """An event.

    Raises:
        BundleError: It is none.
    """
    if not 1 <= given.seq < limits.ORDINAL or not 0 <= given.time_ns < limits.TIME_NS:
        raise BundleError(f"event {given.seq} at {given.time_ns} ns: out of range")
    if not _ID.fullmatch(given.event_id) or len(given.type) > limits.NAME or not _KIND.fullmatch(given.type):
        raise BundleError(f"event {given.seq}: expected an id and a type, got {name(given.type)!r}")
    return Event(
        given.seq,
        given.event_id,
        given.time_ns,
        given.type,
        name(given.aggregate_type),
        name(given.aggregate_id),
        None if given.trace_id is None else name(given.trace_id),
        None if given.span_id is None else name(given.span_id),
        json(given.payload),
        json(given.metadata),
    )


def json(value: Any) -> Any:  # Any: JSON, and the same comes out
    """A JSON value with all texts cleaned.

    Raises:
        BundleError: It is too deep, too large, or a number is.
    """
    return _Cleaning().value(value, 0)


class _Cleaning:
    """One value, with what it may still have."""

    def __init__(self) -> None:
        self._left = limits.NODES

    def value(self, value: Any, depth: int) -> Any:  # Any: as above
        self._left -= 1
        if self._left < 0:
            raise BundleError(f"more than {limits.NODES} values")
        if isinstance(value, str):
            return clean(value, limits.TEXT)
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int | float):
            return _bounded(value)
        if depth == limits.DEPTH:
            raise BundleError(f"values nested more than {limits.DEPTH} deep")
        if isinstance(value, dict):
            return {name(str(key)): self.value(item, depth + 1) for key, item in value.items()}
        return [self.value(item, depth + 1) for item in value]


def _bounded(value: float) -> float:
    """A whole number that can be stored, or any other that is one."""
    if isinstance(value, int) and not -limits.INTEGER <= value < limits.INTEGER:
        raise BundleError(f"a number of {value.bit_length()} bits, expected at most 64")
    return value
