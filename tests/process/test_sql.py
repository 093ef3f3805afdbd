"""history.duckdb and `wftop sql` while a recorder writes, while the file is replaced, or its maker killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import duckdb
import pytest

from tests.harness import ROOT, command, environment, recorder, until
from tests.recording import BYTES, CPU, START_S, S
from tests.stored import recorded
from wftui.store import derived, manifest, seal

NOW_NS = (START_S + 9000) * S
CLIENT = """
import sys, time
import duckdb
path, seconds = sys.argv[1], float(sys.argv[2])
opened = 0
end = time.monotonic() + seconds
while time.monotonic() < end:
    with duckdb.connect(path, read_only=True) as connection:
        ticks, series = connection.execute(
            "SELECT (SELECT count(*) FROM samples('system.cpu.utilization')), (SELECT count(*) FROM series)"
        ).fetchone()
        assert ticks > 0 and series == 2, (ticks, series)
    opened += 1
print(opened)
"""
REFRESH = """
import sys
from pathlib import Path
from wftui.store import derived
derived.rebuild(Path(sys.argv[1]), int(sys.argv[2]))
"""


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def ask(sql: str, *more: str) -> list[dict[str, object]]:
    """What the command answers."""
    done = subprocess.run(
        command("sql", sql, "--format", "json", *more),
        env=environment(),
        capture_output=True,
        cwd=ROOT,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    with recorded(folder) as made:
        made.many([CPU, BYTES], ([0.25, 1000.0 * n] for n in count()), 9000)
    seal.run(folder, NOW_NS)
    derived.refresh(folder, NOW_NS)
    return folder


def test_the_live_second_can_be_asked_for() -> None:
    with recorder() as running:
        running.ticks(3)
        (row,) = ask("SELECT count(*) AS n, max(seq) AS seq FROM samples('system.memory.available')")
        assert isinstance(row["n"], int)
        assert row["n"] >= 3

        def later() -> bool:
            return ask("SELECT max(seq) AS seq FROM metrics_timeseries")[0]["seq"] != row["seq"]

        assert until(later, what="a later tick")
        processes = ask("SELECT pid FROM processes_at(now()::TIMESTAMP)")
        assert running.pid in [row["pid"] for row in processes]
        kinds = [row["type"] for row in ask("SELECT type FROM events ORDER BY seq")]
        assert kinds[0] == "recorder.started"
        assert ask("SELECT pid, ended FROM sessions") == [{"pid": running.pid, "ended": None}]
        ticks = running.status().ticks
        assert running.ticks(ticks + 2).ticks >= ticks + 2  # nobody was held up
        assert running.stop() == 0


def test_any_client_opens_it_while_it_is_replaced(sealed: Path) -> None:
    client = python(CLIENT, str(sealed / derived.NAME), "3")
    replaced = 0
    while client.poll() is None:
        derived.rebuild(sealed, NOW_NS + replaced)
        replaced += 1
    out, errors = client.communicate(timeout=20)
    assert client.returncode == 0, errors
    assert int(out) > 5
    assert replaced > 3


def test_a_client_that_writes_is_not_waited_for(sealed: Path) -> None:
    with duckdb.connect(str(sealed / derived.NAME)) as connection:
        connection.execute("CREATE TABLE mine (x INTEGER)")
        began = time.monotonic()
        with seal.lock(sealed):
            done = python(REFRESH, str(sealed), str(NOW_NS))
            _, errors = done.communicate(timeout=20)
        assert done.returncode == 0, errors
        assert time.monotonic() - began < 15
    found = derived.reach(sealed)
    assert found is not None
    assert found.sealed_seq == manifest.load(sealed).sealed_seq
    assert not derived.wal(sealed / derived.NAME).exists()


@pytest.mark.parametrize("delay_s", [0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5])
def test_killed_at_any_moment_leaves_a_file_that_opens(sealed: Path, delay_s: float) -> None:
    process = python(REFRESH, str(sealed), str(NOW_NS))
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=10)
    found = derived.reach(sealed)
    assert found is not None
    assert found.sealed_seq == manifest.load(sealed).sealed_seq
    derived.rebuild(sealed, NOW_NS + 5)
    assert sorted(item.name for item in sealed.iterdir() if item.name.startswith("history")) == [derived.NAME]
