"""Samples to ticks: means, peaks, holding, limits."""

from __future__ import annotations

import math
import tracemalloc
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records import COUNTER, GAUGE, many_columns
from wftui.clock import NS_PER_S, Instant
from wftui.model.sample import ESTIMATED, Column, Sample, column
from wftui.model.tick import unpack
from wftui.recorder.accumulator import ABSENT_NS, MAX_PER_SOURCE, MAX_SERIES, Accumulator

CPU = column("cpu", "system.cpu.utilization", call="/proc/stat")


def at(seconds: float) -> Instant:
    return Instant(int(seconds * NS_PER_S), int(seconds * NS_PER_S))


def closed(accumulator: Accumulator, seconds: float) -> dict[str, float]:
    tick = accumulator.close(1, int(seconds), int(seconds * NS_PER_S), 1)
    assert tick.layout == accumulator.layout.id
    values: array[float] = unpack(tick.values)
    return {item.series.text: value for item, value in zip(accumulator.layout.columns, values, strict=True)}


def test_a_gauge_is_its_mean_and_its_peak_and_a_counter_its_last_reading() -> None:
    accumulator = Accumulator()
    for number, value in enumerate((0.1, 0.9, 0.2)):
        accumulator.add([Sample(CPU, value)], at(number / 10), 0.1)
        accumulator.add([Sample(COUNTER, 100.0 + number)], at(number / 10), 1.0)
    found = closed(accumulator, 1)
    assert found[CPU.series.text] == pytest.approx(0.4)
    assert found['system.cpu.utilization{stat="max"}'] == 0.9
    assert found[COUNTER.series.text] == 102.0
    assert len(found) == 3


def test_a_peak_has_its_own_provenance() -> None:
    accumulator = Accumulator()
    accumulator.add([Sample(CPU, 0.5)], at(0), 0.1)
    closed(accumulator, 1)
    assert [item.quality for item in accumulator.layout.columns] == ["measured", "derived"]


@given(st.floats(1, 60))
def test_a_slow_gauge_is_held_for_one_and_a_half_intervals(interval_s: float) -> None:
    accumulator = Accumulator()
    accumulator.add([Sample(GAUGE, 7.0)], at(0), interval_s)
    for second in range(1, int(interval_s * 2) + 3):
        value = closed(accumulator, second)[GAUGE.series.text]
        if second == 1 or second <= math.floor(interval_s * 1.5):
            assert value == 7.0
        elif second > interval_s * 1.5 + 1e-6:
            assert math.isnan(value), "unknown is not the last value"


def test_a_counter_that_missed_its_second_is_unknown() -> None:
    """Repeated it would draw a rate of 0, and twice the rate in the next second."""
    accumulator = Accumulator()
    accumulator.add([Sample(COUNTER, 7.0)], at(0.7), 1.0)
    assert closed(accumulator, 1)[COUNTER.series.text] == 7.0
    assert math.isnan(closed(accumulator, 2)[COUNTER.series.text])
    accumulator.retime("test", 5.0)
    assert closed(accumulator, 3)[COUNTER.series.text] == 7.0, "a slow one is repeated until its next reading"


def test_what_a_distribution_counts_in_parts_of_a_second_is_added_up_and_never_held() -> None:
    accumulator = Accumulator()

    def of(stat: str) -> Column:
        return column("gpu", "wftop.gpu.call.duration", {"source": "nvml"}, call="test", stat=stat)

    for parts in ((2.0, 9.0, 0.5), (3.0, 4.0, 0.25)):
        samples = [Sample(of(stat), value) for stat, value in zip(("count", "max", "p50"), parts, strict=True)]
        accumulator.add(samples, at(0.5), 10.0)
    now = closed(accumulator, 1)
    assert [now[of(stat).series.text] for stat in ("count", "max", "p50")] == [5.0, 9.0, 0.25]
    later = closed(accumulator, 2)
    assert math.isnan(later[of("count").series.text]), "it would be counted twice"
    assert later[of("p50").series.text] == 0.25, "ten seconds pass until the next"


def test_retime_holds_longer() -> None:
    accumulator = Accumulator()
    accumulator.add([Sample(GAUGE, 7.0)], at(0), 1.0)
    accumulator.retime("test", 10.0)
    closed(accumulator, 1)
    assert closed(accumulator, 15)[GAUGE.series.text] == 7.0
    assert math.isnan(closed(accumulator, 16)[GAUGE.series.text])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_makes_no_series(value: float) -> None:
    accumulator = Accumulator()
    accumulator.add([Sample(GAUGE, value)], at(0), 1.0)
    assert len(accumulator) == 0
    assert closed(accumulator, 1) == {}


