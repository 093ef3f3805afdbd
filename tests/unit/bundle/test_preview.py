"""The preview has every class of data that would be written, with samples as they would stand there."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.recording import START_S
from tests.unit.bundle import planted
from wftui.bundle import collect, learned
from wftui.bundle.format import LEVELS, MANIFEST, Consent
from wftui.bundle.preview import Preview, Previewing


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recording full of what is not to be told."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "own-config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "own-state"))
    monkeypatch.setattr(learned, "me", lambda: planted.ME)
    monkeypatch.setattr(learned, "accounts", lambda: ({planted.ME}, set(planted.PERSONS)))
    planted.record(tmp_path / "recorded")
    planted.configure(tmp_path / "own-config" / "wftop", tmp_path / "own-state" / "wftop")
    return tmp_path / "recorded"


def request(folder: Path, level: str) -> collect.Request:
    path, until_s = folder.parent / "x.wftop", START_S + planted.TICKS
    return collect.Request(folder, path, START_S, until_s, level, Consent("--yes", 1, "plain"), screens=False)


@pytest.mark.parametrize("level", LEVELS)
def test_it_has_all_that_would_be_written_and_writes_nothing(folder: Path, level: str) -> None:
    asked = request(folder, level)
    found = collect.preview(asked)
    assert not asked.path.exists()
    made = collect.make(asked)
    with zipfile.ZipFile(made.path) as opened:
        sizes = {item.filename: item.file_size for item in opened.infolist() if item.filename != MANIFEST}
    assert sum(item.members for item in found.classes) == len(sizes)
    # Made-up names differ from one bundle to the next, and so do their lengths a little.
    assert sum(item.bytes for item in found.classes) == pytest.approx(sum(sizes.values()), rel=0.05)
    shown = [(item.what, item.how) for item in found.redactions]
    assert shown == [(item.what, item.how) for item in made.manifest.redactions]
    assert found.left_out == made.manifest.left_out


def test_samples_are_few_and_have_passed_the_redactor(folder: Path) -> None:
    found = collect.preview(request(folder, "full"))
    titles = [item.title for item in found.classes]
    assert len(titles) == len(set(titles))
    assert "Table processes" in titles
    for item in found.classes:
        assert len(item.samples) <= 3
        assert item.values > 0 or not item.samples
    (processes,) = (item for item in found.classes if item.title == "Table processes")
    assert processes.values == len(planted.COMMANDS) + 4
    assert any("command_line=" in sample and "user=user-" in sample for sample in processes.samples)
    text = "\n".join(found.lines()).casefold()
    assert not [canary for canary in planted.ALWAYS if canary.casefold() in text]


def test_lines_are_plain_text() -> None:
    taker = Previewing()
    taker.add("events.jsonl", '{"type":"mark.set","payload":{"name":"\x1b[2J\u202e"}}\n'.encode())
    taker.add("README.txt", b"x")
    found = Preview(0, 1, "full", [], [], [])
    assert all(line.isprintable() for line in found.lines())
    assert all(sample.isprintable() for item in taker._found.values() for sample in item.samples)
