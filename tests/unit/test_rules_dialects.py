"""Files of each dialect, and the rules that they mean."""

import json
from pathlib import Path

import pytest

from wftui.alerts import load
from wftui.alerts.reading_rules import COOLDOWN_S, DEFAULT_ACTIONS
from wftui.alerts.rule import (
    Absent,
    Action,
    All,
    Anomaly,
    Any,
    Baseline,
    Condition,
    Escalation,
    Forecast,
    Not,
    Origin,
    Query,
    Quiet,
    Rule,
    Text,
    Threshold,
)

FULL = {
    "id": "rule.frames_and_cpu",
    "version": "1.0",
    "name": "Frames late while the CPU is busy",
    "description": "Both at once for ten seconds.",
    "enabled": True,
    "severity": "warning",
    "category": "performance",
    "conditions": {
        "when_all": [
            {
                "metric": "ui.frame_time_ms.p95",
                "operator": ">",
                "value": 16.67,
                "window": "10s",
                "aggregation": "max",
            },
            {"metric": "system.cpu_percent", "operator": ">=", "value": 85, "window": "10s", "aggregation": "avg"},
        ],
        "when_not": [{"metric": "model.tokens_per_second", "operator": "==", "value": 0}],
    },
    "actions": [
        {
            "type": "notify.toast",
            "level": "warning",
            "message": "Frames are late and the CPU is busy",
            "duration_ms": 5000,
        },
        {"type": "notify.sound", "sound": "system_warning", "volume": 0.7},
        {"type": "notify.dashboard", "panel": "ui_metrics", "highlight": "frames", "message": "here"},
        {"type": "suggest.mitigation", "target": "models.max_parallel", "actions": ["models.reduce_parallel"]},
        {"type": "signal.backup", "message": "later", "duration_ms": 300000},
        {"type": "log.audit", "category": "performance", "details": "frames_cpu"},
        {"type": "webhook.local", "url": "http://127.0.0.1:9000/hook", "method": "POST", "parameters": {"a": 1}},
    ],
    "debounce": {
        "cooldown_ms": 30000,
        "max_frequency": "1_per_minute",
        "escalation": {"after_count": 3, "after_duration_ms": 300000, "upgrade_to": "critical"},
    },
    "privacy": "shareable_anonymous",
    "user_configurable": False,
    "tags": ["ui", "cpu"],
    "created_at": "2026-01-02T03:04:05Z",
    "updated_at": "2026-01-02T03:04:05Z",
}


def of(document: object, file: str = "r.json") -> Rule:
    (found,) = load.rules(json.dumps(document).encode(), file)
    return found


def condition(**fields: object) -> Condition:
    """What one condition of a file means."""
    return of({"id": "rule.x", "conditions": {"when_all": [fields]}}).condition


def test_a_file_of_wf_ops_loads_with_every_field() -> None:
    frames = Query('ux.frame.duration{*stat="p95"*}', "max", 10)
    tokens = Query('inference.tokens.rate{*mode="generation"*}')
    assert of(FULL) == Rule(
        id="rule.frames_and_cpu",
        name="Frames late while the CPU is busy",
        description="Both at once for ten seconds.",
        category="performance",
        condition=All(
            (
                All(
                    (
                        Threshold(frames, ">", 0.01667),
                        Threshold(Query("system.cpu.utilization", "avg", 10), ">=", 0.85),
                    )
                ),
                Not(Threshold(tokens, "==", 0.0)),
            )
        ),
        actions=(
            Action("notify.toast", "Frames are late and the CPU is busy", "warning", 5.0),
            Action("notify.sound", sound="system_warning", volume=0.7),
            Action("notify.dashboard", "here", panel="ui_metrics"),
            Action("suggest.mitigation", target="models.max_parallel", suggestions=("models.reduce_parallel",)),
            Action("signal.backup", "later", duration_s=300.0),
            Action("log.audit", details="frames_cpu"),
            Action("webhook.local", target="http://127.0.0.1:9000/hook"),
        ),
        cooldown_s=30.0,
        most=(1, 60.0),
        escalations=(Escalation("critical", 3, 300.0),),
        message="Frames are late and the CPU is busy",
        tags=("ui", "cpu"),
        privacy="shareable_anonymous",
        user_configurable=False,
        origin=Origin("r.json", "wf-ops"),
    )


