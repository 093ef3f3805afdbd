"""Conditions as rule files write them, to those that are judged."""

import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, get_args

from wftui.alerts import rule as rules
from wftui.alerts import safe
from wftui.alerts.queries import Asked, asked, compared
from wftui.alerts.reading import MISSING, Fields
from wftui.alerts.selectors import TEXTS, Target, UnknownError, resolve

OPERATORS: Final[tuple[rules.Operator, ...]] = get_args(rules.Operator)
TEXT_OPERATORS: Final[tuple[rules.TextOperator, ...]] = get_args(rules.TextOperator)
_Ordered = Literal[">", ">=", "<", "<="]
ORDERED: Final[tuple[_Ordered, ...]] = get_args(_Ordered)
_Measure = Literal["absolute", "percentage_change", "standard_deviation"]
MEASURES: Final[tuple[_Measure, ...]] = get_args(_Measure)
_Season = Literal["off", "hour"]
_SEASONS: Final[tuple[_Season, ...]] = get_args(_Season)
_Side = Literal["both", "above", "below"]
_SIDES: Final[tuple[_Side, ...]] = get_args(_Side)
MAX_DEPTH: Final = 16
MAX_PARTS: Final = 64
LISTS: Final = ("when_all", "when_any", "when_not")
_BASELINE: Final = re.compile(r"([1-9][0-9]{0,5})([mhd])_avg")
_SPANS: Final = {"m": 60, "h": 3600, "d": 86_400}
_DAY_S: Final = 86_400


class Spelling(NamedTuple):
    """How a dialect calls a field."""

    operator: str = "operator"


def joined(fields: Fields, spelling: Spelling, depth: int = 1) -> rules.Condition | None:
    """The conditions in ``when_all``, ``when_any`` and ``when_not``: where several are given all must hold.

    Returns:
        None: there is none, or something in it is wrong; both are noted.
    """
    before = fields.mistakes.count
    if depth > MAX_DEPTH:
        for key in LISTS:
            fields.take(key)
        fields.mistakes.add(fields.at(""), f"at most {MAX_DEPTH} levels", "more")
        return None
    found: list[rules.Condition] = []
    for key in LISTS:
        given = fields.objects(key, MAX_PARTS, least=1)
        if given is None:
            continue
        parts = []
        for item in given:
            part = None if fields.mistakes.full else _condition(item, spelling, depth)
            if part is not None:
                parts.append(part)
        if len(parts) < len(given):
            continue
        if key == "when_not":
            found.append(rules.Not(_together(parts, rules.Any)))
        else:
            found.append(_together(parts, rules.All if key == "when_all" else rules.Any))
    if fields.mistakes.count > before:
        return None
    return _together(found, rules.All) if found else None


def _together(parts: Sequence[rules.Condition], kind: type[rules.All] | type[rules.Any]) -> rules.Condition:
    return parts[0] if len(parts) == 1 else kind(tuple(parts))


def _condition(fields: Fields, spelling: Spelling, depth: int) -> rules.Condition | None:
    before = fields.mistakes.count
    found = joined(fields, spelling, depth + 1) if any(key in fields for key in LISTS) else _leaf(fields, spelling)
    fields.close()
    return found if fields.mistakes.count == before else None


def _leaf(fields: Fields, spelling: Spelling) -> rules.Condition | None:
    metric = fields.need("metric", "a metric like system.cpu.utilization")
    if isinstance(metric, str) and metric in TEXTS:
        return _text(fields, spelling, metric)
    targets: tuple[Target, ...] = ()
    if isinstance(metric, str):
        try:
            targets = resolve(metric)
        except UnknownError as error:
            fields.wrong("metric", str(error))
    elif metric is not MISSING:
        fields.wrong("metric", "a metric like system.cpu.utilization")
    if "absent_for" in fields:
        span = fields.seconds("absent_for", 1, _DAY_S)
        return _either([rules.Absent(target.selector(_told(target)), round(span or 1)) for target in targets])
    question = asked(fields, targets[0] if targets else None)
    leaves: list[rules.Condition] = []
    if "anomaly" in fields:
        leaves = _anomaly(fields, targets, question)
    elif "forecast" in fields:
        leaves = _forecast(fields, spelling, targets, question)
    else:
        operator = _operator(fields, spelling, OPERATORS)
        leaves = _level(fields, targets, question, operator)
    return _either(leaves)


def _told(target: Target) -> str:
    """Which statistic's absence is meant."""
    return "count" if target.spread else ""


def _either(leaves: Sequence[rules.Condition]) -> rules.Condition | None:
    return _together(leaves, rules.Any) if leaves else None


def _operator(fields: Fields, spelling: Spelling, choices: Sequence[rules.Operator]) -> rules.Operator:
    fields.need(spelling.operator, "one of " + ", ".join(choices))
    return fields.choice(spelling.operator, choices, ">")


