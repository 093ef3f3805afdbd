"""Connections to a core: kept, lost, refused, half open, found."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine
from itertools import pairwise
from typing import TypeVar

import pytest

from tests.core.reference import Core
from tests.core.test_account import Heard
from wftui.clock import SystemClock
from wftui.collectors.core import connection, following
from wftui.collectors.core.account import Account
from wftui.collectors.core.following import Following
from wftui.endpoint import Endpoint, websocket
from wftui.errors import ConfigError
from wftui.model import health
from wftui.model.sample import Note

T = TypeVar("T")
ENERGY = "energy_update"


class Watched:
    """A following of one core in this loop, and what it says of itself."""

    def __init__(self, *urls: str) -> None:
        self.heard = Heard()
        self.account = Account(self.heard)
        self.following = Following(self.account, SystemClock())
        self.note: Note | None = None
        self.kinds: list[str] = []
        self.reasons: list[object] = []
        self.toward(*urls)

    def toward(self, *urls: str) -> None:
        self.following.toward([websocket(url) for url in urls])

    def look(self) -> None:
        self.note = self.following.second()
        for item in self.account.harvest()[1]:
            self.kinds.append(item.kind)
            if "reason" in item.payload:
                self.reasons.append(item.payload["reason"])

    @property
    def state(self) -> str:
        return self.note.state if self.note is not None else health.OK

    async def until(self, done: Callable[[], object], what: str) -> None:
        ends = time.monotonic() + 20
        while not done():
            assert time.monotonic() < ends, (
                f"{what} did not come: {self.note}, {self.kinds}, {self.account.counts}"
            )
            await asyncio.sleep(0.01)
            self.look()


async def with_core(core: Core, use: Callable[[Watched], Awaitable[None]]) -> None:
    """A core in this loop, followed."""
    port = await core.listen()
    running = asyncio.create_task(core.run())
    watched = Watched(f"ws://127.0.0.1:{port}/ws")
    try:
        await use(watched)
    finally:
        watched.following.close()
        running.cancel()
        await core.close()


def run(work: Coroutine[None, None, T]) -> T:
    return asyncio.run(work)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-off and silences that a test can wait for."""
    monkeypatch.setattr(following, "FIRST_S", 0.02)
    monkeypatch.setattr(following, "LONGEST_S", 0.1)


