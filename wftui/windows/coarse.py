"""What a series usually is: means of steps over hours and days, and how far they spread."""

import math
from array import array
from bisect import bisect_left
from typing import Final

from wftui.windows.median import median

_NAN: Final = math.nan
_MAD: Final = 0.6745
"""Median absolute deviation of a normal distribution, in standard deviations."""
_MEAN_AD: Final = 1.253314
"""Standard deviation of a normal distribution, in mean absolute deviations."""
DAY_S: Final = 86_400
HOUR_S: Final = 3_600
_SHORT: Final = 65_536
"""Places that two bytes number."""


class Usual:
    """Means of the last ``steps`` steps of ``step_s`` seconds; a step without values is NaN.

    The step that is open does not count: what is compared with the usual is no part of it.
    """

    __slots__ = (
        "_cached",
        "_count",
        "_open",
        "_order",
        "_place",
        "_seen",
        "_total",
        "filled",
        "known",
        "phase_s",
        "step_s",
        "steps",
    )

    def __init__(self, step_s: int, steps: int, phase_s: int = 0) -> None:
        """``phase_s``: steps begin so much earlier; where there are many, not all should end in one second."""
        self.phase_s = phase_s
        self.step_s = step_s
        self.steps = steps
        self.known = 0
        """Steps that have a value."""
        self._seen = array("d", [_NAN]) * steps
        self._place = 0
        """Of the next step."""
        self._order: array[int] | None = None
        """Places of the steps that have a value, by their values; None: nobody asked for a median yet."""
        self._open = -1
        """Number of the open step: seconds since 1970, and the phase, by ``step_s``."""
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
        seen, place, order = self._seen, self._place, self._order
        if seen[place] == seen[place]:
            self.known -= 1
            if order is not None:
                order.remove(place)
        seen[place] = mean
        if mean == mean:
            self.known += 1
            if order is not None:
                order.insert(bisect_left(order, mean, key=seen.__getitem__), place)
        self._place = (place + 1) % self.steps
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
        self._seen, self._place, self._order = own, 0, None
        self.known = sum([value == value for value in own])
        self._cached.clear()

    @property
    def newest(self) -> int:
        """Number of the step that is open: another one when a step was closed."""
        return self._open

    def values(self) -> "array[float]":
        """Oldest first, NaN where a step had none, shape (steps,)."""
        return self._seen[self._place :] + self._seen[: self._place]

    def mean(self) -> tuple[float, float, int]:
        """(mean, standard deviation of the steps' means, steps that have one); NaN without any."""
        found = self._cached.get(-1)
        if found is None:
            values = self._known()
            mean = math.fsum(values) / len(values) if values else _NAN
            spread = math.dist(values, (mean,) * len(values)) / math.sqrt(len(values)) if values else _NAN
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
            if hourly:
                values = self._of_hour(hour)
                middle = median(values) if values else _NAN
                found = middle, _robust_spread(values, middle), len(values)
            else:
                found = self._of_all()
            self._cached[hour] = found
        return found

    def _known(self) -> "array[float] | list[float]":
        return self._seen if self.known == self.steps else [value for value in self._seen if value == value]

    def _of_hour(self, hour: int) -> list[float]:
        """Of each day the steps of one hour: hours begin with a step, so as early as steps do."""
        values, of_hour, of_day = self.values(), HOUR_S // self.step_s, DAY_S // self.step_s
        start = (hour * of_hour - (self._open - self.steps)) % of_day - of_day
        found: list[float] = []
        for place in range(start, self.steps, of_day):
            found += [value for value in values[max(0, place) : max(0, place + of_hour)] if value == value]
        return found

    def _of_all(self) -> tuple[float, float, int]:
        """``robust`` of all steps. A week of them is not put in order anew for each that comes."""
        seen, count, order = self._seen, self.known, self._order
        if order is None:
            places = [place for place, value in enumerate(seen) if value == value]
            order = self._order = array("H" if self.steps <= _SHORT else "L", sorted(places, key=seen.__getitem__))
        if not count:
            return _NAN, _NAN, 0
        half = count // 2
        middle = seen[order[half]] if count % 2 else (seen[order[half - 1]] + seen[order[half]]) / 2
        far = self._nearest(order, middle, half + 1)
        if not count % 2:
            far = (far + self._nearest(order, middle, half)) / 2
        if far:
            return middle, far / _MAD, count
        known = self._known()
        return middle, math.fsum([abs(value - middle) for value in known]) / count * _MEAN_AD, count

    def _nearest(self, order: "array[int]", middle: float, wanted: int) -> float:
        """How far from the middle the farthest of the nearest ones is; they stand side by side in order."""
        seen, first, last = self._seen, 0, len(order) - wanted
        while first < last:
            half = (first + last) // 2
            if middle - seen[order[half]] > seen[order[half + wanted]] - middle:
                first = half + 1
            else:
                last = half
        return max(middle - seen[order[first]], seen[order[first + wanted - 1]] - middle)


def _robust_spread(values: list[float], middle: float) -> float:
    if not values:
        return _NAN
    distances = [abs(value - middle) for value in values]
    return median(distances) / _MAD or math.fsum(distances) / len(distances) * _MEAN_AD
