"""The log: what a line holds, rotation, several processes, and that it never fails its caller."""

import errno
import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wftui import log


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """An open log in a folder of its own; closed at the end."""
    opened = log.open_log(tmp_path / "state/wftop.log", level="debug")
    opened.dropped = 0
    yield tmp_path / "state/wftop.log"
    opened.close()


def rows(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_line(file: Path) -> None:
    log.info("bus", "view joined", views=2, share=0.5, note=None, ok=True)
    (row,) = rows(file)
    assert str(row.pop("time")).endswith("Z")
    assert row == {
        "level": "info",
        "area": "bus",
        "message": "view joined",
        "views": 2,
        "share": 0.5,
        "note": None,
        "ok": True,
    }
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_levels(file: Path) -> None:
    log.debug("a", "1")
    log.info("a", "2")
    log.warning("a", "3")
    log.error("a", "4")
    assert [row["level"] for row in rows(file)] == ["debug", "info", "warning", "error"]
    opened = log.open_log(file)
    log.debug("a", "5")
    log.warning("a", "6")
    assert [row["message"] for row in rows(file)] == ["1", "2", "3", "4", "6"]
    opened.close()


def test_hostile_text_and_secrets(file: Path) -> None:
    log.warning("x", "name \x1b]0;t\x07\n", url="http://u:hunter2@h/", time="forged", big=2**80)
    (row,) = rows(file)
    assert row["message"] == "name \\x1b]0;t\\x07\\x0a"
    assert row["url"] == "http://***@h/"
    assert row["time"] != "forged"
    assert row["big"] == str(2**80)


def test_a_traceback_is_one_field(file: Path) -> None:
    def fail() -> None:
        raise ValueError("bad \x1b value")

    try:
        fail()
    except ValueError as error:
        log.error("x", "failed", exc=error)
    (row,) = rows(file)
    trace = str(row["traceback"])
    assert trace.startswith("Traceback (most recent call last):\n")
    assert trace.endswith("ValueError: bad \\x1b value")


def test_rotation_keeps_three_files_within_their_size(tmp_path: Path) -> None:
    written = log.Log(tmp_path / "x.log", max_bytes=2_000)
    for number in range(100):
        written.write("info", "a", "x" * 50, {"number": number})
    written.close()
    assert sorted(p.name for p in tmp_path.glob("x.log*")) == ["x.log", "x.log.1", "x.log.2"]
    kept = [row["number"] for name in ("x.log.2", "x.log.1", "x.log") for row in rows(tmp_path / name)]
    assert kept == list(range(100 - len(kept), 100))
    assert all(p.stat().st_size <= 2_000 for p in tmp_path.glob("x.log*"))
    assert written.dropped == 0


def test_old_files_are_put_away_and_at_last_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.log"
    day_ns = 86_400 * 10**9
    start_ns = time.time_ns()
    written = log.Log(path, days=10)
    written.write("info", "a", "first", {})
    written.close()
    monkeypatch.setattr(time, "time_ns", lambda: start_ns + 3 * day_ns)
    again = log.Log(path, days=10)
    again.write("info", "a", "the same file: it is three days old", {})
    assert not (tmp_path / "x.log.1").exists()
    monkeypatch.setattr(time, "time_ns", lambda: start_ns + 7 * day_ns)
    again.write("info", "a", "a new one", {})
    assert b"first" in (tmp_path / "x.log.1").read_bytes()
    assert path.read_bytes().count(b"\n") == 1
    monkeypatch.setattr(time, "time_ns", lambda: start_ns + 40 * day_ns)
    again.write("info", "a", "the last", {})
    assert b"the last" in path.read_bytes()
    assert not (tmp_path / "x.log.2").exists()
    again.close()


def test_a_removed_file_is_made_again(file: Path) -> None:
    log.info("a", "1")
    file.unlink()
    log.info("a", "2")
    assert [row["message"] for row in rows(file)] == ["2"]


def test_two_logs_of_one_file_lose_nothing(tmp_path: Path) -> None:
    one, two = (log.Log(tmp_path / "x.log", max_bytes=3_000, files=50) for _ in range(2))
    for number in range(200):
        (one if number % 2 else two).write("info", "a", "m", {"number": number})
    one.close()
    two.close()
    kept = sorted(int(str(row["number"])) for p in tmp_path.glob("x.log*") for row in rows(p))
    assert kept == list(range(200))


def test_unopened_unwritable_and_closed_logs_drop_and_count(tmp_path: Path) -> None:
    nowhere = log.Log()
    nowhere.write("info", "a", "m", {})
    assert nowhere.dropped == 1
    (tmp_path / "file").write_text("")
    opened = log.open_log(tmp_path / "file/state/x.log")
    before = log.dropped()
    log.info("a", "m")
    assert log.dropped() == before + 1
    opened.close()
    opened.close()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    linked = log.Log(tmp_path / "link")
    linked.write("info", "a", "m", {})
    assert linked.dropped == 1
    assert (tmp_path / "file").read_text() == ""


def test_a_full_disk_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_fd: int, _line: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    full = log.Log(tmp_path / "x.log")
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", refuse)
        full.write("info", "a", "lost", {})
    assert full.dropped == 1
    full.write("info", "a", "kept", {})
    assert [row["message"] for row in rows(tmp_path / "x.log")] == ["kept"]
    full.close()


def test_a_value_that_cannot_be_shown_counts(file: Path) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    log.info("a", "m", value=Broken())
    assert log.dropped() == 1
    assert not file.exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.characters()), st.text(st.characters()) | st.binary() | st.integers() | st.floats())
def test_any_line_is_one_line_of_json(file: Path, message: str, value: object) -> None:
    log.info("a", message, value=value)
    row = json.loads(file.read_bytes().splitlines()[-1])
    assert row["area"] == "a"
    assert str(row["message"]).isprintable()
    assert log.dropped() == 0


def test_nothing_on_stdout_or_stderr_and_no_logging() -> None:
    code = "import sys; from wftui import log; log.error('a', 'm'); print('logging' in sys.modules, log.dropped())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        env={"PATH": os.environ["PATH"]},
    )
    assert (done.stdout.strip(), done.stderr) == ("False 1", "")
