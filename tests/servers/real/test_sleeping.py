"""wftop beside a real llama.cpp server that sleeps when it is idle: it falls asleep, and is never woken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers.real.client import Asked, Client
from tests.servers.real.llama import REAL, Llama
from tests.servers.real.measured import series
from tests.servers.real.test_alone import NAME, last, more
from tests.servers.test_poller import watching
from wftui.model import health
from wftui.model.servers import M_STATE, MODELS, SLEEPING

pytestmark = REAL
IDLE_S = 6
WOKEN = "server is exiting sleeping state"


@pytest.mark.parametrize("flags", [["--metrics"], []])
def test_it_falls_asleep_beside_us_and_only_its_client_wakes_it(tmp_path: Path, flags: list[str]) -> None:
    with (
        Llama(tmp_path / "log", *flags, "--sleep-idle-seconds", str(IDLE_S)) as server,
        watching(discover=True) as seen,
    ):
        seen.until(lambda: seen.state(server.name) == health.OK, "its row")
        first = Client(server.port, [Asked(60)]).run()
        seen.until(lambda: seen.state(server.name) == health.ASLEEP, "its sleep")
        assert seen.tables[MODELS.name][f"{server.name}|{NAME}"][M_STATE] == SLEEPING
        # Longer than it was awake: looks that wake it would show.
        more(seen, server, IDLE_S + 2)
        assert server.asleep()
        assert WOKEN not in server.log()
        second = Client(server.port, [Asked(70)]).run()
        seen.until(lambda: seen.state(server.name) == health.OK, "that it is awake")
        if flags:
            tokens = series("tokens", server.name, NAME, "generation")
            seen.until(
                lambda: last(seen, tokens) == first.generated + second.generated == 130, "the tokens of both"
            )
        seen.until(lambda: seen.state(server.name) == health.ASLEEP, "its sleep again")
        assert server.log().count(WOKEN) == 1
        assert "server.restarted" not in seen.kinds


def test_it_falls_asleep_where_its_process_cannot_be_seen(tmp_path: Path) -> None:
    """As on another machine: its page shows that nothing happens."""
    with (
        Llama(tmp_path / "log", "--metrics", "--sleep-idle-seconds", str(IDLE_S)) as server,
        watching(f"http://{server.name}") as seen,
    ):
        tokens = series("tokens", server.name, NAME, "generation")
        run = Client(server.port, [Asked(60)]).run()
        seen.until(lambda: last(seen, tokens) == run.generated == 60, "its tokens")
        seen.until(lambda: seen.state(server.name) == health.ASLEEP, "its sleep")
        more(seen, server, IDLE_S + 2)
        assert server.asleep()
        assert WOKEN not in server.log()
