"""The copies of what passed, read when there is time: passing on comes first.

Of fifty streams that have a chunk at once the last would otherwise wait until forty-nine were read.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from wftui import clock

Reader = Callable[[bytes, int], None]

_LATER_S: Final = 0.05
"""What passed in this time is read together, in few turns of the loop: 12 % less CPU than with 10 ms."""
_SLICE_NS: Final = 100_000
"""So long is read before the loop looks for new bytes: at 50 streams p99 of a chunk is 0.24 ms less than with
0.3 ms, for 2 % more CPU."""
BYTES: Final = 1 << 20
"""More than this does not wait: then reading keeps passing on back."""


class Backlog:
    """Calls of readers with what they shall read, in the order in which it passed."""

    __slots__ = ("_bytes", "_loop", "_scheduled", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[tuple[Reader, bytes, int]] = deque()
        self._bytes = 0
        self._scheduled = False

    def put(self, reader: Reader, data: bytes, now_ns: int) -> None:
        """Have ``reader(data, now_ns)`` called soon. Readers do not raise."""
        self._waiting.append((reader, data, now_ns))
        self._bytes += len(data)
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_later(_LATER_S, self._some)
        elif self._bytes > BYTES:
            self.drain()

    def drain(self) -> None:
        """Read everything now."""
        while self._waiting:
            self._one()

    def _some(self) -> None:
        until_ns = clock.perf_ns() + _SLICE_NS
        while self._waiting and clock.perf_ns() < until_ns:
            self._one()
        self._scheduled = bool(self._waiting)
        if self._scheduled:
            self._loop.call_soon(self._some)

    def _one(self) -> None:
        reader, data, now_ns = self._waiting.popleft()
        self._bytes -= len(data)
        reader(data, now_ns)
