"""The past that is older than the seconds the view keeps: columns of equal length, told by the recorder.

Graphs say which columns they need while they are drawn; after the frame what is missing is asked for, one question
at a time. The newest ten minutes are never asked for: the view has them second by second, so that an hour's
columns are added to every ten minutes only.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.errors import ProtocolError
from wftui.model.tick import unpack
from wftui.tui.history import CAPACITY, NAN, STATISTICS, Sampled
from wftui.units import NS_PER_S
from wftui.wire import messages as wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.tui.app import WftopApp

STEPS: Final = ((600, 1), (2000, 5), (4000, 10), (24_000, 60))
"""Up to so many seconds: the length of a column; beyond them ``LAST``. All fit the stored steps."""
LAST: Final = 300
_LATE_S: Final = 8
"""Ticks are stored up to some seconds after they were closed."""
_AGAIN_S: Final = 15
"""After a question without an answer."""


def step_for(seconds: int) -> int:
    """Seconds of one column of a past of this length; 1: the view keeps it."""
    return next((step for most, step in STEPS if seconds <= most), LAST)


class Columns(NamedTuple):
    """As ``Sampled``, in less memory: a day of a series is 9 KB."""

    low: array[float]
    mean: array[float]
    high: array[float]


class _Held:
    """Columns [first, until) of some series; a column is numbered by its begin (UTC) through its length."""

    __slots__ = ("first", "series", "texts", "until")

    def __init__(self, first: int, until: int, texts: frozenset[str], series: dict[str, Columns]) -> None:
        self.first = first
        self.until = until
        self.texts = texts
        self.series = series


class Far:
    """Columns by their length; live and in the past the same."""

    def __init__(self) -> None:
        self.busy = False
        """Whether a question is under way."""
        self.version = 0
        """Another number as soon as other columns are here, or have to be wished for again."""
        self._held: dict[int, _Held] = {}
        self._reach: dict[int, int] = {}
        """Length of a column to how many of them are needed before those that the view can make itself."""
        self._texts: dict[int, set[str]] = {}
        self._asked: dict[int, frozenset[str]] = {}
        """The series of the question about columns of a length that was made last."""
        self._failed: dict[int, int] = {}

    def told(self, text: str, step: int, first: int, count: int) -> Sampled:
        """The columns [first, first + count) of a series; NaN = gap, or not here yet: then it is wanted now."""
        self._reach[step] = max(count, self._reach.get(step, 0))
        self._texts.setdefault(step, set()).add(text)
        return self.held(text, step, first, count)

    def held(self, text: str, step: int, first: int, count: int) -> Sampled:
        """As ``told``, of what is here."""
        held = self._held.get(step)
        series = held.series.get(text) if held is not None else None
        if held is None or series is None or count <= 0:
            nothing = [NAN] * max(0, count)
            return Sampled(nothing, nothing, nothing)
        return Sampled(*(_cut(column, held.first, first, count) for column in series))

    def forget_wishes(self) -> None:
        """Other lengths were chosen: what graphs still need, they say when they are drawn again."""
        self.version += 1
        self._reach.clear()
        self._texts.clear()
        self._failed.clear()

    def question(self, end: int, newest: int) -> tuple[int, wire.Range] | None:
        """What to ask next, and the length of its columns; None: all is here.

        ``end``: the second (UTC) that graphs end with; ``newest``: the last one that was recorded.
        """
        for step in [step for step in self._held if step not in self._reach]:
            del self._held[step]
        for step, reach in self._reach.items():
            until = fresh(end, step)
            first = until - reach
            held, texts = self._held.get(step), self._texts[step]
            known = held is not None and texts <= held.texts and held.first <= first <= held.until
            if reach <= 0 or (known and held is not None and until <= held.until):
                continue
            if abs(end - self._failed.get(step, -_AGAIN_S)) < _AGAIN_S:
                continue
            whole = (newest + 1 - _LATE_S) // step
            # In the past the cursor goes both ways.
            spare = reach // 4 if end < newest - CAPACITY else 0
            since = held.until if known and held is not None else first - spare
            upto = min(whole, until + spare) if spare else whole
            if upto > since:
                from wftui.tui.timeline.choice import selectors  # here: most graphs show minutes only

                self._asked[step] = frozenset(texts)
                names = selectors(sorted(texts))
                return step, wire.Range(names, since * step * NS_PER_S, upto * step * NS_PER_S, upto - since)
        return None

    def failed(self, step: int, end: int) -> None:
        """There was no answer."""
        self._failed[step] = end

    def take(self, step: int, question: wire.Range, reply: wire.RangeReply) -> None:
        """Keep an answer: behind what is here, or instead of it."""
        self.version += 1
        since, upto = question.since_ns // NS_PER_S // step, question.until_ns // NS_PER_S // step
        told: dict[str, Columns] = {}
        for item in reply.series:
            stat = item.column.series.stat
            if not stat or stat in STATISTICS:
                mean = unpack(item.mean)
                low = unpack(item.minimum) or mean
                high = unpack(item.maximum) or mean
                told[item.column.series.text] = Columns(
                    *(
                        _stepped(values, at, reply, step, since, upto)
                        for at, values in enumerate((low, mean, high))
                    )
                )
        held, texts = self._held.get(step), self._asked[step]
        if held is None or held.until != since or not texts <= held.texts:
            self._held[step] = _Held(since, upto, texts, told)
            return
        drop = min(since - held.first, max(0, upto - held.first - 2 * self._reach.get(step, 0)))
        joined: dict[str, Columns] = {}
        for text in held.series.keys() | told.keys():
            old = held.series.get(text) or _nothing(since - held.first)
            new = told.get(text) or _nothing(upto - since)
            joined[text] = Columns(*(a[drop:] + b for a, b in zip(old, new, strict=True)))
        self._held[step] = _Held(held.first + drop, upto, texts, joined)


def fresh(end: int, step: int) -> int:
    """The first column that is whole among the seconds that the view keeps up to ``end``."""
    return -(-(end - CAPACITY + 1) // step)


def follow(app: WftopApp) -> None:
    """After a frame: ask for what its graphs lacked."""
    from wftui.tui.state import LIVE  # here: a state holds these columns

    state = app.seen
    far, tick = state.far, state.tick
    if far.busy or tick is None or app.link is None or app.state.link != LIVE:
        return
    wanted = far.question(tick.time_s, app.past.newest)
    if wanted is None:
        return
    step, question = wanted
    end = tick.time_s
    far.busy = True

    async def fetch() -> None:
        try:
            far.take(step, question, await app.past.ask(question, wire.RangeReply))
        except ProtocolError:
            far.failed(step, end)  # the graph is empty there; the frame says whether a recorder is connected
            return
        finally:
            far.busy = False
        # What panels kept was drawn without it.
        app.seen.kept.clear()
        app.paint()

    app.run_worker(fetch(), name="columns", group="columns")


def _nothing(count: int) -> Columns:
    unknown = array("d", [NAN]) * count
    return Columns(unknown, unknown, unknown)


def _cut(values: Sequence[float], begin: int, first: int, count: int) -> list[float]:
    """The places [first, first + count) of a list that begins with ``begin``; NaN outside it."""
    low, high = max(first, begin), min(first + count, begin + len(values))
    if low >= high:
        return [NAN] * count
    return [*[NAN] * (low - first), *values[low - begin : high - begin], *[NAN] * (first + count - high)]


def _stepped(
    values: Sequence[float], kind: int, reply: wire.RangeReply, step: int, since: int, upto: int
) -> array[float]:
    """An answer on the columns [since, upto): where it has coarser steps, each stands for several.

    ``kind``: 0 the lowest of several finer ones, 1 their mean, 2 the highest.
    """
    theirs = max(1, reply.step_ns // NS_PER_S)
    start = reply.start_ns // NS_PER_S
    if theirs == step and start % step == 0:
        return array("d", _cut(values, start // step, since, upto - since))
    out = array("d")
    for column in range(since, upto):
        place = (column * step - start) // theirs
        beyond = max(place + 1, ((column + 1) * step - start) // theirs)
        part = [value for value in values[max(0, place) : max(0, beyond)] if value == value]
        out.append(
            NAN if not part else sum(part) / len(part) if kind == 1 else min(part) if kind == 0 else max(part)
        )
    return out
