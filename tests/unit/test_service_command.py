"""`wftop service`: the unit, and what systemctl is asked for; systemctl is a script that notes its words."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wftui.cli import service
from wftui.errors import ConfigError
from wftui.paths import Places, places


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A systemctl that works; the file of its calls."""
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    noted = tmp_path / "calls"
    script = bin_dir / "systemctl"
    script.write_text(f'#!/bin/sh\necho "$@" >> {noted}\ncase "$2" in is-*) echo active;; esac\n', "utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_dir}:{os.environ['PATH']}")
    monkeypatch.setattr(service, "LINGER", tmp_path / "linger")
    return noted


def test_install_writes_enables_and_starts(calls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert service.main("install", data_dir=None, config=None) == 0
    text = service.unit_path().read_text()
    assert f'ExecStart="{sys.executable}" "-m" "wftui" "record" "--data-dir"' in text
    assert "NoNewPrivileges=yes" in text
    assert [line.split()[1] for line in calls.read_text().splitlines()] == [
        "--version", "daemon-reload", "enable", "restart",
    ]  # fmt: skip
    assert "loginctl enable-linger" in capsys.readouterr().out
    # Again is harmless, and removing takes only the unit.
    assert service.main("install", data_dir=None, config=None) == 0
    assert service.main("remove", data_dir=None, config=None) == 0
    assert not service.unit_path().exists()
    assert "disable --now wftop.service" in calls.read_text()
    assert service.main("remove", data_dir=None, config=None) == 0


def test_a_foreign_unit_is_left_alone(calls: Path) -> None:
    path = service.unit_path()
    path.parent.mkdir(parents=True)
    path.write_text("[Service]\nExecStart=/bin/true\n", "utf-8")
    with pytest.raises(ConfigError, match="made by somebody else"):
        service.main("install", data_dir=None, config=None)
    with pytest.raises(ConfigError, match="made by somebody else"):
        service.main("remove", data_dir=None, config=None)
    assert "/bin/true" in path.read_text()
    assert not calls.exists()
    assert service.main("install", data_dir=None, config=None, force=True) == 0


def test_status_says_what_runs(calls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert service.main("status", data_dir=None, config=None) == 1
    assert "not installed" in capsys.readouterr().out
    service.main("install", data_dir=None, config=None)
    assert service.main("status", data_dir=None, config=None) == 1  # the script started no recorder
    said = capsys.readouterr().out
    assert "active    active" in said
    assert "no recorder answers" in said
    assert "is-enabled" in calls.read_text()


def test_linger_is_seen(calls: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pwd

    (tmp_path / "linger").mkdir()
    (tmp_path / "linger" / pwd.getpwuid(os.getuid()).pw_name).touch()
    service.main("install", data_dir=None, config=None)
    assert "linger    yes" in capsys.readouterr().out
    assert calls.exists()


def test_what_systemctl_says_is_the_error(calls: Path, tmp_path: Path) -> None:
    script = tmp_path / "bin" / "systemctl"
    script.write_text('#!/bin/sh\necho "Failed to connect to bus: No medium found" >&2\nexit 1\n', "utf-8")
    with pytest.raises(ConfigError, match="Failed to connect to bus"):
        service.main("install", data_dir=None, config=None)
    assert not service.unit_path().exists()
    assert not calls.exists()


def test_without_systemd(calls: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="no systemctl here"):
        service.main("install", data_dir=None, config=None)
    assert not calls.exists()


def with_data_dir(path: str) -> Places:
    """Places of a data dir."""
    return places(path, None)


@pytest.mark.parametrize("name", ["plain", "with space", 'quo"te', "per%cent", "dol$lar", "back\\slash"])
def test_systemd_understands_the_unit(calls: Path, tmp_path: Path, name: str) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze")
    del calls
    text = service.unit(with_data_dir(str(tmp_path / name)))
    path = tmp_path / service.UNIT
    path.write_text(text, "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", str(path)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    if "Failed to" in done.stderr and service.UNIT not in done.stderr:
        pytest.skip(f"systemd-analyze does not work here: {done.stderr.strip()[:80]}")
    assert service.UNIT not in done.stderr, done.stderr


def test_a_path_with_a_newline_is_refused(calls: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="control characters"):
        service.unit(with_data_dir(str(tmp_path / "a\nb")))
    assert not calls.exists()
