"""What no rule asks for any more is not kept: series, windows, and what is usual."""

from __future__ import annotations

import gc
import weakref

from tests.unit.alerts.machine import Machine, rule, threshold
from wftui.alerts.rule import Anomaly, Baseline, Condition, Forecast, Query, Rule
from wftui.windows.coarse import Usual
from wftui.windows.sliding import Sliding

A, B = "system.cpu.utilization", "system.memory.utilization"


def kept(machine: Machine) -> tuple[int, int, int]:
    """(series, windows, usuals)."""
    signals = list(machine.engine.signals())
    usuals = sum(len(signal.usuals) + len(signal.shares) for signal in signals)
    return len(signals), sum(len(signal.windows) for signal in signals), usuals


def rules(*conditions: Condition) -> list[Rule]:
    return [rule(condition, f"r{number}") for number, condition in enumerate(conditions)]


def windowed(window_s: int, per: str = "") -> Condition:
    return threshold(A, ">", 5, "avg", window_s, per=per)


def baseline(over_s: int, per: str = "") -> Condition:
    return Baseline(Query(A, per=per), ">", 50, over_s)


def alive(kind: type) -> int:
    """Objects of a type that anybody refers to."""
    gc.collect()
    return sum(type(item) is kind for item in gc.get_objects())


def test_windows_and_usuals_go_with_the_rule_that_asked_for_them() -> None:
    everything = rules(
        windowed(10),
        windowed(60),
        windowed(30, B),
        baseline(600),
        baseline(3600, B),
        Anomaly(Query(A, "p95", 60), 6, 7200),
        Forecast(Query(A, "last", 1800), ">", 90, 3600),
    )
    machine = Machine(everything)
    machine.run({A: "1x5", B: "1x5"})
    assert kept(machine) == (2, 4, 4)
    steps = [
        (everything[1:], (2, 3, 4)),  # 10 s
        (everything[2:], (2, 3, 4)),  # 60 s: the anomaly reads it, too
        (everything[3:], (2, 1, 4)),  # 30 s, of both series
        (everything[4:], (2, 1, 3)),
        (everything[5:], (1, 1, 2)),
        (everything[6:], (1, 0, 1)),
        ([], (0, 0, 0)),
    ]
    for left, expected in steps:
        machine.engine.use(left, machine.now)
        assert kept(machine) == expected, [item.id for item in left]
        machine.step({A: 1.0, B: 1.0})
        assert kept(machine) == expected


def test_nothing_else_holds_them() -> None:
    machine = Machine(rules(windowed(900), baseline(86_400)))
    machine.run({A: "1x5"})
    [signal] = machine.engine.signals()
    assert len(signal.windows) == len(signal.usuals) == 1
    usual = weakref.finalize(machine, int)  # the machine outlives what it kept
    before = alive(Sliding), alive(Usual)
    del signal
    machine.engine.use(rules(windowed(10)), machine.now)
    machine.step({A: 1.0})
    assert (alive(Sliding), alive(Usual)) == (before[0], before[1] - 1), "one window for another"
    assert usual.alive


def test_a_rule_that_is_edited_again_and_again_takes_no_more() -> None:
    machine = Machine(rules(windowed(10), baseline(600)))
    machine.run({A: "1x5"})
    for second in range(1, 200):
        machine.engine.use(rules(windowed(10 + second), baseline(600 * (1 + second % 7))), machine.now)
        machine.step({A: 1.0})
        assert kept(machine) == (1, 1, 1)


def test_what_stays_keeps_what_it_knows() -> None:
    """The window of a rule is as full as it was when another rule goes."""
    machine = Machine(rules(windowed(10), windowed(60)))
    machine.run({A: "9x30"})
    machine.engine.use(rules(windowed(10)), machine.now)
    machine.step({A: 9.0})
    alert = machine.alert("rule.r0")
    assert (alert.why, alert.judge.value) == ("", 9.0)


def test_an_alert_that_fires_on_keeps_the_window_of_a_series_that_went() -> None:
    machine = Machine(rules(windowed(10), threshold(B, ">", 5)))
    machine.run({A: "9x20", B: "1x20"})
    machine.step({B: 1.0})
    machine.engine.use(rules(windowed(10)), machine.now)
    machine.step({B: 1.0})
    assert machine.alert("rule.r0").state == "firing"
    assert kept(machine) == (1, 1, 0)
    machine.run({B: "1x320"})
    assert machine.alert("rule.r0").state == "inactive"
    machine.engine.use(rules(windowed(10)), machine.now)
    assert kept(machine) == (0, 0, 0)
