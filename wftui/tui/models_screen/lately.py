"""What befell the servers lately, below their cards where there is room: restarts, models that came and went."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from wftui.render import model_words as words
from wftui.render import text
from wftui.tui.frame import Row, fit_row, outside
from wftui.tui.models_screen.listing import brief_endpoint
from wftui.tui.panels import events, model_parts
from wftui.tui.scene import gap, keep

if TYPE_CHECKING:
    from wftui.model.event import Event
    from wftui.tui.models_screen.model import Choice
    from wftui.tui.scene import Scene

_PLAIN: Final = {"server.found": "found", "server.gone": "gone", "server.restarted": "restarted"}
_MODEL: Final = {"model.loaded": "loaded", "model.unloaded": "unloaded"}
_LEAST: Final = 4
"""Lines below which it is not worth a title."""


def draw(scene: Scene, choice: Choice, width: int, room: int) -> list[Row]:
    """A title and the newest events about servers, newest first; those of the selected one are brighter."""
    told = scene.state.events
    if room < _LEAST or not told:
        return []
    made_of = (
        len(told), told[0], told[-1], scene.replay is None, model_parts.known(scene.state), choice.server.endpoint,
        width, room, scene.glyphs,
    )  # fmt: skip
    return keep(scene.state, "lately", made_of, lambda: _drawn(scene, choice, width, room))


def _drawn(scene: Scene, choice: Choice, width: int, room: int) -> list[Row]:
    about = [event for event in scene.state.events if event.aggregate_type == "server"]
    if not about:
        return []
    # A server that is gone is known by what was said of it before.
    names = {event.aggregate_id: named for event in about if (named := _named(event))}
    names.update(model_parts.known(scene.state))
    rows: list[Row] = [[gap(width)], fit_row([("lately", "models.title")], width)]
    for event in islice(reversed(about), room - 2):
        role = events.role(event)
        if role == "text" and event.aggregate_id != choice.server.endpoint:
            role = "dim"
        name = names.get(event.aggregate_id, brief_endpoint(event.aggregate_id))
        row: Row = [
            (text.clock(event.time_ns / 1e9)[:5], "dim"),
            gap(1),
            (events.glyph(scene, event), role),
            gap(1),
            (outside(said(event, name), max(1, width - 8), scene.glyphs), role),
        ]
        rows.append(fit_row(row, width))
    return rows


def _named(event: Event) -> str:
    kind = event.payload.get("kind")
    return f"{kind}{brief_endpoint(event.aggregate_id)}" if isinstance(kind, str) and kind else ""


def said(event: Event, name: str) -> str:
    """One event about a server called ``name``, in a sentence."""
    payload = event.payload
    if event.type in _PLAIN:
        return f"{name} {_PLAIN[event.type]}"
    if event.type in _MODEL:
        return f"{payload.get('model', '?')} {_MODEL[event.type]}, {name}"
    if event.type == "server.queueing":
        return f"{name}: {_count(payload.get('waiting'))} wait, {_count(payload.get('running'))} run"
    if event.type == "server.preempting":
        return f"{name}: {_count(payload.get('count'))} preempted"
    return f"{name} {events.said(event).removeprefix('now ')}"


def _count(value: object) -> str:
    return words.whole(float(value)) if isinstance(value, int | float) else text.UNKNOWN
