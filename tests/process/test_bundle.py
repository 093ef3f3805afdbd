"""`wftop bundle` as a person and as a script runs it: a real recorder, a real file, a full disk, a kill."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import signal
import stat
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from tests.harness import ROOT, command, environment, recorder, until
from tests.recording import CPU, START_S, Recording, realistic
from wftui.bundle import crypt
from wftui.bundle.format import MANIFEST, Manifest
from wftui.bundle.opened import open_bundle
from wftui.store.archive import open_archive

PLAIN = ("--yes", "--plain", "--no-screens")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where bundles go; nothing else is in it."""
    found = tmp_path / "bundles"
    found.mkdir()
    return found


def bundle(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as a script runs it."""
    return subprocess.run(
        command("bundle", *arguments),
        cwd=folder,
        env=environment({"PYTHONPATH": str(ROOT)}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A data dir with two ticks."""
    with Recording(tmp_path / "recording") as found:
        found.tick(START_S, {CPU: 0.5})
        found.tick(START_S + 1, {CPU: 0.25})
    return found.folder


def test_what_a_running_recorder_recorded_is_in_the_file(folder: Path, tmp_path: Path) -> None:
    with recorder() as running:
        running.ticks(3)
        made = bundle(folder, "--since", "10m", *PLAIN)
        data_dir = running.where.data_dir
    assert made.returncode == 0, made.stderr
    path = Path(made.stdout.strip())
    assert [item.name for item in folder.iterdir()] == [path.name]
    assert path.name.startswith("wftop-2")
    found = folder / path.name
    assert stat.S_IMODE(found.stat().st_mode) == 0o600
    said = [line for line in made.stderr.splitlines() if "wftop replay" in line]
    assert len(said) == 1
    with zipfile.ZipFile(found) as archive:
        assert archive.testzip() is None
        manifest = msgspec.json.decode(archive.read(MANIFEST), type=Manifest)
        assert archive.namelist() == [*(item.name for item in manifest.members), MANIFEST]
        for item in manifest.members:
            data = archive.read(item.name)
            assert (len(data), hashlib.sha256(data).hexdigest()) == (item.size, item.sha256)
        told = archive.read("inventory.json") + b"".join(map(archive.read, archive.namelist()))
    assert os.uname().nodename.encode() not in told or len(os.uname().nodename) < 5
    assert manifest.ticks >= 3
    assert (manifest.consent.how, manifest.consent.encryption) == ("--yes", "plain")
    inside = tmp_path / "opened"
    inside.mkdir(mode=0o700)
    opened = open_bundle(found, inside)
    with open_archive(data_dir) as mine, open_archive(opened.data_dir) as theirs:
        seqs = [tick.seq for tick in theirs.ticks(0, 1 << 40)]
        known = {tick.seq: tick for tick in mine.ticks(0, 1 << 40)}
        assert len(seqs) == manifest.ticks
        for tick in theirs.ticks(0, 1 << 40):
            assert (tick.time_s, tick.boottime_ns) == (known[tick.seq].time_s, known[tick.seq].boottime_ns)


def test_a_script_has_to_say_what_a_person_would_be_asked(folder: Path, recording: Path) -> None:
    where = ("--data-dir", str(recording), "--since", str(START_S))
    for arguments, said in (
        (("--plain",), "nobody is there to ask"),
        (("--yes",), "say how it is encrypted"),
        (("--yes", "--plain", "--passphrase"), "not allowed with"),
        (("--yes", "--plain", "-o", "-"), "needs a name"),
    ):
        made = bundle(folder, *where, *arguments)
        assert made.returncode == 2
        assert said in made.stderr
        assert len(made.stderr.splitlines()) == 1 or "usage:" in made.stderr
    assert list(folder.iterdir()) == []


def test_what_cannot_be_written_is_one_line(folder: Path, recording: Path) -> None:
    where = ("--data-dir", str(recording), "--since", str(START_S), "--yes", "--plain", "--no-screens")
    assert bundle(folder, *where, "-o", "a.wftop").returncode == 0
    before = (folder / "a.wftop").read_bytes()
    for arguments, code, said in (
        (("-o", "a.wftop"), 8, "is there already"),
        (("-o", "no/a.wftop"), 8, "there is no folder no"),
        (("--until", str(START_S - 5)), 2, "is not before"),
        (("--since", str(START_S - 500), "--until", str(START_S - 50)), 7, "recorded is"),
        (("--data-dir", str(folder / "none")), 7, "nothing was recorded"),
    ):
        made = bundle(folder, *where, *arguments)
        assert (made.returncode, made.stdout, len(made.stderr.splitlines())) == (code, "", 1), made.stderr
        assert said in made.stderr
    assert (folder / "a.wftop").read_bytes() == before
    assert [item.name for item in folder.iterdir()] == ["a.wftop"]
    assert bundle(folder, *where, "-o", "a.wftop", "--force").returncode == 0


def test_a_preview_writes_nothing(folder: Path, recording: Path) -> None:
    made = bundle(folder, "--data-dir", str(recording), "--since", str(START_S), "--preview", "--no-screens")
    assert made.returncode == 0, made.stderr
    assert "Numbers, each second: 2 numbers" in made.stdout
    assert list(folder.iterdir()) == []


def test_a_passphrase_is_told_once_and_opens_it(folder: Path, recording: Path) -> None:
    pytest.importorskip("pyrage")
    made = bundle(
        folder, "--data-dir", str(recording), "--since", str(START_S), "--yes", "--passphrase", "--json",
        "--no-screens",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    told = json.loads(made.stdout)
    path = folder / told["path"]
    assert path.name.endswith(".wftop.age")
    assert told["bytes"] == path.stat().st_size
    crypt.decrypt_file(path, [], told["passphrase"], folder / "plain.wftop")
    with zipfile.ZipFile(folder / "plain.wftop") as found:
        manifest = msgspec.json.decode(found.read(MANIFEST), type=Manifest)
    assert manifest.consent.encryption == "passphrase"
    assert told["passphrase"].encode() not in (folder / "plain.wftop").read_bytes()


def test_somebody_at_a_terminal_is_shown_what_goes_in_and_asked(folder: Path, recording: Path) -> None:
    for typed, code in (("n\n", 1), ("\n", 1), ("y\n", 0)):
        far, near = pty.openpty()
        where = ("--data-dir", str(recording), "--since", str(START_S), "--plain", "--no-screens")
        process = subprocess.Popen(
            command("bundle", *where, "-o", "a.wftop"),
            cwd=folder,
            env=environment(),
            stdin=near,
            stdout=near,
            stderr=near,
        )
        os.close(near)
        os.write(far, typed.encode())
        shown = b""
        with suppress(OSError):  # EIO: the other end is closed
            while piece := os.read(far, 65536):
                shown += piece
        os.close(far)
        assert process.wait(30) == code, shown.decode()
        assert b"Numbers, each second: 2 numbers" in shown
        assert b"NOT encrypted" in shown
        assert b"write it? [y/N]" in shown
        assert (folder / "a.wftop").exists() is (code == 0)
    with zipfile.ZipFile(folder / "a.wftop") as found:
        assert msgspec.json.decode(found.read(MANIFEST), type=Manifest).consent.how == "typed"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["term", "kill"])
def test_nothing_is_left_of_one_that_was_ended(folder: Path, tmp_path: Path, number: signal.Signals) -> None:
    columns, rows = realistic(400)
    with Recording(tmp_path / "long") as long:
        long.many(columns, rows, 3600)
    process = subprocess.Popen(
        command("bundle", "--data-dir", str(long.folder), "--since", str(START_S), *PLAIN, "-o", "a.wftop"),
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    place = folder.stat().st_ino, folder.stat().st_dev

    def writes() -> bool:
        # The file has no name yet, but the process has it open.
        with suppress(OSError):
            for link in Path(f"/proc/{process.pid}/fd").iterdir():
                if link.readlink().parent == folder and link.stat().st_size > 0:
                    return True
        return process.poll() is not None

    until(writes, 30, "the first bytes")
    process.send_signal(number)
    code = process.wait(10)
    assert code == (143 if number == signal.SIGTERM else -9)
    assert list(folder.iterdir()) == []
    assert (folder.stat().st_ino, folder.stat().st_dev) == place


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """64 KiB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    found = tmp_path / "small"
    found.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "none", str(found)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mount of a tmpfs was refused here")
    yield found
    subprocess.run(["umount", "-l", str(found)], check=True)


def test_a_full_disk_is_one_clear_line(small_disk: Path, tmp_path: Path) -> None:
    columns, rows = realistic(100)
    with Recording(tmp_path / "long") as long:
        long.many(columns, rows, 1200)
    made = bundle(small_disk, "--data-dir", str(long.folder), "--since", str(START_S), *PLAIN)
    assert (made.returncode, len(made.stderr.splitlines())) == (8, 1), made.stderr
    assert "no room left on the disk; nothing was written" in made.stderr
    assert list(small_disk.iterdir()) == []


def test_a_recorder_that_keeps_nothing_is_why_there_is_nothing(folder: Path) -> None:
    with recorder(env={"WFTOP_STORE_MEMORY_ONLY": "true"}) as running:
        running.ticks(2)
        made = bundle(folder, *PLAIN)
    assert made.returncode == 7
    assert "keeps nothing on disk" in made.stderr
