"""The palette: every depth has every role, and speaks only the codes of its depth."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wftui import paths
from wftui.errors import ConfigError
from wftui.render import palette

THEME = paths.resources("themes") / "default.toml"
ALLOWED = {
    palette.TRUECOLOR: r"1|2|7|[34]8;2;\d+;\d+;\d+",
    palette.INDEXED: r"1|2|7|[34]8;5;\d+",
    palette.ANSI: r"1|2|7|3\d|9\d|4\d|10\d",
    palette.MONO: r"1|2|7",
}


@pytest.mark.parametrize("depth", palette.DEPTHS)
def test_a_depth_uses_only_its_own_codes(depth: str) -> None:
    inks = palette.load(THEME, depth)
    code = re.compile(rf"(?:(?:{ALLOWED[depth]})(?:;(?!$)|$))*")
    for ink in (*inks.live.values(), *inks.stale.values()):
        assert code.fullmatch(ink.sgr), ink


def test_all_depths_have_the_same_roles() -> None:
    roles = {frozenset(palette.load(THEME, depth).live) for depth in palette.DEPTHS}
    assert len(roles) == 1
    assert set(palette.load(THEME, palette.MONO).stale) == set(next(iter(roles)))


def test_the_cursor_shows_without_colour() -> None:
    for depth in (palette.ANSI, palette.MONO):
        assert palette.load(THEME, depth).live["select"].reverse


@pytest.mark.parametrize(("ratio", "role"), [(0.0, "heat0"), (0.5, "heat8"), (1.0, "heat15"), (7.0, "heat15")])
def test_heat(ratio: float, role: str) -> None:
    assert palette.heat(ratio) == role


def test_heat_of_the_unknown_is_no_temperature() -> None:
    assert palette.heat(float("nan")) == "dim"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('good = "#4fc08d green"', 'good = "green"', "expected a colour"),
        ('good = "#4fc08d green"', "", "good is missing"),
        ("[heat]", "[warmth]", "heat.stops: expected"),
        ("[colors]", "[colors", "default.toml"),
    ],
)
def test_a_broken_theme_says_what_is_wrong(tmp_path: Path, old: str, new: str, said: str) -> None:
    broken = tmp_path / "default.toml"
    broken.write_text(THEME.read_text().replace(old, new, 1))
    with pytest.raises(ConfigError, match=re.escape(said)):
        palette.load(broken, palette.TRUECOLOR)
