"""The energy of one device, from the best that it tells, with how that is known.

In this order: a counter of the device (measured); power of the moment at 5 Hz or more, integrated (estimated);
power that the driver averages over a second (estimated, bursts are smoothed). A gap is never bridged: nothing is
known of it, and the coverage says so. Power is not energy: asking a 1 Hz saw-tooth once a second for the power of
the moment was off by 60 %.
"""

from collections import deque
from typing import Final

from wftui.clock import NS_PER_S, Instant
from wftui.model.sample import ESTIMATED, MEASURED

COUNTER: Final = "counter"
INSTANT: Final = "instant"
AVERAGE: Final = "average"
SPARSE: Final = "sparse"
"""Power of the moment, asked for so seldom that bursts are missed."""
WORDS: Final = {
    COUNTER: "measured, ±5 %",
    INSTANT: "estimated from power at 5 Hz or more",
    AVERAGE: "estimated from average power, bursts under 1 s are smoothed",
    SPARSE: "estimated from power of single moments, bursts are missed",
}
"""How a figure is known, for a person."""
OFTEN_S: Final = 0.21
"""Readings of the moment that are closer than this count as 5 Hz."""
GAP_S: Final = 2.5
"""Power readings further apart are a gap."""
COUNTER_GAP_S: Final = 30.0
"""A counter goes on through a gap; so long a pause only costs the coverage."""
STILL_S: Final = 30.0
"""A counter that stands still for so long while there is power is no counter."""
SPAN_S: Final = 300
MOST_W: Final = 20_000.0
"""No board draws more: a counter that grew faster has begun anew or lies."""
_STEP_S: Final = 10


class EnergyMeter:
    """One device. Feed it what came; read what flowed."""

    def __init__(self) -> None:
        self.joules = 0.0
        """Since the first reading; never falls."""
        self.source = ""
        """How the newest part is known; empty: nothing came yet."""
        self._counter: float | None = None
        self._counter_at: Instant | None = None
        self._moved_ns = 0
        self._watts: float | None = None
        self._power_ns = 0
        self._often = False
        self._instant = False
        self._covered: deque[list[float]] = deque()
        """[10 s step of boottime, covered seconds]."""
        self._first_ns: int | None = None

    @property
    def quality(self) -> str:
        """``measured`` or ``estimated``."""
        return MEASURED if self.source == COUNTER else ESTIMATED

    @property
    def words(self) -> str:
        """How the newest part is known, for a person; empty: nothing came yet."""
        return WORDS.get(self.source, "")

    def coverage(self, at: Instant) -> float | None:
        """Share of the last 300 s (or since the first reading) that is known; None before the first."""
        if self._first_ns is None:
            return None
        self._forget(at.boottime_ns)
        span_s = min(float(SPAN_S), (at.boottime_ns - self._first_ns) / NS_PER_S)
        if span_s <= 0:
            return None
        return min(1.0, sum(item[1] for item in self._covered) / span_s)

    def counter(self, joules: float, at: Instant) -> None:
        """A reading of the device's own counter (J since any beginning)."""
        self._begin(at)
        before, before_at = self._counter, self._counter_at
        self._counter, self._counter_at = joules, at
        if before is None or before_at is None:
            self._moved_ns = at.boottime_ns
            return
        elapsed_s = (at.boottime_ns - before_at.boottime_ns) / NS_PER_S
        grown = joules - before
        if elapsed_s <= 0:
            return
        if grown < 0 or grown > MOST_W * max(elapsed_s, 1.0):
            return  # reset, wrap or nonsense: what flowed meanwhile is not known
        if grown > 0:
            self._moved_ns = at.boottime_ns
        elif self._stands(at):
            return
        self.source = COUNTER
        self.joules += grown
        if elapsed_s <= COUNTER_GAP_S:
            self._cover(at.boottime_ns, elapsed_s)

    def power(self, watts: float, at: Instant, *, instant: bool) -> None:
        """A reading of power; ``instant``: of the moment, not averaged by the driver."""
        self._begin(at)
        before, elapsed_s = self._watts, (at.boottime_ns - self._power_ns) / NS_PER_S
        same = instant == self._instant
        self._watts, self._power_ns, self._instant = watts, at.boottime_ns, instant
        if before is None or not same or not 0 < elapsed_s <= GAP_S or self._counts(at):
            return
        self._often = elapsed_s <= OFTEN_S
        self.source = (INSTANT if self._often else SPARSE) if instant else AVERAGE
        self.joules += (before + watts) / 2 * elapsed_s
        self._cover(at.boottime_ns, elapsed_s)

    def _stands(self, at: Instant) -> bool:
        drawing = self._watts is not None and self._watts > 1.0 and at.boottime_ns - self._power_ns < 5 * NS_PER_S
        return drawing and at.boottime_ns - self._moved_ns > STILL_S * NS_PER_S

    def _counts(self, at: Instant) -> bool:
        """Whether there is a counter that works."""
        if self._counter_at is None or at.boottime_ns - self._counter_at.boottime_ns > GAP_S * NS_PER_S:
            return False
        return not self._stands(at)

    def _begin(self, at: Instant) -> None:
        if self._first_ns is None:
            self._first_ns = at.boottime_ns

    def _cover(self, boottime_ns: int, seconds: float) -> None:
        number = boottime_ns // (_STEP_S * NS_PER_S)
        if not self._covered or self._covered[-1][0] != number:
            self._covered.append([number, 0.0])
        self._covered[-1][1] += seconds
        self._forget(boottime_ns)

    def _forget(self, boottime_ns: int) -> None:
        oldest = (boottime_ns - SPAN_S * NS_PER_S) // (_STEP_S * NS_PER_S)
        while self._covered and self._covered[0][0] <= oldest:
            self._covered.popleft()
