"""The themes: complete, legible on their ground, and their meanings apart for eyes that see fewer colours."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui import paths
from wftui.errors import ConfigError
from wftui.render import themes
from wftui.render.palette import DEPTHS, HEAT_STEPS, TRUECOLOR, Palette, heat, load

FOLDER = paths.resources("themes")
NAMES = sorted(path.stem for path in FOLDER.glob("*.toml"))
GROUNDS = {"dark": ("#000000", "#1e1e2e"), "light": ("#ffffff", "#fdf6e3")}
"""What such terminals have behind the text."""
Color = tuple[float, float, float]

# Source: Machado, Oliveira and Fernandes 2009, a physiologically-based model for simulation of colour vision
# deficiency; severity 1.0, for linear RGB.
SIGHT = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900),
    ),
}  # fmt: skip
MADE_FOR = {"deutan": ("protanopia", "deuteranopia"), "tritan": ("tritanopia",)}
PAIRS = (
    ("good", "warn"), ("warn", "bad"), ("good", "bad"), ("read", "write"), ("receive", "transmit"),
    ("user", "system"), ("user", "wait"), ("heat0", "heat8"), ("heat8", "heat15"), ("heat0", "heat15"),
)  # fmt: skip
"""Roles whose difference says something."""
APART = 0.09
"""In OKLab (Ottosson 2020). 0.02 is a difference that is just seen side by side."""


def rgb(role: str, palette: Palette) -> Color:
    value = palette.live[role].foreground
    assert isinstance(value, tuple), role
    red, green, blue = (part / 255 for part in value)
    return red, green, blue


def linear(color: Color) -> Color:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color)
    return red, green, blue


def seen(color: Color, sight: str) -> Color:
    """Linear RGB as such eyes see it."""
    plain = linear(color)
    red, green, blue = (
        min(1.0, max(0.0, sum(weight * part for weight, part in zip(row, plain, strict=True))))
        for row in SIGHT[sight]
    )
    return red, green, blue


def oklab(color: Color) -> Color:
    """Source: Ottosson, a perceptual color space for image processing."""
    red, green, blue = color
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    middle = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def apart(one: str, other: str, palette: Palette, sight: str) -> float:
    return math.dist(oklab(seen(rgb(one, palette), sight)), oklab(seen(rgb(other, palette), sight)))


def luminance(color: Color) -> float:
    red, green, blue = linear(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color, other: Color) -> float:
    """Source: WCAG 2.2, contrast ratio."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def parsed(code: str) -> Color:
    red, green, blue = (int(code[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def test_there_are_themes_for_every_room_and_eye() -> None:
    grounds = [themes.background(FOLDER / f"{name}.toml") for name in NAMES]
    assert len(NAMES) >= 8
    assert grounds.count("light") >= 2
    assert {"default", "contrast", *MADE_FOR} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_theme_has_every_role_at_every_depth(name: str) -> None:
    roles = load(FOLDER / "default.toml", TRUECOLOR).live.keys()
    for depth in DEPTHS:
        assert load(FOLDER / f"{name}.toml", depth).live.keys() == roles


@pytest.mark.parametrize("name", NAMES)
def test_it_is_legible_on_its_ground(name: str) -> None:
    palette = load(FOLDER / f"{name}.toml", TRUECOLOR)
    least = {"good": 4.5, "warn": 4.5, "bad": 4.5, "mark": 4.5, "past": 4.5, "dim": 4.5, "faint": 2.5}
    if name == "contrast":
        least = dict.fromkeys(least, 7.0)
    least |= {role: 3.0 for role in palette.live if role.endswith(".title")}
    least |= {f"heat{step}": 3.0 for step in range(HEAT_STEPS)}
    for ground in GROUNDS[themes.background(FOLDER / f"{name}.toml")]:
        for role, ratio in least.items():
            found = contrast(rgb(role, palette), parsed(ground))
            assert found >= ratio, f"{role} on {ground}: {found:.2f}"


@pytest.mark.parametrize("name", NAMES)
def test_meanings_are_apart(name: str) -> None:
    palette = load(FOLDER / f"{name}.toml", TRUECOLOR)
    for sight in ("normal", *MADE_FOR.get(name, ())):
        for one, other in PAIRS:
            found = apart(one, other, palette, sight)
            assert found >= APART, f"{one} and {other} for {sight}: {found:.3f}"


@pytest.mark.parametrize("name", NAMES)
def test_neighbours_on_the_scale_of_heat_are_steps_not_jumps(name: str) -> None:
    palette = load(FOLDER / f"{name}.toml", TRUECOLOR)
    for low, high in pairwise(range(HEAT_STEPS)):
        assert apart(f"heat{low}", f"heat{high}", palette, "normal") < 0.12
    assert heat(1.0) == f"heat{HEAT_STEPS - 1}"


def test_a_theme_of_ones_own_comes_first(tmp_path: Path) -> None:
    (tmp_path / "day.toml").write_text((FOLDER / "ember.toml").read_text())
    (tmp_path / "mine.toml").write_text((FOLDER / "ember.toml").read_text())
    assert themes.find("day", tmp_path, FOLDER) == tmp_path / "day.toml"
    assert themes.find("ember", tmp_path, FOLDER) == FOLDER / "ember.toml"
    assert themes.names(tmp_path / "none", FOLDER) == NAMES
    assert themes.names(tmp_path, FOLDER) == sorted({*NAMES, "mine"})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("deutn", "there is no theme 'deutn'; did you mean deutan?"),
        ("xyz", "there is no theme 'xyz'; known are contrast, day, default"),
        ("../day", "a theme is named by letters, digits, - and _, got '../day'"),
        ("", "a theme is named by letters, digits, - and _, got ''"),
    ],
)
def test_a_theme_that_is_not_there_is_named(name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        themes.find(name, tmp_path, FOLDER)
    assert words in str(caught.value)
    assert str(caught.value).startswith("view.theme: ")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('dim = "', 'dim = "blue ', "colors.dim: expected a colour like '#8b949e white', got 'blue #"),
        ("faint = ", "feint = ", "colors.feint: no such colour; did you mean faint?"),
        ('background = "dark"', 'background = "grey"', "background: expected 'dark' or 'light', got 'grey'"),
        ("stops = [\n", "stops = [1,\n", "heat.stops: expected [share, colour] pairs from 0.0 to 1.0"),
        ("[0.35,", "[0.95,", "heat.stops: expected [share, colour] pairs from 0.0 to 1.0"),
        ("[0.35,", "[nan,", "heat.stops: expected [share, colour] pairs from 0.0 to 1.0"),
        ('[0.35, "#', '[0.35, "##', "heat.stops: expected a colour like '#8b949e white', got '##"),
        ('good = "#', 'good = "#zz', "colors.good: expected a colour like '#8b949e white', got '#zz"),
        ("faint = ", "# = ", "colors: faint is missing, expected a colour like '#8b949e white'"),
        ("[colors]", "[colors", "not TOML: Expected ']' at the end of a table declaration"),
        ('dim = "', 'dim = "\udc80', "expected UTF-8, got byte 0x80"),
    ],
)
def test_a_broken_theme_says_where(old: str, new: str, words: str, tmp_path: Path) -> None:
    text = (FOLDER / "ember.toml").read_text()
    assert old in text
    file = tmp_path / "mine.toml"
    changed = text.replace(old, new, 1)
    file.write_text(changed, errors="surrogateescape")
    with pytest.raises(ConfigError) as caught:
        load(file, TRUECOLOR)
    assert words in str(caught.value)
    # A colour that is missing is missed in its table.
    meant = "[colors]" if "is missing" in words else "stops = [" if "pairs" in words else new.rstrip()
    line = next(number for number, line in enumerate(changed.split("\n"), 1) if meant in line)
    assert str(caught.value).startswith(f"theme {file}:{line}: ")


@pytest.mark.parametrize(
    "text", ["", "colors = 1", "[colors]\n", "heat = 3", "background = 1", "[[[", "x = " + "[" * 9000]
)
def test_whatever_the_file_is_the_error_names_a_line(text: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"mine\.toml:\d+: .*(expected|not TOML)"):
        load(file, TRUECOLOR)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_theme_or_our_error(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    file = tmp_path_factory.mktemp("themes") / "mine.toml"
    file.write_bytes(raw)
    with pytest.raises(ConfigError):
        load(file, TRUECOLOR)
