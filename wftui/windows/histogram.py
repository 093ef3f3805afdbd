"""Quantiles of cumulative histograms: from what came between two of them, never from a lifetime."""

from bisect import bisect_left
from collections.abc import Sequence
from operator import sub
from typing import Final

_INFINITE: Final = float("inf")
_AHEAD: Final = 1.0
"""A page that is written while requests end may show a bucket that much behind."""


def quantiles(
    bounds: Sequence[float], before: Sequence[float], now: Sequence[float], shares: Sequence[float]
) -> list[float] | None:
    """The values below which these shares of the observations lie that came in between, linear inside a bucket.

    Args:
        bounds: Upper bounds, ascending, the last infinite.
        before: Observations at or below each bound, earlier.
        now: The same, now.
        shares: 0 to 1.

    Returns:
        In the bounds' unit, as many as shares. In the first bucket its upper, in the last its lower bound: all
        that is known. None: nothing came, a count fell (a reset), or there is no finite bound.
    """
    if len(bounds) < 2 or not len(bounds) == len(before) == len(now):
        return None
    gained = list(map(sub, now, before))
    total = gained[-1]
    if total <= 0 or min(gained) < -_AHEAD:
        return None
    found = []
    for share in shares:
        wanted = share * total
        place = (
            bisect_left(gained, wanted) if wanted > 0 else next(at for at, item in enumerate(gained) if item > 0)
        )
        if place == 0:
            found.append(bounds[0])
        elif bounds[place] == _INFINITE:
            found.append(bounds[place - 1])
        else:
            low, below = bounds[place - 1], max(0.0, gained[place - 1])
            found.append(low + (bounds[place] - low) * (wanted - below) / (gained[place] - below))
    return found
