"""Reading a page by plan: the same figures as by parsing, whatever happens to the page."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.fake import sample
from wftui.collectors.servers import takes
from wftui.collectors.servers.figures import WHOLE, Key, Look
from wftui.collectors.servers.takes import COUNTER, HISTOGRAM, MAX, MEAN, Reader, Take
from wftui.collectors.servers.vllm import TAKES
from wftui.errors import SourceFormatError
from wftui.model.series import MAX_VALUE

RUNNING = Take("inference.requests", ("running", "old_running"), mode="running")
TOKENS = Take("inference.tokens", ("tokens_total",), COUNTER, mode="prompt")
TTFT = Take("gen_ai.server.time_to_first_token", ("ttft",), HISTOGRAM)


def read(page: str | bytes, *plan: Take, reader: Reader | None = None) -> Look:
    """A page's figures."""
    look = Look()
    (reader or Reader(plan, "/metrics")).read(page.encode() if isinstance(page, str) else page, look)
    return look


def values(look: Look) -> dict[tuple[str, str, str], float]:
    """Gauges and counters by metric, model, mode."""
    return {(k.metric, k.model, k.mode): v for k, v in (look.gauges | look.counters).items()}


def test_series_that_differ_in_other_labels_are_one() -> None:
    page = (
        'running{engine="0",model_name="a"} 1\nrunning{engine="1",model_name="a"} 2\nrunning{model_name="b"} 4\n'
    )
    look = read(page, RUNNING)
    assert values(look) == {
        ("inference.requests", "a", "running"): 3,
        ("inference.requests", "b", "running"): 4,
    }
    assert {key.quality for key in look.gauges} == {"measured"}
    assert {key.call for key in look.gauges} == {"/metrics running"}


@pytest.mark.parametrize(("fold", "value"), [(takes.SUM, 0.9), (MEAN, 0.3), (MAX, 0.6)])
def test_ways_to_fold(fold: str, value: float) -> None:
    take = Take("inference.kv_cache.utilization", ("kv",), fold=fold)
    page = 'kv{e="0"} 0.1\nkv{e="1"} 0.2\nkv{e="2"} 0.6\nkv{e="3"} NaN\nkv{e="4"} -1\n'
    look = read(page, take._replace(unknown=frozenset({-1.0})))
    (found,) = look.gauges.values()
    assert found == pytest.approx(value)
    assert next(iter(look.gauges)).quality == ("measured" if fold == takes.SUM else "derived")


def test_what_is_unknown_is_left_out() -> None:
    take = Take("inference.kv_cache.utilization", ("kv",), unknown=frozenset({-1.0}))
    assert read('kv{e="0"} -1\nkv{e="1"} NaN\n', take).gauges == {}
    assert read("other 1\n", take).gauges == {}


def test_a_label_gives_the_mode() -> None:
    modes = {"stop": "finished", "length": "finished", "abort": "aborted"}
    take = Take("inference.request.count", ("n",), COUNTER, by=("reason", modes))
    page = 'n{reason="stop"} 1\nn{reason="length"} 2\nn{reason="abort"} 4\nn{reason="new"} 8\nn 16\n'
    found = {key.mode: value for key, value in read(page, take).counters.items()}
    assert found == {"finished": 3, "aborted": 4}
    rest = take._replace(by=("reason", modes | {"*": "failed"}))
    assert {key.mode: value for key, value in read(page, rest).counters.items()} == {
        "finished": 3, "aborted": 4, "failed": 24,
    }  # fmt: skip


def test_only_some_samples() -> None:
    take = Take("inference.requests", ("n",), mode="waiting", only=("kind", "waiting"))
    assert list(read('n{kind="waiting"} 3\nn{kind="active"} 5\nn 7\n', take).gauges.values()) == [3]


