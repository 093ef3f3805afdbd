"""Model servers joined with their processes, GPUs and energy; claims beside what is measured."""

from typing import Any

import pytest

from tests.fakeclock import FakeClock
from wftui.clock import NS_PER_S
from wftui.model import gpus, processes, servers
from wftui.model.gpus import GPU_PROCESSES
from wftui.model.processes import PROCESSES
from wftui.model.sample import Reading, Sample, Scrape, column
from wftui.model.servers import MODELS, SERVERS
from wftui.model.table import Cell, Row, TableSchema, TableSnapshot
from wftui.recorder.serving import Serving
from wftui.recorder.tables import Tables
from wftui.units import GIB
from wftui.windows.serving import (
    IDLE,
    NOT_THERE,
    SPLIT,
    SWAPPED,
    Claim,
    GpuUse,
    gpu_use,
    members,
    per_token,
    verdict,
)

A = "127.0.0.1:8000"


def row(schema: TableSchema, cells: dict[int, Cell]) -> Row:
    return tuple(cells.get(place) for place in range(len(schema.columns)))


def process(pid: int, parent: int) -> Row:
    return row(PROCESSES, {processes.PID: pid, processes.PARENT: parent})


def gpu_process(
    pid: int, uuid: str = "GPU-1", memory: float | None = GIB, energy: float | None = 0.0, busy: float = 0.5
) -> Row:
    return row(
        GPU_PROCESSES,
        {
            gpus.P_PID: pid,
            gpus.P_UUID: uuid,
            gpus.P_MEMORY: memory,
            gpus.P_ENERGY: energy,
            gpus.P_UTILIZATION: busy,
        },
    )


def server(name: str = A, pid: int | None = 10, parent: str = "") -> Row:
    found = dict.fromkeys(range(len(SERVERS.columns)), "")
    cells: dict[int, Cell] = {**found, servers.ENDPOINT: name, servers.PID: pid, servers.PARENT: parent}
    return row(SERVERS, cells)


def test_members_are_all_that_a_process_started() -> None:
    rows = [process(10, 1), process(11, 10), process(12, 11), process(20, 1)]
    assert members([10], rows) == {10, 11, 12}
    assert members([99], rows) == {99}
    assert members([10], [process(10, 10)]) == {10}


def test_gpu_use_is_unknown_where_one_part_is() -> None:
    rows = [gpu_process(11), gpu_process(12, "GPU-0", 2 * GIB, None, 0.9), gpu_process(30, "GPU-7")]
    assert gpu_use(frozenset({11, 12}), rows) == GpuUse(("GPU-0", "GPU-1"), 3 * GIB, 0.0, 0.9)
    assert gpu_use(frozenset({11, 12}), [*rows, gpu_process(12, "GPU-2", None)]).memory is None
    assert gpu_use(frozenset(), rows) == GpuUse((), 0.0, None, None)


NOTHING = Claim(None, None, None, None, None, None)
HELD = GpuUse(("GPU-0",), 10.0 * GIB, 5.0, 0.4)


@pytest.mark.parametrize(
    ("claim", "use", "word", "said"),
    [
        (NOTHING, HELD, "", ""),
        (NOTHING._replace(vram=12 * GIB, ram=0), HELD, "", ""),
        (NOTHING._replace(vram=20 * GIB), HELD, NOT_THERE, "says 20.0 GiB on GPUs, its processes hold 10.0 GiB"),
        (NOTHING._replace(vram=20 * GIB), HELD._replace(memory=None), "", ""),
        (NOTHING._replace(vram=6.2 * GIB, ram=3.8 * GIB), HELD, SPLIT, "38 % of its models' memory"),
        (NOTHING._replace(ram=8 * GIB), GpuUse((), None, None, None), "", ""),
        (NOTHING._replace(resident=3 * GIB, swapped=GIB), HELD, SWAPPED, "1.0 GiB of its 4.0 GiB lie in swap"),
        (NOTHING._replace(resident=99 * GIB, swapped=GIB), HELD, "", ""),
        (NOTHING._replace(running=2, generated=0), HELD._replace(busy=0.0), IDLE, "says it runs 2 requests"),
        (NOTHING._replace(running=2, generated=None), HELD._replace(busy=0.0), "", ""),
        (NOTHING._replace(running=2, generated=0), HELD._replace(busy=None), "", ""),
    ],
)
def test_a_verdict_has_evidence(claim: Claim, use: GpuUse, word: str, said: str) -> None:
    found, evidence = verdict(claim, use, machine_has_gpus=True)
    assert found == word
    assert said in evidence


