"""The desk of all streams: tokens, prompts and ends come in, energy goes out.

The source ``streams`` of the recorder. Whoever hears of tokens brings them here (``wftui.energy.sink``): programs
that push, the proxy, a core; and the counters of model servers, where nobody tells their tokens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeVar

from wftui.clock import NS_PER_S, Clock, Instant
from wftui.collectors.base import STREAM
from wftui.energy.sink import FINISHED, UNKNOWN, Key, Token
from wftui.energy.spread import together
from wftui.energy.stream import USUAL, Profile
from wftui.model import health
from wftui.model.sample import DERIVED, ESTIMATED, Column, Note, Occurrence, Reading, Sample, Scrape, column
from wftui.model.streams import CORE, COUNTERS, STATE, STREAMS, TOKENS
from wftui.model.table import Row, TableSnapshot
from wftui.recorder.frames import FrameDesk
from wftui.recorder.streams.apart import TIMING, TOP_K, compare
from wftui.recorder.streams.entry import SOURCE, STEP_S, Entry, Moment

MOST: Final = 64
"""Streams."""
FORGOTTEN_S: Final = 3600.0
"""So long after it was heard of last."""
TOLD_S: Final = 300.0
"""A stream at rest is recorded for so long; after it its series have a gap."""
SPOKEN_S: Final = 30.0
"""So long after tokens of a model came, its server's counters make no stream."""
GONE_S: Final = 2.0
"""Answers are abandoned so long after whoever told of them is gone, unless somebody goes on telling."""
SILENT_S: Final = 60.0
"""So long after the last word of them answers that were announced are abandoned."""
FINEST_S: Final = 0.012
"""Who follows is told so often at most: 60 Hz, of whoever is a little unsteady."""
_NOTHING: Final[Mapping[str, float]] = {}
_NAN: Final = float("nan")
_CORE: Final = "core"

_T = TypeVar("_T")

Tell = Callable[[int, list[Sample]], None]
"""Takes samples of one moment (UTC ns) to those who follow."""
Turned = Callable[[list[Column]], None]
"""Makes those who follow know these columns, and collects this source at once."""


