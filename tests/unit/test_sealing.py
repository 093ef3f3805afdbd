"""When the sealer is run, and what becomes of what it says: against children that seal, fail, hang and babble."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from wftui.recorder import errand as module
from wftui.recorder.sealing import AFTER_HOUR_S, FIRST_S, LATER_S, RETRY_S, Sealing, sealer
from wftui.store.retention import Caps

HOUR_S = 3600
NOW_S = 500_000 * HOUR_S + 1800
SAID = {"sealed_seq": 7200, "segments": 9, "segments_bytes": 5000, "total_bytes": 9000}
FINE = f"print('{json.dumps(SAID)}')"
BUSY = """print('{"busy":true}')"""
FAIL = """import sys; print('{"sealed_seq": 3600}'); sys.stderr.write("wftop: no room\\n"); sys.exit(5)"""


class FakeKeeper:
    """What sealing needs of the journal's keeper."""

    def __init__(self) -> None:
        self.sealed_seq = 0
        self.segments_bytes: int | None = None
        self.manifest_lost = False
        self.in_memory = False
        self.writes = True
        self.oldest_s: int | None = None
        self.asked = 0

    def oldest_unsealed(self, tell: Callable[[int | None], object]) -> None:
        self.asked += 1
        tell(self.oldest_s)


