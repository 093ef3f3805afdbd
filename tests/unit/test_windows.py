"""Rings, rolling statistics and buckets, against naive references."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.records import tick
from wftui.model.tick import Tick, unpack
from wftui.windows import rolling
from wftui.windows.buckets import GAP_NS, Buckets, Rates, split
from wftui.windows.ring import FINENESS, MIN_SPAN_S, POOL_BYTES, Pool, Ring

SECOND = 1_000_000_000
VALUES = st.floats(-1e6, 1e6, width=32)


@given(
    st.integers(1, 20),
    st.lists(st.one_of(st.tuples(st.just("put"), VALUES), st.tuples(st.just("size"), st.integers(1, 20)))),
)
def test_a_ring_keeps_the_newest_through_every_resize(capacity: int, steps: list[tuple[str, float]]) -> None:
    ring = Ring(capacity, counter=True)
    kept: list[tuple[int, float]] = []
    for number, (what, value) in enumerate(steps):
        if what == "put":
            ring.append(number * SECOND, value)
            kept.append((number * SECOND, value))
        else:
            capacity = int(value)
            ring.resize(capacity)
        kept = kept[-capacity:]
        assert list(ring.since(0)) == kept[::-1]
        assert len(ring) == len(kept)


def test_counters_are_float64_and_gauges_float32() -> None:
    big = 2**40 + 1
    counter, gauge = Ring(2, counter=True), Ring(2, counter=False)
    counter.append(0, big)
    gauge.append(0, 0.1)
    assert next(iter(counter.since(0)))[1] == big
    assert next(iter(gauge.since(0)))[1] == struct.unpack("f", struct.pack("f", 0.1))[0]
    assert (counter.item_bytes, gauge.item_bytes) == (10, 6)


@given(
    st.sampled_from([0.1, 0.5, 1.0, 5.0]),
    st.lists(st.one_of(st.integers(0, 3 * SECOND), st.integers(0, 400 * SECOND)), max_size=40),
    st.integers(0, 2**62),
    st.sampled_from([None, 0.1, 1.0, 10.0]),
)
def test_times_are_kept_to_a_part_of_the_interval_over_any_gap(
    interval_s: float, gaps: list[int], start: int, later_s: float | None
) -> None:
    ring, fed, now = Ring(20_000, counter=True, interval_s=interval_s), [], start
    for number, gap in enumerate(gaps):
        now += gap
        ring.append(now, float(number))
        fed.append(now)
    if later_s is not None:
        ring.resize(20_000, later_s)
    off = (interval_s + (later_s or 0.0)) * SECOND / FINENESS
    times, values = ring.between(0, 2**63 - 1)
    assert list(values) == [float(number) for number in range(len(fed))]
    assert all(0 <= kept - at <= off for at, kept in zip(fed, times, strict=True)), "never before it was"
    assert list(ring.since(0)) == list(zip(times, values, strict=True))[::-1]


def test_a_gap_longer_than_a_ring_empties_it() -> None:
    ring = Ring(3, counter=False)
    for at in (1, 2, 3, 9_000):
        ring.append(at * SECOND, float(at))
    assert list(ring.since(0)) == [(9_000 * SECOND, 9_000.0)]


def test_ten_thousand_series_stay_in_the_pool() -> None:
    pool = Pool()
    rings = [pool.add(f"s{n}", 0.1 if n % 10 == 0 else 1.0, n % 3 == 0) for n in range(10_000)]
    assert pool.bytes <= POOL_BYTES * 1.01
    assert MIN_SPAN_S <= pool.span_s < 300
    for ring in rings:
        for number in range(ring.capacity * 2):
            ring.append(number * SECOND, 1.0)
    held = sum(len(ring) * ring.item_bytes for ring in rings)
    assert held <= POOL_BYTES * 1.01
    for number in range(9_900):
        pool.remove(f"s{number}")
    assert pool.span_s == 300
    assert pool.get("s9999") is rings[9_999]
    assert rings[9_999].capacity == 301
    assert pool.get("s0") is None


@given(st.lists(st.tuples(st.integers(0, 6_000), VALUES), max_size=60), st.sampled_from(rolling.SPANS_S))
def test_rolling_statistics_equal_a_plain_count(steps: list[tuple[int, float]], span_s: float) -> None:
    ring = Ring(1000, counter=True)
    now, samples = 0, []
    for by, value in steps:
        now += by * (SECOND // FINENESS)
        ring.append(now, value)
        samples.append((now, value))
    inside = [value for at, value in samples if at >= now - int(span_s * SECOND)]
    stats = rolling.over(ring, now, span_s)
    if not inside:
        assert stats is None
        return
    assert stats is not None
    assert (stats.n, stats.minimum, stats.maximum, stats.last) == (
        len(inside),
        min(inside),
        max(inside),
        inside[-1],
    )
    assert stats.mean == pytest.approx(math.fsum(inside) / len(inside), rel=1e-9, abs=1e-6)


def test_rates_need_two_readings_of_one_run() -> None:
    rates = Rates()
    assert rates.step(tick(1, 100), [("a", 10.0)]) == {}
    assert rates.step(tick(2, 101), [("a", 15.0)]) == {"a": 5.0}
    assert rates.step(tick(3, 102), [("a", 4.0)]) == {}, "a reset is no negative rate"
    assert rates.step(tick(4, 103), [("a", 4.0)]) == {"a": 0.0}
    assert rates.step(tick(6, 104), [("a", 9.0)]) == {}, "a hole in seq"
    assert rates.step(tick(7, 105, boot=2), [("a", 9.0)]) == {}, "a reboot"
    assert rates.step(tick(8, 106, boot=2, boottime_ns=8 * SECOND + GAP_NS), [("a", 9.0)]) == {}, "a gap"
    assert rates.step(tick(9, 107, boot=2, boottime_ns=8 * SECOND + GAP_NS), [("a", 9.0)]) == {}, "no time passed"
    assert rates.step(tick(10, 103, boot=2, boottime_ns=10 * SECOND), [("a", 9.0)]) == {}, "a step back"
    assert rates.step(tick(11, 104, boot=2, boottime_ns=11 * SECOND), [("a", 10.0), ("b", 1.0)]) == {"a": 1.0}


def test_one_missed_reading_is_bridged_and_two_are_a_gap() -> None:
    rates = Rates()
    rates.step(tick(1, 100), [("a", 10.0)])
    assert rates.step(tick(2, 101), [("a", math.nan)]) == {}, "unknown is not 0"
    assert rates.step(tick(3, 102), [("a", 30.0)]) == {"a": 10.0}, "over both seconds, not twice the rate in one"
    rates.step(tick(4, 103), [("a", math.nan)])
    rates.step(tick(5, 104), [("a", math.nan)])
    assert rates.step(tick(6, 105), [("a", 60.0)]) == {}
    early = tick(7, 106, boottime_ns=6_600_000_000)
    assert rates.step(early, [("a", 70.0)]) == {"a": 10.0}, "closed early, at the recorder's end"
    assert rates.step(tick(8, 107, boottime_ns=6_900_000_000), [("a", 71.0)]) == {}, "hardly a tick"


def test_a_tick_that_a_suspend_interrupted_has_no_rate_after_it() -> None:
    """It is closed after the suspend, so its boottime is one second before the next tick's."""
    rates = Rates()
    rates.step(tick(1, 100, boottime_ns=SECOND), [("a", 1.0)])
    hours = 8 * 3600
    assert rates.step(tick(2, 101, boottime_ns=(hours + 1) * SECOND), [("a", 2.0)]) == {}
    assert rates.step(tick(3, 101 + hours, boottime_ns=(hours + 2) * SECOND), [("a", 1e9)]) == {}


