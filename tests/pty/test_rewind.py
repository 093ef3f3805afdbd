"""Rewinding in a real terminal, over a real recorder: old numbers, a gap, a file, and back to live."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.pty.terminal import WFTOP, Terminal
from wftui import paths
from wftui.client.queries import Connection
from wftui.model.tick import unpack
from wftui.render import text
from wftui.wire import messages as wire

pytestmark = pytest.mark.pty
LEFT, RIGHT = "\x1b[D", "\x1b[C"
_REPLAY = re.compile(r"REPLAY [0-9]{4}-[0-9]{2}-[0-9]{2} ([0-9:]{8})")


def replay(terminal: Terminal) -> str:
    """The clock time that the top line shows; empty when it is live."""
    found = _REPLAY.search(terminal.screen()[0])
    return found[1] if found else ""


@contextmanager
def recording(ticks: int) -> Iterator[subprocess.Popen[bytes]]:
    """A recorder that has some ticks; ended at the end, if it still runs."""
    quiet = subprocess.DEVNULL
    recorder = subprocess.Popen([*WFTOP, "record"], stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        end = time.monotonic() + 30
        found = None
        while found is None or int(found[1]) < ticks:
            assert time.monotonic() < end, "no recorder came up"
            time.sleep(0.2)
            said = subprocess.run(
                [*WFTOP, "record", "--status"], capture_output=True, text=True, check=False, timeout=20
            )
            found = re.search(r"([0-9]+) ticks", said.stdout)
        yield recorder
    finally:
        recorder.terminate()
        recorder.wait(20)


def told(moment_s: int) -> wire.AtReply:
    """What the recorder says about one second."""
    with Connection(str(paths.places(None, None).socket)) as connection:
        return connection.ask(wire.At(moment_s * 1_000_000_000), wire.AtReply)


def memory_of(reply: wire.AtReply) -> str:
    """Used memory in one tick, as the panel writes it."""
    assert reply.tick is not None
    assert reply.layout is not None
    texts = [column.series.text for column in reply.layout.columns]
    return text.size(unpack(reply.tick.values)[texts.index('system.memory.usage{mode="used"}')]).strip()


def test_leave_live_step_back_over_a_gap_and_return(tmp_path: Path) -> None:
    errors = tmp_path / "stderr"
    with recording(4) as first:
        first.kill()
    killed_s = int(time.time())
    time.sleep(4.0)
    with recording(3), Terminal(size=(120, 40), errors=errors) as terminal:
        terminal.live()
        terminal.until_shows("press b to see its last minute")
        terminal.send(" ")
        terminal.until(lambda: replay(terminal) != "", what="the past")
        terminal.until_shows("╭╌ cpu")
        began = replay(terminal)
        time.sleep(1.2)
        assert replay(terminal) == began, "paused, it goes on by itself"
        # Back over the gap: each step is a second that the recorder knows, and shows its numbers.
        seen = [began]
        for _ in range(12):
            terminal.send(LEFT)
            terminal.until(lambda: replay(terminal) != seen[-1], seconds=3.0, what=f"a step from {seen[-1]}")
            seen.append(replay(terminal))
            if seen[-1] < text.clock(killed_s - 1):
                break
        assert seen == sorted(seen, reverse=True)
        assert seen[-1] <= text.clock(killed_s), seen
        moment_s = next(s for s in range(killed_s - 30, killed_s + 30) if text.clock(s) == seen[-1])
        terminal.until_shows(memory_of(told(moment_s)))
        # Into the gap.
        terminal.send(f"@{killed_s + 2}\r")
        terminal.until_shows("nothing was recorded at this moment")
        terminal.until_shows("gap ")
        terminal.send(RIGHT)
        terminal.until(lambda: replay(terminal) > text.clock(killed_s + 2), what="the first tick after the gap")
        # What is in view, as a file.
        target = tmp_path / "view.csv"
        terminal.send("X")
        terminal.until_shows("wftop export --since")
        terminal.send(b"\x15" + str(target).encode() + b"\r")
        terminal.until(lambda: target.exists() and target.stat().st_size > 0, what="the exported file")
        terminal.until_shows(" rows of ")
        assert target.read_text().count("\n") > 5
        # A mark, and back.
        terminal.send("mspike\r")
        terminal.until_shows("mark set at")
        terminal.send("`")
        terminal.live()
        terminal.until_shows("╭─ cpu")
        terminal.send("q")
        assert terminal.until_gone() == 0
        terminal.assert_restored()
    assert errors.read_text() == ""
