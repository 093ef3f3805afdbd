"""Keeping a core followed: connecting, and again after a while when the connection is lost."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Sequence
from typing import Final

from wftui import log
from wftui.clock import NS_PER_S, Clock
from wftui.collectors.core import protocol
from wftui.collectors.core.account import Account
from wftui.collectors.core.connection import PAUSE_S, QUIET_S, Connection
from wftui.collectors.core.websocket import RefusedError
from wftui.endpoint import Endpoint
from wftui.model import health
from wftui.model.sample import JsonValue, Note

FIRST_S: Final = 0.5
LONGEST_S: Final = 30.0
DENIED_S: Final = 30.0
HELD_S: Final = 2.0
"""A connection that held for so long starts the back-off anew."""
LOST_S: Final = 60.0
"""After so long a core that does not listen any more counts as gone."""
STRANGE: Final = 20
"""So many messages without one event, and it is no core."""
_FINEST_S: Final = 1 / 60
_CHECK: Final = "check core.url (wftop config set core.url ws://127.0.0.1:PORT/ws)"


class Following:
    """One core. Made in the recorder's loop."""

    def __init__(self, account: Account, clock: Clock) -> None:
        self.account = account
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._endpoints: tuple[Endpoint, ...] = ()
        self._place = 0
        """Of the one that is tried."""
        self._connection: Connection | None = None
        self._again: asyncio.TimerHandle | None = None
        self._wait_s = FIRST_S
        self._pause_s = PAUSE_S
        self._note: Note | None = Note(health.ABSENT, "connecting")
        self._open_ns: int | None = None
        """CLOCK_BOOTTIME since when the connection is open."""
        self._announced = False
        self._before = 0, 0
        """Events that were taken, and refused, before this connection."""
        self._lost_ns: int | None = None
        """CLOCK_BOOTTIME since when it is lost."""

    def toward(self, endpoints: Sequence[Endpoint]) -> None:
        """Where the core is; the first that speaks is followed. Others than before: begin anew."""
        new = tuple(endpoints)
        if new == self._endpoints:
            return
        self._hang_up("its address is another one" if new else "its process is gone")
        self._endpoints, self._place, self._wait_s = new, 0, FIRST_S
        if new:
            self._connect()

    def look_closely(self, rate_hz: float) -> None:
        """Somebody follows at that rate; 1: nobody does."""
        self._pause_s = PAUSE_S if rate_hz <= 1.0 / PAUSE_S else max(_FINEST_S, 1.0 / rate_hz)
        self._pace()

    def _pace(self) -> None:
        if self._connection is not None:
            # Of a core whose times are not believed, events are of when they are read.
            self._connection.pause_s = _FINEST_S if self.account.apart else self._pause_s

    @property
    def endpoint(self) -> Endpoint | None:
        """The one that is followed, or tried now; None: there is none."""
        return self._endpoints[self._place] if self._endpoints else None

    @property
    def up(self) -> bool:
        """Whether the WebSocket is open."""
        return self._open_ns is not None

    def second(self) -> Note | None:
        """Once a second: look after the connection; what is to be said of it, None: all is well."""
        now = self._clock.now()
        connection = self._connection
        if connection is not None and self.up:
            binary, oversized = connection.take_passed_over()
            self.account.passed_over(protocol.MALFORMED, binary, now)
            self.account.passed_over(protocol.OVERSIZED, oversized, now)
            self._announce()
            self._pace()
            connection.check()
        if self._connection is None or not self.up:
            return self._note
        return self._ails(self._connection)

    def _ails(self, connection: Connection) -> Note | None:
        account = self.account
        taken, refused = self._before
        if sum(account.counts.values()) == taken and sum(account.refused.values()) >= refused + STRANGE:
            return Note(health.FAILED, f"what speaks at {self._name} tells no event of a core", _CHECK)
        if connection.silent_s >= QUIET_S:
            reason = f"the core has said nothing for {connection.silent_s:.0f} s, no heartbeat either"
            return Note(health.LATE, reason, "look whether it hangs; it is asked, then connected anew")
        return None

    @property
    def _name(self) -> str:
        return f"ws://{self._endpoints[self._place].name}" if self._endpoints else ""

    # ---- connections

    def _connect(self) -> None:
        self._again = None
        made = self._connection = Connection(self._endpoints[self._place], self._opened, self._take, self._ended)
        made.answer = protocol.ANSWER
        self._pace()
        made.start()

    def _opened(self) -> None:
        now = self._clock.now()
        self._open_ns, self._lost_ns = now.boottime_ns, None
        self._announced = False
        self._before = sum(self.account.counts.values()), sum(self.account.refused.values())
        self.account.connects += 1
        log.info("core", "connected", url=self._name)

    def _announce(self) -> None:
        """Say that it is there: a moment later, when it has said who it is."""
        if self._announced:
            return
        self._announced = True
        payload: dict[str, JsonValue] = {"url": self._name}
        if (told := self.account.startup) is not None:
            payload |= {"version": told.version, "model": told.model, "tier": told.tier}
        self.account.happened("core.connected", payload, self._clock.now())

    def _take(self, messages: Sequence[bytes]) -> int:
        return self.account.take(messages, self._clock.now())

    def _ended(self, error: Exception) -> None:
        self._connection = None
        lasted_s = self._lost(_words(error))
        if lasted_s >= HELD_S:
            self._wait_s = FIRST_S
        wait_s = self._wait_s * (0.75 + os.urandom(1)[0] / 510)  # many clients of one core come back apart
        self._wait_s = min(LONGEST_S, self._wait_s * 2)
        if isinstance(error, RefusedError):
            wait_s = max(wait_s, DENIED_S) if error.status in (401, 403) else wait_s
        lost_s = (self._clock.now().boottime_ns - self._lost_ns) / NS_PER_S if self._lost_ns is not None else None
        self._note = _note(error, self._name, wait_s, lost_s)
        if lasted_s < HELD_S:
            self._place = (self._place + 1) % len(self._endpoints)
        self._again = self._loop.call_later(wait_s, self._connect)

    def _lost(self, reason: str) -> float:
        """The connection is gone; how long it had been open, s."""
        if self._open_ns is None:
            return 0.0
        now = self._clock.now()
        lasted_s = (now.boottime_ns - self._open_ns) / NS_PER_S
        self._announce()
        self._open_ns = None
        self._lost_ns = now.boottime_ns
        self.account.lost_connection(now)
        if reason:
            payload: dict[str, JsonValue] = {
                "url": self._name, "reason": reason, "lasted_s": round(lasted_s, 3),
            }  # fmt: skip
            self.account.happened("core.lost", payload, now)
        return lasted_s

    def _hang_up(self, reason: str) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._lost(reason)

    def close(self, reason: str = "") -> None:
        """Hang up. Twice is harmless."""
        self._hang_up(reason)
        self._endpoints = ()


def _words(error: Exception) -> str:
    if isinstance(error, OSError):
        return (error.strerror or str(error) or type(error).__name__).lower()
    return str(error)


def _note(error: Exception, name: str, wait_s: float, lost_s: float | None) -> Note:
    """``lost_s``: since it was connected last; None: it never was."""
    if isinstance(error, RefusedError):
        if error.status in (401, 403):
            return Note(health.DENIED, f"{name} refuses us: {error}", "let it take clients of this machine")
        return Note(health.FAILED, f"{name}: {error}", _CHECK)
    again = f"tried again within {max(1.0, wait_s):.0f} s"
    refused = isinstance(error, OSError) and error.errno == errno.ECONNREFUSED
    if refused and (lost_s is None or lost_s > LOST_S):
        return Note(health.ABSENT, f"nobody listens at {name}; {again}", f"start the core, or {_CHECK}")
    if lost_s is None:
        return Note(health.LATE, f"{name} does not answer: {_words(error)}; {again}", _CHECK)
    return Note(health.LATE, f"{name}: connection lost: {_words(error)}; {again}", "look whether the core runs")
