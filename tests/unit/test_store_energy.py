"""Joules over a range, and who used the GPUs: true sums, gaps left out, and no GPU passed over in silence."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.recording import START_S, S
from tests.stored import recorded
from wftui.model import gpus as cells
from wftui.model.sample import ESTIMATED, MEASURED, Column, column
from wftui.model.table import Row, TableChange, TableSchema
from wftui.model.tick import Layout, Tick, pack
from wftui.store import seal
from wftui.store.archive import Archive, open_archive
from wftui.store.energy import GPU, HOST, energy, total
from wftui.store.gpu_usage import PROCESS, Use, usage
from wftui.store.journal import StoredChange

GIB = 2**30


def gpu(uuid: str, metric: str = "energy", quality: str = MEASURED, call: str = "counter") -> Column:
    return column("gpu", f"hw.gpu.{metric}", {"gpu": uuid}, call=call, quality=quality)


def host(domain: str) -> Column:
    return column("energy", "hw.energy", {"device": domain}, call="powercap")


def card(uuid: str, number: int, **named: str) -> Row:
    known: dict[str, str | int] = {"gpu.uuid": uuid, "gpu.index": number, "gpu.name": "Card", "gpu.state": "ok"}
    known |= {f"gpu.{key}": value for key, value in named.items()}
    return tuple(known.get(item.name, "" if item.kind == "text" else None) for item in cells.GPUS.columns)


def held(uuid: str, pid: int, user: str, **named: float | None) -> Row:
    known: dict[str, str | float | None] = {
        "gpu.uuid": uuid, "process.pid": pid, "process.start_time": 7, "process.user": user,
        "process.name": "trainer", "process.job": f"slurm:{pid}", "process.gpu.memory.usage": 4 * GIB,
    }  # fmt: skip
    known |= {f"process.gpu.{key}": value for key, value in named.items()}
    return tuple(known.get(item.name, "" if item.kind == "text" else None) for item in cells.GPU_PROCESSES.columns)


def change(
    second: int, schema: TableSchema, rows: Mapping[str, Row], gone: Sequence[str] = (), *, whole: bool = False
) -> StoredChange:
    change_ = TableChange(schema.name, (START_S + second) * S, whole, dict(rows), list(gone))
    return StoredChange(second + 1, schema, change_)


COLUMNS = (gpu("A"), gpu("A", "up"), gpu("B", "up"), host("package-0"), host("package-0 core"), host("dram"))
LATER = (gpu("A", quality=ESTIMATED, call="power"), *COLUMNS[1:])
CARDS = {"A": card("A", 0), "B": card("B", 1, state="denied"), "M": card("M", 5, parent="A")}


def values(second: int) -> tuple[float, ...]:
    """Counters at 300 W, 50 W, 20 W and 10 W; the GPU's begins anew in second 100."""
    joules = 300.0 * second + 7e5 if second < 100 else 300.0 * (second - 100)
    return (joules, 1.0, 1.0, 50.0 * second, 20.0 * second, 10.0 * second)


def rows(begin: int) -> Iterator[tuple[float, ...]]:
    second = begin
    while True:
        yield values(second)
        second += 1


