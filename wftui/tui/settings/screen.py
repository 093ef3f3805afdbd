"""Drawing of the settings: a line each by section, and below them all about the one under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui import settings
from wftui.tui.frame import Row, fit_row, outside, row_width
from wftui.tui.scene import Body, Scene, gap
from wftui.tui.settings.model import SettingsScreen, holds

if TYPE_CHECKING:
    from wftui.config import Key

_ABOUT: Final = 4
"""Lines about the setting under the cursor, with the blank one above them."""
_ROOMY: Final = 100
"""Columns from which on each line has the help too."""


def draw(scene: Scene, screen: SettingsScreen, width: int, height: int) -> Body:
    """The inside of the screen."""
    about = _about(scene, screen, width) if height >= 2 * _ABOUT else []
    room = max(1, height - len(about))
    lines: list[Row] = []
    which: list[int] = []
    begin = chosen = 0
    section = ""
    for place, key in enumerate(screen.keys):
        header = key.name.partition(".")[0]
        start = len(lines)
        if header != section:
            if section:
                lines.append([gap(width)])
                start += 1
            lines.append(fit_row([(header, "sources.title")], width))
            section = header
        if place == screen.place:
            # The title of a section comes into view with its first setting.
            begin, chosen = start, len(lines)
        row = _line(scene, screen, key, width)
        lines.append([("".join(piece for piece, _ in row), "select")] if place == screen.place else row)
        which += [-1] * (len(lines) - len(which) - 1) + [place]
    screen.page = room
    first = min(max(screen.top, chosen + 1 - room), begin, max(0, len(lines) - room))
    screen.top = first
    screen.about = which[first : first + room]
    shown = lines[first : first + room]
    if first + room < len(lines):
        # The title of a section stands with its first setting, or not at all.
        while len(shown) > 1 and screen.about[len(shown) - 1] < 0:
            shown.pop()
    shown += [[gap(width)] for _ in range(room - len(shown))]
    changed = sum(screen.loaded.origin(key.name) != "default" for key in screen.keys)
    return Body([*shown, *about], [(f"{changed} changed of {len(screen.keys)}", "text")])


def _line(scene: Scene, screen: SettingsScreen, key: Key, width: int) -> Row:
    name = key.name.partition(".")[2]
    origin = screen.loaded.origin(key.name)
    mine = origin != "default"
    shown = settings.shown(key, screen.loaded[key.name]) or "none"
    mark = "* " if mine else "  "
    row: Row = [(mark, "mark"), (f"{name:<22}", "text")]
    if width < 60:
        left = max(1, width - 24)
        return fit_row([*row, (outside(shown, left, scene.glyphs), "strong" if mine else "text")], width)
    roomy = width >= _ROOMY
    each = 20 if roomy else 22
    row.append((outside(shown, each, scene.glyphs), "strong" if mine else "text"))
    row += [gap(2), (outside(origin, 20 if roomy else width - 24 - each - 2, scene.glyphs), "dim")]
    if roomy:
        row += [gap(2), (outside(key.help, width - 24 - 2 * 22, scene.glyphs), "dim")]
    return fit_row(row, width)


def _about(scene: Scene, screen: SettingsScreen, width: int) -> list[Row]:
    key = screen.key
    holding = holds(key.name)
    role = "good" if holding == "at once" else "warn"
    left = max(1, width - len(key.name) - 2)
    lines: list[Row] = [
        [(scene.glyphs.bottom[1] * width, "frame")],
        [
            (f"{key.name}  ", "strong"),
            (outside(key.help, left, scene.glyphs), "text"),
        ],
        [("expected ", "dim"), (outside(key.expected, max(1, width - 9), scene.glyphs), "text")],
        [("a change holds ", "dim"), (holding, role)],
    ]
    variable: Row = [("  variable ", "dim"), (key.variable, "text")]
    if row_width(lines[-1]) + row_width(variable) <= width:
        lines[-1] += variable
    return [fit_row(line, width) for line in lines]
