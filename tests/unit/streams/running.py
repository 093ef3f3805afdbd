"""A desk of streams in an event loop of its own, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from wftui.clock import NS_PER_S, Instant
from wftui.energy.sink import Key
from wftui.energy.stream import USUAL, Profile
from wftui.model.sample import Occurrence, Sample, Scrape
from wftui.model.table import Row
from wftui.recorder.accumulator import Accumulator
from wftui.recorder.streams.desk import Desk

UTC_S = 1_790_000_000
"""At 0 s of CLOCK_BOOTTIME."""
LLAMA = Key("app", "", "llama3")
ENERGY = 'ux.stream.energy{model="llama3",source="app"}'
UNITS = 'ux.stream.units{model="llama3",source="app"}'
TOKENS = 'ux.stream.tokens{model="llama3",source="app"}'
RATE = 'ux.stream.rate{model="llama3",source="app"}'


class Moved:
    """A clock."""

    def __init__(self) -> None:
        self.s = 1000.0

    def now(self) -> Instant:
        ns = round(self.s * NS_PER_S)
        return Instant(UTC_S * NS_PER_S + ns, ns)

    async def sleep_until(self, boottime_ns: int) -> None:
        raise NotImplementedError

    async def beat(self, period_ns: int, call: Callable[[Instant], bool]) -> None:
        raise NotImplementedError


class Desked:
    """A desk with what it told."""

    def __init__(self, profile: Profile = USUAL) -> None:
        self.clock = Moved()
        self.told: list[tuple[float, str, float]] = []
        """To who follows: s of CLOCK_BOOTTIME, series, value."""
        self.messages = 0
        self.desk = Desk(self.clock, self._tell, profile=profile)
        self.recorded: dict[str, list[tuple[float, float]]] = {}
        """Series to (s, value) of readings and of the second's end."""
        self.events: list[Occurrence] = []
        self.rows: dict[str, dict[str, Row]] = {}
        self.tables = 0
        self.scrape = Scrape([])
        self.accumulator = Accumulator()

    def _tell(self, time_ns: int, samples: list[Sample]) -> None:
        self.messages += 1
        at_s = time_ns / NS_PER_S - UTC_S
        self.told += [(at_s, item.column.series.text, item.value) for item in samples]

    def to(self, at_s: float) -> None:
        """Let time pass, each second collected at its end."""
        while int(at_s) > int(self.clock.s):
            self.clock.s = float(int(self.clock.s) + 1)
            self.collect()
        self.clock.s = at_s

    def collect(self) -> Scrape:
        """As the recorder does."""
        at = self.clock.now()
        found = self.scrape = self.desk.collect(at)
        for reading in found.readings:
            self.accumulator.add(reading.samples, reading.at, reading.interval_s)
            self._record(reading.samples, reading.at)
        self.accumulator.add(found.samples, at, 1.0)
        self._record(found.samples, at)
        for table in found.tables:
            self.tables += 1
            self.rows[table.schema.name] = dict(table.rows)
        self.events += found.events
        return found

    def _record(self, samples: list[Sample], at: Instant) -> None:
        for sample in samples:
            if sample.value == sample.value:
                text = sample.column.series.text
                self.recorded.setdefault(text, []).append((at.boottime_ns / NS_PER_S, sample.value))

    async def flushed(self) -> None:
        """What came is told to who follows."""
        while self.desk._fresh:  # noqa: ASYNC110  the desk tells nobody
            await asyncio.sleep(0)

    def last(self, text: str) -> float:
        """The newest value of a series."""
        return self.recorded[text][-1][1]

    def speak(self, seconds: float, hz: float = 20.0, key: Key = LLAMA, **told: Any) -> None:
        """Tokens, evenly, from now on; the first in one interval."""
        begun = self.clock.s
        for number in range(1, round(seconds * hz) + 1):
            self.to(begun + number / hz)
            self.desk.tokens(key, self.clock.s, 1, **told)


def looped(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run it in a loop."""
    asyncio.run(test())
