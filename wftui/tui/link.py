"""The connection to the recorder, for as long as the view lives: attach, follow, lose, find again."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import time
from typing import TYPE_CHECKING, Final, Protocol

from wftui import __version__
from wftui.client.feed import Feed
from wftui.clock import cpu_ns
from wftui.errors import ProtocolError
from wftui.model.quality import QUALITY
from wftui.render import text
from wftui.tui.frames import FULL
from wftui.tui.portions import portions
from wftui.tui.state import CONNECTING, LIVE, LOST
from wftui.tui.travel import last_words
from wftui.wire import messages as wire

if TYPE_CHECKING:
    from socket import socket as Socket  # noqa: N812  a class

    from wftui.tui.app import WftopApp

_RETRY_S: Final = 0.5
_FIRST_RETRY_S: Final = 0.03
_ALONE_S: Final = 3.0
"""Without a recorder for so long, one of our own is started."""
_REPORT_S: Final = 5.0
_PAST_S: Final = 640
_EVENTS: Final = 300


class Starter(Protocol):
    """Starts a recorder when nobody answers (``client.spawn.ensure_recorder`` with its places)."""

    def __call__(self) -> object: ...


class Link:
    """Follows one socket, or reads from one that is connected to a recording that is over."""

    def __init__(
        self, app: WftopApp, socket: str | Socket, start: Starter | None = None, terminal: str = ""
    ) -> None:
        self._app = app
        self._socket = socket
        self._start = start
        self._terminal = terminal
        self._feed: Feed | None = None
        self._by_clock = False
        self._ticked = asyncio.Event()
        self._hurry = asyncio.Event()
        self._told_session = -1
        self._cpu_ns = cpu_ns()
        self._at_ns = app.clock.now().boottime_ns

    async def follow(self) -> None:
        """Attach again and again, for ever; to a recording that is over once."""
        app = self._app
        began = app.clock.now().boottime_ns
        lost_ns = began
        asked_ns = 0
        while True:
            reason = ""
            try:
                feed = await Feed.open(self._socket, self._hello())
            except (OSError, ProtocolError) as error:
                reason = str(error)
                if isinstance(error, ProtocolError):
                    # Somebody answers, but not in our language: say so, it does not mend itself.
                    app.ui.say(reason, "bad")
            else:
                reason = await self._attached(feed)
                lost_ns = app.clock.now().boottime_ns
                asked_ns = lost_ns
            now = app.clock.now().boottime_ns
            first = app.state.hello is None
            app.state.now_linked(CONNECTING if first else LOST, now, reason)
            alone_s = (now - max(lost_ns, asked_ns)) / 1e9
            if self._start is not None and alone_s >= _ALONE_S:
                asked_ns = now
                await asyncio.to_thread(self._start)
            if not first:
                app.paint()
            if not isinstance(self._socket, str):
                return  # whoever reads a recording is started with the view, and not again
            await asyncio.sleep(_FIRST_RETRY_S if (now - began) < 2e9 and first else _RETRY_S)

    async def signal(self, pid: int, start_time: int, number: int) -> str:
        """Ask the recorder to send a signal; an empty text when it was sent, else why not."""
        if self._feed is None:
            return "no recorder is connected"
        try:
            await self._feed.ask(wire.Signal(pid, start_time, number))
        except ProtocolError as error:
            return str(error)
        return ""

    async def ask(self, message: wire.Message, timeout_s: float) -> wire.Message:
        """Any question.

        Raises:
            ProtocolError: Nobody is connected, or there is no good answer.
        """
        if self._feed is None:
            raise ProtocolError("no recorder is connected")
        return await self._feed.ask(message, timeout_s)

    def graphs_changed(self) -> None:
        """Other series are on graphs: their past is asked for."""
        feed, tick = self._feed, self._app.state.tick
        wanted = sorted(self._app.state.wanted)
        if feed is None or tick is None or not wanted:
            return

        async def fill() -> None:
            try:
                await self._fill(feed, wanted, (tick.time_s + 1) * 1_000_000_000)
            except ProtocolError:
                return  # those graphs begin now
            self._app.data_arrived()

        self._app.run_worker(fill(), name="graphs", group="graphs", exclusive=True)

    async def _fill(self, feed: Feed, selectors: list[str], until_ns: int) -> None:
        """The past of series up to a moment.

        Raises:
            ProtocolError: Nobody answers.
        """
        since_ns = until_ns - _PAST_S * 1_000_000_000
        for some in portions(selectors, self._app.state.columns, _PAST_S):
            reply = await feed.ask(wire.Range(some, since_ns, until_ns, _PAST_S))
            if isinstance(reply, wire.RangeReply):
                self._app.state.prefill(reply)

    def rate_changed(self) -> None:
        """Subscribe at the view's rate."""
        if self._feed is not None:
            self._app.run_worker(self._subscribe(self._feed), name="subscribe")

    def _hello(self) -> wire.Hello:
        return wire.Hello(wire.VERSION, "view", program=__version__, pid=os.getpid(), terminal=self._terminal)

    async def _attached(self, feed: Feed) -> str:
        """Follow one connection to its end; return why it ended."""
        app = self._app
        state = app.state
        state.attached(feed.recorder)
        state.now_linked(LIVE, app.clock.now().boottime_ns)
        self._feed = feed
        self._by_clock = False
        app.past.attached()
        self._ticked.clear()
        reason = ""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._greet(feed)), group.create_task(self._report(feed))]
                try:
                    async for message in feed.messages():
                        if isinstance(message, wire.Goodbye):
                            reason = message.reason
                            break
                        self._take(message)
                except ProtocolError as error:
                    reason = str(error)
                for task in tasks:
                    task.cancel()
        finally:
            self._feed = None
            await feed.close()
        return reason or "the recorder closed the connection"

    def _take(self, message: wire.Message) -> None:
        """A message of the feed."""
        app = self._app
        app.state.on(message)
        tick = isinstance(message, wire.TickArrived)
        if tick:
            self._ticked.set()
        if isinstance(message, wire.TickArrived | wire.Samples) and app.motion.readings(message) and not tick:
            return
        if app.past.recording is not None:
            return  # the first frame is that of the moment where it begins
        app.data_arrived(tick=tick or isinstance(message, wire.Samples), urgent=_urgent(app, message))

    def by_clock(self, *, wanted: bool) -> None:
        """Whether the feed is read by ``read`` alone, which the frame clock calls, and wakes nobody itself."""
        if self._feed is None or wanted == self._by_clock:
            return
        self._by_clock = wanted
        if wanted:
            self._feed.pause()
        else:
            self._feed.resume()

    def read(self) -> None:
        """Take what has come since the last frame of the clock."""
        if self._by_clock and self._feed is not None:
            for message in self._feed.poll():
                self._take(message)

    async def _subscribe(self, feed: Feed) -> None:
        often = 1.0 / self._app.pace_s
        rate = max(1.0, often, self._app.motion.rate_hz)
        sources = list(self._app.motion.follows)
        if often > 1.0 or not sources:
            sources.append("*")
        try:
            await feed.ask(wire.Subscribe(["*"], rate_hz=rate, sources=sources))
        except ProtocolError as error:
            self._app.ui.say(f"the recorder refused the feed: {error}", "bad")

    async def _greet(self, feed: Feed) -> None:
        """Subscribe, then ask for the past that the graphs show."""
        app = self._app
        try:
            await self._subscribe(feed)
            if feed.recorder.recording is not None:
                await self._ticked.wait()
                app.past.enter()
            events = await feed.ask(wire.Events(limit=_EVENTS, newest=True))
            await self._ticked.wait()
            if isinstance(events, wire.EventsReply):
                app.state.add_events(events.events)
                self._tell_of_crash()
            tick = app.state.tick
            if tick is not None and feed.recorder.recording is None:
                until = (tick.time_s + 1) * 1_000_000_000
                await self._fill(feed, app.state.selectors, until)
            app.data_arrived()
        except ProtocolError:
            return  # the connection's own end says why; without the past the graphs begin now
        app.settled()
        # All that lives as long as the view is there now: later collections need not look at it again.
        gc.collect()
        gc.freeze()

    def _tell_of_crash(self) -> None:
        """Once a session: how the time before it ended, when it did not end in order."""
        app = self._app
        session = app.state.hello.session if app.state.hello else 0
        if session == self._told_session or app.past.recording is not None:
            return
        self._told_session = session
        fell = last_words(app)
        if fell is not None:
            what, second = fell
            app.ui.say(f"{what} {text.clock(second)}: press b to see its last minute", "warn")

    def report_soon(self) -> None:
        """What is on the screen has to be told at once, and every second from now on."""
        self._hurry.set()

    async def _turn(self) -> None:
        """Until the next report is due: a picture of energy and full motion are told of each second."""
        app = self._app
        often = app.motion.streams is not None or app.motion.state == FULL or app.own_cpu != app.own_cpu
        self._hurry.clear()
        if often:
            await asyncio.sleep(1.0)
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), _REPORT_S)

    async def _report(self, feed: Feed) -> None:
        """Tell the recorder what this view costs, and keep it for the top line."""
        app = self._app
        while True:
            await self._turn()
            now, used = app.clock.now().boottime_ns, cpu_ns()
            elapsed = now - self._at_ns
            # The first stretch holds the start, which is no cost of showing.
            if app.own_cpu == app.own_cpu or elapsed > 0:
                app.own_cpu = (used - self._cpu_ns) / elapsed if app.own_cpu == app.own_cpu else 0.0
            self._at_ns, self._cpu_ns = now, used
            app.own_memory = float(_resident())
            gc.collect(1)
            work_s, key_s, longest_s = app.motion.costs.take()
            took_s, ago_s, stages_s = app.motion.costs.take_drawn(time.perf_counter())
            streams, motion = app.motion.streams, app.motion.state
            try:
                await feed.send(
                    wire.Report(
                        app.own_cpu,
                        int(app.own_memory),
                        app.output_bytes,
                        app.painter.frames,
                        _known(app.flow.take_lag_s()),
                        _known(work_s),
                        _known(key_s),
                        _known(longest_s),
                        motion,
                        streams.picture(time.monotonic()) if streams is not None else None,
                        wire.Frames(took_s, ago_s, stages_s) if motion == FULL and took_s else None,
                    )
                )
            except (OSError, ProtocolError):
                return


def _urgent(app: WftopApp, message: wire.Message) -> bool:
    """Whether a message is to be seen before the next frame is due."""
    if isinstance(message, wire.TableArrived):
        return message.change.name == QUALITY.name and bool(message.change.rows)
    return isinstance(message, wire.EventArrived) and app.heard(message.event)


def _known(value: float) -> float | None:
    return value if value == value else None


def _resident() -> int:
    """Resident memory of this process in bytes; 0 where /proc does not tell."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123  a file of /proc, never waits
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
