"""A data folder that cannot be used: the recorder lives, says why, and answers from memory."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.harness import View, recorder
from wftui.client.queries import Connection
from wftui.clock import NS_PER_S
from wftui.wire import messages as m


def _answers(connection: Connection) -> None:
    """Range, At, Events and Tables have their full meaning without a file."""
    now = time.time_ns()
    ask = m.Range(["system.memory.usage"], now - 60 * NS_PER_S, now, 60)
    ranged = connection.ask(ask, m.RangeReply)
    assert ranged.series
    assert sum(ranged.counts) >= 2
    second = next(place for place in range(59, -1, -1) if ranged.counts[place])
    at = connection.ask(m.At(ranged.start_ns + second * ranged.step_ns), m.AtReply)
    assert at.tick is not None
    assert at.layout is not None
    found = connection.ask(m.Events(), m.EventsReply)
    assert [item.seq for item in found.events] == list(range(1, len(found.events) + 1))
    assert found.events[0].type == "recorder.started"
    assert connection.ask(m.Tables("processes", now - 60 * NS_PER_S, now), m.TablesReply).changes


@pytest.mark.parametrize("case", ["under a file", "is a file", "asked for"])
def test_it_lives_in_memory_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("not a folder")
    folder = {"under a file": blocker / "data", "is a file": blocker, "asked for": tmp_path / "data" / "wftop"}[
        case
    ]
    monkeypatch.setenv("WFTOP_DATA_DIR", str(folder))
    if case == "asked for":
        monkeypatch.setenv("WFTOP_STORE_MEMORY_ONLY", "true")
    with recorder() as running:
        reply = running.ticks(4)
        assert reply.store.state == "denied"
        assert "memory only" in reply.store.reason
        assert reply.store.fix
        with running.ask() as connection:
            _answers(connection)
        with View(running.where) as view:
            view.tick()
        assert running.stop() == 0
        assert running.errors() == ""
    assert blocker.read_text() == "not a folder"
    if case == "asked for":
        assert not list(folder.glob("*")), "nothing was written"


def _read_only(folder: Path) -> bool:
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro,size=1m,mode=0700", "none", str(folder)],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a read-only file system needs root")
def test_a_read_only_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "ro"
    folder.mkdir(mode=0o700)
    if not _read_only(folder):
        pytest.skip("mount of a tmpfs was refused here")
    monkeypatch.setenv("WFTOP_DATA_DIR", str(folder))
    try:
        with recorder() as running:
            assert running.ticks(2).store.state == "denied"
            assert running.stop() == 0
    finally:
        subprocess.run(["umount", str(folder)], check=True)
