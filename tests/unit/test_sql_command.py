"""`wftop sql`: the live hour with the sealed ones, one question at a time, and nothing but questions."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.recording import BYTES, CPU, START_S, S
from tests.stored import change, events, recorded
from wftui.__main__ import main
from wftui.render import cells
from wftui.store import derived, described, manifest, seal
from wftui.store.ask import Asking, TooLargeQuestionError

TICKS = 7000
NOW_NS = (START_S + TICKS) * S
Run = Callable[..., tuple[int, str, str]]


def make(folder: Path) -> Path:
    with recorded(folder) as made:
        made.many([CPU, BYTES], ([0.25, 1000.0 * n] for n in count()), TICKS - 1)
        made.many([CPU, BYTES], iter([[0.75, float("nan")]]), TICKS)
        made.write(changes=[change(100, {"1:2": ("=init", 0.5), "3:4": ("sh", 0.1)}, keyframe=True),
                            change(6500, {"1:2": ("=init", 0.9)}, ["3:4"])])  # fmt: skip
        made.write(events=events(3, START_S * S))
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sealed up to the last full hour; history.duckdb is there."""
    folder = make(tmp_path_factory.mktemp("data"))
    seal.run(folder, NOW_NS)
    derived.refresh(folder, NOW_NS)
    return folder


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def ask(*words: str, folder: Path = data) -> tuple[int, str, str]:
        code = main(["sql", *words, "--data-dir", str(folder)])
        out = capsys.readouterr()
        return code, out.out, out.err

    return ask