def test_without_a_driver_nothing_is_said_of_the_gpus() -> None:
    nothing = GpuUse((), 0.0, None, None)
    assert verdict(NOTHING._replace(vram=20 * GIB), nothing, machine_has_gpus=False) == ("", "")


def test_joules_per_token() -> None:
    s = NS_PER_S
    tokens = [(0, 0.0), (10 * s, 1000.0), (20 * s, 1000.0)]
    assert per_token([(2 * s, 100.0), (7 * s, 350.0)], tokens) == pytest.approx(0.5)
    assert per_token([(2 * s, 100.0)], tokens) is None
    assert per_token([(11 * s, 100.0), (19 * s, 350.0)], tokens) is None  # no token in between
    assert per_token([(2 * s, 100.0), (30 * s, 350.0)], tokens) is None  # not watched so long
    assert per_token([(2 * s, 100.0), (7 * s, 50.0)], tokens) is None
    # An energy that was read after the newest tokens takes nothing away from what is known.
    assert per_token([(2 * s, 100.0), (7 * s, 350.0), (21 * s, 900.0)], tokens) == pytest.approx(0.5)


class Recorder:
    """As much of one as the joins need."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.tables = Tables()
        self.events: list[tuple[str, tuple[str, str], dict[str, Any]]] = []
        self.serving = Serving(self.tables.rows, lambda *event: self.events.append(event))

    def table(self, schema: TableSchema, rows: dict[str, Row]) -> dict[str, Row]:
        snapshot = self.serving.joined(TableSnapshot(schema, self.clock.time_ns, rows))
        self.tables.scanned(snapshot, self.clock.boottime_ns, "x")
        return dict(snapshot.rows)

    def scrape(self, name: str, value: float, source: str = "servers", **labels: str) -> None:
        labels = labels or {"server": A}
        sample = Sample(column(source, name, labels, call="test"), value)
        at = self.clock.now()
        self.serving.scraped(source, Scrape([], readings=(Reading(at, 1.0, [sample]),)), at)

    def second(self) -> dict[str, float]:
        told = self.serving.second(self.clock.now())
        self.clock.advance(NS_PER_S)
        return {sample.column.series.text: sample.value for sample in told}

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.events]


def test_a_server_gets_its_gpus_memory_and_energy() -> None:
    recorder = Recorder()
    recorder.table(PROCESSES, {"10:1": process(10, 1), "11:1": process(11, 10)})
    recorder.table(SERVERS, {A: server()})
    recorder.scrape("hw.gpu.energy.coverage", 0.99, "gpu", gpu="GPU-1")
    told: dict[str, float] = {}
    for second in range(12):
        recorder.table(GPU_PROCESSES, {"GPU-1/11:1": gpu_process(11, energy=50.0 * second)})
        recorder.scrape("inference.tokens", 100.0 * second, server=A, mode="generation", model="m")
        told = recorder.second()
    (found,) = recorder.table(SERVERS, {A: server()}).values()
    assert found[servers.GPUS] == "GPU-1"
    assert told[f'inference.server.memory{{mode="vram",server="{A}"}}'] == GIB
    assert told[f'inference.energy{{server="{A}"}}'] == pytest.approx(550)
    assert told[f'inference.energy.per_token{{server="{A}"}}'] == pytest.approx(0.5)
    recorder.scrape("hw.gpu.energy.coverage", 0.5, "gpu", gpu="GPU-1")
    assert f'inference.energy.per_token{{server="{A}"}}' not in recorder.second()


def test_energy_goes_on_when_a_worker_is_replaced() -> None:
    recorder = Recorder()
    recorder.table(PROCESSES, {"10:1": process(10, 1), "11:1": process(11, 10), "12:1": process(12, 10)})
    recorder.table(SERVERS, {A: server()})
    total = 0.0
    for rows in (
        {"g/11:1": gpu_process(11, energy=1000.0)},
        {"g/11:1": gpu_process(11, energy=1100.0)},
        {"g/12:1": gpu_process(12, energy=5.0)},
        {"g/12:1": gpu_process(12, energy=25.0)},
    ):
        recorder.table(GPU_PROCESSES, rows)
        now = recorder.second()[f'inference.energy{{server="{A}"}}']
        assert now >= total
        total = now
    assert total == pytest.approx(120)


def test_a_runner_counts_for_its_ollama() -> None:
    recorder = Recorder()
    runner = "127.0.0.1:9999"
    recorder.table(PROCESSES, {"10:1": process(10, 1), "50:1": process(50, 1)})
    recorder.table(GPU_PROCESSES, {"g/50:1": gpu_process(50, memory=3 * GIB)})
    rows = {A: server(), runner: server(runner, 50, A)}
    recorder.table(SERVERS, rows)
    told = recorder.second()
    assert told[f'inference.server.memory{{mode="vram",server="{A}"}}'] == 3 * GIB
    assert f'inference.server.memory{{mode="vram",server="{runner}"}}' not in told


def test_a_verdict_is_an_event_once() -> None:
    recorder = Recorder()
    recorder.table(PROCESSES, {"10:1": process(10, 1)})
    recorder.table(SERVERS, {A: server()})
    recorder.scrape("inference.requests", 0, server=A, mode="running", model="m")
    claims = row(MODELS, {servers.M_SERVER: A, servers.M_VRAM: 6.0 * GIB, servers.M_RAM: 4.0 * GIB})
    recorder.table(MODELS, {f"{A}|m": claims})
    for _ in range(3):
        (found,) = recorder.table(SERVERS, {A: server()}).values()
        assert found[servers.VERDICT] == SPLIT
        assert "40 %" in str(found[servers.EVIDENCE])
    assert recorder.kinds == ["model.verdict"]


def test_preemptions_are_told_by_the_burst() -> None:
    recorder = Recorder()
    for count in (4, 4, 9, 15, 15):
        recorder.scrape("inference.preemptions", count, server=A, model="m")
        recorder.second()
    assert recorder.kinds == ["server.preempting"]
    assert recorder.events[0][2]["count"] == 5
    recorder.clock.advance(60 * NS_PER_S)
    recorder.scrape("inference.preemptions", 16, server=A, model="m")
    assert recorder.kinds == ["server.preempting"] * 2


def test_a_queue_is_told_when_it_lasts() -> None:
    recorder = Recorder()
    recorder.table(SERVERS, {A: server()})

    def wait(waiting: float, seconds: int) -> None:
        for _ in range(seconds):
            recorder.scrape("inference.requests", waiting, server=A, mode="waiting", model="m")
            recorder.second()

    wait(3, 8)
    wait(0, 1)
    wait(3, 8)
    assert recorder.kinds == []
    wait(3, 20)
    assert recorder.kinds == ["server.queueing"]
    wait(0, 40)
    wait(1, 12)
    assert recorder.kinds == ["server.queueing"] * 2


def test_without_servers_nothing_is_told() -> None:
    recorder = Recorder()
    recorder.table(GPU_PROCESSES, {"g/11:1": gpu_process(11)})
    assert recorder.second() == {}
