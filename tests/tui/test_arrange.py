"""Arranging the overview: what keys make of a layout, and the file that comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tui.fake import scene
from tests.tui.fake_gpus import box
from tests.tui.fake_gpus import with_gpus as with_gpus_state
from tests.tui.test_gpu_panel_snapshots import app as with_gpus
from tests.tui.test_snapshots import THEME, Still, app
from tests.unit.test_layout import BUILT_IN, check
from wftui import paths
from wftui.render.palette import TRUECOLOR, load
from wftui.tui.app import WftopApp
from wftui.tui.arrange.model import Arranger
from wftui.tui.gpus import boxes
from wftui.tui.layouts import files, write
from wftui.tui.layouts.default import DEFAULT
from wftui.tui.layouts.follow import EVERY_NS, Layouts
from wftui.tui.layouts.grammar import build, tree
from wftui.tui.panels import gpus
from wftui.tui.ui import ASK, PROMPT

FOLDER = paths.resources("layouts")
DIRECTIONS = st.sampled_from(["left", "right", "up", "down"])


def begun(width: int = 120, height: int = 40, gpus: int = 0, name: str = "default") -> Arranger:
    return Arranger(BUILT_IN[name], width, height, gpus, quiet=False)


def places(arranger: Arranger) -> dict[str, tuple[int, int, int, int]]:
    return {place.name: (place.x, place.y, place.width, place.height) for place in arranger.screen.places}


@given(
    st.sampled_from(sorted(BUILT_IN)),
    st.tuples(st.integers(72, 240), st.integers(20, 80), st.integers(0, 9)),
    st.lists(
        st.tuples(
            st.sampled_from(["choose", "move", "resize", "stack", "hide", "add", "graph", "grow"]), DIRECTIONS
        )
    ),
)
@settings(max_examples=120)
def test_whatever_keys_do_it_is_a_layout(
    name: str, size: tuple[int, int, int], steps: list[tuple[str, str]]
) -> None:
    width, height, gpus = size
    arranger = begun(width, height, gpus, name)
    for verb, direction in steps:
        if arranger.place is None:
            arranger.choose(direction)
        if verb in ("choose", "move", "resize"):
            getattr(arranger, verb)(direction)
        elif verb == "add" and (hidden := arranger.hidden()):
            arranger.add(hidden[0])
        elif verb == "graph" and len(arranger.plan.graphs) < 4:
            arranger.add_graph("heat", ["hw.gpu.temperature"])
        elif verb == "grow":
            width, height = (width + 60, height + 20) if direction in ("up", "left") else (72, 20)
            arranger.size(width, height)
        elif verb in ("stack", "hide"):
            getattr(arranger, verb)()
        check(arranger.plan, width, height, gpus, 0, 0, quiet=False)
    text = write.text(arranger.plan)
    assert tree(files.parse(name, text.encode(), "x.toml")) == tree(build(name, tree(arranger.plan)))
    assert tree(BUILT_IN[name]) == tree(files.load(FOLDER / f"{name}.toml")), "the original is left alone"


def test_a_panel_of_models_that_is_the_last_is_there_without_any() -> None:
    arranger = begun(72, 20, 0, "gpu")
    for name in ("gpus", "cpu", "memory", "processes"):
        arranger.selected = name
        assert arranger.hide() == ""
    assert [place.name for place in arranger.screen.places] == ["models"]
    check(arranger.plan, 72, 20, 0, 0, 0, quiet=False)
    assert arranger.hide() == "the last panel stays"


def test_arrows_choose_what_stands_there() -> None:
    arranger = begun()
    way = []
    for direction in ("right", "down", "down", "down", "left", "up", "left", "up"):
        arranger.choose(direction)
        way.append(arranger.selected)
    assert way == ["memory", "pressure", "gpus", "events", "processes", "disks", "disks", "cpu"]


def test_sizes() -> None:
    arranger = begun()
    before = places(arranger)
    assert arranger.resize("right") == ""
    after = places(arranger)
    assert after["cpu"][2] == before["cpu"][2] + 2
    assert after["memory"][2] == before["memory"][2] - 2
    arranger.resize("down")
    assert places(arranger)["cpu"][3] == before["cpu"][3] + 1
    assert places(arranger)["processes"][3] == before["processes"][3] - 1
    arranger.selected = "processes"
    arranger.resize("down")
    assert places(arranger)["processes"][3] == before["processes"][3]
    arranger.selected = "sources"
    lines = places(arranger)["sources"][3]
    arranger.resize("down")
    assert places(arranger)["sources"][3] == lines + 1
    words = ""
    for _ in range(60):
        words = arranger.resize("up")
    assert words == "no panel is lower than 3 lines"
    for _ in range(60):
        words = arranger.resize("left")
    assert words == "no panel is narrower than 16 columns"
    assert arranger.changed


def test_moving_a_panel_within_its_row_and_into_others() -> None:
    arranger = begun()
    arranger.move("right")
    assert places(arranger)["cpu"][0] > places(arranger)["memory"][0] == 0
    arranger.selected = "gpus"
    arranger.move("down")
    assert places(arranger)["gpus"][1] > places(arranger)["events"][1]
    arranger.move("left")
    assert places(arranger)["gpus"][3] == places(arranger)["processes"][3], "a column of its own"
    arranger.move("up")
    assert places(arranger)["gpus"][1] == places(arranger)["disks"][1]
    arranger.move("up")
    arranger.move("up")
    assert places(arranger)["gpus"][:3] == (0, 1, 120), "a row of its own at the top"
    arranger.move("down")
    assert places(arranger)["gpus"][1] == places(arranger)["cpu"][1]
    arranger.selected = "network"
    assert arranger.stack() == ""
    assert places(arranger)["network"][0] == places(arranger)["disks"][0]
    arranger.selected = "disks"
    assert "no column on its left" in arranger.stack()


def test_hidden_panels_can_come_back_and_the_last_one_stays() -> None:
    arranger = begun()
    words = ""
    for _ in range(20):
        words = arranger.hide()
    assert words == "the last panel stays"
    assert len(places(arranger)) == 1
    for name in arranger.hidden():
        arranger.add(name)
    assert arranger.hidden() == []


def fresh(tmp_path: Path, remembered: list[str] | None = None, **more: bool) -> WftopApp:
    layouts = Layouts(tmp_path / "layouts", FOLDER, "default", (remembered or []).append)
    if remembered is not None:
        layouts.remember = remembered.append
    view = WftopApp(load(THEME, TRUECOLOR), state=app().state, clock=Still(), layouts=layouts, **more)  # type: ignore[arg-type]  # only flags are passed on
    view.own_cpu = 0.004
    return view


async def test_a_layout_is_arranged_written_and_used(tmp_path: Path) -> None:
    remembered: list[str] = []
    view = fresh(tmp_path, remembered)
    async with view.run_test(size=(120, 40)) as pilot:
        await pilot.press("L", "right", "space")
        assert view.ui.focus == "disks"
        assert "memory" not in view.visible_panels()
        await pilot.press("2")
        assert view.ui.screen == "overview", "keys of screens wait"
        await pilot.press("w")
        assert view.ui.overlay == PROMPT
        assert view.ui.prompt is not None
        assert view.ui.prompt.value == "mine"
        await pilot.press("ctrl+u", *"default", "enter")
        assert "ships with wftop" in view.ui.prompt.error
        await pilot.press("ctrl+u", *"mine", "enter")
        assert view.ui.overlay == ""
        assert "written to" in view.ui.notice
        await pilot.press("escape")
        assert view.ui.arrange is None
        assert "memory" not in view.visible_panels()
        assert view.plan.name == "mine"
    assert remembered == ["mine"]
    assert "memory" not in files.load(tmp_path / "layouts" / "mine.toml").whens[5].names()
    assert (tmp_path / "layouts" / "mine.toml").stat().st_mode & 0o777 == 0o600
    assert "memory" in DEFAULT.whens[5].names()


async def test_leaving_asks_when_something_is_unsaved(tmp_path: Path) -> None:
    view = fresh(tmp_path)
    async with view.run_test(size=(120, 40)) as pilot:
        await pilot.press("L", "m", "right", "escape", "escape")
        assert view.ui.overlay == ASK
        await pilot.press("n")
        assert view.ui.arrange is not None
        await pilot.press("escape", "y")
        assert view.ui.arrange is None
        assert view.plan is DEFAULT
        await pilot.press("L", "escape")
        assert view.ui.arrange is None, "nothing changed: nothing is asked"


async def test_menus_add_panels_and_turn_options(tmp_path: Path) -> None:
    view = fresh(tmp_path)
    async with view.run_test(size=(120, 40)) as pilot:
        await pilot.press("L", "o", "enter", "escape")
        assert view.plan.options == {"cpu": {"cores": False}}
        shown = "\n".join("".join(text for text, _ in row) for row in view.current(120, 40).rows)
        assert "43 %" not in shown
        await pilot.press("space", "a", "enter")
        assert view.ui.focus == "cpu"
        assert view.visible_panels()[0] == "cpu"


@pytest.mark.parametrize("style", ["cards", "rows", "strip"])
def test_styles_of_the_gpu_panel(style: str) -> None:
    state = with_gpus_state(box(4))
    plan = build("x", {"rows": [{"panels": ["gpus"]}], "options": {"gpus": {"style": style}}})
    body = gpus.draw(scene(state)._replace(plan=plan), 190, 20)
    assert gpus.shape(boxes(state), 190, 20, style) == style
    assert body.rows


async def test_nothing_is_written_read_only(tmp_path: Path) -> None:
    view = fresh(tmp_path, readonly=True)
    async with view.run_test(size=(120, 40)) as pilot:
        await pilot.press("L", "w")
        assert "read-only" in view.ui.notice
    assert not (tmp_path / "layouts").exists()


async def test_small_terminals_are_not_arranged(tmp_path: Path) -> None:
    view = fresh(tmp_path)
    async with view.run_test(size=(60, 20)) as pilot:
        await pilot.press("L")
        assert view.ui.arrange is None
        assert "72 columns and 20 lines" in view.ui.notice


async def test_a_key_goes_through_the_layouts_and_an_edited_file_is_read_again(tmp_path: Path) -> None:
    view = fresh(tmp_path)
    async with view.run_test(size=(120, 40)) as pilot:
        await pilot.press("tab", "l")
        assert view.plan.name == sorted(BUILT_IN.keys() - {"default"})[0]
        own = tmp_path / "layouts"
        own.mkdir()
        (own / "mine.toml").write_text('rows = [{ panels = ["cpu"] }]')
        assert view.layouts is not None
        assert view.layouts.choose("mine") == ""
        view.arranged(view.layouts.plan)
        (own / "mine.toml").write_text('rows = [{ panels = ["cpu", "disks"] }]')
        view.layouts._due_ns = 0
        view.paint()
        assert view.visible_panels() == ["cpu", "disks"]
        (own / "mine.toml").write_text('rows = [{ panels = ["cpu", "dsks"] }]')
        view.layouts._due_ns = 0
        view.paint()
        assert view.visible_panels() == ["cpu", "disks"]
        assert "there is no panel 'dsks'; did you mean disks?" in view.ui.notice
        await pilot.press("tab", "e")
        assert view.ui.shown == "disks"
    assert EVERY_NS >= 10**9


@pytest.mark.parametrize("keys", [["right", "m"], ["right", "space", "a"]], ids=["moving", "add"])
def test_arranging(snap_compare, keys: list[str]) -> None:  # type: ignore[no-untyped-def]  # the plugin's fixture has no exported type
    assert snap_compare(app(), terminal_size=(120, 40), press=["L", *keys])


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=["80x24", "120x40", "200x50"])
@pytest.mark.parametrize("gpus", [0, 8])
@pytest.mark.parametrize("name", sorted(BUILT_IN.keys() - {"default"}))
def test_built_in(snap_compare, name: str, size: tuple[int, int], gpus: int) -> None:  # type: ignore[no-untyped-def]  # as above
    view = with_gpus(box(gpus)) if gpus else app()
    view.plan = BUILT_IN[name]
    assert snap_compare(view, terminal_size=size)
