"""Rolling statistics over the rings, computed when somebody asks: what nobody reads costs nothing."""

from typing import Final, NamedTuple

from wftui.windows.ring import Ring

SPANS_S: Final = (1.0, 10.0, 300.0)


class Stats(NamedTuple):
    """Statistics of the samples of one series in one window."""

    n: int
    minimum: float
    maximum: float
    mean: float
    last: float


def over(ring: Ring, boottime_ns: int, span_s: float) -> Stats | None:
    """Statistics of the last ``span_s`` seconds before ``boottime_ns``; None: no sample there."""
    count = 0
    total = last = minimum = maximum = 0.0
    for _, value in ring.since(boottime_ns - int(span_s * 1e9)):
        if count == 0:
            last = minimum = maximum = value
        elif value < minimum:
            minimum = value
        elif value > maximum:
            maximum = value
        total += value
        count += 1
    return Stats(count, minimum, maximum, total / count, last) if count else None
