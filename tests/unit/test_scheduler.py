"""The metronome and its sources: who fails, hangs or costs too much disturbs nobody."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.fakeclock import FakeClock
from tests.records import COUNTER, Counting
from wftui.clock import Instant, SystemClock
from wftui.collectors.base import THREAD, Collector
from wftui.collectors.files import ProcFile
from wftui.errors import SourceUnavailableError
from wftui.model import health
from wftui.model.sample import Note, Sample, Scrape
from wftui.recorder import toggles
from wftui.recorder.brief import sample_twice
from wftui.recorder.scheduler import Scheduler
from wftui.recorder.source import Source


class Heard:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.seconds: list[int] = []
        self.scrapes: list[str] = []
        self.states: list[tuple[str, str, str]] = []
        self.intervals: list[tuple[str, float]] = []

    def second_ended(self, time_s: int, ended_ns: int, at: Instant) -> None:
        assert at.boottime_ns - 2_000_000_000 < ended_ns <= at.boottime_ns
        self.seconds.append(time_s)

    def scraped(self, source: Source, at: Instant, scrape: Scrape) -> None:
        assert at.time_ns
        assert scrape
        self.scrapes.append(source.name)

    def health_changed(self, source: Source, before: str) -> None:
        self.states.append((source.name, before, source.state))

    def retimed(self, source: Source) -> None:
        self.intervals.append((source.name, source.interval_s))

    def clock_stepped(self, by_ns: int, at: Instant) -> None:
        raise AssertionError((by_ns, at))

    def suspended(self, for_ns: int, at: Instant) -> None:
        raise AssertionError((for_ns, at))


async def run(clock: FakeClock, scheduler: Scheduler, seconds: float) -> None:
    done = asyncio.Event()
    clock.plan(seconds, done.set)
    task = asyncio.create_task(scheduler.run())
    await done.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  threads change it, no event tells
            await asyncio.sleep(0.005)


class Hanging(Counting):
    """A collector in a thread that answers when it is let."""

    def __init__(self) -> None:
        super().__init__("hanging")
        self.where = THREAD
        self.timeout_s = 2.0
        self.gate = threading.Event()

    def collect(self, at: Instant) -> Scrape:
        self.calls += 1
        self.gate.wait(20)
        return Scrape([Sample(COUNTER, at.boottime_ns / 1e7)])


async def test_each_source_runs_at_its_own_interval() -> None:
    clock, heard = FakeClock(), Heard()
    collectors = [Counting("fast", 0.1), Counting("second", 1.0), Counting("slow", 5.0), Counting("off")]
    scheduler = Scheduler(collectors, clock, heard, ["off"])
    await run(clock, scheduler, 20.05)
    assert heard.scrapes.count("fast") == pytest.approx(200, abs=2)
    assert heard.scrapes.count("second") == pytest.approx(20, abs=1)
    assert heard.scrapes.count("slow") == pytest.approx(5, abs=1)
    assert collectors[3].calls == 0
    assert heard.seconds == list(range(heard.seconds[0], heard.seconds[0] + 20))
    assert heard.states == []
    assert [source.late for source in scheduler.sources] == [0, 0, 0, 0]
    assert [source.coverage for source in scheduler.sources[:3]] == [1.0] * 3
    scheduler.close()
    assert [item.closed for item in collectors] == [1, 1, 1, 1]


async def test_one_that_fails_leaves_the_others_alone_and_comes_back() -> None:
    clock, heard = FakeClock(), Heard()
    bad, good = Counting("bad"), Counting("good")
    scheduler = Scheduler([bad, good], clock, heard)
    bad.error = ZeroDivisionError("oh no")

    def mend() -> None:
        bad.error = None

    clock.plan(10, mend)
    await run(clock, scheduler, 60.05)
    assert heard.states == [("bad", "ok", "failed"), ("bad", "failed", "ok")]
    assert heard.scrapes.count("good") == pytest.approx(60, abs=2)
    assert bad.calls < 55, "it was asked less often while it failed"
    assert scheduler.sources[0].failures >= 2
    assert scheduler.sources[0].health().coverage != 1.0


async def test_states_come_from_errors_and_notes() -> None:
    class Noted(Counting):
        def collect(self, at: Instant) -> Scrape:
            return Scrape(super().collect(at).samples, note=Note("denied", "half of it is closed", "be root"))

    clock, heard = FakeClock(), Heard()
    absent = Counting("absent")
    absent.error = SourceUnavailableError("nothing there", fix="plug it in")
    scheduler = Scheduler([absent, Noted("noted")], clock, heard)
    await run(clock, scheduler, 3.05)
    found = {source.name: source.health() for source in scheduler.sources}
    assert (found["absent"].state, found["absent"].reason, found["absent"].fix) == (
        "absent",
        "nothing there",
        "plug it in",
    )
    assert found["absent"].coverage is None
    assert (found["noted"].state, found["noted"].fix) == ("denied", "be root")
    assert "noted" in heard.scrapes
    assert {state for _, _, state in heard.states} == {"absent", "denied"}


async def test_a_hanging_thread_is_stuck_and_no_second_one_is_started() -> None:
    clock, heard = FakeClock(), Heard()
    hanging, good = Hanging(), Counting("good")
    scheduler = Scheduler([hanging, good], clock, heard)
    await run(clock, scheduler, 30.05)
    await until(lambda: hanging.calls == 1)
    assert heard.states == [("hanging", "ok", "stuck")]
    assert "30 s" in scheduler.sources[0].reason or "29 s" in scheduler.sources[0].reason
    assert heard.scrapes.count("good") == pytest.approx(30, abs=2)
    hanging.gate.set()
    await until(lambda: heard.states[-1] == ("hanging", "stuck", "ok"))
    await run(clock, scheduler, 3.05)
    await until(lambda: hanging.calls >= 2)
    scheduler.close()
    await until(lambda: hanging.closed == 1)


async def test_a_late_wake_up_skips_and_counts() -> None:
    clock, heard = FakeClock(), Heard()
    scheduler = Scheduler([Counting("fast", 0.1), Counting("second")], clock, heard)
    clock.plan(5.25, lambda: clock.advance(1_900_000_000))
    await run(clock, scheduler, 10.05)
    assert scheduler.sources[0].late == pytest.approx(19, abs=1)
    assert len(heard.seconds) == len(set(heard.seconds))
    assert heard.scrapes.count("fast") < 85, "nothing is queued up"


async def test_what_costs_too_much_is_asked_less_often() -> None:
    class Dear(Counting):
        spend_s = 0.02

        def collect(self, at: Instant) -> Scrape:
            # Of the processor: on a busy machine a time on the wall holds less of it.
            end = time.thread_time() + self.spend_s
            while time.thread_time() < end:
                pass
            return super().collect(at)

    clock, heard = FakeClock(), Heard()
    dear = Dear("dear", 1.0)
    scheduler = Scheduler([dear, Counting("cheap")], clock, heard)
    await run(clock, scheduler, 25.05)
    assert heard.intervals
    assert heard.intervals[0][0] == "dear"
    assert scheduler.sources[0].interval_s >= 6
    dear.spend_s = 0.0
    await run(clock, scheduler, 300.05)
    assert scheduler.sources[0].interval_s < 6, "it comes back when it has become cheap"
    assert scheduler.sources[1].interval_s == 1.0


def test_two_readings_leave_a_hanging_source_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wftui.recorder.brief.DEADLINE_S", 0.2)
    hanging, good, bad = Hanging(), Counting("good"), Counting("bad")
    bad.error = OSError("broken")
    collectors: list[Collector] = [hanging, good, bad]
    found = sample_twice(collectors, SystemClock(), 0.01)
    assert [item.state for item in found.health] == [health.STUCK, health.OK, health.FAILED]
    assert hanging.calls == 1
    assert good.calls == 2
    assert (hanging.closed, good.closed) == (0, 1)
    assert [item.series.name for item in found.layout.columns] == ["system.memory.usage", "system.network.io"]
    assert found.second.seq == found.first.seq + 1
    hanging.gate.set()


class Written(Counting):
    """Says what stands in a file, ten times a second."""

    def __init__(self, path: Path) -> None:
        super().__init__("written", 0.1)
        self.file = ProcFile(path, single=True)

    def files(self) -> tuple[ProcFile]:
        return (self.file,)

    def collect(self, at: Instant) -> Scrape:
        self.calls += 1
        assert at.time_ns
        return Scrape([Sample(COUNTER, float(self.file.read()))])


class Kept(Heard):
    """Keeps what came in the open second, and what each second had."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[int, float]] = []
        self.closed: dict[int, list[tuple[int, float]]] = {}

    def second_ended(self, time_s: int, ended_ns: int, at: Instant) -> None:
        super().second_ended(time_s, ended_ns, at)
        self.closed[time_s], self.open = self.open, []

    def scraped(self, source: Source, at: Instant, scrape: Scrape) -> None:
        super().scraped(source, at, scrape)
        self.open += [(at.time_ns, sample.value) for sample in scrape.samples]


