"""How true the picture is: the energy that a person could see, of the energy that was computed.

Energy comes in lots (the EU of the tokens of a moment). A lot is *seen* when a frame that shows it for the first
time was written to the terminal and the terminal acknowledged it; it is *missed* when it was never drawn, with the
cause. A lot that waits is neither, for ``LATEST_S`` at most. So

    ratio = EU seen / (EU seen + EU missed) over the last 60 s

falls when a slow link, a busy CPU, a lower quality or a full screen keeps energy off the screen, and nothing
corrects it. Times are seconds of one steady clock.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final, NamedTuple

NAN: Final = float("nan")
SPAN_S: Final = 60
LATEST_S: Final = 1.0
"""What was not acknowledged so long after it was computed is missed."""

LINK: Final = "link"
"""The terminal did not acknowledge in time, or had no room for a frame."""
CPU: Final = "cpu"
"""The frame was not made in time."""
ADAPTATION: Final = "adaptation"
"""wftop's own quality is lowered, or a person wants less motion."""
ROOM: Final = "room"
"""There were more particles than places on the screen."""
CAUSES: Final = (LINK, CPU, ADAPTATION, ROOM)

RATIO_SPREAD: Final = 0.5
"""A mean deviation of the ratio at which nothing is left of the coherence."""
LAG_SPREAD_S: Final = 0.1
"""The same of the lag."""
_FEW: Final = 3
"""Seconds with energy below which coherence is unknown."""


class Look(NamedTuple):
    """The last 60 s."""

    ratio: float
    """0 to 1; NaN: there was no energy to show."""
    seen: float
    """EU."""
    computed: float
    """EU, seen and missed."""
    lag_s: float
    """Mean time from a lot to the acknowledged frame that showed it; NaN: none was seen."""
    coherence: float
    """0 to 100: 100 is a ratio and a lag that stay as they are; NaN: too little was seen."""
    missed: dict[str, float]
    """Cause to EU."""

    @property
    def cause(self) -> str:
        """What most of the missing energy was lost to; empty: nothing is missing."""
        return max(self.missed, key=self.missed.__getitem__) if self.missed else ""


class _Second:
    """What was decided within one second."""

    __slots__ = ("lag", "lots", "missed", "number", "seen")

    def __init__(self, number: int) -> None:
        self.number = number
        self.seen = 0.0
        self.lots = 0
        self.lag = 0.0
        """Sum over the lots seen, s."""
        self.missed: dict[str, float] = {}

    @property
    def computed(self) -> float:
        """EU."""
        return self.seen + math.fsum(self.missed.values())


class Fidelity:
    """Of one view."""

    def __init__(self) -> None:
        self.seen = 0.0
        """EU since the view began."""
        self.missed = 0.0
        """EU since the view began."""
        self._seconds: deque[_Second] = deque()

    def see(self, at_s: float, units: float, lag_s: float) -> None:
        """A lot was seen: acknowledged at a moment, ``lag_s`` after it was computed."""
        second = self._second(at_s)
        second.seen += units
        second.lots += 1
        second.lag += max(0.0, lag_s)
        self.seen += units

    def miss(self, at_s: float, units: float, cause: str) -> None:
        """A lot, or a part of one, will not be seen; ``cause`` is one of ``CAUSES``.

        Raises:
            ValueError: It is none of them.
        """
        if cause not in CAUSES:
            raise ValueError(f"{cause!r} is no cause: expected one of {', '.join(CAUSES)}")
        if units > 0:
            second = self._second(at_s)
            second.missed[cause] = second.missed.get(cause, 0.0) + units
            self.missed += units

    def look(self, at_s: float) -> Look:
        """What the last 60 s say."""
        self._forget(math.floor(at_s))
        seen = math.fsum(second.seen for second in self._seconds)
        missed: dict[str, float] = {}
        for second in self._seconds:
            for cause, units in second.missed.items():
                missed[cause] = missed.get(cause, 0.0) + units
        computed = seen + math.fsum(missed.values())
        lots = sum(second.lots for second in self._seconds)
        lag = math.fsum(second.lag for second in self._seconds) / lots if lots else NAN
        ratio = seen / computed if computed > 0 else NAN
        return Look(ratio, seen, computed, lag, self._coherence(), missed)

    def _coherence(self) -> float:
        ratios = [second.seen / second.computed for second in self._seconds if second.computed > 0]
        lags = [second.lag / second.lots for second in self._seconds if second.lots]
        if len(ratios) < _FEW:
            return NAN
        steady = 1.0 - min(1.0, _spread(ratios) / RATIO_SPREAD)
        return 100.0 * steady * (1.0 - min(1.0, _spread(lags) / LAG_SPREAD_S))

    def _second(self, at_s: float) -> _Second:
        number = math.floor(at_s)
        if not self._seconds or self._seconds[-1].number < number:
            self._seconds.append(_Second(number))
            self._forget(number)
        return self._seconds[-1]

    def _forget(self, number: int) -> None:
        while self._seconds and self._seconds[0].number <= number - SPAN_S:
            self._seconds.popleft()


def _spread(values: list[float]) -> float:
    """Mean deviation from the mean; 0 of fewer than two. Not the standard deviation: by that one second in which
    the machine held its breath would leave nothing of the coherence of the whole minute."""
    if len(values) < 2:
        return 0.0
    middle = math.fsum(values) / len(values)
    return math.fsum(abs(value - middle) for value in values) / len(values)
