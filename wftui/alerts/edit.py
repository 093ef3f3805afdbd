"""Other numbers for a rule, written into a file of the person's own; what ships with wftop is never touched."""

import json
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from wftui import paths, when
from wftui.alerts import load, own, splice, store
from wftui.alerts.numbers import numbers, place
from wftui.alerts.rule import Origin, Rule
from wftui.errors import ConfigError, UsageError
from wftui.paths import Places
from wftui.wire.rules import NewNumber, RuleNumber

_NOWHERE: Final = Origin("")
_FIELD: Final = re.compile(r"^field (?:[^ ]*\.)?(?=[a-z_]+: )")
"""Where a mistake stands: who changes a number sees it."""


class Changed(NamedTuple):
    """One number that is another."""

    field: str
    """Its path: ``conditions.when_all[0].value``."""
    before: str
    """Empty: it was not written."""
    after: str
    unit: str


class Edited(NamedTuple):
    """A file as it is to be; nothing is written yet."""

    file: Path
    before: Rule
    after: Rule
    changes: tuple[Changed, ...]
    content: bytes
    created: bool
    """Whether there is no such file yet."""
    removed: bool
    """Whether it is to go: it would say what ships with wftop, and nothing else."""


def known(where: Places, rule: Rule) -> tuple[list[RuleNumber], bool]:
    """The numbers of a rule that is in force beside those that ship, and whether it replaces one that ships.

    Raises:
        ConfigError: Its file cannot be read, or is wrong now.
    """
    _, raw, current = _source(where, rule)
    found = numbers(place(raw, rule.origin.file, rule.id), current)
    if rule.origin.builtin:
        return [msgspec.structs.replace(item, shipped=item.text) for item in found], False
    shipped = _shipped(rule.id)
    if shipped is None:
        return found, False
    file, raw, original = shipped
    texts = {item.path: item.text for item in numbers(place(raw, str(file), rule.id), original)}
    return [msgspec.structs.replace(item, shipped=texts.get(item.path)) for item in found], True


def edited(where: Places, rule: Rule, wanted: Iterable[NewNumber]) -> Edited:
    """The file of a rule with other numbers; of a built-in rule a copy of it.

    Raises:
        ConfigError: A number is none, or the rule would be wrong; says what, and the file stays as it is.
    """
    file, raw, before = _source(where, rule)
    source = rule.origin.file
    found = place(raw, source, rule.id)
    there = {item.path: item for item in numbers(found, before)}
    text = raw.decode()
    changes = []
    for new in wanted:
        number = there.get(tuple(new.path))
        if number is None:
            raise ConfigError(f"{source}: rule {rule.id}: {splice.words(new.path)} is no number of it; look again")
        typed = new.text.strip()
        if typed != number.text:
            text = splice.exchanged(
                text, source, (*found.path, *number.path), literal(number, typed, yaml=found.yaml)
            )
            changes.append(Changed(splice.words(number.path), number.text, typed, number.unit))
    content = text.encode()
    loaded = load.examine(content, source)
    if loaded.mistakes:
        wrong = loaded.mistakes[0].removeprefix(f"{source}: rule {rule.id}: ")
        raise ConfigError(_FIELD.sub("", wrong, count=1))
    after = next(item for item in loaded.rules if item.id == rule.id)
    goes = not rule.origin.builtin and len(loaded.rules) == 1 and not found.yaml and _as_shipped(after, text)
    return Edited(file, before, after, tuple(changes), content, rule.origin.builtin, goes)


def write(where: Places, what: Edited) -> None:
    """Write it, whole or not at all.

    Raises:
        ConfigError: It cannot be written; the file stays as it is.
    """
    own.folder(where)
    if what.removed:
        own.remove(what.file)
    else:
        own.replace(what.file, what.content)


def literal(number: RuleNumber, typed: str, *, yaml: bool = False) -> str:
    """What a person typed as it stands in the file.

    Raises:
        ConfigError: It is no number, or no duration.
    """
    value = _float(typed)
    if number.lasts:
        try:
            seconds = when.duration(typed) if value is None else value
        except UsageError as error:
            raise ConfigError(f"{number.field}: expected a duration like 90s or 5m, got {typed!r}") from error
        return _plain(seconds) if yaml or value is not None else json.dumps(typed)
    if value is None:
        raise ConfigError(f"{number.field}: expected a number, got {typed!r}")
    return _plain(value)


def _plain(value: float) -> str:
    """Without an exponent, which YAML takes for a text."""
    text = f"{value:.15g}"
    return f"{value:.15f}".rstrip("0").rstrip(".") if "e" in text else text


def _float(typed: str) -> float | None:
    try:
        value = float(typed)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in typed else None


def _source(where: Places, rule: Rule) -> tuple[Path, bytes, Rule]:
    """(the file that is written, what it holds or is to hold at first, the rule as that says it)."""
    file = Path(rule.origin.file)
    if rule.origin.builtin:
        raw = own.alone(rule)
        file = own.file_of(where, rule.id)
        if file.exists():
            raise ConfigError(f"{file}: is there and holds no {rule.id} that is right; mend it or move it away")
    else:
        raw = own.content(file)
    loaded = load.examine(raw, rule.origin.file)
    if loaded.mistakes:
        raise ConfigError(f"mend this first: {loaded.mistakes[0]}")
    current = next((item for item in loaded.rules if item.id == rule.id), None)
    if current is None:
        raise ConfigError(f"{file}: expected rule {rule.id} in it; it was changed meanwhile")
    return file, raw, current


# ---- what ships with wftop


def _shipped(name: str) -> tuple[Path, bytes, Rule] | None:
    for file in sorted(paths.resources(store.FOLDER).glob("*.json")):
        raw = own.content(file)
        if name.encode() in raw:
            for item in load.examine(raw, str(file), builtin=True).rules:
                if item.id == name:
                    return file, raw, item
    return None


def _as_shipped(rule: Rule, text: str) -> bool:
    """Whether a file says what ships with wftop, without a word of the person's own."""
    if '"_' in text:
        return False
    found = _shipped(rule.id)
    return found is not None and _bare(found[2]) == _bare(rule)


def _bare(rule: Rule) -> Rule:
    return msgspec.structs.replace(rule, origin=_NOWHERE)
