"""The GPU worker's process, seen by its parent: what it says, how it ends, what it complains of."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator

import pytest

from wftui.clock import NS_PER_S, Instant
from wftui.collectors.nvml import child as children
from wftui.collectors.nvml.child import Child

START = Instant(0, 0)


def running(code: str) -> Child:
    return Child((sys.executable, "-c", code), START)


def reaped(child: Child, at: Instant) -> None:
    end = time.monotonic() + 20
    while child.status is None:
        assert time.monotonic() < end
        child.look(at)
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def no_file_is_left() -> Iterator[None]:
    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208  numbers of files, not files
    yield
    assert set(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208  the same


def test_lines_come_whole_and_the_end_is_known() -> None:
    child = running("print('one\\ntwo\\nhal', end='')")
    found: list[bytes] = []
    while not child.ended:
        found += child.read(START)
    assert found == [b"one", b"two"]
    reaped(child, START)
    assert (child.status, child.complaint) == (0, "")
    child.close(START)


def test_the_end_of_its_complaint_is_kept_and_cleaned() -> None:
    child = running(
        "import os; os.write(2, b'y' * 20_000 + b'\\nValueError: \\x1b[31mno\\n\\n'); raise SystemExit(3)"
    )
    reaped(child, START)
    assert child.status == 3
    assert child.complaint == "ValueError: \\x1b[31mno"
    child.close(START)


def test_one_that_does_not_listen_is_killed_a_minute_later() -> None:
    child = running(
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    while not child.read(START):
        time.sleep(0.01)
    child.close(START)
    for seconds in (0, 30, 59):
        child.look(Instant(0, seconds * NS_PER_S))
        assert child.status is None
    later = Instant(0, int((children.KILL_S + 1) * NS_PER_S))
    reaped(child, later)
    assert child.status == -9
