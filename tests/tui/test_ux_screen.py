"""The page of UX and fidelity of screen 9 at any size, and what it says of each number."""

from __future__ import annotations

import pytest

from tests.tui.fake import full, scene
from tests.tui.test_compose import SIZES, check, lines
from tests.tui.test_snapshots import THEME, Still
from tests.tui.ux_seen import CORE, GOOD, PAUSED, SLOW, drawing
from wftui.energy.fidelity import CAUSES
from wftui.render.palette import MONO, TRUECOLOR, load
from wftui.tui import overview
from wftui.tui.app import WftopApp
from wftui.tui.compose import Picture, picture
from wftui.tui.energy.screen import UX, EnergyScreen
from wftui.tui.frame import row_width
from wftui.tui.history import NAN
from wftui.tui.panels import ux
from wftui.tui.state import State
from wftui.tui.ui import Ui
from wftui.tui.ux_screen import seen
from wftui.tui.ux_screen.page import UxPage
from wftui.windows.frames import BUDGET_S, SHARES

ALL = drawing()
STATES = {
    "all": ALL,
    "hostile": drawing(hostile=True),
    "frames": drawing("fidelity", "core"),
    "fidelity": drawing("frames", "core"),
    "core": drawing("frames", "fidelity"),
    "none": full(),
    "nothing": State(),
}


def show(
    state: State, size: tuple[int, int], *, ascii_only: bool = False, chosen: str = "", evidence: bool = False
) -> tuple[Picture, UxPage]:
    """The screen without an application."""
    ui = Ui()
    ui.show("energy")
    ui.energy = EnergyScreen(UX)
    page = ui.energy.page
    assert isinstance(page, UxPage)
    page.chosen = ("source", chosen)
    page.evidence = evidence
    return picture(scene(state, ascii_only=ascii_only), ui, *size), page


def body(drawn: Picture) -> str:
    return "\n".join(lines(drawn)[1:])


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", STATES)
def test_every_row_is_exactly_as_wide_as_the_terminal(size: tuple[int, int], name: str) -> None:
    for chosen in (GOOD, SLOW, PAUSED) if size[0] in (40, 80, 120) else ("",):
        for evidence in (False, True):
            for ascii_only in (False, True):
                drawn, _ = show(STATES[name], size, ascii_only=ascii_only, chosen=chosen, evidence=evidence)
                check(drawn, *size)
                if ascii_only:
                    assert all(line.isascii() for line in lines(drawn))


def test_programs_come_by_name_the_core_after_them_and_views_last() -> None:
    found = seen.programs(ALL)
    assert [program.name for program in found] == [SLOW, PAUSED, GOOD, CORE, "wftop, view 1"]
    assert [program.trouble for program in found] == ["warn", "", "", "", ""]
    assert [program.draws for program in found] == [True, False, True, True, True]


def test_a_program_that_only_its_table_knows_is_unknown_and_not_zero() -> None:
    state = drawing("fidelity", "core")
    state.values = state.values.__class__("d", [NAN]) * len(state.values)
    state.kept.clear()
    found = {program.name: program for program in seen.programs(state)}
    assert found[GOOD].draws is None
    assert found[GOOD].windows["10s"].fps != found[GOOD].windows["10s"].fps
    words = body(show(state, (120, 40))[0])
    assert " 0.0 " not in words
    assert "does not draw" not in words


@pytest.mark.parametrize(
    ("fps", "role"), [(60, ""), (55, ""), (54.9, "warn"), (45, "warn"), (44.9, "bad"), (NAN, "")]
)
def test_frames_a_second_are_judged_as_the_rules_do(fps: float, role: str) -> None:
    assert seen.role("fps", fps) == role


def test_all_that_is_told_of_a_program_is_on_a_large_screen() -> None:
    words = body(show(ALL, (200, 50), chosen=SLOW)[0])
    for said in ("47.4", "24.0 ms", "28.8 ms", "6.30 ms", "41.0 ms", "2,040 over 16.67 ms", "170 %", "1 % low"):
        assert said in words
    for part in SHARES:
        assert part in words
    assert "▲ render: 2.6 times its share" in words
    assert f"{BUDGET_S * 1000:.2f} ms" in words


def test_a_view_says_what_was_seen_of_what_was_computed_and_why_not_more() -> None:
    words = body(show(ALL, (120, 40))[0])
    assert "98 %" in words
    assert "14,460 of 14,640 EU" in words
    assert "missed link 3,240 EU (the terminal did not answer in time); room 60.0 EU" in words
    assert "coherence  71" in words
    assert "96 particles" in words
    assert "4 tokens each" in words
    first, second = seen.views(ALL)
    assert (first.cause, second.cause) == ("room", "link")
    assert set(second.missed) == set(CAUSES)


