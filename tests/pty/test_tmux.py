"""In a real tmux: other sizes, detached and attached again, stopped and continued, nothing left behind."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from tests.pty.terminal import Terminal
from tests.pty.tmux import Tmux

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


def framed(lines: list[str], width: int, height: int) -> bool:
    """Whether the screen is drawn at this size: a frame at both edges of the second line, keys in the last."""
    whole = len(lines) == height and "quit" in lines[-1]
    return whole and lines[1][0] == "╭" and len(lines[1].rstrip()) == width and lines[1].rstrip()[-1] == "╮"


def test_resize(tmp_path: Path) -> None:
    with Tmux(tmp_path) as tmux:
        tmux.wftop()
        tmux.until(lambda lines: framed(lines, 120, 40))
        for width, height in ((80, 24), (200, 50), (120, 40)):
            tmux.run("resize-window", "-t", "t", "-x", str(width), "-y", str(height))
            tmux.until(lambda lines, w=width, h=height: framed(lines, w, h))  # type: ignore[misc]  # the size of this turn
        tmux.run("resize-window", "-t", "t", "-x", "40", "-y", "12")
        tmux.until(lambda lines: len(lines) == 12 and "cpu" in "\n".join(lines) and "╭" not in "\n".join(lines))
        tmux.keys("q")
        tmux.until("shell>")


def test_detached_and_attached_at_another_size(tmp_path: Path) -> None:
    with Tmux(tmp_path) as tmux:
        tmux.wftop()
        tmux.run("set", "-g", "window-size", "latest")
        with Terminal(["tmux", "-S", tmux._socket, "attach", "-t", "t"], size=(100, 30)) as client:
            client.until_shows("LIVE")
            client.until(lambda: any(line.startswith("╭") for line in client.screen()), what="frames")
            client.send("\x02d")
            client.until_gone()
        time.sleep(1.0)
        with Terminal(["tmux", "-S", tmux._socket, "attach", "-t", "t"], size=(140, 45)) as client:
            client.until_shows("LIVE")
            tmux.until(lambda lines: framed(lines, 140, 45))
            client.send("q")
            tmux.until("shell>")


def test_stopped_by_its_key_and_continued(tmp_path: Path) -> None:
    with Tmux(tmp_path) as tmux:
        tmux.wftop()
        tmux.keys("C-z")
        stopped = tmux.until("topped")
        assert "LIVE" not in "\n".join(stopped), "the shell has its own screen back"
        tmux.type("echo between $((40 + 2))")
        tmux.until("between 42")
        tmux.type("fg")
        tmux.until("LIVE")
        tmux.until(lambda lines: framed(lines, 120, 40))
        tmux.keys("2")
        tmux.until("Enter open")
        tmux.keys("q")
        shown = tmux.until("between 42")
        # No answer of the terminal was typed into the shell.
        assert not any("R" in line and ";" in line for line in shown if "shell>" in line)


def test_a_reset_from_elsewhere_is_undone_by_a_key(tmp_path: Path) -> None:
    with Tmux(tmp_path) as tmux:
        tmux.wftop()
        tty = tmux.run("display-message", "-p", "-t", "t", "#{pane_tty}").strip()
        Path(tty).write_text("\x1bc")
        tmux.until(lambda lines: "LIVE" not in "\n".join(lines))
        tmux.keys("C-l")
        tmux.until(lambda lines: framed(lines, 120, 40))
        assert (
            tmux.run("display-message", "-p", "-t", "t", "#{alternate_on} #{cursor_flag} #{wrap_flag}")
            == "1 0 0\n"
        )
        tmux.keys("q")
        tmux.until("shell>")
