"""Pictures of the screens: drawn by another process, which sees nothing but a redacted copy."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from tests.recording import START_S, S
from tests.unit.bundle.reported import SECONDS, plain, record
from wftui.bundle import excerpt, screens
from wftui.bundle.format import NAMES
from wftui.bundle.privacy import Redactor
from wftui.bundle.screens import Drawing
from wftui.errors import StoreError
from wftui.store.archive import Archive, open_archive
from wftui.store.journal import NAME
from wftui.wire.recording import Recording

ABOUT = Recording("x.wftop", "host-7f", "Europe/Berlin", "full", START_S, START_S + SECONDS - 1)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with open_archive(record(tmp_path / "recorded")) as found:
        yield found


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where copies are made."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    return place


def test_screens_of_a_moment(archive: Archive, temporary: Path) -> None:
    redactor = Redactor("full")
    redactor.learn(archive, START_S, START_S + SECONDS)
    with Drawing(archive, redactor, ABOUT, (START_S + 240) * S, START_S + SECONDS) as drawing:
        (copy,) = temporary.iterdir()
        assert copy.stat().st_mode & 0o077 == 0
        made = drawing.pictures()
    assert made.trouble == ""
    assert {"overview", "processes", "events", "timeline", "gpu", "alerts"} <= made.screens.keys()
    for data in made.screens.values():
        root = ElementTree.fromstring(data)  # noqa: S314  ours
        assert {item.tag.partition("}")[2] for item in root.iter()} <= {"svg", "title", "style", "rect", "text"}
        shown = "".join(root.itertext())
        assert "host-7f" in shown
        assert "evil.example" not in shown
    overview = "".join(ElementTree.fromstring(made.screens["overview"]).itertext())  # noqa: S314  ours
    assert "16:17:20" in overview  # in the zone of the machine
    assert "REPLAY" in overview
    assert made.answer is not None
    assert "system.cpu.utilization" in {item.column.series.name for item in made.answer.moved}
    assert list(temporary.iterdir()) == []


def test_nothing_recorded_then(archive: Archive, temporary: Path) -> None:
    with Drawing(archive, plain(), ABOUT, (START_S - 7200) * S, START_S) as drawing:
        made = drawing.pictures()
    assert (made.screens, made.trouble) == ({}, "nothing was recorded at that moment")
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("zone", "clock"),
    [("+02:00", "16:17:20+02:00"), ("Asia/Kolkata", "19:47:20+05:30"), ("No/Where", "14:17:20+00:00")],
)
def test_time_zone(archive: Archive, zone: str, clock: str) -> None:
    """One that is not known is shown as UTC, and says so."""
    about = msgspec.structs.replace(ABOUT, time_zone=zone)
    with Drawing(archive, plain(), about, (START_S + 240) * S, START_S + SECONDS, ("events",)) as drawing:
        made = drawing.pictures()
    shown = "".join(ElementTree.fromstring(made.screens["events"]).itertext())  # noqa: S314  ours
    assert clock in shown


def test_copy_that_cannot_be_made(archive: Archive, monkeypatch: pytest.MonkeyPatch, temporary: Path) -> None:
    def full(*_: object) -> None:
        raise StoreError("/home/someone/secret: no space left")

    monkeypatch.setattr(excerpt, "write", full)
    with Drawing(archive, plain(), ABOUT, (START_S + 240) * S, START_S + SECONDS) as drawing:
        made = drawing.pictures()
    assert (made.screens, made.trouble) == ({}, "what is needed for them could not be copied")
    assert list(temporary.iterdir()) == []


def test_names_are_those_that_a_bundle_may_have() -> None:
    assert all(NAMES.fullmatch(f"screens/{name}.svg") for name in screens.NAMES)


def test_ends_with_who_asked(archive: Archive, temporary: Path) -> None:
    drawing = Drawing(archive, plain(), ABOUT, (START_S + 240) * S, START_S + SECONDS)
    process = drawing._process
    assert process is not None
    drawing.close()
    assert process.returncode is not None
    assert list(temporary.iterdir()) == []


def test_a_bundle_is_whole_without(archive: Archive, monkeypatch: pytest.MonkeyPatch, temporary: Path) -> None:
    monkeypatch.setattr(screens, "PROGRAM", "wftui.no_such_program")
    with Drawing(archive, plain(), ABOUT, (START_S + 240) * S, START_S + SECONDS) as drawing:
        made = drawing.pictures()
    assert made.screens == {}
    assert made.trouble == "what draws them ended with code 1"
    assert list(temporary.iterdir()) == []


def test_one_that_hangs_is_ended(archive: Archive, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "hanging.py").write_text("import sys, time\nsys.stdin.buffer.read()\ntime.sleep(600)\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    monkeypatch.setattr(screens, "PROGRAM", "hanging")
    monkeypatch.setattr(screens, "_PATIENCE_S", 0.2)
    with Drawing(archive, plain(), ABOUT, (START_S + 240) * S, START_S + SECONDS) as drawing:
        process = drawing._process
        made = drawing.pictures()
    assert made.trouble == "they were not drawn within 0.2 s"
    assert process is not None
    assert process.returncode is not None


def test_copy_is_what_was_recorded(archive: Archive, tmp_path: Path) -> None:
    place = tmp_path / "copy"
    place.mkdir()
    since_s, until_s = START_S + 100, START_S + 250
    assert excerpt.write(archive, place, since_s, until_s, plain()) == (since_s, until_s - 1)
    with open_archive(place) as copy:
        before, after = list(archive.ticks(since_s, until_s)), list(copy.ticks(since_s, until_s))
        assert [(item.seq, item.time_s, item.values) for item in after] == [
            (item.seq, item.time_s, item.values) for item in before
        ]
        assert {item.series.text for item in copy.columns()} == {item.series.text for item in archive.columns()}
        for schema in archive.tables():
            one, other = (item.table_at(schema.name, until_s * S - 1) for item in (archive, copy))
            assert (one is None) == (other is None)
            if one is not None and other is not None:
                assert one.rows == other.rows
        kinds = [item.type for item in copy.events()[0]]
        assert kinds == [item.type for item in archive.events(since_ns=since_s * S, until_ns=until_s * S)[0]]


def test_copy_holds_no_name(archive: Archive, tmp_path: Path) -> None:
    place = tmp_path / "copy"
    place.mkdir()
    redactor = Redactor("anonymous")
    redactor.learn(archive, START_S, START_S + SECONDS)
    excerpt.write(archive, place, START_S, START_S + SECONDS, redactor)
    data = (place / NAME).read_bytes()
    assert not re.search(rb"d3a0-0de0", data)
    assert b"https://evil.example" not in data