def _text(fields: Fields, spelling: Spelling, signal: str) -> rules.Condition | None:
    fields.need(spelling.operator, "one of " + ", ".join(TEXT_OPERATORS))
    operator = fields.choice(spelling.operator, TEXT_OPERATORS, "==")
    value = fields.need("value", "a text")
    fields.choice("window", ("instant",), "instant")
    fields.choice("aggregation", ("last",), "last")
    if value is MISSING:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= safe.MAX_PATTERN:
        fields.wrong("value", f"a text of 1 to {safe.MAX_PATTERN} characters")
        return None
    if operator == "regex" and (wrong := safe.trouble(value)):
        fields.wrong("value", wrong)
        return None
    return rules.Text(signal, operator, value)


def _level(
    fields: Fields, targets: Sequence[Target], question: Asked, operator: rules.Operator
) -> list[rules.Condition]:
    over_s = _over(fields)
    measure = fields.choice("threshold_type", MEASURES, "absolute")
    if over_s is None:
        if measure != "absolute" and "baseline" not in fields:
            fields.wrong("threshold_type", "a baseline beside it")
        found: list[rules.Condition] = []
        values = compared(fields, targets, question, "level")
        often = _often(fields)
        for target, (value, clear) in zip(targets, values, strict=False):
            query = question.of(target)
            found.append(rules.Threshold(query, operator, value, clear, often))
        _check_clear(fields, operator, found)
        return found
    found = []
    values = compared(fields, targets, question, measure)
    for target, (value, clear) in zip(targets, values, strict=False):
        if operator in ("<", "<="):
            # "It fell by 50": that it is less than 50 above the usual is nearly always true.
            value, clear = -abs(value), None if clear is None else -abs(clear)
        query = question.of(target)
        found.append(rules.Baseline(query, operator, value, over_s, measure, clear))
    _check_clear(fields, operator, found)
    return found


def _often(fields: Fields) -> tuple[int, int] | None:
    inner = fields.object("often")
    if inner is None:
        return None
    for key, expected in (("times", "a whole number"), ("within", "a duration like '10s'")):
        inner.need(key, expected)
    times = inner.number("times", 1, rules.MAX_WINDOW_S, whole=True)
    within_s = inner.seconds("within", 1, rules.MAX_WINDOW_S, None)
    inner.close()
    if times is None or within_s is None:
        return None
    if times > within_s:
        inner.wrong("times", f"at most {within_s:g}: it is looked at once a second")
    return int(times), round(within_s)


def _check_clear(fields: Fields, operator: rules.Operator, found: Sequence[rules.Condition]) -> None:
    for leaf in found:
        if not isinstance(leaf, rules.Threshold | rules.Baseline) or leaf.clear is None:
            continue
        if operator in ("==", "!="):
            fields.wrong("clear", "no clear value: one equals it or not")
        elif (leaf.clear > leaf.value) if operator in (">", ">=") else (leaf.clear < leaf.value):
            side = "at most" if operator in (">", ">=") else "at least"
            fields.wrong("clear", f"{side} the value: it holds until then")
        else:
            continue
        return


def _over(fields: Fields) -> int | None:
    value = fields.take("baseline")
    if value is MISSING:
        return None
    match = _BASELINE.fullmatch(value) if isinstance(value, str) else None
    over_s = int(match[1]) * _SPANS[match[2]] if match else 0
    if 60 <= over_s <= rules.MAX_BASELINE_S:
        return over_s
    fields.wrong("baseline", "1m_avg to 7d_avg")
    return None


def _forecast(
    fields: Fields, spelling: Spelling, targets: Sequence[Target], question: Asked
) -> list[rules.Condition]:
    operator = _ordered(fields, spelling)
    inner = fields.object("forecast")
    values = compared(fields, targets, question, "forecast")
    if inner is None:
        return []
    inner.need("within", "a duration like '4h'")
    within_s = inner.seconds("within", 60, 30 * _DAY_S, 3600.0)
    over_s = inner.seconds("over", 300, rules.MAX_BASELINE_S, 3600.0)
    inner.close()
    return [
        rules.Forecast(question.of(target, forecast_s=round(over_s or 0)), operator, value, round(within_s or 0))
        for target, (value, _) in zip(targets, values, strict=False)
    ]


def _ordered(fields: Fields, spelling: Spelling) -> _Ordered:
    fields.need(spelling.operator, "one of " + ", ".join(ORDERED))
    return fields.choice(spelling.operator, ORDERED, ">")


def _anomaly(fields: Fields, targets: Sequence[Target], question: Asked) -> list[rules.Condition]:
    inner = fields.object("anomaly")
    clear = fields.number("clear", 0.1, 1000)
    if inner is None:
        return []
    score = inner.number("score", 1, 1000)
    over_s = inner.seconds("over", 3600, rules.MAX_BASELINE_S, float(rules.MAX_BASELINE_S))
    season = inner.choice("season", _SEASONS, "off")
    side = inner.choice("side", _SIDES, "both")
    inner.close()
    if season == "hour" and over_s is not None and over_s < 2 * _DAY_S:
        inner.wrong("over", "at least 2d with a season of an hour")
    score = 6.0 if score is None else score
    if clear is not None and clear > score:
        fields.wrong("clear", f"at most the score {score:g}")
    question.check_usual(fields, targets[0] if targets else None, "an anomaly")
    return [
        rules.Anomaly(question.of(target), score, round(over_s or 0), season, side, clear) for target in targets
    ]
