"""Flow control on a real PTY: the terminal's answers decide how much is on its way."""

from __future__ import annotations

import os
import re
import select
import time

import pytest

from tests.pty.terminal import Terminal

QUESTION = b"\x1b[6n"
FRAME = re.compile(rb"\x1b\[\?2026h.*?\x1b\[\?2026l(\x1b\[\d+;\d+H\x1b\[6n)?", re.S)


def test_frames_that_follow_each_other_ask_and_one_a_second_seldom_does() -> None:
    with Terminal(size=(120, 40)) as terminal:
        terminal.live()
        terminal.read_for(2.5)
        seen = len(terminal.output)
        for _ in range(6):
            terminal.send("2")
            terminal.read_for(0.15)
            terminal.send("1")
            terminal.read_for(0.15)
        terminal.until(lambda: terminal.output.endswith(QUESTION), what="the end of a frame that asks")
        quick = list(FRAME.finditer(terminal.output, seen))
        assert len(quick) >= 10
        # A frame of the data may come just after a pause of its own.
        assert sum(bool(found[1]) for found in quick) >= len(quick) - 2
        seen = len(terminal.output)
        terminal.read_for(9.0)
        slow = list(FRAME.finditer(terminal.output, seen))
        asked = sum(bool(found[1]) for found in slow)
        assert len(slow) >= 6
        assert 2 <= asked <= len(slow) // 2 + 1, (
            "a terminal that keeps up with a frame a second is asked now and then"
        )
        assert terminal.output.count(QUESTION, seen) - asked <= 1, "no question without a frame"
        terminal.send("q")
        assert terminal.until_gone() == 0


def test_without_acknowledgement_no_more_than_a_window_is_sent() -> None:
    with Terminal(size=(120, 40)) as terminal:
        terminal.live()
        terminal.read_for(3.0)
        terminal._answers = False
        seen = len(terminal.output)
        end = time.monotonic() + 2.0
        # Keys would each make a frame; the terminal takes the bytes and says nothing.
        while time.monotonic() < end:
            terminal.send("2")
            terminal.read_for(0.03)
            terminal.send("1")
            terminal.read_for(0.03)
        sent = terminal.output.count(QUESTION, seen)
        assert sent <= 17, "the widest window and one more"
        terminal._answers = True
        for number in range(sent):
            terminal.send(f"\x1b[40;{number + 1}R")
        terminal.send("2")
        terminal.until_shows("Enter open")
        terminal.send("q")
        assert terminal.until_gone() == 0


@pytest.mark.parametrize("end", ["q", "signal"])
def test_no_answer_is_left_for_the_shell(end: str) -> None:
    """An answer that comes after the end of the view would be typed into the shell."""
    with Terminal(size=(80, 24)) as terminal:
        terminal.live()
        terminal.read_for(2.0)
        terminal._answers = False
        seen = len(terminal.output)
        terminal.until_writes(QUESTION, seen, 5.0)
        # Asked, and not answered yet: the line is slow.
        if end == "q":
            terminal.send("q")
        else:
            os.kill(terminal.pid, 15)
        time.sleep(0.2)
        terminal.send("\x1b[24;5R")
        terminal.until_gone(5.0)
        assert not select.select([terminal._slave], [], [], 0.2)[0], "nothing waits on the keyboard"
