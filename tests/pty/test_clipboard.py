"""Copying in a real terminal: only on request, as bytes that decode to what was said."""

from __future__ import annotations

import base64
import re

import pytest

from tests.pty.terminal import Terminal
from wftui.model.processes import PROCESSES

pytestmark = pytest.mark.pty

_OSC52 = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07")


def copied(terminal: Terminal) -> list[str]:
    return [base64.b64decode(found).decode() for found in _OSC52.findall(bytes(terminal.output))]


def test_y_copies_a_process_and_capital_y_the_command() -> None:
    with Terminal(size=(120, 40)) as terminal:
        terminal.live()
        terminal.send("2")
        terminal.until_shows("F follow")
        assert copied(terminal) == []
        terminal.send("y")
        terminal.until_shows("copied ")
        head, row = copied(terminal)[0].split("\n")
        cells = dict(zip(head.split("\t"), row.split("\t"), strict=True))
        assert list(cells) == [column.name for column in PROCESSES.columns]
        assert int(cells["process.pid"]) > 0
        terminal.until_shows(f"copied {len(copied(terminal)[0].encode()):,} bytes: process {cells['process.pid']}")

        def commanded() -> bool:
            terminal.send("Y")  # nothing is to be written before the first second is closed
            return len(copied(terminal)) > 1

        terminal.until(commanded, what="the command")
        assert copied(terminal)[1].startswith("wftop export --since 20")
        assert "--table processes" in copied(terminal)[1]
        terminal.send("q")
        assert terminal.until_gone() == 0
        terminal.assert_restored()


def test_switched_off_no_byte_of_it_is_sent() -> None:
    with Terminal(environ={"WFTOP_VIEW_CLIPBOARD": "false"}) as terminal:
        terminal.live()
        terminal.send("2y")
        terminal.until_shows("view.clipboard is false")
        terminal.send("q")
        assert terminal.until_gone() == 0
        assert b"\x1b]52" not in terminal.output