def nobody() -> str:
    """An address where nobody listens."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return f"ws://127.0.0.1:{opened.getsockname()[1]}/ws"


def test_a_core_is_followed_and_its_heartbeats_are_answered() -> None:
    core = Core(script="three")

    async def use(watched: Watched) -> None:
        await watched.until(lambda: core.said.responses >= 2, "an answer to two heartbeats")
        assert watched.state == health.OK
        assert watched.following.up
        assert watched.kinds[0] == "core.connected"
        await watched.until(lambda: watched.account.counts.get(ENERGY, 0) >= 120, "frames")
        assert {call[1].model for call in watched.heard.of("tokens")} == {"alpha", "beta", "gamma"}
        assert watched.account.refused == {}
        assert core.said.errors == []

    run(with_core(core, use))


def test_a_view_that_follows_hears_frames_as_they_come() -> None:
    core = Core(script="steady")

    async def use(watched: Watched) -> None:
        looks: list[int] = []
        take = watched.account.take

        def counted(messages: list[bytes], at: object) -> int:
            looks.append(len(messages))
            return take(messages, at)  # type: ignore[arg-type]  # passed on as it came

        watched.account.take = counted  # type: ignore[assignment,method-assign]  # looked at on its way
        await watched.until(lambda: sum(looks) > 90, "frames")
        slowly = len(looks) / sum(looks)
        watched.following.look_closely(60.0)
        del looks[:]
        await watched.until(lambda: sum(looks) > 90, "frames")
        assert len(looks) / sum(looks) > 2 * slowly

    run(with_core(core, use))


def test_looks_keep_to_a_grid_however_late_each_of_them_was() -> None:
    core = Core(script="steady")

    async def use(watched: Watched) -> None:
        await watched.until(lambda: watched.following.up, "a connection")
        watched.following.look_closely(60.0)
        opened = watched.following._connection
        assert opened is not None
        due: list[float] = []
        take = watched.account.take

        def noted(messages: list[bytes], at: object) -> int:
            if not due or opened._due_s != due[-1]:
                due.append(opened._due_s)
            return take(messages, at)  # type: ignore[arg-type]  # passed on as it came

        watched.account.take = noted  # type: ignore[assignment,method-assign]  # looked at on its way
        await watched.until(lambda: len(due) > 120, "looks")
        even = [after - before for before, after in pairwise(due) if abs(after - before - 1 / 60) < 1e-9]
        assert len(even) >= 10  # others began anew, behind a frame or a busy machine

    run(with_core(core, use))


def test_each_lost_connection_is_opened_again_and_no_frame_is_missing_silently() -> None:
    core = Core(fault="reconnects", rate=120)

    async def use(watched: Watched) -> None:
        await watched.until(lambda: watched.account.connects >= 3, "a third connection")
        await watched.until(lambda: watched.following.up, "to be up")
        seen = watched.account.counts[ENERGY]
        await watched.until(lambda: watched.account.counts[ENERGY] > seen, "a frame")
        last = watched.account.numbers._newest
        assert last is not None
        assert core.said.first is not None
        assert watched.account.counts[ENERGY] + watched.account.numbers.lost == last - core.said.first + 1
        assert watched.kinds.count("core.lost") == watched.account.connects - 1
        assert any("1012" in str(reason) for reason in watched.reasons)

    run(with_core(core, use))


def test_garbage_is_counted_by_kind_and_nothing_else_suffers() -> None:
    core = Core(fault="garbage", rate=120)

    async def use(watched: Watched) -> None:
        await watched.until(lambda: core.said.garbage >= 12, "garbage of each kind")
        await watched.until(
            lambda: sum(watched.account.refused.values()) >= 12 and watched.account.refused.get("oversized"), "it"
        )
        # Of each six, one is unknown, one too long, the other four are malformed.
        assert set(watched.account.refused) == {"malformed", "unknown", "oversized"}
        assert watched.account.numbers.lost == 0
        assert watched.account.connects == 1
        assert watched.state == health.OK

    run(with_core(core, use))


def test_gaps_are_told() -> None:
    core = Core(fault="gaps", rate=120)

    async def use(watched: Watched) -> None:
        await watched.until(lambda: watched.account.numbers.lost >= 6, "two gaps")
        assert {call[3] for call in watched.heard.of("lost")} == {3}

    run(with_core(core, use))


def test_a_half_open_connection_is_found_by_its_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "QUIET_S", 0.2)
    monkeypatch.setattr(following, "QUIET_S", 0.2)
    monkeypatch.setattr(connection, "DEAD_S", 0.5)
    core = Core()

    async def use(watched: Watched) -> None:
        await watched.until(lambda: watched.account.counts.get(ENERGY, 0) > 10, "frames")
        core.silent = True
        await watched.until(lambda: watched.state == health.LATE and watched.following.up, "a word on its silence")
        await watched.until(lambda: "core.lost" in watched.kinds, "the end of it")
        assert "not even an answer to a ping" in str(watched.reasons)
        core.silent = False
        await watched.until(lambda: watched.following.up and watched.state == health.OK, "a new connection")

    run(with_core(core, use))


def test_a_core_that_has_nothing_to_say_but_lives_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "QUIET_S", 0.1)
    monkeypatch.setattr(connection, "DEAD_S", 0.4)
    core = Core()

    async def use() -> None:
        port = await core.listen()  # it makes no frames and no heartbeats; its pongs are all there is
        watched = Watched(f"ws://127.0.0.1:{port}/ws")
        await watched.until(lambda: watched.following.up, "a connection")
        began = time.monotonic()
        await watched.until(lambda: time.monotonic() > began + 1.5, "three times the silence that ends one")
        assert watched.account.connects == 1
        watched.following.close()
        await core.close()

    run(use())


@pytest.mark.parametrize(("status", "state"), [(401, health.DENIED), (403, health.DENIED), (404, health.FAILED)])
def test_a_handshake_that_is_refused(status: int, state: str) -> None:
    core = Core()
    core.status = status

    async def use(watched: Watched) -> None:
        await watched.until(lambda: watched.state == state, "a word on it")
        assert watched.note is not None
        assert str(status) in watched.note.reason
        assert watched.note.fix
        assert watched.kinds == []

    run(with_core(core, use))


def test_nobody_listens() -> None:
    async def use() -> None:
        watched = Watched(nobody())
        await watched.until(lambda: watched.note and "nobody listens" in watched.note.reason, "a word on it")
        assert watched.state == health.ABSENT
        assert watched.note is not None
        assert "core.url" in watched.note.fix
        watched.following.close()
        watched.following.close()

    run(use())


def test_something_else_listens() -> None:
    async def use() -> None:
        async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
            await writer.drain()
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        watched = Watched(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws")
        await watched.until(lambda: watched.state == health.FAILED, "a word on it")
        assert watched.note is not None
        assert "speaks no HTTP" in watched.note.reason
        watched.following.close()
        server.close()
        await server.wait_closed()

    run(use())


def test_the_first_of_several_addresses_that_speaks_is_followed() -> None:
    core = Core()

    async def use(watched: Watched) -> None:
        watched.toward(nobody(), f"ws://127.0.0.1:{core.port}/ws")
        await watched.until(lambda: watched.following.up, "a connection")
        watched.toward()
        watched.look()
        assert not watched.following.up
        assert watched.reasons[-1] == "its process is gone"

    run(with_core(core, use))


def test_waits_grow_and_are_never_the_same_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "FIRST_S", 0.5)
    monkeypatch.setattr(following, "LONGEST_S", 30.0)
    waits: list[float] = []

    async def use() -> None:
        loop = asyncio.get_running_loop()
        watched = Watched(nobody())
        later = loop.call_later

        def at_once(delay: float, call: Callable[..., object], *arguments: object) -> asyncio.TimerHandle:
            if getattr(call, "__func__", None) is Following._connect:
                waits.append(delay)
                delay = 0.0
            return later(delay, call, *arguments)

        monkeypatch.setattr(loop, "call_later", at_once)
        await watched.until(lambda: len(waits) >= 12, "twelve attempts")
        watched.following.close()

    run(use())
    for place, wait in enumerate(waits[:12]):
        middle = min(30.0, 0.5 * 2**place)
        assert 0.75 * middle <= wait <= 1.25 * middle
    assert len({wait / min(30.0, 0.5 * 2**place) for place, wait in enumerate(waits[:12])}) > 1


def test_ten_times_the_rate_is_taken_or_counted() -> None:
    core = Core(fault="fast", rate=60, script="three")

    async def use(watched: Watched) -> None:
        await watched.until(lambda: watched.account.refused.get("shed", 0) > 100, "shedding")
        taken = sum(watched.account.counts.values()) + sum(watched.account.refused.values())
        frames = watched.account.counts[ENERGY]
        assert frames < 3 * core.said.sent
        assert taken >= 1000
        assert watched.account.connects == 1

    run(with_core(core, use))


def test_addresses() -> None:
    assert websocket("ws://127.0.0.1:8145") == Endpoint(host="127.0.0.1", port=8145, prefix="/ws")
    assert websocket("ws://localhost:8145/live/") == Endpoint(host="localhost", port=8145, prefix="/live")
    assert websocket("ws://[::1]:1/ws").name == "[::1]:1/ws"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("", "''"),
        ("ws://", "'ws://'"),
        ("127.0.0.1:8145", "'127.0.0.1:8145'"),
        ("wss://127.0.0.1:8145/ws", "'wss://127.0.0.1:8145/ws'"),
        ("ws://127.0.0.1:99999/ws", "'ws://127.0.0.1:99999/ws'"),
        ("ws://127.0.0.1:8145/ws?token=1", "'ws://127.0.0.1:8145/ws?token=1'"),
        ("ws://me:secret@127.0.0.1:8145/ws", "an address with a user or password"),
    ],
)
def test_what_is_no_address_is_told_with_what_one_is(address: str, shown: str) -> None:
    with pytest.raises(ConfigError) as refused:
        websocket(address)
    assert str(refused.value) == f"{shown}: expected ws://HOST:PORT/ws; of another machine, by a tunnel"
