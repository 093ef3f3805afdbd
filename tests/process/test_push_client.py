"""The client and `wftop push`: never in the way, counts what it drops, comes back, and says what was refused."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.harness import ROOT, Running, command, environment, recorder, until
from tests.process.test_push import fork, told
from wftui.client import push as client
from wftui.client.push import Pusher
from wftui.paths import places
from wftui.wire import messages as m


def wftop(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("push", *arguments), env=environment(), input=stdin, capture_output=True, text=True, timeout=30,
        check=False, cwd=ROOT,
    )  # fmt: skip


def stored(running: Running) -> dict[str, float]:
    """What pushes left in the last tick that holds any, after the recorder ended."""
    assert running.stop() == 0
    ticks = [
        {text: value for text, value in tick.items() if "source=" in text and not text.startswith("wftop.")}
        for tick in told(running.where)
    ]
    return next(tick for tick in reversed(ticks) if tick)


def test_everything_a_pusher_says_is_recorded() -> None:
    with recorder() as running:
        with Pusher("app") as push:
            push.gauge("queue", 3, {"device": "disk0"})
            push.gauge("size", 5, unit="By")
            push.counter("jobs")
            push.counter("jobs", 2)
            push.timing("wait", 0.25)
            push.frame(0.004)
            push.frame(0.2)
            assert push.flush(20)
            assert (push.accepted, push.rejected, push.dropped, push.trouble) == (8, 0, 0, "")
        found = stored(running)
        assert found['custom.app.queue{device="disk0",source="app"}'] == 3
        assert found['custom.app.size{source="app"}'] == 5
        assert found['custom.app.jobs{source="app"}'] == 3
        assert found['custom.app.wait{source="app",stat="p99"}'] == 0.25
        assert found['ux.frame.duration{source="app",stat="count"}'] == 2
        assert found['ux.frames.dropped{source="app"}'] == 1


def test_frames_and_streams_measure_themselves() -> None:
    push = Pusher("app")

    @push.frames
    def paint(text: str) -> str:
        return text * 2

    @push.frames
    async def paint_later(text: str) -> str:
        await asyncio.sleep(0)
        return text * 3

    with recorder() as running:
        assert paint("a") == "aa"
        assert asyncio.run(paint_later("a")) == "aaa"
        with push.stream(model="llama") as stream:
            assert list(stream.over(["a", "", "b"], count=len)) == ["a", "", "b"]
            stream.token(3)
        with pytest.raises(ZeroDivisionError), push.stream(model="llama"):
            _ = 1 / 0
        with pytest.raises(KeyboardInterrupt), push.stream(model="llama"):
            raise KeyboardInterrupt
        assert push.flush(20)
        assert push.trouble == ""
        found = stored(running)

    def of(name: str, more: str) -> float:
        return found[f'{name}{{{more}model="llama",source="app"}}']

    def count(name: str) -> float:
        return found[f'{name}{{model="llama",source="app",stat="count"}}']

    assert found['ux.frame.duration{source="app",stat="count"}'] == 2
    assert of("gen_ai.client.tokens", 'mode="output",') == 5
    assert [of("gen_ai.client.requests", f'mode="{how}",') for how in ("finished", "failed", "aborted")] == [1] * 3
    assert count("gen_ai.client.operation.time_to_first_chunk") == 1
    assert count("gen_ai.client.operation.time_per_output_chunk") == 2
    assert count("gen_ai.client.operation.duration") == 3


def test_tokens_that_flow_have_a_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, float]] = []
    now = 100.0
    monkeypatch.setattr("wftui.client.tokens.time.perf_counter", lambda: now)
    push = Pusher("app")
    monkeypatch.setattr(push, "gauge", lambda name, value, *_, **__: told.append((name, value)))
    with push.stream() as stream:
        for _ in range(21):
            now += 0.0625
            stream.token(2)
    assert [name for name, _ in told] == ["inference.tokens.rate"] * 5
    assert [value for _, value in told] == pytest.approx([32.0] * 5)


def test_without_a_recorder_samples_are_dropped_and_counted_and_it_comes_back() -> None:
    with Pusher("app", room=50) as push:
        started = time.perf_counter()
        for _ in range(1_000):
            push.gauge("x", 1)
        assert time.perf_counter() - started < 1.0
        assert push.flush(20)
        assert (push.accepted, push.dropped) == (0, 1_000)
        assert push.trouble
        for _ in range(2):
            with recorder() as running:
                before = push.accepted

                def said(before: int = before) -> bool:
                    push.counter("x", 1)
                    push.flush(20)
                    return push.accepted > before

                until(said, 20, "the recorder's answer")
                assert running.stop() == 0
        dropped = push.dropped
        push.gauge("x", 1)
        assert push.flush(20)
        assert push.dropped == dropped + 1


def test_nothing_that_is_said_raises() -> None:
    class Odd:
        def __float__(self) -> float:
            raise RuntimeError

    wrong: list[Any] = ["five", None, float("nan"), float("inf"), [], 10**400]
    with recorder(), Pusher("app") as push:
        for value in wrong:
            push.gauge("x", value)
        push.gauge("no name", 1)
        push.gauge("x" * 70, 1)
        push.gauge("x", 1, {"session": "5"})
        push.counter("x", -1)
        push.gauge("y", 1, {"model": "m" * 300_000})
        labels: Any = 5
        push.gauge("x", 1, labels)  # no labels at all: dropped where it was said
        push.gauge("good", 2)
        assert push.flush(20)
        assert push.accepted == 1
        assert push.rejected == len(wrong) + 5
        assert push.dropped == 1
        odd: Any = Odd()
        push.gauge("x", odd)
        push.gauge("good", 2)
        assert push.flush(20)
        assert push.accepted == 2


def test_while_no_thread_can_start_samples_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("can't start new thread")

    with recorder(), Pusher("app") as push:
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", fail)
            push.gauge("x", 1)
            assert push.dropped == 0
            assert "new thread" in push.trouble
        push.gauge("x", 2)
        assert push.flush(20)
        assert push.accepted == 2


def test_an_answer_that_is_none_costs_the_samples_only(tmp_path: Path) -> None:
    path = str(tmp_path / "push.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(path)
        server.listen()
        push = Pusher("app", socket_path=path)
        push.gauge("x", 1)
        connection, _ = server.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(b"what?\n")
            assert push.flush(20)
            assert push.dropped == 1
            push.gauge("x", 1)
            connection.recv(65_536)
        assert push.flush(20)
        assert push.dropped == 2
    assert push.trouble


def test_a_child_that_was_forked_pushes_on_its_own() -> None:
    with recorder() as running, Pusher("app") as push:
        push.counter("x", 1)
        assert push.flush(20)
        push.counter("x", 10)  # waits in the parent: the child must not send it, too
        child = fork()
        if child == 0:
            code = 1
            try:
                push.counter("x", 100)
                code = 0 if push.flush(20) and push.accepted == 1 else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert push.flush(20)
        assert push.accepted == 2
        assert stored(running)['custom.app.x{source="app"}'] == 111


SCRIPT = """
import signal, sys
from wftui.client.push import Pusher
push = Pusher("script")
signal.signal(signal.SIGALRM, lambda *_: push.counter("alarms"))
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
for number in range(3000):
    push.counter("loops")
