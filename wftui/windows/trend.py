"""Where a straight line through what was leads to."""

import math
from collections.abc import Sequence
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
    known = [(place, value) for place, value in enumerate(values) if value == value]
    count = len(known)
    if count < _LEAST:
        return None
    middle = sum(place for place, _ in known) / count
    mean = math.fsum(value for _, value in known) / count
    spread = math.fsum((place - middle) ** 2 for place, _ in known)
    slope = math.fsum((place - middle) * (value - mean) for place, value in known) / spread
    left = math.fsum((value - mean - slope * (place - middle)) ** 2 for place, value in known)
    error = math.sqrt(left / (count - 2) / spread)
    if slope == 0 or abs(slope) < SURE * error:
        return None
    return mean + slope * (len(values) - 1 + ahead_s / step_s - middle)
