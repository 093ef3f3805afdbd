"""The value in the middle is that of the standard library."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.windows.median import median


@given(st.lists(st.floats(-1e9, 1e9), min_size=1))
def test_it_is_that_of_the_standard_library(values: list[float]) -> None:
    assert median(values) == statistics.median(values)
    assert median(iter(values)) == statistics.median(values)


def test_of_nothing_there_is_none() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        median([])
