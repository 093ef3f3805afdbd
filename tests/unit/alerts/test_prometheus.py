"""What Prometheus and Alertmanager say of rules, as cases of our own; and where we differ on purpose.

Facts: prometheus.io docs "Alerting rules", "Unit testing for rules", "Querying basics" (staleness), "Query
functions"; rules/alerting.go (an alert fires when ``ts - ActiveAt >= for``); Alertmanager docs "Inhibition".

Where we differ on purpose:

- Staleness. There a series without a sample vanishes after five minutes at most, and its alert with it, resolved.
  Here it is unknown at once: an unknown condition starts no alert and breaks what pends, and keeps what fires for
  five minutes (or ``keep_firing_for``, if that is longer).
- A range there holds what there is; here a window is known when it is as old as it is long, so a start fires
  nothing by the average of one second.
- ``keep_firing_for`` is counted from the last second that held, as the documentation says; there the code counts
  from the first evaluation that did not, one evaluation later.
- ``absent()`` has no labels unless its selector says some; here what was there keeps its labels.
- ``predict_linear`` draws a line through any noise; here a slope must be sure (four standard errors), and lead
  toward the limit.
- Comparisons there drop what does not compare; here ``not`` of an unknown is unknown, not true.
- ``rate`` there extrapolates over a range and adds up over resets; here a rate is of one second or one interval,
  and the second of a reset has none.
- Inhibition there needs ``equal`` to name labels, and a label that both lack is equal; here those count that both
  have.
"""

from __future__ import annotations

from typing import Final

from tests.unit.alerts.machine import Machine, rule, short, states, threshold
from wftui.alerts.desk import inhibitor
from wftui.alerts.rule import Absent, All, Condition, Forecast, Not, Query, Rule
from wftui.alerts.states import FIRED, PENDED, RESOLVED
from wftui.model.alerts import FIRING

UP: Final = "wftop.source.coverage"
CPU: Final = "system.cpu.utilization"
DOWN: Final[Condition] = threshold(UP, "==", 0)
A: Final = f'{UP}{{source="a"}}'
B: Final = f'{UP}{{source="b"}}'
ALERT_A: Final = 'rule.r{source="a"}'
ALERT_B: Final = 'rule.r{source="b"}'


def kinds(machine: Machine) -> list[tuple[str, str]]:
    return [(kind, alert.key) for kind, alert in machine.changes]


def test_01_without_for_it_fires_with_the_first_evaluation() -> None:
    machine = Machine([rule(DOWN)])
    machine.step({A: 0.0})
    assert kinds(machine) == [(FIRED, ALERT_A)]


def test_02_with_for_it_pends_first() -> None:
    machine = Machine([rule(DOWN, for_s=300)])
    machine.step({A: 0.0})
    assert kinds(machine) == [(PENDED, ALERT_A)]


def test_03_it_fires_when_it_was_active_for_exactly_for() -> None:
    assert states(DOWN, {A: "0x302"}, for_s=300) == {ALERT_A: "300p 2F"}


def test_04_each_evaluation_within_for_must_hold() -> None:
    assert states(DOWN, {A: "0x300 1 0x302"}, for_s=300) == {ALERT_A: "300p . 300p 2F"}


def test_05_what_pends_and_ends_was_never_there() -> None:
    machine = Machine([rule(DOWN, for_s=5)])
    machine.run({A: "0x3"})
    machine.step({A: 1.0})
    assert kinds(machine) == []
    assert machine.alert(ALERT_A).fired_value != machine.alert(ALERT_A).fired_value


def test_06_it_resolves_with_the_first_evaluation_that_does_not_hold() -> None:
    machine = Machine([rule(DOWN)])
    machine.run({A: "0x3"})
    machine.step({A: 1.0})
    assert kinds(machine) == [(RESOLVED, ALERT_A)]


