"""Rollups by numpy against the rules that the recorder's own buckets follow."""

from __future__ import annotations

import math
from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recording import S
from tests.sealing import made
from wftui.model.tick import Tick, pack
from wftui.store import rollup
from wftui.store.manifest import MAX, MEAN, MIN, SUM, StoredColumn
from wftui.store.rollup import Level, Ticks
from wftui.store.segments import _cut, whole
from wftui.windows.buckets import Rates

STEPS = st.tuples(
    st.sampled_from((1, 1, 1, 1, 2)),  # seq
    st.sampled_from((1, 1, 1, 1, 0, 2, -3600)),  # time_s
    st.sampled_from((S, S, S, S, S // 3, 2 * S)),  # boottime_ns
    st.sampled_from((0, 0, 0, 0, 0, 1)),  # boot
    st.sampled_from((0.0, 1.0, 5.0, -3.0, math.nan, math.nan, 1e300)),  # grown
)


@given(st.lists(STEPS, min_size=1, max_size=30), st.integers(0, 3))
def test_rates_are_those_of_the_buckets(steps: list[tuple[int, int, int, int, float]], cut: int) -> None:
    seq, time_s, at_ns, boot, value = 0, 1_000, 0, 1, 10.0
    found: list[tuple[int, int, int, int, float]] = []
    slow: list[float] = []
    rates = Rates()
    for item in steps:
        seq, time_s, at_ns, boot = seq + item[0], time_s + item[1], at_ns + item[2], boot + item[3]
        reading = value + item[4]
        value = value if math.isnan(reading) else reading
        found.append((seq, time_s, at_ns, boot, reading))
        tick = Tick(seq, time_s, at_ns, boot, 1, pack(array("d", [reading])))
        slow.append(rates.step(tick, [("x", reading)]).get("x", math.nan))
    lead = [np.array([item[place] for item in found], dtype=np.int64) for place in range(4)]
    ticks = Ticks.of(lead, np.array([[item[4] for item in found]]))
    fast = rollup.rates(ticks.values, rollup.follows(ticks))[0]
    np.testing.assert_array_equal(fast, np.array(slow))
    # Two ticks before a part are enough for its rates.
    start = min(cut, len(found) - 1)
    part = Ticks.of([item[max(0, start - 2) :] for item in lead], ticks.values[:, max(0, start - 2) :])
    tail = rollup.rates(part.values, rollup.follows(part))[0][-(len(found) - start) :]
    np.testing.assert_array_equal(tail, np.array(slow[start:]))


@pytest.mark.parametrize(
    ("kind", "stat", "expected"),
    [
        ("gauge", "", (MIN, MEAN, MAX)),
        ("counter", "", (MIN, MEAN, MAX)),
        ("counter", "max", (MIN, MEAN, MAX)),
        ("gauge", "max", (MAX,)),
        ("gauge", "min", (MIN,)),
        ("distribution", "count", (SUM,)),
        ("distribution", "sum", (SUM,)),
        ("distribution", "p50", (MAX,)),
        ("distribution", "p99", (MAX,)),
        ("distribution", "min", (MIN,)),
    ],
)
def test_which_statistics_are_kept(kind: str, stat: str, expected: tuple[str, ...]) -> None:
    column = made("a", kind, stat=stat)
    stored = StoredColumn(0, "a", column.series.text, "1", kind, "system", "measured", "", "")
    assert rollup.statistics(stored) == expected


def test_rows_of_both_levels() -> None:
    time_s = np.array([598, 599, 600, 601, 609, 610, 605, 606], dtype=np.int64)
    assert rollup.starts(time_s, 10).tolist() == [0, 2, 5, 6]
    values = np.array([[1.0, 2.0, 3.0, 4.0, math.nan, 6.0, 7.0, 8.0]])
    lead = [np.arange(1, 9), time_s, time_s * S, np.ones(8, dtype=np.int64)]
    steps = rollup.fine(Ticks.of(lead, values), values)
    assert (steps.seq.tolist(), steps.time_s.tolist()) == ([1, 3, 6, 7], [590, 600, 610, 600])
    assert steps.ticks.tolist() == [2, 3, 1, 2]
    assert (steps.low.tolist(), steps.high.tolist()) == ([[1, 3, 6, 7]], [[2, 4, 6, 8]])
    places = np.array([0])
    assert steps.of(MEAN, places).tolist() == [[1.5, 3.5, 6, 7.5]]
    whole_step = rollup.coarse(steps)
    assert whole_step.ticks.tolist() == [8]
    assert whole_step.of(SUM, places).tolist() == [[31]]
    stored = StoredColumn(0, "a", "system.disk.io", "1", "gauge", "system", "measured", "", "")
    level = Level(10, [stored])
    level.add(steps)
    level.add(steps)
    assert {stat: values.shape for stat, _, values in level.take(places)} == {
        MIN: (1, 8),
        MEAN: (1, 8),
        MAX: (1, 8),
    }
    assert list(level.take(np.array([5]))) == []


@given(st.floats(-1e30, 1e30).filter(lambda value: value == 0 or abs(value) > 1e-30))
def test_a_mean_keeps_twelve_bits(value: float) -> None:
    (cut,) = _cut(np.array([[value]]))[0]
    assert math.isclose(float(cut), value, rel_tol=1.23e-4)
    assert int(np.float32(cut).view(np.uint32)) & 0x7FF == 0


def test_what_is_whole() -> None:
    rows = [[1.0, math.nan], [0.5, 1.0], [2.0**63, 1.0], [-(2.0**62), 1.0], [math.inf, 1.0], [math.nan, math.nan]]
    assert whole(np.array(rows)).tolist() == [True, False, False, True, False, True]
