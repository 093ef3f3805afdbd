"""The field: tokens become particles, and every EU of theirs is seen, missed or still waits.

What comes in is what the recorder computed: so many tokens of a stream with so many EU between two moments. What
goes out are belts with particles on them. A particle was *seen* when the terminal acknowledged the first frame
that showed it; it is *missed*, with the cause, when it found no place, was given up by a lowered quality, or was
not acknowledged ``LATEST_S`` after it was computed, whether it is drawn later or not. At any moment

    computed = seen + missed + waiting

A model without a toolkit and without a clock: times are seconds of one steady clock, and the same calls make the
same particles.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Final

from wftui.energy.fidelity import ADAPTATION, CPU, LATEST_S, LINK, NAN, ROOM, Fidelity
from wftui.tui.energy.belt import Belt, Particle

if TYPE_CHECKING:
    from collections.abc import Iterable

_TOGETHER_S: Final = 0.05
"""Tokens that share a particle wait for each other so long, or half as long again as their rate asks for."""


class _Lane:
    """What a stream's belt waits for."""

    def __init__(self) -> None:
        self.belt = Belt()
        self.queue: deque[Particle] = deque()
        """Without a place."""
        self.tokens = 0
        """That will share the next particle."""
        self.units = 0.0
        self.at_s = NAN
        """Of the first of them."""
        self.enters_s = NAN
        """The same, spread over the time since those before."""
        self.certainty = NAN
        self.per = 1
        self.wait_s = _TOGETHER_S
        self.share = 0.0
        """Of a token whose turn is not yet: quality lets only a part of them be drawn."""

    def begin(self, at_s: float, enters_s: float) -> None:
        """Something waits for the next particle; the times are those of the first."""
        if self.at_s != self.at_s:
            self.at_s, self.enters_s = at_s, enters_s


