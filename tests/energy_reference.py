"""What E(t), energy units, states, frames and fidelity have to be: the definitions, computed the slow way.

Written from the definitions (``docs/energy-truth.md``), not from the program: every token is kept and looked at
again each time, time goes on by single milliseconds, windows are lists. Nothing is closed, cached or forgotten, so
that each line can be checked by hand. ``wftui.energy`` and ``wftui.windows.frames`` agree with it within 1e-9.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.energy_scripts import COUNTED, END, PROMPT, Script, Step

NAN: Final = float("nan")
STALL_MS: Final = 400
CEILING_MS: Final = 1500
WINDOW_MS: Final = 1000
HALF_LIFE_MS: Final = 700
FIRST_TOKEN_MS: Final = 30_000
HIGH_MS: Final = 800
ALPHA: Final = 0.35
RATE_MAX: Final = 20.0
GOING: Final = ("flowing", "stalling", "saturated")


def known(value: float) -> bool:
    """Whether it is a number."""
    return not math.isnan(value)


def clamp(value: float) -> float:
    """Into 0 to 1."""
    if value < 0:
        return 0.0
    if value > 1:
        return 1.0
    return value


# ---- a stream


def friction(gap_ms: float) -> float:
    """What a pause leaves: 1 up to a stall, 0 from the ceiling on."""
    return 1 - clamp((gap_ms - STALL_MS) / (CEILING_MS - STALL_MS))


def base(rate: float, certainty: float, gap_ms: float) -> float:
    """What a token is worth: velocity, certainty and friction by their weights, which sum to 1."""
    velocity = clamp(rate / RATE_MAX)
    if known(certainty):
        return 0.5 * velocity + 0.3 * certainty + 0.2 * friction(gap_ms)
    return 0.7 * velocity + 0.3 * friction(gap_ms)


def halved(energy: float, for_ms: float) -> float:
    """What is left after so long without a token, beyond the pause that is no stall."""
    return energy * 0.5 ** (for_ms / HALF_LIFE_MS) if for_ms > 0 else energy


@dataclass
class Told:
    """One token, or all those that a counter told together."""

    since_ms: int
    at_ms: int
    count: int
    """Evenly spread over (since, at]; a token has no length."""

    def within(self, since_ms: float, until_ms: float) -> float:
        """How many of them came in (since, until]."""
        if self.since_ms >= self.at_ms:
            return self.count if since_ms < self.at_ms <= until_ms else 0
        common_ms = min(until_ms, self.at_ms) - max(since_ms, self.since_ms)
        return self.count * max(0.0, common_ms) / (self.at_ms - self.since_ms)


@dataclass
class Seen:
    """A stream at one moment, as the definitions have it."""

    energy: float
    units: float
    tokens: int
    rate: float
    friction: float
    state: str
    stalled: bool
    open: int


@dataclass
class Reference:
    """One stream, a millisecond at a time."""

    now_ms: int = 0
    state: str = "idle"
    energies: list[float] = field(default_factory=list)
    """E at each token."""
    units: float = 0.0
    told: list[Told] = field(default_factory=list)
    tokens: int = 0
    turns: list[tuple[int, str]] = field(default_factory=list)
    """(ms, state)."""
    open: int = 0
    announced: bool = False
    held: float = 0.0
    """E at the last token, or at the end."""
    falls_from_ms: float = math.inf
    """From when E falls."""
    charged_ms: int = 0
    high_ms: int | None = None
    """Since when E has been 0.85 or more."""
    slow: int = 0
    """Pauses in a row that were too long."""
    last_gap_ms: float = 0.0
    last_ms: int = 0
    blind_ms: int = 0
    """For so long after the last token nothing is known, for it was a counter that told it."""

    def energy(self) -> float:
        """E now."""
        return halved(self.held, self.now_ms - self.falls_from_ms)

    def rate(self) -> float:
        """Tokens of the last second; of a counter's, of the last second of which it told."""
        until_ms = max(self.last_ms, self.now_ms - self.blind_ms) if self.told else self.now_ms
        return sum(item.within(until_ms - WINDOW_MS, until_ms) for item in self.told) / (WINDOW_MS / 1000)

    def seen(self) -> Seen:
        """Everything now."""
        self._time_alone()
        waits_ms = self.now_ms - self.last_ms - self.blind_ms
        free = friction(self.last_gap_ms)
        going = self.state in GOING
        if going:
            free = min(free, friction(waits_ms))
        stalled = going and (self.state == "stalling" or waits_ms > STALL_MS)
        return Seen(
            self.energy(), self.units, self.tokens, self.rate(), free, self.state, stalled, self.open
        )  # fmt: skip

    def go(self, until_ms: int) -> None:
        """Let time pass, and with it what time alone does."""
        while True:
            self._time_alone()
            if self.now_ms >= until_ms:
                return
            self.now_ms += 1

    def play(self, step: Step) -> None:
        """Something happens now."""
        self.go(_ms(step.at_s))
        if step.what == PROMPT:
            self.open += 1
            self.announced = True
            if self.state in ("idle", "drained"):
                self.charged_ms = self.now_ms
                self._turn("charging")
        elif step.what == END:
            self.open = max(0, self.open - 1)
            if not self.open and self.state not in ("idle", "drained"):
                self._drain()
        elif step.what == COUNTED:
            self._counted(_ms(step.since_s), step.many, step.weight)
        else:
            first = self._first()
            gap_ms = 0 if first else self.now_ms - self.last_ms
            before = self.energy()
            self.told.append(Told(self.now_ms, self.now_ms, 1))
            self.last_ms, self.blind_ms = self.now_ms, 0
            self._one(before, step.certainty, gap_ms, step.weight, first=first)
            self._judge(before)

    # ---- inside

    def _time_alone(self) -> None:
        while True:
            before = self.state
            waits_ms = self.now_ms - self.last_ms - self.blind_ms
            if self.state == "charging" and self.now_ms - self.charged_ms >= FIRST_TOKEN_MS:
                self.open, self.announced = 0, False
                self._turn("idle")
            elif self.state == "saturated" and self.energy() < 0.7:
                self.high_ms = None
                self._turn("flowing")
            elif self.state == "flowing":
                if self.energy() < 0.85:
                    self.high_ms = None
                if waits_ms > (STALL_MS if self.slow else CEILING_MS):
                    self._turn("stalling")
                elif self.high_ms is not None and self.now_ms - self.high_ms >= HIGH_MS:
                    self._turn("saturated")
            elif self.state == "stalling" and not self.announced and waits_ms >= FIRST_TOKEN_MS:
                self._drain()
            if self.state == before:
                return

    def _first(self) -> bool:
        """Whether the token that comes now is the first of an answer."""
        if self.state in GOING:
            return False
        self.open = max(1, self.open)
        self.slow, self.high_ms = 0, None
        self._turn("flowing")
        return True

    def _one(self, before: float, certainty: float, gap_ms: float, weight: float, *, first: bool) -> None:
        energy = ALPHA * base(self.rate(), certainty, gap_ms) + (1 - ALPHA) * before
        self.energies.append(energy)
        self.units += weight * energy
        self.tokens += 1
        self.held = energy
        self.falls_from_ms = self.last_ms + self.blind_ms + STALL_MS
        self.last_gap_ms = gap_ms
        if not first:
            self.slow = self.slow + 1 if gap_ms > STALL_MS else 0

    def _counted(self, since_ms: int, count: int, weight: float) -> None:
        length_ms = self.now_ms - since_ms
        if count <= 0:
            self.blind_ms = 0
            if self.state in GOING:
                self.falls_from_ms = self.last_ms + STALL_MS
            return
        going = self.state in GOING
        apart_ms = length_ms / count
        first_gap_ms = max(0, since_ms - self.last_ms) + apart_ms
        if going:
            before = halved(self.held, first_gap_ms - STALL_MS)
        else:
            before = halved(self.held, since_ms + apart_ms - self.falls_from_ms)
        first = self._first()
        began = before
        self.told.append(Told(since_ms, self.now_ms, count))
        self.last_ms, self.blind_ms = self.now_ms, length_ms
        for number in range(count):
            gap_ms = apart_ms if number else 0 if first else first_gap_ms
            self._one(before, NAN, gap_ms, weight, first=first and not number)
            before = halved(self.held, apart_ms - STALL_MS)
        self._judge(began)

    def _judge(self, before: float) -> None:
        if self.state == "saturated" and self.held < 0.7:
            self._turn("flowing")
        if self.state == "stalling" and not self.slow:
            self._turn("flowing")
        if self.state == "flowing" and self.slow >= 2:
            self._turn("stalling")
        if self.held < 0.85:
            self.high_ms = None
        elif self.high_ms is None or before < 0.85:
            self.high_ms = self.now_ms

    def _drain(self) -> None:
        self.held = self.energy()
        self.falls_from_ms = self.now_ms
        self.open, self.slow, self.high_ms, self.announced = 0, 0, None, False
        self._turn("drained")

    def _turn(self, state: str) -> None:
        self.state = state
        self.turns.append((self.now_ms, state))