class Desk:
    """A token sink, and a streaming collector."""

    name = SOURCE
    interval_s = 1.0
    where = STREAM
    timeout_s = 3.0

    def __init__(
        self, clock: Clock, tell: Tell, turned: Turned = lambda _: None, profile: Profile = USUAL
    ) -> None:
        """``tell`` and ``turned`` are called in the recorder's loop, while somebody follows; ``turned`` when a
        stream is new, with its columns, or when one came into another state."""
        self.frames = FrameDesk()
        self.refused = 0
        """Streams for which there was no room."""
        self._clock = clock
        self._tell = tell
        self._turned = turned
        self._profile = profile
        self._entries: dict[Key, Entry] = {}
        self._every_s = 0.0
        """Between two moments that are told; 0: nobody follows."""
        self._fresh: dict[Entry, None] = {}
        """Those that have something to be told."""
        self._timer: asyncio.Handle | None = None
        self._told_s = 0.0
        self._second = 0
        self._left: list[tuple[Key, float, int]] = []
        """(stream, when, how many answers) of those who are gone."""
        self._rows: dict[str, Row] | None = None
        """As they were told last; None: never."""
        self._told_states: list[str] = []
        """Of these rows."""
        self._off = False
        self._ensemble = column(
            SOURCE, "ux.ensemble.energy", call="mean of the streams under way", quality=DERIVED
        )
        self._disagreements = {
            TOP_K: _disagreement(TOP_K, "Jensen-Shannon divergence of the top K", DERIVED),
            TIMING: _disagreement(TIMING, "variance of the times between tokens", ESTIMATED),
        }

    # ---- what is brought

    def prompt(self, key: Key, at_s: float) -> None:
        """See ``TokenSink``."""
        entry = self._entry(key, at_s)
        if entry is not None:
            entry.prompt(at_s)
            self._happened(entry)

    def tokens(
        self,
        key: Key,
        at_s: float,
        count: int,
        *,
        certainty: float = _NAN,
        weight: float = 1.0,
        top: Mapping[bytes, float] | None = None,
    ) -> None:
        """See ``TokenSink``."""
        entry = self._entries.get(key) or self._entry(key, at_s)
        if entry is not None and not self._off:
            entry.tokens(at_s, count, certainty, weight, top)
            if self._every_s:
                self._happened(entry)

    def run(self, key: Key, told: Sequence[Token]) -> None:
        """See ``TokenSink``."""
        entry = self._entries.get(key) or self._entry(key, told[0][0])
        if entry is not None and not self._off:
            entry.run(told, self._every_s)
            self._have_told(entry)

    def end(self, key: Key, at_s: float, how: str = FINISHED) -> None:
        """See ``TokenSink``."""
        entry = self._entries.get(key)
        if entry is not None and not self._off:
            entry.end(at_s, how)
            self._happened(entry)

    def left(self, key: Key, at_s: float, count: int) -> None:
        """See ``TokenSink``."""
        if key in self._entries:
            self._left.append((key, at_s, count))

    def counted(self, key: Key, since_s: float, at_s: float, count: int) -> None:
        """See ``TokenSink``. Not of a model whose tokens somebody tells: there is one stream for one truth."""
        if self._spoken(key, at_s):
            self._entries.pop(key, None)
            return
        entry = self._entries.get(key)
        if entry is None and count > 0:
            entry = self._entry(key, at_s, COUNTERS)
        if entry is None or self._off or (count <= 0 and not entry.under_way):
            return
        entry.counted(since_s, at_s, count)
        self._happened(entry)

    def running(self, key: Key, at_s: float, count: int) -> None:
        """A server says how many requests are at work, of a stream that its counters tell."""
        entry = self._entries.get(key)
        if self._off or self._spoken(key, at_s) or (entry is None and not count):
            return
        entry = entry or self._entry(key, at_s, COUNTERS)
        if entry is None or entry.told_by != COUNTERS:
            return
        if count:
            entry.heard_s = max(entry.heard_s, at_s)
        for _ in range(min(MOST, count - entry.stream.open)):
            entry.prompt(at_s)
        while entry.stream.open > count:
            entry.end(at_s, UNKNOWN)  # a number says nothing of what came of it
        self._happened(entry)

    def frame(self, program: str, at_s: float, took_s: float, stages: Mapping[str, float] = _NOTHING) -> None:
        """See ``TokenSink``."""
        self.frames.frame(program, at_s, took_s, stages)

    def lost(self, program: str, at_s: float, count: int) -> None:
        """See ``TokenSink``."""
        self.frames.lost(program, at_s, count)

    def _entry(self, key: Key, at_s: float, told_by: str = "") -> Entry | None:
        found = self._entries.get(key)
        if found is not None or self._off:
            return None if self._off else found
        if len(self._entries) >= MOST:
            quiet = [item for item in self._entries.values() if not item.under_way]
            if not quiet:
                self.refused += 1
                return None
            del self._entries[min(quiet, key=lambda item: item.heard_s).key]
        told_by = told_by or (CORE if key.source == _CORE else TOKENS)
        made = self._entries[key] = Entry(key, told_by, at_s, self._profile)
        return made

    def _spoken(self, key: Key, at_s: float) -> bool:
        """Whether somebody tells the tokens that these counters count."""
        for entry in self._entries.values():
            told = entry.key
            if (
                entry.told_by != COUNTERS
                and at_s - entry.heard_s < SPOKEN_S
                and _same(told.model, key.model, sure=bool(told.server))
                and told.server in ("", key.server)
            ):
                entry.instead_of = key.server
                return True
        return False

    # ---- to who follows

    @property
    def every_s(self) -> float:
        """Between two moments that are told; 0: nobody follows."""
        return self._every_s

    def follow(self, rate_hz: float) -> None:
        """Who follows fastest does so at that rate; 0: nobody does."""
        self._every_s = max(FINEST_S, 0.9 / rate_hz) if rate_hz > 0 else 0.0
        if not self._every_s:
            self._fresh.clear()

    def _happened(self, entry: Entry) -> None:
        if self._every_s:
            entry.follow(self._every_s)
            self._have_told(entry)

    def _have_told(self, entry: Entry) -> None:
        """Soon, if somebody follows."""
        every_s = self._every_s
        if not every_s:
            return
        self._fresh[entry] = None
        if self._timer is None:
            # Not at once: what came in one line, or of a core in one look, is told together.
            loop = asyncio.get_running_loop()
            wait_s = self._told_s + every_s - self._clock.now().boottime_ns / NS_PER_S
            self._timer = loop.call_later(wait_s, self._flush) if wait_s > 0 else loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._timer = None
        now = self._clock.now()
        self._told_s = now.boottime_ns / NS_PER_S
        if turned := [entry for entry in self._fresh if entry.turned]:
            # Before its samples: who does not know a stream cannot take them.
            new = [column for entry in turned if not entry.known for column in entry.columns]
            for entry in turned:
                entry.turned, entry.known = False, True
            self._turned(new)
        self._tell_fresh(now)

    def _tell_fresh(self, now: Instant) -> None:
        moments: list[tuple[Moment, Entry]] = []
        for entry in self._fresh:
            entry.catch_up(self._every_s)
            moments += [(moment, entry) for moment in entry.moments]
            entry.moments.clear()
        self._fresh.clear()
        moments.sort(key=lambda item: item[0].at_s)
        samples: list[Sample] = []
        at_s = 0.0
        for moment, entry in moments:
            if samples and moment.at_s - at_s >= FINEST_S / 2:
                self._tell(_utc(at_s, now), samples)
                samples = []
            at_s = moment.at_s
            samples += _lively(entry, moment)
            samples.append(Sample(entry.columns.friction, moment.look.friction))
            samples.append(Sample(entry.columns.certainty, moment.look.certainty))
        if samples:
            self._tell(_utc(at_s, now), samples)

    def pass_by(self, at: Instant) -> bool:
        """Tell who follows what passes between two tokens; returns whether a stream came into another state."""
        if not self._entries or self._off:
            return False
        self._pass_to(at)
        return self._states(at.boottime_ns / NS_PER_S) != self._told_states

    def _pass_to(self, at: Instant) -> None:
        for entry in self._entries.values():
            entry.pass_to(at.boottime_ns / NS_PER_S)
            if self._every_s and (entry.under_way or entry.readings):
                self._fresh[entry] = None
        if self._fresh and self._timer is None:
            self._tell_fresh(at)  # tokens keep their pace: what comes next is not told later for it

    def _states(self, now_s: float) -> list[str]:
        return [entry.stream.look(now_s).state for entry in self._entries.values()]

    # ---- the collector

    def collect(self, at: Instant) -> Scrape:
        """What came of streams and frames since the last time."""
        self._off = False
        now_s = at.boottime_ns / NS_PER_S
        second = at.time_ns // NS_PER_S
        ended, self._second = second != self._second, second
        framed = self.frames.collect(at) if ended else None
        if not self._entries and not self._rows:
            return framed or Scrape([], note=self._note(framed))
        self._abandon(now_s)
        self._pass_to(at)
        readings = self._readings(at)
        samples = self._second_ends(now_s) if ended else []
        events = [
            Occurrence(kind, ("stream", entry.name), payload, _instant(when_s, at))
            for entry in self._entries.values()
            for kind, when_s, payload in _taken(entry.happened)
        ]
        tables = self._tables(at)
        if framed is not None:
            samples += framed.samples
            readings += framed.readings
            tables += framed.tables
        return Scrape(samples, tables, self._note(framed), tuple(readings), tuple(events))

    def _abandon(self, now_s: float) -> None:
        """End the answers of which nobody tells any more."""
        if self._left:
            due = [item for item in self._left if now_s - item[1] >= GONE_S]
            self._left = [item for item in self._left if now_s - item[1] < GONE_S]
            for key, at_s, count in due:
                entry = self._entries.get(key)
                if entry is not None and entry.heard_s <= at_s:
                    entry.abandon(now_s, count, "gone")
        for entry in self._entries.values():
            if entry.under_way and now_s - entry.heard_s > SILENT_S:
                entry.abandon(now_s, entry.stream.open, "silence")

    def _second_ends(self, now_s: float) -> list[Sample]:
        samples: list[Sample] = []
        flowing: list[Entry] = []
        for entry in list(self._entries.values()):
            if now_s - entry.heard_s > FORGOTTEN_S:
                del self._entries[entry.key]
                continue
            entry.close_second()
            if entry.under_way:
                flowing.append(entry)
            if entry.under_way or now_s - entry.heard_s < TOLD_S:
                samples += _steady(entry, entry.now(now_s))
            else:
                entry.apart = (_NAN, "", "")
        levels = [entry.stream.look(now_s).energy for entry in flowing]
        samples.append(Sample(self._ensemble, together(levels)))
        for by, amount in compare(flowing, now_s).items():
            samples.append(Sample(self._disagreements[by], amount))
        return samples

    def _readings(self, at: Instant) -> list[Reading]:
        """What is to be recorded, by moment."""
        found: dict[float, list[Sample]] = {}
        now_s = at.boottime_ns / NS_PER_S
        for entry in self._entries.values():
            told = entry.under_way or now_s - entry.heard_s < TOLD_S
            for moment in _taken(entry.readings):
                if told:
                    found.setdefault(moment.at_s, []).extend(_lively(entry, moment))
        return [Reading(_instant(at_s, at), STEP_S, found[at_s]) for at_s in sorted(found)]

    def _tables(self, at: Instant) -> tuple[TableSnapshot, ...]:
        now_s = at.boottime_ns / NS_PER_S
        to_utc_ns = at.time_ns - at.boottime_ns
        rows = {entry.name: entry.row(now_s, to_utc_ns) for entry in self._entries.values()}
        self._told_states = [str(row[STATE]) for row in rows.values()]
        if rows == self._rows:
            return ()
        self._rows = rows
        return (TableSnapshot(STREAMS, at.time_ns, rows),)

    def _note(self, framed: Scrape | None) -> Note | None:
        if self._entries or (framed is not None and framed.samples) or self.frames.programs:
            if not self.refused:
                return None
            reason = (
                f"{MOST} streams are known and all are under way; {self.refused} times another one was not taken"
            )
            return Note(health.OK, reason)
        return Note(
            health.ABSENT,
            "nobody tells of tokens or frames",
            "send answers through wftop proxy, or push token events and frames (docs/streams.md)",
        )

    def close(self) -> None:
        """Switched off, or the end: nothing is known any more. Twice is harmless."""
        self._off = True
        self._entries.clear()
        self._fresh.clear()
        self._left.clear()
        self._rows = None
        self.frames.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _same(one: str, other: str, *, sure: bool) -> bool:
    """Whether two names are of one model; ``sure``: the server is the same, and one of them may have no name."""
    if sure and not (one and other):
        return True
    return bool(one) and one.removesuffix(":latest") == other.removesuffix(":latest")


