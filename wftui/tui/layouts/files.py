"""Layout files: a person's own in the configuration folder, and those that ship with wftop."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from wftui import toml
from wftui.errors import ConfigError, nearest
from wftui.text import clean
from wftui.tui.layouts.default import DEFAULT, NAME
from wftui.tui.layouts.grammar import Wrong, build

if TYPE_CHECKING:
    from pathlib import Path

    from wftui.tui.layouts.plan import Plan

KEY: Final = "view.layout"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAX_FILE: Final = 1 << 18


def names(own: Path, built_in: Path) -> list[str]:
    """All that can be chosen, the default first."""
    found = {path.stem for folder in (built_in, own) for path in folder.glob("*.toml")}
    return sorted({name for name in found if good(name)} | {NAME}, key=lambda name: (name != NAME, name))


def good(name: str) -> bool:
    """Whether this can be a layout's name."""
    return _NAME.fullmatch(name) is not None


def find(name: str, own: Path, built_in: Path) -> Path:
    """The file of a layout; one's own comes before the one of that name that ships with wftop.

    Raises:
        ConfigError: There is none; it says which is near, or which there are.
    """
    if not good(name):
        raise ConfigError(f"{KEY}: a layout is named by letters, digits, - and _, got {clean(name, 64)!r}")
    for folder in (own, built_in):
        path = folder / f"{name}.toml"
        if path.is_file():
            return path
    raise ConfigError(f"{KEY}: there is no layout {name!r}{nearest(name, names(own, built_in))}")


def load(path: Path) -> Plan:
    """Read a layout.

    Raises:
        ConfigError: It cannot be read or is none; one line with file, line, key and what was expected.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_FILE + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if len(raw) > _MAX_FILE:
        raise ConfigError(f"{path}: longer than 256 KiB, so it is no layout")
    return parse(path.stem, raw, str(path))


def parse(name: str, raw: bytes, file: str) -> Plan:
    """A layout from the bytes of its file.

    Raises:
        ConfigError: As ``load``.
    """
    import tomllib  # 2 ms that the default layout saves

    try:
        source = raw.decode("utf-8")
        given = tomllib.loads(source)
    except (ValueError, RecursionError) as error:
        fault = toml.fault(raw, error)
        raise ConfigError(f"{file}:{fault.line}: {fault.words}") from error
    try:
        return build(name, given)
    except Wrong as error:
        line = line_of(source, error)
        where = _said(error.path)
        got = "" if error.value is None else f", got {clean(repr(error.value), 60)}"
        raise ConfigError(f"{file}:{line}: {where}{clean(error.words, 300)}{got}") from error


def choose(name: str, own: Path, built_in: Path) -> tuple[Plan, Path | None]:
    """A layout by its name, and its file when it is a person's own.

    Raises:
        ConfigError: There is none of that name, or it is wrong.
    """
    path = find(name, own, built_in)
    if path.parent == own:
        return load(path), path
    return (DEFAULT if name == NAME else load(path)), None


def _said(path: tuple[str | int, ...]) -> str:
    """A path as a person reads it: ``when 2, row 1, panels: ``; places count from 1."""
    words: list[str] = []
    for part in path:
        if isinstance(part, int) and words:
            words[-1] = f"{'row' if words[-1] == 'rows' else words[-1].rstrip('s')} {part + 1}"
        else:
            words.append(str(part))
    return ", ".join(words) + ": " if words else ""


def line_of(source: str, error: Wrong) -> int:
    """The line that is meant: by section, then by row, then by the value or the key; at worst the section's."""
    lines = source.split("\n")
    begin, end = 0, len(lines)
    path = list(error.path)
    if len(path) > 1 and path[0] in ("when", "graphs") and isinstance(path[1], int):
        heads = [at for at, line in enumerate(lines) if _head(line) == f"[[{path[0]}]]"]
        if path[1] < len(heads):
            begin = heads[path[1]]
            later = (at for at in range(begin + 1, end) if _head(lines[at]).startswith("["))
            end = next((at for at in later if not _head(lines[at]).startswith(f"[[{path[0]}.")), end)
        del path[:2]
    elif path[:1] == ["options"] and len(path) > 1:
        begin = next((at for at, line in enumerate(lines) if _head(line) == f"[options.{path[1]}]"), 0)
    row = next((part for part in path if isinstance(part, int)), None)
    if row is not None:
        starts = [at for at in range(begin, end) if _sets(lines[at], "panels")]
        if row < len(starts):
            begin, end = starts[row], (starts[row + 1] if row + 1 < len(starts) else end)
    if isinstance(error.value, str):
        quoted = (f'"{error.value}"', f"'{error.value}'")
        holding = [at for at in range(begin, end) if any(words in lines[at] for words in quoted)]
        if holding:
            # Of a name that is there twice the second one is too many.
            return holding[-1] + 1
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    return next((at for at in range(begin, end) if _sets(lines[at], key)), begin) + 1


def _head(line: str) -> str:
    stripped = line.strip()
    return stripped.partition("#")[0].replace(" ", "").replace("\t", "") if stripped.startswith("[") else ""


def _sets(line: str, key: str) -> bool:
    """Whether a line gives a key a value, or begins the key's table."""
    bare = line.partition("#")[0]
    if _head(bare).strip("[]").endswith(key) and _head(bare):
        return bool(key)
    return bool(key) and re.search(rf"(^|[\s{{,.\"'\[]){re.escape(key)}[\"']?\s*=", bare) is not None
