"""What is wrong in a rule file is one line that names file, rule and field; and nothing else happens."""

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.alerts import load, safe
from wftui.errors import ConfigError

# Any: a JSON document that tests bend out of shape.
Document = dict[str, Any]
RULE: Document = {
    "id": "rule.whole",
    "version": "1.0",
    "name": "Everything",
    "description": "Each field once.",
    "enabled": True,
    "severity": "warning",
    "category": "system",
    "conditions": {
        "when_all": [
            {
                "metric": "hw.gpu.temperature",
                "operator": ">",
                "value": 85,
                "unit": "°C",
                "clear": 80,
                "window": "1m",
                "aggregation": "avg",
            },
            {
                "metric": "system.memory.utilization",
                "operator": ">",
                "value": 5,
                "baseline": "1h_avg",
                "threshold_type": "percentage_change",
            },
            {
                "metric": "system.filesystem.utilization",
                "operator": ">",
                "value": 0.9,
                "forecast": {"within": "4h", "over": "1h"},
            },
            {
                "metric": "system.cpu.utilization",
                "anomaly": {"score": 6, "over": "7d", "season": "hour", "side": "above"},
            },
            {"metric": "server.state", "operator": "regex", "value": "^failed$"},
            {"metric": "inference.server.up", "absent_for": "1m"},
        ],
    },
    "for": "2m",
    "keep_firing_for": "1m",
    "inhibited_by": ["rule.other"],
    "quiet_hours": [{"from": "22:00", "to": "07:00"}],
    "needs": ["gpu"],
    "resolve": "auto",
    "adaptation": 3,
    "message": "hot",
    "actions": [
        {"type": "notify.toast", "level": "warning", "message": "hot", "duration_ms": 5000},
        {"type": "webhook.local", "url": "http://localhost:9000/x"},
        {"type": "command", "command": ["/usr/bin/true"]},
        {"type": "notify.sound", "volume": 0.5},
    ],
    "debounce": {
        "cooldown_ms": 60000,
        "max_frequency": "1_per_hour",
        "escalation": {"after_count": 3, "upgrade_to": "error"},
    },
    "privacy": "local_only",
    "user_configurable": True,
    "tags": ["a-b"],
}


def put(path: str, value: object) -> Callable[[Document], None]:
    """``a.b[0].c`` set to a value."""

    def change(document: Document) -> None:
        *way, last = [int(part) if part.isdigit() else part for part in re.findall(r"[a-z_]+|[0-9]+", path)]
        place: Any = document
        for part in way:
            place = place[part]
        place[last] = value

    return change


def drop(path: str) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        *way, last = [int(part) if part.isdigit() else part for part in re.findall(r"[a-z_]+|[0-9]+", path)]
        place: Any = document
        for part in way:
            place = place[part]
        del place[last]

    return change


def rename(path: str, name: str) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        *way, last = [int(part) if part.isdigit() else part for part in re.findall(r"[a-z_]+|[0-9]+", path)]
        place: Any = document
        for part in way:
            place = place[part]
        place[name] = place.pop(last)

    return change


