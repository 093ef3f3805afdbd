"""The palette by the bytes that a terminal sends."""

from __future__ import annotations

import pytest

from tests.pty.terminal import Terminal

pytestmark = pytest.mark.pty


@pytest.mark.parametrize("key", [":", "\x10"], ids=["colon", "^P"])
def test_an_action_is_found_and_run(key: str) -> None:
    with Terminal(size=(100, 30)) as terminal:
        terminal.live()
        terminal.send(key)
        terminal.until_shows("type words of what you want to do")
        terminal.send("go time")
        terminal.until_shows(": go time")
        terminal.send("\r")
        terminal.until_shows("yesterday 14:00")
        terminal.send("\x03")  # closes the line; Escape and q in one piece would be Alt and q
        terminal.send("q")
        assert terminal.until_gone() == 0
        terminal.assert_restored()
