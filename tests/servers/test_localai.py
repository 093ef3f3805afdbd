"""LocalAI: the mean of its calls, its models."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakeclock import FakeClock
from tests.servers.conftest import Dial
from tests.servers.fake import Fake, said
from tests.servers.fakes.kinds import localai as routes
from tests.servers.fakes.paged import Paged
from tests.servers.told import short, spreads, unread
from wftui.clock import NS_PER_S
from wftui.collectors.servers import localai
from wftui.collectors.servers.derive import Derivation
from wftui.collectors.servers.figures import ModelInfo


@pytest.fixture
def server() -> Iterator[Fake]:
    """One with a model."""
    with Fake(routes()) as found:
        yield found


async def test_every_figure(server: Fake, dial: Dial) -> None:
    web = dial(server)
    assert await localai.identify(web) == "v4.9.0"
    adapter = localai.make()
    looks = [await adapter.look(web) for _ in range(6)]
    for look in looks:
        assert short(look) == {}
        assert spreads(look) == {"gen_ai.server.request.duration": (31, 212.4417)}, (
            "lists of models are no requests"
        )
        assert unread(look, Paged("localai.prom").body) == {"go_goroutines", "process_start_time_seconds"}
        assert look.birth == "1767225600.12"
    assert [look.models is not None for look in looks] == [True, False, False, False, False, True]
    assert looks[0].models == (
        ModelInfo(name="qwen3-8b", vram=5368709120, ram=6442450944, detail="backend llama-cpp"),
    )
    assert looks[0].reads == ("/metrics", "/system")
    assert "wftop proxy" in looks[0].missing[0].fix


async def test_the_mean_and_no_quantile(server: Fake, dial: Dial) -> None:
    web, clock = dial(server), FakeClock()
    adapter, derivation = localai.make(), Derivation("a")
    derivation.samples(await adapter.look(web), clock.now())
    clock.advance(NS_PER_S)
    live = server.routes["/metrics"]
    assert isinstance(live, Paged)
    with server.lock:
        live.add('api_call_count{method="POST"', 2)
        live.add('api_call_sum{method="POST"', 3)
    samples, _ = derivation.samples(await adapter.look(web), clock.now())
    stats = {item.column.series.stat: item.value for item in samples if "duration" in item.column.series.name}
    assert stats == {"count": 2, "sum": pytest.approx(3)}


async def test_a_restart(server: Fake, dial: Dial) -> None:
    web, clock = dial(server), FakeClock()
    adapter, derivation = localai.make(), Derivation("a")
    derivation.samples(await adapter.look(web), clock.now())
    live = server.routes["/metrics"]
    assert isinstance(live, Paged)
    with server.lock:
        live.add("process_start_time_seconds", 600)
    assert derivation.samples(await adapter.look(web), clock.now())[1]


async def test_no_page_and_no_models(server: Fake, dial: Dial) -> None:
    del server.routes["/metrics"]
    del server.routes["/version"]
    server.routes["/system"] = lambda _: said({"backends": None, "loaded_models": None})
    web = dial(server)
    assert await localai.identify(web) == ""
    look = await localai.make().look(web)
    assert look.models == ()
    assert look.missing[1].fix == "start it without --disable-metrics-endpoint"
