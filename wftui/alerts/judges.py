"""One condition over one label set: whether it holds, and by which number.

Three answers: it holds, it does not, it is not known. What is not known never fires: a source that is stuck, a
window or a baseline that is not filled yet, a series without a value.
"""

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
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


class _Compared:
    """A number compared with a value, and with another while it fires."""

    def __init__(self, number: Number, leaf: rules.Threshold | rules.Baseline | rules.Anomaly) -> None:
        self._number = number
        self._leaf = leaf
        self.value = _NAN
        self.threshold = leaf.value if not isinstance(leaf, rules.Anomaly) else leaf.score
        self.unit = _MEASURES.get(leaf.measure, number.unit) if isinstance(leaf, rules.Baseline) else number.unit
        self.why = ""

    def signals(self) -> Iterable[Signal]:
        return self._number.signals()

    def _limit(self, active: bool) -> float:
        leaf = self._leaf
        value = leaf.score if isinstance(leaf, rules.Anomaly) else leaf.value
        self.threshold = leaf.clear if active and leaf.clear is not None else value
        return self.threshold

    def _read(self) -> float:
        self.value = self._number.read()
        self.why = self._number.why
        return self.value


class ThresholdJudge(_Compared):
    def __init__(self, number: Number, leaf: rules.Threshold) -> None:
        super().__init__(number, leaf)
        self._compare = COMPARE[leaf.operator]

    def holds(self, active: bool) -> bool | None:
        value = self._read()
        return None if value != value else self._compare(value, self._limit(active))


class BaselineJudge(_Compared):
    def __init__(self, number: Number, leaf: rules.Baseline) -> None:
        super().__init__(number, leaf)
        self._of = leaf
        self._usual = number.signal.usual(leaf.over_s)
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
        self.value = _distance(value, mean, spread, self._of.measure)
        if self.value != self.value:
            self.why = "no share of a baseline that is 0"
            return None
        return self._compare(self.value, self._limit(active))


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
        self._usual = number.signal.usual(leaf.over_s)
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
        spread = max(spread, _FLAT * abs(middle))
        self.value = _distance(value, middle, spread, "standard_deviation")
        side, limit = self._of.side, self._limit(active)
        if side == "both":
            self.value = abs(self.value)
        return -self.value > limit if side == "below" else self.value > limit


class ForecastJudge:
    def __init__(self, number: Number, leaf: rules.Forecast) -> None:
        self._number = number
        self._leaf = leaf
        self._usual = number.signal.usual(leaf.query.window_s)
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
                    now = self._number.signal.value
                    self._answer = COMPARE[leaf.operator](found, leaf.value) and (found > now) is rising
        return self._answer


class Absence:
    threshold: float

    def __init__(self, signal: Signal | None, leaf: rules.Absent) -> None:
        self._signal = signal
        self._never_s = 0
        self.value = _NAN
        self.threshold = leaf.for_s
        self.unit = "s"
        self.why = ""

    def signals(self) -> Iterable[Signal]:
        return () if self._signal is None else (self._signal,)

    def holds(self, active: bool) -> bool | None:  # noqa: ARG002  it is there or it is not
        self._never_s += 1
        self.value = self._signal.absent_s if self._signal is not None else self._never_s
        return self.value >= self.threshold


class TextJudge:
    unit = ""
    threshold = _NAN

    def __init__(self, leaf: rules.Text, labels: Labels, texts: Texts) -> None:
        self._leaf = leaf
        self._labels = labels
        self._texts = texts
        self._pattern = re.compile(leaf.value) if leaf.operator == "regex" else None
        self.value = _NAN
        self.text = ""
        self.why = ""

    def signals(self) -> Iterable[Signal]:
        return ()

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


class Joined:
    """Several conditions as one; Kleene's logic where one is not known."""

    def __init__(self, parts: Sequence[Judge], decisive: bool) -> None:
        """``decisive``: the answer of one part that is the answer of all: True for any, False for all."""
        self._parts = parts
        self._decisive = decisive
        self._telling: Judge = parts[0]

    @property
    def value(self) -> float:
        return self._telling.value

    @property
    def threshold(self) -> float:
        return self._telling.threshold

    @property
    def unit(self) -> str:
        return self._telling.unit

    @property
    def why(self) -> str:
        return self._telling.why

    def signals(self) -> Iterable[Signal]:
        return [signal for part in self._parts for signal in part.signals()]

    def holds(self, active: bool) -> bool | None:
        unknown: Judge | None = None
        for part in self._parts:  # each of them, so that each has its newest number
            answer = part.holds(active)
            if answer is self._decisive:
                self._telling = part
                return self._decisive
            if answer is None and unknown is None:
                unknown = part
        self._telling = unknown or self._parts[0]
        return None if unknown is not None else not self._decisive


class Negation:
    def __init__(self, part: Judge) -> None:
        self._part = part

    @property
    def value(self) -> float:
        return self._part.value

    @property
    def threshold(self) -> float:
        return self._part.threshold

    @property
    def unit(self) -> str:
        return self._part.unit

    @property
    def why(self) -> str:
        return self._part.why

    def signals(self) -> Iterable[Signal]:
        return self._part.signals()

    def holds(self, active: bool) -> bool | None:  # noqa: ARG002  what is negated has no other end
        answer = self._part.holds(False)
        return None if answer is None else not answer


class Unbound:
    """Of an alert whose series are not there yet, after a start: nothing is known."""

    unit = ""
    value = _NAN
    threshold = _NAN
    why = "its series is not there yet"

    def signals(self) -> Iterable[Signal]:
        return ()

    def holds(self, active: bool) -> bool | None:  # noqa: ARG002  nothing to compare
        return None
