"""x in a real terminal, over a real recorder: looked at, written, opened with the passphrase that was shown."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from tests.pty.terminal import Terminal
from tests.pty.test_rewind import recording
from wftui.bundle import crypt

pytestmark = pytest.mark.pty
_WORDS = re.compile(r"\b[a-z]{5}(?:-[a-z]{5}){4}\b")


def test_x_writes_what_its_passphrase_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    errors = tmp_path / "stderr"
    with recording(4), Terminal(size=(80, 24), errors=errors) as terminal:
        terminal.live()
        terminal.send("x")
        terminal.until_shows("incident bundle")
        terminal.send("p")
        terminal.until_shows("Table processes", seconds=30)
        assert not list(here.iterdir())
        terminal.send("\x1b")
        terminal.until_shows("write it")
        terminal.send("\r\r\r\r")
        terminal.until_shows("you agree")
        terminal.send("\r")
        terminal.until_shows("write it down", seconds=60)
        found = _WORDS.search("\n".join(terminal.screen()))
        assert found is not None
        terminal.send("\x1b")
        terminal.until(lambda: "bundle written" not in "\n".join(terminal.screen()), what="the dialog to close")
        terminal.send("q")
        assert terminal.until_gone() == 0
    [path] = here.iterdir()
    assert path.name.endswith(".wftop.age")
    crypt.decrypt_file(path, (), found[0], tmp_path / "plain")
    with zipfile.ZipFile(tmp_path / "plain") as opened:
        names = opened.namelist()
    assert {"manifest.json", "report.html", "events.jsonl"} <= set(names)
    assert any(name.startswith("ticks/") for name in names)
    assert errors.read_text() == ""
