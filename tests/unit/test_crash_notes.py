"""What is said after a crash, and after the kernel killed for lack of memory."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.fakeclock import START_NS, FakeClock
from tests.records import Counting
from tests.unit.kernel_files import PROC, plant
from wftui.client import lock
from wftui.clock import NS_PER_S, Instant
from wftui.collectors.base import Collector
from wftui.collectors.memory import Paging
from wftui.model.event import Event
from wftui.model.processes import PROCESSES
from wftui.model.sample import Sample, Scrape, column
from wftui.model.table import Row, TableSnapshot
from wftui.paths import places
from wftui.recorder import service, storage
from wftui.recorder.crash import went_down
from wftui.recorder.keeper import Caps
from wftui.recorder.oom import PATIENCE_NS, OomWatch
from wftui.recorder.options import Options
from wftui.recorder.service import Recorder
from wftui.store import read
from wftui.store.journal import NAME, Journal, Opening

S = NS_PER_S
START_S = START_NS // S
CAPS = Caps(48 * 3600, 1 << 30, 0, 0.0)
MACHINE = column("paging", "system.memory.oom_kills", call="/proc/vmstat")
CGROUP = column("cgroup", "container.memory.oom_kills", call="memory.events")


def opening(*, unclean: bool, rebooted: bool, last: int | None = 500) -> Opening:
    return Opening(2, 1, 9, 9, 1, unclean, rebooted, last)


@pytest.mark.parametrize(
    ("unclean", "rebooted", "last", "told"),
    [
        (True, True, 500, True),
        (True, False, 500, False),  # kill -9: the machine stayed up
        (False, True, 500, False),  # stopped in order, then rebooted
        (False, False, None, False),  # the first start of all
        (True, True, None, False),  # nothing was recorded: there is no last second
    ],
)
def test_when_a_machine_went_down(unclean: bool, rebooted: bool, last: int | None, told: bool) -> None:
    found = went_down(opening(unclean=unclean, rebooted=rebooted, last=last), Instant(800 * S, 90 * S), "b2")
    assert (found is not None) is told
    if found is not None:
        about = {"last_second": 500, "down_s": 299, "up_s": 90, "boot_id": "b2"}
        assert found == (("machine", "b2"), about)


def test_a_clock_that_was_set_back_says_no_time_down() -> None:
    found = went_down(opening(unclean=True, rebooted=True), Instant(100 * S, 90 * S), "b2")
    assert found is not None
    assert found[1]["down_s"] is None


async def _run(clock: FakeClock, collectors: list[Collector], seconds: float = 3.05) -> None:
    recorder = Recorder(Options("record", places(), caps=CAPS), clock, collectors)
    clock.plan(seconds, lambda: recorder.end("stopped"))
    held = lock.take(places(), lock.RECORD)
    try:
        await recorder.run()
    finally:
        held.release()


def events(kind: str) -> list[Event]:
    with read.open_reader(places().data_dir) as reader:
        return reader.events(types=[kind], limit=10_000)[0]


def boot(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The machine runs under that boot id."""
    for module in (service, storage):
        monkeypatch.setattr(module, "boot_id", lambda: name)


