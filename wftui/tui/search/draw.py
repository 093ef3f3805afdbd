"""The palette as rows: the typed line, the actions that fit it, and what Enter does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.tui.actions import keys_of
from wftui.tui.frame import Row, fit_row, plain
from wftui.tui.scene import gap
from wftui.tui.search.match import segments
from wftui.tui.search.palette import Found, found

if TYPE_CHECKING:
    from wftui.tui.scene import Scene
    from wftui.tui.search.palette import Palette
    from wftui.tui.ui import Ui

_WIDEST: Final = 84
_KEYS: Final = 9
_TITLE: Final = 31
_TALLEST: Final = 20
"""Actions shown at once."""
_AIRY: Final = 16
"""Lines of a screen from which on blank ones stand around the list."""


def above(height: int) -> int:
    """Lines above the first action, on a screen of so many lines."""
    return 2 if height >= _AIRY else 1


def content(scene: Scene, ui: Ui, palette: Palette, width: int, height: int) -> tuple[list[Row], int, Row]:
    """The inside of the dialog, how wide it wants to be, and what stands at the right of its upper border.

    It has as many lines whatever was found: nothing jumps while a person types.
    """
    inner = max(8, min(_WIDEST, width - 8))
    airy = height >= _AIRY
    room = max(1, min(_TALLEST, height - 8 if airy else height - 4))
    lines = found(palette, scene, ui)
    top, place = palette.window(len(lines), room)
    typed = plain(palette.typed, scene.glyphs)[-(inner - 4) :]
    prompt: Row = [(": ", "mark"), (typed, "strong"), (" ", "cursor")]
    if not typed:
        prompt.append((" type words of what you want to do", "faint"))
    rows: list[Row] = [fit_row(prompt, inner), *([[gap(inner)]] if airy else [])]
    shown = [
        _line(scene, line, inner, selected=at == place)
        for at, line in enumerate(lines[top : top + room], start=top)
    ]
    if not lines:
        shown = [[("no action matches", "dim")], [("Backspace widens it, Esc closes", "dim")]][:room]
    rows += shown + [[gap(inner)]] * (room - len(shown))
    rows += [*([[gap(inner)]] if airy else []), _hint(palette, lines[place] if lines else None, inner)]
    right: Row = [(f"{len(lines)} found", "dim")] if typed.strip() else []
    return rows, inner, right


def _line(scene: Scene, line: Found, inner: int, *, selected: bool) -> Row:
    keys = keys_of(line.action, ascii_only=scene.glyphs.ascii_only)
    title = _TITLE if inner >= 60 else max(4, inner - _KEYS - 1)
    middle = inner - title - _KEYS - 2 if inner >= 60 else 0
    about = line.action.section
    if line.obstacle:
        about = f"{about}: {line.obstacle}" if about else line.obstacle
    row = fit_row(segments(line.title, line.marks, "faint" if line.obstacle else "text"), title)
    row.append(gap(1))
    if middle > 0:
        row += [*fit_row([(about, "faint" if line.obstacle else "dim")], middle), gap(1)]
    row += fit_row([(f"{keys:>{_KEYS}}", "faint" if line.obstacle else "key")], _KEYS)
    return [("".join(piece for piece, _ in row), "select")] if selected else row


def _hint(palette: Palette, line: Found | None, inner: int) -> Row:
    if line is not None and line.obstacle:
        said = f"{line.title}: {line.obstacle}" if inner >= 60 else line.obstacle
        row: Row = [(said, "warn" if palette.refused else "dim"), gap(3), ("Esc", "key"), (" close", "dim")]
    else:
        row = [("Enter", "key"), (" run   ", "dim"), ("Esc", "key"), (" close", "dim")]
    return fit_row(row, inner)
