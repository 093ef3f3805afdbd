"""A closer look at one process, and its niceness, over the socket: only of the one that was meant."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import events, recorder
from wftui.errors import ProtocolError
from wftui.recorder import inspection, signals
from wftui.recorder.inspection import inspect
from wftui.wire import messages as m

PROGRAM = """
import socket, threading, time
held = [open("/dev/null") for _ in range(7)]
ends = socket.socketpair()
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def started(process: subprocess.Popen[bytes]) -> int:
    found = signals.start_time(process.pid)
    assert found is not None
    return found


def test_open_files_and_sockets_are_counted(child: subprocess.Popen[bytes]) -> None:
    with recorder() as running:
        running.ticks(1)
        with running.ask() as connection:
            found = connection.ask(m.Inspect(child.pid, started(child)), m.InspectReply)
            assert found.files == len(list(Path(f"/proc/{child.pid}/fd").iterdir())) >= 12
            assert found.sockets == 2
            assert found.nice == os.getpriority(os.PRIO_PROCESS, child.pid)
            assert found.files_limit is None or found.files_limit > 12
            assert found.reason == ""
            for pid, start in ((child.pid, started(child) + 1), (2**22 + 1, 5), (-1, 5)):
                with pytest.raises(ProtocolError, match="gone"):
                    connection.ask(m.Inspect(pid, start), m.InspectReply)


def test_all_threads_get_the_new_niceness(child: subprocess.Popen[bytes]) -> None:
    with recorder() as running:
        running.ticks(1)
        with running.ask() as connection:
            connection.ask(m.Renice(child.pid, started(child), 7), m.Ok)
            threads = [path.name for path in Path(f"/proc/{child.pid}/task").iterdir()]
            assert len(threads) == 2
            assert {os.getpriority(os.PRIO_PROCESS, int(thread)) for thread in threads} == {7}
            with pytest.raises(ProtocolError, match="gone"):
                connection.ask(m.Renice(child.pid, started(child) + 1, 9), m.Ok)
            for nice in (-21, 20):
                with pytest.raises(ProtocolError, match="not set"):
                    connection.ask(m.Renice(child.pid, started(child), nice), m.Ok)
            assert os.getpriority(os.PRIO_PROCESS, child.pid) == 7
        assert running.stop() == 0
    assert events(running.where, "process.reniced") == [{"nice": 7}]
    assert len(events(running.where, "process.renice_refused")) == 3


def test_it_can_be_switched_off(child: subprocess.Popen[bytes]) -> None:
    with (
        recorder(env={"WFTOP_RECORDER_SIGNALS": "false"}) as running,
        running.ask() as connection,
        pytest.raises(ProtocolError, match="not changed here"),
    ):
        connection.ask(m.Renice(child.pid, started(child), 7), m.Ok)
    assert os.getpriority(os.PRIO_PROCESS, child.pid) == os.getpriority(os.PRIO_PROCESS, 0)


def planted(folder: Path, *, files: int, nice: int = 3) -> str:
    """A /proc with one process; half of its files are sockets."""
    process = folder / "77"
    (process / "fd").mkdir(parents=True)
    for number in range(files):
        (process / "fd" / str(number)).symlink_to("socket:[1]" if number % 2 else "/dev/null")
    fields = ["S", *["0"] * 15, str(nice), "1", "0", "4242"]
    (process / "stat").write_text(f"77 (a ) b) {' '.join(fields)}\n")
    (process / "limits").write_text(
        "Limit  Soft  Hard  Units\nMax open files            1024       4096     files\n"
    )
    (process / "cgroup").write_text("1:cpu:/old\n0::/user.slice/a\x1b[2Jb.scope\n")
    return str(folder)


def test_what_the_files_say(tmp_path: Path) -> None:
    found = inspect(77, 4242, planted(tmp_path, files=9))
    assert (found.files, found.sockets, found.files_limit, found.nice) == (9, 4, 1024, 3)
    assert found.cgroup.startswith("/user.slice/a")
    assert "\x1b" not in found.cgroup


def test_too_many_files_are_counted_but_not_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "MOST", 8)
    found = inspect(77, 4242, planted(tmp_path, files=9))
    assert (found.files, found.sockets) == (9, None)


def test_ten_thousand_files_are_counted_in_a_moment(tmp_path: Path) -> None:
    proc = planted(tmp_path, files=10_000)
    begin = time.thread_time_ns()
    assert inspect(77, 4242, proc).sockets == 5_000
    assert time.thread_time_ns() - begin < 500_000_000


def test_missing_files_are_unknown(tmp_path: Path) -> None:
    proc = planted(tmp_path, files=1)
    for name in ("limits", "cgroup"):
        (tmp_path / "77" / name).unlink()
    (tmp_path / "77" / "fd" / "0").unlink()
    (tmp_path / "77" / "fd").rmdir()
    found = inspect(77, 4242, proc)
    assert (found.files, found.sockets, found.files_limit, found.cgroup) == (None, None, None, "")
    assert "cannot be listed" in found.reason
