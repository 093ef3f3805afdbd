"""Damaged journals: the keeper goes on at once, says so once, saves what is sound, and no reader is told a lie."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from tests.damages import SINCE_S, TICKS, WAL_TICKS, Damage, copies, damages, make
from tests.fakeclock import FakeClock
from tests.recording import S
from wftui.model.tick import Layout, Tick
from wftui.recorder.keeper import Caps, Keeper
from wftui.store import archive, checkup, read, salvage
from wftui.store.journal import NAME, Journal, damaged_files

CAPS = Caps(10**9, 1 << 40, 0, 0.0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, Tick]]:
    folder = tmp_path_factory.mktemp("made")
    return folder, make(folder)


class Run:
    """A keeper's start over a data dir, a check, two new ticks and its end."""

    def __init__(self, folder: Path) -> None:
        self.told: list[str] = []
        self.states: list[str] = []
        began = time.monotonic()
        keeper = Keeper(folder / NAME, CAPS, FakeClock(), lambda item: self.states.append(item.state), self._told)
        self.opening = keeper.open("boot", "0.1", "record")
        self.opened_s = time.monotonic() - began
        keeper.start()
        layout = Layout(self.opening.last_layout + 1, ())
        self.new = range(self.opening.last_seq + 1, self.opening.last_seq + 3)
        for seq in self.new:
            keeper.put((Tick(seq, SINCE_S + TICKS + seq, seq * S, self.opening.boot, layout.id, b""), layout))
        keeper.check()
        assert keeper.stop("stopped", 10)
        self.took_s = time.monotonic() - began
        self.damaged, self.lost = keeper.damaged, keeper.lost

    def _told(self, reason: str) -> None:
        self.told.append(reason)


def series_of(folder: Path) -> list[str]:
    with read.open_reader(folder) as reader:
        return [item.series.text for item in reader.layout(1).columns]


def named(reader: read.Reader | archive.Archive, tick: Tick) -> dict[str, bytes]:
    columns = reader.layout(tick.layout).columns
    return {item.series.text: tick.values[8 * n : 8 * n + 8] for n, item in enumerate(columns)}


def examine(folder: Path, run: Run, original: dict[int, Tick], names: list[str], where: object) -> int:
    """Every reader tells the truth; how many of the original ticks are left."""
    assert run.took_s < 3, where
    assert run.lost == 0, where
    assert run.damaged == len(run.told) == len(damaged_files(folder)) <= 1, (where, run.told)
    found = 0
    with archive.open_archive(folder) as reader:
        before = 0
        for tick in reader.sequence(1, run.new[-1]):
            assert tick.seq > before, where
            before = tick.seq
            if tick.seq in run.new:
                continue
            found += 1
            true = original[tick.seq]
            assert (tick.time_s, tick.boottime_ns, tick.values) == (true.time_s, true.boottime_ns, true.values), (
                where
            )
            if found % 500 == 1:
                values = named(reader, tick)
                for place, name in enumerate(names):
                    known = values.pop(name, None)
                    assert known in (None, true.values[8 * place : 8 * place + 8]), (where, name)
                assert all(item.startswith("custom.damaged.") for item in values), (where, values)
        assert before == run.new[-1], where
        seqs = [item.seq for item in reader.events(limit=1000)[0]]
        assert seqs == sorted(set(seqs)), where
        for change in reader.changes("processes", 0, 2**62):
            assert change[1].name == "processes"
    if run.told:
        # What was put before the damage was met is saved with the rest.
        assert any(f"; {found + new} ticks saved, " in run.told[0] for new in (0, 1, 2)), (where, found, run.told)
    return found


@pytest.mark.parametrize("count", [24, pytest.param(100, marks=pytest.mark.slow)])
def test_damage_of_every_kind(made: tuple[Path, dict[int, Tick]], tmp_path: Path, count: int) -> None:
    folder, original = made
    names = series_of(folder)
    slowest, told = 0.0, 0
    worst: dict[str, int] = {}
    for case, copy in copies(folder, tmp_path, damages(count)):
        run = Run(copy)
        left = examine(copy, run, original, names, case)
        slowest, told = max(slowest, run.took_s), told + bool(run.told)
        key = f"{case.file.removeprefix(NAME)} {case.what}"
        worst[key] = min(worst.get(key, TICKS), left)
        if case.file.endswith("-shm"):
            assert (left, run.told) == (TICKS, []), "it is made anew each time"
        if case.what == "flip" and case.file == NAME and case.place > 0.01 and "schema" not in str(run.told):
            assert left >= TICKS - WAL_TICKS - 300, case
        if case.file.endswith("-wal"):
            assert left >= TICKS - WAL_TICKS, case
    print(f"\n{told} of {len(damages(count))} told, slowest {slowest:.2f} s, ticks left at least: {worst}")  # noqa: T201  the figures, shown by pytest -s


