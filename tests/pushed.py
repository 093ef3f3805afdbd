"""An intake of pushes with its accumulator, for tests: lines in, ticks out."""

from __future__ import annotations

import json
from typing import Any

from wftui.clock import NS_PER_S, Instant
from wftui.model.health import Health
from wftui.model.sample import Sample
from wftui.model.tick import unpack
from wftui.recorder.accumulator import Accumulator
from wftui.recorder.push.counting import Counting
from wftui.recorder.push.intake import Intake
from wftui.recorder.push.quick import Quick

START_S = 1_790_000_000


def line(**fields: Any) -> bytes:
    """A line without its end."""
    return json.dumps(fields).encode()


class Pushed:
    """An intake with its accumulator, and a second that goes on."""

    def __init__(self) -> None:
        self.accumulator = Accumulator()
        self.told: list[tuple[int, str, float]] = []
        """To who follows: UTC ns, series, value."""
        self.quick = Quick(self._tell)
        self.intake = Intake(self.accumulator.admit, lambda: self.accumulator.rejected, self.quick)
        self.second = START_S
        self.into_ns = 0
        """Of that second."""
        self.latest: dict[str, float] = {}
        """Series to what gauges were at the end of the last tick, where that was told."""
        self.collect()

    def _tell(self, time_ns: int, samples: list[Sample]) -> None:
        self.told += [(time_ns, item.column.series.text, item.value) for item in samples]

    @property
    def at(self) -> Instant:
        boottime_s = self.second - START_S + 1000
        return Instant(self.second * NS_PER_S + self.into_ns, boottime_s * NS_PER_S + self.into_ns)

    def line(self, line: bytes) -> dict[str, Any]:
        counting = self.intake.begin(line, self.at)
        if isinstance(counting, Counting):
            assert counting.go_on(1 << 62)
            counting = counting.finish(self.at.boottime_ns)
        assert counting.endswith(b"\n")
        assert counting.count(b"\n") == 1
        found: dict[str, Any] = json.loads(counting)
        return found

    def say(self, **fields: Any) -> dict[str, Any]:
        return self.line(line(**fields))

    def native(self, *samples: dict[str, Any], source: str = "t") -> dict[str, Any]:
        return self.say(source=source, samples=list(samples))

    def collect(self) -> None:
        scrape = self.intake.collect(self.at)
        for reading in scrape.readings:
            self.accumulator.add(reading.samples, reading.at, reading.interval_s)
        self.accumulator.add(scrape.samples, self.at, 1.0)
        self.accumulator.say(scrape.latest)

    def tick(self, seconds: int = 1) -> dict[str, float]:
        """End seconds; the last tick without wftop's own."""
        values: dict[str, float] = {}
        for _ in range(seconds):
            self.second += 1
            self.into_ns = 0
            self.collect()
            tick = self.accumulator.close(1, self.second - 1, self.at.boottime_ns, 1)
            columns = self.accumulator.layout.columns
            self.latest = {columns[at].series.text: value for at, value in self.accumulator.latest.items()}
            found = zip(self.accumulator.layout.columns, unpack(tick.values), strict=True)
            values = {item.series.text: value for item, value in found if value == value}
        return {text: value for text, value in values.items() if not text.startswith("wftop.")}

    def health(self, name: str = "t") -> Health:
        [found] = [item for item in self.intake.health(self.at) if item.source == f"push:{name}"]
        return found