def test_a_scale_makes_base_units() -> None:
    look = read(
        'ms_bucket{le="100"} 1\nms_bucket{le="+Inf"} 2\nms_sum 350\nms_count 2\ngb 2\n',
        Take("gen_ai.server.time_to_first_token", ("ms",), HISTOGRAM, scale=0.001),
        Take("inference.model.memory", ("gb",), mode="vram", scale=2.0**30),
    )
    (spread,) = look.histograms.values()
    assert spread.bounds == (0.1, float("inf"))
    assert spread.total == pytest.approx(0.35)
    assert list(look.gauges.values()) == [2 * 2**30]
    assert {key.quality for key in [*look.histograms, *look.gauges]} == {"derived"}


def test_old_and_new_name() -> None:
    reader = Reader([RUNNING], "/metrics")
    assert list(read("old_running 3\n", reader=reader).gauges.values()) == [3]
    assert reader.renamed == (("old_running", "running"),)
    both = read("old_running 3\nrunning 5\n", reader=reader)
    assert list(both.gauges.values()) == [5]
    assert both.renamed == ()


def test_a_coarse_counter_is_marked() -> None:
    look = read("tokens_total 1.23457e+06\n", TOKENS._replace(coarse=True))
    assert look.coarse == frozenset(look.counters)


def test_histograms_are_added_and_others_refused() -> None:
    page = (
        'ttft_bucket{e="0",le="0.1"} 1\nttft_bucket{e="0",le="+Inf"} 3\nttft_sum{e="0"} 2\n'
        'ttft_bucket{e="1",le="+Inf"} 7\nttft_bucket{e="1",le="0.1"} 5\nttft_sum{e="1"} 4\n'
        'ttft_bucket{e="2",le="0.5"} 9\nttft_bucket{e="2",le="+Inf"} 9\nttft_sum{e="2"} 8\n'
        'ttft_bucket{e="3",le="0.1"} 9\nttft_bucket{e="4",le="odd"} 9\n'
    )
    (spread,) = read(page, TTFT).histograms.values()
    assert spread.bounds == (0.1, float("inf"))
    assert list(spread.counts) == [6, 10]
    assert spread.total == 6


def test_a_histogram_that_did_not_move_is_the_same_object() -> None:
    reader = Reader([TTFT], "/metrics")
    page = 'ttft_bucket{{le="0.1"}} {0}\nttft_bucket{{le="+Inf"}} {0}\nttft_sum {0}\n'
    before, same, other = (next(iter(read(page.format(n), reader=reader).histograms.values())) for n in (1, 1, 2))
    assert same is before
    assert other.count == 2


@pytest.mark.parametrize("name", ["vllm.prom", "vllm_dp2.prom", "vllm_v0.prom"])
def test_a_plan_survives_what_may_happen_to_a_page(name: str) -> None:
    """Lines added, taken away, reordered, with timestamps and exemplars: always as if it were parsed afresh."""
    body = sample(name)
    lines = body.rstrip(b"\n").split(b"\n")
    dice = random.Random(4711)  # noqa: S311  no secret
    mixed = dice.sample(lines, len(lines))
    variants = [
        body,
        b"\n".join([*lines[:10], b"# HELP new_total x", b'new_total{a="b"} 1', *lines[10:]]) + b"\n",
        b"\n".join(lines[1:]) + b"\n",
        b"\n".join(mixed) + b"\n",
        b"\n".join(line if line.startswith(b"#") else line + b" 1700000000000" for line in lines) + b"\n",
        b"\n".join(line + b' # {trace_id="a"} 0.5 1.7e9' if b"_bucket" in line else line for line in lines),
        body.replace(b"\n", b"\r\n"),
        body,
    ]
    reader = Reader(TAKES, "/metrics")
    expected = read(body, *TAKES)
    assert len(expected.histograms) >= 5
    for variant in variants:
        found = read(variant, reader=reader)
        assert values(found) == values(expected)
        assert found.histograms == expected.histograms
        assert read(variant, reader=reader).histograms == expected.histograms  # now by plan


def test_values_that_change_are_read_by_plan() -> None:
    reader = Reader([RUNNING, TOKENS], "/metrics")
    for value in (1, 2.5, 1e9, 0):
        look = read(f'running{{model="m"}} {value}\ntokens_total{{model="m"}} {value}\n', reader=reader)
        assert set(values(look).values()) == {value}


