"""Ticks to buckets: min, mean and max per series, counters as rates, gaps as gaps."""

import math
from array import array
from collections.abc import Sequence
from operator import sub
from typing import Final

from wftui.model.tick import Tick, unpack
from wftui.names import COUNTER

GAP_NS: Final = 1_500_000_000
"""Two ticks further apart than this (CLOCK_BOOTTIME) have a gap between them: no rate across it."""
SHORT_NS: Final = 500_000_000
"""A tick shorter than this was cut by a small step or the recorder's end: its readings are no second apart."""
NAN: Final = math.nan
_PAIR: Final = 2


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
        if not follows(self._before, tick):
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


def follows(before: Tick | None, tick: Tick) -> bool:
    """Whether nothing lies between a tick and the one before."""
    if before is None or before.boot != tick.boot or tick.seq != before.seq + 1:
        return False
    # Seconds that do not follow each other: the wall clock was stepped, so readings are no second apart.
    elapsed_ns = tick.boottime_ns - before.boottime_ns
    return tick.time_s == before.time_s + 1 and SHORT_NS <= elapsed_ns <= GAP_NS


class Bucket:
    """Statistics of one series, bucket by bucket. Arrays are float64 of shape (points,), NaN = gap."""

    __slots__ = ("count", "maximum", "minimum", "total")

    def __init__(self, points: int) -> None:
        self.minimum = array("d", [NAN]) * points
        # As long as no bucket holds more than one value, one array is minimum, mean and maximum.
        self.maximum = self.total = self.minimum
        self.count: array[int] | None = None

    @property
    def single(self) -> bool:
        """No bucket holds more than one value."""
        return self.count is None

    def put(self, place: int, column: "array[float]") -> None:
        """One value for each bucket from ``place`` on, which all are empty."""
        self.minimum[place : place + len(column)] = column

    def merge(self, place: int, column: "array[float]") -> None:
        """More values for one bucket; NaN counts as none."""
        values: array[float] | list[float] = column
        total = sum(values)
        if total != total:
            values = [value for value in column if value == value]
            if not values:
                return
            total = sum(values)
        low, high = min(values), max(values)
        count = self.count if self.count is not None else self._spread()
        if not count[place]:
            self.minimum[place], self.maximum[place], self.total[place] = low, high, total
        else:
            if low < self.minimum[place]:
                self.minimum[place] = low
            if high > self.maximum[place]:
                self.maximum[place] = high
            self.total[place] += total
        count[place] += len(values)

    def _spread(self) -> "array[int]":
        self.maximum, self.total = self.minimum[:], self.minimum[:]
        self.count = array("L", [value == value for value in self.minimum])
        return self.count

    def mean(self) -> "array[float]":
        """Means, NaN where nothing was counted; never outside of the values, whatever rounding does."""
        if self.count is None:
            return self.minimum
        return array(
            "d",
            [
                min(max(total / count, low), high) if count else NAN
                for total, count, low, high in zip(self.total, self.count, self.minimum, self.maximum, strict=True)
            ],
        )


