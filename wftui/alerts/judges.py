"""One condition over one label set: whether it holds, and by which number.

Three answers: it holds, it does not, it is not known. What is not known never fires: a source that is stuck, a
window or a baseline that is not filled yet, a series without a value.
"""

import math
import operator
import re
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from wftui.alerts import rule as rules
from wftui.alerts.number import Number
from wftui.alerts.signals import Labels, Signal
from wftui.windows.trend import reaches

COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
_NAN: Final = math.nan
_MEASURES: Final = {"percentage_change": "%", "standard_deviation": "sd"}
_ENOUGH: Final = 2
"""A baseline is known when this part of its steps is (half)."""
_FLAT: Final = 0.01
"""A spread is at least this share of the median: a series that hardly moves is not odd when it does."""

Texts = Callable[[str], Iterable[tuple[Labels, str]]]
"""Name of a text signal to its texts now."""


class Judge(Protocol):
    """One condition over one label set."""

    @property
    def value(self) -> float:
        """The number that was compared last; NaN: unknown."""

    @property
    def threshold(self) -> float:
        """What it was compared with."""

    @property
    def unit(self) -> str:
        """Of value and threshold, as in the catalogue; ``%`` and ``sd`` of what is compared with the usual."""

    @property
    def why(self) -> str:
        """Why it is not known; empty when it is."""

    def holds(self, active: bool) -> bool | None:
        """Whether it holds now; ``active``: it fires already. None: not known."""

    def signals(self) -> Iterable[Signal]:
        """The series that it looks at."""

    def parts(self) -> "Iterable[Part]":
        """The comparisons that it is made of."""


class Part(Judge, Protocol):
    """A judge of one comparison."""

    @property
    def key(self) -> Hashable:
        """What it compares, of which series."""

    def carry(self, before: "Part") -> None:
        """Remember what the one before did that compared the same: layouts come and go, time goes on."""


class _Single:
    """What is one comparison."""

    _leaf: rules.Leaf

    @property
    def key(self) -> Hashable:
        return self._leaf, *[signal.column.series.text for signal in self.signals()]

    def signals(self) -> Iterable[Signal]:
        return ()

    def parts(self) -> "Iterable[Part]":
        return (self,)  # type: ignore[return-value]  # each of those below is one

    def carry(self, before: Part) -> None:
        """Most remember nothing."""


class _Compared(_Single):
    """A number compared with a value, and with another while it fires."""

    def __init__(self, number: Number, leaf: rules.Threshold | rules.Baseline | rules.Anomaly) -> None:
        self._number = number
        self._leaf: rules.Threshold | rules.Baseline | rules.Anomaly = leaf
        self._passed: bool | None = None
        """Whether it held since the alert is active; None: not known, after a start."""
        self.value = _NAN
        self.threshold = leaf.value if not isinstance(leaf, rules.Anomaly) else leaf.score
        self.unit = _MEASURES.get(leaf.measure, number.unit) if isinstance(leaf, rules.Baseline) else number.unit
        self.why = ""

    def signals(self) -> Iterable[Signal]:
        return self._number.signals()

    def carry(self, before: Part) -> None:
        if isinstance(before, _Compared):
            self._passed = before._passed

    def _limit(self, active: bool) -> float:
        """What to compare with: an alert that another part made fire is no reason to clear late."""
        leaf = self._leaf
        value = leaf.score if isinstance(leaf, rules.Anomaly) else leaf.value
        clears = active and leaf.clear is not None and self._passed is not False
        self.threshold = leaf.clear if clears and leaf.clear is not None else value
        return self.threshold

    def _tell(self, held: bool, active: bool) -> bool:
        self._passed = held or (active and self._passed is not False)
        return held

    def _read(self) -> float:
        self.value = self._number.read()
        self.why = self._number.why
        return self.value


class ThresholdJudge(_Compared):
    def __init__(self, number: Number, leaf: rules.Threshold) -> None:
        super().__init__(number, leaf)
        self._compare = COMPARE[leaf.operator]
        self._times, within_s = leaf.often or (0, 0)
        self._held: deque[bool] = deque(maxlen=within_s)

    def holds(self, active: bool) -> bool | None:
        value = self._read()
        held = None if value != value else self._tell(self._compare(value, self._limit(active)), active)
        if not self._times:
            return held
        self._held.append(held is True)  # an unknown second did not hold
        return True if sum(self._held) >= self._times else held and False

    def carry(self, before: Part) -> None:
        super().carry(before)
        if isinstance(before, ThresholdJudge):
            self._held = before._held


