"""Files of every version that was given out open in this one; files of a later one are left untouched."""

from __future__ import annotations

import gzip
import math
import shutil
import sqlite3
from pathlib import Path

import duckdb
import msgspec
import pytest

from tests.recording import BYTES, CPU, START_S, S
from wftui.errors import StoreError
from wftui.model.tick import unpack
from wftui.store import derived, journal, manifest, rebuild, retention, schema, seal, sealer, segments
from wftui.store.archive import Archive
from wftui.store.journal import Journal
from wftui.store.query import range_
from wftui.store.read import open_reader
from wftui.wire import messages as m

FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A data dir as the first version left it: 90 ticks with a gap of 30 s, a table, three events."""
    folder = tmp_path / "first"
    folder.mkdir(mode=0o700)
    shutil.copy(FIXTURES / "v1" / journal.NAME, folder)
    return folder


def check_first(folder: Path) -> None:
    """All that the first version's file holds."""
    with open_reader(folder) as reader:
        ticks = list(reader.ticks(START_S, START_S + 1_000))
        assert [tick.seq for tick in ticks] == list(range(1, 91))
        assert [tick.time_s for tick in ticks[59:61]] == [START_S + 59, START_S + 90]
        places = reader.layout(ticks[50].layout).places()
        assert unpack(ticks[50].values)[places[CPU.series.text]] == 0.5
        assert unpack(ticks[50].values)[places[BYTES.series.text]] == 50_000.0
        assert len(places) == 4
        table = reader.table_at("things", (START_S + 25) * 10**9)
        assert table is not None
        assert table.rows == {"k1": ("name 1", 1.0), "k2": ("name 2", 1.0), "k9": ("name 9", 4.5)}
        assert [item.type for item in reader.events()[0]] == [
            "recorder.started",
            "clock.stepped",
            "recorder.stopped",
        ]
        assert reader.damaged == 0


def test_a_journal_of_the_first_version_is_read_as_it_is(first: Path) -> None:
    before = (first / journal.NAME).read_bytes()
    check_first(first)
    assert (first / journal.NAME).read_bytes() == before


def test_a_journal_of_the_first_version_is_migrated(first: Path, tmp_path: Path) -> None:
    made = Journal(first / journal.NAME)
    opening = made.begin("boot-9", "0.2", "record", 1, 5, 6)
    made.close()
    assert opening.last_seq == 90
    check_first(first)
    new = Journal(tmp_path / "new.db")
    new.close()
    assert layout_of(first / journal.NAME) == layout_of(tmp_path / "new.db")


def layout_of(path: Path) -> list[object]:
    """Version and statements of a journal."""
    connection = sqlite3.connect(path)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()
        tables = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
        return [version, tables.fetchall()]
    finally:
        connection.close()


def test_every_version_has_a_way_to_the_next() -> None:
    assert sorted(schema.MIGRATIONS) == list(range(2, schema.VERSION + 1))


