"""What goes into the journal besides ticks and events, and what a recorder finds in it."""

from array import array
from typing import NamedTuple

from wftui.model.sample import Column
from wftui.model.table import TableChange, TableSchema


class Opening(NamedTuple):
    """What a recorder finds in the data dir and is given for its session."""

    session: int
    boot: int
    last_seq: int
    """0: no tick yet."""
    last_event_seq: int
    last_layout: int
    unclean: bool
    """The session before was not closed."""
    rebooted: bool
    """The session before belongs to another boot of this machine."""
    last_time_s: int | None
    """The second of the last tick."""


class StoredChange(NamedTuple):
    """A table change with the tick it belongs to."""

    tick: int
    schema: TableSchema
    change: TableChange


class Burst(NamedTuple):
    """Full-rate samples of one series around a mark or an alert."""

    tick: int
    """seq of the open tick."""
    event_id: str
    column: Column
    time_ns: "array[int]"
    """int64, UTC, ascending."""
    values: "array[float]"
    """float64, one per time."""