def _ms(at_s: float) -> int:
    return round(at_s * 1000)


def run(steps: Sequence[Step], until_s: float | None = None) -> Reference:
    """A stream after a script, and after so much more time."""
    made = Reference()
    for step in steps:
        made.play(step)
    if until_s is not None:
        made.go(_ms(until_s))
    return made


def at(steps: Sequence[Step], at_s: float) -> Seen:
    """A stream at a moment, with what happened up to it."""
    return run([step for step in steps if step.at_s <= at_s], at_s).seen()


def turns(steps: Sequence[Step], until_s: float) -> list[tuple[float, str]]:
    """(second, state) of each change; those that time brings are right to the next millisecond."""
    return [(at_ms / 1000, state) for at_ms, state in run(steps, until_s).turns]


def units(script: Script) -> dict[str, float]:
    """Model to the EU of its tokens."""
    return {model: run(steps).units for model, steps in script.items()}


# ---- spread


def entropy(probabilities: Sequence[float]) -> float:
    """Bits: what a token of this spread tells on average."""
    total = sum(probabilities)
    bits = 0.0
    for probability in probabilities:
        share = probability / total
        if share > 0:
            bits += share * math.log(1 / share) / math.log(2)
    return bits


def certainty(probabilities: Sequence[float]) -> float:
    """1 - H / log K."""
    if len(probabilities) < 2:
        return NAN
    return clamp(1 - entropy(probabilities) / (math.log(len(probabilities)) / math.log(2)))


