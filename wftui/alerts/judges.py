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
from wftui.alerts.number import SHARES, Number
from wftui.alerts.signals import Labels, Signal
from wftui.windows.sliding import Sliding
from wftui.windows.tally import RankTest

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

    def keeps(self) -> Iterable[object]:
        """The windows and usuals that it reads."""


class Single:
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

    def keeps(self) -> Iterable[object]:
        return ()


class Compared(Single):
    """A number compared with a value, and with another while it fires."""

    def __init__(self, number: Number, leaf: rules.Threshold | rules.Baseline | rules.Anomaly) -> None:
        self._number = number
        self._leaf: rules.Threshold | rules.Baseline | rules.Anomaly = leaf
        self._passed: bool | None = None
        """Whether it held since the alert is active; None: not known, after a start."""
        self._value = _NAN
        self._beyond = leaf.value if not isinstance(leaf, rules.Anomaly) else leaf.score
        self.threshold = self._beyond
        self.unit = _MEASURES.get(leaf.measure, number.unit) if isinstance(leaf, rules.Baseline) else number.unit
        self.why = ""

    @property
    def value(self) -> float:
        return self._value

    @property
    def number(self) -> Number:
        """What is compared."""
        return self._number

    @property
    def leaf(self) -> "rules.Threshold | rules.Baseline | rules.Anomaly":
        """With what."""
        return self._leaf

    def signals(self) -> Iterable[Signal]:
        return self._number.signals()

    def keeps(self) -> Iterable[object]:
        return self._number.keeps()

    def carry(self, before: Part) -> None:
        if isinstance(before, Compared):
            self._passed = before._passed

    def _limit(self, active: bool) -> float:
        """What to compare with: an alert that another part made fire is no reason to clear late."""
        clear = self._leaf.clear
        if clear is not None:
            self.threshold = clear if active and self._passed is not False else self._beyond
        return self.threshold

    def _tell(self, held: bool, active: bool) -> bool:
        self._passed = held or (active and self._passed is not False)
        return held

    def _read(self) -> float:
        self._value = value = self._number.read()
        self.why = self._number.why
        return value


class ThresholdJudge(Compared):
    def __init__(self, number: Number, leaf: rules.Threshold) -> None:
        super().__init__(number, leaf)
        self._compare = COMPARE[leaf.operator]
        self._times, within_s = leaf.often or (0, 0)
        self._held: deque[bool] | None = deque(maxlen=within_s) if leaf.often else None

    def holds(self, active: bool) -> bool | None:
        held = self._holds(active)
        if self._held is None:
            return held
        self._held.append(held is True)  # an unknown second did not hold
        return True if sum(self._held) >= self._times else held and False

    def _holds(self, active: bool) -> bool | None:
        """Of this second alone."""
        value = self._read()
        return self._tell(self._compare(value, self._limit(active)), active) if value == value else None

    def carry(self, before: Part) -> None:
        super().carry(before)
        if isinstance(before, ThresholdJudge):
            self._held = before._held


class RankJudge(ThresholdJudge):
    """Of a minimum, a maximum or a quantile. It is judged by counting; the number is found when somebody asks."""

    def __init__(self, number: Number, window: Sliding, leaf: rules.Threshold) -> None:
        super().__init__(number, leaf)
        self._share = SHARES[leaf.query.aggregation]
        self._operator = leaf.operator
        self._test = RankTest(window, self._share, self._operator, self.threshold)
        self._known = False

    @property
    def value(self) -> float:
        return self._number.read() if self._known else _NAN

    def _holds(self, active: bool) -> bool | None:
        test, number = self._test, self._number
        self._known = known = number.ready(test.window)
        self.why = number.why
        if not known:
            return None
        limit = self._limit(active)
        if limit != test.limit:
            test = self._test = RankTest(test.window, self._share, self._operator, limit)
        return self._tell(test.holds(), active)

    def carry(self, before: Part) -> None:
        super().carry(before)
        if isinstance(before, RankJudge) and before._test.window is self._test.window:
            self._test = before._test


def threshold_judge(number: Number, leaf: rules.Threshold) -> ThresholdJudge:
    """What judges a threshold by a number."""
    counts = leaf.query.aggregation in SHARES and leaf.operator not in ("==", "!=")
    if number.window is None or leaf.query.per or not counts:
        return ThresholdJudge(number, leaf)
    return RankJudge(number, number.window, leaf)


class Absence(Single):
    threshold: float

    def __init__(self, signal: Signal | None, leaf: rules.Absent) -> None:
        self._signal = signal
        self._leaf: rules.Absent = leaf
        self._never_s = 0
        self._unknown_s = 0
        """Seconds without a value that do not count: its source was not well."""
        self._there = False
        self.value = _NAN
        self.threshold = leaf.for_s
        self.unit = "s"
        self.why = ""

    def signals(self) -> Sequence[Signal]:
        return () if self._signal is None else (self._signal,)

    def carry(self, before: Part) -> None:
        if isinstance(before, Absence):
            self._never_s, self._unknown_s = before._never_s, before._unknown_s

    def look(self, found: Callable[[str], object]) -> None:
        """Of an alert whose series are gone: whether there is one now where there never was."""
        self._there = self._signal is None and bool(found(self._leaf.selector))

    def holds(self, active: bool) -> bool | None:  # noqa: ARG002  it is there or it is not
        if self._there:
            return False
        signal = self._signal
        if signal is not None and signal.unwell:
            self.value, self.why = _NAN, f"its source {signal.column.source} is not well"
            self._unknown_s = signal.absent_s
            return None
        self.why = ""
        self._never_s += 1
        if signal is None:
            self.value = self._never_s
        else:
            if signal.absent_s < self._unknown_s:
                self._unknown_s = 0  # a value came
            self.value = signal.absent_s - self._unknown_s
        return self.value >= self.threshold


class TextJudge(Single):
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
