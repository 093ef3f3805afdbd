"""SGLang: every figure of its page, and what it says without one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakeclock import FakeClock
from tests.servers.conftest import Dial
from tests.servers.fake import Fake, page, said
from tests.servers.fakes.kinds import sglang as routes
from tests.servers.fakes.paged import Paged
from tests.servers.told import short, spreads, unread
from wftui.clock import NS_PER_S
from wftui.collectors.servers import sglang
from wftui.collectors.servers.derive import Derivation
from wftui.collectors.servers.figures import Missing, ModelInfo
from wftui.errors import SourceError
from wftui.model import health

QWEN = "Qwen/Qwen3-8B"
GIB = 1024**3
FIGURES = {
    "requests running": 5, "requests waiting": 2,
    "request.count finished": 150, "request.count aborted": 3,
    "tokens prompt": 139264, "tokens cached": 40960, "tokens generation": 44032, "tokens.rate generation": 312.7,
    "kv_cache.utilization": 0.1834, "kv_cache.limit": 33370,
    "prefix_cache.tokens queried": 139264, "prefix_cache.tokens hit": 40960,
    "preemptions": 1,
    "speculation.acceptance": 0.47,
    "model.memory vram": pytest.approx((15.27 + 4.58) * GIB),
}  # fmt: skip
SPREADS = {
    "gen_ai.server.time_to_first_token": (150, 31.59211),
    "inter_token_latency": (4000, 71.81646),
    "gen_ai.server.time_per_output_token": (150, 2.709347),
    "gen_ai.server.request.duration": (150, 744.171596),
    "phase.duration queue": (150, 13.649649),
}
LEFT = {
    # Totals that step when a request ends; the same tokens are counted as they are made.
    "sglang:prompt_tokens_total", "sglang:generation_tokens_total", "sglang:cached_tokens_total",
    # Of the last batch, not of now: stale while nothing runs.
    "sglang:cache_hit_rate",
    # Other words for what is read.
    "sglang:num_used_tokens", "sglang:kv_available_tokens", "sglang:kv_evictable_tokens", "sglang:kv_used_tokens",
    "sglang:decode_sum_seq_lens", "sglang:num_retracted_reqs", "sglang:page_size", "sglang:num_pages",
    "sglang:num_grammar_queue_reqs", "sglang:utilization", "sglang:spec_accept_length",
    "sglang:spec_verify_calls_total", "sglang:http_requests_total",
    # What the model's row says.
    "sglang:weight_memory_usage_gb", "sglang:kv_cache_memory_usage_gb", "sglang:context_len",
}  # fmt: skip


@pytest.fixture
def server() -> Iterator[Fake]:
    """One with metrics."""
    with Fake(routes()) as found:
        yield found


async def test_every_figure(server: Fake, dial: Dial) -> None:
    web = dial(server)
    adapter = sglang.make()
    for _ in range(2):  # parsed, then by plan
        look = await adapter.look(web)
        assert short(look) == FIGURES
        assert spreads(look) == SPREADS
        assert {key.model for key in [*look.gauges, *look.counters, *look.histograms]} == {QWEN}
        assert unread(look, Paged("sglang.prom").body) == LEFT
        assert look.models == (ModelInfo(name=QWEN, context=40960, vram=short(look)["model.memory vram"]),)
        assert (look.version, look.missing, look.renamed) == ("0.5.23", (), ())


async def test_tokens_are_counted_as_they_are_made(server: Fake, dial: Dial) -> None:
    web, clock = dial(server), FakeClock()
    adapter, derivation = sglang.make(), Derivation("a")
    live = server.routes["/metrics"]
    assert isinstance(live, Paged)

    async def rates() -> dict[str, float]:
        clock.advance(NS_PER_S)
        samples, _ = derivation.samples(await adapter.look(web), clock.now())
        columns = [(item.column.series, item.value) for item in samples]
        return {series.label("mode"): value for series, value in columns if series.name == "inference.tokens.rate"}

    assert await rates() == {"generation": 312.7}
    with server.lock:
        live.add('sglang:realtime_tokens_total{engine_type="unified",mode="prefill_compute"', 900)
    # The counter did not move within this second: it steps at each log interval, the pace is that of the last one.
    assert await rates() == {"prompt": 900, "generation": 312.7}
    with server.lock:
        live.add("sglang:num_running_reqs", -5)
        live.add('sglang:realtime_tokens_total{engine_type="unified",mode="decode"', 80)
    assert await rates() == {"prompt": 0, "generation": 80}, "nothing runs: the pace is stale, the counter is not"
    assert await rates() == {"prompt": 0, "generation": 0}


async def test_older_builds(server: Fake, dial: Dial) -> None:
    body = Paged("sglang.prom").without("sglang:realtime_tokens_total")
    body = body.replace(b"sglang:request_time_per_output", b"sglang:time_per_output")
    server.routes["/metrics"] = lambda _: page(body)
    server.routes["/get_model_info"] = server.routes.pop("/model_info")
    del server.routes["/v1/loads"]
    web = dial(server)
    assert await sglang.identify(web) == ""
    look = await sglang.make().look(web)
    told = short(look)
    assert [told[f"tokens {mode}"] for mode in ("prompt", "generation", "cached")] == [139264, 44032, 40960]
    assert {(key.metric, key.mode) for key in look.coarse} == {
        ("inference.tokens", mode) for mode in ("prompt", "generation", "cached")
    }
    assert told["prefix_cache.tokens queried"] == 139264
    assert look.renamed == (
        ("sglang:time_per_output_token_seconds", "sglang:request_time_per_output_token_seconds"),
    )
    assert "model.memory vram" not in told, "how many GPUs share it is not known"


async def test_without_metrics(server: Fake, dial: Dial) -> None:
    del server.routes["/metrics"]
    web = dial(server)
    look = await sglang.make().look(web)
    assert short(look) == {
        "requests running": 5, "requests waiting": 2, "kv_cache.utilization": 0.1834, "kv_cache.limit": 33370,
        "model.memory vram": pytest.approx(20 * GIB), "tokens.rate generation": 312.7,
    }  # fmt: skip
    assert look.missing == (
        Missing("tokens in total, latencies, finished requests", "start it with --enable-metrics"),
    )
    assert look.models is not None
    assert look.models[0].name == QWEN
    assert look.reads == ("/v1/loads",)
    del server.routes["/v1/loads"]
    adapter = sglang.make()
    for _ in range(2):
        look = await adapter.look(web)
        assert short(look) == {}
        assert look.models == (ModelInfo(name=QWEN),)
        assert look.missing == (Missing("requests, tokens, latencies", "start it with --enable-metrics"),)
        assert look.reads == ("/model_info",)


async def test_two_ranks_share_no_memory_that_is_known(server: Fake, dial: Dial) -> None:
    loads = {"version": "1", "num_accelerators": 2, "loads": []}
    server.routes["/v1/loads"] = lambda _: said(loads)
    look = await sglang.make().look(dial(server))
    assert "model.memory vram" not in short(look)
    assert look.models == (ModelInfo(name=QWEN, context=40960),)


async def test_errors_of_its_http(server: Fake, dial: Dial) -> None:
    more = (
        b'sglang:http_responses_total{endpoint="/v1/completions",method="POST",status_code="500"} 4.0\n'
        b'sglang:http_responses_total{endpoint="/v1/completions",method="POST",status_code="400"} 3.0\n'
        b'sglang:http_responses_total{endpoint="/v1/completions",method="POST",status_code="200"} 90.0\n'
        b'sglang:http_responses_total{endpoint="/v1/models",method="GET",status_code="500"} 7.0\n'
    )
    server.routes["/metrics"] = lambda _: page(Paged("sglang.prom").body + more)
    told = short(await sglang.make().look(dial(server)))
    assert (told["request.count failed"], told["request.count rejected"]) == (4, 3)


async def test_a_key(dial: Dial) -> None:
    with Fake(routes(), key="k", open_paths=("/metrics", "/health")) as server:
        web = dial(server)
        assert await sglang.identify(web) == "", "its page says who it is"
        look = await sglang.make().look(web)
        assert look.models is not None
        assert look.models[0].name == QWEN
        del server.routes["/metrics"]
        with pytest.raises(SourceError) as refused:
            await sglang.identify(web)
        assert refused.value.state == health.DENIED


async def test_a_restart(server: Fake, dial: Dial) -> None:
    web, clock = dial(server), FakeClock()
    adapter, derivation = sglang.make(), Derivation("a")
    live = server.routes["/metrics"]
    assert isinstance(live, Paged)
    derivation.samples(await adapter.look(web), clock.now())
    clock.advance(NS_PER_S)
    with server.lock:
        live.restart()
    look = await adapter.look(web)
    assert derivation.samples(look, clock.now())[1]
    assert "speculation.acceptance" not in short(look), "0 is what it says while nothing is speculated"
