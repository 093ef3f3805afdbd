"""What the engine should say, computed from whole lists by the definitions, without any of its code."""

from __future__ import annotations

import math
from collections.abc import Sequence

NAN = math.nan
Answer = bool | None


def known(values: Sequence[float], window_s: int) -> list[bool]:
    """Of each second whether its window is: the last window without any value ended as long ago as it is."""
    found = []
    last_value = last_empty = -1
    for place, value in enumerate(values):
        if not math.isnan(value):
            last_value = place
        if last_value < 0 or place - last_value >= window_s:
            last_empty = place
        found.append(place - last_empty >= window_s)
    return found


def aggregate(values: Sequence[float], place: int, window_s: int, aggregation: str) -> float:
    """Of the seconds that end with ``place``."""
    found = [item for item in values[max(0, place - window_s + 1) : place + 1] if not math.isnan(item)]
    if aggregation == "count":
        return float(len(found))
    if aggregation == "sum":
        return math.fsum(found)
    if aggregation == "avg":
        return math.fsum(found) / len(found)
    if aggregation == "last":
        return found[-1]
    shares = {"min": 0.0, "p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    rank = max(1, math.ceil(shares[aggregation] * len(found)))
    return sorted(found)[rank - 1]


def numbers(values: Sequence[float], window_s: int, aggregation: str) -> list[float]:
    """Of each second; NaN where it is not known."""
    if not window_s:
        return list(values)
    return [
        aggregate(values, place, window_s, aggregation) if there else NAN
        for place, there in enumerate(known(values, window_s))
    ]


def compare(value: float, operator: str, limit: float) -> bool:
    """As the sign says."""
    return {
        ">": value > limit,
        ">=": value >= limit,
        "<": value < limit,
        "<=": value <= limit,
        "==": value == limit,
        "!=": value != limit,
    }[operator]


def rates(readings: Sequence[float]) -> list[float]:
    """Per second, of a counter that is read each second; a missed reading is bridged, a reset is not."""
    found = []
    last: int | None = None
    for place, reading in enumerate(readings):
        rate = NAN
        if not math.isnan(reading):
            if last is not None and place - last <= 2 and reading >= readings[last]:
                rate = (reading - readings[last]) / (place - last)
            last = place
        found.append(rate)
    return found


def life(answers: Sequence[Answer], for_s: int, keep_s: int, stale_s: int = 300) -> str:
    """Letters of the states, one a second, of a rule that looks at each second."""
    letters = ""
    run = held = told = 0
    for place, answer in enumerate(answers):
        run = run + 1 if answer else 0
        held = place if answer else held
        told = place if answer is not None else told
        if letters.endswith("F") and answer is None:
            letters += "F" if place - told < max(stale_s, keep_s) else "."
        elif letters.endswith("F"):
            letters += "F" if answer or place - held < keep_s else "."
        else:
            letters += "." if not run else "F" if run > for_s else "p"
    return letters
