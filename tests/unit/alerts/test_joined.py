"""Conditions of several parts: Kleene's logic, joins over labels, ratios, texts, absence."""

from __future__ import annotations

import random
from itertools import product
from statistics import median
from typing import Final, get_args

import pytest

from tests.unit.alerts import plain
from tests.unit.alerts.machine import NAN, Machine, rule, short, states, threshold
from wftui.alerts.rule import (
    Absent,
    Aggregation,
    All,
    Any,
    Condition,
    Not,
    Query,
    Rule,
    Text,
    TextOperator,
    Threshold,
)
from wftui.alerts.signals import Labels

A: Final = "system.cpu.utilization"
B: Final = "system.memory.utilization"
C: Final = "system.uptime"
HOT: Final = "hw.gpu.temperature"
Y, N, U = 9.0, 1.0, NAN
"""Values of a part that holds, does not, is not known."""


def over(series: str) -> Threshold:
    return threshold(series, ">", 5)


def truth(condition: Condition, given: dict[str, float]) -> float:
    """1, 0 or ½ for unknown: all is the least, any the greatest, not turns it round (Kleene 1938)."""
    if isinstance(condition, All):
        return min(truth(part, given) for part in condition.parts)
    if isinstance(condition, Any):
        return max(truth(part, given) for part in condition.parts)
    if isinstance(condition, Not):
        return 1 - truth(condition.part, given)
    assert isinstance(condition, Threshold)
    value = given[condition.query.selector]
    return 0.5 if value != value else float(value > 5)


TREES: Final[tuple[Condition, ...]] = (
    All((over(A), over(B))),
    Any((over(A), over(B))),
    Not(over(A)),
    Not(All((over(A), over(B)))),
    Not(Any((over(A), over(B), over(C)))),
    All((over(A), Any((over(B), Not(over(C)))))),
    Any((Not(over(A)), All((over(B), Not(Any((over(C), over(A)))))))),
    Not(Not(over(B))),
)


@pytest.mark.parametrize("tree", TREES)
def test_three_answers(tree: Condition) -> None:
    for given in product((Y, N, U), repeat=3):
        named = dict(zip((A, B, C), given, strict=True))
        machine = Machine([rule(tree)])
        machine.step(named)
        answer = machine.alert().judge.holds(False)
        assert answer is {1.0: True, 0.0: False, 0.5: None}[truth(tree, named)], named
        assert (machine.alert().state == "firing") is (answer is True)
        assert bool(machine.alert().why) is (answer is None)


@pytest.mark.parametrize(("joined", "fires"), [(Any((over(A), over(B))), True), (All((over(A), over(B))), False)])
def test_a_source_that_is_stuck_leaves_only_its_own_part_unknown(joined: Condition, fires: bool) -> None:
    machine = Machine([rule(joined)], sources={A: "cpu", B: "memory"})
    machine.unwell("cpu")
    machine.step({A: N, B: Y})
    assert (machine.alert().state == "firing") is fires


def test_a_stuck_source_fires_nothing_and_resolves_nothing() -> None:
    for leaf in (over(A), Not(threshold(A, "<", 5)), Absent(A, 3)):
        machine = Machine([rule(leaf)], sources={A: "cpu"})
        machine.run({A: "1x5"})
        machine.unwell("cpu")
        machine.run({A: "9x5 _x9"})
        assert machine.seen == {}
        assert machine.alert().why == "its source cpu is not well"
    machine = Machine([rule(over(A))], sources={A: "cpu"})
    machine.run({A: "9"})
    machine.unwell("cpu")
    assert machine.run({A: "1x9"}) == {"rule.r": "10F"}
    machine.unwell("cpu", "ok")
    assert machine.run({A: "1"}) == {"rule.r": "10F ."}


def test_a_rule_that_needs_a_source() -> None:
    machine = Machine([Rule("rule.r", over(A), needs=("gpu",))], sources={B: "gpu"})
    machine.unwell("gpu")
    machine.run({A: "9x3", B: "1x3"})
    assert machine.seen == {}
    machine.unwell("gpu", "ok")
    assert machine.run({A: "9", B: "1"}) == {"rule.r": "3. F"}


def test_each_label_set_is_an_alert() -> None:
    seen = states(over(HOT), {f'{HOT}{{gpu="a"}}': "1 9 1", f'{HOT}{{gpu="b"}}': "9x3"})
    assert seen == {'rule.r{gpu="a"}': ". F .", 'rule.r{gpu="b"}': "3F"}


