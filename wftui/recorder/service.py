"""The recorder: puts sources, rings, journal, bus and socket together, and ends in order."""

import asyncio
import os
import socket
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Final

import wftui
from wftui import log
from wftui.clock import NS_PER_S, Clock, Instant, boot_id
from wftui.collectors.base import Attentive, Bringing, Collector
from wftui.energy.stream import USUAL
from wftui.errors import ConfigError, ProtocolError
from wftui.model.alerts import ALERTS, SILENCES
from wftui.model.event import Event
from wftui.model.health import Health
from wftui.model.quality import KEY, QUALITY
from wftui.model.sample import Column, Scrape
from wftui.model.streams import STREAMS
from wftui.model.table import TableSnapshot
from wftui.model.tick import Layout, Tick
from wftui.recorder import crash, oom
from wftui.recorder.accumulator import Accumulator
from wftui.recorder.alerting.actions import Actions
from wftui.recorder.alerting.alerting import Alerting
from wftui.recorder.alerting.backfill import Backfill
from wftui.recorder.alerting.editing import Editing
from wftui.recorder.alerting.past import Past
from wftui.recorder.alerting.quality import Quality, closest_hz, slower
from wftui.recorder.alerting.rulebook import Rulebook
from wftui.recorder.bundles import Bundles, asked
from wftui.recorder.bursts import Bursts
from wftui.recorder.bus import Bus, Closed, HealthChanged, LaidOut, TableChanged
from wftui.recorder.child import Passed
from wftui.recorder.emitter import Emitter
from wftui.recorder.ledger import SLOW_EVERY_S, Ledger
from wftui.recorder.lifetime import Lifetime
from wftui.recorder.options import Options
from wftui.recorder.orders import Orders
from wftui.recorder.push.door import Door
from wftui.recorder.push.intake import Intake
from wftui.recorder.push.known import SOURCE as PUSHES
from wftui.recorder.push.quick import Quick
from wftui.recorder.scheduler import Scheduler
from wftui.recorder.sealed import Question
from wftui.recorder.server import Server
from wftui.recorder.serving import Serving
from wftui.recorder.source import Source
from wftui.recorder.statistics import over_windows
from wftui.recorder.storage import FLUSH_S, Storage
from wftui.recorder.streams.counters import Counters
from wftui.recorder.streams.desk import Desk
from wftui.recorder.streams.entry import STEP_S
from wftui.recorder.switches import Switches
from wftui.recorder.tables import Tables
from wftui.recorder.tap import Tap
from wftui.recorder.turns import Turns
from wftui.store.journal import StoredChange
from wftui.wire import messages as m

if TYPE_CHECKING:
    from wftui.store.purge import Purged, Wanted

HEALTH_EVERY_S: Final = 5
FIRST_LIGHT_S: Final = 0.15
"""When the sources of 10 Hz have been read twice and the threads have answered."""
FORGET_EVERY_S: Final = 60


