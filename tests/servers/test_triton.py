"""Triton: metrics at another port, microseconds, ensembles."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakeclock import FakeClock
from tests.servers import fake
from tests.servers.conftest import Dial
from tests.servers.fake import Fake, page, said
from tests.servers.fakes.kinds import triton as routes
from tests.servers.fakes.paged import Paged
from tests.servers.told import short, spreads, unread
from wftui.clock import NS_PER_S
from wftui.collectors.servers import triton
from wftui.collectors.servers.derive import Derivation
from wftui.collectors.servers.figures import ModelInfo
from wftui.errors import SourceError

MODEL = "tensorrt_llm"
FIGURES = {
    "requests running": 4, "requests waiting": 1,
    "request.count finished": 118, "request.count failed": 1, "request.count aborted": 2,
    "request.count rejected": 0,
    "kv_cache.utilization": 0.0713, "kv_cache.limit": 6239 * 64,
    "model.memory vram": 16102360000, "model.memory ram": 0,
    "batch.tokens": 512,
}  # fmt: skip
LEFT = {
    "nv_inference_count", "nv_inference_exec_count",  # batch.size, of what both gain
    "nv_inference_compute_input_duration_us", "nv_inference_compute_infer_duration_us",
    "nv_inference_compute_output_duration_us",  # parts of the request's
    "nv_inference_pending_request_count",  # the backend says it better
    "nv_trt_llm_general_metrics",
    # The driver is asked for these.
    "nv_gpu_utilization", "nv_gpu_memory_total_bytes", "nv_gpu_memory_used_bytes", "nv_gpu_power_usage",
    "nv_gpu_power_limit", "nv_energy_consumption", "nv_cpu_utilization", "nv_cpu_memory_total_bytes",
    "nv_cpu_memory_used_bytes",
}  # fmt: skip


@pytest.fixture
def metrics() -> Iterator[Fake]:
    """The port of its metrics."""
    with Fake({"/metrics": Paged("triton.prom")}) as found:
        yield found


@pytest.fixture
def grpc() -> Iterator[Fake]:
    """A port that speaks another language."""
    with Fake() as found:
        found.fault = fake.GARBAGE
        yield found


@pytest.fixture
def server() -> Iterator[Fake]:
    """Its HTTP port, without metrics."""
    paths = routes()
    del paths["/metrics"]
    with Fake(paths) as found:
        yield found


async def test_every_figure(server: Fake, grpc: Fake, metrics: Fake, dial: Dial) -> None:
    web = dial(server)
    assert await triton.identify(web) == "2.61.0"
    web.siblings = (grpc.endpoint, metrics.endpoint)
    adapter = triton.make()
    for _ in range(2):
        look = await adapter.look(web)
        assert short(look, MODEL) == FIGURES
        assert short(look, "ensemble") == {"request.count finished": 118}, "shown apart, never added"
        assert spreads(look) == {
            "gen_ai.server.request.duration": (118, 41.230112),
            "phase.duration queue": (118, 0.910022),
        }
        assert unread(look, Paged("triton.prom").body) == LEFT
        assert look.models == (ModelInfo(name=MODEL), ModelInfo(name="ensemble"))
        assert look.reads == (f"{metrics.endpoint.name}/metrics",)
        assert [item.figure for item in look.missing] == ["tokens, time to first token"]
    assert len(grpc.asked) == 1


async def test_means_and_batches_of_what_came(server: Fake, metrics: Fake, dial: Dial) -> None:
    clock = FakeClock()
    web = dial(server, clock)
    web.siblings = (metrics.endpoint,)
    adapter, derivation = triton.make(), Derivation("a")
    derivation.samples(await adapter.look(web), clock.now())
    clock.advance(NS_PER_S)
    live = metrics.routes["/metrics"]
    assert isinstance(live, Paged)
    with metrics.lock:
        live.add('nv_inference_request_success{model="tensorrt_llm"', 4)
        live.add("nv_inference_request_duration_us", 2_000_000)
        live.add("nv_inference_count", 12)
        live.add("nv_inference_exec_count", 4)
    look = await adapter.look(web)
    samples, _ = derivation.samples(look, clock.now())
    told = {
        (item.column.series.name, item.column.series.stat): item.value
        for item in samples
        if not item.column.series.label("mode")
    }
    assert told["gen_ai.server.request.duration", "count"] == 4
    assert told["gen_ai.server.request.duration", "sum"] == pytest.approx(2.0)
    assert ("gen_ai.server.request.duration", "p50") not in told, "a mean is no distribution"
    assert told["inference.batch.size", ""] == 3


async def test_without_the_backend_and_with_newer_ones(server: Fake, metrics: Fake, dial: Dial) -> None:
    body = Paged("triton.prom").without("nv_trt_llm_") + (
        b'nv_llm_input_token_len_bucket{model="tensorrt_llm",le="+Inf"} 3\n'
        b'nv_llm_input_token_len_sum{model="tensorrt_llm"} 900\n'
        b'nv_llm_output_token_len_sum{model="tensorrt_llm"} 300\n'
        b'nv_inference_first_response_histogram_ms_bucket{model="tensorrt_llm",version="1",le="100"} 2\n'
        b'nv_inference_first_response_histogram_ms_bucket{model="tensorrt_llm",version="1",le="+Inf"} 3\n'
        b'nv_inference_first_response_histogram_ms_sum{model="tensorrt_llm",version="1"} 240\n'
    )
    metrics.routes["/metrics"] = lambda _: page(body)
    web = dial(server)
    web.siblings = (metrics.endpoint,)
    look = await triton.make().look(web)
    told = short(look, MODEL)
    assert told["requests waiting"] == 3
    assert (told["tokens prompt"], told["tokens generation"]) == (900, 300)
    first = next(item for key, item in look.histograms.items() if "first" in key.metric)
    assert (first.bounds[0], list(first.counts)) == (0.1, [2, 3])
    assert first.total == pytest.approx(0.24)
    assert look.missing == ()


async def test_no_metrics_to_be_found(server: Fake, grpc: Fake, metrics: Fake, dial: Dial) -> None:
    web = dial(server)
    web.siblings = (grpc.endpoint,)
    adapter = triton.make()
    looks = [await adapter.look(web) for _ in range(3)]
    assert short(looks[0]) == {}
    assert "--allow-metrics" in looks[0].missing[0].fix
    assert looks[0].reads == ("/v2",)
    assert len(grpc.asked) == 1, "not looked for each second"
    web.siblings = (grpc.endpoint, metrics.endpoint)
    looks = [await adapter.look(web) for _ in range(30)]
    assert short(looks[-1], MODEL) == FIGURES


async def test_statistics_where_no_metrics_are(server: Fake, dial: Dial) -> None:
    def model(version: str, done: int, failed: int) -> dict[str, object]:
        took = {"success": done, "fail": failed, "queue": done, "compute_infer": done}
        stats = {name: {"count": count, "ns": count * 350_000_000} for name, count in took.items()}
        return {
            "name": "resnet", "version": version, "last_inference": 1767225600000, "inference_count": done * 4,
            "execution_count": done, "inference_stats": stats, "batch_stats": [],
        }  # fmt: skip

    models = {"model_stats": [model("1", 10, 1), model("2", 4, 0)]}
    server.routes["/v2/models/stats"] = lambda _: said(models)
    clock = FakeClock()
    web = dial(server, clock)
    adapter, derivation = triton.make(), Derivation("a")
    look = await adapter.look(web)
    assert short(look, "resnet") == {"request.count finished": 14, "request.count failed": 1}
    assert spreads(look) == {"gen_ai.server.request.duration": (14, 4.9), "phase.duration queue": (14, 4.9)}
    assert look.models == (ModelInfo(name="resnet"),)
    assert "metrics=PORT" in look.missing[0].fix
    derivation.samples(look, clock.now())
    clock.advance(NS_PER_S)
    models["model_stats"][0] = model("1", 12, 1)
    look = await adapter.look(web)
    assert short(look)["batch.size"] == 4
    samples, _ = derivation.samples(look, clock.now())
    stats = {
        item.column.series.stat: item.value
        for item in samples
        if item.column.series.name == "gen_ai.server.request.duration"
    }
    assert stats == {"count": 2, "sum": pytest.approx(0.7)}


async def test_metrics_go_away_and_come_back(server: Fake, metrics: Fake, dial: Dial) -> None:
    web = dial(server)
    web.siblings = (metrics.endpoint,)
    adapter = triton.make()
    await adapter.look(web)
    metrics.refuse()
    with pytest.raises(SourceError):
        await adapter.look(web)
    metrics.listen()
    assert short(await adapter.look(web), MODEL) == FIGURES
