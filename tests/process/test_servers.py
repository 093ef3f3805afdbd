"""A model server on this machine, from the process table to the view, the journal and the past."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.harness import ROOT, View, command, environment, events, recorder, until
from tests.servers.test_poller import PROGRAM
from wftui.model.servers import ENDPOINT, KIND, SERVERS, STATE
from wftui.model.table import Row, apply
from wftui.model.tick import unpack
from wftui.paths import places
from wftui.wire import messages as m

LOOKING = {"WFTOP_SERVERS_DISCOVER": "true"}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc")


@pytest.fixture
def server(tmp_path: Path) -> subprocess.Popen[str]:
    """A process that looks and answers like a vLLM; its first line says where."""
    script = tmp_path / "vllm"
    script.write_text(PROGRAM)
    return subprocess.Popen(
        [sys.executable, str(script), "serve", "model"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment({"PYTHONPATH": str(ROOT)}),
    )  # fmt: skip


def test_found_shown_stored_and_gone(server: subprocess.Popen[str]) -> None:
    assert server.stdout is not None
    name = server.stdout.readline().strip()
    try:
        with recorder(env=LOOKING) as running:
            rows: dict[str, Row] = {}
            rate = f'inference.tokens.rate{{mode="generation",model="Qwen/Qwen3-8B",server="{name}"}}'
            up = f'inference.server.up{{server="{name}"}}'
            values: dict[str, float] = {}
            with View(running.where) as view:
                layout: list[str] = []
                end = time.monotonic() + 60
                for message in view.messages():
                    assert time.monotonic() < end, (rows, sorted(values))
                    if isinstance(message, m.TableArrived) and message.change.name == SERVERS.name:
                        apply(rows, message.change)
                    elif isinstance(message, m.LayoutChanged):
                        layout = [column.series.text for column in message.columns]
                    elif isinstance(message, m.TickArrived):
                        values = dict(zip(layout, unpack(message.values), strict=True))
                    if name in rows and values.get(up) == 1 and rate in values:
                        break
            assert (rows[name][ENDPOINT], rows[name][KIND], rows[name][STATE]) == (name, "vllm", "ok")
            found = json.loads(_once())
            assert name in str(found["tables"]["servers"])
            server.communicate("")
            until(lambda: any(item == {"kind": "vllm"} for item in events(running.where, "server.gone")), 60)
            assert running.stop() == 0
        said = [item for item in events(places(), "server.found") if item["version"] == "0.33.0"]
        assert said[0]["kind"] == "vllm"
        text = subprocess.run(
            command("export", "--since", "1h", "-m", "inference.server.up", "--format", "csv"),
            env=environment(), capture_output=True, text=True, check=True, timeout=60,
        ).stdout  # fmt: skip
        assert name in text
    finally:
        server.communicate("")


def _once() -> str:
    return subprocess.run(
        command("--once", "--json"), env=environment(), capture_output=True, text=True, check=True, timeout=60
    ).stdout
