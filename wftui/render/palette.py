"""Colours by meaning: a theme and a colour depth to the escape codes of each role.

A role is a name that drawing code uses (``dim``, ``warn``, ``heat7``); an ``Ink`` is what a terminal needs to
show it. State is never an ink alone: in ``mono`` only bold, dim and reverse are left.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wftui import toml
from wftui.errors import ConfigError
from wftui.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

TRUECOLOR: Final = "truecolor"
INDEXED: Final = "256"
ANSI: Final = "16"
MONO: Final = "mono"
DEPTHS: Final = (TRUECOLOR, INDEXED, ANSI, MONO)
HEAT_STEPS: Final = 16
"""Roles ``heat0`` (cool) to ``heat15`` (warm): few enough that neighbours often share one escape code."""
GLOW_STEPS: Final = 8
"""Roles ``glow0`` (dark) to ``glow7`` (bright) of one colour: how much energy something has."""

_NAMES: Final = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_DEFAULT: Final = -1
_BOLD: Final = frozenset({"strong", "bad", "mark", "past"})
_DIM_IN_MONO: Final = frozenset({"dim", "faint", "frame", "past_frame", "glow0", "glow1", "glow2"})
_ACCENTS: Final = (
    "cpu",
    "memory",
    "disks",
    "network",
    "pressure",
    "processes",
    "gpus",
    "events",
    "sources",
    "timeline",
    "models",
)
_LINES: Final = (
    *_ACCENTS,
    "read",
    "write",
    "receive",
    "transmit",
    "user",
    "system",
    "wait",
    "steal",
    "prompt",
    "generation",
)
"""Colours that a line in a graph may have; the band behind it has the role ``<name>.band``."""
_LATER: Final = {"models": "events", "prompt": "receive", "generation": "transmit"}
"""Colours that a theme need not have: what has the same part in it. Tokens come in and go out as bytes do."""
_BAND: Final = 0.55
"""Share of a line's brightness that its band has."""
_REQUIRED: Final = ("text", "dim", "faint", "frame", "frame_focus", "select", "good", "warn", "bad")
_KNOWN: Final = (*_REQUIRED, "strong", "mark", "past", "past_frame", "past_frame_focus", *_LINES)
_STOPS: Final = "expected [share, colour] pairs from 0.0 to 1.0, shares rising"
_HEX: Final = re.compile(r"#[0-9A-Fa-f]{6}")
_TITLES: Final = tuple(f"{accent}.title" for accent in _ACCENTS)


class Ink(NamedTuple):
    """How one role is shown."""

    sgr: str
    """Parameters of ``CSI … m`` after a reset; an empty text means none."""
    foreground: int | tuple[int, int, int]
    """-1: the terminal's own; an index of the 256 colours; or red, green, blue."""
    background: int | tuple[int, int, int] = _DEFAULT
    bold: bool = False
    dim: bool = False
    reverse: bool = False


class _Color(NamedTuple):
    rgb: tuple[int, int, int] | None
    ansi: int
    """0..15, -1: the terminal's own."""


class Palette(NamedTuple):
    """The inks of every role, live and stale."""

    depth: str
    live: dict[str, Ink]
    stale: dict[str, Ink]
    """The same roles when what is shown is no longer so: no colour, dim."""


WARM: Final = (0.65, 0.85)
"""Where the heat scale says *look* and *act*: yellow and orange in the default theme."""
SCALES: Final = ("cpu", "memory", "disk", "gpu", "temperature", "power")
"""What has shares of its own for these two; of temperature it is the way from cool to its limit."""
_shares: dict[str, tuple[float, float]] = {}


def warm_at(shares: Mapping[str, tuple[float, float]]) -> None:
    """Say per scale from which shares on a value looks as warm as ``WARM``; a scale left out is as it ever was."""
    _shares.clear()
    for scale, (warn, critical) in shares.items():
        if (warn, critical) != WARM:
            _shares[scale] = warn, max(warn, critical)


