"""A router of llama.cpp: looking at it loads and wakes no model."""

from __future__ import annotations

from tests.fakeclock import FakeClock
from tests.servers import fake
from tests.servers.conftest import Dial
from tests.servers.fake import Fake, Reply, Route, constant, page, said, sample
from tests.servers.fake_llamacpp import SERVER, Llama, Router
from tests.servers.told import short
from wftui.clock import NS_PER_S
from wftui.collectors.servers import llamacpp
from wftui.collectors.servers.derive import Derivation
from wftui.collectors.servers.figures import Look
from wftui.model import health
from wftui.model.servers import FAILED, LOADED, SLEEPING, UNLOADED


async def test_the_sample_of_a_router(dial: Dial) -> None:
    routes: dict[str, Route] = {
        "/props": constant(sample("llamacpp_router_props.json")),
        "/v1/models": constant(sample("llamacpp_router_models.json")),
        "/metrics": lambda _: page(sample("llamacpp.prom")),
        "/slots": constant(sample("llamacpp_slots.json")),
    }
    with Fake(routes, server=SERVER) as server:
        web = dial(server)
        assert await llamacpp.identify(web) == "b10488-0c1e570"
        look = await llamacpp.make().look(web)
    assert look.models is not None
    assert [(item.name, item.state, item.detail) for item in look.models] == [
        ("gemma-3-4b-it-Q4_K_M", UNLOADED, ""),
        ("Qwen3-8B-Q4_K_M", LOADED, ""),
        ("broken-Q8_0", FAILED, "it failed to load, exit code 1"),
    ]
    assert (look.models[1].size, look.models[1].context) == (5021787136, 8192)
    assert short(look, "Qwen3-8B-Q4_K_M")["tokens generation"] == 1.23457e6
    queries = [item.query for item in server.asked if item.path in ("/metrics", "/slots")]
    assert queries == [{"model": "Qwen3-8B-Q4_K_M", "autoload": "false"}] * 2


async def test_a_router_never_loads_or_wakes(dial: Dial) -> None:
    clock = FakeClock()
    router = Router(
        **{"a/b c&autoload=true": Llama(clock), "sleepy": Llama(clock, sleep_s=30), "idle": Llama(clock)}
    )
    router.failed["idle"] = 3
    with Fake(router.routes(), server=SERVER) as server:
        web, adapter, derivation = dial(server, clock), llamacpp.make(), Derivation("s")

        async def look() -> Look:
            clock.advance(NS_PER_S)
            found = await adapter.look(web)
            assert derivation.samples(found, clock.now())[1] is False, "a reload is no restart"
            assert (router.loads, router.woken) == (0, 0)
            return found

        assert {item.state for item in (await look()).models or ()} == {UNLOADED, FAILED}
        router.load("a/b c&autoload=true")
        router.load("sleepy")
        first = router.models["a/b c&autoload=true"]
        with server.lock:
            first.predicted, first.prompt = 500, 300
            seat = first.begin()
        await look()
        with server.lock:
            first.read(seat, 1)
            first.decode(seat, 30)
        found = await look()
        assert short(found, "a/b c&autoload=true")["tokens.rate generation"] == 30
        assert short(found, "a/b c&autoload=true")["tokens generation"] == 500
        assert [item.model for item in found.requests] == ["a/b c&autoload=true"]
        for _ in range(60):
            found = await look()
        assert {item.name: item.state for item in found.models or ()}["sleepy"] == SLEEPING
        router.unload("a/b c&autoload=true")
        found = await look()
        assert short(found, "a/b c&autoload=true") == {}
        with server.lock:
            router.load("a/b c&autoload=true")
        found = await look()
        assert found.reloaded == {"a/b c&autoload=true"}
        assert short(found, "a/b c&autoload=true")["tokens generation"] == 0
        with server.lock:
            first.restart()
        assert (await look()).reloaded == {"a/b c&autoload=true"}, "another birth of its server"


async def test_a_model_that_goes_away_while_we_look(dial: Dial) -> None:
    router = Router(one=Llama(), two=Llama())
    router.load("one")
    router.load("two")
    routes = router.routes()
    listed = routes["/v1/models"]

    def unload(asked: fake.Asked) -> Reply:
        reply = listed(asked)
        router.unload("one")
        return reply

    with Fake(routes | {"/v1/models": unload}, server=SERVER) as server:
        look = await llamacpp.make().look(dial(server))
        assert router.loads == 0
        assert "requests running" in short(look, "two")
        assert short(look, "one") == {}


async def test_one_models_trouble_is_not_the_others(dial: Dial) -> None:
    router = Router(one=Llama(), two=Llama())
    router.load("one")
    router.load("two")
    routes = router.routes()
    slots = routes["/slots"]
    routes["/slots"] = lambda asked: said({}, 500) if asked.query["model"] == "one" else slots(asked)
    with Fake(routes, server=SERVER) as server:
        look = await llamacpp.make().look(dial(server))
    assert (look.state, look.reason) == (health.LATE, "one: /slots?model=one&autoload=false: 500")
    assert "requests running" in short(look, "two")


async def test_what_is_watched_itself_is_not_asked_for(dial: Dial) -> None:
    """Its servers are found as processes of their own; a router logs each question that it hands on."""
    router = Router(one=Llama(), two=Llama())
    router.load("one")
    router.load("two")
    with Fake(router.routes(), server=SERVER) as server:
        web, adapter = dial(server), llamacpp.make()
        adapter.watched = frozenset({Router.FIRST_PORT})
        look = await adapter.look(web)
        assert short(look, "one") == {}
        assert "requests running" in short(look, "two")
        assert [(item.name, item.state) for item in look.models or ()] == [("one", LOADED), ("two", LOADED)]
        adapter.watched = frozenset()
        assert "requests running" in short(await adapter.look(web), "one")
