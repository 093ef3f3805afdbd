"""The view and a recorder that goes away: it says so, dims, comes back, and starts its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.tty import SOON_S, Tty

pytestmark = pytest.mark.pty


def recorder_pid(folder: Path) -> int:
    """The pid of the recorder of this folder, by its command line."""
    wanted = str(folder / "d")
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"record" in words and wanted.encode() in words:
                return int(entry.name)
    pytest.fail("no recorder runs")


def test_a_killed_recorder_is_reported_and_replaced(tty: Callable[..., Tty], tmp_path: Path) -> None:
    screen = tty().live()
    screen.read(lambda output: b" cores" in output)
    first = recorder_pid(tmp_path)
    os.kill(first, signal.SIGKILL)
    mark = len(screen.output)
    screen.read(lambda output: b"DISCONNECTED" in output[mark:])
    assert b"DISCONNECTED" in screen.output[mark:]
    assert b"no data since" in screen.output[mark:]
    mark = len(screen.output)
    screen.read(lambda output: b"LIVE" in output[mark:])
    assert b"LIVE" in screen.output[mark:]
    assert recorder_pid(tmp_path) != first
    screen.key(b"q")
    assert screen.end() == 0
    assert screen.errors.read_text() == ""


def test_a_handover_to_record_is_followed(tty: Callable[..., Tty], tmp_path: Path) -> None:
    screen = tty().live()
    mark = len(screen.output)
    with subprocess.Popen(
        [sys.executable, "-m", "wftui", "record", "--data-dir", str(tmp_path / "d")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as recorder:
        screen.read(lambda output: b"recorder.handover" in output[mark:] or b"DISCONNECTED" in output[mark:])
        mark = len(screen.output)
        screen.read(lambda output: len(output) > mark + 400)
        assert screen.process.poll() is None
        screen.key(b"q")
        assert screen.end() == 0
        recorder.send_signal(signal.SIGTERM)
        assert recorder.wait(SOON_S) == 0
    assert screen.errors.read_text() == ""


def test_a_view_that_waits_for_a_recorder_costs_nothing(tty: Callable[..., Tty], tmp_path: Path) -> None:
    screen = tty().live()
    screen.read(lambda _: False, 2.0)
    os.kill(recorder_pid(tmp_path), signal.SIGSTOP)
    stat = Path(f"/proc/{screen.process.pid}/stat")

    def used() -> int:
        fields = stat.read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    before, began = used(), time.monotonic()
    screen.read(lambda _: False, 3.0)
    share = (used() - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - began)
    os.kill(recorder_pid(tmp_path), signal.SIGCONT)
    assert share < 0.15
