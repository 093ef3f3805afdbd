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

    __slots__ = ("_codes", "_most", "_scale")

    def __init__(self, size: int) -> None:
        """``size``: places; each is NaN."""
        self._most = _MOST["h"]
        self._codes: array[int] | array[float] = array("h", [-self._most - 1]) * size
        self._scale = 1.0
        """Codes are numbers times this; 0: they are the numbers."""

    def __len__(self) -> int:
        return len(self._codes)

    @property
    def item_bytes(self) -> int:
        """Of each number."""
        return self._codes.itemsize

    def swap(self, place: int, value: float) -> float:
        """Put a number in; returns the one that was there."""
        codes, scale, most = self._codes, self._scale, self._most
        code = codes[place]
        if not scale:
            codes[place] = value
            return code
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
        if not self._scale:
            return array("d", self._codes)
        least, scale = -self._most, self._scale
        return array("d", [code / scale if code >= least else _NAN for code in self._codes])

    def _widen(self, value: float) -> None:
        """Find the narrowest that holds what is there, and this."""
        none, before = -self._most - 1, self._scale
        known = [int(code) for code in self._codes if code != none]
        farthest = max(map(abs, known), default=0)
        for kind, most in _MOST.items():
            for scale in _SCALES:
                if scale < before or most < self._most:
                    continue
                times = round(scale / before)  # a fraction that is extended is the same number
                if farthest * times <= most and _fits(value, scale, most):
                    wider = (-most - 1 if code == none else int(code) * times for code in self._codes)
                    self._codes = array(kind, wider if known else [-most - 1]) * (1 if known else len(self))
                    self._most, self._scale = most, scale
                    return
        self._codes, self._scale = self.values(), 0.0


def _fits(value: float, scale: float, most: int) -> bool:
    return abs(value) * scale <= most and round(value * scale) / scale == value
