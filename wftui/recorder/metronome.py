"""The recorder's beat, made where its loop waits.

Most beats only read some files. As a timer each of them would be a turn of the loop, and after 100 ms of sleep the
caches are cold: 250 µs a turn, where waiting costs 100 and this 140.
"""

import asyncio
import math
import selectors
import time
from collections.abc import Callable
from typing import Final

from wftui.clock import NS_PER_S, Instant, SystemClock

_Ready = list[tuple[selectors.SelectorKey, int]]


class Waiting(selectors.DefaultSelector):
    """Waits for files as any selector, and calls meanwhile what is due."""

    def __init__(self) -> None:
        super().__init__()
        self.due_s = math.inf
        """Seconds of the loop's clock (CLOCK_MONOTONIC)."""
        self.call: Callable[[], bool] = bool
        """Sets the next time; whether the loop has to look at what was done."""

    def select(self, timeout: float | None = None) -> _Ready:
        """Files that are ready; none when the time is over or the loop has to look at something."""
        ends_s = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            until_s = min(ends_s, self.due_s)
            # An earlier timer of the loop has its turn first.
            found = super().select(None if until_s == math.inf else until_s - time.monotonic())
            now_s = time.monotonic()
            # Also when files are ready: while somebody pushes without a pause, some always are.
            if now_s >= self.due_s and self.call():
                return found
            if found or now_s >= ends_s:
                return found


class Metronome(SystemClock):
    """The machine's clocks, with a loop that beats while it waits."""

    def __init__(self) -> None:
        self._waiting: Final = Waiting()

    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop; there is one."""
        return asyncio.SelectorEventLoop(self._waiting)

    async def beat(self, period_ns: int, call: Callable[[Instant], bool]) -> None:
        """Call on each multiple of the period; only in the loop made here."""
        waiting = self._waiting
        broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def arm() -> None:
            waiting.due_s = time.monotonic() + (period_ns - time.time_ns() % period_ns) / NS_PER_S

        def beat() -> bool:
            try:
                turn = call(self.now())
            except Exception as error:  # noqa: BLE001  handed to whoever awaits the beat
                waiting.due_s = math.inf
                broken.set_exception(error)
                return True
            arm()
            return turn

        waiting.call = beat
        arm()
        try:
            await broken
        finally:
            waiting.due_s = math.inf
