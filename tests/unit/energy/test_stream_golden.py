"""E(t), EU and states of whole scripts, against the slow reference and against arithmetic that is written out."""

from __future__ import annotations

import math

import pytest

from tests import energy_reference as reference
from tests.energy_scripts import SCRIPTS, Step, Steps, play, play_all, prompt, token, tokens
from wftui.energy.stream import USUAL, Look, Profile, Stream, friction, velocity, worth

EXACT = 1e-9
SOON_S = 0.001
"""The reference goes by milliseconds."""
ALL = [(name, model) for name, script in SCRIPTS.items() for model in script]


def played(steps: Steps) -> Stream:
    stream = Stream()
    play_all(stream, steps)
    return stream


def same_turns(found: list[tuple[float, str]], wanted: list[tuple[float, str]]) -> None:
    assert [state for _, state in found] == [state for _, state in wanted]
    for (at_s, _), (then_s, state) in zip(found, wanted, strict=True):
        assert at_s == pytest.approx(then_s, abs=SOON_S + 1e-5), state


def same_look(found: Look, wanted: reference.Seen) -> None:
    assert found.energy == pytest.approx(wanted.energy, abs=EXACT)
    assert found.rate == pytest.approx(wanted.rate, abs=1e-6)
    assert found.velocity == pytest.approx(reference.clamp(wanted.rate / 20), abs=1e-7)
    assert found.friction == pytest.approx(wanted.friction, abs=EXACT)
    assert found.burst == (found.rate > 12)


@pytest.mark.parametrize(("name", "model"), ALL)
def test_a_script_ends_as_the_reference_says(name: str, model: str) -> None:
    steps = SCRIPTS[name][model]
    until_s = steps[-1].at_s + 40
    wanted = reference.run(steps, until_s)
    stream = played(steps)
    stream.settle(until_s)
    same_turns(stream.turns(), [(at_ms / 1000, state) for at_ms, state in wanted.turns])
    assert stream.units == pytest.approx(wanted.units, abs=EXACT)
    assert (stream.tokens, stream.open) == (wanted.tokens, wanted.open)
    assert stream.stalls == sum(state == "stalling" for _, state in wanted.turns)
    found, seen = stream.look(until_s), wanted.seen()
    same_look(found, seen)
    assert (found.state, found.stalled) == (seen.state, seen.stalled)


@pytest.mark.parametrize(("name", "model"), ALL)
def test_each_token_and_what_is_between_them(name: str, model: str) -> None:
    steps = SCRIPTS[name][model]
    stream, slow = Stream(), reference.Reference()
    turns = [at_s for at_s, _ in reference.turns(steps, steps[-1].at_s + 5)]

    def compare(at_s: float) -> None:
        found, wanted = stream.look(at_s), slow.seen()
        same_look(found, wanted)
        # At a turn the last bit of the clock decides which state it is already.
        if all(abs(at_s - turn_s) > 2 * SOON_S for turn_s in turns):
            assert (found.state, found.stalled) == (wanted.state, wanted.stalled)

    for number, step in enumerate(steps):
        slow.play(step)
        play(stream, step)
        compare(step.at_s)
        assert stream.units == pytest.approx(slow.units, abs=EXACT)
        following = steps[number + 1].at_s if number + 1 < len(steps) else step.at_s + 5
        middle_s = round((step.at_s + following) / 2, 3)
        slow.go(round(middle_s * 1000))
        compare(middle_s)


def test_a_council_is_the_mean_of_its_models() -> None:
    wanted = reference.units(SCRIPTS["council"])
    for model, steps in SCRIPTS["council"].items():
        assert played(steps).units == pytest.approx(wanted[model], abs=EXACT)
    assert wanted["a"] > wanted["b"] > wanted["c"]


# ---- by hand


def test_three_tokens_by_hand() -> None:
    stream = Stream()
    # One token in the last second: v = 1/20. Nobody told how sure: 0.7 * 0.05 + 0.3 * 1 = 0.335. 0.35 of it:
    assert stream.token(10.0) == pytest.approx(0.11725, abs=1e-12)
    # Two: 0.7 * 0.1 + 0.3 = 0.37; 0.35 * 0.37 + 0.65 * 0.11725 = 0.1295 + 0.0762125:
    assert stream.token(10.1) == pytest.approx(0.2057125, abs=1e-12)
    # Three: 0.7 * 0.15 + 0.3 = 0.405; 0.35 * 0.405 + 0.65 * 0.2057125 = 0.14175 + 0.133713125:
    assert stream.token(10.2) == pytest.approx(0.275463125, abs=1e-12)
    assert stream.units == pytest.approx(0.11725 + 0.2057125 + 0.275463125, abs=1e-12)


