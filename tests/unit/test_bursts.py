"""Marks and bursts: what the rings still have around a mark goes to the journal, once, without stalls."""

from __future__ import annotations

import asyncio
import itertools
import sys
import zlib
from array import array
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakeclock import START_NS, FakeClock
from tests.records import COUNTER, GAUGE, Counting, many_columns
from wftui import clock
from wftui.client import lock
from wftui.clock import NS_PER_S, Instant
from wftui.errors import ProtocolError, StoreError
from wftui.model.sample import Sample
from wftui.model.tick import Layout
from wftui.paths import places
from wftui.recorder import bursts
from wftui.recorder.accumulator import Accumulator
from wftui.recorder.alerting.rulebook import Rulebook
from wftui.recorder.bursts import Bursts, mark_name
from wftui.recorder.keeper import Caps, Job
from wftui.recorder.options import Options
from wftui.recorder.service import Recorder
from wftui.store import read
from wftui.store.journal import NAME, Journal, open_reader
from wftui.windows.ring import Ring
from wftui.wire import messages as m

CAPS = Caps(48 * 3600, 1 << 30, 0, 0.0)
S = NS_PER_S
MS = S // 1000
Stored = dict[tuple[str, str], list[tuple[int, float]]]


def stored(path: Path) -> Stored:
    """(event id, series) to the samples of all its rows, checked as a reader has to."""
    found: Stored = {}
    sql = (
        'SELECT event, series, time_ns, "values", burst.crc32 FROM burst'
        " JOIN series_column ON series_column.id = series_column ORDER BY burst.id"
    )
    with closing(open_reader(path)) as database:
        for event, series, times_raw, values_raw, crc in database.rows(sql):
            assert zlib.crc32(values_raw, zlib.crc32(times_raw)) == crc
            times, values = array("q"), array("d")
            times.frombytes(times_raw)
            values.frombytes(values_raw)
            if sys.byteorder == "big":
                times.byteswap()
                values.byteswap()
            found.setdefault((event, series), []).extend(zip(times, values, strict=True))
    return found


async def turns() -> None:
    """Let the loop do what was asked to follow."""
    for _ in range(8):
        await asyncio.sleep(0)


class Bench:
    """Bursts over real rings and a real journal, without a recorder around them."""

    def __init__(self, folder: Path, columns: int = 1, interval_s: float = 1.0) -> None:
        self.path = folder / NAME
        self.journal = Journal(self.path)
        self.journal.begin("boot", "test", "record", 1, START_NS, 0)
        self.rings = Accumulator()
        self.columns = many_columns(columns) if columns > 1 else [GAUGE]
        self.layout = Layout(1, tuple(self.columns))
        self.clock = FakeClock()
        self.interval_s = interval_s
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.jobs = 0
        self.bursts = Bursts(lambda: self.rings.pool, lambda: 7, self.put, self.emit)

    def put(self, job: Job) -> None:
        self.jobs += 1
        try:
            job(self.journal)
        except StoreError:
            return

    def emit(self, kind: str, about: tuple[str, str], payload: dict[str, Any]) -> None:
        assert kind == "burst.stored"
        assert about[0] == "mark"
        self.told.append((about[1], payload))

    def mark(self, name: str, ago_s: float = 0.0) -> None:
        self.bursts.wanted(name, self.clock.time_ns - int(ago_s * S), self.clock.now())

    async def run(self, seconds: int) -> None:
        for _ in range(seconds):
            for _ in range(round(1 / self.interval_s)):
                self.clock.advance(int(self.interval_s * S))
                now = self.clock.now()
                self.rings.add([Sample(item, now.boottime_ns / S) for item in self.columns], now, self.interval_s)
            self.bursts.second_ended(self.clock.now(), self.layout)
            await turns()


def spans(found: Stored, start_ns: int = START_NS) -> dict[str, tuple[float, float]]:
    """Event id to first and last second of what was stored for it, from the start."""
    return {
        event: ((rows[0][0] - start_ns) / S, (rows[-1][0] - start_ns) / S) for (event, _), rows in found.items()
    }


