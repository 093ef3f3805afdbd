"""ComfyUI: its queue, jobs, memory, and its WebSocket; what people asked it for is never read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakeclock import FakeClock
from tests.servers.conftest import Dial
from tests.servers.fake import Fake, Reply, sample
from tests.servers.fakes.comfyui import MESSAGES, SECRET, Comfy, Spoken
from tests.servers.told import short, spreads
from wftui.clock import NS_PER_S
from wftui.collectors.servers import comfyui, websocket
from wftui.collectors.servers.comfyui_jobs import Jobs, Now
from wftui.collectors.servers.derive import Derivation
from wftui.collectors.servers.figures import Look
from wftui.collectors.servers.web import LIMIT
from wftui.endpoint import Endpoint
from wftui.errors import SourceFormatError

HISTORY = sample("comfyui_history.json")
PROMPT = "0c6b8a0e-0000-4000-8000-000000000011"
IDLE = {
    "requests running": 0, "requests waiting": 0,
    "request.count finished": 0, "request.count failed": 0, "request.count aborted": 0,
    "model.memory vram": 14227079168 - 1073741824,
}  # fmt: skip


@pytest.fixture
def comfy() -> Comfy:
    """Its state."""
    return Comfy()


@pytest.fixture
def server(comfy: Comfy) -> Iterator[Fake]:
    """Its REST paths; it speaks no WebSocket."""
    with Fake(comfy.routes()) as found:
        yield found


@pytest.fixture
def spoken(server: Fake) -> Iterator[Spoken]:
    """Its WebSocket, before the rest."""
    found = Spoken(server)
    try:
        yield found
    finally:
        found.close()


async def until(
    look: Callable[[], Awaitable[Look]], done: Callable[[Look], bool], what: str, clock: FakeClock
) -> Look:
    """Look until something is so."""
    end = time.monotonic() + 30
    while not done(found := await look()):
        assert time.monotonic() < end, f"{what} did not come: {found}"
        clock.advance(NS_PER_S)
    return found


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


async def test_progress_over_the_websocket(server: Fake, comfy: Comfy, spoken: Spoken, dial: Dial) -> None:
    clock = FakeClock()
    web = dial(server, clock, port=spoken.port)
    adapter = comfyui.make()
    comfy.remaining = 1

    async def look() -> Look:
        return await adapter.look(web)

    await until(look, lambda _: spoken.clients == 1, "a WebSocket", clock)
    spoken.say(*MESSAGES[:5])
    found = await until(look, lambda item: bool(item.requests), "a job", clock)
    assert [(item.id, item.progress, item.detail) for item in found.requests] == [(PROMPT, 0.05, "node 3")]
    assert short(found)["progress"] == 0.05
    assert found.missing == ()
    assert "/ws" in found.reads
    spoken.say(b"a picture", *MESSAGES[5:7])
    await until(look, lambda item: short(item).get("progress") == 1, "the last step", clock)
    with server.lock:
        comfy.end("a", 3)
    spoken.say(*MESSAGES[7:])
    found = await until(look, lambda item: short(item)["request.count finished"] == 1, "the end", clock)
    assert (found.requests, "progress" in short(found)) == ((), False)
    head = spoken.heads[0].lower()
    assert b"origin:" not in head, "a mismatch would be refused"
    assert b"user-agent: wftop/" in head
    spoken.ping()
    await until(look, lambda _: spoken.pongs == 1, "the answer to a ping", clock)
    web.close()
    await until(_nothing, lambda _: spoken.clients == 0, "the end of the WebSocket", clock)


async def _nothing() -> Look:
    await asyncio.sleep(0.005)
    return Look()


async def test_a_websocket_that_goes_comes_back(server: Fake, spoken: Spoken, dial: Dial) -> None:
    clock = FakeClock()
    web = dial(server, clock, port=spoken.port)
    adapter = comfyui.make()

    async def look() -> Look:
        return await adapter.look(web)

    for fault in (spoken.hang_up, lambda: spoken.raw(b"\xff" * 64)):
        await until(look, lambda _: spoken.clients == 1, "a WebSocket", clock)
        opened = len(spoken.heads)
        fault()
        await until(look, lambda _, so_far=opened: len(spoken.heads) > so_far, "another one", clock)  # type: ignore[misc]  # bound now


async def test_a_refused_websocket(server: Fake, dial: Dial) -> None:
    clock = FakeClock()
    spoken = Spoken(server, refuse=True)
    try:
        web = dial(server, clock, port=spoken.port)
        adapter = comfyui.make()
        for _ in range(40):
            look = await adapter.look(web)
            assert short(look) == IDLE
        assert 1 <= len(spoken.heads) <= 2, "not asked for each second"
    finally:
        spoken.close()


async def test_a_job_between_two_looks(server: Fake, comfy: Comfy, spoken: Spoken, dial: Dial) -> None:
    clock = FakeClock()
    web = dial(server, clock, port=spoken.port)
    adapter = comfyui.make()

    async def look() -> Look:
        return await adapter.look(web)

    await until(look, lambda _: spoken.clients == 1, "a WebSocket", clock)
    asked = server.paths.count("/history")
    with server.lock:
        comfy.end("quick", 0.2)
    spoken.say(MESSAGES[0], MESSAGES[-1])
    await until(look, lambda item: short(item)["request.count finished"] == 1, "the job", clock)
    assert server.paths.count("/history") == asked + 1


def heard(*messages: str) -> Now:
    """What is known after messages."""
    now = Now()
    for message in messages:
        now.hear(message)
    return now


def test_messages_of_the_samples() -> None:
    assert heard(*MESSAGES[:4]).node == "3"
    assert heard(*MESSAGES[:4]).progress is None
    assert heard(*MESSAGES[:6]).progress == 1
    after = heard(*MESSAGES)
    assert (after.prompt, after.node, after.take_ended(), after.take_ended()) == ("", "", True, False)


def test_newer_progress() -> None:
    state = {
        "type": "progress_state",
        "data": {
            "prompt_id": "p",
            "nodes": {
                "1": {"value": 1, "max": 1, "state": "finished"},
                "3": {"value": 5, "max": 20, "state": "running", "node_id": "3"},
            },
        },
    }
    now = heard(msgspec.json.encode(state).decode())
    assert (now.prompt, now.node, now.progress) == ("p", "3", 0.25)


@pytest.mark.parametrize(
    "message",
    ["", "{}", "[]", '{"type": 5}', '{"type": "progress", "data": []}',
     '{"type": "an.extension", "data": {"cpu": 5}}',
     '{"type": "progress", "data": {"value": 1, "max": 0}}', "[" * 5000, "\ud800"],
)  # fmt: skip
def test_messages_that_say_nothing(message: str) -> None:
    now = heard(message)
    assert (now.prompt, now.progress, now.take_ended()) == ("", None, False)


@given(st.text(max_size=200), st.sampled_from(MESSAGES), st.integers(0, 200))
def test_any_message_is_harmless(message: str, known: str, at: int) -> None:
    heard(message, known[:at], known[:at] + message, *MESSAGES)


@given(st.binary(max_size=50), st.integers(0, len(HISTORY)), st.integers(0, 30))
def test_any_history_is_read_or_refused(more: bytes, at: int, cut: int) -> None:
    body = HISTORY[:at] + more + HISTORY[at + cut :]
    jobs = Jobs()
    jobs.take(b"{}")
    try:
        jobs.take(body)
    except SourceFormatError:
        return
    assert sum(jobs.counts.values()) <= 1


def test_the_history_of_the_samples() -> None:
    jobs = Jobs()
    jobs.take(b"{}")
    jobs.take(sample("comfyui_history.json"))
    assert jobs.counts == {"finished": 1, "failed": 0, "aborted": 0}
    assert jobs.durations().count == 1
    assert jobs.durations().total == pytest.approx(6.42)


@given(st.binary(max_size=400))
def test_any_bytes_on_the_websocket(data: bytes) -> None:
    class Wire:
        """A transport that takes all."""

        def write(self, _: bytes) -> None:
            """Nobody reads it."""

        def abort(self) -> None:
            """It is gone."""

    heard_: list[str] = []
    socket = websocket.Socket(Endpoint(host="127.0.0.1", port=1), "/ws", heard_.append)
    wire: Any = Wire()  # Any: only what is used of a transport
    socket._transport = wire
    socket._ask()
    for at in range(0, len(data), 7):
        socket.data_received(data[at : at + 7])
    assert heard_ == []


async def test_a_message_without_end_is_passed_over(server: Fake, spoken: Spoken) -> None:
    found: list[str] = []
    socket = websocket.Socket(server.endpoint._replace(port=spoken.port), "/ws", found.append)
    assert await socket.open()
    clock = FakeClock()
    await until(_nothing, lambda _: spoken.clients == 1, "a WebSocket", clock)
    spoken.say("x" * (websocket.LIMIT + 1), "short")
    await until(_nothing, lambda _: bool(found), "the next message", clock)
    assert found == ["short"]
    socket.close()
    socket.close()
    assert socket.dead


async def test_no_websocket_over_tls_or_to_nobody(server: Fake) -> None:
    assert not await websocket.Socket(server.endpoint._replace(tls=True), "/ws", print).open()
    gone = server.endpoint
    server.refuse()
    assert not await websocket.Socket(gone, "/ws", print).open()


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
