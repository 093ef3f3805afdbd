"""Clocks that step, slew and sleep: scheduler, accumulator, journal and reader together."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakeclock import START_NS, FakeClock
from tests.records import COUNTER, Counting
from wftui.client import lock
from wftui.clock import NS_PER_S, Instant
from wftui.collectors.base import Collector
from wftui.model.sample import Scrape
from wftui.model.tick import Tick, unpack
from wftui.paths import places
from wftui.recorder.accumulator import Accumulator
from wftui.recorder.keeper import Caps
from wftui.recorder.options import Options
from wftui.recorder.scheduler import Scheduler
from wftui.recorder.service import Recorder
from wftui.recorder.source import Source
from wftui.store import read
from wftui.store.answers import answer_range
from wftui.store.journal import NAME, Journal
from wftui.store.read import Reader
from wftui.windows.buckets import Rates
from wftui.wire import messages as m

HOUR = 3600 * NS_PER_S
START_S = START_NS // NS_PER_S
CAPS = Caps(48 * 3600, 1 << 30, 0, 0.0)


async def _record(clock: FakeClock, seconds: float, collectors: list[Collector]) -> Recorder:
    recorder = Recorder(Options("record", places(), caps=CAPS), clock, collectors)
    clock.plan(seconds, lambda: recorder.end("stopped"))
    held = lock.take(places(), lock.RECORD)
    try:
        assert await recorder.run() == "stopped"
    finally:
        held.release()
    return recorder


def record(clock: FakeClock, seconds: float) -> Reader:
    """Run a whole recorder on the fake clock; a reader of what it wrote."""
    asyncio.run(_record(clock, seconds, [Counting()]))
    return read.open_reader(places().data_dir)


def everything(reader: Reader) -> list[Tick]:
    return list(reader.ticks(-(2**40), 2**40))


def types(reader: Reader, kind: str) -> list[dict[str, object]]:
    return [item.payload for item in reader.events()[0] if item.type == kind]


def rates(reader: Reader, since_s: int, until_s: int) -> list[float]:
    """Means of the counter's rate, a bucket a second."""
    reply = answer_range(
        reader,
        m.Range([COUNTER.series.name], since_s * NS_PER_S, until_s * NS_PER_S, min(10_000, until_s - since_s)),
    )
    if not reply.series:
        return [math.nan] * reply.points
    return list(unpack(reply.series[0].mean))


def sound(reader: Reader) -> list[Tick]:
    """What holds whatever the clocks did: order, no hole, no negative rate, true rates where there are any."""
    ticks = everything(reader)
    assert [tick.seq for tick in ticks] == list(range(1, len(ticks) + 1))
    assert all(b.boottime_ns >= a.boottime_ns for a, b in pairwise(ticks))
    steps = Rates()
    for tick in ticks:
        place = reader.layout(tick.layout).places()[COUNTER.series.text]
        for rate in steps.step(tick, [("c", unpack(tick.values)[place])]).values():
            assert rate == pytest.approx(100.0, rel=0.05)
    return ticks


def test_nothing_happens(tmp_path: Path) -> None:
    reader = record(FakeClock(), 30.05)
    ticks = sound(reader)
    assert [tick.time_s for tick in ticks] == list(range(START_S, START_S + 31))
    assert types(reader, "clock.stepped") == []
    assert types(reader, "clock.suspended") == []
    found = rates(reader, START_S, START_S + 30)
    assert found[2:] == pytest.approx([100.0] * 28)
    assert math.isnan(found[0])
    assert (tmp_path / "data" / "wftop" / "journal.db").exists()
    reader.close()