def test_the_next_start_says_when_the_machine_went_down(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    boot(monkeypatch, "boot-1")
    asyncio.run(_run(clock, [Counting()], 10.05))
    boot(monkeypatch, "boot-2")
    asyncio.run(_run(clock, [Counting()]))
    assert events("machine.down") == [], "it was stopped, then the machine was rebooted"
    # The third session ends without a word.
    journal = Journal(places().data_dir / NAME)
    journal.begin("boot-2", "test", "record", 1, clock.time_ns, 0)
    journal.close()
    asyncio.run(_run(clock, [Counting()]))
    assert len(events("recorder.unclean")) == 1
    assert events("machine.down") == [], "the machine stayed up"
    last = read.open_reader(places().data_dir).bounds()
    journal = Journal(places().data_dir / NAME)
    journal.begin("boot-2", "test", "record", 1, clock.time_ns, 0)
    journal.close()
    clock.advance(600 * S)
    boot(monkeypatch, "boot-3")
    asyncio.run(_run(clock, [Counting()]))
    (down,) = events("machine.down")
    assert last is not None
    assert down.payload["last_second"] == last[1]
    assert down.payload["down_s"] == pytest.approx(600, abs=2)
    assert (down.aggregate_type, down.aggregate_id) == ("machine", "boot-3")


# ---- killed for lack of memory


def row(pid: int, name: str, size: int, state: str = "S") -> Row:
    return (pid, 7, 1, "u", name, name, state, 0.0, size, 1, None, None, 0, "")


def table(rows: dict[str, Row]) -> TableSnapshot:
    return TableSnapshot(PROCESSES, 0, rows)


def at(second: float) -> Instant:
    return Instant(START_NS + int(second * S), int(second * S))


BEFORE = {"5:7": row(5, "python", 8_000), "6:7": row(6, "bash", 10), "9:7": row(9, "other", 9_000)}
AFTER = {"9:7": row(9, "other", 9_000)}


def test_the_largest_that_went_is_the_likely_one() -> None:
    watch = OomWatch()
    assert watch.counted([Sample(MACHINE, 3)], at(0)) == []
    assert watch.scanned(table(BEFORE), at(0.5)) == []
    assert watch.counted([Sample(MACHINE, 4)], at(1)) == []
    (killed,) = watch.scanned(table(AFTER), at(2))
    assert killed.about == ("process", "5:7")
    assert killed.at == at(1)
    assert killed.payload == {
        "count": 1,
        "likely": "python",
        "pid": 5,
        "memory_bytes": 8_000,
        "quality": "estimated",
        "why": "the largest of 2 that ended about then",
    }
    assert watch.scanned(table({}), at(3)) == [], "told once"


def test_one_that_was_gone_before_the_count_was_read() -> None:
    watch = OomWatch()
    watch.counted([Sample(MACHINE, 0)], at(0))
    watch.scanned(table(BEFORE), at(0.2))
    watch.scanned(table(AFTER), at(0.7))
    watch.counted([Sample(MACHINE, 1)], at(1))
    (killed,) = watch.scanned(table(AFTER), at(2.7))
    assert killed.payload["likely"] == "python"


def test_who_ended_long_before_is_not_blamed() -> None:
    watch = OomWatch()
    watch.scanned(table(BEFORE), at(0))
    watch.scanned(table(AFTER), at(2))
    for second in range(8):
        watch.counted([Sample(MACHINE, 0)], at(second))
    watch.counted([Sample(MACHINE, 2)], at(8))
    (killed,) = watch.scanned(table(AFTER), at(9))
    assert killed.about == ("process", "unknown")
    assert killed.payload == {"count": 2}


def test_one_that_is_still_a_zombie_has_ended() -> None:
    watch = OomWatch()
    watch.counted([Sample(MACHINE, 0)], at(0))
    watch.scanned(table(BEFORE), at(0.5))
    watch.counted([Sample(MACHINE, 1)], at(1))
    zombie = {**BEFORE, "5:7": row(5, "python", 0, "Z")}
    (killed,) = watch.scanned(table(zombie), at(2))
    assert killed.payload["pid"] == 5
    watch.counted([Sample(MACHINE, 2)], at(2.5))
    assert watch.scanned(table(BEFORE | {"5:7": zombie["5:7"]}), at(3))[0].payload == {"count": 1}


def test_without_a_scan_the_count_alone_is_told() -> None:
    watch = OomWatch()
    watch.counted([Sample(MACHINE, 0)], at(0))
    watch.counted([Sample(MACHINE, 1)], at(1))
    watch.counted([Sample(MACHINE, 2)], at(2))
    late = at(2 + PATIENCE_NS / S)
    (killed,) = watch.counted([Sample(MACHINE, 2)], late)
    assert killed.payload == {"count": 2}


def test_the_machines_count_holds_the_cgroups() -> None:
    watch = OomWatch()
    watch.counted([Sample(CGROUP, 0)], at(0))
    watch.counted([Sample(MACHINE, 0)], at(0))
    watch.scanned(table(BEFORE), at(0.5))
    watch.counted([Sample(CGROUP, 1)], at(1))
    watch.counted([Sample(MACHINE, 1)], at(1))
    assert [item.payload["count"] for item in watch.scanned(table(AFTER), at(2))] == [1]
    alone = OomWatch()
    alone.counted([Sample(CGROUP, 5)], at(0))
    alone.scanned(table(BEFORE), at(0.5))
    alone.counted([Sample(CGROUP, 6)], at(1))
    assert [item.payload["count"] for item in alone.scanned(table(AFTER), at(2))] == [1]


def test_a_counter_that_begins_anew_killed_nobody() -> None:
    watch = OomWatch()
    watch.counted([Sample(CGROUP, 5)], at(0))
    watch.counted([Sample(CGROUP, 1)], at(1))
    assert watch.scanned(table({}), at(2)) == []


class Scans(Counting):
    """A process table out of which one process goes when the count grows."""

    def __init__(self) -> None:
        super().__init__("processes", 2.0)

    def collect(self, at: Instant) -> Scrape:
        self.calls += 1
        return Scrape([], (TableSnapshot(PROCESSES, at.time_ns, BEFORE if self.calls < 5 else AFTER),))


def test_a_recorder_tells_who_was_killed(tmp_path: Path) -> None:
    vmstat = (PROC / "vmstat").read_bytes()
    plant(tmp_path, {"meminfo": (PROC / "meminfo").read_bytes(), "vmstat": vmstat})
    clock = FakeClock()
    killed = vmstat.replace(b"oom_kill 0", b"oom_kill 1")

    def kill() -> None:
        plant(tmp_path, {"vmstat": killed})

    clock.plan(7.0, kill)
    asyncio.run(_run(clock, [Paging(tmp_path), Scans()], 12.05))
    (event,) = events("process.oom_killed")
    assert (event.payload["likely"], event.payload["pid"], event.aggregate_id) == ("python", 5, "5:7")
    assert START_S + 6 <= event.time_ns / S <= START_S + 9
