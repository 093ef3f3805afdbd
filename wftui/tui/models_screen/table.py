"""The servers as a table of single lines, where there is little room."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from wftui.model import health
from wftui.render import model_words as words
from wftui.tui.frame import Row, fit_row, outside, row_width
from wftui.tui.gpu_screen.words import own
from wftui.tui.models_screen.listing import (
    Draws,
    Listed,
    arrow,
    brief_endpoint,
    columns,
    hidden,
    model_sign,
    more,
    own_bound,
    queue,
    share,
    shown,
    sign,
)
from wftui.tui.models_screen.model import NAME
from wftui.tui.panels import parts
from wftui.tui.scene import gap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.tui.models_screen.model import Choice, ModelsScreen
    from wftui.tui.scene import Scene


def table(scene: Scene, screen: ModelsScreen, found: Sequence[Choice], width: int, height: int) -> list[Listed]:
    """A line a choice under a line of heads."""
    lines: list[Draws] = []
    for place, item in enumerate(found):
        lines.append((partial(_line, scene, item, width), place))
        if count := hidden(found, place):
            lines.append(more(scene, count))
    head: list[Listed] = [(_table_heads(scene, screen, width), -1)] if height > 2 else []
    return head + shown(screen, found, lines, width, height - len(head))


def _line(scene: Scene, item: Choice, width: int) -> Row:
    server = item.server
    if item.model is not None:
        glyph, role = model_sign(item.model, scene.glyphs)
        name: Row = [gap(2), (f"{glyph} ", role), (item.model.name, "text" if item.model.present else "dim")]
    else:
        glyph, role = sign(server, scene.glyphs)
        name = [(f"{glyph} ", role), (f"{own(server.kind or 'server', scene.glyphs)} ", "strong")]
        name.append((brief_endpoint(server.endpoint), "dim"))
        if len(server.models) == 1:
            name += [gap(1), (server.models[0].name, "text")]
        elif server.models:
            name.append((f" {len(server.loaded)} of {len(server.models)} loaded", "dim"))
    away = item.model is not None and not item.model.present
    if server.state not in (health.OK, health.LATE, health.ASLEEP) or away:
        said = item.model.state if away and item.model is not None else f"{server.state}: {server.reason}"
        right: Row = [(own(said, scene.glyphs), "dim" if away else role)]
        room = min(row_width(right), max(8, width - 30))
        right = [(outside(right[0][0], room, scene.glyphs), right[0][1])]
    else:
        of = item.figures
        right = [
            *columns(of, wide=False)[:1],
            gap(1),
            parts.figure(words.speed(of.prompt), "prompt" if of.prompt > 0 else "dim"),
            *queue(of),
            gap(1),
            parts.figure(own_bound(words.took(of.ttft.p95, of.ttft.bounds), scene.glyphs), "text"),
            gap(1),
            share(of.kv),
        ]
        if width < 62:
            right = right[:1]
    return fit_row([*_short(scene, name, width - row_width(right) - 1), gap(1), *right], width)


def _short(scene: Scene, row: Row, width: int) -> Row:
    """A row of which the last piece gives way, cleaned."""
    fixed = row_width(row[:-1])
    last, role = row[-1]
    return fit_row([*row[:-1], (outside(last, max(1, width - fixed), scene.glyphs, middle=True), role)], width)


def _table_heads(scene: Scene, screen: ModelsScreen, width: int) -> Row:
    sort = screen.sort

    def title(name: str, label: str, columns: int) -> tuple[str, str]:
        marked = f"{label}{arrow(scene, screen)}" if sort == name else label
        return f"{marked:>{columns}.{columns}}", "text" if sort == name else "faint"

    right = [title("speed", "gen", 6), gap(1), title("", "prompt", 6), title("", "run", 5),
             title("waiting", "wait", 5), gap(1), title("first token", "TTFT 95", 8), gap(1),
             title("cache", "KV", 5)]  # fmt: skip
    if width < 62:
        right = right[:1]
    mark = arrow(scene, screen) if sort in (NAME, "trouble") else ""
    said = "server, by trouble" if sort == "trouble" else "server and model"
    return fit_row([*fit_row([(said + mark, "faint")], width - row_width(right)), *right], width)
