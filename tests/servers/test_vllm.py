"""vLLM: every figure of its three pages, its models, and those who only look like it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakeclock import FakeClock
from tests.servers.conftest import Dial
from tests.servers.fake import Fake, Route, constant, page, said, sample
from tests.servers.told import short
from wftui.collectors.servers import vllm
from wftui.collectors.servers.derive import Derivation
from wftui.collectors.servers.figures import Look, Missing, ModelInfo
from wftui.collectors.servers.takes import Reader
from wftui.errors import SourceError, SourceFormatError
from wftui.model import health

QWEN = "Qwen/Qwen3-8B"
LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
ONE = {
    "requests running": 6, "requests waiting": 3,
    "request.count finished": 195, "request.count aborted": 5, "request.count failed": 0,
    "request.count rejected": 0,
    "tokens prompt": 184320, "tokens cached": 61440, "tokens generation": 51200,
    "kv_cache.utilization": 0.4271, "kv_cache.limit": 27442 * 16,
    "prefix_cache.tokens queried": 184320, "prefix_cache.tokens hit": 61440,
    "preemptions": 4,
    "speculation.tokens drafted": 36000, "speculation.tokens accepted": 21600,
}  # fmt: skip
TWO = {
    "requests running": 10, "requests waiting": 5,
    "request.count finished": 390, "request.count aborted": 10, "request.count failed": 0,
    "request.count rejected": 0,
    "tokens prompt": 368640, "tokens cached": 122880, "tokens generation": 102400,
    "kv_cache.utilization": 0.3771, "kv_cache.limit": 2 * 27442 * 16,
    "prefix_cache.tokens queried": 368640, "prefix_cache.tokens hit": 122880,
    "preemptions": 8,
}  # fmt: skip
OLD = {
    "requests running": 6, "requests waiting": 3,
    "request.count finished": 195, "request.count aborted": 5,
    "tokens prompt": 184320, "tokens generation": 51200,
    "kv_cache.utilization": 0.4271, "kv_cache.limit": 27442 * 16,
    "prefix_cache.hit_ratio": 0.3333,
    "preemptions": 4,
}  # fmt: skip
SPREADS = {
    "gen_ai.server.time_to_first_token": (200, 26.669334163663283, 23, 0.001),
    "inference.inter_token_latency": (5000, 129.44714139193417, 20, 0.01),
    "gen_ai.server.time_per_output_token": (200, 5.173929446481441, 20, 0.01),
    "gen_ai.server.request.duration": (200, 1102.5873401217218, 22, 0.3),
    "inference.phase.duration queue": (200, 11.38783989054183, 22, 0.3),
    "inference.phase.duration prefill": (200, 23.10264810208281, 22, 0.3),
    "inference.phase.duration decode": (200, 1031.4096190003497, 22, 0.3),
}
"""Of ``vllm.prom``: observations, sum, buckets, lowest bound."""


def routes(body: bytes) -> dict[str, Route]:
    """A vLLM with that page."""
    return {
        "/metrics": lambda _: page(body),
        "/v1/models": constant(sample("vllm_models.json")),
        "/version": constant(sample("vllm_version.json")),
    }


@pytest.fixture
def server() -> Iterator[Fake]:
    """One engine."""
    with Fake(routes(sample("vllm.prom"))) as found:
        yield found


@pytest.mark.parametrize(
    ("name", "figures", "model"),
    [("vllm.prom", ONE, QWEN), ("vllm_dp2.prom", TWO, QWEN), ("vllm_v0.prom", OLD, LLAMA)],
)
async def test_every_figure_of_a_page(name: str, figures: dict[str, float], model: str, dial: Dial) -> None:
    with Fake(routes(sample(name))) as server:
        web = dial(server)
        adapter = vllm.make()
        for _ in range(2):  # parsed, then by plan
            look = await adapter.look(web)
            assert short(look) == pytest.approx(figures)
            assert {key.model for key in [*look.gauges, *look.counters, *look.histograms]} == {model}
            assert len(look.histograms) == (6 if name == "vllm_v0.prom" else 7)
            assert look.missing == ()
            assert look.reads == ("/metrics",)


async def test_every_distribution_of_a_page(server: Fake, dial: Dial) -> None:
    web = dial(server)
    look = await vllm.make().look(web)
    found = {
        f"{key.metric} {key.mode}".strip(): (item.count, item.total, len(item.bounds), item.bounds[0])
        for key, item in look.histograms.items()
    }
    assert found == pytest.approx(SPREADS)
    assert look.renamed == ()


async def test_two_engines_are_added(dial: Dial) -> None:
    with Fake(routes(sample("vllm_dp2.prom"))) as server:
        web = dial(server)
        look = await vllm.make().look(web)
        assert {item.count for key, item in look.histograms.items() if "inter" not in key.metric} == {400}


async def test_old_names_say_so(dial: Dial) -> None:
    with Fake(routes(sample("vllm_v0.prom"))) as server:
        web = dial(server)
        look = await vllm.make().look(web)
        assert look.renamed == (
            ("vllm:time_per_output_token_seconds", "vllm:inter_token_latency_seconds"),
            ("vllm:gpu_cache_usage_perc", "vllm:kv_cache_usage_perc"),
        )


async def test_models(server: Fake, dial: Dial) -> None:
    models = {
        "data": [
            {"id": QWEN, "owned_by": "vllm", "max_model_len": 32768, "root": QWEN},
            {"id": "sql", "owned_by": "vllm", "max_model_len": None, "root": "/lora/sql", "parent": QWEN},
        ]
    }
    server.routes["/v1/models"] = lambda _: said(models)
    web = dial(server)
    adapter = vllm.make()
    look = await adapter.look(web)
    assert look.models == (
        ModelInfo(name=QWEN, context=32768),
        ModelInfo(name="sql", detail=f"adapter of {QWEN}"),
    )
    looks = [await adapter.look(web) for _ in range(40)]
    assert sum(look.models is not None for look in looks) == 1
    assert server.paths.count("/v1/models") == 2


async def test_models_that_are_not_told(server: Fake, dial: Dial) -> None:
    """What guards the models must not cost the figures."""
    web = dial(server)
    for route in (lambda _: said({}, 401), lambda _: said({}, 500), constant(b"[]"), constant(b"<html>")):
        server.routes["/v1/models"] = route
        look = await vllm.make().look(web)
        assert look.models is None
        assert short(look)["tokens generation"] == 51200


async def test_sleep(server: Fake, dial: Dial) -> None:
    body = sample("vllm.prom")
    web = dial(server)
    adapter = vllm.make()
    assert (await adapter.look(web)).state == health.OK
    asleep = body.replace(b'sleep_state="awake"} 1.0', b'sleep_state="awake"} 0.0')
    asleep = asleep.replace(b'sleep_state="weights_offloaded"} 0.0', b'sleep_state="weights_offloaded"} 1.0')
    server.routes["/metrics"] = lambda _: page(asleep)
    look = await adapter.look(web)
    assert look.state == health.ASLEEP
    assert look.reason


async def test_no_statistics(dial: Dial) -> None:
    body = b"# HELP http_requests_total x\nhttp_requests_total 5\n"
    with Fake(routes(body)) as server:
        web = dial(server)
        look = await vllm.make().look(web)
        assert look.missing == (Missing("requests, tokens, latencies", "start it without --disable-log-stats"),)
        assert short(look) == {}


async def test_a_restart(server: Fake, dial: Dial) -> None:
    web, clock = dial(server), FakeClock()
    adapter, derivation = vllm.make(), Derivation("a")
    derivation.samples(await adapter.look(web), clock.now())
    server.refuse()
    with pytest.raises(SourceError):
        await adapter.look(web)
    fresh = sample("vllm.prom").replace(b"184320.0", b"12.0")
    server.routes["/metrics"] = lambda _: page(fresh)
    server.listen()
    clock.advance(1_000_000_000)
    _, restarted = derivation.samples(await adapter.look(web), clock.now())
    assert restarted


async def test_identify(server: Fake, dial: Dial) -> None:
    web = dial(server)
    assert await vllm.identify(web) == "0.33.0"
    server.routes["/version"] = lambda _: said({}, 404)
    assert await vllm.identify(web) == ""


async def test_identify_with_a_key(dial: Dial) -> None:
    with Fake(routes(sample("vllm.prom")), key="k", open_paths=("/metrics", "/version")) as server:
        web = dial(server)
        assert await vllm.identify(web) == ""


@pytest.mark.parametrize(
    "pretender",
    [
        {},
        {"/version": constant(sample("vllm_version.json"))},
        {"/v1/models": constant(sample("llamacpp_models.json")), "/version": constant(b'{"version": "1"}')},
        {"/v1/models": constant(b'{"data": [{"id": "m", "owned_by": "sglang"}]}')},
        {"/v1/models": constant(b'{"data": []}')},
        {"/v1/models": constant(b"[]")},
        {"/v1/models": constant(b"<html>")},
        {"/v1/models": lambda _: said({}, 401), "/metrics": lambda _: page(sample("sglang.prom"))},
        {"/v1/models": lambda _: said({}, 500)},
    ],
)
async def test_pretenders(pretender: dict[str, Route], dial: Dial) -> None:
    with Fake(pretender) as server:
        web = dial(server)
        assert await vllm.identify(web) is None


@given(st.data())
def test_a_damaged_page_is_read_or_refused(data: st.DataObject) -> None:
    body = sample("vllm_v0.prom")
    reader = Reader(vllm.TAKES, "/metrics")
    reader.read(body, Look())
    at = data.draw(st.integers(0, len(body)))
    damaged = body[:at] + data.draw(st.binary(max_size=4)) + body[at + data.draw(st.integers(0, 40)) :]
    look = Look()
    try:
        reader.read(damaged, look)
    except SourceFormatError:
        return
    assert all(isinstance(value, float) for value in (look.gauges | look.counters).values())
