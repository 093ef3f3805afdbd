"""What is purged is gone from every file, and what is not is as it was."""

from __future__ import annotations

import math
from array import array
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.records import SCHEMA
from wftui.cli import purge as command
from wftui.errors import NoDataError, StoreError, UsageError
from wftui.model.event import Event, event
from wftui.model.sample import column
from wftui.model.table import Row, TableChange
from wftui.model.tick import Layout, Tick, pack, unpack
from wftui.paths import places
from wftui.store import derived, manifest, read, retention, seal, segments
from wftui.store.journal import NAME, Burst, Journal, StoredChange, open_reader
from wftui.store.purge import Wanted, before_second, purge_journal
from wftui.store.purge_segments import plan, purge_segments
from wftui.store.sealed import Sealed

S = 1_000_000_000
START_S = 1_790_000_400
"""A multiple of the hour's tenth: 600 s after a full hour, so that 7,200 s lie in three hours."""
SECONDS = 9_000
CANARY_NAME = "Quux9Canary"
DISK = column("disks", "system.disk.io", {"device": "sda", "direction": "read"}, call="/proc/diskstats")
LOAD = column("cpu", "system.cpu.utilization", call="/proc/stat")
CANARY = column("mounts", "system.filesystem.limit", {"mount": f"/{CANARY_NAME}"}, call="statvfs")
GONE = column(
    "mounts", "system.filesystem.usage", {"mount": f"/{CANARY_NAME}/old", "mode": "used"}, call="statvfs"
)
LAYOUTS = (Layout(1, (LOAD, GONE, DISK)), Layout(2, (LOAD, CANARY, DISK)))
MIDDLE = START_S + 4_321


def values_at(second: int) -> list[float]:
    return [second % 97 / 97, float(second % 7), float(second * 1000)]


def fact(seq: int, time_ns: int, kind: str, about: tuple[str, str]) -> Event:
    item = event(time_ns, kind, about, {"n": seq})
    return Event(seq, *(getattr(item, name) for name in Event.__struct_fields__[1:]))


def fill(folder: Path, seconds: int = SECONDS, *, sealed: bool = True) -> None:
    """A recording with a series that goes, one that comes, two processes, events and bursts; hours sealed."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(Journal(folder / NAME)) as journal:
        boot = journal.begin("boot-1", "test", "record", 1, START_S * S, 0).boot
        ticks, changes, events, bursts = [], [], [], []
        for second in range(seconds):
            layout = LAYOUTS[second >= 2000]
            time_s, seq = START_S + second, second + 1
            values = pack(array("d", values_at(second)))
            ticks.append((Tick(seq, time_s, second * S, boot, layout.id, values), layout))
            if second % 10 == 0:
                rows: dict[str, Row] = {"k0": ("steady", 5.0), "k1": (f"n{second // 3000}", second // 300 * 1.0)}
                if second < 3000:
                    rows["k2"] = (CANARY_NAME, 7.0)
                changes.append(StoredChange(seq, SCHEMA, TableChange("things", time_s * S, True, rows)))
            if second % 500 == 0:
                about = ("series", CANARY.series.text) if second % 1000 else ("source", "cpu")
                events.append(fact(seq, time_s * S, "provenance.changed", about))
            if second % 2500 == 100:
                times = array("q", [time_s * S + n * S for n in range(60)])
                bursts += [
                    Burst(seq, "e", item, times, array("d", range(60))) for item in (LOAD, layout.columns[1])
                ]
        journal.write(ticks, changes, events, bursts)
    if sealed:
        with seal.lock(folder):
            seal.run(folder, START_S * S)
            derived.refresh(folder, START_S * S)


def everything_in(folder: Path) -> str:
    """Every byte of every file, and every cell and key of every Parquet file, as text."""
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        found.append(path.read_bytes().decode("latin-1"))
        if path.suffix == ".parquet":
            cells = duckdb.execute(f"FROM read_parquet('{path}')")
            found += [repr(cells.description), repr(cells.fetchall())]
            found.append(repr(duckdb.execute(f"FROM parquet_kv_metadata('{path}')").fetchall()))
    return "\n".join(found)


def in_journal(folder: Path) -> dict[int, dict[str, float]]:
    """Second since the start to series and value; every checksum is looked at."""
    found = {}
    with read.open_reader(folder) as reader:
        for tick in reader.ticks(0, 2**40):
            columns = reader.layout(tick.layout).columns
            pairs = zip(columns, unpack(tick.values), strict=True)
            found[tick.time_s - START_S] = {item.series.text: value for item, value in pairs}
        assert reader.damaged == 0
    return found


def rows(folder: Path, kind: str, stat: str = "") -> list[dict[str, Any]]:
    """Rows of all segments of a kind in order; the manifest's words on each file are checked."""
    found: list[dict[str, Any]] = []
    for item in manifest.load(folder).of(kind, stat=stat):
        assert segments.verify(folder, item) == ""
        path = folder / manifest.FOLDER / item.file
        cells = duckdb.execute(f"FROM read_parquet('{path}')")
        names = [field[0] for field in cells.description or ()]
        mine = [dict(zip(names, row, strict=True)) for row in cells.fetchall()]
        assert len(mine) == item.rows
        if kind not in (manifest.BURST,):
            assert all(item.first_seq <= row["seq"] <= item.last_seq for row in mine)
        if kind in manifest.LEVELS:
            assert item.since_s == min(row["time_s"] for row in mine)
            assert item.until_s >= max(row["time_s"] for row in mine)
        found += mine
    return found


