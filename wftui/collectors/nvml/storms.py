"""Errors that come in thousands: the first is told, then one a minute with the number of those between."""

from typing import Final

from wftui.clock import NS_PER_S

PAUSE_S: Final = 60.0
_MOST: Final = 256
"""Kinds remembered; what comes in so many kinds is not remembered at all."""


class Storms:
    """Of one source."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, int], list[int]] = {}
        """(whose, number) to [boottime (ns) of the one that was told, how many came since]."""

    def tell(self, whose: str, number: int, boottime_ns: int) -> int | None:
        """How many of its kind were left out since the last that was told; None: leave this one out, too."""
        known = self._told.get((whose, number))
        if known is not None and boottime_ns - known[0] < PAUSE_S * NS_PER_S:
            known[1] += 1
            return None
        if len(self._told) >= _MOST:
            self._told.clear()
        self._told[whose, number] = [boottime_ns, 0]
        return known[1] if known is not None else 0