def test_a_sure_token_after_a_pause_by_hand() -> None:
    stream = Stream()
    # 0.5 * 0.05 + 0.3 * 0.8 + 0.2 * 1 = 0.465; 0.35 of it:
    assert stream.token(0.0, certainty=0.8) == pytest.approx(0.16275, abs=1e-12)
    # A pause of 0.95 s: 0.55 s over the stall of 0.4 s, half of the way to 1.5 s: f = 0.5. E fell for 0.55 s.
    # Two tokens in the last second: 0.5 * 0.1 + 0.3 * 0.2 + 0.2 * 0.5 = 0.21.
    fallen = 0.16275 * math.exp(-math.log(2) * 0.55 / 0.7)
    assert stream.token(0.95, certainty=0.2, weight=3.0) == pytest.approx(0.35 * 0.21 + 0.65 * fallen, abs=1e-12)
    # The weight counts for EU, never for E.
    assert stream.units == pytest.approx(0.16275 + 3.0 * (0.0735 + 0.65 * fallen), abs=1e-12)


def test_after_the_last_token_by_hand() -> None:
    stream = Stream()
    level = stream.token(5.0)
    assert stream.look(5.39).energy == level
    assert stream.look(6.1).energy == pytest.approx(level / 2, abs=1e-15)
    assert stream.look(6.8).energy == pytest.approx(level / 4, abs=1e-15)
    assert stream.look(5.4 + 0.7 * 10).energy == pytest.approx(level / 1024, abs=1e-15)


def test_an_end_is_no_pause_by_hand() -> None:
    stream = Stream()
    stream.prompt(0.0)
    level = stream.token(5.0)
    stream.end(5.1)
    assert stream.look(5.8).energy == pytest.approx(level / 2, abs=1e-15)
    # The next answer goes on from what is left, and its first token had no pause before it: v = 1/20, f = 1.
    stream.prompt(6.0)
    assert stream.token(6.5) == pytest.approx(0.35 * 0.335 + 0.65 * level / 4, abs=1e-12)


def test_a_counter_by_hand() -> None:
    stream = Stream()
    # 2 tokens in a second, half a second apart, at 2/20 of the speed. The first is the first of an answer: f = 1,
    # 0.07 + 0.3 = 0.37, E = 0.1295. Before the second E fell for 0.1 s over a stall; f = 1 - 0.1/1.1.
    first = 0.35 * 0.37
    second = 0.35 * (0.07 + 0.3 * (1 - 1 / 11)) + 0.65 * first * 0.5 ** (1 / 7)
    assert stream.counted(0.0, 1.0, 2) == pytest.approx(second, abs=1e-12)
    assert stream.units == pytest.approx(first + second, abs=1e-12)
    # Until 2.0 nobody can know more; a stall's length later E begins to fall.
    assert stream.look(2.4).energy == pytest.approx(second, abs=1e-12)
    assert stream.look(3.1).energy == pytest.approx(second / 2, abs=1e-12)


def test_the_rate_of_a_counter_is_that_of_its_interval() -> None:
    stream = Stream()
    stream.counted(0.0, 2.0, 20)
    for moment_s in (2.0, 2.5, 3.0, 3.9, 4.0):
        assert stream.look(moment_s).rate == pytest.approx(10, abs=1e-6)
    assert stream.look(4.5).rate == pytest.approx(5, abs=1e-6)
    assert stream.look(5.1).rate == 0


def test_a_hundred_plain_tokens_at_one_half_are_fifty_units() -> None:
    # Of 10 tokens a second, the mean of v = 0.5 and no pause is 0.65; a slower profile makes it one half.
    profile = Profile(rate_max=35.0)
    stream = Stream(profile)
    for number in range(1000):
        stream.token(number * 0.1)
    before = stream.units
    for number in range(1000, 1100):
        assert stream.token(number * 0.1) == pytest.approx(0.5, abs=EXACT)
    assert stream.units - before == pytest.approx(50, abs=1e-7)


@pytest.mark.parametrize(
    ("rate", "gap_s", "sure", "wanted"),
    [
        (0, 0, 0, (0, 1, 0.2)),
        (20, 0.4, 1, (1, 1, 1.0)),
        (40, 0.95, 0.5, (1, 0.5, 0.75)),
        (10, 1.5, math.nan, (0.5, 0, 0.35)),
        (5, 9.0, math.nan, (0.25, 0, 0.175)),
    ],
)
def test_parts(rate: float, gap_s: float, sure: float, wanted: tuple[float, float, float]) -> None:
    speed, free = velocity(rate), friction(gap_s)
    assert (speed, free) == pytest.approx(wanted[:2], abs=1e-12)
    assert worth(speed, sure, free) == pytest.approx(wanted[2], abs=1e-12)
    assert reference.base(rate, sure, gap_s * 1000) == pytest.approx(wanted[2], abs=1e-12)


