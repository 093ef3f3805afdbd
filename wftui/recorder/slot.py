"""One series in the open second, and what a tick keeps of it."""

import math
from typing import Final

from wftui import names
from wftui.model.sample import Column
from wftui.windows.ring import Ring

DIGITS: Final = {"1": 4, "By": 0, "Hz": 0, "s": 5, "Cel": 2, "W": 3}
"""Unit to the decimals that a gauge is kept with: 0.01 %, whole bytes, 10 µs. More is noise of the last few clock
ticks and pages, and costs six bytes a sample where these take one or two. Counters are kept as they are."""
_AS_IT_IS: Final = 12
HELD: Final = 1.5
"""A slow gauge is repeated until this many of its intervals have passed, then it is unknown."""


class Slot:
    """One series in the open second."""

    __slots__ = (
        "after",
        "column",
        "count",
        "digits",
        "highest",
        "hold_ns",
        "interval_s",
        "last",
        "last_ns",
        "mean",
        "peak",
        "place",
        "ring",
        "summed",
        "top",
        "total",
    )

    def __init__(self, column: Column, ring: Ring, interval_s: float, top: bool) -> None:
        self.column = column
        self.ring = ring
        self.interval_s = interval_s
        """Between two samples, as their source says."""
        self.hold_ns = hold_ns(column, interval_s)
        self.mean = column.kind == names.GAUGE
        self.summed = _summed(column)
        self.highest = column.kind == names.DISTRIBUTION and column.series.stat == "max"
        self.digits = DIGITS.get(column.unit, _AS_IT_IS)
        self.top = top
        """Whether the tick keeps the maximum beside the mean, in the place after it."""
        self.after: Slot | None = None
        """Of the sample that came after this one's the last time: mostly it does again."""
        self.place = 0
        self.count = 0
        self.total = 0.0
        self.peak = -math.inf
        self.last = math.nan
        self.last_ns = 0

    def empty(self) -> None:
        """Begin the next second."""
        self.count = 0
        self.total = 0.0
        self.peak = -math.inf


def peaks(column: Column, interval_s: float) -> bool:
    """Whether a tick keeps the maximum too: of a gauge that comes more often than ticks, where a peak matters."""
    if interval_s >= 1.0 or column.kind != names.GAUGE:
        return False  # a distribution's is a series of its own
    metric = names.METRICS.get(column.series.name)
    return metric is not None and "max" in metric.statistics


def _summed(column: Column) -> bool:
    """Whether what comes in a second is added up: what a distribution counts, in as many parts as it comes."""
    return column.kind == names.DISTRIBUTION and column.series.stat in ("count", "sum")


def hold_ns(column: Column, interval_s: float) -> int:
    """How long a reading is repeated. A counter that missed its second would seem to stand still in it, and what a
    distribution counted would be counted twice."""
    if (column.kind != names.GAUGE and interval_s <= 1.0) or _summed(column):
        return 0
    return int(max(interval_s, 1.0) * HELD * 1e9)
