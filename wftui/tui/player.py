"""Playing: one step each half second at most, as far as the speed says; a late answer leaves steps out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SPEEDS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
FRAME_S: Final = 0.5
"""Shortest time between two moments."""


class Player:
    """A clock that calls ``step`` with a number of ticks while it plays."""

    def __init__(self, step: Callable[[int], None]) -> None:
        self._step = step
        self.playing = False
        self.speed = 1.0
        self._timer: asyncio.TimerHandle | None = None

    def play(self, *, on: bool) -> None:
        """Play or pause."""
        self.playing = on
        self._schedule()

    def faster(self, step: int) -> None:
        """The next speed up or down."""
        place = SPEEDS.index(self.speed) + step
        self.speed = SPEEDS[min(len(SPEEDS) - 1, max(0, place))]
        self._schedule()

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.playing:
            wait_s = max(FRAME_S, 1 / self.speed)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._due, wait_s)

    def _due(self, wait_s: float) -> None:
        self._schedule()
        self._step(max(1, round(self.speed * wait_s)))
