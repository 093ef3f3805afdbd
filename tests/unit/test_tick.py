"""Ticks, events and clocks: layouts of bytes that are final."""

from __future__ import annotations

import math
import time
import uuid
from array import array
from struct import unpack as struct_unpack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records import GAUGE, LAYOUT, tick
from wftui import clock, units
from wftui.clock import SystemClock
from wftui.model.event import event, event_id
from wftui.model.tick import Tick, pack, unpack


@given(st.lists(st.floats(allow_nan=True)))
def test_values_round_trip_as_little_endian_float64(values: list[float]) -> None:
    packed = pack(array("d", values))
    assert packed == pack(unpack(packed))
    for a, b in zip(values, struct_unpack(f"<{len(values)}d", packed), strict=True):
        assert a == b or (math.isnan(a) and math.isnan(b))


@given(st.integers(0, 5), st.integers(1, 2**31))
def test_the_checksum_covers_every_field(field: int, by: int) -> None:
    whole = tick(5, 1_700_000_000)
    fields = [getattr(whole, name) for name in Tick.__struct_fields__]
    fields[field] = fields[field] + by if field < 5 else fields[field][:-1] + bytes([fields[field][-1] ^ 1])
    assert Tick(*fields).crc32() != whole.crc32()


def test_places_of_a_layout() -> None:
    assert LAYOUT.places() == {GAUGE.series.text: 0, LAYOUT.columns[1].series.text: 1}


@given(st.integers(0, 2**48 * 1_000_000 - 1))
def test_event_ids_are_uuid_version_7(time_ns: int) -> None:
    made = uuid.UUID(event_id(time_ns))
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == time_ns // 1_000_000


def test_event_ids_sort_by_time_and_differ() -> None:
    ids = [event_id(n * 1_000_000) for n in range(2_000)]
    assert ids == sorted(ids)
    assert len({event_id(7) for _ in range(2_000)}) == 2_000


def test_an_event_begins_without_an_order() -> None:
    made = event(5, "recorder.started", ("recorder", "1"))
    assert (made.seq, made.time_ns, made.payload, made.metadata, made.trace_id) == (0, 5, {}, {}, None)


async def test_the_system_clock() -> None:
    clk = SystemClock()
    before = clk.now()
    await clk.sleep_until(before.boottime_ns + 20_000_000)
    after = clk.now()
    assert after.boottime_ns - before.boottime_ns >= 20_000_000
    assert abs(after.time_ns - time.time_ns()) < 1_000_000_000
    await clk.sleep_until(before.boottime_ns)  # past: at once
    assert clk.now().boottime_ns - after.boottime_ns < 5_000_000_000


def test_boot_id_and_durations() -> None:
    assert clock.boot_id("/nonexistent") == ""
    assert clock.boot_id() == clock.boot_id()
    assert clock.cpu_ns() > 0
    first = clock.perf_ns()
    clock.sleep(0.001)
    assert clock.perf_ns() - first >= 1_000_000
    assert clock.thread_cpu_ns() > 0


@pytest.mark.parametrize(("name", "value"), [("KIB", 1024), ("MIB", 1024**2), ("GIB", 1024**3), ("SECTOR", 512)])
def test_factors(name: str, value: int) -> None:
    assert getattr(units, name) == value
