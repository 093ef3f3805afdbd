"""One pushed series in the open second."""

from collections.abc import Iterator
from typing import Final

from wftui import names
from wftui.model.sample import Sample
from wftui.recorder.push.known import Meaning
from wftui.windows.sketch import Sketch

SKETCH: Final = 640
"""Buckets of one distribution in one second: five decades and more at 1 %."""
STEPS_S: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
"""Intervals that a gauge may turn out to be pushed at."""
MOST: Final = 90
"""Samples of a series in a second that are kept one by one: 60 Hz, with room for who is unsteady."""
FOLLOWED: Final = 1
"""Somebody follows: told at once."""
KEPT: Final = 2
"""Kept at its own times, not once a second."""
FRAMED: Final = 4
"""Of frames: the desk of frames hears of it."""


class Place:
    """Where the samples of one series gather until the second ends."""

    __slots__ = (
        "columns",
        "count",
        "gauge",
        "interval_s",
        "kind",
        "last",
        "last_ns",
        "live",
        "pace_s",
        "paced_ns",
        "sketch",
        "statistics",
        "tells",
        "told_ns",
        "total",
    )

    def __init__(self, meant: Meaning) -> None:
        self.columns = meant.columns
        self.statistics = meant.statistics
        self.kind = meant.kind
        self.gauge = meant.kind == names.GAUGE
        self.sketch = Sketch(SKETCH) if meant.kind == names.DISTRIBUTION else None
        self.count = 0
        """Samples in the open second."""
        self.total = 0.0
        """Of a gauge in the open second, of a counter since it is there."""
        self.last = 0.0
        """Of a gauge: what it was pushed as last."""
        self.last_ns = 0
        """CLOCK_BOOTTIME of the end of the last second that brought something; 0: none did."""
        self.interval_s = 1.0
        """Between two pushes, of a gauge: it is held accordingly."""
        self.tells = 0
        """What happens with each sample beyond its being counted: ``FOLLOWED``, ``KEPT``,
        ``FRAMED``."""
        self.live = next((c for c in meant.columns if self.sketch is None or c.series.stat == "max"), None)
        """The column that one sample is a value of: of a distribution the greatest in a second. None: none is."""
        self.told_ns = 0
        """CLOCK_BOOTTIME of the last sample that was told."""
        self.pace_s = 0.0
        """Between two samples that are kept at their own times; 0: they are not."""
        self.paced_ns = 0
        """CLOCK_BOOTTIME of the end of the last second in which they came at that pace."""

    @property
    def spacing_s(self) -> float:
        """Seconds between two samples of what is handed over at a second's end."""
        return self.interval_s if self.sketch is not None or not self.pace_s else self.pace_s

    def paced(self, boottime_ns: int) -> None:
        """Something came in the second that ends then."""
        if self.gauge and self.last_ns:
            gap_s = (boottime_ns - self.last_ns) / 1e9
            self.interval_s = next((step for step in STEPS_S if gap_s <= step * 1.2), 1.0)
        self.last_ns = boottime_ns

    def samples(self) -> Iterator[Sample]:
        """What the second brought and was not handed over yet; the next one begins."""
        over = self.count - MOST if self.tells & KEPT else self.count
        """Samples that were not."""
        if self.gauge:
            if over > 0:
                yield Sample(self.columns[0], self.total / over)
            self.total = 0.0
        elif self.sketch is None:
            if over > 0:
                yield Sample(self.columns[0], self.total)
        else:
            for sample in self._spread(self.sketch):
                if over > 0 or sample.column is not self.live:
                    yield sample
            self.sketch.clear()
        self.count = 0

    def _spread(self, sketch: Sketch) -> Iterator[Sample]:
        p50, p95, p99 = sketch.quantiles(0.5, 0.95, 0.99)
        count, greatest = float(sketch.count), sketch.greatest
        found = {"count": count, "sum": sketch.total, "p50": p50, "p95": p95, "p99": p99, "max": greatest}
        for column, statistic in zip(self.columns, self.statistics, strict=True):
            yield Sample(column, found[statistic])


class Way:
    """A way of writing a series: two names of one, in seconds and in milliseconds, lead to one place."""

    __slots__ = ("factor", "kind", "place", "unit")

    def __init__(self, place: Place, unit: str, kind: str, factor: float) -> None:
        self.place = place
        self.unit = unit
        self.kind = kind
        self.factor = factor
