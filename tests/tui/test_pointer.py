"""Clicks and the wheel: what stands at a cell, and what becomes of it."""

from __future__ import annotations

import pytest
from textual import events
from textual.pilot import Pilot

from tests.tui.fake import NOW_S, full, scene
from tests.tui.fake_gpu_screen import told
from tests.tui.fake_gpus import box
from tests.tui.fake_history import HistoryLink
from tests.tui.fake_past import NS, remembered
from tests.tui.test_keys import PALETTE, Still, make, press, screen_text
from wftui.tui import compose, layout
from wftui.tui.app import WftopApp
from wftui.tui.frame import cells
from wftui.tui.layouts import files
from wftui.tui.layouts.plan import LENGTHS
from wftui.tui.lists import found_events
from wftui.tui.overview import overview
from wftui.tui.panels.sources import sorted_sources
from wftui.tui.pointer import (
    COLUMN,
    DIALOG,
    GPUS,
    HEAD,
    HOLDERS,
    KEY,
    OUTSIDE,
    PANEL,
    ROW,
    TAB,
    TIME,
    TITLE,
    Target,
    hit,
)
from wftui.tui.scene import Scene
from wftui.tui.state import State
from wftui.tui.transport import bar_moment
from wftui.tui.ui import DETAILS, HELP, MENU, SIGNALS, Ui

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
EVERY = pytest.mark.parametrize("size", [(1, 1), (12, 4), (40, 12), (80, 24), (120, 40), (200, 50)], ids=str)


class Drawn:
    """One picture, and what is found on it."""

    def __init__(self, state: State, ui: Ui, size: tuple[int, int], *, ascii_only: bool = False) -> None:
        self.scene: Scene = scene(state, ascii_only=ascii_only)
        self.ui = ui
        self.picture = compose.picture(self.scene, ui, *size)
        self.lines = ["".join(text for text, _ in row) for row in self.picture.rows]

    def at(self, x: int, y: int) -> Target | None:
        return hit(self.scene, self.ui, self.picture, x, y)

    def cell(self, words: str, line: int | None = None) -> tuple[int, int]:
        """Where a text begins."""
        for y in range(len(self.lines)) if line is None else (line % len(self.lines),):
            if (at := self.lines[y].find(words)) >= 0:
                return cells(self.lines[y][:at]), y
        raise AssertionError(f"no {words!r} on\n" + "\n".join(self.lines))

    def on(self, words: str, line: int | None = None) -> Target | None:
        """What stands where a text begins."""
        return self.at(*self.cell(words, line))


def shown(screen: str) -> Ui:
    ui = Ui()
    ui.show(screen)
    return ui


@SIZES
def test_panels_and_their_titles(size: tuple[int, int]) -> None:
    drawn = Drawn(full(), Ui(), size)
    places = overview(drawn.scene.state, *size).places
    assert len(places) > 4
    for place in places:
        assert drawn.at(place.x + 9, place.y) == Target(TITLE, place.name)
        assert drawn.at(place.x, place.y + place.height - 1) == Target(PANEL, place.name)
        assert drawn.at(place.x + place.width - 1, place.y + 1) == Target(PANEL, place.name)
    assert drawn.at(3, 0) is None


@EVERY
def test_every_cell_of_every_screen_has_an_answer_and_none_breaks(size: tuple[int, int]) -> None:
    state = full()
    for screen in ("overview", "processes", "events", "sources"):
        drawn = Drawn(state, shown(screen), size)
        found = {drawn.at(x, y) for y in range(-1, size[1] + 1) for x in range(-1, size[0] + 1)}
        assert None in found
        assert found - {None} or size == (1, 1)


@SIZES
def test_a_key_in_the_border_of_a_panel_and_in_the_footer(size: tuple[int, int]) -> None:
    drawn = Drawn(full(), Ui(), size)
    x, y = drawn.cell("2 processes")
    assert drawn.at(x, y) == Target(KEY, "2")
    assert drawn.at(x + 3, y) == Target(TITLE, "processes")
    x, y = drawn.cell("? help", -1)
    assert drawn.at(x, y) == drawn.at(x + 2, y) == drawn.at(x + 5, y) == Target(KEY, "question_mark")
    assert drawn.at(x + 6, y) is None
    assert drawn.on("6 gpus", -1) == Target(KEY, "6")