class Bench:
    """A sealing with a clock of seconds."""

    def __init__(self, folder: Path, script: str, time_s: int = NOW_S) -> None:
        self.notes = folder / "runs"
        self.keeper = FakeKeeper()
        self.events: list[tuple[str, dict[str, object]]] = []
        self.time_s = time_s
        self.elapsed_s = 1_000
        self.sealing = Sealing(["", "", ""], self.keeper, self._emit)
        self.play(script)

    def play(self, script: str) -> None:
        """What the next children do."""
        code = f"open({str(self.notes)!r}, 'a').write('x')\n{script}"
        self.sealing._command = [sys.executable, "-S", "-c", code]

    def _emit(self, kind: str, about: tuple[str, str], payload: dict[str, object]) -> None:
        assert about == ("store", "segments")
        self.events.append((kind, payload))

    @property
    def runs(self) -> int:
        return self.notes.stat().st_size if self.notes.exists() else 0

    async def seconds(self, count: float, *, time_s: int | None = None) -> None:
        """Let recorded seconds pass; a child that they start ends before they go on."""
        for _ in range(int(count)):
            self.time_s = self.time_s + 1 if time_s is None else time_s
            time_s = None
            self.elapsed_s += 1
            self.sealing.second_ended(self.time_s, self.elapsed_s * 10**9)
            await asyncio.sleep(0)
            if self.sealing.pid is not None:
                await self.idle()

    async def idle(self) -> None:
        """Wait until no child runs."""
        deadline = time.monotonic() + 20
        while self.sealing.pid is not None:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.005)

    async def to_next_hour(self) -> None:
        """The first tick of the next hour is closed."""
        await self.seconds(1, time_s=(self.time_s // HOUR_S + 1) * HOUR_S)


async def test_past_hours_are_sealed_soon_after_the_start(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FINE)
    bench.keeper.oldest_s = NOW_S - HOUR_S
    await bench.seconds(FIRST_S)
    assert (bench.keeper.asked, bench.runs) == (0, 0)
    await bench.seconds(2)
    assert (bench.keeper.asked, bench.runs) == (1, 1)
    assert (bench.keeper.sealed_seq, bench.keeper.segments_bytes) == (7200, 5000)
    assert bench.sealing.cpu_s > 0
    assert bench.sealing.peak_bytes > 1_000_000
    assert bench.sealing.duration_s is not None
    assert bench.sealing.duration_s > 0
    assert bench.events == []
    await bench.seconds(600)
    assert bench.runs == 1


@pytest.mark.parametrize("oldest_s", [None, NOW_S - 1700], ids=["none", "this hour"])
async def test_nothing_waits_at_the_start(tmp_path: Path, oldest_s: int | None) -> None:
    bench = Bench(tmp_path, FINE)
    bench.keeper.oldest_s = oldest_s
    await bench.seconds(600)
    assert (bench.keeper.asked, bench.runs) == (1, 0)


async def test_a_lost_manifest_is_made_anew_soon(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FINE)
    bench.keeper.manifest_lost = True
    await bench.seconds(FIRST_S + 2)
    assert (bench.runs, bench.keeper.manifest_lost) == (1, False)


async def test_each_hour_of_the_ticks_is_sealed_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FINE)
    await bench.seconds(100)
    for number in range(3):
        await bench.to_next_hour()
        await bench.seconds(AFTER_HOUR_S - 1)
        assert bench.runs == number
        await bench.seconds(100)
        assert bench.runs == number + 1


async def test_a_step_of_the_wall_clock_ends_an_hour_too(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FINE)
    await bench.seconds(100)
    await bench.seconds(1, time_s=NOW_S - HOUR_S)
    await bench.seconds(AFTER_HOUR_S)
    assert bench.runs == 1
    await bench.seconds(1, time_s=0)
    await bench.seconds(1, time_s=4_294_967_000)
    await bench.seconds(AFTER_HOUR_S * 3)
    assert bench.runs == 2, "two steps within a minute are one seal"


async def test_failures_are_told_once_and_tried_again_ever_later(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FAIL)
    await bench.seconds(100)
    await bench.to_next_hour()
    await bench.seconds(AFTER_HOUR_S)
    assert bench.runs == 1
    for number, wait_s in enumerate((*RETRY_S, RETRY_S[-1]), 2):
        await bench.seconds(wait_s - 1)
        assert bench.runs == number - 1
        await bench.seconds(1)
        assert bench.runs == number
    assert bench.events == [("store.seal_failed", {"reason": "no room"})]
    assert bench.keeper.sealed_seq == 3600, "what it did counts"
    bench.play(FINE)
    await bench.seconds(RETRY_S[-1])
    assert (bench.runs, bench.keeper.sealed_seq) == (6, 7200)
    await bench.seconds(400)
    assert bench.runs == 6
    bench.play(FAIL)
    await bench.to_next_hour()
    await bench.seconds(AFTER_HOUR_S)
    assert len(bench.events) == 2, "another episode"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("import os; os.kill(os.getpid(), 9)", "ended by signal 9"),
        ("raise SystemExit(3)", "ended with code 3"),
        ("print('{oh'); 1 / 0", "ZeroDivisionError: division by zero"),
        ("import os; os.write(2, b'\\xff' * 300_000); os._exit(1)", "\ufffd" * 65_536),
    ],
    ids=["killed", "code", "bug", "babble"],
)
async def test_whatever_a_child_does(tmp_path: Path, script: str, reason: str) -> None:
    bench = Bench(tmp_path, script)
    bench.keeper.oldest_s = 0
    await bench.seconds(FIRST_S + 2)
    assert bench.events == [("store.seal_failed", {"reason": reason})]
    assert bench.keeper.sealed_seq == 0


async def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FINE)
    bench.sealing._command = [str(tmp_path / "missing")]
    bench.keeper.oldest_s = 0
    await bench.seconds(FIRST_S + 2)
    assert bench.events == [("store.seal_failed", {"reason": "cannot be started: No such file or directory"})]


async def test_segments_that_another_process_has_are_no_failure(tmp_path: Path) -> None:
    bench = Bench(tmp_path, BUSY)
    bench.keeper.oldest_s = 0
    await bench.seconds(FIRST_S + 2)
    assert (bench.runs, bench.events, bench.keeper.segments_bytes) == (1, [], None)
    bench.play(FINE)
    await bench.seconds(LATER_S)
    assert (bench.runs, bench.keeper.sealed_seq) == (2, 7200)


