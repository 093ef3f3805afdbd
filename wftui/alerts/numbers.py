"""The numbers of a rule as its file writes them: what may be changed without an editor."""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, TypeGuard

import msgspec

from wftui.alerts import load
from wftui.alerts.queries import Asked
from wftui.alerts.reading import Fields, Mistakes, is_object
from wftui.alerts.reading_conditions import LISTS, Spelling, joined
from wftui.alerts.rule import Rule, Threshold, leaves
from wftui.alerts.selectors import Target, UnknownError, resolve
from wftui.alerts.splice import Path
from wftui.errors import ConfigError
from wftui.names import COUNTER
from wftui.wire.rules import RuleNumber

_UNITS: Final = {"1": "", "By": "B", "Cel": "°C"}
"""Units of the catalogue as people write them."""
_BRACES: Final = re.compile(r"[{}]")


class Place(NamedTuple):
    """A rule in its file."""

    path: Path
    """To its object, from the begin of the document."""
    fields: Mapping[str, object]
    yaml: bool


def place(raw: bytes, file: str, rule: str) -> Place:
    """Where a rule stands in a file that can be read.

    Raises:
        ConfigError: It is not in there.
    """
    yaml = file.lower().endswith(load.YAML)
    found = _in_yaml(raw, rule) if yaml else _in_json(raw, rule)
    if found is None:
        raise ConfigError(f"{file}: expected rule {rule} in it; it was changed meanwhile, or cannot be read")
    return Place(*found, yaml)


def _in_json(raw: bytes, rule: str) -> tuple[Path, Mapping[str, object]] | None:
    try:
        document: object = msgspec.json.decode(raw.decode().removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None
    items = document if isinstance(document, list) else [document]
    for at, item in enumerate(items):
        if is_object(item) and item.get("id") == rule:
            return (at,) if isinstance(document, list) else (), item
    return None


def _in_yaml(raw: bytes, rule: str) -> tuple[Path, Mapping[str, object]] | None:
    from wftui.alerts import thresholds  # with PyYAML

    for group, name, given in thresholds.listed(raw):
        if thresholds.identifier(name) == rule:
            return (group, name), given
    return None


def numbers(found: Place, rule: Rule) -> list[RuleNumber]:
    """Those of a rule, in the order of its file, and ``for`` as the last; ``rule``: what it was read as."""
    if found.yaml:
        return list(_of_yaml(found.fields, rule))
    inner = found.fields.get("conditions")
    path: Path = ("conditions",) if is_object(inner) else ()
    listed = list(_of_lists(inner if is_object(inner) else found.fields, path))
    lasts = found.fields.get("for")
    return [*listed, RuleNumber(("for",), "it must hold", "for", _lasting(lasts), lasts=True)]


def _of_lists(given: Mapping[str, object], path: Path) -> Iterator[RuleNumber]:
    for key in LISTS:
        items = given.get(key)
        for at, item in enumerate(items if isinstance(items, list) else ()):
            if not is_object(item):
                continue
            here = (*path, key, at)
            if any(inner in item for inner in LISTS):
                yield from _of_lists(item, here)
            else:
                yield from _of_condition(item, here)


def _of_condition(item: Mapping[str, object], path: Path) -> Iterator[RuleNumber]:
    about = _about(item)
    if "absent_for" in item:
        span = _lasting(item["absent_for"])
        yield RuleNumber((*path, "absent_for"), f"no {item.get('metric')}", "absent_for", span, lasts=True)
        return
    anomaly = item.get("anomaly")
    if is_object(anomaly):
        if _is_number(score := anomaly.get("score")):
            yield RuleNumber((*path, "anomaly", "score"), about, "score", _written(score), "deviations")
    elif _is_number(value := item.get("value")):
        selector, factor = _drawn(item)
        unit = _unit(item)
        yield RuleNumber((*path, "value"), about, "value", _written(value), unit, selector=selector, factor=factor)
        if _is_number(clear := item.get("clear")):
            yield RuleNumber((*path, "clear"), "while it fires", "clear", _written(clear), unit)


def _of_yaml(given: Mapping[str, object], rule: Rule) -> Iterator[RuleNumber]:
    value = given.get("threshold")
    if _is_number(value):
        leaf = leaves(rule.condition)[-1]
        limit = leaf if isinstance(leaf, Threshold) and not leaf.query.per and value else None
        yield RuleNumber(
            ("threshold",),
            f"{rule.name} {str(given.get('operator', '')).replace('_', ' ')}",
            "value",
            _written(value),
            selector=limit.query.selector if limit is not None else "",
            factor=limit.value / value if limit is not None else 1.0,
        )
    if _is_number(lasts := given.get("duration_seconds")):
        yield RuleNumber(("duration_seconds",), "it must hold", "for", f"{_written(lasts)}s", lasts=True)


def _about(item: Mapping[str, object]) -> str:
    """What is compared, and how: ``avg(hw.gpu.temperature over 1m) >``."""
    name = str(item.get("metric", ""))
    if "per" in item:
        name += f" / {item['per']}"
    window = item.get("window", "instant")
    if window != "instant":
        name = f"{item.get('aggregation', 'avg')}({name} over {window})"
    if "baseline" in item:
        name += f" off its {item['baseline']}"
    operator = item.get("operator", item.get("op", ""))
    return f"{name} {operator}".rstrip()


def _drawn(item: Mapping[str, object]) -> tuple[str, float]:
    """(series that a condition's value is a limit of, factor to their unit); no series: it is none of theirs."""
    spelling = Spelling("op") if "op" in item and "operator" not in item else Spelling()
    one = {key: value for key, value in item.items() if key != "clear"} | {"value": 1}
    mistakes = Mistakes("")
    condition = joined(Fields({LISTS[0]: [one]}, "", mistakes), spelling)
    leaf = leaves(condition)[0] if condition is not None else None
    if not isinstance(leaf, Threshold) or leaf.query.per or leaf.query.aggregation in ("count", "sum"):
        return "", 1.0
    return leaf.query.selector, leaf.value


def _unit(item: Mapping[str, object]) -> str:
    """The unit of ``value`` and ``clear``: written beside them, or meant."""
    given = item.get("unit")
    if isinstance(given, str):
        return given
    measure = item.get("threshold_type", "absolute")
    if "baseline" in item and measure != "absolute":
        return "%" if measure == "percentage_change" else "deviations"
    try:
        target = resolve(str(item.get("metric")))[0]
    except UnknownError:
        return ""
    aggregation = item.get("aggregation")
    asked = Asked(aggregation if aggregation == "count" else None, 0)
    if "per" in item or asked.counts(target):
        return ""
    return _said(target, amount=aggregation == "sum")


def _said(target: Target, *, amount: bool) -> str:
    unit = target.said or _UNITS.get(target.unit, _BRACES.sub("", target.unit))
    if target.kind != COUNTER:
        return unit
    unit = unit.removesuffix("/s")
    return unit if amount else f"{unit}/s"


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)  # true and false are states


def _written(value: float) -> str:
    return f"{value:.15g}"


def _lasting(value: object) -> str:
    """A duration with its unit."""
    if value is None:
        return ""
    return f"{value:g}s" if isinstance(value, int | float) else str(value)
