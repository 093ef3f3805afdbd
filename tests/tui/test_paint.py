"""Direct painting: the difference of two frames, put on a terminal emulator, is the second frame."""

from __future__ import annotations

from itertools import pairwise

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tui.fake import Fed, full, scene
from wftui import paths
from wftui.render.palette import DEPTHS, TRUECOLOR, load
from wftui.tui.compose import Picture, picture
from wftui.tui.drift import Drift, Line
from wftui.tui.frame import Row, fit_row
from wftui.tui.paint import Painter
from wftui.tui.state import LOST
from wftui.tui.ui import HELP, Ui

THEME = paths.resources("themes") / "default.toml"


def blank(width: int, height: int) -> Picture:
    return Picture([[("\0" * width, "text")]] * height, width, height, stale=False, live_lines=frozenset())


def text_of(drawn: Picture) -> list[str]:
    return ["".join(text for text, _ in row) for row in drawn.rows]


def shown(screen: pyte.Screen) -> list[str]:
    # pyte keeps an empty cell after a wide character; joining the cells leaves it out.
    return ["".join(screen.buffer[y][x].data for x in range(screen.columns)) for y in range(screen.lines)]


@pytest.mark.parametrize("size", [(200, 50), (80, 24), (40, 12)], ids=str)
def test_a_minute_of_differences_shows_the_last_frame(size: tuple[int, int]) -> None:
    width, height = size
    painter = Painter(load(THEME, TRUECOLOR))
    screen = pyte.Screen(width, height)
    stream = pyte.Stream(screen)
    fed = Fed().run(1, 540).furnish()
    before = blank(width, height)
    for second in range(541, 601):
        if second in (555, 556):
            continue
        fed.state.on(fed.tick(second))
        after = picture(scene(fed.state), Ui(), width, height)
        data = painter.difference(before, after)
        stream.feed(data)
        assert shown(screen) == text_of(after)
        before = after
    assert painter.difference(before, before) == ""


def test_a_steady_second_costs_few_bytes() -> None:
    painter = Painter(load(THEME, TRUECOLOR))
    fed = Fed().run(1, 540).furnish()
    frames = []
    for second in range(541, 571):
        fed.state.on(fed.tick(second))
        frames.append(picture(scene(fed.state), Ui(), 200, 50))
    sizes = [len(painter.difference(before, after).encode()) for before, after in pairwise(frames)]
    assert sum(sizes) / len(sizes) < 8192


words = st.lists(
    st.tuples(st.text("ab漢│⣿ ", max_size=6), st.sampled_from(["text", "dim", "warn"])), min_size=0, max_size=8
)


@given(st.lists(words, min_size=2, max_size=6), st.booleans())
@settings(max_examples=200)
def test_any_rows_and_any_wide_characters(rows: list[list[tuple[str, str]]], stale: bool) -> None:
    painter = Painter(load(THEME, TRUECOLOR))
    screen = pyte.Screen(12, 1)
    stream = pyte.Stream(screen)
    before = blank(12, 1)
    for place, row in enumerate(rows):
        fitted: Row = fit_row([segment for segment in row if segment[0]], 12)
        after = Picture([fitted], 12, 1, stale=stale and bool(place % 2), live_lines=frozenset())
        stream.feed(painter.difference(before, after))
        assert shown(screen)[0] == text_of(after)[0]
        before = after


WIDTH = 24
_CELLS = st.lists(st.tuples(st.sampled_from("ab⣿· "), st.sampled_from("rsm")), min_size=14, max_size=14)