def test_sustained_fast_and_sure_goes_to_one_and_silence_to_nothing() -> None:
    stream = Stream()
    play_all(stream, [prompt(0), *tokens(0, 400, 0.02, 1.0)])
    assert stream.look(7.98).energy == pytest.approx(1, abs=1e-12)
    assert stream.look(7.98).state == "saturated"
    assert stream.look(60).energy == 0
    assert stream.look(60).state == "stalling"


def test_a_stream_that_was_never_heard_of() -> None:
    look = Stream().look(3.0)
    assert look[:2] == (0, 0)
    assert math.isnan(look.certainty)
    assert look[3:] == (1, 0, "idle", False, False)


# ---- every path of the machine: script -> (when, state)

FAST = tokens(0, 60, 0.04, 1.0)
PATHS: dict[str, tuple[list[Step], float, list[tuple[float, str]]]] = {
    "nothing": ([], 9, []),
    "a prompt waits": ([prompt(1)], 30.9, [(1, "charging")]),
    "for 30 s": ([prompt(1)], 31.1, [(1, "charging"), (31, "idle")]),
    "the second prompt waits no longer": ([prompt(1), prompt(20)], 40, [(1, "charging"), (31, "idle")]),
    "first token": ([prompt(1), token(2)], 3, [(1, "charging"), (2, "flowing")]),
    "without a prompt": ([token(2)], 3, [(2, "flowing")]),
    "an end before a token": (
        [prompt(1), Step(2, "end")],
        9,
        [(1, "charging"), (2, "drained")],
    ),
    "one pause of a stall's length is none": (
        [prompt(0), token(1), token(1.4), token(1.8), token(2.2)],
        2.3,
        [(0, "charging"), (1, "flowing")],
    ),
    "one that is too long is one": ([token(1), token(1.5), token(1.6)], 1.7, [(1, "flowing")]),
    "the second stalls, while it lasts": (
        [token(1), token(1.5)],
        1.91,
        [(1, "flowing"), (1.901, "stalling")],
    ),
    "two with a short one between": (
        [token(1), token(1.5), token(1.6), token(2.1), token(2.2)],
        2.3,
        [(1, "flowing")],
    ),
    "a pause to the ceiling": ([token(1)], 2.51, [(1, "flowing"), (2.501, "stalling")]),
    "a stall ends with a short pause": (
        [token(1), token(3), token(3.5), token(3.6)],
        3.7,
        [(1, "flowing"), (2.501, "stalling"), (3.6, "flowing")],
    ),
    "saturated after 0.8 s": (FAST, 2.36, [(0, "flowing"), (1.4, "saturated")]),
    "no more by silence": (
        FAST,
        3.9,
        [(0, "flowing"), (1.4, "saturated"), (3.1205, "flowing"), (3.861, "stalling")],
    ),
    "drained from saturated, and again": (
        [prompt(0), *FAST[1:], Step(2.4, "end"), prompt(3), token(3.5), Step(3.6, "end")],
        9,
        [(0, "charging"), (0.04, "flowing"), (1.44, "saturated"), (2.4, "drained"), (3, "charging"),
         (3.5, "flowing"), (3.6, "drained")],
    ),
    "drained from a stall": (
        [prompt(0), token(1), Step(4, "end")],
        9,
        [(0, "charging"), (1, "flowing"), (2.501, "stalling"), (4, "drained")],
    ),
    "who announced goes on stalling": (
        [prompt(0), token(1)],
        99,
        [(0, "charging"), (1, "flowing"), (2.501, "stalling")],
    ),
    "who did not is drained 30 s after": (
        [token(1)],
        99,
        [(1, "flowing"), (2.501, "stalling"), (31, "drained")],
    ),
    "two answers, one end": (
        [prompt(0), token(1), prompt(1.1), Step(1.2, "end"), token(1.3), Step(1.4, "end")],
        9,
        [(0, "charging"), (1, "flowing"), (1.4, "drained")],
    ),
    "an end too many": ([prompt(0), Step(1, "end"), Step(1, "end"), token(2)], 3,
                        [(0, "charging"), (1, "drained"), (2, "flowing")]),
}  # fmt: skip


@pytest.mark.parametrize("name", PATHS)
def test_paths(name: str) -> None:
    steps, until_s, wanted = PATHS[name]
    stream = played(steps)
    stream.settle(until_s)
    same_turns(stream.turns(), wanted)
    same_turns(reference.turns(steps, until_s), wanted)


def test_a_late_fall_from_saturation_is_no_turn_back_in_time() -> None:
    stream = Stream()
    for number in range(200):
        stream.token(number * 0.02, certainty=1.0)
    stream.token(3.98 + 0.45, certainty=1.0)
    stream.settle(9.0)
    found = stream.turns()
    assert [state for _, state in found] == ["flowing", "saturated", "flowing", "stalling"]
    assert found == sorted(found, key=lambda turn: turn[0])
    # The pause was a stall before E had fallen so far: it is one as soon as the stream is not saturated.
    assert found[-1][0] == found[-2][0]
    assert stream.profile == USUAL
