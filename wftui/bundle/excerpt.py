"""A stretch of the recording as a data dir of its own, redacted: for who is to draw it and not see the rest."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from wftui.model.event import Event
from wftui.model.sample import Column
from wftui.model.table import TableChange, TableSchema
from wftui.model.tick import Layout, Tick
from wftui.store.archive import Archive
from wftui.store.journal import NAME, Journal, StoredChange
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from wftui.bundle.privacy import Redactor

_EVENTS: Final = 2000
_PROGRAM: Final = "excerpt"


def write(
    archive: Archive, folder: Path, since_s: int, until_s: int, redactor: "Redactor"
) -> tuple[int, int] | None:
    """Copy the seconds [since, until) through the redactor.

    Args:
        archive: What was recorded.
        folder: Empty; becomes the data dir.
        since_s: UTC.
        until_s: UTC.
        redactor: What everything passes.

    Returns:
        The first and the last second with a tick; None: there is none, and nothing was written.

    Raises:
        StoreError: The recording cannot be read, or the copy not be written.
    """
    ticks = list(_ticks(archive, since_s, until_s, redactor))
    if not ticks:
        return None
    events, _ = archive.events(
        since_ns=since_s * NS_PER_S, until_ns=until_s * NS_PER_S, limit=_EVENTS, newest=True
    )
    journal = Journal(folder / NAME)
    try:
        first, last = ticks[0][0], ticks[-1][0]
        opening = journal.begin("", _PROGRAM, "record", 0, first.time_s * NS_PER_S, first.boottime_ns)
        journal.adopt({tick.boot: f"boot {tick.boot}" for tick, _ in ticks})
        changes = _changes(archive, first.seq, last.seq, redactor)
        journal.write(ticks, changes, _told(events, redactor))
        journal.end(opening.session, (last.time_s + 1) * NS_PER_S, "stopped")
    finally:
        journal.close()
    return first.time_s, last.time_s


def _ticks(archive: Archive, since_s: int, until_s: int, redactor: "Redactor") -> Iterator[tuple[Tick, Layout]]:
    told: dict[str, Column | None] = {}

    def known(item: Column) -> Column | None:
        key = f"{item.series.text} {item.quality}"
        if key not in told:
            told[key] = redactor.column(item)
        return told[key]

    layouts: dict[int, Layout] = {}
    for cut in archive.cuts(lambda item: known(item) is not None, since_s, until_s):
        number = cut.layout.id
        if number not in layouts:
            columns = tuple(found for item in cut.layout.columns if (found := known(item)) is not None)
            layouts[number] = Layout(len(layouts) + 1, columns)
        layout = layouts[number]
        values = cut.values.astype("<f8")
        for place, row in enumerate(values):
            tick = Tick(
                int(cut.lead.seq[place]), int(cut.lead.time_s[place]), int(cut.lead.boottime_ns[place]),
                int(cut.lead.boot[place]), layout.id, row.tobytes(),
            )  # fmt: skip
            yield tick, layout


def _changes(archive: Archive, first_seq: int, last_seq: int, redactor: "Redactor") -> Iterator[StoredChange]:
    """Of all tables; each begins with a keyframe."""
    for known in archive.tables():
        told: dict[tuple[str, ...], TableSchema | None] = {}
        for seq, raw, change in archive.told(known.name, first_seq, last_seq):
            key = tuple(item.name for item in raw.columns)
            if key not in told:
                told[key] = redactor.schema(raw)
            shown = told[key]
            if shown is None:
                continue
            rows = {redactor.key(raw, name): redactor.row(raw, row) for name, row in change.rows.items()}
            gone = [redactor.key(raw, name) for name in change.gone]
            body = TableChange(shown.name, change.time_ns, change.keyframe, rows, gone)
            yield StoredChange(seq, shown, body)


def _told(events: list[Event], redactor: "Redactor") -> Iterator[Event]:
    for number, raw in enumerate(events, 1):
        item = redactor.event(raw)
        if item is not None:
            yield msgspec.structs.replace(item, seq=number)
