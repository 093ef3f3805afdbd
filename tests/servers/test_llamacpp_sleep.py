"""llama.cpp's server that sleeps after a while: looking at it never wakes it, nor keeps it awake."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakeclock import FakeClock
from tests.servers.conftest import Dial
from tests.servers.fake_llamacpp import Llama, serve
from tests.servers.told import short
from wftui.clock import NS_PER_S
from wftui.collectors.servers import llamacpp, llamacpp_rest
from wftui.collectors.servers.figures import Look
from wftui.collectors.servers.llamacpp import LlamaCpp
from wftui.collectors.servers.llamacpp_rest import Rest, free_page, sleep_after
from wftui.model import health
from wftui.model.servers import SLEEPING


async def test_a_sleeping_server_is_left_alone(dial: Dial) -> None:
    clock = FakeClock()
    llama = Llama(clock, sleep_s=60)
    with serve(llama) as server:
        web, adapter = dial(server, clock), llamacpp.make()
        clock.advance(61 * NS_PER_S)
        for _ in range(30):
            look = await adapter.look(web)
            assert look.state == health.ASLEEP
            assert look.models is not None
            assert [item.state for item in look.models] == [SLEEPING]
            clock.advance(NS_PER_S)
        assert (llama.woken, llama.sleeping) == (0, True)
        assert set(server.paths) == {"/props"}
        with server.lock:
            seat = llama.begin()
            llama.read(seat, 10)
        assert llama.woken == 1, "by its client"
        look = await adapter.look(web)
        assert look.state == health.OK
        assert [item.state for item in look.requests] == ["prefill"]


@pytest.mark.parametrize(
    ("known", "free"), [("flag", False), ("flag", True), ("seen", False), ("seen", True), ("", True)]
)
async def test_a_server_is_not_kept_awake(known: str, free: bool, dial: Dial) -> None:
    """Looked at each second it falls asleep as it would without us, a moment later at most.

    Where a page may be asked that does not count as work, nobody need know that it sleeps.
    """
    clock = FakeClock()
    llama = Llama(clock, sleep_s=60, free_page=free)
    with serve(llama) as server:
        web, adapter = dial(server, clock), LlamaCpp()
        if known == "flag":
            adapter.rest.sleep_s = 60
        elif known == "seen":
            clock.advance(70 * NS_PER_S)
            assert (await adapter.look(web)).state == health.ASLEEP
        with server.lock:
            seat = llama.begin()
            llama.read(seat, 10)
            llama.decode(seat, 5)
        looked = []
        for _ in range(5):
            clock.advance(NS_PER_S)
            with server.lock:
                llama.decode(seat, 5)
            looked.append(short(await adapter.look(web)).get("tokens.rate generation"))
        assert looked == [None, 5, 5, 5, 5]
        with server.lock:
            llama.finish(seat)
            woken = llama.woken
        seconds = 0
        while not llama.sleeping:
            clock.advance(NS_PER_S)
            await adapter.look(web)
            seconds += 1
            assert seconds < 70, "it is kept awake"
        for _ in range(200):
            clock.advance(NS_PER_S)
            await adapter.look(web)
        assert llama.woken == woken


async def test_what_an_idle_server_begins_is_seen_on_its_page(dial: Dial) -> None:
    clock = FakeClock()
    llama = Llama(clock, sleep_s=600)
    with serve(llama) as server:
        web, adapter = dial(server, clock), LlamaCpp()
        adapter.rest.sleep_s = 600
        for _ in range(5):
            await adapter.look(web)
            clock.advance(NS_PER_S)
        look = await adapter.look(web)
        assert server.paths.count("/slots") == 1
        figures = short(look)
        assert figures["requests running"] == figures["tokens.rate generation"] == 0
        assert figures["kv_cache.utilization"] == 0
        with server.lock:
            llama.decode(llama.begin(), 5)
        look = await adapter.look(web)
        assert [item.state for item in look.requests] == ["generating"]


@pytest.mark.parametrize("sleep_s", [600, None])
@pytest.mark.parametrize("how", ["no page", "no slots", "page that counts as work"])
async def test_what_an_idle_server_begins_is_seen_by_its_process(
    how: str, sleep_s: float | None, tmp_path: Path, dial: Dial
) -> None:
    """Whether it is known to sleep or not: its CPU time says when to ask again."""
    clock = FakeClock()
    llama = Llama(clock, sleep_s=30, metrics=how != "no page", show_slots=how != "no slots", free_page=False)
    stat = tmp_path / "4711" / "stat"
    stat.parent.mkdir()

    def work(ticks: int) -> None:
        stat.write_text(f"4711 (llama) server) S 1 2 3 4 5 6 7 8 9 10 {ticks} 5 0 0 20 0\n")

    with serve(llama) as server:
        web, adapter = dial(server, clock), LlamaCpp()
        adapter.rest.sleep_s, adapter.rest.pid, adapter.rest._proc = sleep_s, 4711, tmp_path
        work(1000)
        llama.predicted, llama.prompt = 100, 50
        full = short(await adapter.look(web))
        asked = len(server.asked)
        for second in range(20):
            work(1000 + second)
            clock.advance(NS_PER_S)
            look = await adapter.look(web)
            told = short(look)
            assert {name: told[name] for name in full} == full, "what it said still holds"
            assert told["requests running"] == told["tokens.rate generation"] == 0
            assert {key.quality for key in look.live} == {"derived"}
        assert len(server.asked) == asked + 20
        assert set(server.paths[asked:]) == {"/props"}
        work(1030)
        llama.decode(llama.begin(), 5)
        clock.advance(NS_PER_S)
        assert short(await adapter.look(web))["requests running"] == 1
        for _ in range(3):
            clock.advance(NS_PER_S)
            assert short(await adapter.look(web))["requests running"] == 1, "busy: asked again without more"
        assert llama.woken == 0


def test_rest_without_a_readable_process(tmp_path: Path) -> None:
    rest = Rest(10, pid=1, proc=tmp_path)
    assert rest.may_ask(0)
    rest.asked(0, busy=False)
    assert not rest.may_ask(11 * NS_PER_S)
    assert rest.may_ask(12 * NS_PER_S)
    rest.asked(12 * NS_PER_S, busy=True)
    assert rest.may_ask(12 * NS_PER_S)
    assert not rest.watched
    never = Rest()
    never.sleepless = True
    never.asked(0, busy=False)
    assert never.may_ask(1)


@pytest.mark.parametrize("metrics", [False, True])
async def test_one_elsewhere_of_which_nothing_is_known_falls_asleep(metrics: bool, dial: Dial) -> None:
    """No process, no page that may be asked for at any time: it is asked after as long as it was idle already."""
    clock = FakeClock()
    llama = Llama(clock, sleep_s=60, metrics=metrics, free_page=False)
    with serve(llama) as server:
        web, adapter = dial(server, clock), LlamaCpp()

        missing: set[str] = set()

        async def falls_asleep() -> int:
            for seconds in range(200):
                clock.advance(NS_PER_S)
                look = await adapter.look(web)
                if look.state == health.ASLEEP:
                    assert llama.woken == woken
                    return seconds
                missing.update(item.fix for item in look.missing)
            raise AssertionError("it is kept awake")

        woken = 0
        assert 60 <= await falls_asleep() <= 2 * 64 + 60
        assert any("so that it may fall asleep" in fix for fix in missing)
        for _ in range(100):
            clock.advance(NS_PER_S)
            await adapter.look(web)
        assert llama.woken == 0
        with server.lock:
            seat = llama.begin()
            llama.read(seat, 10)
        woken = llama.woken
        asked = server.paths.count("/slots")
        look = Look()
        for _ in range(20):
            clock.advance(NS_PER_S)
            with server.lock:
                llama.decode(seat, 5)
            look = await adapter.look(web)
        assert server.paths.count("/slots") == asked + 20, "busy: each second"
        assert short(look)["tokens.rate generation"] == 5
        with server.lock:
            llama.finish(seat)
        assert await falls_asleep() <= 62, "it is known now after which time"


async def test_one_elsewhere_that_does_not_sleep_is_asked_each_second_in_the_end(
    dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llamacpp_rest, "LONGEST_S", 40.0)
    clock = FakeClock()
    llama = Llama(clock, metrics=False)
    with serve(llama) as server:
        web, adapter, look = dial(server, clock), LlamaCpp(), Look()
        for _ in range(70):
            clock.advance(NS_PER_S)
            look = await adapter.look(web)
        assert 4 <= server.paths.count("/slots") <= 7
        assert "requests running" not in short(look), "unknown is not nought"
        for _ in range(80):
            clock.advance(NS_PER_S)
            await adapter.look(web)
        asked = server.paths.count("/slots")
        for _ in range(10):
            clock.advance(NS_PER_S)
            look = await adapter.look(web)
        assert server.paths.count("/slots") == asked + 10
        assert short(look)["requests running"] == 0


async def test_what_begins_is_seen_after_as_long_as_nothing_happened(dial: Dial) -> None:
    clock = FakeClock()
    llama = Llama(clock, metrics=False)
    with serve(llama) as server:
        web, adapter = dial(server, clock), LlamaCpp()
        for idle_s in (3, 20, 100):
            for _ in range(idle_s):
                clock.advance(NS_PER_S)
                await adapter.look(web)
            with server.lock:
                seat = llama.begin()
                llama.read(seat, 10)
            waited = 0
            while not (await adapter.look(web)).requests:
                clock.advance(NS_PER_S)
                waited += 1
                assert waited <= idle_s + 4
            with server.lock:
                llama.finish(seat)


async def test_a_build_that_cannot_sleep_is_asked_each_second(dial: Dial) -> None:
    clock = FakeClock()
    llama = Llama(clock, metrics=False, old=True)
    with serve(llama) as server:
        web, adapter = dial(server, clock), LlamaCpp()
        for _ in range(20):
            clock.advance(NS_PER_S)
            await adapter.look(web)
        assert server.paths.count("/slots") == 20


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("llama-server -m x --sleep-idle-seconds 60 --port 1", 60),
        ("llama-server --sleep-idle-seconds=5", 5),
        ("llama-server --sleep-idle-seconds -1", None),
        ("llama-server --sleep-idle-seconds", None),
        ("llama-server -m x", None),
        ("", None),
    ],
)
def test_command_lines(line: str, after: float | None) -> None:
    assert sleep_after(line.split()) == after


@pytest.mark.parametrize(
    ("build", "free"),
    [("b10488-0c1e570", True), ("b10487-0", False), ("b9000", False), ("", False), ("bx-1", False), ("b٣", False)],
)
def test_free_page(build: str, free: bool) -> None:
    assert free_page(build) is free
