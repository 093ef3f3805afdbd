"""Files of every version that was given out open in this one; files of a later one are left untouched."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import msgspec
import pytest

from tests.recording import BYTES, CPU, START_S
from wftui.model.tick import unpack
from wftui.store import journal, manifest, schema
from wftui.store.journal import Journal
from wftui.store.read import open_reader

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
