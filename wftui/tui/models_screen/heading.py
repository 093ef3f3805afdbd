"""Lines about the selected server or model that are no graphs: which one it is, what is wrong, what it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wftui.model import health
from wftui.render import model_words as words
from wftui.render import text
from wftui.render.models import BAD, WARN
from wftui.tui import gpus
from wftui.tui.frame import Row, fit_row, join, outside, row_width
from wftui.tui.gpu_screen.words import folded, own
from wftui.tui.models_screen.listing import brief_endpoint, sign
from wftui.tui.models_screen.seen import age_s, servers
from wftui.tui.scene import gap

if TYPE_CHECKING:
    from wftui.render.model_cards import Model, Server
    from wftui.tui.models_screen.model import Choice
    from wftui.tui.scene import Scene


def right(scene: Scene, shown: int, wanted: str, width: int) -> Row:
    """In the border: how many there are, what they make together, how old that is, the filter."""
    found = servers(scene.state)
    made = [
        server.figures.generation for server in found if server.figures.generation == server.figures.generation
    ]
    count = f"{shown} of {len(found)}" if wanted else f"{len(found)}"
    row: Row = [(f"{count} server{'s' * (len(found) != 1)}", "text")]
    if made:
        row.append((f" {scene.glyphs.separator} {words.speed(sum(made)).strip()} tok/s", "dim"))
    # Of a moment in the past the tables are as old as their last change.
    age = age_s(scene.state) if scene.replay is None else float("nan")
    if age == age:
        row.append((f" {scene.glyphs.separator} told {text.duration(age)} ago", "warn"))
    if wanted:
        row += [gap(2), ("/", "mark"), (outside(wanted, min(20, len(wanted)), scene.glyphs).rstrip(), "strong")]
    return row if row_width(row) < width - 12 else []


def head(scene: Scene, choice: Choice, width: int) -> Row:
    """Which one it is."""
    server, model = choice.server, choice.only
    glyph, role = sign(server, scene.glyphs)
    row: Row = [(f"{glyph} ", role), (own(f"{server.kind or 'server'} ", scene.glyphs), "strong")]
    endpoint = server.endpoint if width >= 72 else brief_endpoint(server.endpoint)
    shown = own(endpoint, scene.glyphs)
    row.append((outside(shown, min(len(shown), max(8, width // 2)), scene.glyphs, middle=True).rstrip(), "dim"))
    if model is not None:
        room = max(6, width - row_width(row) - 2)
        name = own(model.name, scene.glyphs)
        row += [gap(2), (outside(name, min(room, len(name)), scene.glyphs, middle=True).rstrip(), "strong")]
    said = _about(scene, choice)
    while said:
        tail = own(f" {scene.glyphs.separator} ".join(said), scene.glyphs)
        if row_width(row) + len(tail) + 3 <= width:
            return join(row, [(tail, "dim")], width)
        said.pop()
    return fit_row(row, width)


def _about(scene: Scene, choice: Choice) -> list[str]:
    """What else names it, the most telling first."""
    server, model = choice.server, choice.only
    said = []
    if model is not None:
        if not model.present:
            said.append(model.state)
        said += [word for word in (model.quantization, words.parameters(model.parameters)) if word]
        if model.context is not None:
            said.append(f"{words.tokens(model.context)} context")
    elif server.models:
        said.append(f"{len(server.loaded)} of {len(server.models)} models loaded")
    if server.gpus:
        known = gpus.names(scene.state)
        labels = [known.get(uuid, "gpu ?").removeprefix("gpu ") for uuid in server.gpus]
        said.append(f"gpu {' '.join(labels)}")
    if server.version:
        said.append(server.version)
    if server.pid is not None:
        said.append(f"pid {server.pid}")
    if server.container:
        said.append(f"in {server.container[:12]}")
    return said


def notes(scene: Scene, choice: Choice, width: int, lines: int, *, brief: bool = False) -> list[Row]:
    """What is wrong with what mends it; else what a person would ask next; at most so many lines.

    ``brief``: only whether it answers, the rest stands below.
    """
    server = choice.server
    told: list[tuple[str, str]] = []
    if server.state != health.OK:
        since = _since(scene, server)
        words_ = f"{server.state}{since}{f': {server.reason}' if server.reason else ''}"
        told.append((words_, server.level if server.level in (WARN, BAD) else "text"))
        if server.fix:
            told.append((f"{scene.glyphs.right} {server.fix}", "text"))
    if server.verdict and not brief:
        told.append(
            (f"{scene.glyphs.alert} {server.verdict}{f': {server.evidence}' if server.evidence else ''}", "warn")
        )
    model = choice.only
    if model is not None and not brief and (said := _kept(scene, model)):
        told.append((said, "dim"))
    if choice.model is not None and choice.model.present and not choice.figures.speaks and not brief:
        told.append(("this server tells no figures of this model alone", "faint"))
    if server.missing and not brief:
        told.append((f"not told: {', '.join(figure for figure, _ in server.missing)}", "faint"))
    if choice.figures.from_clients and not brief:
        told.append(("durations are those that its clients saw (wftop proxy)", "faint"))
    rows: list[Row] = []
    for said, role in told[:lines]:
        more = lines - len(rows) - (len(told[:lines]) - 1)
        rows += folded(said, width, scene.glyphs, role, max(1, more) if role in ("warn", "bad", "text") else 1)
    return [fit_row(row, width) for row in rows[:lines]]


def _since(scene: Scene, server: Server) -> str:
    if server.since_ns is None:
        return ""
    ago = max(0.0, (scene.now.time_ns - server.since_ns) / 1e9)
    return f" since {text.clock(server.since_ns / 1e9)[:5]}, {text.duration(ago)}"


def _kept(scene: Scene, model: Model) -> str:
    """Where a model is and until when; why it is not."""
    said = [words.placed(model), model.detail]
    if end := words.expiry(model, scene.now.time_ns):
        said.append(end if not end.startswith("in ") else f"unloaded {end}")
    return f" {scene.glyphs.separator} ".join(word for word in said if word)
