"""The filter language of the process list: words, and comparisons of columns.

``user=me cpu>10 python`` wants all three. ``|`` stands between alternatives, ``!`` before what is not wanted, and
quotes around what is one piece (``"a b"``, ``"foo=bar"``). A text is parsed once; what it means is then asked of
each row. What is wrong in it is said and left out, the rest filters.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.model import processes as cells
from wftui.tui.process.columns import GPU, VRAM, value_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from wftui.model.table import Cell, Row

    Test = Callable[[Row, int], bool]
    """Whether a row is wanted, at a moment (ns UTC)."""

TEXT: Final = "text"
PERCENT: Final = "percent"
SIZE: Final = "size"
NUMBER: Final = "number"
AGE: Final = "age"
KEYS: Final[dict[str, tuple[int, str]]] = {
    "user": (cells.USER, TEXT),
    "name": (cells.NAME, TEXT),
    "command": (cells.COMMAND, TEXT),
    "cgroup": (cells.CGROUP, TEXT),
    "state": (cells.STATE, TEXT),
    "pid": (cells.PID, NUMBER),
    "parent": (cells.PARENT, NUMBER),
    "threads": (cells.THREADS, NUMBER),
    "cpu": (cells.CPU, PERCENT),
    "gpu": (GPU, PERCENT),
    "mem": (cells.MEMORY, SIZE),
    "vram": (VRAM, SIZE),
    "read": (cells.READ, SIZE),
    "write": (cells.WRITE, SIZE),
    "age": (cells.CREATED, AGE),
}
"""Word to its cell and what its values are."""
_SAME: Final = {
    "cmd": "command", "container": "cgroup", "s": "state", "ppid": "parent", "thr": "threads", "memory": "mem",
    "rss": "mem",
}  # fmt: skip
GRAMMAR: Final = (
    ("word", "in pid user name command"),
    ("user=me", "equal; * and a,b work"),
    ("name~^py", "a regular expression"),
    ("cpu>10 gpu>0", "percent; a core is 100"),
    ("mem>1g", "also vram read write"),
    ("age<10m", "s m h d w"),
    ("state=R pid=1", "parent threads cgroup"),
    ("!word !user=me", "not that"),
    ("a b", "both"),
    ("a | b", "one of them"),
    ('"a=b"', "as a word"),
)
"""For the help: a form, and what it wants."""
_EXPECTED: Final = {
    PERCENT: "a percent like 10",
    SIZE: "a size like 512m or 1g",
    NUMBER: "a whole number",
    AGE: "a length of time like 90s or 2h",
}
_BYTES: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)([kmgtp]?)(?:i?b)?(?:/s)?")
_TIME: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)([smhdw]?)")
_PLAIN: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)%?")
_FACTORS: Final = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40, "p": 2**50}
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_COMPARISON: Final = re.compile(r"([A-Za-z]+)(!=|!~|<=|>=|==|=|<|>|~)(.*)", re.DOTALL)
_NEAR: Final = 0.0005
"""Ratios that show the same percent are the same."""
_SEARCHED: Final = 512
"""Characters of a text that a regular expression is tried on: others write command lines, of any length."""


class Wrong(NamedTuple):
    """A piece that means nothing."""

    piece: str
    why: str


class _Piece(NamedTuple):
    """What stands between blanks."""

    text: str
    quoted: bool
    """It began with a quote: a word, whatever is in it."""
    negated: bool


class _Group(NamedTuple):
    """What has to hold together."""

    words: tuple[str, ...]
    unwanted: tuple[str, ...]
    tests: tuple[Test, ...]

    def holds(self, row: Row, at_ns: int) -> bool:
        for test in self.tests:
            if not test(row, at_ns):
                return False
        if not self.words and not self.unwanted:
            return True
        said = haystack(row)
        for word in self.words:
            if word not in said:
                return False
        return not self.unwanted or all(word not in said for word in self.unwanted)


class Filter(NamedTuple):
    """A parsed text."""

    groups: tuple[_Group, ...]
    wrong: tuple[Wrong, ...]
    """What was left out, in order."""
    timed: bool = False
    """Whether the moment counts: the same row may be wanted now and not later."""

    def __call__(self, row: Row, at_ns: int) -> bool:
        """Whether a row is wanted; ``at_ns``: when the table was made, from which ages count."""
        if not self.groups:
            return True
        for group in self.groups:  # noqa: SIM110  asked of each row: a generator costs more than what it asks
            if group.holds(row, at_ns):
                return True
        return False


class _WrongError(Exception):
    """Why a piece means nothing."""


def haystack(row: Row) -> str:
    """What words are looked for in, small letters."""
    return _joined((row[cells.PID], row[cells.USER], row[cells.NAME], row[cells.COMMAND], row[cells.CGROUP]))


# From one table to the next most processes are the same ones.
@lru_cache(maxsize=4096)
def _joined(parts: tuple[Cell, ...]) -> str:
    return " ".join([str(part) for part in parts if part is not None]).lower()


@lru_cache(maxsize=64)
def parse(text: str) -> Filter:
    """What a text means. Never raises: what is wrong is told by ``Filter.wrong``."""
    groups: list[_Group] = []
    wrong: list[Wrong] = []
    timed = False
    for pieces in _split(text):
        words: list[str] = []
        unwanted: list[str] = []
        tests: list[Test] = []
        for piece in pieces:
            timed = timed or "age" in piece.text.lower()
            try:
                _take(piece, words, unwanted, tests)
            except _WrongError as error:
                wrong.append(Wrong(f"{'!' * piece.negated}{piece.text}", str(error)))
        if words or unwanted or tests:
            groups.append(_Group(tuple(words), tuple(unwanted), tuple(tests)))
    return Filter(tuple(groups), tuple(wrong), timed)


def _split(text: str) -> list[list[_Piece]]:
    """Groups of pieces. A quote that is not closed ends with the text."""
    groups: list[list[_Piece]] = [[]]
    piece = ""
    begun = inside = quoted = negated = False
    for char in text:
        if char == '"':
            quoted = quoted or not piece
            inside, begun = not inside, True
        elif char == "!" and not begun:
            negated = begun = True
        elif inside or not (char.isspace() or char == "|"):
            piece, begun = piece + char, True
        else:
            if begun:
                groups[-1].append(_Piece(piece, quoted, negated))
            piece, begun, quoted, negated = "", False, False, False
            if char == "|":
                groups.append([])
    if begun:
        groups[-1].append(_Piece(piece, quoted, negated))
    return groups


def _take(piece: _Piece, words: list[str], unwanted: list[str], tests: list[Test]) -> None:
    """Add what a piece means. Raises: _WrongError."""
    found = None if piece.quoted else _COMPARISON.fullmatch(piece.text)
    if found is None:
        if not piece.text:
            raise _WrongError("a word is missing")
        (unwanted if piece.negated else words).append(piece.text.lower())
        return
    name, operator, value = found.groups()
    test = _comparison(name.lower(), operator, value)
    tests.append((lambda row, at_ns: not test(row, at_ns)) if piece.negated else test)


def _comparison(name: str, operator: str, value: str) -> Test:
    name = _SAME.get(name, name)
    if name not in KEYS:
        raise _WrongError(f"no column {name!r}; quote it to look for it as a word")
    if not value:
        raise _WrongError("a value is missing")
    place, kind = KEYS[name]
    if operator in ("~", "!~"):
        return _searched(place, value, wanted=operator == "~")
    if kind == TEXT:
        if operator not in ("=", "==", "!="):
            raise _WrongError(f"{name} is a text: = != ~ !~")
        return _equal(place, name, value, wanted=operator != "!=")
    values = tuple([_value(kind, piece) for piece in value.lower().split(",") if piece])
    if not values:
        raise _WrongError("a value is missing")
    if operator in ("=", "==", "!="):
        return _among(place, kind, values, wanted=operator != "!=")
    if len(values) > 1:
        raise _WrongError(f"{operator} takes one value")
    return _compared(place, kind, operator, values[0])


def _value(kind: str, text: str) -> float:
    """A value as the table has it; an age in ns."""
    if kind == SIZE and (found := _BYTES.fullmatch(text)):
        return float(found[1]) * _FACTORS[found[2]]
    if kind == AGE and (found := _TIME.fullmatch(text)):
        return float(found[1]) * _SECONDS[found[2]] * 1e9
    if kind in (NUMBER, PERCENT) and (found := _PLAIN.fullmatch(text)) and (kind == PERCENT or text.isdecimal()):
        return float(found[1]) / 100 if kind == PERCENT else float(text)
    raise _WrongError(f"expected {_EXPECTED[kind]}, got {text!r}")


def _known(row: Row, place: int, kind: str, at_ns: int) -> float | None:
    value = value_of(row, place)
    if value is None or isinstance(value, str):
        return None
    return at_ns - value if kind == AGE else value


def _compared(place: int, kind: str, operator: str, limit: float) -> Test:
    """Unknown is never more nor less than anything."""

    def above(row: Row, at_ns: int) -> bool:
        value = _known(row, place, kind, at_ns)
        return value is not None and value > limit

    def below(row: Row, at_ns: int) -> bool:
        value = _known(row, place, kind, at_ns)
        return value is not None and value < limit

    def at_least(row: Row, at_ns: int) -> bool:
        value = _known(row, place, kind, at_ns)
        return value is not None and value >= limit

    def at_most(row: Row, at_ns: int) -> bool:
        value = _known(row, place, kind, at_ns)
        return value is not None and value <= limit

    return {">": above, "<": below, ">=": at_least, "<=": at_most}[operator]


def _among(place: int, kind: str, values: tuple[float, ...], *, wanted: bool) -> Test:
    near = _NEAR if kind == PERCENT else 0.0

    def test(row: Row, at_ns: int) -> bool:
        value = _known(row, place, kind, at_ns)
        return value is not None and any(abs(value - one) <= near for one in values) == wanted

    return test


def _equal(place: int, name: str, value: str, *, wanted: bool) -> Test:
    names = [piece for piece in value.lower().split(",") if piece]
    if not names:
        raise _WrongError("a value is missing")
    if name == "user":
        names = [own_user() if piece == "me" else piece for piece in names]
    if "*" not in value:
        known = frozenset(names)

        def same(row: Row, _: int) -> bool:
            said = row[place]
            return said is not None and (str(said).lower() in known) == wanted

        return same
    pattern = re.compile(
        "|".join(".*".join(re.escape(part) for part in piece.split("*")) for piece in names), re.DOTALL
    )
    match = pattern.fullmatch

    def test(row: Row, _: int) -> bool:
        said = row[place]
        return said is not None and (match(str(said)[:_SEARCHED].lower()) is not None) == wanted

    return test


def _searched(place: int, value: str, *, wanted: bool) -> Test:
    try:
        search = re.compile(value, re.IGNORECASE).search
    except (re.error, OverflowError, RecursionError) as error:
        raise _WrongError(f"no regular expression: {error}") from error

    def test(row: Row, _: int) -> bool:
        said = value_of(row, place)
        if isinstance(said, float):
            said = f"{said:g}"
        return said is not None and (search(str(said)[:_SEARCHED]) is not None) == wanted

    return test


@lru_cache(maxsize=1)
def own_user() -> str:
    """Who looks, in small letters; the number of a user without a name."""
    import os
    import pwd  # here: asked for by few

    try:
        return pwd.getpwuid(os.getuid()).pw_name.lower()
    except KeyError:
        return str(os.getuid())
