"""A distribution in bounded memory: buckets on a logarithmic scale, mergeable, 1 % relative error.

After DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
guarantees", VLDB 2019): a value lies in the bucket of its logarithm, and the bucket's middle is told for it.
"""

import math
from collections.abc import Iterator
from typing import Final

ERROR: Final = 0.01
"""Relative error of a quantile at most."""
LIMIT: Final = 1024
"""Buckets at most, of each sign: nine decades and more."""
TINY: Final = 1e-12
"""What is nearer to 0 is told as 0."""
_GAMMA: Final = (1 + ERROR) / (1 - ERROR)
_SCALE: Final = 1 / math.log(_GAMMA)
_MIDDLE: Final = 2 / (1 + _GAMMA)


class Sketch:
    """Count, sum, least, greatest and quantiles of numbers.

    A quantile is within ``ERROR`` of a value of that rank while the values of a sign span less than ``limit``
    buckets; beyond that those nearest to 0 are told as the nearest that is kept: the high quantiles stay exact.
    """

    __slots__ = ("_above", "_below", "_limit", "_zeros", "count", "greatest", "least", "total")

    def __init__(self, limit: int = LIMIT) -> None:
        self.count = 0
        self.total = 0.0
        self.least = math.inf
        self.greatest = -math.inf
        self._limit = limit
        self._above: dict[int, int] = {}
        """Bucket to how many, of what is greater than 0."""
        self._below: dict[int, int] = {}
        """The same of the negative ones, by their size."""
        self._zeros = 0

    def __len__(self) -> int:
        """Buckets in use."""
        return len(self._above) + len(self._below)

    def add(self, value: float) -> bool:
        """Count a finite number; returns whether it took a bucket of its own.

        Raises:
            ValueError, OverflowError: It is not finite.
        """
        if value > TINY:
            buckets, bucket = self._above, math.ceil(math.log(value) * _SCALE)
        elif value < -TINY:
            buckets, bucket = self._below, math.ceil(math.log(-value) * _SCALE)
        elif value == value:
            buckets, bucket = self._above, None
        else:
            raise ValueError("NaN has no rank")
        self.count += 1
        self.total += value
        if value < self.least:
            self.least = value
        if value > self.greatest:
            self.greatest = value
        if bucket is None:
            self._zeros += 1
            return False
        found = buckets.get(bucket)
        buckets[bucket] = 1 if found is None else found + 1
        if found is None and len(buckets) > self._limit:
            _narrow(buckets)
            return False
        return found is None

    def merge(self, other: "Sketch") -> None:
        """Count everything that the other counted."""
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.greatest = max(self.greatest, other.greatest)
        self._zeros += other._zeros
        for mine, theirs in ((self._above, other._above), (self._below, other._below)):
            for bucket, count in theirs.items():
                mine[bucket] = mine.get(bucket, 0) + count
            while len(mine) > self._limit:
                _narrow(mine)

    def quantiles(self, *shares: float) -> list[float]:
        """The value of each rank, ``shares`` ascending in [0, 1]; all NaN when nothing was counted.

        The rank of a share is that of ``sorted(values)[ceil(share * count) - 1]``.
        """
        found: list[float] = []
        steps = self._steps()
        passed, value = 0, math.nan
        for share in shares:
            rank = max(1, math.ceil(share * self.count))
            while passed < rank:
                step = next(steps, None)
                if step is None:
                    break
                value = step[0]
                passed += step[1]
            found.append(min(max(value, self.least), self.greatest) if self.count else math.nan)
        return found

    def mean_above(self, share: float) -> float:
        """Mean of the greatest values: those above a rank's share, one at least; NaN when nothing was counted.

        ``mean_above(0.99)`` of frame times is that of the slowest hundredth of them.
        """
        left = wanted = max(1, self.count - math.floor(share * self.count)) if self.count else 0
        total = 0.0
        for value, count in reversed(list(self._steps())):
            taken = min(left, count)
            total += min(max(value, self.least), self.greatest) * taken
            left -= taken
            if not left:
                break
        return total / wanted if wanted else math.nan

    def _steps(self) -> Iterator[tuple[float, int]]:
        """(value, how many), ascending."""
        for bucket in sorted(self._below, reverse=True):
            yield -_value(bucket), self._below[bucket]
        if self._zeros:
            yield 0.0, self._zeros
        for bucket in sorted(self._above):
            yield _value(bucket), self._above[bucket]

    def clear(self) -> None:
        """Begin anew."""
        self.count = self._zeros = 0
        self.total = 0.0
        self.least, self.greatest = math.inf, -math.inf
        self._above.clear()
        self._below.clear()


def _value(bucket: int) -> float:
    """What stands for everything in a bucket: at most ``ERROR`` from either end."""
    return math.exp(bucket / _SCALE) * _MIDDLE


def _narrow(buckets: dict[int, int]) -> None:
    """Put the lowest bucket into the next."""
    lowest = min(buckets)
    count = buckets.pop(lowest)
    buckets[min(buckets)] += count
