"""A theme that is edited while the view runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tui.fake import full
from wftui import paths
from wftui.render.palette import TRUECOLOR, Palette, load
from wftui.tui.app import WftopApp
from wftui.tui.theming import EVERY_NS, Theming

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