def test_a_label_that_the_selector_names_is_none_of_the_alert() -> None:
    used = 'hw.gpu.memory.usage{gpu="*",mode="used"}'
    series = {
        f'hw.gpu.memory.usage{{gpu="{gpu}",mode="{mode}"}}': "9x2" for gpu in "ab" for mode in ("used", "free")
    }
    assert states(over(used), series) == {'rule.r{gpu="a"}': "2F", 'rule.r{gpu="b"}': "2F"}


def test_a_part_without_labels_joins_each() -> None:
    condition = All((over(HOT), over(A)))
    seen = states(condition, {f'{HOT}{{gpu="a"}}': "9x4", f'{HOT}{{gpu="b"}}': "1 9 1 9", A: "9 9 9 1"})
    assert seen == {'rule.r{gpu="a"}': "3F .", 'rule.r{gpu="b"}': ". F 2."}


def test_parts_with_the_same_labels_join_by_them() -> None:
    power = "hw.gpu.power"
    series = {f'{HOT}{{gpu="a"}}': "9x3", f'{power}{{gpu="a"}}': "1 9 1", f'{HOT}{{gpu="b"}}': "1x3"}
    series[f'{power}{{gpu="b"}}'] = "9x3"
    assert states(All((over(HOT), over(power))), series) == {'rule.r{gpu="a"}': ". F ."}


def test_any_of_different_things_is_an_alert_of_each() -> None:
    seen = states(Any((over(HOT), over(A))), {f'{HOT}{{gpu="a"}}': "9x3", A: "1 9 1"})
    assert seen == {'rule.r{gpu="a"}': "3F", "rule.r": ". F ."}


def test_none_of_several_is_no_alert_of_each() -> None:
    """A server with requests and no GPU at work: one that idles beside one that works is none."""
    asked = 'inference.requests{mode="running",server="*"}'
    condition = All((over(asked), Not(over(HOT))))
    series = {'inference.requests{mode="running",server="s"}': "9x4"}
    gpus = {f'{HOT}{{gpu="a"}}': "9 9 1 1", f'{HOT}{{gpu="b"}}': "1 9 1 9"}
    assert states(condition, series | gpus) == {'rule.r{server="s"}': "2. F ."}


def test_a_part_without_a_series_is_no_alert_of_all() -> None:
    assert states(All((over(HOT), over(A))), {A: "9x3"}) == {}


@pytest.mark.parametrize("window_s", [0, 3])
def test_a_ratio_joins_by_labels(window_s: int) -> None:
    used, limit = 'hw.gpu.memory.usage{gpu="*",mode="used"}', "hw.gpu.memory.limit"
    condition = threshold(used, ">", 0.5, "sum" if window_s else "last", window_s, per=limit)
    series = {
        'hw.gpu.memory.usage{gpu="a",mode="used"}': "3x4",
        'hw.gpu.memory.limit{gpu="a"}': "4x4",
        'hw.gpu.memory.usage{gpu="b",mode="used"}': "3x4",
        'hw.gpu.memory.limit{gpu="b"}': "8x4",
    }
    assert states(condition, series) == {'rule.r{gpu="a"}': "2. 2F" if window_s else "4F"}


@pytest.mark.parametrize("aggregation", get_args(Aggregation))
def test_a_ratio_is_of_the_same_of_both(aggregation: Aggregation) -> None:
    rng = random.Random(4)  # noqa: S311  numbers for a test
    ours, theirs = ([float(rng.randrange(1, 9)) for _ in range(40)] for _ in range(2))
    ours[:5] = [NAN] * 5
    same: Aggregation = "sum" if aggregation == "avg" else aggregation  # each second counts by its size
    both = [plain.numbers(item, 10, same) for item in (ours, theirs)]
    numbers = [one / other for one, other in zip(*both, strict=True)]
    middle = median(number for number in numbers if number == number)
    answers = [number >= middle if number == number else None for number in numbers]
    seen = states(threshold(A, ">=", middle, aggregation, 10, per=B), {A: list(ours), B: list(theirs)})
    assert seen == {"rule.r": short(plain.life(answers, 0, 0))}


def test_a_ratio_to_nothing_or_to_zero_is_not_known() -> None:
    assert states(threshold(A, ">", 0.5, per=B), {A: "9x3", B: "_ 0 1"}) == {"rule.r": "2. F"}
    assert states(threshold(A, ">", 0.5, per=B), {A: "9x3"}) == {}


def test_a_ratio_is_known_when_both_of_its_windows_are() -> None:
    """Sixty seconds of errors over the first five seconds of requests are no share."""
    condition = threshold(A, ">", 2.0, "sum", 10, per=B)
    assert states(condition, {A: "1x30", B: "_x15 1x15"}) == {}


