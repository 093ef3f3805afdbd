"""TensorRT-LLM: every figure of its text page, and of the records where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.fakeclock import FakeClock
from tests.servers.conftest import Dial
from tests.servers.fake import Asked, Fake, Reply, page, said, sample
from tests.servers.fakes.kinds import trtllm as routes
from tests.servers.fakes.paged import Paged
from tests.servers.told import short, spreads, unread
from wftui.clock import NS_PER_S
from wftui.collectors.servers import trtllm
from wftui.collectors.servers.derive import Derivation
from wftui.collectors.servers.figures import ModelInfo

FIGURES = {
    "requests running": 4, "requests waiting": 1,
    "request.count finished": 100, "request.count aborted": 1,
    "tokens prompt": 90500, "tokens generation": 25700,
    "kv_cache.utilization": 0.0713,
}  # fmt: skip
SPREADS = {
    "gen_ai.server.time_to_first_token": (101, 8.828265),
    "gen_ai.server.time_per_output_token": (101, 2.05966),
    "gen_ai.server.request.duration": (101, 407.985805),
    "phase.duration queue": (101, 2.068561),
}
LEFT = {
    "trtllm_kv_cache_hit_rate",  # of its whole life; the share of ten seconds is made of the two below
    "trtllm_kv_cache_reused_blocks_total", "trtllm_kv_cache_missed_blocks_total",
    "trtllm_num_requests_completed_total",  # without how they ended
    "trtllm_max_num_active_requests",
}  # fmt: skip


class Queue:
    """The queue of records that each reader empties."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = msgspec.json.decode(sample("trtllm_serve_metrics.json"))  # Any: JSON

    def __call__(self, _: Asked) -> Reply:
        """All that is in it."""
        told, self.records = self.records, []
        return said(told)


@pytest.fixture
def server() -> Iterator[Fake]:
    """One with its text page."""
    with Fake(routes()) as found:
        yield found


async def test_every_figure(server: Fake, dial: Dial) -> None:
    web = dial(server)
    assert await trtllm.identify(web) == "1.2.0"
    adapter = trtllm.make()
    look = await adapter.look(web)
    assert look.models == (ModelInfo(name="Qwen3-8B"),)
    for _ in range(2):
        look = await adapter.look(web)
        assert short(look) == FIGURES
        assert spreads(look) == SPREADS
        assert {key.model for key in [*look.gauges, *look.counters, *look.histograms]} == {"Qwen3-8B"}
        assert unread(look, Paged("trtllm_serve.prom").body) == LEFT
        assert [item.figure for item in look.missing] == ["tokens as they are made"]
        assert {key.mode for key in look.coarse} == {"prompt", "generation"}, "they step when a request ends"
        assert (look.renamed, look.models) == ((), None)
    assert "/metrics" not in server.paths, "reading it would take records from others"


async def test_hits_of_the_prefix_cache_are_those_of_ten_seconds(server: Fake, dial: Dial) -> None:
    clock = FakeClock()
    web = dial(server, clock)
    adapter = trtllm.make()
    live = server.routes["/prometheus/metrics"]
    assert isinstance(live, Paged)
    assert "prefix_cache.hit_ratio" not in short(await adapter.look(web))
    clock.advance(NS_PER_S)
    with server.lock:
        live.add("trtllm_kv_cache_reused_blocks_total", 30)
        live.add("trtllm_kv_cache_missed_blocks_total", 10)
    assert short(await adapter.look(web))["prefix_cache.hit_ratio"] == 0.75


async def test_names_of_early_builds(server: Fake, dial: Dial) -> None:
    body = b"\n".join(
        line.replace(b"trtllm_", b"")
        for line in Paged("trtllm_serve.prom").body.split(b"\n")
        if line.startswith((b"trtllm_request_", b"trtllm_e2e", b"trtllm_time_"))
    )
    server.routes["/prometheus/metrics"] = lambda _: page(body + b"\n")
    look = await trtllm.make().look(dial(server))
    assert spreads(look) == SPREADS
    assert short(look) == {"request.count finished": 100, "request.count aborted": 1}
    assert ("e2e_request_latency_seconds", "trtllm_e2e_request_latency_seconds") in look.renamed
    assert [item.fix.split(":")[0] for item in look.missing[1:]] == ["enable_iter_perf_stats"]


async def test_only_iterations_on_the_page(server: Fake, dial: Dial) -> None:
    body = (
        b'trtllm_num_requests_running{model_name="a"} 1\ntrtllm_num_requests_completed_total{model_name="a"} 7\n'
    )
    server.routes["/prometheus/metrics"] = lambda _: page(body)
    look = await trtllm.make().look(dial(server))
    assert short(look) == {"requests running": 1, "request.count finished": 7}
    assert [item.fix.split(":")[0] for item in look.missing[1:]] == ["return_perf_metrics"]


async def test_records_without_a_page(server: Fake, dial: Dial) -> None:
    del server.routes["/prometheus/metrics"]
    queue = Queue()
    server.routes["/metrics"] = queue
    web, clock = dial(server), FakeClock()
    adapter, derivation = trtllm.make(), Derivation("a")
    look = await adapter.look(web)
    assert short(look) == {
        "requests running": 4, "requests waiting": 1, "batch.size": 4,
        "kv_cache.utilization": pytest.approx(7222 / 101256), "kv_cache.limit": 101256 * 32,
        "tokens prompt": 512, "tokens generation": 3, "request.count finished": 0,
    }  # fmt: skip
    assert "return_perf_metrics: true" in look.missing[0].fix
    assert "empties" in look.missing[1].fix
    derivation.samples(look, clock.now())
    clock.advance(NS_PER_S)
    look = await adapter.look(web)
    assert short(look) == {"tokens prompt": 512, "tokens generation": 3, "request.count finished": 0}
    assert not derivation.samples(look, clock.now())[1]
    with server.lock:
        record = msgspec.json.decode(sample("trtllm_serve_metrics.json"))[0]
        queue.records = [record | {"iter": 155 + step, "numCompletedRequests": step} for step in range(3)]
    look = await adapter.look(web)
    assert short(look)["tokens generation"] == 3 + 9
    assert short(look)["request.count finished"] == 3
    assert server.paths.count("/prometheus/metrics") == 1
    with server.lock:
        queue.records = [record | {"iter": 1}]
    look = await adapter.look(web)
    assert short(look)["tokens generation"] == 3
    assert derivation.samples(look, clock.now())[1], "iterations begin again: it was restarted"


async def test_the_page_is_looked_for_again(server: Fake, dial: Dial) -> None:
    live = server.routes.pop("/prometheus/metrics")
    web = dial(server)
    adapter = trtllm.make()
    await adapter.look(web)
    server.routes["/prometheus/metrics"] = live
    looks = [await adapter.look(web) for _ in range(30)]
    assert looks[-1].reads == ("/prometheus/metrics",)
    assert looks[0].reads == ("/metrics",)


async def test_neither_page_nor_records(server: Fake, dial: Dial) -> None:
    del server.routes["/prometheus/metrics"]
    del server.routes["/metrics"]
    look = await trtllm.make().look(dial(server))
    assert [item.fix.split(":")[0] for item in look.missing] == ["return_perf_metrics", "enable_iter_perf_stats"]


async def test_a_key(dial: Dial) -> None:
    with Fake(routes(), key="k", open_paths=("/prometheus/metrics",)) as server:
        web = dial(server)
        assert await trtllm.identify(web) == ""
        assert (await trtllm.make().look(web)).models is None
