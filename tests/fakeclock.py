"""A clock that tests turn: sleeping jumps, and the wall can be stepped apart from CLOCK_BOOTTIME."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from wftui.clock import NS_PER_S, Instant

START_NS = 1_700_000_000 * NS_PER_S
"""2023-11-14 22:13:20 UTC."""


class FakeClock:
    """Both clocks in one place; ``sleep_until`` jumps there at once."""

    def __init__(self, time_ns: int = START_NS, boottime_ns: int = 1_000 * NS_PER_S) -> None:
        self.time_ns = time_ns
        self.boottime_ns = boottime_ns
        self.late_ns = 0
        """How much later than asked each sleep ends."""
        self._planned: list[tuple[int, Callable[[], None]]] = []

    def now(self) -> Instant:
        """Both clocks."""
        return Instant(self.time_ns, self.boottime_ns)

    def step(self, by_ns: int) -> None:
        """Move the wall clock only."""
        self.time_ns += by_ns

    def advance(self, by_ns: int) -> None:
        """Let time pass, on both clocks (a suspend counts on both, too)."""
        self.time_ns += by_ns
        self.boottime_ns += by_ns

    def plan(self, after_s: float, action: Callable[[], None]) -> None:
        """Do something when CLOCK_BOOTTIME gets there: between two slots of whoever sleeps."""
        self._planned.append((self.boottime_ns + int(after_s * NS_PER_S), action))
        self._planned.sort(key=lambda item: item[0])

    async def sleep_until(self, boottime_ns: int) -> None:
        """Jump there; the loop gets one turn."""
        while self._planned and self._planned[0][0] <= boottime_ns:
            due, action = self._planned.pop(0)
            self.advance(max(0, due - self.boottime_ns))
            action()
        self.advance(max(0, boottime_ns + self.late_ns - self.boottime_ns))
        await asyncio.sleep(0)

    async def beat(self, period_ns: int, call: Callable[[Instant], bool]) -> None:
        """Jump from beat to beat."""
        while True:
            await self.sleep_until(self.boottime_ns + period_ns - self.time_ns % period_ns)
            call(self.now())
