"""What the desk of a recorder made of the demo's tokens and frames in the past, second by second."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from wftui.clock import NS_PER_S, Instant, SystemClock
from wftui.demo import council, session, story
from wftui.model.sample import Column, Occurrence, Reading, Scrape
from wftui.model.table import TableSnapshot
from wftui.names import METRICS
from wftui.names.entry import COUNTER
from wftui.recorder.streams.desk import Desk

_FRAMES_S: Final = story.PAST_S - 120
"""From when on there are frames: to look at each costs more than all the rest, and somebody waits."""
_HOLDS: Final = 1.5
"""Intervals for which a value that is told seldom holds."""


class Second(NamedTuple):
    """What there is of one."""

    values: dict[Column, float]
    tables: Sequence[TableSnapshot]
    events: Sequence[Occurrence]


class Streamed:
    """The desk of the past. Seconds are asked for once each and in order."""

    def __init__(self, epoch_s: int, offset_ns: int) -> None:
        """``epoch_s``: UTC second of second 0 of the script; ``offset_ns``: CLOCK_BOOTTIME less UTC."""
        self._epoch_s = epoch_s
        self._offset_ns = offset_ns
        self._desk = Desk(SystemClock(), lambda *_: None)
        self._council = council.Council()
        self._held: dict[Column, tuple[float, float]] = {}
        """Column to value and the second until which it holds."""

    def second(self, second: int) -> Second:
        """Of the script; nothing before there was a core."""
        if second < session.BEGAN_S:
            return Second({}, (), ())
        zero_s = self._epoch_s + self._offset_ns / NS_PER_S
        council.bring(self._desk, self._council, second, second + 1, zero_s)
        if second >= _FRAMES_S:
            council.bring_frames(self._desk, second, second + 1, zero_s)
        time_ns = (self._epoch_s + second + 1) * NS_PER_S - 1
        scrape = self._desk.collect(Instant(time_ns, time_ns + self._offset_ns))
        return Second(self._values(second, scrape), scrape.tables, scrape.events)

    def _values(self, second: int, scrape: Scrape) -> dict[Column, float]:
        read: dict[Column, list[float]] = {}
        for reading in scrape.readings:
            self._read(second, reading, read)
        found = {item: value for item, (value, until) in self._held.items() if second < until}
        for item, values in read.items():
            counts = METRICS[item.series.name].kind == COUNTER
            found[item] = values[-1] if counts else sum(values) / len(values)
        found.update((sample.column, sample.value) for sample in scrape.samples if sample.value == sample.value)
        return found

    def _read(self, second: int, reading: Reading, read: dict[Column, list[float]]) -> None:
        for sample in reading.samples:
            if sample.value != sample.value:
                continue
            if reading.interval_s > 1.0:
                self._held[sample.column] = sample.value, second + _HOLDS * reading.interval_s
            else:
                read.setdefault(sample.column, []).append(sample.value)