@SIZES
def test_two_keys_of_one_meaning(size: tuple[int, int]) -> None:
    drawn = Drawn(full(), shown("processes"), size)
    x, y = drawn.cell("s S sort", -1)
    assert [drawn.at(x + step, y) for step in (0, 2, 4)] == [Target(KEY, "s"), Target(KEY, "S"), Target(KEY, "s")]


@pytest.mark.parametrize("ascii_only", [False, True], ids=["UTF-8", "ASCII"])
def test_keys_are_found_in_either_set_of_characters(ascii_only: bool) -> None:
    ui = shown("processes")
    drawn = Drawn(full(), ui, (120, 40), ascii_only=ascii_only)
    assert drawn.on("Esc", -1) == Target(KEY, "escape")
    assert drawn.on("Enter", -1) == Target(KEY, "enter")
    assert drawn.on("F9", -1) == Target(KEY, "f9")


@SIZES
@pytest.mark.parametrize("top", [0, 4])
def test_rows_of_the_process_list(size: tuple[int, int], top: int) -> None:
    state, ui = full(), shown("processes")
    ui.sort = "pid"
    ui.tops["processes"] = ui.places["processes"] = top
    drawn = Drawn(state, ui, size)
    rows = ui.processes(state)
    assert ui.tops["processes"] == top
    for line in range(3, size[1] - 3):
        place = top + line - 3
        if place >= len(rows):
            assert drawn.at(20, line) == Target(PANEL, "processes")
            continue
        assert f" {rows[place].row[0]} " in drawn.lines[line]
        assert drawn.at(20, line) == Target(ROW, "processes", place)
        assert drawn.at(size[0] - 3, line) == Target(ROW, "processes", place)


@SIZES
def test_column_heads(size: tuple[int, int]) -> None:
    drawn = Drawn(full(), shown("processes"), size)
    for title in ("pid", "user", "cpu", "mem", "command"):
        x, y = drawn.cell(title, 2)
        assert {drawn.at(x + step, y) for step in range(len(title))} == {Target(HEAD, title)}, title
    assert drawn.at(2, 2) == Target(HEAD, "pid")


@SIZES
def test_column_heads_of_a_machine_with_gpus(size: tuple[int, int]) -> None:
    drawn = Drawn(told(box(8)), shown("processes"), size)
    for title in ("gpu%", "vram"):
        assert drawn.on(title, 2) == Target(HEAD, title)


@SIZES
def test_rows_of_events_and_sources(size: tuple[int, int]) -> None:
    state = full()
    drawn = Drawn(state, shown("events"), size)
    for place, event in enumerate(found_events(state, "")):
        assert drawn.on(event.type[:14], 3 + place) == Target(ROW, "events", place)
    assert drawn.on("time", 2) == Target(PANEL, "events")
    drawn = Drawn(state, shown("sources"), size)
    seen = set()
    for place, item in enumerate(sorted_sources(state.sources)):
        assert drawn.on(f" {item.source} ") == Target(ROW, "sources", place)
    for line in range(3, size[1] - 2):
        found = drawn.at(30, line)
        assert found is not None
        seen.add(found)
    # A source with its reason in more lines is the same in each of them.
    assert len(seen) <= len(state.sources) + 1


