"""One client: its requests, and its feed."""

import asyncio
import math
from array import array
from typing import Final, Protocol

from wftui import log
from wftui.errors import ProtocolError, WftopError
from wftui.model.event import Event
from wftui.model.health import Health
from wftui.model.series import matches
from wftui.model.table import TableSnapshot, keyframe
from wftui.model.tick import Layout, Tick, pack, unpack
from wftui.recorder.bus import Bus, Closed, HealthChanged, LaidOut, Notice, Scraped, Subscription, TableChanged
from wftui.recorder.child import Passed
from wftui.recorder.orders import Order, Orders
from wftui.recorder.sealed import Question
from wftui.store import answers
from wftui.wire import codec, stream
from wftui.wire import messages as m

QUESTIONS: Final = 8
"""Of one client that are answered side by side; the next one waits unread."""
EARLY: Final = 0.75
"""Samples may be told by so much of an interval after the last: what comes at that rate, a little uneven, does not
wait for the next, and what comes in between does not wake the other side for itself."""

LATE: Final = 1.5
"""After so many intervals they are told for themselves: a first token does not wait for a second one."""


class Audience(Protocol):
    """Who wants to know of clients."""

    def attached(self, connection: "Connection") -> None: ...
    def detached(self, connection: "Connection") -> None: ...
    def report(self, connection: "Connection", report: m.Report) -> None: ...


class Host(Protocol):
    """What a connection asks of the recorder."""

    @property
    def orders(self) -> Orders: ...
    @property
    def views(self) -> Audience: ...
    def greeting(self) -> m.Hello: ...
    def layout(self) -> Layout: ...
    def last_tick(self) -> Tick | None: ...
    def tables(self) -> list[TableSnapshot]: ...
    def health(self) -> list[Health]: ...
    def last_event_seq(self) -> int: ...
    def status(self) -> m.StatusReply: ...
    def windows(self, question: m.Windows) -> m.WindowsReply: ...
    def retire(self, pid: int) -> None: ...
    async def question(self, question: Question) -> m.Message | Passed: ...


