"""Quantiles that are judged by counting, and rings that are packed: the same as lists in order."""

from __future__ import annotations

import math
from array import array
from statistics import mean, median, pstdev
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.alerts import plain
from tests.unit.alerts.machine import NAN, Machine, rule, short, threshold
from wftui.alerts.judges import RankJudge
from wftui.alerts.rule import Aggregation, Operator
from wftui.windows.coarse import Usual
from wftui.windows.packed import Packed
from wftui.windows.sliding import PACKED_S, Sliding
from wftui.windows.tally import RankTest

CPU: Final = "system.cpu.utilization"
SHARES: Final[dict[Aggregation, float]] = {"min": 0.0, "p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
OPERATORS: Final[tuple[Operator, ...]] = (">", ">=", "<", "<=")
near = st.sampled_from([NAN, 0.0, 0.8999, 0.9, 0.90001, 0.1 + 0.2, 0.3, 1.0, -1.0])
"""Of which many are the limit, or next to it."""
any_number = st.one_of(
    st.just(NAN), st.floats(-1e9, 1e9, allow_nan=False), st.integers(-40_000, 40_000).map(lambda n: n / 1e4)
)
runs = st.lists(st.tuples(st.one_of(near, any_number), st.integers(1, 9)), min_size=1, max_size=30)


def spread(found: list[tuple[float, int]]) -> list[float]:
    return [value for value, times in found for _ in range(times)]


@given(
    runs.map(spread),
    st.integers(1, 25),
    st.sampled_from(list(SHARES)),
    st.sampled_from(OPERATORS),
    st.sampled_from([0.9, 0.3, 0.0, 1e-5, -1.0]),
    st.lists(st.integers(0, 40), max_size=4),
)
def test_counting_says_what_the_quantile_says(
    found: list[float], seconds: int, aggregation: Aggregation, operator: Operator, limit: float, skips: list[int]
) -> None:
    """Also across gaps, and when it is not asked each second."""
    window = Sliding(seconds, phase_s=seconds // 2)
    test = RankTest(window, SHARES[aggregation], operator, limit)
    told: list[float] = []
    for place, value in enumerate(found):
        if skips and place % 20 == 19:
            gap = skips[place // 20 % len(skips)]
            window.skip(gap)
            told += [NAN] * gap
        window.put(value)
        told.append(value)
        if window.count and place % 11 != 7:
            exact = plain.aggregate(told, len(told) - 1, seconds, aggregation)
            assert test.holds() is plain.compare(exact, operator, limit)
            if place % 5 == 0:
                assert window.quantile(SHARES[aggregation]) == exact


@given(
    st.lists(st.tuples(near, st.integers(1, 9)), min_size=5, max_size=30).map(spread),
    st.integers(1, 12),
    st.sampled_from(list(SHARES)),
    st.sampled_from(OPERATORS),
    st.sampled_from([None, 0.3, 0.95]),
    st.integers(0, 3),
)
def test_the_engine_judges_by_it(
    found: list[float],
    window_s: int,
    aggregation: Aggregation,
    operator: Operator,
    clear: float | None,
    keep_s: int,
) -> None:
    condition = threshold(CPU, operator, 0.9, aggregation, window_s, clear)
    machine = Machine([rule(condition, keep_s=keep_s)])
    numbers = plain.numbers(found, window_s, aggregation)
    answers: list[bool | None] = []
    letters = ""
    for second, value in enumerate(found):
        fires = letters.endswith("F")
        limit = clear if fires and clear is not None else 0.9
        number = numbers[second]
        answers.append(None if math.isnan(number) else plain.compare(number, operator, limit))
        letters = plain.life(answers, 0, keep_s)
        machine.step({CPU: value})
        judge = machine.alert().judge
        assert isinstance(judge, RankJudge)
        assert machine.alert().state == ("firing" if letters.endswith("F") else "inactive")
        if second % 3 == 0 or fires:
            assert judge.value == number or (math.isnan(judge.value) and math.isnan(number))
    assert short(machine.seen.get("rule.r", letters)) == short(letters)


def test_what_a_hysteresis_compares_with_goes_over_to_a_new_layout() -> None:
    """A series comes: rules are bound anew in the midst of a window."""
    machine = Machine([rule(threshold(CPU, ">", 5, "p95", 30, clear=2))])
    for second in range(90):
        value = 9.0 if second < 40 else 3.0
        other = {"system.memory.utilization": 1.0} if second >= 35 and second % 2 else {}
        machine.step({CPU: value, **other})
    assert short(machine.seen["rule.r"]) == "29. 61F"
    assert machine.alert().judge.value == 3


@given(st.lists(any_number | st.floats(-1e-300, 1e300), max_size=300), st.integers(1, 40))
def test_a_packed_ring_holds_what_was_put_in(found: list[float], size: int) -> None:
    ring, told = Packed(size), [NAN] * size
    for number, value in enumerate(found):
        place = number * 7 % size
        left = ring.swap(place, value)
        assert left == told[place] or (math.isnan(left) and math.isnan(told[place]))
        told[place] = value
    assert [str(item + 0.0) for item in ring.values()] == [str(item + 0.0) for item in told]


limits = st.one_of(any_number.filter(lambda item: item == item), near.filter(lambda item: item == item))


@given(
    st.lists(st.one_of(near, any_number, st.integers(0, 9).map(lambda n: n / 10)), max_size=40),
    st.one_of(limits, st.sampled_from([math.inf, -math.inf, 1e300, 3.2767, -3.2768, 5e-324])),
    st.booleans(),
)
def test_a_packed_ring_counts_what_is_beyond_a_limit(found: list[float], limit: float, strict: bool) -> None:
    ring = Packed(40)
    for place, value in enumerate(found):
        ring.swap(place, value)
    assert ring.beyond(limit, strict=strict) == sum(item > limit if strict else item >= limit for item in found)


@pytest.mark.parametrize(
    ("values", "item_bytes"),
    [
        ([], 2),
        ([0.0, 1.0, 0.4321, NAN], 2),
        ([-0.5, 32767.0, 0.25], 4),
        ([81.25, 300.0], 2),
        ([412.345], 4),
        ([2147483647.0], 4),
        ([-2147483648.0], 8),
        ([1 / 3], 8),
        ([math.inf], 8),
        ([0.25, 32768.5, 5e-324], 8),
    ],
)
def test_a_ring_is_as_narrow_as_its_numbers_allow(values: list[float], item_bytes: int) -> None:
    ring = Packed(5)
    for place, value in enumerate(values):
        ring.swap(place, value)
    assert ring.item_bytes == item_bytes
    assert [item for item in ring.values() if item == item] == [item for item in values if item == item]


def test_a_long_window_is_packed_and_tells_the_same() -> None:
    window, told = Sliding(PACKED_S), []
    for second in range(3 * PACKED_S):
        value = round((second * 7919 % 1000) / 999, 4) if second % 13 else NAN
        window.put(value)
        told.append(value)
    for aggregation, share in SHARES.items():
        assert window.quantile(share) == plain.aggregate(told, len(told) - 1, PACKED_S, aggregation)
    assert window.total == pytest.approx(plain.aggregate(told, len(told) - 1, PACKED_S, "sum"), rel=1e-14)
    window.put(1e12)
    assert window.maximum == 1e12
    assert window.minimum == min(item for item in told[-PACKED_S:] if item == item)


@given(
    st.lists(st.sampled_from([NAN, 1.0, 2.0, 2.0, 2.0, 3.0, 5.5, 0.9]), max_size=90),
    st.integers(1, 25),
    st.integers(0, 30),
)
def test_what_is_usual_is_of_all_steps(found: list[float], steps: int, filled: int) -> None:
    usual, told = Usual(10, steps), [NAN] * steps
    for place, value in enumerate([*found, NAN]):
        usual.put(place * 10, value)
        if place == 5:
            usual.fill(place * 10, array("d", [4.0] * filled))
            kept = [NAN] * steps + [4.0] * filled
            told = [mine if mine == mine else his for mine, his in zip(told, kept[-steps:], strict=True)]
        if place % 4 == 3 or place == len(found):
            known = [item for item in told if item == item]
            assert usual.known == len(known)
            middle, spread, count = usual.robust()
            assert usual.mean()[2] == count == len(known)
            if known:
                assert usual.mean()[0] == pytest.approx(mean(known), rel=1e-14)
                assert usual.mean()[1] == pytest.approx(pstdev(known), rel=1e-12, abs=1e-15)
                assert middle == median(known)
                far = [abs(item - middle) for item in known]
                assert spread == pytest.approx(median(far) / 0.6745 or mean(far) * 1.253314, rel=1e-12)
        told = [*told[1:], value]


def test_the_newest_second_is_what_was_said_last_in_it() -> None:
    """A window goes by the means, which are recorded."""
    rules = [rule(threshold(CPU, ">", 5), "now"), rule(threshold(CPU, ">", 5, "max", 2), "window")]
    machine = Machine(rules)
    machine.step({CPU: 0.0})
    machine.step({CPU: 1.0}, {CPU: 9.0})
    assert machine.seen == {"rule.now": ".F"}
    assert machine.alert("rule.now").judge.value == 9
    machine.step({CPU: 9.0}, {CPU: 1.0})
    assert {key: letters[-1] for key, letters in machine.seen.items()} == {"rule.now": ".", "rule.window": "F"}
    machine.step({CPU: 6.0})
    assert machine.seen["rule.now"] == ".F.F"


def test_shares_are_of_what_was_said_last_of_both() -> None:
    limit = "system.memory.limit"
    machine = Machine([rule(threshold(CPU, ">", 0.5, per=limit))])
    machine.step({CPU: 4.0, limit: 10.0}, {CPU: 6.0})
    assert machine.alert().judge.value == 0.6
    machine.step({CPU: 4.0, limit: 10.0}, {CPU: 6.0, limit: 20.0})
    assert machine.alert().judge.value == 0.3
    machine.step({CPU: NAN, limit: 10.0})
    assert machine.alert().judge.why == "no value"


def test_a_source_that_is_not_well_said_nothing() -> None:
    machine = Machine([rule(threshold(CPU, ">", 5))])
    machine.unwell("test")
    machine.step({CPU: 1.0}, {CPU: 9.0})
    assert machine.seen == {}
    assert machine.alert().judge.why == "its source test is not well"
