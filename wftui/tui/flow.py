"""How many frames may be on their way to the terminal, told by the terminal itself.

After each frame the terminal is asked for the place of its cursor. It answers when it has consumed everything
before the question, whatever lies between (tmux, sshd, TCP, a modem): the answer acknowledges the frame, and the
time it took is how far the picture lags behind. A window of frames in flight grows by a part of a frame for each
window that came back in time and shrinks by a fifth when one came late (additive increase, multiplicative
decrease), so a slow link lowers the frame rate and never holds a queue of stale frames.

Pure arithmetic on clock readings; no toolkit, no clock of its own.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from wftui.units import NS_PER_S

NAN: Final = float("nan")
LATE_NS: Final = 50_000_000
"""An answer that takes this much longer than the quickest one has waited behind other output."""
WIDEST: Final = 16.0
"""Frames in flight at most: 60 a second over a quarter of a second."""
_FIRST: Final = 2.0
_SHRINK: Final = 0.8
_BASE_NS: Final = 30 * NS_PER_S
"""The quickest answer of the last one or two such stretches is the link's own time."""
_LOST_NS: Final = 2 * NS_PER_S
"""An answer that has not come for so long may never come: one frame is tried without it."""
_DEAF_NS: Final = 3 * NS_PER_S
_DEAF_FRAMES: Final = 3
"""So many questions in so long without any answer: a terminal that does not know the question."""
_BLIND_NS: Final = NS_PER_S // 10
"""Between two frames to a terminal that never answers."""
_ASK_AGAIN_NS: Final = 30 * NS_PER_S
_RARE_NS: Final = 7 * NS_PER_S // 10
_REST_NS: Final = 5 * NS_PER_S // 2
_QUICK_NS: Final = NS_PER_S // 20
_KNOWN: Final = 3
"""After so many answers, the newest in less than ``_QUICK_NS``, frames further apart than ``_RARE_NS`` are asked
about every ``_REST_NS`` only."""
_GROWTH: Final = 0.5
_STRETCH_NS: Final = 2 * NS_PER_S
_ENOUGH_HZ: Final = 20
"""With so many frames a second nothing more is given up for a higher rate."""
_WANTED: Final = 8
"""Frames in a stretch from which on it says something."""
_CALM_NS: Final = 20 * NS_PER_S
_CALMEST_NS: Final = 320 * NS_PER_S
COLUMNS: Final = 40
"""The question is asked at one column of so many, which names the frame in the answer."""

NONE: Final = 0
RATE: Final = 1
"""Fewer frames."""
PALETTE: Final = 2
"""Fewer shades."""
DEPTH: Final = 3
"""256 colours."""
PANELS: Final = 4
"""Slower panels. What is given up, one after the other, when the window alone does not help."""


def given_up(shed: int, *, deep: bool, shaded: bool, quick: bool) -> str:
    """What the person misses most of what is given up, in two or three words; empty: nothing.

    ``deep``: there were more colours than 256. ``shaded``: colours move on the screen. ``quick``: data would come
    more often than when panels are slow.
    """
    if shed >= PANELS and quick:
        return "data every 2 s"
    if shed >= DEPTH and deep:
        return "fewer colours"
    if shed >= PALETTE and shaded:
        return "fewer shades"
    return "fewer frames" if shed >= RATE else ""


class _Sent(NamedTuple):
    column: int
    at_ns: int
    frame: int


