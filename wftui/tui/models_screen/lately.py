"""What befell the servers lately, below their cards where there is room: restarts, models that came and went."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from wftui.render import text
from wftui.tui.frame import Row, fit_row, outside
from wftui.tui.panels import events
from wftui.tui.scene import gap

if TYPE_CHECKING:
    from wftui.tui.models_screen.model import Choice
    from wftui.tui.scene import Scene

_WORDS: Final = {
    "server.state": "",
    "server.found": "found",
    "server.gone": "gone",
    "server.restarted": "restarted",
    "model.loaded": "loaded",
    "model.unloaded": "unloaded",
    "server.queueing": "queue builds up,",
    "server.preempting": "preempts,",
    "model.verdict": "",
}
"""What happened, where the type of an event says more than a person needs."""
_LEAST: Final = 4
"""Lines below which it is not worth a title."""


def draw(scene: Scene, choice: Choice, width: int, room: int) -> list[Row]:
    """A title and the newest events about servers, newest first; those of the selected one are brighter."""
    if room < _LEAST:
        return []
    found = list(islice((e for e in reversed(scene.state.events) if e.aggregate_type == "server"), room - 2))
    if not found:
        return []
    rows: list[Row] = [[gap(width)], fit_row([("lately", "models.title")], width)]
    for event in found:
        role = events.role(event)
        mine = event.aggregate_id == choice.server.endpoint
        if role == "text" and not mine:
            role = "dim"
        row: Row = [
            (text.clock(event.time_ns / 1e9)[:5], "dim"),
            gap(1),
            (events.glyph(scene, event), role),
            gap(1),
        ]
        said = f"{_WORDS.get(event.type, event.type)} {events.summary(scene, event)}".strip()
        rows.append(fit_row([*row, (outside(said, max(1, width - 8), scene.glyphs), role)], width))
    return rows
