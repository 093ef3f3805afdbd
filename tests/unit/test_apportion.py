"""Sharing a board's energy: never more than there was, and nobody gets what is not theirs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.energy.apportion import RULE, split

GIB = 2.0**30


def test_those_who_compute_share_by_utilization() -> None:
    assert split(100.0, [(0.6, GIB), (0.2, 9 * GIB), (0.0, 90 * GIB)]) == [75.0, 25.0, 0.0]


def test_while_nobody_computes_memory_counts() -> None:
    assert split(100.0, [(0.0, 3 * GIB), (None, GIB), (0.0, None)]) == [75.0, 25.0, 0.0]


def test_what_nobody_holds_stays_with_the_board() -> None:
    assert split(100.0, []) == []
    assert split(100.0, [(0.0, 0.0), (None, None)]) == [0.0, None]


def test_of_whom_nothing_is_told_nothing_is_said() -> None:
    assert split(100.0, [(None, None), (0.5, None)]) == [None, 100.0]
    assert split(0.0, [(0.5, GIB), (None, None)]) == [0.0, None]


def test_the_rule_is_in_words() -> None:
    assert RULE.startswith("apportioned")


uses = st.lists(st.tuples(st.none() | st.floats(0, 1), st.none() | st.floats(0, 2.0**48)), max_size=64)


@given(st.floats(0, 1e9), uses)
def test_together_never_more_than_the_board(
    joules: float, given_: list[tuple[float | None, float | None]]
) -> None:
    shares = split(joules, given_)
    known = [share for share in shares if share is not None]
    assert len(shares) == len(given_)
    assert all(share >= 0 for share in known)
    assert sum(known) <= joules * (1 + 1e-12)
    if joules > 1e-3 and any((use or 0) > 1e-6 for use, _ in given_):
        assert sum(known) == pytest.approx(joules)