signal.setitimer(signal.ITIMER_REAL, 0)
heavy = {"msgspec", "asyncio", "textual", "numpy", "logging", "typer", "inspect"} & set(sys.modules)
assert not heavy, heavy
"""


def test_a_script_that_ends_has_said_everything_also_from_signal_handlers() -> None:
    with recorder() as running:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert stored(running)['custom.script.loops{source="script"}'] == 3000


def test_a_script_without_a_recorder_ends_at_once() -> None:
    started = time.monotonic()
    code = "from wftui.client.push import Pusher\nPusher('script').gauge('x', 1)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - started < 10 + client.EXIT_S


# ---- wftop push


def test_wftop_push_records_figures_with_labels_unit_and_kind() -> None:
    with recorder() as running:
        for arguments in (
            ("depth", "12", "device=disk0", "mount=/srv"),
            ("offset", "-5e-1"),
            ("jobs", "2", "--kind", "counter", "--source", "night", "--unit", "{job}"),
            ("--source", "night", "jobs", "3"),
            ("spread", "--source", "night", "7", "--unit", "s", "mount=/srv", "--kind=gauge", "model=m"),
        ):
            done = wftop(*arguments)
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        with running.ask() as connection:
            found = connection.ask(m.Status(), m.StatusReply)
        assert {"push:shell", "push:night"} <= {item.source for item in found.sources}
        done = wftop("jobs", "3", "--source", "night", "--unit", "s")
        assert done.returncode == 1
        assert done.stderr == "wftop: not recorded: jobs: its first push fixed the unit as '{job}', not 's'\n"
        done = wftop("-", stdin='{"source":"in","samples":[{"name":"a","value":1}]}\n\n[]\n{"source":"in"}')
        assert done.returncode == 1
        assert done.stderr.startswith("wftop: not recorded: expected an object, got a list (1 more were refused)")
        running.signal(signal.SIGTERM)
        assert running.ended() == 0
        seen = {text: value for tick in told(running.where) for text, value in tick.items()}
        assert seen['custom.shell.depth{device="disk0",mount="/srv",source="shell"}'] == 12
        assert seen['custom.shell.offset{source="shell"}'] == -0.5
        assert seen['custom.night.jobs{source="night"}'] == 5
        assert seen['custom.night.spread{model="m",mount="/srv",source="night"}'] == 7
        assert seen['custom.in.a{source="in"}'] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "expected a name and a value"),
        (("x",), 2, "expected a value: wftop push x VALUE"),
        (("x", "much"), 2, "expected a number, got 'much'"),
        (("x", "1", "model"), 2, "expected label=value, got 'model'"),
        (("x", "1", "model=a", "model=b"), 2, "label 'model' comes twice"),
        (("-", "1"), 2, "leave value and labels out"),
        (("x", "1", "--kind", "histogram"), 2, "invalid choice"),
        (("x", "1"), 6, "no recorder answers at"),
    ],
)
def test_what_is_wrong_is_one_clear_error(arguments: tuple[str, ...], code: int, said: str) -> None:
    done = wftop(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not places().push_socket.exists()
