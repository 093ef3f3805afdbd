"""An alert on a real terminal: told on the top line within two seconds of a pushed step, silent when silenced."""

from __future__ import annotations

import time

import pytest

from tests.alerted import KEY, Pusher, alerts, alone, rule, rule_row, wftop, write
from tests.harness import recorder, until
from tests.pty.terminal import Terminal
from wftui.model import alerts as cells

pytestmark = pytest.mark.pty
STATE = cells.RULES.index("rule.state")


@pytest.mark.quiet
def test_a_step_is_told_and_silence_is_silent() -> None:
    alone()
    write(rule(message="stepped to {value}", debounce={"cooldown_ms": 1000}))
    with recorder() as running, Terminal(size=(120, 40)) as terminal, Pusher(1.0) as pusher:
        terminal.live()
        until(lambda: rule_row(running.where, "level")[STATE] == "inactive", 20, "a calm rule")
        terminal.read_for(1.0)
        began, seen = time.monotonic(), len(terminal.output)
        pusher.level = 80.0
        terminal.until_writes(b"stepped to", seen)
        # A push comes at the next second of the pusher, the rules are looked at when that second ends.
        assert time.monotonic() - began < 3.5
        # The list of events may have said it first.
        terminal.until(lambda: "stepped to" in terminal.screen()[0], 5, "the banner")
        pusher.level = 0.0
        until(lambda: KEY not in alerts(running.where), 10, "the end")
        wftop("alerts", "silence", "level")
        terminal.read_for(1.0)
        seen = len(terminal.output)
        pusher.level = 90.0
        until(lambda: KEY in alerts(running.where), 10, "the alert")
        terminal.read_for(2.0)
        assert b"stepped to 90" not in terminal.output[seen:]
        terminal.send("q")
        assert terminal.until_gone() == 0
        assert running.stop() == 0
