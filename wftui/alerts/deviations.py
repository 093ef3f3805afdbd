"""One condition over one label set that knows the past: how far from the usual, how odd, where it leads."""

import math
from collections.abc import Callable, Iterable
from typing import Final

from wftui.alerts import rule as rules
from wftui.alerts.judges import COMPARE, Compared, Single
from wftui.alerts.number import Number
from wftui.alerts.signals import Signal
from wftui.windows.trend import reaches

_NAN: Final = math.nan
_ENOUGH: Final = 2
"""A baseline is known when this part of its steps is (half)."""
_FLAT: Final = 0.01
"""A spread is at least this share of the median: a series that hardly moves is not odd when it does."""


class BaselineJudge(Compared):
    def __init__(self, number: Number, leaf: rules.Baseline) -> None:
        super().__init__(number, leaf)
        self._of = leaf
        self._usual = number.usual(leaf.over_s)
        self._scale = _added(leaf.query)
        self._compare = COMPARE[leaf.operator]

    def holds(self, active: bool) -> bool | None:
        value = self._read()
        mean, spread, known = self._usual.mean()
        wanted = max(1, self._usual.steps // _ENOUGH)
        if known < wanted:
            self._value, self.why = _NAN, f"warming up, {known} of {wanted} steps of {self._usual.step_s} s"
            return None
        if value != value:
            return None
        self._value = _distance(value, mean * self._scale, spread * self._scale, self._of.measure)
        if self._value != self._value:
            self.why = "no share of a baseline that is 0"
            return None
        return self._tell(self._compare(self._value, self._limit(active)), active)


def _added(query: rules.Query) -> int:
    """How many seconds a number adds up: what is usual is of one."""
    return query.window_s if query.aggregation == "sum" and query.window_s and not query.per else 1


def _distance(value: float, mean: float, spread: float, measure: str) -> float:
    """How far a value is from the usual; NaN: that measure does not tell."""
    if measure == "absolute":
        return value - mean
    if value == mean:
        return 0.0
    if measure == "percentage_change":
        return (value - mean) / abs(mean) * 100 if mean else _NAN
    return (value - mean) / spread if spread else math.copysign(math.inf, value - mean)


class AnomalyJudge(Compared):
    def __init__(self, number: Number, leaf: rules.Anomaly, now_s: Callable[[], int]) -> None:
        super().__init__(number, leaf)
        self._of = leaf
        self._usual = number.usual(leaf.over_s)
        self._scale = _added(leaf.query)
        self._now_s = now_s
        self.unit = "sd"

    def holds(self, active: bool) -> bool | None:
        value = self._read()
        hourly = self._of.season == "hour"
        middle, spread, known = self._usual.robust(self._now_s() if hourly else 0, hourly=hourly)
        wanted = max(1, self._usual.steps // _ENOUGH // (24 if hourly else 1))
        if known < wanted:
            self._value, self.why = _NAN, f"warming up, {known} of {wanted} steps of {self._usual.step_s} s"
            return None
        if value != value:
            return None
        middle, spread = middle * self._scale, spread * self._scale
        spread = max(spread, _FLAT * abs(middle))
        if not spread:
            self._value, self.why = _NAN, "it has never been anything but 0: nothing to tell odd from usual by"
            return None
        self._value = _distance(value, middle, spread, "standard_deviation")
        side, limit = self._of.side, self._limit(active)
        if side == "both":
            self._value = abs(self._value)
        return self._tell(-self._value > limit if side == "below" else self._value > limit, active)


class ForecastJudge(Single):
    def __init__(self, number: Number, leaf: rules.Forecast) -> None:
        self._number = number
        self._leaf: rules.Forecast = leaf
        self._usual = number.usual(leaf.query.window_s)
        self._told = -1
        self._answer: bool | None = None
        self.value = _NAN
        self.threshold = leaf.value
        self.unit = number.unit
        self.why = ""

    def signals(self) -> Iterable[Signal]:
        return self._number.signals()

    def keeps(self) -> Iterable[object]:
        return self._number.keeps()

    def holds(self, active: bool) -> bool | None:  # noqa: ARG002  a line has no hysteresis: it moves slowly
        usual, leaf = self._usual, self._leaf
        now = self._number.now
        if now != now:
            self._told, self.value, self.why = -1, _NAN, self._number.why
            return None
        if usual.newest != self._told:  # a new step every ten seconds
            self._told = usual.newest
            wanted = max(3, usual.steps // _ENOUGH)
            self.value, self._answer = _NAN, None
            if usual.known < wanted:
                self.why = f"warming up, {usual.known} of {wanted} steps of {usual.step_s} s"
            else:
                self.why = ""
                found = reaches(usual.values(), usual.step_s, leaf.within_s)
                self._answer = False
                if found is not None:
                    self.value = found
                    rising = leaf.operator in (">", ">=")
                    self._answer = COMPARE[leaf.operator](found, leaf.value) and (found > now) is rising
        return self._answer
