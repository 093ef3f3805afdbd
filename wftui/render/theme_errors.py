"""What is wrong with a theme, with the line that is meant."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

from wftui.text import clean

if TYPE_CHECKING:
    from pathlib import Path


def located(path: Path, error: Exception) -> str:
    """``FILE:LINE: what was expected``, of an error that reading the file raised."""
    try:
        raw = path.read_bytes()
    except OSError:  # an editor is replacing it
        raw = b""
    source = raw.decode(errors="replace")
    if isinstance(error, UnicodeDecodeError):
        line = error.object.count(b"\n", 0, error.start) + 1
        words = f"expected UTF-8, got byte 0x{error.object[error.start]:02x}"
    elif isinstance(error, tomllib.TOMLDecodeError | RecursionError):
        words, _, place = str(error).rpartition(" (at ")
        digits = place.removeprefix("line ").partition(",")[0]
        line = int(digits) if digits.isdigit() else source.count("\n") + 1
        words = f"not TOML: {words or error}"
    else:
        words = str(error)
        line = line_of(source, words)
    return f"{path}:{line}: {clean(words, 300)}"


def line_of(source: str, words: str) -> int:
    """The line that ``section.key: …, got 'value'`` is about; at worst that of the section, or the first."""
    key = words.partition(":")[0]
    section, _, name = key.rpartition(".")
    if not section:
        section, name = name, ""
    lines = source.split("\n")
    head = next((at for at, line in enumerate(lines) if re.match(rf"\s*\[\s*{re.escape(section)}\s*\]", line)), 0)
    value = re.search(r"got '(.*)'$", words)
    own = re.compile(rf"\s*[\"']?{re.escape(name or section)}[\"']?\s*=")
    set_at = next((at for at in range(head, len(lines)) if own.match(lines[at])), head)
    if value is not None:
        # Of a list over several lines the line with the value is meant.
        return next((at for at in range(set_at, len(lines)) if value[1] in lines[at]), set_at) + 1
    return set_at + 1
