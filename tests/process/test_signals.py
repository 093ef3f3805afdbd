"""Signals to processes over the socket: only to the one that was meant, each an event."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.harness import events, recorder
from wftui.errors import ProtocolError
from wftui.recorder import signals
from wftui.wire import messages as m


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def test_a_signal_reaches_the_process_that_was_meant(child: subprocess.Popen[bytes]) -> None:
    started = signals.start_time(child.pid)
    assert started is not None
    with recorder() as running:
        running.ticks(1)
        with running.ask() as connection:
            with pytest.raises(ProtocolError, match="another process"):
                connection.ask(m.Signal(child.pid, started + 1, signal.SIGTERM), m.Ok)
            assert child.poll() is None
            for number in (0, 65, 1000):
                with pytest.raises(ProtocolError, match="not sent"):
                    connection.ask(m.Signal(child.pid, started, number), m.Ok)
            assert child.poll() is None
            connection.ask(m.Signal(child.pid, started, signal.SIGTERM), m.Ok)
            assert child.wait(5) == -signal.SIGTERM
            with pytest.raises(ProtocolError, match=r"gone|another"):
                connection.ask(m.Signal(child.pid, started, signal.SIGTERM), m.Ok)
        assert running.stop() == 0
    assert events(running.where, "signal.sent") == [{"signal": signal.SIGTERM}]
    assert len(events(running.where, "signal.refused")) == 5


def test_signals_can_be_switched_off(child: subprocess.Popen[bytes]) -> None:
    started = signals.start_time(child.pid)
    assert started is not None
    with recorder(env={"WFTOP_RECORDER_SIGNALS": "false"}) as running:
        with running.ask() as connection, pytest.raises(ProtocolError, match="switched off"):
            connection.ask(m.Signal(child.pid, started, signal.SIGKILL), m.Ok)
        assert running.stop() == 0
    assert child.poll() is None
    (refused,) = events(running.where, "signal.refused")
    assert "switched off" in str(refused["reason"])


def test_who_is_gone_and_who_is_protected() -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    assert signals.start_time(done.pid) is None
    with pytest.raises(ProtocolError, match="gone"):
        signals.send(done.pid, 1, signal.SIGTERM, allowed=True)
    for pid in (0, 1, -1, -5):
        with pytest.raises(ProtocolError, match="not sent"):
            signals.send(pid, 1, signal.SIGTERM, allowed=True)
