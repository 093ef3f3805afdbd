"""What can be used of a line that breaks the form, and what is wrong with the rest.

With the standard library's parser, because it knows NaN, infinities, numbers beyond float64 and lone surrogates:
each of them then is the trouble of one sample.
"""

import json
import math
from typing import Any

import msgspec

from wftui.recorder.push.forms import MAX_DEPTH, NO_LABELS, Line, Pushed, Told, Trouble, UnusableError

_TEXTS = ("source", "type", "kind", "privacy_level", "retention_policy")
_Json = Any  # whatever a line may hold


def parse(line: bytes) -> tuple[Line, list[Trouble], list[int], list[int]]:
    """The line without what is wrong, what that is, and where each sample and token event that is left stood.

    Raises:
        UnusableError: Nothing can be used.
    """
    found = _decoded(line)
    troubles: list[Trouble] = []
    indices: list[int] = []
    token_indices: list[int] = []
    item = Line()
    for field in _TEXTS:
        if isinstance(found.get(field), str):
            setattr(item, field, found[field])
    if not isinstance(found.get("source", ""), str):
        raise UnusableError(f"source: expected a text, got {_kind(found['source'])}")
    for field in ("timestamp", "ts"):
        if found.get(field) is not None:
            setattr(item, field, _number(found[field], field))
    if isinstance(found.get("tags"), dict):
        item.tags = _raw(found["tags"])
    if "samples" in found:
        item.samples = _samples(found["samples"], troubles, indices)
    if "tokens" in found:
        item.tokens = _tokens(found["tokens"], troubles, token_indices)
    for field in ("data", "fields", "energy_visual"):
        if field in found:
            setattr(item, field, _fields(found[field], field, troubles))
    budget = "frame_budget_used_ms"
    if found.get(budget) is not None:
        item.frame_budget_used_ms = _fields({budget: found[budget]}, "", troubles).get(budget)
    return item, troubles, indices, token_indices


def _decoded(line: bytes) -> dict[str, _Json]:
    try:
        found = json.loads(line)
    except RecursionError as error:
        raise UnusableError(f"nested deeper than {MAX_DEPTH}") from error
    except ValueError as error:  # also a number of more than 4,300 digits, also what is no UTF-8
        raise UnusableError(f"not JSON: {str(error)[:200]}") from error
    if _depth(found) > MAX_DEPTH:
        raise UnusableError(f"nested deeper than {MAX_DEPTH}")
    if not isinstance(found, dict):
        raise UnusableError(f"expected an object, got {_kind(found)}")
    return found


def _samples(found: _Json, troubles: list[Trouble], indices: list[int]) -> list[Pushed]:
    if not isinstance(found, list):
        raise UnusableError(f"samples: expected a list, got {_kind(found)}")
    good: list[Pushed] = []
    for index, item in enumerate(found):
        name = item.get("name") if isinstance(item, dict) else None
        try:
            good.append(_sample(item))
        except UnusableError as error:
            troubles.append(Trouble(index, name if isinstance(name, str) else "", str(error)))
        else:
            indices.append(index)
    return good


def _sample(item: _Json) -> Pushed:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        raise UnusableError("expected an object with a name and a value")
    value = _number(item.get("value"), "value")
    unit, kind, labels = item.get("unit", ""), item.get("kind", ""), item.get("labels", {})
    if not isinstance(unit, str) or not isinstance(kind, str):
        raise UnusableError("unit and kind: expected texts")
    if not isinstance(labels, dict):
        raise UnusableError(f"labels: expected an object, got {_kind(labels)}")
    ago_s = _number(item.get("ago", 0.0), "ago")
    return Pushed(item["name"], value, unit, kind, _raw(labels) if labels else NO_LABELS, ago_s)


def _tokens(found: _Json, troubles: list[Trouble], indices: list[int]) -> list[Told]:
    if not isinstance(found, list):
        raise UnusableError(f"tokens: expected a list, got {_kind(found)}")
    good: list[Told] = []
    for index, item in enumerate(found):
        try:
            good.append(_told(item))
        except UnusableError as error:
            troubles.append(Trouble(index, "tokens", str(error)))
        else:
            indices.append(index)
    return good


def _told(item: _Json) -> Told:
    if not isinstance(item, dict) or not isinstance(item.get("do"), str):
        raise UnusableError("expected an object that says what to do: prompt, token or end")
    told = Told(item["do"])
    for field in ("model", "server", "how"):
        if not isinstance(item.get(field, ""), str):
            raise UnusableError(f"{field}: expected a text, got {_kind(item[field])}")
        setattr(told, field, item.get(field, ""))
    for field in ("count", "of"):
        if item.get(field) is not None:
            if isinstance(item[field], bool) or not isinstance(item[field], int):
                raise UnusableError(f"{field}: expected a whole number")
            setattr(told, field, item[field])
    for field in ("ago", "bits", "cost"):
        if item.get(field) is not None:
            setattr(told, field, _number(item[field], field))
    top = item.get("top")
    if top is not None:
        if not isinstance(top, dict):
            raise UnusableError(f"top: expected an object, got {_kind(top)}")
        told.top = {token: _number(share, "top") for token, share in top.items()}
    return told


def _fields(found: _Json, field: str, troubles: list[Trouble]) -> dict[str, float]:
    if not isinstance(found, dict):
        raise UnusableError(f"{field}: expected an object, got {_kind(found)}")
    data: dict[str, float] = {}
    for name, value in found.items():
        try:
            data[name] = _number(value, "value")
        except UnusableError as error:
            troubles.append(Trouble(None, name, str(error)))
    return data


def _number(value: _Json, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnusableError(f"{what}: expected a number, got {_kind(value)}")
    if isinstance(value, int) and value.bit_length() > 1000:
        raise UnusableError(f"{what}: expected a number that fits into 64 bits of float")
    if not math.isfinite(value):
        raise UnusableError(f"{what}: expected a finite number")
    return float(value)


def _raw(labels: dict[str, _Json]) -> msgspec.Raw:
    # A lone surrogate stays an escape here; whoever understands the labels refuses it by name.
    return msgspec.Raw(json.dumps(labels).encode())


def _depth(found: _Json) -> int:
    """How deep lists and objects lie in each other."""
    level, depth = [found], 0
    while depth <= MAX_DEPTH and (level := [item for item in level if isinstance(item, dict | list)]):
        depth += 1
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return depth


def _kind(value: _Json) -> str:
    if isinstance(value, bool):
        return "a truth value"
    return {dict: "an object", list: "a list", str: "a text", type(None): "null"}.get(type(value), "a number")