class Field:
    """Of one view."""

    def __init__(self) -> None:
        self.fidelity = Fidelity()
        self.computed = 0.0
        """EU that came in."""
        self.missed: dict[str, float] = {}
        """Cause to EU."""
        self.quality = 1.0
        """Q: particles are drawn of Q² of the tokens, effects to the part Q."""
        self.held_by = ""
        """What keeps frames further apart than ``LATEST_S``, one of ``CAUSES``; empty: nothing does."""
        self._lanes: dict[str, _Lane] = {}
        self._now_s = 0.0
        self._undecided: deque[Particle] = deque()
        self._fresh: list[Particle] = []
        """On a belt, in no frame yet."""
        self._flying: deque[tuple[int, list[Particle]]] = deque()
        self._refused_s = -math.inf
        self._lags: list[float] = []

    # ---- what comes in

    def belt(self, key: str) -> Belt:
        """The belt of a stream."""
        return self._lane(key).belt

    def feed(
        self, key: str, since_s: float, at_s: float, tokens: int, units: float, *,
        certainty: float = NAN, rate: float = NAN,
    ) -> None:  # fmt: skip
        """Tokens of a stream were computed between two moments.

        Args:
            key: Of the stream.
            since_s: When the one before them was told; they are spread evenly from there.
            at_s: When the last of them was.
            tokens: How many; 0: only ``units`` are told late.
            units: EU of all of them.
            certainty: Of the last, 0 to 1; NaN: not told.
            rate: {token}/s, by which the tokens share particles.
        """
        lane = self._lane(key)
        self.computed += units
        lane.per = lane.belt.per_particle(rate)
        lane.wait_s = max(_TOGETHER_S, min(LATEST_S / 2, 1.5 * lane.per / rate)) if rate > 0 else _TOGETHER_S
        if not lane.belt.width:
            self._miss(at_s, units, ROOM)
            return
        part = units / tokens if tokens else 0.0
        if not tokens:
            # Units without a token: they belong to the one that is about to be drawn.
            lane.units += units
            lane.begin(at_s, at_s)
        kept = self.quality * self.quality
        for number in range(1, tokens + 1):
            lane.share += kept
            if lane.share < 1.0 - 1e-9:
                self._miss(at_s, part, ADAPTATION)
                continue
            lane.share -= 1.0
            when_s = at_s if tokens == 1 else since_s + (at_s - since_s) * number / tokens
            lane.begin(at_s, when_s)
            lane.tokens += 1
            lane.units += part
            lane.certainty = certainty
            if lane.tokens >= lane.per:
                self._make(lane)

    def bolt(self, key: str, thick: int) -> None:
        """An answer of a stream began."""
        belt = self._lane(key).belt
        if belt.width:
            belt.bolt(thick)

    def advance(self, now_s: float, passed_s: float) -> None:
        """Time passes: belts travel, what waits finds a place or is too late."""
        self._now_s = now_s
        for lane in self._lanes.values():
            belt = lane.belt
            belt.effects = self.quality
            self._gone(belt.advance(passed_s), now_s)
            if now_s - lane.at_s > lane.wait_s:
                self._make(lane)
            while lane.queue and (lane.queue[0].decided or belt.place(lane.queue[0], now_s)):
                particle = lane.queue.popleft()
                if not particle.decided:
                    self._fresh.append(particle)
        self._decide(now_s)

    def fit(self, key: str, width: int, height: int, rows: tuple[int, ...]) -> None:
        """A lane stands on the screen, so wide and high; ``rows`` may hold particles. ``width`` 0: it does not."""
        belt = self._lane(key).belt
        belt.rows = rows
        if (belt.width, belt.height) != (width, height):
            self._gone(belt.fit(width, height), self._now_s)

    def keep(self, keys: Iterable[str]) -> None:
        """Streams that there still are; those of others are gone."""
        known = set(keys)
        for key in [key for key in self._lanes if key not in known]:
            lane = self._lanes.pop(key)
            self._make(lane)
            self._gone([*lane.belt.clear(), *lane.queue], self._now_s)

    # ---- frames

    def sent(self, frame: int) -> int:
        """A frame with all that is on the belts was given to the terminal; how many particles it showed first."""
        fresh, self._fresh = self._fresh, []
        shown = [particle for particle in fresh if not particle.decided]
        for particle in shown:
            particle.frame = frame
        if shown:
            self._flying.append((frame, shown))
        return len(shown)

    def refused(self, at_s: float) -> None:
        """The terminal had no room for a frame."""
        self._refused_s = at_s

    def acknowledged(self, frame: int, at_s: float) -> None:
        """The terminal has taken this frame and all before it."""
        while self._flying and self._flying[0][0] <= frame:
            for particle in self._flying.popleft()[1]:
                if particle.decided:
                    continue
                lag_s = max(0.0, at_s - particle.at_s)
                if lag_s > LATEST_S:
                    self._lose(particle, at_s, LINK)
                    continue
                particle.decided = True
                self.fidelity.see(at_s, particle.units, lag_s)
                self._lags.append(lag_s)

    def void(self, frame: int, at_s: float) -> None:
        """Nobody will acknowledge frames up to this one any more: another screen may have been there."""
        while self._flying and self._flying[0][0] <= frame:
            for particle in self._flying.popleft()[1]:
                self._lose(particle, at_s, LINK)

    # ---- what is so

    @property
    def particles(self) -> int:
        """On the screen."""
        return sum(lane.belt.count for lane in self._lanes.values())

    @property
    def per_particle(self) -> float:
        """Tokens that a particle stands for: the mean over those on the screen; 1 without any."""
        shown = [particle.tokens for lane in self._lanes.values() for particle in lane.belt.particles]
        return sum(shown) / len(shown) if shown else 1.0

    @property
    def keys(self) -> list[str]:
        """Streams with a belt."""
        return list(self._lanes)

    def per(self, key: str) -> int:
        """Tokens that the next particle of a stream stands for."""
        return self._lane(key).per

    @property
    def waiting(self) -> float:
        """EU that are neither seen nor missed yet."""
        held = math.fsum(particle.units for particle in self._undecided if not particle.decided)
        return held + math.fsum(lane.units for lane in self._lanes.values())

    def lag_s(self) -> float:
        """95th percentile of the lags since this was asked last; NaN: nothing was seen."""
        lags, self._lags = sorted(self._lags), []
        return lags[int(0.95 * (len(lags) - 1))] if lags else NAN

    # ---- inside

    def _lane(self, key: str) -> _Lane:
        found = self._lanes.get(key)
        if found is None:
            found = self._lanes[key] = _Lane()
        return found

    def _make(self, lane: _Lane) -> None:
        if not lane.tokens and not lane.units:
            return
        particle = Particle(lane.at_s, lane.enters_s, lane.tokens, lane.units, lane.certainty)
        lane.tokens, lane.units, lane.at_s, lane.enters_s = 0, 0.0, NAN, NAN
        lane.queue.append(particle)
        self._undecided.append(particle)

    def _gone(self, particles: Iterable[Particle], at_s: float) -> None:
        """Off the screen: those that no frame has shown will not be seen."""
        for particle in particles:
            if not particle.frame:
                self._lose(particle, at_s, self._cause(particle))

    def _decide(self, now_s: float) -> None:
        waiting = self._undecided
        while waiting and (waiting[0].decided or now_s - waiting[0].at_s > LATEST_S):
            particle = waiting.popleft()
            if not particle.decided:
                self._lose(particle, now_s, self._cause(particle))

    def _cause(self, particle: Particle) -> str:
        if particle.frame or self._refused_s >= particle.at_s:
            return LINK
        if particle.row < 0:
            return ROOM
        return self.held_by or (ADAPTATION if self.quality < 1.0 else CPU)

    def _lose(self, particle: Particle, at_s: float, cause: str) -> None:
        if not particle.decided:
            particle.decided = True
            self._miss(at_s, particle.units, cause)

    def _miss(self, at_s: float, units: float, cause: str) -> None:
        self.fidelity.miss(at_s, units, cause)
        if units > 0:
            self.missed[cause] = self.missed.get(cause, 0.0) + units
