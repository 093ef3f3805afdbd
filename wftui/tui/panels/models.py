"""The models panel: a line a model, what all of them make over time, and how to be seen where nothing is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.model import servers as cells
from wftui.render import model_words, text
from wftui.render.models import RANK
from wftui.tui.frame import Row, fit_row, outside, plain, row_width
from wftui.tui.models_screen.seen import age_s, servers
from wftui.tui.panels import model_graph, model_parts, model_rows, parts
from wftui.tui.panels.pressure import wrap
from wftui.tui.panels.window import said
from wftui.tui.scene import Body, Scene, gap, keep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.render.model_cards import Server
    from wftui.tui.panels.model_parts import Line
    from wftui.tui.state import State

NAME: Final = "models"
_SIDE: Final = 150
"""Columns from which on the graph stands beside the lines."""
_ABOVE: Final = 4
_TALL: Final = 12
"""Lines left over from which on the graph stands above the lines at any width."""
_FEW: Final = 2.0
"""So many requests may wait without a warning."""
_TITLED: Final = 11
"""Columns of the title with its key and a piece of the border."""
_NOBODY: Final = "no model server runs here as far as can be seen"
_START: Final = "start one, or name one in [servers] of the configuration"
_SEEN: Final = (
    'anywhere: [servers] endpoints = ["http://127.0.0.1:8000"] in config.toml',
    "llama-server tells all with --metrics, sglang with --enable-metrics; vllm and ollama need nothing",
)
"""How servers come to be seen wholly."""


def count(state: State) -> int:
    """Lines that it has now."""
    return len(model_parts.lines(state))


def _lines(scene: Scene) -> tuple[Line, ...]:
    return model_parts.lines(scene.state, str(scene.plan.option(NAME, "sort")))


def _empty(scene: Scene) -> tuple[str, str]:
    """Why there is nothing, and the step."""
    source = scene.state.source(cells.SOURCE)
    if source is not None and source.state != "ok":
        return plain(source.reason or _NOBODY, scene.glyphs), plain(source.fix or _START, scene.glyphs)
    if scene.state.tick is None or cells.SERVERS.name not in scene.state.tables:
        return "no word on model servers yet", ""
    return _NOBODY, _START


def worst(found: Sequence[Server]) -> Server | None:
    """The server in the greatest trouble; None: all is well."""
    those = [server for server in found if model_parts.troubled(server)]
    return max(those, key=lambda server: RANK[server.level]) if those else None


def line(scene: Scene, width: int) -> Row:
    """The subject in one line: all of them together, the worst in words."""
    found = servers(scene.state)
    row: Row = [parts.label("llm", 5)]
    if not found:
        return fit_row([*row, (outside(_empty(scene)[0], max(0, width - 5), scene.glyphs), "dim")], width)
    bad = worst(found)
    row += brief(scene, running=bad is None or width >= 60)
    room = width - row_width(row) - 1
    if bad is not None and room >= 8:
        what = bad.verdict if bad.trouble == "claim" and room >= 24 else bad.trouble
        words = f"{scene.glyphs.alert} {plain(what, scene.glyphs)} {model_parts.named(bad)}"
        row += [gap(1), (outside(words, room, scene.glyphs).rstrip(), bad.level)]
    return fit_row(row, width)


def brief(scene: Scene, *, running: bool = True) -> Row:
    """In a few words: what is made, how many are at work and wait."""
    found = servers(scene.state)
    made, active, waiting = (model_parts.total(found, what) for what in ("generation", "running", "waiting"))
    row: Row = [(model_words.speed(made).strip(), "strong" if made > 0 else "dim"), (" tok/s", "dim")]
    if running and active == active:
        row += [("  run ", "dim"), (model_words.whole(active), "text")]
    if waiting > 0:
        row += [("  wait ", "dim"), (model_words.whole(waiting), "text")]
    return row


def one(scene: Scene, width: int, place: int, lines: int) -> Row:
    """A model's own line, the ``place``-th of ``lines``, where a subject is one line."""
    found = _lines(scene)
    if place >= len(found):
        return [gap(width)]
    if place == lines - 1 and len(found) > lines:
        return fit_row([gap(5), *_rest(found[place:])], width)
    if width - 3 < model_rows.LEAST:
        return fit_row([gap(3), *model_rows.least(scene, found[place], max(8, width - 3))], width)
    return [gap(3), *model_rows.line(scene, found[place], model_rows.plan(found, width - 3), width - 3)]


def _rest(found: Sequence[Line]) -> Row:
    names = ", ".join(dict.fromkeys(model_parts.named(item.server) for item in found))
    return [(f"{len(found)} more: {names}", "dim")]


