"""The cursor in time: live at the feed's end, elsewhere at a moment that history tells of.

One question is under way at a time and the newest wish wins: keys held down skip what nobody would see. What was
told is kept for a while, and while nothing else is wanted the next steps are fetched in the direction of travel.
Live, nothing here runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from wftui.errors import ProtocolError
from wftui.tui.around import Around
from wftui.tui.history import CAPACITY
from wftui.tui.moment import Moment
from wftui.tui.player import Player
from wftui.tui.replies import Replies, Spot
from wftui.tui.state import LIVE as LINKED
from wftui.tui.transport import CELL_S, Replay, bar_cells, reason
from wftui.units import NS_PER_S
from wftui.wire import messages as wire

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from wftui.model.event import Event
    from wftui.model.sample import Column
    from wftui.tui.app import WftopApp
    from wftui.wire.recording import Recording

_M = TypeVar("_M", bound=wire.Message)

RECORDED: Final = "this is a recording: nothing can be done in it but looking"
ENDS: Final = "the recording ends here: nothing in it is live"
_AHEAD: Final = 8
"""Steps fetched ahead."""
_NEAREST: Final = 2


class Past:
    """Where the view is in time, and what it shows there.

    ``live`` tells whether the screen follows the feed; ``cursor_ns`` is the moment on the screen (UTC, the begin
    of its second) either way; ``go(time_ns)`` travels there, ``to_live()`` back. ``await ask(message, expected)``
    puts any question to the recorder and gives its answer.

    A recording that is over (``recording``) has no live end: the view is never live there, and what leads beyond
    its last second leads to that.
    """

    def __init__(self, app: WftopApp, repaint: Callable[[], None]) -> None:
        self._app = app
        self._repaint = repaint
        self.live = True
        self.player = Player(self._play)
        self._around = Around(self.ask, app.state.selectors, self._columns)
        self.state = Moment(self._around.blocks, app.state)
        self.ready = False
        """Whether there is a moment to show; until then the screen keeps what it had."""
        self.trouble = ""
        """Why the last question has no answer; empty: it has."""
        self.wanted = Spot(0)
        self._shown: Spot | None = None
        self._gap: tuple[int | None, int | None] | None = None
        self._heading: tuple[int, bool] = (0, False)
        """The last step: how far, and whether in ticks (True) or seconds."""
        self._replies = Replies()
        self._at_event: tuple[Spot, Event] | None = None
        self._working = False

    # ---- what others ask

    @property
    def recording(self) -> Recording | None:
        """What is looked at, when that is a recording that is over; None: a recorder, which goes on."""
        hello = self._app.state.hello
        return hello.recording if hello is not None else None

    def refusal(self, words: str = "") -> str:
        """Why nothing is done here but looking; empty: it may be. ``words``: of one's own, for the past of what
        goes on."""
        if self.recording is not None:
            return RECORDED
        return "" if self.live else words

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

    def _columns(self) -> Sequence[Column]:
        """What is recorded now, or was at the moment that is shown: whichever is more."""
        return max(self._app.state.columns, self.state.columns, key=len)

    def graphs_changed(self) -> None:
        """Other series are on graphs: what was fetched does not hold them."""
        app = self._app
        self._around = Around(self.ask, app.state.selectors, self._columns)
        shown = None if self.live else self._replies.find(self.wanted)
        self.state = Moment(self._around.blocks, app.state)
        if shown is not None:
            self.state.show(shown, self._replies.before(shown))
        self.wake()

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
        self.player.play(on=not self.player.playing)

    def enter(self) -> None:
        """Into a recording that is over: where the view was told to begin, else at its alert, else at its end."""
        recording = self.recording
        if recording is None or not self.live:
            return
        made_for = f", made for {recording.alert}" if recording.alert else ""
        self._app.ui.say(f"{recording.file} of {recording.program}, level {recording.level}{made_for}")
        begin_ns = self._app.begin_ns if self._app.begin_ns is not None else recording.alert_ns
        if begin_ns is None or begin_ns // NS_PER_S >= self.newest:
            self._to_last()
        else:
            self.go(begin_ns, _NEAREST)

    def _to_last(self) -> None:
        """To the last second of a recording that is over."""
        tick = self._app.state.tick
        if tick is not None and self._leave():
            self.player.play(on=False)
            self._heading = (0, False)
            self._want(Spot(tick.time_s, tick.seq))

    def to_live(self) -> None:
        """Back to the feed; what was fetched is let go. In a recording that is over: to its last second."""
        if self.recording is not None:
            self._to_last()
            self._app.ui.say(ENDS)
            return
        if self.live:
            return
        self.live = True
        self.ready = False
        self.player.play(on=False)
        self.trouble = ""
        self._shown = self._gap = self._at_event = None
        self._replies.clear()
        self.graphs_changed()

    async def travel(self, direction: int) -> Event | None:
        """To the next (+1) or previous (-1) event; the event, None when there is none."""
        second = self.cursor_ns // NS_PER_S
        anchor = ((second + (direction > 0)) * NS_PER_S, -1)
        if not self.live and self._at_event is not None and self._at_event[0] == self.wanted:
            last = self._at_event[1]
            anchor = (last.time_ns, last.seq)
        elif self.live:
            anchor = (self._app.clock.now().time_ns, 1 << 62)
        found = await self._around.beside(anchor, direction, self._app.state.events)
        if found is not None:
            self.visit(found)
        return found

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
        self.state = Moment(self._around.blocks, app.state)
        return True

    def _beyond(self, spot: Spot) -> bool:
        tick = self._app.state.tick
        if tick is None:
            return False
        return spot.seq > tick.seq if spot.seq is not None else spot.second > tick.time_s

    def _want(self, spot: Spot) -> None:
        self.wanted = spot
        self.trouble = ""
        found = self._replies.find(spot)
        if found is not None:
            self._show(spot, found)
        self.wake()

    def attached(self) -> None:
        """A recorder answers, perhaps again."""
        self._around.forgive()
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
                    self._around.again()
                    break
        finally:
            self._working = False
        if self.trouble:
            self._repaint()

    def _next(self) -> Coroutine[None, None, None] | None:
        """What to ask now: the moment, then its surroundings, then what will probably be wanted."""
        if self.wanted != self._shown:
            return self._moment(self.wanted, wanted=True)
        app = self._app
        screens = (app.ui.models, app.ui.alerts)
        longer = app.plan.lengthened or any(screen is not None and screen.seconds > 0 for screen in screens)
        graph = CAPACITY if longer else 2 * app.size.width
        around = self._around.missing(self.wanted.second, self.window(), self.newest, graph)
        if around is not None:
            return self._then_paint(around)
        ahead = self._ahead()
        return None if ahead is None else self._moment(ahead, wanted=False)

    async def _then_paint(self, job: Coroutine[None, None, None]) -> None:
        await job
        # What panels kept was drawn without it.
        self.state.kept.clear()
        if not self.live:
            self._repaint()

    async def _moment(self, spot: Spot, *, wanted: bool) -> None:
        """Ask for a moment; ``wanted``: it is to be seen, even when meanwhile another one is wanted more."""
        reply = self._replies.keep(spot, await self.ask(spot.question(), wire.AtReply))
        if not self.live and (spot == self.wanted or (wanted and reply.tick is not None)):
            self._show(spot, reply)
            if self.ready:
                self._repaint()

    def _show(self, spot: Spot, reply: wire.AtReply) -> None:
        wanted = spot == self.wanted
        tick = reply.tick
        if tick is not None:
            self.state.show(reply, self._replies.before(reply))
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
            if not self._replies.known(spot):
                return spot
        return None

    def _play(self, count: int) -> None:
        if self.wanted != self._shown:
            if self.trouble:
                self.player.play(on=False)
            return  # the answer is late: a step is left out, none is queued
        if not self.step(count) and self.recording is None:
            self._app.ui.say("back at now", "good")
        self._repaint()

    # ---- for drawing

    def window(self) -> tuple[int, int]:
        """The seconds [begin, end) of the time bar: it holds still while the cursor moves inside it."""
        return self._around.window(self.wanted.second, self.newest, self.span)

    @property
    def span(self) -> int:
        """Seconds of the whole time bar."""
        return CELL_S * bar_cells(self._app.size.width)

    def replay(self) -> Replay:
        """What top line and transport bar show; brings events and sources of the moment up to date."""
        begin, end = self.window()
        cursor = self._shown.second if self._shown is not None else self.wanted.second
        around = self._around
        if self.ready:
            around.bring(self.state, cursor, self._app.state)
        gap = self._gap
        why = ""
        if gap is not None:
            since = (gap[0] if gap[0] is not None else 0) * NS_PER_S
            until = ((gap[1] if gap[1] is not None else cursor) + 5) * NS_PER_S
            why = reason([item for item in around.events.known if since <= item.time_ns < until])
        return Replay(
            second=cursor,
            newest=self.newest,
            playing=self.player.playing,
            speed=self.player.speed,
            begin=begin,
            end=end,
            counts=around.blocks.counts(begin, end),
            first=around.first,
            events=around.events.within(begin * NS_PER_S, end * NS_PER_S),
            gap=gap,
            reason=why,
            trouble=self._told_trouble(),
            recording=self.recording,
            zone=self._app.zone,
        )

    def _told_trouble(self) -> str:
        """Why nothing more can be told; empty: it can."""
        if self._app.state.link == LINKED:
            return self.trouble
        if self.recording is not None:
            return "its reader ended: only what was fetched"
        return self.trouble or "no recorder: only what was fetched"
