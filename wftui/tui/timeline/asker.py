"""Fetches what the timeline needs: one question at a time, the newest wish wins, nothing while it is not shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from wftui.errors import ProtocolError
from wftui.names import EVENT_TYPES
from wftui.tui.timeline.choice import selectors
from wftui.tui.timeline.data import Answer
from wftui.tui.timeline.model import Timeline, Wish
from wftui.wire import messages as wire

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from wftui.model.event import Event
    from wftui.tui.state import State

_M = TypeVar("_M", bound=wire.Message)
_NS: Final = 1_000_000_000
EVENTS: Final = 2000
_TYPES: Final = sorted(name for name in EVENT_TYPES if not name.startswith(("view.", "burst.")))
_LATE_S: Final = 8
"""Ticks are stored up to some seconds after they were closed: the tail that is asked again."""
_PATIENCE_S: Final = 30.0


class Ask(Protocol):
    """Puts a question to the recorder."""

    async def __call__(self, message: wire.Message, expected: type[_M], timeout_s: float = ...) -> _M:
        """Raises: ProtocolError."""
        ...


class Asker:
    """Keeps a timeline whole while it is on the screen."""

    def __init__(
        self,
        timeline: Timeline,
        state: State,
        ask: Ask,
        start: Callable[[Coroutine[None, None, None]], object],
        paint: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        """``start`` runs a coroutine beside the screen; ``paint`` shows what came; ``say`` tells the person."""
        self._timeline = timeline
        self._state = state
        self._ask = ask
        self._start = start
        self._paint = paint
        self._say = say
        self._busy = False
        self._events_of: tuple[int, int] | None = None
        self._failed: Wish | None = None
        self._catalogued = False

    def refresh(self, now_ns: int) -> None:
        """Called with every frame of the screen: begins to fetch when something is missing."""
        timeline = self._timeline
        self._add_live_events()
        if self._busy or (timeline.columns and not self._missing(now_ns)):
            return
        if not timeline.columns and self._failed is not None and self._failed == timeline.wish(now_ns):
            return
        self._busy = True
        self._start(self._fetch(now_ns))

    def renew(self) -> None:
        """The catalogue may have grown: the list of series was opened."""
        self._catalogued = False

    def compare(self) -> None:
        """Fill the table that was opened."""
        table = self._timeline.table
        if table is not None:
            self._start(self._compare())

    def travel(self, direction: int, now_ns: int) -> None:
        """To the next or previous event outside the window."""
        self._start(self._travel(direction, now_ns))

    # ---- questions

    def _missing(self, now_ns: int) -> bool:
        timeline = self._timeline
        wish = timeline.wish(now_ns)
        if not wish.chosen or wish == self._failed:
            return False
        return not self._catalogued or not timeline.covered(wish)

    async def _fetch(self, now_ns: int) -> None:
        timeline = self._timeline
        try:
            if not self._catalogued:
                await self._catalogue(now_ns)
            wish = timeline.wish(now_ns)
            if wish.chosen and not timeline.covered(wish):
                await self._range(wish)
            await self._events(wish)
            self._failed = None
        except ProtocolError as error:
            timeline.error = str(error)
            # Not again until something else is wished for: the next bucket, another window.
            self._failed = timeline.wish(now_ns)
        finally:
            timeline.asking = False
            self._busy = False
        self._paint()

    async def _catalogue(self, now_ns: int) -> None:
        reply = await self._ask(wire.Catalogue(), wire.CatalogueReply, _PATIENCE_S)
        self._catalogued = True
        self._timeline.take_catalogue(reply.columns, reply.first_ns, now_ns, lambda text: self._total(text))

    def _total(self, text: str) -> float:
        state = self._state
        place = state.places.get(text)
        return state.values[place] if place is not None and place < len(state.values) else float("nan")

    async def _range(self, wish: Wish) -> None:
        """The window, or only its end when the rest is here."""
        timeline = self._timeline
        had, answer = timeline.answered, timeline.answer
        since = wish.since_s
        tail = (
            had is not None
            and answer is not None
            and had.chosen == wish.chosen
            and had.step_s == wish.step_s
            and had.since_s <= wish.since_s <= had.until_s <= wish.until_s
        )
        if tail and had is not None:
            late = -(-_LATE_S // wish.step_s) * wish.step_s
            since = max(wish.since_s, had.until_s - wish.step_s - late)
        else:
            timeline.asking = True
            self._paint()
        reply = await self._ask(
            wire.Range(
                selectors(wish.chosen),
                since * _NS,
                wish.until_s * _NS,
                max(1, (wish.until_s - since) // wish.step_s),
            ),
            wire.RangeReply,
            _PATIENCE_S,
        )
        fresh = Answer(reply, wish.chosen)
        if tail and answer is not None:
            joined = answer.extended(fresh, wish.since_s * _NS)
            if joined is None:
                timeline.answered = None  # other series or other steps: the next round asks for all
                return
            fresh = joined
        timeline.take(fresh, wish)

    async def _events(self, wish: Wish) -> None:
        since, until = wish.since_s * _NS, wish.until_s * _NS
        held = self._events_of
        if held is not None and held[0] <= since:
            # What happens from now on comes with the feed.
            if until <= held[1]:
                return
            if held[1] >= self._newest_ns():
                self._events_of = (held[0], until)
                return
        reply = await self._ask(
            wire.Events(since_ns=since, until_ns=until, types=_TYPES, limit=EVENTS, newest=True),
            wire.EventsReply,
            _PATIENCE_S,
        )
        timeline = self._timeline
        timeline.forget_events()
        timeline.take_events(reply.events)
        timeline.events_cut = reply.more
        self._events_of = (since, until)
        self._add_live_events()

    def _newest_ns(self) -> int:
        """Begin of the last second that the feed told of."""
        return self._state.tick.time_s * _NS if self._state.tick is not None else 0

    def _add_live_events(self) -> None:
        if self._events_of is None:
            return
        since, until = self._events_of
        fresh: list[Event] = []
        known = self._timeline.events[-1].seq if self._timeline.events else 0
        for item in reversed(self._state.events):
            if item.seq <= known or item.time_ns < since:
                break
            if item.time_ns < until:
                fresh.append(item)
        if fresh:
            self._timeline.take_events(reversed(fresh))

    async def _compare(self) -> None:
        timeline = self._timeline
        table = timeline.table
        if table is None:
            return
        names = ["*"] if table.everything else selectors(timeline.chosen)
        try:
            reply = await self._ask(wire.Compare(names, *table.a, *table.b), wire.CompareReply, _PATIENCE_S)
            wanted = set(timeline.chosen)
            if not table.everything:
                kept = [item for item in reply.series if item.column.series.text in wanted]
                reply = wire.CompareReply(kept, reply.a_level_s, reply.b_level_s)
            table.take(reply)
        except ProtocolError as error:
            table.error = str(error)
        self._paint()

    async def _travel(self, direction: int, now_ns: int) -> None:
        timeline = self._timeline
        grid = timeline.grid(now_ns)
        at = timeline.window.cursor(grid)
        try:
            if direction > 0:
                question = wire.Events(since_ns=grid.begin(at + 1), types=_TYPES, limit=1)
            else:
                question = wire.Events(until_ns=grid.begin(at), types=_TYPES, limit=1, newest=True)
            reply = await self._ask(question, wire.EventsReply, _PATIENCE_S)
        except ProtocolError as error:
            self._say(str(error))
        else:
            if reply.events:
                timeline.window.go(reply.events[0].time_ns, now_ns, timeline.plot)
            else:
                self._say(f"no {'later' if direction > 0 else 'earlier'} event")
        self._paint()
