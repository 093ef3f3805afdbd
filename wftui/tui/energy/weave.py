"""A lane's flow as rows: the ribbon with what is on the belt over it. One character, one cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.render.palette import GLOW_STEPS
from wftui.tui.energy import ribbon
from wftui.tui.energy.belt import BOLT, HALOED, PLAIN, SHARP_KIND, SOFT, Belt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wftui.tui.frame import Row

SIGNS: Final[Mapping[str, str]] = {SHARP_KIND: "•", SOFT: "◦", PLAIN: "◊", HALOED: "·", BOLT: "\u2571"}
"""What stands for what on a belt. The particles' characters are used for nothing else on the page."""
PLAIN_SIGNS: Final[Mapping[str, str]] = {SHARP_KIND: "@", SOFT: "o", PLAIN: "*", HALOED: ",", BOLT: "/"}
"""The same in ASCII; within the flow they are used for nothing else."""
_ROLES: Final[Mapping[str, str]] = {
    SHARP_KIND: "strong", SOFT: "strong", PLAIN: "strong", BOLT: "mark",
}  # fmt: skip


def glow(energy: float, shades: int = GLOW_STEPS) -> str:
    """The role for an energy from 0 to 1, of ``shades`` distinct ones; unknown is ``faint``."""
    if energy != energy:
        return "faint"
    step = min(shades - 1, max(0, int(energy * shades)))
    return f"glow{step * (GLOW_STEPS - 1) // max(1, shades - 1)}"


def thick(share: float, height: int) -> int:
    """Dots that a ribbon of a share is thick; -1: not known."""
    return ribbon.thickness(share, height) if share == share else -1


def covered(share: float, height: int) -> tuple[int, ...]:
    """Rows that a ribbon of a share covers, the middle one first."""
    middle = height // 2
    half = ribbon.thickness(share, height) // 2
    more = max(0, -(-(half - 2) // 4))
    rows = [middle]
    for away in range(1, more + 1):
        rows += [row for row in (middle + away, middle - away) if 0 <= row < height]
    return tuple(rows)


def rows(belt: Belt, share: float, role: str, *, ascii_only: bool) -> tuple[list[Row], list[int]]:
    """The lane at this moment.

    Args:
        belt: Of its stream; as wide and high as the lane.
        share: Thickness of the ribbon, 1 = the whole height; NaN: not known.
        role: Its colour.
        ascii_only: Without other characters.

    Returns:
        Its rows, and in how many cells of each the ribbon is seen.
    """
    signs = PLAIN_SIGNS if ascii_only else SIGNS
    out: list[Row] = []
    seen = []
    ground = ribbon.rows(share, belt.width, belt.height, belt.travelled, ascii_only=ascii_only, role=role)
    for y, base in enumerate(ground):
        text, ink = base[0]
        cells = belt.cells(y)
        if not cells:
            out.append(base)
            seen.append(belt.width - text.count(" "))
            continue
        chars = list(text)
        row: Row = []
        at = end = 0
        role_now = ""
        ribboned = belt.width - text.count(" ")
        for x, kind in cells:
            ribboned -= chars[x] != " "
            chars[x] = signs[kind]
            if kind == HALOED:
                continue  # in the ribbon's colour: a piece of its own would cost a frame more than it shows
            if x != end or _ROLES[kind] != role_now or not role_now:
                if role_now:
                    row.append(("".join(chars[at:end]), role_now))
                if x > end:
                    row.append(("".join(chars[end:x]), ink))
                at, role_now = x, _ROLES[kind]
            end = x + 1
        if role_now:
            row.append(("".join(chars[at:end]), role_now))
        if end < belt.width:
            row.append(("".join(chars[end:]), ink))
        out.append(row)
        seen.append(ribboned)
    return out, seen