def disagreement(one: Mapping[bytes, float], other: Mapping[bytes, float]) -> float:
    """Jensen-Shannon: how much the entropy of the mixture is above the mean of the two."""
    first, second = sum(one.values()), sum(other.values())
    mixture = [(one.get(key, 0) / first + other.get(key, 0) / second) / 2 for key in {*one, *other}]
    return clamp(entropy(mixture) - (entropy(list(one.values())) + entropy(list(other.values()))) / 2)


def timing(one: Sequence[float], other: Sequence[float]) -> float:
    """The part of the variance of all gaps that is not within either model."""
    if len(one) < 2 or len(other) < 2:
        return NAN
    every = [*one, *other]
    whole = sum((gap - mean(every)) ** 2 for gap in every)
    within = sum((gap - mean(each)) ** 2 for each in (one, other) for gap in each)
    return clamp(1 - within / whole) if whole > 0 else 0.0


def together(levels: Sequence[float], weights: Sequence[float]) -> float:
    """Sum of weight times E over the sum of the weights, of those that are known."""
    above = below = 0.0
    for level, weight in zip(levels, weights, strict=True):
        if known(level):
            above += weight * level
            below += weight
    return clamp(above / below) if below > 0 else NAN


def mean(values: Sequence[float]) -> float:
    """NaN of none."""
    return sum(values) / len(values) if values else NAN


def away(values: Sequence[float]) -> float:
    """How far they are from their mean, in the mean."""
    return mean([abs(value - mean(values)) for value in values])


def deviation(values: Sequence[float]) -> float:
    """Of all there are, not of a sample."""
    middle = mean(values)
    return math.sqrt(mean([(value - middle) ** 2 for value in values]))


# ---- frames

BUDGET_S: Final = 0.01667
STEPS_S: Final = {1: 1, 10: 1, 300: 10}
"""Window to the step at which it moves on."""
SHARES_S: Final = {"token": 0.008, "energy": 0.003, "render": 0.004, "overhead": 0.00167}


