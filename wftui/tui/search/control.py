"""What keys do in the command palette, and in help while it is searched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.tui.search.palette import Palette, found
from wftui.tui.ui import HELP, PALETTE

if TYPE_CHECKING:
    from wftui.tui.actions import Action
    from wftui.tui.app import WftopApp

_RECENT: Final = 5
_STEPS: Final = {"up": -1, "shift+tab": -1, "down": 1, "tab": 1, "ctrl+n": 1, "ctrl+p": -1}
_FAR: Final = 10_000


def show(app: WftopApp) -> None:
    """Open the palette; what was chosen in it before stands first."""
    ui = app.ui
    ui.palette = Palette(ui.palette.recent if ui.palette is not None else ())
    ui.overlays.append(PALETTE)


def palette_key(app: WftopApp, key: str, character: str | None) -> Action | None:
    """A key while the palette is open; the action to run now, if it chose one. The palette is closed by then."""
    ui = app.ui
    palette = ui.palette
    if palette is None or key in ("escape", "ctrl+c"):
        ui.back()
        return None
    lines = found(palette, app.scene(), ui)
    if key == "enter":
        if not lines:
            return None
        line = lines[min(palette.place, len(lines) - 1)]
        if line.obstacle:
            palette.refused = True
            return None
        palette.recent = (line.action.id, *(name for name in palette.recent if name != line.action.id))[:_RECENT]
        ui.overlays.remove(PALETTE)
        return line.action
    if key in _STEPS:
        palette.move(_STEPS[key], len(lines))
    elif key in ("pageup", "pagedown"):
        palette.move((palette.page - 1) * (1 if key == "pagedown" else -1), len(lines))
    elif key in ("home", "end"):
        palette.move(_FAR if key == "end" else -_FAR, len(lines))
    else:
        edited = _edited(palette.typed, key, character)
        if edited is not None:
            palette.write(edited)
    return None


def help_key(app: WftopApp, key: str, character: str | None) -> bool:
    """A key while help is open; False: it is none of the search."""
    ui = app.ui
    if not ui.seeking:
        if key == "slash":
            ui.seeking = True
            return True
        if key == "escape" and ui.sought:
            ui.sought = ""
            return True
        return False
    if key in ("escape", "ctrl+c"):
        ui.sought, ui.seeking = "", False
    elif key == "enter":
        ui.seeking = False
    elif key in ("up", "down", "pageup", "pagedown", "home", "end"):
        return False
    elif (edited := _edited(ui.sought, key, character)) is not None:
        ui.sought = edited[:40]
        ui.places[HELP] = 0
    return True


def paste(app: WftopApp, line: str) -> bool:
    """Pasted text into what is typed; False: nothing is typed here."""
    ui = app.ui
    if ui.overlay == PALETTE and ui.palette is not None:
        ui.palette.write(ui.palette.typed + line)
    elif ui.overlay == HELP and ui.seeking:
        ui.sought = (ui.sought + line)[:40]
    else:
        return False
    return True


def _edited(typed: str, key: str, character: str | None) -> str | None:
    """The line after a key; None: the key is not for it."""
    if key == "backspace":
        return typed[:-1]
    if key == "ctrl+u":
        return ""
    if key == "ctrl+w":
        return typed.rstrip().rpartition(" ")[0]
    return typed + character if character and character.isprintable() else None
