"""What is absent and does not come back: an alert that a person can end, and that ends with its source."""

from __future__ import annotations

import pytest

from tests.unit.alerts.machine import Machine, Value, rule, threshold
from wftui.alerts.rule import Absent, Any, Condition
from wftui.model import health

HOT = "hw.gpu.temperature"
A, B = f'{HOT}{{gpu="a"}}', f'{HOT}{{gpu="b"}}'
C = "system.cpu.utilization"
KEY = 'rule.r{gpu="a"}'


def gone(condition: Condition, sources: dict[str, str] | None = None) -> Machine:
    """One of two GPUs has gone, and the alert fires."""
    machine = Machine([rule(condition)], sources=sources)
    machine.run({A: "1x5", B: "1x5", C: "1x5"})
    machine.run({A: "_x5", B: "1x5", C: "1x5"})
    assert machine.alert(KEY).state == "firing"
    return machine


def resolve(machine: Machine) -> None:
    """As a person does."""
    alert = machine.alert(KEY)
    assert alert.resolve(machine.now, "resolved by hand")
    machine.engine.forget(alert)


def later(machine: Machine, first: Value, seconds: int) -> str:
    """The states of the alert over seconds in which the other GPU goes on."""
    for _ in range(seconds):
        machine.step({A: first, B: 1.0, C: 1.0})
    return machine.seen[KEY][-seconds:]


@pytest.mark.parametrize("first", [float("nan"), None])
def test_what_a_person_resolved_is_not_looked_at_until_it_comes_back(first: Value) -> None:
    """Also when it leaves the layout, as it does after an hour."""
    machine = gone(Absent(HOT, 3))
    resolve(machine)
    assert later(machine, first, 50) == "." * 50
    assert machine.alert(KEY).why.startswith("resolved by hand")
    assert later(machine, 1.0, 2) == ".."
    assert machine.alert(KEY).why == ""
    assert later(machine, first, 5) == "..FFF", "it went again"
    assert set(machine.seen) == {KEY}, "nor does the rule say that there never was one"


def test_what_holds_for_another_reason_fires_again() -> None:
    """The series is there: the person is told that it still holds."""
    machine = gone(Any((Absent(HOT, 3), threshold(HOT, ">", 5))))
    assert later(machine, 9.0, 3) == "FFF"
    resolve(machine)
    assert later(machine, 9.0, 2) == "FF"


def test_what_was_never_there_can_be_resolved_too() -> None:
    machine = Machine([rule(Absent(HOT, 3))])
    machine.run({C: "1x5"})
    alert = machine.alert("rule.r")
    assert alert.resolve(machine.now, "")
    machine.engine.forget(alert)
    machine.run({C: "1x9"})
    assert machine.alert("rule.r").state == "inactive"
    machine.run({C: "1x5", A: "1x2 _x3"})
    assert machine.alert(KEY).state == "firing"


def test_a_source_that_is_switched_off_ends_it_at_once_with_the_reason() -> None:
    machine = gone(Absent(HOT, 3), {A: "gpu", B: "gpu"})
    machine.unwell("gpu", health.OFF)
    machine.step({C: 1.0})
    alert = machine.alert(KEY)
    assert [kind for kind, item in machine.changes if item is alert] == ["alert.resolved"]
    assert alert.reason == "what it looks at was switched off"


def test_a_source_that_is_stuck_does_not_end_it_at_once() -> None:
    machine = gone(Absent(HOT, 3), {A: "gpu", B: "gpu"})
    machine.unwell("gpu", health.STUCK)
    assert later(machine, None, 5) == "FFFFF"


def test_time_in_which_the_source_was_off_is_no_absence() -> None:
    machine = Machine([rule(Absent(HOT, 3))], sources={A: "gpu"})
    machine.run({A: "1x2", C: "1x2"})
    machine.unwell("gpu", health.OFF)
    machine.run({A: "_x9", C: "1x9"})
    machine.unwell("gpu", health.OK)
    assert machine.run({A: "_x2 1x2 _x4", C: "1x8"}) == {KEY: "17. 2F"}
