"""The view in a real terminal: it comes up, and on every way out it leaves the terminal as it found it."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.pty.terminal import Terminal, recorder_pid

pytestmark = pytest.mark.pty


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (120, 40), (200, 50), (300, 100)])
def test_first_screen_then_quit(size: tuple[int, int]) -> None:
    with Terminal(size=size) as terminal:
        terminal.until_writes(b"\x1b[?1049h", seconds=10)
        if size[0] >= 80:
            terminal.live()
        terminal.until_shows("cpu")
        terminal.send("q")
        assert terminal.until_gone() == 0
        terminal.assert_restored()


@pytest.mark.parametrize("size", [(20, 5), (8, 3), (1, 1)])
def test_tiny_terminals_do_not_crash(size: tuple[int, int]) -> None:
    with Terminal(size=size) as terminal:
        terminal.until_writes(b"\x1b[?2026l")
        # In a single cell nothing need change for as long as all is well.
        terminal.send("2\x0c")
        terminal.until(lambda: terminal.output.count(b"\x1b[?2026l") >= 2, what="two frames")
        terminal.send("q")
        assert terminal.until_gone() == 0
        terminal.assert_restored()


@pytest.mark.parametrize(
    ("end", "code"),
    [("q", 0), ("\x03", 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)],
    ids=["q", "ctrl-c", "SIGTERM", "SIGHUP", "SIGINT"],
)
def test_every_end_restores_the_terminal(end: str | signal.Signals, code: int, tmp_path: Path) -> None:
    errors = tmp_path / "stderr"
    with Terminal(errors=errors) as terminal:
        terminal.live()
        if isinstance(end, str):
            terminal.send(end)
        else:
            os.kill(terminal.pid, end)
        assert terminal.until_gone() == code
        terminal.assert_restored()
        assert errors.read_text() == ""


@pytest.mark.parametrize("seen", [b"\x1b[?1049h", b"connecting"], ids=["first byte", "connecting"])
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)],
    ids=["SIGTERM", "SIGHUP", "SIGINT"],
)
def test_signals_during_start_up_restore_the_terminal(seen: bytes, number: int, code: int) -> None:
    with Terminal() as terminal:
        terminal.until_writes(seen)
        os.kill(terminal.pid, number)
        assert terminal.until_gone() == code
        terminal.assert_restored()


@pytest.mark.parametrize("place", ["state.State.on", "motion.Motion.follow"], ids=["in the feed", "in a callback"])
@pytest.mark.parametrize("apart", [False, True], ids=["on the terminal", "stderr apart"])
def test_a_crash_restores_the_terminal_and_tells(apart: bool, place: str, tmp_path: Path) -> None:
    # The bug's traceback belongs on the ordinary screen.
    code = (
        "import sys; from wftui.tui import motion, state;\n"
        "def broken(*a, **k): raise RuntimeError('planted bug')\n"
        f"{place} = broken\n"
        "from wftui.__main__ import main; sys.exit(main([]))"
    )
    errors = tmp_path / "stderr"
    with Terminal((sys.executable, "-c", code), errors=errors if apart else None) as terminal:
        assert terminal.until_gone(20) == 1
        terminal.assert_restored()
        said = errors.read_bytes() if apart else bytes(terminal.output).rpartition(b"\x1b[?1049l")[2]
        assert b"RuntimeError: planted bug" in said
        assert b"Traceback" in said


def test_a_dropped_line_ends_the_view_and_not_the_recorder() -> None:
    with Terminal() as terminal:
        terminal.live()
        recorder = recorder_pid()
        terminal.hang_up()
        assert terminal.until_gone(5) in (129, -signal.SIGHUP)
    os.kill(recorder, 0)
    assert recorder_pid() == recorder


def test_the_end_of_the_keyboard_ends_the_view() -> None:
    with Terminal(controlling=False) as terminal:
        terminal.live()
        terminal.hang_up()
        assert terminal.until_gone(5) in (129, -signal.SIGHUP)


def test_a_terminal_that_takes_nothing_blocks_no_key_and_no_end() -> None:
    with Terminal() as terminal:
        terminal.live()
        # Nobody reads: the kernel's buffer fills, then writes block; frames have to be left out.
        for key in "2413" * 200:
            terminal.send(key)
        time.sleep(0.5)
        assert terminal.state() in "SR"
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.until_gone(5, reading=False) == 143


def test_stopped_and_continued() -> None:
    """`kill -TSTP` leaves a usable shell, `fg` the screen as it was."""
    with Terminal() as terminal:
        terminal.live()
        mark = len(terminal.output)
        os.kill(terminal.pid, signal.SIGTSTP)
        terminal.until_writes(b"\x1b[?25h", mark)
        terminal.until(lambda: terminal.state() == "T", what="the stop")
        assert terminal.modes_left() == set()
        assert terminal.attributes_now() == terminal.attributes
        mark = len(terminal.output)
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.until_writes(b"\x1b[?1049h", mark)
        terminal.until_writes(b"LIVE", mark)
        terminal.send("q")
        assert terminal.until_gone() == 0
        terminal.assert_restored()
