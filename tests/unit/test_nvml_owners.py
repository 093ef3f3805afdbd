"""GPU processes as rows: what the driver can be believed, and what adds up."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.kernel_files import at, plant
from wftui.collectors.gpu_owners import GONE, Owners
from wftui.collectors.nvml.frames import Process, Processes
from wftui.collectors.nvml.owners import MOST_MEMORY, ProcessRows
from wftui.model.gpus import (
    GPU_PROCESSES,
    P_DECODER,
    P_ENERGY,
    P_IDLE_SINCE,
    P_INSTANCE,
    P_MEMORY,
    P_NAME,
    P_PID,
    P_START,
    P_TIME,
    P_TYPE,
    P_UNSEEN,
    P_UTILIZATION,
)
from wftui.model.table import Row

ONE, TWO = "GPU-1", "GPU-2"
GIB = 2**30


def frame(
    seconds: float,
    *processes: Process,
    gpus: dict[str, list[Process]] | None = None,
    **rest: list[str] | dict[str, int],
) -> Processes:
    moment = at(seconds)
    told = {ONE: list(processes)} if gpus is None else gpus
    return Processes(moment.time_ns, moment.boottime_ns, 10.0, told, **rest)  # type: ignore[arg-type]  # named ones


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    for pid in (7, 8):
        line = f"{pid} (train{pid}) S 1 0 0 0 -1 0 0 0 0 0 1 1 0 0 20 0 3 0 {pid * 100} 9999 7 1844\n"
        plant(tmp_path, {f"{pid}/stat": line, f"{pid}/cgroup": "0::/x/job_4711/y\n"})
    return tmp_path


def table(proc: Path) -> ProcessRows:
    return ProcessRows(Owners(proc, wait=True, alive=lambda _pid: False))


def cells(rows: dict[str, Row], place: int) -> dict[str, object]:
    return {key: row[place] for key, row in rows.items()}


def test_a_row_has_a_cell_for_each_column(proc: Path) -> None:
    rows = table(proc).take(frame(0, Process(7, "C", 3 * GIB, sm=50, mem=20, enc=0, dec=1), Process(99, "G")))
    assert {len(row) for row in rows.values()} == {len(GPU_PROCESSES.columns)}
    assert rows["GPU-1/7:700"][P_PID : P_NAME + 1 : 3] == (7, "train7")
    assert rows["GPU-1/7:700"][P_MEMORY] == 3 * GIB
    assert rows["GPU-1/7:700"][P_UTILIZATION] == 0.5
    # The one that is not in /proc keeps what the driver tells.
    assert (rows["GPU-1/99"][P_START], rows["GPU-1/99"][P_UNSEEN], rows["GPU-1/99"][P_TYPE]) == (None, GONE, "G")


def test_what_is_not_told_is_unknown_and_idle_is_zero(proc: Path) -> None:
    rows = table(proc).take(frame(0, Process(7), Process(8, sm=0)))
    assert cells(rows, P_MEMORY) == {"GPU-1/7:700": None, "GPU-1/8:800": None}
    assert cells(rows, P_UTILIZATION) == {"GPU-1/7:700": None, "GPU-1/8:800": 0.0}
    assert cells(rows, P_TIME) == {"GPU-1/7:700": None, "GPU-1/8:800": 0.0}
    assert cells(rows, P_IDLE_SINCE) == {"GPU-1/7:700": None, "GPU-1/8:800": at(0).time_ns}


def test_what_cannot_be_true_is_dropped_and_counted(proc: Path) -> None:
    source = table(proc)
    rows = source.take(
        frame(
            0,
            Process(2**32 - 1, memory=1),
            Process(0),
            Process(7, "\x1b", 2**64 - 1, sm=4294967295, dec=101),
            Process(8, memory=-1, enc=-1),
        )
    )
    assert set(rows) == {"GPU-1/7:700", "GPU-1/8:800"}
    assert set(cells(rows, P_MEMORY).values()) == {None}
    assert rows["GPU-1/7:700"][P_UTILIZATION] is rows["GPU-1/7:700"][P_DECODER] is None
    assert rows["GPU-1/7:700"][P_TYPE] == ""
    assert source.rejected == {ONE: 7}


def test_idle_since_the_first_list_without_work(proc: Path) -> None:
    source = table(proc)
    source.take(frame(0, Process(7, sm=40)))
    for seconds, expected in ((10, 10), (20, 10)):
        rows = source.take(frame(seconds, Process(7, sm=0, dec=0)))
        assert rows["GPU-1/7:700"][P_IDLE_SINCE] == at(expected).time_ns
    rows = source.take(frame(30, Process(7)))
    assert rows["GPU-1/7:700"][P_IDLE_SINCE] == at(10).time_ns  # no word: it was idle when it was last told
    rows = source.take(frame(40, Process(7, sm=0, dec=5)))
    assert rows["GPU-1/7:700"][P_IDLE_SINCE] is None  # decoding is work


def test_gpu_seconds_add_up_and_not_across_a_gap(proc: Path) -> None:
    source = table(proc)
    source.take(frame(0, Process(7, sm=50)))
    assert source.take(frame(10, Process(7, sm=50)))["GPU-1/7:700"][P_TIME] == pytest.approx(5.0)
    assert source.take(frame(20, Process(7)))["GPU-1/7:700"][P_TIME] == pytest.approx(5.0)
    assert source.take(frame(30, Process(7, sm=100)))["GPU-1/7:700"][P_TIME] == pytest.approx(15.0)
    assert source.take(frame(3600, Process(7, sm=100)))["GPU-1/7:700"][P_TIME] == pytest.approx(15.0)


def test_energy_of_the_board_is_shared_and_not_across_unknown_time(proc: Path) -> None:
    source = table(proc)
    one, two = Process(7, sm=75), Process(8, sm=25)

    def step(seconds: float, joules: float | None) -> list[object]:
        rows = source.take(frame(seconds, one, two), {} if joules is None else {ONE: joules})
        return [rows["GPU-1/7:700"][P_ENERGY], rows["GPU-1/8:800"][P_ENERGY]]

    assert step(0, 5000) == [None, None]
    assert step(10, 6000) == [750, 250]
    assert step(20, None) == [750, 250]
    assert step(30, 9000) == [750, 250]
    assert step(40, 9400) == [1050, 350]
    assert step(50, 100) == [1050, 350]  # a new beginning of the counter
    assert step(60, 200) == [1125, 375]
    assert step(600, 5200) == [1125, 375]  # a gap: nobody saw who worked


def test_one_on_two_instances_is_one_with_the_memory_of_both(proc: Path) -> None:
    listed = [Process(7, memory=GIB, instance="MIG-a"), Process(7, "G", 2 * GIB, instance="MIG-b")]
    row = table(proc).take(frame(0, *listed))["GPU-1/7:700"]
    assert (row[P_MEMORY], row[P_TYPE], row[P_INSTANCE]) == (3 * GIB, "C+G", "MIG-a")


def test_a_silent_gpu_keeps_its_living_processes_without_numbers(proc: Path) -> None:
    source = table(proc)
    both = {ONE: [Process(7, memory=GIB, sm=10)], TWO: [Process(8, memory=GIB, sm=10), Process(99)]}
    assert len(source.take(frame(0, gpus=both), {}, {ONE, TWO})) == 3
    rows = source.take(frame(10, gpus={ONE: both[ONE]}), {}, {ONE, TWO})
    assert set(rows) == {"GPU-1/7:700", "GPU-2/8:800"}
    assert (rows["GPU-2/8:800"][P_MEMORY], rows["GPU-2/8:800"][P_UTILIZATION]) == (None, None)
    assert rows["GPU-2/8:800"][P_TYPE] == "C"
    # Its code says that it does not tell any more, or it is gone: so are the rows.
    assert set(source.take(frame(20, gpus={ONE: []}, codes={TWO: 15}), {}, {ONE, TWO})) == set()
    source.take(frame(30, gpus=both), {}, {ONE, TWO})
    assert set(source.take(frame(40, gpus={ONE: []}), {}, {ONE})) == set()


def test_a_partial_list_takes_nobody_away_who_lives(proc: Path) -> None:
    source = table(proc)
    source.take(frame(0, Process(7, memory=GIB), Process(8, memory=GIB), Process(99, memory=GIB)))
    rows = source.take(frame(10, Process(7, memory=GIB), partial=[ONE]))
    assert cells(rows, P_MEMORY) == {"GPU-1/7:700": GIB, "GPU-1/8:800": None}
    assert set(source.take(frame(20, Process(7, memory=GIB)))) == {"GPU-1/7:700"}
    assert source.processes() == {ONE: 1}


numbers = st.none() | st.integers(-(2**31), 2**64) | st.integers(0, 100)
listed = st.builds(
    Process,
    st.sampled_from([7, 8, 99]) | st.integers(-1, 2**64),
    st.sampled_from(["C", "G", "M", "?"]),
    numbers,
    st.sampled_from(["", "MIG-a"]),
    sm=numbers,
    mem=numbers,
    enc=numbers,
    dec=numbers,
)
rounds = st.lists(
    st.tuples(
        st.floats(-5, 60),
        st.dictionaries(st.sampled_from([ONE, TWO]), st.lists(listed, max_size=4)),
        st.dictionaries(st.sampled_from([ONE, TWO]), st.floats(0, 1e9)),
        st.lists(st.sampled_from([ONE, TWO, "GPU-unknown"])),
    ),
    max_size=8,
)


@given(rounds)
def test_no_garbage_comes_through_and_counters_never_fall(
    tmp_path_factory: pytest.TempPathFactory,
    lists: list[tuple[float, dict[str, list[Process]], dict[str, float], list[str]]],
) -> None:
    source = ProcessRows(Owners(tmp_path_factory.getbasetemp(), wait=True, alive=lambda _pid: False))
    before: dict[str, Row] = {}
    now = 0.0
    for step, gpus, joules, partial in lists:
        now += step
        rows = source.take(frame(now, gpus=gpus, partial=partial), joules, {ONE, TWO})
        for key, row in rows.items():
            assert len(row) == len(GPU_PROCESSES.columns)
            memory = row[P_MEMORY]
            assert memory is None or (isinstance(memory, int) and 0 <= memory <= 2 * MOST_MEMORY * 4)
            for share in row[P_UTILIZATION : P_DECODER + 1]:
                assert share is None or (isinstance(share, float) and 0 <= share <= 1)
            for counter in (P_TIME, P_ENERGY):
                value, old = row[counter], before.get(key, row)[counter]
                assert value is None or isinstance(value, float | int)
                assert old is None or (isinstance(old, float | int) and value is not None and value >= old)
        before = rows
