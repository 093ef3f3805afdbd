"""The sketch: quantiles within 1 %, merging, bounded memory."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.windows.sketch import ERROR, TINY, Sketch

SHARES = (0.0, 0.25, 0.5, 0.95, 0.99, 1.0)
NEAR = ERROR * 1.0001  # a logarithm's last digits may put a value into the bucket beside its own

eight_decades = st.floats(1e-4, 1e4)
any_sign = st.one_of(eight_decades, st.just(0.0), eight_decades.map(lambda value: -value))


def of(values: list[float], limit: int = 1024) -> Sketch:
    sketch = Sketch(limit)
    for value in values:
        sketch.add(value)
    return sketch


def exact(values: list[float], share: float) -> float:
    return sorted(values)[max(1, math.ceil(share * len(values))) - 1]


@given(st.lists(any_sign, min_size=1, max_size=300))
def test_quantiles_are_within_their_error_of_the_value_of_that_rank(values: list[float]) -> None:
    sketch = of(values)
    assert sketch.count == len(values)
    assert sketch.total == pytest.approx(math.fsum(values), rel=1e-9, abs=1e-6)
    assert (sketch.least, sketch.greatest) == (min(values), max(values))
    for share, found in zip(SHARES, sketch.quantiles(*SHARES), strict=True):
        assert found == pytest.approx(exact(values, share), rel=NEAR, abs=TINY)


@given(st.lists(any_sign, max_size=100), st.lists(any_sign, max_size=100))
def test_merged_sketches_are_the_sketch_of_both(one: list[float], other: list[float]) -> None:
    merged = of(one)
    merged.merge(of(other))
    both = of(one + other)
    assert (merged.count, merged.least, merged.greatest) == (both.count, both.least, both.greatest)
    assert merged.total == pytest.approx(both.total, rel=1e-9, abs=1e-6)
    if both.count:
        assert merged.quantiles(*SHARES) == both.quantiles(*SHARES)


@given(st.lists(st.floats(-3e38, 3e38), min_size=1, max_size=500))
def test_any_numbers_take_bounded_memory_and_the_high_ranks_stay_true(values: list[float]) -> None:
    sketch = of(values, limit=16)
    assert len(sketch) <= 32
    assert sketch.quantiles(1.0)[0] == pytest.approx(max(values), rel=NEAR, abs=TINY)
    assert all(min(values) <= found <= max(values) for found in sketch.quantiles(*SHARES))


def test_a_new_bucket_is_told_so_that_its_owner_can_count_them() -> None:
    sketch = Sketch()
    assert [sketch.add(value) for value in (1.01, 1.011, 5.0, 0.0, -1.01)] == [True, False, True, False, True]
    assert len(sketch) == 3
    sketch.clear()
    assert (len(sketch), sketch.count, sketch.total) == (0, 0, 0.0)


def test_nothing_counted_has_no_quantiles_and_what_is_no_number_is_refused() -> None:
    assert all(math.isnan(found) for found in Sketch().quantiles(0.5, 0.99))
    for wrong in (math.nan, math.inf, -math.inf):
        sketch = Sketch()
        with pytest.raises((ValueError, OverflowError)):
            sketch.add(wrong)
        assert sketch.count == 0
