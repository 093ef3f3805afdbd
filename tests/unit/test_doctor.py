"""`wftop doctor`: every check has a state, a text and, where something is wrong, the exact fix."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.unit.test_once import state
from wftui.cli import checks
from wftui.cli.checks import BAD, OK, WARN
from wftui.collectors import mountinfo
from wftui.model.health import Health
from wftui.paths import places
from wftui.wire.messages import StatusReply

MOUNTS = b"""22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:40 / /data rw - nfs4 server:/x rw
31 22 0:41 / /data/my\\040disk rw - xfs /dev/sdb rw
"""


def run(*words: str, data: Path) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "wftui", "doctor", "--data-dir", str(data), *words]
    return subprocess.run(command, capture_output=True, timeout=30, check=False)


def test_all_is_well(tmp_path: Path) -> None:
    done = run(data=tmp_path / "fresh")
    assert done.returncode == 0, done.stdout
    shown = done.stdout.decode()
    for title in ("Sources", "Paths", "Permissions", "Versions", "Terminal", "Own cost"):
        assert f"\n{title}\n" in f"\n{shown}"
    assert "✓ ok   cpu: ok" in shown
    assert not (tmp_path / "fresh").exists()


def test_json_and_a_folder_that_others_can_write(tmp_path: Path) -> None:
    data = tmp_path / "store"
    data.mkdir()
    data.chmod(0o777)
    done = run("--json", data=data)
    assert done.returncode == 1
    found = {(item["area"], item["name"]): item for item in json.loads(done.stdout)["checks"]}
    item = found["paths", "data folder"]
    assert (item["state"], item["fix"]) == (BAD, f"chmod 700 '{data}'")
    assert found["versions", "python"]["text"] == sys.version.split()[0]
    assert {"sqlite", "duckdb", "textual", "kernel"} <= {name for area, name in found if area == "versions"}


def test_a_broken_configuration_is_named(tmp_path: Path) -> None:
    config = tmp_path / "config" / "wftop" / "config.toml"
    config.parent.mkdir(mode=0o700)
    config.write_text("[view]\nrefrsh_s = 1\n")
    config.chmod(0o600)
    done = run("--json", data=tmp_path / "fresh")
    assert done.returncode == 1
    (item,) = [item for item in json.loads(done.stdout)["checks"] if item["name"] == "configuration"]
    assert item["state"] == BAD
    assert "refrsh_s" in item["text"]


@pytest.mark.parametrize(
    ("health", "level"),
    [
        (Health("a", "ok"), OK),
        (Health("a", "absent", "no sensors"), OK),
        (Health("a", "denied", "root only", "chmod"), WARN),
        (Health("a", "late", "slow"), WARN),
        (Health("a", "stuck", "no answer"), BAD),
        (Health("a", "failed", "broken"), BAD),
    ],
)
def test_health_becomes_a_verdict(health: Health, level: str) -> None:
    (check,) = checks.sources(state(health=[health]))
    assert check.state == level
    assert health.reason in check.text
    assert check.fix == health.fix


def test_file_systems_by_the_nearest_mount() -> None:
    assert mountinfo.file_system(Path("/srv"), MOUNTS) == "ext4"
    assert mountinfo.file_system(Path("/data/wftop"), MOUNTS) == "nfs4"
    assert mountinfo.file_system(Path("/data/my disk/x"), MOUNTS) == "xfs"
    assert mountinfo.file_system(Path("/database"), MOUNTS) == "ext4"
    assert mountinfo.file_system(Path("/"), b"") == ""


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fine = tmp_path / "fine"
    fine.mkdir(mode=0o700)
    assert checks.folder("x", fine, MOUNTS, keeps_data=True).state == OK
    nfs = f"9 1 0:1 / {fine} rw - nfs4 s:/x rw\n".encode()
    assert checks.folder("x", fine, nfs, keeps_data=True).state == WARN
    assert checks.folder("x", fine, nfs).state == OK
    full = os.statvfs_result((4096, 4096, 10**9, 1000, 1000, 1, 1, 1, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: full)
    assert "too little" in checks.folder("x", fine, MOUNTS, keeps_data=True).text
    assert checks.folder("x", tmp_path / "not" / "yet", MOUNTS).state == OK


def test_damaged_journals_are_named(tmp_path: Path) -> None:
    where = places(str(tmp_path / "store"))
    where.data_dir.mkdir(mode=0o700)
    (where.data_dir / "journal.db.damaged-1").touch()
    (check,) = [item for item in checks.folders(where) if item.name == "journal"]
    assert check.state == WARN
    assert "journal.db.damaged-1" in check.fix


def test_what_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    hidden = {item.name: item for item in checks.permissions(tmp_path / "proc", tmp_path / "sys")}
    assert hidden["processes"].state == WARN
    assert "hidepid" in hidden["processes"].text
    assert hidden["pressure"].state == WARN
    (tmp_path / "proc" / "1").mkdir()
    (tmp_path / "proc" / "1" / "io").touch()
    (tmp_path / "proc" / "pressure").mkdir()
    (tmp_path / "proc" / "pressure" / "cpu").touch()
    (tmp_path / "sys" / "class" / "hwmon" / "hwmon0").mkdir(parents=True)
    open_ = checks.permissions(tmp_path / "proc", tmp_path / "sys")
    assert [item.state for item in open_] == [OK] * 4
    assert "1 hwmon" in open_[-1].text


def test_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "screen")
    monkeypatch.setenv("TMUX", "/run/tmux,1,0")
    monkeypatch.setenv("LC_ALL", "C")
    found = {item.name: item for item in checks.terminal()}
    assert "through tmux" in found["kind"].text
    assert found["colours"].state == WARN
    assert "tmux" in found["colours"].fix
    assert found["letters"].fix == "export LC_ALL=C.UTF-8"


@pytest.mark.parametrize(
    ("cpu", "store", "expected"),
    [
        (0.01, Health("store", "ok"), [OK, OK]),
        (0.05, Health("store", "ok"), [WARN, OK]),
        (None, Health("store", "denied", "asked for"), [OK, WARN]),
        (0.01, Health("store", "failed", "disk full", "free some space"), [OK, BAD]),
    ],
)
def test_own_cost(cpu: float | None, store: Health, expected: list[str]) -> None:
    status = StatusReply(
        pid=7, mode="record", session=1, program="1", started_ns=0, ticks=1, series=1, views=0,
        cpu_utilization=cpu, memory_bytes=20 * 2**20, store=store, store_bytes=4096, sources=[], data_dir="/d",
        socket="/s",
    )  # fmt: skip
    found = checks.cost(state(recorder=status, health=[Health("cpu", "ok", duration_s=0.002)]))
    assert [item.state for item in found[:2]] == expected
    assert "cpu 2.00 ms" in found[2].text


def test_a_folder_that_never_answers_costs_its_own_line(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = threading.Event()
    monkeypatch.setattr(checks, "_folder", lambda *_: hanging.wait(30))
    found = checks.folder("data folder", Path("/dead/mount"), MOUNTS, patience_s=0.05)
    hanging.set()
    assert found.state == BAD
    assert "no answer" in found.text
    assert found.fix
