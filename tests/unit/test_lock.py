"""The lock: one holder, its line in the file, nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wftui.client import lock
from wftui.client.queries import Connection, wait_gone
from wftui.client.spawn import answers
from wftui.errors import AlreadyRunningError, ConfigError, ProtocolError
from wftui.paths import places


def test_one_holder_at_a_time() -> None:
    where = places()
    assert lock.holder(where) is None
    held = lock.take(where, lock.RECORD)
    assert lock.holder(where) == lock.Holder(os.getpid(), lock.RECORD)
    with pytest.raises(AlreadyRunningError, match=f"pid {os.getpid()}") as caught:
        lock.take(where, lock.VIEW)
    assert caught.value.pid == os.getpid()
    assert caught.value.exit_code == 3
    held.release()
    held.release()
    assert lock.holder(where) is None
    again = lock.take(where, lock.VIEW)
    assert lock.holder(where) == lock.Holder(os.getpid(), lock.VIEW)
    again.release()


def test_a_dead_holder_holds_nothing() -> None:
    where = places()
    code = (
        "import os; from wftui.client import lock; from wftui.paths import places\n"
        "held = lock.take(places(), 'record'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code], check=False, timeout=20)
    assert where.lock.read_text().endswith("record\n")
    assert lock.holder(where) is None
    lock.take(where, lock.RECORD).release()


@pytest.mark.parametrize("line", [b"", b"x record\n", b"12\n", b"12 other\n", b"\xff\xfe\n"])
def test_an_odd_line_names_nobody(line: bytes) -> None:
    where = places()
    held = lock.take(where, lock.RECORD)
    where.lock.write_bytes(line)
    assert lock.holder(where) is None
    with pytest.raises(AlreadyRunningError, match=r"pid \?"):
        lock.take(where, lock.RECORD)
    held.release()


def test_a_folder_in_its_place_is_said(tmp_path: Path) -> None:
    where = places()
    assert tmp_path
    where.runtime_dir.parent.mkdir(mode=0o700)
    where.runtime_dir.mkdir(mode=0o700)
    where.lock.mkdir()
    with pytest.raises(ConfigError):
        lock.take(where, lock.RECORD)


def test_nobody_answers() -> None:
    where = places()
    assert not answers(str(where.socket))
    with pytest.raises(ProtocolError, match="no recorder answers"):
        Connection(str(where.socket))


def test_wait_gone() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert not wait_gone(process.pid, 0.05)
    assert process.stdin is not None
    process.stdin.close()
    assert wait_gone(process.pid, 10)
    process.wait()
    assert wait_gone(process.pid, 0.05)
