"""Tokens a second of all servers together: read above a centre line, generated below it, each on its own scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wftui.render import model_words, text
from wftui.render.model_figures import RATE
from wftui.tui.frame import Row
from wftui.tui.panels import parts
from wftui.tui.panels.disks import total
from wftui.tui.panels.window import window
from wftui.tui.scene import Scene, keep

if TYPE_CHECKING:
    from wftui.render.model_cards import Server
    from wftui.tui.panels.window import Window

_RULED = 8
"""Lines from which on one is for the times."""
_BOTH = 3
"""Lines from which on there are two halves."""


def draw(scene: Scene, found: tuple[Server, ...], width: int, height: int) -> list[Row]:
    """Exactly ``height`` lines."""
    texts = tuple(
        tuple(text_ for server in found for text_ in server.scope.texts(RATE, mode))
        for mode in ("generation", "prompt")
    )
    state = scene.state
    held = tuple(id(state.histories.get(text_)) for mode in texts for text_ in mode)
    made_of = (state.slot + state.ahead, len(state.event_slots), state.far.version, texts, held,
               scene.plan.length("models"), scene.sweep, width, height, scene.glyphs)  # fmt: skip
    return keep(state, "models graph", made_of, lambda: _drawn(scene, texts, width, height))


def _drawn(scene: Scene, texts: tuple[tuple[str, ...], ...], width: int, height: int) -> list[Row]:
    shown = window(scene, "models", width)
    ruled = height >= _RULED
    room = height - ruled
    upper = room // 2 if room >= _BOTH and texts[1] else 0
    made, read = (_sum(shown, mode, width) for mode in texts)
    top, deep = _top(read), _top(made)
    rows = shown.area(scene, read, top, upper, "prompt") if upper else []
    rows += shown.area(scene, made, deep, room - upper, "generation", down=bool(upper))
    scale: Row = [("generation ", "generation"), (f"{_tokens(deep)} tok/s ", "faint")]
    if upper:
        rows[0] = parts.overlay(rows[0], [("prompt ", "prompt"), (f"{_tokens(top)} tok/s ", "faint")], width)
    rows[-1 if upper else 0] = parts.overlay(rows[-1 if upper else 0], scale, width)
    if ruled:
        rows.append(shown.ruler(scene, width))
    return rows


def _sum(shown: Window, texts: tuple[str, ...], width: int) -> list[float]:
    return total([shown.past(text_) for text_ in texts], 2 * width)


def _top(values: list[float]) -> float:
    return text.round_up(max((value for value in values if value == value), default=1.0))


def _tokens(value: float) -> str:
    return model_words.speed(value).strip().removesuffix(".00")
