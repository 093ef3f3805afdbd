"""One program at ``push.sock``: its bytes, its lines, its answers."""

import asyncio
import os
from typing import Final, Protocol, cast

from wftui import clock, log
from wftui.clock import Clock, Instant
from wftui.energy.sink import Key
from wftui.recorder.push.counting import Counting, refusal
from wftui.recorder.push.forms import MAX_LINE
from wftui.recorder.push.intake import Intake
from wftui.recorder.server import peer_uid

WAITING: Final = 256 << 10
"""A connection with so many bytes not counted yet is not read from."""


class Host(Protocol):
    """Who gives connections their turns."""

    @property
    def buffer(self) -> memoryview:
        """Of all connections: what arrives is copied before the next one reads."""
        ...

    @property
    def clock(self) -> Clock:
        """The recorder's."""
        ...

    @property
    def intake(self) -> Intake:
        """What counts."""
        ...

    def joined(self, connection: "Connection") -> None:
        """A program connected."""
        ...

    def left(self, connection: "Connection") -> None:
        """It is gone. Twice is harmless."""
        ...

    def holds(self, more: int) -> None:
        """Its bytes that wait grew by so many."""
        ...

    def queue(self, connection: "Connection") -> None:
        """It has a line."""
        ...


class Connection(asyncio.BufferedProtocol):
    """One program."""

    def __init__(self, door: Host) -> None:
        self._door = door
        self._transport: asyncio.Transport | None = None
        self._bytes = bytearray()
        self._searched = 0
        """Bytes in which there is no end of a line."""
        self._counting: Counting | None = None
        self._queued = self._paused = self._choked = self._ended = False
        self._lines = 0
        self._under_way: dict[Key, int] = {}
        """Answers that it announced and has not ended."""
        self.heard_ns = 0
        """CLOCK_BOOTTIME of its last line, or of its coming."""

    def __len__(self) -> int:
        """Bytes that are not counted yet."""
        return len(self._bytes)

    def __bool__(self) -> bool:
        return True

    # ---- what the loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody is there: only this user is served."""
        self._transport = cast(asyncio.Transport, transport)
        uid = peer_uid(transport.get_extra_info("socket"))
        if uid is not None and uid != os.geteuid():
            log.warning("push", "refused another user", uid=uid)
            self._transport.abort()
            self._transport = None
            return
        self.heard_ns = self._door.clock.now().boottime_ns
        self._door.joined(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  why does not matter
        """It is gone; a line without its end is lost with it."""
        # A script may connect anew for each line: that such a connection ends says nothing of an answer.
        if self._transport is not None and self._under_way and self._lines > 1:
            self._door.intake.left(self._under_way, self._door.clock.now())
        self._transport = None
        self._forget()
        self._door.left(self)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  the protocol's
        """Where to read to."""
        return self._door.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes arrived."""
        if self._transport is None:
            return
        self._bytes += self._door.buffer[:nbytes]
        self._door.holds(nbytes)
        if self._transport is None:
            return  # it was the largest
        self._look()
        if len(self._bytes) > WAITING and self._queued:
            self._pause()

    def eof_received(self) -> bool:
        """Nothing more will come: a last line needs no end; the answers still go out."""
        if self._transport is None:
            return False
        self._ended = True
        if self._bytes and not self._bytes.endswith(b"\n"):
            self._bytes += b"\n"
            self._door.holds(1)
        self._look()
        return bool(self._bytes) or self._counting is not None  # False: the transport closes itself

    def pause_writing(self) -> None:
        """It does not read its answers: nothing more of it is counted until it does."""
        self._choked = True
        self._pause()

    def resume_writing(self) -> None:
        """It reads them again."""
        self._choked = False
        self._look()
        self._resume()

    # ---- lines

    def _look(self) -> None:
        if self._queued or self._choked:
            return
        if self._counting is not None or self._bytes.find(b"\n", self._searched) >= 0:
            self._queued = True
            self._door.queue(self)
            return
        self._searched = len(self._bytes)
        if self._searched > MAX_LINE:
            self.refuse(f"a line is longer than {MAX_LINE} bytes")

    def work(self, until_ns: int) -> bool:
        """Count until that time (``perf_ns``); returns whether there is more to do now."""
        if self._transport is None:
            return False
        door, answers, place = self._door, bytearray(), 0
        at = door.clock.now()
        self.heard_ns = at.boottime_ns
        while True:
            counting = self._counting
            if counting is None:
                end = self._bytes.find(b"\n", max(place, self._searched))
                if end < 0:
                    break
                line = bytes(self._bytes[place:end])
                place = end + 1
                begun = self._begin(line, at)
                if isinstance(begun, bytes):
                    answers += begun
                else:
                    counting = self._counting = begun
            if counting is not None and counting.go_on(until_ns):
                answers += counting.finish(at.boottime_ns)
                self._counting = None
            if clock.perf_ns() >= until_ns:
                break
        if place:
            del self._bytes[:place]
            self._searched = 0
            door.holds(-place)
        if answers:
            self._transport.write(answers)
        return self._more()

    def _begin(self, line: bytes, at: Instant) -> Counting | bytes:
        if len(line) > MAX_LINE:
            return refusal(f"a line is longer than {MAX_LINE} bytes")
        if not line or line.isspace():
            return b""
        self._lines += 1
        return self._door.intake.begin(line, at, self._under_way)

    def _more(self) -> bool:
        if self._transport is None or self._choked:
            self._queued = False
            return False
        if self._counting is not None or self._bytes.find(b"\n", self._searched) >= 0:
            return True
        self._queued = False
        self._searched = len(self._bytes)
        self._resume()
        if self._ended:
            self._transport.close()
        elif self._searched > MAX_LINE:
            self.refuse(f"a line is longer than {MAX_LINE} bytes")
        return False

    def _pause(self) -> None:
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._paused and not self._choked and self._transport is not None and not self._ended:
            self._paused = False
            self._transport.resume_reading()

    # ---- ends

    def refuse(self, reason: str) -> None:
        """Say why and close."""
        if self._transport is not None:
            self._transport.write(refusal(reason))
        self.leave()

    def leave(self) -> None:
        """Close; what it said and was not counted is not answered."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        self._forget()
        self._door.left(self)

    def _forget(self) -> None:
        self._door.holds(-len(self._bytes))
        self._bytes = bytearray()
        self._counting = None
        self._searched = 0
