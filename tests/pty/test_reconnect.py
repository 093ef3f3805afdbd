"""The view and a recorder that goes away: it says so, dims, comes back, and starts its own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.pty.terminal import WFTOP, Terminal, recorder_pid

pytestmark = pytest.mark.pty


def test_a_killed_recorder_is_reported_and_replaced(tmp_path: Path) -> None:
    errors = tmp_path / "stderr"
    with Terminal(size=(120, 40), errors=errors) as terminal:
        terminal.live()
        terminal.until_shows(" cores")
        first = recorder_pid()
        mark = len(terminal.output)
        os.kill(first, signal.SIGKILL)
        terminal.until_writes(b"DISCONNECTED", mark)
        terminal.until_writes(b"no data since", mark)
        terminal.until_writes(b"LIVE", terminal.output.rfind(b"DISCONNECTED"))
        terminal.live()
        assert recorder_pid() != first
        terminal.send("q")
        assert terminal.until_gone() == 0
        terminal.assert_restored()
        assert errors.read_text() == ""


def test_a_handover_to_record_is_followed(tmp_path: Path) -> None:
    errors = tmp_path / "stderr"
    with Terminal(errors=errors) as terminal:
        terminal.live()
        mark = len(terminal.output)
        quiet = subprocess.DEVNULL
        with subprocess.Popen([*WFTOP, "record"], stdin=quiet, stdout=quiet, stderr=quiet) as recorder:
            terminal.until(
                lambda: any(said in terminal.output[mark:] for said in (b"recorder.handover", b"DISCONNECTED")),
                what="news of the handover",
            )
            mark = len(terminal.output)
            terminal.until(lambda: len(terminal.output) > mark + 400, what="frames after the handover")
            terminal.live()
            assert terminal.status is None
            assert recorder_pid() == recorder.pid
            terminal.send("q")
            assert terminal.until_gone() == 0
            recorder.send_signal(signal.SIGTERM)
            assert recorder.wait(20) == 0
        assert errors.read_text() == ""


def test_a_view_that_waits_for_a_recorder_costs_nothing() -> None:
    with Terminal() as terminal:
        terminal.live()
        terminal.read_for(2.0)
        recorder = recorder_pid()
        os.kill(recorder, signal.SIGSTOP)
        try:
            used, began = terminal.cpu_s(), time.monotonic()
            terminal.read_for(3.0)
            share = (terminal.cpu_s() - used) / (time.monotonic() - began)
        finally:
            os.kill(recorder, signal.SIGCONT)
        assert terminal.status is None
        assert share < 0.15
