"""How a recorder ends: in order on SIGTERM, at once on the second, after its last view, not on SIGHUP."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time

import pytest

from tests.harness import Running, View, command, environment, events, recorder, stored, until
from wftui.client import lock
from wftui.store import journal
from wftui.wire import messages as m


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_flushes_and_ends_in_order(number: int) -> None:
    with recorder() as running, View(running.where) as view:
        running.ticks(2)
        last = view.tick().seq
        began = time.monotonic()
        running.signal(number)
        goodbyes = []
        for message in view.messages():
            if isinstance(message, m.TickArrived):
                last = message.seq
            if isinstance(message, m.Goodbye):
                goodbyes.append(message.reason)
        assert running.ended(5) == 0
        assert time.monotonic() - began < 3.0
        assert goodbyes == ["stopped"]
        assert running.errors() == ""
    assert last in stored(running.where)
    assert not running.where.socket.exists()
    assert lock.holder(running.where) is None
    connection = sqlite3.connect(running.where.data_dir / journal.NAME)
    assert connection.execute("SELECT ended FROM session").fetchall() == [("stopped",)]
    connection.close()
    assert events(running.where, "recorder.stopped") == [{"how": "stopped"}]


@pytest.mark.alone
def test_the_second_signal_ends_it_within_a_second() -> None:
    """Whether the first request was through already (0) or not (143): the journal is whole either way."""
    with recorder() as running:
        running.ticks(1)
        running.signal(signal.SIGTERM)
        running.signal(signal.SIGTERM)
        began = time.monotonic()
        assert running.ended(5) in (0, 143)
        assert time.monotonic() - began < 1.0
    with recorder() as again:
        assert again.status().store.state == "ok"


def test_sighup_does_not_stop_it() -> None:
    with recorder() as running:
        running.signal(signal.SIGHUP)
        running.ticks(running.status().ticks + 2)
        assert running.stop() == 0


def test_a_closed_stdout_does_not_stop_it() -> None:
    reading, writing = os.pipe()
    with Running(stdout=writing) as running:
        os.close(writing)
        os.close(reading)
        running.ready()
        running.ticks(7)  # a status line is due after 5 s
        assert running.stop() == 0
        assert running.errors() == ""


def test_for_ends_by_itself_and_says_so() -> None:
    with Running("--for", "2s") as running:
        assert running.ended(8) == 0
        assert running.process.stdout is not None
        said = running.process.stdout.read()
    assert f"pid {running.pid}" in said
    assert "ended (time)" in said
    assert events(running.where, "recorder.stopped") == [{"how": "time"}]


def test_a_views_recorder_ends_after_its_last_view() -> None:
    with recorder("--for-view", env={"WFTOP_RECORDER_LINGER_S": "1"}) as running:
        with View(running.where) as view:
            for _ in range(4):
                view.tick()
            assert running.process.poll() is None, "it stays while a view is there"
        assert running.ended(5) == 0
    assert events(running.where, "recorder.stopped") == [{"how": "idle"}]
    assert [item["dropped"] for item in events(running.where, "view.detached")] == [0]


def test_status_and_stop_commands() -> None:
    env = environment()

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command("record", *arguments), env=env, capture_output=True, text=True, timeout=20, check=False
        )

    nobody = run("--status")
    assert (nobody.returncode, nobody.stdout) == (6, "")
    assert run("--stop").returncode == 6
    with recorder() as running:
        running.ticks(2)
        found = run("--status")
        assert found.returncode == 0
        assert f"pid {running.pid}" in found.stdout
        assert '"ticks"' in run("--status", "--json").stdout
        assert run("--stop").returncode == 0
        assert running.ended(1) == 0
    assert until(lambda: not running.where.socket.exists())


@pytest.mark.parametrize("arguments", [["--nonsense"], ["--for", "soon"], ["extra"]])
def test_wrong_usage_leaves_no_lock_behind(arguments: list[str]) -> None:
    with Running(*arguments) as running:
        assert running.ended() == 2
        assert running.errors()
    assert lock.holder(running.where) is None
