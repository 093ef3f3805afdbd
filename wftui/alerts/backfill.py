"""What is usual, from before the first second: means of the series that rules compare with their past.

Asked for once and in portions; who asks, and when, is the recorder's or the replay's.
"""

from array import array
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from wftui import log
from wftui.alerts.engine import Engine
from wftui.alerts.signals import Signal
from wftui.clock import NS_PER_S
from wftui.model.series import selector_of
from wftui.model.tick import unpack
from wftui.windows.coarse import Usual
from wftui.wire import messages as m

CELLS: Final = 16_000
"""Series times steps of one portion: 400 KB of an answer, decoded in 2 ms."""
TRIES: Final = 3
_NAN: Final = float("nan")


class Wanted(NamedTuple):
    """The usual of one series, or of one divided by another, that knows nothing of the past yet."""

    usual: Usual
    signal: Signal
    per: Signal | None = None

    def texts(self) -> tuple[str, ...]:
        """Of the series that it takes."""
        own = self.signal.column.series.text
        return (own,) if self.per is None else (own, self.per.column.series.text)


class Asked(NamedTuple):
    """One portion."""

    question: m.Range
    wanted: list[Wanted]
    behind_s: int
    """From the engine's seconds to the wall clock, which is all that history knows."""


class Filling:
    """Says what is to be asked, and puts the answers in."""

    def __init__(self, engine: Engine, now_s: Callable[[], int]) -> None:
        """``now_s``: the wall clock, seconds since 1970."""
        self._engine = engine
        self._now_s = now_s
        self._failed = 0

    def next(self) -> Asked | None:
        """The next portion; None: none waits."""
        wanted = portion(self._waiting())
        if not wanted:
            return None
        usual = wanted[0].usual
        behind_s = self._now_s() - self._engine.steady_s
        until_s = (usual.newest * usual.step_s + behind_s) // usual.step_s * usual.step_s + usual.step_s
        since_s = until_s - (usual.steps + 2) * usual.step_s
        selectors = sorted({selector_of(text) for item in wanted for text in item.texts()})
        question = m.Range(selectors, since_s * NS_PER_S, until_s * NS_PER_S, usual.steps + 2)
        return Asked(question, wanted, behind_s)

    def answered(self, asked: Asked, found: m.Message) -> int:
        """Put an answer in; returns how many usuals it filled, 0: it was none."""
        if not isinstance(found, m.RangeReply):
            return self.failed(asked, found.message if isinstance(found, m.Error) else "it was no answer")
        self._failed = 0
        means = {item.column.series.text: unpack(item.mean) for item in found.series}
        for item in asked.wanted:
            usual = item.usual
            usual.fill(usual.newest * usual.step_s - usual.phase_s, _steps(item, means, found, asked.behind_s))
        return len(asked.wanted)

    def failed(self, asked: Asked, reason: str) -> int:
        """Ask again later; after some times do without: what is usual is learnt from now on."""
        self._failed += 1
        if self._failed < TRIES:
            return 0
        self._failed = 0
        wanted = asked.wanted
        log.warning(
            "alert", "the past of some series is not known, they warm up", series=len(wanted), reason=reason
        )
        for item in wanted:
            item.usual.filled = True
        return len(wanted)

    def _waiting(self) -> Iterable[Wanted]:
        for signal in self._engine.signals():
            for usual in signal.usuals.values():
                if not usual.filled and usual.newest >= 0:
                    yield Wanted(usual, signal)
            for usual, per in signal.shares.values():
                if not usual.filled and usual.newest >= 0:
                    yield Wanted(usual, signal, per)


def portion(waiting: Iterable[Wanted]) -> list[Wanted]:
    """Some that one question can ask for: of the same steps, not too many."""
    found: list[Wanted] = []
    cells = 0
    for item in waiting:
        first = found[0].usual if found else item.usual
        if (item.usual.step_s, item.usual.steps) != (first.step_s, first.steps):
            continue
        cells += item.usual.steps * len(item.texts())
        if found and cells > CELLS:
            break
        found.append(item)
    return found


def _steps(wanted: Wanted, means: "dict[str, array[float]]", reply: m.RangeReply, behind_s: int) -> "array[float]":
    """Means of the steps of one usual, oldest first, the last of them that before the open one.

    Buckets begin at round times, steps anywhere: each step takes the bucket in which its middle lies.
    """
    usual = wanted.usual
    values = [means.get(text) for text in wanted.texts()]
    own = values[0]
    found = array("d", [_NAN]) * usual.steps
    if own is None or (wanted.per is not None and values[-1] is None):
        return found
    for place in range(usual.steps):
        middle_s = (
            (usual.newest - usual.steps + place) * usual.step_s - usual.phase_s + usual.step_s // 2 + behind_s
        )
        bucket = (middle_s * NS_PER_S - reply.start_ns) // reply.step_ns
        if not 0 <= bucket < len(own):
            continue
        value = own[bucket]
        if wanted.per is not None:
            of = values[-1][bucket]  # type: ignore[index]  # None was asked for above
            value = value / of if of else _NAN
        found[place] = value
    return found
