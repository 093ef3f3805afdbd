"""`wftop config`: values with their origins, one error for a mistake, an editor that cannot break the file."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from wftui import config
from wftui.__main__ import main
from wftui.paths import places


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["config", *words])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def mine() -> Path:
    """A person's config.toml."""
    file = places().config_file
    file.parent.mkdir(mode=0o700, parents=True)
    file.write_text("# mine\n[view]\nrefresh_s = 2\n")
    return file


def test_show_has_every_setting_with_its_origin(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys)
    assert code == 0
    lines = out.splitlines()
    assert [line[2:].split()[0] for line in lines] == list(config.KEYS)
    marked = [line for line in lines if line.startswith("*")]
    assert len(marked) == 1
    assert marked[0].split()[1:5] == ["view.refresh_s", "2", "s", "config.toml:3"]
    assert mine.name in marked[0]
    _, out, _ = run(capsys, "show", "store.m*")
    assert "store.max_bytes" in out
    assert "1 GiB" in out
    assert "view." not in out
    assert run(capsys, "show", "view.thme")[2] == (
        "wftop: wftop config: unknown key view.thme; did you mean view.theme?\n"
    )


def test_json_names_file_and_line(
    mine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WFTOP_VIEW_ASCII", "true")
    found = {item["key"]: item for item in json.loads(run(capsys, "--json")[1])["settings"]}
    assert list(found) == list(config.KEYS)
    assert found["view.refresh_s"]["origin"] == {"kind": "file", "name": str(mine), "line": 3}
    assert found["view.ascii"]["origin"] == {"kind": "variable", "name": "WFTOP_VIEW_ASCII", "line": None}
    assert found["store.max_bytes"]["value"] == 2**30
    assert found["store.max_bytes"]["takes_effect"] == "next start of the recorder"


def test_set_get_unset(mine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    before = mine.read_bytes()
    file = places().settings_file
    assert run(capsys, "set", "view.refresh_s", "5") == (0, "view.refresh_s = 5.0\n", "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text(file.read_text().replace("5.0", "5.0  # slow link"))
    assert run(capsys, "set", "view.refresh_s", "4")[0] == 0
    assert "refresh_s = 4.0  # slow link" in file.read_text()
    assert run(capsys, "get", "view.refresh_s") == (0, "4\n", "")
    code, out, err = run(capsys, "set", "sources.disabled", "mounts, sensors")
    assert (code, out) == (0, 'sources.disabled = ["mounts", "sensors"]\n')
    assert "next start of the recorder, or at once by wftop sources" in err
    assert run(capsys, "get", "sources.disabled")[1] == "mounts,sensors\n"
    monkeypatch.setenv("WFTOP_VIEW_REFRESH_S", "1")
    assert "WFTOP_VIEW_REFRESH_S says otherwise and wins" in run(capsys, "set", "view.refresh_s", "3")[2]
    monkeypatch.delenv("WFTOP_VIEW_REFRESH_S")
    assert run(capsys, "unset", "view.refresh_s") == (0, "view.refresh_s = 2.0 (config.toml:3)\n", "")
    assert "is not set in" in run(capsys, "unset", "view.refresh_s")[1]
    assert mine.read_bytes() == before, "a person's file is never written"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("set", "view.refesh_s", "1"), "unknown key view.refesh_s; did you mean view.refresh_s?"),
        (("get", "nothing.near"), "unknown key nothing.near; known are "),
        (("set", "view.refresh_s", "fast"), "view.refresh_s: expected a number from 0.25 to 60, got 'fast'"),
        (("set", "view.theme", "nocturn"), "there is no theme 'nocturn'; did you mean nocturne?"),
        (("set", "store.max_bytes", "1 ZB"), "store.max_bytes: expected bytes like"),
    ],
)
def test_a_mistake_is_one_line_and_changes_nothing(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, *words)
    assert (code, out) == (4, "")
    assert said in err
    assert err.count("\n") == 1
    assert not places().settings_file.exists()


def test_check_names_every_mistake(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "check")[:2] == (0, f"nothing is wrong: {mine}\n")
    mine.write_text("[view]\nthme = 'a'\nrefresh_s = 'x'\ntheme = 'none'\n")
    code, out, err = run(capsys, "check")
    assert (code, out) == (4, "")
    assert [line.split(": ")[1] for line in err.splitlines()] == [f"{mine}:2", f"{mine}:3", f"{mine}:4"]
    mine.write_text("[view]\ntheme = \n")
    assert f"{mine}:2: not TOML: Invalid value (column 9)" in run(capsys, "check", str(mine))[2]
    assert "cannot be read" in run(capsys, "check", "/nowhere/x.toml")[2]
    assert run(capsys, "path")[1] == f"{mine}\n{places().settings_file} (not there)\n"


def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    file = tmp_path / "editor"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(file))


def test_edit_takes_only_what_is_right(
    mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    assert "set VISUAL or EDITOR" in run(capsys, "edit")[2]
    editor(tmp_path, monkeypatch, "true")
    assert run(capsys, "edit") == (0, "nothing was changed\n", "")
    before = mine.read_text()
    editor(tmp_path, monkeypatch, 'echo "refresh_s = 3" >> "$1"')  # the same key twice
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    code, _, err = run(capsys, "edit")
    copy = mine.with_name("config.edit.toml")
    assert code == 4
    assert f"{copy}:4: not TOML" in err
    assert f"kept in {copy}" in err
    assert mine.read_text() == before
    # The next time the copy is gone on with.
    editor(tmp_path, monkeypatch, 'sed -i "s/refresh_s = 2//" "$1"')
    code, out, err = run(capsys, "edit")
    assert (code, out) == (0, f"{mine}\n")
    assert "going on with" in err
    assert config.load(places(), environ={}).number("view.refresh_s") == 3
    assert not copy.exists()
    editor(tmp_path, monkeypatch, "exit 7")
    assert "ended with code 7" in run(capsys, "edit")[2]


def test_edit_makes_a_private_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    editor(tmp_path, monkeypatch, 'printf "[view]\\nascii = true\\n" >> "$1"')
    assert run(capsys, "edit")[0] == 0
    file = places().config_file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert config.load(places(), environ={}).text("view.ascii") == "true"


def test_it_loads_neither_the_toolkit_nor_a_database() -> None:
    program = (
        "import sys; from wftui.__main__ import main; main(['config', 'get', 'view.theme']);"
        "print([n for n in ('textual', 'rich', 'typer', 'duckdb', 'numpy', 'sqlite3') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, check=True
    )
    assert done.stdout == "default\n[]\n"
