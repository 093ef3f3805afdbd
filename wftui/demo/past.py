"""The past of the demo, written as a recorder would have: ticks, tables, events and alerts of half an hour."""

import os
from array import array
from math import nan
from pathlib import Path
from typing import Any, Final

import msgspec

from wftui import __version__
from wftui.clock import NS_PER_S, Instant, boot_id
from wftui.demo.past_alerts import PastAlerts
from wftui.demo.script import SPARSE_S, Script, Told
from wftui.demo.streamed import Streamed
from wftui.model.event import Event
from wftui.model.sample import Column
from wftui.model.streams import STREAMS
from wftui.model.table import TableSnapshot
from wftui.model.tick import Layout, Tick, pack
from wftui.recorder.emitter import Emitter
from wftui.recorder.tables import Tables
from wftui.store.journal import NAME, Journal, StoredChange

_COMMIT: Final = 250
"""Ticks of one commit."""
_MARK_S: Final = 1_005
"""Second of the script in which somebody set a mark."""


class Played(msgspec.Struct, frozen=True, array_like=True):
    """One second of the script, as it was played."""

    second: int
    values: bytes
    """float64 of ``Script.columns``."""
    tables: list[Told]
    events: list[tuple[str, tuple[str, str], dict[str, Any], int]]  # Any: JSON values
    """Type, what it is about, payload, UTC in ns."""


def play(script: Script, second: int) -> Played:
    """The next second of the script; each once and in order."""
    told = script.tables(second, SPARSE_S, everything=second == 0)
    events = [
        (item.kind, item.about, dict(item.payload), item.at.time_ns if item.at is not None else 0)
        for item in script.events(second, second + 1)
    ]
    return Played(second, pack(script.second(second)), told, events)


class Past:
    """Writes seconds of a script into a journal, in order."""

    def __init__(self, folder: Path, script: Script, now: Instant, pid: int | None = None) -> None:
        """``folder`` is an empty data dir; ``now`` says what CLOCK_BOOTTIME was at a second of the script.

        ``pid``: of the recorder that is said to have recorded it; None: ours.
        """
        self._pid = os.getpid() if pid is None else pid
        self.next_s = 0
        """The next second of the script."""
        self._script = script
        self._offset_ns = now.boottime_ns - now.time_ns
        self._journal = Journal(folder / NAME)
        self._at = self._instant(0.0)
        opening = self._journal.begin(boot_id(), __version__, "record", self._pid, *self._at)
        self._boot = opening.boot
        self._streamed = Streamed(script.epoch_s, self._offset_ns)
        self._layout = Layout(1, script.columns())
        self._joined: list[Column] = []
        """What the recorder makes by itself, behind the columns of the script."""
        self._tables = Tables()
        self._ticks: list[tuple[Tick, Layout]] = []
        self._changes: list[StoredChange] = []
        self._events: list[Event] = []
        self._emit = Emitter(self, self._events.append)  # type: ignore[arg-type]  # it asks a clock for now only
        self._emit.session = opening.session
        self._alerts = PastAlerts(script, self, self._emit, self._tables.rows, self._publish)
        self._emit(
            "recorder.started", ("recorder", str(self._pid)), {"mode": "record", "session": opening.session}
        )

    def now(self) -> Instant:
        """The moment that is written."""
        return self._at

    def _instant(self, t: float) -> Instant:
        time_ns = int((self._script.epoch_s + t) * NS_PER_S)
        return Instant(time_ns, time_ns + self._offset_ns)

    def write(self, until_s: int) -> None:
        """Write the seconds up to, not with, ``until_s`` of the script."""
        while self.next_s < until_s:
            self.take(play(self._script, self.next_s))
        self.commit()

    def take(self, played: Played) -> None:
        """Write the next second."""
        second = self.next_s = played.second
        for kind, about, payload, time_ns in played.events:
            self._emit(kind, about, payload, Instant(time_ns, time_ns + self._offset_ns))
        if second == _MARK_S:
            self._at = self._instant(second)
            payload = {"name": "lower learning rate", "at_ns": self._instant(second - 20).time_ns}
            self._emit("mark.set", ("mark", ""), payload)
        self._at = self._instant(second + 1)
        for told in played.tables:
            self._publish(told.table, self._at, told.source)
        time_s = self._script.epoch_s + second
        streamed = self._streamed.second(second)
        for snapshot in streamed.tables:
            self._publish(snapshot, self._at, STREAMS.source)
        for item in streamed.events:
            self._emit(item.kind, item.about, dict(item.payload), item.at)
        values = played.values + self._behind({**self._alerts.told, **streamed.values})
        tick = Tick(second + 1, time_s, self._at.boottime_ns, self._boot, self._layout.id, values)
        self._ticks.append((tick, self._layout))
        self.next_s += 1
        self._alerts.second(tick, self._layout, second, self._at)
        if len(self._ticks) >= _COMMIT:
            self.commit()

    def _behind(self, told: dict[Column, float]) -> bytes:
        """Values as float64, in the order of the layout, which grows by what is new."""
        if not told.keys() <= set(self._joined):
            new = [item for item in told if item not in self._joined]
            self._joined += new
            self._layout = Layout(self._layout.id + 1, (*self._layout.columns, *new))
        return pack(array("d", [told.get(item, nan) for item in self._joined]))

    def _publish(self, snapshot: TableSnapshot, at: Instant, source: str) -> None:
        _, stored = self._tables.scanned(snapshot, at.boottime_ns, source)
        self._changes.append(StoredChange(self.next_s + 1, snapshot.schema, stored))

    def commit(self) -> None:
        """Bring what was taken into the journal."""
        if self._ticks:
            self._journal.write(self._ticks, self._changes, self._events)
        self._ticks.clear()
        self._changes.clear()
        self._events.clear()

    def close(self) -> None:
        """End the session in order: the recorder that comes next goes on."""
        self.commit()
        self._journal.end(self._emit.session, self._instant(self.next_s).time_ns, "handover")
        self._journal.close()
