"""What happened, for a bundle: tables and how they changed, events, full-rate bursts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from wftui.bundle import format as form
from wftui.bundle.format import BurstLine, TableHead, TableLine
from wftui.errors import BundleError
from wftui.model import alerts
from wftui.model.table import Row, TableChange, TableSchema, apply, keyframe
from wftui.store.aftermath import bursts
from wftui.store.read import resumed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from wftui.bundle.privacy import Redactor
    from wftui.bundle.series import Put
    from wftui.model.event import Event
    from wftui.store.archive import Archive
    from wftui.store.read import Span

_FILE: Final = 8 * 1024 * 1024
"""By of a table's member, after which another one begins."""
_OTHER: Final = form.LINES // 5
"""Of events and of bursts."""
_BURSTS: Final = 48 * 1024 * 1024
"""By, of all of them."""
_EVENTS: Final = 24 * 1024 * 1024
"""By, of all of them."""
_PAGE: Final = 5_000
_BEFORE: Final = 2_000
"""Events before the range that are looked at for what held when it began."""
_STATES: Final = ["source.state", "recorder.started", "store.failed", "store.resumed"]
_ALERTS: Final = ["alert.*"]
_json: Final = msgspec.json.Encoder()


class Tables:
    """Writes tables: what there was when the range began, and each change since."""

    def __init__(self, archive: Archive, redactor: Redactor, put: Put) -> None:
        self._archive = archive
        self._redactor = redactor
        self._put = put
        self._lines = 0
        self.last: dict[str, tuple[TableSchema, dict[str, Row]]] = {}
        """Name to the rows at the end of the range, as they were recorded."""

    def put(self, span: Span) -> None:
        """All of them, of the ticks of a span.

        Raises:
            BundleError: They are too many.
            StoreError: They cannot be read.
        """
        for schema in self._archive.tables():
            self._table(schema.name, span)

    def _table(self, name: str, span: Span) -> None:
        told = resumed(self._archive.told(name, span.first_seq, span.last_seq), span.first_seq)
        rows: dict[str, Row] = {}
        shown: dict[str, Row] = {}
        lines: list[bytes] = []
        before: TableSchema | None = None
        size = number = 0
        hidden: TableSchema | None = None
        tick = time_ns = 0

        def end() -> None:
            nonlocal lines, size, number
            if len(lines) > 1:
                self._put(f"tables/{name}-{number:04d}.jsonl", b"".join(lines))
                number += 1
            lines, size = [], 0

        for at, schema, change in told:
            if schema is not before:
                end()
                hidden, before = self._redactor.schema(schema), schema
                if hidden is None:
                    apply(rows, change)
                    continue
            if hidden is None:
                apply(rows, change)
                continue
            kept = self._redacted(schema, change)
            if size > _FILE and not kept.keyframe:
                end()
                # What a change needs stands in the same member.
                whole = TableLine(tick, keyframe(hidden, time_ns, shown))
                lines, size = self._begin(hidden, whole)
            elif size > _FILE:
                end()
            tick, time_ns = at, change.time_ns
            apply(rows, change)
            apply(shown, kept)
            if not lines:
                # A table that another column list begins: what there was of it comes with it.
                first = kept if kept.keyframe else keyframe(hidden, time_ns, shown)
                lines, size = self._begin(hidden, TableLine(tick, first))
                continue
            line = _json.encode(TableLine(tick, kept)) + b"\n"
            lines.append(line)
            size += len(line)
            self._count()
        end()
        if before is not None:
            self.last[name] = before, rows

    def _begin(self, schema: TableSchema, first: TableLine) -> tuple[list[bytes], int]:
        lines = [_json.encode(TableHead(schema)) + b"\n", _json.encode(first) + b"\n"]
        self._count()
        return lines, sum(map(len, lines))

    def _count(self) -> None:
        self._lines += 1
        if self._lines > form.LINES:
            raise BundleError(f"bundle: more than {form.LINES} changes of tables; take a shorter range")

    def _redacted(self, schema: TableSchema, change: TableChange) -> TableChange:
        key, row = self._redactor.key, self._redactor.row
        return TableChange(
            change.name,
            change.time_ns,
            change.keyframe,
            {key(schema, name): row(schema, cells) for name, cells in change.rows.items()},
            [key(schema, name) for name in change.gone],
        )


