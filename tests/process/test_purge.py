"""`wftop purge` beside a recorder that goes on: gone from all files, and what follows is whole."""

from __future__ import annotations

import os
import pty
import random
import subprocess
import time
from pathlib import Path

import pytest

from tests.harness import ROOT, Running, command, environment, events, recorder, stored
from tests.unit.test_purge import SECONDS, fill
from wftui.clock import NS_PER_S
from wftui.model.tick import unpack
from wftui.paths import places
from wftui.store import manifest, read, segments
from wftui.wire import messages as m

CANARY = "quux9canary"


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A program with a name that stands nowhere else."""
    path = tmp_path / CANARY
    path.write_text("#!/bin/sh\nexec -a " + CANARY + " sleep 60\n")
    path.chmod(0o700)
    return path


def wftop(*arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.CompletedProcess[str]:
    words = command("purge", *arguments)
    return subprocess.run(
        words, env=environment(), cwd=ROOT, stdin=stdin, capture_output=True, text=True, timeout=60, check=False
    )


def holds(folder: Path, what: str) -> bool:
    """Whether a file of the data dir has these bytes."""
    return any(what.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def newest(running: Running) -> dict[str, float]:
    """Series and values of a tick that was just closed, as a view asks for them."""
    with running.ask() as connection:
        reply = connection.ask(m.At(time.time_ns() - 2 * NS_PER_S), m.AtReply)
    assert reply.tick is not None
    assert reply.layout is not None
    values = unpack(reply.tick.values)
    return {item.series.text: value for item, value in zip(reply.layout.columns, values, strict=True)}


def test_a_series_while_it_is_recorded() -> None:
    with recorder() as running:
        running.ticks(4)
        assert "system.uptime" in newest(running)
        done = wftop("-m", "system.uptime", "-m", "system.memory.*", "--yes")
        assert (done.returncode, done.stderr) == (0, "")
        assert "deleted: " in done.stdout
        ticks = running.status().ticks
        running.ticks(ticks + 4)
        after = newest(running)
        assert after["system.uptime"] > 0, "it goes on being recorded"
        assert 0 <= after["system.memory.utilization"] <= 1
        assert 0 <= after["system.cpu.utilization"] <= 1
        with running.ask() as connection:
            since = time.time_ns() - 60 * NS_PER_S
            reply = connection.ask(m.Range(["system.uptime"], since, time.time_ns(), 100), m.RangeReply)
            known = sum(value == value for value in unpack(reply.series[0].mean))
        assert 3 <= known <= running.status().ticks - 4, "its past is gone"
        assert running.stop() == 0
        assert running.errors() == ""
        seqs = stored(running.where)
        assert seqs == list(range(1, len(seqs) + 1)), "no tick was lost or damaged"
        (told,) = events(running.where, "store.purged")
        assert told["patterns"] == 2


def test_everything_while_a_process_of_that_name_has_ended(canary: Path) -> None:
    with recorder() as running:
        with subprocess.Popen(["bash", canary]) as process:
            running.ticks(7)
            process.terminate()
        where = running.where
        assert holds(where.data_dir, CANARY)
        seen = running.status().ticks
        running.ticks(seen + 5)  # a scan without it
        done = wftop("--yes")
        assert (done.returncode, done.stderr) == (0, "")
        assert not holds(where.data_dir, CANARY)
        seen = running.status().ticks
        running.ticks(seen + 4)
        assert newest(running)["system.cpu.utilization"] >= 0
        with running.ask() as connection:
            tables = connection.ask(m.At(time.time_ns() - 2 * NS_PER_S), m.AtReply).tables
        assert tables, "the next scan after a purge is stored whole"
        assert running.stop() == 0
        assert running.errors() == ""
    assert not holds(where.data_dir, CANARY)
    assert len(stored(where)) <= 10
    assert len(events(where, "store.purged")) == 1


def test_without_a_recorder_it_asks() -> None:
    with recorder() as running:
        running.ticks(3)
        assert running.stop() == 0
        where = running.where
    done = wftop()
    assert done.returncode == 2
    assert "--yes" in done.stderr
    ours, theirs = pty.openpty()
    try:
        os.write(ours, b"no\n")
        done = wftop(stdin=theirs)
        assert done.returncode == 0
        assert "nothing was deleted" in done.stdout
        assert stored(where)
        os.write(ours, b"y\n")
        assert wftop(stdin=theirs).returncode == 0
    finally:
        os.close(ours)
        os.close(theirs)
    assert stored(where) == []
    assert wftop("--yes", "--before", "never").returncode == 2


def test_killed_at_any_moment_it_can_be_done_again() -> None:
    folder = places().data_dir
    fill(folder)
    chance = random.Random(5)  # noqa: S311  moments, no secrets
    began = time.monotonic()
    assert wftop("--before", "2000-01-01", "--yes").returncode == 7
    start_s = time.monotonic() - began
    for pattern in ("system.filesystem.*", "system.disk.*"):
        for _ in range(4):
            words = command("purge", "-m", pattern, "--yes")
            with subprocess.Popen(words, env=environment(), cwd=ROOT, stdout=subprocess.DEVNULL) as process:
                time.sleep(start_s * 0.9 + chance.random() * 0.6)
                process.kill()
            made = manifest.load(folder)
            assert [found for item in made.segments if (found := segments.verify(folder, item))] == []
            with read.open_reader(folder) as reader:
                assert sum(1 for _ in reader.ticks(0, 2**40)) == SECONDS
                assert reader.damaged == 0
        done = wftop("-m", pattern, "--yes")
        assert done.returncode in (0, 7), done.stderr
    assert segments.leftovers(folder, manifest.load(folder)) == []
    assert {item.series for item in manifest.load(folder).columns} == {"system.cpu.utilization"}
    with read.open_reader(folder) as reader:
        assert [item.series.text for item in reader.columns()] == ["system.cpu.utilization"]
