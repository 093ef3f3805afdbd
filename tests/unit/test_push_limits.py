"""Limits of pushes: what is too much is refused, counted and shown, and costs nobody else anything."""

from __future__ import annotations

import math

import pytest

from tests.pushed import Pushed
from wftui.clock import NS_PER_S
from wftui.model import health
from wftui.recorder.accumulator import MAX_PER_SOURCE, MAX_SERIES, RESERVED
from wftui.recorder.push import intake as pushes
from wftui.recorder.push import places as gathering
from wftui.recorder.push.counting import TOLD


def test_a_number_that_a_ring_cannot_hold_is_refused_and_sums_stay_finite() -> None:
    pushed = Pushed()
    many = [{"name": name, "value": value} for name in "xy" for value in (1e308, -1e308, 2.9e38, 2.9e38)]
    assert pushed.native(*many)["accepted"] == 4
    assert all(math.isfinite(value) for value in pushed.tick().values())
    counter = {"name": "n", "value": 2.9e38, "kind": "counter"}
    assert pushed.native(counter, counter)["accepted"] == 1


def test_a_time_that_is_not_now_is_refused() -> None:
    pushed = Pushed()
    now_ms = pushed.second * 1000
    assert pushed.say(source="t", timestamp=now_ms - 59_000, data={"x": 1})["accepted"] == 1
    for wrong in (now_ms - 61_000, now_ms + 61_000, pushed.second, 1e300):
        reply = pushed.say(source="t", timestamp=wrong, data={"x": 1})
        assert reply["accepted"] == 0
        assert "timestamp" in reply["rejected"][0]["reason"]


def test_more_series_than_the_limit_are_refused_counted_and_shown_and_cost_nobody_else() -> None:
    pushed = Pushed()
    pushed.native({"name": "good", "value": 1}, source="other")
    replies = [
        pushed.native(
            *({"name": "x", "value": 1, "labels": {"model": f"m{n}"}} for n in range(start, start + 1000))
        )
        for start in range(0, 5000, 1000)
    ]
    assert [reply["accepted"] for reply in replies] == [1000, 1000, 0, 0, 0]
    assert len(replies[2]["rejected"]) == TOLD
    assert replies[2]["more"] == 1000 - TOLD
    assert pushed.accumulator.rejected == {"push:t": 3000}
    found = pushed.health()
    assert (found.state, found.failures) == (health.DENIED, 3000)
    assert "3000 new series refused, 2000 are kept" in found.reason
    # Those that are there go on, others too.
    assert pushed.native({"name": "x", "value": 5, "labels": {"model": "m7"}})["accepted"] == 1
    pushed.native({"name": "good", "value": 2}, {"name": "new", "value": 2}, source="other")
    ticked = pushed.tick()
    assert ticked['custom.other.new{source="other"}'] == 2.0
    assert ticked['custom.t.x{model="m7",source="t"}'] == 3.0
    assert pushed.health("other").state == health.OK
    assert sum(text.startswith("custom.t.") for text in ticked) == MAX_PER_SOURCE
    since_ns = found.since_ns
    assert pushed.health().since_ns == since_ns > 0
    pushed.tick(40)
    assert pushed.health().state == health.ABSENT
    assert pushed.health().since_ns > since_ns


def test_a_distribution_comes_with_all_its_statistics_or_not_at_all() -> None:
    pushed = Pushed()
    pushed.native(*({"name": f"x{n}", "value": 1} for n in range(MAX_PER_SOURCE - 5)))
    assert pushed.native({"name": "d", "value": 1, "kind": "distribution"})["accepted"] == 0
    assert len(pushed.tick()) == MAX_PER_SOURCE - 5
    assert pushed.native({"name": "y", "value": 1})["accepted"] == 1


def test_pushes_leave_room_for_what_is_measured() -> None:
    pushed = Pushed()
    for source in range(6):
        for start in (0, 1000):
            pushed.native(
                *({"name": f"x{n}", "value": 1} for n in range(start, start + 1000)), source=f"s{source}"
            )
    assert MAX_SERIES - RESERVED - 10 <= len(pushed.accumulator) <= MAX_SERIES - RESERVED


def test_more_programs_than_the_limit_are_refused_until_one_is_quiet() -> None:
    pushed = Pushed()
    for number in range(pushes.MAX_PUSHERS):
        # A value that is refused: the program has no series.
        pushed.native({"name": "x", "value": 1, "unit": "no unit"}, source=f"s{number}")
    assert "64 sources push already" in pushed.native({"name": "x", "value": 1})["rejected"][0]["reason"]
    pushed.tick(125)
    assert pushed.native({"name": "x", "value": 1})["accepted"] == 1


def test_what_is_not_pushed_any_more_is_forgotten_and_may_come_back_as_something_else() -> None:
    pushed = Pushed()
    pushed.native({"name": "x", "value": 1, "unit": "s"})
    pushed.tick()
    pushed.second += gathering.KEPT_NS // NS_PER_S // 60 * 60 + 120
    pushed.second -= pushed.second % 60
    pushed.collect()
    assert list(pushed.intake.health(pushed.at)) == []
    assert pushed.native({"name": "x", "value": 1, "unit": "By"})["accepted"] == 1


def test_ways_of_writing_a_series_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "_CACHED", 20_000)
    pushed = Pushed()
    for number in range(500):
        line = b'{"source":"t","samples":[{"name":"x","value":1,"labels":{%s"model":"m"}}]}' % (b" " * number)
        assert pushed.line(line)["accepted"] == 1
        assert pushed.say(source="t", data={"x": 1}, tags={"session": str(number), "model": "m"})["accepted"] == 1
    [places] = pushed.intake._pushers.values()
    ways = [table for tables in places.ways for table in tables.values()]
    assert sum(map(len, ways)) + len(places._ignored) <= 120
    assert pushed.tick() == {'custom.t.x{model="m",source="t"}': 1.0}


def test_many_different_values_of_distributions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MAX_BUCKETS", 100)
    pushed = Pushed()
    samples = [{"name": f"d{n % 4}", "value": 1.5**n, "kind": "distribution"} for n in range(200)]
    reply = pushed.native(*samples)
    assert reply["accepted"] == 100
    assert "too many different values" in reply["rejected"][0]["reason"]
    pushed.tick()
    assert pushed.native(*samples[:50])["accepted"] == 50
