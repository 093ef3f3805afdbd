"""The servers as cards: a head each, and a line a model."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from wftui.model import health
from wftui.render import model_words as words
from wftui.render import text
from wftui.tui.frame import Row, fit_row, outside, row_width
from wftui.tui.gpu_screen.words import own
from wftui.tui.models_screen.listing import (
    WIDE,
    Draws,
    Listed,
    arrow,
    brief_endpoint,
    columns,
    hidden,
    model_sign,
    more,
    shown,
    sign,
)
from wftui.tui.models_screen.model import NAME
from wftui.tui.scene import gap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.render.model_cards import Model, Server
    from wftui.render.model_figures import Figures
    from wftui.tui.models_screen.model import Choice, ModelsScreen
    from wftui.tui.scene import Scene


def cards(scene: Scene, screen: ModelsScreen, found: Sequence[Choice], width: int, height: int) -> list[Listed]:
    """The cards as lines of ``width``, what is selected in view."""
    lines: list[Draws] = []
    servers = [item.server for item in found if item.model is None]
    alone = sum(len(server.models) <= 1 for server in servers)
    folded = sum(hidden(found, place) > 0 for place in range(len(found)))
    spaced = len(found) + alone + folded + len(servers) <= height
    for place, item in enumerate(found):
        if item.model is None:
            if lines and spaced:
                lines.append((list, -1))
            lines.append((partial(_head, scene, item.server, width), place))
            if len(item.server.models) <= 1:
                lines.append((partial(_under, scene, item.server, width), place))
        else:
            lines.append((partial(_model_line, scene, item.model, width), place))
        if count := hidden(found, place):
            lines.append(more(scene, count))
    return [(_heads(scene, screen, width), -1), *shown(screen, found, lines, width, height - 1)]


def _head(scene: Scene, server: Server, width: int) -> Row:
    glyph, role = sign(server, scene.glyphs)
    right: Row = []
    if server.trouble:
        right = [(own(server.trouble, scene.glyphs), role)]
    elif width >= WIDE and server.version:
        right = [(outside(server.version, min(12, len(server.version)), scene.glyphs).rstrip(), "faint")]
    room = width - row_width(right) - 3
    kind = own(server.kind or "server", scene.glyphs)
    endpoint = server.endpoint if width >= WIDE else brief_endpoint(server.endpoint)
    left = max(1, room - len(kind) - 1)
    row: Row = [
        (f"{glyph} ", role),
        (f"{kind} ", "strong"),
        (outside(endpoint, left, scene.glyphs, middle=True), "dim"),
    ]
    return fit_row([*fit_row(row, room + 2), gap(1), *right], width)


def _under(scene: Scene, server: Server, width: int) -> Row:
    """The line below the head of a server with one model or none."""
    if server.models and server.state in (health.OK, health.LATE, health.ASLEEP):
        return _model_line(scene, server.models[0], width, server.figures)
    if server.reason:
        return fit_row([gap(2), (outside(server.reason, max(1, width - 2), scene.glyphs), "dim")], width)
    of = server.figures
    if of.speaks:
        said = f"{words.whole(of.running)} running, {words.whole(of.waiting)} waiting"
        return _figures_line(scene, said if of.running == of.running else "-", "dim", of, (" ", "text"), width)
    return fit_row([gap(2), ("no model loaded", "dim")], width)


def _model_line(scene: Scene, model: Model, width: int, of: Figures | None = None) -> Row:
    role = "text" if model.present else "dim"
    return _figures_line(scene, model.name, role, of or model.figures, model_sign(model, scene.glyphs), width,
                         model if not model.present else None)  # fmt: skip


def _figures_line(
    scene: Scene, name: str, role: str, of: Figures, mark: tuple[str, str], width: int, away: Model | None = None
) -> Row:
    left: Row = [gap(2), mark, gap(1)] if mark[0] != " " else [gap(2)]
    if away is not None:
        right: Row = [(own(away.state or text.UNKNOWN, scene.glyphs), "dim")]
    else:
        right = columns(of, wide=width >= WIDE)
    room = max(1, width - row_width(left) - row_width(right) - 1)
    return fit_row([*left, (outside(name, room, scene.glyphs, middle=True), role), gap(1), *right], width)


def _heads(scene: Scene, screen: ModelsScreen, width: int) -> Row:
    sort = screen.sort

    def title(name: str, label: str, columns: int) -> tuple[str, str]:
        marked = f"{label}{arrow(scene, screen)}" if sort == name else label
        return f"{marked:>{columns}.{columns}}", "text" if sort == name else "faint"

    right = [title("speed", "gen", 6)]
    if width >= WIDE:
        right = [title("", "prompt", 6), gap(1), *right, title("", "run", 5), title("waiting", "wait", 5), gap(1),
                 title("cache", "KV", 5)]  # fmt: skip
    titled = (NAME, "speed", "waiting", "cache") if width >= WIDE else (NAME, "speed")
    said = "server" if sort in titled else f"server, by {sort}"
    left = [
        (own(f"{said}{arrow(scene, screen) if said != 'server' or sort == NAME else ''}", scene.glyphs), "faint")
    ]
    return fit_row([*fit_row(left, width - row_width(right)), *right], width)
