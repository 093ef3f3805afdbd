"""Rules as JSON files write them: our own form, which is WF-OPS-002's and more, and the older compact one."""

import re
from typing import Final, Literal, get_args

from wftui.alerts import reading_actions
from wftui.alerts.reading import MISSING, Fields
from wftui.alerts.reading_conditions import LISTS, Spelling, joined
from wftui.alerts.rule import SEVERITIES, Action, Category, Escalation, Origin, Quiet, Rule, Severity

COOLDOWN_S: Final = 300.0
"""Where a rule does not say. Source: WF-TECH-009, global settings."""
DEFAULT_ACTIONS: Final = (Action("notify.toast"),)
"""Where a rule does not say."""
ID: Final = re.compile(r"rule\.[a-zA-Z0-9_-]{1,100}")
CATEGORIES: Final[tuple[Category, ...]] = get_args(Category)
_Privacy = Literal["local_only", "shareable_anonymous", "shareable_with_consent"]
_PRIVACIES: Final[tuple[_Privacy, ...]] = get_args(_Privacy)
_VERSION: Final = re.compile(r"1\.[0-9]{1,3}")
_TAG: Final = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_SOURCE: Final = re.compile(r"[!-~]{1,128}")
_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_MOST: Final = re.compile(r"([1-9][0-9]{0,3})_per_(second|minute|hour|day)")
_SPANS: Final = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86_400.0}
_DAY_S: Final = 86_400
_OURS: Final = frozenset(
    {
        "for", "keep_firing_for", "inhibited_by", "quiet_hours", "needs", "resolve", "adaptation", "message",
    }
)  # fmt: skip
Dialect = Literal["wftop", "wf-ops", "wf-ops-compact", "wf-tech"]
_PLAIN: Final = Spelling()
_SHORT: Final = Spelling(operator="op")
_SHORT_SEVERITIES: Final[dict[str, Severity]] = {"warn": "warning", "err": "error", "crit": "critical"}


def read(fields: Fields, origin: Origin) -> Rule | None:
    """One rule; None: something in it is wrong, which is noted."""
    before = fields.mistakes.count
    compact = "conditions" not in fields and ("then" in fields or any(key in fields for key in LISTS))
    own = _origin(fields, origin, compact=compact)
    found = _compact(fields) if compact else _full(fields, ours=own.dialect == "wftop")
    rule = _top(fields, found[0], found[1], found[2], own)
    fields.close()
    return rule if fields.mistakes.count == before else None


def _origin(fields: Fields, origin: Origin, *, compact: bool) -> Origin:
    dialect: Dialect = "wf-ops-compact" if compact else "wf-ops"
    if not compact and any(key in fields for key in _OURS):
        dialect = "wftop"
    return Origin(origin.file, dialect, origin.builtin)


def _full(fields: Fields, *, ours: bool) -> tuple[object, tuple[Action, ...], Severity]:
    fields.need("conditions", "an object with when_all, when_any or when_not")
    inner = fields.object("conditions")
    condition = None
    if inner is not None:
        condition = joined(inner, _PLAIN)
        if not any(key in inner for key in LISTS):
            inner.need(LISTS[0], "a list of conditions")
        inner.close()
    given = fields.objects("actions", reading_actions.MAX_ACTIONS)
    actions = DEFAULT_ACTIONS if given is None else tuple(reading_actions.full(item, ours=ours) for item in given)
    return condition, actions, fields.choice("severity", SEVERITIES, "warning")


def _compact(fields: Fields) -> tuple[object, tuple[Action, ...], Severity]:
    condition = joined(fields, _PLAIN if _says_operator(fields) else _SHORT)
    given = fields.objects("then", reading_actions.MAX_ACTIONS)
    actions = DEFAULT_ACTIONS if given is None else tuple(reading_actions.compact(item) for item in given)
    severity: Severity = "warning"
    for action in actions:  # it has no severity of its own: that of its first action is meant
        if action.level in SEVERITIES:
            severity = next(item for item in SEVERITIES if item == action.level)
            break
    short = fields.take("severity")
    if isinstance(short, str) and short in _SHORT_SEVERITIES:
        return condition, actions, _SHORT_SEVERITIES[short]
    return condition, actions, fields.choice("severity", SEVERITIES, severity)


def _says_operator(fields: Fields) -> bool:
    """Whether a compact rule writes the word out."""
    for key in LISTS:
        given = fields.take(key)
        for item in given if isinstance(given, list) else ():
            if isinstance(item, dict) and "operator" in item:
                return True
    return False


