"""Quantiles of what came between two cumulative histograms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.windows.histogram import quantiles

INF = float("inf")
BOUNDS = (0.1, 0.2, 0.4, INF)
NONE = (5.0, 5.0, 5.0, 5.0)


@pytest.mark.parametrize(
    ("now", "share", "value"),
    [
        ((5.0, 15.0, 15.0, 15.0), 0.5, 0.15),
        ((5.0, 15.0, 15.0, 15.0), 1.0, 0.2),
        ((5.0, 10.0, 15.0, 15.0), 0.75, 0.3),
        ((15.0, 15.0, 15.0, 15.0), 0.5, 0.1),  # somewhere below the first bound
        ((5.0, 5.0, 5.0, 15.0), 0.99, 0.4),  # somewhere above the last one
        ((5.0, 5.0, 15.0, 15.0), 0.0, 0.2),
    ],
)
def test_inside_a_bucket_and_at_the_ends(now: tuple[float, ...], share: float, value: float) -> None:
    found = quantiles(BOUNDS, NONE, now, [share])
    assert found is not None
    assert found == pytest.approx([value])


def test_nothing_came_or_it_began_anew() -> None:
    assert quantiles(BOUNDS, NONE, NONE, [0.5]) is None
    assert quantiles(BOUNDS, NONE, (0.0, 0.0, 0.0, 9.0), [0.5]) is None
    assert quantiles(BOUNDS, NONE, (5.0, 5.0), [0.5]) is None
    assert quantiles((INF,), (0.0,), (9.0,), [0.5]) is None


def test_a_bucket_that_lags_by_one_is_no_reset() -> None:
    found = quantiles(BOUNDS, NONE, (4.0, 15.0, 15.0, 15.0), [0.5])
    assert found is not None
    assert found == pytest.approx([0.15])


@given(
    st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(any),
    st.lists(st.integers(0, 1000), min_size=4, max_size=4),
    st.lists(st.floats(0, 1), min_size=1, max_size=5),
)
def test_quantiles_rise_and_stay_inside(alone: list[int], past: list[int], shares: list[float]) -> None:
    before = [float(sum(past[: place + 1])) for place in range(4)]
    now = [old + sum(alone[: place + 1]) for place, old in enumerate(before)]
    found = quantiles(BOUNDS, before, now, sorted(shares))
    assert found is not None
    assert found == sorted(found)
    assert all(BOUNDS[0] <= value <= BOUNDS[2] for value in found)
