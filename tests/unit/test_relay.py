"""The relay to the history service, against children that answer, hang, die and talk nonsense."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.harness import ROOT
from wftui.recorder import history
from wftui.recorder.child import Passed
from wftui.recorder.history import Relay
from wftui.wire import codec
from wftui.wire import messages as m

# The type of the question is what the child does.
CHILD = """
import os, signal, sys, time
sys.path.insert(0, sys.argv[1])
from wftui.wire import codec
from wftui.wire import messages as m
stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
def say(message, request=0):
    stdout.write(codec.encode(message, request)); stdout.flush()
mode, notes = sys.argv[2], sys.argv[3]
with open(notes, "a") as file: file.write(f"{os.getpid()}\\n")
if mode == "deaf": signal.signal(signal.SIGTERM, signal.SIG_IGN)
if mode == "rude": say(m.Ok())
say(m.Hello(m.VERSION, "history", pid=os.getpid()))
held = []
while header := stdin.read(4):
    message, request = codec.decode(stdin.read(codec.frame_length(header)))
    if isinstance(message, m.Hello): continue
    name = message.name
    if name == "hang": time.sleep(60)
    if name == "die": os.kill(os.getpid(), signal.SIGKILL)
    if name == "quit": sys.exit(3)
    if name == "garbage": stdout.write(b"\\xff" * 64); stdout.flush(); continue
    if name == "refuse": say(m.Error("too-large", "name fewer"), request); continue
    if name == "die once" and len(open(notes).readlines()) == 1: os.kill(os.getpid(), signal.SIGKILL)
    if name == "hold": held.append(request); continue
    for earlier in held: say(m.TablesReply(None, []), earlier)
    held = []
    time.sleep(message.since_ns / 1e9)
    say(m.EventsReply([], more=True), request)
