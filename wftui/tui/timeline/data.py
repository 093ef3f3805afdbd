"""What the recorder answered, and its numbers on the columns of a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from wftui.model.tick import unpack
from wftui.tui.history import NAN, Sampled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.model.sample import Column
    from wftui.tui.timeline.window import Grid
    from wftui.wire import messages as wire

GAP: Final = -1
"""Nobody recorded then."""
BLANK: Final = -2
"""Before the recording, still to come, or not asked for."""
_BLOCKS: Final = 12
_CERTAIN: Final = 2.0
"""A trend is one when the whole change is that many times the scatter around it."""


class Trace(NamedTuple):
    """One series, a number per bucket; NaN: no value."""

    column: Column
    low: list[float]
    mean: list[float]
    high: list[float]


class Sampling(Protocol):
    """Whatever can tell a series on half columns."""

    def sampled(self, text: str, places: Sequence[int]) -> Sampled | None:
        """None when it does not hold the series."""
        ...


class Answer:
    """Buckets of equal length since ``start_ns``: ticks in each, and the series."""

    def __init__(self, reply: wire.RangeReply, chosen: Sequence[str]) -> None:
        self.start_ns = reply.start_ns
        self.step_ns = max(1, reply.step_ns)
        self.level_s = reply.level_s
        self.counts = list(reply.counts)
        wanted = set(chosen)
        self.traces = {
            item.column.series.text: Trace(
                item.column,
                unpack(item.minimum).tolist(),
                unpack(item.mean).tolist(),
                unpack(item.maximum).tolist(),
            )
            for item in reply.series
            if item.column.series.text in wanted
        }

    @property
    def end_ns(self) -> int:
        """Where the last bucket ends."""
        return self.start_ns + len(self.counts) * self.step_ns

    def extended(self, tail: Answer, oldest_ns: int) -> Answer | None:
        """These buckets with a newer end; None when the two do not lie on the same steps."""
        shift, rest = divmod(tail.start_ns - self.start_ns, self.step_ns)
        # What begins or stops to exist meanwhile is asked for as a whole.
        if rest or tail.step_ns != self.step_ns or not 0 <= shift <= len(self.counts):
            return None
        if tail.traces.keys() != self.traces.keys():
            return None
        drop = min(shift, max(0, (oldest_ns - self.start_ns) // self.step_ns))
        joined = object.__new__(Answer)
        joined.start_ns = self.start_ns + drop * self.step_ns
        joined.step_ns = self.step_ns
        # The end comes from the seconds of the journal, also under a window that is made of coarser steps.
        joined.level_s = max(self.level_s, tail.level_s)
        joined.counts = self.counts[drop:shift] + tail.counts
        joined.traces = {
            text: Trace(
                new.column,
                old.low[drop:shift] + new.low,
                old.mean[drop:shift] + new.mean,
                old.high[drop:shift] + new.high,
            )
            for text, old in self.traces.items()
            for new in (tail.traces[text],)
        }
        return joined

    def places(self, grid: Grid) -> list[int]:
        """The bucket of each half column; -1 outside the answer."""
        half = grid.column_ns / 2
        first = grid.start_ns + half / 2 - self.start_ns
        step, count = self.step_ns, len(self.counts)
        found = [int((first + half * at) // step) for at in range(2 * grid.columns)]
        return [place if 0 <= place < count else -1 for place in found]

    def holes(self, places: Sequence[int], first_ns: int | None, now_ns: int) -> list[int]:
        """0 for each half column with ticks, ``GAP`` or ``BLANK`` for the others.

        Buckets at now may be empty because their tick is not stored yet: they are no gap.
        """
        step = self.step_ns
        counts = self.counts
        begins = first_ns if first_ns is not None else self.start_ns + step * next(
            (place for place, count in enumerate(counts) if count), len(counts)
        )  # fmt: skip
        newest = now_ns - max(5_000_000_000, step + 2_000_000_000)
        out = []
        for place in places:
            if place < 0:
                out.append(BLANK)
            elif counts[place]:
                out.append(0)
            else:
                begin = self.start_ns + place * step
                out.append(GAP if begin + step > begins and begin < newest else BLANK)
        return out

    def sampled(self, text: str, places: Sequence[int]) -> Sampled | None:
        """One series on half columns; None when the answer does not hold it."""
        trace = self.traces.get(text)
        if trace is None:
            return None
        low, mean, high = trace.low, trace.mean, trace.high
        return Sampled(
            [low[place] if place >= 0 else NAN for place in places],
            [mean[place] if place >= 0 else NAN for place in places],
            [high[place] if place >= 0 else NAN for place in places],
        )

    def at(self, text: str, places: Sequence[int]) -> tuple[float, float, float]:
        """Lowest, mean and highest of a series in these buckets; NaN without a value."""
        trace = self.traces.get(text)
        held = [place for place in places if place >= 0] if trace is not None else []
        known = [place for place in held if trace is not None and trace.mean[place] == trace.mean[place]]
        if trace is None or not known:
            return NAN, NAN, NAN
        weights = [max(1, self.counts[place]) for place in known]
        mean = sum(trace.mean[place] * weight for place, weight in zip(known, weights, strict=True)) / sum(weights)
        return min(trace.low[place] for place in known), mean, max(trace.high[place] for place in known)

    def newest(self, text: str) -> float:
        """The last mean that is known; NaN without one in the last buckets."""
        trace = self.traces.get(text)
        if trace is None:
            return NAN
        recent = trace.mean[-max(6, 6_000_000_000 // self.step_ns + 2) :]
        return next((value for value in reversed(recent) if value == value), NAN)


def trend(means: Sequence[float], scale: float) -> int | None:
    """1 rising, -1 falling, 0 neither; None with too little to say.

    The slope is the median of the slopes between medians of blocks (Theil-Sen), so a spike does not turn it. It
    counts when the change over all is more than twice the scatter of the medians around the line, and more than
    2 % of ``scale``.
    """
    known = [(place, value) for place, value in enumerate(means) if value == value]
    if len(known) < 2 * _BLOCKS:
        return None
    size = len(known) / _BLOCKS
    centres = []
    for block in range(_BLOCKS):
        part = known[int(block * size) : int((block + 1) * size)]
        centres.append((part[len(part) // 2][0], _median([value for _, value in part])))
    slopes = [
        (b[1] - a[1]) / (b[0] - a[0]) for at, a in enumerate(centres) for b in centres[at + 1 :] if b[0] != a[0]
    ]
    slope = _median(slopes)
    middle = _median([value - slope * place for place, value in centres])
    scatter = 1.4826 * _median([abs(value - slope * place - middle) for place, value in centres])
    change = slope * (known[-1][0] - known[0][0])
    if abs(change) <= max(_CERTAIN * scatter, 0.02 * scale):
        return 0
    return 1 if change > 0 else -1


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