def test_buckets_draw_a_gap_as_a_gap() -> None:
    buckets = Buckets(100 * SECOND, 2 * SECOND, 5)
    columns = [("g", "gauge"), ("c", "counter")]
    gauges, counters = split(columns)
    assert (gauges, counters) == ([("g", 0)], [("c", 1)])
    for seq, time_s in enumerate((99, 100, 101, 106, 107, 120), 1):
        buckets.add(
            tick(seq if time_s < 105 else seq + 4, time_s, (float(time_s), time_s * 10.0)), gauges, counters
        )
    assert buckets.counts == [2, 0, 0, 2, 0]
    gauge, counter = buckets.series["g"], buckets.series["c"]
    assert list(gauge.minimum)[0::3] == [100.0, 106.0]
    assert list(gauge.maximum)[0::3] == [101.0, 107.0]
    assert list(gauge.mean())[0::3] == [100.5, 106.5]
    assert all(math.isnan(values[place]) for values in (gauge.mean(), gauge.minimum) for place in (1, 2, 4))
    assert counter.mean()[0] == 10.0
    assert counter.count is not None
    assert counter.count[3] == 1, "only the second tick after the gap has a rate"
    assert math.isnan(counter.mean()[1])


@given(
    st.lists(st.tuples(st.integers(-3, 400), st.floats(-5, 5)), max_size=50),
    st.integers(1, 30),
    st.integers(1, 20),
)
def test_buckets_equal_a_plain_count(samples: list[tuple[int, float]], step_s: int, points: int) -> None:
    buckets = Buckets(0, step_s * SECOND, points)
    naive: dict[int, list[float]] = {}
    for seq, (time_s, value) in enumerate(samples, 1):
        buckets.add(tick(seq, time_s, (value,)), [("g", 0)], [])
        if 0 <= time_s < step_s * points:
            naive.setdefault(time_s // step_s, []).append(value)
    assert buckets.counts == [len(naive.get(place, [])) for place in range(points)]
    for place, values in naive.items():
        found = buckets.series["g"]
        assert (found.minimum[place], found.maximum[place]) == (min(values), max(values))
        assert found.mean()[place] == pytest.approx(sum(values) / len(values))


@given(st.lists(st.tuples(st.integers(-4000, 4000), st.integers(0, 10), st.floats(0, 1e9)), max_size=40))
def test_no_history_of_clocks_and_readings_makes_a_negative_rate(steps: list[tuple[int, int, float]]) -> None:
    rates = Rates()
    time_s, boottime = 10_000, 0
    for seq, (by, passed, value) in enumerate(steps, 1):
        time_s, boottime = time_s + by, boottime + passed * SECOND // 4
        for rate in rates.step(tick(seq, time_s, boottime_ns=boottime), [("a", value)]).values():
            assert rate >= 0


def test_the_naive_reference_of_rates_on_a_straight_line() -> None:
    rates = Rates()
    found = [rates.step(tick(n, n), [("a", n * 7.0)]) for n in range(1, 20)]
    assert found[1:] == [{"a": 7.0}] * 18


@st.composite
def recordings(draw: st.DrawFn) -> list[Tick]:
    """Ticks with missing seconds, clock steps, reboots, resets and readings that are not there."""
    found = []
    seq, time_s, boottime_ns, boot, reading = 1, 10, 0, 1, 0.0
    for _ in range(draw(st.integers(1, 30))):
        moved = draw(st.sampled_from(["on", "on", "on", "on", "on", "lost", "back", "slept", "booted", "short"]))
        seq += 3 if moved == "lost" else 1
        time_s += {"lost": 3, "back": -4, "slept": 9}.get(moved, 1)
        boottime_ns += {"lost": 3 * SECOND, "slept": 9 * SECOND, "short": SECOND // 10}.get(moved, SECOND)
        boot += moved == "booted"
        grown = draw(st.sampled_from([0.0, 1.0, 2.5, 2.5, 1e6, math.nan, -math.inf]))
        reading = 0.0 if grown == -math.inf else reading + (grown if grown == grown else 0.0)
        gauge = draw(st.sampled_from([0.1, 0.1, 7.0, -3.0, math.nan]))
        counter = reading if grown == grown else math.nan
        found.append(tick(seq, time_s, (gauge, counter), boottime_ns=boottime_ns, boot=boot))
    return found


STEPPED_BACK_AND_LEFT_OUT = [
    tick(2 + place, time_s, (0.1, 0.0), boottime_ns=(time_s if time_s > 12 else place + 1) * SECOND)
    for place, time_s in enumerate((11, 12, 8, 17, 18, 19, 20))
]
"""Buckets 1, 2, 0, 4: as many as lie between the first and the last."""


@given(recordings(), st.lists(st.integers(1, 7), max_size=6), st.integers(1, 3), st.integers(1, 40))
@example(STEPPED_BACK_AND_LEFT_OUT, [], 2, 5)
def test_blocks_of_ticks_equal_one_after_the_other(
    ticks: list[Tick], cuts: list[int], step_s: int, points: int
) -> None:
    buckets = Buckets(8 * SECOND, step_s * SECOND, points)
    left = list(ticks)
    for cut in [*cuts, len(ticks)]:
        buckets.add_all(left[:cut], [("g", 0)], [("c", 1)])
        del left[:cut]
    rates, naive = Rates(), dict[tuple[str, int], list[float]]()
    for item in ticks:
        gauge, reading = unpack(item.values)
        values = {"g": gauge, **rates.step(item, [("c", reading)])}
        place = (item.time_s - 8) // step_s
        for key, value in values.items():
            if value == value and 0 <= place < points:
                naive.setdefault((key, place), []).append(value)
    for key in ("g", "c"):
        found = buckets.series[key]
        mean = found.mean()
        for place in range(points):
            values_there = naive.get((key, place), [math.nan])
            low, high = min(values_there), max(values_there)
            assert [found.minimum[place], found.maximum[place]] == pytest.approx([low, high], nan_ok=True)
            assert mean[place] == pytest.approx(sum(values_there) / len(values_there), nan_ok=True)
            assert not mean[place] < found.minimum[place]
            assert not mean[place] > found.maximum[place]