_C = "conditions.when_all"
MUTATIONS: list[tuple[Callable[[Document], None], str, str]] = [
    # (change, field, what was expected)
    (put("version", "2.0"), "version", '"1.0"'),
    (put("version", 1), "version", '"1.0"'),
    (put("name", "x" * 101), "name", "1"),
    (put("name", 7), "name", "a text"),
    (put("description", ["x"]), "description", "a text"),
    (put("enabled", "yes"), "enabled", "true or false"),
    (put("severity", "fatal"), "severity", "info, warning, error, critical"),
    (put("severity", "warnin"), "severity", "warning"),
    (rename("severity", "severty"), "severty", "severity"),
    (put("category", "cpu"), "category", "one of system"),
    (put("colour", "red"), "colour", "one of"),
    (drop("conditions"), "conditions", "when_all"),
    (rename("conditions", "condition"), "condition", "conditions"),
    (put("conditions", {}), "conditions.when_all", "a list of conditions"),
    (put("conditions", []), "conditions", "an object"),
    (put(f"{_C}", []), _C, "a list of 1 to 64"),
    (put(f"{_C}", {}), _C, "a list of 1 to 64"),
    (put(f"{_C}[0]", 3), f"{_C}[0]", "an object"),
    (drop(f"{_C}[0].metric"), f"{_C}[0].metric", "a metric"),
    (rename(f"{_C}[0].metric", "metrik"), f"{_C}[0].metrik", "metric"),
    (put(f"{_C}[0].metric", "hw.gpu.temperatur"), f"{_C}[0].metric", "hw.gpu.temperature"),
    (put(f"{_C}[0].metric", "system.cpu_percant"), f"{_C}[0].metric", "system.cpu_percent"),
    (put(f"{_C}[0].metric", 'hw.gpu.temperature{cpu="1"}'), f"{_C}[0].metric", "a label of"),
    (put(f"{_C}[0].metric", 'hw.gpu.temperature{stat="p95"}'), f"{_C}[0].metric", "a statistic"),
    (put(f"{_C}[0].metric", "hw.gpu.temperature{"), f"{_C}[0].metric", "labels like"),
    (put(f"{_C}[0].metric", None), f"{_C}[0].metric", "a metric"),
    (put(f"{_C}[0].metric", "x" * 500), f"{_C}[0].metric", "at most 400"),
    (put(f"{_C}[0].operator", "=>"), f"{_C}[0].operator", "one of >"),
    (put(f"{_C}[0].operator", "contains"), f"{_C}[0].operator", "one of >"),
    (drop(f"{_C}[0].operator"), f"{_C}[0].operator", "one of >"),
    (drop(f"{_C}[0].value"), f"{_C}[0].value", "a number"),
    (put(f"{_C}[0].value", "85"), f"{_C}[0].value", "a number"),
    (put(f"{_C}[0].unit", "GB"), f"{_C}[0].unit", "one of Cel, °C"),
    (put(f"{_C}[0].clear", 90), f"{_C}[0].clear", "at most the value"),
    (put(f"{_C}[0].window", "2h"), f"{_C}[0].window", "3600 s"),
    (put(f"{_C}[0].window", "90"), f"{_C}[0].window", "a duration"),
    (put(f"{_C}[0].window", "1500ms"), f"{_C}[0].window", "whole seconds"),
    (put(f"{_C}[0].aggregation", "mean"), f"{_C}[0].aggregation", "one of avg"),
    (put(f"{_C}[0].per", "nothing.at.all"), f"{_C}[0].per", "a metric"),
    (put(f"{_C}[0].rate", True), f"{_C}[0].rate", "a counter"),
    (put(f"{_C}[0].often", {"times": 70, "within": "1m"}), f"{_C}[0].often.times", "at most 60"),
    (put(f"{_C}[1].baseline", "8d_avg"), f"{_C}[1].baseline", "1m_avg to 7d_avg"),
    (put(f"{_C}[1].threshold_type", "relative"), f"{_C}[1].threshold_type", "one of absolute"),
    (put(f"{_C}[1].unit", "GB"), f"{_C}[1].unit", "one of %"),
    (drop(f"{_C}[1].baseline"), f"{_C}[1].threshold_type", "a baseline"),
    (put(f"{_C}[2].value", 90), f"{_C}[2].value", "a share from 0 to 1"),
    (drop(f"{_C}[2].forecast.within"), f"{_C}[2].forecast.within", "a duration"),
    (put(f"{_C}[2].forecast.within", "1y"), f"{_C}[2].forecast.within", "a duration"),
    (put(f"{_C}[2].operator", "=="), f"{_C}[2].operator", "one of >, >=, <, <="),
    (put(f"{_C}[2].window", "1m"), f"{_C}[2].window", "none with a forecast"),
    (put(f"{_C}[3].anomaly.score", 0), f"{_C}[3].anomaly.score", "a number from 1"),
    (put(f"{_C}[3].anomaly.over", "1d"), f"{_C}[3].anomaly.over", "at least 2d"),
    (put(f"{_C}[3].anomaly.side", "left"), f"{_C}[3].anomaly.side", "both, above, below"),
    (put(f"{_C}[4].value", "(a+)+"), f"{_C}[4].value", "a regular expression without"),
    (put(f"{_C}[4].value", "(a"), f"{_C}[4].value", "a regular expression"),
    (put(f"{_C}[4].value", "a" * 257), f"{_C}[4].value", "256"),
    (put(f"{_C}[5].absent_for", 0), f"{_C}[5].absent_for", "a duration"),
    (put("for", "soon"), "for", "a duration"),
    (put("for", -1), "for", "a duration"),
    (put("keep_firing_for", "2d"), "keep_firing_for", "86400 s"),
    (put("inhibited_by", ["other"]), "inhibited_by[0]", "the id of a rule"),
    (put("inhibited_by", "rule.other"), "inhibited_by", "a list"),
    (put("quiet_hours[0].from", "25:00"), "quiet_hours[0].from", "a time of day"),
    (drop("quiet_hours[0].to"), "quiet_hours[0].to", "a time of day"),
    (put("needs", [""]), "needs[0]", "the name of a source"),
    (put("resolve", "never"), "resolve", "auto, manual"),
    (put("adaptation", 6), "adaptation", "from 1 to 5"),
    (put("adaptation", 2.5), "adaptation", "a whole number"),
    (put("message", "x" * 201), "message", "200"),
    (put("actions", {}), "actions", "a list"),
    (put("actions[0].type", "mail"), "actions[0].type", "one of notify.toast"),
    (drop("actions[0].type"), "actions[0].type", "one of notify.toast"),
    (put("actions[0].level", "loud"), "actions[0].level", "one of info"),
    (put("actions[0].message", "x" * 201), "actions[0].message", "200"),
    (put("actions[0].duration_ms", 999), "actions[0].duration_ms", "1000 to 30000"),
    (put("actions[1].url", "http://example.org/"), "actions[1].url", "this machine"),
    (put("actions[1].url", "http://127.0.0.1.example.org/"), "actions[1].url", "this machine"),
    (put("actions[1].url", "http://127.0.0.1:99999/"), "actions[1].url", "this machine"),
    (put("actions[1].url", "http://u@127.0.0.1/"), "actions[1].url", "this machine"),
    (drop("actions[1].url"), "actions[1].url", "this machine"),
    (put("actions[2].command", "rm -rf /"), "actions[2].command", "a list"),
    (put("actions[2].command", []), "actions[2].command", "a program"),
    (put("actions[3].volume", 2), "actions[3].volume", "from 0 to 1"),
    (put("debounce.cooldown_ms", 999), "debounce.cooldown_ms", "1000 to 3600000"),
    (put("debounce.max_frequency", "often"), "debounce.max_frequency", "1_per_second"),
    (put("debounce.escalation.after_count", 1), "debounce.escalation.after_count", "from 2"),
    (put("debounce.escalation.upgrade_to", "info"), "debounce.escalation.upgrade_to", "warning, error, critical"),
    (drop("debounce.escalation.after_count"), "debounce.escalation.after_count", "after_duration_ms"),
    (put("privacy", "public"), "privacy", "one of local_only"),
    (put("tags", ["a b"]), "tags[0]", "a tag"),
]


