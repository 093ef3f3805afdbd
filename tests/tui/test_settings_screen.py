"""The settings screen: it writes what `wftop config set` writes, and the running view takes it at once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from tests.tui.test_keys import screen_text
from tests.tui.test_snapshots import THEME, app
from wftui import config, paths, when
from wftui.render import palette, text
from wftui.tui.app import WftopApp
from wftui.tui.layouts.follow import Layouts
from wftui.tui.settings import model
from wftui.tui.theming import Configured


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = os.environ.get("TZ")
    yield
    text.prefer()
    palette.warm_at({})
    when.use_zone("local")
    assert os.environ.get("TZ") == before
    time.tzset()


def configured(*, ascii_only: bool = False) -> WftopApp:
    view = app(ascii_only=ascii_only)
    where = paths.places()
    view.configured = Configured(
        where, {"view.refresh_s": None}, "default", palette.TRUECOLOR, where.config_dir / "themes", THEME.parent
    )
    return view


def place(view: WftopApp, name: str) -> None:
    screen = view.ui.settings
    assert screen is not None
    screen.place = [key.name for key in screen.keys].index(name)


async def test_choices_are_cycled_and_written() -> None:
    view = configured()
    async with view.run_test(size=(120, 40)) as pilot:
        await pilot.press("f2")
        assert view.ui.shown == "settings"
        place(view, "view.temperature")
        await pilot.press("enter")
        assert view.ui.notice == "view.temperature = fahrenheit, at once"
        assert text.celsius(100.0) == "212 °F"
        assert config.load(paths.places()).text("view.temperature") == "fahrenheit"
        await pilot.press("u")
        assert view.ui.notice == "view.temperature = celsius (default), at once"
        assert text.celsius(100.0) == "100 °C"
        place(view, "recorder.signals")
        await pilot.press("enter")
        assert view.ui.notice == "recorder.signals = false, from the next start of the recorder"
        assert not config.load(paths.places()).flag("recorder.signals")
        await pilot.press("escape")
        assert view.ui.shown == ""


async def test_a_typed_value_is_checked_first() -> None:
    view = configured()
    async with view.run_test(size=(120, 40)) as pilot:
        await pilot.press("f2")
        place(view, "view.refresh_s")
        await pilot.press("enter")
        prompt = view.ui.prompt
        assert prompt is not None
        assert prompt.value == "1"
        await pilot.press("ctrl+u", "0", "enter")
        assert prompt.error == "view.refresh_s: expected a number from 0.25 to 60, got 0.0"
        assert not paths.places().settings_file.exists()
        await pilot.press("ctrl+u", "5", "enter")
        assert (view.refresh_s, view.ui.overlay) == (5.0, "")
        assert config.load(paths.places()).number("view.refresh_s") == 5.0


async def test_a_theme_is_worn_at_once() -> None:
    view = configured()
    async with view.run_test(size=(120, 40)) as pilot:
        before = view.inks
        await pilot.press("T")
        assert view.inks is not before
        assert view.worn == "deutan"
        assert not paths.places().settings_file.exists(), "T is for now; Enter on the screen keeps it"
        await pilot.press("f2", "f2", "f2")
        place(view, "view.theme")
        await pilot.press("enter")
        assert config.load(paths.places()).text("view.theme") == view.worn == "deutan"


async def test_bytes_are_shown_and_typed_in_their_unit() -> None:
    view = configured()
    async with view.run_test(size=(120, 40)) as pilot:
        await pilot.press("f2")
        place(view, "store.max_bytes")
        await pilot.press("enter")
        assert view.ui.prompt is not None
        assert view.ui.prompt.value == "1 GiB"
        await pilot.press("backspace", "backspace", "backspace", "M", "B", "enter")
        assert view.ui.prompt.error.startswith("store.max_bytes: expected bytes like 500000000 or '1 GiB'")
        await pilot.press("ctrl+u", "2", "G", "B", "enter")
        assert config.load(paths.places()).whole("store.max_bytes") == 2 * 10**9
        assert view.ui.notice == "store.max_bytes = 2000000000, from the next start of the recorder"


async def test_a_layout_is_shown_at_once_and_a_wrong_one_is_not_written() -> None:
    view = configured()
    view.layouts = Layouts(paths.places().config_dir / "layouts", paths.resources("layouts"), "default")
    async with view.run_test(size=(120, 40)) as pilot:
        await pilot.press("f2")
        place(view, "view.layout")
        await pilot.press("enter", "ctrl+u", *"nothing", "enter")
        assert view.ui.notice_role == "bad"
        assert not paths.places().settings_file.exists()
        await pilot.press("enter", "ctrl+u", *"minimal", "enter")
        assert view.plan is view.layouts.plan
        assert view.plan.name == "minimal"
        assert config.load(paths.places()).text("view.layout") == "minimal"


async def test_a_read_only_view_changes_nothing() -> None:
    view = configured()
    view.readonly = True
    async with view.run_test(size=(80, 24)) as pilot:
        await pilot.press("f2", "enter")
        assert "read-only" in view.ui.notice
        assert not paths.places().settings_file.exists()


async def test_a_variable_that_wins_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WFTOP_VIEW_BYTES", "binary")
    view = configured()
    async with view.run_test(size=(80, 24)) as pilot:
        await pilot.press("f2")
        place(view, "view.bytes")
        await pilot.press("enter")
        assert view.ui.notice == "written, but WFTOP_VIEW_BYTES says otherwise and wins"


async def test_a_broken_file_opens_nothing() -> None:
    where = paths.places()
    where.config_dir.mkdir(mode=0o700, parents=True)
    where.config_file.write_text("[view]\nthme = 1\n")
    view = configured()
    async with view.run_test(size=(80, 24)) as pilot:
        await pilot.press("f2")
        assert view.ui.shown == ""
        assert "config.toml:2: unknown key view.thme" in view.ui.notice


def test_every_setting_is_on_the_screen_and_says_when_it_holds() -> None:
    keys = [key.name for key in model.ordered()]
    assert sorted(keys) == sorted(config.KEYS)
    assert {name for name in model.AT_ONCE if name not in config.KEYS} == set()
    assert model.holds("store.max_bytes") == "from the next start of the recorder"
    assert model.holds("view.colors") == "from the next start of the view"


async def test_motion_and_graphs_follow_at_once() -> None:
    app = configured()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f2")
        for name, key, value in (("view.graphs", "graphs", "sweep"), ("view.motion", "mode", "reduced")):
            while app.ui.settings is not None and app.ui.settings.key.name != name:
                await pilot.press("down")
            while (app.motion.mode if key == "mode" else app.graphs) != value:
                await pilot.press("enter")
        assert app.sweeps
        assert app.scene().sweep


async def test_the_panels_are_arranged_from_here() -> None:
    app = configured()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f2")
        assert "L arrange" in screen_text(app).splitlines()[-1]
        await pilot.press("L")
        assert app.ui.arrange is not None
        assert "ARRANGE" in screen_text(app)
