"""Graphs: heights, gaps, the future, and that a hole is never joined."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.render import graph

NAN = float("nan")
VALUES = st.lists(st.one_of(st.floats(0, 2), st.just(NAN)), min_size=2, max_size=80).filter(
    lambda v: len(v) % 2 == 0
)


@given(VALUES, st.integers(1, 9), st.booleans(), st.booleans())
def test_every_line_has_one_cell_for_two_samples(
    values: list[float], height: int, down: bool, ascii_only: bool
) -> None:
    lines = graph.rows(graph.levels(values, 1.0, height), height, down=down, ascii_only=ascii_only)
    assert len(lines) == height
    assert all(len(line) == len(values) // 2 for line in lines)
    assert not ascii_only or all(line.isascii() for line in lines)


def test_a_gap_is_hatched_from_top_to_bottom() -> None:
    lines = graph.rows(graph.levels([0.5, 0.5, NAN, NAN, 0.5, 0.5], 1.0, 3), 3)
    assert [line[1] for line in lines] == ["▒"] * 3
    assert "▒" not in lines[2][0] + lines[2][2]


def test_before_the_first_value_is_blank_and_no_gap() -> None:
    assert graph.rows(graph.levels([NAN, NAN, 1.0, 1.0], 1.0, 1), 1) == [" ⣿"]


def test_known_zero_shows_a_base_line_and_differs_from_unknown() -> None:
    assert graph.rows(graph.levels([0.0, 0.0], 1.0, 2), 2) == [" ", "⣀"]


def test_what_is_still_to_come_is_no_gap() -> None:
    assert graph.rows(graph.levels([1.0, 1.0, 1.0, NAN], 1.0, 1, ahead=1), 1) == ["⣿⡇"]


def test_full_scale_fills_and_more_does_not_spill() -> None:
    assert graph.rows(graph.levels([1.0, 7.0], 1.0, 2), 2) == ["⣿", "⣿"]


def test_down_hangs_from_the_top() -> None:
    assert graph.rows(graph.levels([0.5, 0.5], 1.0, 2), 2, down=True) == ["⣿", " "]


@given(st.one_of(st.floats(0, 3), st.just(NAN)), st.integers(0, 60), st.booleans())
def test_a_meter_is_exactly_as_wide_as_asked(ratio: float, width: int, ascii_only: bool) -> None:
    filled, rest = graph.meter(ratio, width, ascii_only=ascii_only)
    assert len(filled) + len(rest) == width
    if ratio != ratio:
        assert filled == ""
    if ratio > 0 and width:
        assert filled


def test_an_unknown_meter_differs_from_an_empty_one() -> None:
    assert graph.meter(NAN, 5) != graph.meter(0.0, 5)
    assert graph.cell(NAN) == "-"
    assert graph.cell(0.0) != "-"


@given(
    st.lists(st.one_of(st.floats(0, 2), st.floats(0, 2), st.floats(0, 2), st.just(NAN)), min_size=30, max_size=70),
    st.integers(0, 30),
    st.lists(st.sampled_from([0.5, 1.0]), min_size=1, max_size=3),
    st.booleans(),
    st.booleans(),
)
def test_a_graph_that_went_on_is_drawn_as_one_that_is_new(
    past: list[float], blank: int, tops: list[float], down: bool, ascii_only: bool
) -> None:
    """Second by second, in cells of two seconds, with gaps that come and go at the left, from a blank one on."""
    kept = graph.Lines()
    past = [NAN] * blank + past
    for end in range(24, len(past)):
        ahead = end % 2
        for top in tops:
            shown = [*past[end - 24 + ahead : end], *[NAN] * ahead]
            plain = graph.rows(graph.levels(shown, top, 3, ahead), 3, down=down, ascii_only=ascii_only)
            # Twice: the same second again stays the same.
            for _ in range(2):
                assert kept.rows(shown, top, 3, ahead, down=down, ascii_only=ascii_only) == plain


def test_graphs_of_one_size_do_not_take_each_other_s_lines() -> None:
    kept = graph.Lines()
    for end in range(60):
        for step in range(12):
            shown = [float((second * (step + 1)) % 7) for second in range(end, end + 20)]
            assert kept.rows(shown, 7.0, 2) == graph.rows(graph.levels(shown, 7.0, 2), 2)


def test_a_graph_that_begins_is_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole graphs are made while there is nothing and when the first cell is full; then only the newest cell."""
    made: list[int] = []
    levels = graph.levels

    def counting(values: Sequence[float], maximum: float, height: int, ahead: int = 0) -> list[int]:
        made.append(len(values))
        return levels(values, maximum, height, ahead)

    monkeypatch.setattr(graph, "levels", counting)
    kept = graph.Lines()
    past = [NAN] * 40 + [0.5] * 30
    for end in range(40, len(past), 2):
        kept.rows(past[end - 40 : end], 1.0, 2)
    assert made.count(40) == 1
    assert len(made) == 15
