"""Statistics of the last so many seconds, exact, brought up to date second by second."""

import math
from array import array
from bisect import bisect_left, insort
from typing import Final

from wftui.windows.packed import Packed

_NAN: Final = math.nan
PACKED_S: Final = 600
"""Longer ones are kept packed: a second costs 0.3 µs more then."""
_KEPT_S: Final = 60
"""Sum and order are kept up to date for so long after somebody asked for them."""


class Sliding:
    """The last ``seconds`` values of one series: one a second, NaN where there was none.

    A second costs about half a microsecond and keeps two to eight bytes. Sum and order are made when they are
    asked for and kept while they are: then a second costs a microsecond more each, and order eight bytes.
    """

    __slots__ = (
        "_low",
        "_order_until",
        "_packed",
        "_place",
        "_ring",
        "_sorted",
        "_sum_until",
        "_total",
        "age",
        "count",
        "last",
        "left",
        "number",
        "seconds",
    )

    def __init__(self, seconds: int, phase_s: int = 0) -> None:
        """``phase_s``: its rounds begin so much later; where there are many, not all should end in one second."""
        self.seconds = seconds
        self.age = 0
        """Seconds since the first value after none, that one included; at most ``seconds``."""
        self.count = 0
        """Values within."""
        self.last = _NAN
        """The newest value; NaN: the newest second had none."""
        self.left = _NAN
        """The value that the newest second pushed out; NaN: there was none in its place."""
        self.number = 0
        """Seconds put in so far."""
        self._packed = Packed(seconds) if seconds >= PACKED_S else None
        self._ring = array("d", [_NAN]) * (seconds if self._packed is None else 0)
        self._place = phase_s % seconds
        self._total = 0.0
        self._low = 0.0
        """What rounding took from the total: without it a sum of nothing but zeros would not be zero."""
        self._sum_until = 0
        """Number of the second up to which the total is kept."""
        self._sorted: array[float] | None = None
        self._order_until = 0

    def put(self, value: float) -> None:
        """The next second's value; NaN: it had none."""
        place, packed = self._place, self._packed
        if packed is None:
            ring = self._ring
            left = ring[place]
            ring[place] = value
        else:
            left = packed.swap(place, value)
        self.left, self.last = left, value
        had, has = left == left, value == value
        if had:
            self.count -= 1
        if has:
            self.count += 1
        if not self.count:
            # What comes after a time without any value is too little to be judged by, as at the start.
            self.age = 0
        elif self.age < self.seconds:
            self.age += 1
        self.number = number = self.number + 1
        place += 1
        self._place = place if place < self.seconds else 0
        if number <= self._sum_until:
            if place < self.seconds:
                total, low = self._total, self._low
                if had:
                    new = total - left
                    part = new - total
                    low += (total - (new - part)) - (left + part)
                    total = new
                if has:
                    new = total + value
                    part = new - total
                    low += (total - (new - part)) + (value - part)
                    total = new
                self._total, self._low = total, low
            else:
                # Of numbers that are too far apart even the two lose a little: it does not add up over rounds.
                self._add_up()
        kept = self._sorted
        if kept is not None:
            if number > self._order_until:
                self._sorted = None
                return
            if had:
                del kept[bisect_left(kept, left)]
            if has:
                insort(kept, value)

    def skip(self, seconds: int) -> None:
        """So many seconds without a value."""
        for _ in range(min(seconds, self.seconds)):
            self.put(_NAN)

    @property
    def covered(self) -> bool:
        """Whether the first value came as long ago as the span is, with no span without any value since."""
        return self.age == self.seconds

    @property
    def total(self) -> float:
        """Sum; 0 without values."""
        if self.number > self._sum_until:
            self._add_up()
        self._sum_until = self.number + _KEPT_S
        return self._total + self._low if self.count else 0.0

    @property
    def mean(self) -> float:
        """NaN without values."""
        return self.total / self.count if self.count else _NAN

    def _add_up(self) -> None:
        known = self._known()
        self._total = math.fsum(known)
        known.append(-self._total)
        self._low = math.fsum(known)

    @property
    def minimum(self) -> float:
        """NaN without values."""
        return self._in_order()[0] if self.count else _NAN

    @property
    def maximum(self) -> float:
        """NaN without values."""
        return self._in_order()[-1] if self.count else _NAN

    def quantile(self, share: float) -> float:
        """The value of rank ``ceil(share * count)`` and at least 1, ``share`` in [0, 1]; NaN without values."""
        return self._in_order()[rank(share, self.count) - 1] if self.count else _NAN

    @property
    def newest(self) -> float:
        """The newest value within; NaN without any."""
        if self.last == self.last:
            return self.last
        return next((value for value in reversed(self.values()) if value == value), _NAN)

    def values(self) -> "array[float]":
        """Oldest first, NaN where there was none, shape (seconds,)."""
        ring = self._ring if self._packed is None else self._packed.values()
        return ring[self._place :] + ring[: self._place]

    def beyond(self, limit: float, *, strict: bool) -> int:
        """How many values are above a limit, or (not strict) at it or above it."""
        if self._packed is not None:
            return self._packed.beyond(limit, strict=strict)
        if strict:
            return len([1 for item in self._ring if item > limit])
        return len([1 for item in self._ring if item >= limit])

    def _known(self) -> list[float]:
        ring = self._ring if self._packed is None else self._packed.values()
        return [item for item in ring if item == item]

    def _in_order(self) -> "array[float]":
        kept = self._sorted
        if kept is None:
            kept = self._sorted = array("d", sorted(self._known()))
        self._order_until = self.number + _KEPT_S
        return kept


def rank(share: float, count: int) -> int:
    """Which of the values in order a quantile is, from 1 on."""
    return max(1, math.ceil(share * count))
