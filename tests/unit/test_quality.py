"""wftop's own quality: who lowers it, how it comes back, how often it may change, who has the last word."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pytest

from tests.fakeclock import FakeClock
from wftui import names
from wftui.alerts.logic import Unbound
from wftui.alerts.rule import Action, Query, Rule, Severity, Threshold
from wftui.alerts.states import Alert
from wftui.clock import NS_PER_S
from wftui.errors import ProtocolError
from wftui.model.alerts import FIRING, OVER, PENDING
from wftui.model.quality import BY, CHANGES, CHOSEN, KEY, LEVEL, QUALITY, REASON, RULE, SINCE, UNTIL, WANTED
from wftui.model.table import Row, TableSnapshot
from wftui.recorder.alerting.quality import CALM_S, EVENT, MOST, Quality, closest_hz, slower, wanted
from wftui.wire import codec
from wftui.wire import messages as m

CONDITION = Threshold(Query("system.cpu.utilization"), ">", 0.9)
HOUR_S = 3600


def alert(level: int | None = 3, name: str = "busy", state: str = FIRING, **more: Any) -> Alert:
    made = Alert(Rule(f"rule.{name}", CONDITION, adaptation=level, **more), (), Unbound())
    made.state = state
    return made


class Recorder:
    """What a recorder does for a quality, second by second."""

    def __init__(self, clock: FakeClock | None = None, row: Row | None = None, *, adapt: bool = True) -> None:
        self.clock = clock or FakeClock()
        self.events: list[dict[str, Any]] = []
        self.rows: list[Row] = []
        self.applied: list[int] = []
        self.quality = Quality(self._emit, self._publish, self.applied.append, adapt=adapt)
        self.quality.restore(row, self.clock.now())

    def _emit(self, kind: str, about: tuple[str, str], payload: dict[str, Any]) -> None:
        assert (kind, about) == (EVENT, ("quality", KEY))
        self.events.append(payload)

    def _publish(self, snapshot: TableSnapshot, _at: object, _source: str) -> None:
        assert snapshot.schema is QUALITY
        self.rows.append(snapshot.rows[KEY])

    def second(self, *alerts: Alert, silenced: Iterable[str] = ()) -> dict[str, float]:
        self.clock.advance(NS_PER_S)
        found = self.quality.second(alerts, lambda item: item.key in silenced, self.clock.now())
        return {sample.column.series.text: sample.value for sample in found}

    def seconds(self, count: float, *alerts: Alert) -> list[int]:
        """The levels of so many seconds."""
        levels = []
        for _ in range(int(count)):
            self.second(*alerts)
            levels.append(self.quality.level)
        return levels

    def choose(self, level: int | None, for_s: float = 0, by: str = "ann") -> None:
        self.quality.choose(m.SetQuality(level, int(for_s * NS_PER_S), by), self.clock.now())


def test_the_lowest_that_is_asked_for_holds_at_once() -> None:
    here = Recorder()
    told = here.second()
    assert told == {"wftop.quality.level": 5, "wftop.quality.held_back": 0}
    here.second(alert(4, "a"), alert(2, "b"), alert(3, "c"))
    assert here.quality.level == 2
    assert here.applied == [2]
    assert here.events == [{"before": 5, "after": 2, "rule": "rule.b", "reason": "rule.b fires"}]
    row = here.rows[-1]
    assert (row[LEVEL], row[WANTED], row[RULE], row[CHOSEN], row[CHANGES]) == (2, 2, "rule.b", None, 1)
    assert row[SINCE] == here.clock.time_ns


@pytest.mark.parametrize("state", [PENDING, OVER])
def test_only_what_fires_asks(state: str) -> None:
    here = Recorder()
    here.second(alert(1, state=state))
    assert here.quality.level == 5


def test_five_is_everything_and_no_adaptation_asks_for_nothing() -> None:
    here = Recorder()
    here.second(alert(5), alert(None))
    assert (here.quality.level, here.events) == (5, [])


@pytest.mark.parametrize(("severity", "level"), [("info", 4), ("warning", 3), ("error", 2), ("critical", 1)])
def test_the_action_asks_by_severity_unless_the_rule_has_a_level(severity: Severity, level: int) -> None:
    asks = (Action("signal.performance"),)
    assert wanted(alert(None, severity=severity, actions=asks)) == level
    assert wanted(alert(4, severity=severity, actions=asks)) == 4
    assert wanted(alert(None, severity=severity)) == 5


def test_what_is_silenced_asks_for_nothing() -> None:
    here = Recorder()
    here.second(alert(3), silenced=["rule.busy"])
    assert here.quality.level == 5
    here.second(alert(3))
    assert here.quality.level == 3


def test_switched_off_nothing_lowers_it_but_a_person_does() -> None:
    here = Recorder(adapt=False)
    here.second(alert(1))
    assert here.quality.level == 5
    here.choose(2)
    here.second(alert(1))
    assert here.quality.level == 2


def test_it_comes_back_step_by_step_after_calm() -> None:
    here = Recorder()
    here.seconds(5, alert(3))
    levels = here.seconds(3 * CALM_S)
    assert levels == [3] * int(CALM_S) + [4] * int(CALM_S) + [5] * int(CALM_S)
    assert [(item["before"], item["after"]) for item in here.events] == [(5, 3), (3, 4), (4, 5)]
    assert here.events[1]["reason"] == "for 60 s nobody asked for less than 4"
    assert here.rows[-1][RULE] == ""


def test_calm_begins_anew_when_somebody_asks_in_between() -> None:
    here = Recorder()
    here.second(alert(3))
    here.seconds(CALM_S - 1)
    here.second(alert(3))
    assert here.seconds(CALM_S) == [3] * int(CALM_S)
    here.second()
    assert here.quality.level == 4


def test_it_rises_no_further_than_somebody_still_asks() -> None:
    here = Recorder()
    here.second(alert(1, "worst"), alert(4, "mild"))
    here.seconds(10 * CALM_S, alert(4, "mild"))
    assert here.quality.level == 4
    assert here.rows[-1][RULE] == "rule.mild"


def test_at_most_ten_changes_an_hour_and_the_others_wait_counted() -> None:
    here = Recorder()
    changes = 0
    begun = here.clock.boottime_ns
    while here.quality.held == 0:
        here.second(alert(3))  # one down, two up, each time that it is calm
        here.seconds(2 * CALM_S + 2)
        assert len(here.events) <= MOST
        changes += 1
        assert changes < 10
    assert len(here.events) == MOST
    assert here.rows[-1][CHANGES] == MOST
    assert here.rows[-1][REASON] == "waits: 10 changes within an hour"
    level = here.quality.level
    assert level < 5, "what waits keeps what was saved"
    held = here.second()["wftop.quality.held_back"]
    assert held == 1, "a change that waits is counted once, not each second"
    # The first change leaves the hour: the one that waits follows.
    here.seconds((begun - here.clock.boottime_ns) / NS_PER_S + HOUR_S)
    assert here.quality.level == level
    here.seconds(2)
    assert here.quality.level == level + 1


def test_a_flapping_alert_costs_one_change_while_it_flaps() -> None:
    here = Recorder()
    for _ in range(HOUR_S // 20):
        here.seconds(10, alert(3))
        here.seconds(10)
    assert [item["after"] for item in here.events] == [3]


def test_a_person_has_the_last_word_for_as_long_as_was_said() -> None:
    here = Recorder()
    here.second(alert(2))
    here.choose(5, for_s=600)
    assert here.quality.level == 5
    assert here.events[-1] == {
        "before": 2,
        "after": 5,
        "rule": "",
        "reason": "chosen",
        "by": "ann",
        "until_ns": here.clock.time_ns + 600 * NS_PER_S,
    }
    row = here.rows[-1]
    assert (row[CHOSEN], row[BY], row[UNTIL]) == (5, "ann", here.clock.time_ns + 600 * NS_PER_S)
    assert here.seconds(599, alert(2)) == [5] * 599
    here.second(alert(2))
    assert here.quality.level == 2
    assert here.events[-1] == {
        "before": 5,
        "after": 2,
        "rule": "rule.busy",
        "reason": "the time of the choice is over",
    }
    assert here.rows[-1][CHOSEN] is None


def test_a_person_leaves_it_to_the_alerts_again() -> None:
    here = Recorder()
    here.choose(1)
    assert here.seconds(10_000) == [1] * 10_000
    here.choose(None)
    assert here.quality.level == 5, "no calm is waited for: nobody asked for less"
    assert here.events[-1]["by"] == "ann"
    with pytest.raises(ProtocolError, match="the alerts decide already"):
        here.choose(None)


def test_what_a_person_does_is_no_change_by_alerts() -> None:
    here = Recorder()
    for _ in range(3 * MOST):
        here.choose(1)
        here.choose(5)
    here.choose(None)
    here.second(alert(3))
    assert here.quality.level == 3
    assert here.rows[-1][CHANGES] == 1


@pytest.mark.parametrize(
    ("level", "for_s", "said"),
    [(0, 0, "from 1 to 5"), (6, 0, "from 1 to 5"), (3, -1, "a year"), (3, 4e7, "a year")],
)
def test_what_cannot_be_chosen_is_refused_and_changes_nothing(level: int, for_s: float, said: str) -> None:
    here = Recorder()
    with pytest.raises(ProtocolError, match=said):
        here.choose(level, for_s)
    assert (here.quality.level, here.events) == (5, [])


def test_a_restart_goes_on_where_it_was() -> None:
    before = Recorder()
    before.second(alert(2))
    before.seconds(20)
    before.clock.advance(30 * NS_PER_S)
    after = Recorder(before.clock, before.rows[-1])
    assert after.applied == [2]
    assert after.events == []
    after.second(alert(2))
    assert after.quality.level == 2
    assert after.events == [], "it was asked for before"
    row = after.rows[-1]
    assert (row[LEVEL], row[RULE], row[CHANGES]) == (2, "rule.busy", 1)
    assert row[SINCE] == before.rows[-1][SINCE]
    assert after.seconds(CALM_S + 1)[-1] == 3


def test_a_restart_neither_ends_a_choice_nor_makes_it_longer() -> None:
    before = Recorder()
    before.second(alert(3))
    before.choose(5, for_s=100)
    before.seconds(40, alert(3))
    after = Recorder(before.clock, before.rows[-1])
    assert after.seconds(59, alert(3)) == [5] * 59
    after.second(alert(3))
    assert after.quality.level == 3


def test_a_restart_allows_no_more_changes() -> None:
    here = Recorder()
    while not here.quality.held:
        here.second(alert(3))
        here.seconds(2 * CALM_S + 2)
    again = Recorder(here.clock, here.rows[-1])
    level = again.quality.level
    assert again.seconds(10, alert(level - 1)) == [level] * 10
    assert again.quality.held == 1


def test_a_restart_with_adaptation_switched_off_gives_everything() -> None:
    before = Recorder()
    before.second(alert(2))
    after = Recorder(before.clock, before.rows[-1], adapt=False)
    assert after.quality.level == 5
    assert after.applied == []


@pytest.mark.parametrize("level", [None, 0, 6, math.nan, "2"])
def test_a_row_that_cannot_be_is_passed_over(level: Any) -> None:
    before = Recorder()
    before.second(alert(2))
    row = (level, *before.rows[-1][1:])
    assert Recorder(before.clock, row).quality.level == 5


def test_a_wall_clock_that_steps_brings_nothing_back_and_forgets_no_change() -> None:
    here = Recorder()
    here.second(alert(3))
    here.clock.step(2 * HOUR_S * NS_PER_S)
    here.second()
    assert here.quality.level == 3
    here.clock.step(-5 * HOUR_S * NS_PER_S)
    assert here.seconds(CALM_S - 1)[-1] == 3
    assert here.seconds(1) == [4]
    assert here.rows[-1][CHANGES] == 2


def test_the_row_is_told_when_it_changes_and_each_ten_seconds() -> None:
    here = Recorder()
    here.seconds(31)
    assert len(here.rows) == 4
    here.second(alert(3))
    assert len(here.rows) == 5


def test_the_recorder_looks_less_closely_and_more_seldom() -> None:
    assert [closest_hz(level) for level in (5, 4, 3, 2, 1)] == [math.inf, math.inf, 2.0, 1.0, 1.0]
    assert [slower(level) for level in (5, 4, 3, 2, 1)] == [1.0, 1.0, 1.0, 1.0, 2.0]


def test_all_that_it_tells_is_in_the_catalogue() -> None:
    assert EVENT in names.EVENT_TYPES
    here = Recorder()
    assert here.second().keys() <= names.METRICS.keys()
    assert len(here.rows[-1]) == len(QUALITY.columns)


@pytest.mark.parametrize("order", [m.SetQuality(3, 60 * NS_PER_S, "ann"), m.SetQuality(None)])
def test_the_order_passes_the_wire(order: m.SetQuality) -> None:
    assert codec.decode(codec.encode(order, 7)[4:]) == (order, 7)
