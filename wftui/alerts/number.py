"""The number that a query asks for, of one series."""

import math
from collections.abc import Iterable
from typing import Final

from wftui.alerts.rule import ORDERED, Query
from wftui.alerts.signals import Signal
from wftui.names import COUNTER

_SHARES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_NAN: Final = math.nan


class Number:
    """Reads it anew each second; asked once a second."""

    __slots__ = ("_aggregation", "_per", "_per_window", "_share", "_window", "signal", "why")

    def __init__(self, query: Query, signal: Signal, per: Signal | None = None) -> None:
        """``per``: what it is divided by."""
        self.signal = signal
        self.why = ""
        """Why it is not known; empty when it is."""
        self._aggregation = query.aggregation
        self._share = _SHARES.get(query.aggregation, 0.0)
        self._window = (
            signal.window(query.window_s, ordered=query.aggregation in ORDERED) if query.window_s else None
        )
        self._per = per
        self._per_window = (
            per.window(query.window_s, ordered=False) if per is not None and query.window_s else None
        )

    @property
    def unit(self) -> str:
        """Of the number, as the catalogue writes units."""
        column = self.signal.column
        if self._per is not None:
            return "1" if column.unit == self._per.column.unit else f"{column.unit}/{self._per.column.unit}"
        if self._aggregation == "count":
            return ""
        if column.kind != COUNTER or self._aggregation == "sum":
            return column.unit
        return f"{column.unit}/s"

    def signals(self) -> Iterable[Signal]:
        """The series that it looks at."""
        return (self.signal,) if self._per is None else (self.signal, self._per)

    def read(self) -> float:
        """The number now; NaN: unknown, and ``why`` says why."""
        window = self._window
        if window is None:
            value = self.signal.value
            if self._per is not None:
                value = _share(value, self._per.value)
            self.why = "" if value == value else "no value"
            return value
        if not window.covered:
            self.why = f"warming up, {window.age} of {window.seconds} s"
            return _NAN
        value = self._of_window() if self._per_window is None else _share(window.total, self._per_window.total)
        self.why = "" if value == value else "no value"
        return value

    def _of_window(self) -> float:
        window = self._window
        assert window is not None  # noqa: S101  asked only with one
        match self._aggregation:
            case "avg":
                return window.mean
            case "min":
                return window.minimum
            case "max":
                return window.maximum
            case "sum":
                return window.total
            case "count":
                return float(window.count)
            case "last":
                return window.newest
            case _:
                return window.quantile(self._share)


def _share(value: float, of: float) -> float:
    return value / of if of else _NAN
