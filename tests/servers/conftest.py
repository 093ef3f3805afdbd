"""Clients of stand-ins, closed when the test ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.fakeclock import FakeClock
from tests.servers.fake import Fake
from wftui.collectors.servers import plain
from wftui.collectors.servers.web import Web

Dial = Callable[..., Web]
"""``dial(fake, clock=…, key=…)``: a client of it."""


@pytest.fixture
async def dial() -> AsyncIterator[Dial]:
    """Make clients; fields of the endpoint may be given."""
    made: list[Web] = []

    def new(server: Fake, clock: FakeClock | None = None, **fields: Any) -> Web:  # Any: of several types
        made.append(Web(server.endpoint._replace(**fields), clock or FakeClock()))
        return made[-1]

    yield new
    for web in made:
        web.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where clocks jump nobody waits for what servers take to answer."""
    monkeypatch.setattr(plain, "PAUSE_S", 0.0)
