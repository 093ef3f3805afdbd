"""What the view reads off its environment about the terminal, and what it writes where there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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


def test_reset_terminal() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wftui", "--reset-terminal"], capture_output=True, timeout=30, check=True
    )
    assert b"\x1b[?1049l" in done.stdout
    assert b"\x1b[?25h" in done.stdout


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
