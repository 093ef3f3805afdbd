"""What moves by itself: where, when, and how much of it reaches the terminal."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator

import pytest

from tests.harness import until
from tests.pty.terminal import WFTOP, Terminal
from wftui.client.lock import holder
from wftui.demo.folder import demo_places

DEMO = (*WFTOP, "--demo")
FRAME = re.compile(rb"\x1b\[\?2026l")


@pytest.fixture(autouse=True)
def stop_demo(isolated: None) -> Iterator[None]:  # noqa: ARG001  the folders have to outlive the recorder
    """End the demo's recorder as soon as its view is gone: this test's own, others have theirs."""
    yield
    found = holder(demo_places())
    if found is not None:
        os.kill(found.pid, signal.SIGTERM)
        until(lambda: holder(demo_places()) is None, what="the end of the demo")


def frames(terminal: Terminal, seconds: float) -> float:
    """Frames a second from now on."""
    since = len(terminal.output)
    terminal.read_for(seconds)
    return len(FRAME.findall(terminal.output, since)) / seconds


def test_the_energy_screen_moves_more_when_asked_and_nothing_moves_elsewhere() -> None:
    with Terminal(DEMO, size=(120, 40), environ={"SSH_CONNECTION": "", "SSH_TTY": ""}) as terminal:
        terminal.live()
        terminal.read_for(3.0)
        assert frames(terminal, 3.0) < 4, "the overview has a frame a second"
        terminal.send("9")
        terminal.until_shows("flow")
        # A busy machine makes fewer, never more.
        assert 3 < frames(terminal, 3.0) < 20
        terminal.send("f")
        terminal.read_for(0.5)
        assert 20 < frames(terminal, 3.0) < 75
        terminal.send("1")
        terminal.read_for(1.0)
        assert frames(terminal, 3.0) < 4, "the clock stands still"
        terminal.send("q")
        assert terminal.until_gone() == 0


def test_over_ssh_nothing_moves_unless_asked() -> None:
    with Terminal(DEMO, size=(80, 24), environ={"SSH_CONNECTION": "10.0.0.1 50000 10.0.0.2 22"}) as terminal:
        terminal.live()
        terminal.send("9")
        terminal.until_shows("flow")
        terminal.read_for(2.0)
        since = len(terminal.output)
        assert frames(terminal, 4.0) < 3
        assert (len(terminal.output) - since) / 4.0 < 20_000, "bytes a second at 80x24"
        terminal.send("f")
        terminal.read_for(0.5)
        assert frames(terminal, 2.0) > 15
        terminal.send("q")
        assert terminal.until_gone() == 0


def test_who_wants_no_motion_has_none() -> None:
    with Terminal(DEMO, size=(80, 24), environ={"WFTOP_VIEW_MOTION": "reduced", "SSH_CONNECTION": ""}) as terminal:
        terminal.live()
        terminal.send("9")
        terminal.until_shows("flow")
        terminal.send("f")
        terminal.until_shows("nothing moves")
        terminal.read_for(2.0)
        assert frames(terminal, 3.0) < 3
        terminal.send("q")
        assert terminal.until_gone() == 0


def test_a_second_of_the_overview_is_few_bytes() -> None:
    with Terminal(DEMO, size=(80, 24)) as terminal:
        terminal.live()
        terminal.read_for(4.0)
        since = len(terminal.output)
        terminal.read_for(8.0)
        assert (len(terminal.output) - since) / 8.0 < 4_000
        terminal.send("q")
        assert terminal.until_gone() == 0
