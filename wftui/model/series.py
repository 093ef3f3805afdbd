"""A series: a metric name and its labels, and its canonical text."""

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Final

import msgspec

from wftui import names

_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}
_UNESCAPES: Final = {"\\": "\\", '"': '"', "n": "\n"}
_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.]*\Z")
_PAIR: Final = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"(?:,(?!\})|(?=\}))')

MAX_LABELS: Final = 16
MAX_NAME: Final = 64
"""Characters in a metric name."""
MAX_VALUE: Final = 256
"""Bytes of UTF-8 in a label value."""
_SHARED: Final = 4096
_labels: dict[tuple[str, str], tuple[str, str]] = {}


class Series(msgspec.Struct, frozen=True, gc=False):
    """A metric name with its labels. Make it with :func:`series` or :func:`parse`, which sort the labels."""

    name: str
    labels: tuple[tuple[str, str], ...]
    """(key, value), sorted by key; may hold the reserved key ``stat``."""
    text: str
    """Canonical: ``name{key="value",…}``, keys sorted, Prometheus escaping, no braces without labels."""

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Series) and other.text == self.text

    def label(self, key: str) -> str:
        """Value of one label; an empty text when the series does not carry it."""
        for name, value in self.labels:
            if name == key:
                return value
        return ""

    @property
    def stat(self) -> str:
        """The statistic; an empty text means mean (gauge) or last (counter)."""
        return self.label(names.STAT)


def escape(value: str) -> str:
    """A label's value as it stands between quotes."""
    if "\\" in value or '"' in value or "\n" in value:
        return "".join(_ESCAPES.get(c, c) for c in value)
    return value


def series(name: str, labels: Mapping[str, str] | None = None, stat: str = "") -> Series:
    """Build a series.

    Raises:
        ValueError: A limit is broken, a label key is not in the fixed list, or a value is empty.
    """
    pairs = dict(labels or {})
    if stat:
        pairs[names.STAT] = stat
    if len(name) > MAX_NAME or not _NAME.match(name):
        raise ValueError(f"expected a metric name of at most {MAX_NAME} characters a-z 0-9 _ ., got {name!r}")
    if len(pairs) > MAX_LABELS:
        raise ValueError(f"{name}: {len(pairs)} labels, at most {MAX_LABELS} are allowed")
    for key, value in pairs.items():
        if key not in names.LABEL_KEYS and key != names.STAT:
            raise ValueError(f"{name}: unknown label key {key!r}")
        # A lone surrogate fails to encode (a ValueError): neither the journal nor the wire can carry it.
        if not value or len(value) > MAX_VALUE or len(value.encode()) > MAX_VALUE:
            raise ValueError(f"{name}: label {key}: expected 1 to {MAX_VALUE} bytes, got {value[:32]!r}")
    ordered = tuple([_shared(pair) for pair in sorted(pairs.items())])
    if not ordered:
        return Series(name, (), name)
    inner = ",".join(f'{key}="{escape(value)}"' for key, value in ordered)
    return Series(name, ordered, f"{name}{{{inner}}}")


def _shared(pair: tuple[str, str]) -> tuple[str, str]:
    """The same label for all series that have it: a hundred series are of one GPU."""
    if len(_labels) >= _SHARED:
        _labels.clear()
    return _labels.setdefault(pair, pair)


def parse(text: str) -> Series:
    """The series of a canonical text; labels may come in any order.

    Raises:
        ValueError: The text is no series.
    """
    name, brace, rest = text.partition("{")
    if not brace:
        return series(name)
    found = pairs(rest.removesuffix("}")) if rest.endswith("}") else {}
    if not found:
        raise ValueError(f'expected a series like name{{key="value"}}, got {text!r}')
    return series(name, found)


def pairs(text: str) -> dict[str, str]:
    """``key="value",…`` to a mapping; empty: it is no such text, or a key comes twice."""
    found: dict[str, str] = {}
    position = 0
    text += "}"
    while position < len(text) - 1:
        match = _PAIR.match(text, position)
        if match is None or match[1] in found:
            return {}
        value = match[2]
        if "\\" in value:
            value = re.sub(r"\\(.)", lambda m: _UNESCAPES[m[1]], value)
        found[match[1]] = value
        position = match.end()
    return found


def matches(pattern: str, item: Series) -> bool:
    """Whether a selector names this series: fnmatch on the name, or on the whole text if it holds a ``{``."""
    return fnmatchcase(item.text if "{" in pattern else item.name, pattern)


def selector_of(text: str) -> str:
    """A selector that means this series alone, or all of its name where it has no labels."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in text)


def select(patterns: Iterable[str], items: Iterable[Series]) -> list[Series]:
    """The items that at least one pattern names, in their order."""
    wanted = tuple(patterns)
    return [item for item in items if any(matches(pattern, item) for pattern in wanted)]
