"""Where a straight line through what was leads to."""

import math
from collections.abc import Sequence
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
    places = [place for place, value in enumerate(values) if value == value]
    count = len(places)
    if count < _LEAST:
        return None
    middle = sum(places) / count
    known = [value for value in values if value == value]
    mean = math.fsum(known) / count
    across = [place - middle for place in places]
    up = [value - mean for value in known]
    spread = math.fsum(map(mul, across, across))
    both = math.fsum(map(mul, across, up))
    slope = both / spread
    left = max(0.0, math.fsum(map(mul, up, up)) - slope * both)
    error = math.sqrt(left / (count - 2) / spread)
    if slope == 0 or abs(slope) < SURE * error:
        return None
    return mean + slope * (len(values) - 1 + ahead_s / step_s - middle)
