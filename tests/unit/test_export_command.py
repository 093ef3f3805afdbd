"""`wftop export` as a program: files, refusals, exit codes, pipes."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.recording import BYTES, CPU, START_S, Recording, mount
from wftui.cli import export
from wftui.errors import ConfigError, NoDataError, UsageError

RANGE = ("--since", str(START_S), "--until", str(START_S + 100))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with Recording(tmp_path / "data") as recording:
        for second in range(10):
            recording.tick(START_S + second, {CPU: 0.5, BYTES: 10.0 * second, mount("/home/alice"): 7.0})
    return tmp_path / "data"


def run(data: Path, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """The real program."""
    command = [sys.executable, "-m", "wftui", "export", "--data-dir", str(data), *words]
    return subprocess.run(command, capture_output=True, timeout=30, check=False, cwd=cwd)


def test_standard_output_and_what_is_left_out(data: Path) -> None:
    done = run(data, *RANGE)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode().splitlines()
    assert len(lines) == 11
    assert lines[2].endswith("2026-09-21T14:13:21Z,0.5,10,7")
    assert b"alice" not in done.stdout
    assert b"--include-identity" in done.stderr
    kept = run(data, *RANGE, "--include-identity")
    assert b"/home/alice" in kept.stdout
    assert b"--include-identity" not in kept.stderr


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "parquet"])
def test_a_file_is_private_whole_and_not_overwritten(
    data: Path, tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out" / f"x.{form}"
    target.parent.mkdir()
    words = ["--data-dir", str(data), *RANGE, "-o", str(target)]
    assert export.main(words) == 0
    assert f"10 rows of 3 series in {target}" in capsys.readouterr().err
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [item.name for item in target.parent.iterdir()] == [target.name]
    if form == "json":
        assert len(json.loads(target.read_text())["rows"]) == 10
    if form == "parquet":
        assert len(duckdb.read_parquet(str(target)).fetchall()) == 10
    before = target.read_bytes()
    with pytest.raises(ConfigError, match="--force"):
        export.main(words)
    assert target.read_bytes() == before
    target.write_bytes(b"old")
    assert export.main([*words, "--force"]) == 0
    assert target.read_bytes()[:4] == before[:4]


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_links_and_devices_are_refused(data: Path, tmp_path: Path, force: tuple[str, ...]) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    link = tmp_path / "link.csv"
    link.symlink_to(victim)
    for target in (link, Path(os.devnull), tmp_path):
        with pytest.raises(ConfigError):
            export.main(["--data-dir", str(data), *RANGE, "-o", str(target), *force])
    assert victim.read_text() == "mine"


def test_a_failure_leaves_no_file(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wftui.render import files

    def fail(_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.Csv, "rows", lambda self, batch: fail((self, batch)))
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(ConfigError, match="No space"):
        export.main(["--data-dir", str(data), *RANGE, "-o", str(out / "x.csv")])
    assert list(out.iterdir()) == []


def test_head_ends_it_quietly(tmp_path: Path) -> None:
    with Recording(tmp_path / "data") as recording:
        columns = [mount(f"/{number}") for number in range(200)]
        recording.many(columns, iter([[float(number) for number in range(200)]] * 2000), 2000)
    command = (
        f"{sys.executable} -m wftui export --data-dir {tmp_path / 'data'} --since {START_S} | head -1 | wc -l"
    )
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}; echo ${{PIPESTATUS[0]}}"],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.split() == ["1", "0"]


def test_terminated_it_leaves_nothing_behind(tmp_path: Path) -> None:
    with Recording(tmp_path / "data") as recording:
        recording.many([CPU, BYTES], iter([[0.5, 1.0]] * 20_000), 20_000)
    out = tmp_path / "out"
    out.mkdir()
    code = (
        "import os, signal, sys\n"
        "from wftui.render import files\n"
        "files.Csv.tail = lambda self: os.kill(os.getpid(), signal.SIGTERM) or b''\n"
        "from wftui.cli import export\n"
        "sys.exit(export.main(sys.argv[1:]))\n"
    )
    words = ["--data-dir", str(tmp_path / "data"), "--since", str(START_S), "-o", str(out / "x.csv")]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, timeout=30, check=False)
    assert done.returncode == 128 + signal.SIGTERM, done.stderr
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--since", "soon"), 2, "'soon'"),
        (("--since", "10m", "--until", "20m"), 2, "'20m'"),
        (("--step", "7s"), 2, "7s"),
        (("--since", "2020-01-01", "--until", "2020-01-02"), 7, "2026-09-21T14:13:20Z"),
        ((*RANGE, "-m", "no.such"), 7, "'no.such'"),
        (("--since", "2020-01-01", "--until", "2020-01-02", "-o", "x.csv"), 7, "no data"),
    ],
)
def test_refusals_are_one_line_and_a_code(
    data: Path, tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    done = run(data, *words, cwd=tmp_path)
    assert done.returncode == code
    assert done.stdout == b""
    assert said in done.stderr.decode().splitlines()[-1]
    assert not (tmp_path / "x.csv").exists()


def test_without_a_journal(tmp_path: Path) -> None:
    done = run(tmp_path / "nothing")
    assert done.returncode == 7
    assert done.stderr.startswith(b"wftop: ")
    assert done.stderr.count(b"\n") == 1


def test_one_pattern_without_series_is_said(data: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert export.main(["--data-dir", str(data), *RANGE, "-m", "system.cpu.*", "-m", "gone"]) == 0
    shown = capfdbinary.readouterr()
    assert b"'gone'" in shown.err
    assert shown.out.splitlines()[0] == b"time_ns,time,system.cpu.utilization [1]"


def test_parquet_into_a_pipe_and_by_ending(data: Path, tmp_path: Path) -> None:
    done = run(data, *RANGE, "--format", "parquet")
    assert done.returncode == 0, done.stderr
    assert done.stdout[:4] == done.stdout[-4:] == b"PAR1"
    (tmp_path / "x.parquet").write_bytes(done.stdout)
    assert len(duckdb.read_parquet(str(tmp_path / "x.parquet")).fetchall()) == 10


def test_the_locale_makes_no_difference(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = run(data, *RANGE).stdout
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("PYTHONCOERCECLOCALE", "0")
    monkeypatch.setenv("PYTHONUTF8", "0")
    assert run(data, *RANGE).stdout == plain


def test_while_it_is_recorded(tmp_path: Path) -> None:
    with Recording(tmp_path / "data") as recording:
        recording.tick(START_S, {CPU: 0.5})
        done = run(tmp_path / "data", "--since", str(START_S))
        assert done.stdout.count(b"\n") == 2
        recording.tick(START_S + 1, {CPU: 0.6})
        assert run(tmp_path / "data", "--since", str(START_S)).stdout.count(b"\n") == 3


def test_errors_have_their_codes() -> None:
    assert (UsageError.exit_code, ConfigError.exit_code, NoDataError.exit_code) == (2, 4, 7)


def test_progress_only_on_a_terminal_and_after_a_second(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from wftui import clock

    ticking = iter(range(0, 10**15, 400_000_000))
    monkeypatch.setattr(clock, "perf_ns", lambda: next(ticking))
    monkeypatch.setattr(export, "_BATCH", 1)
    words = ["--data-dir", str(data), *RANGE, "--format", "jsonl"]
    assert export.main(words) == 0
    assert "%" not in capsys.readouterr().err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert export.main(words) == 0
    said = capsys.readouterr().err
    assert "\rwftop:  30%, 3 rows" in said
    assert said.index("100%") < said.rindex("\r" + " " * 40 + "\r")


def test_csv_loads_nothing_heavy(data: Path) -> None:
    code = (
        "import sys\nfrom wftui.__main__ import main\nmain(sys.argv[1:])\n"
        "print(*sys.modules, sep='\\n', file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, "export", "--data-dir", str(data), *RANGE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.split())
    assert "wftui.render.files" in loaded
    assert not loaded & {"duckdb", "_duckdb", "numpy", "rich", "typer", "textual", "asyncio", "ctypes"}


def test_a_bundle_is_an_export_with_its_own_questions(data: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.wftop"
    refused = run(data, *RANGE, "--format", "bundle", "-o", str(target))
    assert refused.returncode == 2
    assert b"nobody is there to ask" in refused.stderr
    assert b"--encrypt-to KEY, --passphrase or --plain" in run(data, "--format=bundle", "--yes").stderr
    assert not target.exists()
    done = run(data, *RANGE, "--format=bundle", "-o", str(target), "--yes", "--plain", "--no-screens")
    assert done.returncode == 0, done.stderr
    assert target.read_bytes().startswith(b"PK")


@pytest.mark.parametrize("name", ["a.wftop", "a.wftop.age"])
def test_a_file_that_is_called_a_bundle_is_one(data: Path, tmp_path: Path, name: str) -> None:
    done = run(data, *RANGE, "-o", str(tmp_path / name))
    assert done.returncode == 2
    assert b"a bundle is written by --format bundle" in done.stderr
    assert not (tmp_path / name).exists()
