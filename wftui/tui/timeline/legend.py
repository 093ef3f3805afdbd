"""Names, values and trends beside a lane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.tui.frame import Row, Segment, outside
from wftui.tui.timeline.figures import BRIEF, NAMELESS, WIDTH, brief, figure, label, label_name, short_name
from wftui.tui.timeline.lanes import NARROW, WIDE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wftui.tui.glyphs import Glyphs
    from wftui.tui.timeline.lanes import Drawn, Lane, Line

_ARROWS: Final = {1: "↗", -1: "↘", 0: "→", None: " "}
_PLAIN_ARROWS: Final = {1: "/", -1: "\\", 0: "-", None: " "}


def legend(lane: Lane, drawn: Drawn, values: Sequence[tuple[float, float, float]], height: int, width: int,
           glyphs: Glyphs, names: Mapping[str, str] = NAMELESS) -> list[Row]:  # fmt: skip
    """Number, name, value and trend of each series; two lines each where there is room for all, and what does not
    fit is counted.

    ``values``: lowest, mean, highest at the cursor. ``names``: as for ``figures.short_name``.
    """
    lines = lane.lines
    double = 2 * len(lines) <= height
    shown = len(lines) if len(lines) <= height else height - 1
    rows: list[Row] = []
    for line, value, direction, extreme in zip(lines[:shown], values, drawn.trends, drawn.extremes, strict=False):
        arrow: Segment = ((_PLAIN_ARROWS if glyphs.ascii_only else _ARROWS)[direction], "text")
        mean = value[1]
        if width >= WIDE or not double:
            rows.append(_one(line, lane.unit, mean, arrow, width, glyphs, names))
            if double:
                rows.append(
                    [("  ", "text"), (outside(_spread(lane.unit, value, extreme), width - 2, glyphs), "dim")]
                )
            continue
        rows.append([(f"{line.sign} ", line.role), (_name(line, width - 2, glyphs, names), "text")])
        said = figure(mean, lane.unit, ascii_only=glyphs.ascii_only)
        rows.append([("  ", "text"), (said, _strength(mean)), (" ", "text"), arrow])
    if shown < len(lines):
        rows.append([(f"  and {len(lines) - shown} more", "dim")])
    return rows


def _one(
    line: Line, unit: str, mean: float, arrow: Segment, width: int, glyphs: Glyphs, names: Mapping[str, str]
) -> Row:
    plain = glyphs.ascii_only
    said, wide = (figure(mean, unit, ascii_only=plain), WIDTH) if width >= WIDE else (
        brief(mean, unit, ascii_only=plain), BRIEF
    )  # fmt: skip
    space = " " if width >= NARROW else ""
    name = _name(line, width - 2 - wide - 2 - len(space), glyphs, names)
    return [(f"{line.sign} ", line.role), (name, "text"), (" ", "text"), (said + space, _strength(mean)), arrow]


def _name(line: Line, width: int, glyphs: Glyphs, names: Mapping[str, str]) -> str:
    full = short_name(line.column.series, names)
    return outside(
        full if len(full) <= width else label_name(line.column.series, names), width, glyphs, middle=True
    )


def _strength(value: float) -> str:
    return "strong" if value == value else "dim"


def _spread(unit: str, value: tuple[float, float, float], extreme: tuple[float, float]) -> str:
    """What the cursor's column holds, where it holds more than one number; else what the whole window holds."""
    low, _, high = value
    here = low == low and low != high
    least, most = (low, high) if here else extreme
    if least != least:
        return ""
    return f"{label(least, unit)} to {label(most, unit)} {'here' if here else 'in view'}"
