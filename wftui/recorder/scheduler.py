"""The metronome: ten times a second, on the wall clock's grid, close what ended and collect what is due."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Final, Protocol

from msgspec.structs import replace

from wftui import clock, log
from wftui.clock import Clock, Instant
from wftui.collectors.base import STREAM, Bringing, Collector, Parting, Passing
from wftui.model import health
from wftui.model.health import Health
from wftui.model.sample import Reading, Scrape
from wftui.recorder.source import BUDGET, EARLY_NS, NEVER_NS, TOTAL_BUDGET, Source, stretch
from wftui.recorder.worker import Worker

SLOT_NS: Final = 100_000_000
STEP_NS: Final = 500_000_000
"""A wall clock that moves by more than this against CLOCK_BOOTTIME between two slots was stepped."""
SUSPENDED_NS: Final = 2_500_000_000
REBUDGET_NS: Final = 10_000_000_000
SELDOM_S: Final = 2.0
"""Sources of this interval and longer ones may be slowed down by a low quality."""
EAGER_NS: Final = 2_000_000_000
"""So long after the start, and after somebody followed at full rate, what a thread brings is told at once."""


class Listener(Protocol):
    """Whom the metronome tells."""

    def second_ended(self, time_s: int, ended_ns: int, at: Instant) -> None:
        """The UTC second is over, since ``ended_ns`` (CLOCK_BOOTTIME): close its tick."""
        ...

    def scraped(self, source: Source, at: Instant, scrape: Scrape) -> None:
        """A source brought samples."""
        ...

    def health_changed(self, source: Source, before: str) -> None:
        """A source came into another state."""
        ...

    def retimed(self, source: Source) -> None:
        """A source's interval changed."""
        ...

    def clock_stepped(self, by_ns: int, at: Instant) -> None:
        """The wall clock jumped."""
        ...

    def suspended(self, for_ns: int, at: Instant) -> None:
        """No slot ran for that long."""
        ...


