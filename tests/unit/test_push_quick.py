"""Pushed samples as they come: at their own times in the rings, told at once to who follows, exact in the tick."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.pushed import START_S, Pushed
from wftui.clock import NS_PER_S
from wftui.model import health
from wftui.model.health import Health
from wftui.recorder.push.place import MOST
from wftui.recorder.push.quick import FINEST_NS, ROOM, ROOM_OF_OWN, STAYS_NS, pace

LEVEL = 'ux.energy.level{source="t"}'
FRAME = 'ux.frame.duration{source="t",stat="max"}'
SETTLED = 3
"""Seconds: one until it is known to come quickly, one at whose beginning the mean of that one still stands."""
DONE = 'custom.t.done{source="t"}'


def level(value: float) -> dict[str, Any]:
    return {"name": "ux.energy.level", "value": value}


def second(pushed: Pushed, hz: int, *samples: dict[str, Any]) -> dict[str, float]:
    """A second of lines at a rate, each with these samples; its tick."""
    for number in range(hz):
        pushed.into_ns = number * NS_PER_S // hz
        assert pushed.native(*samples)["accepted"] == len(samples)
    return pushed.tick()


def held(pushed: Pushed, text: str) -> list[tuple[float, float]]:
    """What the ring of a series holds of the second before: ms into it, and value."""
    ring = pushed.accumulator.pool.get(text)
    assert ring is not None
    ends = (pushed.second - START_S + 1000) * NS_PER_S
    times, values = ring.between(ends - NS_PER_S, ends)
    return [((at - ends + NS_PER_S) / 1e6, value) for at, value in zip(times, values, strict=True)]


def test_what_comes_quickly_is_kept_at_its_own_times_from_the_second_second_on() -> None:
    pushed = Pushed()
    frame = {"name": "ux.frame.duration", "value": 0.25}
    done = {"name": "done", "value": 1, "kind": "counter"}
    second(pushed, 60, level(0.5), frame, done)
    assert len(held(pushed, LEVEL)) <= 1
    second(pushed, 60, level(0.5), frame, done)
    for number in range(60):
        pushed.into_ns = number * NS_PER_S // 60
        pushed.native(level(number), {**frame, "value": number / 64}, done)
    tick = pushed.tick()
    levels, frames, counts = (held(pushed, text) for text in (LEVEL, FRAME, DONE))
    assert [value for _, value in levels] == list(range(60))
    assert [at for at, _ in levels] == pytest.approx([n * 1000 / 60 for n in range(60)], abs=0.1)
    assert [value for _, value in frames] == [n / 64 for n in range(60)]
    assert [value for _, value in counts] == list(range(121, 181))
    columns = [item.series.text for item in pushed.accumulator.layout.columns]
    assert len(columns) == len(set(columns))
    # The tick is what it would be without.
    assert tick[LEVEL] == pytest.approx(29.5)
    assert tick[FRAME] == 59 / 64
    assert tick[FRAME.replace("max", "count")] == 60
    assert tick[FRAME.replace("max", "sum")] == pytest.approx(sum(range(60)) / 64)
    assert tick[DONE] == 180


@pytest.mark.parametrize(
    ("count", "seconds"), [(4, 0.2), (10, 0.1), (13, 0.05), (30, 1 / 30), (59, 1 / 60), (90, 1 / 60)]
)
def test_the_pace_of_a_series_is_the_step_below(count: int, seconds: float) -> None:
    assert pace(count) == seconds


def test_a_line_that_says_when_it_was_made_is_kept_and_told_at_that_time() -> None:
    pushed = Pushed()
    pushed.quick.follow(60.0)
    for _ in range(SETTLED):
        pushed.into_ns = 900_000_000
        for number in range(50):
            made_ms = pushed.second * 1000 + number * 16
            pushed.say(source="t", samples=[level(number)], timestamp=made_ms)
        pushed.tick()
    assert [at for at, _ in held(pushed, LEVEL)] == pytest.approx([n * 16 for n in range(50)], abs=0.1)
    told = [time_ns // 1_000_000 % 1000 for time_ns, text, _ in pushed.told if text == LEVEL]
    assert told[-1] == 49 * 16
    # Too long ago, or in times to come, it is of now.
    pushed.told.clear()
    pushed.say(source="t", samples=[level(1)], timestamp=(pushed.second - 3) * 1000)
    pushed.into_ns = 100_000_000
    pushed.say(source="t", samples=[level(2)], timestamp=(pushed.second + 3) * 1000)
    assert [time_ns % NS_PER_S for time_ns, *_ in pushed.told] == [0, 100_000_000]


def test_samples_of_one_line_that_say_how_long_ago_are_kept_and_told_at_those_times() -> None:
    pushed = Pushed()
    pushed.quick.follow(60.0)
    for _ in range(SETTLED):
        pushed.told.clear()
        for batch in range(5):
            pushed.into_ns = (batch + 1) * 195_000_000
            ago = [(11 - n) * 0.016 for n in range(12)]
            pushed.native(*({**level(batch * 12 + n), "ago": ago[n]} for n in range(12)))
        pushed.tick()
    kept = held(pushed, LEVEL)
    assert [value for _, value in kept] == list(range(60))
    assert [at for at, _ in kept] == pytest.approx(
        [195 * (n // 12 + 1) - 16 * (11 - n % 12) for n in range(60)], abs=0.1
    )
    assert [value for *_, value in pushed.told] == list(range(60))
    assert [time_ns / 1e6 % 1000 for time_ns, *_ in pushed.told] == pytest.approx([at for at, _ in kept], abs=0.1)
    pushed.told.clear()
    pushed.native(*({**level(1), "ago": ago} for ago in (-1, 3)))
    assert {time_ns for time_ns, *_ in pushed.told} == {pushed.at.time_ns}


def test_what_comes_together_or_too_often_is_one_mean_a_second() -> None:
    pushed = Pushed()
    for _ in range(2):
        pushed.native(*(level(n) for n in range(60)))
        assert pushed.tick() == {LEVEL: pytest.approx(29.5)}
    assert len(held(pushed, LEVEL)) <= 1
    for _ in range(3):
        assert second(pushed, 200, level(2)) == {LEVEL: 2.0}
    assert len(held(pushed, LEVEL)) <= 1


def test_a_second_with_more_than_are_kept_loses_none_of_them() -> None:
    pushed = Pushed()
    done = {"name": "done", "value": 1, "kind": "counter"}
    frame = {"name": "ux.frame.duration", "value": 0.25}
    second(pushed, 60, level(1), done, frame)
    tick = second(pushed, MOST + 110, level(4), done, frame)
    assert tick[LEVEL] == 4
    assert tick[DONE] == 60 + MOST + 110
    assert tick[FRAME.replace("max", "count")] == MOST + 110
    assert len(held(pushed, LEVEL)) >= MOST


def test_there_is_room_for_so_many_and_ux_goes_before_names_of_ones_own() -> None:
    pushed = Pushed()
    own = [{"name": f"n{n}", "value": 1} for n in range(20)]
    for _ in range(SETTLED):
        second(pushed, 60, *own)
    kept = [n for n in range(20) if len(held(pushed, f'custom.t.n{n}{{source="t"}}')) > 1]
    assert len(kept) == ROOM_OF_OWN / 60
    names = ["ux.energy.level", "ux.entropy", "ux.interaction.score", "ux.jank.budget.utilization"]
    ux = [{"name": name, "value": 1} for name in names]
    for _ in range(SETTLED):
        second(pushed, 60, *own, *ux)
    assert all(len(held(pushed, f'{name}{{source="t"}}')) == 60 for name in names)
    assert len(kept) * 60 + len(ux) * 60 <= ROOM


def test_who_has_stopped_keeps_its_past_for_a_while_and_then_makes_room() -> None:
    pushed = Pushed()
    own = [{"name": f"n{n}", "value": 1} for n in range(5)]
    for _ in range(SETTLED):
        second(pushed, 60, *own)
    pushed.tick(int(2 * STAYS_NS / NS_PER_S) + 60)
    ring = pushed.accumulator.pool.get('custom.t.n0{source="t"}')
    assert ring is not None
    assert len(ring) > 60
    later = [{"name": f"m{n}", "value": 1} for n in range(5)]
    for _ in range(SETTLED):
        second(pushed, 60, *later)
    assert len(held(pushed, 'custom.t.m4{source="t"}')) == 60


def test_a_counter_that_pauses_stands_and_keeps_its_past() -> None:
    pushed = Pushed()
    done = {"name": "done", "value": 1, "kind": "counter"}
    for _ in range(SETTLED):
        second(pushed, 60, done)
    assert pushed.tick(3) == {DONE: 60.0 * SETTLED}
    ring = pushed.accumulator.pool.get(DONE)
    assert ring is not None
    assert len(ring) > 60


def test_who_follows_is_told_at_once_up_to_its_rate_and_who_does_not_costs_nothing() -> None:
    pushed = Pushed()
    second(pushed, 60, level(1))
    assert pushed.told == []
    pushed.quick.follow(60.0)
    pushed.native(level(7))
    assert pushed.told == [(pushed.at.time_ns, LEVEL, 7.0)]
    pushed.tick()
    pushed.told.clear()
    second(pushed, 1000, level(1), {"name": "ux.frame.duration", "value": 0.25})
    levels = [time_ns for time_ns, text, _ in pushed.told if text == LEVEL]
    assert 50 <= len(levels) <= NS_PER_S // FINEST_NS + 1
    assert min(after - before for before, after in pairwise(levels)) >= FINEST_NS
    assert {text for _, text, _ in pushed.told} == {LEVEL, FRAME}
    pushed.told.clear()
    pushed.quick.follow(10.0)
    second(pushed, 60, level(1))
    assert 9 <= len(pushed.told) <= 11
    pushed.told.clear()
    pushed.quick.follow(0.0)
    second(pushed, 60, level(1))
    assert pushed.told == []


def test_switched_off_nothing_that_came_before_is_kept_or_told() -> None:
    pushed = Pushed()
    second(pushed, 60, level(1))
    pushed.quick.follow(60.0)
    pushed.native(level(5))
    pushed.into_ns = FINEST_NS // 2
    pushed.native({"name": "ux.entropy", "value": 5})
    pushed.told.clear()
    pushed.intake.switch_one("push:t", Health("push:t", health.OFF))
    pushed.accumulator.silence("push:t")
    assert pushed.tick() == {}
    assert pushed.told == []


@pytest.mark.parametrize("hz", [2, 10, 60, MOST + 50])
def test_what_a_gauge_was_last_in_a_second_is_known_beside_its_mean(hz: int) -> None:
    """However often it comes, and whether or not it is kept as it comes."""
    pushed = Pushed()
    second(pushed, hz, level(0))
    for number in range(hz):
        pushed.into_ns = number * NS_PER_S // hz
        pushed.native(level(0 if number < hz - 1 else 1000))
    assert pushed.tick()[LEVEL] == round(1000 / hz, 4)
    assert pushed.latest == {LEVEL: 1000}
    pushed.tick()
    assert pushed.latest == {}


def test_what_comes_once_a_second_is_its_mean() -> None:
    pushed = Pushed()
    second(pushed, 1, level(5), {"name": "done", "value": 1, "kind": "counter"})
    assert pushed.latest == {}
    second(pushed, 3, level(5), {"name": "done", "value": 1, "kind": "counter"})
    assert pushed.latest == {LEVEL: 5}


def test_what_was_switched_off_within_a_second_was_nothing_at_its_end() -> None:
    pushed = Pushed()
    second(pushed, 10, level(5))
    for _ in range(10):
        pushed.native(level(7))
    pushed.second += 1
    pushed.collect()
    pushed.accumulator.silence("push:t")
    pushed.accumulator.close(1, pushed.second - 1, pushed.at.boottime_ns, 1)
    assert pushed.accumulator.latest == {}
