"""The source ``servers``: model servers as the recorder sees them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wftui.clock import NS_PER_S, Clock, Instant, SystemClock
from wftui.collectors.base import STREAM
from wftui.model import health
from wftui.model.sample import Note, Scrape
from wftui.model.servers import ENDPOINT, ORIGIN, PID, SERVERS, SOURCE, STATE
from wftui.model.table import TableSnapshot

if TYPE_CHECKING:
    from wftui.collectors.servers.discovery import Found
    from wftui.collectors.servers.poller import Poller

TABLE_NS: Final = 10 * NS_PER_S
"""The tables are told at least so often, else when they changed."""
_NONE: Final = Note(
    health.ABSENT,
    "no model server runs here as far as can be seen",
    "start one, or name one in [servers] of the configuration",
)


class Servers:
    """It streams: asked once a second, it brings what its thread has gathered since."""

    name = SOURCE
    interval_s = 1.0
    where = STREAM
    timeout_s = 3.0

    def __init__(
        self,
        proc: str | Path = "/proc",
        endpoints: Sequence[str] = (),
        *,
        discover: bool = True,
        clock: Clock | None = None,
    ) -> None:
        """``endpoints``: lines of the setting ``servers.endpoints``; ``discover``: look among processes, too."""
        self._proc = proc
        self._endpoints = endpoints
        self._discover = discover
        self._clock = clock or SystemClock()
        self._poller: Poller | None = None
        self._told: tuple[TableSnapshot, ...] = ()
        self._told_ns = 0
        self._rate_hz = 1.0

    def look_closely(self, rate_hz: float) -> None:
        """Ask for what moves within a second so often, where it is cheap; 1: once a second, as all else."""
        self._rate_hz = rate_hz
        if self._poller is not None:
            self._poller.look_closely(rate_hz)

    def collect(self, at: Instant) -> Scrape:
        """What came since the last time; never waits."""
        if self._poller is None:
            from wftui.collectors.servers.poller import Poller  # commands that only name the sources need none

            self._poller = Poller(self._clock, self._endpoints, proc=self._proc, discover=self._discover)
            self._poller.look_closely(self._rate_hz)
            self._poller.start()
        readings, events = self._poller.take()
        tables = self._poller.tables
        told: tuple[TableSnapshot, ...] = ()
        if tables is not self._told or at.boottime_ns >= self._told_ns + TABLE_NS:
            self._told, self._told_ns = tables, at.boottime_ns
            # A table is as old as its last change, which says nothing about now.
            told = tuple(TableSnapshot(item.schema, at.time_ns, item.rows) for item in tables)
        return Scrape([], tables=told, note=self._note(tables), readings=tuple(readings), events=tuple(events))

    @staticmethod
    def _note(tables: Sequence[TableSnapshot]) -> Note | None:
        servers = next((item.rows for item in tables if item.schema is SERVERS), {})
        servers = {name: row for name, row in servers.items() if row[ORIGIN] != "process" or row[PID] is not None}
        if not servers:
            return _NONE  # those that ended are none
        troubled = [str(row[ENDPOINT]) for row in servers.values() if row[STATE] in health.TROUBLE]
        if len(troubled) < len(servers):
            return None  # each server says in its row what ails it; the source works
        return Note(health.LATE, f"no model server answers: {', '.join(sorted(troubled))}", "see screen 7")

    def cores(self) -> Sequence["Found"]:
        """Processes that look like a WIRTHFORGE core; none while nothing is looked for."""
        return self._poller.cores if self._poller is not None else ()

    def close(self) -> None:
        """End the thread; it is not waited for."""
        if self._poller is not None:
            self._poller.close()
            self._poller = None
