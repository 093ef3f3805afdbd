"""What a series usually is: means of steps over hours and days, and how far they spread."""

import math
from array import array
from statistics import median
from typing import Final

_NAN: Final = math.nan
_MAD: Final = 0.6745
"""Median absolute deviation of a normal distribution, in standard deviations."""
_MEAN_AD: Final = 1.253314
"""Standard deviation of a normal distribution, in mean absolute deviations."""
DAY_S: Final = 86_400
HOUR_S: Final = 3_600


class Usual:
    """Means of the last ``steps`` steps of ``step_s`` seconds; a step without values is NaN.

    The step that is open does not count: what is compared with the usual is no part of it.
    """

    __slots__ = (
        "_cached",
        "_count",
        "_open",
        "_place",
        "_second",
        "_seen",
        "_total",
        "filled",
        "phase_s",
        "step_s",
        "steps",
    )

    def __init__(self, step_s: int, steps: int, phase_s: int = 0) -> None:
        """``phase_s``: steps begin so much earlier; where there are many, not all should end in one second."""
        self.phase_s = phase_s
        self.step_s = step_s
        self.steps = steps
        self._seen = array("d", [_NAN]) * steps
        self._place = 0
        """Of the next step."""
        self._open = -1
        """Number of the open step: seconds since 1970, and the phase, by ``step_s``."""
        self._second = -1
        self._total = 0.0
        self._count = 0
        self._cached: dict[int, tuple[float, float, int]] = {}
        self.filled = False
        """Whether what was before the first value was put in, or it is known that there was nothing."""

    def put(self, time_s: int, value: float) -> None:
        """The value of one second; a second that is over already (a clock that was set back) counts as now."""
        step = (time_s + self.phase_s) // self.step_s
        if step > self._open:
            if self._open >= 0:
                self._close(step - self._open)
            self._open = step
        if value == value:
            self._total += value
            self._count += 1

    def _close(self, steps: int) -> None:
        self._append(self._total / self._count if self._count else _NAN)
        for _ in range(min(steps - 1, self.steps)):
            self._append(_NAN)
        self._total, self._count = 0.0, 0

    def _append(self, mean: float) -> None:
        self._seen[self._place] = mean
        self._place = (self._place + 1) % self.steps
        self._cached.clear()

    def fill(self, next_s: int, means: "array[float]") -> None:
        """Put in what was before; what was seen since stays.

        Args:
            next_s: Seconds since 1970.
            means: Of steps, oldest first; the last of them ends where the step of ``next_s`` begins.
        """
        self.filled = True
        first = (next_s + self.phase_s) // self.step_s
        if self._open < 0:
            self._open = first
        own = self.values()
        oldest = self._open - self.steps - first + len(means)  # place in means of the oldest step that is kept
        for place, value in enumerate(own):
            at = oldest + place
            if value != value and 0 <= at < len(means):
                own[place] = means[at]
        self._seen, self._place = own, 0
        self._cached.clear()

    @property
    def newest(self) -> int:
        """Number of the step that is open: another one when a step was closed."""
        return self._open

    def values(self) -> "array[float]":
        """Oldest first, NaN where a step had none, shape (steps,)."""
        return self._seen[self._place :] + self._seen[: self._place]

    @property
    def known(self) -> int:
        """Steps that have a value."""
        return sum(value == value for value in self._seen)

    def mean(self) -> tuple[float, float, int]:
        """(mean, standard deviation of the steps' means, steps that have one); NaN without any."""
        found = self._cached.get(-1)
        if found is None:
            values = [value for value in self._seen if value == value]
            mean = math.fsum(values) / len(values) if values else _NAN
            spread = (
                math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values)) if values else _NAN
            )
            found = self._cached[-1] = mean, spread, len(values)
        return found

    def robust(self, time_s: int = 0, *, hourly: bool = False) -> tuple[float, float, int]:
        """(median, robust standard deviation, steps that count).

        Args:
            time_s: Now, seconds since 1970.
            hourly: Of the steps at this hour of the day only.

        Returns:
            The deviation is the median absolute one, scaled to that of a normal distribution; the mean absolute
            one where more than half of the steps are the same (Iglewicz and Hoaglin, 1993).
        """
        hour = (time_s + self.phase_s) % DAY_S // HOUR_S if hourly else -2
        found = self._cached.get(hour)
        if found is None:
            values = self._of_hour(hour) if hourly else [value for value in self._seen if value == value]
            middle = median(values) if values else _NAN
            found = self._cached[hour] = middle, _robust_spread(values, middle), len(values)
        return found

    def _of_hour(self, hour: int) -> list[float]:
        found = []
        for back, value in enumerate(reversed(self.values()), 1):
            start_s = (self._open - back) * self.step_s  # hours begin with a step, so as early as steps do
            if value == value and start_s % DAY_S // HOUR_S == hour:
                found.append(value)
        return found


def _robust_spread(values: list[float], middle: float) -> float:
    if not values:
        return _NAN
    distances = [abs(value - middle) for value in values]
    return median(distances) / _MAD or math.fsum(distances) / len(distances) * _MEAN_AD