def mistakes(document: object) -> tuple[str, ...]:
    return load.examine(json.dumps(document).encode(), "mine.json").mistakes


def test_the_whole_rule_is_right() -> None:
    assert mistakes(RULE) == ()


@pytest.mark.parametrize(("change", "field", "expected"), MUTATIONS, ids=range(len(MUTATIONS)))
def test_a_mistake_is_one_line(change: Callable[[Document], None], field: str, expected: str) -> None:
    document = copy.deepcopy(RULE)
    change(document)
    (line,) = mistakes(document)
    match = re.fullmatch(r"mine\.json: rule rule\.whole: field (\S+): expected (.*), got (.*)", line)
    assert match is not None, line
    assert match[1] == field
    assert expected in match[2]
    with pytest.raises(ConfigError, match=re.escape(line)):
        load.rules(json.dumps(document).encode(), "mine.json")


def test_there_are_enough_of_them() -> None:
    assert len(MUTATIONS) >= 60


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b'{"id": "rule.a",\n "x": }', "f.json: line 2, column 7: not JSON: invalid character"),
        (b'{"id": "\xff"}', "f.json: line 1, column 9: not UTF-8"),
        (b"[" * 100_000, "f.json: expected JSON of a few levels, got hundreds"),
        (b"", "f.json: line 1, column 1: not JSON: Input data was truncated"),
        (b"3", "f.json: rule #1: expected an object {…}, got 3"),
        (b"[{}]" + b" " * (1 << 20), "f.json: expected at most 1 MiB, got 1048580 bytes"),
        (b"[" + b"{}," * 500 + b"{}]", "f.json: expected at most 500 rules, got 501"),
    ],
    ids=range(7),
)
def test_files_that_are_none(raw: bytes, line: str) -> None:
    assert load.examine(raw, "f.json") == load.Loaded((), (line,))