@st.composite
def drifting(draw: st.DrawFn) -> list[tuple[Line, bool]]:
    """A line that travels, now and then with something else in it, beside it or in its place; and whether it is
    stale."""
    lines: list[tuple[Line, bool]] = []
    now = draw(_CELLS)
    travelled = draw(st.integers(0, 99))
    left, right = [("漢 E", "dim"), (" 1 ", "strong")], [("  ⣿", "warn")]
    for _ in range(draw(st.integers(1, 8))):
        gone = draw(st.sampled_from([0, 1, 1, 2, 3, 9]))
        travelled += gone
        now = [*draw(_CELLS)[:gone], *now[: len(now) - gone]]
        for place in draw(st.lists(st.integers(0, 13), max_size=2)):
            now[place] = draw(_CELLS)[place]
        if draw(st.integers(0, 3)) == 0:
            left = [("漢 E", "dim"), (f" {draw(st.integers(0, 9))} ", "strong")]
            right = [("  ", "dim"), (draw(st.sampled_from("⣿⣀ ")), "warn")]
        roles = {"r": draw(st.sampled_from(["glow1", "glow1", "glow7"])), "s": "strong", "m": "mark"}
        text, inks = "".join(char for char, _ in now), "".join(ink for _, ink in now)
        line = Drift(left, text, inks, right, roles=roles, travelled=travelled)
        whole = draw(st.integers(0, 5)) == 0
        lines.append((list(line) if whole else line, draw(st.integers(0, 7)) == 0))
    return lines


@given(drifting())
@settings(max_examples=150)
def test_a_line_that_travels_is_as_if_it_were_written_anew(lines: list[tuple[Line, bool]]) -> None:
    painter = Painter(load(THEME, TRUECOLOR))
    pushed = pyte.Screen(WIDTH, 2)
    stream = pyte.Stream(pushed)
    before = blank(WIDTH, 2)
    for line, stale in lines:
        after = Picture([line, [("x" * WIDTH, "text")]], WIDTH, 2, stale=stale, live_lines=frozenset({1}))
        stream.feed(painter.difference(before, after))
        anew = pyte.Screen(WIDTH, 2)
        pyte.Stream(anew).feed(painter.difference(blank(WIDTH, 2), after))
        assert shown(pushed) == shown(anew) == text_of(after)
        for x in range(WIDTH):
            mine, theirs = pushed.buffer[0][x], anew.buffer[0][x]
            assert mine == theirs or mine.data == theirs.data == " "
        before = after


def test_what_travels_costs_what_is_new() -> None:
    painter = Painter(load(THEME, TRUECOLOR))
    edge: Row = [("│", "frame")]
    text = "⣿" * 150 + " " * 28
    roles = {"r": "mark"}
    frames = [
        Picture(
            [Drift(edge, text[at:] + text[:at], "r" * 178, edge, roles=roles, travelled=-at)],
            180, 1, stale=False, live_lines=frozenset(),
        )
        for at in range(40, 0, -1)
    ]  # fmt: skip
    sizes = [len(painter.difference(before, after).encode()) for before, after in pairwise(frames)]
    assert max(sizes) < 80


@pytest.mark.parametrize("depth", DEPTHS)
def test_stale_frames_change_every_colour_but_no_letter(depth: str) -> None:
    painter = Painter(load(THEME, depth))
    state = full()
    live = picture(scene(state), Ui(), 120, 40)
    state.now_linked(LOST, 600 * 10**9)
    stale = picture(scene(state), Ui(), 120, 40)
    assert text_of(live)[1:-1] == text_of(stale)[1:-1]
    assert painter.difference(live, stale)


def test_a_dialog_comes_and_goes_without_a_trace() -> None:
    painter = Painter(load(THEME, TRUECOLOR))
    screen = pyte.Screen(120, 40)
    stream = pyte.Stream(screen)
    state = full(hostile=True)
    ui = Ui()
    plain = picture(scene(state), ui, 120, 40)
    ui.overlays.append(HELP)
    helped = picture(scene(state), ui, 120, 40)
    stream.feed(painter.difference(blank(120, 40), plain))
    stream.feed(painter.difference(plain, helped))
    assert shown(screen) == text_of(helped)
    stream.feed(painter.difference(helped, plain))
    assert shown(screen) == text_of(plain)


def test_no_colour_is_left_on_for_who_writes_next() -> None:
    painter = Painter(load(THEME, TRUECOLOR))
    fed = Fed().run(last=60).furnish()
    before = picture(scene(fed.state), Ui(), 120, 40)
    fed.state.on(fed.tick(61))
    after = picture(scene(fed.state), Ui(), 120, 40)
    assert painter.difference(before, after).endswith("\x1b[0m")
    assert painter.difference(after, after) == ""
