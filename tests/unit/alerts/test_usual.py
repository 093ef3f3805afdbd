"""What is compared with the past: baselines, anomalies, forecasts, against lists and loops."""

from __future__ import annotations

import math
import random
from statistics import linear_regression, mean, median, pstdev
from typing import Final, Literal

import pytest

from tests.unit.alerts import plain
from tests.unit.alerts.machine import NAN, PHASE_S, START_S, Machine, Value, rule, short, states
from wftui.alerts.rule import Aggregation, Anomaly, Baseline, Condition, Forecast, Operator, Query
from wftui.windows.coarse import Usual

CPU: Final = "system.cpu.utilization"
LIMIT: Final = "system.memory.limit"
Measure = Literal["absolute", "percentage_change", "standard_deviation"]
MEASURES: Final[tuple[Measure, ...]] = ("absolute", "percentage_change", "standard_deviation")


def steps(series: list[float], second: int, step_s: int, count: int) -> list[float]:
    """Means of the last so many steps that are over in that second; NaN: a step without a value."""
    start_s = START_S + PHASE_S
    number = (start_s + second) // step_s
    found = []
    for step in range(number - count, number):
        inside = [
            series[place]
            for place in range(step * step_s - start_s, (step + 1) * step_s - start_s)
            if 0 <= place < len(series) and not math.isnan(series[place])
        ]
        found.append(math.fsum(inside) / len(inside) if inside else NAN)
    return found


def noise(seconds: int, seed: int, holes: float = 0.05) -> list[float]:
    rng = random.Random(seed)  # noqa: S311  numbers for a test
    found = [NAN if rng.random() < holes else 8 + rng.randrange(-8, 9) / 4 for _ in range(seconds)]
    for place in range(seconds - 200, seconds - 170):
        found[place] = 16.0
    return found


def distance(value: float, usual: list[float], measure: Measure, wanted: int) -> float:
    known = [item for item in usual if not math.isnan(item)]
    if len(known) < wanted or math.isnan(value):
        return NAN
    middle = mean(known)
    if measure == "absolute":
        return value - middle
    if measure == "percentage_change":
        return (value / middle - 1) * 100
    return (value - middle) / pstdev(known)


