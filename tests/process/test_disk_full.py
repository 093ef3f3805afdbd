"""A full disk: the recorder and its views live, it is told once, and it writes again when there is room."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import msgspec
import pytest

from tests.harness import ROOT, View, environment, events, recorder, stored, until
from tests.recording import BYTES, CPU, START_S, S
from tests.stored import recorded
from wftui.store import archive, manifest, retention, seal, segments


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    folder = tmp_path / "small"
    folder.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m,mode=0700", "none", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mount of a tmpfs was refused here")
    monkeypatch.setenv("WFTOP_DATA_DIR", str(folder))
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        with suppress(OSError):
            while True:
                os.write(descriptor, bytes(4096))
    finally:
        os.close(descriptor)


def test_a_disk_that_fills_up_and_empties(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    with recorder(env={"WFTOP_STORE_MIN_FREE_BYTES": "0"}) as running, View(running.where) as view:
        running.ticks(2)
        fill(ballast)
        until(lambda: running.status().store.state == "failed", 30, "the full disk")
        failed = running.status()
        assert "held in memory" in failed.store.reason
        assert failed.store.fix
        # The feed goes on without a hole; its first tick may come twice, the open second is shown early.
        seqs = [view.tick().seq for _ in range(4)]
        assert sorted(set(seqs)) == list(range(seqs[0], seqs[-1] + 1)), "views live on"
        assert seqs[-1] >= 3
        last = seqs[-1]
        ballast.unlink()
        freed = time.monotonic()
        until(lambda: running.status().store.state == "ok", 30, "writing again")
        print(f"wrote again {time.monotonic() - freed:.1f} s after space came back")  # noqa: T201  the figure, shown by pytest -s
        assert running.stop() == 0
    seqs = stored(running.where)
    assert seqs == list(range(1, seqs[-1] + 1)), "nothing was lost"
    assert seqs[-1] > last
    assert len(events(running.where, "store.failed")) == 1
    assert len(events(running.where, "store.resumed")) == 1


@pytest.mark.parametrize("full_s", [4, pytest.param(600, marks=pytest.mark.slow)])
def test_a_recording_with_segments_on_a_full_disk(small_disk: Path, full_s: int) -> None:
    """What would not fit is held in memory, all of it; the sealer fails, leaves nothing, and works again."""
    env = {"WFTOP_STORE_MIN_FREE_BYTES": "0"}
    with recorded(small_disk) as item:
        item.many([CPU, BYTES], ([0.25, 1000.0 * n] for n in count()), 9000)
    seal.run(small_disk, START_S * S)
    known = manifest.load(small_disk)
    ballast = small_disk / "ballast"
    with recorder(env=env) as running, View(running.where) as view:
        running.ticks(2)
        before = running.status()
        fill(ballast)
        until(lambda: running.status().store.state == "failed", 30, "the full disk")
        filled = time.monotonic()
        assert seals(small_disk) != 0, "there is no room for a segment"
        assert manifest.load(small_disk) == known
        assert segments.leftovers(small_disk, known) == []
        seqs = [view.tick().seq]
        while time.monotonic() < filled + full_s:
            seqs.append(view.tick().seq)
        assert sorted(set(seqs)) == list(range(seqs[0], seqs[-1] + 1)), "views live on"
        held = running.status()
        ballast.unlink()
        freed = time.monotonic()
        until(lambda: running.status().store.state == "ok", 30, "writing again")
        resumed_s = time.monotonic() - freed
        until(lambda: stored(running.where)[-1] >= seqs[-1], 10, "what was held")
        assert held.memory_bytes is not None
        assert before.memory_bytes is not None
        grown = held.memory_bytes - before.memory_bytes
        said = f"full for {freed - filled:.0f} s, {len(set(seqs))} ticks held, wrote again after {resumed_s:.1f} s"
        print(f"\n{said}; RSS grew by {grown / 1e6:.1f} MB")  # noqa: T201  the figures, shown by pytest -s
        assert grown < 64_000_000
        assert seals(small_disk) == 0
        assert running.stop() == 0
    assert len(events(running.where, "store.failed")) == 1
    assert len(events(running.where, "store.resumed")) == 1
    with archive.open_archive(small_disk) as reader:
        found = [tick.seq for tick in reader.sequence(1, seqs[-1])]
        assert reader.damaged == 0
    assert found == list(range(1, seqs[-1] + 1)), "no hole, nothing twice"
    after = manifest.load(small_disk)
    assert after.sealed_seq > known.sealed_seq
    assert segments.leftovers(small_disk, after) == []


def seals(folder: Path) -> int:
    """Exit code of a sealer."""
    caps = msgspec.json.encode(retention.Caps(min_free_bytes=0)).decode()
    line = [sys.executable, "-m", "wftui.store.sealer", str(folder), f"--caps={caps}"]
    return subprocess.run(line, env=environment(), cwd=ROOT, capture_output=True, check=False).returncode


@pytest.mark.parametrize("before", [True, False], ids=["a recording is there", "nothing is there"])
def test_a_disk_that_is_full_at_the_start(small_disk: Path, before: bool) -> None:
    env = {"WFTOP_STORE_MIN_FREE_BYTES": "0"}
    known: list[int] = []
    if before:
        with recorder(env=env) as running:
            running.ticks(3)
            assert running.stop() == 0
            known = stored(running.where)
    ballast = small_disk / "ballast"
    fill(ballast)
    with recorder(env=env) as running, View(running.where) as view:
        assert running.status().store.state == "failed"
        assert "full" in running.status().store.reason or "No space" in running.status().store.reason
        first = view.tick().seq
        assert first >= len(known) + 1, "the numbers go on"
        running.ticks(4)
        ballast.unlink()
        until(lambda: running.status().store.state == "ok", 30, "writing")
        assert running.stop() == 0
    seqs = stored(running.where)
    assert seqs == list(range(1, seqs[-1] + 1)), "nothing was lost"
    assert len(seqs) >= len(known) + 4
    assert len(events(running.where, "store.failed")) == 1
    assert len(events(running.where, "store.resumed")) == 1
