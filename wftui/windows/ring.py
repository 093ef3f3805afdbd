"""Rings: the last minutes of every series at full rate, inside one memory budget."""

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

POOL_BYTES: Final = 8 * 1024 * 1024
SPAN_S: Final = 300.0
"""Seconds that a ring keeps as long as the pool suffices."""
MIN_SPAN_S: Final = 10.0
FINENESS: Final = 2000
"""Times are kept to this part of a series' interval: 50 µs at 10 Hz, 0.5 ms at 1 Hz."""
ROOM: Final = 301
"""Samples that a ring takes memory for at first: all that it will hold, at 1 Hz."""
_FAR: Final = 65_535
"""Steps of time between two samples at most; a sample without a value bridges a longer gap."""


class Ring:
    """Time and value of the newest samples of one series.

    Counters are float64: float32 would lose single events above 2**24. Gauges are float32. Of a time only the two
    bytes are kept that say how long after the sample before it that was: in whole nanoseconds the times of 2,000
    series would take more than their values.
    """

    __slots__ = ("_count", "_last", "_next", "_steps", "_unit_ns", "_values", "capacity")

    def __init__(self, capacity: int, counter: bool, interval_s: float = 1.0) -> None:
        """``interval_s``: between two samples, as a rule."""
        self.capacity = capacity
        """Samples kept at most."""
        self._steps = array("H")
        self._values = array("d" if counter else "f")
        self._count = self._next = 0
        self._unit_ns = _unit(interval_s)
        self._last = 0
        """Time of the newest in units. Rounded up: what comes after a moment is never told as before it."""

    def __len__(self) -> int:
        return self._count

    @property
    def item_bytes(self) -> int:
        """Bytes (By) of one sample."""
        return self._steps.itemsize + self._values.itemsize

    def append(self, boottime_ns: int, value: float) -> None:
        """Add the newest sample; the oldest goes when the ring is full."""
        last = -(-boottime_ns // self._unit_ns)
        step = last - self._last
        if step < 0:
            step = 0  # two threads' clocks: the newest stays the newest
        else:
            self._last = last
            if step > _FAR:
                step = self._bridge(step)
        place = self._next
        if place == len(self._steps):
            self._keep(*self._ordered(), more=True)
        self._steps[place] = step
        self._values[place] = value
        if self._count < self.capacity:
            self._count += 1
        self._next = place + 1 if place + 1 < self.capacity else 0

    def _bridge(self, step: int) -> int:
        """Put what has no value into a gap; returns the step that is left."""
        if not self._count or step >= _FAR * self.capacity:
            self._count = self._next = 0
            return 0
        before, left = divmod(step, _FAR)
        steps, values = self._ordered()
        steps.extend([_FAR] * before)
        values.extend([math.nan] * before)
        self._keep(steps, values)
        return left

    def _ordered(self) -> "tuple[array[int], array[float]]":
        """Copies, oldest first."""
        head, steps, values = self._next, self._steps, self._values
        if self._count < self.capacity:
            return steps[:head], values[:head]  # what is behind them is room
        return steps[head:] + steps[:head], values[head:] + values[:head]

    def _keep(self, steps: "array[int]", values: "array[float]", more: bool = False) -> None:
        """Hold these, and have room for what comes.

        Room is taken by the hundreds, then as much again: thousands of arrays that grow side by side leave holes
        in the heap as large as themselves, and so do those whose series turn out to come less often than their
        source promised.
        """
        steps, values = steps[-self.capacity :], values[-self.capacity :]
        self._count = len(steps)
        self._next = self._count % self.capacity
        room = min(self.capacity, self._count + max(ROOM, self._count) if more else self._count) - self._count
        self._steps = steps + array("H", [0]) * room
        self._values = values + array("d" if values.typecode == "d" else "f", [0.0]) * room

    def resize(self, capacity: int, interval_s: float | None = None) -> None:
        """Change how many samples are kept, and how often they come; the oldest go first."""
        unit = self._unit_ns if interval_s is None else _unit(interval_s)
        if unit != self._unit_ns:
            times, values = self.between(0, self._last * self._unit_ns + 1)
            self.capacity, self._unit_ns, self._last = capacity, unit, 0
            self._keep(array("H"), array(values.typecode))
            for at, value in zip(times[-capacity:], values[-capacity:], strict=True):
                self.append(at, value)
        elif capacity != self.capacity:
            steps, values = self._ordered()
            self.capacity = capacity
            self._keep(steps, values)

    def since(self, boottime_ns: int) -> Iterator[tuple[int, float]]:
        """Samples from that time (CLOCK_BOOTTIME) on, newest first."""
        steps, values, unit = self._steps, self._values, self._unit_ns
        at = self._last
        for back in range(1, self._count + 1):
            place = (self._next - back) % self.capacity
            if at * unit < boottime_ns:
                return
            value = values[place]
            if value == value:  # no bridge over a gap
                yield at * unit, value
            at -= steps[place]

    def between(self, low: int, high: int) -> "tuple[array[int], array[float]]":
        """Samples of [low, high) (CLOCK_BOOTTIME), oldest first: int64 times (n,) and values (n,)."""
        steps, values = self._ordered()
        if not steps:
            return array("q"), values
        steps[0] = 0  # from a sample that is gone
        unit = self._unit_ns
        times = array("q", [at * unit for at in accumulate(steps, initial=self._last - sum(steps))])[1:]
        first, behind = bisect_left(times, low), bisect_left(times, high)
        times, values = times[first:behind], values[first:behind]
        if _FAR in steps:
            real = [place for place, value in enumerate(values) if value == value]
            times = array("q", [times[place] for place in real])
            values = array(values.typecode, [values[place] for place in real])
        return times, values


def _unit(interval_s: float) -> int:
    return max(1, int(interval_s * 1e9 / FINENESS))


class Pool:
    """Gives each ring its length so that all together stay within a budget."""

    def __init__(self, budget: int = POOL_BYTES, span_s: float = SPAN_S) -> None:
        self._budget = budget
        self._wanted_s = span_s
        self._rings: dict[str, tuple[Ring, float]] = {}
        self._full_bytes = 0.0  # what all rings would take at the wanted span
        self.span_s = span_s
        """Seconds that each ring can hold now; shrinks when there are too many series."""

    @property
    def bytes(self) -> int:
        """Memory (By) that the rings may take at their present lengths."""
        return sum(ring.capacity * ring.item_bytes for ring, _ in self._rings.values())

    def _capacity(self, interval_s: float) -> int:
        return max(2, int(self.span_s / interval_s) + 1)

    def add(self, key: str, interval_s: float, counter: bool) -> Ring:
        """A ring for a new series; the others shrink when the pool is full."""
        ring = Ring(0, counter, interval_s)
        self._full_bytes += (self._wanted_s / interval_s + 1) * ring.item_bytes
        self._fit()
        ring.capacity = self._capacity(interval_s)
        self._rings[key] = (ring, interval_s)
        return ring

    def pace(self, key: str, interval_s: float) -> None:
        """A series comes at another interval from now on: its ring gets the length for it."""
        ring, before_s = self._rings[key]
        if interval_s == before_s:
            return
        self._rings[key] = (ring, interval_s)
        self._full_bytes += (self._wanted_s / interval_s - self._wanted_s / before_s) * ring.item_bytes
        self._fit()
        ring.resize(self._capacity(interval_s), interval_s)

    def remove(self, key: str) -> None:
        """Forget a series; the others may grow again."""
        ring, interval_s = self._rings.pop(key)
        self._full_bytes -= (self._wanted_s / interval_s + 1) * ring.item_bytes
        self._fit()

    def get(self, key: str) -> Ring | None:
        """The ring of a series by its canonical text."""
        found = self._rings.get(key)
        return found[0] if found else None

    def _fit(self) -> None:
        span = self._wanted_s
        if self._full_bytes > self._budget:
            # Steps of a quarter, so that a growing series count does not resize every ring each time.
            while span * 0.75 > MIN_SPAN_S and self._full_bytes * span / self._wanted_s > self._budget:
                span *= 0.75
        if span != self.span_s:
            self.span_s = span
            for ring, interval_s in self._rings.values():
                ring.resize(self._capacity(interval_s))
