"""Who may talk to a recorder: its own user, nobody else; and only through a folder that is private."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.harness import Running, environment, events, recorder
from wftui.paths import places
from wftui.wire import codec
from wftui.wire.messages import VERSION, Hello

PROBE = """
import os, socket, sys
os.setgid(65534); os.setuid(65534)
s = socket.socket(socket.AF_UNIX); s.settimeout(5)
s.connect(sys.argv[1])
s.sendall(bytes.fromhex(sys.argv[2]))
print(len(s.recv(4096)))
"""

# The interpreter may lie in root's home: everything is loaded before root's rights are dropped.
AS_USER = """
import encodings.ascii, encodings.latin_1, encodings.unicode_escape
import os, sys, argparse, shutil, gettext, locale, pkgutil, pwd, grp, importlib, signal, concurrent.futures.thread
from wftui import lean
lean.leave_out(lean.SSL)
import asyncio, wftui.collectors, wftui.recorder, wftui.wire, wftui.client
for package in (wftui.collectors, wftui.recorder, wftui.wire, wftui.client):
    for item in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        if not item.name.endswith("portable"):
            importlib.import_module(item.name)
import wftui.cli.record, wftui.when, wftui.config
from wftui.__main__ import main
os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1])); os.chdir("/")
sys.exit(main(sys.argv[2:]))
"""


def test_modes_of_folder_socket_lock_and_journal() -> None:
    with recorder() as running:
        running.ticks(1)
        where = running.where
        for path, mode in (
            (where.runtime_dir.parent, 0o700),
            (where.runtime_dir, 0o700),
            (where.socket, 0o600),
            (where.lock, 0o600),
            (where.data_dir, 0o700),
            *((path, 0o600) for path in where.data_dir.iterdir()),
        ):
            assert stat.S_IMODE(path.lstat().st_mode) == mode, path
        assert running.stop() == 0


@pytest.mark.parametrize("planted", ["link", "open", "file"])
def test_a_planted_runtime_folder_is_refused(tmp_path: Path, planted: str) -> None:
    where = places()
    parent = where.runtime_dir.parent
    if planted == "link":
        (tmp_path / "theirs").mkdir(mode=0o700)
        parent.symlink_to(tmp_path / "theirs")
    elif planted == "open":
        parent.mkdir()
        parent.chmod(0o755)
    else:
        parent.touch()
    with Running() as running:
        assert running.ended() == 4
        said = running.errors()
    assert said.startswith("wftop: ")
    assert said.count("\n") == 1
    if planted == "link":
        assert not list((tmp_path / "theirs").iterdir())


@pytest.mark.parametrize("target", ["lock", "socket"])
def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path, target: str) -> None:
    where = places()
    where.runtime_dir.parent.mkdir(mode=0o700)
    where.runtime_dir.mkdir(mode=0o700)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    getattr(where, target).symlink_to(victim)
    with Running() as running:
        assert running.ended() == 4
        assert running.errors()
    assert victim.read_text() == "precious"
    getattr(where, target).unlink()
    with recorder() as running:
        assert running.stop() == 0
    assert events(where, "recorder.unclean") == [], "it could not start, it did not crash"


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_another_user_is_refused_even_when_the_folder_is_opened() -> None:
    with recorder() as running:
        where = running.where
        for folder in (where.runtime_dir.parent.parent, where.runtime_dir.parent, where.runtime_dir):
            folder.chmod(0o755)
        where.socket.chmod(0o666)
        hello = codec.encode(Hello(VERSION, "query")).hex()
        done = subprocess.run(
            [sys.executable, "-I", "-c", PROBE, str(where.socket), hello],
            capture_output=True, text=True, timeout=20, check=False, cwd="/",
        )  # fmt: skip
        assert (
            done.stdout.strip() == "0" or "ConnectionResetError" in done.stderr or "BrokenPipe" in done.stderr
        ), done.stdout + done.stderr
        assert running.status().pid == running.pid, "its own user is served as before"
        assert running.stop() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="running as two users needs root")
def test_two_users_on_one_box_share_nothing() -> None:
    """Same configuration, two uids, /tmp as the only common place: two recorders, and neither sees the other."""
    base = Path(tempfile.mkdtemp(prefix="wf2", dir="/tmp"))
    base.chmod(0o755)
    uids = (65533, 65534)
    processes: list[subprocess.Popen[str]] = []
    try:
        for uid in uids:
            home = base / str(uid)
            home.mkdir(mode=0o700)
            os.chown(home, uid, uid)
            env = environment({"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"})
            env = {name: value for name, value in env.items() if not name.startswith("XDG_")}
            start = [sys.executable, "-c", AS_USER, str(uid)]
            process = subprocess.Popen(
                [*start, "record"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            processes.append(process)
            assert process.stdout is not None
            assert process.stderr is not None
            said = process.stdout.readline()
            assert f"pid {process.pid}" in said, process.stderr.read()
            assert str(home) in said
            status = subprocess.run(
                [*start, "record", "--status"], env=env, capture_output=True, text=True, timeout=20, check=False
            )
            assert f"pid {process.pid}" in status.stdout, status.stderr
        for process in processes:
            process.terminate()
            assert process.wait(5) == 0
            assert process.stderr is not None
            assert process.stderr.read() == ""
        for uid in uids:
            made = [path for path in base.rglob("*") if path.lstat().st_uid == uid]
            assert any(path.name == "journal.db" for path in made)
            assert all(path.relative_to(base).parts[0] == str(uid) for path in made)
            assert all(not path.lstat().st_mode & 0o077 for path in made)
    finally:
        for process in processes:
            process.kill()
            process.wait(10)
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
        shutil.rmtree(base)
