"""The rules that ship with wftop: they load, name what there is, and know each other."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from wftui import names, paths
from wftui.alerts import load
from wftui.alerts.amounts import units_of
from wftui.alerts.paths import FIELDS
from wftui.alerts.rule import Absent, Rule, Text, leaves
from wftui.alerts.selectors import TEXTS, UnknownError, resolve
from wftui.model.series import matches, series
from wftui.names import LABEL_KEYS, METRICS
from wftui.recorder.push.known import FIELDS as PUSHED

PACKS = sorted(paths.resources("rules").glob("*.json"))
RULES = [rule for path in PACKS for rule in load.rules(path.read_bytes(), str(path), builtin=True)]
BY_ID = {rule.id: rule for rule in RULES}


def selectors(rule: Rule) -> Iterator[str]:
    for leaf in leaves(rule.condition):
        if isinstance(leaf, Text):
            assert leaf.signal in TEXTS
        elif isinstance(leaf, Absent):
            yield leaf.selector
        else:
            yield leaf.query.selector
            if leaf.query.per:
                yield leaf.query.per


def test_all_packs_are_there() -> None:
    assert [path.stem for path in PACKS] == ["gpu", "models", "own", "system", "ux", "wirthforge"]
    assert len(RULES) == len(BY_ID) > 60


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_names_metrics_of_the_catalogue_and_says_what_it_is_for(rule: Rule) -> None:
    for selector in selectors(rule):
        name = selector.partition("{")[0]
        assert name in METRICS or name.startswith("custom."), selector
    assert rule.name
    assert rule.message
    assert rule.description
    assert not rule.message.endswith(".")
    assert rule.origin.builtin
    places = set(re.findall(r"\{([a-z_]+)\}", rule.message))
    assert places <= {"value", "threshold", *LABEL_KEYS}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_labels_in_messages_are_open_in_the_condition(rule: Rule) -> None:
    open_labels: set[str] = set()
    for leaf in leaves(rule.condition):
        if isinstance(leaf, Text):
            open_labels |= {"server", "model"} if leaf.signal == "model.state" else {leaf.signal.partition(".")[0]}
    for selector in selectors(rule):
        metric = METRICS.get(selector.partition("{")[0])
        closed = set(re.findall(r'([a-z_]+)="[^"*?]+"', selector))
        open_labels |= (set(metric.labels) if metric else {"source"}) - closed
    asked = set(re.findall(r"\{([a-z_]+)\}", rule.message)) - {"value", "threshold"}
    assert asked <= open_labels


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rules_that_hold_it_back_exist(rule: Rule) -> None:
    assert set(rule.inhibited_by) <= set(BY_ID) - {rule.id}


def test_no_built_in_rule_fires_at_once_but_for_what_is_an_event() -> None:
    """What can flap has to last; what happens in a moment is told for a while."""
    for rule in RULES:
        windows = [
            0 if isinstance(leaf, Text | Absent) else leaf.query.window_s for leaf in leaves(rule.condition)
        ]
        if not rule.for_s and not any(windows):
            assert rule.keep_firing_s >= 30 or rule.id == "rule.gpu-remap-failed", rule.id


def test_no_fault_alarms_twice() -> None:
    """Of the thresholds of WIRTHFORGE those are off of which a rule of the other packs says the same."""
    others = {
        selector
        for rule in RULES
        if not rule.id.startswith("rule.wf-") and rule.enabled
        for selector in selectors(rule)
    }
    for rule in RULES:
        if rule.id.startswith("rule.wf-") and rule.enabled:
            assert not set(selectors(rule)) & others, rule.id


@pytest.mark.parametrize("field", FIELDS)
def test_old_paths_lead_to_the_catalogue(field: str) -> None:
    for target in resolve(field):
        assert target.name in METRICS
        if target.said:
            assert target.said in target.units(), target
        metric = METRICS.get(target.name)
        assert {key for key, _ in target.labels} <= set(metric.labels if metric else ())


@pytest.mark.parametrize("field", sorted(set(FIELDS) & set(PUSHED)))
def test_rules_mean_what_pushes_of_the_same_name_do(field: str) -> None:
    pushed = PUSHED[field]
    found = {target.name: target for target in resolve(field)}
    target = found[pushed.metric]
    factor = target.units()[target.said] if target.said else 1.0
    assert factor == pytest.approx(pushed.factor)
    assert target.labels == pushed.labels


@pytest.mark.parametrize(
    ("metric", "unit", "factor"),
    [
        ("system.cpu.utilization", "%", 0.01),
        ("system.memory.usage", "GB", 1e9),
        ("system.memory.usage", "GiB", 2.0**30),
        ("system.disk.io", "MB/s", 1e6),
        ("system.network.io", "Gbit/s", 125e6),
        ("system.network.errors", "/min", 1 / 60),
        ("system.network.errors", "error/h", 1 / 3600),
        ("hw.gpu.throttle.time", "%", 0.01),
        ("hw.gpu.temperature", "°C", 1.0),
        ("hw.gpu.power", "kW", 1e3),
        ("hw.gpu.energy", "kWh", 3.6e6),
        ("hw.gpu.clock.frequency", "MHz", 1e6),
        ("gen_ai.server.time_to_first_token", "ms", 1e-3),
        ("gen_ai.server.time_to_first_token", "min", 60.0),
        ("inference.requests", "request", 1.0),
        ("system.cpu.run_queue", "{thread}", 1.0),
    ],
)
def test_units(metric: str, unit: str, factor: float) -> None:
    entry = METRICS[metric]
    assert units_of(entry.unit, entry.kind)[unit] == pytest.approx(factor)


def test_every_unit_of_the_catalogue_can_be_written() -> None:
    for metric in METRICS.values():
        assert units_of(metric.unit, metric.kind)[metric.unit] == 1.0


def test_a_selector_finds_series_with_further_labels_but_not_others() -> None:
    (target,) = resolve('inference.requests{mode="running"}')
    made = {
        mode: series("inference.requests", {"server": "a:1", "model": "m", "mode": mode})
        for mode in ("running", "waiting")
    }
    assert matches(target.selector(), made["running"])
    assert not matches(target.selector(), made["waiting"])


def test_a_model_whose_name_is_a_pattern_is_meant_by_its_name() -> None:
    (target,) = resolve("model:a[1]*?.tokens_per_second")
    labels = {"server": "x", "mode": "generation"}
    assert matches(target.selector(), series("inference.tokens.rate", labels | {"model": "a[1]*?"}))
    assert not matches(target.selector(), series("inference.tokens.rate", labels | {"model": "a1bc"}))


@pytest.mark.parametrize(
    "text", ["", "cpu", "model:x", "model:.tps", "gpu.cpu_percent", "system.cpu_percent.p98", "hw.*", "a\nb", "{}"]
)
def test_what_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(UnknownError):
        resolve(text)


def test_the_manual_has_every_old_path_action_and_pack() -> None:
    from wftui.alerts.reading_actions import TYPES

    text = (Path(__file__).parents[2] / "docs/alerts.md").read_text()
    for word in (*FIELDS, *TYPES, *(path.name for path in PACKS)):
        assert f"`{word}`" in text, word
    assert names.STAT in text


def test_the_manual_has_every_rule_as_it_is() -> None:
    text = (Path(__file__).parents[2] / "docs/alerts.md").read_text()
    told = re.findall(r"^\| `(rule\.[a-z0-9-]+)` \| (\w+) \| (on|off) \| (.+) \|$", text, re.MULTILINE)
    there = [(rule.id, rule.severity, "on" if rule.enabled else "off", rule.name) for rule in RULES]
    assert sorted(told) == sorted(there)
