"""Statistics of the last so many seconds, exact, brought up to date second by second."""

import math
from array import array
from bisect import bisect_left, insort
from typing import Final

_NAN: Final = math.nan


class Sliding:
    """The last ``seconds`` values of one series: one a second, NaN where there was none.

    A second costs about a microsecond. Eight bytes a second are kept, and as many again where order matters.
    """

    __slots__ = ("_low", "_place", "_ring", "_sorted", "_total", "age", "count", "last", "seconds")

    def __init__(self, seconds: int, *, ordered: bool) -> None:
        """``ordered``: whether minimum, maximum and quantiles will be asked for."""
        self.seconds = seconds
        self.age = 0
        """Seconds since the first value after none, that one included; at most ``seconds``."""
        self.count = 0
        """Values within."""
        self.last = _NAN
        """The newest value; NaN: the newest second had none."""
        self._ring = array("d", [_NAN]) * seconds
        self._place = 0
        self._total = 0.0
        self._low = 0.0
        """What rounding took from the total: without it a sum of nothing but zeros would not be zero."""
        self._sorted = array("d") if ordered else None

    def put(self, value: float) -> None:
        """The next second's value; NaN: it had none."""
        ring, place, kept = self._ring, self._place, self._sorted
        old = ring[place]
        if old == old:
            self.count -= 1
            total = self._total
            self._total = new = total - old
            part = new - total
            self._low += (total - (new - part)) - (old + part)
            if kept is not None:
                del kept[bisect_left(kept, old)]
        ring[place] = self.last = value
        if value == value:
            self.count += 1
            total = self._total
            self._total = new = total + value
            part = new - total
            self._low += (total - (new - part)) + (value - part)
            if kept is not None:
                insort(kept, value)
        if not self.count:
            self.age = (
                0  # what comes after a time without any value is too little to be judged by, as at the start
            )
        elif self.age < self.seconds:
            self.age += 1
        self._place = place + 1
        if self._place == self.seconds:
            self._place = 0
            # Of numbers that are too far apart even the two lose a little: it does not add up over rounds.
            known = [item for item in ring if item == item]
            self._total = math.fsum(known)
            known.append(-self._total)
            self._low = math.fsum(known)

    def skip(self, seconds: int) -> None:
        """So many seconds without a value."""
        for _ in range(min(seconds, self.seconds)):
            self.put(_NAN)

    def order(self) -> None:
        """From now on minimum, maximum and quantiles may be asked for."""
        if self._sorted is None:
            self._sorted = array("d", sorted(value for value in self._ring if value == value))

    @property
    def covered(self) -> bool:
        """Whether the first value came as long ago as the span is, with no span without any value since."""
        return self.age == self.seconds

    @property
    def total(self) -> float:
        """Sum; 0 without values."""
        return self._total + self._low if self.count else 0.0

    @property
    def mean(self) -> float:
        """NaN without values."""
        return (self._total + self._low) / self.count if self.count else _NAN

    @property
    def minimum(self) -> float:
        """NaN without values. Of an ordered one."""
        return self._in_order[0] if self.count else _NAN

    @property
    def maximum(self) -> float:
        """NaN without values. Of an ordered one."""
        return self._in_order[-1] if self.count else _NAN

    def quantile(self, share: float) -> float:
        """The value of rank ``ceil(share * count)``, ``share`` in (0, 1]; NaN without values.

        Of an ordered one.
        """
        if not self.count:
            return _NAN
        return self._in_order[max(1, math.ceil(share * self.count)) - 1]

    @property
    def newest(self) -> float:
        """The newest value within; NaN without any."""
        if self.last == self.last:
            return self.last
        return next((value for value in reversed(self.values()) if value == value), _NAN)

    def values(self) -> "array[float]":
        """Oldest first, NaN where there was none, shape (seconds,)."""
        return self._ring[self._place :] + self._ring[: self._place]

    @property
    def _in_order(self) -> "array[float]":
        if self._sorted is None:
            raise ValueError("made without order")
        return self._sorted
