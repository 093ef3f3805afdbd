"""Every screen at four sizes, each in true colours, in 16, without colours and in ASCII.

A picture's text and roles are compared with its sheet in ``sheets/``; then it is painted at each depth, and what
the terminal shows has to be that text in the inks of those roles. ``--snapshot-update`` writes the sheets anew.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.tui import sheet
from tests.tui.screens import SCREENS
from tests.tui.test_snapshots import THEME
from wftui.render.palette import ANSI, MONO, TRUECOLOR, load
from wftui.text import width as columns
from wftui.tui.compose import Picture
from wftui.tui.paint import Painter

SIZES = ((80, 24), (120, 40), (200, 50), (40, 12))
SHEETS = Path(__file__).parent / "sheets"
PALETTES = {depth: load(THEME, depth) for depth in (TRUECOLOR, ANSI, MONO)}


async def pictures(name: str) -> AsyncIterator[tuple[Picture, bool]]:
    """A screen at each size, in UTF-8 and in ASCII: opened once, then the terminal is resized."""
    screen = SCREENS[name]
    view = screen.make()
    async with view.run_test(size=SIZES[0]) as pilot:
        await screen.open(pilot, view)
        for size in SIZES:
            await pilot.resize_terminal(*size)
            for ascii_only in (False, True):
                view.ascii_only = ascii_only
                view.paint()
                await screen.rest(pilot)
                view.paint()
                assert view.picture is not None
                assert (view.picture.width, view.picture.height) == size
                yield view.picture, ascii_only
        view.leave()


def check_painted(picture: Picture, depth: str) -> None:
    """What is written to the terminal is the picture, and in no more colours than this depth has."""
    palette = PALETTES[depth]
    data = Painter(palette).whole(picture)
    shown = sheet.on_terminal(data, picture.width, picture.height)
    assert sheet.seen(shown) == sheet.seen(sheet.expected(picture, palette))
    for code in set(re.findall(r"\x1b\[([\d;]*)m", data)):
        parts = set(code.split(";"))
        if depth == MONO:
            assert parts <= {"0", "1", "2", "7"}, code
        if depth == ANSI:
            assert not parts & {"38", "48"}, code


@pytest.mark.parametrize("name", SCREENS)
async def test_screen(name: str, request: pytest.FixtureRequest) -> None:
    written = []
    async for picture, ascii_only in pictures(name):
        width, height = picture.width, picture.height
        written += [f"== {width}x{height}{' ascii' * ascii_only}", *sheet.lines(picture)]
        assert len(picture.rows) == height
        for row in picture.rows:
            assert sum(columns(text) for text, _ in row) == width
            assert not ascii_only or all(text.isascii() for text, _ in row)
        for depth in (MONO,) if ascii_only else PALETTES:
            check_painted(picture, depth)
    compare(name, written, request)


def test_inks_of_the_default_theme(request: pytest.FixtureRequest) -> None:
    compare("inks", list(sheet.inks(PALETTES)), request)


def test_every_sheet_is_of_a_screen() -> None:
    assert {path.stem for path in SHEETS.iterdir()} == {*SCREENS, "inks"}


def compare(name: str, written: list[str], request: pytest.FixtureRequest) -> None:
    """Against the sheet of this name, or write that."""
    path = SHEETS / f"{name}.txt"
    if request.config.getoption("update_snapshots"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(written) + "\n", encoding="utf-8")
    assert written == path.read_text(encoding="utf-8").splitlines()