def purge(folder: Path, *patterns: str, before_s: int | None = None) -> None:
    wanted = Wanted(before_s, patterns)
    with seal.lock(folder):
        purge_segments(folder, wanted, START_S * S)
    with closing(Journal(folder / NAME)) as journal:
        assert purge_journal(journal, wanted).wiped


def without(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if CANARY_NAME not in name}


def test_everything(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "journal.db.damaged-5").write_text(CANARY_NAME)
    (tmp_path / "replaced-5").mkdir()
    (tmp_path / "replaced-5" / "journal.db").write_text(CANARY_NAME)
    assert CANARY_NAME in everything_in(tmp_path)
    purge(tmp_path)
    left = everything_in(tmp_path)
    assert CANARY_NAME not in left
    assert "system.cpu" not in left
    made = manifest.load(tmp_path)
    assert (made.segments, made.columns) == ((), ())
    assert made.sealed_seq > 0, "numbers are never used again"
    with closing(Journal(tmp_path / NAME)) as journal:
        opening = journal.begin("boot-2", "test", "record", 1, 0, 0, floor=manifest.floor(tmp_path))
        assert opening.last_seq == made.sealed_seq
        assert not opening.unclean


def test_series_by_pattern(tmp_path: Path) -> None:
    fill(tmp_path)
    before = in_journal(tmp_path)
    kinds = [(kind, stat) for kind in manifest.LEVELS for stat in ("", *manifest.STATISTICS)]
    sealed = {pair: rows(tmp_path, *pair) for pair in kinds}
    tables = rows(tmp_path, manifest.TABLE)
    purge(tmp_path, f"*{{*{CANARY_NAME}*}}")
    left = everything_in(tmp_path)
    assert f"/{CANARY_NAME}" not in left
    assert CANARY_NAME in left, "the process of that name is no series"
    assert in_journal(tmp_path) == {second: without(values) for second, values in before.items()}
    for pair, known in sealed.items():
        assert rows(tmp_path, *pair) == [without(row) for row in known]
    assert rows(tmp_path, manifest.TABLE) == tables
    assert {row["series"] for row in rows(tmp_path, manifest.BURST)} == {LOAD.series.text}
    assert {row["aggregate_id"] for row in rows(tmp_path, manifest.EVENT)} == {"cpu"}
    assert {item.series for item in manifest.load(tmp_path).columns} == {LOAD.series.text, DISK.series.text}
    with closing(duckdb.connect(tmp_path / "history.duckdb", read_only=True)) as database:
        assert database.execute("SELECT count(*) FROM series").fetchall() == [(2,)]


def test_before_a_moment(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "journal.db.damaged-5").write_text(CANARY_NAME)
    before = in_journal(tmp_path)
    kinds = [(kind, stat) for kind in manifest.LEVELS for stat in ("", *manifest.STATISTICS)]
    sealed = {pair: rows(tmp_path, *pair) for pair in kinds}
    states = {second: table_at(tmp_path, second) for second in (4330, 4600, 5500, 6700)}
    purge(tmp_path, before_s=MIDDLE)
    cut = MIDDLE - START_S
    assert in_journal(tmp_path) == {second: values for second, values in before.items() if second >= cut}
    for pair, known in sealed.items():
        kept = [row for row in known if row["time_s"] >= MIDDLE]
        assert [_known(row) for row in rows(tmp_path, *pair)] == [_known(row) for row in kept]
    left = everything_in(tmp_path)
    assert f"/{CANARY_NAME}/old" not in left, "the series that had gone by then, in catalogues too"
    assert f"'{CANARY_NAME}'" not in left, "the process that had ended by then"
    assert {second: table_at(tmp_path, second) for second in states} == states, "what was steady is still known"
    assert all(
        row["time_ns"] >= MIDDLE * S for kind in ("event", "burst", "table") for row in rows(tmp_path, kind)
    )
    with read.open_reader(tmp_path) as reader:
        assert reader.events()[0][0].time_ns >= MIDDLE * S
    assert (tmp_path / "journal.db.damaged-5").exists(), "it is younger than that"


