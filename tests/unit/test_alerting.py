"""The recorder's end of alerts: what its tables say at once, and what is remembered over an end and a start."""

from collections.abc import Mapping
from typing import Any, cast

from tests.fakeclock import FakeClock
from tests.unit.alerts.machine import column
from wftui.alerts.rule import Query, Rule, Threshold
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

    def __init__(self, stored: Mapping[str, Row] | None = None) -> None:
        self.clock = FakeClock()
        self.events: list[Event] = []
        self.tables: dict[str, Mapping[str, Row]] = {}
        nobody = cast("Any", Nobody())  # it has what is called
        emit = Emitter(self.clock, self.events.append)
        self.alerting = Alerting(
            self.clock, emit, lambda name: self.tables.get(name, {}), self.publish, lambda *_: None, nobody, nobody
        )
        self.alerting.restore({"alerts": stored or {}})
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
            tick = Tick(self.number, at.time_ns // NS_PER_S, at.boottime_ns, 1, 1, pack(array("d", [value])))
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
