"""States that come and go: each turn is told at most once a minute, and what lasts is told in the end."""

from typing import Final

from wftui.clock import NS_PER_S

PAUSE_NS: Final = 60 * NS_PER_S


class Flaps:
    """The turns of one thing's state."""

    def __init__(self, state: str) -> None:
        """``state``: what everybody knows."""
        self._told = state
        self._told_ns: dict[str, int] = {}
        """State to when (CLOCK_BOOTTIME) it was told last."""
        self._passing = False
        self._left_out = 0

    @property
    def told(self) -> str:
        """The state that was told last."""
        return self._told

    def turn(self, state: str, boottime_ns: int) -> int | None:
        """Whether to tell a state: how many comings and goings were left out before it; None: do not tell it.

        To be asked at each change, and now and then while a state lasts.
        """
        if state == self._told:
            self._left_out += self._passing
            self._passing = False
            return None
        last_ns = self._told_ns.get(state)
        if last_ns is not None and boottime_ns - last_ns < PAUSE_NS:
            self._passing = True
            return None
        self._told, self._told_ns[state] = state, boottime_ns
        self._passing = False
        left_out, self._left_out = self._left_out, 0
        return left_out
