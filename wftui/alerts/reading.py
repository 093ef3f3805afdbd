"""Values of a rule file, one field after the other; what is wrong is noted, and reading goes on."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeGuard, TypeVar

import msgspec

from wftui import when
from wftui.errors import UsageError
from wftui.text import clean

_T = TypeVar("_T", bound=str)
_SHOWN: Final = 60
_MOST: Final = 100
"""Mistakes of one file that are listed."""


class Missing:
    """What stands where nothing was given."""


MISSING: Final = Missing()


class Mistakes:
    """What is wrong in one file, a line each: ``FILE: rule ID: field PATH: expected …, got …``."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.rule = ""
        """Of which rule the next mistake is; empty: of the file."""
        self.lines: list[str] = []
        self.count = 0
        self.notices: list[str] = []
        """What has no effect, and is no mistake: a line each, as ``lines``."""

    @property
    def full(self) -> bool:
        """Whether there are so many that reading on would only take time."""
        return self.count > _MOST

    def add(self, path: str, expected: str, got: object = MISSING) -> None:
        """Note one; ``got``: the value that stands there, or nothing."""
        field = f"field {clean(path, 120)}: " if path else ""
        self.say(f"{field}expected {expected}, got {shown(got)}")

    def notice(self, path: str, words: str) -> None:
        """Note something that is taken as it is, and does nothing."""
        if len(self.notices) < _MOST:
            self.notices.append(
                f"{self.file}: rule {clean(self.rule, 80)}: notice: field {clean(path, 120)}: {words}"
            )

    def say(self, words: str) -> None:
        """Note one in words of its own."""
        self.count += 1
        if self.count <= _MOST:
            rule = f"rule {clean(self.rule, 80)}: " if self.rule else ""
            self.lines.append(f"{self.file}: {rule}{words}")
        elif self.count == _MOST + 1:
            self.lines.append(f"{self.file}: more than {_MOST} mistakes: the rest of it is not read")


def shown(value: object) -> str:
    """A value as it stands in a JSON file, on one line and not long."""
    if value is MISSING:
        return "nothing"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    try:
        text = msgspec.json.encode(value).decode()
    except (TypeError, ValueError, RecursionError, OverflowError):  # what YAML can say and JSON cannot
        text = type(value).__name__
    return clean(text, _SHOWN)