def _known(row: dict[str, Any]) -> dict[str, Any]:
    """A series that nobody has any more has no column any more, instead of one of gaps."""
    return {name: value for name, value in row.items() if value is not None}


def table_at(folder: Path, second: int) -> dict[str, Any]:
    """The state of the table as a sealed one tells it: per key the last row that is not gone."""
    found: dict[str, Any] = {}
    for item in manifest.load(folder).of(manifest.TABLE):
        if item.first_seq <= second + 1 <= item.last_seq:
            path = folder / manifest.FOLDER / item.file
            for row in duckdb.execute(f"FROM read_parquet('{path}') WHERE seq <= {second + 1}").fetchall():
                found[row[2]] = None if row[3] else row[4:]
    return {key: row for key, row in found.items() if row is not None}


def test_series_before_a_moment(tmp_path: Path) -> None:
    fill(tmp_path)
    before = in_journal(tmp_path)
    raw = rows(tmp_path, manifest.RAW)
    purge(tmp_path, CANARY.series.name, before_s=MIDDLE)
    name = CANARY.series.text
    for second, values in in_journal(tmp_path).items():
        for series, value in before[second].items():
            if series == name and second < MIDDLE - START_S:
                assert math.isnan(values[series])
            else:
                assert values[series] == value
    now = {row["seq"]: row for row in rows(tmp_path, manifest.RAW)}
    for row in raw:
        expected = {key: None if key == name and row["time_s"] < MIDDLE else value for key, value in row.items()}
        assert _known(now[row["seq"]]) == _known(expected)
    assert any(name in row for row in now.values())
    with read.open_reader(tmp_path) as reader:
        found = [item for item in reader.events()[0] if item.aggregate_type == "series"]
    assert found
    assert all(item.time_ns >= MIDDLE * S for item in found)


def test_what_is_in_the_journal_alone(tmp_path: Path) -> None:
    fill(tmp_path, 5000, sealed=False)
    purge(tmp_path, before_s=START_S + 4000)
    assert list(in_journal(tmp_path)) == list(range(4000, 5000))
    assert CANARY_NAME not in everything_in(tmp_path).replace(f'/{CANARY_NAME}"', "")
    with closing(open_reader(tmp_path / NAME)) as database:
        assert next(database.rows("SELECT count(*) FROM layout")) == (1,)
        assert next(database.rows("SELECT count(*) FROM series_column")) == (3,)
        assert next(database.rows("PRAGMA freelist_count")) == (0,)


def test_a_burst_is_cut_where_the_moment_is(tmp_path: Path) -> None:
    fill(tmp_path, 200, sealed=False)
    purge(tmp_path, before_s=START_S + 120)
    with closing(open_reader(tmp_path / NAME)) as database:
        for times, values in database.rows('SELECT time_ns, "values" FROM burst'):
            assert len(times) == len(values) == 8 * 40


def test_pages_that_were_free_before_are_wiped_too(tmp_path: Path) -> None:
    fill(tmp_path, 3000, sealed=False)
    with closing(Journal(tmp_path / NAME)) as journal:
        journal.trim(100, 1 << 40)
    assert everything_in(tmp_path).count(f"/{CANARY_NAME}") > 0
    purge(tmp_path, "system.filesystem.*")
    left = everything_in(tmp_path)
    assert f"/{CANARY_NAME}" not in left
    assert not (tmp_path / f"{NAME}-wal").exists() or (tmp_path / f"{NAME}-wal").stat().st_size == 0


def test_who_writes_on_has_a_layout_of_its_own(tmp_path: Path) -> None:
    fill(tmp_path, 50, sealed=False)
    with closing(Journal(tmp_path / NAME)) as journal:
        purge_journal(journal, Wanted(patterns=("system.filesystem.*",)))
        again = Layout(2, LAYOUTS[0].columns)
        tick = Tick(51, START_S + 50, 50 * S, 1, 2, pack(array("d", values_at(50))))
        journal.write([(tick, again)])
    found = in_journal(tmp_path)
    assert len(found[49]) == 2
    assert len(found[50]) == 3


def test_a_manifest_that_cannot_be_saved_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    before = {item.file for item in manifest.load(tmp_path).segments}
    saves = []

    def save(*given: object) -> None:
        saves.append(given)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, seal.lock(tmp_path):
        patched.setattr(manifest, "save", save)
        with pytest.raises(StoreError, match="No space left"):
            purge_segments(tmp_path, Wanted(patterns=("system.disk.*",)), 0)
    assert saves
    assert {item.file for item in manifest.load(tmp_path).segments} == before
    assert all(segments.verify(tmp_path, item) == "" for item in manifest.load(tmp_path).segments)
    assert segments.leftovers(tmp_path, manifest.load(tmp_path)) == []
    purge(tmp_path, "system.disk.*")
    assert DISK.series.text not in everything_in(tmp_path)


