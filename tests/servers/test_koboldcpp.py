"""KoboldCpp: figures of generations as they end; its constants in others' names are never shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakeclock import FakeClock
from tests.servers.conftest import Dial
from tests.servers.fake import Fake, said
from tests.servers.fakes.koboldcpp import Kobold
from tests.servers.told import short, spreads
from wftui.clock import NS_PER_S
from wftui.collectors.servers import koboldcpp
from wftui.collectors.servers.derive import Derivation
from wftui.collectors.servers.figures import ModelInfo

CONSTANTS = (394998579, 12345678900)
FIRST = {
    "requests running": 1, "requests waiting": 1, "request.count finished": 42,
    "tokens prompt": 0, "tokens generation": 0,
}  # fmt: skip


@pytest.fixture
def kobold() -> Kobold:
    """Its state."""
    return Kobold()


@pytest.fixture
def server(kobold: Kobold) -> Iterator[Fake]:
    """One that generates."""
    with Fake(kobold.routes()) as found:
        yield found


async def test_every_figure(server: Fake, kobold: Kobold, dial: Dial) -> None:
    web, clock = dial(server), FakeClock()
    assert await koboldcpp.identify(web) == "1.122.1"
    adapter, derivation = koboldcpp.make(), Derivation("a")
    look = await adapter.look(web)
    assert short(look) == FIRST, "what ended before anyone looked is not counted"
    assert look.models == (ModelInfo(name="Qwen3-8B-Q4_K_M", context=8192),)
    derivation.samples(look, clock.now())
    with server.lock:
        kobold.generate(180, 900, 0.108, 0.72)
        kobold.perf |= {"idle": 1, "queue": 0, "last_draft_success": 30, "last_draft_failed": 10}
    clock.advance(NS_PER_S)
    look = await adapter.look(web)
    assert short(look) == {
        "requests running": 0, "requests waiting": 0, "request.count finished": 43,
        "tokens prompt": 900, "tokens generation": 180,
        "speculation.tokens drafted": 40, "speculation.tokens accepted": 30,
    }  # fmt: skip
    assert spreads(look) == {
        "phase.duration prefill": (1, 0.108), "phase.duration decode": (1, 0.72),
        "gen_ai.server.time_per_output_token": (1, 0.004),
    }  # fmt: skip
    samples, restarted = derivation.samples(look, clock.now())
    assert not restarted
    told = {item.column.series.name for item in samples}
    assert "inference.tokens.rate" not in told, "180 tokens in one second were not made"
    assert not any(item.value in CONSTANTS for item in samples)
    with server.lock:
        kobold.generate(20, 100, 0.02, 0.08)
    look = await adapter.look(web)
    assert short(look)["tokens generation"] == 200
    assert spreads(look)["gen_ai.server.time_per_output_token"] == (2, 0.008)


async def test_nothing_new_is_not_counted_again(server: Fake, dial: Dial) -> None:
    web = dial(server)
    adapter = koboldcpp.make()
    looks = [await adapter.look(web) for _ in range(3)]
    assert [short(look) for look in looks] == [FIRST] * 3


async def test_several_between_two_looks(server: Fake, kobold: Kobold, dial: Dial) -> None:
    web = dial(server)
    adapter = koboldcpp.make()
    await adapter.look(web)
    with server.lock:
        kobold.generate(100, 10, 0.1, 1)
        kobold.generate(7, 10, 0.1, 1)
        kobold.perf["total_img_gens"] = 1
    told = short(await adapter.look(web))
    assert told["request.count finished"] == 45
    assert told["tokens generation"] == 7, "of several only the last is told"


async def test_a_restart(server: Fake, kobold: Kobold, dial: Dial) -> None:
    web, clock = dial(server), FakeClock()
    adapter, derivation = koboldcpp.make(), Derivation("a")
    derivation.samples(await adapter.look(web), clock.now())
    with server.lock:
        kobold.restart()
    look = await adapter.look(web)
    assert derivation.samples(look, clock.now())[1]
    assert short(look)["tokens generation"] == 0
    look = await adapter.look(web)
    assert not derivation.samples(look, clock.now())[1]


async def test_an_old_build(server: Fake, kobold: Kobold, dial: Dial) -> None:
    for name in ("last_process_time", "last_eval_time", "last_input_count", "last_draft_success"):
        del kobold.perf[name]
    web = dial(server)
    adapter = koboldcpp.make()
    await adapter.look(web)
    with server.lock:
        kobold.perf |= {"total_gens": 43, "last_token_count": 9}
    look = await adapter.look(web)
    assert short(look)["tokens generation"] == 9
    assert spreads(look) == {}, "its milliseconds may be something else"
    assert [item.figure for item in look.missing][1] == "durations"


async def test_no_model(server: Fake, kobold: Kobold, dial: Dial) -> None:
    kobold.model = "inactive"
    assert (await koboldcpp.make().look(dial(server))).models == ()


@pytest.mark.parametrize("about", [{}, {"result": "other"}, {"result": 5}, []])
async def test_who_else(about: object, server: Fake, dial: Dial) -> None:
    server.routes["/api/extra/version"] = lambda _: said(about)
    assert await koboldcpp.identify(dial(server)) is None
