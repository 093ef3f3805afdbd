"""A clock that tests turn: sleeping jumps, and the wall can be stepped apart from CLOCK_BOOTTIME."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from wftui.clock import NS_PER_S, Beat, Instant, next_beat

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
        self._strobe_ns = NS_PER_S
        self._strobe: Callable[[], bool] | None = None

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
        self.jump(boottime_ns)
        await asyncio.sleep(0)

    def jump(self, boottime_ns: int) -> None:
        """Let time pass until then, with all that is planned and strobes on the way, and be late."""
        while True:
            strobe = self.boottime_ns + self._strobe_ns - self.time_ns % self._strobe_ns
            planned = self._planned[0][0] if self._planned else boottime_ns + 1
            if min(strobe, planned) > boottime_ns:
                break
            if planned <= strobe:
                due, action = self._planned.pop(0)
                self.advance(max(0, due - self.boottime_ns))
                action()
            else:
                self.advance(strobe - self.boottime_ns)
                self.flash()
        self.advance(max(0, boottime_ns + self.late_ns - self.boottime_ns))

    def flash(self) -> None:
        """Call what is called on each multiple of a period."""
        if self._strobe is not None and not self._strobe():
            self._strobe = None

    def beat(self, period_ns: int, call: Callable[[Instant], int]) -> Beat:
        """Jump from beat to beat."""
        return _Beats(self, period_ns, call)

    def strobe(self, period_ns: int, call: Callable[[], bool]) -> None:
        """Call while time passes; one at a time."""
        self._strobe_ns, self._strobe = period_ns, call


class _Beats:
    def __init__(self, clock: FakeClock, period_ns: int, call: Callable[[Instant], int]) -> None:
        self._clock = clock
        self._period_ns = period_ns
        self._call = call
        self._due_ns = 0

    async def run(self) -> None:
        clock = self._clock
        while True:
            now = clock.now()
            await clock.sleep_until(now.boottime_ns + next_beat(now, self._period_ns, self._due_ns) - now.time_ns)
            self._due_ns = self._call(clock.now())

    def soon(self) -> None:
        self._due_ns = 0
