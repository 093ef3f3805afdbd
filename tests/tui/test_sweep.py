"""Graphs that do not scroll: the same seconds in the same cells, and few bytes."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.tui.fake import Fed, scene
from tests.tui.test_paint import THEME
from wftui.render.palette import INDEXED, TRUECOLOR, indexed, load
from wftui.tui.compose import Picture, picture
from wftui.tui.paint import Painter
from wftui.tui.panels import parts
from wftui.tui.state import State
from wftui.tui.ui import Ui


def text_of(row: list[tuple[str, str]]) -> str:
    return "".join(text for text, _ in row)


def frames(sweep: bool, seconds: range) -> list[Picture]:
    fed = Fed().run(1, seconds.start - 1).furnish()
    made = []
    for second in seconds:
        fed.state.on(fed.tick(second))
        made.append(picture(scene(fed.state)._replace(sweep=sweep), Ui(), 200, 50))
    return made


def graph(state: State, width: int, *, sweep: bool) -> list[list[tuple[str, str]]]:
    shown = scene(state)._replace(sweep=sweep)
    return parts.area(shown, state.past(2 * width, "system.cpu.utilization"), 1.0, 6)


def apart(one: str, other: str) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("width", [8, 37, 90])
def test_the_same_values_in_other_cells_less_one(width: int) -> None:
    fed = Fed().run(1, 400)
    state = fed.state
    for second in range(401, 401 + 2 * width, 3):
        state.on(fed.tick(second))
        for swept, plain in zip(graph(state, width, sweep=True), graph(state, width, sweep=False), strict=True):
            line = text_of(plain)
            turns = [line[width - place :] + line[: width - place] for place in range(width)]
            assert min(apart(text_of(swept), turn) for turn in turns) <= 1, "a turn of the line, but for the gap"


def test_a_step_changes_the_newest_cell_and_the_gap_alone() -> None:
    fed = Fed().run(1, 400)
    state = fed.state
    before = [text_of(row) for row in graph(state, 60, sweep=True)]
    for second in range(401, 460):
        state.on(fed.tick(second))
        after = [text_of(row) for row in graph(state, 60, sweep=True)]
        changed = {x for old, new in zip(before, after, strict=True) for x in range(60) if old[x] != new[x]}
        assert len(changed) <= 2, changed
        before = after


def test_a_swept_overview_costs_less_than_a_scrolled_one() -> None:
    painter = Painter(load(THEME, TRUECOLOR))

    def mean(sweep: bool) -> float:
        made = frames(sweep, range(541, 571))
        return sum(len(painter.difference(a, b).encode()) for a, b in pairwise(made)) / (len(made) - 1)

    swept, scrolled = mean(True), mean(False)
    assert swept < scrolled
    assert swept < 4096


def test_the_past_does_not_sweep() -> None:
    fed = Fed().run(1, 400)
    shown = scene(fed.state)
    row = [("abcdefghij", "text")]
    assert parts.swept(shown, row, 10) is row
    assert parts.swept(shown._replace(sweep=True), row, 10) != row


def test_fewer_colours_are_shorter_and_the_same_roles() -> None:
    rich = load(THEME, TRUECOLOR)
    few = indexed(rich)
    assert few.depth == INDEXED
    assert few.live == load(THEME, INDEXED).live
    assert few.stale == load(THEME, INDEXED).stale
    assert indexed(few) is few
