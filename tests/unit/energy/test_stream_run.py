"""Tokens that are taken one after another make the same stream as each of them taken alone."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.streams.running import LLAMA, Desked
from wftui.energy.stream import Stream

NAN = math.nan
GAPS = st.sampled_from((0.0, 0.0, 1e-4, 0.01, 0.05, 0.05, 0.12, 0.3, 0.4, 0.41, 0.9, 1.6, 5.0, -0.02))
CERTAINTIES = st.one_of(st.just(NAN), st.floats(0.0, 1.0))
WEIGHTS = st.sampled_from((1.0, 1.0, 0.0, 2.5))
TOKENS = st.lists(st.tuples(GAPS, CERTAINTIES, WEIGHTS), min_size=1, max_size=60)
BETWEEN = st.sampled_from(("", "", "prompt", "end", "counted", "nothing", "settle"))


def happens(what: str, stream: Stream, at_s: float) -> None:
    if what == "prompt":
        stream.prompt(at_s)
    elif what == "end":
        stream.end(at_s)
    elif what == "counted":
        stream.counted(at_s - 0.8, at_s, 7)
    elif what == "nothing":
        stream.counted(at_s - 0.1, at_s, 0)
    elif what == "settle":
        stream.settle(at_s)


def state(stream: Stream) -> list[object]:
    """All that is known of it; NaN as a word, since it is not equal to itself."""
    found: list[object] = []
    for name in Stream.__slots__:
        value = getattr(stream, name)
        found.append((name, "nan" if value != value else list(value) if hasattr(value, "popleft") else value))
    return found


@settings(max_examples=300)
@given(st.lists(st.tuples(BETWEEN, TOKENS), min_size=1, max_size=6))
def test_it_is_the_same_stream_bit_for_bit(script: list[tuple[str, list[tuple[float, float, float]]]]) -> None:
    alone, together = Stream(), Stream()
    at_s = 100.0
    for what, tokens in script:
        happens(what, alone, at_s)
        happens(what, together, at_s)
        told = []
        for gap, certainty, weight in tokens:
            at_s += gap
            told.append((at_s, certainty, weight))
        levels = [alone.token(when, certainty=sure, weight=weight) for when, sure, weight in told]
        place = 0
        while place < len(told):
            run = together.run(told, place, math.inf)
            if run.place > place:
                assert run.peak == max(levels[place : run.place])
                assert run.cost == math.fsum(weight for _, _, weight in told[place : run.place])
                place = run.place
            else:
                when, sure, weight = told[place]
                together.token(when, certainty=sure, weight=weight)
                place += 1
        assert state(together) == state(alone)
        assert str(together.look(at_s + 0.7)) == str(alone.look(at_s + 0.7))  # NaN is not equal to itself
    assert together.turns() == alone.turns()


def test_a_steady_answer_is_taken_at_once_up_to_a_moment() -> None:
    stream = Stream()
    told = [(100.0 + number / 1000, NAN, 1.0) for number in range(500)]
    assert stream.run(told, 0, math.inf).place == 0  # a first token begins the answer
    stream.token(100.0)
    assert stream.run(told, 1, 100.2).place == 200
    assert stream.run(told, 200, math.inf).place == 500
    assert stream.tokens == 500


@settings(max_examples=100, deadline=None)
@given(TOKENS)
def test_what_is_recorded_of_it_is_the_same(tokens: list[tuple[float, float, float]]) -> None:
    made = Desked(), Desked()
    at_s, told = 1000.3, []
    for gap, certainty, weight in tokens:
        at_s += gap
        told.append((at_s, certainty, weight))
    for desked, lines in zip(made, (1, 20), strict=True):
        for first in range(0, len(told), 20):
            line = told[first : first + 20]
            for token in range(0, len(line), lines):
                desked.desk.run(LLAMA, line[token : token + lines])
            desked.to(max(line[-1][0], desked.clock.s))
        desked.to(at_s + 4.0)
    alone, together = made
    assert together.recorded.keys() == alone.recorded.keys()
    for text, moments in alone.recorded.items():
        assert together.recorded[text] == moments, text
    assert together.rows == alone.rows
    assert [item.payload for item in together.events] == [item.payload for item in alone.events]
