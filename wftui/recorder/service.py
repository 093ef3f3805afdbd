"""The recorder: puts sources, rings, journal, bus and socket together, and ends in order."""

import asyncio
import math
import os
import socket
from collections.abc import Iterable
from typing import Any, Final

import msgspec

import wftui
from wftui import log, names, settings
from wftui.clock import NS_PER_S, Clock, Instant, boot_id
from wftui.collectors.base import Collector
from wftui.errors import ConfigError, ProtocolError
from wftui.model import event as events
from wftui.model import health
from wftui.model.event import Event
from wftui.model.health import Health
from wftui.model.sample import Scrape
from wftui.model.table import TableSnapshot
from wftui.model.tick import Layout, Tick
from wftui.recorder import crash, inspection, oom, purging, signals, toggles
from wftui.recorder.accumulator import Accumulator
from wftui.recorder.bursts import MARK_LIMIT_NS, Bursts, mark_name
from wftui.recorder.bus import Bus, Closed, HealthChanged, TableChanged
from wftui.recorder.child import Passed
from wftui.recorder.connection import Connection
from wftui.recorder.gauges import Gauges
from wftui.recorder.options import Options
from wftui.recorder.orders import Order
from wftui.recorder.own import OwnCost
from wftui.recorder.push.door import Door
from wftui.recorder.push.intake import Intake
from wftui.recorder.scheduler import Scheduler
from wftui.recorder.sealed import Question
from wftui.recorder.server import Server
from wftui.recorder.serving import Serving
from wftui.recorder.source import Source
from wftui.recorder.statistics import over_windows
from wftui.recorder.storage import FLUSH_S, Plan, Storage
from wftui.recorder.tables import Tables
from wftui.recorder.tap import Tap
from wftui.recorder.turns import Turns
from wftui.settings import GROUP_PREFIX
from wftui.store.journal import StoredChange
from wftui.store.purge import Wanted, before_second
from wftui.wire import messages as m

HEALTH_EVERY_S: Final = 5
FIRST_LIGHT_S: Final = 0.15
"""When the sources of 10 Hz have been read twice and the threads have answered."""
SLOW_EVERY_S: Final = 5
"""Interval of the series about sources."""
FORGET_EVERY_S: Final = 60


