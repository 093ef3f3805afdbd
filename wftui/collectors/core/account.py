"""What a core told so far: counts, readings, events; tokens and frames go on to the sink."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from wftui import log
from wftui.clock import NS_PER_S, Instant
from wftui.collectors.core import protocol as p
from wftui.collectors.core.answers import SOURCE, Answers
from wftui.collectors.core.numbers import Numbers
from wftui.collectors.core.progression import Progression
from wftui.energy.sink import TokenSink
from wftui.model.sample import Column, JsonValue, Occurrence, Reading, Sample, column

ROOM: Final = 1000
"""Events a second that are read: 60 frames with tokens, field and council take 240."""
OVERDRAFT: Final = 4 * ROOM
"""So many more of those that make no frame: a heartbeat wants an answer, a token is not told again."""
_FRAMES: Final = (b'"energy_update"', b'"energy_field"')
NEAR_NS: Final = 2 * NS_PER_S
"""A core's time is believed when it is so near to ours; else its events are of when they came."""
FRAME_S: Final = 1 / 60
FINEST_S: Final = 0.012
"""Of a model one level at most is kept in this time: 60 Hz, of whoever is a little unsteady."""
SAME_NS: Final = 5_000_000
"""What is so near belongs to one frame."""
SELDOM_NS: Final = 10 * NS_PER_S
"""The same error, or reward, is an event so seldom; what was left out is in the next one's ``more``."""
COUNCIL_NS: Final = 60 * NS_PER_S
"""The same of interference and resonance, which some cores tell in every frame."""
MOST_MODELS: Final = 64
_MOST_EVENTS: Final = 256
_LOGGED_NS: Final = 60 * NS_PER_S

Tell = Callable[[int, list[Sample]], None]
"""Takes samples of one moment (UTC ns) to those who follow."""


class _Level:
    """Energy of one model as the core states it."""

    __slots__ = ("kept_s", "total", "units")

    def __init__(self) -> None:
        self.total = math.nan
        """The newest since it was told last."""
        self.kept_s = -math.inf
        self.units = False
        """Whether it ever was more than 1: then it is a sum of energy units, no level E."""


