"""What changed around a moment: incidents whose cause is known, nothing at all, gaps, and what is usual."""

from __future__ import annotations

import math
import re
import shutil
import time
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.recording import START_S, S
from tests.stored import process, recorded
from wftui.errors import ProtocolError
from wftui.history.deviation import Scene, judge
from wftui.history.service import Service
from wftui.history.why import why
from wftui.model.event import Event, event
from wftui.model.processes import PROCESSES, row_key
from wftui.model.sample import Column, column
from wftui.model.table import TableChange
from wftui.model.tick import Layout, Tick, pack
from wftui.model.why import APPEARED, ENDED, FELL, ROSE, STARTED, VANISHED, Answer
from wftui.render.why import headline, sections
from wftui.store import seal
from wftui.store.archive import open_archive
from wftui.store.journal import StoredChange
from wftui.wire import messages as m

BEFORE, WINDOW = 600, 60
LONG = BEFORE + WINDOW
Values = npt.NDArray[np.float64]
chance = np.random.default_rng(5)


def cores(count: int) -> list[Column]:
    return [column("cpu", "system.cpu.logical.utilization", {"cpu": str(n)}, call="x") for n in range(count)]


CPU = column("cpu", "system.cpu.utilization", call="x")
POWER = column("gpu", "hw.gpu.power", {"gpu": "GPU-a"}, call="x")
TTFT = column("servers", "gen_ai.server.time_to_first_token", {"server": "127.0.0.1:8000"}, call="x", stat="p95")
DISK = column("disk", "system.disk.io", {"device": "sda", "direction": "write"}, call="x")
OPERATIONS = column("disk", "system.disk.operations", {"device": "sda", "direction": "write"}, call="x")
MEMORY = column("memory", "system.memory.available", call="x")


def calm(level: float, noise: float) -> Values:
    return chance.normal(level, noise, LONG)


def judged(columns: Sequence[Column], series: Sequence[Values]) -> list[tuple[str, str]]:
    found, _ = judge(Scene(columns, START_S, BEFORE, np.array(series).T))
    return [(item.column.series.text, item.kind) for item in found]


def stepped(level: float, noise: float, to: float, at: int, until: int = LONG) -> Values:
    values = calm(level, noise)
    values[at:until] += to - level
    return values