class BaselineJudge(_Compared):
    def __init__(self, number: Number, leaf: rules.Baseline) -> None:
        super().__init__(number, leaf)
        self._of = leaf
        self._usual = number.usual(leaf.over_s)
        self._scale = leaf_window(leaf.query)
        self._compare = COMPARE[leaf.operator]

    def holds(self, active: bool) -> bool | None:
        value = self._read()
        mean, spread, known = self._usual.mean()
        wanted = max(1, self._usual.steps // _ENOUGH)
        if known < wanted:
            self.value, self.why = _NAN, f"warming up, {known} of {wanted} steps of {self._usual.step_s} s"
            return None
        if value != value:
            return None
        self.value = _distance(value, mean * self._scale, spread * self._scale, self._of.measure)
        if self.value != self.value:
            self.why = "no share of a baseline that is 0"
            return None
        return self._tell(self._compare(self.value, self._limit(active)), active)


def leaf_window(query: rules.Query) -> int:
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


class AnomalyJudge(_Compared):
    def __init__(self, number: Number, leaf: rules.Anomaly, now_s: Callable[[], int]) -> None:
        super().__init__(number, leaf)
        self._of = leaf
        self._usual = number.usual(leaf.over_s)
        self._scale = leaf_window(leaf.query)
        self._now_s = now_s
        self.unit = "sd"

    def holds(self, active: bool) -> bool | None:
        value = self._read()
        hourly = self._of.season == "hour"
        middle, spread, known = self._usual.robust(self._now_s(), hourly=hourly)
        wanted = max(1, self._usual.steps // _ENOUGH // (24 if hourly else 1))
        if known < wanted:
            self.value, self.why = _NAN, f"warming up, {known} of {wanted} steps of {self._usual.step_s} s"
            return None
        if value != value:
            return None
        middle, spread = middle * self._scale, spread * self._scale
        spread = max(spread, _FLAT * abs(middle))
        if not spread:
            self.value, self.why = _NAN, "it has never been anything but 0: nothing to tell odd from usual by"
            return None
        self.value = _distance(value, middle, spread, "standard_deviation")
        side, limit = self._of.side, self._limit(active)
        if side == "both":
            self.value = abs(self.value)
        return self._tell(-self.value > limit if side == "below" else self.value > limit, active)


class ForecastJudge(_Single):
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


class Absence(_Single):
    threshold: float

    def __init__(self, signal: Signal | None, leaf: rules.Absent) -> None:
        self._signal = signal
        self._leaf: rules.Absent = leaf
        self._never_s = 0
        self._there = False
        self.value = _NAN
        self.threshold = leaf.for_s
        self.unit = "s"
        self.why = ""

    def signals(self) -> Sequence[Signal]:
        return () if self._signal is None else (self._signal,)

    def carry(self, before: Part) -> None:
        if isinstance(before, Absence):
            self._never_s = before._never_s

    def look(self, found: Callable[[str], object]) -> None:
        """Of an alert whose series are gone: whether there is one now where there never was."""
        self._there = self._signal is None and bool(found(self._leaf.selector))

    def holds(self, active: bool) -> bool | None:  # noqa: ARG002  it is there or it is not
        if self._there:
            return False
        if self._signal is not None and self._signal.unwell:
            self.value, self.why = _NAN, f"its source {self._signal.column.source} is not well"
            return None
        self.why = ""
        self._never_s += 1
        self.value = self._signal.absent_s if self._signal is not None else self._never_s
        return self.value >= self.threshold


class TextJudge(_Single):
    unit = ""
    threshold = _NAN

    def __init__(self, leaf: rules.Text, labels: Labels, texts: Texts) -> None:
        self._leaf: rules.Text = leaf
        self._labels = labels
        self._texts = texts
        self._pattern = re.compile(leaf.value) if leaf.operator == "regex" else None
        self.value = _NAN
        self.text = ""
        self.why = ""

    @property
    def key(self) -> Hashable:
        return self._leaf, self._labels

    def holds(self, active: bool) -> bool | None:  # noqa: ARG002  a text has no hysteresis
        for labels, text in self._texts(self._leaf.signal):
            if labels == self._labels:
                self.text, self.why = text, ""
                return self._says(text)
        self.why = f"{self._leaf.signal} is not told"
        return None

    def _says(self, text: str) -> bool:
        wanted = self._leaf.value
        if self._pattern is not None:
            return self._pattern.search(text) is not None
        match self._leaf.operator:
            case "contains":
                return wanted in text
            case "not_contains":
                return wanted not in text
            case "!=":
                return text != wanted
            case _:
                return text == wanted
