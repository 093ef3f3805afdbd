"""ComfyUI: its queue, jobs and memory; what people asked it for is never read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakeclock import FakeClock
from tests.servers.conftest import Dial
from tests.servers.fake import Fake, Reply, sample
from tests.servers.fakes.comfyui import IDLE, SECRET, Comfy
from tests.servers.told import short, spreads
from wftui.clock import NS_PER_S
from wftui.collectors.servers import comfyui
from wftui.collectors.servers.derive import Derivation
from wftui.collectors.servers.web import LIMIT


@pytest.fixture
def comfy() -> Comfy:
    """Its state."""
    return Comfy()


@pytest.fixture
def server(comfy: Comfy) -> Iterator[Fake]:
    """Its REST paths; it speaks no WebSocket."""
    with Fake(comfy.routes()) as found:
        yield found


async def test_every_figure(server: Fake, comfy: Comfy, dial: Dial) -> None:
    web, clock = dial(server), FakeClock()
    assert await comfyui.identify(web) == "0.27.0"
    adapter, derivation = comfyui.make(), Derivation("a")
    look = await adapter.look(web)
    assert short(look) == IDLE, "a job that had ended before is not counted"
    assert look.version == "0.27.0"
    assert [item.figure for item in look.missing] == ["progress of jobs"]
    derivation.samples(look, clock.now())
    with server.lock:
        comfy.remaining = 3
    look = await adapter.look(web)
    assert (short(look)["requests running"], short(look)["requests waiting"]) == (1, 2)
    with server.lock:
        comfy.end("a", 6.42)
        comfy.end("b", 0.5, "execution_error")
        comfy.end("c", 2.0, "execution_interrupted")
    look = await adapter.look(web)
    assert short(look) == IDLE | {
        "request.count finished": 1, "request.count failed": 1, "request.count aborted": 1,
    }  # fmt: skip
    assert spreads(look) == {"gen_ai.server.request.duration": (1, 6.42)}
    clock.advance(NS_PER_S)
    samples, restarted = derivation.samples(look, clock.now())
    assert not restarted
    stats = {item.column.series.stat: item.value for item in samples if "duration" in item.column.series.name}
    assert stats["count"] == 1
    assert 5 < stats["p50"] <= 10
    assert SECRET not in repr(look)
    assert "/queue" not in server.paths, "it holds whole workflows"


async def test_history_is_asked_for_when_a_job_may_have_ended(server: Fake, comfy: Comfy, dial: Dial) -> None:
    web = dial(server)
    adapter = comfyui.make()
    for _ in range(20):
        await adapter.look(web)
    assert server.paths.count("/history") == 1
    with server.lock:
        comfy.remaining = 40
    await adapter.look(web)
    with server.lock:
        for number in range(40):
            comfy.end(f"job {number}", 0.01)
    look = await adapter.look(web)
    assert server.asked[-1].query == {"max_items": "64"}
    assert short(look)["request.count finished"] == 40


async def test_old_ones_are_not_counted_when_more_are_asked_for(server: Fake, comfy: Comfy, dial: Dial) -> None:
    for number in range(100):
        comfy.end(f"old {number}", 1)
    web = dial(server)
    adapter = comfyui.make()
    await adapter.look(web)
    with server.lock:
        comfy.remaining = 20
    await adapter.look(web)
    with server.lock:
        comfy.remaining = 0
        comfy.end("new", 1)
    assert short(await adapter.look(web))["request.count finished"] == 1


async def test_a_cleared_history(server: Fake, comfy: Comfy, dial: Dial) -> None:
    web = dial(server)
    adapter = comfyui.make()
    await adapter.look(web)
    with server.lock:
        comfy.history.clear()
        comfy.remaining = 1
    await adapter.look(web)
    with server.lock:
        comfy.end("new", 1)
    assert short(await adapter.look(web))["request.count finished"] == 1


async def test_memory_of_the_machine_is_not_its_own(server: Fake, comfy: Comfy, dial: Dial) -> None:
    comfy.stats = sample("comfyui_system_stats_cpu.json")
    web = dial(server)
    assert await comfyui.identify(web) == "0.3.44"
    look = await comfyui.make().look(web)
    assert "model.memory vram" not in short(look)


@pytest.mark.parametrize(
    "stats",
    [sample("koboldcpp_fake_system_stats.json"), b"{}", b'{"system": {}, "devices": []}', b"[]", b"<html>"],
)
async def test_who_else(stats: bytes, server: Fake, comfy: Comfy, dial: Dial) -> None:
    comfy.stats = stats
    assert await comfyui.identify(dial(server)) is None


async def test_a_history_that_is_missing_or_huge(server: Fake, comfy: Comfy, dial: Dial) -> None:
    history = server.routes.pop("/history")
    web = dial(server)
    look = await comfyui.make().look(web)
    assert short(look) == IDLE
    assert look.reads == ("/prompt", "/system_stats")
    server.routes["/history"] = lambda _: Reply(b" " * (LIMIT + 1))
    adapter = comfyui.make()
    look = await adapter.look(web)
    assert short(look) == IDLE
    assert [item.figure for item in look.missing] == ["jobs that ended just now", "progress of jobs"]
    server.routes["/history"] = history
    comfy.remaining = 1
    assert short(await adapter.look(web))["requests running"] == 1