class Account:
    """Of one core, over all its connections."""

    def __init__(self, sink: TokenSink, tell: Tell | None = None) -> None:
        self.answers = Answers(sink)
        self.numbers = Numbers()
        self.progression = Progression()
        self.counts: dict[str, int] = {}
        """Events by type."""
        self.refused: dict[str, int] = {}
        self.connects = 0
        self.startup: p.Startup | None = None
        self.heartbeat_ns: int | None = None
        """CLOCK_BOOTTIME of the last one."""
        self.apart = False
        """Whether the core's clock and ours differ, so that its times are not believed."""
        self._sink = sink
        self._tell = tell
        self._columns: dict[tuple[str, str, str], Column] = {}
        self._framed: int | None = None
        """Number of the frame that came last."""
        self._errors: dict[str, int] = {}
        self._last: dict[tuple[str, str], float] = {}
        """Gauges that were told in the open second."""
        self._levels: dict[str, _Level] = {}
        """By model."""
        self._readings: list[Reading] = []
        self._fresh: list[Reading] = []
        """Of the messages that are being taken."""
        self._events: list[Occurrence] = []
        self._told: dict[tuple[str, str], tuple[int, int]] = {}
        """Kind and what of an event → when it was told last, and how many were left out since."""
        self._room = float(ROOM)
        self._room_ns = 0
        self._logged_ns = -_LOGGED_NS

    # ---- what comes

    def take(self, messages: Sequence[bytes], at: Instant) -> int:
        """Messages that arrived together.

        Returns:
            Heartbeats among them, which want an answer each.
        """
        beats = 0
        self._room = min(ROOM, self._room + (at.boottime_ns - self._room_ns) / NS_PER_S * ROOM)
        self._room_ns = at.boottime_ns
        for place, message in enumerate(messages):
            if self._room < 1:
                if self._room < -OVERDRAFT:
                    self._shed(len(messages) - place)
                    break
                if any(name in message for name in _FRAMES):
                    self._shed(1)
                    continue
            self._room -= 1
            told = p.parse(message)
            if isinstance(told, p.Refusal):
                self._refuse(told.why, 1, told.detail, at)
                continue
            beats += self._event(told, self._when(told.at_ms, at))
        if self._tell is not None:
            for reading in self._fresh:
                self._tell(reading.at.time_ns, reading.samples)
        self._readings += self._fresh
        self._fresh.clear()
        return beats

    def passed_over(self, why: str, count: int, at: Instant) -> None:
        """Messages that were not even looked at."""
        if count:
            self._refuse(why, count, "", at)

    def _shed(self, count: int) -> None:
        self.refused[p.SHED] = self.refused.get(p.SHED, 0) + count
        self.numbers.shed(count)

    def _refuse(self, why: str, count: int, detail: str, at: Instant) -> None:
        self.refused[why] = self.refused.get(why, 0) + count
        if at.boottime_ns - self._logged_ns >= _LOGGED_NS:
            self._logged_ns = at.boottime_ns
            log.warning("core", "an event was refused", why=why, detail=detail)

    def _when(self, at_ms: float, at: Instant) -> Instant:
        """The moment of an event: by the core's clock if that is near ours, else when it came. Never later."""
        ago_ns = at.time_ns - int(at_ms * 1000) * 1000 if at_ms == at_ms else NEAR_NS + 1
        self.apart = not -NEAR_NS <= ago_ns <= NEAR_NS
        if self.apart or ago_ns <= 0:
            return at
        return Instant(at.time_ns - ago_ns, at.boottime_ns - ago_ns)

    def _event(self, told: p.Event, at: Instant) -> bool:
        """Whether it wants an answer."""
        at_s = at.boottime_ns / NS_PER_S
        kind = _TYPES[type(told)]
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.progression.event(at_s)
        if isinstance(told, p.Energy):
            if told.frame is not None:
                self._number(told.frame, at_s)
            self._frame(told, at_s)
            self._level(told, at)
            self.answers.framed(told, at_s)
        elif isinstance(told, p.Tokens):
            self.answers.take(told, at_s)
        elif isinstance(told, p.Heartbeat):
            self.heartbeat_ns = at.boottime_ns
            if not math.isnan(told.frame_rate):
                self._last["ux.core.frame.rate", ""] = told.frame_rate
            return True
        elif isinstance(told, p.Startup):
            self.startup = told
        elif isinstance(told, p.Reward):
            self._reward(told, at)
        elif isinstance(told, p.Trouble):
            self._trouble(told, at)
        else:
            if told.frame is not None:
                self._number(told.frame, at_s)
            self._drawn(told, at)
        return False

    def _number(self, number: int, at_s: float) -> None:
        begun = self.numbers.begun
        lost = self.numbers.take(number)
        if self.numbers.begun != begun:
            self.progression.begin(at_s)
        if lost:
            self._sink.lost(SOURCE, at_s, lost)

    def _frame(self, told: p.Energy, at_s: float) -> None:
        """A frame tells of each of its models; the first time it comes is the frame."""
        if told.frame is None or told.frame != self._framed:
            self._framed = told.frame
            self._sink.frame(SOURCE, at_s, told.took_s)

    def _level(self, told: p.Energy, at: Instant) -> None:
        at_s = at.boottime_ns / NS_PER_S
        known = self._levels.get(told.model)
        if known is None:
            if len(self._levels) >= MOST_MODELS:
                return
            known = self._levels[told.model] = _Level()
        known.total = told.total
        known.units = known.units or told.total > 1.0
        if known.units or abs(at_s - known.kept_s) < FINEST_S:
            return
        known.kept_s = at_s
        sample = Sample(self._column("ux.energy.level", model=told.model), told.total)
        # Models of one frame are one reading: so it is told once.
        if self._fresh and abs(at.boottime_ns - self._fresh[-1].at.boottime_ns) < SAME_NS:
            self._fresh[-1].samples.append(sample)
        else:
            self._fresh.append(Reading(at, FRAME_S, [sample]))

    def _drawn(self, told: p.Field | p.Interference | p.Resonance, at: Instant) -> None:
        if isinstance(told, p.Field):
            self._last["ux.core.field", told.kind] = told.intensity
            return
        models: list[JsonValue] = list(told.models)
        if isinstance(told, p.Interference):
            self._last["ux.core.interference", told.kind] = told.intensity
            self._last["ux.core.coherence", ""] = told.coherence
            payload: dict[str, JsonValue] = {
                "pattern": told.kind, "models": models, "intensity": told.intensity, "coherence": told.coherence,
            }  # fmt: skip
            self._happened("core.interference", told.kind, payload, at, COUNCIL_NS)
        else:
            self._last["ux.core.resonance", told.kind] = told.amplitude
            self._last["ux.core.resonance.frequency", told.kind] = told.frequency_hz
            payload = {
                "kind": told.kind, "models": models, "frequency_hz": told.frequency_hz,
                "amplitude": told.amplitude,
            }  # fmt: skip
            self._happened("core.resonance", told.kind, payload, at, COUNCIL_NS)

    def _reward(self, told: p.Reward, at: Instant) -> None:
        self.progression.reward(told)
        payload: dict[str, JsonValue] = {"kind": told.kind, "title": told.title, "points": told.points}
        if told.level is not None:
            payload["level"] = told.level
        self._happened("core.reward", f"{told.kind} {told.title}", payload, at)

    def _trouble(self, told: p.Trouble, at: Instant) -> None:
        self._errors[told.severity] = self._errors.get(told.severity, 0) + 1
        payload: dict[str, JsonValue] = {
            "severity": told.severity, "code": told.code, "component": told.component,
            "recoverable": told.recoverable,
        }  # fmt: skip
        self._happened("core.error", f"{told.severity} {told.code}", payload, at)

    def happened(self, kind: str, payload: dict[str, JsonValue], at: Instant) -> None:
        """Something about the connection."""
        if len(self._events) < _MOST_EVENTS:
            self._events.append(Occurrence(kind, (SOURCE, SOURCE), payload, at))

    def _happened(
        self, kind: str, what: str, payload: dict[str, JsonValue], at: Instant, seldom_ns: int = SELDOM_NS
    ) -> None:
        if (kind, what) not in self._told and len(self._told) >= _MOST_EVENTS:
            what = ""  # codes are the core's to make up
        last_ns, more = self._told.get((kind, what), (at.boottime_ns - seldom_ns, 0))
        if at.boottime_ns - last_ns < seldom_ns:
            self._told[kind, what] = last_ns, more + 1
            return
        self._told[kind, what] = at.boottime_ns, 0
        self.happened(kind, {**payload, "more": more} if more else payload, at)

    def lost_connection(self, at: Instant) -> None:
        """It is gone."""
        self.answers.gone(at.boottime_ns / NS_PER_S)
        self.heartbeat_ns = None

    # ---- what is told of it

    def harvest(self) -> tuple[list[Reading], list[Occurrence]]:
        """What came since the last time."""
        readings, self._readings = self._readings, []
        events, self._events = self._events, []
        return readings, events

    def samples(self, up: bool, at: Instant) -> list[Sample]:
        """Of the second that ends."""
        at_s = at.boottime_ns / NS_PER_S
        self.answers.tidy(at_s)
        found = [
            Sample(self._column("ux.core.up"), 1.0 if up else 0.0),
            Sample(self._column("ux.core.connects"), self.connects),
        ]
        for name, counts in (
            ("ux.core.events", self.counts),
            ("ux.core.refused", self.refused),
            ("ux.core.errors", self._errors),
        ):
            found += [Sample(self._column(name, mode), count) for mode, count in counts.items()]
        last, self._last = self._last, {}
        found += [Sample(self._column(name, mode), value) for (name, mode), value in last.items()]
        for model, level in self._levels.items():
            if not math.isnan(level.total):
                found.append(Sample(self._column("ux.core.energy", model=model), level.total))
                level.total = math.nan
        if self.heartbeat_ns is not None:
            age_s = max(0.0, (at.boottime_ns - self.heartbeat_ns) / NS_PER_S)
            found.append(Sample(self._column("ux.core.heartbeat.age"), age_s))
        progression = self.progression
        for name, value in (
            ("ux.progression.level", progression.level),
            ("ux.progression.points", progression.points),
            ("ux.progression.rate", progression.rate(at_s) if up else None),
            ("ux.progression.session", progression.session_s(at_s) if up else None),
        ):
            if value is not None:
                found.append(Sample(self._column(name), value))
        return found

    def _column(self, name: str, mode: str = "", model: str = "") -> Column:
        found = self._columns.get((name, mode, model))
        if found is None:
            labels = {"source": SOURCE} | ({"mode": mode} if mode else {}) | ({"model": model} if model else {})
            found = self._columns[name, mode, model] = column(SOURCE, name, labels, call="the core's WebSocket")
        return found


_TYPES: Final = {
    p.Startup: p.STARTUP,
    p.Energy: p.ENERGY,
    p.Field: p.FIELD,
    p.Tokens: p.TOKENS,
    p.Interference: p.INTERFERENCE,
    p.Resonance: p.RESONANCE,
    p.Reward: p.REWARD,
    p.Heartbeat: p.HEARTBEAT,
    p.Trouble: p.ERROR,
}
