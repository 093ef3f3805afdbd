"""Tables: rows that come and go (processes, GPU processes, models), as snapshots and as changes."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

Cell = str | int | float | None
"""None: unknown, shown as ``-``."""
Row = tuple[Cell, ...]

CHANGE: Final = 0.01
"""A number that moved by less than this share is not a change worth storing (DESIGN, tables)."""
TIME_NS: Final = 1_000_000_000
"""A time that moved by more than this is a change: what is computed anew in each scan trembles."""
KEYFRAME_NS: Final = 60_000_000_000


class TableColumn(msgspec.Struct, frozen=True, gc=False):
    """One column of a table."""

    name: str
    """Metric-like name: ``process.cpu.utilization``; label-like ones carry none of our prefixes (``user``)."""
    unit: str
    """Empty for text."""
    kind: str
    """``text``, ``gauge``, ``counter`` or ``time`` (ns, UTC)."""
    identity: bool = False
    """Names a person, host, command or container: left out of exports by default."""


class TableSchema(msgspec.Struct, frozen=True, gc=False):
    """What the cells of a table's rows mean."""

    name: str
    columns: tuple[TableColumn, ...]
    quality: str = "measured"
    source: str = ""

    def index(self, name: str) -> int:
        """Place of a column. Raises: KeyError."""
        for place, item in enumerate(self.columns):
            if item.name == name:
                return place
        raise KeyError(name)


class TableSnapshot(msgspec.Struct, frozen=True):
    """All rows at one moment."""

    schema: TableSchema
    time_ns: int
    rows: Mapping[str, Row]
    """Key (a process: ``pid:start``) to cells, in the schema's order."""
    part: str = ""
    """Who brings these rows, when several sources fill one table: the rows of the others stay."""


class TableChange(msgspec.Struct, frozen=True):
    """What differs from the change before; a keyframe holds every row."""

    name: str
    time_ns: int
    keyframe: bool
    rows: dict[str, Row]
    gone: list[str] = []


def _differs(old: Row, new: Row, times: Sequence[int]) -> bool:
    for before, after in zip(old, new, strict=True):
        if before == after:
            continue
        if isinstance(before, str) or isinstance(after, str) or before is None or after is None:
            return True
        if abs(after - before) > CHANGE * max(abs(before), abs(after)):
            return True
    # Any time is within 1 % of any other: that an Xid came again would never be told.
    return any(abs((new[place] or 0) - (old[place] or 0)) > TIME_NS for place in times)  # type: ignore[operator]  # a time is a number


def difference(before: Mapping[str, Row], now: TableSnapshot) -> TableChange:
    """The change from the rows that a reader has to a snapshot.

    ``before`` must be what the reader holds (the stored rows, not the last snapshot), so that slow drifts
    below ``CHANGE`` add up to a change instead of being lost.
    """
    times = [place for place, item in enumerate(now.schema.columns) if item.kind == "time"]
    changed = {
        key: row
        for key, row in now.rows.items()
        if (old := before.get(key)) is None or (old is not row and _differs(old, row, times))
    }
    gone = [key for key in before if key not in now.rows]
    return TableChange(now.schema.name, now.time_ns, keyframe=False, rows=changed, gone=gone)


def keyframe(schema: TableSchema, time_ns: int, rows: Mapping[str, Row]) -> TableChange:
    """A change that needs nothing before it."""
    return TableChange(schema.name, time_ns, keyframe=True, rows=dict(rows))


def apply(rows: dict[str, Row], change: TableChange) -> None:
    """Bring rows up to date, in place."""
    if change.keyframe:
        rows.clear()
    for key in change.gone:
        rows.pop(key, None)
    rows.update(change.rows)
