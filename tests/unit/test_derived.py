"""history.duckdb: any client opens it, it says what the segments say, and losing it costs nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from tests.recording import BYTES, CPU, PEAK, START_S, S
from tests.stored import Stored, change, events, recorded
from wftui.errors import StoreError
from wftui.store import derived, derived_tables, manifest, retention, seal, sealer
from wftui.store.segments import checks
from wftui.store.sql import name as quoted

HOUR = START_S // 3600 * 3600 + 3600
NOW_NS = (HOUR + 9000) * S


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hours and a half: a flat gauge, its peak, and a counter of 1000 By/s."""
    folder = tmp_path_factory.mktemp("sealed")
    with recorded(folder) as made:
        made.many([CPU, PEAK, BYTES], ([0.25, 0.5, 1000.0 * n] for n in count()), 9000)
        made.write(
            changes=[change(100, {"1:2": ("init", 0.5)}, keyframe=True), change(4000, {"1:2": ("init", 0.9)})]
        )
        made.write(events=events(5, START_S * S))
    seal.run(folder, NOW_NS)
    derived.refresh(folder, NOW_NS)
    return folder


def ask(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    """As a stranger's client."""
    with duckdb.connect(str(folder / derived.NAME), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_a_second_process_opens_it(sealed: Path) -> None:
    code = "import duckdb, sys; print(duckdb.connect(sys.argv[1], read_only=True).execute(sys.argv[2]).fetchall())"
    sql = "SELECT max(value), count(*) FROM metrics_timeseries WHERE series = 'system.cpu.utilization'"
    command = [sys.executable, "-c", code, str(sealed / derived.NAME), sql]
    with duckdb.connect(str(sealed / derived.NAME), read_only=True):
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    ticks = manifest.load(sealed).sealed_seq
    assert done.stdout.strip() == f"[(0.25, {ticks})]"
    assert (sealed / derived.NAME).stat().st_mode & 0o777 == 0o600


def test_series_say_what_they_are(sealed: Path) -> None:
    ((name, labels, unit, kind, group, source),) = ask(
        sealed, "SELECT name, labels, unit, kind, group_name, source FROM series WHERE labels['device'] = 'sda'"
    )
    assert (name, labels) == ("system.disk.io", {"device": "sda", "direction": "read"})
    assert (unit, kind, group, source) == ("By", "counter", "system", "disks")
    ((first, last),) = ask(sealed, "SELECT epoch(min(first_time)), epoch(max(last_time)) FROM series")
    assert first == START_S // 300 * 300
    assert last == HOUR + 3600


def test_five_minutes(sealed: Path) -> None:
    rows = ask(sealed, "SELECT epoch(time), m.* EXCLUDE (time) FROM metrics_5m m JOIN series s ON s.id = series_id"
                       " WHERE s.name = 'system.disk.io' ORDER BY seq")  # fmt: skip
    assert rows[1][0] == START_S // 300 * 300 + 300
    assert rows[1][3:] == (1000.0, pytest.approx(1000.0, rel=1e-3), 1000.0, None, 300)
    peaks = ask(sealed, """SELECT DISTINCT min, mean, max FROM metrics_5m JOIN series s ON s.id = series_id
                           WHERE s.series LIKE '%stat="max"%'""")  # fmt: skip
    assert peaks == [(None, None, 0.5)]
    assert ask(
        sealed, "SELECT count(DISTINCT series_id), count(*) = count(DISTINCT (seq, series_id)) FROM metrics_5m"
    ) == [(3, True)]


def test_samples_of_a_pattern(sealed: Path) -> None:
    def names(pattern: str) -> list[str]:
        sql = f"SELECT DISTINCT series FROM samples('{pattern}') ORDER BY 1"  # noqa: S608  a pattern of this test
        return [row[0] for row in ask(sealed, sql)]

    assert names("system.cpu.utilization") == ["system.cpu.utilization", 'system.cpu.utilization{stat="max"}']
    assert names("*disk*") == [BYTES.series.text]
    assert names(BYTES.series.text) == [BYTES.series.text]
    assert names("seq") == names("nothing") == names("system.cpu") == []


def test_time_is_pushed_into_the_files(sealed: Path) -> None:
    sql = "SELECT count(*), min(value) FROM samples('system.disk.io') WHERE time >= make_timestamp({})"
    (found,) = ask(sealed, sql.format(HOUR * 1_000_000))
    assert found[0] == 3600
    assert found[1] == 1000.0 * (HOUR - START_S)


def test_the_last_value_of_each_series(sealed: Path) -> None:
    rows = ask(sealed, "SELECT series, value, unit, seq FROM metrics_snapshots ORDER BY series")
    last = manifest.load(sealed).sealed_seq
    assert rows == [
        ("system.cpu.utilization", 0.25, "1", last),
        ('system.cpu.utilization{stat="max"}', 0.5, "1", last),
        (BYTES.series.text, 1000.0 * (last - 1), "By", last),
    ]


def test_processes_and_what_was_in_effect(sealed: Path) -> None:
    rows = ask(
        sealed, "SELECT seq, key, name, cpu_utilization FROM processes WHERE seq IN (100, 4000) ORDER BY seq"
    )
    assert rows == [(100, "1:2", "init", 0.5), (4000, "1:2", "init", 0.9)]
    at = "SELECT cpu_utilization FROM processes_at(make_timestamp({}))"
    assert ask(sealed, at.format((START_S + 3000) * 1_000_000)) == [(0.5,)]
    assert ask(sealed, at.format((START_S + 5000) * 1_000_000)) == [(0.9,)]
    assert ask(sealed, at.format(0)) == []


def test_events_alerts_sessions_and_meta(sealed: Path) -> None:
    assert ask(sealed, "SELECT seq, type, payload->>'n' FROM events ORDER BY seq LIMIT 1") == [
        (1, "mark.set", "0")
    ]
    assert ask(sealed, "FROM alert_history") == []
    assert ask(sealed, "SELECT boot_id, mode, how FROM sessions") == [("boot-1", "record", None)]
    ((version, seq, until),) = ask(sealed, "SELECT schema_version, sealed_seq, epoch(sealed_until) FROM meta")
    assert (version, seq, until) == (derived.VERSION, manifest.load(sealed).sealed_seq, HOUR + 3600)


@pytest.fixture
def growing(tmp_path: Path) -> Iterator[Stored]:
    """A recording that goes on."""
    with recorded(tmp_path / "data") as made:
        made.many([CPU, BYTES], ([0.25, 1000.0 * n] for n in count()), 5000)
        yield made


def dump(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    return {
        name: ask(folder, f"SELECT * FROM {name} ORDER BY ALL")  # noqa: S608  names below
        for name in ("series", "events", "sessions", "metrics_5m", "metrics_snapshots")
    } | {"meta": ask(folder, "SELECT * EXCLUDE (made_at) FROM meta")}


@pytest.mark.parametrize("everything", [False, True])
def test_growing_by_the_hour_is_the_same_as_anew(growing: Stored, everything: bool) -> None:
    folder = growing.folder
    for seconds in (5000, 9000, 13_000):
        growing.many([CPU, BYTES], ([0.5, 1000.0 * n] for n in count(seconds)), seconds)
        seal.run(folder, NOW_NS, everything=everything)
        derived.refresh(folder, NOW_NS)
    grown = dump(folder)
    assert len(grown["metrics_5m"]) > 40
    derived.rebuild(folder, NOW_NS)
    assert dump(folder) == grown


def test_a_client_keeps_what_it_has_while_it_is_replaced(growing: Stored) -> None:
    folder = growing.folder
    seal.run(folder, NOW_NS)
    derived.refresh(folder, NOW_NS)
    old = ask(folder, "SELECT count(*) FROM metrics_5m")
    with duckdb.connect(str(folder / derived.NAME), read_only=True) as connection:
        growing.many([CPU, BYTES], ([0.5, 1000.0 * n] for n in count(5000)), 9000)
        seal.run(folder, NOW_NS)
        derived.refresh(folder, NOW_NS)
        assert connection.execute("SELECT count(*) FROM metrics_5m").fetchall() == old
    assert ask(folder, "SELECT count(*) FROM metrics_5m") > old


def test_nothing_new_writes_nothing(growing: Stored) -> None:
    folder = growing.folder
    seal.run(folder, NOW_NS)
    derived.refresh(folder, NOW_NS)
    before = (folder / derived.NAME).stat()
    derived.refresh(folder, NOW_NS)
    assert (folder / derived.NAME).stat().st_ino == before.st_ino


@pytest.mark.parametrize("damage", [b"", b"\0" * 9000, b"not a database at all"])
def test_a_damaged_file_is_made_anew(growing: Stored, damage: bytes) -> None:
    folder = growing.folder
    seal.run(folder, NOW_NS)
    (folder / derived.NAME).write_bytes(damage)
    derived.refresh(folder, NOW_NS)
    assert ask(folder, "SELECT count(*) FROM series") == [(2,)]


def test_an_older_version_is_made_anew(growing: Stored) -> None:
    folder = growing.folder
    seal.run(folder, NOW_NS)
    derived.refresh(folder, NOW_NS)
    with duckdb.connect(str(folder / derived.NAME)) as connection:
        connection.execute("UPDATE meta SET schema_version = 0; CREATE TABLE strange (x INTEGER)")
    derived.refresh(folder, NOW_NS)
    assert ask(folder, "SELECT schema_version FROM meta") == [(derived.VERSION,)]
    assert ask(folder, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'strange'") == [(0,)]


def test_a_newer_version_is_refused_untouched(growing: Stored) -> None:
    folder = growing.folder
    seal.run(folder, NOW_NS)
    derived.refresh(folder, NOW_NS)
    path = folder / derived.NAME
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE meta SET schema_version = 99")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"newer wftop .*left untouched") as caught:
        derived.refresh(folder, NOW_NS)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    derived.rebuild(folder, NOW_NS)  # when a person asks for it
    assert ask(folder, "SELECT schema_version FROM meta") == [(derived.VERSION,)]


def test_a_damaged_segment_costs_that_segment_only(growing: Stored) -> None:
    folder = growing.folder
    growing.many([CPU, BYTES], ([0.5, 1000.0 * n] for n in count(5000)), 9000)
    seal.run(folder, NOW_NS)
    victim, other = manifest.load(folder).of(manifest.RAW)[:2]
    path = folder / manifest.FOLDER / victim.file
    path.write_bytes(b"x" * victim.size)
    derived.refresh(folder, NOW_NS)
    assert ask(folder, "SELECT count(*) FROM samples('system.cpu.utilization')") == [(other.rows,)]


def test_a_purged_series_goes_from_every_table(growing: Stored) -> None:
    folder = growing.folder
    seal.run(folder, NOW_NS)
    derived.refresh(folder, NOW_NS)
    made = manifest.load(folder)
    kept = tuple(item for item in made.columns if item.series != BYTES.series.text)
    cut = tuple(msgspec.structs.replace(item, columns=str(kept[0].id), file=item.file) for item in made.segments)
    # As a purge leaves it: new files, whose names differ.
    changed = []
    for item in cut:
        path = folder / manifest.FOLDER / item.file
        new = path.with_name(f"purged-{path.name}")
        wanted = f"SELECT * EXCLUDE ({quoted(BYTES.series.text)}) FROM '{path}'"  # noqa: S608  quoted
        duckdb.sql(f"COPY ({wanted}) TO '{new}'")
        size, _, crc = checks(new)
        changed.append(
            msgspec.structs.replace(
                item, file=str(new.relative_to(folder / manifest.FOLDER)), size=size, crc32=crc
            )
        )
    manifest.save(folder, msgspec.structs.replace(made, columns=kept, segments=tuple(changed)))
    derived.refresh(folder, NOW_NS)
    assert ask(folder, "SELECT DISTINCT series_id FROM metrics_5m") == [(kept[0].id,)]
    assert ask(folder, "SELECT series FROM metrics_snapshots") == [("system.cpu.utilization",)]


def test_rows_are_bounded(growing: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = growing.folder
    seal.run(folder, NOW_NS)
    monkeypatch.setattr(derived_tables, "MOST_ROWS", 10)
    derived.refresh(folder, NOW_NS)
    ((rows, last),) = ask(folder, "SELECT count(*), max(seq) FROM metrics_5m")
    assert 0 < rows <= 12
    assert last == manifest.load(folder).sealed_seq - 299


def test_rows_go_with_the_segments_that_a_cap_takes(growing: Stored) -> None:
    folder = growing.folder
    growing.many([CPU, BYTES], ([0.5, 1000.0 * n] for n in count()), 13_000)
    seal.run(folder, NOW_NS)
    derived.refresh(folder, NOW_NS)
    made = manifest.load(folder)
    first = min(item.first_seq for item in made.of(manifest.R300))
    kept = tuple(item for item in made.segments if item.first_seq > first or item.kind == manifest.EVENT)
    manifest.save(folder, msgspec.structs.replace(made, segments=kept))
    derived.refresh(folder, NOW_NS)
    grown = dump(folder)
    assert len(grown["metrics_5m"]) > 20
    derived.rebuild(folder, NOW_NS)
    assert dump(folder) == grown


def test_what_a_killed_sealer_began_costs_no_segment(growing: Stored) -> None:
    folder = growing.folder
    growing.many([CPU, BYTES], ([0.5, 1000.0 * n] for n in count()), 13_000)
    caps = retention.Caps(max_bytes=24_000_000, min_free_bytes=0)
    sealer.Sealing(folder, caps).run(NOW_NS)
    before = manifest.load(folder).segments
    beside = folder / f"{derived.NAME}.tmp"
    beside.write_bytes(bytes(caps.max_bytes))
    sealer.Sealing(folder, caps).run(NOW_NS)
    assert manifest.load(folder).segments == before
    assert not beside.exists()


def test_views_read_as_far_back_as_is_cheap(growing: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = growing.folder
    growing.many([CPU, BYTES], ([0.5, 1000.0 * n] for n in count(5000)), 13_000)
    seal.run(folder, NOW_NS)
    raw = manifest.load(folder).of(manifest.RAW)
    assert len(raw) == 3
    for columns, files in ((6, 3), (5, 2), (1, 1)):
        monkeypatch.setattr(derived, "BOUND", columns)
        derived.rebuild(folder, NOW_NS)
        expected = [(sum(item.rows for item in raw[-files:]),)]
        assert ask(folder, "SELECT count(*) FROM samples('system.cpu.utilization')") == expected
        assert ask(folder, "SELECT count(*) FROM metrics_snapshots") == [(2,)]


def test_an_empty_recording(tmp_path: Path) -> None:
    derived.refresh(tmp_path, NOW_NS)
    assert ask(tmp_path, "SELECT count(*) FROM metrics_timeseries") == [(0,)]
    assert ask(tmp_path, "FROM metrics_snapshots") == ask(tmp_path, "SELECT name, user FROM processes") == []
    reached = derived.reach(tmp_path)
    assert reached is not None
    assert (reached.sealed_seq, reached.sealed_ns) == (0, 0)


def test_a_full_disk_leaves_the_old_one(growing: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = growing.folder
    seal.run(folder, NOW_NS)
    derived.refresh(folder, NOW_NS)
    before = (folder / derived.NAME).read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises((OSError, StoreError)):
        derived.rebuild(folder, NOW_NS)
    assert (folder / derived.NAME).read_bytes() == before
    assert sorted(item.name for item in folder.iterdir() if "history" in item.name) == [derived.NAME]
