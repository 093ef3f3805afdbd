"""Damaged files under a real recorder: it starts, says so once, goes on, and shows no wrong number."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from tests.damages import TICKS, Damage, copies, damages, make
from tests.harness import ROOT, SEALS_SOON, Running, View, environment, events, until
from tests.recording import BYTES, CPU, START_S, S
from tests.stored import recorded
from wftui.clock import NS_PER_S
from wftui.errors import WftopError
from wftui.model.tick import Tick
from wftui.store import archive, derived, manifest, seal, verify
from wftui.store.journal import NAME, damaged_files
from wftui.wire import messages as m

WAL = NAME + "-wal"
SOME = [
    Damage("cut", NAME, 0.0001), Damage("cut", NAME, 0.6), Damage("flip", NAME, 4.5e-6), Damage("flip", NAME, 0.2),
    Damage("flip", NAME, 0.7), Damage("zero"), Damage("empty"), Damage("folder"), Damage("flip", WAL, 0.4),
    Damage("zero", WAL), Damage("garbage", WAL), Damage("folder", WAL), Damage("garbage", NAME + "-shm"),
]  # fmt: skip
HOURS = 4


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, Tick]]:
    folder = tmp_path_factory.mktemp("made")
    return folder, make(folder)


@pytest.mark.parametrize(
    "cases",
    [*(SOME[first::3] for first in range(3)), pytest.param(damages(), marks=pytest.mark.slow)],
    ids=["some", "others", "more", "all"],
)
def test_a_damaged_journal(
    made: tuple[Path, dict[int, Tick]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cases: list[Damage]
) -> None:
    folder, original = made
    slowest_s, told = 0.0, 0
    for case, copy in copies(folder, tmp_path, cases):
        monkeypatch.setenv("WFTOP_DATA_DIR", str(copy))
        with Running() as running:
            running.ready()
            slowest_s = max(slowest_s, time.monotonic() - running.started)
            running.ticks(2)
            with running.ask() as connection:
                wanted = 5 if case.what == "flip" and case.file == NAME else 0
                if wanted:  # found by a look 3 s after the start, at the latest
                    running.ticks(wanted)
                # What it held is saved first, then it is told: on a busy machine that takes longer than a tick.
                until(lambda: told_of(running) == len(damaged_files(copy)), 20, "the event of what was renamed")  # noqa: B023  called here
                found = connection.ask(m.Events(types=["store.damaged"]), m.EventsReply)
                assert len(found.events) <= 1, case
            assert running.status().store.state == "ok", case
            assert running.stop() == 0, case
        said = [item for item in events(running.where, "store.damaged") if "renamed" in str(item["reason"])]
        aside = damaged_files(copy)
        assert len(said) == len(aside) <= 1, (case, said)
        told += len(said)
        with archive.open_archive(copy) as reader:
            seqs = []
            for tick in reader.sequence(1, TICKS + 1000):
                seqs.append(tick.seq)
                if tick.time_s <= original[TICKS].time_s:
                    assert tick.values == original[tick.seq].values, case
            assert reader.damaged == 0, case
        assert seqs == sorted(set(seqs)), case
    print(f"\n{len(cases)} damages: {told} told, slowest start {slowest_s:.2f} s")  # noqa: T201  the figures, shown by pytest -s
    assert slowest_s < 3


def told_of(running: Running) -> int:
    """Events of a damaged journal, as the recorder knows them."""
    with running.ask() as connection:
        return len(connection.ask(m.Events(types=["store.damaged"]), m.EventsReply).events)


@pytest.fixture(scope="module")
def some_hours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hours that are sealed, and still in the journal."""
    folder = tmp_path_factory.mktemp("hours") / "sealed"
    with recorded(folder) as item:
        item.many([CPU, BYTES], ([n % 100 / 100, 1000.0 * n] for n in count()), HOURS * 3600)
    seal.run(folder, START_S * S)
    return folder


