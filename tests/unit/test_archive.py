"""Journal and segments together answer as the journal alone did before anything was sealed."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.records import SCHEMA, fact, rows, tick
from wftui.clock import NS_PER_S
from wftui.errors import NoDataError, StoreError
from wftui.history import service
from wftui.history.service import Service
from wftui.model.sample import Column, column
from wftui.model.table import TableChange, apply, keyframe
from wftui.model.tick import Layout, Tick, unpack
from wftui.store import journal, manifest, seal
from wftui.store.answers import answer_at
from wftui.store.archive import Archive, open_archive
from wftui.store.journal import Journal, StoredChange
from wftui.store.read import Reader, open_reader
from wftui.wire import messages as m

HOUR = 1_700_002_800
"""Begin of an hour; the recording runs from 300 s before it to 300 s behind it."""
FIRST = HOUR - 300
COUNT = 600
GAUGE = column("test", "system.memory.usage", call="test")
COUNTER = column("test", "system.network.io", {"device": "eth0", "direction": "receive"}, call="test")
LATE = column("test", "system.filesystem.limit", {"mount": "/"}, call="test")
OTHER = column("test", "hw.temperature", {"sensor": "s"}, call="test")
STALE = Column(GAUGE.series, GAUGE.unit, GAUGE.kind, GAUGE.group, "stale", "other", "call")
LAYOUTS = (
    Layout(1, (GAUGE, COUNTER)),
    Layout(2, (COUNTER, LATE, GAUGE, OTHER)),
    Layout(3, (COUNTER, LATE, STALE, OTHER)),
    Layout(4, (COUNTER, LATE, GAUGE, OTHER)),
)


def layout_of(number: int) -> Layout:
    """GAUGE's provenance changes at 100 and back at 400, other series come at 50."""
    return LAYOUTS[(number >= 50) + (number >= 100) + (number >= 400)]


def value(item: Column, number: int) -> float:
    if item is LATE and number == 77:
        return math.nan
    return {GAUGE.series.text: number / 8, COUNTER.series.text: number * 3.0}.get(item.series.text, 5.0 + number)


def write(folder: Path) -> None:
    """One reading in three is missing around the hour's begin; numbers 200..219 are a gap."""
    folder.mkdir(mode=0o700)
    made = Journal(folder / journal.NAME)
    made.begin("boot", "0.1", "record", 1, 5, 6)
    numbers = [number for number in range(1, COUNT + 1) if not 200 <= number < 220]
    made.write(
        [
            (
                tick(n, FIRST + n, [value(item, n) for item in layout_of(n).columns], layout=layout_of(n).id),
                layout_of(n),
            )
            for n in numbers
        ],
        [StoredChange(n, SCHEMA, change(n)) for n in numbers if n % 3 == 0],
        [fact(n, (FIRST + n) * NS_PER_S, "recorder.started" if n % 2 else "mark.set") for n in range(1, 101)],
    )
    made.close()


def change(number: int) -> TableChange:
    """A keyframe each 60; one row comes and goes."""
    time_ns = (FIRST + number) * NS_PER_S
    if number % 60 == 0:
        return keyframe(SCHEMA, time_ns, rows(3, float(number)))
    if number % 60 == 30:
        return TableChange("things", time_ns, False, {"k9": ("nine", 9.0)}, [])
    if number % 60 == 33:
        return TableChange("things", time_ns, False, {}, ["k9"])
    return TableChange("things", time_ns, False, {"k1": ("name 1", float(number))})


def seal_all(folder: Path, *, everything: bool) -> None:
    with seal.lock(folder):
        seal.run(folder, 9, everything=everything)


def trim(folder: Path, keep: int) -> None:
    """Take sealed ticks out of the journal, as the recorder does an hour after sealing."""
    made = Journal(folder / journal.NAME)
    made.trim(keep, 1 << 40, keep_events=60)
    made.close()


