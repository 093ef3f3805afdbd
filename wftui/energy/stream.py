"""The energy E(t) of one stream of tokens: how fast, sure and un-stalled a model speaks, 0 to 1 (WF-FND-002).

Each token moves E by the exponential mean of what it was worth; between two tokens E stays as it is for as long as
a pause is no stall, then it halves every 700 ms. So E at a moment depends on the tokens alone, never on how often
somebody looks. Beside it the state of the stream and its energy units (EU): the sum of weight times E over all
tokens, so that 100 plain tokens at E = 0.5 are 50 EU.

Times are seconds of one steady clock. Nothing here knows what a token says.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

NAN: Final = float("nan")

IDLE: Final = "idle"
CHARGING: Final = "charging"
"""A prompt was sent, no token has come yet."""
FLOWING: Final = "flowing"
STALLING: Final = "stalling"
SATURATED: Final = "saturated"
DRAINED: Final = "drained"
STATES: Final = (IDLE, CHARGING, FLOWING, STALLING, SATURATED, DRAINED)
_GOING: Final = (FLOWING, STALLING, SATURATED)
"""An answer has begun."""

SATURATED_AT: Final = 0.85
SATURATED_S: Final = 0.8
"""E has to be so high for so long."""
UNSATURATED_BELOW: Final = 0.7
BURST_RATE: Final = 12.0
"""Tokens a second; more is a burst."""
_NOTHING: Final = 1e-12
"""What keeps a smaller share is told as 0."""
_GAPS: Final = 32
_SAME_S: Final = 1e-6
"""Nearer moments are one: a pause is no stall, and a token no part of a window, by the last bit of a clock."""


class Profile(NamedTuple):
    """Constants of WF-FND-002; those of the velocity belong to the hardware."""

    rate_min: float = 0.0
    """{token}/s at which the velocity is 0."""
    rate_max: float = 20.0
    """{token}/s at which it is 1."""
    window_s: float = 1.0
    stall_s: float = 0.4
    ceiling_s: float = 1.5
    """A pause so long has no friction left to lose."""
    smoothing: float = 0.35
    """Alpha, more than 0."""
    half_life_s: float = 0.7
    first_token_s: float = 30.0
    """So long a prompt waits for its first token before its stream counts as idle."""


USUAL: Final = Profile()


class Look(NamedTuple):
    """A stream at one moment."""

    energy: float
    velocity: float
    certainty: float
    """Of the last token; NaN: nobody told it."""
    friction: float
    """1: no pause, 0: stalled."""
    rate: float
    """{token}/s over the window."""
    state: str
    stalled: bool
    burst: bool


class Run(NamedTuple):
    """Tokens that were taken one after another."""

    place: int
    """Behind the last of them."""
    peak: float
    """Greatest E at one of them."""
    longest_s: float
    """Greatest time between two."""
    cost: float
    """Sum of their weights."""
    weighed: bool
    """Whether one of them has another weight than 1."""
    turned: bool
    """Whether the last of them changed the state."""


def velocity(rate: float, profile: Profile = USUAL) -> float:
    """The share that a rate ({token}/s) is of what the profile expects, 0 to 1."""
    return min(1.0, max(0.0, (rate - profile.rate_min) / (profile.rate_max - profile.rate_min)))


def friction(gap_s: float, profile: Profile = USUAL) -> float:
    """What a pause between two tokens leaves: 1 up to ``stall_s``, 0 from ``ceiling_s`` on."""
    return 1.0 - min(1.0, max(0.0, (gap_s - profile.stall_s) / (profile.ceiling_s - profile.stall_s)))


def worth(speed: float, sure: float, free: float) -> float:
    """What a token is worth of velocity, certainty and friction, 0 to 1; without certainty the others stand in."""
    return 0.5 * speed + 0.3 * sure + 0.2 * free if sure == sure else 0.7 * speed + 0.3 * free


class Stream:
    """One stream: prompts, tokens and ends as they happen, in the order of their times.

    What comes with an earlier time than what was told before counts as of that time: E never goes back.
    """

    __slots__ = (
        "_at", "_blind", "_charged", "_free", "_gap_from", "_held", "_high_since", "_last", "_not_before", "_open",
        "_said", "_slow", "_state", "_sure", "_turns", "_window", "_within",
        "gaps", "profile", "stalls", "tokens", "units",
    )  # fmt: skip

    def __init__(self, profile: Profile = USUAL) -> None:
        self.profile = profile
        self.tokens = 0
        """Since the stream is known."""
        self.units = 0.0
        """EU of these."""
        self.stalls = 0
        """Times that it began to stall."""
        self.gaps: deque[float] = deque(maxlen=_GAPS)
        """Times between the last tokens, s."""
        self._state = IDLE
        self._not_before = -math.inf
        """The next turn is not before this: when the last was, or when a counter told that nothing came."""
        self._open = 0
        self._said = False
        """Whether the answer was announced, so that its end will be, too."""
        self._turns: list[tuple[float, str]] = []
        self._at = -math.inf
        """The newest time that was told."""
        self._last = -math.inf
        """When the last token came."""
        self._blind = 0.0
        """For so long after it nothing is known of the next, for a counter told it."""
        self._gap_from = -math.inf
        """Since when it is known that nothing comes."""
        self._charged = NAN
        self._held = 0.0
        """E, which stays so until a stall's length after ``_gap_from``."""
        self._slow = 0
        """Pauses in a row that were too long, up to the last token."""
        self._sure = NAN
        self._free = 1.0
        self._high_since = NAN
        self._window: deque[tuple[float, float, int]] = deque()
        """(since, until, tokens); a token that was told itself has no length."""
        self._within = 0
        """Tokens in it."""

    # ---- what happens

    def prompt(self, at_s: float) -> None:
        """An answer was asked for."""
        at_s = self.settle(at_s)
        self._open += 1
        self._said = True
        if self._state in (IDLE, DRAINED):
            self._charged = at_s
            self._turn(at_s, CHARGING)

    def token(self, at_s: float, *, certainty: float = NAN, weight: float = 1.0) -> float:
        """A token came.

        Args:
            at_s: When.
            certainty: 0 to 1; NaN: not told.
            weight: What it cost by the word of who made it (``energyCost``); 1 for a plain token.

        Returns:
            E at it.
        """
        at_s = self.settle(at_s)
        before = self._fell(at_s)
        gap = NAN if self._begins(at_s) else at_s - self._last
        self._came(at_s, at_s, 1)
        self._paused(gap)
        self._sure, self._gap_from = certainty, at_s
        base = worth(velocity(self._rate(at_s), self.profile), certainty, self._free)
        level = self._level(self.profile.smoothing * base + (1.0 - self.profile.smoothing) * before)
        self.units += weight * level
        self._judge(at_s, before)
        return level

    def run(self, told: Sequence[tuple[float, float, float]], first: int, until_s: float) -> Run:
        """Take tokens as ``token`` would, bit for bit, as long as an answer flows and nothing changes but E.

        ``told``: (when, certainty, weight) of each, taken from place ``first`` on and before ``until_s``. Where it
        stops the next is for ``token``, or for another call.
        """
        profile, window, within = self.profile, self._window, self._within
        saturated = self._state == SATURATED
        last, held, high, newest = self._last, self._held, self._high_since, self._at
        units, gaps, sure = self.units, self.gaps, self._sure
        stall, span, low = profile.stall_s, profile.window_s, profile.rate_min
        width, alpha = profile.rate_max - profile.rate_min, profile.smoothing
        left = 1.0 - alpha
        peak = longest = cost = 0.0
        weighed = turned = False
        place, end = first, len(told)
        if not (saturated or self._state == FLOWING) or self._slow or self._blind or self._gap_from != last:
            end = first  # what a pause, a counter or a first token does is not done here
        while place < end:
            at, certainty, weight = told[place]
            gap = at - last
            if at < newest or at >= until_s or gap > stall or (not saturated and high + SATURATED_S <= at):
                break
            limit = at - span
            while window and window[0][1] <= limit + _SAME_S:
                within -= window.popleft()[2]
            if window and window[0][0] < limit:
                break  # a counter's tokens, some of which left the window
            within += 1
            if window and window[-1][0] == window[-1][1] == at:
                window[-1] = at, at, window[-1][2] + 1
            else:
                window.append((at, at, 1))
            speed = min(1.0, max(0.0, (within / span - low) / width))
            # ``worth``, with nothing taken by friction.
            base = 0.5 * speed + 0.3 * certainty + 0.2 if certainty == certainty else 0.7 * speed + 0.3
            before = held
            held = min(1.0, max(0.0, alpha * base + left * held))
            units += weight * held
            cost += weight
            if weight != 1.0:
                weighed = True
            gaps.append(gap)
            if held > peak:
                peak = held
            if gap > longest:
                longest = gap
            if held < SATURATED_AT:
                high = NAN
            elif not (high == high and before >= SATURATED_AT):
                high = at
            last = newest = at
            sure = certainty
            place += 1
            if saturated and held < UNSATURATED_BELOW:
                self._turn(at, FLOWING)
                turned = True
                break
        if place > first:
            self._last = self._gap_from = self._at = last
            self._held, self._high_since, self._sure, self._free = held, high, sure, 1.0
            self.units = units
            self.tokens += place - first
        self._within = within
        return Run(place, peak, longest, cost, weighed, turned)

    def counted(self, since_s: float, at_s: float, count: int, *, weight: float = 1.0) -> float:
        """A counter says that so many tokens came between two moments.

        They are taken as evenly spread, the last at ``at_s``, each at the rate of the window that ends there: E
        has velocity and friction only, and is an estimate. Until as much time has passed again, nothing says that
        the stream stands still; that none came says it of all the time since the last token.

        Returns:
            E at the last of them, or now.
        """
        at_s = self.settle(at_s)
        going = self._state in _GOING
        if count <= 0:
            self._blind = 0.0
            if going:
                self._gap_from, self._not_before = self._last, at_s
            return self._fell(at_s)
        since_s = min(since_s, at_s)
        apart = (at_s - since_s) / count
        gap = max(0.0, since_s - self._last) + apart if going else NAN
        before = self._held * self._keeps(gap) if going else self._fell(since_s + apart)
        told = min(before, self._fell(at_s))
        self._begins(at_s)
        self._came(since_s, at_s, count)
        self._paused(gap)
        self._sure, self._gap_from = NAN, at_s + self._blind
        speed = velocity(self._rate(at_s), self.profile)
        alpha = self.profile.smoothing
        level = alpha * worth(speed, NAN, self._free) + (1.0 - alpha) * before
        units = level
        if count > 1:
            self._paused(apart, count - 1)
            # From the second on each token moves E by the same factor towards the same level: a geometric sum.
            factor = (1.0 - alpha) * self._keeps(apart)
            goal = alpha * worth(speed, NAN, self._free) / (1.0 - factor)
            faded = factor ** (count - 1)
            units += (count - 1) * goal + (level - goal) * factor * (1.0 - faded) / (1.0 - factor)
            level = goal + (level - goal) * faded
        self.units += weight * units
        level = self._level(level)
        self._judge(at_s, told)
        return level

    def end(self, at_s: float) -> None:
        """An answer ended; with the last one the stream is drained, and E falls from that moment on."""
        at_s = self.settle(at_s)
        self._open = max(0, self._open - 1)
        if not self._open and self._state not in (IDLE, DRAINED):
            self._drain(at_s)

    def settle(self, at_s: float) -> float:
        """Make what time alone has changed up to a moment part of ``turns``; what comes later is of that moment or
        after it. Returns the moment."""
        at_s = self._at = max(self._at, at_s)
        for when, state in self._coming(at_s):
            if state == FLOWING:
                self._high_since = NAN
            if state == IDLE:
                self._open = 0
                self._said = False
            if state == DRAINED:
                self._drain(when)
            else:
                self._turn(when, state)
        limit = self._known(at_s) - self.profile.window_s + _SAME_S
        while self._window and self._window[0][1] <= limit:
            self._within -= self._window.popleft()[2]
        return at_s

    # ---- what is so

    def look(self, at_s: float) -> Look:
        """The stream at a moment, not before the last that was told. Looking changes nothing."""
        at_s = max(self._at, at_s)
        coming = self._coming(at_s)
        state = coming[-1][1] if coming else self._state
        free, stalled = self._free, False
        if state in _GOING:
            waits = at_s - self._gap_from
            free = min(free, friction(waits, self.profile))
            stalled = state == STALLING or waits > self.profile.stall_s + _SAME_S
        rate = self._rate(at_s)
        return Look(
            self._fell(at_s),
            velocity(rate, self.profile),
            self._sure,
            free,
            rate,
            state,
            stalled,
            rate > BURST_RATE,
        )

    def turns(self) -> list[tuple[float, str]]:
        """(when, state) of each change of state that was settled since this was asked last."""
        found, self._turns = self._turns, []
        return found

    @property
    def open(self) -> int:
        """Answers under way."""
        return self._open

    @property
    def at_s(self) -> float:
        """The newest moment that was told or settled."""
        return self._at

    # ---- inside

    def _coming(self, at_s: float) -> list[tuple[float, str]]:
        """Changes that time alone brings up to a moment."""
        found: list[tuple[float, str]] = []
        state, since, high_since = self._state, self._not_before, self._high_since
        while (step := self._after(state, high_since)) is not None:
            # What was due in a state that does not look for it comes with the next one: turns never go back.
            since, state = max(since, step[0]), step[1]
            if since > at_s:
                break
            found.append((since, state))
            if state == FLOWING:
                high_since = NAN
        return found

    def _after(self, state: str, high_since: float) -> tuple[float, str] | None:
        """The next change that comes by itself, and when."""
        if state == CHARGING:
            return self._charged + self.profile.first_token_s, IDLE
        if state == SATURATED:
            return math.nextafter(self._reaches(UNSATURATED_BELOW), math.inf), FLOWING
        if state == STALLING:
            # Who was told of no beginning will be told of no end.
            return None if self._said else (self._gap_from + self.profile.first_token_s, DRAINED)
        if state != FLOWING:
            return None
        waits = self.profile.stall_s if self._slow else self.profile.ceiling_s
        stalls = self._gap_from + waits + _SAME_S
        filled = high_since + SATURATED_S
        if filled <= min(stalls, self._reaches(SATURATED_AT)):
            return filled, SATURATED
        return stalls, STALLING

    def _reaches(self, level: float) -> float:
        """When E, left alone, is at a level on its way down; the past when it is below."""
        if not self._held >= level:
            return -math.inf
        return self._gap_from + self.profile.stall_s + self.profile.half_life_s * math.log2(self._held / level)

    def _fell(self, at_s: float) -> float:
        """E at a moment when nothing has come since."""
        return self._held * self._keeps(at_s - self._gap_from) if self._held else 0.0

    def _keeps(self, gap_s: float) -> float:
        """The share of E that a pause leaves."""
        fallen = gap_s - self.profile.stall_s
        if not fallen > 0:
            return 1.0
        left = 2.0 ** (-fallen / self.profile.half_life_s)
        return left if left > _NOTHING else 0.0

    def _known(self, at_s: float) -> float:
        """Where the window ends: a counter is as far behind as its tokens were spread."""
        return max(self._last, at_s - self._blind)

    def _rate(self, at_s: float) -> float:
        """{token}/s over the window that ends at a moment."""
        limit = self._known(at_s) - self.profile.window_s
        found: float = self._within
        for since, until, count in self._window:  # what left it since; of ten thousand a second all would be many
            if until <= limit + _SAME_S:
                found -= count
            elif since < limit:
                found -= count * (limit - since) / (until - since)
            else:
                break
        return found / self.profile.window_s

    def _begins(self, at_s: float) -> bool:
        """A token comes: there is an answer, whether it was announced or not. Returns whether it is its first."""
        if self._state in _GOING:
            return False
        self._open = max(1, self._open)
        self._slow = 0
        self._high_since = NAN
        self._turn(at_s, FLOWING)
        return True

    def _came(self, since_s: float, at_s: float, count: int) -> None:
        self.tokens += count
        self._last, self._blind = at_s, at_s - since_s
        self._within += count
        if self._window and self._window[-1][:2] == (since_s, at_s):
            self._window[-1] = since_s, at_s, self._window[-1][2] + count
        else:
            self._window.append((since_s, at_s, count))

    def _paused(self, gap_s: float, count: int = 1) -> None:
        """``gap_s``: before each of so many tokens; NaN: it is the first of an answer."""
        if gap_s != gap_s:
            self._free = 1.0
            return
        self.gaps.extend([gap_s] * min(count, _GAPS))
        self._free = friction(gap_s, self.profile)
        self._slow = min(2, self._slow + count) if gap_s > self.profile.stall_s + _SAME_S else 0

    def _level(self, value: float) -> float:
        self._held = min(1.0, max(0.0, value))
        return self._held

    def _judge(self, at_s: float, before: float) -> None:
        """The state after a token; ``before``: E just before it."""
        if self._state == SATURATED and self._held < UNSATURATED_BELOW:
            self._turn(at_s, FLOWING)
        if self._state == STALLING and not self._slow:
            self._turn(at_s, FLOWING)
        if self._slow >= 2 and self._state == FLOWING:
            self._turn(at_s, STALLING)
        if self._held < SATURATED_AT:
            self._high_since = NAN
        elif not (self._high_since == self._high_since and before >= SATURATED_AT):
            self._high_since = at_s

    def _drain(self, at_s: float) -> None:
        self._held, self._gap_from = self._fell(at_s), at_s - self.profile.stall_s
        self._high_since = self._charged = NAN
        self._open = self._slow = 0
        self._said = False
        self._turn(at_s, DRAINED)

    def _turn(self, at_s: float, state: str) -> None:
        if state == self._state:
            return
        self._state, self._not_before = state, at_s
        self.stalls += state == STALLING
        self._turns.append((at_s, state))
