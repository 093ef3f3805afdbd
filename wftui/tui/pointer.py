"""From a cell of the screen to what stands there: hit testing, without any effect.

Where lists begin, and which lines belong to one thing, is what their drawing left in ``Ui`` and the screens' own
state; keys are found where they are written. So a click means what a person sees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.tui import compose, layout, transport
from wftui.tui.actions import ACTIONS, key_name
from wftui.tui.frame import cells
from wftui.tui.gpu_screen.model import PANES
from wftui.tui.gpu_screen.model import PROCESSES as PANE
from wftui.tui.overview import overview
from wftui.tui.process.columns import columns_for, graphic
from wftui.tui.timeline import lanes
from wftui.tui.ui import HELP, MENU, ORIGINS, OVERVIEW, PALETTE, SIGNALS

if TYPE_CHECKING:
    from wftui.tui.alerts_screen.model import AlertsScreen
    from wftui.tui.compose import Picture
    from wftui.tui.gpu_screen.model import GpuScreen
    from wftui.tui.layouts.places import Layout, Place
    from wftui.tui.scene import Scene
    from wftui.tui.timeline.model import Timeline
    from wftui.tui.ui import Ui

PANEL: Final = "panel"
"""A panel, or the screen that fills all; ``name``."""
TITLE: Final = "title"
"""Its upper border."""
ROW: Final = "row"
"""Line ``place`` of the list ``name``, counted from its first one, shown or not."""
HEAD: Final = "head"
"""The column ``name`` of the process list."""
KEY: Final = "key"
"""A key that is written there; ``name`` as the toolkit names it."""
TIME: Final = "time"
"""The second ``place`` on the transport bar."""
COLUMN: Final = "column"
"""Column ``place`` of the timeline's graphs."""
TAB: Final = "tab"
"""The pane ``name`` of the GPU screen."""
DIALOG: Final = "dialog"
"""A dialog, elsewhere than on its lines; ``name``."""
OUTSIDE: Final = "outside"
"""Beside the dialog ``name``."""
GPUS: Final = "gpus"
HOLDERS: Final = "holders"
PICKER: Final = "picker"
OPTIONS: Final = "options"
CHOOSER: Final = "chooser"
"""Lists that have no screen of their own: of the GPU screen, the timeline, the menu and series of arranging."""
_CHARS: Final = {"y": "y", "n": "n", "Backspace": "backspace"}
"""Keys of dialogs that are no actions."""


class Target(NamedTuple):
    """What stands at a cell."""

    kind: str
    name: str = ""
    place: int = 0


def hit(scene: Scene, ui: Ui, picture: Picture, x: int, y: int) -> Target | None:
    """What stands at column ``x`` of line ``y``, both from 0; None: nothing that could be meant."""
    if not (0 <= x < picture.width and 0 <= y < picture.height):
        return None
    if ui.overlay:
        return _in_dialog(scene, ui, picture, x, y)
    if ui.series is not None:
        return _in_series(ui, picture, x, y)
    if ui.arrange is not None and ui.arrange.menu is not None:
        return _in_options(scene, ui, picture, x, y)
    if y and (found := _key_at(scene, ui, picture, x, y)):
        return Target(KEY, found)
    screen = _screen(scene, ui, picture)
    if scene.replay is not None and y == _bar_line(scene, screen, picture):
        second = transport.bar_moment(scene.replay, picture.width, x)
        return None if second is None else Target(TIME, "", second)
    place = next(
        (
            each
            for each in screen.places
            if each.x <= x < each.x + each.width and each.y <= y < each.y + each.height
        ),
        None,
    )
    if place is None:
        return None
    if screen.framed and y == place.y:
        return Target(TITLE, place.name)
    if not ui.shown:
        return Target(PANEL, place.name)
    left, top = (place.x + 2, place.y + 1) if screen.framed else (place.x, place.y)
    width, height = (place.width - 4, place.height - 2) if screen.framed else (place.width, place.height)
    column, line = x - left, y - top
    inside = 0 <= column < width and 0 <= line < height
    found_inside = _inside(scene, ui, picture, place, (column, line), (x, y)) if inside else None
    return found_inside or Target(PANEL, place.name)


def _screen(scene: Scene, ui: Ui, picture: Picture) -> Layout:
    """The places that the picture was drawn with."""
    height = picture.height - compose.bar_lines(scene, picture.height)
    if ui.shown:
        return layout.whole(ui.shown, picture.width, height)
    return overview(scene.state, picture.width, height, scene.plan)


