"""A layout as the text of a file, and that file written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from wftui import paths
from wftui.errors import ConfigError
from wftui.tui.layouts import files
from wftui.tui.layouts.grammar import tree

if TYPE_CHECKING:
    from pathlib import Path

    from wftui.tui.layouts.grammar import Tree
    from wftui.tui.layouts.plan import Plan


def text(plan: Plan) -> str:
    """TOML that ``files.parse`` makes the same plan of, written as a person would: a row is a line."""
    values = tree(plan)
    out = ["# A layout of wftop; what each word means: docs/layouts.md.\n"]
    out += [f"{key} = {_value(values[key])}\n" for key in ("title", "importance") if key in values]
    for name in ("when", "graphs"):
        for table in values.get(name, []):  # type: ignore[attr-defined]  # ``tree`` puts lists of tables there
            out.append(f"\n[[{name}]]\n")
            out += [_line(key, value) for key, value in table.items()]
    for panel, chosen in values.get("options", {}).items():  # type: ignore[attr-defined]  # a table of tables
        out.append(f"\n[options.{panel}]\n")
        out += [_line(key, value) for key, value in chosen.items()]
    return "".join(out)


def save(plan: Plan, folder: Path, name: str) -> Path:
    """Write it as a person's own layout, beside and renamed over; the file.

    Raises:
        ConfigError: It cannot be written, or the name is none.
    """
    if not files.good(name):
        raise ConfigError("a layout is named by letters, digits, - and _")
    path = folder / f"{name}.toml"
    try:
        paths.private_dir(folder)
        beside = path.with_name(f".{name}.tmp")
        beside.unlink(missing_ok=True)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(beside, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(text(plan))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
    return path


def _line(key: str, value: object) -> str:
    if key != "rows" or not isinstance(value, list):
        return f"{key} = {_value(value)}\n"
    return "rows = [\n" + "".join(f"    {_row(row)},\n" for row in value) + "]\n"


def _row(row: Tree) -> str:
    return "{ " + ", ".join(f"{key} = {_value(value)}" for key, value in row.items()) + " }"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return repr(value)
