"""(series, clock) to states: every operator, aggregation and window, against lists and loops."""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import median
from typing import Final, get_args

import pytest

from tests.unit.alerts import plain
from tests.unit.alerts.machine import NAN, Machine, Value, rule, short, states, threshold
from wftui.alerts.rule import Aggregation, Operator, Rule

CPU: Final = "system.cpu.utilization"
OPERATORS: Final[tuple[Operator, ...]] = get_args(Operator)
AGGREGATIONS: Final[tuple[Aggregation, ...]] = get_args(Aggregation)
WINDOWS: Final = (0, 5, 10, 30, 60, 300, 900, 1800, 3600)


def stream(window_s: int, holes: float, seed: int) -> list[float]:
    """Quarters from 0 to 4, so that equality and exact sums happen; with holes, and one as long as the window."""
    rng = random.Random(seed)  # noqa: S311  numbers for a test
    lead = [NAN] * rng.randrange(1, 4)
    body = [NAN if rng.random() < holes else rng.randrange(17) / 4 for _ in range(window_s + 60)]
    gap = [NAN] * (window_s + rng.randrange(-1, 2)) if window_s < 300 else []
    return lead + body + gap + body[: min(window_s + 20, 120)]


@pytest.mark.parametrize("holes", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("window_s", WINDOWS)
def test_every_operator_and_aggregation_over(window_s: int, holes: float) -> None:
    series = stream(window_s, holes, seed=window_s)
    aggregations: Sequence[Aggregation] = AGGREGATIONS if window_s else ("last",)
    rules: list[Rule] = []
    expected: dict[str, str] = {}
    for aggregation in aggregations:
        numbers = plain.numbers(series, window_s, aggregation)
        there = [number for number in numbers if number == number]
        middle = median(there)
        for operator in OPERATORS:
            for for_s, keep_s in ((0, 0), (3, 2)):
                name = f"{aggregation}-{OPERATORS.index(operator)}-{for_s}"
                condition = threshold(CPU, operator, middle, aggregation, window_s)
                rules.append(rule(condition, name, for_s=for_s, keep_s=keep_s))
                answers = [
                    plain.compare(number, operator, middle) if number == number else None for number in numbers
                ]
                expected[f"rule.{name}"] = short(plain.life(answers, for_s, keep_s))
    seen = Machine(rules).run({CPU: list(series)})
    assert seen == {name: letters for name, letters in expected.items() if set(letters) & set("pF")}
    assert len(seen) > len(rules) // 3  # the middle was chosen so that they do fire


TABLE: Final[dict[str, tuple[str, str, float, int, int, str]]] = {
    # name: series, operator, value, for, keep, states
    "fires at once without for": ("1x3 9 1", ">", 5, 0, 0, "3. F ."),
    "for is counted from the first second": ("9x5", ">", 5, 3, 0, "3p 2F"),
    "one second less is not enough": ("9x3 1", ">", 5, 3, 0, "3p ."),
    "for begins anew": ("9x2 1 9x4", ">", 5, 3, 0, "2p . 3p F"),
    "a hole is not known, and ends what pends": ("9x2 _ 9x4", ">", 5, 3, 0, "2p . 3p F"),
    "what fires survives a hole": ("9 _x5 9 1", ">", 5, 0, 0, "7F ."),
    "for five minutes without a value": ("9 _x299", ">", 5, 0, 0, "300F"),
    "and no longer": ("9 _x301", ">", 5, 0, 0, "300F 2."),
    "it goes on for keep": ("9 1x4", ">", 5, 0, 3, "3F 2."),
    "keep begins anew when it holds": ("9 1 9 1x4", ">", 5, 0, 3, "5F 2."),
    "keep may be longer than what is stale": ("9 _x400", ">", 5, 0, 350, "350F 51."),
    "equal is not more": ("5x2 6", ">", 5, 0, 0, "2. F"),
    "equal is at least": ("4 5x2", ">=", 5, 0, 0, ". 2F"),
    "less": ("5 4 5", "<", 5, 0, 0, ". F ."),
    "at most": ("6 5 6", "<=", 5, 0, 0, ". F ."),
    "is": ("4 5 6", "==", 5, 0, 0, ". F ."),
    "is not": ("5 4 5", "!=", 5, 0, 0, ". F ."),
    "never there": ("_x9", "<", 5, 0, 0, ""),
    "it comes late": ("-x3 9x2", ">", 5, 0, 0, "3. 2F"),
    "it goes while it fires": ("9x2 -x3 1", ">", 5, 0, 0, "5F ."),
    "it goes while it pends": ("9x2 -x3 9x2", ">", 5, 5, 0, "2p 3. 2p"),
    "it goes for good": ("9x2 -x400", ">", 5, 0, 0, "301F 101."),
}


@pytest.mark.parametrize("case", TABLE)
def test_states_of(case: str) -> None:
    series, operator, value, for_s, keep_s, letters = TABLE[case]
    other = {"system.uptime": [1.0] * 2}  # a layout is never empty
    seen = states(threshold(CPU, operator, value), {CPU: series, **other}, for_s=for_s, keep_s=keep_s)  # type: ignore[arg-type]  # a sign of the table
    assert seen == ({"rule.r": letters} if letters else {})


@pytest.mark.parametrize(
    ("series", "letters"),
    [
        ("9x2 7x2 5x2 7x2 9", "4F 4. F"),  # it clears below 6, and then has to come over 8 again
        ("7x5", ""),
        ("9 6 7", "F 2."),
    ],
)
def test_a_clear_value_is_for_what_fires(series: str, letters: str) -> None:
    seen = states(threshold(CPU, ">", 8, clear=6), {CPU: series})
    assert seen == ({"rule.r": letters} if letters else {})


def test_a_clear_value_is_not_for_what_pends() -> None:
    assert states(threshold(CPU, ">", 8, clear=6), {CPU: "9x2 7 9x4 7x2 6"}, for_s=3) == {"rule.r": "2p . 3p 3F ."}


@pytest.mark.parametrize("seed", range(5))
def test_a_counter_is_its_rate(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311  numbers for a test
    reading, readings = 0.0, []
    for _ in range(300):
        reading = 0.0 if rng.random() < 0.05 else reading + rng.randrange(5)
        readings.append(NAN if rng.random() < 0.1 else reading)
    rates = plain.rates(readings)
    rules, expected = [], {}
    for aggregation, window_s in (("last", 0), ("avg", 10), ("max", 10), ("p95", 30), ("sum", 30), ("count", 5)):
        numbers = plain.numbers(rates, window_s, aggregation)
        middle = median(number for number in numbers if number == number)
        rules.append(rule(threshold(CPU, ">=", middle, aggregation, window_s), aggregation))  # type: ignore[arg-type]  # of the list above
        answers = [number >= middle if number == number else None for number in numbers]
        expected[f"rule.{aggregation}"] = short(plain.life(answers, 0, 0))
    assert Machine(rules, counters={CPU}).run({CPU: list(readings)}) == expected


def test_a_reset_is_no_rate() -> None:
    machine = Machine(
        [rule(threshold(CPU, "<", 0), "less"), rule(threshold(CPU, ">", 50), "more")], counters={CPU}
    )
    assert machine.run({CPU: "100+10x5 0 10 20"}) == {}


def staircase(step: float, interval_s: int, seconds: int, phase: int) -> list[Value]:
    """What ticks tell of a counter that is read each ``interval_s``: each reading again and again."""
    return [step * ((second + phase) // interval_s) for second in range(seconds)]


@pytest.mark.parametrize("phase", range(10))
@pytest.mark.parametrize("interval_s", [2, 5, 10])
def test_a_slow_counter_has_the_rate_of_its_interval(interval_s: int, phase: int) -> None:
    machine = Machine(
        [rule(threshold(CPU, "!=", 2.0), "other"), rule(threshold(CPU, "==", 2.0), "same")],
        counters={CPU},
        intervals={"test": interval_s},
    )
    seen = machine.run({CPU: staircase(2.0 * interval_s, interval_s, 300, phase)})
    assert "rule.other" not in seen, seen
    assert seen["rule.same"].count("F") == 1
    assert machine.alert("rule.same").state == "firing"


def test_a_slow_counter_that_stands_still_has_no_rate_after_its_interval() -> None:
    machine = Machine([rule(threshold(CPU, "==", 0.0))], counters={CPU}, intervals={"test": 10.0})
    machine.run({CPU: staircase(20, 10, 60, 0)})
    assert not machine.seen
    machine.run({CPU: [120.0] * 40})
    assert machine.seen["rule.r"].endswith("F" * 20)


def test_a_slow_counter_that_starts_again_has_no_spike() -> None:
    machine = Machine([rule(threshold(CPU, ">", 2.0))], counters={CPU}, intervals={"test": 10.0})
    machine.run({CPU: [0.0] * 47})
    machine.run({CPU: staircase(20, 10, 100, 3)})
    assert not machine.seen


def test_a_source_that_became_slower_has_no_spike() -> None:
    machine = Machine([rule(threshold(CPU, ">", 2.5))], counters={CPU})
    machine.run({CPU: "0+2x20"})
    machine.health["test"] = type(machine.health["test"])("test", "ok", interval_s=5.0)
    machine.run({CPU: [38.0 + 10 * (second // 5) for second in range(60)]})
    assert not machine.seen


def test_a_held_gauge_is_a_value_each_second() -> None:
    """Of a source that is read each ten seconds the ticks hold the last reading."""
    seen = states(threshold(CPU, ">=", 3.0, "avg", 30), {CPU: "1x10 3x10 5x10 1x20"})
    assert seen == {"rule.r": "29. 11F 10."}
