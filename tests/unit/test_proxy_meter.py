"""What operations add up to, and how it is handed over."""

from __future__ import annotations

import asyncio

import pytest

from wftui import clock
from wftui.model.series import series
from wftui.names import COUNTER, DISTRIBUTION, GAUGE, METRICS
from wftui.proxy import backlog
from wftui.proxy.answers import Usage
from wftui.proxy.backlog import Backlog
from wftui.proxy.meter import MODELS, Meter
from wftui.proxy.reach import FRESH_NS, LOOK_NS, Reach
from wftui.proxy.sink import Labels


class Kept:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.counters: dict[str, float] = {}
        self.timings: list[tuple[str, float]] = []
        self.gauges: list[tuple[str, float]] = []
        self.calls = 0
        self.told: list[tuple[str, int, Labels]] = []

    def counter(self, name: str, by: float, labels: Labels) -> None:
        self.calls += 1
        assert METRICS[name].kind == COUNTER
        assert set(dict(labels)) <= set(METRICS[name].labels)
        text = series(name, dict(labels)).text
        self.counters[text] = self.counters.get(text, 0.0) + by

    def gauge(self, name: str, value: float, labels: Labels) -> None:
        assert METRICS[name].kind == GAUGE
        assert set(dict(labels)) <= set(METRICS[name].labels)
        self.gauges.append((series(name, dict(labels)).text, value))

    def timing(self, name: str, seconds: float, labels: Labels) -> None:
        assert METRICS[name].kind == DISTRIBUTION
        self.timings.append((series(name, dict(labels)).text, seconds))

    def happened(self, do: str, at_ns: int, labels: Labels, how: str = "") -> None:
        self.told.append((do + f" {how}" * bool(how), at_ns, labels))

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_totals_go_on_as_what_they_grew_by(kept: Kept) -> None:
    meter = Meter(kept, "a:1")
    for _ in range(2):
        meter.ended("m", "finished", 200, 1.5, Usage(10, 4))
        meter.ended("m", "finished", 200, 0.5, Usage())
        meter.ended("m", "aborted", 200, 0.5, Usage())
        meter.ended("", "failed", 503, 0.5, None)
        meter.cannot_read("")
        meter.flush()
    calls = kept.calls
    meter.flush()
    assert kept.calls == calls, "nothing grew, nothing is said"
    requests, both = "gen_ai.client.requests", 'model="m",server="a:1"'
    assert kept.counters == {
        f'{requests}{{mode="finished",{both}}}': 4,
        f'{requests}{{mode="aborted",{both}}}': 2,
        f'{requests}{{mode="failed",server="a:1"}}': 2,
        f"{requests}.unmetered{{{both}}}": 2,
        f'gen_ai.client.tokens{{mode="input",{both}}}': 20,
        f'gen_ai.client.tokens{{mode="output",{both}}}': 8,
        'gen_ai.client.connections.unread{server="a:1"}': 2,
    }
    assert kept.timings == [(f"gen_ai.client.operation.duration{{{both}}}", s) for s in (1.5, 0.5, 1.5, 0.5)]
    assert meter.summary() == (
        "4 requests finished, 2 aborted, 2 failed (503: 2); 20 input tokens, 8 output tokens; "
        "2 answers without usage; 2 connections not read"
    )


def test_gaps_and_first_texts_go_on_at_once(kept: Kept) -> None:
    meter = Meter(kept, "a:1")
    meter.first_text("m", 0.25)
    meter.gap("m", 0.01)
    labels = '{model="m",server="a:1"}'
    assert kept.timings == [
        (f"gen_ai.client.operation.time_to_first_chunk{labels}", 0.25),
        (f"gen_ai.client.operation.time_per_output_chunk{labels}", 0.01),
    ]


def test_tokens_that_nobody_counted_are_not_none(kept: Kept) -> None:
    meter = Meter(kept, "a:1")
    meter.ended("m", "finished", 200, 1.0, Usage(3, None))
    meter.flush()
    assert (meter.tokens("input"), meter.tokens("output")) == (3, None)
    assert not any("output" in text for text in kept.counters)


def test_a_client_that_makes_names_up_does_not_make_series_without_end(kept: Kept) -> None:
    meter = Meter(kept, "a:1")
    for number in range(3 * MODELS):
        meter.ended(f"m{number}", "finished", 200, 1.0, Usage(1, 1))
    meter.flush()
    finished = {text: by for text, by in kept.counters.items() if "finished" in text}
    assert len(finished) == MODELS + 1
    assert finished['gen_ai.client.requests{mode="finished",server="a:1"}'] == 2 * MODELS
    assert meter.total("finished") == 3 * MODELS


async def test_copies_are_read_in_order_and_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "_SLICE_NS", 0)  # each turn reads none but what it must
    loop = asyncio.get_running_loop()
    waiting = Backlog(loop)
    read: list[tuple[bytes, int]] = []
    for number in range(50):
        waiting.put(lambda data, now_ns: read.append((data, now_ns)), b"%d" % number, number)
    assert read == [], "passing on comes first"
    waiting.drain()
    assert read == [(b"%d" % number, number) for number in range(50)]


async def test_what_is_put_is_read_without_being_asked_for() -> None:
    waiting = Backlog(asyncio.get_running_loop())
    done = asyncio.Event()
    waiting.put(lambda *_: done.set(), b"", 0)
    await asyncio.wait_for(done.wait(), 10)
    again = asyncio.Event()
    waiting.put(lambda *_: again.set(), b"", 0)
    await asyncio.wait_for(again.wait(), 10)


async def test_copies_do_not_gather_without_end() -> None:
    waiting = Backlog(asyncio.get_running_loop())
    read = 0

    def count(data: bytes, _: int) -> None:
        nonlocal read
        read += len(data)

    put = 0
    for _ in range(200):
        waiting.put(count, bytes(65_536), 0)
        put += 65_536
        assert put - read <= backlog.BYTES + 65_536


def test_whether_the_server_can_be_reached_is_a_gauge(kept: Kept) -> None:
    meter = Meter(kept, "a:1")
    meter.reachable(True)
    meter.reachable(False)
    assert kept.gauges == [('inference.proxy.upstream.up{server="a:1"}', value) for value in (1.0, 0.0)]


def test_it_is_known_from_connections_that_were_made_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    now_ns = 0
    monkeypatch.setattr(clock, "perf_ns", lambda: now_ns)
    one = Reach("a:1", lambda _: None)
    assert (one.up, one.look()) == (None, False), "nobody has tried"
    one.made()
    now_ns += FRESH_NS - 1
    assert one.up is True
    now_ns += 1
    assert one.up is None, "nobody has tried lately"
    one.connected()
    assert one.up is True, "a connection is open"
    one.failed("refused")
    assert (one.up, one.look()) == (False, False)
    one.connected()
    now_ns += LOOK_NS
    assert (one.up, one.look(), one.look()) == (False, True, False)
    one.failed("refused", client=False)
    now_ns += LOOK_NS
    assert one.look()
    one.made()
    assert one.up is True


def test_what_happens_in_a_stream_goes_on_at_once(kept: Kept) -> None:
    meter = Meter(kept, "a:1")
    meter.asked("m", 5)
    meter.text("m", 7)
    meter.over("m", "finished", 9)
    labels = (("model", "m"), ("server", "a:1"))
    assert kept.told == [("prompt", 5, labels), ("token", 7, labels), ("end finished", 9, labels)]
