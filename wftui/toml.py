"""TOML texts by lines: where a mistake stands, and one setting changed.

A change leaves comments, order and everything else as they are, and is proved: the text is parsed before and
after, and nothing but that one setting may differ.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wftui.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER: Final = re.compile(r"\s*\[\s*([A-Za-z0-9_.\"'\s-]+?)\s*\]\s*(?:#.*)?")
_BARE: Final = re.compile(r"[\s\"']")


class Fault(NamedTuple):
    """Why bytes are no TOML."""

    line: int
    """From 1; where nobody says, the last one."""
    column: int
    """From 1; 0: nobody says."""
    words: str


def fault(raw: bytes, error: ValueError | RecursionError) -> Fault:
    """What decoding or parsing these bytes raised, with its place."""
    if isinstance(error, UnicodeDecodeError):
        line = raw.count(b"\n", 0, error.start) + 1
        return Fault(line, 0, f"expected UTF-8, got byte 0x{raw[error.start]:02x}")
    # tomllib says "… (at line 3, column 5)" or "… (at end of document)".
    words, _, place = str(error).rpartition(" (at ")
    digits, _, column = place.removeprefix("line ").rstrip(")").partition(", column ")
    return Fault(
        int(digits) if digits.isdigit() else raw.count(b"\n") + 1,
        int(column) if column.isdigit() else 0,
        f"not TOML: {words or error}",
    )


def line_of(source: str, name: str) -> int:
    """The line that sets a key: simple, yet right for tables, dotted keys and inline tables; 0 when not found."""
    section = ""
    for number, line in enumerate(source.split("\n"), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            section = stripped.strip("[] ").partition("]")[0].replace('"', "").replace(" ", "") + "."
            if section == name + ".":
                return number
            continue
        left = stripped.partition("=")[0].replace('"', "").replace("'", "").replace(" ", "").rstrip()
        full = section + left
        if left and (full == name or (name.startswith(full + ".") and name.rpartition(".")[2] in stripped)):
            return number
    return 0


def changed(source: str, name: str, literal: str | None, file: str) -> str:
    """The text with a dotted setting put to ``literal``, or without it.

    Args:
        source: A TOML text that can be parsed.
        name: ``section.key``.
        literal: The value as TOML on one line; None takes the setting out.
        file: The file's name, for messages.

    Raises:
        ConfigError: The value is written in a way that cannot be changed by lines (part of an inline table, a list
            over several lines with comments in it); names file and line.
    """
    import tomllib  # only who changes a setting needs it

    wanted = tomllib.loads(source)
    _put(wanted, name.split("."), None if literal is None else tomllib.loads(f"x = {literal}")["x"])
    lines = source.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    tried: Iterator[list[str]]
    place = _find(lines, name)
    if place is not None:
        tried = iter([_replaced(lines, place, literal, file)])
    elif literal is None:
        tried = iter([lines])
    else:
        tried = _inserted(lines, name, literal)
    for attempt in tried:
        text = "".join(attempt)
        try:
            found = tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            continue
        if _bare(found) == _bare(wanted):
            return text
    line = next((number for number, line in enumerate(lines, 1) if name.split(".")[0] in line), 1)
    raise ConfigError(f"{file}:{line}: {name} is not on a line of its own there, so it is not changed; edit it")


def _put(tree: dict[str, Any], path: list[str], value: object) -> None:  # Any: what TOML can say
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
    if value is None:
        tree.pop(path[-1], None)
    else:
        tree[path[-1]] = value


def _bare(tree: dict[str, Any]) -> dict[str, Any]:
    """Without empty tables: a section may go when its last line has gone."""
    found = {name: _bare(value) if isinstance(value, dict) else value for name, value in tree.items()}
    return {name: value for name, value in found.items() if value != {}}


def _section(line: str) -> str | None:
    """The name in a table's header; None: the line is none."""
    found = _HEADER.fullmatch(line.rstrip("\r\n"))
    return _BARE.sub("", found[1]) if found else None


def _find(lines: list[str], name: str) -> int | None:
    """The line that begins a setting."""
    section = ""
    for place, line in enumerate(lines):
        header = _section(line)
        if header is not None:
            section = header + "."
            continue
        left, equals, _ = line.partition("=")
        if equals and section + _BARE.sub("", left) == name:
            return place
    return None


def _replaced(lines: list[str], place: int, literal: str | None, file: str) -> list[str]:
    """With the value that begins at a line changed or gone; the comment behind it stays with a value."""
    end = _end(lines, place)
    old = "".join(lines[place:end])
    if end > place + 1 and "#" in old:
        raise ConfigError(f"{file}:{place + 1}: a list over several lines with comments is not changed; edit it")
    if literal is None:
        return _without_empty([*lines[:place], *lines[end:]], place)
    left = old.partition("=")[0]
    ending = "\r\n" if old.endswith("\r\n") else "\n"
    return [*lines[:place], f"{left}= {literal}{_comment(old)}{ending}", *lines[end:]]


def _end(lines: list[str], place: int) -> int:
    """The line behind a value: where what stands there is TOML by itself."""
    import tomllib

    for end in range(place + 1, len(lines) + 1):
        try:
            tomllib.loads("".join(lines[place:end]))
        except tomllib.TOMLDecodeError:
            continue
        return end
    return place + 1


def _comment(line: str) -> str:
    """The comment behind a value with the blanks before it; empty: there is none."""
    import tomllib

    body = line.rstrip("\r\n")
    for place, char in enumerate(body):
        if char != "#":
            continue
        try:
            tomllib.loads(body[:place])
        except tomllib.TOMLDecodeError:
            continue  # this # stands in a text
        value = body[:place].rstrip()
        return body[len(value) :]
    return ""


def _without_empty(lines: list[str], place: int) -> list[str]:
    """Without the header above ``place`` and a blank line before it, when nothing is left below it."""
    begin = place - 1
    while begin >= 0 and not lines[begin].strip():
        begin -= 1
    if begin < 0 or _section(lines[begin]) is None:
        return lines
    end = place
    while end < len(lines) and not lines[end].strip():
        end += 1
    if end < len(lines) and _section(lines[end]) is None:
        return lines
    if begin and not lines[begin - 1].strip():
        begin -= 1
    return [*lines[:begin], *lines[place:]]


def _inserted(lines: list[str], name: str, literal: str) -> Iterator[list[str]]:
    """Where a new setting may stand: in its section, in a new one, above all sections."""
    section, _, key = name.rpartition(".")
    ending = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    headers = [place for place, line in enumerate(lines) if _section(line) is not None]
    for number, place in enumerate(headers):
        if _section(lines[place]) == section:
            end = headers[number + 1] if number + 1 < len(headers) else len(lines)
            while not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#"):
                end -= 1
            yield [*lines[:end], f"{key} = {literal}{ending}", *lines[end:]]
    blank = [ending] if lines and lines[-1].strip() else []
    yield [*lines, *blank, f"[{section}]{ending}", f"{key} = {literal}{ending}"]
    first = headers[0] if headers else len(lines)
    yield [*lines[:first], f"{name} = {literal}{ending}", *lines[first:]]