class Buckets:
    """Bucketed statistics of the named series over [start, start + step * points).

    Ticks are taken by column, not one by one: a minute of 400 series passes in 1 ms.
    """

    def __init__(self, start_ns: int, step_ns: int, points: int, from_seq: int = 0) -> None:
        """``from_seq``: ticks before it are looked at for the first rates only."""
        self.start_ns = start_ns
        self._from_seq = from_seq
        self.step_ns = step_ns
        self.points = points
        self.counts = [0] * points
        """Ticks per bucket."""
        self.series: dict[str, Bucket] = {}
        self._end = 0
        """Behind the last bucket that has a tick."""
        self._tail: list[Tick] = []
        """The last two ticks: what a rate may need of the past."""
        self._readings: dict[str, array[float]] = {}
        """Of each counter in them."""

    def add(self, tick: Tick, gauges: Sequence[tuple[str, int]], counters: Sequence[tuple[str, int]]) -> None:
        """Count one tick; see ``add_all``."""
        self.add_all((tick,), gauges, counters)

    def add_all(
        self, ticks: Sequence[Tick], gauges: Sequence[tuple[str, int]], counters: Sequence[tuple[str, int]]
    ) -> None:
        """Count ticks in their order, all of one layout. Gauges and counters are (series text, place in it)."""
        if not ticks:
            return
        width = len(ticks[0].values) // 8
        flat = unpack(b"".join([tick.values for tick in ticks]))
        runs = self._runs(ticks)
        # The usual case, a bucket a tick: columns are copied as they are.
        single = bool(runs) and runs[0][0] >= self._end and len(runs) == runs[-1][2] - runs[0][1]
        # A clock that was stepped back goes through the same buckets twice.
        single = single and [run[0] for run in runs] == list(range(runs[0][0], runs[0][0] + len(runs)))
        for place, low, high in runs:
            self.counts[place] += high - low
            self._end = max(self._end, place + 1)
        for key, place in gauges:
            self._put(key, flat[place::width], runs, single)
        tail = self._tail
        known = self._readings
        self._readings = {}
        stretches = _stretches([*tail, *ticks])
        unknown = array("d", [NAN]) * len(tail)
        for key, place in counters:
            readings = known.get(key, unknown) + flat[place::width]
            self._put(key, _rates(readings, stretches)[len(tail) :], runs, single)
            self._readings[key] = readings[-2:]
        self._tail = [*tail, *ticks][-2:]

    def _runs(self, ticks: Sequence[Tick]) -> list[tuple[int, int, int]]:
        """Ticks in a row that share a bucket: (bucket, first place, place behind the last)."""
        runs: list[tuple[int, int, int]] = []
        start_ns, step_ns = self.start_ns, self.step_ns
        for place, tick in enumerate(ticks):
            bucket = (tick.time_s * 1_000_000_000 - start_ns) // step_ns
            if not 0 <= bucket < self.points or tick.seq < self._from_seq:
                continue
            if runs and runs[-1][0] == bucket and runs[-1][2] == place:
                runs[-1] = bucket, runs[-1][1], place + 1
            else:
                runs.append((bucket, place, place + 1))
        return runs

    def _put(self, key: str, column: "array[float]", runs: Sequence[tuple[int, int, int]], single: bool) -> None:
        found = self.series.get(key)
        if found is None:
            found = self.series[key] = Bucket(self.points)
        if single and found.single:
            found.put(runs[0][0], column[runs[0][1] : runs[-1][2]])
            return
        for place, low, high in runs:
            found.merge(place, column[low:high])


def _stretches(ticks: Sequence[Tick]) -> list[tuple[int, int]]:
    """Ticks between which nothing lies: (first place, place behind the last)."""
    found = []
    low = 0
    for place in range(1, len(ticks)):
        if not follows(ticks[place - 1], ticks[place]):
            found.append((low, place))
            low = place
    found.append((low, len(ticks)))
    return found


def _rates(readings: "array[float]", stretches: Sequence[tuple[int, int]]) -> "array[float]":
    """Rates of one counter, a second between two readings; as ``Rates`` makes them."""
    rates = array("d", [NAN]) * len(readings)
    for low, high in stretches:
        if high - low < _PAIR:
            continue
        part = readings[low:high]
        grown = array("d", map(sub, part[1:], part))
        total = sum(grown)
        if total == total and min(grown) >= 0:
            rates[low + 1 : high] = grown
            continue
        last, before = -_PAIR * _PAIR, NAN  # a reading is missing, or a counter was reset
        for place, value in enumerate(part):
            if value != value:
                continue
            if value >= before and place - last <= _PAIR:
                rates[low + place] = (value - before) / (place - last)
            last, before = place, value
    return rates


def split(columns: Sequence[tuple[str, str]]) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """(series text, kind) in layout order to the gauges and the counters with their places."""
    gauges = [(text, place) for place, (text, kind) in enumerate(columns) if kind != COUNTER]
    counters = [(text, place) for place, (text, kind) in enumerate(columns) if kind == COUNTER]
    return gauges, counters