class Fields:
    """The fields of one object. Ask for each that may be there, then ``close``."""

    def __init__(self, given: Mapping[str, object], path: str, mistakes: Mistakes) -> None:
        self._given = given
        self._path = path
        self._asked: dict[str, None] = {}
        self._absent: list[tuple[str, str]] = []
        self.mistakes = mistakes
        self._before = mistakes.count

    @property
    def right(self) -> bool:
        """Whether nothing in it was wrong so far."""
        return self.mistakes.count == self._before

    def __contains__(self, key: str) -> bool:
        return key in self._given

    def at(self, key: str) -> str:
        """The path of a field from the rule."""
        return f"{self._path}.{key}" if self._path else key

    def take(self, key: str) -> object:
        """A field's value as it is; ``MISSING``: it is not there."""
        self._asked[key] = None
        return self._given.get(key, MISSING)

    def wrong(self, key: str, expected: str) -> None:
        """Note that a field is not what it should be."""
        self.mistakes.add(self.at(key), expected, self._given.get(key, MISSING))

    def need(self, key: str, expected: str) -> object:
        """As ``take``; that it is not there is a mistake, told by ``close``."""
        value = self.take(key)
        if value is MISSING:
            self._absent.append((key, expected))
        return value

    def text(self, key: str, default: str = "", *, most: int = 200, least: int = 0) -> str:
        """A text of a line."""
        value = self.take(key)
        if value is MISSING:
            return default
        if isinstance(value, str) and least <= len(value) <= most and "\0" not in value:
            return clean(value)
        self.wrong(key, f"a text of {least} to {most} characters")
        return default

    def flag(self, key: str, *, default: bool) -> bool:
        value = self.take(key)
        if value is MISSING:
            return default
        if isinstance(value, bool):
            return value
        self.wrong(key, "true or false")
        return default

    def number(self, key: str, low: float, high: float, *, whole: bool = False) -> float | None:
        """A number within bounds; None: there is none, or it is wrong."""
        value = self.take(key)
        if value is MISSING:
            return None
        kinds = int if whole else int | float
        if isinstance(value, kinds) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        self.wrong(key, f"a {'whole ' if whole else ''}number from {low:.15g} to {high:.15g}")
        return None

    def choice(self, key: str, choices: Sequence[_T], default: _T) -> _T:
        """One of some texts."""
        value = self.take(key)
        if value is MISSING:
            return default
        for choice in choices:
            if value == choice:
                return choice
        near = _near(value, choices) if isinstance(value, str) else ""
        self.wrong(key, near or "one of " + ", ".join(choices))
        return default

    def seconds(self, key: str, low: float, high: float, default: float | None = 0.0) -> float | None:
        """A duration: a number of seconds or a text like ``5m``; ``default`` when it is not there or wrong."""
        value = self.take(key)
        if value is MISSING:
            return default
        found = _seconds(value)
        if found is not None and low <= found <= high:
            return found
        self.wrong(key, f"a duration like '90s' or '5m', {low:g} s to {high:g} s")
        return default

    def texts(self, key: str, pattern: re.Pattern[str], expected: str) -> tuple[str, ...]:
        """A list of texts of a form."""
        value = self.take(key)
        if value is MISSING:
            return ()
        if isinstance(value, list) and len(value) <= 100:
            for place, item in enumerate(value):
                if not isinstance(item, str) or not pattern.fullmatch(item):
                    self.mistakes.add(f"{self.at(key)}[{place}]", expected, item)
                    return ()
            return tuple(clean(item) for item in value)
        self.wrong(key, f"a list of at most 100: {expected}")
        return ()

    def object(self, key: str) -> "Fields | None":
        """An object inside; None: there is none, or it is wrong."""
        value = self.take(key)
        if value is MISSING:
            return None
        if is_object(value):
            return Fields(value, self.at(key), self.mistakes)
        self.wrong(key, "an object {…}")
        return None

    def objects(self, key: str, most: int, *, least: int = 0) -> "list[Fields] | None":
        """A list of objects; None: there is none, or it is wrong. One that is none is left out and noted."""
        value = self.take(key)
        if value is MISSING:
            return None
        if not isinstance(value, list) or not least <= len(value) <= most:
            self.wrong(key, f"a list of {least} to {most} objects")
            return None
        found = []
        for place, item in enumerate(value):
            where = f"{self.at(key)}[{place}]"
            if is_object(item):
                found.append(Fields(item, where, self.mistakes))
            else:
                self.mistakes.add(where, "an object {…}", item)
        return found

    def close(self) -> None:
        """Note what is missing, and what nobody asked for: most often the same, typed wrongly."""
        absent = dict(self._absent)
        for key in self._given:
            if key in self._asked or key.startswith("_"):
                continue  # "_why": what a person wants to remember, as JSON has no comments
            near = _near(key, list(absent), 0.5)
            near = near or _near(key, [name for name in self._asked if name not in self._given])
            absent.pop(near, None)
            known = ", ".join(self._asked)
            self.mistakes.say(
                f"field {clean(self.at(key), 120)}: expected {near or f'one of {known}'}, got {shown(key)}"
            )
        for key, expected in absent.items():
            self.mistakes.add(self.at(key), expected)


def is_object(value: object) -> TypeGuard[dict[str, object]]:
    """Whether this is an object with texts as keys: YAML can say others."""
    return isinstance(value, dict) and all(isinstance(key, str) for key in value)


def _seconds(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if -1e12 < value < 1e12 else None
    if isinstance(value, str):
        try:
            return when.duration(value)
        except UsageError:
            return None
    return None


def _near(text: str, choices: Sequence[str], likeness: float = 0.7) -> str:
    import difflib  # only a mistake needs it

    found = difflib.get_close_matches(text[:100].lower(), choices, n=1, cutoff=likeness)
    return found[0] if found else ""
