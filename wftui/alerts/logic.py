"""Conditions joined: all, any, not, in Kleene's three-valued logic."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

from wftui.alerts.judges import Judge, Part
from wftui.alerts.signals import Signal

_NAN: Final = math.nan


class Joined:
    """Several conditions as one; Kleene's logic where one is not known."""

    def __init__(self, parts: Sequence[Judge], decisive: bool) -> None:
        """``decisive``: the answer of one part that is the answer of all: True for any, False for all."""
        self._parts = parts
        self._decisive = decisive
        self._telling: Judge = parts[0]
        """What its number is: of the part that decided last."""

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
        """Those of the part whose number is told come first."""
        ordered = sorted(self._parts, key=lambda part: part is not self._telling)
        return [signal for part in ordered for signal in part.signals()]

    def parts(self) -> Iterable[Part]:
        return [part for judge in self._parts for part in judge.parts()]

    def holds(self, active: bool) -> bool | None:
        decided: Judge | None = None
        unknown: Judge | None = None
        for part in self._parts:  # each of them: some count the seconds in which they are asked
            answer = part.holds(active)
            if answer is self._decisive and decided is None:
                decided = part
            elif answer is None and unknown is None:
                unknown = part
        # Where any would do and none holds any more, the one that did is what it was about.
        self._telling = decided or unknown or (self._telling if self._decisive else self._parts[0])
        if decided is not None:
            return self._decisive
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

    def parts(self) -> Iterable[Part]:
        return self._part.parts()

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

    def parts(self) -> Iterable[Part]:
        return ()

    def holds(self, active: bool) -> bool | None:  # noqa: ARG002  nothing to compare
        return None
