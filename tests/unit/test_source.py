"""Sources: the grid, lateness, budget, coverage, back-off."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records import Counting
from wftui.clock import NS_PER_S, Instant
from wftui.errors import SourceError, SourceUnavailableError
from wftui.recorder.source import BACKOFF_MAX_S, BUDGET, Source, stretch


def at(seconds: float, offset_s: int = 1_000_000) -> Instant:
    return Instant(int((seconds + offset_s) * NS_PER_S), int(seconds * NS_PER_S))


@given(st.sampled_from([0.1, 0.5, 1.0, 5.0]), st.floats(0, 10))
def test_stretch_stays_in_the_budget_and_on_the_grid(wanted: float, cost_s: float) -> None:
    found = stretch(wanted, cost_s, BUDGET)
    assert found >= wanted
    assert cost_s / found <= BUDGET * 1.000001
    assert found in (0.1, 0.2, 0.5) or found == int(found)


@given(st.sampled_from([0.1, 0.2, 0.5, 1.0, 2.0, 5.0]), st.floats(0, 1000))
def test_the_next_collection_is_the_next_on_the_wall_clocks_grid(interval: float, now: float) -> None:
    source = Source(Counting(interval_s=interval), off=False)
    source.schedule(at(now))
    due = source.due_ns - at(now).boottime_ns
    assert 0 < due <= interval * NS_PER_S
    phase = 0.7 if interval >= 1 else 0.0
    wall = (at(now).time_ns + due) / NS_PER_S - phase
    assert wall / interval == pytest.approx(round(wall / interval), abs=1e-4)


def test_skipped_collections_are_counted_and_lower_the_coverage() -> None:
    source = Source(Counting(interval_s=1.0), off=False)
    assert source.coverage is None
    source.schedule(at(0))
    for second in range(1, 11):
        source.succeeded(at(second), 0.001, 0.001)
        source.schedule(at(second))
    covered: tuple[float | None, int] = (source.coverage, source.late)
    assert covered == (1.0, 0)
    source.schedule(at(14))  # three did not run
    assert source.late == 3
    assert source.coverage == pytest.approx(10 / 13)


def test_a_suspend_is_not_lateness() -> None:
    source = Source(Counting(interval_s=1.0), off=False)
    source.schedule(at(0))
    source.schedule(at(8 * 3600))
    assert source.late == 0


def test_failures_back_off_and_recover() -> None:
    source = Source(Counting(interval_s=1.0), off=False)
    waits = []
    now = 0.0
    for _ in range(12):
        source.failed(at(now), OSError("x"))
        source.schedule(at(now))
        waits.append(source.due_ns / NS_PER_S - now)
        now += waits[-1]
    assert waits[0] < 4
    assert all(b > a for a, b in pairwise(waits[:7]))
    assert max(waits) <= BACKOFF_MAX_S + 1
    source.succeeded(at(now), 0.001, 0.001)
    source.schedule(at(now))
    assert source.due_ns / NS_PER_S - now <= 1.0


def test_an_error_says_state_reason_and_fix() -> None:
    source = Source(Counting(), off=False)
    error = SourceUnavailableError("no such thing", fix="install it")
    assert source.failed(at(0), error) == ("absent", "no such thing", "install it")
    assert source.coverage is None, "what is not there is not missed"
    assert source.failed(at(1), SourceError("odd"))[0] == "failed"
    state, reason, fix = source.failed(at(2), ZeroDivisionError("oh"))
    assert (state, reason) == ("failed", "ZeroDivisionError: oh")
    assert fix
    assert source.failures == 2, "an absence is no failure"


def test_health_changes_once() -> None:
    source = Source(Counting(), off=False)
    assert source.enter("late", "slow", "", 5)
    assert not source.enter("late", "slower", "", 6)
    health = source.health()
    assert (health.state, health.reason, health.since_ns) == ("late", "slower", 5)
    assert Source(Counting(), off=True).off
