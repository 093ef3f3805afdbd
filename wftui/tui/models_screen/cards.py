"""The servers as cards: a head each, and a line a model."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

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
    between,
    brief_endpoint,
    columns,
    hidden,
    model_sign,
    more,
    own_bound,
    share,
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

_NAMED: Final = 20
"""Columns of a head that are left to kind and endpoint."""


def cards(scene: Scene, screen: ModelsScreen, found: Sequence[Choice], width: int, height: int) -> list[Listed]:
    """The cards as lines of ``width``, what is selected in view."""
    lines: list[Draws] = []
    servers = [item.server for item in found if item.model is None]
    alone = sum(len(server.models) <= 1 for server in servers)
    folded = sum(hidden(found, place) > 0 for place in range(len(found)))
    needed = len(found) + alone + folded + 1
    more_of = {server.endpoint: _more(scene, server, width) for server in servers}
    extra = sum(map(len, more_of.values()))
    # What happened lately keeps a third of the lines.
    rich = needed + len(servers) + extra <= max(height * 2 // 3, height - 10)
    spaced = needed + len(servers) <= height + 1
    for place, item in enumerate(found):
        if item.model is None:
            if lines and spaced:
                lines.append((list, -1))
            lines.append((partial(_head, scene, item.server, width), place))
            if len(item.server.models) <= 1:
                lines.append((partial(_under, scene, item.server, width), place))
            if rich:
                lines += [(partial(list, row), place) for row in more_of[item.server.endpoint]]
        else:
            lines.append((partial(_model_line, scene, item.model, width), place))
        if count := hidden(found, place):
            lines.append(more(scene, count))
    return [(_heads(scene, screen, width), -1), *shown(screen, found, lines, width, height - 1)]


def _head(scene: Scene, server: Server, width: int) -> Row:
    glyph, role = sign(server, scene.glyphs)
    right: Row = []
    if server.trouble:
        # What a claim is about, where that is short.
        claimed = server.trouble == "claim" and len(server.verdict) <= width - _NAMED
        right = [(own(server.verdict if claimed else server.trouble, scene.glyphs), role)]
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


def _more(scene: Scene, server: Server, width: int) -> list[Row]:
    """What a card says where there is room: a narrow one the queue and the cache, all durations and energy."""
    of, glyphs = server.figures, scene.glyphs
    if server.state not in (health.OK, health.LATE) or not of.speaks:
        return []
    found: list[list[tuple[str, str, str]]] = [[], []]
    if width < WIDE:
        if server.models:
            found[0].append(("run", words.whole(of.running), "text"))
            found[0].append(("wait", words.whole(of.waiting), "warn" if of.waiting > 0 else "text"))
        found[0].append(("KV", text.percent(of.kv).strip(), share(of.kv)[1]))
    if of.progress == of.progress:
        found[0].append(("progress", text.percent(of.progress).strip(), "text"))
    quantile = "p95 " if width >= WIDE else ""
    for label, spread in (("TTFT", of.ttft), (between(of.itl), of.itl)):
        took = own_bound(words.took(spread.p95, spread.bounds).strip(), glyphs)
        found[1].append((f"{label} {quantile}".rstrip(), took, "text"))
    if width >= WIDE and of.per_token == of.per_token:
        found[1].append(("1k tokens", f"{glyphs.about} {words.watt_hours(of.per_1000_wh)}", "text"))
    rows: list[Row] = []
    for pieces in found:
        row: Row = [gap(2)]
        for label, said, role in pieces:
            if said != text.UNKNOWN:
                row += [gap(2), (f"{label} ", "faint"), (said, role)]
        if len(row) > 1:
            rows.append(fit_row(row, width))
    return rows


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
