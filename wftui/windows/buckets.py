"""Ticks to buckets: min, mean and max per series, counters as rates, gaps as gaps."""

import math
from array import array
from collections.abc import Sequence
from typing import Final

from wftui.model.tick import Tick, unpack
from wftui.names import COUNTER

GAP_NS: Final = 1_500_000_000
"""Two ticks further apart than this (CLOCK_BOOTTIME) have a gap between them: no rate across it."""
SHORT_NS: Final = 500_000_000
"""A tick shorter than this was cut by a small step or the recorder's end: its readings are no second apart."""
NAN: Final = math.nan


class Bucket:
    """Sums of one series, bucket by bucket. Arrays are float64 of shape (points,), NaN = gap."""

    __slots__ = ("count", "maximum", "minimum", "total")

    def __init__(self, points: int) -> None:
        self.count = array("L", bytes(points * array("L").itemsize))
        self.total = array("d", bytes(points * 8))
        self.minimum = array("d", [NAN]) * points
        self.maximum = array("d", [NAN]) * points

    def add(self, place: int, value: float) -> None:
        """Count one value."""
        if not self.count[place]:
            self.minimum[place] = self.maximum[place] = value
        elif value < self.minimum[place]:
            self.minimum[place] = value
        elif value > self.maximum[place]:
            self.maximum[place] = value
        self.count[place] += 1
        self.total[place] += value

    def mean(self) -> "array[float]":
        """Means, NaN where nothing was counted."""
        return array("d", [t / n if n else NAN for t, n in zip(self.total, self.count, strict=True)])


class Rates:
    """Rates per second of counters between consecutive ticks."""

    def __init__(self) -> None:
        self._before: Tick | None = None
        self._known: dict[str, tuple[float, int]] = {}
        """Newest reading of each counter and its second."""

    def step(self, tick: Tick, readings: Sequence[tuple[str, float]]) -> dict[str, float]:
        """Rates of the counters' readings in this tick; none across a gap, a reboot, a reset, a hole or a step.

        Sources read on the wall clock's grid, so readings of two seconds are whole seconds apart, whenever their
        ticks were closed. One second without a reading is bridged: the next rate covers both.
        """
        if not self._follows(tick):
            self._known.clear()
        self._before = tick
        known, time_s = self._known, tick.time_s
        rates = {}
        for key, value in readings:
            if value != value:
                continue
            old = known.get(key)
            known[key] = (value, time_s)
            # A smaller reading is a reset (driver reload, device gone and back), not a negative rate.
            if old is not None and value >= old[0] and time_s - old[1] <= 2:
                rates[key] = (value - old[0]) / (time_s - old[1])
        return rates

    def _follows(self, tick: Tick) -> bool:
        """Whether nothing lies between this tick and the one before."""
        before = self._before
        if before is None or before.boot != tick.boot or tick.seq != before.seq + 1:
            return False
        # Seconds that do not follow each other: the wall clock was stepped, so readings are no second apart.
        elapsed_ns = tick.boottime_ns - before.boottime_ns
        return tick.time_s == before.time_s + 1 and SHORT_NS <= elapsed_ns <= GAP_NS


class Buckets:
    """Bucketed statistics of the named series over [start, start + step * points)."""

    def __init__(self, start_ns: int, step_ns: int, points: int) -> None:
        self.start_ns = start_ns
        self.step_ns = step_ns
        self.points = points
        self.counts = [0] * points
        """Ticks per bucket."""
        self.series: dict[str, Bucket] = {}
        self._rates = Rates()

    def add(self, tick: Tick, gauges: Sequence[tuple[str, int]], counters: Sequence[tuple[str, int]]) -> None:
        """Count one tick. Gauges and counters are (series text, place in the tick's layout)."""
        values = unpack(tick.values)
        readings = [(key, values[place]) for key, place in counters]
        rates = self._rates.step(tick, readings)
        bucket = (tick.time_s * 1_000_000_000 - self.start_ns) // self.step_ns
        if not 0 <= bucket < self.points:
            return
        self.counts[bucket] += 1
        for key, place in gauges:
            value = values[place]
            if value == value:
                self._bucket(key).add(bucket, value)
        for key, value in rates.items():
            self._bucket(key).add(bucket, value)

    def _bucket(self, key: str) -> Bucket:
        found = self.series.get(key)
        if found is None:
            found = self.series[key] = Bucket(self.points)
        return found


def split(columns: Sequence[tuple[str, str]]) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """(series text, kind) in layout order to the gauges and the counters with their places."""
    gauges = [(text, place) for place, (text, kind) in enumerate(columns) if kind != COUNTER]
    counters = [(text, place) for place, (text, kind) in enumerate(columns) if kind == COUNTER]
    return gauges, counters
