"""Values of one series over the last minutes, one per second of CLOCK_BOOTTIME; seconds without one are gaps."""

from __future__ import annotations

from array import array
from typing import Final, NamedTuple

NAN: Final = float("nan")
CAPACITY: Final = 640
"""Seconds kept: two samples per cell of the widest graph (300 columns), and some."""
STATISTICS: Final = frozenset({"p50", "p95", "p99", "count"})
"""Those of a distribution that are kept: it has no plain series."""


class Sampled(NamedTuple):
    """One series on a grid, two numbers a column; NaN: no value."""

    low: list[float]
    mean: list[float]
    high: list[float]


class History:
    """A ring of ``CAPACITY`` values addressed by slot; a slot that was never written is NaN."""

    __slots__ = ("_last", "_values")

    def __init__(self) -> None:
        self._values = array("d", [NAN]) * CAPACITY
        self._last: int | None = None

    def put(self, slot: int, value: float) -> None:
        """Set one second. Slots between the last and this one become gaps; older ones are filled in place."""
        if self._last is None or slot - self._last >= CAPACITY:
            for place in range(CAPACITY):
                self._values[place] = NAN
            self._last = slot
        elif slot > self._last:
            for missing in range(self._last + 1, slot):
                self._values[missing % CAPACITY] = NAN
            self._last = slot
        elif self._last - slot >= CAPACITY:
            return
        self._values[slot % CAPACITY] = value

    def last(self, end: int, count: int) -> list[float]:
        """The ``count`` values of the slots up to and with ``end``; NaN where there is none."""
        last = self._last
        if last is None or count <= 0:
            return [NAN] * max(0, count)
        if end > last >= end - count:  # what is still to come
            return self.last(last, count - (end - last)) + [NAN] * (end - last)
        oldest = last - CAPACITY + 1
        start = end - count + 1
        if start >= oldest and end <= last:
            first = start % CAPACITY
            stop = first + count
            if stop <= CAPACITY:
                return self._values[first:stop].tolist()
            return self._values[first:].tolist() + self._values[: stop - CAPACITY].tolist()
        return [self._values[slot % CAPACITY] if oldest <= slot <= last else NAN for slot in range(start, end + 1)]
