"""Where a straight line through what was leads to."""

import math
from collections.abc import Sequence
from functools import lru_cache
from operator import mul
from typing import Final

SURE: Final = 4.0
"""The slope is told from noise when it is this many of its standard errors."""
_LEAST: Final = 3


def reaches(values: Sequence[float], step_s: float, ahead_s: float) -> float | None:
    """What a least-squares line tells for ``ahead_s`` seconds after the last value.

    Args:
        values: One a step, oldest first, shape (steps,); NaN: none.
        step_s: Seconds between them.
        ahead_s: How far to look.

    Returns:
        None: fewer than three values, or no slope that differs from noise.
    """
    mean = math.fsum(values) / max(1, len(values))
    if mean == mean:
        known, across = values, _whole(len(values))
        middle = (len(values) - 1) / 2
        both = math.fsum(map(mul, across, values))  # the mean falls out: what is across adds up to nothing
    else:
        places = [place for place, value in enumerate(values) if value == value]
        known = [value for value in values if value == value]
        middle = sum(places) / max(1, len(places))
        across = tuple([place - middle for place in places])
        mean = math.fsum(known) / max(1, len(known))
        both = math.fsum(map(mul, across, [value - mean for value in known]))
    count = len(known)
    if count < _LEAST:
        return None
    means = (mean,) * count
    spread = math.hypot(*across) ** 2
    slope = both / spread
    left = max(0.0, math.dist(known, means) ** 2 - slope * both)
    error = math.sqrt(left / (count - 2) / spread)
    if slope == 0 or abs(slope) < SURE * error:
        return None
    return mean + slope * (len(values) - 1 + ahead_s / step_s - middle)


@lru_cache(8)
def _whole(count: int) -> tuple[float, ...]:
    """How far each place is from the middle, of values without a gap."""
    return tuple([place - (count - 1) / 2 for place in range(count)])
