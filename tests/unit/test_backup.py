"""Backups: consistent, checked, never over what is there."""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.recording import CPU, START_S, Recording
from wftui.errors import ConfigError, NoDataError, StoreError
from wftui.store import aside, backup, manifest
from wftui.store.database import StoreUnavailableError
from wftui.store.journal import Journal
from wftui.store.manifest import Manifest, Segment
from wftui.store.read import open_reader

NOW_NS = 1_800_000_000 * 10**9


def segment(folder: Path, number: int, content: bytes) -> Segment:
    """A file with its entry; backups do not look into it."""
    file = f"raw/system-{number}-{number + 9}.parquet"
    path = folder / manifest.FOLDER / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return Segment(
        file, "raw", "system", "", number, number + 9, 0, 9, 9, len(content), digest, zlib.crc32(content)
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data dir with ten ticks in the journal and two segments."""
    folder = tmp_path / "recorded"
    with Recording(folder) as recording:
        for second in range(10):
            recording.tick(START_S + second, {CPU: second / 10})
    parts = tuple(segment(folder, number, bytes([number]) * 5000) for number in (1, 11))
    manifest.save(folder, Manifest(sealed_seq=20, segments=parts))
    return folder


def test_there_and_back(data: Path, tmp_path: Path) -> None:
    done = backup.backup(data, tmp_path / "copy", NOW_NS, "test")
    assert done.files == 4
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o700
    with open_reader(tmp_path / "copy") as reader:  # a backup is a data dir
        assert reader.bounds() == (START_S, START_S + 9)
    target = tmp_path / "new"
    assert backup.restore(tmp_path / "copy", target, NOW_NS) is None
    with open_reader(target) as reader:
        assert [tick.values for tick in reader.ticks(0, 2**40)] == [
            tick.values for tick in open_reader(data).ticks(0, 2**40)
        ]
        (told,) = reader.events()[0]
    assert (told.type, told.payload) == ("store.restored", {"made_ns": NOW_NS})
    assert manifest.load(target) == manifest.load(data)
    for item in manifest.load(target).segments:
        file = f"{manifest.FOLDER}/{item.file}"
        assert (target / file).read_bytes() == (data / file).read_bytes()
    assert not list(target.glob(".restore*"))


def test_the_copy_is_consistent_while_a_recorder_writes(tmp_path: Path) -> None:
    folder = tmp_path / "busy"
    stop = threading.Event()
    with Recording(folder) as recording:
        recording.tick(START_S, {CPU: 0.5})

        def write() -> None:
            second = 1
            while not stop.is_set():
                recording.tick(START_S + second, {CPU: 0.5})
                second += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for number in range(5):
                backup.backup(folder, tmp_path / f"copy{number}", NOW_NS, "test")
        finally:
            stop.set()
            writer.join()
    counts = []
    for number in range(5):
        with open_reader(tmp_path / f"copy{number}") as reader:
            found = [tick.seq for tick in reader.ticks(0, 2**40)]
        assert found == list(range(1, len(found) + 1))
        counts.append(len(found))
    assert counts == sorted(counts)


def test_a_segment_that_goes_away_meanwhile(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load, calls = manifest.load, []

    def slow(folder: Path) -> Manifest:
        found = load(folder)
        calls.append(folder)
        if len(calls) == 1:  # between listing and copying a merge puts another file in the place of one
            gone = found.segments[0]
            merged = segment(data, 31, b"merged" * 100)
            manifest.save(data, msgspec.structs.replace(found, segments=(merged, found.segments[1])))
            (data / manifest.FOLDER / gone.file).unlink()
        return found

    monkeypatch.setattr(manifest, "load", slow)
    backup.backup(data, tmp_path / "copy", NOW_NS, "test")
    monkeypatch.undo()
    assert manifest.load(tmp_path / "copy") == load(data)
    backup.verify(tmp_path / "copy")


def test_nothing_is_overwritten(data: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine").write_text("x")
    with pytest.raises(ConfigError, match="new or empty folder"):
        backup.backup(data, taken, NOW_NS, "test")
    assert (taken / "mine").read_text() == "x"
    (tmp_path / "empty").mkdir()
    backup.backup(data, tmp_path / "empty", NOW_NS, "test")
    before = (data / aside.NAME).read_bytes()
    with pytest.raises(ConfigError, match="--force moves it aside"):
        backup.restore(tmp_path / "empty", data, NOW_NS)
    assert (data / aside.NAME).read_bytes() == before
    old = backup.restore(tmp_path / "empty", data, NOW_NS, force=True)
    assert old is not None
    with open_reader(old) as reader:
        assert reader.bounds() == (START_S, START_S + 9)


def test_a_running_recorder_is_left_alone(data: Path, tmp_path: Path) -> None:
    backup.backup(data, tmp_path / "copy", NOW_NS, "test")
    running = Journal(data / aside.NAME)
    try:
        with pytest.raises(StoreUnavailableError, match="another recorder"):
            backup.restore(tmp_path / "copy", data, NOW_NS, force=True)
    finally:
        running.close()


def flip(path: Path) -> None:
    """One bit of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("file", [aside.NAME, "segments/raw/system-11-20.parquet", "segments/manifest.json"])
@pytest.mark.parametrize("harm", [flip, Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_damaged_backup_is_refused(
    data: Path, tmp_path: Path, file: str, harm: Callable[[Path], object]
) -> None:
    backup.backup(data, tmp_path / "copy", NOW_NS, "test")
    harm(tmp_path / "copy" / file)
    with pytest.raises(StoreError, match=str(tmp_path / "copy" / file)):
        backup.restore(tmp_path / "copy", tmp_path / "new", NOW_NS)
    assert not (tmp_path / "new").exists()


def test_a_damaged_segment_is_not_backed_up_as_sound(data: Path, tmp_path: Path) -> None:
    flip(data / "segments/raw/system-11-20.parquet")
    with pytest.raises(StoreError, match="doctor --store"):
        backup.backup(data, tmp_path / "copy", NOW_NS, "test")
    assert not list(tmp_path.glob("copy*"))


@pytest.mark.parametrize("file", ["../out", "/etc/passwd", "segments/../../x", "segments/.hidden", "other.db", ""])
def test_names_that_lead_elsewhere_are_refused(data: Path, tmp_path: Path, file: str) -> None:
    backup.backup(data, tmp_path / "copy", NOW_NS, "test")
    path = tmp_path / "copy" / backup.NAME
    contents = msgspec.json.decode(path.read_bytes())
    contents["files"].append({"file": file, "size": 0, "sha256": ""})
    path.write_bytes(msgspec.json.encode(contents))
    with pytest.raises(StoreError, match="no file of a data dir"):
        backup.verify(tmp_path / "copy")


def test_links_are_not_believed(data: Path, tmp_path: Path) -> None:
    backup.backup(data, tmp_path / "copy", NOW_NS, "test")
    target = tmp_path / "copy" / "segments/raw/system-1-10.parquet"
    moved = tmp_path / "elsewhere"
    target.rename(moved)
    target.symlink_to(moved)
    with pytest.raises(StoreError, match="is a link"):
        backup.verify(tmp_path / "copy")


def test_other_folders_are_no_backups(data: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is no backup"):
        backup.verify(data)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(NoDataError, match="nothing was recorded"):
        backup.backup(tmp_path / "nothing", tmp_path / "copy", NOW_NS, "test")
    backup.backup(data, tmp_path / "copy", NOW_NS, "test")
    path = tmp_path / "copy" / backup.NAME
    path.write_bytes(path.read_bytes().replace(b'"version": 1', b'"version": 2'))
    with pytest.raises(StoreError, match="newer wftop"):
        backup.verify(tmp_path / "copy")