@dataclass
class Frame:
    """One frame of a program."""

    at_s: float
    took_s: float
    stages: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Window:
    """Frames of some whole seconds."""

    frames: int
    fps: float
    mean_s: float
    p50_s: float
    p95_s: float
    p99_s: float
    longest_s: float
    jitter_s: float
    low_fps: float
    over: int
    lost: int
    jank: float
    stability: float
    stages: dict[str, float]
    bottleneck: str


def quantile(values: Sequence[float], share: float) -> float:
    """The value of a rank."""
    return sorted(values)[max(1, math.ceil(share * len(values))) - 1]


def window(frames: Sequence[Frame], lost: Sequence[tuple[float, int]], at_s: float, span_s: int) -> Window:
    """The last whole steps before a moment; at least one frame must be in them."""
    step_s = STEPS_S[span_s]
    until_s = math.floor(at_s / step_s) * step_s
    since_s = until_s - span_s
    those = [frame for frame in frames if since_s <= frame.at_s < until_s]
    took = [frame.took_s for frame in those]
    gone = sum(count for when, count in lost if since_s <= when < until_s)
    began_s = frames[0].at_s - frames[0].took_s
    fps = len(those) / max(until_s - max(since_s, began_s), BUDGET_S)
    jitter = deviation(took)
    slowest = sorted(took)[-max(1, len(took) - math.floor(0.99 * len(took))) :]
    over = len([took_s for took_s in took if took_s > BUDGET_S])
    telling = [frame.stages for frame in those if frame.stages]
    names = {name for stages in telling for name in stages}
    stages = {name: mean([each.get(name, 0.0) for each in telling]) for name in names}
    shares = {name: took_s / SHARES_S[name] for name, took_s in stages.items() if name in SHARES_S}
    worst = max(shares, key=lambda name: shares[name], default="")
    return Window(
        frames=len(those),
        fps=fps,
        mean_s=mean(took),
        p50_s=quantile(took, 0.5),
        p95_s=quantile(took, 0.95),
        p99_s=quantile(took, 0.99),
        longest_s=max(took),
        jitter_s=jitter,
        low_fps=1 / mean(slowest) if mean(slowest) > 0 else NAN,
        over=over,
        lost=gone,
        jank=(over + gone) / (len(those) + gone) / 0.05,
        stability=100 * min(1, fps / 60) * (1 - min(1, jitter / BUDGET_S)),
        stages=stages,
        bottleneck=worst if worst and shares[worst] > 1 else "",
    )


# ---- fidelity


@dataclass
class Lot:
    """Energy whose fate is decided."""

    at_s: float
    units: float
    lag_s: float = NAN
    """NaN: it was missed."""
    cause: str = ""
    """Empty: it was seen."""


@dataclass
class Truth:
    """The last 60 s of a view."""

    ratio: float
    seen: float
    computed: float
    lag_s: float
    coherence: float
    missed: dict[str, float]


def fidelity(lots: Sequence[Lot], at_s: float) -> Truth:
    """Of the second that runs and the 59 before it."""
    those = [lot for lot in lots if math.floor(at_s) - 60 < math.floor(lot.at_s) <= math.floor(at_s)]
    missed: dict[str, float] = {}
    for lot in those:
        if lot.cause:
            missed[lot.cause] = missed.get(lot.cause, 0.0) + lot.units
    seen = sum(lot.units for lot in those if not lot.cause)
    computed = seen + sum(missed.values())
    ratios, lags = [], []
    for second in sorted({math.floor(lot.at_s) for lot in those}):
        here = [lot for lot in those if math.floor(lot.at_s) == second]
        shown = [lot for lot in here if not lot.cause]
        whole = sum(lot.units for lot in here)
        if whole > 0:
            ratios.append(sum(lot.units for lot in shown) / whole)
        if shown:
            lags.append(mean([lot.lag_s for lot in shown]))
    coherence = NAN
    if len(ratios) >= 3:
        of_lag = away(lags) if len(lags) >= 2 else 0.0
        coherence = 100 * (1 - min(1, away(ratios) / 0.5)) * (1 - min(1, of_lag / 0.1))
    return Truth(
        ratio=seen / computed if computed > 0 else NAN,
        seen=seen,
        computed=computed,
        lag_s=mean([lot.lag_s for lot in those if not lot.cause]),
        coherence=coherence,
        missed=missed,
    )
