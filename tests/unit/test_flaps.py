"""States that come and go: what is told of them."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.records import Counting
from wftui.clock import NS_PER_S
from wftui.model import health
from wftui.recorder.source import Source
from wftui.recorder.turns import Turns
from wftui.windows.flaps import PAUSE_NS, Flaps


def test_a_state_is_told_at_once_and_again_a_minute_later() -> None:
    flaps = Flaps("ok")
    assert flaps.turn("stuck", 0) == 0
    assert flaps.turn("ok", 2 * NS_PER_S) == 0
    for second in range(8, 60, 8):
        assert flaps.turn("stuck", second * NS_PER_S) is None
        assert flaps.turn("ok", (second + 2) * NS_PER_S) is None, (
            "it never was anything else, for all that was told"
        )
    assert flaps.turn("stuck", 64 * NS_PER_S) == 7


def test_what_lasts_is_told_when_the_minute_is_over() -> None:
    flaps = Flaps("ok")
    flaps.turn("stuck", 0)
    flaps.turn("ok", 1)
    assert [second for second in range(2, 100) if flaps.turn("stuck", second * NS_PER_S) is not None] == [60]
    assert flaps.told == "stuck"


@given(st.lists(st.tuples(st.sampled_from(["ok", "late", "stuck"]), st.integers(1, 90)), max_size=60))
def test_a_reader_of_what_is_told_is_never_wrong_for_long(life: list[tuple[str, int]]) -> None:
    flaps, now, told, wrong_since = Flaps("ok"), 0, list[tuple[int, str]](), None
    for state, seconds in life:
        for _ in range(seconds):
            if flaps.turn(state, now) is not None:
                told.append((now, state))
            wrong_since = None if flaps.told == state else wrong_since if wrong_since is not None else now
            assert wrong_since is None or now - wrong_since <= PAUSE_NS
            now += NS_PER_S
    for state in ("ok", "late", "stuck"):
        times = [at for at, name in told if name == state]
        assert all(after - before >= PAUSE_NS for before, after in itertools.pairwise(times))


def test_sources_that_flap_are_written_down_once_a_minute_and_a_person_each_time() -> None:
    told: list[dict[str, Any]] = []
    turns = Turns(lambda _kind, _about, payload: told.append(payload))
    source = Source(Counting(), off=False)
    for second in range(0, 120):
        before, state = source.state, health.STUCK if second % 8 < 2 else health.OK
        if source.enter(state, "no answer", "", 0):
            turns.changed(source, before, second * NS_PER_S)
        turns.second_ended([source], second * NS_PER_S)
    assert [item["after"] for item in told] == ["stuck", "ok", "stuck", "ok"]
    assert told[2]["left_out"] == 7
    told.clear()
    for state in (health.OFF, health.OK, health.OFF, health.OK):
        before = source.state
        source.enter(state, "", "", 0)
        turns.changed(source, before, 121 * NS_PER_S)
    assert [(item["before"], item["after"]) for item in told] == [("ok", "off"), ("off", "ok")] * 2
