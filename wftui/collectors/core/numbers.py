"""The numbers of a core's frames: which are missing, and when they began anew."""

from __future__ import annotations

from typing import Final

MOST: Final = 60 * 3600
"""A gap of more than an hour's frames is another numbering, no loss."""
BACK: Final = 600
"""A number so far below the newest, or one of the first, means that the core began anew."""


class Numbers:
    """Of one core; goes on over lost connections, whose frames are missing, too."""

    def __init__(self) -> None:
        self.lost = 0
        """Frames missing between numbers that came."""
        self.begun = 0
        """Times that the numbers began anew."""
        self._newest: int | None = None
        self._shed = 0

    def shed(self, count: int) -> None:
        """So many events were not read: a gap that follows may be theirs."""
        self._shed += count

    def take(self, number: int) -> int:
        """Of an event that carries it. Returns frames that the core lost right before it."""
        newest = self._newest
        if newest is None or number > newest + MOST or number < newest - BACK or number <= 1 < newest:
            self.begun += newest is not None
            self._newest, self._shed = number, 0
            return 0
        if number <= newest:
            return 0
        gap = number - newest - 1
        lost = gap - min(gap, self._shed)
        self._newest, self._shed = number, 0
        self.lost += lost
        return lost