def heat(ratio: float, scale: str = "") -> str:
    """The role for a share of a scale, by the scale's own limits if it has some; unknown is ``dim``."""
    if ratio != ratio:
        return "dim"
    if _shares:
        ratio = bent(ratio, scale)
    return f"heat{min(HEAT_STEPS - 1, int(min(1.0, max(0.0, ratio)) * HEAT_STEPS))}"


def bent(ratio: float, scale: str) -> float:
    """The share that looks as warm by itself as this one does by the limits of its scale."""
    if scale not in _shares:
        return ratio
    warn, critical = _shares[scale]
    if ratio < warn:
        return ratio * WARM[0] / warn
    if ratio < critical:
        return WARM[0] + (ratio - warn) / (critical - warn) * (WARM[1] - WARM[0])
    return WARM[1] + (ratio - critical) / max(1e-9, 1 - critical) * (1 - WARM[1])


def warm_from(scale: str, usual: float) -> float:
    """The share from which on a figure that is plain below has its heat: as chosen, else ``usual``."""
    return _shares[scale][0] if scale in _shares else usual


def load(path: Path, depth: str) -> Palette:
    """Read a theme.

    Raises:
        ConfigError: The file cannot be read, or a value is not what the default theme shows; names file and line,
            and says what was expected.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"theme {path}: cannot be read: {error.strerror}") from error
    try:
        theme = tomllib.loads(raw.decode())
    except (ValueError, RecursionError) as error:
        fault = toml.fault(raw, error)
        raise ConfigError(f"theme {path}:{fault.line}: {clean(fault.words, 300)}") from error
    try:
        colors, scale = _read(theme)
    except ValueError as error:
        words = str(error)
        raise ConfigError(f"theme {path}:{_line_of(raw.decode(), words)}: {clean(words, 300)}") from error
    # A theme made before there was a past to look at: its warning colour stands out from live frames.
    for name in ("past", "past_frame", "past_frame_focus"):
        colors.setdefault(name, colors["warn"])
    for step in range(HEAT_STEPS):
        colors[f"heat{step}"] = _blend(scale, step / (HEAT_STEPS - 1))
    glows = [(0.0, colors["faint"]), (1.0, colors.get("generation", colors["models"]))]
    for step in range(GLOW_STEPS):
        colors[f"glow{step}"] = _blend(glows, step / (GLOW_STEPS - 1))
    return _palette(colors, depth)


def _line_of(source: str, words: str) -> int:
    """The line that ``section.key: …, got 'value'`` is about; at worst that of the section, or the first."""
    key = words.partition(":")[0]
    first = toml.line_of(source, key) or toml.line_of(source, key.partition(".")[0]) or 1
    value = re.search(r"got '(.*)'$", words)
    if value is not None:
        # Of a list over several lines the line with the value is meant.
        lines = source.split("\n")
        return next((at for at in range(first, len(lines) + 1) if value[1] in lines[at - 1]), first)
    return first


def _read(theme: dict[str, Any]) -> tuple[dict[str, _Color], list[tuple[float, _Color]]]:  # Any: what TOML can say
    """Colours by name, and the stops of the heat scale.

    Raises:
        ValueError: ``key: what is wrong``.
    """
    ground = theme.get("background", "dark")
    if ground not in ("dark", "light"):
        raise ValueError(f"background: expected 'dark' or 'light', got {ground!r}")
    table, heated = theme.get("colors"), theme.get("heat")
    if not isinstance(table, dict):
        raise ValueError("colors: expected a table [colors]")  # noqa: TRY004  a mistake in a file, as the others
    stops = heated.get("stops") if isinstance(heated, dict) else None
    if not isinstance(stops, list) or len(stops) < 2:
        raise ValueError(f"heat.stops: {_STOPS}")
    colors = {}
    for name, value in table.items():
        if name not in _KNOWN:
            import difflib  # only a mistake needs it

            near = difflib.get_close_matches(name, _KNOWN, n=1)
            raise ValueError(f"colors.{name}: no such colour" + (f"; did you mean {near[0]}?" if near else ""))
        colors[name] = _named(f"colors.{name}", value)
    for name, like in _LATER.items():
        if like in colors:
            colors.setdefault(name, colors[like])
    for required in (*_REQUIRED, *_ACCENTS):
        if required not in colors:
            raise ValueError(f"colors: {required} is missing, expected a colour like '#8b949e white'")
    if not all(isinstance(stop, list) and len(stop) == 2 for stop in stops):
        raise ValueError(f"heat.stops: {_STOPS}")
    shares = [float(share) for share, _ in stops if isinstance(share, int | float)]
    known = len(shares) == len(stops) and all(0.0 <= share <= 1.0 for share in shares)  # not-a-number is neither
    if not known or shares != sorted(shares) or (shares[0], shares[-1]) != (0.0, 1.0):
        raise ValueError(f"heat.stops: {_STOPS}")
    return colors, [(share, _named("heat.stops", value)) for share, (_, value) in zip(shares, stops, strict=True)]


def _named(key: str, value: object) -> _Color:
    try:
        return _color(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(f"{key}: expected a colour like '#8b949e white', got {value!r}") from None


def _palette(colors: dict[str, _Color], depth: str) -> Palette:
    live: dict[str, Ink] = {}
    stale: dict[str, Ink] = {}
    faded = colors["faint"]
    for name, color in colors.items():
        if name == "select":
            continue
        bold = name in _BOLD or (name.startswith("heat1") and depth == MONO and name >= "heat13")
        bold = bold or (depth == MONO and name in ("glow6", "glow7"))
        live[name] = _ink(color, depth, bold=bold, dim=name in _DIM_IN_MONO)
        stale[name] = _ink(faded, depth, dim=True)
    for accent, title in zip(_ACCENTS, _TITLES, strict=True):
        live[title] = _ink(colors[accent], depth, bold=True)
        stale[title] = _ink(faded, depth, dim=True)
    for name in _LINES:
        if name in colors:
            live[f"{name}.band"] = _ink(_darker(colors[name]), depth, dim=True)
            stale[f"{name}.band"] = _ink(faded, depth, dim=True)
    shade = colors["select"]
    live["select"] = _ink(colors["text"], depth, bold=True, shade=shade)
    stale["select"] = live["select"]
    # A line down a graph: on a soft ground where there is one, or else only brighter.
    ground = shade if depth in (TRUECOLOR, INDEXED) else None
    live["crosshair"] = _ink(colors["text"], depth, bold=True, shade=ground)
    stale["crosshair"] = live["crosshair"]
    for name in ("bad", "warn", "mark"):
        # What is to be seen at once: the colour as the ground, at any depth.
        found = _ink(colors.get(name, colors["warn"]), depth, bold=True)
        codes = ";".join(["1", "7", *_codes(found.foreground, depth, 30)])
        live[f"banner.{name}"] = stale[f"banner.{name}"] = found._replace(sgr=codes, reverse=True)
    live["cursor"] = live["key"] = _ink(colors["text"], depth, bold=True)
    live["cursor"] = Ink("1;7", _DEFAULT, bold=True, reverse=True)
    stale["cursor"], stale["key"] = live["cursor"], live["key"]
    return Palette(depth, live, stale)


def indexed(palette: Palette) -> Palette:
    """The same inks in the 256 colours: their codes are shorter. One of fewer colours stays as it is."""
    if palette.depth != TRUECOLOR:
        return palette

    def nearest(ink: Ink) -> Ink:
        foreground, background = (
            _nearest(value) if isinstance(value, tuple) else value for value in (ink.foreground, ink.background)
        )
        codes = ["1"] * ink.bold + ["2"] * ink.dim + ["7"] * ink.reverse
        codes += _codes(foreground, INDEXED, 30) + _codes(background, INDEXED, 40)
        return ink._replace(sgr=";".join(codes), foreground=foreground, background=background)

    return Palette(
        INDEXED,
        {role: nearest(ink) for role, ink in palette.live.items()},
        {role: nearest(ink) for role, ink in palette.stale.items()},
    )


def _darker(color: _Color) -> _Color:
    if color.rgb is None:
        return color
    red, green, blue = (round(part * _BAND) for part in color.rgb)
    return _Color((red, green, blue), color.ansi)


def _ink(color: _Color, depth: str, *, bold: bool = False, dim: bool = False, shade: _Color | None = None) -> Ink:
    foreground = _at_depth(color, depth)
    background: int | tuple[int, int, int] = _DEFAULT
    codes = []
    # Only without colours: bold and dim over a chosen colour would change it.
    faint = dim and depth == MONO
    reverse = False
    if shade is not None:
        background = _at_depth(shade, depth)
        # 16 colours and mono have no soft shade: whatever stands there is legible only in reverse.
        reverse = depth in (ANSI, MONO)
        if reverse:
            background = _DEFAULT
    if bold:
        codes.append("1")
    if faint:
        codes.append("2")
    if reverse:
        codes.append("7")
    codes += _codes(foreground, depth, 30)
    codes += _codes(background, depth, 40)
    return Ink(";".join(codes), foreground, background, bold, faint, reverse)


def _at_depth(color: _Color, depth: str) -> int | tuple[int, int, int]:
    if depth == MONO or (color.rgb is None and color.ansi < 0):
        return _DEFAULT
    if depth == ANSI or color.rgb is None:
        return color.ansi
    return color.rgb if depth == TRUECOLOR else _nearest(color.rgb)


def _codes(value: int | tuple[int, int, int], depth: str, base: int) -> list[str]:
    if isinstance(value, tuple):
        return [f"{base + 8};2;{value[0]};{value[1]};{value[2]}"]
    if value < 0:
        return []
    if depth == ANSI and value < 16:
        return [str(base + value if value < 8 else base + 52 + value)]
    return [f"{base + 8};5;{value}"]


def _color(text: str) -> _Color:
    """``#rrggbb name`` or ``default default``.

    Raises:
        ValueError: It is neither.
    """
    code, _, name = text.partition(" ")
    bright = name.startswith("bright-")
    plain = name.removeprefix("bright-")
    if plain not in _NAMES and plain != "default":
        raise ValueError(text)
    ansi = _DEFAULT if plain == "default" else _NAMES.index(plain) + 8 * bright
    if code == "default":
        return _Color(None, ansi)
    if not _HEX.fullmatch(code):
        raise ValueError(text)
    value = int(code[1:], 16)
    return _Color((value >> 16, value >> 8 & 255, value & 255), ansi)


def _blend(scale: list[tuple[float, _Color]], share: float) -> _Color:
    before = scale[0]
    for stop in scale:
        if share <= stop[0]:
            span = stop[0] - before[0]
            part = (share - before[0]) / span if span else 0.0
            a, b = before[1].rgb, stop[1].rgb
            nearer = stop[1] if part >= 0.5 else before[1]
            if a is None or b is None:
                return nearer
            red, green, blue = (round(x + (y - x) * part) for x, y in zip(a, b, strict=True))
            return _Color((red, green, blue), nearer.ansi)
        before = stop
    return scale[-1][1]


def _nearest(rgb: tuple[int, int, int]) -> int:
    """The nearest of the 6 x 6 x 6 cube and the grey ramp of the 256 colours."""
    steps = (0, 95, 135, 175, 215, 255)
    cube = [min(range(6), key=lambda n, c=c: abs(steps[n] - c)) for c in rgb]  # type: ignore[misc]  # mypy cannot infer a lambda's default
    grey = min(23, max(0, round((sum(rgb) / 3 - 8) / 10)))
    level = 8 + 10 * grey
    far = sum((steps[n] - c) ** 2 for n, c in zip(cube, rgb, strict=True))
    if sum((level - c) ** 2 for c in rgb) < far:
        return 232 + grey
    return 16 + 36 * cube[0] + 6 * cube[1] + cube[2]
