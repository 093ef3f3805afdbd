"""What a bundle's zip is, and that nothing is left of one that was not finished."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import struct
import zipfile
from pathlib import Path

import msgspec
import pytest

from wftui.bundle import format as form
from wftui.bundle.format import Consent, Manifest, Origin
from wftui.bundle.writer import BundleWriter
from wftui.errors import BundleError

MADE = Manifest(
    form.FORMAT, form.VERSION, "wftop test", 1, 0, 1, form.FULL, Origin("host-1", "UTC"),
    Consent("--yes", 1, "plain"), 0, [], [], [],
)  # fmt: skip
SOME = {"events.jsonl": b"{}\n" * 500, "README.txt": b"read me\n", "ticks/0000.json": os.urandom(3000)}


def write(path: Path, given: dict[str, bytes], **limits: int) -> Manifest:
    with BundleWriter(path, **limits) as writer:  # type: ignore[arg-type]  # limits are numbers
        for name, data in given.items():
            writer.add(name, data)
        return writer.finish(MADE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Nothing else is in it."""
    found = tmp_path / "bundles"
    found.mkdir()
    return found


@pytest.fixture(params=["nameless", "named"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """File systems with and without files that have no name."""
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE")
    return str(request.param)


@pytest.mark.usefixtures("way")
def test_any_unzip_opens_it_and_the_manifest_is_last(folder: Path) -> None:
    path = folder / "a.wftop"
    made = write(path, SOME)
    with zipfile.ZipFile(path) as found:
        assert found.testzip() is None
        assert found.namelist() == [*SOME, form.MANIFEST]
        assert {name: found.read(name) for name in SOME} == SOME
        assert msgspec.json.decode(found.read(form.MANIFEST), type=Manifest) == made
        for item in found.infolist():
            assert (item.extra, item.comment, item.flag_bits, item.date_time) == (
                b"",
                b"",
                0,
                (1980, 1, 1, 0, 0, 0),
            )
            assert stat.S_ISREG(item.external_attr >> 16)
    assert [(item.name, item.size, item.sha256) for item in made.members] == [
        (name, len(data), hashlib.sha256(data).hexdigest()) for name, data in SOME.items()
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in folder.iterdir()] == ["a.wftop"]


def test_the_same_members_are_the_same_bytes(folder: Path) -> None:
    write(folder / "a.wftop", SOME)
    write(folder / "b.wftop", SOME)
    assert (folder / "a.wftop").read_bytes() == (folder / "b.wftop").read_bytes()


def test_members_follow_each_other_without_a_gap(folder: Path) -> None:
    path = folder / "a.wftop"
    write(path, SOME)
    raw = path.read_bytes()
    with zipfile.ZipFile(path) as found:
        place = 0
        for item in found.infolist():
            assert item.header_offset == place
            length, extra = struct.unpack_from("<HH", raw, place + 26)
            place += 30 + length + extra + item.compress_size
        assert found.start_dir == place
    assert raw.rindex(b"PK\x05\x06") == len(raw) - 22


def test_what_a_reader_would_take_for_a_bomb_is_not_deflated(folder: Path) -> None:
    path = folder / "a.wftop"
    data = b"0" * 8_000_000
    write(path, {"log.jsonl": data})
    with zipfile.ZipFile(path) as found:
        item = found.getinfo("log.jsonl")
        assert item.file_size <= form.RATIO * item.compress_size
        assert found.read(item) == data


@pytest.mark.parametrize(
    ("members", "limits", "said"),
    [
        ({"../evil": b""}, {}, "name of a member"),
        ({"ticks/0000.json\n": b""}, {}, "name of a member"),
        ({"ticks/0000.json": b"", "ticks/0001.json": b""}, {"members": 2}, "more than 2 members"),
        ({"log.jsonl": b"12345"}, {"member_bytes": 4}, "log.jsonl: 5 bytes, at most 4"),
        ({"log.jsonl": b"123", "events.jsonl": b"123"}, {"all_bytes": 5}, "more than 5 bytes unpacked"),
        ({"log.jsonl": os.urandom(500)}, {"file_bytes": 400}, "more than 400 bytes"),
    ],
    ids=["slip", "newline", "members", "member", "all", "file"],
)
def test_what_no_reader_would_take_is_not_written(
    folder: Path, members: dict[str, bytes], limits: dict[str, int], said: str
) -> None:
    with pytest.raises(BundleError, match=said):
        write(folder / "a.wftop", members, **limits)
    assert list(folder.iterdir()) == []


def test_a_name_comes_once(folder: Path) -> None:
    with BundleWriter(folder / "a.wftop") as writer:
        writer.add("log.jsonl", b"")
        with pytest.raises(BundleError, match="twice"):
            writer.add("log.jsonl", b"")
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("way")
def test_nothing_is_left_of_one_that_was_not_finished(folder: Path) -> None:
    with BundleWriter(folder / "a.wftop") as writer:
        writer.add("log.jsonl", b"x" * 100)
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("way")
def test_a_file_that_is_there_stays_unless_told_otherwise(folder: Path) -> None:
    path = folder / "a.wftop"
    path.write_bytes(b"mine")
    with pytest.raises(BundleError, match="is there already"):
        write(path, SOME)
    assert path.read_bytes() == b"mine"
    with BundleWriter(path, replace=True) as writer:
        writer.finish(MADE)
    assert zipfile.is_zipfile(path)
    assert [item.name for item in folder.iterdir()] == ["a.wftop"]


@pytest.mark.usefixtures("way")
def test_who_was_faster_keeps_the_name(folder: Path) -> None:
    path = folder / "a.wftop"
    with BundleWriter(path) as writer:
        path.write_bytes(b"mine")
        with pytest.raises(BundleError, match="is there already"):
            writer.finish(MADE)
    assert path.read_bytes() == b"mine"
    assert [item.name for item in folder.iterdir()] == ["a.wftop"]


def test_links_and_folders_are_not_written_over(folder: Path) -> None:
    (folder / "link.wftop").symlink_to(folder / "elsewhere")
    (folder / "folder.wftop").mkdir()
    for name, said in (("link", "is a link"), ("folder", "no regular file")):
        with pytest.raises(BundleError, match=said), BundleWriter(folder / f"{name}.wftop", replace=True):
            pass


def test_a_folder_that_is_not_there_is_said(folder: Path) -> None:
    with pytest.raises(BundleError, match="No such file"), BundleWriter(folder / "no" / "a.wftop"):
        pass


def test_a_full_disk_is_one_clear_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BundleError, match=r"a\.wftop: no room left on the disk"):
        write(folder / "a.wftop", SOME)
    assert list(folder.iterdir()) == []
