"""Sources that gather by themselves: asked at each second's end, with readings, events and parts of tables."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakeclock import FakeClock
from tests.records import COUNTER, SCHEMA, Counting, rows
from tests.unit.test_scheduler import Heard, run
from wftui.clock import NS_PER_S, Instant
from wftui.collectors.base import STREAM
from wftui.model.sample import Reading, Sample, Scrape
from wftui.model.table import TableSnapshot, apply
from wftui.recorder.scheduler import Scheduler
from wftui.recorder.tables import Tables


class Streaming(Counting):
    """Keeps when it was asked."""

    def __init__(self, name: str = "stream") -> None:
        super().__init__(name)
        self.where = STREAM
        self.asked: list[Instant] = []

    def collect(self, at: Instant) -> Scrape:
        self.asked.append(at)
        if self.error is not None:
            raise self.error
        return Scrape([Sample(COUNTER, len(self.asked))])


class Ordered(Heard):
    """Knows what came before a second's end."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []

    def second_ended(self, time_s: int, ended_ns: int, at: Instant) -> None:
        super().second_ended(time_s, ended_ns, at)
        self.order.append("end")

    def scraped(self, source: object, at: Instant, scrape: Scrape) -> None:
        del source, at, scrape
        self.order.append("scrape")


async def test_it_is_asked_once_a_second_right_before_the_tick_closes() -> None:
    clock, heard, stream = FakeClock(), Ordered(), Streaming()
    await run(clock, Scheduler([stream], clock, heard), 20.05)
    assert heard.order[-40:] == ["scrape", "end"] * 20
    assert {at.time_ns % NS_PER_S for at in stream.asked[-20:]} == {0}


async def test_whoever_follows_at_full_rate_has_it_in_each_slot() -> None:
    clock, stream = FakeClock(), Streaming()
    await run(clock, Scheduler([stream], clock, Heard(), urgent=lambda: True), 5.05)
    assert len(stream.asked) == pytest.approx(55, abs=6)


async def test_whoever_follows_one_source_leaves_the_others_at_their_pace() -> None:
    clock, followed, other = FakeClock(), Streaming("followed"), Streaming()
    sources, one = [followed, other], "followed".__eq__
    await run(clock, Scheduler(sources, clock, Heard(), urgent=lambda: True, wanted=one), 5.05)
    assert len(followed.asked) == pytest.approx(55, abs=6)
    assert len(other.asked) <= 7


async def test_one_that_fails_leaves_the_others_alone_and_is_asked_again() -> None:
    clock, heard, stream, good = FakeClock(), Heard(), Streaming(), Counting("good")
    stream.error = ZeroDivisionError("oh no")

    def mend() -> None:
        stream.error = None

    clock.plan(5, mend)
    await run(clock, Scheduler([stream, good], clock, heard), 10.05)
    assert heard.states == [("stream", "ok", "failed"), ("stream", "failed", "ok")]
    assert heard.scrapes.count("good") == pytest.approx(10, abs=1)


async def test_one_that_is_off_is_closed_at_once_and_not_asked() -> None:
    from wftui.recorder import toggles

    clock, stream = FakeClock(), Streaming()
    scheduler = Scheduler([stream], clock, Heard())
    (source,) = scheduler.sources
    clock.plan(5, lambda: scheduler.switch(source, toggles.off("stream", "view", 1)))
    await run(clock, scheduler, 10.05)
    assert stream.closed == 1, "what it gathers with goes"
    assert len(stream.asked) <= 7
    before = len(stream.asked)
    scheduler.switch(source, None)
    await run(clock, scheduler, 3.05)
    assert len(stream.asked) >= before + 3
    await asyncio.sleep(0)


def test_each_part_of_a_table_replaces_only_its_own_rows() -> None:
    tables = Tables()
    held: dict[str, object] = {}
    for second, (part, names) in enumerate(
        [("one", ["k0", "k1"]), ("other", ["k2"]), ("one", ["k1"]), ("other", []), ("one", ["k1", "k3"])]
    ):
        found = {key: row for key, row in rows(4).items() if key in names}
        change, _ = tables.scanned(TableSnapshot(SCHEMA, second, found, part=part), second, part)
        apply(held, change)  # type: ignore[arg-type]  # rows
    (now,) = tables.snapshots()
    assert set(now.rows) == set(held) == {"k1", "k3"}


def test_a_keyframe_holds_all_parts() -> None:
    tables = Tables()
    tables.scanned(TableSnapshot(SCHEMA, 1, rows(1), part="one"), 1, "one")
    tables.renew()
    _, stored = tables.scanned(TableSnapshot(SCHEMA, 2, {"other": ("x", 2.0)}, part="other"), 2, "other")
    assert stored.keyframe
    assert set(stored.rows) == {"k0", "other"}


def test_what_a_source_filled_is_empty_when_it_is_switched_off() -> None:
    tables = Tables()
    held: dict[str, object] = {}
    for part, names in (("one", ["k0", "k1"]), ("other", ["k2"])):
        found = {key: row for key, row in rows(4).items() if key in names}
        change, _ = tables.scanned(TableSnapshot(SCHEMA, 1, found, part=part), 1, part)
        apply(held, change)  # type: ignore[arg-type]  # rows
    assert tables.left("nothing", 2) == []
    (empty,) = tables.left("one", 2)
    change, _ = tables.scanned(empty, 2, "one")
    apply(held, change)  # type: ignore[arg-type]  # rows
    assert set(held) == set(tables.snapshots()[0].rows) == {"k2"}, "the rows of the other stay"


class Reading10(Streaming):
    """Has read at each tenth of a second until now, as a worker does; its numbers are the times."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock
        self._read_ns = clock.time_ns

    def collect(self, at: Instant) -> Scrape:
        found = []
        ahead_ns = at.boottime_ns - at.time_ns
        while self._read_ns + 100_000_000 <= at.time_ns:
            self._read_ns += 100_000_000
            then = Instant(self._read_ns, self._read_ns + ahead_ns)
            found.append(Reading(then, 0.1, [Sample(COUNTER, self._read_ns / NS_PER_S)]))
        return Scrape([], readings=tuple(found))


class Seconds(Heard):
    """Keeps which readings came before the end of which second."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[int] = []
        self.closed: dict[int, list[int]] = {}

    def second_ended(self, time_s: int, ended_ns: int, at: Instant) -> None:
        super().second_ended(time_s, ended_ns, at)
        self.closed[time_s], self.open = self.open, []

    def scraped(self, source: object, at: Instant, scrape: Scrape) -> None:
        del source, at
        self.open += [item.at.time_ns for item in scrape.readings]


@pytest.mark.parametrize("urgent", [False, True])
@pytest.mark.parametrize("late_ns", [0, 5_000_000, 250_000_000])
async def test_a_reading_is_counted_in_the_second_in_which_it_was_taken(late_ns: int, urgent: bool) -> None:
    clock, heard = FakeClock(), Seconds()
    clock.late_ns = late_ns
    await run(clock, Scheduler([Reading10(clock)], clock, heard, urgent=lambda: urgent), 12.05)
    whole = sorted(heard.closed)[1:]
    assert len(whole) >= 9
    for second in whole:
        assert [at // NS_PER_S for at in heard.closed[second]] == [second] * 10, "none lost, none of another one"
