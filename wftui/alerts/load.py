"""Rule files of every dialect to rules, and all that is wrong in them."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from wftui.alerts import reading_rules
from wftui.alerts.reading import Fields, Mistakes, is_object
from wftui.alerts.rule import Origin, Rule
from wftui.errors import ConfigError

MAX_FILE: Final = 1 << 20
MAX_RULES: Final = 500
YAML: Final = (".yaml", ".yml")
ENDINGS: Final = (".json", *YAML)
_PLACE: Final = re.compile(r" ?\(byte ([0-9]+)\)")


class Loaded(NamedTuple):
    """One file."""

    rules: tuple[Rule, ...]
    mistakes: tuple[str, ...]
    """A line each: ``FILE: rule ID: field PATH: expected …, got …``. A rule with a mistake is not in ``rules``."""
    notices: tuple[str, ...] = ()
    """The same form: what has no effect here, of rules that are right."""


def rules(raw: bytes, file: str, *, builtin: bool = False) -> tuple[Rule, ...]:
    """The rules of a file.

    Args:
        raw: What it holds: one rule or a list of them (JSON), or the thresholds of WF-TECH-009 (YAML).
        file: Its name; the ending tells which of the two.
        builtin: Whether it ships with wftop.

    Raises:
        ConfigError: Something in it is wrong; says what first.
    """
    found = examine(raw, file, builtin=builtin)
    if found.mistakes:
        raise ConfigError(found.mistakes[0])
    return found.rules


def examine(raw: bytes, file: str, *, builtin: bool = False) -> Loaded:
    """The rules of a file that are right, and everything that is wrong; raises nothing."""
    mistakes = Mistakes(file)
    origin = Origin(file, builtin=builtin)
    found: Iterable[Rule] = ()
    if len(raw) > MAX_FILE:
        mistakes.say(f"expected at most 1 MiB, got {len(raw)} bytes")
    elif file.lower().endswith(YAML):
        from wftui.alerts import thresholds  # PyYAML costs 10 ms and 1 MB that nobody without such a file pays

        found = thresholds.read(raw, mistakes, origin)
    else:
        found = _json(raw, mistakes, origin)
    return Loaded(tuple(found), tuple(mistakes.lines), tuple(mistakes.notices))


def _json(raw: bytes, mistakes: Mistakes, origin: Origin) -> list[Rule]:
    try:
        document: object = msgspec.json.decode(raw.decode().removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        mistakes.say(_syntax(raw, error))
        return []
    items = document if isinstance(document, list) else [document]
    if len(items) > MAX_RULES:
        mistakes.say(f"expected at most {MAX_RULES} rules, got {len(items)}")
        return []
    found: dict[str, Rule] = {}
    seen: set[str] = set()
    for place, item in enumerate(items):
        if mistakes.full:
            break
        mistakes.rule = f"#{place + 1}"
        if not is_object(item):
            mistakes.add("", "an object {…}", item)
            continue
        name = item.get("id")
        if isinstance(name, str) and name:
            mistakes.rule = name
            if name in seen:
                mistakes.add("id", "an id of its own: it is in this file twice", name)
                continue
            seen.add(name)
        rule = reading_rules.read(Fields(item, "", mistakes), origin)
        if rule is not None:
            found[rule.id] = rule
    mistakes.rule = ""
    return list(found.values())


def _syntax(raw: bytes, error: Exception) -> str:
    """Why bytes are no JSON, with line and column."""
    if isinstance(error, RecursionError):
        return "expected JSON of a few levels, got hundreds"
    place = _PLACE.search(str(error))
    if isinstance(error, UnicodeDecodeError):
        at, words = error.start, "not UTF-8"
    else:
        at = min(int(place[1]), len(raw)) if place else len(raw)
        words = "not JSON: " + _PLACE.sub("", str(error)).removeprefix("JSON is malformed: ")
    line = raw.count(b"\n", 0, at) + 1
    column = len(raw[raw.rfind(b"\n", 0, at) + 1 : at].decode(errors="replace")) + 1
    return f"line {line}, column {column}: {words}"
