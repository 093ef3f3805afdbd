"""What needs more than one address: Triton's metrics, workers of Dynamo; and pages of no model server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers.fake import Fake, page, sample
from tests.servers.fakes import kinds
from tests.servers.fakes.paged import Paged
from tests.servers.machine import Machine
from tests.servers.test_poller import line, watching
from wftui.collectors.servers import poller as poller_module
from wftui.collectors.servers import watch as watch_module
from wftui.model import health
from wftui.model.servers import KIND, MISSING, PARENT, READS


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes a minute in life takes a moment here."""
    monkeypatch.setattr(watch_module, "BACKOFF_S", (0.1, 0.2))
    monkeypatch.setattr(watch_module, "INTERVAL_S", 0.1)
    monkeypatch.setattr(poller_module, "DISCOVER_S", 0.1)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """An empty one."""
    root = tmp_path / "proc"
    root.mkdir()
    return Machine(root)


def triton() -> Fake:
    """Triton's HTTP port."""
    routes = kinds.triton()
    del routes["/metrics"]
    return Fake(routes)


def test_metrics_at_a_port_that_a_person_names() -> None:
    with (
        triton() as server,
        Fake({"/metrics": Paged("triton.prom")}) as metrics,
        watching(line(server, f"kind=triton metrics={metrics.endpoint.port}")) as seen,
    ):
        name = server.endpoint.name
        series = f'inference.request.count{{mode="finished",model="ensemble",server="{name}"}}'
        seen.until(lambda: 118 in seen.values(series), "its figures")
        assert seen.servers[name][READS] == f"{metrics.endpoint.name}/metrics"


def test_metrics_at_another_port_of_the_same_process(machine: Machine) -> None:
    with triton() as server, Fake({"/metrics": Paged("triton.prom")}) as metrics:
        machine.process(50, "tritonserver --model-repository /models", sockets=(7, 8))
        for inode, item in ((7, server), (8, metrics)):
            machine.listen(inode, f"0100007F:{item.endpoint.port:04X}")
        with watching(discover=True, proc=machine.root) as seen:
            name = server.endpoint.name
            series = f'inference.requests{{mode="running",model="tensorrt_llm",server="{name}"}}'
            seen.until(lambda: 4 in seen.values(series), "its figures")
            assert list(seen.servers) == [name], "the port of its metrics is no server of its own"


def test_a_worker_is_a_part_of_its_frontend() -> None:
    with (
        Fake(kinds.dynamo()) as front,
        Fake(kinds.dynamo_worker()) as worker,
        watching(line(worker, ""), line(front, "")) as seen,
    ):
        names = worker.endpoint.name, front.endpoint.name
        seen.until(lambda: all(seen.state(item) == health.OK for item in names), "both")
        seen.until(lambda: seen.servers[names[0]][PARENT] == names[1], "whose part it is")
        assert seen.servers[names[1]][PARENT] == ""
        assert {seen.servers[item][KIND] for item in names} == {"dynamo"}
        assert "DYN_SYSTEM_PORT" in str(seen.servers[names[1]][MISSING])


def test_a_worker_alone_counts_itself() -> None:
    with Fake(kinds.dynamo_worker()) as worker, watching(line(worker, "")) as seen:
        name = worker.endpoint.name
        seen.until(lambda: seen.state(name) == health.OK, "it")
        assert seen.servers[name][PARENT] == ""


def test_a_page_of_no_model_server() -> None:
    words = "kind=prometheus source=dcgm include=*_GPU_TEMP relabel=UUID:mode,*:"
    with Fake({"/metrics": lambda _: page(sample("dcgm.prom"))}) as server, watching(line(server, words)) as seen:
        name = server.endpoint.name
        mode = "GPU-11111111-2222-3333-4444-555555555555"
        series = f'custom.dcgm.DCGM_FI_DEV_GPU_TEMP{{mode="{mode}",server="{name}"}}'
        seen.until(lambda: bool(seen.values(series)), "its figures")
        assert seen.servers[name][KIND] == "prometheus"
        columns = [item.column for reading in seen.readings for item in reading.samples]
        assert {item.group for item in columns if item.series.name.startswith("custom.")} == {"custom"}