def _disagreement(by: str, call: str, quality: str) -> Column:
    return column(SOURCE, "ux.ensemble.disagreement", {"mode": by}, call=call, quality=quality)


def _lively(entry: Entry, moment: Moment) -> list[Sample]:
    """What moves with each token."""
    to = entry.columns
    return [
        Sample(to.energy, moment.look.energy),
        Sample(to.units, moment.units),
        Sample(to.tokens, moment.tokens),
        Sample(to.rate, moment.look.rate),
    ]


def _steady(entry: Entry, moment: Moment) -> Iterable[Sample]:
    """What is told once a second; without certainty that is NaN, which is left out."""
    to, look = entry.columns, moment.look
    yield Sample(to.velocity, look.velocity)
    yield Sample(to.certainty, look.certainty)
    yield Sample(to.friction, look.friction)
    yield Sample(to.open, entry.stream.open)
    yield Sample(to.stalls, entry.stream.stalls)
    yield Sample(to.bursts, entry.bursts)


def _utc(at_s: float, now: Instant) -> int:
    return int(at_s * 1e9) + now.time_ns - now.boottime_ns


def _instant(at_s: float, now: Instant) -> Instant:
    return Instant(_utc(at_s, now), int(at_s * 1e9))


def _taken(items: list[_T]) -> list[_T]:
    found = items[:]
    items.clear()
    return found