def test_the_compact_form_loads() -> None:
    found = of(
        {
            "id": "rule.busy",
            "when_any": [{"metric": "system.cpu_percent", "op": ">", "value": 90, "window": "1m"}],
            "when_all": [{"metric": "model:llama3.1:8b.ttft_ms.p99", "op": ">", "value": 500}],
            "then": [{"action": "toast", "level": "warn", "message": "busy"}, {"action": "log.debug"}],
        }
    )
    first = 'gen_ai.server.time_to_first_token{*model="llama3.1:8b"*stat="p99"*}'
    client = 'gen_ai.client.operation.time_to_first_chunk{*model="llama3.1:8b"*stat="p99"*}'
    assert found == Rule(
        id="rule.busy",
        condition=All(
            (
                Any((Threshold(Query(first), ">", 0.5), Threshold(Query(client), ">", 0.5))),
                Threshold(Query("system.cpu.utilization", "avg", 60), ">", 0.9),
            )
        ),
        severity="warning",
        actions=(Action("notify.toast", "busy", "warning"), Action("log.debug")),
        cooldown_s=COOLDOWN_S,
        message="busy",
        origin=Origin("r.json", "wf-ops-compact"),
    )


def test_the_compact_form_takes_the_severity_of_its_action() -> None:
    found = of(
        {
            "id": "rule.busy",
            "when_any": [{"metric": "cpu_percent", "op": ">", "value": 90}],
            "then": [{"action": "notify.toast", "level": "critical"}],
        }
    )
    assert found.severity == "critical"


def test_our_own_fields() -> None:
    found = of(
        {
            "id": "rule.mine",
            "conditions": {"when_all": [{"metric": "server.state", "operator": "regex", "value": "^fail"}]},
            "for": "5m",
            "keep_firing_for": 90,
            "inhibited_by": ["rule.other"],
            "quiet_hours": [{"from": "22:00", "to": "07:30"}],
            "needs": ["gpu"],
            "resolve": "manual",
            "adaptation": 2,
            "message": "{server} is down",
            "_remark": "mine",
        }
    )
    assert found == Rule(
        id="rule.mine",
        condition=Text("server.state", "regex", "^fail"),
        for_s=300.0,
        keep_firing_s=90.0,
        actions=DEFAULT_ACTIONS,
        cooldown_s=COOLDOWN_S,
        inhibited_by=("rule.other",),
        quiet=(Quiet(22 * 60, 7 * 60 + 30),),
        needs=("gpu",),
        manual=True,
        adaptation=2,
        message="{server} is down",
        origin=Origin("r.json"),
    )


