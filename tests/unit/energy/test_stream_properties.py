"""What holds of every stream, whatever comes: bounds, decay, looking, clocks, counters."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import energy_reference as reference
from tests.energy_scripts import Step, counted, end, play, play_all, prompt, token
from wftui.energy.stream import STATES, USUAL, Profile, Stream, friction, velocity, worth

EXACT = 1e-9
NAN = math.nan
KINDS = ("token",) * 8 + ("counted", "nothing counted", "prompt", "end")
PAUSES_MS = st.one_of(
    st.integers(0, 120), st.integers(0, 2000), st.sampled_from([0, 400, 401, 1000, 1500, 31_000])
)
SURE = st.one_of(st.just(NAN), st.floats(0, 1), st.sampled_from([0.0, 1.0]))


@st.composite
def scripts(draw: st.DrawFn, most: int = 40) -> list[Step]:
    """Anything that can happen to a stream, on whole milliseconds; a counter tells since the step before."""
    at_ms, steps, told_ms = draw(st.integers(0, 500)), [], 0
    for _ in range(draw(st.integers(1, most))):
        pause_ms = draw(PAUSES_MS)
        at_ms += pause_ms
        kind = draw(st.sampled_from(KINDS))
        if kind == "token":
            steps.append(token(at_ms / 1000, draw(SURE), draw(st.sampled_from([1.0, 1.0, 0.0, 2.5]))))
        elif kind == "prompt":
            steps.append(prompt(at_ms / 1000))
        elif kind == "end":
            steps.append(end(at_ms / 1000))
        else:
            many = draw(st.integers(1, 60)) if kind == "counted" else 0
            steps.append(counted(max(told_ms, at_ms - 2000) / 1000, at_ms / 1000, many))
        told_ms = at_ms
    return steps


def likeness(stream: Stream, at_s: float) -> tuple[object, ...]:
    """All that a stream tells of a moment; ``open`` and ``stalls`` are as of what is settled."""
    look = stream.look(at_s)
    return (*look[:2], repr(look.certainty), *look[3:], stream.units, stream.tokens)


@given(scripts())
@settings(max_examples=50, deadline=None)
def test_any_script_is_as_the_reference_has_it(steps: list[Step]) -> None:
    stream, slow = Stream(), reference.Reference()
    for step in steps:
        play(stream, step)
        slow.play(step)
        assert stream.units == pytest.approx(slow.units, abs=EXACT, rel=1e-12)
        assert stream.look(step.at_s).energy == pytest.approx(slow.energy(), abs=EXACT)
        assert stream.look(step.at_s).rate == pytest.approx(slow.rate(), abs=1e-3)
    until_s = steps[-1].at_s + 35.5
    slow.go(round(until_s * 1000))
    stream.settle(until_s)
    # A state that lasts less than a millisecond may be missing in what goes by milliseconds.
    assert stream.look(until_s).state == slow.state
    found = [(at_s, state) for at_s, state in stream.turns()]
    wanted = [(at_ms / 1000, state) for at_ms, state in slow.turns]
    if len(found) == len(wanted):
        for (at_s, state), (then_s, other) in zip(found, wanted, strict=True):
            assert state == other
            assert at_s == pytest.approx(then_s, abs=0.00101)


@given(scripts(), st.lists(st.floats(0, 3), min_size=1, max_size=5))
@settings(max_examples=50, deadline=None)
def test_energy_is_between_nothing_and_one_and_nothing_goes_back(steps: list[Step], waits: list[float]) -> None:
    stream = Stream()
    units = tokens = 0.0
    turns: list[tuple[float, str]] = []
    for step in steps:
        play(stream, step)
        assert stream.units >= units
        assert stream.tokens >= tokens
        units, tokens = stream.units, stream.tokens
        for wait_s in waits:
            look = stream.look(step.at_s + wait_s)
            for part in (look.energy, look.velocity, look.friction):
                assert 0 <= part <= 1
            assert look.rate >= 0
            assert look.state in STATES
        before = stream.at_s
        for at_s, state in stream.turns():
            assert at_s <= before
            turns.append((at_s, state))
    assert turns == sorted(turns, key=lambda turn: turn[0])
    assert all(one[1] != other[1] for one, other in pairwise(turns))


@given(scripts(), st.data())
@settings(max_examples=50, deadline=None)
def test_looking_changes_nothing_and_settling_only_tells_earlier(steps: list[Step], data: st.DataObject) -> None:
    plain, watched = Stream(), Stream()
    turns: list[tuple[float, str]] = []
    for number, step in enumerate(steps):
        play(plain, step)
        play(watched, step)
        following_s = steps[number + 1].at_s if number + 1 < len(steps) else step.at_s + 5
        room_s = following_s - step.at_s
        for share in sorted(data.draw(st.lists(st.floats(0, 1), max_size=3))):
            at_s = min(following_s, step.at_s + share * room_s)
            before = likeness(watched, at_s)
            for _ in range(2):
                assert likeness(watched, at_s) == before
            watched.settle(at_s)
            turns += watched.turns()
            assert likeness(watched, at_s) == before
    until_s = steps[-1].at_s + 40
    for stream in (plain, watched):
        stream.settle(until_s)
    assert turns + watched.turns() == plain.turns()
    assert likeness(plain, until_s) == likeness(watched, until_s)
    assert (plain.open, plain.stalls) == (watched.open, watched.stalls)


@given(scripts(), st.sampled_from([1.0, 1000.0, 86_400.0, 5_000_000.0]))
@settings(max_examples=100, deadline=None)
def test_another_clock_tells_the_same(steps: list[Step], offset_s: float) -> None:
    here, there = Stream(), Stream()
    play_all(here, steps)
    play_all(there, steps, offset_s)
    # A double holds five million seconds to a billionth.
    assert there.units == pytest.approx(here.units, rel=1e-7, abs=1e-7)
    at_s = steps[-1].at_s + 0.333
    assert there.look(at_s + offset_s).energy == pytest.approx(here.look(at_s).energy, abs=1e-7)
    assert there.look(at_s + offset_s).rate == pytest.approx(here.look(at_s).rate, abs=1e-3)
    assert (there.tokens, there.open) == (here.tokens, here.open)


@given(st.integers(1, 60), st.floats(0.001, 0.4), st.floats(0, 20))
@settings(deadline=None)
def test_a_half_life_halves(count: int, apart_s: float, later_s: float) -> None:
    stream = Stream()
    for number in range(count):
        stream.token(number * apart_s)
    from_s = (count - 1) * apart_s + USUAL.stall_s + later_s
    one, other = stream.look(from_s + 1e-9).energy, stream.look(from_s + USUAL.half_life_s + 1e-9).energy
    assert other == pytest.approx(one / 2, abs=1e-12)


@given(scripts(most=15))
@settings(deadline=None)
def test_what_comes_late_counts_as_of_now(steps: list[Step]) -> None:
    stream, other = Stream(), Stream()
    play_all(stream, steps)
    play_all(other, steps)
    now_s = steps[-1].at_s
    assert stream.token(now_s - 3.0) == other.token(now_s)
    assert likeness(stream, now_s) == likeness(other, now_s)


def test_of_one_moment_the_order_counts() -> None:
    """An end before a token leaves an answer open, a token before the end does not."""
    one, other = Stream(), Stream()
    play_all(one, [prompt(0), token(1), token(1.2), end(1.2)])
    play_all(other, [prompt(0), token(1), end(1.2), token(1.2)])
    assert (one.look(1.2).state, one.open) == ("drained", 0)
    assert (other.look(1.2).state, other.open) == ("flowing", 1)
    assert one.tokens == other.tokens == 2


def test_a_prompt_and_its_first_token_at_one_moment() -> None:
    stream = Stream()
    play_all(stream, [prompt(1), token(1), end(1)])
    assert stream.turns() == [(1, "charging"), (1, "flowing"), (1, "drained")]
    assert stream.tokens == 1


@given(st.floats(0, 1), st.floats(0, 1), scripts(most=10))
@settings(deadline=None)
def test_a_surer_token_never_has_less_energy(low: float, high: float, steps: list[Step]) -> None:
    low, high = sorted((low, high))
    one, other = Stream(), Stream()
    play_all(one, steps)
    play_all(other, steps)
    at_s = steps[-1].at_s + 0.1
    assert one.token(at_s, certainty=low) <= other.token(at_s, certainty=high)


@given(st.floats(0, 1000), st.floats(0, 1000))
def test_velocity_and_friction(one: float, other: float) -> None:
    one, other = sorted((one, other))
    assert 0 <= velocity(one) <= velocity(other) <= 1
    assert 0 <= friction(other) <= friction(one) <= 1
    assert friction(min(one, USUAL.stall_s)) == 1
    assert friction(USUAL.ceiling_s + one) == 0


@given(st.floats(0, 1), SURE, st.floats(0, 1))
def test_worth_is_a_mean(speed: float, sure: float, free: float) -> None:
    parts = [speed, free] if math.isnan(sure) else [speed, free, sure]
    assert min(parts) - EXACT <= worth(speed, sure, free) <= max(parts) + EXACT


# ---- units


@given(st.lists(st.tuples(st.integers(0, 900), st.floats(0, 10)), min_size=1, max_size=40))
@settings(deadline=None)
def test_units_are_the_sum_of_weight_times_energy(those: list[tuple[int, float]]) -> None:
    stream, at_ms, wanted = Stream(), 0, []
    for pause_ms, weight in those:
        at_ms += pause_ms
        wanted.append(weight * stream.token(at_ms / 1000, weight=weight))
    assert stream.units == pytest.approx(math.fsum(wanted), abs=EXACT)


@given(st.lists(st.tuples(st.integers(1, 3000), st.integers(0, 80)), min_size=1, max_size=12), st.floats(0, 5))
@settings(max_examples=50, deadline=None)
def test_a_counter_is_worth_what_its_tokens_are_one_by_one(those: list[tuple[int, int]], weight: float) -> None:
    """To the definition: evenly spread, each at the rate of the window that ends with the last."""
    stream, slow, at_ms = Stream(), reference.Reference(), 0
    for length_ms, many in those:
        step = counted(at_ms / 1000, (at_ms + length_ms) / 1000, many)._replace(weight=weight)
        at_ms += length_ms
        play(stream, step)
        slow.play(step)
    assert stream.units == pytest.approx(slow.units, abs=EXACT, rel=1e-11)
    assert stream.look(at_ms / 1000).energy == pytest.approx(slow.energy(), abs=EXACT)
    assert stream.tokens == slow.tokens == sum(many for _, many in those)


@given(st.integers(3, 19), st.integers(2, 10))
def test_a_steady_counter_and_the_steady_tokens_it_counts(rate: int, seconds: int) -> None:
    """After its first second, in which the window of tokens is not full yet."""
    told, tokens = Stream(), Stream()
    for second in range(seconds + 40):
        told.counted(second, second + 1, rate)
        for number in range(rate):
            tokens.token(second + (number + 1) / rate)
    assert told.look(seconds + 40).energy == pytest.approx(tokens.look(seconds + 40).energy, abs=EXACT)
    # The tokens of the first second had less velocity; of 20 of them, each less than 0.7 of E.
    assert 0 <= told.units - tokens.units <= 0.7 * rate


@given(st.integers(1, 100), st.floats(0.1, 5.0))
def test_how_often_a_counter_is_asked_makes_no_great_difference(rate: int, every_s: float) -> None:
    """Of a steady stream: the same velocity and friction, however its seconds are cut."""
    stream = Stream()
    at_s = 0.0
    while at_s < 30:
        count = math.floor((at_s + every_s) * rate) - math.floor(at_s * rate)
        stream.counted(at_s, at_s + every_s, count)
        at_s += every_s
    look = stream.look(at_s)
    assert look.rate == pytest.approx(rate, abs=1.01 / min(1.0, every_s))


@given(st.integers(1, 40))
def test_another_profile(count: int) -> None:
    profile = Profile(rate_min=5, rate_max=50, smoothing=1.0)
    stream = Stream(profile)
    for number in range(count):
        level = stream.token(number * 0.001)
        assert level == pytest.approx(0.7 * min(1, max(0, (number + 1 - 5) / 45)) + 0.3, abs=EXACT)
