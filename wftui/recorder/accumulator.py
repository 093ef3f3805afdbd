"""From samples to ticks: one slot a series, closed once a second."""

import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from wftui import names
from wftui.clock import Instant
from wftui.model.sample import DERIVED, Column, Sample
from wftui.model.series import Series, series
from wftui.model.tick import Layout, Tick, pack
from wftui.recorder.slot import Slot, hold_ns, peaks
from wftui.windows.ring import Pool

MAX_SERIES: Final = 10_000
MAX_PER_SOURCE: Final = 2_000
RESERVED: Final = 2_000
"""Of all series, for what wftop measures: pushes cannot take these places."""
REFUSED: Final = 5_000
"""Refused names that are remembered, so that each is counted once."""
ABSENT_NS: Final = 3_600_000_000_000
"""A series without a sample for this long leaves the layout."""
RING_S: Final = 60.0
"""A ring is made for samples that come at least so often."""


class Accumulator:
    """All series of the open second, the layout, and the full-rate rings."""

    def __init__(self, last_layout: int = 0) -> None:
        self.pool = Pool()
        self.layout = Layout(last_layout, ())
        self.rejected: dict[str, int] = {}
        """Source to series refused because a limit was reached."""
        self.provenance_changes: list[tuple[Column, Column]] = []
        """(before, after) since the last close."""
        self.latest: dict[int, float] = {}
        """Place in the last tick to what a gauge was at its end, where that was told beside its mean."""
        self._slots: dict[str, Slot] = {}
        self._said: tuple[Sample, ...] = ()
        """In the open second: what gauges were last."""
        self._newest: Slot | None = None
        """Of the sample that came last."""
        self._refused: set[int] = set()
        self._per_source: dict[str, int] = {}
        self._muted: frozenset[str] = frozenset()
        self._dirty = False

    def __len__(self) -> int:
        return len(self._slots)

    def add(self, samples: Iterable[Sample], at: Instant, interval_s: float) -> None:
        """Count samples taken at one moment by a source with that interval."""
        boottime_ns = at.boottime_ns
        isfinite, before = math.isfinite, self._newest
        for sample in samples:
            value = sample.value
            if not isfinite(value):
                continue  # NaN and infinity are no readings
            column = sample.column
            # By its neighbour: the way through the names touches four times the memory, cold after a second.
            slot = before.after if before is not None else None
            if slot is None or slot.column is not column:
                slot = self._slot(column, interval_s)
                if slot is None:
                    continue
                if before is not None:
                    before.after = slot
            before = slot
            if slot.interval_s != interval_s:
                self._pace(slot, interval_s)
            slot.last = value
            slot.last_ns = boottime_ns
            slot.count += 1
            slot.total += value
            if value > slot.peak:  # max() costs 60 ns of the 1.4 µs of a sample
                slot.peak = value
            slot.ring.append(boottime_ns, value)
        self._newest = before

    def say(self, latest: tuple[Sample, ...]) -> None:
        """What programs said last in the open second, of gauges of which they said several things."""
        self._said += latest

    def _slot(self, column: Column, interval_s: float) -> Slot | None:
        """The slot of a column by its name, a new one if need be; None: it is refused."""
        slot = self._slots.get(column.series.text)
        if slot is None:
            return self._admit(column, interval_s)
        if slot.column is not column:
            if slot.column != column:
                self.provenance_changes.append((slot.column, column))
                self._per_source[slot.column.source] -= 1
                self._per_source[column.source] = self._per_source.get(column.source, 0) + 1
                self._dirty = True
            slot.column = column
        return slot

    def retime(self, source: str, interval_s: float) -> None:
        """A source's interval changed: its gauges are held accordingly longer."""
        for slot in self._slots.values():
            if slot.column.source == source:
                self._pace(slot, interval_s)

    def _pace(self, slot: Slot, interval_s: float) -> None:
        slot.interval_s = interval_s
        slot.hold_ns = hold_ns(slot.column, interval_s)
        self.pool.pace(slot.column.series.text, min(interval_s, RING_S))
        if not slot.top and peaks(slot.column, interval_s):
            slot.top = self._dirty = True

    def silence(self, source: str) -> None:
        """A source was switched off: nothing of it is known from now on, the open second included."""
        for slot in self._slots.values():
            if slot.column.source == source:
                slot.last = math.nan
                slot.empty()

    def mute(self, groups: Iterable[str]) -> None:
        """Keep no series of these groups, wftop's own apart; those there leave the layout now."""
        self._muted = frozenset(groups)
        self._forget([t for t, slot in self._slots.items() if self._is_muted(slot.column)])

    def forget(self, named: Callable[[Series], bool]) -> None:
        """Let go of series and of their past; those that go on begin anew."""
        self._forget([t for t, slot in self._slots.items() if named(slot.column.series)])

    def renew(self) -> None:
        """The next tick has a layout of its own, with the same columns."""
        self._dirty = True

    def _is_muted(self, column: Column) -> bool:
        return column.group in self._muted and not column.series.name.startswith("wftop.")

    def admit(self, columns: Sequence[Column]) -> str:
        """Make room for pushed series of one source, all or none; returns why not, or an empty text."""
        new = [column for column in columns if column.series.text not in self._slots]
        if self._muted and any(self._is_muted(column) for column in new):
            return f"the group {columns[0].group} is switched off"
        source = columns[0].source
        limit = ""
        if self._per_source.get(source, 0) + len(new) > MAX_PER_SOURCE:
            limit = f"{MAX_PER_SOURCE} series of {source} are kept already"
        elif len(self._slots) + len(new) > MAX_SERIES - RESERVED:
            limit = f"{MAX_SERIES - RESERVED} series are kept already"
        for column in new:
            if limit:
                self._refuse(column)
            else:
                self._admit(column, 1.0)
        return limit

    def expect(self, columns: Iterable[Column], interval_s: float) -> bool:
        """Samples of these will come: have a layout with them now. Returns whether any of them is new."""
        for column in columns:
            if column.series.text not in self._slots:
                self._admit(column, interval_s)
        if not self._dirty:
            return False
        self._lay_out()
        return True

    def _refuse(self, column: Column) -> None:
        # Remember only so many refused names: what overflows the limits must not overflow memory. Beyond that a
        # name that comes again is counted again.
        name = hash(column.series.text)
        if name not in self._refused:
            if len(self._refused) >= REFUSED:
                self._refused.clear()
            self._refused.add(name)
            self.rejected[column.source] = self.rejected.get(column.source, 0) + 1

    def _admit(self, column: Column, interval_s: float) -> Slot | None:
        if self._muted and self._is_muted(column):
            return None
        text = column.series.text
        taken = self._per_source.get(column.source, 0)
        if len(self._slots) >= MAX_SERIES or taken >= MAX_PER_SOURCE:
            self._refuse(column)
            return None
        top = peaks(column, interval_s)
        ring = self.pool.add(text, min(interval_s, RING_S), column.kind == names.COUNTER)
        slot = Slot(column, ring, interval_s, top)
        self._slots[text] = slot
        self._per_source[column.source] = taken + 1
        self._dirty = True
        return slot

    def forget_absent(self, boottime_ns: int) -> None:
        """Let series go that had no sample for an hour."""
        self._forget([t for t, slot in self._slots.items() if boottime_ns - slot.last_ns > ABSENT_NS])

    def _forget(self, texts: Sequence[str]) -> None:
        for text in texts:
            slot = self._slots.pop(text)
            slot.after = None
            self._per_source[slot.column.source] -= 1
            self.pool.remove(text)
        if texts:
            self._dirty = True
            self._newest = None
            for slot in self._slots.values():
                slot.after = None  # it may be one of those

    def _lay_out(self) -> None:
        columns: list[Column] = []
        for slot in self._slots.values():
            slot.place = len(columns)
            columns.append(slot.column)
            if slot.top:
                columns.append(_peak_column(slot.column))
        self.layout = Layout(self.layout.id + 1, tuple(columns))
        self._dirty = False

    def close(self, seq: int, time_s: int, boottime_ns: int, boot: int, *, so_far: bool = False) -> Tick:
        """End the open second: its tick, under the layout that is current afterwards.

        ``so_far``: leave it open; the tick tells what there is until now.
        """
        if self._dirty:
            self._lay_out()
        values = array("d", [math.nan]) * len(self.layout.columns)
        self.latest = {}
        for sample in self._said:
            told = self._slots.get(sample.column.series.text)
            if told is not None and told.count:
                self.latest[told.place] = round(sample.value, told.digits)
        if not so_far:
            self._said = ()
        for slot in self._slots.values():
            if slot.count:
                place = slot.place
                if slot.mean:
                    values[place] = round(slot.total / slot.count, slot.digits)
                elif slot.summed:
                    values[place] = slot.total
                else:
                    values[place] = slot.peak if slot.highest else slot.last
                if slot.top:
                    values[place + 1] = round(slot.peak, slot.digits)
                if not so_far:
                    slot.empty()
            elif boottime_ns - slot.last_ns <= slot.hold_ns:
                held = round(slot.last, slot.digits) if slot.mean else slot.last
                values[slot.place] = held
                if slot.top:
                    values[slot.place + 1] = held
        return Tick(seq, time_s, boottime_ns, boot, self.layout.id, pack(values))


def _peak_column(column: Column) -> Column:
    item = column.series
    return Column(
        series(item.name, dict(item.labels), stat="max"),
        column.unit,
        column.kind,
        column.group,
        DERIVED,
        column.source,
        column.call,
    )
