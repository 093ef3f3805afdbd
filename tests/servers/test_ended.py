"""A server that ended: its row stays for a while, and says whether requests were cut off."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.test_poller import Seen, watching
from wftui.clock import NS_PER_S
from wftui.collectors.servers import ended
from wftui.collectors.servers import poller as poller_module
from wftui.model import health
from wftui.model.servers import FIX, ORIGIN, PID, REASON, STATE

ROOT = Path(__file__).parents[2]
BUSY = """
import sys
from tests.servers.test_poller import Vllm
with Vllm() as server:
    print(server.endpoint.name, flush=True)
    sys.stdin.read()
"""
IDLE = BUSY.replace(
    "with Vllm()",
    """import re
class Idle(Vllm):
    def text(self):
        return re.sub(rb"(?m)^(vllm:num_requests_\\w+{.*}) .*$", rb"\\1 0.0", super().text())
with Idle()""",
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller_module, "DISCOVER_S", 0.1)


@contextmanager
def started(folder: Path, program: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that looks and answers like a vLLM, and where it listens."""
    script = folder / "vllm"
    script.write_text(program)
    process = subprocess.Popen(
        [sys.executable, str(script), "serve", "model"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def killed(seen: Seen, process: subprocess.Popen[str], name: str) -> None:
    """Kill -9, and wait until that is seen."""
    seen.until(lambda: seen.state(name) == health.OK, "its row")
    process.kill()
    process.wait()
    seen.until(lambda: "server.gone" in seen.kinds and seen.servers.get(name, (1,) * 20)[PID] is None, "its end")


def test_requests_that_were_cut_off_are_a_fault(tmp_path: Path) -> None:
    with started(tmp_path, BUSY) as (process, name), watching(discover=True) as seen:
        killed(seen, process, name)
        row = seen.servers[name]
        assert (row[STATE], row[ORIGIN]) == (health.FAILED, "process")
        assert row[REASON] == f"process {process.pid} ended with 9 requests running or waiting"
        assert "log" in str(row[FIX])
        assert seen.last.note is None or seen.last.note.state != health.LATE, "the source works"


def test_one_without_requests_ended_on_purpose(tmp_path: Path) -> None:
    with started(tmp_path, IDLE) as (process, name), watching(discover=True) as seen:
        killed(seen, process, name)
        row = seen.servers[name]
        assert (row[STATE], row[REASON], row[FIX]) == (health.ABSENT, f"process {process.pid} ended", "")


def test_its_row_goes_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ended, "SHOWN_NS", NS_PER_S)
    with started(tmp_path, BUSY) as (process, name), watching(discover=True) as seen:
        killed(seen, process, name)
        seen.until(lambda: name not in seen.servers, "that it goes")


def test_requests_of_long_ago_are_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ended, "FRESH_NS", -1)
    with started(tmp_path, BUSY) as (process, name), watching(discover=True) as seen:
        killed(seen, process, name)
        assert seen.servers[name][STATE] == health.ABSENT
