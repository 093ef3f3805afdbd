"""What lies around the cursor: graphs in blocks, events, the states of sources, the begin of the recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import msgspec

from wftui.errors import ProtocolError
from wftui.tui.blocks import SECONDS, Blocks
from wftui.tui.chronicle import MARK, Chronicle, beside
from wftui.tui.portions import portions
from wftui.tui.state import GRAPHED
from wftui.tui.transport import CELL_S
from wftui.units import NS_PER_S
from wftui.wire import messages as wire

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence

    from wftui.model.event import Event
    from wftui.model.sample import Column
    from wftui.tui.moment import Moment
    from wftui.tui.state import State

_M = TypeVar("_M", bound=wire.Message)
_MARKS: Final = 400
_FARTHEST: Final = 4096
"""Events of one question, when all nearer ones are no stations."""
_STATES: Final = ("source.state", "recorder.started", "store.failed", "store.resumed")


class Ask(Protocol):
    """Puts a question and gives its answer."""

    async def __call__(self, message: wire.Message, expected: type[_M]) -> _M: ...


class Around:
    """The surroundings of one stay in the past."""

    def __init__(
        self, ask: Ask, selectors: Sequence[str] = (), columns: Callable[[], Sequence[Column]] = list
    ) -> None:
        """``selectors``: series of graphs; none: those that all layouts have. ``columns``: what is recorded."""
        self._ask = ask
        self._columns = columns
        self._selectors = list(selectors) or sorted(GRAPHED)
        self.blocks = Blocks()
        self.events = Chronicle()
        self.first: int | None = None
        """The first second of the recording; None: not known yet."""
        self._states = Chronicle(_STATES)
        self._asked_once = False
        self._begin = 0

    def window(self, cursor: int, newest: int, span: int) -> tuple[int, int]:
        """The seconds [begin, end) of the time bar: it holds still while the cursor moves inside it."""
        end = newest + 1
        if not self._begin <= cursor < self._begin + span:
            # Entered from the live end: the past is to the left. Left by an edge: half a bar of room ahead.
            self._begin = end - span if cursor > end - span else cursor - span // 2
        self._begin = max(0, min(self._begin, end - span))
        # Cells begin on whole multiples: a bar that moves keeps its pattern.
        self._begin = -(-self._begin // CELL_S) * CELL_S
        return self._begin, self._begin + span

    def missing(
        self, cursor: int, window: tuple[int, int], newest: int, graph: int
    ) -> Coroutine[None, None, None] | None:
        """The next thing to ask, the nearest first; None: all is here. ``graph``: seconds of the widest graph."""
        begin, end = window[0], max(window[1], cursor + 1)
        number = self.blocks.missing(min(begin, cursor - graph), end, cursor, newest)
        if number is not None:
            return self._block(number, newest)
        for chronicle, since in ((self.events, begin), (self._states, cursor)):
            question = chronicle.question(since * NS_PER_S, end * NS_PER_S)
            if question is not None:
                return self._chronicle(chronicle, question)
        return None if self._asked_once else self._once()

    async def _block(self, number: int, newest: int) -> None:
        try:
            replies = [
                await self._ask(self.blocks.question(number, some), wire.RangeReply)
                for some in portions(self._selectors, self._columns(), SECONDS)
            ]
        except ProtocolError:
            self.blocks.failed(number)
            raise
        whole = replies[0]
        if len(replies) > 1:
            together = [item for reply in replies for item in reply.series]
            whole = msgspec.structs.replace(whole, series=together)
        self.blocks.take(number, whole, newest)

    async def _chronicle(self, chronicle: Chronicle, question: wire.Events) -> None:
        chronicle.take(await self._ask(question, wire.EventsReply))

    async def _once(self) -> None:
        """What holds for the whole stay: all marks, and where the recording begins."""
        marks = await self._ask(wire.Events(types=[MARK], limit=_MARKS, newest=True), wire.EventsReply)
        self.events.pin(marks.events)
        self.first = (await self._ask(wire.At(0), wire.AtReply)).next_s
        self._asked_once = True

    async def beside(self, anchor: tuple[int, int], direction: int, live: Iterable[Event]) -> Event | None:
        """The nearest event after (+1) or before (-1) a place (time, seq) that one may travel to; None: none.

        ``live``: events that the feed told.

        Raises:
            ProtocolError: Nobody answers.
        """
        limit = 64
        while True:
            if direction > 0:
                question = wire.Events(since_ns=anchor[0], limit=limit)
            else:
                question = wire.Events(until_ns=anchor[0] + 1, limit=limit, newest=True)
            reply = await self._ask(question, wire.EventsReply)
            found = beside([*reply.events, *live, *self.events.known], anchor, direction)
            if not reply.more or limit > _FARTHEST:
                return found
            # What the feed or a mark tells may lie beyond what this answer reached.
            edge = reply.events[-1 if direction > 0 else 0].time_ns
            if found is not None and (found.time_ns - edge) * direction <= 0:
                return found
            limit *= 8

    def again(self) -> None:
        """What had no answer may be asked again."""
        self.events.failed()
        self._states.failed()

    def forgive(self) -> None:
        """Another recorder answers: what the one before would not tell may be asked again."""
        self.blocks.forgive()

    def bring(self, moment: Moment, second: int, live: State) -> None:
        """Bring events and sources of a moment up to date; ``live``: what the feed told since."""
        upto = (second + 1) * NS_PER_S
        for chronicle in (self.events, self._states):
            chronicle.add(live.events)
        moment.show_events(self.events.known, self.events.before(upto), self.events.version)
        moment.show_sources(self._states.known[: self._states.before(upto)], live.sources)
