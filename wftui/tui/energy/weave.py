"""A lane's flow as rows: the ribbon with what is on the belt over it. One character, one cell."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from wftui.render.palette import GLOW_STEPS
from wftui.tui.drift import segments
from wftui.tui.energy import ribbon
from wftui.tui.energy.belt import BOLT, HALOED, NAN, PLAIN, SHARP_KIND, SOFT, Belt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wftui.tui.frame import Row

SIGNS: Final[Mapping[str, str]] = {SHARP_KIND: "•", SOFT: "◦", PLAIN: "◊", HALOED: "·", BOLT: "\u2571"}
"""What stands for what on a belt. The particles' characters are used for nothing else on the page."""
PLAIN_SIGNS: Final[Mapping[str, str]] = {SHARP_KIND: "@", SOFT: "o", PLAIN: "*", HALOED: ",", BOLT: "/"}
"""The same in ASCII; within the flow they are used for nothing else."""
RIBBON: Final = "r"
STRONG: Final = "s"
MARK: Final = "m"
_INKS: Final[Mapping[str, str]] = {
    # What is around a particle has the ribbon's colour: a piece of its own would cost more than it shows.
    SHARP_KIND: STRONG, SOFT: STRONG, PLAIN: STRONG, HALOED: RIBBON, BOLT: MARK,
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


class Woven:
    """A lane's flow as it is drawn: of each row a character and an ink for every cell.

    It follows its belt: what has travelled is pushed along and what is new is put in, which is the same as to draw
    it anew and a tenth of the work.
    """

    def __init__(self, belt: Belt, *, ascii_only: bool) -> None:
        self.belt = belt
        self.texts: list[str] = []
        self.inks: list[str] = []
        """One of ``RIBBON``, ``STRONG``, ``MARK`` for every cell; ``roles`` says what they are now."""
        self.roles: Mapping[str, str] = _roles("faint")
        self.travelled = 0
        """Cells that the rows have gone altogether."""
        self.share = self.energy = NAN
        """What the ribbon's thickness and brightness stand for."""
        self.ascii_only = ascii_only
        self._made_of: object = None

    def follow(self, share: float, energy: float, shades: int = GLOW_STEPS) -> list[int]:
        """Draw the moment; returns the rows that look otherwise than before.

        Args:
            share: Thickness of the ribbon, 1 = the whole height; NaN: not known.
            energy: Its brightness, 0 to 1; NaN: not known.
            shades: Steps of brightness that are used.
        """
        belt = self.belt
        here = int(belt.travelled)
        self.share = share = _steady(share, self.share, 0.5 / belt.height) if belt.height else share
        self.energy = energy = _steady(energy, self.energy, 1.0 / shades)
        dots = thick(share, belt.height)
        roles = _roles(glow(energy, shades) if dots > 0 else "faint")
        tinted, self.roles = roles is not self.roles, roles
        made_of = belt.epoch, dots
        gone, self.travelled = here - self.travelled, here
        if made_of != self._made_of or gone > belt.width:
            self._made_of = made_of
            self._anew(share)
            return list(range(belt.height))
        others = set(range(belt.height)) if tinted else set()
        if gone:
            self._push(
                ribbon.texts(share, belt.width, belt.height, here, ascii_only=self.ascii_only), gone, others
            )
        if belt.changes:
            signs = PLAIN_SIGNS if self.ascii_only else SIGNS
            for row, slot, kind in belt.changes:
                x = here - slot
                if x < belt.width:
                    self._put(row, x, signs[kind], _INKS[kind])
                    others.add(row)
            belt.changes.clear()
        return sorted(others)

    def row(self, y: int) -> Row:
        """One row as segments."""
        return segments(self.texts[y], self.inks[y], self.roles)

    def _anew(self, share: float) -> None:
        belt = self.belt
        belt.changes.clear()
        signs = PLAIN_SIGNS if self.ascii_only else SIGNS
        self.texts = list(ribbon.texts(share, belt.width, belt.height, self.travelled, ascii_only=self.ascii_only))
        self.inks = [RIBBON * belt.width] * belt.height
        for y in range(belt.height):
            for x, kind in belt.cells(y):
                self._put(y, x, signs[kind], _INKS[kind])

    def _push(self, ground: tuple[str, ...], gone: int, others: set[int]) -> None:
        """All rows by so many cells to the right; blank ones stay what they are."""
        fresh = RIBBON * gone
        for y, (text, base) in enumerate(zip(self.texts, ground, strict=True)):
            new = base[:gone]
            if not (text.isspace() and new.isspace()):
                self.texts[y] = new + text[:-gone]
                self.inks[y] = fresh + self.inks[y][:-gone]
                others.add(y)

    def _put(self, y: int, x: int, sign: str, ink: str) -> None:
        text, inks = self.texts[y], self.inks[y]
        self.texts[y] = text[:x] + sign + text[x + 1 :]
        self.inks[y] = inks[:x] + ink + inks[x + 1 :]


def ribboned(belt: Belt, share: float, *, ascii_only: bool) -> list[int]:
    """In how many cells of each row the ribbon is seen: it is there, and nothing of the belt is over it."""
    seen = []
    for y, line in enumerate(ribbon.texts(share, belt.width, belt.height, belt.travelled, ascii_only=ascii_only)):
        over = {x for x, _ in belt.cells(y)}
        seen.append(sum(char != " " and x not in over for x, char in enumerate(line)))
    return seen


def _steady(value: float, held: float, step: float) -> float:
    """The value that is drawn: what was drawn before, while the reading is less than half of a step from it.

    A reading at the edge of a step would have the whole lane written anew many times a second, to no end.
    """
    return held if abs(value - held) < step / 2 and (value > 0) == (held > 0) else value


@lru_cache(maxsize=64)
def _roles(role: str) -> Mapping[str, str]:
    return {RIBBON: role, STRONG: "strong", MARK: "mark"}
