"""A rule's condition and an alert in words, for screens, messages and logs."""

import re
from collections.abc import Iterable
from typing import Final

from wftui import units
from wftui.alerts import rule as rules
from wftui.alerts.rule import Rule
from wftui.alerts.states import Alert
from wftui.names import COUNTER, METRICS
from wftui.text import clean

_PAIR: Final = re.compile(r'[a-z_]+="(?:[^"\\]|\\.)*"')
_COUNT = 'stat="count"'
_MEASURES = {"percentage_change": " %", "standard_deviation": " standard deviations"}


def condition_text(rule: Rule) -> str:
    """One line: ``avg(hw.gpu.temperature over 1m) > 85 for 2m``."""
    text = _condition(rule.condition, outer=True)
    return f"{text} for {_span(rule.for_s)}" if rule.for_s else text


def _condition(item: rules.Condition, *, outer: bool = False) -> str:
    if isinstance(item, rules.All | rules.Any):
        joined = (" and " if isinstance(item, rules.All) else " or ").join(_condition(part) for part in item.parts)
        return joined if outer or len(item.parts) == 1 else f"({joined})"
    if isinstance(item, rules.Not):
        return f"not {_condition(item.part)}"
    return _leaf(item)


def _leaf(leaf: rules.Leaf) -> str:
    match leaf:
        case rules.Text():
            return f'{leaf.signal} {leaf.operator.replace("_", " ")} "{leaf.value}"'
        case rules.Absent():
            return f"no {shown(leaf.selector)} for {_span(leaf.for_s)}"
        case rules.Threshold():
            often = f" in {leaf.often[0]} of {_span(leaf.often[1])}" if leaf.often else ""
            return f"{query_text(leaf.query)} {leaf.operator} {_value(leaf.query, leaf.value)}{often}"
        case rules.Baseline():
            value = f"{leaf.value:g}{_MEASURES.get(leaf.measure, '')}"
            if leaf.measure == "absolute":
                value = _value(leaf.query, leaf.value)
            return f"{query_text(leaf.query)} {leaf.operator} {value} off its mean of {_span(leaf.over_s)}"
        case rules.Forecast():
            value = _value(leaf.query, leaf.value)
            return f"{query_text(leaf.query)} {leaf.operator} {value} within {_span(leaf.within_s)}"
        case rules.Anomaly():
            season = " at this hour" if leaf.season == "hour" else ""
            return f"{query_text(leaf.query)} {leaf.score:g} deviations off the usual{season}"


def _value(query: rules.Query, value: float) -> str:
    """In the unit of the metric, where the selector names one."""
    metric = METRICS.get(query.selector.partition("{")[0])
    if metric is None or query.aggregation == "count" or _COUNT in query.selector:
        return f"{value:g}"
    if not query.per:
        rate = metric.kind == COUNTER and query.aggregation != "sum"
        return units.quantity(value, f"{metric.unit}/s" if rate else metric.unit)
    if _COUNT in query.per:  # sum by count: the mean
        return units.quantity(value, metric.unit)
    per = METRICS.get(query.per.partition("{")[0])
    if per is None or per.unit == metric.unit:
        return units.quantity(value, "1")
    return f"{value:g}"


def query_text(query: rules.Query) -> str:
    """``p95(name over 5m)``; the name alone when it is the newest value."""
    name = shown(query.selector)
    if query.per:
        name += f" / {shown(query.per)}"
    return f"{query.aggregation}({name} over {_span(query.window_s)})" if query.window_s else name


def shown(selector: str) -> str:
    """A selector as a person writes it: ``name{mode="1s",source="*"}``, not as it is matched."""
    name, brace, inner = selector.partition("{")
    pairs = _PAIR.findall(inner)
    if brace and inner == f"*{'*'.join(pairs)}*}}":
        return f"{name}{{{','.join(pairs)}}}"
    return selector


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def message_text(alert: Alert, message: str = "") -> str:
    """A message with what it names put in; without one the rule's, its name, or its condition."""
    rule, judge = alert.rule, alert.judge
    text = message or rule.message
    if not text:
        return rule.name or condition_text(rule)
    # What is not known any more was something when it fired.
    value = alert.fired_value if alert.active and judge.value != judge.value else judge.value
    places = {
        "value": units.quantity(value, judge.unit),
        "threshold": units.quantity(judge.threshold, judge.unit),
        **dict(alert.labels),
    }
    return clean(filled(text, places.items()), 400)


def filled(text: str, places: Iterable[tuple[str, str]]) -> str:
    """``{key}`` to its value; nothing else in braces means anything, so that no text can ask for more."""
    for key, value in places:
        text = text.replace(f"{{{key}}}", value)
    return text
