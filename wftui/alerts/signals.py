"""Series as rules see them: a number each second, what it was in the last seconds and what it usually is."""

import math
from collections.abc import Iterable, Mapping
from typing import Final

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
        "interval_s",
        "labels",
        "usuals",
        "value",
        "windows",
    )

    def __init__(self, column: Column) -> None:
        self.column = column
        self.labels: Labels = tuple(pair for pair in column.series.labels if pair[0] != STAT)
        self.value = _NAN
        """In the newest second; NaN: unknown."""
        self.absent_s = 0
        """Seconds in a row without a value."""
        self.interval_s = 1.0
        """Of its source."""
        self.windows: dict[int, Sliding] = {}
        """Seconds to the window."""
        self.usuals: dict[int, Usual] = {}
        """Seconds to what is usual over them."""
        self._before = _NAN
        self._at_ns = 0
        self._rate = _NAN

    def rate(self, value: float, boottime_ns: int) -> float:
        """A counter's reading to its rate per second; NaN across a reset and a gap, and before the second reading.

        What is read less often than once a second stands still between: its rate is that of its interval.
        """
        if value != value:
            return _NAN
        elapsed_s = (boottime_ns - self._at_ns) / NS_PER_S
        if value < self._before or elapsed_s > _BRIDGED * self.interval_s:
            self._rate = _NAN
        elif elapsed_s < _EARLY * self.interval_s:
            return self._rate
        else:
            self._rate = (value - self._before) / elapsed_s
        self._before, self._at_ns = value, boottime_ns
        return self._rate

    def window(self, seconds: int, *, ordered: bool) -> Sliding:
        """Its last seconds; kept as long as rules ask for it."""
        found = self.windows.get(seconds)
        if found is None:
            found = self.windows[seconds] = Sliding(seconds, ordered=ordered)
        elif ordered:
            found.order()
        return found

    def usual(self, over_s: int) -> Usual:
        """What it usually is; kept as long as rules ask for it."""
        found = self.usuals.get(over_s)
        if found is None:
            step_s = FINE_S if over_s <= _HOUR_S else COARSE_S
            found = self.usuals[over_s] = Usual(step_s, max(1, over_s // step_s))
        return found


class Signals:
    """All series that a rule names."""

    def __init__(self) -> None:
        self._signals: dict[str, Signal] = {}
        self._places: list[tuple[int, Signal]] = []
        """Place in the tick, -1: not in this layout."""
        self._last_ns = 0

    def __len__(self) -> int:
        return len(self._signals)

    def of(self, column: Column) -> Signal:
        """The signal of a series, made when it is new."""
        found = self._signals.get(column.series.text)
        if found is None:
            found = self._signals[column.series.text] = Signal(column)
        return found

    def keep(self, wanted: Iterable[Signal]) -> None:
        """Forget all others."""
        texts = {signal.column.series.text for signal in wanted}
        self._signals = {text: item for text, item in self._signals.items() if text in texts}

    def lay_out(self, layout: Layout, intervals: Mapping[str, float]) -> None:
        """Find each in a layout; ``intervals``: of the sources, in seconds."""
        places = layout.places()
        self._places = []
        for text, signal in self._signals.items():
            place = places.get(text, -1)
            if place >= 0:
                signal.column = layout.columns[place]
            signal.interval_s = max(1.0, intervals.get(signal.column.source, 1.0))
            self._places.append((place, signal))

    def second(self, tick: Tick) -> bool:
        """Take a tick in, of the layout that was laid out; returns whether it follows the one before at once."""
        values = unpack(tick.values)
        at_ns, time_s = tick.boottime_ns, tick.time_s
        missing = (at_ns - self._last_ns - GAP_NS) // NS_PER_S + 1 if self._last_ns else 0
        follows = missing <= 0 and self._last_ns > 0
        self._last_ns = at_ns
        for place, signal in self._places:
            value = values[place] if place >= 0 else _NAN
            if signal.column.kind == COUNTER:
                value = signal.rate(value, at_ns)
            signal.value = value
            signal.absent_s = signal.absent_s + 1 if value != value else 0
            for window in signal.windows.values():
                if missing > 0:
                    window.skip(missing)
                window.put(value)
            for usual in signal.usuals.values():
                usual.put(time_s, value)
        return follows