@pytest.fixture(scope="module", params=["journal", "sealed"])
def data(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4000 s: 10 minutes are missing from second 1000 on, from second 3000 on power is integrated."""
    folder = tmp_path_factory.mktemp("data")
    with recorded(folder) as made:
        made.many(COLUMNS, rows(0), 1_000)
        made.gap_s = 600
        made.many(COLUMNS, rows(1_600), 2_400)
        layout = Layout(2, LATER)
        made.journal.write(
            [
                (Tick(n + 1 - 600, START_S + n, (100 + n) * S, made.boot, 2, pack(array("d", values(n)))), layout)
                for n in range(3_000, 4_000)
            ]
        )
        made.write(changes=[change(0, cells.GPUS, CARDS, whole=True)])
    if request.param == "sealed":
        seal.run(folder, (START_S + 4_000 + 90_000) * S)
    return folder


@pytest.fixture
def archive(data: Path) -> Iterator[Archive]:
    with open_archive(data) as found:
        yield found


def test_the_sum_of_a_counter_over_a_range_that_has_all_of_it(archive: Archive) -> None:
    found = energy(archive, START_S + 200, START_S + 800)
    (first, second), (package, *parts) = found.of(GPU), [item for item in found.devices if item.kind == HOST]
    assert (first.id, first.number, first.quality) == ("A", 0, MEASURED)
    assert first.joules == pytest.approx(300 * 600)
    assert found.coverage(first) == 1.0
    assert package.joules == pytest.approx(50 * 600)
    assert package.summed
    assert [item.summed for item in parts] == [False, False], "what lies within a package is not added to it"
    assert found.recorded_s == 600
    assert (second.id, second.joules, second.quality, second.state) == ("B", None, "", "denied")


def test_a_gpu_without_a_reading_is_counted_as_one(archive: Archive) -> None:
    found = total(energy(archive, START_S + 200, START_S + 800).of(GPU))
    assert found.joules == pytest.approx(300 * 600)
    assert (found.told, found.devices) == (1, 2)
    assert total([]) == (None, 0, 0)


def test_an_instance_of_a_card_is_no_card(archive: Archive) -> None:
    assert [item.id for item in energy(archive, START_S, START_S + 500).of(GPU)] == ["A", "B"]


def test_a_reset_costs_a_second_and_not_the_counter(archive: Archive) -> None:
    found = energy(archive, START_S + 50, START_S + 150)
    assert found.devices[0].joules == pytest.approx(300 * 99)
    assert found.coverage(found.devices[0]) == pytest.approx(0.99)


def test_a_gap_is_not_bridged_and_costs_coverage(archive: Archive) -> None:
    found = energy(archive, START_S + 900, START_S + 1_700)
    # The second after the gap has no reading before it.
    assert found.devices[0].joules == pytest.approx(300 * 199)
    assert found.coverage(found.devices[0]) == pytest.approx(199 / 800)
    assert found.recorded_s == 200


def test_each_part_says_how_it_is_known(archive: Archive) -> None:
    found = energy(archive, START_S + 2_800, START_S + 3_100)
    device = found.devices[0]
    assert [(part.quality, part.call) for part in device.parts] == [(MEASURED, "counter"), (ESTIMATED, "power")]
    assert [part.known_s for part in device.parts] == [200, 99]
    assert device.quality == ESTIMATED
    assert device.joules == pytest.approx(300 * 299)


def test_a_range_that_ends_now_ends_with_the_newest_second(archive: Archive) -> None:
    found = energy(archive, START_S + 3_400, START_S + 4_003)
    assert found.until_s == START_S + 4_000
    assert found.coverage(found.devices[0]) == 1.0
    assert energy(archive, START_S + 3_400, START_S + 4_100).until_s == START_S + 4_100


def test_a_range_without_anything_has_no_figures(archive: Archive) -> None:
    found = energy(archive, START_S + 9_000, START_S + 9_100)
    assert (found.recorded_s, [item.joules for item in found.devices]) == (0, [])


def test_months_are_told_by_coarser_steps(tmp_path: Path) -> None:
    with recorded(tmp_path) as made:
        made.many(COLUMNS, rows(0), 7_200)
        made.write(changes=[change(0, cells.GPUS, CARDS, whole=True)])
    seal.run(tmp_path, (START_S + 7_200 + 90_000) * S)
    with open_archive(tmp_path) as archive:
        found = energy(archive, START_S - 30 * 86_400, START_S + 7_300)
    assert found.level_s == 300
    assert found.devices[0].joules == pytest.approx(300 * 7_200, rel=0.01)
    assert found.coverage(found.devices[0]) == pytest.approx(7_200 / (30 * 86_400 + 7_300), rel=0.06)


# ---- who


def played(
    folder: Path, changes: Sequence[StoredChange], seconds: int = 400, gap: tuple[int, int] = (0, 0)
) -> None:
    """A recording of so many seconds with these changes; nothing is recorded in the gap."""
    with recorded(folder) as made:
        layout = Layout(1, (gpu("A", "up"),))
        known = {change_.tick: change_ for change_ in changes}
        assert len(known) == len(changes)
        for n in range(seconds):
            if not gap[0] <= n < gap[1]:
                tick = Tick(n + 1, START_S + n, (100 + n) * S, made.boot, 1, pack(array("d", [1.0])))
                made.journal.write([(tick, layout)], [known[n + 1]] if n + 1 in known else [])


def asked(folder: Path, since: int, until: int, by: str = "user") -> dict[str, Use]:
    with open_archive(folder) as archive:
        found = usage(archive, START_S + since, START_S + until, by)
    return {item.who: item for item in found.uses}


PROCESSES = cells.GPU_PROCESSES


def test_what_was_used_before_the_range_is_not_of_the_range(tmp_path: Path) -> None:
    played(
        tmp_path,
        [
            change(0, PROCESSES, {"A/1:7": held("A", 1, "alice", time=1000.0, energy=9000.0)}, whole=True),
            change(60, PROCESSES, {"A/1:7": held("A", 1, "alice", time=1050.0, energy=9500.0)}),
            change(200, PROCESSES, {"A/1:7": held("A", 1, "alice", time=1100.0, energy=9700.0)}),
        ],
    )
    whole, late = asked(tmp_path, 0, 400)["alice"], asked(tmp_path, 100, 400)["alice"]
    assert (whole.gpu_s, whole.joules, whole.held_s) == (100.0, 700.0, 400.0)
    assert (late.gpu_s, late.joules, late.held_s) == (50.0, 200.0, 300.0)
    assert (late.memory, late.gpus, late.processes) == (4 * GIB, 1, 1)


def test_births_and_deaths_in_the_range_count_wholly(tmp_path: Path) -> None:
    one, other = held("A", 1, "alice", time=10.0, energy=100.0), held("B", 2, "bob", time=5.0, energy=None)
    played(
        tmp_path,
        [
            change(0, PROCESSES, {}, whole=True),
            change(50, PROCESSES, {"A/1:7": one, "B/2:7": other}),
            change(150, PROCESSES, {"A/1:7": held("A", 1, "alice", time=60.0, energy=400.0)}, ["B/2:7"]),
            change(250, PROCESSES, {}, ["A/1:7"]),
        ],
    )
    found = asked(tmp_path, 0, 400)
    assert (found["alice"].gpu_s, found["alice"].joules, found["alice"].held_s) == (60.0, 400.0, 200.0)
    assert (found["bob"].gpu_s, found["bob"].joules, found["bob"].held_s) == (5.0, None, 100.0)
    assert found["alice"].memory is None, "nothing is held now"
    assert asked(tmp_path, 0, 400, PROCESS).keys() == {"trainer (1)", "trainer (2)"}
    assert asked(tmp_path, 0, 400, "job").keys() == {"slurm:1", "slurm:2"}


def test_a_recorder_that_began_anew_counts_from_0_and_its_pause_from_nothing(tmp_path: Path) -> None:
    played(
        tmp_path,
        [
            change(0, PROCESSES, {"A/1:7": held("A", 1, "alice", time=500.0, energy=50.0)}, whole=True),
            change(90, PROCESSES, {"A/1:7": held("A", 1, "alice", time=560.0, energy=60.0)}),
            change(300, PROCESSES, {"A/1:7": held("A", 1, "alice", time=0.0)}, whole=True),
            change(360, PROCESSES, {"A/1:7": held("A", 1, "alice", time=40.0, energy=7.0)}),
        ],
        gap=(100, 300),
    )
    found = asked(tmp_path, 0, 400)["alice"]
    assert (found.gpu_s, found.joules) == (100.0, 17.0)
    assert found.held_s == 200.0


def test_what_was_used_is_the_same_across_the_seam_of_segments_and_journal(tmp_path: Path) -> None:
    seconds = 7_200
    changes = [
        change(
            n, PROCESSES, {"A/1:7": held("A", 1, "alice", time=n * 0.5, energy=n * 9.0)}, whole=n % 60 == 0
        )
        for n in range(0, seconds, 5)
    ]  # fmt: skip
    with recorded(tmp_path) as made:
        made.many(COLUMNS, rows(0), seconds)
        made.write(changes=changes)
    before = asked(tmp_path, 0, seconds)["alice"]
    seal.run(tmp_path, (START_S + seconds + 90_000) * S)
    with open_archive(tmp_path) as archive:
        assert 0 < archive.sealed.manifest.sealed_seq < seconds, "the newest ticks are in the journal only"
        told = archive.changes(PROCESSES.name, START_S * S, (START_S + seconds) * S)
        times = [item.time_ns for _, item in told]
    assert times == sorted(times), "what a segment told is not told again"
    assert asked(tmp_path, 0, seconds)["alice"] == before
    assert (before.gpu_s, before.joules) == ((seconds - 5) * 0.5, (seconds - 5) * 9.0)


def test_memory_held_while_idle_needs_all_of_them_to_be_idle(tmp_path: Path) -> None:
    idle, busy = {"idle_since": float(START_S * S)}, {"idle_since": None}
    played(
        tmp_path,
        [
            change(0, PROCESSES, {"A/1:7": held("A", 1, "alice", **busy)}, whole=True),
            change(100, PROCESSES, {"A/1:7": held("A", 1, "alice", **idle)}),
            change(150, PROCESSES, {"A/2:7": held("A", 2, "alice", **busy)}),
            change(200, PROCESSES, {"A/2:7": held("A", 2, "alice", **idle)}),
            change(250, PROCESSES, {"B/3:7": held("B", 3, "bob", **busy)}),
        ],
    )
    found = asked(tmp_path, 0, 400)
    assert found["alice"].idle_s == 50 + 200
    assert found["alice"].idle_byte_s == 50 * 4 * GIB + 200 * 8 * GIB
    assert (found["alice"].held_s, found["alice"].memory) == (400.0, 8 * GIB)
    assert (found["bob"].idle_s, found["bob"].gpu_s) == (0.0, None)


def test_one_who_is_named_late_keeps_what_was_told_of_him(tmp_path: Path) -> None:
    played(
        tmp_path,
        [
            change(0, PROCESSES, {}, whole=True),
            change(100, PROCESSES, {"A/1:7": held("A", 1, "1004", time=0.0)}),
            change(102, PROCESSES, {"A/1:7": held("A", 1, "alice", time=2.0)}),
            change(200, PROCESSES, {"A/1:7": held("A", 1, "alice", time=90.0)}),
        ],
    )
    found = asked(tmp_path, 0, 400)
    assert (found["uid 1004"].held_s, found["uid 1004"].gpu_s) == (2.0, 0.0)
    assert (found["alice"].held_s, found["alice"].gpu_s) == (298.0, 90.0)


def test_there_are_only_known_ways_to_ask(tmp_path: Path) -> None:
    played(tmp_path, [], 10)
    with open_archive(tmp_path) as archive, pytest.raises(KeyError):
        usage(archive, START_S, START_S + 10, "host")