def test_07_keep_firing_for_bridges_a_short_recovery() -> None:
    machine = Machine([rule(DOWN, keep_s=10)])
    assert machine.run({A: "0x3 1x9 0x3"}) == {ALERT_A: "15F"}
    assert len(machine.alert(ALERT_A).fired) == 1


def test_08_keep_firing_for_ends_then() -> None:
    assert states(DOWN, {A: "0x3 1x12"}, keep_s=10) == {ALERT_A: "12F 3."}


def test_09_keep_firing_for_does_not_keep_what_pends() -> None:
    assert states(DOWN, {A: "0x3 1x3"}, for_s=5, keep_s=10) == {ALERT_A: "3p 3."}


def test_10_after_keep_firing_for_it_pends_again() -> None:
    assert states(DOWN, {A: "0x6 1x5 0x6"}, for_s=5, keep_s=3) == {ALERT_A: "5p 3F 3. 5p F"}


def test_11_each_element_is_an_alert_with_its_labels() -> None:
    assert states(DOWN, {A: "0x3", B: "1 0 1"}) == {ALERT_A: "3F", ALERT_B: ". F ."}


def test_12_elements_pend_by_themselves() -> None:
    seen = states(DOWN, {A: "0x6", B: "1x3 0x3"}, for_s=4)
    assert seen == {ALERT_A: "4p 2F", ALERT_B: "3. 3p"}


def test_13_an_element_that_appears_later_begins_then() -> None:
    assert states(DOWN, {A: "1x6", B: "-x3 0x3"}, for_s=2) == {ALERT_B: "3. 2p F"}


def test_14_the_value_is_that_of_the_newest_evaluation() -> None:
    machine = Machine([rule(threshold(CPU, ">", 5))])
    machine.run({CPU: "7 9 6"})
    assert (machine.alert().judge.value, machine.alert().fired_value, machine.alert().worst) == (6, 7, 9)


def test_15_a_comparison_is_of_numbers_and_never_of_none() -> None:
    for sign in ("<", "!=", "<="):
        assert states(threshold(CPU, sign, 5), {CPU: "_x5"}) == {}


def test_16_and_joins_elements_with_the_same_labels() -> None:
    late = "wftop.source.duration"
    both = All((DOWN, threshold(late, ">", 1)))
    seen = states(both, {A: "0x3", B: "0x3", f'{late}{{source="a"}}': "9 0 9", f'{late}{{source="b"}}': "0x3"})
    assert seen == {ALERT_A: "F . F"}


def test_17_unless_is_and_not() -> None:
    late = "wftop.source.duration"
    seen = states(All((DOWN, Not(threshold(late, ">", 1)))), {A: "0x3", f'{late}{{source="a"}}': "0 9 0"})
    assert seen == {ALERT_A: "F . F"}


def test_18_absent_of_what_was_never_there() -> None:
    assert states(Absent(UP, 1), {CPU: "1x3"}) == {"rule.r": "3F"}


def test_19_absent_ends_with_the_first_value() -> None:
    assert states(Absent(UP, 1), {CPU: "1x5", A: "-x3 1x2"}) == {"rule.r": "3F 2."}


def test_20_absent_over_time() -> None:
    """``absent_over_time(x[5s])``: with labels here, see above."""
    assert states(Absent(UP, 5), {A: "1x2 _x6 1"}) == {ALERT_A: "6. 2F ."}


def test_21_predict_linear_leads_to_an_alert() -> None:
    """A byte a second, 400 are left, ten minutes ahead."""
    leads = Forecast(Query("system.memory.available", "last", 100), "<", 0, 600)
    seen = states(leads, {"system.memory.available": "500+-1x200"})
    assert seen["rule.r"].endswith("F")
    assert states(leads, {"system.memory.available": "5000+-1x200"}) == {}


def test_22_predict_linear_of_a_flat_line_is_that_line() -> None:
    assert states(Forecast(Query(CPU, "last", 100), ">", 50, 9000), {CPU: "40x300"}) == {}


