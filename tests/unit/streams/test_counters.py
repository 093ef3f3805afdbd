"""Counters of model servers as streams."""

from __future__ import annotations

import pytest

from tests.unit.streams.running import Desked
from wftui.clock import NS_PER_S, Instant
from wftui.model import streams as cells
from wftui.model.sample import Column, Reading, Sample, Scrape, column
from wftui.recorder.streams.counters import Counters

SERVER = {"server": "127.0.0.1:8000", "model": "llama3"}
KEY = "|127.0.0.1:8000|llama3"
TOKENS = 'ux.stream.tokens{model="llama3",server="127.0.0.1:8000"}'
RATE = column("servers", "inference.tokens.rate", {**SERVER, "mode": "generation"}, call="difference")
RUNNING = column("servers", "inference.requests", {**SERVER, "mode": "running"}, call="/metrics")


class Asked:
    """A desk, and a server that is asked once a second."""

    def __init__(self) -> None:
        self.made = Desked()
        self.counters = Counters(self.made.desk)

    def look(self, values: dict[Column, float], source: str = "servers") -> None:
        """A second passes, then the server says this."""
        made = self.made
        made.to(made.clock.s + 1.0)
        samples = [Sample(item, value) for item, value in values.items()]
        at_ns = made.clock.now().boottime_ns - NS_PER_S // 10
        reading = Reading(Instant(made.clock.now().time_ns - NS_PER_S // 10, at_ns), 1.0, samples)
        self.counters.scraped(source, Scrape([], readings=(reading,)), made.clock.now(), 1.0)


def test_a_rate_is_as_many_tokens_as_its_counter_gained_also_of_fractions() -> None:
    asked = Asked()
    asked.look({RATE: 0.0, RUNNING: 1.0})
    for rate in (10.0, 3.4, 3.3, 3.3, 12.0, 0.0):
        asked.look({RATE: rate, RUNNING: 1.0})
    asked.made.to(asked.made.clock.s + 1)
    assert asked.made.last(TOKENS) == 32
    row = asked.made.rows["streams"][KEY]
    assert row[cells.TOLD_BY] == cells.COUNTERS
    found = {item.column.series.name: item.column.quality for item in asked.made.scrape.samples}
    assert found["ux.stream.friction"] == "estimated"


def test_requests_at_work_begin_and_end_it() -> None:
    asked = Asked()
    asked.look({RATE: 0.0, RUNNING: 0.0})
    assert asked.made.rows == {}
    asked.look({RATE: 0.0, RUNNING: 1.0})
    asked.made.to(asked.made.clock.s + 0.5)
    asked.look({RATE: 8.0, RUNNING: 2.0})
    asked.look({RATE: 8.0, RUNNING: 0.0})
    asked.made.to(asked.made.clock.s + 2)
    assert asked.made.rows["streams"][KEY][cells.STATE] == "drained"
    [ended] = [item for item in asked.made.events if item.kind == "stream.ended"]
    assert ended.payload["tokens"] == pytest.approx(16, abs=4)
    assert ended.payload["answers"] == 2


def test_what_programs_push_of_rates_and_other_sources_make_no_stream() -> None:
    asked = Asked()
    pushed = column("push:app", "inference.tokens.rate", {"source": "app", "mode": "generation"}, call="push.sock")
    prompt = column("servers", "inference.tokens.rate", {**SERVER, "mode": "prompt"}, call="difference")
    for _ in range(3):
        asked.look({pushed: 9.0, prompt: 9.0, RUNNING: 1.0})
        asked.look({RATE: 9.0}, source="push")
    assert asked.made.rows == {}


def test_a_server_at_rest_is_forgotten_like_any_stream() -> None:
    asked = Asked()
    asked.look({RATE: 9.0, RUNNING: 1.0})
    asked.look({RATE: 9.0, RUNNING: 0.0})
    for _ in range(320):
        asked.look({RATE: 0.0, RUNNING: 0.0})
    assert asked.made.scrape.readings == ()
