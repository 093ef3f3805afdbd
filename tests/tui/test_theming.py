"""A theme that is edited while the view runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tui.fake import full
from wftui import paths
from wftui.render.palette import TRUECOLOR, Palette, load
from wftui.tui.app import WftopApp
from wftui.tui.theming import EVERY_NS, Theming, begin

BUILT_IN = paths.resources("themes")


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_bytes((BUILT_IN / "ember.toml").read_bytes())
    os.utime(path, ns=(1, 1))
    return path


def edit(path: Path, old: str, new: str, stamp: int) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    os.utime(path, ns=(stamp, stamp))


def test_a_change_is_told_once_and_an_error_with_its_words(mine: Path) -> None:
    theming = Theming(mine, TRUECOLOR)
    assert theming.look(0) is None
    edit(mine, "#8fb573", "#00ff00", 2)
    assert theming.look(EVERY_NS // 2) is None, "once a second is enough"
    found = theming.look(EVERY_NS)
    assert isinstance(found, Palette)
    assert found.live["good"].foreground == (0, 255, 0)
    assert theming.look(2 * EVERY_NS) is None
    edit(mine, "good = ", "god = ", 3)
    assert "colors.god: no such colour; did you mean good?" in str(theming.look(3 * EVERY_NS))
    mine.unlink()
    assert theming.look(4 * EVERY_NS) is None, "an editor that replaces it"


def test_a_broken_theme_does_not_keep_the_view_from_starting(mine: Path) -> None:
    edit(mine, "good = ", "god = ", 3)
    line = next(number for number, line in enumerate(mine.read_text().split("\n"), 1) if "god = " in line)
    found = begin("mine", mine.parent, BUILT_IN, TRUECOLOR)
    assert found.colors == load(BUILT_IN / "default.toml", TRUECOLOR)
    assert (
        found.trouble == f"theme mine.toml:{line}: colors.god: no such colour; did you mean good?; this is default"
    )
    # Who mends it sees it.
    assert found.file == mine
    theming = Theming(found.file, TRUECOLOR)
    edit(mine, "god = ", "good = ", 4)
    assert isinstance(theming.look(EVERY_NS), Palette)
    assert begin("mine", mine.parent, BUILT_IN, TRUECOLOR).trouble == ""


def test_what_is_shown_instead_fits_the_terminal(mine: Path) -> None:
    edit(mine, 'background = "dark"', 'background = "light"', 3)
    edit(mine, "[colors]", "[colors", 4)
    found = begin("mine", mine.parent, BUILT_IN, TRUECOLOR)
    assert found.colors == load(BUILT_IN / "day.toml", TRUECOLOR)
    assert found.trouble.endswith("; this is day")
    own = mine.rename(mine.with_name("frost.toml"))
    found = begin("frost", mine.parent, BUILT_IN, TRUECOLOR)
    assert (found.file, found.colors) == (own, load(BUILT_IN / "frost.toml", TRUECOLOR))


@pytest.mark.parametrize("name", ["nocturn", "../day", ""])
def test_a_theme_that_is_not_there_is_the_default_one(name: str, tmp_path: Path) -> None:
    found = begin(name, tmp_path, BUILT_IN, TRUECOLOR, "config.toml:3")
    assert found.colors == load(BUILT_IN / "default.toml", TRUECOLOR)
    assert found.file == BUILT_IN / "default.toml"
    assert found.trouble.startswith("config.toml:3: view.theme: ")


async def test_the_view_takes_new_colours_and_keeps_the_last_good_ones(mine: Path) -> None:
    theming = Theming(mine, TRUECOLOR)
    view = WftopApp(load(mine, TRUECOLOR), state=full(), theming=theming)
    async with view.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        before = view.inks
        edit(mine, "#8fb573", "#00ff00", 2)
        theming._due_ns = 0
        view.paint()
        assert view.inks is not before
        await pilot.pause()
        assert "#00ff00" in view.export_screenshot().lower()
        good = view.inks
        edit(mine, "[colors]", "[colors", 3)
        theming._due_ns = 0
        view.paint()
        assert view.inks is good
        assert "mine.toml" in view.ui.notice
