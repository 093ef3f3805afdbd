"""A restart counts once, whichever shows it first: the server's own figures, or another process at its address."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import pytest

from tests.servers.fake_llamacpp import Llama, serve
from wftui.clock import Instant, SystemClock
from wftui.collectors.servers import signs
from wftui.collectors.servers import watch as watch_module
from wftui.collectors.servers.discovery import Discovery, Found
from wftui.collectors.servers.poller import Poller
from wftui.endpoint import Endpoint

WAIT_S: Final = 30.0


class Shown(Discovery):
    """A process table with one server in it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.pid = 4711

    def look(self, at: Instant) -> list[Found]:  # noqa: ARG002  as it is called
        sign = signs.sign(["llama-server", "-m", "x.gguf"])
        assert sign is not None
        return [Found(pid=self.pid, start=self.pid, sign=sign, endpoints=(self.endpoint,))]


class Told:
    """What the poller brought."""

    def __init__(self, poller: Poller) -> None:
        self._poller = poller
        self.restarts: list[float] = []
        self.events: list[str] = []

    async def until(self, done: Callable[[], bool]) -> None:
        """Take until something is so."""
        async with asyncio.timeout(WAIT_S):
            while not done():
                await asyncio.sleep(0.01)
                readings, events = self._poller.take()
                self.restarts += [
                    sample.value
                    for reading in readings
                    for sample in reading.samples
                    if sample.column.series.name == "inference.server.restarts"
                ]
                self.events += [item.kind for item in events]

    async def restarted(self, count: int) -> None:
        """So many restarts, and some looks more."""
        await self.until(lambda: self.restarts[-1] == count)
        await self.looks()

    async def looks(self) -> None:
        """Some more of them."""
        have = len(self.restarts)
        await self.until(lambda: len(self.restarts) >= have + 3)


@pytest.mark.parametrize("first", ["figures", "process"])
async def test_a_restart_counts_once(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "INTERVAL_S", 0.05)
    llama = Llama()
    with serve(llama) as server:
        poller = Poller(SystemClock(), discover=False)
        told, shown = Told(poller), Shown(server.endpoint)
        try:
            poller._reconcile(shown)
            await told.looks()
            for count in (1, 2):
                shown.pid += 1
                with server.lock:
                    llama.restart()
                    if first == "process":
                        poller._reconcile(shown)
                await told.restarted(count)
                poller._reconcile(shown)
                await told.looks()
                assert told.restarts[-1] == count
                assert told.events.count("server.restarted") == count
            assert told.events.count("server.found") == 1
            assert "server.gone" not in told.events
        finally:
            tasks = [task for _, task in poller._watches.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
