"""Rates, quantiles, ratios and restarts, from what servers count."""

from __future__ import annotations

from itertools import accumulate

import pytest

from tests.fakeclock import FakeClock
from wftui.clock import NS_PER_S
from wftui.collectors.servers.derive import Derivation
from wftui.collectors.servers.figures import Histogram, Key, Look
from wftui.model.sample import Sample

INF = float("inf")
PROMPT = Key("inference.tokens", "m", "prompt", call="/metrics prompt_total")
GENERATED = Key("inference.tokens", "m", "generation", call="/metrics generated_total")
CACHED = Key("inference.tokens", "m", "cached", call="/metrics cached_total")
TTFT = Key("gen_ai.server.time_to_first_token", "m", call="/metrics ttft")
BOUNDS = (0.1, 0.5, 1.0, INF)


class Server:
    """Looks at a server, one after the other."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.derivation = Derivation("127.0.0.1:8000")
        self.restarted = False

    def look(self, after_s: float = 1.0, **fields: object) -> dict[str, float]:
        """What is told of a look, by series."""
        self.clock.advance(int(after_s * NS_PER_S))
        look = Look(**fields)  # type: ignore[arg-type]  # each test gives the right ones
        told, self.restarted = self.derivation.samples(look, self.clock.now())
        assert len({item.column.series.text for item in told}) == len(told)
        self.told = told
        return {self.short(item): item.value for item in told}

    @staticmethod
    def short(item: Sample) -> str:
        """Metric, mode and statistic."""
        series = item.column.series
        assert series.label("server") == "127.0.0.1:8000"
        parts = [series.name.removeprefix("inference."), series.label("mode"), series.stat]
        return " ".join(part for part in parts if part)


def spread(*alone: float, total: float = 0.0) -> Histogram:
    """A histogram with so many observations in each bucket."""
    return Histogram(BOUNDS, tuple(accumulate(alone)), total)


def test_a_rate_is_made_of_two_looks() -> None:
    server = Server()
    assert server.look(counters={PROMPT: 1000, GENERATED: 10}) == {"tokens prompt": 1000, "tokens generation": 10}
    found = server.look(2.0, counters={PROMPT: 1500, GENERATED: 60})
    assert found == {
        "tokens prompt": 1500, "tokens generation": 60, "tokens.rate prompt": 250, "tokens.rate generation": 25,
    }  # fmt: skip
    rate = next(item.column for item in server.told if item.column.series.name == "inference.tokens.rate")
    assert rate.quality == "derived"
    assert rate.call == "difference of /metrics prompt_total"
    assert rate.series.label("model") == "m"


def test_cached_tokens_have_no_rate_of_their_own() -> None:
    server = Server()
    server.look(counters={CACHED: 1})
    assert server.look(counters={CACHED: 2}) == {"tokens cached": 2}


def test_what_stands_still_has_the_rate_nought_and_what_is_away_has_none() -> None:
    server = Server()
    server.look(counters={PROMPT: 5})
    assert server.look(counters={PROMPT: 5})["tokens.rate prompt"] == 0
    assert server.look() == {}


def test_no_rate_of_a_coarse_counter() -> None:
    server = Server()
    server.look(counters={GENERATED: 1.23457e6}, coarse=frozenset({GENERATED}))
    found = server.look(counters={GENERATED: 1.23458e6}, coarse=frozenset({GENERATED}))
    assert found == {"tokens generation": 1.23458e6}
    assert not server.restarted


def test_the_adapters_rate_is_the_better_one() -> None:
    server = Server()
    live = Key("inference.tokens.rate", "m", "generation", "derived", "/slots n_decoded")
    server.look(counters={GENERATED: 0})
    assert server.look(counters={GENERATED: 900}, live={live: 42})["tokens.rate generation"] == 42


def test_a_counter_that_falls_is_a_restart() -> None:
    server = Server()
    server.look(counters={PROMPT: 1000, GENERATED: 10}, histograms={TTFT: spread(0, 5, 0, 0)})
    found = server.look(counters={PROMPT: 50, GENERATED: 20}, histograms={TTFT: spread(0, 6, 0, 0)})
    assert server.restarted
    assert server.derivation.restarts == 1
    assert found == {"tokens prompt": 50, "tokens generation": 20}, "no rate and no quantile across it"
    found = server.look(counters={PROMPT: 60, GENERATED: 20}, histograms={TTFT: spread(0, 6, 0, 0)})
    assert not server.restarted
    assert found["tokens.rate prompt"] == 10


def test_a_histogram_that_falls_is_a_restart() -> None:
    server = Server()
    server.look(histograms={TTFT: spread(0, 5, 0, 0)})
    assert server.look(histograms={TTFT: spread(0, 1, 0, 0)}) == {}
    assert server.restarted


def test_another_birth_is_a_restart_even_when_all_counters_grew() -> None:
    server = Server()
    server.look(counters={PROMPT: 10}, birth="1")
    server.look(counters={PROMPT: 20})
    assert not server.restarted, "an adapter need not say it each time"
    assert server.look(counters={PROMPT: 30}, birth="2") == {"tokens prompt": 30}
    assert server.restarted
    server.look(counters={PROMPT: 40}, birth="2")
    assert not server.restarted


def test_a_restart_that_is_known_already_is_told_once() -> None:
    """Its process is another one: who watches processes has counted that."""
    server = Server()
    server.look(counters={PROMPT: 10}, birth="1")
    server.derivation.forget()
    assert server.look(counters={PROMPT: 5}, birth="2") == {"tokens prompt": 5}
    assert not server.restarted


def test_a_model_that_is_loaded_anew_is_no_restart() -> None:
    server = Server()
    other = Key("inference.tokens", "other", "prompt", call="/metrics")
    server.look(counters={PROMPT: 1000, other: 10}, histograms={TTFT: spread(1, 0, 0, 0)})
    server.look(counters={PROMPT: 7, other: 20}, histograms={TTFT: spread(0, 0, 0, 0)}, reloaded=frozenset({"m"}))
    assert not server.restarted
    rates = [item for item in server.told if item.column.series.name == "inference.tokens.rate"]
    assert [(item.column.series.label("model"), item.value) for item in rates] == [("other", 10)]


def test_forgetting_leaves_no_rate_across_the_gap() -> None:
    server = Server()
    server.look(counters={PROMPT: 10})
    server.derivation.forget()
    assert server.look(counters={PROMPT: 10_000}) == {"tokens prompt": 10_000}


def test_quantiles_are_those_of_the_window() -> None:
    """A thousand quick requests of yesterday say nothing about the slow ones of now."""
    server = Server()
    assert server.look(histograms={TTFT: spread(1000, 0, 0, 0, total=50)}) == {}
    found = server.look(histograms={TTFT: spread(1000, 0, 100, 0, total=125)})
    name = "gen_ai.server.time_to_first_token"
    assert found == {
        f"{name} count": 100, f"{name} sum": 75,
        f"{name} p50": pytest.approx(0.75), f"{name} p95": pytest.approx(0.975),
        f"{name} p99": pytest.approx(0.995),
    }  # fmt: skip
    assert server.derivation.bounds == {name: (0.1, 1.0)}


def test_quantiles_end_ten_seconds_after_the_last_request() -> None:
    server = Server()
    server.look(histograms={TTFT: spread(0, 0, 0, 0)})
    busy, quiet = spread(0, 10, 0, 0), []
    for second in range(1, 15):
        found = server.look(histograms={TTFT: busy})
        if "gen_ai.server.time_to_first_token p50" not in found:
            quiet.append(second)
        assert ("gen_ai.server.time_to_first_token count" in found) is True
    assert quiet == [11, 12, 13, 14]


def test_the_outer_buckets_give_bounds() -> None:
    server = Server()
    server.look(histograms={TTFT: spread(0, 0, 0, 0)})
    low = server.look(histograms={TTFT: spread(9, 0, 0, 0)})
    assert low["gen_ai.server.time_to_first_token p99"] == 0.1
    high = server.look(histograms={TTFT: spread(9, 0, 0, 9999)})
    assert high["gen_ai.server.time_to_first_token p50"] == 1.0


def test_other_buckets_start_anew() -> None:
    server = Server()
    server.look(histograms={TTFT: spread(1, 1, 1, 1)})
    other = Histogram((0.2, INF), (4, 9), 1)
    assert server.look(histograms={TTFT: other}) == {}
    assert not server.restarted


def test_ratios_are_those_of_the_window() -> None:
    server = Server()
    queried = Key("inference.prefix_cache.tokens", "m", "queried", call="/metrics q")
    hit = Key("inference.prefix_cache.tokens", "m", "hit", call="/metrics h")
    first = server.look(counters={queried: 1000, hit: 1000})
    assert "prefix_cache.hit_ratio" not in first
    assert server.look(counters={queried: 1400, hit: 1100})["prefix_cache.hit_ratio"] == 0.25
    server.look(11.0, counters={queried: 1400, hit: 1100})
    assert "prefix_cache.hit_ratio" not in server.look(11.0, counters={queried: 1400, hit: 1100})
    coarse = frozenset({queried, hit})
    assert "prefix_cache.hit_ratio" not in server.look(counters={queried: 1500, hit: 1200}, coarse=coarse)
    said = Key("inference.prefix_cache.hit_ratio", "m", call="/metrics rate")
    found = server.look(counters={queried: 1600, hit: 1300}, gauges={said: 0.9})
    assert found["prefix_cache.hit_ratio"] == 0.9, "the server's own word"


def test_no_ratio_of_nothing() -> None:
    server = Server()
    drafted = Key("inference.speculation.tokens", "m", "drafted", call="/metrics d")
    accepted = Key("inference.speculation.tokens", "m", "accepted", call="/metrics a")
    server.look(counters={drafted: 5, accepted: 5})
    assert "speculation.acceptance" not in server.look(counters={drafted: 5, accepted: 5})
    assert server.look(counters={drafted: 15, accepted: 9})["speculation.acceptance"] == pytest.approx(0.4)


def test_models_with_ever_new_names_do_not_fill_the_memory() -> None:
    server = Server()
    for second in range(6000):
        server.look(counters={Key("inference.tokens", f"m{second}", "prompt", call="/metrics p"): 1})
    assert len(server.derivation._counters) < 5000


def test_the_memory_is_bounded() -> None:
    server = Server()
    for second in range(200):
        server.look(counters={PROMPT: second}, histograms={TTFT: spread(second, 0, 0, 0)})
    for kept in (server.derivation._counters.values(), server.derivation._spreads.values()):
        assert max(len(item.kept) for item in kept) <= 12