def _top(
    fields: Fields, condition: object, actions: tuple[Action, ...], severity: Severity, origin: Origin
) -> Rule | None:
    name = identifier(fields)
    version = fields.take("version")
    if version is not MISSING and not (isinstance(version, str) and _VERSION.fullmatch(version)):
        fields.wrong("version", '"1.0"')
    for key in ("created_at", "updated_at"):
        fields.text(key, most=64)
    cooldown_s, most, escalations = _debounce(fields)
    adaptation = fields.number("adaptation", 1, 5, whole=True)
    message = fields.text("message", most=reading_actions.MAX_MESSAGE)
    rule = {
        "name": fields.text("name", most=100),
        "description": fields.text("description", most=2000),
        "enabled": fields.flag("enabled", default=True),
        "category": fields.choice("category", CATEGORIES, "system"),
        "for_s": fields.seconds("for", 0, _DAY_S) or 0.0,
        "keep_firing_s": fields.seconds("keep_firing_for", 0, _DAY_S) or 0.0,
        "inhibited_by": fields.texts("inhibited_by", ID, "the id of a rule, rule. and a-z A-Z 0-9 _ -"),
        "quiet": _quiet(fields),
        "needs": fields.texts("needs", _SOURCE, "the name of a source"),
        "manual": fields.choice("resolve", ("auto", "manual"), "auto") == "manual",
        "tags": fields.texts("tags", _TAG, "a tag of a-z A-Z 0-9 _ . -"),
        "privacy": fields.choice("privacy", _PRIVACIES, "local_only"),
        "user_configurable": fields.flag("user_configurable", default=True),
    }
    if condition is None:
        return None
    return Rule(
        id=name,
        condition=condition,  # type: ignore[arg-type]  # what ``joined`` gave
        severity=severity,
        actions=actions,
        cooldown_s=cooldown_s,
        most=most,
        escalations=escalations,
        adaptation=None if adaptation is None else int(adaptation),
        message=message or reading_actions.first_message(actions),
        origin=origin,
        **rule,  # type: ignore[arg-type]  # each is of its field's type
    )


def identifier(fields: Fields) -> str:
    """The rule's id; a mistake without."""
    expected = "an id: rule. and 1 to 100 of a-z A-Z 0-9 _ -"
    found = fields.need("id", expected)
    if isinstance(found, str) and ID.fullmatch(found):
        return found
    if found is not MISSING:
        fields.wrong("id", expected)
    return ""


def _debounce(fields: Fields) -> tuple[float, tuple[int, float] | None, tuple[Escalation, ...]]:
    inner = fields.object("debounce")
    if inner is None:
        return COOLDOWN_S, None, ()
    cooldown_ms = inner.number("cooldown_ms", 1000, 3_600_000)
    given = inner.take("max_frequency")
    most = None
    match = _MOST.fullmatch(given) if isinstance(given, str) else None
    if match:
        most = int(match[1]), _SPANS[match[2]]
    elif given is not MISSING:
        inner.wrong("max_frequency", "1_per_second, 1_per_minute, 1_per_hour or 1_per_day")
    listed = isinstance(inner.take("escalation"), list)
    items = (inner.objects("escalation", 8) or []) if listed else [inner.object("escalation")]
    escalations = tuple(found for item in items if item is not None and (found := _escalation(item)) is not None)
    inner.close()
    return COOLDOWN_S if cooldown_ms is None else cooldown_ms / 1000, most, escalations


def _escalation(fields: Fields) -> Escalation | None:
    fields.need("upgrade_to", "one of warning, error, critical")
    to = fields.choice("upgrade_to", SEVERITIES[1:], "critical")
    count = fields.number("after_count", 2, 10_000, whole=True)
    duration_ms = fields.number("after_duration_ms", 60_000, 7 * _DAY_S * 1000)
    if "after_count" not in fields and "after_duration_ms" not in fields:
        fields.need("after_count", "after_count or after_duration_ms")
    fields.close()
    return Escalation(
        to, None if count is None else int(count), None if duration_ms is None else duration_ms / 1000
    )


def _quiet(fields: Fields) -> tuple[Quiet, ...]:
    found = []
    for item in fields.objects("quiet_hours", 14) or ():
        start, end = _clock(item, "from"), _clock(item, "to")
        item.close()
        if start is not None and end is not None:
            found.append(Quiet(start, end))
    return tuple(found)


def _clock(fields: Fields, key: str) -> int | None:
    expected = "a time of day like 22:00"
    value = fields.need(key, expected)
    minutes = clock(value)
    if minutes is None and value is not MISSING:
        fields.wrong(key, expected)
    return minutes


def clock(value: object) -> int | None:
    """Minutes after midnight of ``22:00``; None: it is no time of day."""
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    return int(match[1]) * 60 + int(match[2]) if match else None
