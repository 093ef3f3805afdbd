"""kill -9 at any moment: at most two seconds are gone, and the next start needs no cleaning."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import msgspec
import pytest

from tests.harness import ROOT, Running, View, environment, events, stored
from tests.recording import BYTES, CPU, START_S
from tests.stored import recorded
from wftui.paths import places
from wftui.store import archive, manifest, retention, segments

HOURS = 6
CAPS = msgspec.json.encode(retention.Caps(min_free_bytes=0)).decode()


@pytest.mark.quiet
@pytest.mark.parametrize("rounds", [10, pytest.param(200, marks=pytest.mark.slow)])
def test_killed_again_and_again(rounds: int) -> None:
    dice = random.Random(7)  # noqa: S311  when to kill, the same each run
    where = places()
    slowest_s = 0.0
    most_missing = 0
    for number in range(rounds):
        with Running() as running:
            running.ready()
            slowest_s = max(slowest_s, time.monotonic() - running.started)
            before = stored(where)
            with View(where) as view:
                seen = view.tick().seq
                deadline = time.monotonic() + dice.uniform(0, 1.3 if number % 4 else 0.05)
                while time.monotonic() < deadline:
                    seen = view.tick().seq
                running.signal(signal.SIGKILL)
                assert running.ended() == -signal.SIGKILL
        after = stored(where)
        assert after[: len(before)] == before, "what was committed stays"
        last = after[-1] if after else 0  # the very first second may end with its process
        assert after == list(range(1, last + 1)), "no hole: the numbers go on where they ended"
        most_missing = max(most_missing, seen - last)
        assert seen - last <= 2
    print(f"{rounds} kills: slowest start {slowest_s:.2f} s, at most {most_missing} ticks missing")  # noqa: T201  the figure, shown by pytest -s
    assert slowest_s < 2.0
    assert len(events(where, "recorder.unclean")) == rounds - 1, "each later start says so"
    with Running() as running:
        running.ready()
        assert running.status().store.state == "ok"
        assert running.stop() == 0
    assert len(events(where, "recorder.stopped")) == 1
    assert not list(where.data_dir.glob("*damaged*"))


@pytest.mark.parametrize(
    "rounds",
    [
        pytest.param(10, marks=pytest.mark.timeout(240)),  # 28 s beside other work, twice that beside tests
        pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(1800)]),
    ],
)
def test_recorder_and_sealer_killed_at_once(rounds: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six hours wait to be sealed: whatever is done, each tick is there once; the next seal tidies up."""
    template, folder = tmp_path / "template", tmp_path / "folder"
    with recorded(template) as item:
        item.many([CPU, BYTES], ([n % 100 / 100, 1000.0 * n] for n in count()), HOURS * 3600)
    monkeypatch.setenv("WFTOP_DATA_DIR", str(folder))
    dice = random.Random(9)  # noqa: S311  when to kill, the same each run
    half, most_missing = 0, 0
    line = [sys.executable, "-m", "wftui.store.sealer", str(folder), f"--caps={CAPS}"]
    for number in range(rounds):
        shutil.copytree(template, folder)
        with (
            Running() as running,
            subprocess.Popen(line, env=environment(), cwd=ROOT, stdout=subprocess.DEVNULL) as sealer,
            View(running.ready().where) as view,
        ):
            seen = view.tick().seq
            deadline = time.monotonic() + dice.uniform(0, 1.2)
            while number % 3 and time.monotonic() < deadline:
                seen = max(seen, view.tick().seq)
            sealer.kill()
            if number % 2:
                sealer.wait()  # else both at once
            running.signal(signal.SIGKILL)
            assert running.ended() == -signal.SIGKILL
        half += 0 < manifest.load(folder).sealed_seq < HOURS * 3600 or bool(
            segments.leftovers(folder, manifest.load(folder))
        )
        with archive.open_archive(folder) as reader:
            found = [tick.seq for tick in reader.sequence(1, seen + 10)]
            assert reader.damaged == 0
        assert found == list(range(1, len(found) + 1)), "each tick once"
        most_missing = max(most_missing, seen - len(found))
        assert seen - len(found) <= 2
        again = subprocess.run(line, env=environment(), cwd=ROOT, capture_output=True, check=False)
        assert again.returncode == 0, again.stderr
        after = manifest.load(folder)
        assert segments.leftovers(folder, after) == []
        last = HOURS * 3600 if len(found) > HOURS * 3600 else HOURS * 3600 - (START_S + HOURS * 3600) % 3600
        assert after.sealed_seq == last, "all complete hours"
        with archive.open_archive(folder) as reader:
            assert [tick.seq for tick in reader.sequence(1, seen + 10)] == found
        assert not list(folder.glob("*damaged*"))
        shutil.rmtree(folder)
    print(f"\n{rounds} kills, {half} in the middle of a seal, at most {most_missing} ticks missing")  # noqa: T201  the figures, shown by pytest -s
