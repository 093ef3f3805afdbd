"""What number a condition asks for, and the value that it is compared with, in the catalogue's unit."""

from collections.abc import Sequence
from typing import Final, NamedTuple, get_args

from wftui.alerts.amounts import scaled
from wftui.alerts.reading import MISSING, Fields
from wftui.alerts.rule import MAX_WINDOW_S, Aggregation, Query
from wftui.alerts.selectors import TEXTS, Target, UnknownError, resolve
from wftui.names import COUNTER

AGGREGATIONS: Final[tuple[Aggregation, ...]] = get_args(Aggregation)
_QUANTILES: Final[tuple[Aggregation, ...]] = ("p50", "p95", "p99")
_AS_GIVEN: Final = ("p50", "p95", "p99", "count", "sum")


class Asked(NamedTuple):
    """Aggregation, window and divisor of a condition."""

    aggregation: Aggregation | None
    """None: none was named."""
    window_s: int
    per: Target | None = None

    def counts(self, target: Target) -> bool:
        """Whether the number is a count and not in the metric's unit."""
        if target.spread:
            return target.stat == "count" or (not target.stat and self.aggregation == "count")
        labels = dict(target.labels)
        return labels.get("stat") == "count" or (self.aggregation == "count" and target.kind != COUNTER)

    def of(self, target: Target, *, forecast_s: int | None = None) -> Query:
        """The query; ``forecast_s``: of a line through so many seconds."""
        stat, per = "", self.per.selector() if self.per else ""
        aggregation: Aggregation = self.aggregation or "avg"
        if target.spread:
            stat, aggregation, mean = self._spread(target)
            if mean:
                stat, per = "sum", target.selector("count")
        elif target.stat and target.stat in target.statistics:
            stat = target.stat
            aggregation = self.aggregation or "max"
        elif target.kind == COUNTER and aggregation == "count":
            aggregation = "sum"  # how often it happened
        elif self.aggregation is None and target.stat in AGGREGATIONS:
            aggregation = next(item for item in AGGREGATIONS if item == target.stat)
        if forecast_s is not None:
            return Query(target.selector(stat), "last", forecast_s, per)
        if self.window_s:
            return Query(target.selector(stat), aggregation, self.window_s, per)
        if aggregation == "count":
            return Query(target.selector(stat), aggregation, 1, per)
        return Query(target.selector(stat), "last", 0, per)

    def _spread(self, target: Target) -> tuple[str, Aggregation, bool]:
        """(statistic, aggregation, whether it is the mean) of a distribution, whose seconds are summed up."""
        given = self.aggregation
        highest = "max" if "max" in target.statistics else "p99"
        if target.stat in _AS_GIVEN:
            return target.stat, given or "avg", False
        if target.stat == "max":
            return highest, given or "max", False
        if not target.stat and given in _QUANTILES and given is not None:
            return given, given, False
        if not target.stat and given == "max":
            return highest, "max", False
        if not target.stat and given == "min":
            return "p50", "min", False
        if not target.stat and given == "count":
            return "count", "sum", False
        if not target.stat and given == "sum":
            return "sum", "sum", False
        return "", given or "avg", True

    def check_usual(self, fields: Fields, target: Target | None, what: str) -> None:
        """Note a number that has no past to be compared with: how many values there were."""
        if self.aggregation == "count" and target is not None and not target.spread and target.kind != COUNTER:
            fields.wrong("aggregation", f"avg, min, max, sum, p50, p95, p99 or last with {what}")


def asked(fields: Fields, target: Target | None) -> Asked:
    """Read ``window``, ``aggregation``, ``per`` and ``rate``."""
    window_s = _window(fields)
    aggregation: Aggregation | None = None
    if "aggregation" in fields:
        aggregation = fields.choice("aggregation", AGGREGATIONS, "avg")
    if (
        target is not None
        and target.stat
        and not target.spread
        and target.stat not in (*target.statistics, "avg", aggregation or target.stat)
    ):
        fields.wrong("aggregation", f"{target.stat}, as the metric says")
    rate = fields.flag("rate", default=True)
    if target is not None and "rate" in fields and rate is not (target.kind == COUNTER):
        fields.wrong("rate", "true, at a counter: it is always one" if rate else "a rate: a counter only grows")
    found = Asked(aggregation, window_s, _per(fields, target))
    if "baseline" in fields:
        found.check_usual(fields, target, "a baseline")
    if "forecast" in fields:
        for key in ("window", "aggregation"):
            if key in fields:
                fields.wrong(key, "none with a forecast")
    return found