@pytest.mark.parametrize("aggregation", ["last", "avg", "max", "sum"])
@pytest.mark.parametrize(("over_s", "step_s"), [(60, 10), (300, 10), (3600, 10), (7200, 300)])
def test_baselines(over_s: int, step_s: int, aggregation: Aggregation) -> None:
    window_s = 0 if aggregation == "last" else 10
    count = over_s // step_s
    series = noise(over_s // 2 + 400, seed=over_s)
    numbers = plain.numbers(series, window_s, aggregation)
    scale = window_s if aggregation == "sum" else 1
    rules, expected = [], {}
    limits: dict[tuple[Measure, Operator], float] = {
        ("absolute", ">"): 1.1,
        ("absolute", "<"): -1.1,
        ("percentage_change", ">="): 30.3,
        ("percentage_change", "<"): -10.1,
        ("standard_deviation", ">"): 3.03,
        ("standard_deviation", "<="): -2.02,
    }
    usuals = [[scale * item for item in steps(series, second, step_s, count)] for second in range(len(series))]
    for (measure, operator), limit in limits.items():
        name = f"{measure}-{'more' if limit > 0 else 'less'}"
        rules.append(rule(Baseline(Query(CPU, aggregation, window_s), operator, limit, over_s, measure), name))
        answers = [
            plain.compare(far, operator, limit) if far == far else None
            for far in (
                distance(number, usual, measure, count // 2) for number, usual in zip(numbers, usuals, strict=True)
            )
        ]
        letters = short(plain.life(answers, 0, 0))
        if "F" in letters:
            expected[f"rule.{name}"] = letters
    assert Machine(rules).run({CPU: list(series)}) == expected
    assert len(expected) >= 3


def test_a_baseline_of_nothing_has_no_share() -> None:
    machine = Machine([rule(Baseline(Query(CPU), ">", 50, 60))])
    machine.run({CPU: "0x70 9x9"})
    assert machine.seen == {}
    assert machine.alert().why == "no share of a baseline that is 0"


def test_a_baseline_that_is_not_there_says_how_much_of_it_is() -> None:
    machine = Machine([rule(Baseline(Query(CPU), ">", 50, 60))])
    machine.run({CPU: "1x15"})
    assert machine.alert().why == "warming up, 1 of 3 steps of 10 s"
    assert machine.run({CPU: "1x15 9x3"}) == {"rule.r": "30. 3F"}


def test_the_baseline_of_a_ratio_is_that_of_the_ratio() -> None:
    """The traffic doubles, and so do its errors: their share is what it was."""
    condition = Baseline(Query(CPU, per=LIMIT), ">", 20, 60)
    assert states(condition, {CPU: "1x60 2x20 3x5", LIMIT: "10x60 20x20 20x5"}) == {"rule.r": "80. 5F"}


def score(value: float, usual: list[float], wanted: int) -> float:
    known = [item for item in usual if not math.isnan(item)]
    if len(known) < wanted or math.isnan(value):
        return NAN
    middle = median(known)
    far = [abs(item - middle) for item in known]
    spread = max(median(far) / 0.6745 or mean(far) * 1.253314, abs(middle) / 100)
    return (value - middle) / spread


@pytest.mark.parametrize("side", ["both", "above", "below"])
@pytest.mark.parametrize("kind", ["noise", "mostly nothing", "flat"])
def test_anomalies(kind: str, side: Literal["both", "above", "below"]) -> None:
    series = noise(900, seed=5)
    if kind == "mostly nothing":
        series = [0.0 if second % 100 < 80 else item for second, item in enumerate(series)]
    elif kind == "flat":
        series = [8.0 + (second % 700 == 699) - 2 * (second % 800 == 799) for second in range(900)]
    answers: list[bool | None] = []
    for second, value in enumerate(series):
        far = score(value, steps(series, second, 10, 60), 30)
        held = {"both": abs(far), "above": far, "below": -far}[side] > 3.5
        answers.append(held if far == far else None)
    seen = Machine([rule(Anomaly(Query(CPU), 3.5, 600, side=side))]).run({CPU: list(series)})
    letters = short(plain.life(answers, 0, 0))
    assert seen == ({"rule.r": letters} if "F" in letters else {})
    assert kind != "flat" or seen


def test_what_was_always_nothing_is_not_odd_when_it_begins() -> None:
    """There is no spread to tell odd from usual by; a GPU that idled for an hour is used."""
    machine = Machine([rule(Anomaly(Query(CPU), 3.5, 600))])
    machine.run({CPU: "0x601 9x9"})
    assert machine.seen == {}
    assert machine.alert().why.startswith("it has never been anything but 0")


def test_the_usual_of_an_hour_of_the_day_is_of_that_hour() -> None:
    usual = Usual(300, 7 * 288)
    rng = random.Random(1)  # noqa: S311  numbers for a test
    told: list[tuple[int, float]] = []
    for step in range(5 * 288):
        time_s = START_S + PHASE_S + step * 300
        value = (time_s // 3600 % 24) + rng.random()
        usual.put(time_s, value)
        told.append((time_s, value))
    now_s = told[-1][0]
    for hour in range(24):
        same = [value for time_s, value in told[:-1] if time_s // 3600 % 24 == hour]
        middle = median(same)
        found = usual.robust(now_s - now_s % 86_400 + hour * 3600, hourly=True)
        assert found[0] == middle
        assert found[1] == pytest.approx(median(abs(item - middle) for item in same) / 0.6745)
        assert found[2] == len(same)


def predicted(series: list[float], second: int, over_s: int, ahead_s: int) -> float | None:
    """What a line through the steps says; None: it has no slope that is sure."""
    found = steps(series, second, 10, over_s // 10)
    pairs = [(place, value) for place, value in enumerate(found) if not math.isnan(value)]
    xs, ys = [float(place) for place, _ in pairs], [value for _, value in pairs]
    slope, cut = linear_regression(xs, ys)
    left = sum((y - cut - slope * x) ** 2 for x, y in pairs)
    error = math.sqrt(left / (len(pairs) - 2)) / math.sqrt(sum((x - mean(xs)) ** 2 for x in xs))
    if abs(slope) < 4 * error or slope == 0:
        return None
    return cut + slope * (len(found) - 1 + ahead_s / 10)


@pytest.mark.parametrize("slope", [-0.02, 0.0, 0.01, 0.05])
@pytest.mark.parametrize(("operator", "limit"), [(">", 100.0), (">=", 60.0), ("<", -20.0), ("<=", 30.0)])
def test_forecasts(slope: float, operator: Literal[">", ">=", "<", "<="], limit: float) -> None:
    rng = random.Random(3)  # noqa: S311  numbers for a test
    series = [50 + slope * second + rng.random() for second in range(700)]
    over_s, ahead_s = 300, 1200
    condition = Forecast(Query(CPU, "last", over_s), operator, limit, ahead_s)
    answers: list[bool | None] = []
    for second in range(700):
        if sum(not math.isnan(item) for item in steps(series, second, 10, over_s // 10)) < 15:
            answers.append(None)
            continue
        start = second - second % 10  # a line is drawn when a step is over
        found = predicted(series, start, over_s, ahead_s)
        leads = found is not None and (found > series[start] if operator in (">", ">=") else found < series[start])
        answers.append(found is not None and leads and plain.compare(found, operator, limit))
    letters = short(plain.life(answers, 0, 0))
    seen = states(condition, {CPU: list(series)})
    assert seen == ({"rule.r": letters} if "F" in letters else {})


@pytest.mark.parametrize("operator", ["<", ">"])
def test_a_forecast_without_a_value_now_is_not_known(operator: Literal["<", ">"]) -> None:
    slope = -1 if operator == "<" else 1
    limit = -1000.0 if operator == "<" else 1000.0
    condition = Forecast(Query(CPU, "last", 100), operator, limit, 1000)
    series: list[Value] = [50.0 + slope * second for second in range(101)]
    machine = Machine([rule(condition)])
    machine.run({CPU: series})
    assert machine.alert().state == "firing"
    machine = Machine([rule(condition)])
    machine.run({CPU: [*series[:49], *[NAN] * 30]})
    assert machine.alert().judge.holds(False) is None


PAST: Final[tuple[Condition, ...]] = (
    Baseline(Query(CPU), "!=", 0.0, 60, "absolute"),
    Anomaly(Query(CPU), -1.0, 60),
    Forecast(Query(CPU, "last", 60), "<", 1e9, 60),
)


@pytest.mark.parametrize("condition", PAST)
def test_before_the_past_is_known_nothing_fires(condition: Condition) -> None:
    machine = Machine([rule(condition)])
    machine.run({CPU: [100.0 - second for second in range(30)]})
    assert machine.seen == {}
    assert machine.alert().why.startswith("warming up, 2 of 3 steps")
    machine.run({CPU: [70.0 - second for second in range(2)]})
    assert machine.alert().state == "firing"
