"""A condition and its number as a person reads them."""

import json
import math

import pytest

from wftui.alerts import load
from wftui.alerts.judges import ThresholdJudge
from wftui.alerts.number import Number
from wftui.alerts.rule import Threshold
from wftui.alerts.signals import Signal
from wftui.alerts.states import FIRED, Alert
from wftui.alerts.words import condition_text, message_text
from wftui.clock import Instant
from wftui.model.sample import Column, column

SUM = column("s", "gen_ai.server.time_to_first_token", {"server": "a"}, stat="sum", call="x")
COUNT = column("s", "gen_ai.server.time_to_first_token", {"server": "a"}, stat="count", call="x")
QUEUE = column("s", "system.cpu.run_queue", call="x")
CORES = column("s", "system.cpu.logical.count", call="x")
KILLS = column("s", "system.memory.oom_kills", call="x")


def threshold(fields: dict[str, object]) -> Threshold:
    raw = json.dumps({"id": "rule.x", "conditions": {"when_all": [fields]}}).encode()
    (found,) = load.rules(raw, "x.json")
    assert isinstance(found.condition, Threshold)
    return found.condition


@pytest.mark.parametrize(
    ("fields", "series", "per", "unit"),
    [
        ({"metric": "gen_ai.server.time_to_first_token", "window": "1m"}, SUM, COUNT, "s"),
        ({"metric": 'gen_ai.server.time_to_first_token{stat="count"}', "window": "1m"}, COUNT, None, ""),
        ({"metric": "system.cpu.run_queue", "per": "system.cpu.logical.count"}, QUEUE, CORES, ""),
        ({"metric": "system.cpu.run_queue", "per": "system.cpu.run_queue"}, QUEUE, QUEUE, "1"),
        ({"metric": "system.memory.oom_kills", "window": "1m"}, KILLS, None, "{process}/s"),
        ({"metric": "system.memory.oom_kills", "window": "1m", "aggregation": "sum"}, KILLS, None, "{process}"),
    ],
    ids=range(6),
)
def test_the_unit_of_what_is_compared(
    fields: dict[str, object], series: Column, per: Column | None, unit: str
) -> None:
    leaf = threshold(fields | {"operator": ">", "value": 1})
    assert bool(leaf.query.per) is (per is not None)
    assert Number(leaf.query, Signal(series), None if per is None else Signal(per)).unit == unit


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"metric": "ttft_ms", "operator": ">", "value": 1500, "window": "1m"},
            "avg(gen_ai.server.time_to_first_token",
        ),
        (
            {"metric": "system.cpu.run_queue", "per": "system.cpu.logical.count", "operator": ">", "value": 4},
            "system.cpu.run_queue / system.cpu.logical.count > 4",
        ),
        (
            {"metric": "oom_kills", "operator": ">", "value": 3, "window": "5m", "aggregation": "sum"}
            | {"metric": "system.memory.oom_kills"},
            "sum(system.memory.oom_kills over 5m) > 3",
        ),
        (
            {
                "metric": "cpu_percent",
                "operator": ">",
                "value": 90,
                "often": {"times": 3, "within": "10s"},
            },
            "system.cpu.utilization > 90 % in 3 of 10s",
        ),
        (
            {"metric": 'ux.frame.rate{source="*", mode="1s"}', "operator": "<", "value": 45},
            'ux.frame.rate{mode="1s",source="*"} < 45 frame/s',
        ),
        (
            {"metric": 'system.filesystem.utilization{mount="/a*}\\"b"}', "operator": ">", "value": 0.5},
            'system.filesystem.utilization{mount="/a*}\\"b"} > 50 %',
        ),
    ],
    ids=range(6),
)
def test_a_condition_in_words(fields: dict[str, object], words: str) -> None:
    raw = json.dumps({"id": "rule.x", "conditions": {"when_all": [fields]}}).encode()
    text = condition_text(load.rules(raw, "x.json")[0])
    assert words in text
    if "ttft" in str(fields["metric"]):
        assert "> 1.5 s" in text
        assert "%" not in text
    else:
        assert text == words


def test_a_message_tells_the_last_value_that_was_known() -> None:
    raw = {"id": "rule.x", "message": "{value} of {threshold}", "for": 0}
    leaf = {"metric": "system.cpu.utilization", "operator": ">", "value": 90, "unit": "%"}
    (rule,) = load.rules(json.dumps(raw | {"conditions": {"when_all": [leaf]}}).encode(), "x.json")
    assert isinstance(rule.condition, Threshold)
    signal = Signal(column("s", "system.cpu.utilization", call="x"))
    alert = Alert(rule, (), ThresholdJudge(Number(rule.condition.query, signal), rule.condition))
    assert message_text(alert) == "- of 90 %"
    signal.value = 0.95
    assert alert.second(alert.judge.holds(False), Instant(0, 10**9), follows=True) == FIRED
    assert message_text(alert) == "95 % of 90 %"
    signal.value = math.nan
    alert.second(alert.judge.holds(True), Instant(0, 2 * 10**9), follows=True)
    assert message_text(alert) == "95 % of 90 %"