def test_new_series_make_one_new_layout_a_tick() -> None:
    accumulator = Accumulator(last_layout=41)
    for item in many_columns(30):
        accumulator.add([Sample(item, 1.0)], at(0), 1.0)
    closed(accumulator, 1)
    assert accumulator.layout.id == 42
    accumulator.add([Sample(item, 2.0) for item in many_columns(30)], at(1), 1.0)
    closed(accumulator, 2)
    assert accumulator.layout.id == 42
    accumulator.add([Sample(item, 2.0) for item in many_columns(35)], at(2), 1.0)
    closed(accumulator, 3)
    assert accumulator.layout.id == 43


def test_a_series_absent_for_an_hour_leaves() -> None:
    accumulator = Accumulator()
    accumulator.add([Sample(GAUGE, 1.0)], at(0), 1.0)
    accumulator.add([Sample(COUNTER, 1.0)], at(100), 1.0)
    closed(accumulator, 101)
    accumulator.forget_absent(ABSENT_NS)
    assert len(accumulator) == 2
    accumulator.forget_absent(ABSENT_NS + 1)
    assert list(closed(accumulator, 3602)) == [COUNTER.series.text]
    assert accumulator.pool.get(GAUGE.series.text) is None
    accumulator.add([Sample(GAUGE, 2.0)], at(4000), 1.0)
    assert closed(accumulator, 4001)[GAUGE.series.text] == 2.0


def test_limits_per_source_and_in_all() -> None:
    accumulator = Accumulator()
    for source in range(6):
        accumulator.add([Sample(c, 1.0) for c in _of(source, MAX_PER_SOURCE + 50)], at(0), 1.0)
    assert len(accumulator) == MAX_SERIES
    assert accumulator.rejected == {**{f"s{n}": 50 for n in range(5)}, "s5": MAX_PER_SOURCE + 50}
    # Series of a source that is full come in when others have left.
    accumulator.add([Sample(c, 1.0) for c in _of(1, 10)], at(4000), 1.0)
    accumulator.forget_absent(ABSENT_NS + NS_PER_S)
    assert len(accumulator) == 10
    accumulator.add([Sample(c, 1.0) for c in _of(5, 5)], at(4000), 1.0)
    assert len(accumulator) == 15


def _of(source: int, count: int) -> list[Column]:
    return [column(f"s{source}", "system.disk.io", {"device": f"{source}-{n}"}, call="test") for n in range(count)]


@pytest.mark.parametrize("count", [100_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_a_flood_of_labels_stays_bounded(count: int) -> None:
    accumulator = Accumulator()

    def flood(start: int, count: int) -> None:
        for number in range(start, start + count):
            item = column("flood", "system.disk.io", {"device": f"d{number}"}, call="test")
            accumulator.add([Sample(item, 1.0)], at(0), 1.0)

    flood(0, 20_000)
    tracemalloc.start()
    flood(20_000, count - 20_000)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 1_000_000
    assert len(accumulator) == MAX_PER_SOURCE
    accumulator.add([Sample(COUNTER, 1.0)], at(0), 1.0)
    assert len(accumulator) == MAX_PER_SOURCE + 1, "one source's flood leaves room for the others"


def test_provenance_changes_are_told_and_counted_for_the_right_source() -> None:
    accumulator = Accumulator()
    other = Column(GAUGE.series, GAUGE.unit, GAUGE.kind, GAUGE.group, ESTIMATED, "another", "formula")
    accumulator.add([Sample(GAUGE, 1.0)], at(0), 1.0)
    closed(accumulator, 1)
    before = accumulator.layout.id
    accumulator.add([Sample(other, 2.0)], at(1), 1.0)
    assert accumulator.provenance_changes == [(GAUGE, other)]
    closed(accumulator, 2)
    assert accumulator.layout.id == before + 1
    assert accumulator.layout.columns[0].source == "another"
    accumulator.forget_absent(2 * ABSENT_NS)
    assert len(accumulator) == 0


@given(st.data())
def test_each_sample_goes_to_its_series_in_whatever_order_they_come_and_leave(data: st.DataObject) -> None:
    """A slot is looked for where it was after its neighbour: also when another stands there, or none any more."""
    columns = many_columns(6)
    accumulator = Accumulator()
    for second in range(1, 6):
        for gone in data.draw(st.lists(st.sampled_from(columns), max_size=2)):
            accumulator.forget(gone.series.__eq__)
        chosen = data.draw(st.lists(st.sampled_from(columns), unique=True, min_size=1))
        cut = data.draw(st.integers(0, len(chosen)))
        values = {item.series.text: float(second * 10 + place) for place, item in enumerate(chosen)}
        for part in (chosen[:cut], chosen[cut:]):
            accumulator.add([Sample(item, values[item.series.text]) for item in part], at(second - 0.5), 1.0)
        found = closed(accumulator, second)
        assert {text: found[text] for text in values} == values
        assert len(accumulator) == len(found)
