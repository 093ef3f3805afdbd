"""The recorder's end of alerts: what its tables say at once, and what is remembered over an end and a start."""

import math
from collections.abc import Mapping
from typing import Any, cast

import pytest

from tests.fakeclock import FakeClock
from tests.unit.alerts.machine import column
from wftui.alerts.rule import Action, Query, Rule, Threshold
from wftui.clock import NS_PER_S, Instant
from wftui.model import alerts as cells
from wftui.model.event import Event
from wftui.model.table import Row, TableSnapshot
from wftui.model.tick import Layout, Tick, pack
from wftui.recorder.alerting.alerting import Alerting
from wftui.recorder.emitter import Emitter

QUEUE = "custom.shop.queue"


def rule(name: str = "rule.queue", **more: Any) -> Rule:  # Any: fields of a rule
    return Rule(name, Threshold(Query(QUEUE), ">", 10.0), **more)


class Nobody:
    """Carries out nothing and follows nothing."""

    def carry_out(self, *_: object) -> None:
        return

    def second(self, *_: object) -> list[object]:
        return []


class Recorder:
    """As much of one as alerts see."""

    def __init__(
        self, stored: Mapping[str, Row] | None = None, last: Tick | None = None, clock: FakeClock | None = None
    ) -> None:
        self.clock = clock or FakeClock()
        self.events: list[Event] = []
        self.tables: dict[str, Mapping[str, Row]] = {}
        nobody = cast("Any", Nobody())  # it has what is called
        emit = Emitter(self.clock, self.events.append)
        self.alerting = Alerting(
            self.clock, emit, lambda name: self.tables.get(name, {}), self.publish, lambda *_: None, nobody, nobody
        )
        self.alerting.restore({"alerts": stored or {}}, last)
        self.last: Tick | None = None
        self.layout = Layout(1, (column(QUEUE),))
        self.number = 0

    def publish(self, snapshot: TableSnapshot, at: Instant, source: str) -> None:
        assert source == "alerts"
        assert snapshot.time_ns == at.time_ns
        self.tables[snapshot.schema.name] = snapshot.rows

    def seconds(self, *values: float) -> None:
        """A second each."""
        from array import array

        for value in values:
            self.clock.advance(NS_PER_S)
            self.number += 1
            at = self.clock.now()
            tick = Tick(self.number, at.time_ns // NS_PER_S - 1, at.boottime_ns, 1, 1, pack(array("d", [value])))
            self.last = tick
            self.alerting.second(tick, self.layout, {}, at)

    def told(self) -> list[tuple[str, bool]]:
        return [(item.type, bool(item.payload["told"])) for item in self.events if item.type.startswith("alert.")]


def state(recorder: Recorder, name: str = "rule.queue") -> str:
    return str(recorder.tables["rules"][name][4])


def test_a_rule_never_says_that_it_waits_while_its_alert_fires() -> None:
    recorder = Recorder()
    recorder.alerting.use([rule()], 0)
    recorder.seconds(3)
    assert state(recorder) == "inactive"
    recorder.seconds(42)
    assert state(recorder) == "firing"
    recorder.seconds(3)
    assert state(recorder) == "inactive"


def test_a_cooldown_outlives_the_end_of_the_alert() -> None:
    recorder = Recorder()
    recorder.alerting.use([rule(cooldown_s=300.0)], 0)
    recorder.seconds(42, *[3] * 60, 42)
    assert recorder.told() == [("alert.fired", True), ("alert.resolved", True), ("alert.fired", False)]
    recorder.seconds(*[3] * 300, 42)
    assert recorder.told()[-1] == ("alert.fired", True)


def stored() -> dict[str, Row]:
    before = Recorder()
    before.alerting.use([rule()], 0)
    before.seconds(42)
    return dict(before.tables["alerts"])


def test_what_fired_before_the_start_ends_when_its_rule_is_gone() -> None:
    recorder = Recorder(stored())
    recorder.alerting.use([rule("rule.other")], 0)
    recorder.seconds(3)
    assert list(recorder.tables["alerts"]) == []
    (ended,) = [item for item in recorder.events if item.type == "alert.resolved"]
    assert ended.aggregate_id == "rule.queue"
    assert ended.payload["reason"] == "the rule is gone or off"


def test_it_waits_for_its_rule_while_a_file_of_rules_is_wrong() -> None:
    recorder = Recorder(stored())
    recorder.alerting.use([], 1)
    recorder.seconds(3)
    assert [row[cells.STATE] for row in recorder.tables["alerts"].values()] == ["firing"]
    recorder.alerting.use([rule()], 0)
    recorder.seconds(42)
    assert recorder.told() == []
    assert [row[cells.STATE] for row in recorder.tables["alerts"].values()] == ["firing"]


NAN = math.nan


def restarted(before: Recorder, outage_s: int, rules: list[Rule]) -> Recorder:
    """The next recorder on the same machine, after so long."""
    before.clock.advance(outage_s * NS_PER_S)
    after = Recorder(dict(before.tables["alerts"]), before.last, before.clock)
    after.alerting.use(rules, 0)
    return after


def fires_after(recorder: Recorder, *values: float) -> int | None:
    """After how many of these seconds it fired first."""
    for count, value in enumerate(values, 1):
        recorder.seconds(value)
        if any(item.type == "alert.fired" for item in recorder.events):
            return count
    return None


@pytest.mark.parametrize(
    ("outage_s", "unknown_s", "expected"),
    [
        (3, 0, 100),  # 200 of 300 are over
        (3, 5, 105),  # nor do seconds count in which nothing is known yet
        (299, 0, 100),
        (301, 0, 301),  # longer than `for`: anew, from the first second
        (200, 120, 120 + 301),  # outage and ignorance together, too
    ],
)
def test_what_pends_goes_on_after_a_short_outage(outage_s: int, unknown_s: int, expected: int) -> None:
    rules = [rule(for_s=300.0)]
    before = Recorder()
    before.alerting.use(rules, 0)
    before.seconds(3, *[42] * 201)
    after = restarted(before, outage_s, rules)
    assert fires_after(after, *[NAN] * unknown_s, *[42] * 400) == expected
    assert before.told() == [("alert.pending", False)]


def test_what_pends_is_over_when_it_does_not_hold_after_the_outage() -> None:
    rules = [rule(for_s=300.0)]
    before = Recorder()
    before.alerting.use(rules, 0)
    before.seconds(*[42] * 201)
    after = restarted(before, 3, rules)
    after.seconds(NAN, 3)
    assert state(after) == "inactive"
    assert fires_after(after, *[42] * 400) == 301


def test_what_pends_begins_anew_after_a_reboot_and_ten_minutes() -> None:
    rules = [rule(for_s=3600.0)]
    before = Recorder()
    before.alerting.use(rules, 0)
    before.seconds(*[42] * 1801)
    rebooted = Recorder(dict(before.tables["alerts"]), None, before.clock)
    rebooted.alerting.use(rules, 0)
    assert fires_after(rebooted, *[42] * 3700) == 3601
    assert fires_after(restarted(before, 0, rules), *[42] * 3700) == 3601, "what fires later is another outage"
    again = Recorder()
    again.alerting.use(rules, 0)
    again.seconds(*[42] * 1801)
    assert fires_after(restarted(again, 599, rules), *[42] * 3700) == 1800


def test_nobody_is_told_of_what_pended_when_its_rule_is_gone() -> None:
    before = Recorder()
    before.alerting.use([rule(for_s=300.0)], 0)
    before.seconds(*[42] * 20)
    after = restarted(before, 3, [rule("rule.other")])
    after.seconds(42)
    assert list(after.tables["alerts"]) == ["rule.other"]
    assert [item.type for item in after.events if item.aggregate_id == "rule.queue"] == []


@pytest.mark.parametrize(("ceased_s", "outage_s", "left"), [(20, 3, 37), (0, 3, 57), (20, 200, 1)])
def test_what_is_left_of_keep_firing_for_goes_on(ceased_s: int, outage_s: int, left: int) -> None:
    rules = [rule(keep_firing_s=60.0)]
    before = Recorder()
    before.alerting.use(rules, 0)
    before.seconds(42, *[3] * ceased_s)
    assert (before.tables["alerts"]["rule.queue"][cells.CEASED] is not None) is (ceased_s > 0)
    after = restarted(before, outage_s, rules)
    seconds = 0
    while not any(item.type == "alert.resolved" for item in after.events):
        after.seconds(3)
        seconds += 1
    assert seconds == left


def test_a_row_of_an_older_recording_has_no_time_of_ceasing() -> None:
    rules = [rule(keep_firing_s=60.0)]
    older = {key: row[: cells.CEASED] for key, row in stored().items()}
    after = Recorder(older)
    after.alerting.use(rules, 0)
    after.seconds(3)
    assert state(after) == "firing"


def test_the_panels_that_its_actions_name_are_told() -> None:
    recorder = Recorder()
    named = (Action("notify.dashboard", panel="GPU"), Action("notify.dashboard", panel="ui_metrics"))
    recorder.alerting.use([rule(actions=named), rule("rule.other")], 0)
    recorder.seconds(42)
    told = {key: row[cells.PANELS] for key, row in recorder.tables["alerts"].items()}
    assert told == {"rule.queue": "gpus", "rule.other": ""}


def test_seconds_that_wait_for_the_past_are_judged_later_and_not_for_ever() -> None:
    recorder = Recorder()
    recorder.alerting.hold()
    recorder.alerting.use([rule()], 0)
    recorder.seconds(*[42] * 14)
    assert recorder.told() == []
    fired_ns = recorder.clock.now().time_ns - 13 * NS_PER_S
    recorder.seconds(42)
    assert recorder.told() == [("alert.fired", True)]
    assert recorder.events[0].time_ns == fired_ns, "the second in which it was"
    recorder.seconds(3)
    assert recorder.told()[-1] == ("alert.resolved", True)
