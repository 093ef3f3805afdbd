"""The number that a query asks for, of one series."""

import math
from collections.abc import Iterable
from typing import Final

from wftui.alerts.rule import Query
from wftui.alerts.signals import Signal
from wftui.names import COUNTER
from wftui.windows.coarse import Usual
from wftui.windows.sliding import Sliding

SHARES: Final = {"min": 0.0, "p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
"""Aggregations that are one of the values in order."""
_NAN: Final = math.nan


class Number:
    """Reads it anew each second; asked once a second."""

    __slots__ = ("_aggregation", "_per", "_per_window", "_share", "_usual", "signal", "why", "window")

    def __init__(self, query: Query, signal: Signal, per: Signal | None = None) -> None:
        """``per``: what it is divided by."""
        self.signal = signal
        self.why = ""
        """Why it is not known; empty when it is."""
        self._aggregation = query.aggregation
        self._share = SHARES.get(query.aggregation, 0.0)
        self.window = signal.window(query.window_s) if query.window_s else None
        """Of its own series; None: it is of the newest second alone."""
        self._usual: Usual | None = None
        self._per = per
        self._per_window = per.window(query.window_s) if per is not None and query.window_s else None

    @property
    def unit(self) -> str:
        """Of the number, as the catalogue writes units."""
        column = self.signal.column
        if self._per is not None:
            per = self._per.column
            if per.series.stat == "count":
                return column.unit  # sum by count: the mean
            if column.unit == per.unit:
                return "1"
            counts = column.unit.startswith("{") and per.unit.startswith("{")
            return "" if counts else f"{column.unit}/{per.unit}"
        if column.series.stat == "count":
            return ""
        if self._aggregation == "count":
            return ""
        if column.kind != COUNTER or self._aggregation == "sum":
            return column.unit
        return f"{column.unit}/s"

    def signals(self) -> Iterable[Signal]:
        """The series that it looks at."""
        return (self.signal,) if self._per is None else (self.signal, self._per)

    def usual(self, over_s: int) -> Usual:
        """What it usually is each second: of its windows nothing is usual but what is in them."""
        self._usual = self.signal.usual(over_s, self._per)
        return self._usual

    def keeps(self) -> "Iterable[Sliding | Usual | None]":
        """The windows and usuals that it reads."""
        return self.window, self._per_window, self._usual

    @property
    def now(self) -> float:
        """Of the newest second alone; NaN: unknown, and ``why`` says why.

        What a program says of itself several times a second counts as it said it last.
        """
        signal, per = self.signal, self._per
        value = _newest(signal) if per is None else _share(_newest(signal), _newest(per))
        if per is None and not signal.unwell and value == value:
            self.why = ""
            return value
        source = self._unwell()
        if source:
            value = _NAN
        self.why = "" if value == value else f"its source {source} is not well" if source else "no value"
        return value

    def _unwell(self) -> str:
        if self.signal.unwell:
            return self.signal.column.source
        return self._per.column.source if self._per is not None and self._per.unwell else ""

    def read(self) -> float:
        """The number now; NaN: unknown, and ``why`` says why."""
        window = self.window
        if window is None:
            return self.now
        if not self.ready(window):
            return _NAN
        per = self._per_window
        if per is None:
            value = self._of(window)
        elif self._aggregation == "avg":
            value = _share(window.total, per.total)  # not the mean of shares: each counts by its size
        else:
            value = _share(self._of(window), self._of(per))
        self.why = "" if value == value else "no value"
        return value

    def ready(self, window: Sliding) -> bool:
        """Whether its window is known; if not, ``why`` says why."""
        per = self._per_window
        if not self.signal.unwell and window.age == window.seconds and per is None:
            self.why = ""
            return True
        source = self._unwell()
        if source:
            self.why = f"its source {source} is not well"
        elif not window.covered or (per is not None and not per.covered):
            age = window.age if per is None else min(window.age, per.age)
            self.why = f"warming up, {age} of {window.seconds} s"
        else:
            self.why = ""
        return not self.why

    def _of(self, window: Sliding) -> float:
        match self._aggregation:
            case "avg":
                return window.mean
            case "sum":
                return window.total
            case "count":
                return float(window.count)
            case "last":
                return window.newest
            case _:
                return window.quantile(self._share)


def _newest(signal: Signal) -> float:
    return signal.value if signal.instant != signal.instant else signal.instant


def _share(value: float, of: float) -> float:
    return value / of if of else _NAN
