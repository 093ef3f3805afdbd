"""Lanes below one another: all of the room, and never more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.tui.energy.places import Places, places

HEIGHTS = (5, 3)


@pytest.mark.parametrize(
    ("room", "count", "expected"),
    [
        (31, 8, Places(3, 1, 8)),
        (41, 7, Places(5, 1, 7)),
        (15, 8, Places(1, 1, 8)),
        (15, 3, Places(3, 2, 3)),
        (41, 3, Places(5, 2, 3)),
        (9, 9, Places(1, 0, 9)),
        (6, 8, Places(1, 0, 6)),
        (0, 2, Places(1, 0, 1)),
        (3, 1, Places(3, 0, 1)),
    ],
)
def test_lanes_are_as_high_as_they_can_be(room: int, count: int, expected: Places) -> None:
    assert places(room, count, HEIGHTS) == expected


@given(st.integers(1, 80), st.integers(1, 70))
def test_lanes_fit_and_are_not_left_out_without_need(room: int, count: int) -> None:
    found = places(room, count, HEIGHTS)
    assert found.lines <= room
    assert found.shown == min(room, count)
