"""How many values of a window are beyond a limit: all that "its p95 is above 2" needs, for little."""

from wftui.windows.sliding import Sliding, rank


class Tally:
    """Counts those above a limit, or at it, too; followed second by second, counted anew after a gap."""

    __slots__ = ("_count", "_number", "_strict", "limit", "window")

    def __init__(self, window: Sliding, limit: float, *, strict: bool) -> None:
        """``strict``: a value that is the limit does not count."""
        self.window = window
        self.limit = limit
        self._strict = strict
        self._count = 0
        self._number = -1
        """Of the window's second that was counted last."""

    def count(self) -> int:
        """How many there are now."""
        window, limit = self.window, self.limit
        number = window.number
        if number == self._number + 1:  # NaN is neither above nor at it
            if self._strict:
                self._count += (window.last > limit) - (window.left > limit)
            else:
                self._count += (window.last >= limit) - (window.left >= limit)
        elif number != self._number:
            self._count = window.beyond(limit, strict=self._strict)
        self._number = number
        return self._count


class RankTest:
    """Whether a quantile of a window is beyond a limit: the answer of its comparison, without the quantile.

    The value of rank k is above a limit when fewer than k values are not; k depends on the count alone.
    """

    __slots__ = ("_above", "_of", "_rank", "_share", "_tally")

    def __init__(self, window: Sliding, share: float, operator: str, limit: float) -> None:
        """
        Args:
            window: That it is of.
            share: In [0, 1]; 0: the minimum, 1: the maximum.
            operator: ``>``, ``>=``, ``<`` or ``<=``.
            limit: Right of the operator.
        """
        self._share = share
        self._above = operator in (">", ">=")
        self._tally = Tally(window, limit, strict=operator in (">", "<="))
        self._of = 0
        """Values that the rank is of."""
        self._rank = 1

    @property
    def limit(self) -> float:
        """That it is compared with."""
        return self._tally.limit

    @property
    def window(self) -> Sliding:
        """That it is of."""
        return self._tally.window

    def holds(self) -> bool:
        """Of a window that has values."""
        tally = self._tally
        count = tally.window.count
        if count != self._of:
            self._of, self._rank = count, rank(self._share, count)
        return (count - tally.count() < self._rank) is self._above
