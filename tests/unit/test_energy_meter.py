"""The energy meter: true within what it says, never falling, never bridging, and it says which source it has."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.clock import Instant
from wftui.energy.meter import AVERAGE, COUNTER, INSTANT, SPARSE, STILL_S, EnergyMeter
from wftui.model.sample import ESTIMATED, MEASURED

S = 1_000_000_000


def at(seconds: float) -> Instant:
    return Instant(1_790_000_000 * S + round(seconds * S), 100 * S + round(seconds * S))


def saw(seconds: float, period: float = 1.0) -> float:
    """A saw-tooth from 60 to 300 W, as a decode loop makes it."""
    return 60.0 + 240.0 * (seconds % period) / period


def truth(seconds: float, period: float = 1.0) -> float:
    """Its integral from 0 (J)."""
    whole, part = divmod(seconds, period)
    return whole * period * 180.0 + 60.0 * part + 120.0 * part * part / period


def times(until_s: float, hertz: float, begin: float = 0.0) -> Iterator[float]:
    number = 0
    while begin + number / hertz <= until_s:
        yield begin + number / hertz
        number += 1


def integrated(hertz: float, begin: float, period: float, span_s: float = 60.0) -> tuple[EnergyMeter, float]:
    """A meter that saw the power of the moment, and its error as a share of what flowed."""
    meter = EnergyMeter()
    for second in times(span_s + begin, hertz, begin):
        meter.power(saw(second, period), at(second), instant=True)
    flowed = truth(span_s + begin, period) - truth(begin, period)
    return meter, meter.joules / flowed - 1


@pytest.mark.parametrize("begin", [0.0, 0.03, 0.13, 0.19])
@pytest.mark.parametrize("period", [0.97, 1.03, 1.07])
def test_power_at_5_hz_is_within_5_percent_on_a_saw_tooth(begin: float, period: float) -> None:
    meter, error = integrated(5, begin, period)
    assert meter.source == INSTANT
    assert meter.quality == ESTIMATED
    assert abs(error) < 0.05
    assert meter.coverage(at(60 + begin)) == pytest.approx(1.0, abs=0.01)


def test_power_in_step_with_the_readings_errs_by_its_phase_and_not_on_average() -> None:
    errors = [integrated(5, begin / 100, 1.0)[1] for begin in range(1, 21, 2)]
    assert sum(errors) / len(errors) == pytest.approx(0, abs=0.01)
    assert max(map(abs, errors)) < 0.135, "half an interval of the jump: 240 W x 0.1 s of 180 J"
    faster = [integrated(10, begin / 100, 1.0)[1] for begin in range(1, 11, 2)]
    assert max(map(abs, faster)) < 0.068


@pytest.mark.parametrize("hertz", [10, 5, 1])
def test_a_counter_is_within_1_percent_whatever_the_rate(hertz: float) -> None:
    meter = EnergyMeter()
    for second in times(60, hertz):
        # The driver's counter is in whole millijoules, and steps each 20 ms.
        steps = math.floor(second * 50) / 50
        meter.counter(round(1e6 + truth(steps), 3), at(second))
        meter.power(saw(second), at(second), instant=True)
    assert meter.source == COUNTER
    assert meter.quality == MEASURED
    assert meter.words == "measured, ±5 %"
    assert meter.joules == pytest.approx(truth(60), rel=0.01)


def test_power_of_single_moments_says_so() -> None:
    meter = EnergyMeter()
    for second in times(10, 1):
        meter.power(saw(second), at(second), instant=True)
    assert meter.source == SPARSE
    assert "missed" in meter.words


def test_average_power_serves_where_the_moment_is_seldom_told() -> None:
    meter = EnergyMeter()
    for second in times(60, 1):
        meter.power(saw(second), at(second), instant=True)
        meter.power(180.0, at(second), instant=False)
    assert meter.source == AVERAGE
    assert meter.joules == pytest.approx(180 * 59, rel=0.03)
    meter = EnergyMeter()
    for second in times(60, 10):
        meter.power(saw(second), at(second), instant=True)
        meter.power(180.0, at(second), instant=False)
    assert meter.source == INSTANT
    assert meter.joules == pytest.approx(truth(60), rel=0.07)


@pytest.mark.parametrize(("hertz", "pause"), [(10, 0.6), (5, 0.6), (1, 1.8), (1, 10.0)])
def test_a_pause_of_the_power_is_never_bridged(hertz: float, pause: float) -> None:
    meter = EnergyMeter()
    for second in times(20, hertz):
        meter.power(100.0, at(second), instant=True)
    before = meter.joules
    meter.power(100.0, at(20 + pause), instant=True)
    assert meter.joules == before
    for second in times(40 + pause, hertz, 20 + pause):
        meter.power(100.0, at(second), instant=True)
    assert meter.joules == pytest.approx(100 * 40, rel=0.05)
    covered = meter.coverage(at(40 + pause))
    assert covered is not None
    assert covered < 1.0


def test_jitter_at_5_hz_does_not_change_what_is_said() -> None:
    meter = EnergyMeter()
    said: list[str] = []
    for number in range(200):
        meter.power(100.0, at(number * 0.2 + (0.0, 0.045, 0.09, 0.02)[number % 4]), instant=True)
        if meter.source not in said[-1:]:
            said.append(meter.source)
    assert said == ["", SPARSE, INSTANT], "two steps of 0.245 s came first"
    for number in range(40):
        meter.power(100.0, at(40.2 + number * 0.5), instant=True)
    assert meter.source == SPARSE


def test_a_late_reading_at_10_hz_is_no_gap() -> None:
    meter = EnergyMeter()
    for second in (0.0, 0.1, 0.2, 0.45, 0.5, 0.6):
        meter.power(100.0, at(second), instant=True)
    assert meter.joules == pytest.approx(60.0, rel=0.01)


def feed(meter: EnergyMeter, since: int, until: int, counter: Callable[[int], float | None], watts: float) -> None:
    """Power at 5 Hz, the counter each second."""
    for tenth in range(since * 10, until * 10, 2):
        if tenth % 10 == 0 and (value := counter(tenth // 10)) is not None:
            meter.counter(value, at(tenth / 10))
        meter.power(watts, at(tenth / 10), instant=True)


@pytest.mark.parametrize("after", [0.0, 5e5, 12.0])
def test_a_counter_that_begins_anew_loses_nothing_where_power_is_told(after: float) -> None:
    meter = EnergyMeter()
    feed(meter, 0, 30, lambda second: 1e6 + 100.0 * second, 100.0)
    feed(meter, 30, 60, lambda second: after + 100.0 * (second - 30), 100.0)
    assert meter.source == COUNTER
    assert meter.joules == pytest.approx(100 * 59, rel=0.01)


def test_a_jump_beyond_what_the_board_can_draw_is_dropped() -> None:
    meter = EnergyMeter(most_w=1_000.0)
    values = [100.0 * second for second in range(30)]
    values[10] = 2.0**64 / 1000
    values[20] += 9_999.0
    feed(meter, 0, 30, values.__getitem__, 100.0)
    assert meter.joules == pytest.approx(2_900, rel=0.02)
    alone = EnergyMeter(most_w=1_000.0)
    for second, value in enumerate(values):
        alone.counter(value, at(second))
    assert alone.joules == pytest.approx(2_900 - 200, abs=0.1), "what is not known is not counted"


def test_a_counter_that_stands_still_is_none_and_says_so() -> None:
    meter = EnergyMeter()
    feed(meter, 0, 60, lambda _: 5e5, 100.0)
    assert meter.source == INSTANT
    assert meter.joules == pytest.approx(100 * 59.8, rel=0.02), "nor are its first 30 s lost"
    assert meter.coverage(at(60)) == pytest.approx(1.0, abs=0.03)


def test_a_counter_that_comes_back_counts_nothing_twice() -> None:
    meter = EnergyMeter()
    feed(meter, 0, 30, lambda second: 100.0 * second, 100.0)
    feed(meter, 30, 50, lambda _: None, 100.0)
    assert meter.source == INSTANT
    assert meter.joules == pytest.approx(4_980, rel=0.02)
    feed(meter, 50, 80, lambda second: 100.0 * second, 100.0)
    assert meter.source == COUNTER
    assert meter.joules == pytest.approx(7_900, rel=0.01)


def test_a_counter_tells_of_a_pause_but_a_long_one_is_not_covered() -> None:
    meter = EnergyMeter()
    for second in [*range(10), *range(110, 120)]:
        meter.counter(100.0 * second, at(second))
    assert meter.joules == pytest.approx(11_900)
    assert meter.coverage(at(119)) == pytest.approx(18 / 119, abs=0.01)


def test_a_still_counter_of_a_board_without_power_is_no_fault() -> None:
    meter = EnergyMeter()
    for second in range(60):
        meter.counter(100.0 + min(second, 10), at(second))
    assert meter.source == COUNTER
    assert meter.coverage(at(59)) == 1.0
    assert STILL_S < 49


def test_nothing_is_said_before_something_is_known() -> None:
    meter = EnergyMeter()
    assert (meter.source, meter.words, meter.coverage(at(0))) == ("", "", None)
    meter.counter(5.0, at(0))
    meter.power(math.nan, at(1), instant=True)
    assert (meter.source, meter.joules) == ("", 0.0)


def test_coverage_forgets_after_5_minutes() -> None:
    meter = EnergyMeter()
    for second in range(100):
        meter.counter(10.0 * second, at(second))
    assert meter.coverage(at(100)) == pytest.approx(0.99, abs=0.01)
    assert meter.coverage(at(1_000)) == 0.0


numbers = (
    st.floats(allow_nan=True, allow_infinity=True) | st.floats(0, 1e4) | st.sampled_from([0.0, -1.0, 2.0**64])
)
readings = st.tuples(st.sampled_from(["counter", "instant", "average"]), numbers, st.floats(-1, 40))


@given(st.lists(readings, max_size=80), st.floats(1, 2_000))
def test_any_readings_never_let_it_fall_or_exceed_what_the_board_can_draw(
    given_: list[tuple[str, float, float]], most_w: float
) -> None:
    meter = EnergyMeter(most_w)
    now, steps, before = 0.0, 0, 0.0
    for kind, value, step in given_:
        now += step
        steps += 1
        if kind == "counter":
            meter.counter(value, at(now))
        else:
            meter.power(value, at(now), instant=kind == "instant")
        assert meter.joules >= before
        before = meter.joules
        assert meter.source in ("", COUNTER, INSTANT, AVERAGE, SPARSE)
        covered = meter.coverage(at(now))
        assert covered is None or 0.0 <= covered <= 1.0
    assert math.isfinite(meter.joules)
    span = sum(abs(step) for _, _, step in given_)
    assert meter.joules <= 2 * most_w * (span + steps + 1)


@given(
    st.lists(st.floats(0.05, 0.2), min_size=5, max_size=60), st.lists(st.floats(0, 700), min_size=61, max_size=61)
)
def test_readings_at_5_hz_or_more_are_all_counted(gaps: list[float], watts: list[float]) -> None:
    meter = EnergyMeter()
    now, flowed = 0.0, 0.0
    meter.power(watts[0], at(0), instant=True)
    for number, gap in enumerate(gaps):
        now += gap
        meter.power(watts[number + 1], at(now), instant=True)
        flowed += (watts[number] + watts[number + 1]) / 2 * gap
    assert meter.joules == pytest.approx(flowed, rel=1e-6, abs=1e-3)