@SIZES
def test_gpus_their_panes_and_holders(size: tuple[int, int]) -> None:
    state = told(box(8))
    app, _ = make()
    app.ui.show("gpu")
    app.commands.show("gpu")
    drawn = Drawn(state, app.ui, size)
    screen = app.ui.gpu
    assert screen is not None
    listed = screen.listed(state)
    for place in range(len(listed)):
        assert drawn.at(5, 2 + place) == Target(ROW, GPUS, place)
        assert drawn.lines[2 + place][3:].strip().startswith(listed[place].title)
    assert drawn.at(5, 2 + len(listed)) in (Target(PANEL, "gpu"), None)
    if size == (80, 24):
        assert drawn.on("of 6, Tab") == Target(KEY, "tab")
        assert drawn.on("processes 1") == Target(TAB, "processes")
    else:
        assert drawn.on(" health ") == Target(TAB, "health")
    rows = screen.rows(state)
    y = drawn.cell(" processes ")[1] + 2
    for place in range(min(3, len(rows))):
        assert str(int(rows[place][1][1] or 0)) in drawn.lines[y + place]
        assert drawn.at(size[0] // 2, y + place) == Target(ROW, HOLDERS, place)


@SIZES
def test_dialogs(size: tuple[int, int]) -> None:
    state, ui = full(), shown("processes")
    assert ui.aim(state)
    assert ui.target is not None
    ui.targets = [ui.target]
    ui.overlays.append(MENU)
    drawn = Drawn(state, ui, size)
    for place, (name, _) in enumerate(SIGNALS):
        assert drawn.on(f" {name} ") == Target(ROW, MENU, place)
    assert drawn.on("Enter") == Target(KEY, "enter")
    x, y = drawn.cell("Esc back")
    assert drawn.at(x + 5, y) == Target(KEY, "escape")
    assert drawn.at(0, 3) == Target(OUTSIDE, MENU)
    # What the dialog covers is out of reach.
    assert drawn.at(*drawn.cell("LIVE")) == Target(OUTSIDE, MENU)
    ui.overlays[:] = [HELP]
    drawn = Drawn(state, ui, size)
    assert drawn.at(size[0] // 2, size[1] // 2) == Target(DIALOG, HELP)


def test_the_menu_of_arranging_and_the_panels_below_it() -> None:
    from wftui.tui.arrange.model import Arranger, Menu

    state, ui = full(), Ui()
    ui.arrange = Arranger(layout.DEFAULT, 120, 40, 0, quiet=True)
    drawn = Drawn(state, ui, (120, 40))
    assert drawn.on(" memory ", 1) == Target(TITLE, "memory")
    ui.arrange.menu = Menu("add a panel", [(f"a{at}", f"choice {at}") for at in range(60)])
    ui.arrange.menu.place = 50
    drawn = Drawn(state, ui, (120, 40))
    assert drawn.on("choice 50") == Target(ROW, "options", 50)
    assert drawn.on("choice 40") == Target(ROW, "options", 40)
    assert drawn.at(2, 2) == Target(OUTSIDE, "options")


# ---- what becomes of it


async def click(pilot: Pilot[int], app: WftopApp, x: int, y: int, *, button: int = 1, shift: bool = False) -> None:
    down = events.MouseDown(None, x, y, 0, 0, button, shift, False, False, screen_x=x, screen_y=y)
    app.pointed(down)
    for _ in range(4):
        await pilot.pause()


async def turn(pilot: Pilot[int], app: WftopApp, x: int, y: int, step: int) -> None:
    kind = events.MouseScrollUp if step < 0 else events.MouseScrollDown
    app.pointed(kind(None, x, y, 0, 0, 0, False, False, False, screen_x=x, screen_y=y))
    for _ in range(4):
        await pilot.pause()


def find(app: WftopApp, words: str, line: int | None = None) -> tuple[int, int]:
    lines = screen_text(app).split("\n")
    for y in range(len(lines)) if line is None else (line % len(lines),):
        if (at := lines[y].find(words)) >= 0:
            return cells(lines[y][:at]), y
    raise AssertionError(f"no {words!r} on\n" + "\n".join(lines))


async def test_a_click_focuses_a_second_one_expands() -> None:
    app, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await click(pilot, app, 5, 3)
        assert app.ui.focus == "cpu"
        assert app.ui.expanded == ""
        await click(pilot, app, 7, 4)
        assert app.ui.expanded == "cpu"
        await click(pilot, app, 9, 1)
        assert app.ui.expanded == ""
        x, y = find(app, " memory ", 1)
        await click(pilot, app, x + 2, y)
        assert (app.ui.focus, app.ui.expanded) == ("memory", "")
        await click(pilot, app, x + 2, y)
        assert app.ui.expanded == "memory"


async def test_two_slow_clicks_inside_a_panel_are_two_clicks() -> None:
    app, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        from wftui.tui.mouse import Mouse

        mouse = Mouse(app)
        mouse.press(5, 3, 10.0)
        mouse.press(5, 3, 10.6)
        assert app.ui.expanded == ""
        mouse.press(5, 3, 10.9)
        assert app.ui.expanded == "cpu"


async def test_rows_heads_and_keys_of_the_process_list() -> None:
    app, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await click(pilot, app, *find(app, "2 proc"))
        assert app.ui.screen == "processes"
        rows = app.ui.processes(app.seen)
        await click(pilot, app, 30, 8)
        assert app.ui.selected == rows[5].key
        assert app.ui.overlay == ""
        await click(pilot, app, 50, 8)
        assert app.ui.overlay == DETAILS
        await click(pilot, app, 1, 30)
        assert app.ui.overlay == ""
        await click(pilot, app, *find(app, "mem", 2))
        assert (app.ui.sort, app.ui.reverse) == ("mem", False)
        await click(pilot, app, *find(app, "mem", 2))
        assert (app.ui.sort, app.ui.reverse) == ("mem", True)
        await click(pilot, app, *find(app, "F9", -1))
        assert app.ui.overlay == MENU
        await click(pilot, app, *find(app, "SIGKILL"))
        assert SIGNALS[app.ui.menu][0] == "SIGKILL"
        assert app.ui.overlay == MENU
        await click(pilot, app, *find(app, "SIGKILL"))
        assert "Send SIGKILL" in screen_text(app)
        # A question is not answered by a click beside it.
        await click(pilot, app, 1, 30)
        assert "Send SIGKILL" in screen_text(app)


async def test_a_process_that_was_sorted_away_under_the_pointer_is_another_one() -> None:
    app, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2")
        await click(pilot, app, 30, 8)
        first = app.ui.selected
        await press(pilot, "r")
        await click(pilot, app, 30, 8)
        assert app.ui.overlay == ""
        assert app.ui.selected != first


async def test_other_buttons_and_shift_do_nothing() -> None:
    app, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await click(pilot, app, 5, 3, button=3)
        await click(pilot, app, 5, 3, button=2)
        await click(pilot, app, 5, 3, shift=True)
        assert app.ui.focus == ""


async def test_the_wheel_scrolls_and_the_cursor_stays_while_it_can_be_seen() -> None:
    app, _ = make()
    async with app.run_test(size=(120, 24)) as pilot:
        await press(pilot, "2", *["down"] * 8)
        chosen = app.ui.selected
        await turn(pilot, app, 50, 10, 1)
        assert app.ui.tops["processes"] == 3
        assert app.ui.selected == chosen
        await turn(pilot, app, 50, 10, 1)
        await turn(pilot, app, 50, 10, 1)
        assert app.ui.tops["processes"] == 9
        assert app.ui.places["processes"] == 9
        for _ in range(30):
            await turn(pilot, app, 50, 10, 1)
        lines = app.ui.processes(app.seen)
        assert app.ui.tops["processes"] == len(lines) - app.ui.page
        for _ in range(30):
            await turn(pilot, app, 50, 10, -1)
        assert app.ui.tops["processes"] == 0


async def test_the_wheel_in_dialogs() -> None:
    app, _ = make()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "question_mark")
        await turn(pilot, app, 40, 12, 1)
        assert app.ui.places[HELP] == 3
        await turn(pilot, app, 40, 12, -1)
        assert app.ui.places[HELP] == 0
        await click(pilot, app, 0, 12)
        assert app.ui.overlay == ""


async def test_live_nobody_leaves_now_by_the_wheel() -> None:
    app, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        app.commands.show("energy")
        await turn(pilot, app, 5, 4, -1)
        assert app.past.live
        assert app.ui.screen == "energy"


async def test_live_the_wheel_zooms_a_graph_of_the_layout_and_stays_on_the_overview() -> None:
    app = past_app()
    async with app.run_test(size=(120, 40)) as pilot:
        app.arranged(
            files.parse(
                "mine",
                b"""
                title = "one graph"
                [[graphs]]
                name = "load"
                series = ["system.cpu.load_average.1m"]
                [[when]]
                rows = [ { height = "rest 8", panels = ["cpu", "load"], widths = [50, 50] } ]
                """,
                "mine.toml",
            )
        )
        app.paint()
        shown_graph = app.plan.graphs["load"]
        place = next(each for each in overview(app.seen, 120, 40, app.plan).places if each.name == "load")
        await turn(pilot, app, place.x + 5, place.y + 3, 1)
        # By itself it shows two seconds a column.
        assert shown_graph.seconds == next(length for length in LENGTHS if length > 2 * (place.width - 4))
        assert app.ui.focus == "load"
        for _ in range(9):
            await turn(pilot, app, place.x + 5, place.y + 3, 1)
        assert shown_graph.seconds == LENGTHS[-1]
        assert app.ui.screen == "overview"
        await turn(pilot, app, place.x + 5, place.y + 3, -1)
        assert shown_graph.seconds == LENGTHS[-2]
        assert app.past.live


def past_app() -> WftopApp:
    state, memory = remembered()
    return WftopApp(PALETTE, state=state, link=lambda _: memory, clock=Still())  # type: ignore[arg-type,return-value]  # the fake has the methods that the app calls


@SIZES
async def test_in_the_past_the_wheel_steps_and_the_bar_is_clicked(size: tuple[int, int]) -> None:
    app = past_app()
    async with app.run_test(size=size) as pilot:
        await press(pilot, "space")
        for _ in range(6):
            await pilot.pause()
        begin = app.past.cursor_ns
        await turn(pilot, app, 5, 4, -1)
        assert app.past.cursor_ns == begin - NS
        await turn(pilot, app, 5, 4, 1)
        assert app.past.cursor_ns == begin
        replay = app.past.replay()
        found = [hit(app.scene(), app.ui, app.current(*size), 20, y) for y in range(size[1])]
        line = next(y for y, each in enumerate(found) if each is not None and each.kind == TIME)
        wanted = bar_moment(replay, size[0], 20)
        await click(pilot, app, 20, line)
        assert wanted is not None
        assert app.past.cursor_ns == wanted * NS
        shown_at = screen_text(app).split("\n")[line]
        assert cells(shown_at[:20]) == 20
        assert shown_at[20] == app.scene().glyphs.cursor


async def test_the_timeline_goes_where_it_is_clicked() -> None:
    link = HistoryLink()
    app = WftopApp(PALETTE, state=full(), link=lambda _: link, clock=Still())  # type: ignore[arg-type,return-value]  # as above
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "5")
        for _ in range(8):
            await pilot.pause()
        timeline = app.ui.timeline
        assert timeline is not None
        found = hit(app.scene(), app.ui, app.current(120, 40), 60, 6)
        assert found is not None
        assert found.kind == COLUMN
        await click(pilot, app, 60, 6)
        grid = timeline.grid(timeline.now_ns)
        assert timeline.window.cursor(grid) == found.place
        # The line of the cursor stands in the column of the click.
        assert app.current(120, 40).rows[6] != []
        x = 0
        for words, role in app.current(120, 40).rows[6]:
            if role == "crosshair":
                assert x == 60
                break
            x += cells(words)
        else:
            pytest.fail("no cursor")
        await turn(pilot, app, 60, 6, -1)
        assert timeline.window.cursor(timeline.grid(timeline.now_ns)) == found.place - 1
        await press(pilot, "slash")
        await click(pilot, app, 20, 6)
        assert timeline.picker is not None
        assert timeline.picker.place == 3
        before = list(timeline.chosen)
        await click(pilot, app, 20, 6)
        assert timeline.chosen != before