async def test_segments_that_another_process_keeps_are_one(tmp_path: Path) -> None:
    bench = Bench(tmp_path, BUSY, NOW_S - 1800)
    bench.keeper.oldest_s = 0
    await bench.seconds(FIRST_S + 1 + 20 * LATER_S)
    assert bench.events == [
        ("store.seal_failed", {"reason": "another process has held the segments for 15 minutes"})
    ]
    bench.play(FINE)
    await bench.seconds(RETRY_S[-1])
    assert bench.keeper.sealed_seq == 7200


async def test_a_damaged_manifest_is_an_event(tmp_path: Path) -> None:
    said = json.dumps(SAID | {"aside": 1, "errors": ["manifest.json: damaged", "merge: no"]})
    bench = Bench(tmp_path, f"print({said!r})")
    bench.keeper.oldest_s = 0
    await bench.seconds(FIRST_S + 2)
    assert bench.events == [("store.damaged", {"reason": "manifest.json: damaged"})]
    assert bench.keeper.sealed_seq == 7200


async def test_a_damaged_segment_is_an_event(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path, f"print({json.dumps(SAID | {'segments_aside': ['raw/a.parquet'], 'errors': ['no']})!r})"
    )
    bench.keeper.oldest_s = 0
    await bench.seconds(FIRST_S + 2)
    assert bench.events == [("store.segment_damaged", {"file": "raw/a.parquet"})]
    assert bench.sealing.damaged == 1


async def test_nothing_is_sealed_while_the_journal_cannot_be_written(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FINE)
    bench.keeper.oldest_s = 0
    bench.keeper.writes = False
    await bench.seconds(600)
    assert bench.runs == 0
    bench.keeper.writes = True
    await bench.seconds(LATER_S)
    assert bench.runs == 1


async def test_nothing_is_sealed_in_memory(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FINE)
    bench.keeper.oldest_s = 0
    bench.keeper.in_memory = True
    await bench.seconds(100)
    await bench.to_next_hour()
    await bench.seconds(100)
    assert (bench.runs, bench.keeper.asked) == (0, 0)


@pytest.mark.parametrize("stubborn", [False, True])
async def test_a_child_that_hangs_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stubborn: bool
) -> None:
    monkeypatch.setattr(module, "DEADLINE_S", 0.3)
    monkeypatch.setattr(module, "GRACE_S", 0.3)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" if stubborn else ""
    bench = Bench(tmp_path, f"{deaf}import time; time.sleep(60)")
    bench.keeper.oldest_s = 0
    await bench.seconds(FIRST_S + 2)
    assert bench.events == [("store.seal_failed", {"reason": f"ended by signal {9 if stubborn else 15}"})]


async def test_one_at_a_time(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    bench = Bench(tmp_path, f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)\n{FINE}")
    bench.keeper.oldest_s = 0
    for _ in range(HOUR_S * 2):
        bench.time_s += 1
        bench.elapsed_s += 1
        bench.sealing.second_ended(bench.time_s, bench.elapsed_s * 10**9)
    await asyncio.sleep(0.3)
    assert bench.runs == 1
    gate.touch()
    await bench.idle()
    await bench.seconds(1)
    assert bench.runs == 2, "the hour that ended meanwhile"
    await bench.seconds(300)
    assert bench.runs == 2


async def test_close_ends_the_child_and_starts_none(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "import time; time.sleep(60)")
    bench.keeper.oldest_s = 0
    for _ in range(int(FIRST_S) + 2):
        bench.time_s += 1
        bench.elapsed_s += 1
        bench.sealing.second_ended(bench.time_s, bench.elapsed_s * 10**9)
        await asyncio.sleep(0)
    pid = bench.sealing.pid
    assert pid is not None
    began = time.monotonic()
    await bench.sealing.close()
    assert time.monotonic() - began < 1
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert bench.events == []
    await bench.seconds(100)
    await bench.sealing.close()
    assert bench.sealing.pid is None


def test_the_command_carries_the_caps(tmp_path: Path) -> None:
    command = sealer(tmp_path, Caps(raw_s=7))
    assert command[:4] == [sys.executable, "-m", "wftui.store.sealer", str(tmp_path)]
    assert json.loads(command[4].removeprefix("--caps="))["raw_s"] == 7
