"""A part of the scripted machine: columns that belong together, and their values in a second."""

from collections.abc import Callable
from typing import Final

from wftui.model.sample import DERIVED, MEASURED, Column, column

CALL: Final = "the demo's script"
"""Where every number comes from, for a person who asks."""

Values = Callable[[float], list[float]]


class Part:
    """Series of one source at one interval."""

    def __init__(self, source: str, interval_s: float) -> None:
        self.source = source
        self.interval_s = interval_s
        """0.1: ``values`` may be asked for any time; 1 and more: for each second once, in order, as counters grow
        by what happened since."""
        self.columns: list[Column] = []
        self._gauges: list[Callable[[float], float]] = []

    def add(
        self,
        name: str,
        value: Callable[[float], float],
        labels: dict[str, str] | None = None,
        *,
        derived: bool = False,
        quality: str = "",
        stat: str = "",
    ) -> None:
        """One more series; ``value`` gets the second of the script, NaN: not known.

        ``quality``: one of ``model.sample.QUALITIES``; empty: measured, or derived.
        """
        known = quality or (DERIVED if derived else MEASURED)
        self.columns.append(column(self.source, name, labels, call=CALL, quality=known, stat=stat))
        self._gauges.append(value)

    def values(self, t: float) -> list[float]:
        """One value per column."""
        return [value(t) for value in self._gauges]


def constant(value: float) -> Callable[[float], float]:
    """The same at any time."""
    return lambda _: value


def counter(rate: Callable[[float], float], start: float = 0.0, step_s: float = 1.0) -> Callable[[float], float]:
    """A counter that grows by a rate (per second) at each question; asked once per ``step_s``."""
    total = start

    def grow(t: float) -> float:
        nonlocal total
        total += rate(t) * step_s
        return float(round(total)) if total > 1e6 else total

    return grow