@SIZES
async def test_the_series_of_a_new_graph_are_clicked(size: tuple[int, int]) -> None:
    from wftui.tui.arrange import series

    app, _ = make()
    async with app.run_test(size=size) as pilot:
        series.begin(app, "")
        app.paint()
        choosing = app.ui.series
        assert choosing is not None
        found = choosing.picker.found(choosing.columns)
        lines = screen_text(app).split("\n")
        y = next(at for at, line in enumerate(lines) if "series of a new graph" in line) + 2
        await click(pilot, app, 30, y + 4)
        assert choosing.picker.place == 4
        assert choosing.chosen == []
        await click(pilot, app, 30, y + 4)
        assert choosing.chosen == [found[4].series.text]
        await turn(pilot, app, 30, y, 1)
        assert choosing.picker.place == 5
        await click(pilot, app, 0, 0)
        assert app.ui.series is None


async def test_gpus_are_chosen_and_their_panes_shown() -> None:
    app = WftopApp(PALETTE, state=told(box(8)), clock=Still())
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "6")
        screen = app.ui.gpu
        assert screen is not None
        await click(pilot, app, 5, 5)
        assert screen.uuid == screen.listed(app.seen)[3].uuid
        await click(pilot, app, *find(app, " health "))
        assert screen.pane == "health"
        await click(pilot, app, *find(app, " processes"))
        await turn(pilot, app, 5, 5, 1)
        assert screen.uuid == screen.listed(app.seen)[4].uuid


def test_the_clock_of_the_fakes_is_the_one_of_the_tests() -> None:
    assert Still().now().time_ns == NOW_S * 10**9