def _window(fields: Fields) -> int:
    if fields.take("window") == "instant":
        return 0
    found = fields.seconds("window", 1, MAX_WINDOW_S, 0.0) or 0.0
    if found % 1:
        fields.wrong("window", "whole seconds")
    return int(found)


def _per(fields: Fields, target: Target | None) -> Target | None:
    text = fields.take("per")
    if text is MISSING:
        return None
    if not isinstance(text, str) or text in TEXTS:
        fields.wrong("per", "a metric to divide by")
        return None
    try:
        found = resolve(text)
    except UnknownError as error:
        fields.wrong("per", str(error))
        return None
    if len(found) > 1 or found[0].spread or (target is not None and target.spread):
        fields.wrong("per", 'one series on both sides: of a distribution {stat="sum"} or {stat="count"}')
        return None
    return found[0]


def compared(
    fields: Fields, targets: Sequence[Target], question: Asked, measure: str
) -> list[tuple[float, float | None]]:
    """Read ``value``, ``clear`` and ``unit``: (value, clear) for each target, in what is compared.

    Args:
        fields: The condition.
        targets: Its series.
        question: What is asked of them.
        measure: ``level``, ``forecast``, or how a baseline is compared.
    """
    fields.need("value", "a number")
    value = _number(fields, "value")
    clear = None if measure == "forecast" else _number(fields, "clear")
    unit = fields.take("unit")
    if value is None:
        return []
    found = []
    for target in targets:
        factor = _factor(fields, target, question, measure, unit)
        if factor is None:
            return []
        found.append((scaled(value, factor), None if clear is None else scaled(clear, factor)))
    _check_share(fields, targets, question, measure, value)
    return found


def _number(fields: Fields, key: str) -> float | None:
    value = fields.take(key)
    if value is MISSING:
        return None
    if isinstance(value, int | float) and -1e300 < value < 1e300:  # true and false are 1 and 0, as the series are
        return float(value)
    fields.wrong(key, "a number")
    return None


def _factor(fields: Fields, target: Target, question: Asked, measure: str, unit: object) -> float | None:
    """From the value as it is written; None: its unit is wrong, which is noted."""
    amount = question.aggregation == "sum" and target.kind == COUNTER
    if measure in ("percentage_change", "standard_deviation"):
        allowed = {"%": 1.0} if measure == "percentage_change" else {}
    elif question.counts(target):
        allowed = {"1": 1.0}
    elif question.per is not None:
        allowed = {"1": 1.0, "%": 0.01}
    else:
        allowed = target.units()
        if amount:
            allowed = {name: factor for name, factor in allowed.items() if "/" not in name}
    if unit is MISSING:
        return _implied(target, question, measure, amount=amount)
    if isinstance(unit, str) and unit in allowed:
        return allowed[unit]
    known = ", ".join(name for name in allowed if name)
    fields.wrong("unit", f"one of {known}" if known else "no unit: it is compared as it is told")
    return None


def _implied(target: Target, question: Asked, measure: str, *, amount: bool) -> float:
    if measure in ("percentage_change", "standard_deviation") or question.counts(target):
        return 1.0
    factor = _said(target, amount=amount)
    return factor if question.per is None else factor / _said(question.per, amount=amount)


def _said(target: Target, *, amount: bool) -> float:
    """From the unit that an old path's values are in."""
    if not target.said:
        return 1.0
    said = target.said.partition("/")[0] if amount else target.said
    return target.units().get(said, 1.0)


def _check_share(fields: Fields, targets: Sequence[Target], question: Asked, measure: str, value: float) -> None:
    """90 where a share is meant would never be reached."""
    if (
        not fields.right
        or measure not in ("level", "forecast", "absolute")
        or "unit" in fields
        or question.per is not None
    ):
        return
    for target in targets:
        share = target.name.endswith(".utilization") and not target.name.startswith(("wftop.", "custom."))
        counted = question.counts(target) or question.aggregation == "sum"
        if share and target.unit == "1" and not target.said and not counted and abs(value) > 1:
            fields.wrong("value", 'a share from 0 to 1, or "unit": "%" beside it')
            return
