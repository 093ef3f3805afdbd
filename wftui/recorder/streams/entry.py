"""One stream of tokens at the desk: its energy at regular moments, its state, what happened to it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from wftui.energy import stream as energy
from wftui.energy.sink import ABANDONED, Key, Token
from wftui.energy.stream import USUAL, Profile, Stream
from wftui.model.sample import DERIVED, ESTIMATED, Column, JsonValue, column
from wftui.model.streams import CORE, COUNTERS, STREAMS, TOKENS
from wftui.model.table import Row
from wftui.recorder.streams.answer import Answer
from wftui.windows.median import median

NAN: Final = float("nan")
SOURCE: Final = STREAMS.source
STEP_S: Final = 0.1
"""Between two moments at which a stream is recorded while anything flows."""
_REST: Final = 10
"""So many steps are between them while it is at rest."""
LATE_S: Final = 0.25
"""What is told so late still counts as of its time."""
MOMENTS: Final = 16
"""That wait to be told to who follows, at most; of more the oldest are not."""
TOGETHER: Final = 64
"""So many tokens that came together are taken one by one, those beyond as a sum: they are at full speed."""
STALLED_S: Final = 10.0
"""Of a stream's stalls an event is made so seldom; what was left out is in the next one's ``more``."""
ENDED_S: Final = 1.0
"""Answers that follow each other within so long after an event of their end have one together."""
SOON_S: Final = 0.05
"""What is told within so long is in time for what is recorded of its moment."""
_REMEMBERED_S: Final = 5.0
_TINY: Final = 1e-6
_FAINT: Final = 0.001
"""With less energy a stream that is drained is at rest."""
_QUIET: Final = frozenset({energy.IDLE, energy.DRAINED})

Happened = tuple[str, float, dict[str, JsonValue]]
"""Type of an event, when (s of CLOCK_BOOTTIME), payload."""


class Moment(NamedTuple):
    """A stream at a moment."""

    at_s: float
    look: energy.Look
    units: float
    tokens: int


class Columns(NamedTuple):
    """Of one stream."""

    energy: Column
    units: Column
    tokens: Column
    rate: Column
    velocity: Column
    certainty: Column
    friction: Column
    open: Column
    stalls: Column
    bursts: Column


def columns(key: Key, quality: str, call: str) -> Columns:
    """The series of a stream."""
    labels = {name: text for name, text in zip(Key._fields, key, strict=True) if text}
    return Columns(
        *(column(SOURCE, f"ux.stream.{name}", labels, call=call, quality=quality) for name in Columns._fields)
    )


class Entry:
    """One stream. Times are seconds of CLOCK_BOOTTIME."""

    def __init__(self, key: Key, told_by: str, at_s: float, profile: Profile = USUAL) -> None:
        self.key = key
        self.name = "|".join(key)
        self.told_by = told_by
        estimated = told_by == COUNTERS
        calls = {TOKENS: "token events", CORE: "the core's tokens", COUNTERS: "token counters of the server"}
        self.columns = columns(key, ESTIMATED if estimated else DERIVED, calls[told_by])
        self.stream = Stream(profile)
        self.moments: deque[Moment] = deque(maxlen=MOMENTS)
        """To be told to who follows."""
        self.readings: list[Moment] = []
        """To be recorded, at regular moments."""
        self.happened: list[Happened] = []
        self.top: Mapping[bytes, float] | None = None
        """Keyed hash of a token to its probability, of the newest token that told it."""
        self.top_s = -math.inf
        self.heard_s = at_s
        """When something was told of it last."""
        self.apart: tuple[float, str, str] = (NAN, "", "")
        """Disagreement with the stream it disagrees with most, that one, by what it is known."""
        self.instead_of = ""
        """The server whose counters are not counted, because they count these tokens."""
        self.bursts = 0
        self._bursting = False
        self._cost = 0.0
        """Sum of what its tokens cost."""
        self._weighed = False
        self._answers = 0
        self._waited_s = NAN
        self._charged_s = NAN
        self._answer: Answer | None = None
        self._told_s = -math.inf
        """When the end of an answer was told last."""
        self._stalled_s = -math.inf
        self._more = 0
        self._next = math.floor(at_s / STEP_S) + 1
        """The next moment that is recorded, in steps."""
        self._sampled_s = -math.inf
        self._late_s = -math.inf
        """When something came last that was later than what was recorded."""
        self._shown = energy.IDLE
        self._since_s = at_s
        self._longest_s = 0.0
        self._last_s = NAN
        self._told_moment_s = -math.inf
        self.behind = False
        """Whether something came since the newest of ``moments``."""
        self.known = False
        """Whether those who follow were told that there is such a stream."""
        self.turned = True
        """Whether it came into another state since they were told."""

    # ---- what comes

    def prompt(self, at_s: float) -> None:
        """An answer was asked for."""
        self._meanwhile(at_s)
        self._answers += 1
        tokens, units = self.stream.tokens, self.stream.units
        self.stream.prompt(at_s)
        self._turned(tokens, units, self._cost)
        if self._answer is not None:
            self._answer.answers += 1

    def tokens(
        self, at_s: float, count: int, certainty: float, weight: float, top: Mapping[bytes, float] | None
    ) -> None:
        """Tokens came together."""
        self._meanwhile(at_s)
        stream = self.stream
        tokens, units, cost = stream.tokens, stream.units, self._cost
        level = 0.0
        for _ in range(min(count, TOGETHER)):
            level = stream.token(at_s, certainty=certainty, weight=weight)
        if count > TOGETHER:
            level = stream.counted(at_s, at_s, count - TOGETHER, weight=weight)
        self._cost += count * weight
        if weight != 1.0:
            self._weighed = True
        if top is not None:
            self.top, self.top_s = top, at_s
        self._came(at_s, level, tokens, units, cost)

    def run(self, told: Sequence[Token], every_s: float) -> None:
        """Tokens came one after another; ``every_s``: as of ``follow``, 0: nobody does."""
        place = 0
        while place < len(told):
            at_s, certainty, weight = told[place]
            next_s = self._next * STEP_S
            done = place
            if self._sampled_s <= at_s < next_s <= at_s + STEP_S and self._begun:
                until_s = min(next_s, self._told_moment_s + every_s) if every_s else next_s
                done = self._run(told, place, until_s)
            if done == place:
                self.tokens(at_s, 1, certainty, weight, None)
                done += 1
            place = done
            if every_s:
                self.follow(every_s)

    @property
    def _begun(self) -> bool:
        """Whether the answer under way, if one is known, has its first token."""
        answer = self._answer
        return answer is None or answer.first_s == answer.first_s

    def _run(self, told: Sequence[Token], first: int, until_s: float) -> int:
        """Take those that change nothing but E; returns the place behind them."""
        stream = self.stream
        before = stream.tokens, stream.units, self._cost
        run = stream.run(told, first, until_s)
        if run.place == first:
            return first
        self._cost += run.cost
        if run.weighed:
            self._weighed = True
        if run.turned:
            self._turned(*before)
        self._last_s = told[run.place - 1][0]
        self.heard_s = max(self.heard_s, self._last_s)
        self._longest_s = max(self._longest_s, run.longest_s)
        if self._answer is not None:
            self._answer.last_s = self._last_s
            self._answer.peak = max(self._answer.peak, run.peak)
        return run.place

    def counted(self, since_s: float, at_s: float, count: int) -> None:
        """A counter says that so many tokens came."""
        self._meanwhile(at_s)
        stream = self.stream
        tokens, units, cost = stream.tokens, stream.units, self._cost
        level = stream.counted(since_s, at_s, count)
        self._cost += count
        if count > 0:
            self._came(at_s, level, tokens, units, cost)
        else:
            self._turned(tokens, units, cost)

    def end(self, at_s: float, how: str) -> None:
        """An answer ended."""
        self._meanwhile(at_s)
        self._end(at_s, how)

    def abandon(self, at_s: float, count: int, why: str) -> None:
        """Nobody tells any more of so many answers."""
        for _ in range(min(count, self.stream.open)):
            self._end(at_s, ABANDONED, why)

    def _end(self, at_s: float, how: str, why: str = "") -> None:
        tokens, units = self.stream.tokens, self.stream.units
        self.stream.settle(at_s)
        self._turned(tokens, units, self._cost)
        if self._answer is not None and self.stream.open:
            self._answer.end(how, why)
        self.stream.end(at_s)
        self._turned(tokens, units, self._cost)

    def _meanwhile(self, at_s: float) -> None:
        """Record what was so before something comes."""
        self.heard_s = max(self.heard_s, at_s)
        if at_s < self._sampled_s:
            self._late_s = self._sampled_s
        elif at_s >= self._next * STEP_S:
            self._sample(at_s)
        if self._next * STEP_S - at_s > STEP_S:  # it was at rest
            self._next = math.floor(max(at_s, self._sampled_s) / STEP_S + _TINY) + 1

    def _came(self, at_s: float, level: float, tokens: int, units: float, cost: float) -> None:
        # It began to stall after the token before this one.
        begun = self._turned(tokens, units, cost)
        last_s, self._last_s = self._last_s, at_s
        if not begun and at_s - last_s > self._longest_s:
            self._longest_s = at_s - last_s
        answer = self._answer
        if answer is not None:
            if answer.first_s != answer.first_s:
                answer.first_s = at_s
                if self._charged_s == self._charged_s:
                    answer.waited_s = self._waited_s
            answer.last_s = at_s
            answer.peak = max(answer.peak, level)

    def _turned(self, tokens: int, units: float, cost: float) -> bool:
        """Look at what changed; the arguments are what was so before. Returns whether an answer began to come."""
        begun = False
        for when_s, state in self.stream.turns():
            before, self._shown, self._since_s = self._shown, state, when_s
            self.turned = True
            if state == energy.CHARGING:
                self._begin(when_s, cost, tokens, units)
                self._charged_s = when_s
            elif state == energy.FLOWING and before in (*_QUIET, energy.CHARGING):
                begun = True
                if before == energy.CHARGING:
                    self._waited_s = when_s - self._charged_s
                else:
                    self._answers += 1
                    self._begin(when_s, cost, tokens, units)
                    self._waited_s = self._charged_s = NAN
                    if self._answer is not None:
                        self._answer.answers += 1
            elif state == energy.STALLING:
                self._stalled(when_s)
            elif state == energy.DRAINED and self._answer is not None:
                self._answer.over(when_s, cost, tokens, units)
            elif state == energy.IDLE:
                self._answer = None  # no token came
        return begun

    def _begin(self, at_s: float, cost: float, tokens: int, units: float) -> None:
        answer = self._answer
        if answer is not None and answer.ended_s == answer.ended_s:
            if at_s - self._told_s < ENDED_S:
                answer.ended_s = NAN
                return
            self._ended(answer)
        self._answer = Answer(self.stream, at_s, cost, tokens, units)

    def _ended(self, answer: Answer) -> None:
        self._answer = None
        self._told_s = answer.ended_s
        payload = answer.payload(self.key, self.stream, self.told_by)
        self.happened.append((answer.kind, answer.ended_s, payload))

    def _stalled(self, at_s: float) -> None:
        if at_s - self._stalled_s < STALLED_S:
            self._more += 1
            return
        payload: dict[str, JsonValue] = {**self.key._asdict(), "last_token_s": _known(at_s - self._last_s)}
        if self._more:
            payload["more"] = self._more
        self._stalled_s, self._more = at_s, 0
        self.happened.append(("stream.stalled", at_s, payload))

    # ---- what is so

    @property
    def under_way(self) -> bool:
        """Whether an answer is, at the newest moment that is known."""
        return self._shown not in _QUIET

    def now(self, at_s: float) -> Moment:
        """How it is."""
        return Moment(at_s, self.stream.look(at_s), self.stream.units, self.stream.tokens)

    def pass_to(self, now_s: float) -> None:
        """Time went on: what it changed by itself, and what is recorded of it."""
        tokens, units = self.stream.tokens, self.stream.units
        self._sample(now_s - LATE_S)  # of what is settled nothing earlier can be seen
        self.stream.settle(now_s - LATE_S)
        self._turned(tokens, units, self._cost)
        self._sample(now_s - (LATE_S if now_s - self._late_s < _REMEMBERED_S else SOON_S))

    def close_second(self) -> None:
        """Tell of the answers that ended."""
        self._longest_s = 0.0
        answer = self._answer
        if answer is not None and answer.ended_s == answer.ended_s:
            self._ended(answer)

    def _sample(self, to_s: float) -> None:
        """Record the moments up to one; nothing happened in them."""
        last = math.floor(to_s / STEP_S + _TINY)
        if last - self._next > 2 * _REST:
            self._next = last
        while self._next <= last:
            moment = self.now(self._next * STEP_S)
            self.readings.append(moment)
            self._sampled_s = moment.at_s
            burst = moment.look.burst
            self.bursts += burst and not self._bursting
            self._bursting = burst
            self._next += _REST if moment.look.state in _QUIET and moment.look.energy < _FAINT else 1

    # ---- to who follows

    def follow(self, every_s: float) -> None:
        """Something came: keep the moment, unless the last one is nearer than ``every_s``."""
        at_s = self.stream.at_s
        self.behind = True
        if at_s - self._told_moment_s >= every_s:
            self._keep(self.now(at_s))

    def catch_up(self, every_s: float) -> None:
        """Have the newest moment told, if it was not."""
        if self.behind:
            self._keep(self.now(self.stream.at_s))
        elif self.readings:
            newest = self.readings[-1]
            if newest.at_s - self._told_moment_s >= max(every_s, STEP_S / 2):
                self._keep(newest)

    def _keep(self, moment: Moment) -> None:
        self.behind = False
        self._told_moment_s = moment.at_s
        self.moments.append(moment)

    # ---- as a row

    def row(self, at_s: float, to_utc_ns: int) -> Row:
        """As in ``wftui.model.streams.STREAMS``; ``to_utc_ns``: from CLOCK_BOOTTIME to UTC."""
        look = self.stream.look(at_s)
        since_s = self._since_s if look.state == self._shown else at_s  # until that is settled
        gaps, longest_s = self.stream.gaps, self._longest_s
        if look.state in (energy.FLOWING, energy.STALLING, energy.SATURATED):
            longest_s = max(longest_s, at_s - self._last_s)
        apart, against, by = self.apart
        return (
            *self.key,
            look.state,
            int(since_s * 1e9) + to_utc_ns,
            self.told_by,
            "energyCost" if self._weighed else "plain",
            _known(self._waited_s),
            _known(median(gaps)) if gaps else None,
            _known(longest_s) if longest_s else None,
            self._answers,
            _known(apart),
            against,
            by,
            self.instead_of,
        )


def _known(value: float) -> float | None:
    return round(value, 6) if value == value else None
