"""The terminal after every way out: all modes taken back, echo on, the right exit code, only a bug's traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.tty import MODE, SOON_S, Tty
from wftui.tui import terminal

pytestmark = pytest.mark.pty


def state_of(screen: Tty) -> str:
    """The letter of /proc/PID/stat."""
    return Path(f"/proc/{screen.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def assert_restored(screen: Tty) -> None:
    assert screen.modes_left() == {}
    assert termios.tcgetattr(screen.slave) == screen.before
    assert b"\x1b[?1049h" in screen.output


@pytest.mark.parametrize(
    ("end", "code"),
    [(b"q", 0), (b"\x03", 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)],
    ids=["q", "ctrl-c", "SIGTERM", "SIGHUP", "SIGINT"],
)
def test_every_end_restores_the_terminal(tty: Callable[..., Tty], end: bytes | signal.Signals, code: int) -> None:
    screen = tty().live()
    if isinstance(end, bytes):
        screen.key(end)
    else:
        screen.process.send_signal(end)
    assert screen.end() == code
    assert_restored(screen)
    assert screen.errors.read_text() == ""


def test_killed_while_it_starts(tty: Callable[..., Tty]) -> None:
    screen = tty()
    screen.read(lambda output: b"connecting" in output)
    screen.process.send_signal(signal.SIGTERM)
    assert screen.end() == 143
    assert_restored(screen)


def test_a_bug_leaves_a_traceback_on_a_whole_terminal(tty: Callable[..., Tty], tmp_path: Path) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import importlib.abc, sys\n"
        "class Finder(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'wftui.tui.link':\n"
        "            import wftui.tui.state as s\n"
        "            def broken(self, message): raise RuntimeError('a planted bug')\n"
        "            s.State.on = broken\n"
        "        return None\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    screen = tty(PYTHONPATH=str(folder))
    assert screen.end() == 1
    assert_restored(screen)
    said = screen.errors.read_text()
    assert "RuntimeError: a planted bug" in said
    assert said.count("Traceback") >= 1


def test_the_keyboard_is_gone(tty: Callable[..., Tty]) -> None:
    screen = tty().live()
    os.close(screen.slave)
    os.close(screen.master)
    began = time.monotonic()
    assert screen.process.wait(SOON_S) in (129, -signal.SIGHUP)
    assert time.monotonic() - began < 5


def test_few_modes(tty: Callable[..., Tty]) -> None:
    screen = tty().live()
    screen.key(b"q")
    assert screen.end() == 0
    assert {mode for mode, state in MODE.findall(screen.output) if state == b"h"} <= {
        b"1049", b"25", b"7", b"2004", b"2026",
    }  # fmt: skip
    assert b"\x1b[>" not in screen.output.replace(b"\x1b[>q", b"")


def test_resize_storm(tty: Callable[..., Tty]) -> None:
    screen = tty().live()
    for step in range(200):
        screen.resize(1 + step * 7 % 211, 1 + step * 5 % 67)
        screen.process.send_signal(signal.SIGWINCH)
        screen.read(lambda _: False, 0.002)
    screen.resize(80, 24)
    screen.process.send_signal(signal.SIGWINCH)
    mark = len(screen.output)
    screen.read(lambda output: b"LIVE" in output[mark:] and b"processes" in output[mark:])
    screen.key(b"q")
    assert screen.end() == 0
    assert_restored(screen)
    assert screen.errors.read_text() == ""


def test_plain_state_without_a_terminal(tmp_path: Path) -> None:
    pytest.importorskip("wftui.cli.once")
    done = subprocess.run(
        [sys.executable, "-m", "wftui", "--data-dir", str(tmp_path / "d")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"\x1b[?" not in done.stdout


def test_reset_terminal() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wftui", "--reset-terminal"], capture_output=True, timeout=30, check=True
    )
    assert b"\x1b[?1049l" in done.stdout
    assert b"\x1b[?25h" in done.stdout


def test_a_terminal_that_takes_nothing_blocks_no_key_and_no_end(tty: Callable[..., Tty]) -> None:
    screen = tty().live()
    # Nobody reads: the kernel's buffer fills, then writes block; frames have to be left out.
    for key in b"2413" * 200:
        screen.key(bytes([key]))
    time.sleep(0.5)
    assert state_of(screen) in "SR"
    began = time.monotonic()
    screen.process.send_signal(signal.SIGTERM)
    assert screen.process.wait(SOON_S) == 143
    assert time.monotonic() - began < 3


def test_stopped_and_continued(tty: Callable[..., Tty]) -> None:
    """`kill -TSTP` leaves a usable shell, `fg` the screen as it was."""
    screen = tty().live()
    mark = len(screen.output)
    screen.process.send_signal(signal.SIGTSTP)
    screen.read(lambda output: b"\x1b[?25h" in output[mark:])
    assert screen.modes_left() == {}
    end = time.monotonic() + SOON_S
    while state_of(screen) != "T" and time.monotonic() < end:
        time.sleep(0.01)
    assert termios.tcgetattr(screen.slave) == screen.before
    mark = len(screen.output)
    screen.process.send_signal(signal.SIGCONT)
    screen.read(lambda output: b"LIVE" in output[mark:])
    assert b"\x1b[?1049h" in screen.output[mark:]
    assert b"LIVE" in screen.output[mark:]
    screen.key(b"q")
    assert screen.end() == 0
    assert_restored(screen)


def test_hostile_arguments_reach_the_terminal_as_visible_escapes(tty: Callable[..., Tty]) -> None:
    evil = "zz\x1b]0;owned\x07\x1b[2J\u202e[red]\x9b31m"
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", evil]) as victim:
        try:
            screen = tty().live()
            screen.read(lambda output: "cpu▾".encode() in output)
            screen.key(b"2/owned\r\r")
            screen.read(lambda output: b"zz\\x1b]0;" in output)
            assert b"zz\\x1b]0;" in screen.output
            screen.key(b"q")
            assert screen.end() == 0
        finally:
            victim.kill()
    for raw in (b"\x1b]0;owned", b"\x07", b"\x1b[2J\xe2\x80\xae", "\u202e".encode(), b"\xc2\x9b"):
        assert raw not in screen.output, raw
    assert_restored(screen)


@pytest.mark.parametrize(
    ("environment", "ascii_only", "colors"),
    [
        ({"LANG": "en_US.UTF-8", "TERM": "xterm-256color", "COLORTERM": "truecolor"}, False, "truecolor"),
        ({"LANG": "en_US.UTF-8", "TERM": "xterm-256color"}, False, "256"),
        ({"LANG": "C", "TERM": "xterm"}, True, "16"),
        ({"LANG": "C", "LC_ALL": "C.utf8", "TERM": "xterm"}, False, "16"),
        ({"LANG": "de_DE.ISO-8859-1", "TERM": "xterm"}, True, "16"),
        ({"LANG": "C.UTF-8", "TERM": "linux"}, True, "16"),
        ({"LANG": "C.UTF-8", "TERM": "vt100"}, True, "mono"),
        ({"LANG": "C.UTF-8", "TERM": "xterm-256color", "NO_COLOR": "1"}, False, "mono"),
        ({"LANG": "C.UTF-8", "TERM": "xterm-256color", "NO_COLOR": ""}, False, "256"),
        ({"TERM": "xterm"}, True, "16"),
    ],
    ids=str,
)
def test_what_the_environment_says_of_the_terminal(
    environment: dict[str, str], ascii_only: bool, colors: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LANG", "LC_ALL", "LC_CTYPE", "TERM", "COLORTERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert terminal.ascii_only() is ascii_only
    assert terminal.colors() == colors