async def test_a_mark_stores_a_minute_on_each_side(tmp_path: Path) -> None:
    bench = Bench(tmp_path, interval_s=0.1)
    await bench.run(100)
    at = bench.clock.now()
    bench.mark("one")
    await bench.run(59)
    assert bench.told == [], "the minute after it is not over"
    await bench.run(2)
    ((event, told),) = bench.told
    rows = stored(bench.path)["one", GAUGE.series.text]
    assert event == "one"
    assert len(rows) == told["samples"] == 1200
    assert (told["series"], told["bytes"]) == (1, 1200 * 16)
    assert rows[0][0] == at.time_ns - 60 * S == told["since_ns"]
    assert rows[-1][0] == at.time_ns + 60 * S - S // 10 == told["until_ns"]
    assert all(value == pytest.approx(1000 + (time_ns - START_NS) / S, abs=1e-3) for time_ns, value in rows)
    assert [b[0] - a[0] for a, b in itertools.pairwise(rows)] == [S // 10] * 1199


async def test_a_mark_in_the_past_is_stored_at_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.run(200)
    bench.mark("past", ago_s=100)
    await bench.run(1)
    assert len(bench.told) == 1
    assert spans(stored(bench.path))["past"] == (40, 159)


async def test_a_mark_older_than_the_rings_says_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.run(500)
    bench.mark("old", ago_s=400)
    bench.mark("edge", ago_s=330)
    await bench.run(1)
    assert [event for event, _ in bench.told] == ["old", "edge"]
    assert "300 s" in bench.told[0][1]["reason"]
    assert bench.told[1][1]["samples"] > 0, "half of it was still there"
    assert set(spans(stored(bench.path))) == {"edge"}


async def test_overlapping_marks_are_one_burst_and_none_is_stored_twice(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.run(100)
    bench.mark("first")
    await bench.run(30)
    bench.mark("second")
    await bench.run(95)
    bench.mark("third")  # overlaps what is stored already
    await bench.run(70)
    found = stored(bench.path)
    assert set(spans(found)) == {"first"}
    rows = found["first", GAUGE.series.text]
    seconds = [(time_ns - START_NS) // S for time_ns, _ in rows]
    assert seconds == list(range(40, 285)), "from a minute before the first to a minute after the third, once"
    bench.mark("covered", ago_s=100)
    await bench.run(2)
    assert len(stored(bench.path)["first", GAUGE.series.text]) == len(rows)


async def test_marks_without_end_are_stored_in_pieces(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.run(70)
    for _ in range(40):
        bench.mark("m")
        await bench.run(20)
    await bench.run(70)
    rows = stored(bench.path)["m", GAUGE.series.text]
    assert [(time_ns - START_NS) // S for time_ns, _ in rows] == list(range(10, 70 + 39 * 20 + 60))
    assert len(bench.told) == 1
    assert bench.told[0][1]["samples"] == len(rows)


async def test_at_most_one_burst_begins_a_minute(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.run(280)
    bench.mark("now")
    bench.mark("long ago", ago_s=200)
    await bench.run(70)
    bench.mark("long ago", ago_s=260)
    await bench.run(2)
    assert [(event, told["series"]) for event, told in bench.told] == [
        ("long ago", 0),
        ("now", 1),
        ("long ago", 1),
    ]
    assert "one burst" in bench.told[0][1]["reason"]


async def test_beyond_the_cap_nothing_more_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path)
    monkeypatch.setattr(bursts, "MAX_BYTES", 120 * 16)
    await bench.run(100)
    bench.mark("fits")
    await bench.run(130)
    bench.mark("too much")
    await bench.run(70)
    assert set(spans(stored(bench.path))) == {"fits"}
    assert bench.journal.burst_bytes() == 120 * 16
    assert bench.told[1][1]["series"] == 0
    assert "MB at most" in bench.told[1][1]["reason"]


async def test_a_disk_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path)
    await bench.run(100)
    bench.mark("lost")

    def full(*_: object, **__: object) -> None:
        raise StoreError("no space left")

    monkeypatch.setattr(bench.journal, "write", full)
    await bench.run(70)
    assert bench.told[0][1]["reason"] == "no space left"


async def test_copying_many_series_takes_turns_with_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, columns=400)
    await bench.run(200)
    bench.bursts.wanted("m", bench.clock.time_ns - 70 * S, bench.clock.now())
    capture = bench.bursts._waiting[0]
    looked = itertools.count(0, bursts.STEP_NS // 3 + 1)
    monkeypatch.setattr(clock, "perf_ns", lambda: next(looked))  # a third of a turn passes between two looks
    steps = bench.bursts._begin(capture, bench.clock.boottime_ns, bench.layout)
    handed: list[Job] = []
    bench.bursts._put = handed.append  # the keeper's thread writes it elsewhere
    turns = len(list(steps))
    assert capture.samples == 400 * 120
    assert turns == 400 // (3 * bursts.CHECK), "a turn ends at the third look"
    assert len(handed) == turns + 2, "each turn's piece, what was left, and the word that it is stored"


def test_what_there_is_is_stored_when_the_recorder_ends(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    asyncio.run(bench.run(100))
    bench.mark("cut")

    async def end() -> None:
        await bench.run(10)
        bench.bursts.finish(bench.clock.now(), bench.layout)
        bench.bursts.finish(bench.clock.now(), bench.layout)

    asyncio.run(end())
    assert spans(stored(bench.path))["cut"] == (40, 110)
    assert len(bench.told) == 1


async def test_a_stepped_clock_moves_no_burst(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.run(100)
    bench.clock.step(-3600 * S)
    bench.bursts.clock_stepped(-3600 * S, bench.clock.now())
    await bench.run(100)
    # 50 s before the step, named as its clock said then: in the rings it lies 150 s back.
    bench.bursts.wanted("before", START_NS + 50 * S, bench.clock.now())
    await bench.run(1)
    assert spans(stored(bench.path))["before"] == (1, 109)
    await bench.run(59)
    bench.mark("after")
    await bench.run(61)
    assert spans(stored(bench.path), START_NS - 3600 * S)["after"] == (200, 319)


@given(
    st.lists(st.integers(1, 50), max_size=40),
    st.integers(1, 12),
    st.integers(-5, 1200),
    st.integers(-5, 1200),
)
def test_a_ring_gives_what_lies_between(gaps: list[int], capacity: int, low: int, high: int) -> None:
    ring, all_of_it, now = Ring(capacity, counter=True), [], 0
    for gap in gaps:
        now += gap
        ring.append(now * MS, now / 2)
        all_of_it.append(now)
    wanted = [item for item in all_of_it[-capacity:] if low <= item < high]
    times, values = ring.between(low * MS, high * MS)
    assert [at // MS for at in times] == wanted
    assert list(values) == [item / 2 for item in wanted]


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("  before the flag ", "before the flag"),
        ("", "mark 22:13:20"),
        (" \t ", "mark 22:13:20"),
        ("x" * 200, "x" * 79 + "…"),
        ("x" * 80, "x" * 80),
        ("a\x1b]0;x\x07b", "a\\x1b]0;x\\x07b"),
        ("api_key=sk-abcdefghijklmnop1234", "api_key=***"),
    ],
)
def test_names_of_marks_are_clean(given_name: str, shown: str) -> None:
    assert mark_name(given_name, START_NS) == shown


def test_a_recorder_with_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way: the request, both events, the rows. Without rules: an alert about the busy machine would have
    the mark extend its samples."""

    async def none(_: Rulebook) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Rulebook, "run", none)
    fake = FakeClock()
    recorder = Recorder(Options("record", places(), caps=CAPS), fake, [Counting()])

    def mark() -> None:
        recorder.orders.mark(m.Mark(fake.time_ns - 5 * S, "spike"))
        with pytest.raises(ProtocolError, match="expected a time"):
            recorder.orders.mark(m.Mark(-1, "no"))
        with pytest.raises(ProtocolError, match="expected a time"):
            recorder.orders.mark(m.Mark(1 << 62, "no"))

    async def run() -> None:
        fake.plan(100.03, mark)
        fake.plan(190.03, lambda: recorder.orders.mark(m.Mark(fake.time_ns, "")))
        fake.plan(200.05, lambda: recorder.end("stopped"))
        held = lock.take(places(), lock.RECORD)
        try:
            assert await recorder.run() == "stopped"
        finally:
            held.release()

    asyncio.run(run())
    with read.open_reader(places().data_dir) as reader:
        found = [item for item in reader.events()[0] if item.type in ("mark.set", "burst.stored")]
    first, second = (item for item in found if item.type == "mark.set")
    told, more = (item for item in found if item.type == "burst.stored")
    assert first.payload == {"name": "spike", "at_ns": first.time_ns - 5 * S}
    assert (first.aggregate_type, first.aggregate_id) == ("mark", first.event_id)
    assert told.aggregate_id == more.aggregate_id == first.event_id
    assert second.payload["name"].startswith("mark 22:16:")
    rows = stored(places().data_dir / NAME)
    assert {series for _, series in rows} >= {GAUGE.series.text, COUNTER.series.text, "wftop.tick.series"}
    times = [time_ns for time_ns, _ in rows[first.event_id, COUNTER.series.text]]
    assert len(times) == 120 + 45, "the second mark extends the first; its end is the recorder's"
    assert Instant(times[0], 0).time_ns >= first.payload["at_ns"] - 60 * S
