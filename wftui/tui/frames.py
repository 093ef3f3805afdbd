"""The frame clock: one, for the whole view, and what frames cost.

Four states. *idle*: nothing changes, nobody wakes up. *data*: a frame when data came, which the feed decides.
*smooth* and *full*: something on the screen moves, and the clock makes frames by itself, 12 or 62.5 a second.
62.5, because the system's timers end a little late: at exactly 60 a frame now and then would miss its turn.

What moves may be wanted, and still not be given: over SSH nothing moves unless a person asks for it, a terminal
that is behind gets fewer frames, and full motion ends some time after the last key.
"""

from __future__ import annotations

import gc
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

DATA: Final = "data"
SMOOTH: Final = "smooth"
FULL: Final = "full"
HZ: Final = {SMOOTH: 12.0, FULL: 62.5}
SHED_HZ: Final = 30.0
"""The most where the terminal does not keep up."""
FULL_S: Final = 60.0
"""So long after the last key full motion goes on."""
NAN: Final = float("nan")
_SAMPLES: Final = 512
_COLLECT_S: Final = 1.0

AUTO: Final = "auto"
REDUCED: Final = "reduced"
MOTIONS: Final = (AUTO, REDUCED, FULL)
"""How much may move: what the link and the moment allow, nothing, or all of it as long as it is on the screen."""


class Costs:
    """What the frames of late took. Seconds; NaN without any."""

    def __init__(self) -> None:
        self._work: deque[float] = deque(maxlen=_SAMPLES)
        self._key = NAN
        self._longest = NAN
        self._last = NAN
        self._drawn: deque[tuple[float, float]] = deque(maxlen=_SAMPLES)
        """(when, how long after it was due) each frame of the clock was made and written, since this was asked
        for last, s."""
        self._stages: dict[str, float] = {}

    def stage(self, name: str, took_s: float) -> None:
        """A part of the frame that is being made."""
        self._stages[name] = self._stages.get(name, 0.0) + took_s

    def take_drawn(self, now_s: float) -> tuple[list[float], list[float], dict[str, float]]:
        """(time of each frame of the clock, how long ago it was, part to the sum of its times), all in seconds,
        since this was asked last. The time of a frame is that from when it was due until it was written.
        ``now_s``: of ``time.perf_counter``."""
        drawn, stages = list(self._drawn), self._stages
        self._drawn.clear()
        self._stages = {}
        return [took_s for _, took_s in drawn], [now_s - at_s for at_s, _ in drawn], stages

    def whole(self, began_s: float, ended_s: float) -> None:
        """A frame of all there is, between those of the clock."""
        self._work.append(ended_s - began_s)

    def frame(self, began_s: float, ended_s: float, late_s: float = 0.0) -> None:
        """A frame of the clock; ``late_s``: it began so long after it was due."""
        self._work.append(ended_s - began_s)
        interval = began_s - self._last
        # Unknown is neither longer nor shorter: the first frame after a pause has no interval.
        if interval == interval and not interval <= self._longest:
            self._longest = interval
        self._drawn.append((ended_s, late_s + ended_s - began_s))
        self._last = began_s

    def pause(self) -> None:
        """What comes next is no interval of a clock."""
        self._last = NAN

    def key(self, took_s: float) -> None:
        """From a key to its frame."""
        if not took_s <= self._key:
            self._key = took_s

    def take(self) -> tuple[float, float, float]:
        """(95th percentile of the work of a frame, longest time of a key, longest interval between two frames of
        the clock) since this was asked last."""
        work = sorted(self._work)
        found = work[int(0.95 * (len(work) - 1))] if work else NAN
        key, self._key = self._key, NAN
        longest, self._longest = self._longest, NAN
        self._work.clear()
        return found, key, longest


class Clock:
    """Makes frames while something moves. One timer, none while nothing does."""

    def __init__(self, loop: asyncio.AbstractEventLoop, make: Callable[[float], None]) -> None:
        """``make``: one frame of what moves; it is told the seconds of CLOCK_MONOTONIC that the frame is for."""
        self._loop = loop
        self._make = make
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._collected = 0.0
        self.late_s = 0.0
        """How long after it was due the frame that is being made began."""
        self.state = DATA
        self.hz = 0.0

    def want(self, state: str, *, most_hz: float = 1e3) -> None:
        """Go over to a state; nothing happens when it is the present one."""
        hz = min(HZ.get(state, 0.0), most_hz)
        if state == self.state and hz == self.hz:
            return
        moving = self.hz > 0
        self.state, self.hz = state, hz
        if hz and not moving:
            self._due = self._loop.time()
            self._plan()
            # Whole passes over the toolkit's objects stop the loop for 8 to 15 ms: while something moves there
            # are only those of the young, between two frames.
            gc.disable()
        elif not hz:
            self.stop()

    def stop(self) -> None:
        """Nothing moves any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.hz or self.state != DATA:
            self.state, self.hz = DATA, 0.0
        gc.enable()

    def _plan(self) -> None:
        now = self._loop.time()
        self._due += 1.0 / self.hz
        if self._due < now:
            # Turns that were missed are not made up for.
            self._due = now
        self._timer = self._loop.call_at(self._due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = self._loop.time()
        self.late_s = max(0.0, now - self._due)
        self._make(now)
        if not self.hz:
            return
        now = self._loop.time()
        if now - self._collected > _COLLECT_S and self._due + 1.0 / self.hz - now > 0.004:
            self._collected = now
            gc.collect(1)
        self._plan()


def state_for(motion: str, *, moves: bool, remote: bool, asked: bool, idle_s: float, heard: bool) -> str:
    """How the screen moves.

    Args:
        motion: One of ``MOTIONS``.
        moves: Whether anything on the screen can move.
        remote: The terminal is at the other end of SSH.
        asked: A person asked for full motion on this screen.
        idle_s: Seconds since the last key.
        heard: The terminal acknowledges frames; one that does not is not given more than it needs.
    """
    if not moves or motion == REDUCED or not heard:
        return DATA
    if motion == FULL or (asked and idle_s < FULL_S):
        return FULL
    return DATA if remote else SMOOTH
