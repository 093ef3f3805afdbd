"""What a range's buckets hold, gathered from raw segments, rollups and the journal."""

from array import array

from wftui.model.sample import Column
from wftui.windows.buckets import NAN, Buckets


class Total:
    """One series, bucket by bucket. Arrays of shape (points,), NaN = gap."""

    __slots__ = ("maximum", "minimum", "total", "weight")

    def __init__(self, points: int) -> None:
        self.weight = array("q", bytes(8 * points))
        """Values counted."""
        self.total = array("d", bytes(8 * points))
        self.minimum = array("d", [NAN]) * points
        self.maximum = array("d", [NAN]) * points

    def mean(self) -> "array[float]":
        """Means, never beyond the extremes: those of rollups are cut to 12 bits."""
        return array(
            "d",
            [
                min(max(total / weight, low), high) if weight else NAN
                for total, weight, low, high in zip(
                    self.total, self.weight, self.minimum, self.maximum, strict=True
                )
            ],
        )


class Totals:
    """Buckets over [start, start + step * points)."""

    def __init__(self, start_s: int, step_s: int, points: int) -> None:
        self.start_s, self.step_s, self.points = start_s, step_s, points
        self.counts = [0] * points
        """Ticks per bucket."""
        self.columns: dict[str, Column] = {}
        """By text: every series that there was, also without a value."""
        self.series: dict[str, Total] = {}

    def fold(self, text: str, place: int, weight: int, total: float, low: float, high: float) -> None:
        """Add ``weight`` values with that sum and these extremes to one bucket."""
        held = self.series.get(text)
        if held is None:
            held = self.series[text] = Total(self.points)
        if not held.weight[place]:
            held.minimum[place], held.maximum[place] = low, high
        else:
            held.minimum[place] = min(low, held.minimum[place])
            held.maximum[place] = max(high, held.maximum[place])
        held.weight[place] += weight
        held.total[place] += total

    def take(self, buckets: Buckets) -> None:
        """Add all of the same buckets made from ticks."""
        places = [place for place, ticks in enumerate(buckets.counts) if ticks]
        for place in places:
            self.counts[place] += buckets.counts[place]
        for text, found in buckets.series.items():
            for place in places:
                low = found.minimum[place]
                weight = found.count[place] if found.count is not None else int(low == low)
                if weight:
                    self.fold(text, place, weight, found.total[place], low, found.maximum[place])
