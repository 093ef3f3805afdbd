"""A lane's belt: particles that were put on it travel together, one cell each, and never change places.

A cell of the belt is (row, slot); on the screen it stands at ``int(travelled) - slot``, so a particle enters at
the left, and the whole belt moves by cells. Two things never share a cell: what is on the belt and on the screen
is what can be counted there.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

NAN: Final = float("nan")
SHARP: Final = 0.5
"""Certainty from which on a particle is sharp."""
HALO: Final = 3
"""Cells around a particle that nothing is known about the choice of; none around a sure one."""
FULL: Final = 0.8
"""Share of the cells that particles of a token each may take: more would be a wall."""
SHARED: Final = 0.5
"""The same where tokens share particles: so the ribbon and its brightness are seen, and each finds a free cell."""
_ROOMY: Final = 15.0
"""Places a second below which tokens would wait for each other too long for that."""
_STANDS: Final = 0.01
"""Places a second."""
_SEARCH: Final = 12
"""Cells to either side of its own in which a particle looks for a free one."""
_AROUND: Final = ((0, -1), (1, 0), (-1, 0))
_MANY: Final = 1000
"""Changes that are kept for whoever draws the belt."""


class Particle:
    """Tokens that are drawn as one, and their energy. Times are seconds of one steady clock."""

    __slots__ = ("at_s", "certainty", "decided", "enters_s", "frame", "row", "slot", "tokens", "units")

    def __init__(self, at_s: float, enters_s: float, tokens: int, units: float, certainty: float) -> None:
        self.at_s = at_s
        """When the first of the tokens was told to be computed."""
        self.enters_s = enters_s
        """When that was, as far as it is known: by it, it finds its cell."""
        self.tokens = tokens
        self.units = units
        """EU."""
        self.certainty = certainty
        """0 to 1; NaN: not told."""
        self.row = -1
        """Of the lane; -1: it has no place yet."""
        self.slot = 0
        self.frame = 0
        """Number of the frame that showed it first; 0: none has."""
        self.decided = False
        """Whether it was seen or missed."""

    @property
    def kind(self) -> str:
        """How it is drawn: ``sharp``, ``soft``, ``plain`` where nobody tells how sure the token was."""
        if self.certainty != self.certainty:
            return PLAIN
        return SHARP_KIND if self.certainty >= SHARP else SOFT


SHARP_KIND: Final = "sharp"
SOFT: Final = "soft"
PLAIN: Final = "plain"
PARTICLES: Final = frozenset({SHARP_KIND, SOFT, PLAIN})
HALOED: Final = "halo"
BOLT: Final = "bolt"


Cell = tuple[int, str]
"""Something on a belt, on the screen: its column, and one of ``PARTICLES``, ``HALOED``, ``BOLT``."""


class Change(NamedTuple):
    """A cell of a belt that holds something else now."""

    row: int
    slot: int
    kind: str


class Belt:
    """Of one stream."""

    def __init__(self) -> None:
        self.width = 0
        """Cells; 0: it is not on the screen."""
        self.rows: tuple[int, ...] = (0,)
        """Those that particles may take, the middle one first."""
        self.speed = 0.0
        """Cells a second."""
        self.travelled = 0.0
        self.effects = 1.0
        """Share of halos and bolts that are drawn."""
        self.epoch = 0
        """Another number when more is otherwise than that it has travelled and what ``changes`` tells."""
        self.changes: list[Change] = []
        """In this epoch, the oldest first; whoever draws the belt takes them."""
        self._cells: list[dict[int, str]] = []
        self._particles: dict[int, list[Particle]] = {}
        """By their slots: the screen is left by all of a slot together."""

    @property
    def particles(self) -> list[Particle]:
        """On the belt and on the screen."""
        return [particle for held in self._particles.values() for particle in held]

    @property
    def count(self) -> int:
        """How many particles."""
        return sum(map(len, self._particles.values()))

    def per_particle(self, rate: float) -> int:
        """Tokens that a particle has to stand for at a rate ({token}/s), so that all find a place."""
        room = self.speed * len(self.rows)
        # A belt that all but stands has no places to speak of.
        if not rate > FULL * room or room <= _STANDS:  # also where the rate is not known
            return 1
        return math.ceil(rate / ((SHARED if room >= _ROOMY else FULL) * room))

    @property
    def height(self) -> int:
        """Rows of the lane."""
        return len(self._cells)

    def fit(self, width: int, height: int) -> list[Particle]:
        """The lane has another size: returns the particles that have no place on it any more."""
        gone: list[Particle] = []
        if len(self._cells) != height:
            gone = self.clear()
            self._cells = [{} for _ in range(height)]
            self._anew()
        if width != self.width:
            self.width = width
            self._anew()
        edge = int(self.travelled) - width
        slots = set(self._particles).union(*self._cells)
        return gone + self._leave(slot for slot in slots if slot <= edge)

    def advance(self, passed_s: float) -> list[Particle]:
        """Time passes: returns the particles that left the screen."""
        before = int(self.travelled)
        self.travelled += passed_s * self.speed
        here = int(self.travelled)
        return self._leave(range(before - self.width + 1, here - self.width + 1)) if here != before else []

    def place(self, particle: Particle, now_s: float) -> bool:
        """Find a cell: where the particle would be if it had entered when it was computed, or near to that."""
        if not self.width or not self._cells:
            return False
        here = int(self.travelled)
        own = min(self.width - 1, int(max(0.0, now_s - particle.enters_s) * self.speed))
        turn = int(particle.enters_s * 1000) % len(self.rows)
        rows = self.rows[turn:] + self.rows[:turn]
        for away in range(_SEARCH + 1):
            for x in (own + away, own - away) if away else (own,):
                if not 0 <= x < self.width:
                    continue
                for row in rows:
                    if self._cells[row].get(here - x, HALOED) == HALOED:
                        self._put(particle, row, here - x)
                        return True
        return False

    def bolt(self, thick: int) -> None:
        """The first token of an answer: a bolt over all rows, ``thick`` cells, where nothing else is."""
        here = int(self.travelled)
        for row, cells in enumerate(self._cells):
            for x in range(max(1, round(thick * self.effects)) if self.effects > 0 else 0):
                slot = here - x - (len(self._cells) - 1 - row)
                if cells.get(slot, HALOED) == HALOED and here - slot < self.width:
                    self._set(row, slot, BOLT)

    def cells(self, row: int) -> list[Cell]:
        """What is on a row of the screen, from the left."""
        here = int(self.travelled)
        found = [(here - slot, kind) for slot, kind in self._cells[row].items() if 0 <= here - slot < self.width]
        found.sort()
        return found

    def clear(self) -> list[Particle]:
        """Nothing is on it any more; returns what was."""
        gone = self.particles
        self._particles.clear()
        for cells in self._cells:
            cells.clear()
        self._anew()
        return gone

    def _put(self, particle: Particle, row: int, slot: int) -> None:
        particle.row, particle.slot = row, slot
        self._set(row, slot, particle.kind)
        self._particles.setdefault(slot, []).append(particle)
        unsure = 1.0 - particle.certainty
        halo = round(HALO * unsure * self.effects) if unsure == unsure else 0
        edge = int(self.travelled) - self.width
        for down, across in _AROUND[:halo]:
            there = slot + across
            if 0 <= row + down < len(self._cells) and there > edge and there not in self._cells[row + down]:
                self._set(row + down, there, HALOED)

    def _set(self, row: int, slot: int, kind: str) -> None:
        self._cells[row][slot] = kind
        self.changes.append(Change(row, slot, kind))
        if len(self.changes) > _MANY:  # nobody draws it
            self._anew()

    def _anew(self) -> None:
        self.epoch += 1
        self.changes.clear()

    def _leave(self, slots: Iterable[int]) -> list[Particle]:
        gone: list[Particle] = []
        for slot in slots:
            for cells in self._cells:
                cells.pop(slot, None)
            gone += self._particles.pop(slot, ())
        return gone
