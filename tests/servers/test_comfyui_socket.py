"""ComfyUI's WebSocket: progress of the job that runs, and all that may happen to a connection."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakeclock import FakeClock
from tests.servers.conftest import Dial
from tests.servers.fake import Fake
from tests.servers.fakes.comfyui import IDLE, MESSAGES, Comfy, Spoken
from tests.servers.told import short
from wftui.clock import NS_PER_S
from wftui.collectors.servers import comfyui, websocket
from wftui.collectors.servers.figures import Look
from wftui.endpoint import Endpoint

PROMPT = "0c6b8a0e-0000-4000-8000-000000000011"


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


def test_only_who_has_a_comfyui_loads_wsproto() -> None:
    # All kinds are loaded when an address without a kind is configured.
    program = (
        "import sys; from wftui.collectors.servers import kinds; [kinds.load(name) for name in kinds.modules('')];"
        "print([name for name in sys.modules if name.startswith('wsproto')])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout == "[]\n"
