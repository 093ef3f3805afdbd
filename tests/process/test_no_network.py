"""No command opens an Internet socket, and all of them work where there is no network at all."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.harness import ROOT, command, environment, recorder, until
from tests.replayed import incident
from wftui.client import lock
from wftui.paths import places

COMMANDS = {
    "once": ["--once"],
    "doctor": ["doctor"],
    "export": ["export", "--since", "1h", "-m", "system.cpu.*"],
    "status": ["record", "--status"],
}
INTERNET = re.compile(r"AF_INET6?|AF_PACKET")
RECORD = ["record", "--for", "3s"]


def strace() -> list[str]:
    """The tracer, or skip."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    probe = subprocess.run(["strace", "-f", "-e", "trace=network", "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("strace may not trace here")
    return ["strace", "-f", "-qq", "-e", "trace=network"]


def offline() -> list[str]:
    """A network namespace of its own, with every interface down, or skip."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    for arguments in (["unshare", "-n"], ["unshare", "-rn"]):
        if subprocess.run([*arguments, "true"], capture_output=True, check=False).returncode == 0:
            return arguments
    pytest.skip("a network namespace is refused here")


def run(before: list[str], arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command of wftop behind another program."""
    return subprocess.run(
        [*before, *command(*arguments)], env=environment(), cwd=ROOT, capture_output=True, text=True, timeout=50,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["record", "replay", *COMMANDS])
def test_no_command_opens_an_internet_socket(tmp_path: Path, name: str) -> None:
    trace = tmp_path / "trace"
    before = [*strace(), "-o", str(trace)]
    if name == "record":
        done = run(before, RECORD)
        lines = trace.read_text()
        assert "AF_UNIX" in lines, "the trace does see sockets"
    elif name == "replay":
        done = run(before, ["replay", str(incident(tmp_path / "incident.wftop")), "--once"])
        lines = trace.read_text()
        assert "AF_UNIX" in lines, "as above"
    else:
        with recorder() as running:
            running.ticks(3)
            done = run(before, COMMANDS[name])
            lines = trace.read_text()
            assert running.stop() == 0
    assert done.returncode == 0, done.stderr
    assert not INTERNET.search(lines), INTERNET.search(lines)


def test_everything_works_without_a_network() -> None:
    before = offline()
    recording = subprocess.Popen(
        [*before, *command("record")],
        env=environment(),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    where = places()
    try:
        holder = until(lambda: lock.holder(where), 10, "the recorder")
        until(lambda: run([], ["record", "--status"]).returncode == 0, 10, "its answer")
        for name, arguments in COMMANDS.items():
            done = run(before, arguments)
            assert done.returncode == 0, (name, done.stderr)
            assert done.stdout
        os.kill(holder.pid, signal.SIGTERM)
        assert recording.wait(10) == 0
        assert recording.stderr is not None
        assert recording.stderr.read() == b""
    finally:
        recording.kill()
        recording.wait()
        if recording.stderr is not None:
            recording.stderr.close()