def _bar_line(scene: Scene, screen: Layout, picture: Picture) -> int:
    """The line of the transport bar; -1: there is none."""
    if picture.height < compose.BARRED:
        return -1
    below = compose.bar_lines(scene, picture.height) and screen.footer
    return picture.height - 2 if below else picture.height - 1


# ---- keys


def _key_at(scene: Scene, ui: Ui, picture: Picture, x: int, y: int) -> str:
    """The key that is written at a cell, or left of the words at that cell; empty: none."""
    before = ""
    start = 0
    wordy = y == picture.height - 1 or bool(ui.overlay)
    for words, role in picture.rows[y]:
        taken = cells(words)
        if start <= x < start + taken:
            at = x - start
            if role == "key":
                return _named(scene, ui, _word(words, at))
            # Its meaning belongs to a key where keys are listed; the blanks between two belong to none.
            meant = wordy and role == "dim" and before and at < len(words.rstrip())
            return _named(scene, ui, before.split(" ")[0]) if meant else ""
        before = words if role == "key" else ""
        start += taken
    return ""


def _word(words: str, at: int) -> str:
    """The word of ``n N`` at a place; the blank between belongs to the one before."""
    begin = words.rfind(" ", 0, at) + 1 if words[at : at + 1] != " " else words.rfind(" ", 0, max(0, at - 1)) + 1
    return words[begin:].strip().split(" ")[0]


def _named(scene: Scene, ui: Ui, word: str) -> str:
    """The key that is written like this on the screen; empty: none is."""
    ascii_only = scene.glyphs.ascii_only
    keyed = "" if ui.overlay else ui.keyed
    for screen in (keyed, "") if keyed else ("",):
        for action in ACTIONS:
            if action.screen == screen:
                for key in action.keys:
                    if key_name(key, ascii_only=ascii_only) == word:
                        return key
    return _CHARS.get(word, "")


def _segment(picture: Picture, x: int, y: int) -> str:
    """The text of one role that covers a cell."""
    start = 0
    for words, _ in picture.rows[y]:
        start += cells(words)
        if x < start:
            return words
    return ""


# ---- dialogs and menus


def _in_dialog(scene: Scene, ui: Ui, picture: Picture, x: int, y: int) -> Target:
    name, frame = ui.overlay, ui.dialog
    if not (frame.x <= x < frame.x + frame.width and frame.y <= y < frame.y + frame.height):
        return Target(OUTSIDE, name)
    line = y - frame.y - 1
    if name == MENU and 0 <= line < len(SIGNALS):
        return Target(ROW, name, line)
    if name == ORIGINS and ui.origins is not None and 0 <= line < ui.origins.page:
        place = ui.origins.top + line
        return Target(ROW, name, place) if frame.x < x < frame.x + frame.width - 1 else Target(DIALOG, name)
    if name == PALETTE and ui.palette is not None:
        return _in_palette(scene, ui, picture, line)
    # Help is a list of keys, of which hardly any is one of this dialog: only those of its border are.
    if (name != HELP or line < 0) and (found := _key_at(scene, ui, picture, x, y)):
        return Target(KEY, found)
    return Target(DIALOG, name)


def _in_palette(scene: Scene, ui: Ui, picture: Picture, line: int) -> Target:
    from wftui.tui.search import draw, palette  # here: loaded already while it is open

    assert ui.palette is not None  # noqa: S101  the caller looked
    place = ui.palette.top + line - draw.above(picture.height)
    there = (
        ui.palette.top <= place < min(ui.palette.top + ui.palette.page, len(palette.found(ui.palette, scene, ui)))
    )
    return Target(ROW, PALETTE, place) if there else Target(DIALOG, PALETTE)


def _in_options(scene: Scene, ui: Ui, picture: Picture, x: int, y: int) -> Target | None:
    from wftui.tui.arrange import draw  # here: few arrange

    menu = ui.arrange.menu if ui.arrange is not None else None
    if menu is None:
        return None
    left, top, width, lines, first = draw.menu_frame(menu, picture.width, picture.height)
    if left < x < left + width + 3 and top < y <= top + lines:
        return Target(ROW, OPTIONS, first + y - top - 1)
    found = _key_at(scene, ui, picture, x, y)
    return Target(KEY, found) if found else Target(OUTSIDE, OPTIONS)


