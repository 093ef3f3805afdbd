"""The command palette: every action of the table, narrowed while a person types, and why one cannot run here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.tui.actions import ACTIONS, WHILE_ARRANGING, WHILE_EDITING, key_name
from wftui.tui.search.match import match
from wftui.tui.ui import OVERVIEW

if TYPE_CHECKING:
    from wftui.tui.actions import Action
    from wftui.tui.scene import Scene
    from wftui.tui.ui import Ui

PLACES: Final = {
    "sources": "on screen 4",
    "timeline": "on screen 5",
    "processes": "on screen 2",
    "gpu": "on screen 6",
    "model": "on screen 7",
    "alert": "on screen 8",
    "energy": "on screen 9",
    "settings": "on screen F2",
    "arrange": "after L",
    "rule": "on 8 after E",
}
"""Where actions of one screen only are valid."""
_CURSOR: Final = frozenset({"up", "down", "pageup", "pagedown", "home", "end", "left", "right"})
_LISTED: Final = ("processes", "events", "sources")
_TREE: Final = frozenset(f"process.{name}" for name in ("fold", "unfold", "fold_all", "unfold_all"))
_LOOKED_AFTER: Final = frozenset(f"alert.{name}" for name in ("acknowledge", "silence", "resolve", "unsilence"))
_DONE: Final = _LOOKED_AFTER | {
    "alert.edit",
    "process.nice",
    "process.signal",
    "source.switch",
    "time.bundle",
    "time.mark",
    "view.quality",
}
"""Actions that do something where something goes on."""


class Found(NamedTuple):
    """A line of the palette."""

    action: Action
    title: str
    marks: frozenset[int]
    """Places in the title of the letters that were typed."""
    obstacle: str
    """Why it cannot run here; empty: it can."""


class Palette:
    """The open palette: what was typed, which line the cursor is on."""

    def __init__(self, recent: tuple[str, ...] = ()) -> None:
        """``recent``: ids of actions that were chosen here before, the last one first."""
        self.recent = recent
        self.typed = ""
        self.place = 0
        self.top = 0
        self.page = 10
        """Lines of the list, as last drawn."""
        self.refused = False
        """Enter was pressed on a line that cannot run."""

    def write(self, typed: str) -> None:
        """Another text to look for."""
        self.typed = typed[:60]
        self.place = self.top = 0
        self.refused = False

    def move(self, step: int, count: int) -> None:
        """The cursor by lines, within ``count`` of them."""
        self.place = min(max(0, count - 1), max(0, self.place + step))
        self.refused = False

    def window(self, count: int, room: int) -> tuple[int, int]:
        """First line and cursor's line of ``count`` lines in ``room``."""
        self.page = max(1, room)
        self.place = min(self.place, max(0, count - 1))
        self.top = max(0, min(self.top, self.place, count - room))
        if self.place >= self.top + room:
            self.top = self.place - room + 1
        return self.top, self.place


def found(palette: Palette, scene: Scene, ui: Ui) -> list[Found]:
    """What the palette shows, best first.

    With nothing typed: what was chosen before, what can run here, those of this screen first, those that only
    move a cursor last of these; at the end what cannot run.
    """
    lines: list[tuple[tuple[int, ...], Found]] = []
    for order, action in enumerate(ACTIONS):
        title = action.title
        keys = tuple(key_name(key) for key in action.keys)
        fits = match(palette.typed, title, f"{action.section} {action.short} {action.id}", keys)
        if fits is None:
            continue
        line = Found(action, title, fits.marks, obstacle(action, scene, ui))
        blocked = bool(line.obstacle)
        rank: tuple[int, ...] = (fits.cost, blocked, order)
        if not palette.typed.strip():
            known = action.id in palette.recent and not blocked
            before = palette.recent.index(action.id) if known else len(palette.recent)
            moves = not _CURSOR.isdisjoint(action.keys)
            rank = (before, blocked, moves, not action.screen, order)
        lines.append((rank, line))
    return [line for _, line in sorted(lines, key=lambda item: item[0])]


def obstacle(action: Action, scene: Scene, ui: Ui) -> str:
    """Why an action cannot run here, in a few words; empty: it can."""
    past = scene.replay is not None
    if scene.replay is not None and scene.replay.recording is not None and action.id in _DONE:
        return "not in a recording"
    if action.screen and action.screen != ui.keyed:
        return f"only {PLACES.get(action.screen, f'on {action.screen}')}"
    if ui.arrange is not None and action.run not in WHILE_ARRANGING:
        return "not while arranging"
    if ui.editing and action.run not in WHILE_EDITING:
        return "not while a rule is edited"
    if action.id == "alert.edit" and past:
        return "not in the past"
    if action.run in ("sort", "reverse") and ui.shown != "processes":
        return f"only {PLACES['processes']}"
    if action.run == "signal" and ui.shown not in ("processes", "gpu"):
        return "only on 2 and 6"
    if action.run in ("signal", "switch") or action.id == "process.nice":
        if past:
            return "not in the past"
        if scene.readonly:
            return "read-only view"
    if action.id in _LOOKED_AFTER and (past or scene.readonly):
        return "not in the past" if past else "read-only view"
    if action.run in ("focus", "expand") and ui.screen != OVERVIEW:
        return "only on screen 1"
    if action.run == "move" and ui.shown not in _LISTED:
        return "no list is shown"
    if action.run == "open" and not (ui.shown in (*_LISTED, "gpu", "model", "alert") or ui.focus):
        return "nothing is selected"
    if action.id in _TREE and not ui.work.tree:
        return "only in the tree"
    if action.id == "process.untag" and not ui.work.tagged:
        return "nothing tagged"
    if action.run == "series" and (ui.expanded or ui.focus) not in scene.plan.graphs:
        return "Tab to a graph first"
    if action.run == "zoom" and (ui.screen != OVERVIEW or not (ui.expanded or ui.focus)):
        return "Tab to a panel first"
    forward = action.run in ("step", "jump") and not action.argument.startswith("-")
    if not past and (action.run in ("live", "speed") or forward):
        return "this is live"
    return ""
