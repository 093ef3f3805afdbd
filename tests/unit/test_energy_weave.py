"""Rows of a lane: exactly as wide as it, every particle where the belt says, all cells of a row accounted for."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.render.palette import GLOW_STEPS
from wftui.tui.energy import ribbon, weave
from wftui.tui.energy.belt import BOLT, HALOED, PARTICLES, Belt, Particle
from wftui.tui.frame import row_width

NAN = float("nan")
TOKENS = st.lists(st.tuples(st.floats(0, 3), st.sampled_from([NAN, 0.0, 0.2, 0.6, 1.0])), max_size=80)


def laid(width: int, height: int, tokens: list[tuple[float, float]], speed: float) -> Belt:
    belt = Belt()
    belt.fit(width, height)
    belt.rows, belt.speed = tuple(range(height)), speed
    belt.bolt(2)
    for ago, certainty in sorted(tokens, key=lambda token: -token[0]):
        belt.place(Particle(10.0, 10.0 - ago, 1, 1.0, certainty), 10.0)
        belt.advance(0.01)
    return belt


@given(TOKENS, st.integers(1, 90), st.integers(1, 7), st.floats(0, 1), st.booleans())
def test_rows_show_what_is_on_the_belt(
    tokens: list[tuple[float, float]], width: int, height: int, share: float, ascii_only: bool
) -> None:
    belt = laid(width, height, tokens, 20.0)
    woven = weave.Woven(belt, ascii_only=ascii_only)
    assert woven.follow(share, 0.4) == list(range(height))
    seen = weave.ribboned(belt, share, ascii_only=ascii_only)
    signs = weave.PLAIN_SIGNS if ascii_only else weave.SIGNS
    ground = ribbon.texts(share, width, height, belt.travelled, ascii_only=ascii_only)
    for y in range(height):
        row = woven.row(y)
        assert row_width(row) == width
        assert all(text for text, _ in row)
        line = "".join(text for text, _ in row)
        there = dict(belt.cells(y))
        assert all(line[x] == (signs[there[x]] if x in there else ground[y][x]) for x in range(width))
        assert seen[y] == sum(line[x] != " " and x not in there for x in range(width))
        bright = {
            x + at
            for at, (text, role) in zip(_starts(row), row, strict=True)
            if role in ("strong", "mark")
            for x in range(len(text))
        }
        assert bright == {x for x, kind in there.items() if kind in PARTICLES or kind == BOLT}
    assert sum(kind in PARTICLES for y in range(height) for _, kind in belt.cells(y)) == len(belt.particles)
    assert belt.count == len(belt.particles)


@given(TOKENS, st.integers(1, 60), st.integers(1, 5), st.lists(st.floats(0, 0.4), max_size=40), st.booleans())
def test_a_lane_that_is_followed_is_as_if_made_anew(
    tokens: list[tuple[float, float]], width: int, height: int, steps: list[float], ascii_only: bool
) -> None:
    belt = laid(width, height, tokens, 9.0)
    woven = weave.Woven(belt, ascii_only=ascii_only)
    woven.follow(0.5, 0.4)
    for at, step in enumerate(steps):
        if at % 7 == 6:
            belt.speed = 300.0 * step  # by more than it is wide
        belt.advance(step)
        if at % 3 == 1:
            belt.place(Particle(10.0, 10.0 - step, 1, 1.0, step * 2), 10.0)
        if at % 11 == 10:
            belt.bolt(1)
        if at % 17 == 16:
            belt.clear()
        share, energy = ((0.5, 0.4), (0.5, 0.9), (1.0, 0.9), (NAN, NAN))[at % 19 // 5]
        before = [(woven.texts[y], woven.inks[y], woven.roles) for y in range(height)]
        others = woven.follow(share, energy)
        changes, belt.changes = belt.changes, []
        assert not changes
        anew = weave.Woven(belt, ascii_only=ascii_only)
        anew.follow(woven.share, woven.energy)
        assert (woven.texts, woven.inks, woven.roles) == (anew.texts, anew.inks, anew.roles)
        after = [(woven.texts[y], woven.inks[y], woven.roles) for y in range(height)]
        assert set(others) >= {y for y in range(height) if after[y] != before[y]}


def test_what_is_drawn_is_less_than_half_a_step_from_what_is_read() -> None:
    belt = laid(40, 5, [], 9.0)
    woven = weave.Woven(belt, ascii_only=False)
    for at in range(200):
        share, energy = 0.5 + 0.3 * math.sin(at / 9), 0.5 + 0.4 * math.sin(at / 7)
        woven.follow(share, energy)
        assert abs(woven.share - share) < 0.5 / (2 * 5)
        assert abs(woven.energy - energy) < 0.5 / GLOW_STEPS
    woven.follow(0.01, 0.01)
    assert woven.follow(0.0, 0.0) == [0, 1, 2, 3, 4], "nothing is never drawn as a little"
    assert woven.share == woven.energy == 0.0


def test_a_reading_at_the_edge_of_a_step_changes_nothing() -> None:
    belt = laid(40, 5, [], 9.0)
    woven = weave.Woven(belt, ascii_only=False)
    woven.follow(0.546, 0.49)
    for at in range(20):
        assert woven.follow(0.546 + 0.01 * (at % 2), 0.49 + 0.02 * (at % 2)) == []


def _starts(row: list[tuple[str, str]]) -> list[int]:
    return [sum(len(text) for text, _ in row[:place]) for place in range(len(row))]


def test_particles_have_characters_of_their_own() -> None:
    for signs in (weave.SIGNS, weave.PLAIN_SIGNS):
        own = {signs[kind] for kind in PARTICLES}
        assert len(own) == 3
        assert not own & {signs[HALOED], signs[BOLT]}
        for share in (NAN, 0.0, 0.1, 0.5, 1.0):
            rows = ribbon.texts(share, 96, 5, 0.0, ascii_only=signs is weave.PLAIN_SIGNS)
            assert not own & set("".join(rows))


def test_more_energy_is_brighter_and_unknown_is_not() -> None:
    assert [weave.glow(share) for share in (0.0, 0.5, 1.0)] == ["glow0", "glow4", "glow7"]
    assert weave.glow(0.9, 2) == "glow7"
    assert weave.glow(NAN) == "faint"


@pytest.mark.parametrize(("share", "rows"), [(0.1, (2,)), (1.0, (2, 3, 1, 4, 0))], ids=str)
def test_a_wide_ribbon_covers_more_rows(share: float, rows: tuple[int, ...]) -> None:
    assert weave.covered(share, 5) == rows
