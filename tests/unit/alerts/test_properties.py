"""What must hold of every series, clock and rule."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.unit.alerts import plain
from tests.unit.alerts.machine import NAN, Machine, Value, rule, threshold
from wftui.alerts.desk import Desk, inhibitor
from wftui.alerts.rule import Absent, Anomaly, Any, Baseline, Condition, Forecast, Not, Query, Rule
from wftui.alerts.silences import Silence, holding
from wftui.alerts.states import FIRED, RESOLVED, Alert
from wftui.clock import NS_PER_S
from wftui.model.alerts import FIRING, PENDING
from wftui.windows.sliding import Sliding

A: Final = "system.cpu.utilization"
B: Final = "system.memory.utilization"
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
fewer = settings(few, max_examples=12)
"""Of those whose one example is some hundred seconds of eleven rules."""

runs = st.lists(st.tuples(st.sampled_from([1.0, 6.0, 9.0, NAN, None]), st.integers(1, 8)), min_size=1, max_size=14)


def spread(found: Sequence[tuple[Value, int]]) -> list[Value]:
    return [value for value, times in found for _ in range(times)]


series = runs.map(spread)
spans = st.integers(0, 6)


def over(text: str = A, window_s: int = 0, clear: float | None = None) -> Condition:
    return threshold(text, ">", 5, "avg" if window_s else "last", window_s, clear)


@few
@given(series, spans, spans)
def test_it_fires_after_for_and_ends_after_keep_whatever_comes(
    found: list[Value], for_s: int, keep_s: int
) -> None:
    answers = [None if value is None or math.isnan(value) else value > 5 for value in found]
    machine = Machine([rule(over(), for_s=for_s, keep_s=keep_s)])
    machine.run({A: found, B: [0.0] * len(found)})
    letters = plain.life(answers, for_s, keep_s)
    assert machine.seen.get("rule.r", "." * len(found)) == letters


@few
@given(series, spans, spans, st.sampled_from([0, 3, 5]), st.sampled_from([None, 2.0]), st.booleans())
def test_never_before_for_never_ended_while_it_holds(
    found: list[Value], for_s: int, keep_s: int, window_s: int, clear: float | None, manual: bool
) -> None:
    machine = Machine([Rule("rule.r", over(A, window_s, clear), for_s=for_s, keep_firing_s=keep_s, manual=manual)])
    numbers = plain.numbers([NAN if value is None else value for value in found], window_s, "avg")
    for second, value in enumerate(found):
        before = machine.seen.get("rule.r", "")[-1:]
        machine.step({A: value, B: 0.0})
        state = machine.seen.get("rule.r", ".")[-1]
        number = numbers[second]
        if state == "F" and before != "F":
            assert all(item > 5 for item in numbers[max(0, second - for_s) : second + 1])
            assert second >= for_s
        if before == "F" and state != "F":
            assert not number > 5
            assert not any(item > 5 for item in numbers[max(0, second - keep_s + 1) : second + 1])
            assert state == ("o" if manual else ".")
        if math.isnan(number):
            assert state != "p"
            assert (state == "F") is (before == "F")


@few
@given(series, st.integers(0, 20), st.integers(1, 40), st.sampled_from(["rule", "severity", "alert"]))
def test_silences_change_no_state(found: list[Value], since: int, lasts: int, key: str) -> None:
    rules = [rule(over(), for_s=2, keep_s=2), rule(over(B), "b")]
    rules[0] = Rule("rule.r", over(), for_s=2, keep_firing_s=2, inhibited_by=("rule.b",), cooldown_s=20)
    quiet, told = Machine(rules), Machine(rules)
    silence = Silence("1", ((key, {"rule": "rule.r", "severity": "warning", "alert": "rule.r"}[key]),), 0, 0)
    desk, reasons = Desk(), set()
    for second, value in enumerate(found):
        both = {A: value, B: 9.0 if second % 7 < 3 else 1.0}
        told.step(both)
        quiet.step(both)
        ends = quiet.now.time_ns + lasts * NS_PER_S if second >= since else 0
        held = Silence(silence.id, silence.matchers, ends, 0)
        for kind, alert in quiet.changes:
            holds = holding([held], alert, quiet.now.time_ns)
            why = desk.why_not(
                kind, alert, quiet.now, holds.id if holds else "", inhibitor(alert, quiet.engine.alerts())
            )
            reasons.add(why)
        assert [(kind, alert.key) for kind, alert in quiet.changes] == [(k, a.key) for k, a in told.changes]
    assert quiet.seen == told.seen


def everything() -> list[Rule]:
    """Each kind of condition, low enough to fire over a walk."""
    kinds: dict[str, Condition] = {
        "now": over(),
        "mean": over(A, 10),
        "share": threshold(A, ">", 0.9, "sum", 10, per=B),
        "usual": Baseline(Query(A), ">", 20, 60),
        "sd": Baseline(Query(A, "avg", 5), ">", 1.5, 300, "standard_deviation"),
        "odd": Anomaly(Query(A), 2, 120),
        "hour": Anomaly(Query(A), 2, 1200, season="hour"),
        "line": Forecast(Query(A, "last", 60), ">", 9, 600),
        "gone": Absent(A, 5),
        "not": Not(over(A, 5)),
        "any": Any((over(), over(B))),
    }
    return [rule(condition, name, for_s=3, keep_s=4) for name, condition in kinds.items()]


def walk(seed: int, seconds: int = 420) -> tuple[list[Value], list[Value]]:
    rng = random.Random(seed)  # noqa: S311  numbers for a test
    found: tuple[list[Value], list[Value]] = ([], [])
    level = 5.0
    for second in range(seconds):
        level = min(10.0, max(0.0, level + rng.choice((-1, 0, 0, 1)) / 2))
        hole = rng.random() < 0.02 or second % 150 > 140
        found[0].append(NAN if hole else level)
        found[1].append(float(rng.randrange(1, 8)))
    return found


def play(machine: Machine, seed: int, before: Callable[[int], None] = lambda _: None) -> dict[str, str]:
    for second, (one, other) in enumerate(zip(*walk(seed), strict=True)):
        before(second)
        machine.step({A: one, B: other})
    return machine.seen


def test_each_of_everything_fires_and_ends() -> None:
    fired, ended = set(), set()
    for seed in range(6):
        for name, letters in play(Machine(everything()), seed).items():
            if "F" in letters:
                fired.add(name)
            if "F." in letters:
                ended.add(name)
    assert fired == ended == {item.id for item in everything()}


moments = st.lists(
    st.tuples(st.integers(1, 419), st.sampled_from([3600, -3600, "1970", "2106", 37, -37, 86_400])), max_size=6
)


@fewer
@given(st.integers(0, 5), moments)
@example(0, [(200, "1970"), (300, "2106")])
@example(1, [(200, "2106"), (300, "1970")])
@example(2, [(100, 3600), (200, -3600)])
def test_steps_of_the_wall_clock_alone_change_nothing(seed: int, steps: list[tuple[int, int | str]]) -> None:
    stepped = Machine(everything())

    def step(second: int) -> None:
        for at, to in steps:
            if at == second and isinstance(to, str):
                stepped.time_s = {"1970": 60, "2106": 4_300_000_000}[to]
            elif at == second and isinstance(to, int):
                stepped.jump(to)

    assert play(stepped, seed, step) == play(Machine(everything()), seed)


@fewer
@given(st.integers(0, 5), st.integers(1, 410), st.sampled_from([2, 60, 8 * 3600, 30 * 86_400]))
def test_a_suspend_fires_nothing_by_itself(seed: int, at: int, seconds: int) -> None:
    machine = Machine(everything())
    fires: set[str] = set()
    for second, (one, other) in enumerate(zip(*walk(seed), strict=True)):
        if second == at:
            fires = {alert.key for alert in machine.engine.alerts() if alert.state == FIRING}
            machine.sleep(seconds)
        machine.step({A: one, B: other})
        if at <= second < at + 3:  # each has a `for` of three seconds
            assert not [alert.key for kind, alert in machine.changes if kind == FIRED]
        if second == at:
            ended = {alert.key for kind, alert in machine.changes if kind == RESOLVED}
            assert not [key for key in ended if machine.alert(key).why], "not known is no end"
            assert ended <= fires


def test_what_pends_begins_anew_after_a_suspend() -> None:
    machine = Machine([rule(over(), for_s=5)])
    machine.run({A: "9x3"})
    machine.sleep(8 * 3600)
    assert machine.run({A: "9x6"}) == {"rule.r": "8p F"}


@fewer
@given(st.integers(0, 5), st.randoms(use_true_random=False))
def test_the_order_of_rules_does_not_matter(seed: int, rng: random.Random) -> None:
    rules = everything()
    rng.shuffle(rules)
    assert play(Machine(rules), seed) == play(Machine(everything()), seed)


def go_on(before: Alert, begun: Machine) -> None:
    """What a recorder does after a start at once: nothing was missed."""
    again = begun.engine.restore(before.rule.id, before.labels)
    assert again is not None
    assert before.since is not None
    held_ns = begun.boot_ns if before.ceased_ns is None else before.ceased_ns
    again.resume(before.state, before.since, held_ns, begun.now, before.event)


@fewer
@given(st.integers(0, 5), st.integers(100, 410))
def test_after_a_start_it_goes_on(seed: int, at: int) -> None:
    """What is read back fills windows, what fires goes on with what is left of ``keep``, nothing is told twice."""
    # A hole right after the start is no end of what pends, as it would be without the start.
    rules = [msgspec.structs.replace(item, for_s=0.0) for item in everything()]
    whole, stopped, begun = Machine(rules), Machine(rules), Machine(rules)
    for second, (one, other) in enumerate(zip(*walk(seed), strict=True)):
        if second < at:
            stopped.step({A: one, B: other})
            begun.read_back({A: one, B: other})
        elif second == at:
            for alert in stopped.engine.alerts():
                go_on(alert, begun)
        whole.step({A: one, B: other})
        if second >= at:
            begun.step({A: one, B: other})
            assert {a.key for a in begun.engine.alerts()} == {a.key for a in whole.engine.alerts()}
            assert sorted((k, a.key) for k, a in begun.changes) == sorted((k, a.key) for k, a in whole.changes)


@few
@given(series, st.integers(1, 30), spans, spans, st.integers(0, 3))
def test_an_outage_delays_what_pends_by_no_more_than_it_lasts(
    found: list[Value], at: int, for_s: int, keep_s: int, outage_s: int
) -> None:
    """It fires no earlier than its condition was seen to hold for ``for``, and a longer outage begins it anew."""
    rules = [rule(over(), for_s=for_s, keep_s=keep_s)]
    before, begun = Machine(rules), Machine(rules)
    held = 0
    """Seconds in a row in which it was seen to hold, up to now."""
    for second, value in enumerate(found):
        machine = before if second < at else begun
        if second == at:
            alert = before.engine.find("rule.r")
            begun.sleep(before.boot_ns // NS_PER_S - begun.boot_ns // NS_PER_S + outage_s)
            if alert is not None and alert.state == PENDING:
                again = begun.engine.restore("rule.r", ())
                assert again is not None
                assert alert.since is not None
                pended_ns = before.boot_ns - alert.since.boottime_ns
                went_on = again.resume_pending(pended_ns, outage_s * NS_PER_S, begun.now)
                assert went_on is (outage_s < for_s)
                held = held if went_on else 0
            else:
                held = 0
        machine.step({A: value, B: 0.0})
        if value is not None and value > 5:
            held += 1
        elif value == value and value is not None:
            held = 0
        for kind, _ in machine.changes:
            if kind == FIRED:
                assert held >= for_s


numbers = st.one_of(
    st.just(NAN),
    st.floats(-1e12, 1e12, allow_nan=False),
    st.sampled_from([0.0, -0.0, 0.1, 0.2, 0.3, 1e-9, 1e15, 5e-324]),
)


@given(st.lists(numbers, max_size=120), st.integers(1, 20), st.lists(st.integers(0, 30), max_size=4))
def test_a_sliding_window_is_its_last_values(found: list[float], seconds: int, skips: list[int]) -> None:
    window, told = Sliding(seconds), []
    for place, value in enumerate(found):
        if skips and place % 25 == 24:
            gap = skips[place % len(skips)]
            window.skip(gap)
            told += [NAN] * gap
        window.put(value)
        told.append(value)
        inside = sorted(item for item in told[-seconds:] if item == item)
        assert window.count == len(inside)
        assert window.covered is plain.known(told, seconds)[-1]
        if not inside:
            assert math.isnan(window.mean)
            continue
        assert window.total == pytest.approx(math.fsum(inside), rel=1e-14, abs=1e-14)
        assert window.mean == pytest.approx(math.fsum(inside) / len(inside), rel=1e-14, abs=1e-14)
        assert (window.minimum, window.maximum) == (inside[0], inside[-1])
        for share in (0.5, 0.95, 0.99, 1.0):
            assert window.quantile(share) == inside[math.ceil(share * len(inside)) - 1]
        assert window.newest == next(item for item in reversed(told) if item == item)


@given(st.lists(st.integers(-(10**12), 10**12).map(lambda number: number / 1000), min_size=1, max_size=40))
def test_a_window_of_zeros_adds_up_to_zero_whatever_was_before(found: list[float]) -> None:
    """``errors > 0`` must not fire for what rounding left behind."""
    window = Sliding(50)
    for value in [*found, *[0.0] * 50]:
        window.put(value)
    assert window.total == 0
    narrow = Sliding(7)
    for value in [*found, *[0.0] * 7]:
        narrow.put(value)
    assert narrow.total == narrow.mean == 0


@pytest.mark.parametrize("number", [math.inf, -math.inf, 1e308, -1e308, 1e154])
def test_no_number_breaks_the_engine(number: float) -> None:
    machine = Machine(everything())
    machine.run({A: [1.0, number] * 200, B: [number, 1.0] * 200})
    assert machine.run({A: "1x200", B: "1x200"})