class Recorder:
    """One recorder's life. ``run`` returns when it has ended in order."""

    def __init__(self, options: Options, clock: Clock, collectors: Iterable[Collector]) -> None:
        self.options = options
        self.ticks = 0
        """Closed in this session."""
        self._clock = clock
        self._bus = Bus(lambda: self._scheduler.soon())
        self._pushes = Intake(lambda new: self._accumulator.admit(new), lambda: self._accumulator.rejected)
        self._pushes.off = self._pushes.name in options.disabled
        self._door = Door(options.places.push_socket, self._pushes, clock)
        sources = [*collectors, self._pushes]
        self._scheduler = Scheduler(sources, clock, self, options.disabled, lambda: self._bus.full_rate)
        self._accumulator = Accumulator()
        self._tables = Tables()
        self._serving = Serving(self._tables.rows, self.emit)
        self._turns = Turns(self.emit)
        self._gauges = Gauges()
        self._own = OwnCost(clock.now())
        self._oom = oom.OomWatch()
        self._groups_off = {
            group: toggles.off_by_setting(GROUP_PREFIX + group, "store.groups_disabled", clock.now().time_ns)
            for group in sorted(options.groups_disabled & set(names.GROUPS))
        }
        self._ending: asyncio.Future[str] | None = None
        self._tick: Tick | None = None
        self._first: Tick | None = None
        self._layout = Layout(0, ())
        self._seq = self._event_seq = self._boot = self._session = 0
        self._started = clock.now()
        self._closed_ns = self._started.boottime_ns
        self._idle_since: int | None = self._started.boottime_ns
        self._labels: dict[Connection, str] = {}
        self._reports: dict[Connection, m.Report] = {}
        self._rejected_told: dict[str, int] = {}
        plan = Plan(
            options.places.data_dir, options.memory_only, options.caps, options.keep, options.history_idle_s
        )
        self._storage = Storage(plan, clock, self.emit, self._publish_health)
        self._keeper = self._storage.keeper
        self._server = Server(options.places.socket, self, self._bus)
        self._tap: Tap | None = None
        self._bursts = Bursts(lambda: self._accumulator.pool, lambda: self._seq + 1, self._keeper.put, self.emit)

    # ---- life

    async def run(self) -> str:
        """Record until told to end; returns how it ended: stopped, handover, idle, time.

        Raises:
            ConfigError: The socket cannot be opened.
            StoreError: A newer wftop wrote the journal.
        """
        loop = asyncio.get_running_loop()
        self._ending = loop.create_future()
        opening = self._storage.open(self.options.mode)
        self._seq, self._event_seq = opening.last_seq, opening.last_event_seq
        self._boot, self._session = opening.boot, opening.session
        self._accumulator = Accumulator(opening.last_layout)
        self._accumulator.mute(self._groups_off)
        self._keeper.start()
        if self.options.tap is not None:
            self._tap = Tap(*self.options.tap)
        try:
            await self._server.open()
        except ConfigError:
            self._keeper.stop("failed", FLUSH_S)  # else the next session would call this one a crash
            raise
        await self._listen()
        about = ("recorder", str(os.getpid()))
        self.emit("recorder.started", about, {"mode": self.options.mode, "session": self._session})
        if opening.unclean:
            self.emit("recorder.unclean", about, {"last_second": opening.last_time_s})
        if (down := crash.went_down(opening, self._clock.now(), boot_id())) is not None:
            self.emit("machine.down", *down)
        how = "crashed"
        try:
            async with asyncio.TaskGroup() as tasks:
                metronome = tasks.create_task(self._scheduler.run())
                loop.call_later(FIRST_LIGHT_S, self._first_light)
                how = await self._ending
                metronome.cancel()
        finally:
            await self._close(how)
        return how

    async def _listen(self) -> None:
        """Take pushes; without them everything else goes on."""
        try:
            await self._door.open()
        except ConfigError as error:
            self._pushes.trouble = str(error)
            log.error("push", "pushes are not taken", reason=str(error))

    async def _close(self, how: str) -> None:
        now = self._clock.now()
        self._door.close()
        self._pushes.end()
        self._scheduler.harvest()
        if self._tick is not None or len(self._accumulator):
            self._close_tick(now.time_ns // NS_PER_S, now.boottime_ns, now)
        self._bursts.finish(now, self._layout)
        self.emit("recorder.stopped", ("recorder", str(os.getpid())), {"how": how})
        await self._server.close({"handover": "handover", "idle": "idle"}.get(how, "stopped"))
        self._scheduler.close()
        if self._tap is not None:
            self._tap.close()
        await self._storage.close(how)

    def end(self, how: str) -> None:
        """Ask the recorder to end; the first reason counts."""
        if self._ending is not None and not self._ending.done():
            self._ending.set_result(how)

    # ---- what the metronome tells

    def second_ended(self, time_s: int, ended_ns: int, at: Instant) -> None:
        """Close the tick and look after everything that happens once a second."""
        self._close_tick(time_s, ended_ns, at)
        self._storage.sealing.second_ended(time_s, at.boottime_ns)
        self._bursts.second_ended(at, self._layout)
        self._turns.second_ended(self._scheduler.sources, at.boottime_ns)
        second = at.boottime_ns // NS_PER_S
        if second % HEALTH_EVERY_S == 0:
            self._publish_health()
        if second % FORGET_EVERY_S == 0:
            self._accumulator.forget_absent(at.boottime_ns)
        for source, count in self._accumulator.rejected.items():
            if source not in self._rejected_told:
                self._rejected_told[source] = count
                self.emit("series.limited", ("source", source), {"rejected": count})
        self._end_when_due(at)

    def _first_light(self) -> None:
        """Show a view that waits what there is after the second reading; it is not stored, the whole second is."""
        self._scheduler.harvest()
        if self._tick is None and len(self._accumulator):
            at = self._clock.now()
            second = at.time_ns // NS_PER_S
            tick = self._accumulator.close(self._seq + 1, second, at.boottime_ns, self._boot, so_far=True)
            self._first, self._layout = tick, self._accumulator.layout
            self._bus.publish(Closed(tick, self._layout))

    def _close_tick(self, time_s: int, ended_ns: int, at: Instant) -> None:
        accumulator = self._accumulator
        self._seq += 1
        tick = accumulator.close(self._seq, time_s, ended_ns, self._boot)
        self._tick, self._layout = tick, accumulator.layout
        self.ticks += 1
        self._bus.publish(Closed(tick, self._layout))
        self._keeper.put((tick, self._layout))
        if self._tap is not None:
            self._tap.put((tick, self._layout))
        for before, after in accumulator.provenance_changes:
            self.emit(
                "provenance.changed",
                ("series", after.series.text),
                {"before": before.quality, "after": after.quality, "call": after.call},
            )
        accumulator.provenance_changes.clear()
        late_s: float = max(0, at.time_ns - (time_s + 1) * NS_PER_S) / 1e9
        if late_s > (at.boottime_ns - self._closed_ns) / 1e9:
            late_s = math.nan  # the wall clock was stepped: the tick was not late
        self._closed_ns = at.boottime_ns
        gauges = self._gauges
        own = [
            *self._own.sample(at),
            *gauges.tick(
                late_s, len(accumulator), len(self._server.views), accumulator.pool.span_s, accumulator.pool.bytes
            ),
            *gauges.store(self._keeper),
            *gauges.history(self._storage.relay.usage()),
            *gauges.counters(self._scheduler.sources, accumulator.rejected),
            *gauges.seals(self._storage.sealing, self._storage.keeper),
        ]
        for view in self._server.views:
            own += gauges.view(view.label, self._reports.get(view), view.dropped)
        own += self._serving.second(at)
        accumulator.add(own, at, 1.0)
        if self.ticks % SLOW_EVERY_S == 1:
            accumulator.add(self._gauges.sealed(self._storage.sealing, self._keeper, self._seq), at, SLOW_EVERY_S)
            # Sixty series that hardly move: each second they would cost more than reading the CPUs.
            accumulator.add(self._gauges.sources(self._scheduler.sources), at, SLOW_EVERY_S)

    def _end_when_due(self, at: Instant) -> None:
        options = self.options
        if options.for_s is not None and at.boottime_ns - self._started.boottime_ns >= options.for_s * 1e9:
            self.end("time")
        if options.mode != "view":
            return
        if self._server.views:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = at.boottime_ns
        elif at.boottime_ns - self._idle_since > options.linger_s * 1e9:
            self.end("idle")

    def scraped(self, source: Source, at: Instant, scrape: Scrape) -> None:
        """Take a source's samples and tables in."""
        for reading in scrape.readings:
            self._accumulator.add(reading.samples, reading.at, reading.interval_s)
            self._bus.publish_samples(reading.at.time_ns, reading.samples)
        self._accumulator.add(scrape.samples, at, source.interval_s)
        self._bus.publish_samples(at.time_ns, scrape.samples)
        self._serving.scraped(source.name, scrape, at)
        for happened in scrape.events:
            self.emit(happened.kind, happened.about, dict(happened.payload), happened.at or at)
        if source.name in oom.SOURCES:
            self._tell_killed(self._oom.counted(scrape.samples, at))
        for snapshot in scrape.tables:
            self._tell_killed(self._oom.scanned(snapshot, at))
            self._scanned(self._serving.joined(snapshot), at, source.name)

    def _scanned(self, snapshot: TableSnapshot, at: Instant, source: str) -> None:
        change, stored = self._tables.scanned(snapshot, at.boottime_ns, source)
        self._bus.publish(TableChanged(snapshot, change))
        self._keeper.put(StoredChange(self._seq + 1, snapshot.schema, stored))

    def _tell_killed(self, found: list[oom.Killed]) -> None:
        for item in found:
            self.emit(oom.KIND, item.about, item.payload, item.at)

    def health_changed(self, source: Source, before: str) -> None:
        """Tell everybody at once."""
        self._turns.changed(source, before, self._clock.now().boottime_ns)
        self._publish_health()

    def retimed(self, source: Source) -> None:
        """A source's interval changed."""
        self._accumulator.retime(source.name, source.interval_s)
        self._publish_health()

    def clock_stepped(self, by_ns: int, at: Instant) -> None:
        """The wall clock jumped: both passes of a repeated hour are kept, in the order of ``seq``."""
        self._bursts.clock_stepped(by_ns, at)
        self.emit("clock.stepped", ("recorder", str(os.getpid())), {"by_s": round(by_ns / 1e9, 3)}, at)

    def suspended(self, for_ns: int, at: Instant) -> None:
        """No tick for a while."""
        self.emit("clock.suspended", ("recorder", str(os.getpid())), {"for_s": round(for_ns / 1e9, 3)}, at)

    # ---- events and health

    def emit(
        self,
        kind: str,
        about: tuple[str, str],
        payload: dict[str, Any],  # Any: JSON values
        at: Instant | None = None,
    ) -> Event:
        """Make an event: number it, count it, tell it, store it. Without an id it is about itself."""
        if kind not in names.EVENT_TYPES:
            raise ValueError(f"{kind} is no event type (wftui/names/)")
        self._event_seq += 1
        at = at or self._clock.now()
        metadata = {"program": wftui.__version__, "session": self._session}
        item = events.event(at.time_ns, kind, about, payload, metadata)
        about_id = item.aggregate_id or item.event_id
        item = msgspec.structs.replace(item, seq=self._event_seq, aggregate_id=about_id)
        self._gauges.event_counts[kind] += 1
        self._bus.publish(item)
        self._keeper.put(item)
        if self._tap is not None:
            self._tap.put(item)
        return item

    def _publish_health(self) -> None:
        self._bus.publish(HealthChanged(self.health()))

    # ---- what connections ask

    def greeting(self) -> m.Hello:
        """Who we are."""
        return m.Hello(
            m.VERSION,
            "recorder",
            wftui.__version__,
            os.getpid(),
            self._session,
            self.options.mode,
            boot_id(),
            self._started.time_ns,
            str(self.options.places.data_dir),
            "demo" if self.options.demo else socket.gethostname(),
            demo=self.options.demo,
        )

    def attached(self, connection: Connection) -> None:
        """A client greeted."""
        if connection.is_view:
            taken = set(self._labels.values())
            # Small numbers used again: a label per pid would grow the catalogue of series for ever.
            number = next(n for n in range(1, len(taken) + 2) if str(n) not in taken)
            connection.label = self._labels[connection] = str(number)
            self.emit("view.attached", ("view", connection.label), {"terminal": connection.hello.terminal})

    def detached(self, connection: Connection) -> None:
        """A client went away."""
        self._reports.pop(connection, None)
        if self._labels.pop(connection, None) is not None:
            self.emit("view.detached", ("view", connection.label), {"dropped": connection.dropped})

    def layout(self) -> Layout:
        """Of the newest tick."""
        return self._layout

    def last_tick(self) -> Tick | None:
        """The newest tick; in the first second what there is so far, or None."""
        return self._tick or self._first

    def tables(self) -> list[TableSnapshot]:
        """All tables, now."""
        return self._tables.snapshots()

    def health(self) -> list[Health]:
        """All sources, groups that are switched off, and the store as the last."""
        return [
            *(source.health() for source in self._scheduler.sources),
            *self._pushes.health(self._clock.now()),
            *self._groups_off.values(),
            self._storage.health,
        ]

    def last_event_seq(self) -> int:
        """Of the newest event."""
        return self._event_seq

    def status(self) -> m.StatusReply:
        """How we are."""
        return m.StatusReply(
            os.getpid(),
            self.options.mode,
            self._session,
            wftui.__version__,
            self._started.time_ns,
            self.ticks,
            len(self._accumulator),
            len(self._server.views),
            self._own.cpu_utilization,
            self._own.memory_bytes,
            self._storage.health,
            self._keeper.size,
            self.health(),
            str(self.options.places.data_dir),
            str(self.options.places.socket),
            self._keeper.segments_bytes,
            self._keeper.sealed_seq,
        )

    def windows(self, question: m.Windows) -> m.WindowsReply:
        """Rolling statistics, now."""
        now = self._clock.now().boottime_ns
        return over_windows(self._layout, self._accumulator.pool, question.selectors, now)

    def signal(self, request: m.Signal) -> None:
        """Send a signal for a person.

        Raises:
            ProtocolError: Switched off, or the process is not the one meant.
        """
        about = ("process", f"{request.pid}:{request.start_time}")
        try:
            self._real()
            signals.send(request.pid, request.start_time, request.number, self.options.signals)
        except ProtocolError as error:
            self.emit("signal.refused", about, {"signal": request.number, "reason": str(error)})
            raise
        self.emit("signal.sent", about, {"signal": request.number})

    def _real(self) -> None:
        if self.options.demo:
            raise ProtocolError("this is the demo: its processes are not real, so nothing is done to them")

    def mark(self, request: m.Mark) -> None:
        """Set a mark, and store what is around it at full rate.

        Raises:
            ProtocolError: Its time is none.
        """
        if not 0 <= request.time_ns < MARK_LIMIT_NS:
            raise ProtocolError(f"mark: expected a time in ns since 1970, got {request.time_ns}")
        name = mark_name(request.name, request.time_ns)
        item = self.emit("mark.set", ("mark", ""), {"name": name, "at_ns": request.time_ns})
        self._bursts.wanted(item.event_id, request.time_ns, self._clock.now())

    def report(self, connection: Connection, report: m.Report) -> None:
        """A view says what it costs."""
        if connection.is_view:
            self._reports[connection] = report

    def retire(self, pid: int) -> None:
        """Give way to `wftop record`.

        Raises:
            ProtocolError: We are one ourselves.
        """
        if self.options.mode != "view":
            raise ProtocolError(f"a recorder already runs for {self.options.places.data_dir} (pid {os.getpid()})")
        self.emit("recorder.handover", ("recorder", str(os.getpid())), {"to_pid": pid})
        self.end("handover")

    async def question(self, question: Question) -> m.Message | Passed:
        """Answer from the journal, in a thread; what is older the history service answers.

        Raises:
            StoreError, ProtocolError: As the names say.
        """
        return await self._storage.question(question)

    async def order(self, order: Order, role: str) -> m.Message:
        """Carry out what changes something and may take a while.

        Raises:
            ProtocolError, ConfigError, StoreError: As the names say.
        """
        if isinstance(order, m.Purge):
            return await self._purge(order)
        if isinstance(order, m.Inspect):
            self._real()
            return await asyncio.to_thread(inspection.inspect, order.pid, order.start_time)
        if isinstance(order, m.Renice):
            return self._renice(order)
        self._switch(order.name, on=order.on, role=role)
        await asyncio.to_thread(settings.switch, self.options.places, order.name, on=order.on)
        return m.Ok()

    def _renice(self, request: m.Renice) -> m.Message:
        about = ("process", f"{request.pid}:{request.start_time}")
        try:
            self._real()
            signals.renice(request.pid, request.start_time, request.nice, self.options.signals)
        except ProtocolError as error:
            self.emit("process.renice_refused", about, {"nice": request.nice, "reason": str(error)})
            raise
        self.emit("process.reniced", about, {"nice": request.nice})
        return m.Ok()

    async def _purge(self, order: m.Purge) -> m.PurgeReply:
        wanted = Wanted(before_second(order.before_ns), tuple(order.patterns))
        now_s = self._clock.now().time_ns // NS_PER_S
        self._tables.renew()
        done = await purging.purge(self._keeper, self._accumulator, wanted, self._session, now_s)
        self._storage.renew()
        payload = {"before_ns": order.before_ns, "patterns": len(order.patterns), "ticks": done.ticks}
        self.emit("store.purged", ("store", "journal"), {**payload, "segments": order.segments})
        return m.PurgeReply(*done)

    def _switch(self, name: str, *, on: bool, role: str) -> None:
        sources = {source.name: source for source in self._scheduler.sources}
        toggles.check(name, sources)
        now = self._clock.now()
        off = None if on else toggles.off(name, role, now.time_ns)
        if name in sources:
            self._scheduler.switch(sources[name], off)
            if name == self._pushes.name:
                for pushed in self._pushes.switch(on=on):
                    self._accumulator.silence(pushed)
            if off is not None:
                self._accumulator.silence(name)
                for snapshot in self._tables.left(name, now.time_ns):
                    self._scanned(snapshot, now, name)
            return
        group = name.removeprefix(GROUP_PREFIX)
        if on is (group not in self._groups_off):
            return
        if off is None:
            del self._groups_off[group]
        else:
            self._groups_off[group] = off
        self._accumulator.mute(self._groups_off)
        self._pushes.muted(group)
        states = (health.OFF, health.OK) if on else (health.OK, health.OFF)
        payload = {"before": states[0], "after": states[1], "reason": "" if off is None else off.reason}
        self.emit("source.state", ("source", name), payload)
        self._publish_health()