def test_nothing_is_wrong(made: tuple[Path, dict[int, Tick]], tmp_path: Path) -> None:
    for case, copy in copies(made[0], tmp_path, [Damage("cut", NAME + "-shm", 1.0)]):
        run = Run(copy)
        assert (run.told, run.damaged) == ([], 0), case
        assert run.opening.unclean
        assert examine(copy, run, made[1], series_of(made[0]), case) == TICKS


def edit(folder: Path, *statements: str) -> None:
    connection = sqlite3.connect(folder / NAME)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_tick_whose_checksum_does_not_fit(made: tuple[Path, dict[int, Tick]], tmp_path: Path) -> None:
    """SQLite finds nothing wrong: the look after the start does."""
    for case, copy in copies(made[0], tmp_path, [Damage("cut", NAME + "-shm", 1.0)]):
        edit(copy, 'UPDATE tick SET "values" = zeroblob(320) WHERE seq = 3600')
        run = Run(copy)
        assert examine(copy, run, made[1], series_of(made[0]), case) == TICKS - 1
        assert "checksums of 1 entries" in run.told[0]
        assert ", 1 lost" in run.told[0]
        with read.open_reader(copy) as reader:
            assert len(reader.events(limit=1000)[0]) == 300, "events are saved"
            connection = sqlite3.connect(copy / NAME)
            assert connection.execute("SELECT count(*) FROM burst").fetchone() == (2,)
            assert connection.execute("SELECT count(*) FROM table_change").fetchone() == (TICKS / 10,)
            connection.close()
            assert reader.damaged == 0
        again = Run(copy)
        assert again.told == [], "the new one is sound"


def test_a_name_that_changed(made: tuple[Path, dict[int, Tick]], tmp_path: Path) -> None:
    """Its numbers are nobody's any more; the others stay."""
    for case, copy in copies(made[0], tmp_path, [Damage("cut", NAME + "-shm", 1.0)]):
        path = copy / NAME
        edit(copy, "PRAGMA wal_checkpoint(TRUNCATE)")
        name = series_of(made[0])[-1].encode()
        data = path.read_bytes()
        places = [at for at in range(len(data)) if data.startswith(name, at)]
        assert len(places) == 2, "in the table and in its index"
        path.write_bytes(data[: places[0]] + name[:-3] + b'x"}' + data[places[0] + len(name) :])
        run = Run(copy)
        assert examine(copy, run, made[1], series_of(made[0]), case) == TICKS
        assert len(run.told) == 1


def test_the_look_ends_in_time(made: tuple[Path, dict[int, Tick]], tmp_path: Path) -> None:
    for _, copy in copies(made[0], tmp_path, [Damage("cut", NAME + "-shm", 1.0)]):
        edit(copy, 'UPDATE tick SET "values" = zeroblob(320) WHERE seq = 3600')
        journal = Journal(copy / NAME)
        assert checkup.look(journal, 0.0) == ""
        assert checkup.look(journal, 5.0) != ""
        journal.close()


def test_no_more_than_its_time(
    made: tuple[Path, dict[int, Tick]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is newest is saved first."""
    monkeypatch.setattr(salvage.Salvage, "late", property(lambda self: self.saved >= 256))
    for _, copy in copies(made[0], tmp_path, [Damage("cut", NAME + "-shm", 1.0)]):
        edit(copy, 'UPDATE tick SET "values" = zeroblob(320) WHERE seq = 3600')
        run = Run(copy)
        assert "256 ticks saved" in run.told[0]
        with read.open_reader(copy) as reader:
            seqs = [tick.seq for tick in reader.sequence(1, TICKS + 10)]
        assert seqs == list(range(TICKS + 2 - 255, TICKS + 3))