def test_a_newer_journal_is_refused_untouched(first: Path) -> None:
    path = first / journal.NAME
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(journal.StoreNewerError, match="written by a newer wftop") as caught:
        Journal(path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


def test_a_newer_manifest_is_refused_untouched(tmp_path: Path) -> None:
    folder = tmp_path / manifest.FOLDER
    folder.mkdir()
    path = folder / manifest.NAME
    # A later version may mean anything by its fields: only the version is looked at.
    path.write_bytes(msgspec.json.encode({"version": manifest.VERSION + 1, "segments": {"new": "shape"}}))
    before = path.read_bytes()
    with pytest.raises(manifest.SegmentsNewerError, match="written by a newer wftop"):
        manifest.load(tmp_path)
    with pytest.raises(manifest.SegmentsNewerError):
        manifest.floor(tmp_path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\x00" * 100, b'{"version": 1, "segments": 5}', b'"\xff"'])
def test_a_damaged_manifest_says_so(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / manifest.FOLDER
    folder.mkdir()
    (folder / manifest.NAME).write_bytes(content)
    with pytest.raises(manifest.SegmentsDamagedError, match=r"doctor --rebuild"):
        manifest.load(tmp_path)


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """A data dir as the second version left it: see ``make_v2.py``. 8,000 ticks, the first 6,400 sealed."""
    folder = tmp_path / "second"
    shutil.copytree(FIXTURES / "v2", folder)
    packed = folder / f"{derived.NAME}.gz"
    (folder / derived.NAME).write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()
    return folder


def check_second(folder: Path) -> None:
    """All that the second version's files hold."""
    with Archive(folder) as archive:
        archive.refresh()
        found = list(archive.sequence(1, 9_000))
        assert [tick.seq for tick in found] == list(range(1, 8_001))
        places: dict[str, int] = {}
        for tick in found[::500]:
            places = archive.layout(tick.layout).places()
            values = unpack(tick.values)
            assert tick.time_s == START_S + tick.seq - 1
            assert values[places[CPU.series.text]] == (tick.seq - 1) % 50 / 50
            assert values[places[BYTES.series.text]] == (tick.seq - 1) * 1000.0
        assert math.isnan(unpack(found[30].values)[places[BYTES.series.text]])
        for level_s, span_s, points in ((1, 8_000, 2_000), (10, 108_000, 1_500), (300, 108_000, 200)):
            # 30 hours, so that coarser levels are good enough; only the first 8,000 seconds hold ticks.
            reply = range_(archive, m.Range(["*"], START_S * S, (START_S + span_s) * S, points))
            assert reply.level_s == level_s
            assert sum(reply.counts) == 8_000
            for series in reply.series:
                known = [value for value in unpack(series.maximum) if not math.isnan(value)]
                assert known
                assert set(known) == {1000.0} or series.column.series == CPU.series
        for second in (25, 3_000, 7_500):
            moment = archive.at(START_S + second)
            assert moment is not None
            table = archive.table_of("things", moment.seq)
            assert table is not None
            assert table.rows["k1"] == ("name 1", float(second // 60 * 60))
        facts, _ = archive.events(limit=100)
        assert [item.payload for item in facts] == [{"n": number} for number in range(1, 9)]
        assert archive.damaged == 0
    with sqlite3.connect(folder / journal.NAME) as connection:
        assert connection.execute("SELECT event FROM burst").fetchall() == [("event-7900",)]
    connection.close()
    (item,) = manifest.load(folder).of(manifest.BURST)
    path = str(folder / manifest.FOLDER / item.file)
    assert duckdb.read_parquet(path).aggregate("count(*), max(value)").fetchall() == [(100, 99.0)]


def test_a_data_dir_of_the_second_version_is_read_as_it_is(second: Path) -> None:
    before = {path: path.read_bytes() for path in second.rglob("*") if path.is_file()}
    check_second(second)
    assert {path: path.read_bytes() for path in before} == before
    with duckdb.connect(str(second / derived.NAME), read_only=True) as connection:
        assert connection.execute("SELECT count(*), sum(count) FROM metrics_5m").fetchone() == (44, 2 * 6_400)


def test_a_data_dir_of_the_second_version_goes_on(second: Path) -> None:
    made = Journal(second / journal.NAME)
    assert made.begin("boot-2", "0.3", "record", 1, 5, 6, floor=manifest.floor(second)).last_seq == 8_000
    made.close()
    sealer.Sealing(second, retention.Caps(min_free_bytes=0)).run((START_S + 8_000) * S, everything=True)
    assert manifest.load(second).sealed_seq == 8_000
    check_sealed(second)
    with duckdb.connect(str(second / derived.NAME), read_only=True) as connection:
        sql = "SELECT min(time), count(*) FROM metrics_timeseries"
        row = connection.execute(sql).fetchone()
        assert row is not None
        assert row[1] >= 8_000


def check_sealed(folder: Path) -> None:
    """Every tick is in a raw segment, once."""
    spans = [(item.first_seq, item.last_seq) for item in manifest.load(folder).of(manifest.RAW)]
    assert [seq for low, high in spans for seq in range(low, high + 1)] == list(range(1, 8_001))


def test_a_lost_manifest_of_the_second_version_is_made_anew(second: Path) -> None:
    before = manifest.load(second)
    (second / manifest.FOLDER / manifest.NAME).unlink()
    with seal.lock(second):
        made = rebuild.manifest_from_segments(second)
    assert (made.sealed_seq, len(made.segments)) == (before.sealed_seq, len(before.segments))
    check_second(second)


def test_a_newer_segment_is_refused_untouched(second: Path) -> None:
    """Its manifest is lost: nothing but the file itself says that it is newer."""
    folder = second / manifest.FOLDER
    (item,) = manifest.load(second).of(manifest.EVENT)
    path = folder / item.file
    pairs = segments.metadata(duckdb.connect(), path) | {"wftop.schema_version": str(manifest.VERSION + 1)}
    listed = ", ".join(f"'{key}': '{value}'" for key, value in pairs.items())
    beside = second / "beside.parquet"
    duckdb.sql(f"COPY (FROM '{path}') TO '{beside}' (FORMAT parquet, KV_METADATA {{{listed}}})")
    beside.replace(path)
    (folder / manifest.NAME).unlink()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(manifest.SegmentsNewerError, match="written by a newer wftop") as caught:
        sealer.Sealing(second, retention.Caps(min_free_bytes=0)).run((START_S + 8_000) * S)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, StoreError)
    assert {path: path.read_bytes() for path in before} == before
    # The journal goes on to be read meanwhile.
    with Archive(second) as archive:
        archive.refresh()
        assert [tick.seq for tick in archive.sequence(6_401, 8_000)] == list(range(6_401, 8_001))