@pytest.mark.parametrize(
    "by_ns",
    [-HOUR, HOUR, -START_NS, 4_291_747_200 * NS_PER_S - START_NS, -20 * NS_PER_S, 3 * NS_PER_S],
    ids=["-1h", "+1h", "to 1970", "to 2106", "-20s", "+3s"],
)
def test_a_step_is_one_event_and_no_rate_across_it(by_ns: int) -> None:
    clock = FakeClock()
    clock.plan(30.35, lambda: clock.step(by_ns))
    reader = record(clock, 60.05)
    ticks = sound(reader)
    assert len(ticks) in (61, 62)
    assert types(reader, "clock.stepped") == [{"by_s": by_ns / NS_PER_S}]
    assert types(reader, "clock.suspended") == []
    after = START_S + 30 + by_ns // NS_PER_S
    for time_s in (START_S + 5, START_S + 29, after + 1, after + 29):
        tick = reader.at(time_s)
        assert tick is not None
        assert tick.seq == max(item.seq for item in ticks if item.time_s == time_s)
    if abs(by_ns) >= HOUR:
        for time_s in (START_S + 20, START_S + 29, after + 2, after + 20):
            assert rates(reader, time_s, time_s + 1) == pytest.approx([100.0])
        outside = START_S + 45
        assert reader.at(outside) is None
        assert math.isnan(rates(reader, outside, outside + 1)[0])
    lateness = [_value(reader, tick, "wftop.tick.lateness") for tick in ticks]
    assert max(value for value in lateness if value == value) < 1.0, "a stepped clock is not a late tick"
    reader.close()


def _value(reader: Reader, tick: Tick, name: str) -> float:
    place = reader.layout(tick.layout).places().get(name)
    return math.nan if place is None else unpack(tick.values)[place]


def test_both_passes_of_a_repeated_minute_are_kept_and_reachable() -> None:
    clock = FakeClock()
    clock.plan(60.35, lambda: clock.step(-60 * NS_PER_S))
    reader = record(clock, 100.05)
    ticks = sound(reader)
    second = START_S + 20
    passes = list(reader.ticks(second, second + 1))
    assert len(passes) == 2
    assert passes[0].seq < passes[1].seq
    assert reader.at(second) == passes[1]
    first, last = (unpack(tick.values)[_place(reader, tick)] for tick in passes)
    assert last - first == pytest.approx(6000, rel=0.02), "a minute of boottime lies between them"
    assert sorted(item.time_s for item in ticks) != [item.time_s for item in ticks]
    reader.close()


def _place(reader: Reader, tick: Tick) -> int:
    return reader.layout(tick.layout).places()[COUNTER.series.text]


def test_a_small_slew_is_no_step() -> None:
    clock = FakeClock()
    for number in range(50):
        clock.plan(5 + number * 0.5, lambda: clock.step(5_000_000))  # 1 % fast for 25 s
    reader = record(clock, 60.05)
    sound(reader)
    assert types(reader, "clock.stepped") == []
    assert types(reader, "clock.suspended") == []
    reader.close()


def test_a_suspend_of_eight_hours_is_a_gap() -> None:
    clock = FakeClock()
    clock.plan(30.35, lambda: clock.advance(8 * HOUR))
    reader = record(clock, 30.35 + 8 * 3600 + 30)
    ticks = sound(reader)
    assert len(ticks) < 65, "a late tick is skipped, never queued"
    assert types(reader, "clock.stepped") == []
    (event,) = types(reader, "clock.suspended")
    assert event["for_s"] == pytest.approx(8 * 3600, abs=0.2)
    middle = START_S + 4 * 3600
    assert reader.at(middle) is None
    assert reader.neighbours(middle) == (START_S + 30, START_S + 30 + 8 * 3600)
    gaps = [b.boottime_ns - a.boottime_ns for a, b in pairwise(ticks)]
    assert max(gaps) == pytest.approx(8 * HOUR, abs=NS_PER_S), "the tick that it interrupted ended before it"
    assert gaps.count(NS_PER_S) >= 58
    found = rates(reader, START_S + 25, START_S + 25 + 9_000)
    assert all(math.isnan(value) for value in found[7:])
    assert found[:5] == pytest.approx([100.0] * 5)
    reader.close()


def test_a_suspend_during_which_the_wall_clock_was_set() -> None:
    clock = FakeClock()
    clock.plan(20.35, lambda: clock.advance(HOUR))
    clock.plan(20.36, lambda: clock.step(-2 * HOUR))
    reader = record(clock, 20.35 + 3600 + 20)
    sound(reader)
    assert [event["by_s"] for event in types(reader, "clock.stepped")] == [-7200]
    assert len(types(reader, "clock.suspended")) == 1
    reader.close()


