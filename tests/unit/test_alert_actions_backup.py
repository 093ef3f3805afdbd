"""Whether now is a good time for a backup: every part of the judgement, what is unknown, and when it is told."""

from __future__ import annotations

import math
from array import array
from typing import Any

import pytest

from wftui.alerts.logic import Unbound
from wftui.alerts.rule import Query, Rule, Severity, Threshold
from wftui.alerts.states import Alert
from wftui.clock import NS_PER_S, Instant
from wftui.model.alerts import FIRING
from wftui.model.sample import column
from wftui.model.tick import Layout, Tick, pack
from wftui.recorder.alerting.actions_backup import SPAN_S, Readiness

NAN = math.nan
LAYOUT = Layout(
    1,
    (
        column("cpu", "system.cpu.utilization", call="t"),
        column("cpu", "system.cpu.utilization", call="t", stat="max"),
        column("disk", "system.disk.utilization", {"device": "a"}, call="t"),
        column("disk", "system.disk.utilization", {"device": "b"}, call="t"),
        column("disk", "system.filesystem.utilization", {"mount": "/"}, call="t"),
        column("disk", "system.filesystem.utilization", {"mount": "/data"}, call="t"),
    ),
)
QUIET = (0.05, 0.9, 0.1, 0.2, 0.5, 0.8)
HELD = SPAN_S + 61
"""Seconds after which a quiet machine is ready."""


class Machine:
    """Seconds of the same, one after the other."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.readiness = Readiness(self._emit)
        self.at = Instant(1_800_000_000 * NS_PER_S, 5_000 * NS_PER_S)
        self.alerts: list[Alert] = []

    def _emit(self, kind: str, about: tuple[str, str], payload: dict[str, Any]) -> None:
        assert (kind, about) == ("backup.ready", ("backup", "ready"))
        self.events.append(payload)

    def run(self, seconds: int, *values: float, layout: Layout = LAYOUT) -> float | None:
        """The series' value in the last of so many seconds; None: it has none."""
        found = None
        for _ in range(seconds):
            self.pass_(1)
            tick = Tick(1, 1, self.at.boottime_ns, 1, layout.id, pack(array("d", values)))
            samples = self.readiness.second(tick, layout, self.alerts, self.at)
            found = samples[0].value if samples else None
        return found

    def pass_(self, seconds: int) -> None:
        self.at = Instant(self.at.time_ns + seconds * NS_PER_S, self.at.boottime_ns + seconds * NS_PER_S)


def firing(severity: Severity) -> Alert:
    alert = Alert(Rule("rule.x", Threshold(Query("x"), ">", 1.0), severity=severity), (), Unbound())
    alert.state = FIRING
    return alert


def changed(place: int, value: float) -> tuple[float, ...]:
    return (*QUIET[:place], value, *QUIET[place + 1 :])


def test_it_is_unknown_until_five_minutes_are_seen_and_a_minute_held() -> None:
    machine = Machine()
    assert machine.run(SPAN_S - 1, *QUIET) is None
    assert machine.readiness.evidence()["why_not"] == [
        "CPU is known for 299 s of 300",
        "disks are known for 299 s of 300",
    ]
    assert machine.run(1, *QUIET) == 0.0
    assert machine.readiness.evidence()["why_not"] == ["it has to hold for 60 s"]
    assert machine.run(59, *QUIET) == 0.0
    assert machine.run(1, *QUIET) == 1.0
    assert [item["ready"] for item in machine.events] == [False, True]
    assert machine.events[1] == {
        "ready": True,
        "cpu": 0.05,
        "cpu_p95": 0.05,
        "disk_busy": 0.2,
        "fullest": 0.8,
        "mount": "/data",
        "alerts": 0,
        "over_s": 300,
    }
    assert machine.run(100, *QUIET) == 1.0
    assert len(machine.events) == 2


@pytest.mark.parametrize(
    ("values", "why_not"),
    [
        (changed(0, 0.3), "CPU 30% over 5 min"),
        (changed(3, 0.9), "a disk busy 90% of the time"),
        (changed(2, 0.9), "a disk busy 90% of the time"),
        (changed(5, 0.96), "/data is 96% full"),
        (changed(4, 1.0), "/ is 100% full"),
    ],
)
def test_one_thing_that_speaks_against_it_is_enough(values: tuple[float, ...], why_not: str) -> None:
    machine = Machine()
    assert machine.run(HELD, *values) == 0.0
    assert machine.events[-1]["why_not"] == [why_not]
    assert len(machine.events) == 1


def test_a_machine_that_jumps_is_not_steady() -> None:
    machine = Machine()
    found = None
    for second in range(HELD):
        found = machine.run(1, *changed(0, 0.9 if second % 10 == 0 else 0.0))
    assert found == 0.0
    assert machine.events[-1]["why_not"] == ["CPU up to 90%"]


@pytest.mark.parametrize(
    ("severity", "ready"), [("info", 1.0), ("warning", 1.0), ("error", 0.0), ("critical", 0.0)]
)
def test_an_alert_of_weight_ends_it_at_once(severity: Severity, ready: float) -> None:
    machine = Machine()
    assert machine.run(HELD, *QUIET) == 1.0
    machine.alerts = [firing(severity)]
    assert machine.run(1, *QUIET) == ready
    machine.alerts = []
    assert machine.run(59, *QUIET) == ready
    assert machine.run(2, *QUIET) == 1.0


def test_it_does_not_come_and_go_about_the_limit() -> None:
    machine = Machine()
    assert machine.run(HELD, *changed(0, 0.19)) == 1.0
    assert machine.run(SPAN_S, *changed(0, 0.22)) == 1.0
    assert machine.run(SPAN_S, *changed(0, 0.26)) == 0.0
    assert machine.run(SPAN_S * 2, *changed(0, 0.22)) == 0.0
    assert [item["ready"] for item in machine.events] == [False, True, False]


def test_no_value_is_no_quiet_machine() -> None:
    machine = Machine()
    assert machine.run(HELD, *changed(0, NAN)) is None
    assert machine.run(HELD, *(0.05, 0.1, 0.1, 0.1, NAN, NAN)) is None
    assert machine.readiness.evidence()["why_not"] == ["no file system is known"]
    assert machine.run(10, *changed(3, NAN)) == 0.0  # the other disk is known: it has to hold again
    assert machine.run(61, *QUIET) == 1.0
    assert machine.run(SPAN_S, *changed(0, NAN)) is None


def test_what_speaks_against_it_does_though_other_things_are_unknown() -> None:
    machine = Machine()
    assert machine.run(3, *changed(5, 0.99)) == 0.0


def test_a_time_without_seconds_is_a_time_without_values() -> None:
    machine = Machine()
    assert machine.run(HELD, *QUIET) == 1.0
    machine.pass_(3600)
    assert machine.run(1, *QUIET) is None


def test_a_machine_without_disks_is_judged_by_the_rest() -> None:
    layout = Layout(2, (LAYOUT.columns[0], LAYOUT.columns[4]))
    assert Machine().run(HELD, 0.05, 0.5, layout=layout) == 1.0


def test_a_layout_that_changes_is_followed() -> None:
    machine = Machine()
    assert machine.run(HELD, *QUIET) == 1.0
    turned = Layout(3, tuple(reversed(LAYOUT.columns)))
    assert machine.run(10, *reversed(QUIET), layout=turned) == 1.0
