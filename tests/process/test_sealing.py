"""The sealer as a process: killed, refused, out of room; and a real recorder that runs it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from array import array
from itertools import islice
from pathlib import Path

import pytest

from tests import recording
from tests.harness import ROOT, Running, environment, events, stored, until
from tests.recording import Recording, realistic
from wftui.clock import NS_PER_S
from wftui.model.tick import Layout, Tick, pack
from wftui.paths import places
from wftui.store import derived, journal, manifest, merge, retention, sealer, segments
from wftui.store.duck import connect
from wftui.store.manifest import FOLDER, NAME, RAW, Manifest
from wftui.store.outcome import Report
from wftui.store.retention import Caps
from wftui.store.sql import text

HOUR_S = 3600


def fill(folder: Path, hours: float, width: int = 8, until_s: int | None = None) -> int:
    """A journal of so many hours; the number of its ticks."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    count = int(hours * HOUR_S)
    columns, rows = realistic(width)
    with pytest.MonkeyPatch.context() as patch:
        if until_s is not None:
            patch.setattr(recording, "START_S", until_s - count)
        with Recording(folder) as made:
            made.many(columns, rows, count)
    return count


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """The sealer, as a recorder starts it."""
    return subprocess.Popen(
        [sys.executable, "-m", "wftui.store.sealer", str(folder), *arguments],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def run(folder: Path, *arguments: str) -> tuple[int, Report, str]:
    """Exit code, report and stderr of a sealer that ends by itself."""
    process = start(folder, *arguments)
    out, errors = process.communicate(timeout=50)
    return process.returncode, _report(out), errors


def _report(out: str) -> Report:
    (line,) = out.splitlines()
    found = json.loads(line)
    return Report(**found | {"errors": tuple(found.get("errors", ()))})


def check(folder: Path) -> Manifest:
    """Every tick up to the sealed one is in exactly one raw segment of each group; nothing else lies about."""
    found = manifest.load(folder)
    root = folder / FOLDER
    named = {item.file for item in found.segments}
    there = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert there == named | {NAME, "seal.lock"}
    assert all(segments.checks(root / item.file).sha256 == item.sha256 for item in found.segments)
    raw = found.of(RAW)
    assert raw
    connection = connect([root])
    try:
        for group in {item.group for item in raw}:
            files = ", ".join(text(str(root / item.file)) for item in raw if item.group == group)
            sql = f"SELECT count(*), count(DISTINCT seq), min(seq), max(seq) FROM read_parquet([{files}])"  # noqa: S608  files of this test
            assert connection.execute(sql).fetchone() == (found.sealed_seq, found.sealed_seq, 1, found.sealed_seq)
    finally:
        connection.close()
    return found


def test_complete_hours_are_sealed_and_the_open_one_on_demand(tmp_path: Path) -> None:
    count = fill(tmp_path, 2.5)
    code, report, errors = run(tmp_path)
    assert (code, errors, report.errors) == (0, "", ())
    assert 0 < report.sealed_seq < count
    assert (report.busy, report.removed, report.damaged) == (False, 0, 0)
    assert report.written_bytes > 0
    assert report.segments == len(check(tmp_path).segments)
    assert report.total_bytes > report.segments_bytes > sum(item.size for item in manifest.load(tmp_path).segments)
    assert 0 < report.cpu_s < 20
    assert 20_000_000 < report.peak_rss_bytes < 250_000_000
    code, again, _ = run(tmp_path)
    assert (code, again.sealed_seq, again.written_bytes) == (0, report.sealed_seq, 0)
    code, whole, _ = run(tmp_path, "--all")
    assert (code, whole.sealed_seq) == (0, count)
    check(tmp_path)


def test_it_is_the_last_in_every_queue(tmp_path: Path) -> None:
    fill(tmp_path, 2.5)
    process = start(tmp_path)

    def niced() -> bool:
        assert process.poll() is None, "it ended before it was seen"
        return os.getpriority(os.PRIO_PROCESS, process.pid) == 19

    until(niced, what="the nice value")
    if hasattr(os, "SCHED_BATCH"):
        until(lambda: os.sched_getscheduler(process.pid) == os.SCHED_BATCH, 5, "SCHED_BATCH")
    process.communicate(timeout=50)
    assert process.returncode == 0


@pytest.mark.parametrize("rounds", [12, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_killed_at_any_moment_it_leaves_no_gap_and_no_double(tmp_path: Path, rounds: int) -> None:
    dice = random.Random(11)  # noqa: S311  when to kill, the same each run
    count = fill(tmp_path, 6.5)
    killed = 0
    for _ in range(rounds):
        process = start(tmp_path)
        time.sleep(dice.uniform(0.1, 1.2))
        process.kill()
        process.communicate(timeout=50)
        killed += process.returncode == -signal.SIGKILL
        sealed = manifest.load(tmp_path).sealed_seq
        assert sealed <= count
    assert killed
    code, report, errors = run(tmp_path, "--all")
    assert (code, errors, report.sealed_seq) == (0, "", count)
    check(tmp_path)


def test_a_second_one_leaves_it_to_the_first(tmp_path: Path) -> None:
    from wftui.store import seal

    fill(tmp_path, 1.5)
    with seal.lock(tmp_path):
        assert run(tmp_path) == (0, Report(busy=True), "")
    assert run(tmp_path)[1].sealed_seq > 0


def test_old_ones_go_by_their_caps(tmp_path: Path) -> None:
    fill(tmp_path, 5.5, 4)
    run(tmp_path, "--all")
    before = manifest.load(tmp_path)
    code, report, _ = run(tmp_path, "--all", f'--caps={{"raw_s": {2 * HOUR_S}}}')
    after = manifest.load(tmp_path)
    gone = [item for item in before.segments if item not in after.segments]
    assert code == 0
    assert report.removed == len(gone) > 0
    assert {item.kind for item in gone} == {RAW}
    newest = after.sealed_seq
    assert all(newest - item.last_seq < 2 * HOUR_S for item in after.of(RAW))
    assert all(newest - item.last_seq >= 2 * HOUR_S for item in gone)
    assert not [item.file for item in gone if (tmp_path / FOLDER / item.file).exists()]


def test_too_little_room_removes_but_does_not_seal(tmp_path: Path) -> None:
    fill(tmp_path, 3.5, 4)
    (tmp_path / "journal.db.damaged-1").write_bytes(bytes(4_000_000))
    caps = json.dumps({"min_free_bytes": 1 << 60, "max_bytes": 2_000_000})
    code, report, errors = run(tmp_path, f"--caps={caps}")
    assert code == 5
    assert errors.count("\n") == 1
    assert "free space" in errors
    assert (report.sealed_seq, report.removed) == (0, 1)
    assert not (tmp_path / "journal.db.damaged-1").exists()


@pytest.mark.parametrize("arguments", [[], ["--what"], ["--caps=oh"], ['--caps={"raw_s": "x"}'], ["a second"]])
def test_wrong_usage(tmp_path: Path, arguments: list[str]) -> None:
    words = [str(tmp_path), *arguments] if arguments else []
    done = subprocess.run(
        [sys.executable, "-m", "wftui.store.sealer", *words],
        env=environment(), capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("wftop: ")
    assert done.stdout == ""


def test_a_damaged_journal_is_one_line(tmp_path: Path) -> None:
    (tmp_path / journal.NAME).write_bytes(b"garbage" * 1000)
    code, report, errors = run(tmp_path)
    assert (code, errors.count("\n"), report.sealed_seq) == (5, 1, 0)
    assert journal.NAME in errors


@pytest.mark.parametrize("what", ["merge", "derived"])
def test_what_fails_behind_the_seal_does_not_lose_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((merge, "run") if what == "merge" else (derived, "refresh")), fails)
    fill(tmp_path, 1.5, 4)
    work = sealer.Sealing(tmp_path, Caps())
    work.run(5 * NS_PER_S, everything=True)
    report = work.outcome()
    assert report.sealed_seq == int(1.5 * HOUR_S)
    (error,) = report.errors
    assert "No space left" in error


@pytest.mark.parametrize("content", [None, b"", b"garbage", b'{"version": 1, "segments": 7}'])
def test_a_manifest_that_is_lost_is_made_anew(tmp_path: Path, content: bytes | None) -> None:
    count = fill(tmp_path, 2.5)
    run(tmp_path)
    path = tmp_path / FOLDER / NAME
    before = manifest.load(tmp_path)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    code, report, errors = run(tmp_path, "--all")
    assert (code, errors, report.sealed_seq) == (0, "", count)
    assert report.aside == (content is not None)
    (said,) = report.errors
    assert "made anew" in said
    for aside in path.parent.glob("manifest.json.damaged-*"):
        assert aside.read_bytes() == content
        aside.unlink()
    after = check(tmp_path)
    assert after.boots == before.boots
    assert {item.file for item in before.of(RAW)} <= {item.file for item in after.of(RAW)}


def test_a_newer_manifest_is_left_untouched(tmp_path: Path) -> None:
    fill(tmp_path, 1.5, 4)
    path = tmp_path / FOLDER / NAME
    path.parent.mkdir()
    path.write_text('{"version": 99}')
    code, report, errors = run(tmp_path, "--all")
    assert (code, errors.count("\n"), report.sealed_seq) == (5, 1, 0)
    assert "newer wftop" in errors
    assert sorted(item.name for item in path.parent.iterdir()) == [NAME, "seal.lock"]
    assert path.read_text() == '{"version": 99}'
    assert not (tmp_path / derived.NAME).exists()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_three_days_under_a_small_cap(tmp_path: Path) -> None:
    """Hour by hour as a recorder has it: under the cap after each seal, memory and descriptors flat."""
    cap = 9_000_000
    columns, rows = realistic(20)
    layout = Layout(1, tuple(columns))
    writer = journal.Journal(tmp_path / journal.NAME)
    boot = writer.begin("boot", "test", "record", 1, 0, 0).boot
    seq, most, descriptors, memory = 0, 0, [], []
    for hour in range(72):
        batch = []
        for values in islice(rows, HOUR_S):
            seq += 1
            blob = pack(array("d", values))
            batch.append((Tick(seq, recording.START_S + seq, (100 + seq) * NS_PER_S, boot, 1, blob), layout))
        writer.write(batch)
        work = sealer.Sealing(tmp_path, Caps(max_bytes=cap, min_free_bytes=0))
        work.run((recording.START_S + seq) * NS_PER_S)
        report = work.outcome()
        assert report.errors == ()
        most = max(most, report.total_bytes)
        writer.trim(48 * HOUR_S, cap - report.segments_bytes, sealed_seq=report.sealed_seq)
        writer.checkpoint()
        descriptors.append(len(list(Path("/proc/self/fd").iterdir())))
        memory.append(int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
        assert hour < 24 or report.removed or report.total_bytes < cap
    writer.close()
    print(f"{most / 1e6:.2f} MB at most, RSS {memory[24] / 1e6:.0f} to {memory[-1] / 1e6:.0f} MB")  # noqa: T201  the figure, shown by pytest -s
    assert most <= cap
    assert descriptors[-1] == descriptors[2]
    assert memory[-1] < memory[24] + 15_000_000
    left = manifest.load(tmp_path)
    coarse = left.of(manifest.R300)
    assert coarse[0].first_seq == 1, "all of the 5 min level is there"
    assert left.of(RAW)[0].first_seq > 1


# ---- with a recorder


@pytest.mark.slow
@pytest.mark.timeout(150)
def test_a_recorder_seals_what_waited_and_lets_it_go() -> None:
    where = places()
    now_s = int(time.time())
    count = fill(where.data_dir, 2.6, until_s=now_s - 30)
    with Running() as running:
        running.ready()
        until(lambda: running.status().sealed_seq, 60, "the seal")
        reply = running.status()
        assert reply.segments_bytes
        assert reply.sealed_seq <= count
        assert reply.store.state == "ok"
        assert retention.other_files(where.data_dir)
        assert running.stop() == 0
    assert manifest.load(where.data_dir).sealed_seq == reply.sealed_seq
    assert events(where, "store.seal_failed") == []
    with Running() as running:
        running.ready()
        # The keeper removes what left its hour at once after the start, then each minute.
        until(lambda: stored(where)[0] > 1, 20, "the trim")
        assert running.stop() == 0
    left = stored(where)
    first = left[0]
    assert left[-1] - journal.LIVE_TICKS - 300 < first <= left[-1] - journal.LIVE_TICKS + 1
    assert left == list(range(first, left[-1] + 1))
    assert first <= reply.sealed_seq + 1, "no gap between segments and journal"


@pytest.mark.slow
@pytest.mark.timeout(150)
def test_a_sealer_that_is_killed_under_a_recorder_is_told_and_tried_again() -> None:
    where = places()
    fill(where.data_dir, 6, 60, until_s=int(time.time()) - 30)
    with Running() as running:
        running.ready()
        pid = until(lambda: _child(running.pid), 40, "the sealer")
        os.kill(pid, signal.SIGKILL)
        until(lambda: events(where, "store.seal_failed"), 10, "the event")
        until(lambda: running.status().sealed_seq, 90, "the second try")
        assert running.stop() == 0
    assert events(where, "store.seal_failed") == [{"reason": "ended by signal 9"}]
    assert check(where.data_dir).sealed_seq > 0


def _child(pid: int) -> int | None:
    """Pid of the sealer that a recorder runs."""
    for number in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        try:
            words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"wftui.store.sealer" in words:
            return int(number)
    return None


def test_a_recorder_refuses_segments_of_a_newer_one() -> None:
    where = places()
    folder = where.data_dir / FOLDER
    folder.mkdir(mode=0o700, parents=True)
    (folder / NAME).write_text('{"version": 99}')
    with Running() as running:
        assert running.ended() == 5
        said = running.errors()
    assert said.count("\n") == 1
    assert "newer wftop" in said
    assert (folder / NAME).read_text() == '{"version": 99}'
    assert not (where.data_dir / journal.NAME).exists(), "nothing was begun"
