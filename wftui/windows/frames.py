"""What the frames of a program were like over the last 1 s, 10 s and 5 min (WF-TECH-009, WF-OPS-002).

Frames come with the time they took, and the parts of it where the program tells them. Seconds are kept as sums and
a sketch, so a window costs the same at any rate: quantiles are within 1 %, all else is exact. Times are seconds of
one steady clock.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Final, NamedTuple

from wftui.windows.sketch import Sketch

NAN: Final = float("nan")
BUDGET_S: Final = 0.01667
"""Of a frame. Not 1/60: programs tell milliseconds, and 16.67 of them are not too many."""
HZ: Final = 60.0
SHARES: Final = {"token": 0.0080, "energy": 0.0030, "render": 0.0040, "overhead": 0.00167}
"""Of the budget, s: token processing, energy, UI rendering, everything else."""
JANK_SHARE: Final = 0.05
"""The jank budget: so many frames of a hundred (0.05 = five) may be over the budget of a frame."""
SPANS_S: Final = (1, 10, 300)
_COARSE_S: Final = 10


class Look(NamedTuple):
    """Frames of a window. NaN: unknown; a window without a frame is unknown, but for ``fps``, which is 0."""

    frames: int
    fps: float
    """{frame}/s that were told, over the window or since the first frame there ever was began."""
    mean_s: float
    p50_s: float
    p95_s: float
    p99_s: float
    longest_s: float
    jitter_s: float
    """Standard deviation of the time of a frame."""
    low_fps: float
    """1 % low: 1 / mean time of the slowest hundredth, one frame at least; NaN: that took no time."""
    over: int
    """Frames that took longer than the budget."""
    lost: int
    """Frames that never came, by the gaps in their numbers."""
    jank: float
    """Share of the jank budget in use; 1 = used up."""
    stability: float
    """0 to 100; 100: 60 a second, all alike."""
    stages: dict[str, float]
    """Part of a frame to its mean time, s, over the frames that told any: what one left out took it nothing."""
    bottleneck: str
    """The part that is furthest over its share of the budget; empty: none is over."""


class _Bin:
    """Frames of a stretch of time."""

    __slots__ = ("lost", "middle", "number", "over", "sketch", "squares", "stages", "told")

    def __init__(self, number: int) -> None:
        self.number = number
        self.sketch = Sketch()
        self.middle = 0.0
        """Mean, s."""
        self.squares = 0.0
        """Sum of the squares of what differs from it: of sums of squares little would be left."""
        self.over = 0
        self.lost = 0
        self.stages: dict[str, float] = {}
        """Sums, s."""
        self.told = 0
        """Frames that told their parts."""

    def add(self, took_s: float) -> None:
        self.sketch.add(took_s)
        before = took_s - self.middle
        self.middle += before / self.sketch.count
        self.squares += before * (took_s - self.middle)

    def merge(self, other: _Bin) -> None:
        count, more = self.sketch.count, other.sketch.count
        if more:
            apart = other.middle - self.middle
            self.middle += apart * more / (count + more)
            self.squares += other.squares + apart * apart * count * more / (count + more)
            self.sketch.merge(other.sketch)
        self.over += other.over
        self.lost += other.lost
        self.told += other.told
        for stage, took_s in other.stages.items():
            self.stages[stage] = self.stages.get(stage, 0.0) + took_s


class Frames:
    """Of one program."""

    def __init__(self) -> None:
        self.frames = 0
        """Since it is known."""
        self.over = 0
        self.lost = 0
        self._began_s = NAN
        self._fine: deque[_Bin] = deque()
        self._coarse: deque[_Bin] = deque()

    def frame(self, at_s: float, took_s: float, stages: Mapping[str, float] | None = None) -> None:
        """A frame was ready at a moment after ``took_s``, finite; ``stages``: part to its time, s."""
        if not self.frames:
            self._began_s = at_s - took_s
        self.frames += 1
        over = took_s > BUDGET_S
        self.over += over
        for held in self._bins(at_s):
            held.add(took_s)
            held.over += over
            if stages:
                held.told += 1
                for stage, part_s in stages.items():
                    held.stages[stage] = held.stages.get(stage, 0.0) + part_s

    def lose(self, at_s: float, count: int) -> None:
        """So many frames are missing between the numbers of two that came."""
        self.lost += count
        for held in self._bins(at_s):
            held.lost += count

    def look(self, at_s: float, span_s: int) -> Look:
        """The last whole seconds before a moment: ``span_s`` of them, one of ``SPANS_S``. Of 5 minutes, the last
        whole ten seconds and those before them."""
        bins, step = (self._coarse, _COARSE_S) if span_s > _COARSE_S else (self._fine, 1)
        last = math.floor(at_s / step) - 1
        first = last + 1 - span_s // step
        whole = _Bin(last)
        for held in bins:
            if first <= held.number <= last:
                whole.merge(held)
        since_s = max(float(first * step), self._began_s) if self.frames else 0.0
        return _look(whole, max(BUDGET_S, (last + 1) * step - since_s))

    def _bins(self, at_s: float) -> tuple[_Bin, _Bin]:
        return (
            _newest(self._fine, math.floor(at_s), _COARSE_S + 1),
            _newest(self._coarse, math.floor(at_s / _COARSE_S), SPANS_S[-1] // _COARSE_S + 1),
        )


def _newest(bins: deque[_Bin], number: int, kept: int) -> _Bin:
    if not bins or bins[-1].number < number:
        bins.append(_Bin(number))
        while bins[0].number <= number - kept - 1:
            bins.popleft()
    return bins[-1]


def _look(held: _Bin, seconds: float) -> Look:
    """``seconds``: that the window holds, without what was before the first frame there ever was."""
    sketch = held.sketch
    count = sketch.count
    if not count:
        return Look(0, 0.0, NAN, NAN, NAN, NAN, NAN, NAN, NAN, 0, held.lost, NAN, NAN, {}, "")
    mean = sketch.total / count
    p50, p95, p99 = sketch.quantiles(0.5, 0.95, 0.99)
    jitter = math.sqrt(held.squares / count)
    slowest = sketch.mean_above(0.99)
    stages = {stage: took_s / held.told for stage, took_s in held.stages.items()}
    return Look(
        frames=count,
        fps=count / seconds,
        mean_s=mean,
        p50_s=p50,
        p95_s=p95,
        p99_s=p99,
        longest_s=sketch.greatest,
        jitter_s=jitter,
        low_fps=1.0 / slowest if slowest > 0 else NAN,
        over=held.over,
        lost=held.lost,
        jank=(held.over + held.lost) / (count + held.lost) / JANK_SHARE,
        stability=stability(count / seconds, jitter),
        stages=stages,
        bottleneck=bottleneck(stages),
    )


def stability(fps: float, jitter_s: float) -> float:
    """0 to 100: the share of 60 frames a second that came, less what their times differ of the budget."""
    return 100.0 * min(1.0, fps / HZ) * (1.0 - min(1.0, jitter_s / BUDGET_S))


def bottleneck(stages: Mapping[str, float]) -> str:
    """The part of a frame (s) that is furthest over its share of the budget; empty: none is over or told."""
    over = {stage: took_s / SHARES[stage] for stage, took_s in stages.items() if stage in SHARES}
    worst = max(over, key=over.__getitem__, default="")
    return worst if worst and over[worst] > 1.0 else ""