def test_23_a_counter_that_starts_again_is_no_negative_rate() -> None:
    machine = Machine([rule(threshold(CPU, "<", 0))], counters={CPU})
    assert machine.run({CPU: "100+5x5 3+5x5"}) == {}


def test_24_a_rate_needs_two_values() -> None:
    machine = Machine([rule(threshold(CPU, ">=", 0))], counters={CPU})
    assert machine.run({CPU: "7 7"}) == {"rule.r": ". F"}


def test_25_avg_over_time_may_fire_where_no_value_does_now() -> None:
    assert states(threshold(CPU, ">", 5, "avg", 4), {CPU: "1x2 9x3 0x3"}) == {"rule.r": "4. 2F 2."}


def test_26_quantile_over_time_does_not_mind_a_spike() -> None:
    spike = "1x50 900 1x50"
    assert states(threshold(CPU, ">", 5, "p95", 30), {CPU: spike}) == {}
    assert states(threshold(CPU, ">", 5, "max", 30), {CPU: spike}) == {"rule.r": "50. 30F 21."}


def test_27_inhibition_needs_equal_labels() -> None:
    """The machine's alert mutes those of its sources where their labels are the same, never itself."""
    other = Rule("rule.other", threshold("wftop.source.duration", ">", 1), inhibited_by=("rule.r",))
    machine = Machine([rule(DOWN), other])
    late = 'wftop.source.duration{{source="{}"}}'
    machine.run({A: "0", B: "1", late.format("a"): "9", late.format("b"): "9"})
    alerts = list(machine.engine.alerts())
    assert inhibitor(machine.alert('rule.other{source="a"}'), alerts) == ALERT_A
    assert inhibitor(machine.alert('rule.other{source="b"}'), alerts) == ""
    assert inhibitor(machine.alert(ALERT_A), alerts) == ""


def test_28_what_pends_inhibits_nothing() -> None:
    other = Rule("rule.other", threshold("wftop.source.duration", ">", 1), inhibited_by=("rule.r",))
    machine = Machine([rule(DOWN, for_s=5), other])
    machine.run({A: "0", 'wftop.source.duration{source="a"}': "9"})
    assert inhibitor(machine.alert('rule.other{source="a"}'), machine.engine.alerts()) == ""


def test_29_inhibition_leaves_the_state_alone() -> None:
    other = Rule("rule.other", threshold("wftop.source.duration", ">", 1), inhibited_by=("rule.r",))
    machine = Machine([rule(DOWN), other])
    machine.run({A: "0", 'wftop.source.duration{source="a"}': "9"})
    assert machine.alert('rule.other{source="a"}').state == FIRING


def test_30_staleness_here_an_alert_outlives_its_series_for_five_minutes() -> None:
    """There it resolves with the evaluation after the stale marker."""
    assert states(DOWN, {A: "0x3 -x310", CPU: "1x313"}) == {ALERT_A: "302F 11."}


def test_31_staleness_here_a_missed_scrape_breaks_what_pends() -> None:
    """There a sample is looked back for five minutes."""
    assert states(DOWN, {A: "0x3 _ 0x3"}, for_s=5) == {ALERT_A: "3p . 3p"}


def test_32_a_range_here_is_known_when_it_is_full() -> None:
    assert states(threshold(CPU, ">", 5, "max", 10), {CPU: "9x12"}) == {"rule.r": "9. 3F"}


def test_33_rules_that_are_read_again_keep_their_alerts() -> None:
    """As there: the state of a rule that did not change is copied."""
    machine = Machine([rule(DOWN, for_s=3)])
    machine.run({A: "0x2"})
    assert machine.engine.use([rule(DOWN, for_s=3)], machine.now) == []
    assert machine.run({A: "0x3"}) == {ALERT_A: "3p 2F"}


def test_34_a_rule_that_is_gone_resolves() -> None:
    machine = Machine([rule(DOWN)])
    machine.run({A: "0x2"})
    assert [kind for kind, _ in machine.engine.use([], machine.now)] == [RESOLVED]
    assert short(machine.seen[ALERT_A]) == "2F"