class Scheduler:
    """Runs the sources."""

    def __init__(
        self,
        collectors: Iterable[Collector],
        clock: Clock,
        listener: Listener,
        disabled: Iterable[str] = (),
        urgent: Callable[[], bool] = lambda: False,
        wanted: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """``urgent``: whether somebody follows at full rate: then readings wait for no end of a second, of the
        sources that are ``wanted``."""
        off = frozenset(disabled)
        self.sources = [Source(item, item.name in off) for item in collectors]
        self.by_name = {source.name: source for source in self.sources}
        self._deferring = [source for source in self.sources if source.deferring is not None]
        self._streaming = [source for source in self.sources if source.collector.where == STREAM]
        # What tells by itself has nothing more within a second: to take in sixty readings at once is cheaper.
        self._within = [
            (source, source.collector if isinstance(source.collector, Passing) else None)
            for source in self._streaming
            if not isinstance(source.collector, Bringing)
        ]
        self._others = [s for s in self.sources if s.deferring is None and s.collector.where != STREAM]
        self._urgent = urgent
        self._wanted = wanted
        self._others_due_ns = 0
        self._clock = clock
        self._listener = listener
        self._workers: dict[str, Worker] = {}
        self._answers: deque[Callable[[], None]] = deque()
        """What threads brought, until the loop looks."""
        self._eager_ns = 0
        """Up to this CLOCK_BOOTTIME an answer wakes the loop."""
        self._second = 0
        self._early: list[tuple[Source, tuple[Reading, ...]]] = []
        """Readings of the second that follows the open one."""
        self._due_ns = 0
        """CLOCK_BOOTTIME up to which there is nothing to do but to read files."""
        self._offset_ns = 0
        self._last_ns = 0
        self._rebudget_ns = 0
        self._slower = 1.0

    async def run(self) -> None:
        """Run until cancelled."""
        now = self._clock.now()
        self._second = now.time_ns // clock.NS_PER_S
        self._offset_ns = now.time_ns - now.boottime_ns
        self._last_ns = now.boottime_ns
        self._rebudget_ns = now.boottime_ns + REBUDGET_NS
        self._eager_ns = now.boottime_ns + EAGER_NS
        for source in self.sources:
            source.since_ns = now.time_ns
        # The first readings at once: a view that waits should see something before the grid comes round.
        for source in self._deferring:
            if not source.off:
                self._inline(source, now)
                source.schedule(now)
                source.grab_ns = source.due_ns
        self._collect_others(now, everything=True)
        await self._clock.beat(SLOT_NS, self._slot)

    def soon(self) -> None:
        """Somebody follows at full rate from now on: do not wait for the second's end."""
        self._due_ns = 0

    def _slot(self, now: Instant) -> bool:
        """Ten times a second. After 100 ms of sleep the caches are cold: most slots only read, in few steps.

        Returns:
            Whether more was done than to read files.
        """
        offset = now.time_ns - now.boottime_ns
        step = offset - self._offset_ns
        gap = now.boottime_ns - self._last_ns
        if now.boottime_ns >= self._due_ns or gap > SUSPENDED_NS or not -STEP_NS < step < STEP_NS:
            self._whole_slot(now, offset, step, gap)
            whole = True
        else:
            self._grab(now)
            whole = False
        self._last_ns = now.boottime_ns
        return whole

    def _whole_slot(self, now: Instant, offset: int, step: int, gap: int) -> None:
        # By the clocks as they were: after a suspend or a stall the second ended before it, a step cut it short.
        ended_ns = min(now.boottime_ns, (self._second + 1) * clock.NS_PER_S - self._offset_ns)
        self._offset_ns = offset
        second = now.time_ns // clock.NS_PER_S
        self._take_answers()
        if second != self._second:
            self.harvest()
            self._listener.second_ended(self._second, ended_ns, now)
            self._second = second
            early, self._early = self._early, []
            for source, readings in early:
                if not source.off:
                    self._listener.scraped(source, now, Scrape([], readings=readings))
        if abs(step) > STEP_NS:
            self._listener.clock_stepped(step, now)
            for source in self.sources:
                source.regrid()
            self._others_due_ns = 0
        if gap > SUSPENDED_NS:
            self._listener.suspended(gap, now)
        self._grab(now)
        urgent = self._urgent()
        if urgent:
            self._harvest_wanted(now)
            self._eager_ns = now.boottime_ns + EAGER_NS
        # Most slots have nothing to do for the others: one comparison instead of a walk.
        if now.boottime_ns + EARLY_NS >= self._others_due_ns:
            self._collect_others(now)
        if now.boottime_ns >= self._rebudget_ns:
            self._rebudget_ns = now.boottime_ns + REBUDGET_NS
            self._rebudget()
        second_ends_ns = (second + 1) * clock.NS_PER_S - offset
        self._due_ns = 0 if urgent else min(second_ends_ns, self._others_due_ns - EARLY_NS)

    @staticmethod
    def _is_due(source: Source, now: Instant) -> bool:
        if source.off:
            return False
        if source.due_ns == 0:
            source.schedule(now)
        return now.boottime_ns + EARLY_NS >= source.due_ns

    def _collect_others(self, now: Instant, *, everything: bool = False) -> None:
        soonest = now.boottime_ns + clock.NS_PER_S
        for source in self._others:
            if source.off:
                continue
            if source.started is not None:
                soonest = min(soonest, self._watch(source, source.started, now))
                continue
            if everything or self._is_due(source, now):
                if source.threaded:
                    source.started = now
                    self._worker(source).request(now)
                else:
                    self._inline(source, now)
                source.schedule(now)
            soonest = min(soonest, source.due_ns)
        self._others_due_ns = soonest

    def _grab(self, now: Instant) -> None:
        """Read files now; on cold caches parsing would cost six times what it costs in a row, later."""
        soon_ns = now.boottime_ns + EARLY_NS
        for source in self._deferring:
            if soon_ns >= source.grab_ns:
                source.grab(now)

    def harvest(self) -> None:
        """Understand what was grabbed, and take what streams have gathered."""
        for source in self._deferring:
            if source.grabbed:
                self._understand(source)
        now = self._clock.now()
        for source in self._streaming:
            if not source.off:
                self._inline(source, now)
            elif isinstance(source.collector, Parting):
                source.collector.part(now)

    def collect_now(self, name: str) -> None:
        """Take what a stream has gathered: it has something that does not wait."""
        source = self.by_name[name]
        if not source.off:
            self._inline(source, self._clock.now())

    def _harvest_wanted(self, now: Instant) -> None:
        """Within a second: what somebody follows."""
        for source in self._deferring:
            if source.grabbed and self._wanted(source.name):
                self._understand(source)
        for source, passing in self._within:
            if not source.off and self._wanted(source.name) and (passing is None or self._has_more(passing, now)):
                self._inline(source, now)

    @staticmethod
    def _has_more(passing: Passing, now: Instant) -> bool:
        try:
            return passing.pass_by(now)
        except Exception:  # noqa: BLE001  its collection meets it again, and makes the source `failed`
            return True

    def _understand(self, source: Source) -> None:
        """Let the collector collect from each reading as if it were the moment of it."""
        results: list[tuple[Instant, Scrape | Exception]] = []
        grabbed, source.grabbed = source.grabbed, []
        started, cpu = clock.perf_ns(), clock.thread_cpu_ns()
        for at, files, readings in grabbed:
            for file, reading in zip(files, readings, strict=True):
                file.hold(reading)
            try:
                results.append((at, source.collector.collect(at)))
            except Exception as error:  # noqa: BLE001  as in _inline
                results.append((at, error))
            for file in files:
                file.hold(None)  # what was not asked for must not be taken for a later reading
        cost_s = source.grab_s + (clock.thread_cpu_ns() - cpu) / 1e9 / len(results)
        duration_s = source.grab_s + (clock.perf_ns() - started) / 1e9 / len(results)
        failed = False
        for at, result in results:
            if failed and isinstance(result, Exception):
                continue  # ten readings that failed in one second are one failure, else the pause were minutes
            failed = isinstance(result, Exception)
            self._done(source, at, result, cost_s, duration_s)
            source.schedule(at)

    def _inline(self, source: Source, now: Instant) -> None:
        # Wall time for people, CPU time for the budget: on a busy machine a reading waits, and must not be
        # punished for it with a longer interval.
        started, cpu = clock.perf_ns(), clock.thread_cpu_ns()
        result: Scrape | Exception
        try:
            result = source.collector.collect(now)
        except Exception as error:  # noqa: BLE001  the collector loop: this source becomes `failed`, others go on
            result = error
        self._done(source, now, result, (clock.thread_cpu_ns() - cpu) / 1e9, (clock.perf_ns() - started) / 1e9)

    def _worker(self, source: Source) -> Worker:
        worker = self._workers.get(source.name)
        if worker is None:
            loop = asyncio.get_running_loop()

            def take(at: Instant, result: Scrape | Exception, cost_s: float, duration_s: float) -> None:
                source.started = None
                self._done(source, at, result, cost_s, duration_s)

            def done(at: Instant, result: Scrape | Exception, cost_s: float, duration_s: float) -> None:
                # In the thread. An answer can wait for the second's end: to wake the loop for each of them costs
                # more than to take them in, and a view would be woken, too.
                self._answers.append(partial(take, at, result, cost_s, duration_s))
                if source.state == health.STUCK or self._clock.now().boottime_ns < self._eager_ns:
                    with suppress(RuntimeError):  # the loop is closed: the recorder has ended meanwhile
                        loop.call_soon_threadsafe(self._take_answers)

            worker = self._workers[source.name] = Worker(source.collector, done)
        return worker

    def _take_answers(self) -> None:
        while self._answers:
            self._answers.popleft()()

    def _watch(self, source: Source, started: Instant, now: Instant) -> int:
        """A collection is still under way: past its deadline the source is stuck, and no second one is started.

        Returns:
            The CLOCK_BOOTTIME when to look again.
        """
        deadline_ns = started.boottime_ns + int(source.collector.timeout_s * clock.NS_PER_S)
        if now.boottime_ns <= deadline_ns:
            return deadline_ns + SLOT_NS
        reason = f"no answer for {(now.boottime_ns - started.boottime_ns) / 1e9:.0f} s"
        self._enter(source, health.STUCK, reason, "it goes on by itself when the kernel answers", now)
        return now.boottime_ns + clock.NS_PER_S

    def _done(
        self, source: Source, at: Instant, result: Scrape | Exception, cost_s: float, duration_s: float
    ) -> None:
        if source.off:
            return  # switched off while a thread was at it
        now = at if source.threaded is False else self._clock.now()
        if isinstance(result, Scrape):
            source.succeeded(at, cost_s, duration_s)
            note = result.note
            if note is None:
                self._enter(source, health.OK, "", "", now)
            else:
                self._enter(source, note.state, note.reason, note.fix, now)
            if source.collector.where == STREAM:
                result = self._of_this_second(source, result)
            if source.fresh:
                source.fresh = False  # a share of the time that it was off would be one of now
            else:
                self._listener.scraped(source, at, result)
            return
        state, reason, fix = source.failed(at, result)
        if self._enter(source, state, reason, fix, now) and state == health.FAILED:
            log.error("source", f"{source.name} failed", exc=result)

    def _of_this_second(self, source: Source, scrape: Scrape) -> Scrape:
        """Without the readings that were taken after the second that is about to be closed; these wait for it.

        A slot that is some milliseconds late finds one: a counter's tick would be a tenth of a second ahead.
        """
        next_ns = (self._second + 1) * clock.NS_PER_S
        early = tuple(item for item in scrape.readings if item.at.time_ns >= next_ns)
        if not early:
            return scrape
        self._early.append((source, early))
        return replace(scrape, readings=tuple(item for item in scrape.readings if item.at.time_ns < next_ns))

    def _enter(self, source: Source, state: str, reason: str, fix: str, at: Instant) -> bool:
        before = source.state
        changed = source.enter(state, reason, fix, at.time_ns)
        if changed:
            self._listener.health_changed(source, before)
        return changed

    def _rebudget(self) -> None:
        """Stretch what costs too much, let it come back when it has become cheap."""
        total = sum(s.cost_s / s.interval_s for s in self.sources if not s.off and s.collector.where != STREAM)
        # All are asked to give in proportion when they are over the common budget though each keeps its own.
        budget = BUDGET * min(1.0, TOTAL_BUDGET / total) if total > 0 else BUDGET
        for source in self.sources:
            if source.collector.where == STREAM:
                continue  # it is asked once a second and stretches by itself
            usual_s = source.collector.interval_s
            if usual_s >= SELDOM_S:
                usual_s *= self._slower
            wanted = stretch(usual_s, source.cost_s, budget)
            # Shrink only with some room, so that an interval at the edge does not swing.
            if wanted > source.interval_s or stretch(usual_s, source.cost_s * 1.3, budget) < source.interval_s:
                source.interval_s = wanted
                source.regrid()
                self._others_due_ns = 0
                self._listener.retimed(source)
                log.info("scheduler", f"{source.name} every {wanted:g} s", cost_ms=round(source.cost_s * 1e3, 3))

    def slow_down(self, factor: float) -> None:
        """Read what is read seldom (``SELDOM_S``) so many times more seldom yet; 1: as usual."""
        if factor != self._slower:
            self._slower = factor
            self._rebudget()

    def switch(self, source: Source, off: Health | None) -> None:
        """Switch a source off, with what its health is to say then, or (None) on."""
        now = self._clock.now()
        if off is not None:
            source.grabbed.clear()
            source.grab_ns = NEVER_NS
            if source.collector.where == STREAM:
                source.collector.close()  # what it gathers with is not needed meanwhile
            self._enter(source, off.state, off.reason, off.fix, now)
        elif source.off:
            source.restart(now)
            self._others_due_ns = 0
            self.soon()
            self._enter(source, health.OK, "", "", now)

    def close(self) -> None:
        """Let go of the collectors; a stuck thread is left alone."""
        for source in self.sources:
            worker = self._workers.pop(source.name, None)
            if worker is not None:
                worker.stop()
            elif not source.threaded:
                source.collector.close()
