"""What reaches the terminal: few modes, no more than it can show, and nothing where it is unfit."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from tests.pty.terminal import Terminal

pytestmark = pytest.mark.pty


@pytest.mark.parametrize("answers", [True, False], ids=["answers", "mute"])
def test_few_modes(answers: bool) -> None:
    with Terminal(answers=answers) as terminal:
        terminal.live()
        terminal.send("q")
        assert terminal.until_gone() == 0
        assert terminal.modes_set() <= {"1049", "25", "7", "2004", "2026", "1000", "1006"}
        assert b"\x1b[>" not in terminal.output.replace(b"\x1b[>q", b"")
        terminal.assert_restored()


def test_resize_storm(tmp_path: Path) -> None:
    sizes = random.Random(4)  # noqa: S311  a repeatable storm, no secret
    errors = tmp_path / "stderr"
    with Terminal(errors=errors) as terminal:
        terminal.live()
        for _ in range(200):
            terminal.resize((sizes.randint(1, 300), sizes.randint(1, 100)))
            terminal.read(0.005)
        terminal.shown_from = len(terminal.output)
        terminal.resize((100, 30))
        terminal.live()
        terminal.until_shows("cpu")
        terminal.until_shows("processes")
        mark = len(terminal.output)

        def settled() -> bool:
            """The newest two frames stay inside; frames of older sizes may have been on their way before."""
            newest = bytes(terminal.output[mark:]).split(b"\x1b[?2026l")[:-1][-2:]
            places = [re.findall(rb"\x1b\[(\d+);(\d+)H", frame) for frame in newest]
            inside = [int(line) <= 30 and int(column) <= 100 for frame in places for line, column in frame]
            return len(newest) == 2 and all(places) and all(inside)

        terminal.until(settled, what="two frames of the last size")
        terminal.send("q")
        assert terminal.until_gone() == 0
        terminal.assert_restored()
        assert errors.read_text() == ""


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {"TERM": ""}])
def test_an_unfit_terminal_gets_plain_text(environ: dict[str, str]) -> None:
    with Terminal(environ=environ) as terminal:
        assert terminal.until_gone(20) == 0
        assert b"\x1b[" not in terminal.output
        assert b"cpu" in bytes(terminal.output).lower()


def test_no_color_sends_no_colour() -> None:
    with Terminal(environ={"NO_COLOR": "1"}) as terminal:
        terminal.live()
        terminal.send("q")
        assert terminal.until_gone() == 0
        assert b"\x1b[38;" not in terminal.output
        assert b"\x1b[48;" not in terminal.output
        assert not any(b"\x1b[%dm" % code in terminal.output for code in (*range(30, 38), *range(90, 98)))


def test_a_locale_without_utf8_gets_ascii() -> None:
    with Terminal(environ={"LC_ALL": "C", "LANG": "C"}) as terminal:
        terminal.live()
        terminal.send("q")
        assert terminal.until_gone() == 0
        assert bytes(terminal.output).isascii()