@pytest.fixture
def sealed(some_hours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "sealed"
    shutil.copytree(some_hours, folder)
    derived.refresh(folder, START_S * S)
    with recorded(folder) as item:
        item.journal.trim(10**9, 10**12, sealed_seq=manifest.load(folder).sealed_seq)
    monkeypatch.setenv("WFTOP_DATA_DIR", str(folder))
    return folder


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_damaged_segment_costs_its_hour_only(sealed: Path) -> None:
    made = manifest.load(sealed)
    victim = made.of(manifest.RAW)[1]
    flip(sealed / manifest.FOLDER / victim.file)
    with Running() as running, View(running.ready().where):
        with running.ask() as connection:
            for item in made.of(manifest.RAW):
                second = item.since_s + 100
                reply = connection.ask(m.At(second * NS_PER_S), m.AtReply)
                assert (reply.tick is None) is (item == victim), "the other hours answer"
            begin = made.of(manifest.RAW)[0].since_s * NS_PER_S
            hour = connection.ask(m.Range([CPU.series.text], begin, begin + 600 * NS_PER_S, 600), m.RangeReply)
            assert sum(hour.counts) == 600
        until(lambda: events(running.where, "store.segment_damaged"), 60, "the sealer's look")
        assert running.stop() == 0
    assert events(running.where, "store.segment_damaged") == [{"file": victim.file}]
    after = manifest.load(sealed)
    assert victim not in after.segments
    assert after.damaged == 1
    assert len(list((sealed / manifest.FOLDER).rglob("*.damaged-*"))) == 1
    line = [
        sys.executable,
        "-m",
        "wftui",
        "export",
        "--since",
        "400d",
        "--format",
        "csv",
        "-m",
        CPU.series.text,
    ]
    lines = subprocess.run(line, env=environment(), cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert len(lines.splitlines()) > (HOURS - 2) * 3600


def test_512_random_bytes_are_found_wherever_they_are(sealed: Path) -> None:
    dice = random.Random(3)  # noqa: S311  the same places in each run
    made = manifest.load(sealed)
    found = 0
    for item in dice.choices(made.segments, [one.size for one in made.segments], k=100):
        path = sealed / manifest.FOLDER / item.file
        whole = path.read_bytes()
        place = dice.randrange(max(1, len(whole) - 512))
        path.write_bytes(whole[:place] + dice.randbytes(512) + whole[place + 512 :])
        found += [bad.segment for bad in verify.damages(sealed, made)] == [item]
        path.write_bytes(whole)
    assert found == 100


@pytest.mark.parametrize(
    "what", ["garbage", "missing", *(pytest.param(it, marks=pytest.mark.slow) for it in ("empty", "folder"))]
)
def test_a_damaged_manifest(sealed: Path, what: str) -> None:
    path = sealed / manifest.FOLDER / manifest.NAME
    before = manifest.load(sealed)
    path.unlink()
    if what == "folder":
        path.mkdir()
    elif what != "missing":
        path.write_bytes(b"{garbage" if what == "garbage" else b"")
    with Running(program=SEALS_SOON) as running:
        running.ready()
        until(lambda: manifest_of(sealed), 60, "the manifest, made anew")
        running.ticks(1)
        assert running.stop() == 0
    after = manifest.load(sealed)
    assert {item.file for item in before.segments} <= {item.file for item in after.segments}
    assert verify.damages(sealed, after) == []
    with archive.open_archive(sealed) as reader:
        seqs = [tick.seq for tick in reader.sequence(1, HOURS * 3600)]
    assert seqs == list(range(1, HOURS * 3600 + 1))
    assert len(events(running.where, "store.damaged")) == (what != "missing")


def manifest_of(folder: Path) -> manifest.Manifest | None:
    path = folder / manifest.FOLDER / manifest.NAME
    try:
        json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return manifest.load(folder)


def said(running: Running) -> bool:
    """Whether the event is there; between two journals there is none to read."""
    with suppress(WftopError):
        return bool(events(running.where, "store.damaged"))
    return False


def test_damage_that_only_a_reader_meets(
    made: tuple[Path, dict[int, Tick]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _, copy in copies(made[0], tmp_path, [Damage("zero", NAME + "-shm")]):
        monkeypatch.setenv("WFTOP_DATA_DIR", str(copy))
        with Running() as running:
            running.ready()
            running.ticks(6)  # the look after the start is over
            assert not damaged_files(copy)
            path = copy / NAME
            size = path.stat().st_size // 4096
            with path.open("r+b") as file:
                file.seek(size // 4 * 4096)
                file.write(bytes(size // 8 * 4096))
            begin = made[1][1].time_s * NS_PER_S
            question = m.Range([CPU.series.text], begin, begin + TICKS * NS_PER_S, 100)
            for _ in range(3):
                with running.ask() as connection, suppress(WftopError):
                    connection.ask(question, m.RangeReply)
            until(lambda: said(running), 10, "the event")
            assert running.status().store.state == "ok"
            with running.ask() as connection:
                assert sum(connection.ask(question, m.RangeReply).counts) > TICKS / 3
            assert running.stop() == 0
        assert len(events(running.where, "store.damaged")) == len(damaged_files(copy)) == 1