def test_the_histogram_counts_the_seconds_with_a_lag() -> None:
    values = [0.005, 0.010, 0.0199, 0.029, 0.05, 0.2, NAN]
    assert seen.lags(values) == [1, 2, 1, 0, 1, 1]
    assert ">100 ██ 100 % ms" in body(show(ALL, (120, 40))[0])


def test_the_core_and_the_changes_of_quality_are_told() -> None:
    words = body(show(ALL, (120, 40))[0])
    assert "level 3" in words
    assert "1.24 levels/h" in words
    assert "1,240 points" in words
    assert words.index("3 to 5: nobody asks for less") < words.index("5 to 3: rule.recorder-busy")


def test_an_empty_page_says_why_and_what_to_do() -> None:
    words = body(show(STATES["none"], (80, 24))[0])
    assert "no program tells its frames" in words
    assert "Pusher.frame(seconds)" in words
    assert "no stream of tokens is known" in words
    assert "no core listens" in body(show(drawing("core"), (120, 40))[0])


def test_keys_choose_the_program_that_is_shown_in_full() -> None:
    _, page = show(ALL, (80, 24))
    for step, name in ((1, PAUSED), (1, GOOD), (1, CORE), (1, "1"), (1, "1"), (-1, CORE)):
        page.scroll(step)
        assert page.chosen[1] == name
    assert page.do("evidence") == ""
    assert page.evidence


def test_the_evidence_names_series_of_the_catalogue() -> None:
    words = body(show(ALL, (120, 40), evidence=True)[0])
    assert "ux.frame.rate|p50" in words
    assert "wftop.fidelity.ratio|lag" in words


@pytest.mark.parametrize("size", [(40, 12), (30, 8), (20, 5)], ids=str)
def test_the_smallest_terminals_get_a_line_for_each_subject(size: tuple[int, int]) -> None:
    words = body(show(ALL, size)[0])
    assert "47 fps" in words
    assert "seen  62 %" in words
    assert "core" in words
    assert "5 of 5" in words


def test_the_panel_is_there_when_a_program_draws_and_only_then() -> None:
    assert overview.overview(ALL, 120, 40).place("ux") is not None
    assert overview.overview(STATES["none"], 120, 40).place("ux") is None
    own = drawing("frames")
    assert seen.views(own)
    assert overview.overview(own, 120, 40).place("ux") is None, "wftop's own views are no reason"
    assert "47.4" in "\n".join(lines(picture(scene(ALL), Ui(), 120, 40)))
    assert "canvas  47 fps" in "\n".join(lines(picture(scene(ALL), Ui(), 40, 12)))


@pytest.mark.parametrize("size", [(20, 1), (36, 2), (58, 5), (76, 3), (76, 9), (116, 5), (116, 30)], ids=str)
@pytest.mark.parametrize("name", STATES)
def test_the_panel_fits_its_place(size: tuple[int, int], name: str) -> None:
    body = ux.draw(scene(STATES[name]), *size)
    assert len(body.rows) <= size[1]
    assert all(row_width(row) == size[0] for row in body.rows)
    assert row_width(ux.line(scene(STATES[name]), size[0])) == size[0]


def app(state: State, depth: str = TRUECOLOR, *, ascii_only: bool = False) -> WftopApp:
    view = WftopApp(load(THEME, depth), state=state, clock=Still(), ascii_only=ascii_only, motion="reduced")
    view.own_cpu, view.own_memory = 0.004, 38.0 * 1024**2
    return view


PRESSED = ["9", "tab", "tab"]
"""From the page of streams, over that of power."""


async def test_keys_lead_to_the_page_and_to_where_its_numbers_come_from() -> None:
    view = app(drawing())
    async with view.run_test(size=(120, 40)) as pilot:
        await pilot.press("9")
        assert view.ui.energy is not None
        while view.ui.energy.name != UX:
            await pilot.press("tab")
        await pilot.press("down", "v")
        page = view.ui.energy.page
        assert isinstance(page, UxPage)
        assert page.chosen == ("source", PAUSED)
        assert page.evidence
        await pilot.press("i")
        assert view.ui.origins is not None
        metrics = {number.metric for number in view.ui.origins.numbers(view.scene())}
        assert {"ux.frame.rate", "wftop.fidelity.ratio", "ux.progression.level"} <= metrics


@pytest.mark.parametrize(
    "size", [(80, 24), (120, 40), (200, 50), (40, 12)], ids=["80x24", "120x40", "200x50", "40x12"]
)
def test_the_page(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]  # the plugin's fixture has no exported type
    assert snap_compare(app(drawing()), terminal_size=size, press=PRESSED)


def test_the_page_in_ascii_without_colours(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(drawing(), MONO, ascii_only=True), terminal_size=(80, 24), press=PRESSED)


def test_the_page_of_a_machine_where_nobody_draws(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(full()), terminal_size=(80, 24), press=PRESSED)


def test_the_overview_of_a_machine_with_programs_that_draw(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    assert snap_compare(app(drawing()), terminal_size=(120, 40))
