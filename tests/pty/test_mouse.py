"""Real mouse bytes into a real terminal, also through tmux; and no mode of it is left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.pty.terminal import WFTOP, Terminal

pytestmark = pytest.mark.pty

MOUSE = {"1000", "1006"}


def press(column: int, line: int, button: int = 0) -> str:
    """A press and the release of it, as a terminal sends them with mode 1006; places from 1."""
    return f"\x1b[<{button};{column};{line}M\x1b[<{button};{column};{line}m"


def place(terminal: Terminal, words: str) -> tuple[int, int]:
    """Where a text begins on the screen, from 1."""
    terminal.until_shows(words)
    for line, shown in enumerate(terminal.screen(), 1):
        if (at := shown.find(words)) >= 0:
            return at + 1, line
    raise AssertionError(f"{words!r} came and went:\n" + "\n".join(terminal.screen()))


def ready(terminal: Terminal) -> None:
    terminal.live()
    terminal.until_writes(b"\x1b[?1006h")
    terminal.until_shows("6 gpus ")
    terminal.until_shows("? help  q quit")


def test_clicks_and_the_wheel() -> None:
    with Terminal() as terminal:
        ready(terminal)
        terminal.send(press(*place(terminal, "4 sources")))
        terminal.until_shows("why and what to do")
        terminal.send(press(*place(terminal, "Esc back")))
        terminal.until_shows("6 gpus ")
        terminal.until_shows("? help  q quit")
        terminal.send(press(*place(terminal, "? help")))
        terminal.until_shows("1-20 of")
        terminal.send("\x1b[<65;40;12M")
        terminal.until_shows("4-23 of")
        terminal.send("\x1b[<64;40;12M")
        terminal.until_shows("1-20 of")
        terminal.send("q")
        assert terminal.until_gone() == 0
        terminal.assert_restored()


def test_only_presses_and_the_wheel_are_asked_for() -> None:
    with Terminal() as terminal:
        ready(terminal)
        terminal.send("q")
        assert terminal.until_gone() == 0
        assert terminal.modes_set() & {"9", "1001", "1002", "1003", "1004", "1005", "1015", "1016"} == set()
        assert terminal.modes_set() >= MOUSE


@pytest.mark.parametrize(
    ("end", "code"),
    [("q", 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=["q", "SIGTERM", "SIGHUP"],
)
def test_the_modes_are_taken_back(end: str | signal.Signals, code: int, tmp_path: Path) -> None:
    errors = tmp_path / "stderr"
    with Terminal(errors=errors) as terminal:
        ready(terminal)
        terminal.send(press(4, 4))
        if isinstance(end, str):
            terminal.send(end)
        else:
            os.kill(terminal.pid, end)
        assert terminal.until_gone() == code
        assert terminal.modes_set() >= MOUSE
        terminal.assert_restored()
        assert errors.read_text() == ""


def test_stopped_there_is_no_mouse_and_continued_there_is() -> None:
    with Terminal() as terminal:
        ready(terminal)
        os.kill(terminal.pid, signal.SIGTSTP)
        terminal.until(lambda: terminal.state() == "T", what="stopped")
        terminal.read_for(0.2)
        assert terminal.modes_left() == set()
        mark = len(terminal.output)
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.until_writes(b"\x1b[?1006h", since=mark)
        terminal.live()
        terminal.until_shows("4 sources")
        terminal.send(press(*place(terminal, "4 sources")))
        terminal.until_shows("why and what to do")
        terminal.send("q")
        assert terminal.until_gone() == 0
        terminal.assert_restored()


@pytest.mark.parametrize("environ", [{"WFTOP_VIEW_MOUSE": "off"}, {"TERM": "linux"}], ids=["off", "linux console"])
def test_without_a_mouse_no_mode_is_set(environ: dict[str, str]) -> None:
    with Terminal(environ=environ) as terminal:
        terminal.live()
        terminal.send("q")
        assert terminal.until_gone() == 0
        assert terminal.modes_set() & MOUSE == set()
        terminal.assert_restored()


def test_a_click_inside_tmux(tmp_path: Path) -> None:
    tmux = shutil.which("tmux")
    if tmux is None:
        pytest.skip("tmux is not installed")
    command = [tmux, "-S", str(tmp_path / "tmux.sock"), "-f", os.devnull]
    try:
        with Terminal(
            (*command, "new-session", "-x", "100", "-y", "30", " ".join(WFTOP)), size=(100, 30)
        ) as terminal:
            terminal.live()
            terminal.until_shows("4 sources")
            terminal.until_writes(b"\x1b[?1006h")
            terminal.send(press(*place(terminal, "4 sources")))
            terminal.until_shows("per call")
            terminal.send("q")
            terminal.until_gone()
    finally:
        subprocess.run([*command, "kill-server"], capture_output=True, check=False, timeout=10)
