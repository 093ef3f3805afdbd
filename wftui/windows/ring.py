"""Rings: the last minutes of every series at full rate, inside one memory budget."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

POOL_BYTES: Final = 8 * 1024 * 1024
SPAN_S: Final = 300.0
"""Seconds that a ring keeps as long as the pool suffices."""
MIN_SPAN_S: Final = 10.0


class Ring:
    """Time and value of the newest samples of one series.

    Counters are float64: float32 would lose single events above 2**24. Gauges are float32.
    """

    __slots__ = ("_head", "_times", "_values", "capacity")

    def __init__(self, capacity: int, counter: bool) -> None:
        self.capacity = capacity
        """Samples kept at most."""
        self._times = array("q")
        self._values = array("d" if counter else "f")
        self._head = 0

    def __len__(self) -> int:
        return len(self._times)

    @property
    def item_bytes(self) -> int:
        """Bytes (By) of one sample."""
        return self._times.itemsize + self._values.itemsize

    def append(self, boottime_ns: int, value: float) -> None:
        """Add the newest sample; the oldest goes when the ring is full."""
        times = self._times
        if len(times) < self.capacity:
            times.append(boottime_ns)
            self._values.append(value)
            return
        head = self._head
        times[head] = boottime_ns
        self._values[head] = value
        self._head = head + 1 if head + 1 < self.capacity else 0

    def resize(self, capacity: int) -> None:
        """Change how many samples are kept; the oldest go first."""
        if capacity == self.capacity:
            return
        times = self._times[self._head :] + self._times[: self._head]
        values = self._values[self._head :] + self._values[: self._head]
        self._times, self._values = times[-capacity:], values[-capacity:]
        self._head = 0
        self.capacity = capacity

    def since(self, boottime_ns: int) -> Iterator[tuple[int, float]]:
        """Samples from that time (CLOCK_BOOTTIME) on, newest first."""
        times, values, size = self._times, self._values, len(self._times)
        for back in range(1, size + 1):
            place = (self._head - back) % size
            if times[place] < boottime_ns:
                return
            yield times[place], values[place]

    def between(self, low: int, high: int) -> "tuple[array[int], array[float]]":
        """Samples of [low, high) (CLOCK_BOOTTIME), oldest first: int64 times (n,) and values (n,)."""
        head, times, values = self._head, self._times, self._values
        if head:
            times, values = times[head:] + times[:head], values[head:] + values[:head]
        first, behind = bisect_left(times, low), bisect_left(times, high)
        return times[first:behind], values[first:behind]


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
        ring = Ring(1, counter)
        self._rings[key] = (ring, interval_s)
        self._full_bytes += (self._wanted_s / interval_s + 1) * ring.item_bytes
        self._fit()
        ring.resize(self._capacity(interval_s))
        return ring

    def pace(self, key: str, interval_s: float) -> None:
        """A series comes at another interval from now on: its ring gets the length for it."""
        ring, before_s = self._rings[key]
        if interval_s == before_s:
            return
        self._rings[key] = (ring, interval_s)
        self._full_bytes += (self._wanted_s / interval_s - self._wanted_s / before_s) * ring.item_bytes
        self._fit()
        ring.resize(self._capacity(interval_s))

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