def test_an_id_is_there_once() -> None:
    found = load.examine(json.dumps([RULE, RULE]).encode(), "f.json")
    assert len(found.rules) == 1
    assert found.mistakes == (
        'f.json: rule rule.whole: field id: expected an id of its own: it is in this file twice, got "rule.whole"',
    )


def test_all_mistakes_are_found_and_the_rules_without_load() -> None:
    broken = copy.deepcopy(RULE) | {"id": "rule.broken", "severity": 1, "for": "x", "tags": 3}
    found = load.examine(json.dumps([RULE, broken]).encode(), "f.json")
    assert [rule.id for rule in found.rules] == ["rule.whole"]
    assert [re.findall("field ([a-z_]+)", line)[0] for line in found.mistakes] == ["severity", "for", "tags"]


def test_a_file_of_mistakes_is_not_read_to_its_end() -> None:
    """The nearest name of each takes 3 ms: a hostile file must not take minutes of the recorder."""
    leaf = {"metric": "system.cpu_percant", "operator": ">", "value": 1}
    part = {"when_any": [leaf] * 64}
    documents = [{"id": f"rule.n{n}", "conditions": {"when_all": [part] * 16}} for n in range(15)]
    found = load.examine(json.dumps(documents).encode(), "f.json")
    assert len(found.mistakes) == 101
    assert found.mistakes[-1] == "f.json: more than 100 mistakes: the rest of it is not read"
    assert found.rules == ()


def test_conditions_nest_sixteen_deep() -> None:
    def nested(levels: int) -> Document:
        inner: Document = {"metric": "system.cpu.utilization", "operator": ">", "value": 0.5}
        for _ in range(levels - 1):
            inner = {"when_any": [inner]}
        return {"id": "rule.deep", "conditions": {"when_all": [inner]}}

    assert mistakes(nested(16)) == ()
    (line,) = mistakes(nested(17))
    assert "expected at most 16 levels" in line


@pytest.mark.parametrize(
    "pattern",
    ["^(stuck|failed)$", "a+b*", "[(*)]+", r"\(+\)", "(?:ab|cd)x", "(?i)abc", "a{2,3}", "(a+)?", "[]+]+"],
)
def test_patterns_that_are_safe(pattern: str) -> None:
    assert safe.trouble(pattern) == ""


@pytest.mark.parametrize(
    "pattern", ["(a+)+", "(a|aa)+", "(a*)*$", "((a+)b)*", r"(a)\1", "(?P<x>a)(?P=x)", "(x+){2,}", "(", "[a", "*"]
)
def test_patterns_that_are_not(pattern: str) -> None:
    assert "a regular expression" in safe.trouble(pattern)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(_json)
def test_any_json_loads_or_is_refused(document: object) -> None:
    found = load.examine(json.dumps(document).encode(), "any.json")
    assert found.rules or found.mistakes or document == []
    assert all(line.startswith("any.json: ") and "\n" not in line for line in found.mistakes)


_fields = st.sampled_from([key for key in RULE if key != "id"])
_anywhere = st.recursive(
    _json | st.sampled_from(["rule.a", "5m", "system.cpu_percent", ">", {"metric": "cpu_percent"}]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "when_all",
                    "when_any",
                    "when_not",
                    "metric",
                    "operator",
                    "op",
                    "value",
                    "window",
                    "forecast",
                    "anomaly",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(_fields, _anywhere)
def test_any_value_in_any_field_loads_or_is_refused(field: str, value: object) -> None:
    raw = json.dumps(RULE | {field: value}).encode()
    found = load.examine(raw, "any.json")
    assert bool(found.rules) is not bool(found.mistakes)
    assert all(line.startswith("any.json: rule rule.whole: ") and "\n" not in line for line in found.mistakes)


@given(
    st.text(max_size=60) | st.sampled_from(["a: {b: {threshold: 1}}", "a: &x [*x]", "? [1]: 2", "2020-01-01: {}"])
)
def test_any_yaml_loads_or_is_refused(text: str) -> None:
    found = load.examine(text.encode(errors="replace"), "any.yaml")
    assert all(line.startswith("any.yaml: ") and "\n" not in line for line in found.mistakes)
