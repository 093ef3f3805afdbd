"""A ring of numbers in as few bytes as tell them exactly."""

import math
from array import array
from typing import Final

_NAN: Final = math.nan
_SCALES: Final = (1.0, 10.0, 1e2, 1e3, 1e4, 1e5, 1e6)
_MOST: Final = {"h": 2**15 - 1, "i": 2**31 - 1}
"""Typecode to the greatest code; the least is NaN."""


class Packed:
    """Numbers of at most six decimals in two or four bytes each, while all of them fit; all others in eight.

    What is recorded of a gauge has few decimals: a share four, a temperature two. No number is told otherwise than
    it was put in: a ring that meets one which it cannot hold becomes a wider one.
    """

    __slots__ = ("_codes", "_most", "_plain", "_scale")

    def __init__(self, size: int) -> None:
        """``size``: places; each is NaN."""
        self._most = _MOST["h"]
        self._codes = array("h", [-self._most - 1]) * size
        self._scale = 1.0
        """Codes are numbers times this."""
        self._plain: array[float] | None = None
        """The numbers, when codes do not tell them."""

    def __len__(self) -> int:
        return len(self._codes if self._plain is None else self._plain)

    @property
    def item_bytes(self) -> int:
        """Of each number."""
        return (self._codes if self._plain is None else self._plain).itemsize

    def swap(self, place: int, value: float) -> float:
        """Put a number in; returns the one that was there."""
        plain = self._plain
        if plain is not None:
            left = plain[place]
            plain[place] = value
            return left
        codes, scale, most = self._codes, self._scale, self._most
        code = codes[place]
        if value == value:
            try:
                new = round(value * scale)
            except OverflowError:
                new = most + 1
            if -most <= new <= most and new / scale == value:
                codes[place] = new
            else:
                self._widen(value)
                self.swap(place, value)
        else:
            codes[place] = -most - 1
        return code / scale if code >= -most else _NAN

    def values(self) -> "array[float]":
        """Place by place, shape (size,); NaN: none."""
        if self._plain is not None:
            return self._plain[:]
        least, scale = -self._most, self._scale
        return array("d", [code / scale if code >= least else _NAN for code in self._codes])

    def beyond(self, limit: float, *, strict: bool) -> int:
        """How many are above a limit, or (not strict) at it or above it; NaN is neither."""
        scale, most = self._scale, self._most
        if self._plain is not None:
            return len([1 for item in self._plain if item > limit or (item == limit and not strict)])
        # The greatest code that does not count, or one below all: they are in the order of their numbers.
        last = math.floor(min(max(limit * scale, -most - 2.0), most + 1.0)) + 1
        while last >= -most and (last / scale > limit or (last / scale == limit and not strict)):
            last -= 1
        return len([1 for code in self._codes if code > last])

    def _widen(self, value: float) -> None:
        """Find the narrowest that holds what is there, and this."""
        none, before = -self._most - 1, self._scale
        known = [code for code in self._codes if code != none]
        farthest = max(map(abs, known), default=0)
        for kind, most in _MOST.items():
            for scale in _SCALES:
                if scale < before or most < self._most:
                    continue
                times = round(scale / before)  # a fraction that is extended is the same number
                if farthest * times <= most and _fits(value, scale, most):
                    wider = (-most - 1 if code == none else code * times for code in self._codes)
                    self._codes = array(kind, wider if known else [-most - 1]) * (1 if known else len(self))
                    self._most, self._scale = most, scale
                    return
        self._plain, self._codes = self.values(), array("h")


def _fits(value: float, scale: float, most: int) -> bool:
    return abs(value) * scale <= most and round(value * scale) / scale == value
