"""Who is told: silences, inhibition, quiet hours, cooldowns and limits; a state is never changed by them."""

import math

import pytest

from wftui.alerts.desk import MOST, Desk, inhibitor
from wftui.alerts.logic import Unbound
from wftui.alerts.rule import Query, Quiet, Rule, Threshold
from wftui.alerts.silences import Silence, holding, matchers
from wftui.alerts.states import ENDED, ESCALATED, FIRED, PENDED, RESOLVED, Alert
from wftui.clock import NS_PER_S, Instant
from wftui.errors import ConfigError
from wftui.model.alerts import FIRING
from wftui.model.series import pairs

CONDITION = Threshold(Query("system.cpu.utilization"), ">", 0.9)


def at(seconds: float) -> Instant:
    return Instant(
        time_ns=int((1_800_000_000 + seconds) * NS_PER_S), boottime_ns=int((5_000 + seconds) * NS_PER_S)
    )


def alert(rule: str = "rule.cpu", labels: tuple[tuple[str, str], ...] = (), **more: object) -> Alert:
    made = Alert(Rule(rule, CONDITION, **more), labels, Unbound())  # type: ignore[arg-type]  # fields of a rule
    made.state = FIRING
    return made


def test_a_firing_and_its_end_are_told() -> None:
    desk, one = Desk(), alert()
    assert not desk.why_not(FIRED, one, at(0), "", "")
    assert not desk.why_not(RESOLVED, one, at(9), "", "")


def test_what_is_pending_is_told_to_nobody() -> None:
    assert Desk().why_not(PENDED, alert(), at(0), "", "")


def test_the_end_of_what_nobody_was_told_is_not_told() -> None:
    desk, one = Desk(), alert()
    assert "silence-7" in desk.why_not(FIRED, one, at(0), "silence-7", "")
    assert desk.why_not(RESOLVED, one, at(9), "", "") == "nobody was told that it fired"
    assert desk.why_not(ENDED, one, at(9), "", "")


def test_the_end_is_told_in_the_middle_of_a_cooldown() -> None:
    desk, one = Desk(), alert(cooldown_s=300.0)
    assert not desk.why_not(FIRED, one, at(0), "", "")
    assert not desk.why_not(RESOLVED, one, at(5), "", "")
    assert "ago" in desk.why_not(FIRED, one, at(10), "", "")
    assert "ago" in desk.why_not(FIRED, one, at(299), "", "")
    assert not desk.why_not(FIRED, one, at(300), "", "")


def test_a_cooldown_is_of_one_alert_not_of_the_rule() -> None:
    desk = Desk()
    first = alert(labels=(("gpu", "a"),), cooldown_s=300.0)
    second = alert(labels=(("gpu", "b"),), cooldown_s=300.0)
    assert not desk.why_not(FIRED, first, at(0), "", "")
    assert not desk.why_not(FIRED, second, at(1), "", "")


def test_worse_is_told_in_a_cooldown() -> None:
    desk, one = Desk(), alert(cooldown_s=300.0)
    assert not desk.why_not(FIRED, one, at(0), "", "")
    assert not desk.why_not(ESCALATED, one, at(60), "", "")


def test_a_rule_is_told_so_often_at_most() -> None:
    desk = Desk()
    many = [alert(labels=(("gpu", str(number)),), most=(2, 60.0)) for number in range(3)]
    assert [bool(desk.why_not(FIRED, item, at(0), "", "")) for item in many] == [False, False, True]
    assert not desk.why_not(FIRED, many[2], at(60), "", "")


def test_all_rules_together_are_told_ten_times_a_minute() -> None:
    desk = Desk()
    many = [alert(f"rule.r{number}") for number in range(MOST + 3)]
    told = [not desk.why_not(FIRED, item, at(0), "", "") for item in many]
    assert told == [True] * MOST + [False] * 3
    assert desk.held == 3
    assert not desk.why_not(FIRED, many[-1], at(60), "", "")