if mode == "deaf": time.sleep(60)
"""


class Bench:
    """Relays to the stand-in child, and the pids of all children so far."""

    def __init__(self, folder: Path) -> None:
        self._script = folder / "child.py"
        self._script.write_text(CHILD)
        self._notes = folder / "pids"

    def relay(self, mode: str = "", **timing: float) -> Relay:
        command = [sys.executable, str(self._script), str(ROOT), mode, str(self._notes)]
        return Relay(command, **{"deadline_s": 5.0, **timing})

    def pids(self) -> list[int]:
        return [int(line) for line in self._notes.read_text().split()] if self._notes.exists() else []


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def question(name: str, seconds: float = 0.0) -> m.Tables:
    return m.Tables(name, int(seconds * 1e9), 0)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def gone(pid: int, within_s: float = 5.0) -> None:
    async with asyncio.timeout(within_s):
        while alive(pid):  # noqa: ASYNC110  another process tells no event
            await asyncio.sleep(0.005)


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await work()

    asyncio.run(main(), debug=True)


def decoded(reply: m.Message | Passed, request: int = 7) -> m.Message:
    """As a client reads it."""
    assert isinstance(reply, Passed), reply
    frame = codec.envelop(reply.tag, request, len(reply.body)) + bytes(reply.body)
    assert codec.frame_length(frame[: codec.HEADER]) == len(frame) - codec.HEADER
    message, number = codec.decode(frame[codec.HEADER :])
    assert number == request
    return message


def test_answers_pass_undecoded_and_one_child_takes_all_questions(bench: Bench) -> None:
    async def work() -> None:
        relay = bench.relay()
        assert relay.usage() == (0.0, None), "nobody asked, so nothing was started"
        assert decoded(await relay.ask(question("good"))) == m.EventsReply([], more=True)
        assert decoded(await relay.ask(question("refuse"))) == m.Error("too-large", "name fewer")
        usage = relay.usage()
        assert usage.memory_bytes is not None
        assert usage.memory_bytes > 2**20
        held = asyncio.gather(*(relay.ask(question("hold")) for _ in range(3)))
        await asyncio.sleep(0)
        assert decoded(await relay.ask(question("good"))) == m.EventsReply([], more=True)
        for reply in await held:
            assert decoded(reply) == m.TablesReply(None, [])
        assert len(bench.pids()) == 1
        await relay.close()
        await relay.close()
        assert not alive(bench.pids()[0]), "reaped, not a zombie"
        assert relay.usage().cpu_s > 0.01, "what it cost stays counted"
        assert relay.usage().memory_bytes is None
        reply = await relay.ask(question("good"))
        assert isinstance(reply, m.Error)
        assert reply.code == "gone"

    run(work)


def test_it_is_sent_away_after_the_idle_time_and_comes_back(bench: Bench) -> None:
    async def work() -> None:
        relay = bench.relay(idle_s=0.05)
        await relay.ask(question("good"))
        await gone(bench.pids()[0])
        decoded(await relay.ask(question("good", 0.2)))  # longer than the idle time: not sent away over a question
        assert len(bench.pids()) == 2
        await gone(bench.pids()[1])
        await relay.close()

    run(work)


def test_one_that_ignores_its_end_is_killed(bench: Bench) -> None:
    async def work() -> None:
        relay = bench.relay("deaf", idle_s=0.01, patience_s=0.05)
        await relay.ask(question("good"))
        await gone(bench.pids()[0])
        await relay.ask(question("good"))
        await relay.close()
        assert not alive(bench.pids()[1])

    run(work)


def test_a_hung_one_is_ended_and_the_next_question_answered(bench: Bench) -> None:
    async def work() -> None:
        relay = bench.relay(deadline_s=2.0, patience_s=0.1)
        decoded(await relay.ask(question("good")))
        hanging = asyncio.create_task(relay.ask(question("hang")))
        await asyncio.sleep(1.3)
        # Asked 1.3 s after the one that hangs: a new child answers it within its own deadline.
        waiting = asyncio.create_task(relay.ask(question("good")))
        reply = await hanging
        assert isinstance(reply, m.Error)
        assert reply.code == "deadline", reply.message
        assert "2 s" in reply.message
        decoded(await waiting)
        await gone(bench.pids()[0])
        await relay.close()

    run(work)


def test_a_slow_answer_is_a_deadline_but_no_reason_to_end_a_child_that_works(bench: Bench) -> None:
    async def work() -> None:
        relay = bench.relay(deadline_s=2.0)
        decoded(await relay.ask(question("good")))
        replies = await asyncio.gather(*(relay.ask(question("good", 0.9)) for _ in range(3)))
        assert [isinstance(reply, m.Error) for reply in replies] == [False, False, True]
        decoded(await relay.ask(question("good")))
        assert len(bench.pids()) == 1
        await relay.close()

    run(work)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("die", "signal 9"), ("quit", "code 3"), ("garbage", "does not speak our protocol")],
)
def test_one_that_dies_over_a_question_is_started_once_more(bench: Bench, name: str, reason: str) -> None:
    async def work() -> None:
        relay = bench.relay()
        reply = await relay.ask(question(name))
        assert isinstance(reply, m.Error)
        assert reply.code == "internal"
        assert reason in reply.message
        assert len(bench.pids()) == 2
        decoded(await relay.ask(question("good")))
        await relay.close()
        assert not any(map(alive, bench.pids()))

    run(work)


def test_a_question_survives_one_death(bench: Bench) -> None:
    async def work() -> None:
        relay = bench.relay()
        decoded(await relay.ask(question("die once")))
        assert len(bench.pids()) == 2
        waiting = asyncio.create_task(relay.ask(question("hold")))
        await asyncio.sleep(0.1)
        os.kill(bench.pids()[-1], signal.SIGKILL)
        while len(bench.pids()) < 3:  # noqa: ASYNC110  another process tells no event
            await asyncio.sleep(0.01)
        decoded(await relay.ask(question("good")))
        decoded(await waiting)
        await relay.close()

    run(work)


def test_no_greeting_and_no_program(bench: Bench) -> None:
    async def work() -> None:
        rude = bench.relay("rude")
        reply = await rude.ask(question("good"))
        assert isinstance(reply, m.Error)
        assert "greeting" in reply.message
        await rude.close()
        missing = Relay(["/nonexistent/wftop-history"])
        reply = await missing.ask(question("good"))
        assert isinstance(reply, m.Error)
        assert reply.code == "internal"
        assert "No such file" in reply.message
        await missing.close()

    run(work)


def test_askers_that_go_away_and_an_end_in_the_middle(bench: Bench) -> None:
    async def work() -> None:
        relay = bench.relay(idle_s=0.05, patience_s=0.1)
        first = asyncio.create_task(relay.ask(question("good")))
        await asyncio.sleep(0)
        first.cancel()  # while the child is being started
        await asyncio.gather(first, return_exceptions=True)
        decoded(await relay.ask(question("good")))
        assert len(bench.pids()) == 1, "what one asker started serves the next"
        waiting = asyncio.create_task(relay.ask(question("hang")))
        await asyncio.sleep(0.05)
        await relay.close()
        reply = await waiting
        assert isinstance(reply, m.Error)
        assert reply.code == "gone"
        assert not alive(bench.pids()[0])

    run(work)


def test_one_that_was_started_for_a_moment_goes_soon(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "BRIEF_S", 0.1)

    async def work() -> None:
        relay = bench.relay(idle_s=60.0)
        for _ in range(2):
            await relay.ask(question("x"), brief=True)
        (first,) = bench.pids()
        await gone(first)
        await relay.ask(question("x"), brief=True)
        await relay.ask(question("x"))
        await relay.ask(question("x"), brief=True)
        second = bench.pids()[-1]
        await asyncio.sleep(0.3)
        assert alive(second), "a view asked it, too"
        await relay.close()

    run(work)
