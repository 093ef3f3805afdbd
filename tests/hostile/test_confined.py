"""The process that reads a bundle can do nothing else, and whoever asked it waits for nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile.bundles import bundle, put
from wftui.bundle import limits, opened
from wftui.bundle.opened import open_bundle
from wftui.errors import BundleError

_TRIES = """
import sys
sys.path += sys.argv[1:3]
import socket, os
from wftui.bundle import child, limits
limits.apply()
def say(what):
    try:
        what()
    except OSError as error:
        print(os.strerror(error.errno))
    except MemoryError:
        print('no memory')
    else:
        print('done')
say(lambda: open('/etc/hostname'))
say(lambda: open('made', 'w'))
say(socket.socket)
say(os.pipe)
say(lambda: bytes(600 << 20))
print(sorted({name.partition('.')[0] for name in sys.modules} & {'numpy', 'duckdb', '_duckdb', 'sqlite3', 'textual', 'pyrage', 'rich'}))
"""  # noqa: E501  a program


def test_it_can_open_nothing_and_take_no_more_memory(tmp_path: Path) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    words = [sys.executable, "-I", "-S", "-c", _TRIES, str(opened._PACKAGE), str(opened._LIBRARY)]
    found = subprocess.run(words, capture_output=True, text=True, cwd=folder, check=True)
    refused = os.strerror(24)
    assert found.stdout.splitlines() == [refused, refused, refused, refused, "no memory", "[]"]
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import os; os.kill(os.getpid(), 11)", "ended by signal 11"),
        ("import os; os.kill(os.getpid(), 24)", "s of a processor"),
        ("import sys; sys.exit(3)", r"tells no manifest|failed \(code 3\)"),
        ("pass", "tells no manifest"),
        ("import sys; sys.stdout.buffer.write(b'\\0\\0\\0\\5hello')", "tells nonsense"),
        ("import sys; sys.stdout.buffer.write(b'\\xff\\xff\\xff\\xff')", "tells too much"),
        ("import sys; sys.stdout.buffer.write(b'\\0\\0\\0\\5he')", "middle of a word"),
        ("import time; time.sleep(600)", "takes more than"),
    ],
)
def test_whatever_becomes_of_it_is_one_line(
    program: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened, "_BOOT", program)
    monkeypatch.setattr(limits, "BASE_S", 1.5)
    folder = tmp_path / "inside"
    folder.mkdir()
    with pytest.raises(BundleError, match=said) as error:
        open_bundle(put(tmp_path, bundle()), folder)
    assert "\n" not in str(error.value)
    assert list(folder.iterdir()) == []
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)  # nothing is left


def test_it_ends_with_who_asked(tmp_path: Path) -> None:
    """Killed in the middle, the reading process finds its pipe closed."""
    program = (
        "import sys, os, time; from pathlib import Path; from wftui.bundle import opened, limits;"
        "limits.BASE_S = 60.0;"
        "opened._BOOT = 'import os, time\\nos.write(1, str(os.getpid()).encode())\\n"
        "while True: os.write(1, bytes(1)); time.sleep(0.01)';"
        "told = lambda pipe: os.read(pipe, 20).rstrip(bytes(1)).decode();"
        "opened._frames = lambda pipe, *_: print(told(pipe), flush=True) or time.sleep(60);"
        "opened.check(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    path = put(tmp_path, bundle())
    asking = subprocess.Popen(
        [sys.executable, "-c", program, str(path), str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert asking.stdout is not None
        reading = int(asking.stdout.readline())
        asking.send_signal(signal.SIGKILL)
        asking.wait()
        while Path(f"/proc/{reading}/cmdline").exists() and Path(f"/proc/{reading}/cmdline").read_bytes():
            os.sched_yield()
    finally:
        asking.kill()
        asking.wait()
        if asking.stdout is not None:
            asking.stdout.close()
