"""Glances at what moves within a second: how often, at whom, what it costs them and us."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.fakeclock import FakeClock
from tests.servers.conftest import Dial
from tests.servers.fake import HUNG, Fake
from tests.servers.fake_llamacpp import Llama, serve
from tests.servers.fakes import comfyui, kinds
from tests.servers.watched import Watched
from wftui.clock import NS_PER_S
from wftui.collectors.servers import attention as attention_module
from wftui.collectors.servers import llamacpp_instance
from wftui.collectors.servers.adapter import Glancing
from wftui.collectors.servers.attention import RATES, SHARE
from wftui.collectors.servers.comfyui import ComfyUi
from wftui.collectors.servers.kinds import load
from wftui.collectors.servers.llamacpp_slots import Next, Pace, Slot
from wftui.model import health

RATE = 'inference.tokens.rate{mode="generation"'


class Cpu:
    """What a glance costs, in the thread's CPU time."""

    def __init__(self) -> None:
        self.each_ns = 0
        self._ns = 0

    def __call__(self) -> int:
        self._ns += self.each_ns
        return self._ns


@pytest.fixture(autouse=True)
def cpu(monkeypatch: pytest.MonkeyPatch) -> Cpu:
    """Time jumps here: what is real of it must not be held against it."""
    made = Cpu()
    monkeypatch.setattr(attention_module, "thread_cpu_ns", made)
    return made


def every(clock: FakeClock, seconds: float, count: int, action: Callable[[], object]) -> None:
    """Do something again and again."""

    def act() -> None:
        action()

    for number in range(1, count + 1):
        clock.plan(seconds * number, act)


def busy(server: Fake, llama: Llama, clock: FakeClock, *, seconds: int) -> None:
    """A request that makes 40 tokens a second."""
    with server.lock:
        seat = llama.begin()
        llama.read(seat, 10)

    def decode() -> None:
        with server.lock:
            llama.decode(seat, 2)

    every(clock, 0.05, 20 * seconds, decode)