def _write(path: Path, number: int) -> None:
    path.write_text(str(number))


def written(tmp_path: Path, clock: FakeClock) -> Written:
    """Its file holds the tenths of a second since the start."""
    path = tmp_path / "file"
    path.write_text("0")
    for tenth in range(1, 121):
        clock.plan(tenth / 10 - 0.01, partial(_write, path, tenth))
    return Written(path)


@pytest.mark.parametrize("urgent", [False, True])
async def test_files_are_read_ten_times_a_second_and_understood_later(tmp_path: Path, *, urgent: bool) -> None:
    clock, heard = FakeClock(), Kept()
    source = written(tmp_path, clock)
    await run(clock, Scheduler([source], clock, heard, urgent=lambda: urgent), 10.05)
    first = min(heard.closed)
    for second in range(first + 1, first + 9):
        tenths = 10 * (second - first)
        # What stood there at that moment, with the time of that moment, in the tick of its second.
        assert [value for _, value in heard.closed[second]] == list(range(tenths, tenths + 10))
        assert [at // 100_000_000 % 10 for at, _ in heard.closed[second]] == list(range(10))


async def test_a_file_that_goes_away_is_told_and_found_again(tmp_path: Path) -> None:
    clock, heard = FakeClock(), Kept()
    source = written(tmp_path, clock)
    scheduler = Scheduler([source], clock, heard)

    def mend() -> None:
        source.file = ProcFile(tmp_path / "file", single=True)

    clock.plan(3.0, lambda: setattr(source, "file", ProcFile(tmp_path / "none", single=True)))
    clock.plan(5.0, mend)
    await run(clock, scheduler, 10.05)
    assert heard.states == [("written", "ok", "absent"), ("written", "absent", "ok")]
    assert scheduler.sources[0].failures == 0, "what is not there is not missed"
    assert len(heard.closed[min(heard.closed) + 9]) == 10


async def test_what_is_off_is_not_read(tmp_path: Path) -> None:
    clock, heard = FakeClock(), Kept()
    source = written(tmp_path, clock)
    scheduler = Scheduler([source], clock, heard)
    item = scheduler.sources[0]
    clock.plan(3.05, lambda: scheduler.switch(item, toggles.off("written", "view", 1)))
    clock.plan(6.05, lambda: scheduler.switch(item, None))
    await run(clock, scheduler, 10.05)
    first = min(heard.closed)
    assert [len(heard.closed[first + second]) for second in (2, 4, 5, 8)] == [10, 0, 0, 10]