def draw(scene: Scene, width: int, height: int) -> Body:
    """The servers as they fit, or what is missing and why."""
    found = _lines(scene)
    if not found:
        return _missing(scene, width, height)
    hidden = max(0, len(found) + 1 - height) if height < 6 else 0
    right = headline(scene, servers(scene.state), width, hidden)
    spare = height - len(found) - 1
    if spare < _TALL and width >= _SIDE and height >= 3:
        side = min(72, width * 3 // 10)
        graph = model_graph.draw(scene, servers(scene.state), side, height)
        table = _table(scene, found, width - side - 2, height)
        blank = [gap(width - side - 2)]
        rows: list[Row] = [
            [*row, gap(2), *(table[place] if place < len(table) else blank)] for place, row in enumerate(graph)
        ]
        right = said(scene, NAME, right, width)
    elif spare >= _ABOVE:
        rows = [*model_graph.draw(scene, servers(scene.state), width, spare), *_table(scene, found, width, height)]
        right = said(scene, NAME, right, width)
    else:
        rows = _table(scene, found, width, height)
        if width >= model_rows.LEAST and model_rows.plan(found, width).spark:
            right = said(scene, NAME, right, width)
    return keep(scene.state, NAME, (rows, right, height), lambda: Body(rows, right))


def _table(scene: Scene, found: Sequence[Line], width: int, height: int) -> list[Row]:
    """A heading where there is a line for it; a last line tells of those left out."""
    if width < model_rows.LEAST:
        return [model_rows.least(scene, item, width) for item in found[:height]]
    shape = model_rows.plan(found, width)
    headed = height > 2
    room = height - headed
    # Where it is tight the frame says how many more there are.
    shown = model_parts.foremost(scene.state, found, room if len(found) <= room or height < 6 else room - 1)
    rows = [model_rows.header(shape, width)] if headed else []
    rows += [model_rows.line(scene, item, shape, width) for item in shown]
    if len(shown) < len(found) and len(rows) < height:
        there = {(item.server.endpoint, item.model) for item in shown}
        left = [item for item in found if (item.server.endpoint, item.model) not in there]
        rows.append(fit_row([gap(2), *_rest(left)], width))
    return rows


def headline(scene: Scene, found: Sequence[Server], width: int, hidden: int = 0) -> Row:
    """For the frame: what all of them make and read, how many requests, how many servers are in trouble, how many
    lines there was no room for."""
    glyphs = scene.glyphs
    those = tuple(found)
    made, read, running, waiting = (
        model_parts.total(those, what) for what in ("generation", "prompt", "running", "waiting")
    )
    bad = worst(those)
    old = age_s(scene.state)
    # In the order of the frame; the number says which goes first where there is no room.
    pieces: list[tuple[int, Row]] = []
    if old == old:
        pieces.append((7, [(f"told {text.duration(old)} ago", "warn")]))
    if made == made:
        pieces.append((6, [(model_words.speed(made).strip(), "strong"), (" tok/s", "dim")]))
    if read == read:
        pieces.append((1, [("prompt ", "dim"), (model_words.speed(read).strip(), "prompt")]))
    if running == running:
        pieces.append((2, [(model_words.whole(running), "text"), (" running", "dim")]))
    if waiting > 0:
        role = "warn" if waiting > _FEW else "text"
        pieces.append((4, [(model_words.whole(waiting), role), (" waiting", "dim")]))
    if bad is not None:
        many = sum(map(model_parts.troubled, those))
        pieces.append((5, [(f"{glyphs.alert} {many} of {len(those)}", bad.level)]))
    else:
        pieces.append((0, [(f"{len(those)} server{'s' if len(those) != 1 else ''}", "dim")]))
    if hidden:
        pieces.append((3, [(f"{hidden} more", "dim")]))
    while pieces and sum(row_width(piece) + 3 for _, piece in pieces) > width - _TITLED:
        pieces.remove(min(pieces, key=lambda item: item[0]))
    row: Row = []
    for _, piece in pieces:
        row += [*([(f" {glyphs.separator} ", "dim")] if row else []), *piece]
    return row


def _missing(scene: Scene, width: int, height: int) -> Body:
    """Why nothing is seen, and how to be seen, as far as there are lines."""
    reason, fix = _empty(scene)

    def made() -> Body:
        rows = wrap(scene, reason, width, "dim", max(1, height - bool(fix)))
        if fix:
            rows += wrap(scene, f"{scene.glyphs.right} {fix}", width, "text", max(1, height - len(rows)))
            for words in _SEEN:
                if height - len(rows) >= 2:
                    rows += wrap(scene, f"  {words}", width, "dim", height - len(rows))
        return Body(rows[:height])

    return keep(scene.state, NAME, (reason, fix, width, height, scene.glyphs), made)
