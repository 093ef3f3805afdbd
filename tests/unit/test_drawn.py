"""Frames of the view as SVG: cells keep their places, and no word becomes markup."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from wftui import paths
from wftui.render import drawn, palette

_NS = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def colors() -> palette.Palette:
    return palette.load(paths.resources("themes") / "default.toml", palette.TRUECOLOR)


def picture(rows: list[list[drawn.Segment]], colors: palette.Palette) -> ElementTree.Element:
    return ElementTree.fromstring(drawn.svg(rows, 20, colors, "<title>"))  # noqa: S314  ours


def test_pieces_stand_where_their_cells_are(colors: palette.Palette) -> None:
    root = picture([[("  cpu ", "cpu"), ("100 %", "bad"), ("         ", "text")], [("日本", "text")]], colors)
    first, second, wide = root.iter(f"{_NS}text")
    assert (first.text, second.text, wide.text) == ("cpu", "100 %", "日本")
    left = float(first.get("x", "")) - 2 * drawn.CELL[0]
    assert float(second.get("x", "")) == left + 6 * drawn.CELL[0]
    assert float(first.get("textLength", "")) == 3 * drawn.CELL[0]
    assert float(wide.get("textLength", "")) == 4 * drawn.CELL[0]
    assert float(wide.get("y", "")) - float(first.get("y", "")) == drawn.CELL[1]


def test_words_stay_words(colors: palette.Palette) -> None:
    root = picture([[("</text><script>", "text"), ("\x1b[31m&", "bad")]], colors)
    shown = "".join(item.text or "" for item in root.iter(f"{_NS}text"))
    assert shown == "</text><script>\\x1b[31m&"
    assert {item.tag.removeprefix(_NS) for item in root.iter()} == {"svg", "title", "style", "rect", "text"}
    assert root.findtext(f"{_NS}title") == "<title>"


def test_grounds_and_reversed_ink(colors: palette.Palette) -> None:
    plain = picture([[("abc", "text")]], colors)
    chosen = picture([[("abc", "select")]], colors)
    assert len(list(chosen.iter(f"{_NS}rect"))) == len(list(plain.iter(f"{_NS}rect"))) + 1


def test_nothing_is_fetched(colors: palette.Palette) -> None:
    made = drawn.svg([[("x", "text")]], 1, colors, "t")
    assert made.count(b"http") == 1  # the name of the format
    assert b"url(" not in made
