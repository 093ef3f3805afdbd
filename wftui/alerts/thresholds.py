"""The threshold YAML of WF-TECH-009: groups of named thresholds. Loaded only where there is such a file."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import yaml

from wftui.alerts import reading_rules
from wftui.alerts.amounts import scaled
from wftui.alerts.queries import Asked
from wftui.alerts.reading import MISSING, Fields, Mistakes, is_object
from wftui.alerts.rule import (
    SEVERITIES,
    Action,
    Aggregation,
    All,
    Any,
    Baseline,
    Category,
    Condition,
    Operator,
    Origin,
    Quiet,
    Rule,
    Threshold,
)
from wftui.alerts.selectors import Target, UnknownError, resolve

OPERATORS: Final[dict[str, Operator]] = {
    "less_than": "<",
    "less_than_or_equal": "<=",
    "greater_than": ">",
    "greater_than_or_equal": ">=",
    "equal": "==",
    "not_equal": "!=",
}


_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C is ten times as fast; some builds of PyYAML are without."""
_MAX_RULES: Final = 500
_MAX_DEPTH: Final = 16


class Meant(NamedTuple):
    """What a named threshold looks at: the file itself names no metric."""

    metric: str
    aggregation: Aggregation = "last"
    window_s: int = 0
    growth: bool = False
    """The threshold is growth per minute: compared with the mean of the minutes before."""
    busy: bool = False
    """It counts only while requests run."""


_FIRST: Final = "model.response_latency_ms"
_PLUGIN: Final = "custom.*.plugin"
MEANT: Final[dict[str, Meant]] = {
    "fps_critical": Meant("ui.fps"),
    "fps_warning": Meant("ui.fps"),
    "frame_budget_violation": Meant("ui.frame_time_ms.max"),
    "high_frame_jitter": Meant("ui.frame_jitter_ms"),
    "p95_latency_critical": Meant(f"{_FIRST}.p95"),
    "p95_latency_warning": Meant(f"{_FIRST}.p95"),
    "average_latency_high": Meant(_FIRST, "avg", 30),
    "latency_trend_degrading": Meant("custom.*.latency_trend"),
    "fidelity_critical": Meant("ui.fidelity_ratio"),
    "fidelity_warning": Meant("ui.fidelity_ratio"),
    "visual_lag_high": Meant("ui.visual_lag_ms"),
    "coherence_score_low": Meant("ui.coherence_score"),
    "high_error_rate": Meant("system.errors_per_minute"),
    "critical_error_burst": Meant("custom.*.critical_errors"),
    "plugin_error_rate": Meant(f"{_PLUGIN}_errors_per_minute"),
    "uptime_degradation": Meant("system.uptime_percent", "avg", 300),
    "cpu_usage_critical": Meant("system.cpu_percent"),
    "cpu_usage_warning": Meant("system.cpu_percent"),
    "memory_usage_critical": Meant("system.memory_percent"),
    "memory_usage_warning": Meant("system.memory_percent"),
    "memory_leak_detected": Meant("system.memory_mb", growth=True),
    "progression_too_slow": Meant("ui.levels_per_hour"),
    "progression_too_fast": Meant("ui.levels_per_hour"),
    "engagement_score_low": Meant("custom.*.engagement_score"),
    "tokens_per_second_low": Meant("model.tokens_per_second", busy=True),
    "queue_backpressure": Meant("model.queue_depth"),
    "plugin_timeout": Meant(f"{_PLUGIN}_call_ms"),
    "plugin_crash": Meant(f"{_PLUGIN}_crashes"),
    "plugin_resource_abuse": Meant(f"{_PLUGIN}_resources_percent"),
    "health_score_critical": Meant("health.health_score"),
    "health_score_warning": Meant("health.health_score"),
    "multiple_bottlenecks": Meant("custom.*.bottlenecks"),
}
"""Name of a threshold to what it looks at. Source: the file that WF-TECH-009 publishes."""
_CATEGORIES: Final[dict[str, Category]] = {
    "frame_performance": "ui",
    "energy_fidelity": "ui",
    "latency_performance": "performance",
    "system_throughput": "performance",
    "system_reliability": "health",
    "system_health": "health",
    "user_engagement": "ui",
}
_SETTINGS: Final = frozenset(
    {"version", "schema_version", "global_settings", "actions", "user_preferences", "privacy_settings"}
)
"""Of the file as a whole; everything else is a group."""
_GROWTH_S: Final = 600
"""Growth is seen as the distance from the mean of so long, which lags behind by half of it."""
_ACTIONS: Final = {"log_alert": "log.audit", "ui_notification": "notify.toast", "create_incident": "capture"}
_ADAPT: Final = ("trigger_adaptation", "trigger_comprehensive_adaptation")
ADAPTATION: Final = 3
"""Level of quality that ``trigger_adaptation`` asks for; the comprehensive one asks for one less."""
_NAME: Final = re.compile(r"[a-zA-Z0-9_ -]{1,100}")
_UNIT: Final = re.compile(r"\{value\}\s?(?:%|ms\b|MB/min\b)")
_ID: Final = re.compile(r"[^a-zA-Z0-9_-]")


