"""What the view reads off its environment about the terminal, and what it writes where there is none."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import termios
import tty
from pathlib import Path

import pyte
import pytest
from textual.drivers import linux_driver

from wftui.tui import terminal


def test_plain_state_without_a_terminal(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wftui", "--data-dir", str(tmp_path / "d")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"\x1b[?" not in done.stdout


def test_whatever_is_set_is_taken_back() -> None:
    """Modes that the source, or the toolkit's driver under it, switches on: RESET has the opposite of each."""
    folder = Path(terminal.__file__).parent
    source = "".join(file.read_text("utf-8") for file in folder.rglob("*.py"))
    source += Path(linux_driver.__file__).read_text("utf-8")
    switched_on = {mode for found in re.findall(r"x1b\[\?([0-9;]+)h", source) for mode in found.split(";")}
    assert {"1049", "2004", "1000", "1006", "1016", "2048"} <= switched_on
    reset = terminal.RESET
    # 7 and 25 are put on again, 1007 the toolkit only names.
    assert {mode for mode in switched_on if f"\x1b[?{mode}l" not in reset} == {"7", "25", "1007"}
    for undone in ("\x1b[?25h", "\x1b[?7h", "\x1b[0m", "\x1b[<u", "\x1b>"):
        assert undone in reset


def test_reset_of_a_terminal_that_a_program_left() -> None:
    """In a real terminal: echo and lines are back, and the cursor is where it was."""
    ours, theirs = pty.openpty()
    try:
        screen = pyte.HistoryScreen(40, 10)
        stream = pyte.ByteStream(screen)
        tty.setraw(theirs)
        subprocess.run(
            [sys.executable, "-m", "wftui", "--reset-terminal"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            check=True,
        )
        attributes = termios.tcgetattr(theirs)
        assert attributes[3] & termios.ECHO
        assert attributes[3] & termios.ICANON
        assert attributes[1] & termios.OPOST
        stream.feed(b"\x1b[?25l\x1b[?7l\x1b[2;5rone\r\ntwo")
        before = screen.cursor.y
        stream.feed(os.read(ours, 4096))
        assert not screen.cursor.hidden
        assert pyte.modes.DECAWM in screen.mode
        assert screen.margins is None
        assert (screen.cursor.y, screen.cursor.x) == (before, 0)
    finally:
        os.close(ours)
        os.close(theirs)
    # Where nothing is a terminal, it is only printed.
    done = subprocess.run(
        [sys.executable, "-m", "wftui", "--reset-terminal"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        check=True,
    )
    assert (done.stdout.decode(), done.stderr) == (terminal.RESET, b"")


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