class Recorder:
    """One recorder's life. ``run`` returns when it has ended in order."""

    def __init__(self, options: Options, clock: Clock, collectors: Iterable[Collector]) -> None:
        self.options = options
        self.ticks = 0
        """Closed in this session."""
        self._clock = clock
        self._bus = Bus(self._followed)
        self._quick = Quick(partial(self._bus.publish_samples, PUSHES))
        self._streams = Desk(
            clock,
            partial(self._bus.publish_samples, STREAMS.source),
            self._stream_turned,
            USUAL._replace(rate_max=options.full_rate),
        )
        self._counters = Counters(self._streams)
        self._pushes = Intake(
            lambda new: self._accumulator.admit(new),
            lambda: self._accumulator.rejected,
            self._quick,
            self._streams,
        )
        self._pushes.off = self._pushes.name in options.disabled
        self._door = Door(options.places.push_socket, self._pushes, clock)
        sources = [*collectors, self._pushes, self._streams]
        self._telling = {self._pushes.name, self._streams.name}
        """Sources that tell what comes as it comes."""
        for item in sources:
            if isinstance(item, Bringing):
                item.bring_to(self._streams, partial(self._bus.publish_samples, item.name))
                self._telling.add(item.name)
        bus = self._bus
        self._scheduler = Scheduler(
            sources, clock, self, options.disabled, urgent=lambda: bus.full_rate, wanted=bus.wanted
        )
        self._accumulator = Accumulator()
        self._tables = Tables()
        self.emit = Emitter(clock, self._tell)
        self._serving = Serving(self._tables.rows, self.emit)
        self._turns = Turns(self.emit)
        self._oom = oom.OomWatch()
        self._ending: asyncio.Future[str] | None = None
        self._tick: Tick | None = None
        self._first: Tick | None = None
        self._layout = Layout(0, ())
        self._seq = self._boot = 0
        self._started = clock.now()
        self._lifetime = Lifetime(options, self._started)
        self._rejected_told: dict[str, int] = {}
        self._storage = Storage(options, clock, self.emit, self._publish_health)
        self._keeper = self._storage.keeper
        self._server = Server(options.places.socket, self, self._bus)
        self._ledger = Ledger(
            self._started, self.emit, self._scheduler, self._storage, self._server, self._reported
        )
        self.views = self._ledger.views
        self._tap: Tap | None = None
        self._bursts = Bursts(lambda: self._accumulator.pool, lambda: self._seq + 1, self._keeper.put, self.emit)
        self._switches = Switches(
            self._scheduler,
            self._pushes,
            lambda: self._accumulator,
            clock,
            self.emit,
            self._emptied,
            self._publish_health,
        )
        self._switches.begin(options.groups_disabled, options.disabled)
        self._actions = Actions(
            clock, self.emit, commands=options.alert_commands, desktop=options.alert_desktop, demo=options.demo
        )
        adapt = options.alert_adapt and not options.demo  # nothing of a script befalls this machine
        self._quality = Quality(self.emit, self._scanned, self._lowered, adapt=adapt)
        self._bundles = Bundles(asked(options), self.emit, lambda: self._keeper.in_memory)
        self._alerting = Alerting(
            clock,
            self.emit,
            self._tables.rows,
            self._scanned,
            self._bursts.wanted,
            self._actions,
            self._quality,
            self._bundles,
        )
        self._rulebook = Rulebook(options.places, self._alerting.use, self.emit)
        self._backfill = Backfill(self._alerting.engine, clock.now, partial(self._storage.question, brief=True))
        self.orders = Orders(
            options,
            clock,
            self.emit,
            self._bursts,
            self._switches,
            self._alerting,
            self._quality,
            Editing(options.places, clock, self.emit, self._rulebook, self.question, demo=options.demo),
            self._delete,
        )
        """What connections have done."""

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
        self._seq, self._boot = opening.last_seq, opening.boot
        self.emit.seq, self.emit.session = opening.last_event_seq, opening.session
        self._accumulator = Accumulator(opening.last_layout)
        self._accumulator.mute(self._switches.groups)
        left, last = self._storage.left(opening, (ALERTS.name, SILENCES.name, QUALITY.name))
        self._alerting.restore(left, last)
        if last is not None:
            self._alerting.hold()
        self._quality.restore(left.get(QUALITY.name, {}).get(KEY), self._clock.now())
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
        self.emit("recorder.started", about, {"mode": self.options.mode, "session": self.emit.session})
        if opening.unclean:
            self.emit("recorder.unclean", about, {"last_second": opening.last_time_s})
        if (down := crash.went_down(opening, self._clock.now(), boot_id())) is not None:
            self.emit("machine.down", *down)
        how = "crashed"
        try:
            async with asyncio.TaskGroup() as tasks:
                metronome = tasks.create_task(self._scheduler.run())
                rulebook = tasks.create_task(self._rulebook.run())
                backfill = tasks.create_task(self._backfill.run())
                catch_up = tasks.create_task(self._catch_up(last))
                actions = tasks.create_task(self._actions.run())
                loop.call_later(FIRST_LIGHT_S, self._first_light)
                how = await self._ending
                metronome.cancel()
                rulebook.cancel()
                backfill.cancel()
                catch_up.cancel()
                actions.cancel()
        finally:
            await self._close(how)
        return how

    async def _catch_up(self, last: Tick | None) -> None:
        if last is not None:
            await self._alerting.catch_up(Past(self._storage.reader, last), self._scheduler.by_name)

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
        await self._bundles.close()
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
        self._bundles.second_ended(at)
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
        if how := self._lifetime.over(at, len(self._server.views)):
            self.end(how)

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
        own = self._ledger.second(time_s, at, accumulator, self.emit.counts)
        told = self._alerting.second(tick, self._layout, self._scheduler.by_name, at, accumulator.latest)
        accumulator.add([*own, *self._serving.second(at), *told], at, 1.0)
        if self.ticks % SLOW_EVERY_S == 1:
            accumulator.add(self._ledger.slow(self._seq), at, SLOW_EVERY_S)

    def _followed(self) -> None:
        """Somebody began or ceased to follow at full rate."""
        self._scheduler.soon()
        self._quick.follow(self._bus.followed_hz(PUSHES))
        closest = closest_hz(self._quality.level)
        self._streams.follow(min(self._bus.followed_hz(STREAMS.source), closest))
        for source in self._scheduler.sources:
            if isinstance(source.collector, Attentive):
                rate_hz = self._bus.rate_hz(source.name)
                if isinstance(source.collector, Bringing):
                    rate_hz = max(rate_hz, self._bus.rate_hz(STREAMS.source))  # what it brings is told there
                source.collector.look_closely(min(rate_hz, closest))

    def _stream_turned(self, new: list[Column]) -> None:
        """A stream began, ended or came to a halt while somebody follows: that does not wait for the tick."""
        if new and self._accumulator.expect(new, STEP_S):
            self._bus.publish(LaidOut(STREAMS.source, self._accumulator.layout))
        self._scheduler.collect_now(STREAMS.source)

    def _reported(self, view: str, report: m.Report) -> None:
        """A view says what it costs, and what it drew."""
        self._streams.frames.view(view, report, self._clock.now().boottime_ns / NS_PER_S)

    def _lowered(self, level: int) -> None:
        """wftop's own quality is another one."""
        self._followed()
        self._scheduler.slow_down(slower(level))

    def scraped(self, source: Source, at: Instant, scrape: Scrape) -> None:
        """Take a source's samples and tables in."""
        for reading in scrape.readings:
            self._accumulator.add(reading.samples, reading.at, reading.interval_s)
        self._accumulator.add(scrape.samples, at, source.interval_s)
        if scrape.latest:
            self._accumulator.say(scrape.latest)
        if source.name not in self._telling:
            for reading in scrape.readings:
                self._bus.publish_samples(source.name, reading.at.time_ns, reading.samples)
            self._bus.publish_samples(source.name, at.time_ns, scrape.samples)
        self._serving.scraped(source.name, scrape, at)
        self._counters.scraped(source.name, scrape, at, source.interval_s)
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

    def _emptied(self, source: str, at: Instant) -> None:
        for snapshot in self._tables.left(source, at.time_ns):
            self._scanned(snapshot, at, source)

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

    # ---- what everybody is told

    def _tell(self, item: Event) -> None:
        self._bus.publish(item)
        self._keeper.put(item)
        if self._tap is not None:
            self._tap.put(item)

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
            self.emit.session,
            self.options.mode,
            boot_id(),
            self._started.time_ns,
            str(self.options.places.data_dir),
            "demo" if self.options.demo else socket.gethostname(),
            demo=self.options.demo,
        )

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
            *self._switches.groups.values(),
            self._storage.health,
        ]

    def last_event_seq(self) -> int:
        """Of the newest event."""
        return self.emit.seq

    def status(self) -> m.StatusReply:
        """How we are."""
        return m.StatusReply(
            os.getpid(),
            self.options.mode,
            self.emit.session,
            wftui.__version__,
            self._started.time_ns,
            self.ticks,
            len(self._accumulator),
            len(self._server.views),
            self._ledger.cost.cpu_utilization,
            self._ledger.cost.memory_bytes,
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

    async def _delete(self, wanted: "Wanted") -> "Purged":
        from wftui.recorder import purging  # here: most recorders never delete

        now_s = self._clock.now().time_ns // NS_PER_S
        self._tables.renew()
        done = await purging.purge(self._keeper, self._accumulator, wanted, self.emit.session, now_s)
        self._storage.renew()
        return done
