"""The line mode on a terminal: it leaves the terminal alone, and ends as a person expects."""

from __future__ import annotations

import pytest

from tests.pty.terminal import WFTOP, Terminal

pytestmark = pytest.mark.pty


@pytest.mark.parametrize("end", ["\x03", "\x04", "quit\n"], ids=["^C", "^D", "quit"])
def test_lines_on_a_terminal(end: str) -> None:
    with Terminal((*WFTOP, "--plain"), environ={"TERM": "dumb", "LC_ALL": "C.UTF-8"}) as terminal:
        terminal.until_writes(b"sources ok")
        since = len(terminal.output)
        terminal.send("\n")
        terminal.until_writes(b"sources ok", since)
        terminal.send("proc 1\n")
        terminal.until_writes(b"processes in all")
        terminal.send(end)
        assert terminal.until_gone() == 0
        assert b"\x1b" not in terminal.output
        assert terminal.attributes_now() == terminal.attributes