CONDITIONS = [
    (
        {
            "metric": 'hw.gpu.memory.usage{mode="used",gpu="*"}',
            "operator": ">",
            "value": 8,
            "unit": "GB",
            "clear": 7,
        },
        Threshold(Query('hw.gpu.memory.usage{*gpu="*"*mode="used"*}'), ">", 8e9, 7e9),
    ),
    (
        {"metric": "system.network.errors", "operator": ">", "value": 60, "unit": "/min", "window": "5m"},
        Threshold(Query("system.network.errors", "avg", 300), ">", 1.0),
    ),
    (
        {
            "metric": "system.network.io",
            "operator": ">",
            "value": 1,
            "unit": "Gbit/s",
            "window": "30s",
            "aggregation": "max",
        },
        Threshold(Query("system.network.io", "max", 30), ">", 125e6),
    ),
    (
        {
            "metric": "hw.temperature",
            "operator": ">",
            "value": 95,
            "unit": "%",
            "per": "hw.temperature.limit",
        },
        Threshold(Query("hw.temperature", "last", 0, "hw.temperature.limit"), ">", 0.95),
    ),
    (
        {
            "metric": "system.cpu.utilization",
            "operator": ">",
            "value": 50,
            "baseline": "7d_avg",
            "threshold_type": "percentage_change",
        },
        Baseline(Query("system.cpu.utilization"), ">", 50.0, 604_800, "percentage_change"),
    ),
    (
        {"metric": "cpu_percent", "operator": "<", "value": 20, "baseline": "15m_avg", "clear": 10},
        Baseline(Query("system.cpu.utilization"), "<", -0.2, 900, "absolute", -0.1),
    ),
    (
        {
            "metric": "model.tokens_per_second",
            "operator": "<",
            "value": 3,
            "window": "30s",
            "baseline": "1h_avg",
            "threshold_type": "standard_deviation",
        },
        Baseline(
            Query('inference.tokens.rate{*mode="generation"*}', "avg", 30), "<", -3.0, 3600, "standard_deviation"
        ),
    ),
    (
        {"metric": "inference.server.up", "absent_for": "2m"},
        Absent("inference.server.up", 120),
    ),
    (
        {
            "metric": "system.filesystem.utilization",
            "operator": ">=",
            "value": 100,
            "unit": "%",
            "forecast": {"within": "4h"},
        },
        Forecast(Query("system.filesystem.utilization", "last", 3600), ">=", 1.0, 14_400),
    ),
    (
        {
            "metric": "system.cpu.utilization",
            "window": "1m",
            "anomaly": {"score": 8, "over": "3d", "season": "hour", "side": "above"},
            "clear": 4,
        },
        Anomaly(Query("system.cpu.utilization", "avg", 60), 8.0, 259_200, "hour", "above", 4.0),
    ),
    (
        {
            "metric": "ui.frame_time_ms.max",
            "operator": ">",
            "value": 20,
            "often": {"times": 3, "within": "10s"},
        },
        Threshold(Query('ux.frame.duration{*stat="max"*}'), ">", 0.02, None, (3, 10)),
    ),
    (
        {"metric": "ui.frame_time_ms", "operator": ">", "value": 20, "window": "1m"},
        Threshold(
            Query('ux.frame.duration{*stat="sum"*}', "avg", 60, 'ux.frame.duration{*stat="count"*}'), ">", 0.02
        ),
    ),
    (
        {"metric": "ui.fps", "operator": "<", "value": 45},
        Threshold(Query('ux.frame.rate{*mode="1s"*}'), "<", 45.0),
    ),
    (
        {
            "metric": "inference.server.restarts",
            "operator": ">=",
            "value": 3,
            "window": "30m",
            "aggregation": "count",
        },
        Threshold(Query("inference.server.restarts", "sum", 1800), ">=", 3.0),
    ),
    (
        {"metric": "system.cpu.utilization", "operator": "<", "value": 1, "aggregation": "count"},
        Threshold(Query("system.cpu.utilization", "count", 1), "<", 1.0),
    ),
    (
        {"metric": "errors_per_minute", "operator": ">", "value": 10, "window": "1m", "aggregation": "sum"},
        Threshold(Query('inference.request.count{*mode="failed"*}', "sum", 60), ">", 10.0),
    ),
    (
        {"metric": "errors_per_minute", "operator": ">", "value": 12, "window": "1m"},
        Threshold(Query('inference.request.count{*mode="failed"*}', "avg", 60), ">", 0.2),
    ),
    (
        {"metric": "hw.gpu.up", "operator": "==", "value": False},
        Threshold(Query("hw.gpu.up"), "==", 0.0),
    ),
    (
        {"metric": "custom:my app.depth", "operator": ">", "value": 7},
        Threshold(Query("custom.my_app.depth"), ">", 7.0),
    ),
    (
        {"metric": "wftop.event.gpu.xid", "operator": ">", "value": 0},
        Threshold(Query("wftop.event.gpu.xid"), ">", 0.0),
    ),
    (
        {"metric": 'gen_ai.server.time_to_first_token{*stat="p95"*}', "operator": ">", "value": 250, "unit": "ms"},
        Threshold(Query('gen_ai.server.time_to_first_token{*stat="p95"*}'), ">", 0.25),
    ),
    (
        {
            "when_any": [
                {"metric": "gpu.state", "operator": "!=", "value": "ok"},
                {"when_not": [{"metric": "system.memory.utilization", "operator": "<", "value": 0.5}]},
            ]
        },
        Any((Text("gpu.state", "!=", "ok"), Not(Threshold(Query("system.memory.utilization"), "<", 0.5)))),
    ),
]


@pytest.mark.parametrize(("fields", "expected"), CONDITIONS, ids=[str(n) for n in range(len(CONDITIONS))])
def test_conditions(fields: dict[str, object], expected: Condition) -> None:
    assert condition(**fields) == expected


def test_none_of_several_is_not_any_of_them() -> None:
    low = {"metric": "system.cpu.utilization", "operator": "<", "value": 0.1}
    found = of({"id": "rule.x", "conditions": {"when_not": [low, low]}}).condition
    leaf = Threshold(Query("system.cpu.utilization"), "<", 0.1)
    assert found == Not(Any((leaf, leaf)))


YAML = """
version: "1.0.0"
global_settings: {enabled: true, default_cooldown_seconds: 120}
resource_usage:
  cpu_usage_critical:
    threshold: 95.0
    operator: greater_than
    duration_seconds: 30
    severity: critical
    message: "CPU at {value}% for long"
    actions: [log_alert, ui_notification, trigger_adaptation, ask_a_person]
    adaptation_response: [reduce_processing]
  memory_leak_detected:
    threshold: 10
    operator: greater_than
    auto_resolve: false
system_throughput:
  tokens_per_second_low: {threshold: 20, operator: less_than, duration_seconds: 120, cooldown_seconds: 600}
frame_performance:
  frame_budget_violation:
    {threshold: 16.67, operator: greater_than, burst_threshold: 3, burst_window_seconds: 10, enabled: false}
mine:
  deep queue: {metric: model.queue_depth, threshold: 7, operator: greater_than_or_equal}
user_preferences:
  notification_quiet_hours: {enabled: true, start_time: "22:00", end_time: "08:00"}
"""


