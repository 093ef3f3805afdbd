"""The timeline in a real terminal, over a real recorder: a gap, a mark, two ranges, and into the past."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.pty.terminal import Terminal
from tests.pty.test_rewind import recording, replay
from wftui import paths
from wftui.client.queries import Connection
from wftui.wire import messages as wire

pytestmark = pytest.mark.pty
FAR_LEFT = "\x1b[1;2D"
LEFT = "\x1b[D"


def event_lane(terminal: Terminal) -> str:
    """The line below the ruler; empty while there is none."""
    lines = terminal.screen()
    return next((below for above, below in pairwise(lines) if "─┬" in above), "")


def test_look_along_the_timeline_compare_and_go_there(tmp_path: Path) -> None:
    errors = tmp_path / "stderr"
    with recording(6) as first:
        first.kill()
    time.sleep(7.0)
    with recording(6), Terminal(size=(120, 40), errors=errors) as terminal:
        terminal.live()
        with Connection(str(paths.places(None, None).socket)) as connection:
            connection.ask(wire.Mark(time.time_ns(), "here"), wire.Ok)
        terminal.send("5")
        terminal.until_shows(" min to now")
        terminal.until_shows("1 cpu")
        # The seconds between the two recorders are a hole, the mark is on the axis.
        terminal.until_shows("▒")
        terminal.until(lambda: "m" in event_lane(terminal), what="the mark")
        terminal.send(FAR_LEFT + "a" + LEFT * 3 + "a" + LEFT * 2 + "b" + LEFT * 3 + "b")
        terminal.until_shows("d compares A and B")
        terminal.send("D")
        terminal.until_shows("mean A")
        terminal.until_shows("differ beyond their noise")
        terminal.send("\x1b")
        terminal.until_shows("Enter look")
        terminal.send("\r")
        terminal.until(lambda: replay(terminal) != "", what="the past")
        terminal.until(lambda: "cpu" in terminal.screen()[1], what="the overview of then")
        terminal.send("`")
        terminal.live()
        terminal.send("q")
        assert terminal.until_gone() == 0
        terminal.assert_restored()
    assert errors.read_text() == ""
