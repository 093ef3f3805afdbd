"""The cursor in time: live at the feed's end, elsewhere at a moment that history tells of.

One question is under way at a time and the newest wish wins: keys held down skip what nobody would see. What was
told is kept for a while, and while nothing else is wanted the next steps are fetched in the direction of travel.
Live, nothing here runs.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import msgspec

from wftui.errors import ProtocolError
from wftui.tui.blocks import Blocks
from wftui.tui.chronicle import MARK, Chronicle, beside
from wftui.tui.moment import Moment
from wftui.tui.state import GRAPHED
from wftui.tui.state import LIVE as LINKED
from wftui.tui.transport import CELL_S, Replay, bar_cells, reason
from wftui.units import NS_PER_S
from wftui.wire import messages as wire

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from wftui.model.event import Event
    from wftui.model.table import Row
    from wftui.tui.app import WftopApp

_M = TypeVar("_M", bound=wire.Message)

SPEEDS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
KEPT: Final = 120
"""Moments kept: two minutes of stepping to and fro without a question."""
_AHEAD: Final = 8
"""Steps fetched ahead."""
_FRAME_S: Final = 0.5
"""Shortest time between two moments while playing."""
_NEAREST: Final = 2
_MARKS: Final = 400
_STATES: Final = ("source.state", "recorder.started", "store.failed", "store.resumed")


class Spot(NamedTuple):
    """A place in time."""

    second: int
    """UTC."""
    seq: int | None = None
    """The tick there, when it is known or counted from one that is: both passes of a repeated hour have some."""
    snap: int = 0
    """Where to go when nothing was recorded there: 0 stays in the gap, 1 the next tick, -1 the one before, 2 the
    next or else the one before."""


class Past:
    """Where the view is in time, and what it shows there.

    ``live`` tells whether the screen follows the feed; ``cursor_ns`` is the moment on the screen (UTC, the begin
    of its second) either way; ``go(time_ns)`` travels there, ``to_live()`` back. ``await ask(message, expected)``
    puts any question to the recorder and gives its answer.
    """

    def __init__(self, app: WftopApp, repaint: Callable[[], None]) -> None:
        self._app = app
        self._repaint = repaint
        self.live = True
        self.playing = False
        self.speed = 1.0
        self.blocks = Blocks()
        self.state = Moment(self.blocks, app.state)
        self.ready = False
        """Whether there is a moment to show; until then the screen keeps what it had."""
        self.trouble = ""
        """Why the last question has no answer; empty: it has."""
        self.wanted = Spot(0)
        self._shown: Spot | None = None
        self._gap: tuple[int | None, int | None] | None = None
        self._heading: tuple[int, bool] = (0, False)
        """The last step: how far, and whether in ticks (True) or seconds."""
        self._begin = 0
        self._cache: dict[int, wire.AtReply] = {}
        self._by_second: dict[int, int] = {}
        self._empty: set[Spot] = set()
        """Fetched ahead of time, and nothing was there."""
        self._newest_kept: wire.AtReply | None = None
        self._events = Chronicle()
        self._states = Chronicle(_STATES)
        self._asked_once = False
        self._first: int | None = None
        """Where the recording begins; None: not asked yet."""
        self._at_event: tuple[Spot, Event] | None = None
        self._working = False
        self._timer: asyncio.TimerHandle | None = None

    # ---- what others ask

    @property
    def cursor_ns(self) -> int:
        """The moment on the screen: the begin of its second, ns UTC."""
        return (self.newest if self.live else self.wanted.second) * NS_PER_S

    @property
    def newest(self) -> int:
        """The newest second that the feed told of; the clock's before the first one."""
        tick = self._app.state.tick
        return tick.time_s if tick is not None else self._app.clock.now().time_ns // NS_PER_S

    async def ask(self, message: wire.Message, expected: type[_M], timeout_s: float = 15.0) -> _M:
        """Put a question to the recorder, over the feed's connection; the feed goes on meanwhile.

        Raises:
            ProtocolError: No recorder is connected, it answered with an error or something else, or not in time.
        """
        link = self._app.link
        if link is None:
            raise ProtocolError("no recorder is connected")
        reply = await link.ask(message, timeout_s)
        if not isinstance(reply, expected):
            raise ProtocolError(f"expected {expected.__name__}, got {type(reply).__name__}")
        return reply

    # ---- travelling

    def go(self, time_ns: int, snap: int = 0) -> None:
        """To a moment; the newest second and all after it are live. In a gap it stays there, unless ``snap``."""
        second = time_ns // NS_PER_S
        if second >= self.newest:
            self.to_live()
        elif self._leave():
            self._heading = (0, False)
            self._want(Spot(second, None, snap))

    def step(self, count: int) -> bool:
        """``count`` ticks on or back; False: that led back to live."""
        if self.live:
            tick = self._app.state.tick
            if count > 0 or not self._leave() or tick is None:
                return False
            base = Spot(tick.time_s, tick.seq)
        else:
            base = self.wanted
        direction = 1 if count > 0 else -1
        if self._gap is not None and base == self._shown:
            edge = self._gap[1] if direction > 0 else self._gap[0]
            target = Spot(base.second + count if edge is None else edge, None, direction)
        else:
            target = Spot(base.second + count, None if base.seq is None else base.seq + count, direction)
        if direction > 0 and self._beyond(target):
            self.to_live()
            return False
        self._heading = (count, target.seq is not None)
        self._want(target)
        return True

    def jump(self, seconds: int) -> None:
        """``seconds`` of wall clock on or back."""
        second = self.cursor_ns // NS_PER_S + seconds
        if seconds > 0 and (self.live or second >= self.newest):
            self.to_live()
        elif self._leave():
            self._heading = (seconds, False)
            self._want(Spot(second))

    def page(self, direction: int) -> None:
        """One whole time bar on or back."""
        self.jump(direction * self.span)

    def first(self) -> None:
        """To the begin of the recording."""
        if self._leave():
            self._heading = (0, False)
            self._want(Spot(0, None, 1))

    def pause(self) -> None:
        """Leave live at now; in the past play and pause."""
        if self.live:
            tick = self._app.state.tick
            if self._leave() and tick is not None:
                self._want(Spot(tick.time_s, tick.seq, -1))
            return
        self.playing = not self.playing
        self._schedule()

    def faster(self, step: int) -> None:
        """The next speed up or down."""
        place = SPEEDS.index(self.speed) + step
        self.speed = SPEEDS[min(len(SPEEDS) - 1, max(0, place))]
        self._schedule()

    def to_live(self) -> None:
        """Back to the feed; what was fetched is let go."""
        if self.live:
            return
        self.live = True
        self.playing = self.ready = False
        self._schedule()
        self.trouble = ""
        self._shown = self._gap = self._at_event = self._newest_kept = None
        self._begin = 0
        self._cache.clear()
        self._by_second.clear()
        self._empty.clear()
        self.blocks.clear()
        self._events, self._states = Chronicle(), Chronicle(_STATES)
        self._asked_once = False

    async def travel(self, direction: int) -> Event | None:
        """To the next (+1) or previous (-1) event; the event, None when there is none."""
        second = self.cursor_ns // NS_PER_S
        anchor = ((second + (direction > 0)) * NS_PER_S, -1)
        if not self.live and self._at_event is not None and self._at_event[0] == self.wanted:
            last = self._at_event[1]
            anchor = (last.time_ns, last.seq)
        elif self.live:
            anchor = (self._app.clock.now().time_ns, 1 << 62)
        limit = 64
        for _ in range(4):
            if direction > 0:
                question = wire.Events(since_ns=anchor[0], limit=limit)
            else:
                question = wire.Events(until_ns=anchor[0] + 1, limit=limit, newest=True)
            reply = await self.ask(question, wire.EventsReply)
            found = beside([*reply.events, *self._app.state.events, *self._events.known], anchor, direction)
            if found is not None:
                self.visit(found)
                return found
            if not reply.more:
                break
            limit *= 8
        return None

    def visit(self, event: Event) -> None:
        """To the moment of an event, or the nearest that was recorded."""
        self.go(event.time_ns, _NEAREST)
        if not self.live:
            self._at_event = (self.wanted, event)

    # ---- the loop of questions

    def _leave(self) -> bool:
        """Into the past, or on in it; False when nobody could tell of it."""
        if not self.live:
            return True
        app = self._app
        if app.state.tick is None:
            app.ui.say("nothing was recorded yet")
            return False
        if app.state.link != LINKED:
            app.ui.say("no recorder is connected: nobody can tell of the past", "warn")
            return False
        self.live = False
        self.state = Moment(self.blocks, app.state)
        return True

    def _beyond(self, spot: Spot) -> bool:
        tick = self._app.state.tick
        if tick is None:
            return False
        return spot.seq > tick.seq if spot.seq is not None else spot.second > tick.time_s

    def _want(self, spot: Spot) -> None:
        self.wanted = spot
        self.trouble = ""
        found = self._lookup(spot)
        if found is not None:
            self._show(spot, found)
        self.wake()

    def wake(self) -> None:
        """Ask for what is missing, unless somebody is at it."""
        if not self.live and not self._working:
            self._working = True
            self._app.run_worker(self._work(), name="past", group="past")

    async def _work(self) -> None:
        try:
            while not self.live and (job := self._next()) is not None:
                try:
                    await job
                    self.trouble = ""
                except ProtocolError as error:
                    self.trouble = str(error)
                    self._events.failed()
                    self._states.failed()
                    break
        finally:
            self._working = False
        if self.trouble:
            self._repaint()

    def _next(self) -> Coroutine[None, None, None] | None:
        """What to ask now: the moment, then its surroundings, then what will probably be wanted."""
        if self.wanted != self._shown:
            return self._moment(self.wanted)
        begin, end = self.window()
        cursor = self.wanted.second
        low = min(begin, cursor - 2 * self._app.size.width)
        number = self.blocks.missing(low, max(end, cursor + 1), cursor, self.newest)
        if number is not None:
            return self._block(number)
        for chronicle, since in ((self._events, begin), (self._states, cursor)):
            question = chronicle.question(since * NS_PER_S, max(end, cursor + 1) * NS_PER_S)
            if question is not None:
                return self._chronicle(chronicle, question)
        if not self._asked_once:
            return self._once()
        ahead = self._ahead()
        return None if ahead is None else self._moment(ahead)

    async def _moment(self, spot: Spot) -> None:
        reply = self._keep(await self.ask(_at(spot), wire.AtReply))
        if self.live:
            return
        if reply.tick is not None and spot.seq is None:
            self._by_second[spot.second] = reply.tick.seq
        if spot == self.wanted or (reply.tick is not None and self._shown != self.wanted and self._heading[0]):
            self._show(spot, reply)
            if self.ready:
                self._repaint()
        elif reply.tick is None:
            self._empty.add(spot)

    def _show(self, spot: Spot, reply: wire.AtReply) -> None:
        wanted = spot == self.wanted
        tick = reply.tick
        if tick is not None:
            self.state.show(reply, self._before(reply))
            self._gap = None
            self._shown = Spot(tick.time_s, tick.seq)
            if wanted:
                if self._at_event is not None and self._at_event[0] == spot:
                    self._at_event = (self._shown, self._at_event[1])
                self.wanted = self._shown
            self.ready = True
        elif wanted and spot.seq is not None:
            # No such number (the recording was cut there): by time then.
            self._want(Spot(spot.second, None, spot.snap))
        elif wanted and spot.snap:
            self._land(spot, reply)
        elif wanted:
            self.state.blank(spot.second)
            self._gap = (reply.previous_s, reply.next_s)
            self._shown = spot
            self.ready = True

    def _land(self, spot: Spot, reply: wire.AtReply) -> None:
        """Beside a gap."""
        edge = reply.previous_s if spot.snap < 0 else reply.next_s
        if edge is None and spot.snap == _NEAREST:
            edge = reply.previous_s
        if edge is not None:
            target = Spot(edge)
            if self._at_event is not None and self._at_event[0] == spot:
                self._at_event = (target, self._at_event[1])
            self._want(target)
        elif spot.snap > 0 or self._shown is None:
            self.to_live()
        else:
            self.wanted = self._shown
            self._app.ui.say("the recording begins here")

    def _before(self, reply: wire.AtReply) -> wire.TickArrived | None:
        if reply.before is not None or reply.tick is None:
            return reply.before
        kept = self._cache.get(reply.tick.seq - 1)
        return kept.tick if kept is not None and kept.layout is reply.layout else None

    def _lookup(self, spot: Spot) -> wire.AtReply | None:
        seq = spot.seq if spot.seq is not None else self._by_second.get(spot.second, -1)
        return self._cache.get(seq)

    def _keep(self, reply: wire.AtReply) -> wire.AtReply:
        """Keep an answer; what it shares with the one before it is kept once."""
        tick, layout, last = reply.tick, reply.layout, self._newest_kept
        if tick is None or layout is None:
            return reply
        if last is not None and last.layout is not None:
            same = last.layout.id == layout.id and last.layout.columns == layout.columns
            if same:
                reply = msgspec.structs.replace(reply, layout=last.layout)
            before = {item.change.name: item.change.rows for item in last.tables}
            for item in reply.tables:
                _share(item.change.rows, before.get(item.change.name, {}))
        self._newest_kept = reply
        self._cache.pop(tick.seq, None)
        self._cache[tick.seq] = reply
        while len(self._cache) > KEPT:
            del self._cache[next(iter(self._cache))]
        while len(self._by_second) > 4 * KEPT:
            del self._by_second[next(iter(self._by_second))]
        return reply

    def _ahead(self) -> Spot | None:
        """The next moment in the direction of travel that is not here yet."""
        far, counted = self._heading
        shown = self._shown
        if not far or shown is None or (counted and shown.seq is None):
            return None
        for number in range(1, (_AHEAD if abs(far) < 60 else 2) + 1):
            seq = shown.seq + number * far if counted and shown.seq is not None else None
            spot = Spot(shown.second + number * far, seq)
            if self._beyond(spot) or (seq is not None and seq < 1):
                return None
            if self._lookup(spot) is None and spot not in self._empty:
                return spot
        return None

    async def _block(self, number: int) -> None:
        newest = self.newest
        reply: wire.RangeReply | None = None
        try:
            reply = await self.ask(self.blocks.question(number, sorted(GRAPHED)), wire.RangeReply)
        finally:
            if not self.live:
                self.blocks.take(number, reply, newest)
        if not self.live:
            self._repaint()

    async def _chronicle(self, chronicle: Chronicle, question: wire.Events) -> None:
        chronicle.take(await self.ask(question, wire.EventsReply))
        if not self.live:
            self._repaint()

    async def _once(self) -> None:
        """What holds for the whole stay in the past: all marks, and where the recording begins."""
        self._asked_once = True
        marks = await self.ask(wire.Events(types=[MARK], limit=_MARKS, newest=True), wire.EventsReply)
        begin = await self.ask(wire.At(0), wire.AtReply)
        if not self.live:
            self._first = begin.next_s
            self._events.pin(marks.events)
            self._repaint()

    # ---- playing

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.playing:
            self._timer = asyncio.get_running_loop().call_later(max(_FRAME_S, 1 / self.speed), self._play)

    def _play(self) -> None:
        if not self.playing:
            return
        self._schedule()
        if self.wanted != self._shown:
            if self.trouble:
                self.playing = False
            return  # the answer is late: a step is left out, none is queued
        if not self.step(max(1, round(self.speed * max(_FRAME_S, 1 / self.speed)))):
            self._app.ui.say("back at now", "good")
        self._repaint()

    # ---- for drawing

    def window(self) -> tuple[int, int]:
        """The seconds [begin, end) of the time bar: it holds still while the cursor moves inside it."""
        span = self.span
        cursor, end = self.wanted.second, self.newest + 1
        if not self._begin <= cursor < self._begin + span:
            # Entered from the live end: the past is to the left. Left by an edge: half a bar of room ahead.
            near = cursor > end - span
            self._begin = end - span if near else cursor - span // 2
        self._begin = max(0, min(self._begin, end - span))
        # Cells begin on whole multiples: a bar that moves keeps its pattern.
        self._begin = -(-self._begin // CELL_S) * CELL_S
        return self._begin, self._begin + span

    @property
    def span(self) -> int:
        """Seconds of the whole time bar."""
        return CELL_S * bar_cells(self._app.size.width)

    def replay(self) -> Replay:
        """What top line and transport bar show; brings events and sources of the moment up to date."""
        begin, end = self.window()
        cursor = self._shown.second if self._shown is not None else self.wanted.second
        self._events.add(self._app.state.events)
        self._states.add(self._app.state.events)
        known = self._events.known
        upto = (cursor + 1) * NS_PER_S
        if self.ready:
            self.state.show_events(known, self._events.before(upto), self._events.version)
            names = [item.source for item in self._app.state.sources]
            self.state.show_sources(self._states.known[: self._states.before(upto)], names)
        gap = self._gap
        why = ""
        if gap is not None:
            since = (gap[0] if gap[0] is not None else 0) * NS_PER_S
            until = ((gap[1] if gap[1] is not None else cursor) + 5) * NS_PER_S
            why = reason([item for item in known if since <= item.time_ns < until])
        linked = self._app.state.link == LINKED
        return Replay(
            second=cursor,
            newest=self.newest,
            playing=self.playing,
            speed=self.speed,
            begin=begin,
            end=end,
            counts=self.blocks.counts(begin, end),
            first=self._first,
            events=self._events.within(begin * NS_PER_S, end * NS_PER_S),
            gap=gap,
            reason=why,
            trouble="" if linked and not self.trouble else self.trouble or "no recorder: only what was fetched",
        )


def _at(spot: Spot) -> wire.At:
    return wire.At(spot.second * NS_PER_S, spot.seq)


def _share(rows: dict[str, Row], before: dict[str, Row]) -> None:
    """Equal rows become the same ones: a table at two moments is kept for what differs."""
    for key, row in rows.items():
        old = before.get(key)
        if old is not None and old == row:
            rows[key] = old
