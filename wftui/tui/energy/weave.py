"""A lane's flow as rows: the ribbon with what is on the belt over it. One character, one cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.render.palette import GLOW_STEPS
from wftui.tui.energy import ribbon
from wftui.tui.energy.belt import BOLT, HALOED, PLAIN, SHARP_KIND, SOFT, Belt, Cell

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


class Woven(NamedTuple):
    """A lane's flow at one moment."""

    rows: list[Row]
    seen: list[int]
    """In how many cells of each row the ribbon is seen."""
    made_of: list[tuple[Row, int]]
    """The ribbon's row, and when that of the belt was touched: while both are the same, so is what they make."""


def rows(belt: Belt, share: float, role: str, *, ascii_only: bool, before: Woven | None = None) -> Woven:
    """The lane at this moment.

    Args:
        belt: Of its stream; as wide and high as the lane.
        share: Thickness of the ribbon, 1 = the whole height; NaN: not known.
        role: Its colour.
        ascii_only: Without other characters.
        before: The same lane before; rows that are as they were are its own.
    """
    signs = PLAIN_SIGNS if ascii_only else SIGNS
    ground = ribbon.rows(share, belt.width, belt.height, belt.travelled, ascii_only=ascii_only, role=role)
    made_of = [(base, belt.touched(y)) for y, base in enumerate(ground)]
    out: list[Row] = []
    seen = []
    for y, made in enumerate(made_of):
        if before is not None and y < len(before.made_of):
            base, touched = before.made_of[y]
            if base is made[0] and touched == made[1]:
                out.append(before.rows[y])
                seen.append(before.seen[y])
                continue
        row, ribboned = _row(made[0], belt.cells(y), belt.width, signs)
        out.append(row)
        seen.append(ribboned)
    return Woven(out, seen, made_of)


def _row(base: Row, cells: list[Cell], width: int, signs: Mapping[str, str]) -> tuple[Row, int]:
    """A row of the ribbon with what is on the belt over it, and in how many cells the ribbon is seen."""
    text, ink = base[0]
    ribboned = width - text.count(" ")
    if not cells:
        return base, ribboned
    chars = list(text)
    row: Row = []
    at = end = 0
    role_now = ""
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
    if end < width:
        row.append(("".join(chars[end:]), ink))
    return row, ribboned
