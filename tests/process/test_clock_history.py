"""The wall clock steps under a live recorder that seals: nothing is sealed twice, and nothing never."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.benchmarks.soak import LOOK_EVERY, START_S, FastClock
from tests.records import COUNTER, Counting
from wftui.client import lock
from wftui.model.tick import unpack
from wftui.paths import places
from wftui.recorder.keeper import Caps
from wftui.recorder.options import Options
from wftui.recorder.service import Recorder
from wftui.store import manifest, retention
from wftui.store.archive import Archive
from wftui.store.query import range_
from wftui.wire import messages as m

S = 1_000_000_000
HOUR_S = 3600
BEFORE_S = 120
"""The recorder starts so long before an hour is over."""
SOON_NS = 3 * LOOK_EVERY * S
"""What a sealer is to find in the journal has to be there when it is started."""


class Watched:
    """A recorder on a clock that waits while its sealer runs."""

    def __init__(self) -> None:
        self.clock = FastClock(lambda _: None, self._pace)
        self.clock.time_ns = (START_S - BEFORE_S) * S
        options = Options(
            "record", places(), caps=Caps(48 * HOUR_S, 1 << 30, 0, 0.0), keep=retention.Caps(min_free_bytes=0)
        )
        self.recorder = Recorder(options, self.clock, [Counting()])
        self.sealers: list[int] = []

    def _pace(self) -> bool:
        """Whether the sealer, the journal and its look for old hours keep up: a real hour leaves them the time."""
        sealing, waiting = self.recorder._storage.sealing, self.recorder._keeper._queue.qsize()
        pid, due_ns = sealing.pid, sealing._due_ns
        if pid is not None and pid not in self.sealers:
            self.sealers.append(pid)
        if pid is not None or (due_ns is None and not sealing._looked):
            return False
        return waiting < 200 if due_ns is None or due_ns - self.clock.boottime_ns > SOON_NS else not waiting

    def run(self, seconds: float) -> Path:
        """Record, with what is planned; the data dir."""
        self.clock.plan(seconds, lambda: self.recorder.end("stopped"))
        held = lock.take(places(), lock.RECORD)
        try:
            assert asyncio.run(self.recorder.run()) == "stopped"
        finally:
            held.release()
        return places().data_dir


def sealed_once(folder: Path) -> tuple[list[tuple[int, int]], int]:
    """Spans of the raw segments, which follow one another; and how many ticks there are."""
    made = manifest.load(folder)
    spans = [(item.first_seq, item.last_seq) for item in made.of(manifest.RAW)]
    assert spans[0][0] == 1
    assert [low for low, _ in spans[1:]] == [high + 1 for _, high in spans[:-1]]
    assert made.sealed_seq == spans[-1][1]
    with Archive(folder) as archive:
        archive.refresh()
        found = [tick.seq for tick in archive.sequence(1, 5_000)]
    assert found == list(range(1, len(found) + 1))
    return spans, len(found)


def rates(folder: Path, since_s: int, until_s: int) -> list[float]:
    """Of the counter, a bucket a second; where seconds came twice, their highest."""
    with Archive(folder) as archive:
        archive.refresh()
        question = m.Range([COUNTER.series.name], since_s * S, until_s * S, until_s - since_s)
        (item,) = range_(archive, question).series
    return [value for part in (item.minimum, item.maximum) for value in unpack(part) if value == value]


def test_a_step_back_into_a_sealed_hour() -> None:
    run = Watched()
    run.clock.plan(400.5, lambda: run.clock.step(-1000 * S))
    folder = run.run(1400)
    spans, count = sealed_once(folder)
    assert len(spans) == 3, "the hour, what came of the next, and its second pass"
    assert len(run.sealers) == 3
    made = manifest.load(folder)
    hours = [item.since_s // HOUR_S - START_S // HOUR_S for item in made.of(manifest.RAW)]
    assert hours == [-1, 0, -1]
    assert count - spans[-1][1] > 200, "the second pass of the hour that is not over"
    known = rates(folder, START_S - 800, START_S + 500)
    assert len(known) > 2000
    assert all(90 < rate < 110 for rate in known)
    with Archive(folder) as archive:
        archive.refresh()
        second = START_S + 200
        passes = [tick.seq for tick in archive.ticks(second, second + 1)]
        assert len(passes) == 2
        last = archive.at(second)
        assert last is not None
        assert last.seq == passes[1]


@pytest.mark.parametrize("to_s", [1_000_000, 4_291_747_200], ids=["1970", "2106"])
def test_a_step_far_away_and_back(to_s: int) -> None:
    run = Watched()
    by_ns = (to_s - START_S) * S
    run.clock.plan(300.5, lambda: run.clock.step(by_ns))
    run.clock.plan(500.5, lambda: run.clock.step(-by_ns))
    folder = run.run(800)
    spans, count = sealed_once(folder)
    assert len(spans) == 3
    assert len(run.sealers) == 3
    assert count >= 800
    assert all(90 < rate < 110 for rate in rates(folder, START_S - 100, START_S + 600))


def test_a_clock_that_flips_each_second_for_ten_minutes() -> None:
    run = Watched()
    for number in range(600):
        by_ns = HOUR_S * S * (1 if number % 2 == 0 else -1)
        run.clock.plan(200.5 + number, lambda by_ns=by_ns: run.clock.step(by_ns))  # type: ignore[misc]  # bound now
    folder = run.run(1000)
    spans, count = sealed_once(folder)
    assert len(spans) <= 9
    assert len(run.sealers) <= 14, "one a minute at most"
    assert len([path for path in folder.rglob("*") if path.is_file()]) < 150
    assert count >= 1000
