"""The dialogs of `W` and `H`, drawn."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from wftui.tui.frame import Row, cells, outside, plain
from wftui.tui.scene import gap

if TYPE_CHECKING:
    from wftui.tui.scene import Scene
    from wftui.tui.why.model import Findings

_WIDEST: Final = 96
_LEAD: Final = re.compile(r"[-0-9:.]+  ")
"""A time or points: what goes on in a next row begins behind them."""
_ASCII: Final = {ord("→"): "->", ord("°"): " deg ", ord("µ"): "u"}


def content(scene: Scene, findings: Findings, width: int) -> tuple[list[Row], int]:
    """Inside of the dialog, and its width."""
    inner = max(8, min(_WIDEST, width - 8))
    rows: list[Row] = []
    for number, (title, lines) in enumerate(findings.sections):
        if rows:
            rows.append([gap(inner)])
        if title:
            rows += wrapped(scene, title, inner, "dim" if not number else "strong")
        for place, line in enumerate(lines):
            # The first sentence is what a person came for; what is set in is the evidence of the line above.
            role = "strong" if not number and not place else "dim" if line[:3].isspace() else "text"
            rows += wrapped(scene, line, inner, role)
    keys: Row = [("Enter", "key"), (" go there   ", "dim")] if findings.goes_ns is not None else []
    arrows = f"{scene.glyphs.up}{scene.glyphs.down}"
    rows += [[gap(inner)], [*keys, (arrows, "key"), (" scroll   ", "dim"), ("Esc", "key"), (" back", "dim")]]
    return rows, inner


def wrapped(scene: Scene, line: str, width: int, role: str) -> list[Row]:
    """A line over as many rows as it takes, those after the first set in."""
    known = line.strip().translate(_ASCII) if scene.glyphs.ascii_only else line.strip()
    said = plain(known, scene.glyphs, 500)
    indent = min(len(line) - len(line.lstrip()), width // 3)
    lead = _LEAD.match(said)
    hang = min(indent + (lead.end() if lead else 2), width // 3)
    rows: list[Row] = []
    taken = ""
    for word in said.split(" "):
        room = width - (hang if rows else indent)
        more = f"{taken} {word}" if taken else word
        if taken and cells(more) > room:
            rows.append(_row(scene, taken, hang if rows else indent, width, role))
            more = word
        taken = more
    rows.append(_row(scene, taken, hang if rows else indent, width, role))
    return rows


def _row(scene: Scene, words: str, indent: int, width: int, role: str) -> Row:
    shown = outside(words, width - indent, scene.glyphs) if cells(words) > width - indent else words
    return [gap(indent), (shown, role)] if indent else [(shown, role)]