class _Whole(NamedTuple):
    """What holds for all rules of a file."""

    enabled: bool
    cooldown_s: float
    quiet: tuple[Quiet, ...]
    most: tuple[int, float] | None


def read(raw: bytes, mistakes: Mistakes, origin: Origin) -> list[Rule]:
    """The rules of such a file; what is wrong is noted."""
    try:
        text = raw.decode()
        if _depth(text) > _MAX_DEPTH:  # the composer in C would overflow its stack
            mistakes.say(f"expected YAML of at most {_MAX_DEPTH} levels, got more")
            return []
        document: object = yaml.load(text, _LOADER)  # noqa: S506  both are the safe one
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        mistakes.say(f"{place}not YAML: {problem}")
        return []
    if not is_object(document):
        mistakes.add("", "groups of thresholds", document)
        return []
    whole = _whole(Fields(document, "", mistakes))
    found: dict[str, Rule] = {}
    groups = {name: items for name, items in document.items() if name not in _SETTINGS}
    if sum(len(items) if is_object(items) else 1 for items in groups.values()) > _MAX_RULES:
        mistakes.say(f"expected at most {_MAX_RULES} thresholds, got more")  # references make many of a few
        return []
    for group, items in groups.items():
        if not is_object(items):
            mistakes.rule = ""
            mistakes.add(group, "a group of thresholds", items)
            continue
        for name, given in items.items():
            if mistakes.full:
                break
            mistakes.rule = f"{group}.{name}"
            if not is_object(given):
                mistakes.add("", "a threshold with its fields", given)
                continue
            rule = _rule(group, name, Fields(given, "", mistakes), whole, origin)
            if rule is not None and found.setdefault(rule.id, rule) is not rule:
                mistakes.add("", "a name of its own in the file", name)
    mistakes.rule = ""
    return list(found.values())


def identifier(name: str) -> str:
    """The id of the rule that a threshold becomes."""
    return f"rule.{_ID.sub('_', name)}"


def listed(raw: bytes) -> Iterator[tuple[str, str, dict[str, object]]]:
    """(group, name, fields) of each threshold of a file that can be read; nothing of any other."""
    try:
        document: object = yaml.load(raw.decode(), _LOADER)  # noqa: S506  both are the safe one
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError):
        return
    for group, items in document.items() if is_object(document) else ():
        for name, given in items.items() if group not in _SETTINGS and is_object(items) else ():
            if is_object(given):
                yield group, name, given


