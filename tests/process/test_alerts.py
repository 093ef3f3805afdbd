"""Alerts with a real recorder: from a pushed step to the event, over restarts, by commands."""

from __future__ import annotations

import json
import time

import pytest

from tests.alerted import KEY, Pusher, alerts, alone, fired, rule, rule_row, told, wftop, write
from tests.harness import View, events, recorder, until
from tests.recording import CPU, Recording
from wftui.model import alerts as cells
from wftui.paths import places

STATE, REASON = cells.RULES.index("rule.state"), cells.RULES.index("rule.reason")


@pytest.mark.quiet
def test_a_step_is_an_event_within_two_seconds() -> None:
    alone()
    write(rule(debounce={"cooldown_ms": 1000}))
    with recorder() as running, View(running.where) as view, Pusher() as pusher:
        running.ticks(3)
        slowest_s = 0.0
        for _ in range(3):
            until(lambda: rule_row(running.where, "level")[STATE] == "inactive", 20, "a calm rule")
            began = time.time_ns()
            pusher.level = 80.0
            event = told(view, "alert.fired")
            slowest_s = max(slowest_s, (time.time_ns() - began) / 1e9)
            assert event.payload["message"] == f"level is at {event.payload['value']:.4g}"
            assert event.payload["value"] > event.payload["threshold"] == 50
            assert event.payload["told"] is True, event.payload["why_not"]
            pusher.level = 0.0
            over = told(view, "alert.resolved")
            assert over.payload["rule"] == "rule.level"
        # 50 of 80 must be the mean of a whole second: a step in the middle of one counts in the next.
        print(f"slowest: {slowest_s:.2f} s")  # noqa: T201  the figure, shown by pytest -s
        assert slowest_s < 2.5
        assert running.stop() == 0
        assert running.errors() == ""


def test_commands_list_acknowledge_silence_resolve_and_remember() -> None:
    alone()
    write(rule(), rule("other", value=60, severity="critical"))
    assert "nothing was recorded there yet" in wftop("alerts", code=7)
    with recorder() as running, View(running.where) as view:
        assert wftop("alerts").splitlines()[0] == "nothing fires"
        wftop("alerts", "list", "--quiet")
        with fired(view):
            until(lambda: len(alerts(running.where)) == 2, 10, "both")
            lines = wftop("alerts", "list").splitlines()
            assert [line.split()[0] for line in lines] == ["critical", "warning"], "the worst first"
            assert "level is at 80; now 80, limit 50" in lines[1]
            wftop("alerts", "list", "--quiet", code=1)
            wftop("alerts", "list", "--quiet", "--severity", "critical", code=1)
            assert wftop("alerts", "ack", "lev", "--note", "on it") == f"acknowledged {KEY}\n"
            assert "there is no alert that fires called cpu" in wftop("alerts", "ack", "cpu", code=2)
            assert 'may be rule.level{source="t"}, rule.other' in wftop("alerts", "ack", "rule.", code=2)
            wftop("alerts", "silence", "lev", "--for", "2h", "--reason", "moving it")
            wftop("alerts", "silence", "nobody", code=2)
            wftop("alerts", "silence", "severity=critical", "--for", "nonsense", code=2)
            found = json.loads(wftop("alerts", "list", "--json"))
            assert found["recorder"] is True
            own = next(item for item in found["alerts"] if item["key"] == KEY)
            assert own["state"] == "firing"
            assert own["labels"] == {"source": "t"}
            assert own["note"] == "on it"
            assert own["acknowledged_by"]
            [silence] = found["silences"]
            assert own["silence"] == silence["id"]
            assert silence["matchers"] == {"alert": KEY}
            assert silence["reason"] == "moving it"
            assert 2 * 3600e9 - silence["until_ns"] + silence["created_ns"] == 0
            assert silence["id"] in wftop("alerts", "unsilence", silence["id"][-6:])
            assert json.loads(wftop("alerts", "list", "--json"))["silences"] == []
            wftop("alerts", "resolve", "other", "--note", "enough")
        kinds = [item["type"] for item in json.loads(wftop("alerts", "history", "--json"))["events"]]
        assert kinds.count("alert.fired") >= 2
        assert {"alert.acknowledged", "silence.set", "silence.ended", "alert.resolved"} <= set(kinds)
        of_rule = json.loads(wftop("alerts", "history", "--rule", "level", "--json"))["events"]
        assert {item["rule"] for item in of_rule} == {"rule.level"}
        assert running.stop() == 0
        assert running.errors() == ""
    lines = wftop("alerts").splitlines()
    assert lines[0].startswith("as of ")
    assert lines[0].endswith(", no recorder runs")
    assert any(KEY in line and "acknowledged by" in line for line in lines)
    assert "no recorder answers" in wftop("alerts", "list", "--quiet", code=6)
    assert "no recorder answers" in wftop("alerts", "ack", "level", code=6)
    assert "acknowledged" in wftop("alerts", "history")


def test_a_silence_outlives_the_recorder_and_ends_by_a_person() -> None:
    alone()
    write(rule())
    with recorder() as running:
        running.ticks(2)
        wftop("alerts", "silence", "level")
        assert running.stop() == 0
    with recorder() as running, View(running.where) as view, fired(view) as (_, event):
        assert event.payload["told"] is False
        assert event.payload["why_not"].startswith("silenced by ")
        [row] = until(lambda: alerts(running.where), 5, "the alert").values()
        assert row[cells.STATE] == cells.FIRING, "a silence changes no state"
        assert row[cells.SILENCE] == event.payload["why_not"].removeprefix("silenced by ")
        assert running.stop() == 0


def test_what_was_usual_is_known_from_before_the_start() -> None:
    alone()
    usual = {"metric": CPU.series.name, "operator": ">", "value": 5000, "baseline": "1h_avg"}
    usual["threshold_type"] = "percentage_change"
    write(rule("odd", conditions={"when_all": [usual]}))
    now_s = int(time.time())
    with Recording(places().data_dir) as past:
        for second in range(now_s - 3000, now_s, 5):
            past.tick(second, {CPU: 0.25})
    with recorder() as running:
        until(lambda: rule_row(running.where, "odd")[STATE] == "warming", 15, "that it warms up")
        row = until(
            lambda: row if (row := rule_row(running.where, "odd"))[STATE] != "warming" else None, 40, "warmth"
        )
        assert row[STATE] == "inactive", row
        assert row[REASON] == ""
        assert running.stop() == 0
        assert running.errors() == ""


def test_rules_change_while_it_runs() -> None:
    alone("rule.rules-broken")
    write(rule())
    with recorder() as running, View(running.where) as view, fired(view) as (pusher, _):
        write(rule(value=90))
        assert told(view, "alert.resolved").payload["reason"] == "the rule was changed"
        until(lambda: rule_row(running.where, "level")[STATE] == "inactive", 15, "the changed rule")
        write(text='[{"id": "rule.level", ')
        until(lambda: events(running.where, "rules.broken"), 15, "the mistake")
        pusher.level = 95.0
        told(view, "alert.fired")  # the last good rules go on
        [problem] = [str(item["problem"]) for item in events(running.where, "rules.broken")]
        assert "own.json" in problem
        told(view, "alert.fired", "rule.rules-broken")
        write(rule(value=90))
        told(view, "alert.resolved", "rule.rules-broken", 60)
        wftop("rules", "disable", "level")
        assert told(view, "alert.resolved").payload["reason"] == "the rule is gone or off"
        until(lambda: rule_row(running.where, "level")[STATE] == "off", 15, "that it is off")
        assert KEY not in alerts(running.where)
        assert running.stop() == 0
        assert running.errors() == ""
