"""`wftop why` as a person and a script call it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import command, environment
from tests.recording import START_S, S
from tests.stored import process, recorded
from wftui.model.processes import PROCESSES
from wftui.model.sample import column
from wftui.model.table import TableChange
from wftui.store.journal import StoredChange

COLUMNS = (
    column("cpu", "system.cpu.utilization", call="/proc/stat"),
    column("disk", "system.disk.io", {"device": "sda", "direction": "read"}, call="/proc/diskstats"),
)


def rows() -> Iterator[list[float]]:
    """20 minutes; from the 900th second on the CPU is busy."""
    for second in range(1200):
        yield [0.9 + second % 3 / 100 if second >= 900 else 0.1 + second % 5 / 100, second * 4096.0]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    with recorded(folder) as made:
        made.many(COLUMNS, rows(), 1200)
        calm = TableChange(PROCESSES.name, (START_S + 800) * S, True, {"1:1": process("init", 0.0, pid=1)})
        busy = TableChange(PROCESSES.name, (START_S + 902) * S, False, {"9:9": process("burner", 1.0, pid=9)})
        made.write([StoredChange(801, PROCESSES, calm), StoredChange(903, PROCESSES, busy)])
    return folder


def run(*arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        command("why", *arguments), env=environment({"COLUMNS": "80"}), capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def test_it_says_what_moved_in_80_columns(data: Path) -> None:
    said = run("--at", str(START_S + 910), "--data-dir", str(data))
    lines = said.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("Around 2026-09-21 ")
    assert "CPU 12 → 91.2 % at " in lines[1]
    assert any("burner (9) started: cpu 100 %" in line for line in lines)
    assert any("the like never since" in line for line in lines)


def test_nothing_happened_is_an_answer(data: Path) -> None:
    said = run("--at", str(START_S + 840), "--before", "5m", "--data-dir", str(data))
    assert "Nothing stands out: none of 2 series went far from the 5 min" in said


def test_as_json(data: Path) -> None:
    found = json.loads(run("--at", str(START_S + 910), "--json", "--data-dir", str(data)))
    assert found["schema_version"] == 1
    assert set(found) == {
        "schema_version", "summary", "at_s", "since_s", "from_s", "until_s", "before_known_s", "window_known_s",
        "judged", "moved", "processes", "events", "past", "gpus",
    }  # fmt: skip
    assert found["summary"].startswith("CPU 12 → 91.2 %")
    first = found["moved"][0]
    assert set(first) == {
        "series", "name", "unit", "kind", "before", "after", "began_s", "ended_s", "deviation", "score", "members",
        "repeats", "usual_days", "days",
    }  # fmt: skip
    assert (first["series"], first["kind"], first["began_s"]) == ("system.cpu.utilization", "rose", START_S + 900)
    assert (found["processes"][0]["pid"], found["processes"][0]["kind"]) == (9, "started")
    assert (found["window_known_s"], found["before_known_s"]) == (60, 600)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--at", "soon"), 2, "expected a time"),
        (("--window", "3h"), 2, "--window: expected"),
        (("--before", "1s"), 2, "--before: expected"),
        (("--at", str(START_S - 9000)), 7, "no data"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(data: Path, arguments: tuple[str, ...], code: int, words: str) -> None:
    assert words in run(*arguments, "--data-dir", str(data), code=code)
