"""How high lanes are and how far apart, so that as many as there are fill the room that there is."""

from __future__ import annotations

from typing import Final, NamedTuple

_APART: Final = 2
"""Blank lines between two lanes at most."""


class Places(NamedTuple):
    """Of lanes below one another."""

    height: int
    """Lines of each."""
    gap: int
    """Lines between two."""
    shown: int
    """How many fit."""

    @property
    def lines(self) -> int:
        """All that they take."""
        return self.shown * (self.height + self.gap) - self.gap


def places(room: int, count: int, heights: tuple[int, ...]) -> Places:
    """The highest of ``heights`` (tallest first) with which ``count`` lanes, at least a line apart, have room;
    else lanes of one line, apart where that goes, and not all where even that does not."""
    for height in heights:
        spare = room - count * height
        if spare >= count - 1:
            return Places(height, min(_APART, spare // (count - 1)) if count > 1 else 0, count)
    shown = min(count, max(1, room))
    spare = room - count
    return Places(1, min(_APART, spare // (count - 1)) if count > 1 and spare >= count - 1 else 0, shown)