@pytest.mark.parametrize(
    ("action", "level"),
    [("trigger_adaptation", 3), ("trigger_comprehensive_adaptation", 2), ("log_alert", None)],
)
def test_a_comprehensive_adaptation_leaves_less_quality(action: str, level: int | None) -> None:
    [rule, *_] = load.rules(YAML.replace("trigger_adaptation", action).encode(), "a.yaml")
    assert rule.adaptation == level


def test_thresholds_of_wf_tech_load() -> None:
    found = {rule.id: rule for rule in load.rules(YAML.encode(), "alert-thresholds.yaml")}
    quiet = (Quiet(22 * 60, 8 * 60),)
    origin = Origin("alert-thresholds.yaml", "wf-tech")
    assert found["rule.cpu_usage_critical"] == Rule(
        id="rule.cpu_usage_critical",
        name="cpu usage critical",
        condition=Threshold(Query("system.cpu.utilization"), ">", 0.95),
        severity="critical",
        for_s=30.0,
        actions=(
            Action("log.audit"),
            Action("notify.toast"),
            Action("suggest.mitigation", suggestions=("ask a person", "reduce processing")),
        ),
        cooldown_s=120.0,
        quiet=quiet,
        adaptation=3,
        message="CPU at {value} for long",
        origin=origin,
    )
    leak = found["rule.memory_leak_detected"]
    assert leak.manual
    # 10 MB a minute are 50 MB above the mean of the ten minutes before.
    assert leak.condition == Baseline(Query('system.memory.usage{*mode="used"*}'), ">", 50e6, 600, "absolute")
    slow = found["rule.tokens_per_second_low"]
    assert (slow.cooldown_s, slow.for_s, slow.category) == (600.0, 120.0, "performance")
    assert slow.condition == All(
        (
            Threshold(Query('inference.requests{*mode="running"*}'), ">", 0.0),
            Threshold(Query('inference.tokens.rate{*mode="generation"*}'), "<", 20.0),
        )
    )
    burst = found["rule.frame_budget_violation"]
    assert not burst.enabled
    assert isinstance(burst.condition, Threshold)
    assert burst.condition.often == (3, 10)
    assert found["rule.deep_queue"].condition == Threshold(
        Query('inference.requests{*mode="waiting"*}'), ">=", 7.0
    )


def test_a_threshold_file_can_be_off_as_a_whole() -> None:
    found = load.rules(YAML.replace("enabled: true, default", "enabled: false, default").encode(), "t.yml")
    assert [rule.enabled for rule in found] == [False] * 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "not YAML"),
        ("- 1", "expected groups of thresholds"),
        ("[" * 100_000, "at most 16 levels"),
        ("g: {cpu_usage_critical: {threshold: x, operator: less_than}}", "field threshold: expected a number"),
        ("g: {cpu_usage_critical: {threshold: 1, operator: under}}", "field operator: expected one of less_than"),
        ("g: {nobody: {threshold: 1, operator: less_than}}", "field metric: expected a metric"),
        ("g: {nobody: {metric: cpu_percant, threshold: 1, operator: less_than}}", "system.cpu_percent"),
        ("g: {cpu_usage_critical: {treshold: 1, operator: less_than}}", 'expected threshold, got "treshold"'),
        ("g: {cpu_usage_critical: 3}", "expected a threshold with its fields, got 3"),
        ("g: 3", "field g: expected a group of thresholds, got 3"),
        (
            "g: {cpu_usage_critical: {threshold: 1, operator: less_than, burst_threshold: 3}}",
            "burst_window_seconds",
        ),
        ("a: &a {x: {}}\n" + "".join(f"b{n}: *a\n" for n in range(600)), "expected at most 500 thresholds"),
    ],
    ids=range(12),
)
def test_mistakes_in_thresholds_are_one_line(text: str, words: str) -> None:
    found = load.examine(text.encode(), "t.yaml")
    wanted = [line for line in found.mistakes if words in line]
    assert len(wanted) == 1, found.mistakes
    assert wanted[0].startswith("t.yaml: ")


def test_the_fixture_of_the_manual_is_a_rule() -> None:
    text = (Path(__file__).parents[2] / "docs/alerts.md").read_text()
    examples = [part.partition("```")[0] for part in text.split("```json\n")[1:]]
    assert len(examples) >= 3
    for example in examples:
        assert load.examine(example.encode(), "docs.json").mistakes == ()