@pytest.mark.parametrize("hz", [10, 5, 2])
async def test_tokens_are_asked_for_as_often_as_somebody_wants_it(hz: int) -> None:
    clock = FakeClock()
    llama = Llama(clock)
    with serve(llama) as server:
        busy(server, llama, clock, seconds=12)
        watched = Watched(server, clock, hz=hz)
        await watched.seconds(10)
        looks = server.paths.count("/props")
        assert 9 <= looks <= 12
        assert 9 * hz <= server.paths.count("/slots") <= 12 * hz
        assert server.paths.count("/metrics") <= looks, "no page between two looks"
        told = watched.told(RATE)[5:]
        assert {interval_s for _, _, interval_s in told[hz:]} == {1 / hz}
        assert {at_ns % (NS_PER_S // hz) for at_ns, _, _ in told[hz:]} == {told[hz][0] % (NS_PER_S // hz)}
        assert sum(value for _, value, _ in told) / len(told) == pytest.approx(40, rel=0.05)


async def test_nobody_looks_once_a_second() -> None:
    clock = FakeClock()
    llama = Llama(clock)
    with serve(llama) as server:
        busy(server, llama, clock, seconds=12)
        watched = Watched(server, clock, hz=1)
        await watched.seconds(5)
        assert server.paths.count("/slots") <= server.paths.count("/props")
        watched.attention.wanted_hz = 10
        await watched.seconds(3)
        often = server.paths.count("/slots")
        assert often > 20
        watched.attention.wanted_hz = 1
        await watched.seconds(3)
        assert server.paths.count("/slots") <= often + 5
        assert watched.told(RATE)[-1][2] == 1


async def test_a_server_at_rest_is_asked_once_a_second_and_may_fall_asleep() -> None:
    clock = FakeClock()
    llama = Llama(clock, sleep_s=30)
    with serve(llama) as server:
        watched = Watched(server, clock, hz=10)
        await watched.seconds(5)
        assert server.paths.count("/slots") <= server.paths.count("/props")
        with server.lock:
            seat = llama.begin()
            llama.read(seat, 10)
            llama.decode(seat, 1)
        await watched.seconds(2)
        assert server.paths.count("/slots") > 10
        with server.lock:
            llama.finish(seat)
        await watched.seconds(40)
        assert (llama.sleeping, llama.woken) == (True, 0)


@pytest.mark.parametrize("name", [name for name, (module, _) in kinds.SERVERS.items() if module])
async def test_who_is_asked_between_looks(name: str) -> None:
    module, routes = kinds.SERVERS[name]
    clock = FakeClock()
    with Fake(routes(), server=kinds.HEADERS.get(name, "")) as server:
        watched = Watched(server, clock, module, hz=10)
        await watched.seconds(6)
        most = max(server.paths.count(path) for path in set(server.paths) - {"/slots"})
        assert most <= 8, "once a second"
        if module != "llamacpp":
            assert "/slots" not in server.paths
            assert isinstance(load(module).make(), Glancing) == (module == "comfyui")


async def test_comfyui_tells_what_has_come_and_asks_nothing(dial: Dial) -> None:
    comfy = comfyui.Comfy()
    comfy.remaining = 1
    with Fake(comfy.routes()) as behind:
        spoken = comfyui.Spoken(behind)
        web, adapter = dial(behind, port=spoken.port), ComfyUi()

        async def until(done: Callable[[], object]) -> None:
            async with asyncio.timeout(30):
                while not done():  # noqa: ASYNC110  the stand-in's threads tell nobody
                    await asyncio.sleep(0.005)

        try:
            await adapter.look(web)
            assert not adapter.moves
            await until(lambda: spoken.clients)
            spoken.say(*comfyui.MESSAGES[:5])
            await until(lambda: adapter.moves)
            asked = len(behind.asked)
            assert list((await adapter.glance(web)).gauges.values()) == [0.05]
            spoken.say(*comfyui.MESSAGES[5:7])
            await until(lambda: adapter._now.progress == 1)
            look = await adapter.glance(web)
            assert {key.metric: value for key, value in look.gauges.items()} == {"inference.progress": 1}
            assert len(behind.asked) == asked
        finally:
            web.close()
            spoken.close()


async def test_a_glance_that_fails_is_not_repeated_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llamacpp_instance, "GLANCE_S", 0.05)
    clock = FakeClock()
    llama = Llama(clock)
    with serve(llama) as server:
        busy(server, llama, clock, seconds=30)
        watched = Watched(server, clock, hz=10)
        await watched.seconds(3)
        before = server.paths.count("/slots")
        asked: list[int] = []
        answer = server.routes["/slots"]

        def once(question: object) -> object:
            asked.append(clock.boottime_ns)
            server.faults = {"/slots": HUNG} if len(asked) == 1 else {}  # the first is that of a look
            return answer(question)  # type: ignore[arg-type]  # as it came

        server.routes["/slots"] = once  # type: ignore[assignment]  # as it was
        assert before > 10
        await watched.seconds(6)
        assert watched.watch.state == health.OK
        assert len(asked) < 12, "for ten seconds only looks"
        await watched.seconds(14)
        assert len(asked) > 30


async def test_glances_are_rarer_where_they_cost_too_much(cpu: Cpu) -> None:
    clock = FakeClock()
    llama = Llama(clock)
    with serve(llama) as server:
        busy(server, llama, clock, seconds=80)
        watched = Watched(server, clock, hz=10)
        cpu.each_ns = int(SHARE * NS_PER_S / 3)
        await watched.seconds(12)
        assert watched.attention.rate == 2
        assert watched.told(RATE)[-1][2] == 0.5
        cpu.each_ns = 1_000
        await watched.seconds(12)
        assert watched.attention.rate == 10
        cpu.each_ns = int(SHARE * NS_PER_S)
        await watched.seconds(12)
        assert watched.attention.rate == 1
        assert watched.told(RATE)[-1][2] == 1
        cpu.each_ns = 1_000
        await watched.seconds(40)
        assert watched.attention.rate == 10, "it is tried again after a while"


async def test_a_slow_server_is_asked_less_often() -> None:
    clock = FakeClock()
    llama = Llama(clock)
    with serve(llama) as server:
        busy(server, llama, clock, seconds=60)
        answer = server.routes["/slots"]
        took_s = 0.08

        def slowly(question: object) -> object:
            clock.advance(int(took_s * NS_PER_S))
            return answer(question)  # type: ignore[arg-type]  # as it came

        server.routes["/slots"] = slowly  # type: ignore[assignment]  # as it was
        watched = Watched(server, clock, hz=10)
        await watched.seconds(5)
        assert watched.told(RATE)[-1][2] == 0.2
        took_s = 0.2
        await watched.seconds(5)
        assert watched.told(RATE)[-1][2] == 0.5
        took_s = 0.0
        await watched.seconds(25)
        assert watched.told(RATE)[-1][2] == 0.1
        assert RATES[-1] == 1


def test_what_no_glance_saw_is_of_the_whole_second() -> None:
    """Glances show 10 tokens each; 30 more were of requests too short to be seen, as the counter says later."""
    pace = Pace()
    slot = Slot(id=0, is_processing=True, id_task=1, next_token=[Next(n_decoded=0)])
    at, told, counter = NS_PER_S, 0.0, 0.0
    pace.look([slot], at, generated=counter)
    for second in range(5):
        for tenth in range(10):
            at += NS_PER_S // 10
            slot.next.n_decoded += 10
            if tenth == 9:
                counter += 30
                rates = pace.look([slot], at, generated=counter)
            else:
                rates = pace.glance([slot], at)
            assert rates is not None
            told += rates[1] / 10
            assert rates[1] == pytest.approx(100 + (0 if not second and tenth < 9 else 30))
    # The last second's are told with the next glances.
    assert told == pytest.approx(500 + 4 * 30 + 3)


def test_a_prompt_that_is_read_over_several_glances_counts_once() -> None:
    """Old ones count a prompt when it is read, newer ones while they read it."""
    for newer in (False, True):
        pace = Pace()
        slot = Slot(id=0, is_processing=True, id_task=1, next_token=[Next(n_decoded=0)])
        at, told, counter = NS_PER_S, 0.0, 0.0
        pace.look([slot], at, read=counter, generated=0)
        for tenth in range(1, 31):
            at += NS_PER_S // 10
            if tenth <= 13:
                slot.n_prompt_tokens_processed += 50
                counter += 50 * newer
            if tenth == 14:
                slot.next.n_decoded = 1
                counter += 650 * (not newer)
            rates = pace.look([slot], at, counter, 0) if tenth % 10 == 0 else pace.glance([slot], at)
            assert rates is not None
            told += rates[0] / 10
        assert told == pytest.approx(650), newer
