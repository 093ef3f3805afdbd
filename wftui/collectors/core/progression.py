"""How the core's person gets on, as far as the core told since it was followed."""

from __future__ import annotations

from typing import Final

from wftui.collectors.core.protocol import Reward

SOON_S: Final = 600.0
"""A rate of levels an hour is told of sessions that are at least so long."""
_LEVEL_UP: Final = "level_up"


class Progression:
    """Level, points and session. A session is the time from a core's first event on, until the core began anew."""

    def __init__(self) -> None:
        self.level: int | None = None
        """None: not told."""
        self.points: float | None = None
        """Sum of what was given since the core is followed; None: nothing was told."""
        self._began_s: float | None = None
        self._gained = 0

    def begin(self, at_s: float) -> None:
        """A session began."""
        self._began_s = at_s
        self._gained = 0

    def event(self, at_s: float) -> None:
        """The core said something."""
        if self._began_s is None:
            self.begin(at_s)

    def reward(self, told: Reward) -> None:
        """Something was given."""
        self.points = (self.points or 0.0) + told.points
        if told.level is None:
            self._gained += told.kind == _LEVEL_UP
            return
        before, self.level = self.level, told.level
        if before is not None:
            self._gained += max(0, told.level - before)
        else:
            self._gained += told.kind == _LEVEL_UP

    def session_s(self, at_s: float) -> float | None:
        """How long it lasts; None: there is none."""
        return None if self._began_s is None else max(0.0, at_s - self._began_s)

    def rate(self, at_s: float) -> float | None:
        """Levels an hour; None: the session is too short to say, or no level was ever told."""
        lasted = self.session_s(at_s)
        if lasted is None or lasted < SOON_S or (self.level is None and not self._gained):
            return None
        return self._gained * 3600.0 / lasted