def test_a_damaged_segment_goes_too(tmp_path: Path) -> None:
    fill(tmp_path)
    item = manifest.load(tmp_path).of(manifest.RAW)[0]
    path = tmp_path / manifest.FOLDER / item.file
    raw = bytearray(path.read_bytes())
    raw[100] ^= 1
    path.write_bytes(raw)
    purge(tmp_path, "system.filesystem.*")
    assert not path.exists()
    assert item.file not in {other.file for other in manifest.load(tmp_path).segments}


def test_a_purged_store_can_be_sealed_on_and_read(tmp_path: Path) -> None:
    fill(tmp_path)
    purge(tmp_path, "system.filesystem.*")
    with seal.lock(tmp_path):
        seal.run(tmp_path, START_S * S, everything=True)
    seqs = sorted(row["seq"] for row in rows(tmp_path, manifest.RAW))
    assert seqs == list(range(1, SECONDS + 1))
    sealed = Sealed(tmp_path)
    assert len(sealed.whole(manifest.load(tmp_path).segments)) == len(manifest.load(tmp_path).segments)
    sealed.close()
    assert retention.other_files(tmp_path)


def test_a_file_never_gets_the_name_of_one_that_is_there(tmp_path: Path) -> None:
    fill(tmp_path)
    purge(tmp_path, CANARY.series.text)
    purge(tmp_path, GONE.series.text)
    names = [item.file for item in manifest.load(tmp_path).segments]
    assert len(set(names)) == len(names)
    assert any("~1-" in name for name in names)
    assert len(in_journal(tmp_path)[0]) == 2


def test_the_plan_is_what_is_done(tmp_path: Path) -> None:
    fill(tmp_path)
    made = manifest.load(tmp_path)
    todo = plan(made, Wanted(MIDDLE))
    files = {item.file for item in (*todo.gone, *todo.rewritten)}
    purge(tmp_path, before_s=MIDDLE)
    now = {item.file for item in manifest.load(tmp_path).segments}
    assert {item.file for item in made.segments} - now == files
    assert todo.size > 0


@pytest.mark.parametrize(("given_ns", "second"), [(None, None), (5 * S, 5), (5 * S + 1, 6), (0, 0), (-1, 0)])
def test_a_second_that_had_begun_goes_whole(given_ns: int | None, second: int | None) -> None:
    assert before_second(given_ns) == second


def test_the_command_asks_first(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = places().data_dir
    with pytest.raises(NoDataError):
        command.main(None, [], yes=True)
    fill(folder)
    with pytest.raises(UsageError, match="--yes"):
        command.main(None, [], yes=False)
    said = capsys.readouterr().out
    assert "everything that was recorded" in said
    assert "9000 ticks of the journal (2.5 h)" in said
    assert "segments (" in said
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: "n")
    assert command.main(None, [], yes=False) == 0
    assert len(in_journal(folder)) == SECONDS
    with pytest.raises(NoDataError, match="no series is named"):
        command.main(None, ["nothing.*"], yes=True)
    with pytest.raises(UsageError, match="empty"):
        command.main(None, [""], yes=True)
    with pytest.raises(UsageError, match="expected a time"):
        command.main("soon", [], yes=True)
    monkeypatch.setattr("builtins.input", lambda _: "y")
    assert command.main(str(MIDDLE), ["system.filesystem.*"], yes=False) == 0
    said = capsys.readouterr().out
    assert f'system.filesystem.limit{{mount="/{CANARY_NAME}"}}' in said
    assert "2 series before 2026-" in said
    assert command.main(None, [], yes=True) == 0
    with read.open_reader(folder) as reader:
        (told,) = reader.events()[0]
    assert told.type == "store.purged"
    assert told.payload["ticks"] == SECONDS
    assert told.payload["segments"] > 0
    assert CANARY_NAME not in everything_in(folder)


@pytest.mark.parametrize(("words", "stays"), [([], False), (["system.*"], True)])
def test_bundles_of_incidents_go_with_everything_else_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], stays: bool
) -> None:
    fill(tmp_path)
    folder = tmp_path / "bundles"
    folder.mkdir()
    bundle = folder / "wftop-20200101-000000.wftop"
    bundle.write_bytes(b"PK")
    assert command.main(None, words, yes=True, data_dir=str(tmp_path)) == 0
    said = capsys.readouterr().out
    assert bundle.exists() is stays
    assert f"{'kept' if stays else 'deleted'}: {bundle}, a bundle" in said
