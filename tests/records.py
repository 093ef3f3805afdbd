"""Small things that tests of store, windows and recorder build: columns, ticks, layouts, a counting collector."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from wftui.clock import NS_PER_S, Instant
from wftui.collectors.base import INLINE
from wftui.model.event import Event, event
from wftui.model.sample import Column, Sample, Scrape, column
from wftui.model.table import Row, TableColumn, TableSchema
from wftui.model.tick import Layout, Tick, pack

GAUGE = column("test", "system.memory.usage", call="test")
COUNTER = column("test", "system.network.io", {"device": "eth0", "direction": "receive"}, call="test")
LAYOUT = Layout(1, (GAUGE, COUNTER))
SCHEMA = TableSchema("things", (TableColumn("name", "", "text"), TableColumn("size", "By", "gauge")))


def tick(
    seq: int,
    time_s: int,
    values: Sequence[float] = (1.0, 2.0),
    *,
    boottime_ns: int | None = None,
    boot: int = 1,
    layout: int = 1,
) -> Tick:
    """A tick; one second of boottime for each seq unless said otherwise."""
    at = seq * NS_PER_S if boottime_ns is None else boottime_ns
    return Tick(seq, time_s, at, boot, layout, pack(array("d", values)))


def fact(seq: int, time_ns: int = NS_PER_S, kind: str = "recorder.started") -> Event:
    """An event in its place."""
    item = event(time_ns, kind, ("recorder", "1"), {"n": seq})
    return Event(seq, *(getattr(item, name) for name in Event.__struct_fields__[1:]))


def many_columns(count: int, source: str = "test") -> list[Column]:
    """Distinct columns."""
    return [column(source, "system.disk.io", {"device": f"d{n}"}, call="test") for n in range(count)]


def rows(count: int, size: float = 1.0) -> dict[str, Row]:
    """Rows of ``SCHEMA``."""
    return {f"k{n}": (f"name {n}", size) for n in range(count)}


class Counting:
    """A collector whose counter grows by 100 a second of CLOCK_BOOTTIME."""

    def __init__(self, name: str = "test", interval_s: float = 1.0) -> None:
        self.name = name
        self.interval_s = interval_s
        self.where = INLINE
        self.timeout_s = 5.0
        self.calls = 0
        self.error: Exception | None = None
        self.closed = 0

    def collect(self, at: Instant) -> Scrape:
        """One gauge, one counter; or the error that was put in."""
        self.calls += 1
        if self.error is not None:
            raise self.error
        return Scrape([Sample(GAUGE, 5.0), Sample(COUNTER, at.boottime_ns / 1e7)])

    def close(self) -> None:
        """Count."""
        self.closed += 1
