"""A model server that is killed in the middle of requests is an alert, one that was idle is none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.alerted import alone, told, wftop, write
from tests.harness import Running, View, events, until
from tests.servers.test_ended import BUSY, IDLE, started
from wftui.client.queries import Connection
from wftui.model.servers import PID, REASON, SERVERS, STATE
from wftui.model.table import Row
from wftui.paths import Places

LOOKING = {"WFTOP_SERVERS_DISCOVER": "true"}
DOWN = {
    "id": "rule.down",
    "version": "1.0",
    "severity": "error",
    "conditions": {"when_all": [{"metric": "server.state", "operator": "regex", "value": "^(failed|stuck)$"}]},
    "for": "8s",
}
"""As ``rule.server-down``, which waits for half a minute."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc")


def row(where: Places, name: str) -> Row | None:
    with Connection(str(where.socket)) as connection:
        return connection.tables([SERVERS.name])[SERVERS.name][1].get(name)


def is_ok(where: Places, name: str) -> bool:
    found = row(where, name)
    return found is not None and found[STATE] == "ok"


@pytest.mark.timeout(180)
def test_killed_with_requests_it_is_an_alert(tmp_path: Path) -> None:
    alone()
    write(DOWN)
    with started(tmp_path, BUSY) as (process, name), Running(env=LOOKING) as running:
        where = running.ready().where
        until(lambda: is_ok(where, name), 60)
        with View(where) as view:
            process.kill()
            process.wait()
            fired = told(view, "alert.fired", f'rule.down{{server="{name}"}}', 60)
        assert fired.payload["told"]
        found = row(where, name)
        assert found is not None
        assert found[REASON] == f"process {process.pid} ended with 9 requests running or waiting"
        assert "rule.down" in wftop("alerts", "list")


@pytest.mark.timeout(180)
def test_stopped_without_requests_it_is_none(tmp_path: Path) -> None:
    alone()
    write(DOWN)
    with started(tmp_path, IDLE) as (process, name), Running(env=LOOKING) as running:
        where = running.ready().where
        until(lambda: is_ok(where, name), 60)
        process.terminate()
        process.wait()
        until(lambda: (found := row(where, name)) is not None and found[PID] is None, 30)
        since = running.status().ticks
        until(lambda: running.status().ticks >= since + 12, 30)
        assert events(where, "alert.fired") == []
        assert (row(where, name) or ())[STATE] == "absent"
