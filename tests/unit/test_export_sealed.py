"""`wftop export` over sealed hours: as if they were still in the journal; steps where only steps are left."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from tests.past import SECONDS, close_hours, fill, values
from tests.recording import START_S
from wftui.cli import export
from wftui.cli.export_options import STEPS
from wftui.errors import ConfigError, NoDataError, UsageError
from wftui.store import manifest

SPIKE = 400


def forget_raw(folder: Path) -> None:
    """As retention does when an hour is too old."""
    made = manifest.load(folder)
    first = made.of(manifest.RAW)[0].first_seq
    kept = tuple(item for item in made.segments if item.kind != manifest.RAW or item.first_seq > first)
    manifest.save(folder, msgspec.structs.replace(made, segments=kept))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "recording"
    folder.mkdir(mode=0o700, exist_ok=True)
    fill(folder)
    return folder


def run(data: Path, target: Path, *words: str, since: int = 0, until: int = SECONDS) -> str:
    span = ("--since", str(START_S + since), "--until", str(START_S + until))
    assert export.main(["--data-dir", str(data), *span, "-o", str(target), "--force", *words]) == 0
    return str(target)


def rows(path: str) -> list[Any]:  # Any: objects and arrays of JSON
    with Path(path).open() as file:
        return [json.loads(line) for line in file]


@pytest.mark.parametrize("words", [(), ("--step", "10s"), ("--step", "5m"), ("--raw-counters",)], ids=str)
def test_the_same_bytes_before_and_after(data: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    before = Path(run(data, tmp_path / "x.csv", *words)).read_bytes()
    close_hours(data)
    assert Path(run(data, tmp_path / "x.csv", *words)).read_bytes() == before


@pytest.mark.parametrize("step", ["10s", "5m"])
def test_steps_that_are_left_of_what_is_gone(
    data: Path, tmp_path: Path, step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = rows(run(data, tmp_path / "x.jsonl", "--step", step))
    close_hours(data)
    forget_raw(data)
    capsys.readouterr()
    found = rows(run(data, tmp_path / "x.jsonl", "--step", step))
    size = STEPS[step]
    assert whole[0]["level_s"] == 1
    assert found[0] == {**whole[0], "level_s": size}
    assert f"steps of {size} s" in capsys.readouterr().err
    assert [row[0] for row in found[1:]] == [row[0] for row in whole[1:]]
    names = [item["id"] for item in found[0]["series"]]
    for old, new in zip(whole[1:], found[1:], strict=True):
        for name, before, after in zip(["time", *names], old, new, strict=True):
            if "max" in name or "mount" in name or before is None:
                assert after == before, "a worst value and a flat line are exact"
            else:
                assert after == pytest.approx(before, rel=2e-4), name
    assert rows(run(data, tmp_path / "y.jsonl", "--step", step, "--raw-counters"))[1][3] is None


def test_single_seconds_that_are_gone_are_said_to_be(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    close_hours(data)
    forget_raw(data)
    run(data, tmp_path / "x.csv")
    assert "--step 10s or 5m" in capsys.readouterr().err
    with pytest.raises(NoDataError, match="--step 10s or 5m"):
        run(data, tmp_path / "x.csv", until=60)


def test_a_damaged_segment_is_left_out_and_named(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    close_hours(data)
    segment = manifest.load(data).of(manifest.RAW)[0]
    path = data / manifest.FOLDER / segment.file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    lines = Path(run(data, tmp_path / "x.csv")).read_text().count("\n")
    assert lines == 1 + SECONDS - segment.rows
    assert segment.file in capsys.readouterr().err


def test_segments_or_a_journal_that_cannot_be_read_are_said_to_be(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    close_hours(data)
    path = data / manifest.FOLDER / manifest.NAME
    content = path.read_bytes()
    path.write_bytes(b'{"version": 99}')
    lines = Path(run(data, tmp_path / "x.csv")).read_text().count("\n")
    assert 3600 < lines < SECONDS, "what the journal holds"
    assert "newer wftop" in capsys.readouterr().err
    path.write_bytes(content)
    (data / "journal.db").write_bytes(b"x" * 8192)
    lines = Path(run(data, tmp_path / "x.csv")).read_text().count("\n")
    assert lines > 3600, "what is sealed"
    assert "journal.db" in capsys.readouterr().err


@pytest.mark.parametrize("sealed", [False, True])
def test_that_minute_with_the_processes_in_it(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, sealed: bool
) -> None:
    if sealed:
        close_hours(data)
    told = ("--table", "processes", "--format", "jsonl")
    found = rows(run(data, tmp_path / "p.jsonl", *told, since=SPIKE, until=SPIKE + 60))
    err = capsys.readouterr().err
    assert "process.command_line" in err
    assert "--include-identity" in err
    # 400 lies behind the change at 390: the whole table then, a keyframe at 420, a change at 450.
    assert [(row["key"], row["gone"], row["process.cpu.utilization"]) for row in found] == [
        ("8:5", False, 0.9), ("7:5", False, 0.1), ("8:5", False, 0.9), ("7:5", True, None)
    ] or sealed  # fmt: skip
    assert {row["key"] for row in found} == {"7:5", "8:5"}
    assert not any("alice" in str(row) or "bob" in str(row) or "trainer" in str(row) for row in found)
    kept = Path(
        run(data, tmp_path / "p.csv", "--table", "processes", "--include-identity", since=SPIKE)
    ).read_text()
    assert "trainer --name=bob" in kept
    assert kept.splitlines()[0].startswith("time_ns,time,key,gone,process.pid,")
    document = json.loads(Path(run(data, tmp_path / "p.json", "--table", "processes", until=90)).read_text())
    assert document["name"] == "processes"
    assert len(document["rows"][0]) == len(document["columns"])
    with pytest.raises(NoDataError, match="there is: processes"):
        run(data, tmp_path / "p.csv", "--table", "gpus")
    with pytest.raises(UsageError, match="csv, json, jsonl"):
        run(data, tmp_path / "p.parquet", "--table", "processes")


def test_events(data: Path, tmp_path: Path) -> None:
    close_hours(data)
    found = rows(run(data, tmp_path / "e.jsonl", "--events"))
    assert [row["seq"] for row in found] == list(range(1, SECONDS // 100 + 1))
    assert found[0]["type"] == "recorder.started"
    assert found[0]["payload"] == {"n": 1}
    assert found[0]["aggregate_id"] == "1"
    part = rows(run(data, tmp_path / "e.jsonl", "--events", since=100, until=300))
    assert [row["seq"] for row in part] == [2, 3]


@pytest.mark.parametrize("sealed", [False, True])
def test_a_duckdb_file(data: Path, tmp_path: Path, *, sealed: bool) -> None:
    if sealed:
        close_hours(data)
    target = tmp_path / "x.duckdb"
    words = ["--data-dir", str(data), "--since", str(START_S), "--until", str(START_S + 600), "-o", str(target)]
    assert export.main(words) == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [item.name for item in tmp_path.iterdir() if item.is_file()] == ["x.duckdb"]
    with pytest.raises(ConfigError, match="--force"):
        export.main(words)
    assert export.main([*words, "--force"]) == 0
    with duckdb.connect(str(target), read_only=True) as found:

        def ask(sql: str) -> list[Any]:  # Any: rows of SQL
            return found.execute(sql).fetchall()

        assert ask("SELECT count(*), min(epoch(time)), max(seq) FROM samples") == [(600, START_S, 600)]
        busy = sum(values(n)[0] for n in range(600))
        assert ask('SELECT sum("system.cpu.utilization") FROM samples') == [(pytest.approx(busy),)]
        assert ask("SELECT unit, kind, labels['device'] FROM series WHERE name = 'system.disk.io'") == [
            ("By/s", "rate", "sda")
        ]
        joined = "FROM metrics JOIN series USING (column_name) WHERE name = 'system.disk.io'"
        # The first second has no rate, nor the one without a reading and the one behind it.
        assert ask(f"SELECT count(*) {joined}") == [(597,)]
        assert ask('SELECT DISTINCT "process.pid" FROM processes WHERE NOT gone ORDER BY 1') == [(7,), (8,)]
        assert ask("SELECT count(*), any_value(payload->>'n') FROM events") == [(6, "1")]
        assert dict(ask("FROM meta"))["identity"] == "left out"
        told = str([ask(f'FROM "{name}"') for (name,) in ask("SELECT table_name FROM duckdb_tables()")])
        assert not any(word in told for word in ("alice", "bob", "trainer"))
    with pytest.raises(UsageError, match="-o FILE"):
        export.main([*words[:-2], "--format", "duckdb"])
