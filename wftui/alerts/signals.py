"""Series as rules see them: a number each second, what it was in the last seconds and what it usually is."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, NamedTuple
from zlib import crc32

from wftui.clock import NS_PER_S
from wftui.model.sample import Column
from wftui.model.tick import Layout, Tick, unpack
from wftui.names import COUNTER, STAT
from wftui.windows.coarse import Usual
from wftui.windows.sliding import Sliding

Labels = tuple[tuple[str, str], ...]
"""(key, value), sorted by key; without ``stat``."""

GAP_NS: Final = 1_500_000_000
"""Two ticks further apart than this have a gap between them."""
_BRIDGED: Final = 2.5
"""A counter may miss a reading: its rate then covers both intervals."""
_EARLY: Final = 0.9
_HELD: Final = 1.5
"""Intervals that ticks hold a reading of a slow source."""
_GRAIN_S: Final = 1.0
"""Ticks tell to the second when such a source was read."""
_MOST: Final = 1e100
"""No number of a machine is beyond it, and sums of its squares are finite."""
FINE_S: Final = 10
COARSE_S: Final = 300
"""Steps of what is usual: up to an hour, and beyond."""
_HOUR_S: Final = 3600
_NAN: Final = math.nan


class Signal:
    """One series. Counters are rates per second."""

    __slots__ = (
        "_at_ns",
        "_before",
        "_rate",
        "absent_s",
        "column",
        "instant",
        "interval_s",
        "labels",
        "shares",
        "unwell",
        "usuals",
        "value",
        "windows",
    )

    def __init__(self, column: Column) -> None:
        self.column = column
        self.labels: Labels = tuple(pair for pair in column.series.labels if pair[0] != STAT)
        self.value = _NAN
        """In the newest second; NaN: unknown. Of a gauge that came several times in it the mean."""
        self.instant = _NAN
        """At the end of the newest second, where that was told; NaN: it was not."""
        self.absent_s = 0
        """Seconds in a row without a value."""
        self.interval_s = 1.0
        """Of its source."""
        self.windows: dict[int, Sliding] = {}
        """Seconds to the window."""
        self.usuals: dict[int, Usual] = {}
        """Seconds to what is usual over them."""
        self.shares: dict[tuple[int, str], tuple[Usual, Signal]] = {}
        """The same of what it is when it is divided by another: (seconds, series) to the other."""
        self.unwell = False
        """Whether its source is: what it brings is not known."""
        self._before = _NAN
        self._at_ns = 0
        self._rate = _NAN

    def rate(self, value: float, boottime_ns: int) -> float:
        """A counter's reading to its rate per second; NaN across a reset and a gap, and before the second reading.

        A slow source's reading stands in several ticks: its rate is that of its interval.
        """
        if value != value:
            return _NAN
        before, interval_s = self._before, self.interval_s
        elapsed_s = (boottime_ns - self._at_ns) / NS_PER_S
        if before != before or value < before or elapsed_s > _BRIDGED * interval_s:
            self._rate = _NAN
        elif interval_s <= 1:
            if elapsed_s < _EARLY:
                return self._rate  # a second that a step of the clock cut short
            self._rate = (value - before) / elapsed_s
        elif value == before:
            # A reading that stands longer than readings are held was read again.
            if elapsed_s > _HELD * interval_s + _GRAIN_S:
                self._rate = 0.0
                self._at_ns += round(interval_s * NS_PER_S)
            return self._rate
        else:
            readings_s = max(1, round(elapsed_s / interval_s)) * interval_s
            near = elapsed_s < readings_s + _GRAIN_S
            self._rate = (value - before) / (readings_s if near else elapsed_s)
        self._before, self._at_ns = value, boottime_ns
        return self._rate

    def window(self, seconds: int) -> Sliding:
        """Its last seconds; kept as long as rules ask for it."""
        found = self.windows.get(seconds)
        if found is None:
            phase_s = crc32(self.column.series.text.encode()) % seconds
            found = self.windows[seconds] = Sliding(seconds, phase_s)
        return found

    def usual(self, over_s: int, per: "Signal | None" = None) -> Usual:
        """What it usually is, or what it is of another; kept as long as rules ask for it."""
        if per is not None:
            key = over_s, per.column.series.text
            pair = self.shares.get(key)
            if pair is None or pair[1] is not per:
                pair = self.shares[key] = self._usual(over_s), per
            return pair[0]
        found = self.usuals.get(over_s)
        if found is None:
            found = self.usuals[over_s] = self._usual(over_s)
        return found

    def _usual(self, over_s: int) -> Usual:
        step_s = FINE_S if over_s <= _HOUR_S else COARSE_S
        phase_s = crc32(self.column.series.text.encode()) % step_s
        return Usual(step_s, max(1, over_s // step_s), phase_s)


class _Place(NamedTuple):
    """What a second brings to a signal; its windows and usuals as they were bound."""

    place: int
    """In the tick; -1: not in this layout."""
    signal: Signal
    counter: bool
    windows: tuple[Sliding, ...]
    usuals: tuple[Usual, ...]


class Signals:
    """All series that a rule names."""

    def __init__(self) -> None:
        self._signals: dict[str, Signal] = {}
        self._places: list[_Place] = []
        self._shares: list[tuple[Signal, Usual, Signal]] = []
        """Signal, what is usual of it when it is divided by another, the other."""
        self._instants: list[Signal] = []
        """Those of which the end of the newest second was told."""
        self._last_ns = 0
        self._boot = 0
        self._anchor = (0, 0)
        """(seconds since 1970, CLOCK_BOOTTIME) of one moment: the clock of what is usual."""
        self.steady_s = 0
        """Seconds since 1970 as the first tick told them and CLOCK_BOOTTIME counted on: no step moves it."""

    def __len__(self) -> int:
        return len(self._signals)

    def __iter__(self) -> Iterator[Signal]:
        return iter(self._signals.values())

    def of(self, column: Column) -> Signal:
        """The signal of a series, made when it is new."""
        found = self._signals.get(column.series.text)
        if found is None:
            found = self._signals[column.series.text] = Signal(column)
        return found

    def keep(self, wanted: Iterable[Signal], read: Iterable[object] | None = None) -> None:
        """Forget all others; of these, the windows and usuals that are not among what is read (None: none)."""
        texts = {signal.column.series.text for signal in wanted}
        self._signals = {text: item for text, item in self._signals.items() if text in texts}
        if read is None:
            return
        kept = {id(item) for item in read}
        for signal in self._signals.values():
            signal.windows = {key: item for key, item in signal.windows.items() if id(item) in kept}
            signal.usuals = {key: item for key, item in signal.usuals.items() if id(item) in kept}
            signal.shares = {key: item for key, item in signal.shares.items() if id(item[0]) in kept}

    def lay_out(self, layout: Layout, intervals: Mapping[str, float]) -> None:
        """Find each in a layout; ``intervals``: of the sources, in seconds."""
        places = layout.places()
        self._places = []
        self._shares = []
        for text, signal in self._signals.items():
            place = places.get(text, -1)
            if place >= 0:
                signal.column = layout.columns[place]
            signal.interval_s = max(1.0, intervals.get(signal.column.source, 1.0))
            counter = signal.column.kind == COUNTER
            windows, usuals = tuple(signal.windows.values()), tuple(signal.usuals.values())
            self._places.append(_Place(place, signal, counter, windows, usuals))
            self._shares += [(signal, usual, per) for usual, per in signal.shares.values()]

    def unwell(self, sources: Collection[str]) -> None:
        """These sources are; what all others bring is known."""
        for signal in self._signals.values():
            signal.unwell = signal.column.source in sources

    def second(self, tick: Tick) -> bool:
        """Take a tick in, of the layout that was laid out; returns whether it follows the one before at once."""
        missing = self._since(tick)
        follows = missing <= 0 and self._last_ns > 0
        self._last_ns = at_ns = tick.boottime_ns
        values, steady_s = unpack(tick.values), self.steady_s
        for signal in self._instants:
            signal.instant = _NAN
        self._instants.clear()
        for place, signal, counter, windows, usuals in self._places:
            value = values[place] if place >= 0 else _NAN
            if not -_MOST < value < _MOST:
                value = _NAN
            if counter:
                value = signal.rate(value, at_ns)
            signal.value = value
            signal.absent_s = 0 if value == value else signal.absent_s + 1
            for window in windows:
                if missing > 0:
                    window.skip(missing)
                window.put(value)
            for usual in usuals:
                usual.put(steady_s, value)
        for signal, usual, per in self._shares:
            usual.put(steady_s, signal.value / per.value if per.value else _NAN)
        return follows

    def say(self, latest: Mapping[int, float], layout: Layout) -> None:
        """What gauges were at the end of the second that was taken in, by their places in its layout."""
        for place, value in latest.items():
            signal = self._signals.get(layout.columns[place].series.text)
            if signal is not None and -_MOST < value < _MOST:
                signal.instant = value
                self._instants.append(signal)

    def _since(self, tick: Tick) -> int:
        """Seconds that are missing between the tick before and this one; moves the steady clock on."""
        at_ns = tick.boottime_ns
        if not self._last_ns:
            missing = 0
            self._anchor = tick.time_s, at_ns
        elif tick.boot != self._boot or at_ns < self._last_ns:
            # Only the wall clock tells how long it was off.
            missing = max(1, tick.time_s - self.steady_s - 1)
            self._anchor = self.steady_s + 1 + missing, at_ns
        else:
            missing = (at_ns - self._last_ns - GAP_NS) // NS_PER_S + 1
        self._boot = tick.boot
        self.steady_s = self._anchor[0] + (at_ns - self._anchor[1] + NS_PER_S // 2) // NS_PER_S
        return missing