def test_a_jump_to_2106_does_not_empty_the_journal() -> None:
    """Retention counts ticks: a wall clock that says 2106 must not make everything old."""
    clock = FakeClock()
    clock.plan(30.35, lambda: clock.step(4_291_747_200 * NS_PER_S - START_NS))
    record(clock, 60.05).close()
    made = Journal(places().data_dir / NAME)
    assert made.trim(CAPS.ticks, CAPS.max_bytes) == 0
    made.close()
    with read.open_reader(places().data_dir) as reader:
        assert len(sound(reader)) >= 61
        assert reader.at(START_S + 3) is not None


class Recorded:
    """A listener that keeps the ticks: the recorder without its socket and threads."""

    def __init__(self) -> None:
        self.accumulator = Accumulator()
        self.ticks: list[Tick] = []
        self.steps: list[int] = []
        self.gaps: list[int] = []

    def second_ended(self, time_s: int, ended_ns: int, at: Instant) -> None:
        assert ended_ns <= at.boottime_ns
        self.ticks.append(self.accumulator.close(len(self.ticks) + 1, time_s, ended_ns, 1))

    def scraped(self, source: Source, at: Instant, scrape: Scrape) -> None:
        self.accumulator.add(scrape.samples, at, source.interval_s)

    def health_changed(self, source: Source, before: str) -> None:
        raise AssertionError(f"{source.name}: {before} -> {source.state}")

    def retimed(self, source: Source) -> None:
        """The cost is real: on a busy machine it may stretch an interval."""

    def clock_stepped(self, by_ns: int, at: Instant) -> None:
        assert at.boottime_ns
        self.steps.append(by_ns)

    def suspended(self, for_ns: int, at: Instant) -> None:
        assert at.boottime_ns
        self.gaps.append(for_ns)


async def _schedule(clock: FakeClock, seconds: float) -> Recorded:
    recorded = Recorded()
    scheduler = Scheduler([Counting(), Counting("fast", 0.1)], clock, recorded)
    done = asyncio.Event()
    clock.plan(seconds, done.set)
    task = asyncio.create_task(scheduler.run())
    over = asyncio.create_task(done.wait())
    await asyncio.wait({task, over}, return_when=asyncio.FIRST_COMPLETED)
    if not over.done():
        over.cancel()
        task.result()  # the metronome never returns: whatever it raised is told
    task.cancel()
    scheduler.close()
    return recorded


JUMPS = st.lists(
    st.tuples(
        st.floats(0.05, 20),
        st.sampled_from(["step", "sleep"]),
        st.one_of(st.integers(-2 * HOUR, 2 * HOUR), st.integers(-2 * NS_PER_S, 2 * NS_PER_S)),
    ),
    max_size=6,
)


@settings(max_examples=100)
@given(JUMPS)
def test_any_jumps_leave_true_rates_and_one_event_each(jumps: list[tuple[float, str, int]]) -> None:
    clock = FakeClock()
    when = 5.0
    wanted_steps = 0
    for wait_s, what, by_ns in jumps:
        when += 1.0 + wait_s
        action: Callable[[int], None] = clock.step if what == "step" else (lambda by: clock.advance(abs(by)))
        clock.plan(when, lambda action=action, by_ns=by_ns: action(by_ns))  # type: ignore[misc]  # bound now, not later
        wanted_steps += what == "step" and abs(by_ns) > 500_000_000
        when += abs(by_ns) / NS_PER_S if what == "sleep" else 0  # what comes next comes after the machine woke up
    recorded = asyncio.run(_schedule(clock, when + 10))
    steps = Rates()
    found: list[float] = []
    for tick in recorded.ticks:
        # The counter is the last column: behind the gauge and, once that comes often, its maximum.
        found += steps.step(tick, [("c", unpack(tick.values)[-1])]).values()
    # A small step moves half a second, a short sleep makes a reading late by less than one, and a suspend may
    # leave a second with its first reading only, a tenth after the one before: less than true, never more.
    assert all(5 < rate < 260 for rate in found)
    assert len(recorded.steps) == wanted_steps
    assert len({tick.seq for tick in recorded.ticks}) == len(recorded.ticks)