def _in_series(ui: Ui, picture: Picture, x: int, y: int) -> Target | None:
    from wftui.tui.arrange import series  # here: loaded already while it is open

    assert ui.series is not None  # noqa: S101  the caller looked
    left, top, width, height = series.frame_of(picture.width, picture.height)
    if not (left <= x < left + width and top <= y < top + height):
        return Target(OUTSIDE, CHOOSER)
    picker = ui.series.picker
    line = y - top - 1
    # The first line is what was typed, the last one inside the border lists the keys.
    place = picker.top + line - 1
    there = 1 <= line < height - 3 and place < len(picker.found(ui.series.columns))
    return Target(ROW, CHOOSER, place) if there else Target(DIALOG, CHOOSER)


# ---- inside of screens


def _inside(
    scene: Scene, ui: Ui, picture: Picture, place: Place, at: tuple[int, int], cell: tuple[int, int]
) -> Target | None:
    """``at``: column and line inside the frame; ``cell``: the same on the whole screen."""
    name = place.name
    column, line = at
    width = place.width - 2 * (cell[0] - column - place.x)
    if name in ui.tops and (ui.screen != OVERVIEW or ui.expanded == name):
        return _in_list(scene, ui, name, column, line, width)
    if name == "timeline" and ui.timeline is not None:
        return _in_timeline(ui.timeline, column, line, width)
    if name == "gpu" and ui.gpu is not None:
        return _in_gpus(scene, ui.gpu, picture, at, cell)
    if name == "model" and ui.models is not None:
        drawn = ui.models.drawn
        choice = drawn.lines[line] if column < drawn.width and line < len(drawn.lines) else -1
        return Target(ROW, name, choice) if choice >= 0 else None
    if name == "alert" and ui.alerts is not None:
        return _in_alerts(ui.alerts, column, line)
    if name == "settings" and ui.settings is not None:
        about = ui.settings.about
        found = about[line] if line < len(about) else -1
        return Target(ROW, name, found) if found >= 0 else None
    return None


def _in_list(scene: Scene, ui: Ui, name: str, column: int, line: int, width: int) -> Target | None:
    state = scene.state
    if line == 0:
        if name != "processes" or not state.processes():
            return None
        end = -1
        for each, wide in columns_for(width, ui.sort, gpus=graphic(state)):
            end += wide + 1
            if column <= end:
                return Target(HEAD, each.title)
        return None
    if name == "sources":
        known = ui.source_lines if state.sources else []
        return Target(ROW, name, known[line - 1]) if line <= len(known) else None
    place = ui.tops[name] + line - 1
    if name == "processes":
        count = len(ui.processes(state))
    else:
        from wftui.tui.lists import found_events  # here: for the events only

        count = len(found_events(state, ui.wanted[name]))
    return Target(ROW, name, place) if place < count else None


def _in_alerts(screen: AlertsScreen, column: int, line: int) -> Target | None:
    wide, keys = screen.drawn.width, screen.drawn.keys
    place = line - screen.drawn.first
    return Target(ROW, "alert", place) if column < wide and 0 <= place < len(keys) and keys[place] else None


def _in_timeline(timeline: Timeline, column: int, line: int, width: int) -> Target | None:
    if timeline.table is not None:
        return None
    if timeline.picker is not None:
        picker = timeline.picker
        place = picker.top + line - 1
        there = line > 0 and place < len(picker.found(list(timeline.columns.values())))
        return Target(ROW, PICKER, place) if there else None
    at = column - lanes.left_width(width)
    return Target(COLUMN, "", at) if line < timeline.drawn and 0 <= at < timeline.plot else None


def _in_gpus(
    scene: Scene, screen: GpuScreen, picture: Picture, inside: tuple[int, int], cell: tuple[int, int]
) -> Target | None:
    drawn = screen.drawn
    column, line = inside
    if column < drawn.side:
        return Target(ROW, GPUS, drawn.first + line) if line < drawn.listed else None
    if drawn.tabs < 0 or line < drawn.tabs or screen.selected(scene.state) is None:
        return None
    if line == drawn.tabs:
        words = _segment(picture, *cell).split()
        if words and words[-1] == "Tab":  # ``1 of 6, Tab`` where only one name has room
            return Target(KEY, "tab")
        return Target(TAB, words[0]) if words and words[0] in PANES else None
    # Below the names of the panes its processes have a line of heads.
    place = screen.tops[PANE] + line - drawn.tabs - 2
    rows = len(screen.rows(scene.state))
    there = screen.pane == PANE and line > drawn.tabs + 1 and place < min(rows, screen.tops[PANE] + screen.page)
    return Target(ROW, HOLDERS, place) if there else None