def test_a_part_clears_late_only_when_it_made_the_alert_fire() -> None:
    """The memory never came over its threshold: it must not keep an alert that the CPU raised."""
    condition = Any((threshold(A, ">", 8, clear=6), threshold(B, ">", 8, clear=6)))
    assert states(condition, {A: "1 9 7 1x4", B: "7x7"}) == {"rule.r": ". 2F 4."}
    assert states(condition, {A: "1 9 7 1x4", B: "7 7 9 7 7 7 1"}) == {"rule.r": ". 5F ."}


# ---- texts


@pytest.mark.parametrize(
    ("operator", "value", "letters"),
    [
        ("==", "stuck", ". F 3."),
        ("!=", "ok", ". F . F ."),
        ("contains", "uck", ". F 3."),
        ("not_contains", "ok", ". F . F ."),
        ("regex", "^(stuck|failed)$", ". F . F ."),
        ("regex", "k$", "3F . F"),
    ],
)
def test_texts(operator: TextOperator, value: str, letters: str) -> None:
    said = ["ok", "stuck", "ok", "failed", "ok"]
    labels = (("server", "x"),)
    machine = Machine([rule(Text("server.state", operator, value))], texts=lambda name: [(labels, now[name])])
    for text in said:
        now = {"server.state": text}
        machine.step({A: 1.0})
    assert short(machine.seen['rule.r{server="x"}']) == letters


def test_a_text_that_is_not_told_is_not_known() -> None:
    said: list[tuple[Labels, str]] = [((("server", "x"),), "ok")]
    machine = Machine([rule(Not(Text("server.state", "==", "ok")))], texts=lambda _: said)
    machine.run({A: "1x3"})
    said.clear()
    machine.run({A: "1x3"})
    assert machine.seen == {}


def test_the_state_of_a_source_is_a_text() -> None:
    machine = Machine([rule(Text("source.state", "==", "stuck"))], sources={B: "gpu"})
    machine.run({A: "1x2"})
    machine.unwell("gpu")
    assert machine.run({A: "1x2"}) == {'rule.r{source="gpu"}': "2. 2F"}


# ---- absence


def test_absence_is_counted_in_seconds_without_a_value() -> None:
    assert states(Absent(A, 3), {A: "1 _x2 1 _x4 1", C: "1"}) == {"rule.r": "6. 2F ."}


def test_what_was_never_there_is_absent_too_and_comes() -> None:
    assert states(Absent(HOT, 3), {f'{HOT}{{gpu="a"}}': "-x5 1x3", C: "1x8"}) == {"rule.r": "2. 3F 3."}


def test_absence_goes_on_though_the_layout_changes() -> None:
    """Other series come and go each second."""
    assert states(Absent(HOT, 6), {C: "1x8", A: "- 1 - 1 - 1 - 1"}) == {"rule.r": "5. 3F"}


def test_absence_counts_beside_a_part_that_holds() -> None:
    condition = Any((over(A), Absent(HOT, 4)))
    assert states(condition, {A: "9x3 1x3"}) == {"rule.r": "6F"}


def test_a_series_that_left_the_layout_is_absent() -> None:
    gpu = f'{HOT}{{gpu="a"}}'
    assert states(Absent(HOT, 3), {gpu: "1x2 _x3 -x4 1", C: "1x10"}) == {'rule.r{gpu="a"}': "4. 5F ."}


def test_it_was_often_enough_though_the_layout_changes() -> None:
    often = Threshold(Query(A), ">", 5, often=(3, 6))
    assert states(often, {A: "9 1 9 1 9 1x5", C: "- 1 - 1 - 1 - 1 - 1"}) == {"rule.r": "4. 2F 4."}


def test_a_series_that_leaves_the_layout_before_it_is_absent_long_enough() -> None:
    """Layouts drop what had no value for an hour; the rule may wait longer."""
    gpu = f'{HOT}{{gpu="a"}}'
    assert states(Absent(HOT, 5), {gpu: "1x2 _x2 -x4 1", C: "1x9"}) == {'rule.r{gpu="a"}': "6. 2F ."}


def test_any_tells_the_number_of_the_part_that_held_even_when_none_does_any_more() -> None:
    machine = Machine([rule(Any((over(A), over(B))), keep_s=60)])
    machine.run({A: "1x3", B: "1 9 2"})
    alert = machine.alert()
    assert [signal.column.series.text for signal in alert.judge.signals()] == [B, A]
    assert (alert.judge.value, alert.worst) == (2, 9)
    machine.run({A: "8", B: "1"})
    assert alert.judge.value == 8