class Events:
    """Writes events: those of the range, and what held when it began."""

    def __init__(self, archive: Archive, redactor: Redactor, put: Put) -> None:
        self._archive = archive
        self._redactor = redactor
        self._put = put
        self._ids: dict[str, str] = {}
        """Event id to that in the bundle."""
        self.cut = 0
        """Events of the range that were left out because they are too many: the oldest ones."""
        self.states: dict[str, Event] = {}
        """Source to what it last said of itself, as recorded."""

    def put(self, since_ns: int, until_ns: int, firing: frozenset[str]) -> None:
        """All of them.

        Args:
            since_ns: UTC.
            until_ns: UTC.
            firing: event_ids of the alerts that were there when the range began.

        Raises:
            StoreError: They cannot be read.
        """
        lines: list[bytes] = []
        size = 0
        told = {item.seq: item for item in self._inside(since_ns, until_ns)}
        # By number: where a clock stepped back, what is told as of before came between.
        told |= {item.seq: item for item in self._before(since_ns, firing)}
        for _, item in sorted(told.items()):
            if item.type == "source.state":
                self.states[item.aggregate_id] = item
            elif item.type == "recorder.started":
                self.states.clear()
            shown = self._redactor.event(item)
            if shown is None:
                continue
            self._ids[item.event_id] = shown.event_id
            lines.append(_json.encode(shown) + b"\n")
            size += len(lines[-1])
        first = max(0, len(lines) - _OTHER)
        while size > _EVENTS:
            size -= len(lines[first])
            first += 1
        self.cut = first
        if lines:
            self._put(form.EVENTS, b"".join(lines[first:]))

    def _inside(self, since_ns: int, until_ns: int) -> Iterator[Event]:
        after, more = 0, True
        while more:
            found, more = self._archive.events(after, since_ns, until_ns, None, _PAGE)
            yield from found
            after = found[-1].seq if found else after
            more = more and bool(found)

    def _before(self, since_ns: int, firing: frozenset[str]) -> Iterable[Event]:
        """What sources said last, and how alerts came to be that fire when the range begins."""
        kept: dict[int, Event] = {}
        told: set[tuple[str, str]] = set()
        found, _ = self._archive.events(0, None, since_ns, _STATES, _BEFORE, newest=True)
        for item in reversed(found):
            if (item.type, item.aggregate_id) not in told:
                told.add((item.type, item.aggregate_id))
                kept[item.seq] = item
            if item.type == "recorder.started":
                break
        if firing:
            found, _ = self._archive.events(0, None, since_ns, _ALERTS, _BEFORE, newest=True)
            begun = {item.aggregate_id: item.seq for item in found if item.event_id in firing}
            kept |= {item.seq: item for item in found if item.seq >= begun.get(item.aggregate_id, item.seq + 1)}
        return kept.values()

    def event_id(self, known: str) -> str:
        """The id of an event as the bundle has it; empty: it is not in the bundle."""
        return self._ids.get(known, "")


def firing(archive: Archive, seq: int) -> frozenset[str]:
    """event_ids of the alerts that were there at a tick."""
    found = archive.table_of(alerts.ALERTS.name, seq)
    if found is None:
        return frozenset()
    place = next((at for at, item in enumerate(found.schema.columns) if item.name == "alert.event"), None)
    if place is None:
        return frozenset()
    return frozenset(str(row[place]) for row in found.rows.values() if row[place])


def put_bursts(
    archive: Archive,
    redactor: Redactor,
    put: Put,
    events: Events,
    span: tuple[int, int],
    seq_of: Callable[[int], int],
) -> int:
    """Write the bursts that begin in a span of time; returns how many were left out for being too many.

    Args:
        archive: Where they are.
        redactor: For their series.
        put: Takes the member.
        events: After they were written: a burst whose event is not there is left out.
        span: [since, until), ns UTC.
        seq_of: The tick of a UTC second, for those that have lost theirs.

    Raises:
        StoreError: They cannot be read.
    """
    import numpy as np

    from wftui.bundle.packed import pack, whole

    lines: list[bytes] = []
    size = cells = cut = 0
    for burst in bursts(archive, *span):
        column = redactor.column(burst.column)
        event_id = events.event_id(burst.event_id)
        if column is None or not event_id:
            continue
        tick = burst.tick or seq_of(burst.time_ns[-1] // 1_000_000_000)
        values = pack(np.frombuffer(burst.values, dtype=np.float64))
        line = _json.encode(BurstLine(tick, event_id, column, whole(burst.time_ns.tolist()), values)) + b"\n"
        if len(lines) >= _OTHER or size + len(line) > _BURSTS:
            cut += 1
            continue
        lines.append(line)
        size += len(line)
        cells += len(burst.values)
    if lines:
        put(form.BURSTS, b"".join(lines))
    return cut
