"""The demo on a real terminal: what it is called, its past, its processes, and its end."""

from __future__ import annotations

import os
import signal

import pytest

from tests.harness import until
from tests.pty.terminal import WFTOP, Terminal
from wftui.client.lock import holder
from wftui.demo.folder import demo_places

pytestmark = pytest.mark.pty


def test_it_shows_a_machine_with_a_past_and_says_demo_throughout() -> None:
    try:
        with Terminal([*WFTOP, "--demo"], size=(120, 40)) as terminal:
            terminal.until_shows("H200", 60.0)
            assert "DEMO" in terminal.screen()[0]
            terminal.live().until_shows("GPU 6 Xid 31")
            terminal.until_shows("vllm:8000")
            terminal.send("\x1b[D")  # left: a second back
            terminal.until_shows("REPLAY")
            assert "DEMO" in terminal.screen()[0]
            terminal.send("`")
            terminal.live().send("6")
            terminal.until_shows("Xid 31 for")
            assert "DEMO" in terminal.screen()[0]
            terminal.send("q")
            assert terminal.until_gone() == 0
            terminal.assert_restored()
    finally:
        found = holder(demo_places())
        if found is not None:
            os.kill(found.pid, signal.SIGTERM)
            until(lambda: holder(demo_places()) is None, what="the end of the demo")
