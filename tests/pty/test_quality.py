"""wftop's own quality on a real terminal: fewer frames and bytes, a word, a key that brings all of it back."""

from __future__ import annotations

import re

from tests.alerted import alone, write
from tests.harness import recorder, until
from tests.process.test_quality import holds, row
from tests.pty.terminal import Terminal
from wftui.model.quality import CHOSEN, LEVEL

FRAME = re.compile(rb"\x1b\[\?2026l")


def frames(terminal: Terminal, seconds: float) -> tuple[int, int]:
    """Frames and bytes from now on."""
    since = len(terminal.output)
    terminal.read_for(seconds)
    return len(FRAME.findall(terminal.output, since)), len(terminal.output) - since


def test_the_least_has_few_frames_and_a_key_brings_all_of_them_back() -> None:
    alone()
    write(holds("always", 1))
    with recorder() as running:
        until(lambda: row(running.where)[LEVEL] == 1, 20, "the least")
        with Terminal(size=(120, 40)) as terminal:
            terminal.until_shows("quality 1/5: always")
            terminal.read_for(6.0)
            few, little = frames(terminal, 10.0)
            terminal.send("Q")
            terminal.until_shows("quality 5/5 for an hour; Q leaves it to the alerts")
            until(lambda: row(running.where)[CHOSEN] == 5, 5, "the choice")
            terminal.until(lambda: not any("quality 1/5" in line for line in terminal.screen()), what="no word")
            terminal.read_for(2.0)
            many, much = frames(terminal, 10.0)
            print(f"level 1: {few} frames, {little} bytes in 10 s; level 5: {many}, {much}")  # noqa: T201  the figures
            assert few <= 3
            assert many >= 8
            terminal.send("Q")
            terminal.until_shows("quality 1/5: always")
            terminal.send("q")
            assert terminal.until_gone() == 0
        assert running.stop() == 0