def _depth(text: str) -> int:
    """How deep a document is nested; from ``_MAX_DEPTH`` on it is not looked at any further."""
    depth = deepest = 0
    for event in yaml.parse(text, _LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            deepest = max(deepest, depth)
            if depth > _MAX_DEPTH:
                break
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return deepest


def _whole(fields: Fields) -> _Whole:
    inner = fields.object("global_settings")
    enabled, cooldown_s = True, None
    if inner is not None:
        enabled = inner.flag("enabled", default=True)
        cooldown_s = inner.number("default_cooldown_seconds", 0, 86_400)
    quiet: tuple[Quiet, ...] = ()
    preferences = fields.object("user_preferences")
    hours = None if preferences is None else preferences.object("notification_quiet_hours")
    if hours is not None and hours.flag("enabled", default=False):
        times = []
        for key in ("start_time", "end_time"):
            minutes = reading_rules.clock(hours.take(key))
            if minutes is None:
                hours.wrong(key, "a time of day like 22:00")
            else:
                times.append(minutes)
        quiet = (Quiet(times[0], times[1]),) if len(times) == len(("start", "end")) else ()
    return _Whole(enabled, reading_rules.COOLDOWN_S if cooldown_s is None else cooldown_s, quiet, None)


def _rule(group: str, name: str, fields: Fields, whole: _Whole, origin: Origin) -> Rule | None:
    before = fields.mistakes.count
    if not _NAME.fullmatch(name):
        fields.mistakes.add("", "a name of 1 to 100 of a-z A-Z 0-9 _ - and space", name)
    condition = _condition(name, fields)
    message = fields.text("message")
    cooldown_s = fields.number("cooldown_seconds", 0, 86_400)
    listed = fields.texts("actions", _NAME, "the name of an action")
    answers = fields.texts("adaptation_response", _NAME, "the name of an answer")
    adapts = [item for item in listed if item in _ADAPT]
    rule = {
        "name": name.replace("_", " "),
        "enabled": fields.flag("enabled", default=True) and whole.enabled,
        "severity": fields.choice("severity", SEVERITIES, "warning"),
        "for_s": fields.number("duration_seconds", 0, 86_400) or 0.0,
        "cooldown_s": whole.cooldown_s if cooldown_s is None else cooldown_s,
        "manual": not fields.flag("auto_resolve", default=True),
    }
    fields.close()
    if condition is None or fields.mistakes.count > before:
        return None
    return Rule(
        id=identifier(name),
        condition=condition,
        category=_CATEGORIES.get(group, "system"),
        actions=_actions(listed, answers),
        quiet=whole.quiet,
        # A value is told with its unit: a second one behind it would be one too many.
        message=_UNIT.sub("{value}", message),
        adaptation=ADAPTATION - (_ADAPT[1] in adapts) if adapts else None,
        origin=Origin(origin.file, "wf-tech", origin.builtin),
        **rule,  # type: ignore[arg-type]  # each is of its field's type
    )


def _actions(listed: tuple[str, ...], answers: tuple[str, ...]) -> tuple[Action, ...]:
    found = [Action(_ACTIONS[name]) for name in listed if name in _ACTIONS]
    advice = tuple(name for name in listed if name not in _ACTIONS and name not in _ADAPT)
    if advice or answers:
        words = tuple(name.replace("_", " ") for name in (*advice, *answers))
        found.append(Action("suggest.mitigation", suggestions=words))
    return tuple(found)


def _condition(name: str, fields: Fields) -> Condition | None:
    targets, meant = _targets(name, fields)
    fields.need("threshold", "a number")
    value = fields.number("threshold", -1e300, 1e300)
    fields.need("operator", "one of " + ", ".join(OPERATORS))
    operator = OPERATORS[fields.choice("operator", tuple(OPERATORS), "greater_than")]
    times = fields.number("burst_threshold", 1, 3600, whole=True)
    within_s = fields.number("burst_window_seconds", 1, 3600, whole=True)
    if (times is None) is not (within_s is None):
        missing = "burst_threshold" if times is None else "burst_window_seconds"
        if missing not in fields:
            fields.need(missing, "both of burst_threshold and burst_window_seconds")
    often = None if times is None or within_s is None else (int(times), int(within_s))
    if value is None or not targets:
        return None
    parts: list[Condition] = []
    for target in targets:
        limit = scaled(value, target.units().get(target.said, 1.0))
        if meant.growth:
            # Growth of g a minute is g * minutes / 2 above the mean of those minutes.
            limit *= _GROWTH_S / 60 / 2
            parts.append(Baseline(Asked("last", 0).of(target), operator, limit, _GROWTH_S, "absolute"))
        else:
            query = Asked(meant.aggregation, meant.window_s).of(target)
            parts.append(Threshold(query, operator, limit, None, often))
    found = parts[0] if len(parts) == 1 else Any(tuple(parts))
    if meant.busy:
        running = Asked("last", 0).of(resolve("model.active_requests")[0])
        found = All((Threshold(running, ">", 0.0), found))
    return found


def _targets(name: str, fields: Fields) -> tuple[tuple[Target, ...], Meant]:
    given = fields.take("metric")
    meant = MEANT.get(name)
    if given is not MISSING:
        meant = Meant(given if isinstance(given, str) else "")
    elif meant is None:
        fields.mistakes.add("metric", f"a metric, as {name} is no threshold of WF-TECH-009")
        return (), Meant("")
    try:
        return resolve(meant.metric), meant
    except UnknownError as error:
        fields.wrong("metric", str(error))
        return (), meant
