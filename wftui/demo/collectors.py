"""The collectors of the demo: instead of a machine they ask the script. Only the demo's recorder has them."""

import asyncio
from collections.abc import Callable
from typing import Final

from wftui.clock import NS_PER_S, Instant, SystemClock
from wftui.collectors.base import STREAM
from wftui.demo import council
from wftui.demo.part import Part
from wftui.demo.script import GPU, SERVING, TABLED, Script, due, samples
from wftui.demo.servers import JOINED
from wftui.energy.sink import TokenSink
from wftui.model.sample import Occurrence, Reading, Sample, Scrape
from wftui.model.table import TableSnapshot

_BACK_S: Final = 10
"""After a pause no more than this is told; counters go on from where they were."""
_FAST_S: Final = 0.1
_ABOUT: Final = {GPU: "gpu", SERVING: "server", council.CORE: council.CORE}
"""What the events of a source are about."""
_CALM_S: Final = 0.2
"""Between two deliveries of tokens while nobody follows."""
_FINEST_S: Final = 1 / 60
_LATE_S: Final = 2.0
"""After a longer pause tokens of the time before are not told any more."""


class Scripted:
    """One source of the script. It streams: asked once a second, it tells what the script says since."""

    where = STREAM
    timeout_s = 3.0

    def __init__(self, name: str, parts: list[Part], script: Script) -> None:
        self.name = name
        self.interval_s = min(part.interval_s for part in parts)
        self._fast = [part for part in parts if part.interval_s < 1.0]
        self._slow = [part for part in parts if part.interval_s >= 1.0]
        self._script = script
        self._slot: int | None = None
        """The next tenth of a second; None: not asked yet."""
        self._second = 0
        self._event_s = 0.0

    def collect(self, at: Instant) -> Scrape:
        """Everything that the script says up to now; never waits."""
        now = at.time_ns / NS_PER_S - self._script.epoch_s
        first = self._slot is None
        if self._slot is None or now - self._slot * _FAST_S > _BACK_S:
            # What slow parts said last still holds: all are asked in the first second.
            self._slot, self._second, self._event_s = int(now / _FAST_S), int(now), now
        readings: list[Reading] = []
        tables: list[TableSnapshot] = []
        while self._slot * _FAST_S <= now:
            t = round(self._slot * _FAST_S, 1)
            moment = self._script.instant(t, at)
            readings += [Reading(moment, part.interval_s, samples(part, t)) for part in self._fast]
            self._slot += 1
        while self._second <= now:
            moment = self._script.instant(self._second, at)
            readings += [
                Reading(moment, part.interval_s, samples(part, self._second))
                for part in self._slow
                if first or due(part, self._second)
            ]
            if self.name in TABLED:
                told = self._script.tables(self._second, everything=first, source=self.name)
                tables += [item.table for item in told]
            first = False
            self._second += 1
        return Scrape([], tuple(tables), readings=tuple(readings), events=self._events(now, at))

    def _events(self, now: float, at: Instant) -> tuple[Occurrence, ...]:
        about = _ABOUT.get(self.name)
        if about is None:
            return ()
        since, self._event_s = self._event_s, now
        found = self._script.events(since, now)
        return tuple(
            Occurrence(item.kind, item.about, item.payload, self._script.instant(_second(item, self._script), at))
            for item in found
            if item.about[0] == about and item.kind not in JOINED
        )

    def close(self) -> None:
        """Begin anew when it is switched on again. Twice is harmless."""
        self._slot = None


class Bringer(Scripted):
    """The source ``core``, which brings tokens and frames as the script has them come."""

    def __init__(self, name: str, parts: list[Part], script: Script) -> None:
        super().__init__(name, parts, script)
        self._clock = SystemClock()
        self._answers = council.Council()
        self._sink: TokenSink | None = None
        self._pause_s = _CALM_S
        self._timer: asyncio.TimerHandle | None = None
        self._until = 0.0
        """Second of the script up to which everything was brought."""

    def bring_to(self, sink: TokenSink, tell: Callable[[int, list[Sample]], None]) -> None:  # noqa: ARG002  it has no samples between two seconds
        """Bring tokens and frames there."""
        self._sink = sink

    def look_closely(self, rate_hz: float) -> None:
        """Somebody follows at that rate; 1: nobody does."""
        self._pause_s = max(_FINEST_S, min(_CALM_S, 1.0 / rate_hz))
        if self._timer is not None and self._sink is not None:
            self._timer.cancel()
            self._bring(self._sink)

    def collect(self, at: Instant) -> Scrape:
        """As of any source; the first time deliveries begin."""
        if self._timer is None and self._sink is not None:
            self._until = at.time_ns / NS_PER_S - self._script.epoch_s
            self._bring(self._sink)
        return super().collect(at)

    def _bring(self, sink: TokenSink) -> None:
        """Bring what came since, and again after a while."""
        at = self._clock.now()
        now = at.time_ns / NS_PER_S - self._script.epoch_s
        if not 0 <= now - self._until <= _LATE_S:
            self._until = now
        since, self._until = self._until, now
        zero_s = at.boottime_ns / NS_PER_S - now
        council.bring(sink, self._answers, since, now, zero_s)
        council.bring_frames(sink, since, now, zero_s)
        self._timer = asyncio.get_running_loop().call_later(self._pause_s, self._bring, sink)

    def close(self) -> None:
        """Nothing more is brought. Twice is harmless."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super().close()


def _second(item: Occurrence, script: Script) -> float:
    assert item.at is not None  # noqa: S101  the script says when
    return item.at.time_ns / NS_PER_S - script.epoch_s


def collectors(script: Script) -> list[Scripted]:
    """One collector per source."""
    return [
        (Bringer if name == council.CORE else Scripted)(name, parts, script)
        for name, parts in script.sources().items()
    ]
