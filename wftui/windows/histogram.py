"""Quantiles of cumulative histograms: from what came between two of them, never from a lifetime."""

from collections.abc import Sequence
from itertools import pairwise


def added(before: Sequence[float], now: Sequence[float]) -> list[float] | None:
    """Observations per bucket that came between two cumulative snapshots of the same bounds.

    Returns:
        Observations in each bucket alone; None where a count fell (a reset) or the snapshots do not match.
    """
    if len(before) != len(now):
        return None
    cumulative = [new - old for old, new in zip(before, now, strict=True)]
    alone = cumulative[:1] + [high - low for low, high in pairwise(cumulative)]
    # A page that is written while requests end may show a bucket one ahead of the next one.
    if any(item < -1 for item in cumulative):
        return None
    return [max(0.0, item) for item in alone]


def quantile(bounds: Sequence[float], alone: Sequence[float], share: float) -> float | None:
    """The value below which that share of the observations lies, linear inside a bucket.

    Args:
        bounds: Upper bounds, ascending, the last infinite.
        alone: Observations in each bucket.
        share: 0 to 1.

    Returns:
        In the bounds' unit. In the first bucket its upper, in the last its lower bound: all that is known.
        None without observations.
    """
    total = sum(alone)
    if total <= 0:
        return None
    wanted, seen = share * total, 0.0
    for place, count in enumerate(alone):
        if count > 0 and seen + count >= wanted:
            if place == 0:
                return bounds[0] if bounds[0] != float("inf") else None
            low, high = bounds[place - 1], bounds[place]
            return low if high == float("inf") else low + (high - low) * (wanted - seen) / count
        seen += count
    return None