def test_a_model_that_is_swapped_is_another_model() -> None:
    reader = Reader([RUNNING], "/metrics")
    assert values(read('running{model="a"} 1\n', reader=reader)) == {("inference.requests", "a", "running"): 1}
    assert values(read('running{model="b"} 1\n', reader=reader)) == {("inference.requests", "b", "running"): 1}
    assert values(read("running 1\n", reader=reader)) == {("inference.requests", WHOLE, "running"): 1}


@pytest.mark.parametrize("name", ["m" * 1000, "\x1b[31mred\u202e", "ü" * 400, "a\\nb"])
def test_a_name_is_made_fit_for_a_label(name: str) -> None:
    (key,) = read(f'running{{model="{name}"}} 1\n', RUNNING).gauges
    assert 0 < len(key.model.encode()) <= MAX_VALUE
    assert key.model.isprintable()


def test_a_page_that_is_none() -> None:
    reader = Reader([RUNNING], "/metrics")
    read("running 1\n", reader=reader)
    for bad in ("running x\n", "<html>\n", "running\n", "running 1_0\n"):
        with pytest.raises(SourceFormatError):
            read(bad, reader=reader)
    assert list(read("running 2\n", reader=reader).gauges.values()) == [2]
    assert read("", reader=reader).gauges == {}


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.floats(allow_nan=False)), max_size=8))
def test_by_plan_as_by_parsing(series: list[tuple[str, int, float]]) -> None:
    """Any values in any order, each page read by a reader that has seen others."""
    page = "".join(f'running{{model="{model}",e="{place}"}} {value!r}\n' for model, place, value in series)
    reader = Reader([RUNNING], "/metrics")
    read(page.replace("a", "b"), reader=reader)
    expected: dict[Key, float] = read(page, RUNNING).gauges
    assert read(page, reader=reader).gauges == pytest.approx(expected, nan_ok=True)
    assert read(page, reader=reader).gauges == pytest.approx(expected, nan_ok=True)


def test_a_summary_is_a_distribution_without_buckets() -> None:
    take = Take("gen_ai.server.request.duration", ("busy_us",), takes.SUMMARY, scale=1e-6, counter="done")
    look = read('done{model="a",v="1"} 3\ndone{model="a",v="2"} 1\nbusy_us{model="a",v="1"} 8000000\n', take)
    ((key, found),) = look.histograms.items()
    assert (key.model, found.bounds, list(found.counts)) == ("a", (float("inf"),), [4])
    assert found.total == pytest.approx(8)
    assert read('busy_us{model="a"} 8\n', take).histograms == {}, "a sum without its count says nothing"
    plain = Take("gen_ai.server.request.duration", ("api_sum",), takes.SUMMARY)
    ((_, found),) = read("api_sum 4\napi_count 2\n", plain).histograms.items()
    assert (found.count, found.total) == (2, 4)


def test_of_two_takes_of_one_figure_the_first_counts() -> None:
    live = Take("inference.tokens", ("live_total",), COUNTER, by=("mode", {"decode": "prompt"}))
    page = 'live_total{mode="decode",model="a"} 7\ntokens_total{model="a"} 5\ntokens_total{model="b"} 3\n'
    look = read(page, live, TOKENS)
    assert values(look) == {("inference.tokens", "a", "prompt"): 7, ("inference.tokens", "b", "prompt"): 3}


def test_a_name_may_be_spelled_otherwise() -> None:
    reader = Reader([TOKENS], "/metrics")
    page = 'tokens_total{model="qwen/qwen3"} 5\n'
    assert values(read(page, reader=reader)) == {("inference.tokens", "qwen/qwen3", "prompt"): 5}
    reader.spell({"qwen/qwen3": "Qwen/Qwen3"})
    assert values(read(page, reader=reader)) == {("inference.tokens", "Qwen/Qwen3", "prompt"): 5}