class Connection:
    """Serves one client until it goes away."""

    def __init__(
        self,
        hello: m.Hello,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        host: Host,
        bus: Bus,
    ) -> None:
        self.hello = hello
        self.label = ""
        """Value of the label ``view`` in series about it; given by the host."""
        self._reader = reader
        self._writer = writer
        self._host = host
        self._bus = bus
        self._subscription: Subscription | None = None
        self._feed: asyncio.Task[None] | None = None
        self._selectors: list[str] = []
        self._tables: list[str] = []
        self._rate_hz = 1.0
        self._layout = -1
        self._places: list[int] | None = None
        """Places of the wanted columns in the recorder's layout; None: all of them."""
        self._known_tables: set[str] = set()
        self._samples_s = -math.inf
        """Of the loop's clock, when samples were told."""
        self._room = asyncio.Semaphore(QUESTIONS)
        self._questions: set[asyncio.Task[None]] = set()
        self._late: asyncio.TimerHandle | None = None
        """Tells what is pending, when nothing else comes."""
        self._pending: list[tuple[int, int, float]] = []
        self._gathered: list[bytes] | None = None
        """Messages that will go out together; None: each goes out at once."""

    @property
    def is_view(self) -> bool:
        """Whether a person looks through it."""
        return self.hello.role == "view"

    @property
    def dropped(self) -> int:
        """Messages dropped for it so far."""
        return self._subscription.dropped_total if self._subscription else 0

    def say(self, message: m.Message, request: int = 0) -> None:
        """Write a message without waiting."""
        data = codec.encode(message, request)
        if self._gathered is None:
            self._writer.write(data)
        else:
            self._gathered.append(data)

    async def run(self) -> None:
        """Read requests until the client closes.

        Raises:
            ProtocolError: The client does not speak the protocol.
        """
        broken: ProtocolError | None = None
        async with asyncio.TaskGroup() as self._tasks:
            try:
                await self._converse()
            except ProtocolError as error:
                broken = error  # raised behind the group, which would wrap it
            finally:
                self._unsubscribe()
                for task in self._questions:
                    task.cancel()
        if broken is not None:
            raise broken

    async def _converse(self) -> None:
        while (item := await stream.read(self._reader)) is not None:
            message, request = item
            if isinstance(message, Question | Order):
                # Beside the others: an answer from the history service may take seconds, a signal must not wait.
                await self._room.acquire()
                self._questions.add(self._tasks.create_task(self._question(message, request)))
                continue
            try:
                reply = self._handle(message)
            except WftopError as error:
                reply = _error(error)
            self._reply(reply, request)
            await self._writer.drain()

    async def _question(self, question: Question | Order, request: int) -> None:
        reply: m.Message | Passed
        try:
            try:
                if isinstance(question, Order):
                    reply = await self._host.orders.carry_out(question, self.hello.role)
                else:
                    reply = await self._host.question(question)
            except WftopError as error:
                reply = _error(error)
            self._reply(reply, request)
            await self._writer.drain()
        except ConnectionError:
            self._writer.close()  # the reading side ends on that
        finally:
            self._room.release()
            task = asyncio.current_task()
            if task is not None:
                self._questions.discard(task)

    def _reply(self, reply: m.Message | Passed, request: int) -> None:
        if not request:
            return
        try:
            if isinstance(reply, Passed):
                self._writer.write(codec.envelop(reply.tag, request, len(reply.body)))
                self._writer.write(reply.body)
            else:
                self._writer.write(codec.encode(reply, request))
        except ProtocolError as error:
            self._writer.write(codec.encode(m.Error("too-large", str(error)), request))

    def _handle(self, message: m.Message) -> m.Message:
        host = self._host
        match message:
            case m.Subscribe():
                self._subscribe(message)
            case m.Report():
                host.views.report(self, message)
            case m.Signal():
                host.orders.signal(message)
            case m.Mark():
                host.orders.mark(message)
            case m.Retire():
                host.retire(message.pid)
            case m.Status():
                return host.status()
            case m.Windows():
                return host.windows(message)
            case _:
                raise ProtocolError(f"{m.TAGS[type(message)]} is not a request")
        return m.Ok()

    # ---- the feed

    def _subscribe(self, request: m.Subscribe) -> None:
        if not request.rate_hz > 0:
            raise ProtocolError(f"subscribe: expected a rate above 0 Hz, got {request.rate_hz}")
        self._unsubscribe()
        self._selectors, self._tables, self._rate_hz = request.selectors, request.tables, request.rate_hz
        self._subscription = self._bus.subscribe(self.hello.role, request.rate_hz, request.sources)
        self._feed = self._tasks.create_task(self._follow(self._subscription))

    def _unsubscribe(self) -> None:
        if self._subscription is not None:
            self._bus.unsubscribe(self._subscription)
        if self._feed is not None:
            self._feed.cancel()
            self._feed = None
        if self._late is not None:
            self._late.cancel()
            self._late = None

    async def _follow(self, subscription: Subscription) -> None:
        try:
            try:
                self._start()
            except ProtocolError as error:
                log.error("server", "the first messages cannot be sent", reason=str(error))
            while True:
                await self._writer.drain()
                notice: Notice | None = await subscription.take()
                # What came together goes out together: the other side wakes up once.
                self._gathered = []
                try:
                    while notice is not None:
                        self._tell_or_count(subscription, notice)
                        notice = subscription.take_nowait()
                    self._tell_samples(EARLY / self._rate_hz)
                finally:
                    gathered, self._gathered = self._gathered, None
                    self._writer.write(b"".join(gathered))
                if self._pending and self._late is None:
                    loop = asyncio.get_running_loop()
                    self._late = loop.call_later(LATE / self._rate_hz, self._tell_late)
        except ConnectionError:
            self._writer.close()  # the reading side ends on that

    def _tell_late(self) -> None:
        self._late = None
        if not self._writer.is_closing():
            self._tell_samples(0.0)

    def _tell_or_count(self, subscription: Subscription, notice: Notice) -> None:
        dropped = subscription.take_dropped()
        try:
            if dropped:
                self.say(m.Dropped(dropped, self._host.last_event_seq()))
                self._start()
            self._tell(notice)
        except ProtocolError as error:
            log.error("server", "a message cannot be sent", reason=str(error))
            subscription.dropped_total += 1

    def _start(self) -> None:
        """Everything as it is now: after it, changes suffice."""
        self._layout = -1
        self._known_tables.clear()
        self._pending.clear()
        tick = self._host.last_tick()
        if tick is not None:
            self._tell_tick(tick, self._host.layout())
        for snapshot in self._host.tables():
            self._tell_table(snapshot, None)
        self.say(m.HealthArrived(self._host.health()))

    def _tell(self, notice: Notice) -> None:
        match notice:
            case Scraped():  # most
                self._gather_samples(notice)
            case Closed():
                self._tell_samples(0.0)  # they are of the second before, and of its layout
                self._tell_tick(notice.tick, notice.layout)
            case LaidOut():
                subscription = self._subscription
                if subscription is not None and subscription.wants(notice.source) and self._layout >= 0:
                    self._tell_samples(0.0)  # they are of the layout before
                    self._lay_out(notice.layout)
            case TableChanged():
                self._tell_table(notice.snapshot, notice)
            case Event():
                self.say(m.EventArrived(notice))
            case HealthChanged():
                self.say(m.HealthArrived(notice.sources))

    def _tell_tick(self, tick: Tick, layout: Layout) -> None:
        if layout.id != self._layout:
            self._lay_out(layout)
        values = tick.values
        if self._places is not None:
            everything = unpack(values)
            values = pack(array("d", [everything[place] for place in self._places]))
        self.say(m.TickArrived(tick.seq, tick.time_s, tick.boottime_ns, tick.boot, tick.layout, values))

    def _lay_out(self, layout: Layout) -> None:
        columns = layout.columns
        if "*" in self._selectors:
            self._places = None
            wanted = list(columns)
        else:
            self._places = [
                place
                for place, column in enumerate(columns)
                if any(matches(selector, column.series) for selector in self._selectors)
            ]
            wanted = [columns[place] for place in self._places]
        self._layout = layout.id
        self._sample_places = {column.series.text: place for place, column in enumerate(wanted)}
        self.say(m.LayoutChanged(layout.id, wanted))

    def _tell_table(self, snapshot: TableSnapshot, notice: TableChanged | None) -> None:
        name = snapshot.schema.name
        if "*" not in self._tables and name not in self._tables:
            return
        if notice is not None and name in self._known_tables:
            self.say(m.TableArrived(notice.change))
            return
        self._known_tables.add(name)
        whole = keyframe(snapshot.schema, snapshot.time_ns, snapshot.rows)
        self.say(m.TableArrived(whole, snapshot.schema))

    def _gather_samples(self, notice: Scraped) -> None:
        if self._layout < 0:
            return
        for sample in notice.samples:
            place = self._sample_places.get(sample.column.series.text)
            if place is not None and math.isfinite(sample.value):
                self._pending.append((notice.time_ns, place, sample.value))

    def _tell_samples(self, after_s: float) -> None:
        """Tell those that have been gathered, when others were told so long ago; else they go with the next."""
        now_s = asyncio.get_running_loop().time()
        if not self._pending or now_s - self._samples_s < after_s:
            return
        self._samples_s = now_s
        times, places, values = zip(*self._pending, strict=True)
        self._pending.clear()
        if self._late is not None:
            self._late.cancel()
            self._late = None
        self.say(m.Samples(self._layout, list(times), list(places), pack(array("d", values))))


def _error(error: WftopError) -> m.Error:
    return m.Error("too-large" if isinstance(error, answers.TooLargeError) else "refused", str(error))