def quiet(count: int) -> tuple[list[Column], list[Values]]:
    """Noise of every kind: white, wandering, spikes now and then, constant, slow, missing."""
    columns, series = [], []
    for number in range(count):
        columns.append(column("x", "system.disk.queue", {"device": f"d{number}"}, call="x"))
        values = calm(10.0, 1.0)
        match number % 6:
            case 1:
                values = 50 + np.cumsum(chance.normal(0, 0.02, LONG))
            case 2:
                values = chance.exponential(1.0, LONG)
            case 3:
                values[:] = 4.0
            case 4:
                values = np.repeat(values[: LONG // 10], 10)
            case 5:
                values[chance.random(LONG) < 0.3] = math.nan
        series.append(values)
    return columns, series


def test_nothing_stands_out_of_noise() -> None:
    columns, series = quiet(402)
    found, count = judge(Scene(columns, START_S, BEFORE, np.array(series).T))
    assert found == []
    assert count == 402


def test_the_step_is_found_among_400_and_dated_to_the_second() -> None:
    columns, series = quiet(400)
    found, _ = judge(Scene([*columns, POWER], START_S, BEFORE, np.array([*series, stepped(120, 3, 340, 628)]).T))
    assert [item.column for item in found] == [POWER]
    assert found[0].kind == ROSE
    assert abs(found[0].began_s - (START_S + 628)) <= 1
    assert found[0].ended_s is None
    assert found[0].before == pytest.approx(120, abs=1)
    assert found[0].after == pytest.approx(340, abs=6)


def test_a_burst_of_ten_seconds_has_an_end() -> None:
    found, _ = judge(Scene([POWER], START_S, BEFORE, np.array([stepped(120, 3, 340, 620, 632)]).T))
    assert found[0].ended_s is not None
    assert abs(found[0].ended_s - (START_S + 632)) <= 2


def test_one_odd_second_among_noise_is_no_step() -> None:
    values = calm(120, 10)
    values[630] = 190
    assert judged([POWER], [values]) == []


def test_a_fall_is_told_as_one() -> None:
    assert judged([MEMORY], [stepped(40e9, 1e8, 4e9, 630)]) == [(MEMORY.series.text, FELL)]


def test_what_is_nothing_in_its_unit_is_not_told() -> None:
    small = [stepped(0.010, 0.0001, 0.030, 630), stepped(100.0, 1.0, 900.0, 630)]
    rate = column("disk", "system.network.throughput", {"interface": "eth0", "direction": "receive"}, call="x")
    assert judged([CPU, rate], small) == [], "2 % of the cores, and 800 bytes a second"


def test_ten_cores_are_one_finding_and_the_total_speaks_for_them() -> None:
    load = [stepped(0.1, 0.02, 0.95, 625) for _ in range(10)]
    total = stepped(0.1, 0.02, 0.6, 625)
    found, _ = judge(Scene([*cores(10), CPU], START_S, BEFORE, np.array([*load, total]).T))
    assert len(found) == 1
    assert found[0].column == CPU
    assert len(found[0].members) == 10


def test_figures_of_one_disk_that_move_together_are_one_finding() -> None:
    busy = stepped(0.0, 0.01, 1.0, 625)
    queue = column("disk", "system.disk.queue", {"device": "sda"}, call="x")
    share = column("disk", "system.disk.utilization", {"device": "sda"}, call="x")
    assert len(judged([share, queue], [busy, busy * 30])) == 1


def test_two_things_at_two_times_are_two_findings_in_the_order_of_time() -> None:
    series = [stepped(0.3, 0.02, 2.1, 635), stepped(120, 3, 340, 618)]
    found, _ = judge(Scene([TTFT, POWER], START_S, BEFORE, np.array(series).T))
    assert {item.column for item in found} == {TTFT, POWER}
    said = headline(Answer(START_S, START_S, START_S, START_S, 600, 60, 2, found, [], [], gpus={"GPU-a": "0"}))
    assert re.match(
        r"GPU 0 power 1[12]\d → 3[34]\d W \(x2\.8\) at \d\d:\d\d:38; then TTFT p95 127\S+ \d+ ms → 2\.\d+ s",
        said,
    )


def test_what_happens_every_minute_is_not_what_changed() -> None:
    values = calm(120, 3)
    for begin in range(0, LONG, 60):
        values[begin + 20 : begin + 28] += 220
    assert judged([POWER], [values]) == []


def test_a_step_before_the_window_still_counts_less() -> None:
    early, _ = judge(Scene([POWER], START_S, BEFORE, np.array([stepped(120, 3, 340, 480)]).T))
    late, _ = judge(Scene([POWER], START_S, BEFORE, np.array([stepped(120, 3, 340, 610)]).T))
    assert abs(early[0].began_s - START_S - 480) <= 1
    assert early[0].score < late[0].score


def test_what_comes_and_what_goes() -> None:
    came, went, steady = calm(120, 3), calm(120, 3), calm(5.0, 0.1)
    came[:620] = math.nan
    went[590:] = math.nan
    other = column("gpu", "hw.gpu.power", {"gpu": "GPU-b"}, call="x")
    found = judged([POWER, other, MEMORY], [came, went, steady])
    assert found == [(POWER.series.text, APPEARED), (other.series.text, VANISHED)]


def test_a_gap_in_the_recording_is_nothing_that_vanished() -> None:
    values = [calm(120, 3), calm(5.0, 0.1)]
    for item in values:
        item[BEFORE - 5 :] = math.nan
    assert judged([POWER, MEMORY], values) == []


def test_too_short_a_past_is_no_past() -> None:
    values = stepped(120, 3, 340, 620)
    values[: BEFORE - 40] = math.nan
    found, count = judge(Scene([POWER], START_S, BEFORE, np.array([values]).T))
    assert (found, count) == ([], 0)


def test_400_series_are_judged_in_no_time() -> None:
    columns, series = quiet(402)
    scene = Scene(columns, START_S, BEFORE, np.array(series).T)
    best = math.inf
    for _ in range(5):
        began = time.perf_counter()
        judge(scene)
        best = min(best, time.perf_counter() - began)
    assert best < 0.3, f"{best * 1e3:.0f} ms"


# ---- over a recording

GIB = 1024.0**3
KEY = row_key(4711, 7)


def incident(at: int) -> Iterator[list[float]]:
    """An hour: CPU 10 %, a disk that is written to; from ``at`` on for 40 s a process uses the CPU and writes.
    The same 20 minutes after the begin."""
    written = operations = 0.0
    for second in range(3600):
        busy = at <= second < at + 40 or 1200 <= second < 1240
        written += 400e6 if busy else 1e6 + chance.normal(0, 1e4)
        operations += 20
        level = 0.85 if busy else 0.10
        yield [
            level + chance.normal(0, 0.01),
            *(min(1.0, level + chance.normal(0, 0.02)) for _ in range(4)),
            written,
            operations,
            20e9 + chance.normal(0, 1e7),
        ]


COLUMNS = (CPU, *cores(4), DISK, OPERATIONS, MEMORY)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("why") / "d"
    with recorded(made) as store:
        store.many(COLUMNS, incident(3000), 3600)
        idle = {row_key(n, 1): process(f"idle{n}", 0.0, pid=n) for n in range(50)}
        burner = process("burner", 3.1, pid=4711)
        changes = [TableChange(PROCESSES.name, (START_S + 2) * S, True, idle)]
        for second in range(60, 3600, 60):
            there = idle | ({KEY: burner} if 3002 <= second < 3040 else {})
            changes.append(TableChange(PROCESSES.name, (START_S + second) * S, True, there))
        changes.append(TableChange(PROCESSES.name, (START_S + 3003) * S, False, {KEY: burner}))
        changes.append(TableChange(PROCESSES.name, (START_S + 3041) * S, False, {}, [KEY]))
        changes.sort(key=lambda item: item.time_ns)
        stored = [StoredChange(item.time_ns // S - START_S + 1, PROCESSES, item) for item in changes]
        told = [
            numbered(1, event((START_S + 1201) * S, "alert.fired", ("alert", "rule.cpu"), {"rule": "rule.cpu"})),
            numbered(2, event((START_S + 2999) * S, "mark.set", ("mark", "1"), {"name": "job"})),
            numbered(3, event((START_S + 3001) * S, "view.attached", ("view", "1"))),
            numbered(
                4,
                event(
                    (START_S + 3010) * S, "alert.fired", ("alert", "rule.cpu"),
                    {"rule": "rule.cpu", "message": "CPU 85 %"},
                ),
            ),
        ]  # fmt: skip
        store.write(stored, told)
    return made


def numbered(seq: int, item: Event) -> Event:
    return Event(seq, *(getattr(item, name) for name in Event.__struct_fields__[1:]))


def ask(folder: Path, second: int, window: int = 60, before: int = 600) -> Answer:
    with open_archive(folder) as archive:
        return why(archive, m.Why((START_S + second) * S, window, before), 5.0)


def test_the_cause_is_among_the_first_three_with_process_and_events(folder: Path) -> None:
    found = ask(folder, 3010)
    first = [item.column.series.name for item in found.moved[:3]]
    assert "system.cpu.utilization" in first
    assert "system.disk.io" in first
    cpu = next(item for item in found.moved if item.column == CPU)
    assert abs(cpu.began_s - (START_S + 3000)) <= 1
    assert len(cpu.members) == 4
    disk = next(item for item in found.moved if item.column == DISK)
    assert disk.unit == "By/s"
    assert disk.after == pytest.approx(400e6, rel=0.01)
    assert [(item.name, item.kind, item.pid, item.what) for item in found.processes] == [
        ("burner", STARTED, 4711, "cpu")
    ]
    assert [item.type for item in found.events] == ["mark.set", "alert.fired"], "the view is none"


def test_the_like_is_found_in_the_past(folder: Path) -> None:
    past = ask(folder, 3010).past
    assert past is not None
    assert [(item.since_s - START_S) // 20 for item in past.episodes] == [1200 // 20]
    assert past.alerts == [("rule.cpu", 1, START_S + 1201)]


def test_its_end_is_a_fall_and_a_process_that_ended(folder: Path) -> None:
    found = ask(folder, 3060, 40, 35 + 60)
    assert [item.kind for item in found.processes] == [ENDED]


def test_a_quiet_moment_says_so(folder: Path) -> None:
    found = ask(folder, 2400)
    assert (found.moved, found.processes, found.events) == ([], [], [])
    title, lines = sections(found)[0]
    assert title.startswith("Around 2026-09-21 ")
    assert lines == ["Nothing stands out: none of 8 series went far from the 10 min before."]


def test_after_the_recording_nothing_is_known(folder: Path) -> None:
    found = ask(folder, 9000)
    assert found.window_known_s == 0
    assert headline(found) == "Nothing was recorded then."


def test_now_is_the_newest_that_is_recorded(folder: Path) -> None:
    found = ask(folder, 3605)
    assert found.at_s == START_S + 3599
    assert found.window_known_s == 60
    assert found.until_s == START_S + 3600


def test_at_the_begin_there_is_nothing_to_compare_with(folder: Path) -> None:
    found = ask(folder, 40)
    assert found.judged == 0
    assert headline(found).startswith("Too little was recorded before it to tell: 10 s")


@pytest.mark.parametrize(("window", "before"), [(1, 600), (3601, 600), (60, 0), (60, 90_000)])
def test_a_question_without_sense_is_refused(folder: Path, window: int, before: int) -> None:
    with pytest.raises(ProtocolError, match="why: expected"):
        ask(folder, 3010, window, before)


def test_the_history_service_answers_it(folder: Path) -> None:
    service = Service(folder)
    reply = service.answer(m.Why((START_S + 3010) * S))
    assert isinstance(reply, m.WhyReply)
    assert reply.answer == ask(folder, 3010)
    assert isinstance(service.answer(m.Why(0, 0, 0)), m.Error)
    service.close()


def test_words_say_when_what_and_how_much(folder: Path) -> None:
    told = dict(sections(ask(folder, 3010)))
    lines = [line for part in told.values() for line in part]
    assert any(re.search(r"CPU (9\.\d+|10.*) → 8\d.* %", line) for line in lines)
    assert any("burner (4711) started: cpu 310 %" in line for line in lines)
    assert any("alert fired: CPU 85 %" in line for line in lines)
    assert any("rule.cpu fired once before" in line for line in lines)
    assert any("the like once since" in line for line in lines)


# ---- what is usual at this time of the day


def at_noon(days: range) -> Iterator[tuple[int, float]]:
    """(second, CPU) of three days, every half a minute, and each second of the hour before the last noon. On
    some days a job runs from noon on for ten minutes; always on the last one."""
    noon = 3 * 86_400
    seconds = [*range(0, noon - 3600, 30), *range(noon - 3600, noon + 60)]
    for second in seconds:
        day, past_noon = divmod(second, 86_400)
        job = past_noon < 600 and (day in days or day == 3)
        yield second, 0.1 + chance.normal(0, 0.01) + (0.8 if job else 0.0)


@pytest.mark.parametrize(("days", "usual"), [(range(1, 3), 2), (range(0), 0)])
def test_what_happens_each_day_at_this_time_tells_less(tmp_path: Path, days: range, usual: int) -> None:
    layout = Layout(1, (CPU,))
    with recorded(tmp_path / "d") as store:
        store.journal.write(
            [
                (Tick(n, START_S + second, (100 + second) * S, store.boot, 1, pack(array("d", [value]))), layout)
                for n, (second, value) in enumerate(at_noon(days), 1)
            ]
        )
    found = ask(tmp_path / "d", 3 * 86_400 + 20)
    (cpu,) = found.moved
    assert (cpu.usual_days, cpu.days) == (usual, 3)
    assert (cpu.score < 7) is bool(usual)
    assert found.past is not None
    assert len(found.past.episodes) == usual
    said = [line for _, lines in sections(found) for line in lines]
    assert any("at this time also on 2 of 3 earlier days" in line for line in said) is bool(usual)


def test_sealed_hours_say_the_same(folder: Path, tmp_path: Path) -> None:
    live = ask(folder, 3010)
    sealed = tmp_path / "d"
    shutil.copytree(folder, sealed)
    with seal.lock(sealed):
        seal.run(sealed, 9, everything=True)
    found = ask(sealed, 3010)
    assert [(item.column.series.text, item.began_s) for item in found.moved] == [
        (item.column.series.text, item.began_s) for item in live.moved
    ]
    assert found.processes == live.processes
    assert [item.seq for item in found.events] == [item.seq for item in live.events]
