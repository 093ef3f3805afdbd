"""Dynamo: who owns the totals, names of models, other prefixes."""

from __future__ import annotations

import re

import pytest

from tests.servers.conftest import Dial
from tests.servers.fake import Fake, page
from tests.servers.fakes.kinds import dynamo as frontend
from tests.servers.fakes.kinds import dynamo_worker as worker
from tests.servers.fakes.paged import Paged
from tests.servers.told import short, spreads, unread
from wftui.collectors.servers import dynamo
from wftui.collectors.servers.figures import ModelInfo

QWEN = "Qwen/Qwen3-8B"
FIGURES = {
    "requests running": 3, "requests waiting": 1,
    "request.count finished": 97, "request.count rejected": 2,
    "tokens generation": 25110,
}  # fmt: skip
SPREADS = {
    "gen_ai.server.time_to_first_token": (97, 17.475257),
    "inter_token_latency": (2000, 38.702845),
    "gen_ai.server.request.duration": (97, 523.420336),
}
LEFT = {
    "dynamo_frontend_inflight_requests",  # running, less the queued ones
    "dynamo_frontend_disconnected_clients",
    "dynamo_frontend_model_context_length",  # the model's row has it
    "dynamo_frontend_model_total_kv_blocks",  # of all workers together
}


async def test_every_figure_of_a_frontend(dial: Dial) -> None:
    with Fake(frontend()) as server:
        web = dial(server)
        assert await dynamo.identify(web) == ""
        adapter = dynamo.make()
        for _ in range(2):
            look = await adapter.look(web)
            assert short(look) == FIGURES
            assert spreads(look) == SPREADS
            # Its page writes names in lower case, its list and its workers do not.
            assert {key.model for key in [*look.gauges, *look.counters, *look.histograms]} == {QWEN}
            assert look.models == (ModelInfo(name=QWEN, context=40960),)
            left = unread(look, Paged("dynamo_frontend.prom").body)
            assert left == LEFT - {"dynamo_frontend_inflight_requests"}
            assert not look.part
            assert "DYN_SYSTEM_PORT" in look.missing[0].fix


async def test_every_figure_of_a_worker(dial: Dial) -> None:
    with Fake(worker()) as server:
        web = dial(server)
        assert await dynamo.identify(web) == ""
        look = await dynamo.make().look(web)
        assert short(look, QWEN) == {
            "requests running": 4, "request.count finished": 97, "request.count failed": 1,
        }  # fmt: skip
        assert look.part, "its frontend counts the same"
        assert unread(look, Paged("dynamo_worker.prom").body) == {"dynamo_component_inflight_requests"}


@pytest.mark.parametrize(
    ("name", "tokens", "renamed"),
    [("vllm.prom", 51200, False), ("sglang.prom", 44032, False), ("trtllm_serve.prom", 25700, True)],
)
async def test_a_worker_repeats_its_engines_page(name: str, tokens: int, renamed: bool, dial: Dial) -> None:
    labels = rb'\g<0>dynamo_component="backend",dynamo_namespace="d",'
    engine = re.sub(rb"^[a-z_:]+\{", labels, Paged(name).body, flags=re.MULTILINE)
    if renamed:
        engine = engine.replace(b"trtllm_", b"trtllm:")
    with Fake(
        {"/metrics": lambda _: page(engine + Paged("dynamo_worker.prom").lines("dynamo_")[0] + b"\n")}
    ) as server:
        web = dial(server)
        assert await dynamo.identify(web) == ""
        look = await dynamo.make().look(web)
        assert short(look)["tokens generation"] == tokens
        assert look.histograms
        assert all("." in key.metric for key in [*look.gauges, *look.counters])
        assert bool(look.renamed) == renamed


async def test_another_prefix(dial: Dial) -> None:
    body = Paged("dynamo_frontend.prom").body.replace(b"dynamo_frontend_", b"llm_")
    routes = frontend() | {"/metrics": lambda _: page(body)}
    with Fake(routes) as server:
        web = dial(server)
        assert await dynamo.identify(web) == "", "its /health lists instances"
        assert short(await dynamo.make().look(web)) == FIGURES


async def test_older_builds_do_not_say_why_a_request_failed(dial: Dial) -> None:
    body = (
        b'dynamo_frontend_requests_total{endpoint="chat",model="m",request_type="unary",status="success"} 5\n'
        b'dynamo_frontend_requests_total{endpoint="chat",model="m",request_type="unary",status="error"} 2\n'
        b'dynamo_frontend_input_sequence_tokens_bucket{model="m",le="+Inf"} 5\n'
        b'dynamo_frontend_input_sequence_tokens_sum{model="m"} 700\n'
        b'dynamo_frontend_output_sequence_tokens_sum{model="m"} 300\n'
    )
    with Fake(frontend() | {"/metrics": lambda _: page(body)}) as server:
        told = short(await dynamo.make().look(dial(server)))
        assert told == {
            "request.count finished": 5, "request.count failed": 2, "tokens prompt": 700, "tokens generation": 300,
            "prefix_cache.tokens queried": 700,
        }  # fmt: skip


async def test_a_frontend_that_served_nothing(dial: Dial) -> None:
    with Fake(frontend() | {"/metrics": lambda _: page(b"")}) as server:
        web = dial(server)
        assert await dynamo.identify(web) == ""
        adapter = dynamo.make()
        look = await adapter.look(web)
        assert short(look) == {}
        assert look.models == (ModelInfo(name=QWEN),)
        server.routes["/metrics"] = Paged("dynamo_frontend.prom")
        assert short(await adapter.look(web)) == FIGURES


async def test_gauges_that_were_called_totals(dial: Dial) -> None:
    body = Paged("dynamo_frontend.prom").body
    for name in (b"queued_requests", b"inflight_requests"):
        body = body.replace(name, name + b"_total")
    with Fake(frontend() | {"/metrics": lambda _: page(body)}) as server:
        look = await dynamo.make().look(dial(server))
        assert short(look) == FIGURES
        assert look.renamed == tuple(
            (f"dynamo_frontend_{name}_total", f"dynamo_frontend_{name}")
            for name in ("queued_requests", "inflight_requests")
        )
