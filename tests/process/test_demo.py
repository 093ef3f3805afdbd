"""``wftop --demo``: the real recorder over a scripted machine, in a folder of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.harness import ROOT, command, environment, until
from wftui.client.lock import holder
from wftui.client.queries import Connection
from wftui.demo.folder import WORDS, demo_places
from wftui.demo.serving import LEAKY, VLLM
from wftui.demo.story import PAST_S
from wftui.errors import ProtocolError
from wftui.paths import places
from wftui.wire import messages as m


def run(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """A command of wftop."""
    done = subprocess.run(
        command(*words), env=environment(), capture_output=True, text=True, timeout=55, check=False, cwd=ROOT
    )
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture
def demo() -> Iterator[None]:
    """A recorder of the demo, ended afterwards."""
    run("--demo", "--once")
    yield
    found = holder(demo_places())
    if found is not None:
        os.kill(found.pid, signal.SIGTERM)
        until(lambda: holder(demo_places()) is None, what="the end of the demo")


def test_commands_show_the_script_and_say_so(demo: None) -> None:
    del demo
    shown = run("--demo", "--once")
    assert "on demo" in shown.stdout.splitlines()[0]
    assert "nvidia: 8 on the PCI bus" in shown.stdout
    assert WORDS in shown.stderr
    told = json.loads(run("gpus", "--demo", "--json").stdout)
    assert [item["name"] for item in told["gpus"]] == ["NVIDIA H200"] * 8
    assert "ana" in run("gpus", "--who", "--since", "20m", "--demo").stdout
    assert "H200" in run("report", "--since", "25m", "--demo").stdout
    assert "Wh" in run("energy", "--since", "25m", "--demo").stdout
    rows = run("export", "--since", "1h", "-m", "hw.gpu.power", "--demo").stdout.splitlines()
    assert len(rows) > PAST_S
    seconds = run(
        "sql", "--demo", "--format", "csv", "SELECT count(*) FROM samples('system.cpu.utilization')"
    ).stdout
    assert int(seconds.split()[-1]) >= PAST_S


def test_what_served_is_asked_for_and_exported(demo: None) -> None:
    del demo
    run("--demo", "--once")
    (example,) = re.findall(r"```sql\n(.*?);\n```", (ROOT / "docs" / "servers.md").read_text("utf-8"), re.S)
    found = {row["server"]: row for row in json.loads(run("sql", "--demo", "--format", "json", example).stdout)}
    assert set(found) == {VLLM, LEAKY}
    for server, row in found.items():
        told = run("export", "--demo", "--since", "1h", "-m", f'inference.energy.per_token{{server="{server}"}}')
        values = [float(line.split(",")[2]) for line in told.stdout.splitlines()[1:] if line.split(",")[2]]
        assert row["joules_per_token"] == pytest.approx(statistics.median(values), rel=0.3)
    patterns = ("-m", "inference.*", "-m", "gen_ai.*", "--since", "5m", "--format", "jsonl")
    head = json.loads(run("export", "--demo", *patterns).stdout.partition("\n")[0])
    names = {item["name"] for item in head["series"]}
    assert {
        "inference.tokens.rate",
        "inference.kv_cache.utilization",
        "gen_ai.server.time_to_first_token",
    } <= names
    for name, cell, value in (
        ("servers", "server.kind", "vllm"),
        ("models", "model.name", "Llama-4-Scout"),
        ("inference_requests", "request.state", "generating"),
    ):
        rows = run("export", "--demo", "--since", "5m", "--table", name, "--format", "jsonl").stdout.splitlines()
        assert value in {json.loads(line).get(cell) for line in rows}, name
        asked = f"SELECT count(*) AS n FROM {name} WHERE {cell.replace('.', '_')} = '{value}'"  # noqa: S608  words of the test
        assert json.loads(run("sql", "--demo", "--format", "json", asked).stdout)[0]["n"] > 0


def test_past_and_present_are_one_recording(demo: None) -> None:
    del demo
    with Connection(str(demo_places().socket)) as connection:
        assert connection.recorder.demo
        assert connection.recorder.hostname == "demo"
        until(lambda: connection.ask(m.Status(), m.StatusReply).ticks >= 3 or None, what="three ticks")
        now = connection.ask(m.Status(), m.StatusReply)
        assert {item.state for item in now.sources} == {"ok"}
        since = now.started_ns - 300 * 10**9
        until_ns = now.started_ns + 2 * 10**9
        reply = connection.ask(m.Range(["hw.gpu.energy", "hw.gpu.power"], since, until_ns, 302), m.RangeReply)
        assert 0 not in reply.counts[1:-1]  # no gap where the recorder took over
        events = connection.ask(m.Events(types=["gpu.*"]), m.EventsReply).events
        assert {"gpu.xid", "gpu.throttled", "gpu.unthrottled", "gpu.found"} <= {item.type for item in events}
        seqs = [item.seq for item in connection.ask(m.Events(), m.EventsReply).events]
        assert seqs == sorted(set(seqs))


def test_nothing_is_done_to_its_processes(demo: None) -> None:
    del demo
    with Connection(str(demo_places().socket)) as connection:
        for order in (m.Signal(41_270, 1, signal.SIGTERM), m.Signal(os.getpid(), 1, signal.SIGTERM)):
            with pytest.raises(ProtocolError, match="this is the demo: its processes are not real"):
                connection.ask(order, m.Ok)

        def both() -> bool | None:
            told = connection.ask(m.Events(types=["signal.refused"]), m.EventsReply).events
            return len(told) == 2 or None

        until(both, what="both refusals among the events")


def test_its_folder_goes_with_it_and_nothing_else_is_touched() -> None:
    where, real = demo_places(), places()
    assert where.socket != real.socket
    assert where.data_dir != real.data_dir
    run("--demo", "--once")
    found = holder(where)
    assert found is not None
    assert where.data_dir.is_dir()
    os.kill(found.pid, signal.SIGTERM)
    until(lambda: holder(where) is None, what="the end of the demo")
    assert not where.data_dir.parent.exists()
    for folder in (real.data_dir, real.state_dir, real.config_dir):
        assert not folder.exists() or not list(folder.iterdir())
    assert not real.socket.exists()


def test_what_a_killed_one_left_goes_at_the_next_start() -> None:
    where = demo_places()
    run("--demo", "--once")
    found = holder(where)
    assert found is not None
    os.kill(found.pid, signal.SIGKILL)
    until(lambda: holder(where) is None, what="the end")
    left = where.data_dir / "left"
    left.touch()
    run("--demo", "--once")
    assert not left.exists()
    again = holder(where)
    assert again is not None
    os.kill(again.pid, signal.SIGTERM)
    until(lambda: holder(where) is None, what="the end of the demo")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--demo", "--data-dir", "/tmp/x", "--once"), "leave --data-dir out"),  # noqa: S108  never made
        (("report", "--demo", "--data-dir=/tmp/x"), "leave --data-dir out"),
        (("purge", "--demo", "--yes"), "not with 'purge'"),
        (("record", "--demo"), "not with 'record'"),
    ],
)
def test_what_has_no_meaning_is_refused(words: tuple[str, ...], why: str) -> None:
    assert why in run(*words, code=2).stderr
    assert not demo_places().data_dir.exists()


def test_an_ordinary_recorder_loads_nothing_of_it() -> None:
    code = (
        "import sys; sys.argv = ['wftop', 'record', '--for', '2s']\n"
        "import wftui.__main__ as entry\n"
        "assert entry.main() == 0\n"
        "print([name for name in sys.modules if name.startswith('wftui.demo')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.alone
def test_once_is_enough_to_start_it() -> None:
    run("--demo", "--once")
    found = holder(demo_places())
    assert found is not None
    os.kill(found.pid, signal.SIGTERM)
    until(lambda: holder(demo_places()) is None, what="the end of the demo")
