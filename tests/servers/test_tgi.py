"""Text Generation Inference: every figure of its page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakeclock import FakeClock
from tests.servers.conftest import Dial
from tests.servers.fake import Fake, page
from tests.servers.fakes.kinds import tgi as routes
from tests.servers.fakes.paged import Paged
from tests.servers.told import short, spreads, unread
from wftui.clock import NS_PER_S
from wftui.collectors.servers import tgi
from wftui.collectors.servers.derive import Derivation
from wftui.collectors.servers.figures import ModelInfo

FIGURES = {
    "requests running": 4, "requests waiting": 1, "batch.size": 4,
    "request.count finished": 120, "request.count rejected": 3,
    "tokens prompt": 93579, "tokens generation": 29773,
    "kv_cache.limit": 61000, "kv_cache.utilization": pytest.approx(9120 / 61000),
}  # fmt: skip
SPREADS = {
    "gen_ai.server.request.duration": (120, 341.178728),
    "gen_ai.server.time_per_output_token": (120, 3.200301),
    "phase.duration queue": (120, 0.368156),
}
LEFT = {
    "tgi_request_count",  # success and failure are its parts
    "tgi_batch_inference_count", "tgi_batch_inference_success",  # steps, not requests
    "tgi_request_validation_duration", "tgi_request_inference_duration",  # e2e less queue
}  # fmt: skip


@pytest.fixture
def server() -> Iterator[Fake]:
    """A router of TGI."""
    with Fake(routes()) as found:
        yield found


async def test_every_figure(server: Fake, dial: Dial) -> None:
    web = dial(server)
    assert await tgi.identify(web) == "3.3.6"
    adapter = tgi.make()
    for asked in (True, False):
        look = await adapter.look(web)
        assert short(look) == FIGURES
        assert spreads(look) == SPREADS
        assert unread(look, Paged("tgi.prom").body) == LEFT
        assert {key.mode for key in look.coarse} == {"prompt", "generation"}
        assert (look.models is not None) == asked
    look = await tgi.make().look(web)
    assert look.models == (ModelInfo(name="meta-llama/Llama-3.1-8B-Instruct", context=8192),)
    assert [item.figure for item in look.missing] == ["time to first token, tokens as they are made"]


async def test_a_fresh_one(server: Fake, dial: Dial) -> None:
    # A family appears after its first use, with blank lines between them.
    server.routes["/metrics"] = lambda _: page(b"# TYPE tgi_queue_size gauge\ntgi_queue_size 0\n\n\n")
    look = await tgi.make().look(dial(server))
    assert short(look) == {"requests waiting": 0}


async def test_failures_by_their_reason(server: Fake, dial: Dial) -> None:
    more = b'tgi_request_failure{err="generation"} 2\ntgi_request_failure{err="incomplete_generation"} 5\n'
    server.routes["/metrics"] = lambda _: page(Paged("tgi.prom").body + more)
    told = short(await tgi.make().look(dial(server)))
    assert (told["request.count failed"], told["request.count rejected"]) == (7, 3)


async def test_a_request_ends_and_a_restart(server: Fake, dial: Dial) -> None:
    web, clock = dial(server), FakeClock()
    adapter, derivation = tgi.make(), Derivation("a")
    live = server.routes["/metrics"]
    assert isinstance(live, Paged)
    derivation.samples(await adapter.look(web), clock.now())
    clock.advance(NS_PER_S)
    with server.lock:
        live.add("tgi_request_generated_tokens_sum", 500)
        live.add("tgi_request_success", 1)
    samples, restarted = derivation.samples(await adapter.look(web), clock.now())
    assert not restarted
    told = {(item.column.series.name, item.column.series.label("mode")): item.value for item in samples}
    assert told["inference.tokens", "generation"] == 30273
    assert not any(name == "inference.tokens.rate" for name, _ in told), "500 tokens in one second were not made"
    with server.lock:
        live.restart()
    assert derivation.samples(await adapter.look(web), clock.now())[1]
