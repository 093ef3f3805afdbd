"""What a collector returns: samples of known columns, and what came with them."""

from collections.abc import Mapping
from typing import Final

import msgspec

from wftui import names
from wftui.clock import Instant
from wftui.errors import SourceFormatError
from wftui.model.series import Series, series
from wftui.model.table import TableSnapshot

JsonValue = str | int | float | bool | None | list["JsonValue"] | dict[str, "JsonValue"]

MEASURED: Final = "measured"
DERIVED: Final = "derived"
ESTIMATED: Final = "estimated"
APPORTIONED: Final = "apportioned"
STALE: Final = "stale"
SUSPECT: Final = "suspect"
QUALITIES: Final = (MEASURED, DERIVED, ESTIMATED, APPORTIONED, STALE, SUSPECT)


class Column(msgspec.Struct, frozen=True, gc=False):
    """A series with all that is known about it: what one place in a tick's layout means."""

    series: Series
    unit: str
    kind: str
    """``gauge``, ``counter`` or ``distribution``."""
    group: str
    quality: str
    """One of ``QUALITIES``: how the number is known."""
    source: str
    """The collector that brings it."""
    call: str
    """The file, call or rule it comes from, for a person: ``/proc/stat``."""

    def __hash__(self) -> int:
        return hash(self.series.text)


def column(
    source: str,
    name: str,
    labels: Mapping[str, str] | None = None,
    *,
    call: str,
    quality: str = MEASURED,
    stat: str = "",
) -> Column:
    """The column of a catalogue metric; collectors make each once and keep it.

    Raises:
        SourceFormatError: The name is not in the catalogue, or a label breaks the rules of ``series``.
    """
    metric = names.METRICS.get(name)
    if metric is None:
        raise SourceFormatError(f"{name} is not in the catalogue (wftui/names/)")
    try:
        item = series(name, labels, stat)
    except ValueError as error:
        raise SourceFormatError(str(error)) from error
    return Column(item, metric.unit, metric.kind, metric.group, quality, source, call)


class Sample(msgspec.Struct, frozen=True, gc=False):
    """One number of one series; its time is that of the scrape."""

    column: Column
    value: float
    """In the column's unit. Unknown is left out, never 0; NaN is dropped on entry."""


class Note(msgspec.Struct, frozen=True, gc=False):
    """A collector's word on itself when it works but not wholly."""

    state: str
    """A health state of ``wftui.model.health``."""
    reason: str
    fix: str = ""


class Reading(msgspec.Struct, frozen=True):
    """Samples that were taken at one moment before the collection that brings them.

    Of sources that read at a rate of their own (a worker process) and are asked once a second.
    """

    at: Instant
    interval_s: float
    """Seconds to the next reading of these series; a gauge is held accordingly."""
    samples: list[Sample]


class Occurrence(msgspec.Struct, frozen=True):
    """Something that happened, as a collector saw it; the recorder makes it an event."""

    kind: str
    """An event type of the catalogue."""
    about: tuple[str, str]
    """(aggregate type, aggregate id): ``("gpu", "GPU-…")``."""
    payload: dict[str, JsonValue]
    at: Instant | None = None
    """None: the moment of the collection."""


class Scrape(msgspec.Struct, frozen=True):
    """One collection."""

    samples: list[Sample]
    """Taken now."""
    tables: tuple[TableSnapshot, ...] = ()
    note: Note | None = None
    """None: the source is ok."""
    readings: tuple[Reading, ...] = ()
    """Taken before, oldest first."""
    events: tuple[Occurrence, ...] = ()
    latest: tuple[Sample, ...] = ()
    """Of gauges that a program told several times in the second that ends: what it said last. Their samples, or
    the mean of them, are among the others."""
