"""The energy of one device, from the best that it tells, with how that is known.

In this order: a counter of the device that works and moves (measured); power of the moment at 5 Hz or more,
integrated (estimated); power that the driver averages over a second (estimated, bursts are smoothed). A gap in
the power is never bridged: nothing is known of it, and the coverage says so. Power is not energy: asking a 1 Hz
saw-tooth once a second for the power of the moment was off by 60 %.
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
GAP: Final = 1.5
"""Power readings further apart than so many intervals are a gap."""
SURE_S: Final = 0.3
"""So much is never a gap: 1.5 intervals of 5 Hz, whatever faster rate there was before."""
SLOWEST_S: Final = 2.0
"""A longer pause is no interval."""
COUNTER_GAP_S: Final = 30.0
"""A counter goes on through a pause; a longer one costs the coverage."""
FRESH_S: Final = 2.5
"""So long after its last reading a counter still tells, at the least."""
STILL_S: Final = 30.0
"""A counter that stands still for so long while there is power is no counter."""
SPAN_S: Final = 300
MOST_W: Final = 20_000.0
"""No board draws more: a counter that grew faster has begun anew or lies."""
MOST_J: Final = 1e15
"""By its sentinels a counter that cannot be read is beyond this: 2^64 mJ are 1.8e16 J."""
_STEP_S: Final = 10


class _Power:
    """Readings of one kind of power, integrated as trapezoids."""

    def __init__(self) -> None:
        self.watts = 0.0
        self.ns = -1
        """Boottime of the last reading; -1: there was none."""
        self.every_s = SLOWEST_S
        """Interval of the readings, as it was seen."""
        self.often = False
        """Whether they come at 5 Hz; some jitter does not change that."""

    def fresh(self, now_ns: int) -> bool:
        return self.ns >= 0 and now_ns - self.ns <= max(SURE_S, GAP * self.every_s) * NS_PER_S

    def take(self, watts: float, now_ns: int) -> tuple[float, int]:
        """(joules, since when) of the time since the last reading; (0, now): nothing is known of it."""
        before_ns, before, fresh = self.ns, self.watts, self.fresh(now_ns)
        self.watts, self.ns = watts, now_ns
        if before_ns < 0:
            return 0.0, now_ns
        elapsed_s = (now_ns - before_ns) / NS_PER_S
        if elapsed_s <= SLOWEST_S:
            # A slower rate counts from its first step, jitter does not make one.
            self.every_s = elapsed_s if not fresh or not self.often else 0.8 * self.every_s + 0.2 * elapsed_s
            self.often = self.every_s <= (SURE_S if self.often else OFTEN_S)
        if not fresh:
            return 0.0, now_ns
        return (before + watts) / 2 * elapsed_s, before_ns


class EnergyMeter:
    """One device. Feed it what came; read what flowed."""

    def __init__(self, most_w: float = MOST_W) -> None:
        self.joules = 0.0
        """Since the first reading; never falls."""
        self.source = ""
        """How the newest part is known; empty: nothing came yet."""
        self.most_w = most_w
        """What the board may draw: more is no reading."""
        self._counter: float | None = None
        self._counter_ns = self._moved_ns = 0
        self._every_s = 0.0
        """Interval of the counter's readings."""
        self._instant, self._average = _Power(), _Power()
        self._aside = 0.0
        """J by power since the counter moved, not counted: the counter will tell them."""
        self._filled = 0.0
        """J by power since the counter moved that were counted, because it did not tell."""
        self._aside_ns = 0
        """Since when power is put aside."""
        self._covered: deque[list[float]] = deque()
        """[10 s step of boottime, covered seconds]."""
        self._covered_ns = 0
        """Up to here coverage was counted."""
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
        now_ns = at.boottime_ns
        if not 0 <= joules < MOST_J:  # refuses NaN, too
            return
        self._begin(now_ns)
        before, before_ns = self._counter, self._counter_ns
        if before is not None and now_ns <= before_ns:
            return
        self._counter, self._counter_ns = joules, now_ns
        if before is None:
            self._moved_ns = now_ns
            return
        elapsed_s = (now_ns - before_ns) / NS_PER_S
        self._every_s = min(elapsed_s, COUNTER_GAP_S)
        grown = joules - before
        if not 0 <= grown <= self.most_w * max(elapsed_s, 1.0):
            # A reset, a wrap or nonsense: only power can tell what flowed meanwhile.
            self._moved_ns = now_ns
            self._use_power()
            self._filled = 0.0
        elif grown > 0:
            self._moved_ns = now_ns
            self.source = COUNTER
            self.joules += max(0.0, grown - self._filled)
            self._aside = self._filled = 0.0
            self._told(before_ns, now_ns)
        elif self._stands(now_ns):
            self._use_power()
        elif self.source == COUNTER:
            self._told(before_ns, now_ns)

    def power(self, watts: float, at: Instant, *, instant: bool) -> None:
        """A reading of power; ``instant``: of the moment, not averaged by the driver. Both may come."""
        now_ns = at.boottime_ns
        if not 0 <= watts <= self.most_w:
            return
        self._begin(now_ns)
        kind = self._instant if instant else self._average
        if now_ns <= kind.ns:
            return
        joules, since_ns = kind.take(watts, now_ns)
        if kind is not self._best(now_ns) or since_ns == now_ns:
            return
        if not self._aside:
            self._aside_ns = since_ns
        self._aside += joules
        if not self._counts(now_ns):
            self._use_power()

    def _best(self, now_ns: int) -> _Power:
        if self._instant.ns >= 0 and self._instant.often and self._instant.fresh(now_ns):
            return self._instant
        return self._average if self._average.fresh(now_ns) else self._instant

    def _use_power(self) -> None:
        """Count what was put aside."""
        if not self._aside:
            return
        kind = self._best(max(self._instant.ns, self._average.ns))
        self.source = AVERAGE if kind is self._average else INSTANT if kind.often else SPARSE
        self.joules += self._aside
        self._filled += self._aside
        self._cover(self._aside_ns, kind.ns)
        self._aside = 0.0

    def _told(self, since_ns: int, now_ns: int) -> None:
        if now_ns - since_ns <= COUNTER_GAP_S * NS_PER_S:
            self._cover(since_ns, now_ns)

    def _stands(self, now_ns: int) -> bool:
        kind = self._best(now_ns)
        return kind.fresh(now_ns) and kind.watts > 1.0 and now_ns - self._moved_ns > STILL_S * NS_PER_S

    def _counts(self, now_ns: int) -> bool:
        """Whether there is a counter that works."""
        if self._counter is None or now_ns - self._counter_ns > max(FRESH_S, GAP * self._every_s) * NS_PER_S:
            return False
        return not self._stands(now_ns)

    def _begin(self, now_ns: int) -> None:
        if self._first_ns is None:
            self._first_ns = self._covered_ns = now_ns

    def _cover(self, since_ns: int, until_ns: int) -> None:
        seconds = (until_ns - max(since_ns, self._covered_ns)) / NS_PER_S
        if seconds <= 0:
            return
        self._covered_ns = until_ns
        number = until_ns // (_STEP_S * NS_PER_S)
        if not self._covered or self._covered[-1][0] != number:
            self._covered.append([number, 0.0])
        self._covered[-1][1] += seconds
        self._forget(until_ns)

    def _forget(self, now_ns: int) -> None:
        oldest = (now_ns - SPAN_S * NS_PER_S) // (_STEP_S * NS_PER_S)
        while self._covered and self._covered[0][0] <= oldest:
            self._covered.popleft()
