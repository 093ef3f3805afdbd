"""What is usual, from before the start: means of the series that rules compare with their past, asked for once.

In the background and in portions, by the questions of views: the last hour from the journal, what is older from
the history service. Until then a rule says that it is warming up.
"""

import asyncio
from array import array
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, NamedTuple

import msgspec

from wftui import log
from wftui.alerts.engine import Engine
from wftui.alerts.signals import Signal
from wftui.clock import NS_PER_S, Instant
from wftui.errors import WftopError
from wftui.model.series import selector_of
from wftui.model.tick import unpack
from wftui.recorder.child import Passed
from wftui.windows.coarse import Usual
from wftui.wire import messages as m

BEGIN_S: Final = 10.0
"""After the start: views that wait for their past come first."""
LOOK_S: Final = 30.0
"""Between two looks for series and rules that are new."""
PAUSE_S: Final = 0.5
"""Between two portions."""
CELLS: Final = 16_000
"""Series times steps of one portion: 400 KB of an answer, decoded in 2 ms."""
TRIES: Final = 3
_NAN: Final = float("nan")
_reply: Final = msgspec.msgpack.Decoder(m.RangeReply)
Ask = Callable[[m.Range], Awaitable[m.Message | Passed]]


class Wanted(NamedTuple):
    """The usual of one series, or of one divided by another, that knows nothing of the past yet."""

    usual: Usual
    signal: Signal
    per: Signal | None = None

    def texts(self) -> tuple[str, ...]:
        """Of the series that it takes."""
        own = self.signal.column.series.text
        return (own,) if self.per is None else (own, self.per.column.series.text)


class Backfill:
    """Belongs to the recorder's loop."""

    def __init__(self, engine: Engine, now: Callable[[], Instant], ask: Ask) -> None:
        """``ask``: a question about the past, as views ask it."""
        self._engine = engine
        self._now = now
        self._ask = ask
        self._failed = 0

    async def run(self) -> None:
        """Fill until cancelled."""
        await asyncio.sleep(BEGIN_S)
        while True:
            filled = await self.fill()
            await asyncio.sleep(PAUSE_S if filled else LOOK_S)

    async def fill(self) -> int:
        """Ask for one portion; returns how many usuals it filled, 0: none waits, or there is no answer now."""
        wanted = portion(self._waiting())
        if not wanted:
            return 0
        usual = wanted[0].usual
        # History knows the wall clock only.
        behind_s = self._now().time_ns // NS_PER_S - self._engine.steady_s
        until_s = (usual.newest * usual.step_s + behind_s) // usual.step_s * usual.step_s + usual.step_s
        since_s = until_s - (usual.steps + 2) * usual.step_s
        selectors = sorted({selector_of(text) for item in wanted for text in item.texts()})
        question = m.Range(selectors, since_s * NS_PER_S, until_s * NS_PER_S, usual.steps + 2)
        try:
            reply = await self._ask(question)
            found = _reply.decode(reply.body) if isinstance(reply, Passed) and reply.tag == _TAG else reply
        except (WftopError, msgspec.MsgspecError) as error:
            return self._give_up(wanted, str(error))
        if not isinstance(found, m.RangeReply):
            return self._give_up(wanted, found.message if isinstance(found, m.Error) else "it was no answer")
        self._failed = 0
        means = {item.column.series.text: unpack(item.mean) for item in found.series}
        for item in wanted:
            steps = _steps(item, means, found, behind_s)
            item.usual.fill(usual.newest * usual.step_s - item.usual.phase_s, steps)
        return len(wanted)

    def _waiting(self) -> Iterable[Wanted]:
        for signal in self._engine.signals():
            for usual in signal.usuals.values():
                if not usual.filled and usual.newest >= 0:
                    yield Wanted(usual, signal)
            for usual, per in signal.shares.values():
                if not usual.filled and usual.newest >= 0:
                    yield Wanted(usual, signal, per)

    def _give_up(self, wanted: list[Wanted], reason: str) -> int:
        """Ask again later; after some times do without: what is usual is learnt from now on."""
        self._failed += 1
        if self._failed < TRIES:
            return 0
        self._failed = 0
        log.warning(
            "alert", "the past of some series is not known, they warm up", series=len(wanted), reason=reason
        )
        for item in wanted:
            item.usual.filled = True
        return len(wanted)


_TAG: Final = m.TAGS[m.RangeReply]


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