def ask(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with Asking(folder, sql, NOW_NS) as asking, asking.deadline(20):
        return asking.connection.execute(asking.question).fetchall()


def sealed_seq(folder: Path) -> int:
    return manifest.load(folder).sealed_seq


def test_sealed_and_live_are_one(data: Path) -> None:
    assert 0 < sealed_seq(data) < TICKS
    sql = "SELECT count(*), count(DISTINCT seq), min(seq), max(seq), max(value) FROM {} WHERE series = '{}'"
    for source in ("metrics_timeseries", f"samples('{CPU.series.text}')"):
        assert ask(data, sql.format(source, CPU.series.text)) == [(TICKS, TICKS, 1, TICKS, 0.75)]
    # The last reading of the counter is unknown: no row, not 0.
    assert ask(data, sql.format("metrics_timeseries", BYTES.series.text)) == [
        (TICKS - 1, TICKS - 1, 1, TICKS - 1, 1000.0 * (TICKS - 2))
    ]


def test_snapshots_processes_events_sessions(data: Path) -> None:
    assert ask(data, "SELECT series, seq, value, unit FROM metrics_snapshots ORDER BY series") == [
        (CPU.series.text, TICKS, 0.75, "1"),
        (BYTES.series.text, TICKS - 1, 1000.0 * (TICKS - 2), "By"),
    ]
    rows = ask(data, "SELECT seq, key, gone, cpu_utilization FROM processes WHERE seq >= 6500 ORDER BY ALL")
    assert rows == [(6500, "1:2", False, 0.9), (6500, "3:4", True, None)]
    at = "SELECT name, cpu_utilization FROM processes_at(make_timestamp({})) ORDER BY name"
    assert ask(data, at.format((START_S + 5000) * 1_000_000)) == [("=init", 0.5), ("sh", 0.1)]
    assert ask(data, at.format((START_S + 6900) * 1_000_000)) == [("=init", 0.9)]
    assert ask(data, "SELECT count(*) FROM events") == [(3,)]
    assert ask(data, "SELECT mode FROM sessions") == [("record",)]
    assert ask(data, "SELECT count(*) FROM alert_history") == [(0,)]
    assert ask(data, "SELECT count(*) FROM series") == [(2,)]
    assert ask(data, "SELECT sealed_seq FROM meta") == [(sealed_seq(data),)]


@pytest.mark.parametrize("state", ["missing", "stale", "damaged", "current"])
def test_five_minutes_with_whatever_history_there_is(tmp_path: Path, state: str) -> None:
    folder = tmp_path / "data"
    with recorded(folder) as made:
        made.many([CPU, BYTES], ([0.25, 1000.0 * n] for n in count()), 4000)
        seal.run(folder, NOW_NS, everything=True)
        derived.refresh(folder, NOW_NS)
        made.many([CPU, BYTES], ([0.25, 1000.0 * n] for n in count(4000)), 8000)
    seal.run(folder, NOW_NS, everything=True)
    if state == "current":
        derived.refresh(folder, NOW_NS)
    if state == "missing":
        (folder / derived.NAME).unlink()
    if state == "damaged":
        (folder / derived.NAME).write_bytes(b"x" * 50_000)
    before = {item: item.stat().st_mtime_ns for item in folder.rglob("*") if item.suffix == ".duckdb"}
    rows = ask(folder, "SELECT * FROM metrics_5m ORDER BY seq, series_id")
    assert {item: item.stat().st_mtime_ns for item in folder.rglob("*") if item.suffix == ".duckdb"} == before
    derived.rebuild(folder, NOW_NS)
    with duckdb.connect(str(folder / derived.NAME), read_only=True) as connection:
        assert rows == connection.execute("SELECT * FROM metrics_5m ORDER BY seq, series_id").fetchall()


def test_nothing_sealed_yet(tmp_path: Path, run: Run) -> None:
    folder = make(tmp_path / "data")
    assert ask(folder, "SELECT count(*) FROM metrics_timeseries") == [(2 * TICKS - 1,)]
    assert ask(folder, "SELECT series_id, value FROM metrics_snapshots ORDER BY 1") == [
        (0, 0.75), (1, 1000.0 * (TICKS - 2)),
    ]  # fmt: skip
    assert ask(folder, "SELECT count(*) FROM processes") == [(4,)]
    assert ask(folder, "SELECT count(*) FROM metrics_5m") == [(0,)]
    code, _, err = run("FROM series", folder=tmp_path / "nothing")
    assert (code, "nothing was recorded" in err) == (7, True)


DOCUMENTED = Path(__file__).parents[2].joinpath("docs", "history.md").read_text(encoding="utf-8")
HOSTILE = [
    "COPY (SELECT 1) TO '{out}'",
    "COPY series TO '{out}' (FORMAT parquet)",
    "COPY (SELECT 1) TO '{data}/segments/manifest.json'",
    "ATTACH '{out}' AS x",
    "ATTACH '{data}/history.duckdb' AS x",
    "DETACH history",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{out}'",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "RESET memory_limit",
    "PRAGMA database_list",
    "PRAGMA enable_profiling",
    "CALL pragma_version()",
    "CREATE TABLE x (y INTEGER)",
    "CREATE OR REPLACE VIEW series AS SELECT 1",
    "CREATE TABLE history.x (y INTEGER)",
    "INSERT INTO history.metrics_5m SELECT * FROM history.metrics_5m",
    "UPDATE series SET id = 1",
    "DELETE FROM history.events",
    "DROP TABLE history.events",
    "EXPORT DATABASE '{out}'",
    "IMPORT DATABASE '{data}'",
    "CHECKPOINT history",
    "BEGIN",
    "PREPARE p AS SELECT 1",
    "SELECT 1; SELECT 2",
    "SELECT 1; COPY (SELECT 1) TO '{out}'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{out}'",
    "explain /* x */ analyze copy (select 1) to '{out}'",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_text('{data}/journal.db')",
    "SELECT * FROM read_blob('{data}/journal.db')",
    "SELECT * FROM read_text('{data}/segments/../journal.db')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM read_parquet('https://example.org/x.parquet')",
    "SELECT * FROM read_json('/proc/self/environ')",
    "SELECT getenv('HOME')",
    "FROM query('COPY (SELECT 1) TO ''{out}''')",
    "FROM sqlite_scan('{data}/journal.db', 'tick')",
    "SELECT nonsense FROM series",
    "SELEC 1",
    "",
]


@pytest.mark.parametrize("statement", HOSTILE)
def test_nothing_but_questions(run: Run, data: Path, tmp_path: Path, statement: str) -> None:
    out = tmp_path / "stolen"
    before = {item: item.read_bytes() for item in data.rglob("*") if item.is_file() and "db-" not in item.name}
    code, shown, said = run(statement.format(out=out, data=data))
    if code == 0:
        # glob() lists only what may be read; the rest fails.
        assert statement.startswith("SELECT * FROM glob")
        assert "passwd" not in shown
    else:
        assert code == 2
        assert shown == ""
        assert re.fullmatch(r"wftop: [^\n]+\n", said)
    assert not out.exists()
    assert before == {
        item: item.read_bytes() for item in data.rglob("*") if item.is_file() and "db-" not in item.name
    }


def test_an_error_says_what_and_where(run: Run) -> None:
    _, _, said = run("SELECT seqq\nFROM series")
    assert "seqq" in said
    assert "line 1: SELECT seqq" in said


def test_a_deadline_and_a_limit_of_memory(data: Path, run: Run) -> None:
    code, _, said = run("SELECT count(*) FROM range(1e9::BIGINT) a, range(1000) b", "--deadline", "300ms")
    assert (code, "no answer within 0.3 s" in said) == (1, True)
    with (
        Asking(data, "SELECT list(range) FROM range(100000000)", NOW_NS, memory_mb=40) as asking,
        pytest.raises(TooLargeQuestionError, match="memory"),
        asking.deadline(20),
    ):
        asking.connection.execute(asking.question).fetchall()


@pytest.mark.parametrize(
    "words",
    [
        ["--memory", "lots"],
        ["--memory", "1MB"],
        ["--memory", "9" * 5000],
        ["--memory", "²GB"],
        ["--deadline", "soon"],
        ["--format", "parquet"],
    ],
)
def test_wrong_options_are_said(run: Run, words: list[str]) -> None:
    code, _, said = run("SELECT 1", *words)
    assert code == 2
    assert said.startswith("wftop: ")


def test_table(run: Run) -> None:
    code, shown, _ = run("SELECT series, value, NULL AS nothing FROM metrics_snapshots ORDER BY series")
    assert code == 0
    assert shown.splitlines()[:3] == [
        "series                                           value  nothing",
        "---------------------------------------------  -------  -------",
        "system.cpu.utilization                            0.75        -",
    ]


def test_hostile_cells_stay_in_their_line(run: Run) -> None:
    _, shown, _ = run("SELECT E'a\\x1b[2Jb\\nc' AS x, repeat('y', 200) AS y, true AS z")
    assert shown.splitlines()[2].startswith("a\\x1b[2Jb\\x0ac")
    assert "…" in shown
    assert len(shown.splitlines()) == 3


def test_csv_and_json_say_the_same(run: Run, tmp_path: Path) -> None:
    sql = "SELECT time, name, cpu_utilization, gone, {'a': 1} AS s FROM processes WHERE seq = 6500 ORDER BY gone"
    _, shown, _ = run(sql, "--format", "csv")
    assert shown.split("\r\n") == [
        "time,name,cpu_utilization,gone,s",
        "2026-09-21 16:01:39.500000,'=init,0.9,false,{'a': 1}",
        "2026-09-21 16:01:39.500000,,,true,{'a': 1}",
        "",
    ]
    out = tmp_path / "answer.json"
    code, _, _ = run(sql, "-o", str(out))
    assert code == 0
    assert json.loads(out.read_text())[0] == {
        "time": "2026-09-21T16:01:39.500000",
        "name": "=init",
        "cpu_utilization": 0.9,
        "gone": False,
        "s": {"a": 1},
    }
    assert out.stat().st_mode & 0o777 == 0o600
    code, _, said = run(sql, "-o", str(out))
    assert (code, "--force" in said) == (4, True)


def test_json_of_any_cell_is_json() -> None:
    rows = duckdb.execute(
        "SELECT 1::HUGEINT << 100 AS h, 'nan'::DOUBLE AS n, DATE '2026-01-02' AS d, INTERVAL 1 DAY AS i,"
        " [1, NULL] AS l, MAP {1: 'x'} AS m, 1.50::DECIMAL(4, 2) AS e, '\\xAA'::BLOB AS b, uuid() AS u"
    )
    made = "".join(cells.objects([item[0] for item in rows.description or ()], rows.fetchall()))
    (found,) = json.loads(made)
    assert found["n"] is None
    assert found["l"] == [1, None]
    assert found["m"] == {"1": "x"}
    assert json.loads("".join(cells.objects(["a"], []))) == []


def test_parquet(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "answer.parquet"
    code, _, _ = run("SELECT * FROM samples('system.cpu.utilization') ORDER BY seq", "-o", str(out))
    assert code == 0
    assert duckdb.read_parquet(str(out)).aggregate("count(*), max(value)").fetchall() == [(TICKS, 0.75)]
    assert out.stat().st_mode & 0o777 == 0o600
    for words in ("SELECT 1 AS x; ", "SELECT 1 AS x -- all", "FROM (SELECT 1 AS x)", "SELECT 1) TO '{}' --"):
        code, _, _ = run(words.format(tmp_path / "other"), "-o", str(out), "--force")
        assert code == (2 if ")" in words[:9] else 0)
    assert not (tmp_path / "other").exists()
    assert run("EXPLAIN SELECT 1", "-o", str(tmp_path / "plan.parquet"))[0] == 2
    assert sorted(item.name for item in tmp_path.iterdir() if item.is_file()) == ["answer.parquet"]


def test_a_question_from_standard_input_and_a_plan(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 41 + 1 AS answer"))
    assert run("-")[1].splitlines()[-1].strip() == "42"
    code, shown, _ = run("EXPLAIN SELECT id FROM series")
    assert code == 0
    assert len(shown.splitlines()) > 2


def test_a_damaged_journal_leaves_what_is_sealed(tmp_path: Path, run: Run) -> None:
    folder = make(tmp_path / "data")
    seal.run(folder, NOW_NS)
    for item in folder.glob("journal.db*"):
        item.unlink()
    (folder / "journal.db").write_bytes(b"x" * 10_000)
    code, shown, said = run("SELECT max(seq) AS last FROM metrics_timeseries", folder=folder)
    assert (code, shown.split()[-1]) == (0, str(sealed_seq(folder)))
    assert "without what the journal holds" in said


def test_what_is_described_is_what_is_there(data: Path) -> None:
    for name, item in described.TABLES.items():
        source = {"samples(pattern)": "samples('*')", "processes_at(moment)": "processes_at('2026-01-01')"}.get(
            name, name
        )
        found = {row[0]: row[1] for row in ask(data, f"DESCRIBE FROM {source}")}
        # Whole numbers of a table's segments are BIGINT.
        told = {column: kind for column, (kind, _) in item.columns.items()}
        assert list(found) == list(told), name
        assert {k: v for k, v in found.items() if v != "BIGINT"} == {
            k: told[k] for k, v in found.items() if v != "BIGINT"
        }


def test_the_schema_is_listed_and_documented(run: Run) -> None:
    code, shown, _ = run("--schema")
    assert code == 0
    assert all(name in shown for name in described.TABLES)
    assert described.markdown().strip() in DOCUMENTED


@pytest.mark.parametrize("example", re.findall(r"```sql\n(.*?)```", DOCUMENTED, re.S))
def test_documented_examples_have_answers(data: Path, example: str) -> None:
    for sql in example.strip().removesuffix(";").split(";\n"):
        busy = sql.replace("2026-11-20 14:32:05", "2026-09-21 15:00:00")
        assert ask(data, busy), sql