class Flow:
    """One terminal. Times are nanoseconds of one clock (CLOCK_MONOTONIC or CLOCK_BOOTTIME)."""

    def __init__(self) -> None:
        self.window = _FIRST
        self.shed = NONE
        """How much is given up now, ``NONE`` to ``PANELS``."""
        self.answers = 0
        """Answers since the view began."""
        self.frames = 0
        """Number of the newest frame that was given to the terminal."""
        self.void = 0
        """Number of the newest frame that nobody will acknowledge any more."""
        self.watched = False
        """Whether somebody waits for the answer to each frame."""
        self._taken: deque[tuple[int, int]] = deque(maxlen=64)
        self._flying: deque[_Sent] = deque()
        self._base: list[tuple[int, int]] = []
        self._recent: deque[int] = deque(maxlen=64)
        self._newest_ns = 0
        self._asked = 0
        self._asked_ns = 0
        self._first_ns = 0
        self._sent_ns = 0
        self._growth = 0.0
        self._stretch_ns = 0
        self._sent = 0
        self._refused = 0
        self._calm_since_ns = 0
        self._calm_ns = _CALM_NS
        self._lowered = False
        """Whether the last change of ``shed`` took something back."""

    # ---- before a frame

    def ready(self, now_ns: int) -> bool:
        """Whether a frame may go out now."""
        if self.is_deaf(now_ns):
            return now_ns - self._sent_ns >= _BLIND_NS
        if self.room:
            return True
        self._refused += 1
        # The answer is lost, or the terminal stands still. What waits in the buffers is at most one frame more.
        return now_ns - max(self._flying[0].at_ns, self._sent_ns) > _LOST_NS + 4 * self.base_ns

    def is_deaf(self, now_ns: int) -> bool:
        """Whether the terminal has never answered, however often it was asked."""
        return not self.answers and self._asked >= _DEAF_FRAMES and now_ns - self._first_ns > _DEAF_NS

    def question(self, width: int, height: int, now_ns: int) -> str:
        """What ends a frame of this size: a place and the question for it; empty for a deaf terminal.

        The bottom line: what a terminal sends for F3 with a modifier looks like an answer from the top line.
        """
        before_ns, self._sent_ns = self._sent_ns, now_ns
        self._sent += 1
        self.frames += 1
        if self._rests(now_ns - before_ns, now_ns):
            return ""
        if self.is_deaf(now_ns) and now_ns - self._asked_ns < _ASK_AGAIN_NS:
            return ""
        if not self._asked:
            self._first_ns = now_ns
        self._asked += 1
        self._asked_ns = now_ns
        column = 1 + self._asked % max(1, min(COLUMNS, width - 1))
        self._flying.append(_Sent(column, now_ns, self.frames))
        while len(self._flying) > WIDEST:
            self._flying.popleft()
        return f"\x1b[{height};{column}H\x1b[6n"

    def _rests(self, since_ns: int, now_ns: int) -> bool:
        """Whether a terminal that keeps up has a frame a second: most answers would tell nothing new.

        Each wakes a thread, which costs a twentieth of what such a frame costs.
        """
        return (
            not self.watched
            and since_ns >= _RARE_NS
            and now_ns - self._asked_ns < _REST_NS
            and self.answers >= _KNOWN
            and self._newest_ns < _QUICK_NS
            and not self._flying
            and self.shed == NONE
        )

    # ---- the answer

    def answered(self, column: int, now_ns: int) -> bool:
        """Take an answer; False when none was awaited.

        ``column`` from 1. A column that was not asked for acknowledges the oldest frame: there are terminals
        that answer from elsewhere.
        """
        if not self._flying:
            return False
        place = next((at for at, sent in enumerate(self._flying) if sent.column == column), 0)
        for _ in range(place):
            self._flying.popleft()
        sent = self._flying.popleft()
        took = max(0, now_ns - sent.at_ns)
        self._taken.append((sent.frame, now_ns))
        self.answers += 1
        self._newest_ns = took
        self._recent.append(took)
        self._learn(took, now_ns)
        if took > self.base_ns + LATE_NS:
            self.window = max(1.0, self.window * _SHRINK)
            self._growth = _GROWTH
        else:
            # As fast as it can until the first late answer, then half a frame for each window that came back.
            self.window = min(WIDEST, self.window + (self._growth / self.window if self._growth else 1.0))
        if now_ns - self._stretch_ns >= _STRETCH_NS:
            self._weigh(now_ns)
        return True

    def _learn(self, took: int, now_ns: int) -> None:
        """Keep the quickest answer of this stretch and of the one before."""
        if not self._base or now_ns - self._base[-1][0] > _BASE_NS:
            self._base = [*self._base[-1:], (now_ns, took)]
        elif took < self._base[-1][1]:
            self._base[-1] = (self._base[-1][0], took)

    def _weigh(self, now_ns: int) -> None:
        """Give up more when most frames found no room and few went out; take back one thing after a calm time.

        Who relapses waits twice as long the next time: a link that is only just too slow does not swing.
        """
        wanted = self._sent + self._refused
        rate_hz = self._sent * NS_PER_S / (now_ns - self._stretch_ns)
        if wanted >= _WANTED and 2 * self._refused > wanted and rate_hz < _ENOUGH_HZ:
            if self.shed < PANELS:
                if self._lowered:
                    self._calm_ns = min(_CALMEST_NS, 2 * self._calm_ns)
                self.shed += 1
                self._lowered = False
            self._calm_since_ns = now_ns
        elif 10 * self._refused > wanted:
            self._calm_since_ns = now_ns
        elif self.shed and now_ns - self._calm_since_ns >= self._calm_ns:
            self.shed -= 1
            self._lowered = True
            self._calm_since_ns = now_ns
        self._sent = self._refused = 0
        self._stretch_ns = now_ns

    def forget(self) -> None:
        """What was on its way is void: the screen was left, or another terminal may be there now."""
        self._flying.clear()
        self._asked_ns = 0
        self.void = self.frames

    def take_taken(self) -> list[tuple[int, int]]:
        """(frame, when) of what was acknowledged since this was asked last: the frame and all before it were."""
        found = list(self._taken)
        self._taken.clear()
        return found

    # ---- what is known

    @property
    def base_ns(self) -> int:
        """The quickest answer of late; 0 before the first."""
        return min((took for _, took in self._base), default=0)

    @property
    def room(self) -> bool:
        """Whether fewer frames are on their way than the window holds."""
        return len(self._flying) < int(self.window)

    @property
    def flying(self) -> int:
        """Frames that are not acknowledged yet."""
        return len(self._flying)

    def lag_s(self, now_ns: int) -> float:
        """How far the terminal is behind, in seconds: the newest answer, or the one still awaited if that is
        longer. NaN when it never answered."""
        if not self.answers:
            return NAN
        waiting = now_ns - self._flying[0].at_ns if self._flying else 0
        return max(self._newest_ns, waiting) / 1e9

    def take_lag_s(self) -> float:
        """Median of the answers since this was asked last, in seconds; NaN when there were none."""
        found = sorted(self._recent)[len(self._recent) // 2] / 1e9 if self._recent else NAN
        self._recent.clear()
        return found