@pytest.fixture(params=["nothing", "hour", "hour, trimmed", "all", "all, trimmed", "all, no journal"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Sealed and trimmed to several degrees."""
    path = tmp_path / "d"
    write(path)
    if request.param != "nothing":
        seal_all(path, everything="all" in request.param)
    if "trimmed" in request.param:
        trim(path, 150 if "all" in request.param else 310)
    if "no journal" in request.param:
        for item in path.glob("journal.*"):
            item.unlink()
    return path


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """The same recording, never sealed."""
    write(tmp_path / "r")
    with open_reader(tmp_path / "r") as opened:
        yield opened


Told = tuple[int, int, int, int, dict[tuple[str, str, str], float]]


def told(source: Reader | Archive, ticks: Iterable[Tick]) -> list[Told]:
    """Ticks by series, apart from the numbers of layouts; a series without value is as good as none."""
    found = []
    for item in ticks:
        columns = source.layout(item.layout).columns
        values = {
            (c.series.text, c.quality, c.call): v
            for c, v in zip(columns, unpack(item.values), strict=True)
            if v == v
        }
        found.append((item.seq, item.time_s, item.boottime_ns, item.boot, values))
    return found


def test_ticks_are_the_same_wherever_they_lie(folder: Path, reader: Reader) -> None:
    with open_archive(folder) as archive:
        assert archive.bounds() == reader.bounds()
        for since, until in (
            (0, 1 << 40),
            (FIRST + 150, FIRST + 330),
            (FIRST + 205, FIRST + 210),
            (HOUR, HOUR + 1),
        ):
            assert told(archive, archive.ticks(since, until)) == told(reader, reader.ticks(since, until))
            mine, other = archive.span(since, until), reader.span(since, until)
            assert (mine and mine[:3]) == (other and other[:3])
            if mine:
                asked = {item.layout for item in archive.ticks(since, until)}
                assert asked <= set(mine.layouts)
        assert told(archive, archive.sequence(0, 10_000)) == told(reader, reader.sequence(0, 10_000))
        assert told(archive, archive.sequence(299, 302)) == told(reader, reader.sequence(299, 302))
        assert archive.damaged == 0


def test_moments_are_the_same(folder: Path, reader: Reader) -> None:
    with open_archive(folder) as archive:
        for second in (FIRST + 1, FIRST + 77, HOUR - 1, HOUR, FIRST + 590, FIRST + 210, FIRST - 5, HOUR + 5000):
            mine, other = archive.at(second), reader.at(second)
            assert (mine is None) == (other is None)
            assert mine is None or other is None or told(archive, iter([mine])) == told(reader, iter([other]))
            assert archive.neighbours(second) == reader.neighbours(second)
            state, expected = (
                archive.table_at("things", second * NS_PER_S),
                reader.table_at("things", second * NS_PER_S),
            )
            assert (state and state.rows) == (expected and expected.rows)
        found = answer_at(archive, m.At((FIRST + 301) * NS_PER_S))
        assert found.tick is not None
        assert found.before is not None
        assert (found.tick.seq, found.before.seq) == (301, 300 if found.before else 0)
        assert [item.schema for item in found.tables] == [SCHEMA]
        assert answer_at(archive, m.At(0, seq=301)) == found
        assert answer_at(archive, m.At((FIRST + 301) * NS_PER_S, seq=210)).tick is None, "that tick or none"


def state_after(changes: list[TableChange]) -> dict[str, object]:
    state: dict[str, object] = {}
    for item in changes:
        apply(state, item)  # type: ignore[arg-type]  # rows, compared only
    return state


def test_tables_and_events_are_the_same(folder: Path, reader: Reader) -> None:
    with open_archive(folder) as archive:
        assert archive.tables() == reader.tables()
        for since, until in ((FIRST + 100, FIRST + 160), (FIRST + 250, FIRST + 350), (FIRST + 205, FIRST + 210)):
            span = since * NS_PER_S, until * NS_PER_S
            mine = [item for _, item in archive.changes("things", *span)]
            other = [item for _, item in reader.changes("things", *span)]
            assert state_after(mine) == state_after(other)
            assert {item.time_ns for item in other if not item.keyframe} <= {item.time_ns for item in mine}
            if mine:
                assert mine[0].keyframe
        questions: tuple[dict[str, Any], ...] = (  # Any: arguments by name
            {},
            {"limit": 7},
            {"limit": 7, "newest": True},
            {"limit": 40, "types": ["mark.*"]},
            {"limit": 10, "types": ["mark.*"], "newest": True},
            {"after_seq": 60, "limit": 10},
            {"since_ns": (FIRST + 20) * NS_PER_S, "until_ns": (FIRST + 30) * NS_PER_S},
            {"limit": 100},
            {"limit": 99, "newest": True},
        )
        for question in questions:
            mine_events, more = archive.events(**question)
            other_events, expected_more = reader.events(**question)
            assert [(e.seq, e.type, e.payload) for e in mine_events] == [
                (e.seq, e.type, e.payload) for e in other_events
            ]
            assert more == expected_more


def test_series_are_listed_once_known(folder: Path, reader: Reader) -> None:
    with open_archive(folder) as archive:
        assert {item.series.text for item in archive.columns()} == {item.series.text for item in reader.columns()}


def test_a_damaged_segment_costs_that_segment_only(tmp_path: Path) -> None:
    path = tmp_path / "d"
    write(path)
    seal_all(path, everything=True)
    for item in path.glob("journal.*"):
        item.unlink()
    raw = [item for item in manifest.load(path).of(manifest.RAW) if item.first_seq == 1]
    broken = next(item for item in raw if item.group == GAUGE.group)
    file = path / manifest.FOLDER / broken.file
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with open_archive(path) as archive:
        ticks = told(archive, archive.ticks(0, 1 << 40))
        assert archive.damaged_files == [broken.file]
        assert archive.damaged == 1
        assert {item[0] for item in ticks} >= set(range(300, COUNT + 1))
        early = [item for item in ticks if item[0] == 60]
        assert all(GAUGE.series.text not in str(item[4]) for item in early)
        assert archive.at(HOUR + 5) is not None


def test_a_file_that_went_away_is_looked_for_once_more(tmp_path: Path) -> None:
    path = tmp_path / "d"
    write(path)
    seal_all(path, everything=True)
    for item in path.glob("journal.*"):
        item.unlink()
    with open_archive(path) as archive:
        archive.boundary()
        old = manifest.load(path)
        kept = tuple(item for item in old.segments if not (item.kind == manifest.RAW and item.first_seq == 1))
        manifest.save(path, msgspec.structs.replace(old, segments=kept))
        for segment in set(old.segments) - set(kept):
            (path / manifest.FOLDER / segment.file).unlink()
        assert [item.seq for item in archive.ticks(0, 1 << 40)] == list(range(300, COUNT + 1))
        assert archive.damaged == 0, "retention is no damage"
        gone = next(item for item in kept if item.kind == manifest.RAW)
        (path / manifest.FOLDER / gone.file).unlink()
    with open_archive(path) as archive:
        list(archive.ticks(0, 1 << 40))
        assert archive.damaged_files == [gone.file]


def test_a_table_goes_on_behind_a_file_that_went_away(tmp_path: Path) -> None:
    path = tmp_path / "d"
    write(path)
    seal_all(path, everything=True)
    for item in path.glob("journal.*"):
        item.unlink()
    with open_archive(path) as archive:
        whole = list(archive.changes(SCHEMA.name, 0, 1 << 62))
        old = manifest.load(path)
        first, *rest = old.of(manifest.TABLE)
        assert rest, "the turn of the hour begins another file"
    with open_archive(path) as archive:
        seen = archive.changes(SCHEMA.name, 0, 1 << 62)
        begun = next(seen)
        gone = rest[0]
        kept = tuple(item for item in old.segments if item != gone)
        manifest.save(path, msgspec.structs.replace(old, segments=kept))
        (path / manifest.FOLDER / gone.file).unlink()
        times = [change.time_ns for _, change in (begun, *seen)]
        assert archive.damaged == 0, "retention is no damage"
    assert times == [change.time_ns for _, change in whole if change.time_ns // NS_PER_S < FIRST + gone.first_seq]
    assert first.last_seq < gone.first_seq


def test_ticks_that_are_sealed_and_trimmed_while_somebody_reads(tmp_path: Path) -> None:
    path = tmp_path / "d"
    write(path)
    with open_archive(path) as archive:
        ticks = archive.sequence(1, COUNT)
        seen = [next(ticks).seq for _ in range(10)]
        seal_all(path, everything=True)
        trim(path, 5)
        seen += [item.seq for item in ticks]
    assert seen == sorted(set(seen))
    assert set(seen) >= set(range(220, COUNT + 1))
    with open_archive(path) as archive:
        assert [item.seq for item in archive.sequence(1, COUNT)] == [
            n for n in range(1, COUNT + 1) if not 200 <= n < 220
        ]


def test_an_unreadable_half_does_not_hide_the_other(tmp_path: Path) -> None:
    path = tmp_path / "d"
    write(path)
    seal_all(path, everything=False)
    (path / manifest.FOLDER / manifest.NAME).write_text("{")
    with open_archive(path) as archive:
        assert len(list(archive.ticks(0, 1 << 40))) == COUNT - 20
        assert archive.sealed.error is not None
    (path / manifest.FOLDER / manifest.NAME).unlink()
    for item in path.glob("journal.*"):
        item.unlink()
    (path / journal.NAME).write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError):
        open_archive(path)
    with pytest.raises(NoDataError):
        open_archive(tmp_path / "nothing")


def test_a_damaged_journal_leaves_the_segments(tmp_path: Path) -> None:
    path = tmp_path / "d"
    write(path)
    seal_all(path, everything=False)
    for item in path.glob("journal.*"):
        item.unlink()
    (path / journal.NAME).write_bytes(b"no database at all" * 100)
    with open_archive(path) as archive:
        assert archive.journal_error is not None
        assert [item.seq for item in archive.ticks(0, 1 << 40)][-1] == 299


def test_a_question_that_needs_more_room_gets_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "d"
    write(path)
    seal_all(path, everything=True)
    for item in path.glob("journal.*"):
        item.unlink()
    question = m.Range(["*"], FIRST * NS_PER_S, (FIRST + COUNT) * NS_PER_S, 20)
    usual = Service(path)
    expected = usual.answer(question)
    assert isinstance(expected, m.RangeReply)
    usual.close()
    monkeypatch.setattr(service, "MEMORY_MB", (1, 96))
    small = Service(path)
    assert small.answer(question) == expected
    assert small.answer(question) == expected
    small.close()
    monkeypatch.setattr(service, "MEMORY_MB", (1, 1))
    small = Service(path)
    refused = small.answer(question)
    small.close()
    assert isinstance(refused, m.Error)
    assert refused.code == "too-large"


def test_nothing_heavy_is_imported_while_the_journal_can_answer(tmp_path: Path) -> None:
    path = tmp_path / "d"
    write(path)
    seal_all(path, everything=False)
    code = (
        "import sys; from pathlib import Path; from wftui.store.archive import open_archive\n"
        f"a = open_archive(Path({str(path)!r}))\n"
        f"assert len(list(a.ticks({HOUR}, {HOUR + 100}))) == 100 and a.at({HOUR}) and a.events()[0]\n"
        f"assert a.table_at('things', {HOUR * NS_PER_S}) and a.tables() and a.bounds()\n"
        "assert not {'duckdb', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