@pytest.mark.parametrize(
    ("quiet", "minute", "silent"),
    [
        (Quiet(22 * 60, 7 * 60), 23 * 60, True),
        (Quiet(22 * 60, 7 * 60), 6 * 60 + 59, True),
        (Quiet(22 * 60, 7 * 60), 7 * 60, False),
        (Quiet(22 * 60, 7 * 60), 12 * 60, False),
        (Quiet(12 * 60, 13 * 60), 12 * 60, True),
        (Quiet(12 * 60, 13 * 60), 13 * 60, False),
        (Quiet(0, 0), 0, False),
    ],
)
def test_quiet_hours(quiet: Quiet, minute: int, silent: bool) -> None:
    desk = Desk(lambda _: minute)
    assert (desk.why_not(FIRED, alert(quiet=(quiet,)), at(0), "", "") == "quiet hours") is silent
    assert not desk.why_not(FIRED, alert("rule.worse", quiet=(quiet,), severity="critical"), at(0), "", "")


def test_an_alert_is_inhibited_by_one_of_the_same_labels() -> None:
    lost = alert("rule.gpu-lost", (("gpu", "a"),))
    hot = alert("rule.gpu-hot", (("gpu", "a"), ("sensor", "memory")), inhibited_by=("rule.gpu-lost",))
    other = alert("rule.gpu-hot", (("gpu", "b"), ("sensor", "memory")), inhibited_by=("rule.gpu-lost",))
    assert inhibitor(hot, [lost, hot, other]) == lost.key
    assert inhibitor(other, [lost, hot, other]) == ""
    assert inhibitor(lost, [lost, hot, other]) == ""
    lost.state = "pending"
    assert inhibitor(hot, [lost]) == ""


def test_an_alert_is_not_inhibited_by_one_of_another_kind_of_thing() -> None:
    slow = alert("rule.slow", (("source", "game"),))
    view = alert("rule.late", (("view", "1"),), inhibited_by=("rule.slow", "rule.all"))
    assert inhibitor(view, [slow, view]) == ""
    everything = alert("rule.all", ())
    assert inhibitor(view, [slow, everything, view]) == everything.key
    whole = alert("rule.whole", (), inhibited_by=("rule.slow",))
    assert inhibitor(whole, [slow]) == slow.key


def silence(*texts: str, until_s: float = 60) -> Silence:
    return Silence("s", matchers(texts), at(until_s).time_ns, at(0).time_ns)


@pytest.mark.parametrize(
    ("texts", "fits"),
    [
        (["rule.gpu-hot"], True),
        (["rule.gpu"], False),
        (["severity=warning"], True),
        (["severity=critical"], False),
        (["gpu=a"], True),
        (['gpu="a"', "category=system"], True),
        (["gpu=a", "sensor=memory"], False),
        (['rule.gpu-hot{gpu="a"}'], True),
        (['rule.gpu-hot{gpu="b"}'], False),
    ],
)
def test_a_silence_fits_when_all_of_its_matchers_do(texts: list[str], fits: bool) -> None:
    one = alert("rule.gpu-hot", (("gpu", "a"),))
    assert (holding([silence(*texts)], one, at(0).time_ns) is not None) is fits


def test_a_silence_ends() -> None:
    one = alert()
    assert holding([silence("rule.cpu")], one, at(59).time_ns)
    assert holding([silence("rule.cpu")], one, at(60).time_ns) is None


def test_what_a_silence_says_can_be_read_again() -> None:
    made = silence('rule.gpu-hot{gpu="a \\"b\\" \\\\"}', "severity=info")
    assert tuple(pairs(made.text).items()) == made.matchers


@pytest.mark.parametrize("text", ["", "rule", "=x", "gpu=", "rule.a{", "rule.a{gpu=1}"])
def test_what_is_no_matcher_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match="silence: expected"):
        matchers([text])


def test_everything_is_never_silenced_by_saying_nothing() -> None:
    with pytest.raises(ConfigError, match="at least one"):
        matchers([])


def test_an_alert_that_nobody_looked_at_has_no_value() -> None:
    assert math.isnan(alert().judge.value)
