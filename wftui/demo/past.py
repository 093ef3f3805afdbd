"""The past of the demo, written as a recorder would have: ticks, tables and events of the last half hour."""

import os
from pathlib import Path
from typing import Any, Final

from wftui import __version__
from wftui.clock import NS_PER_S, Instant, boot_id
from wftui.demo.script import SPARSE_S, Script
from wftui.model.event import Event, event
from wftui.model.tick import Layout, Tick, pack
from wftui.recorder.tables import Tables
from wftui.store.journal import NAME, Journal, StoredChange

_COMMIT: Final = 250
"""Ticks of one commit."""
_MARK_S: Final = 1_005
"""Second of the script in which somebody set a mark."""


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
        start_ns = script.epoch_s * NS_PER_S
        boottime_ns = start_ns + self._offset_ns
        opening = self._journal.begin(boot_id(), __version__, "record", self._pid, start_ns, boottime_ns)
        self._session, self._boot = opening.session, opening.boot
        self._layout = Layout(1, script.columns())
        self._tables = Tables()
        self._event_seq = 0

    def write(self, until_s: int) -> None:
        """Write the seconds up to, not with, ``until_s`` of the script."""
        while self.next_s < until_s:
            end = min(until_s, self.next_s + _COMMIT)
            self._block(self.next_s, end)
            self.next_s = end

    def _block(self, since: int, until: int) -> None:
        ticks = []
        changes = []
        for second in range(since, until):
            time_s = self._script.epoch_s + second
            ended_ns = (time_s + 1) * NS_PER_S + self._offset_ns
            values = pack(self._script.second(second))
            ticks.append((Tick(second + 1, time_s, ended_ns, self._boot, self._layout.id, values), self._layout))
            for told in self._script.tables(second, SPARSE_S, everything=second == 0):
                _, stored = self._tables.scanned(told.table, ended_ns, told.source)
                changes.append(StoredChange(second + 1, told.table.schema, stored))
        self._journal.write(ticks, changes, self._events(since, until))

    def _events(self, since: int, until: int) -> list[Event]:
        found = []
        if since == 0:
            about = ("recorder", str(self._pid))
            found.append(self._event(0.0, "recorder.started", about, {"mode": "record", "session": self._session}))
        for item in self._script.events(since, until):
            assert item.at is not None  # noqa: S101  the script says when
            at = item.at.time_ns / NS_PER_S - self._script.epoch_s
            found.append(self._event(at, item.kind, item.about, dict(item.payload)))
        if since <= _MARK_S < until:
            at_ns = (self._script.epoch_s + _MARK_S - 20) * NS_PER_S
            found.append(
                self._event(_MARK_S, "mark.set", ("mark", ""), {"name": "lower learning rate", "at_ns": at_ns})
            )
        return found

    def _event(self, at: float, kind: str, about: tuple[str, str], payload: dict[str, Any]) -> Event:  # Any: JSON
        self._event_seq += 1
        time_ns = int((self._script.epoch_s + at) * NS_PER_S)
        made = event(time_ns, kind, about, payload, {"program": __version__, "session": self._session})
        fields = [getattr(made, name) for name in Event.__struct_fields__[1:]]
        fields[Event.__struct_fields__.index("aggregate_id") - 1] = made.aggregate_id or made.event_id
        return Event(self._event_seq, *fields)

    def close(self) -> None:
        """End the session in order: the recorder that comes next goes on."""
        ended_ns = (self._script.epoch_s + self.next_s) * NS_PER_S
        self._journal.end(self._session, ended_ns, "handover")
        self._journal.close()
