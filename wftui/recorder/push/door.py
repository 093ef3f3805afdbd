"""``push.sock``: takes lines from any number of programs of this user, in short turns, and answers each."""

import asyncio
from collections import deque
from pathlib import Path
from typing import Final

from wftui import clock
from wftui.clock import Clock
from wftui.recorder.private import binding
from wftui.recorder.push.connection import Connection
from wftui.recorder.push.intake import Intake

MAX_CONNECTIONS: Final = 512
"""Of one more the one that has been silent longest gives way."""
TURN_NS: Final = 2_000_000
"""The loop's other work waits so long at most, but for one line being understood."""
SHARE_NS: Final = 1_000_000
"""Of a turn, for one connection."""
PAUSE_NS: Final = 300_000
"""Between two lines that are counted without waiting for a turn."""
BUFFER: Final = 64 << 10
"""Bytes read at once."""
ALL_WAITING: Final = 8 << 20
"""Bytes of all connections together that wait for the end of their line; beyond it the largest is closed."""


class Door:
    """Listens; gives each connection its turn."""

    def __init__(self, path: Path, intake: Intake, clock: Clock) -> None:
        self.clock = clock
        self.intake = intake
        self.buffer = memoryview(bytearray(BUFFER))
        """Of all connections: what arrives is copied before the next one reads."""
        self._path = path
        self._connections: dict[Connection, None] = {}
        """In the order in which they came."""
        self._queue: deque[Connection] = deque()
        self._turning = False
        self._worked_ns = 0
        self._held = 0
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Bind.

        Raises:
            ConfigError: Something else lies there, or it cannot be bound.
        """
        loop = asyncio.get_running_loop()
        with binding(self._path):
            self._server = await loop.create_unix_server(
                lambda: Connection(self), str(self._path), backlog=MAX_CONNECTIONS
            )

    def close(self) -> None:
        """Take nothing more in; what was not answered was not counted. Twice is harmless."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for connection in list(self._connections):
            connection.leave()
        self._queue.clear()
        self._path.unlink(missing_ok=True)

    # ---- connections

    def joined(self, connection: Connection) -> None:
        """A program connected."""
        while len(self._connections) >= MAX_CONNECTIONS:
            quietest = min(self._connections, key=lambda item: item.heard_ns)
            quietest.refuse(f"{MAX_CONNECTIONS} connections are open, this one was silent longest")
        self._connections[connection] = None
        self.intake.connections = len(self._connections)

    def left(self, connection: Connection) -> None:
        """It is gone. Twice is harmless."""
        self._connections.pop(connection, None)
        self.intake.connections = len(self._connections)

    def holds(self, more: int) -> None:
        """Its bytes that wait grew by so many."""
        self._held += more
        if more > 0 and self._held > ALL_WAITING:
            max(self._connections, key=len).refuse("too much waits for the ends of lines")

    # ---- turns

    def queue(self, connection: Connection) -> None:
        """It has a line."""
        if not self._turning:
            now_ns = clock.perf_ns()
            # At once when nothing was done just now: a turn of the loop costs as much as a line of ten samples.
            if now_ns - self._worked_ns > PAUSE_NS:
                more = connection.work(now_ns + SHARE_NS)
                self._worked_ns = clock.perf_ns()
                if not more:
                    return
            self._turning = True
            # What is ready on other connections is read first, and the beat has its time.
            asyncio.get_running_loop().call_soon(self._turn)
        self._queue.append(connection)

    def _turn(self) -> None:
        until_ns = clock.perf_ns() + TURN_NS
        queue = self._queue
        while queue:
            now_ns = clock.perf_ns()
            if now_ns >= until_ns:
                asyncio.get_running_loop().call_soon(self._turn)
                return
            connection = queue.popleft()
            try:
                more = connection.work(min(until_ns, now_ns + SHARE_NS))
            except BaseException:
                # The loop logs it; the others go on.
                connection.leave()
                asyncio.get_running_loop().call_soon(self._turn)
                raise
            if more:
                queue.append(connection)
        self._turning = False
        self._worked_ns = clock.perf_ns()
