"""The servers to choose from: a card each with a line a model; a table where there is little room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.model import health
from wftui.model import servers as cells
from wftui.render import model_words as words
from wftui.render import text
from wftui.render.models import GOOD, QUIET
from wftui.tui.frame import Row, fit_row, outside, row_width
from wftui.tui.gpu_screen.words import own
from wftui.tui.models_screen.model import NAME
from wftui.tui.panels import parts
from wftui.tui.scene import gap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.render.model_cards import Model, Server
    from wftui.render.model_figures import Figures
    from wftui.tui.glyphs import Glyphs
    from wftui.tui.models_screen.model import Choice, ModelsScreen
    from wftui.tui.scene import Scene

WIDE: Final = 56
"""Columns from which on a card has more than the speed of generation."""
_LOOPBACK: Final = ("127.0.0.1:", "[::1]:", "localhost:")
_SPARK: Final = 8
_MODEL_SIGNS: Final = {
    cells.LOADED: ("ok", GOOD),
    cells.LOADING: ("late", "warn"),
    cells.SLEEPING: ("asleep", QUIET),
    cells.UNLOADED: ("absent", "faint"),
    cells.FAILED: ("failed", "bad"),
}
Listed = tuple[Row, int]
"""A line, and the place among the choices that it is about; -1: none."""


def sign(server: Server, glyphs: Glyphs) -> tuple[str, str]:
    """A server's state without colour, and the role to draw it in."""
    if server.state != health.OK:
        return glyphs.health.get(server.state, glyphs.none), server.level
    return (glyphs.ok if server.level == GOOD else glyphs.alert), server.level


def model_sign(model: Model, glyphs: Glyphs) -> tuple[str, str]:
    """The same of a model."""
    state, role = _MODEL_SIGNS.get(model.state, ("absent", QUIET))
    return glyphs.health[state], role


def brief_endpoint(endpoint: str) -> str:
    """``:8000`` for a port of this machine."""
    for prefix in _LOOPBACK:
        if endpoint.startswith(prefix):
            return endpoint[len(prefix) - 1 :]
    return endpoint


# ---- cards


def cards(scene: Scene, screen: ModelsScreen, found: Sequence[Choice], width: int, height: int) -> list[Listed]:
    """The cards as lines of ``width``, what is selected in view."""
    out: list[Listed] = []
    many = sum(1 + max(1, len(item.server.models)) for item in found if item.model is None)
    servers = sum(item.model is None for item in found)
    spaced = many + servers <= height
    for place, item in enumerate(found):
        if item.model is None:
            if out and spaced:
                out.append(([], -1))
            out.append((_head(scene, item.server, width), place))
            if len(item.server.models) <= 1:
                out.append((_under(scene, item.server, width), place))
        else:
            out.append((_model_line(scene, item.model, width), place))
    # The first line of what is selected is inverted, the other one belongs to it.
    shown = _marked(screen, found, out, width)
    head: list[Listed] = [(_heads(scene, screen, width), -1)]
    return head + _windowed(shown, found, screen, height - len(head))


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


def _model_line(scene: Scene, model: Model, width: int, shown: Figures | None = None) -> Row:
    role = "text" if model.present else "dim"
    return _figures_line(scene, model.name, role, shown or model.figures, model_sign(model, scene.glyphs), width,
                         model if not model.present else None)  # fmt: skip


def _figures_line(
    scene: Scene, name: str, role: str, of: Figures, mark: tuple[str, str], width: int, away: Model | None = None
) -> Row:
    left: Row = [gap(2), mark, gap(1)] if mark[0] != " " else [gap(2)]
    if away is not None:
        right: Row = [(own(away.state or text.UNKNOWN, scene.glyphs), "dim")]
    else:
        right = _columns(of, wide=width >= WIDE)
    room = max(1, width - row_width(left) - row_width(right) - 1)
    return fit_row([*left, (outside(name, room, scene.glyphs, middle=True), role), gap(1), *right], width)


def _columns(of: Figures, *, wide: bool) -> Row:
    made = words.speed(of.generation)
    row: Row = [parts.figure(made, "generation" if of.generation > 0 else "dim")]
    if not wide:
        return row
    return [
        parts.figure(words.speed(of.prompt), "prompt" if of.prompt > 0 else "dim"),
        gap(1),
        *row,
        *_queue(of),
        gap(1),
        _share(of.kv),
    ]


def _queue(of: Figures) -> Row:
    waits = of.waiting > 0
    return [
        parts.figure(f"{words.whole(of.running):>5}", "text" if of.running > 0 else "dim"),
        parts.figure(f"{words.whole(of.waiting):>5}", "warn" if waits else "dim"),
    ]


def _share(value: float) -> tuple[str, str]:
    return text.percent(value), "dim" if value != value else "warn" if value >= 0.9 else "text"


def _heads(scene: Scene, screen: ModelsScreen, width: int) -> Row:
    sort = screen.sort

    def title(name: str, label: str, columns: int) -> tuple[str, str]:
        marked = f"{label}{_arrow(scene, screen)}" if sort == name else label
        return f"{marked:>{columns}.{columns}}", "text" if sort == name else "faint"

    right = [title("speed", "gen", 6)]
    if width >= WIDE:
        right = [title("", "prompt", 6), gap(1), *right, title("", "run", 5), title("waiting", "wait", 5), gap(1),
                 title("cache", "KV", 5)]  # fmt: skip
    titled = (NAME, "speed", "waiting", "cache") if width >= WIDE else (NAME, "speed")
    said = "server" if sort in titled else f"server, by {sort}"
    left = [
        (own(f"{said}{_arrow(scene, screen) if said != 'server' or sort == NAME else ''}", scene.glyphs), "faint")
    ]
    return fit_row([*fit_row(left, width - row_width(right)), *right], width)


def _arrow(scene: Scene, screen: ModelsScreen) -> str:
    down = (screen.sort != NAME) != screen.reverse
    return scene.glyphs.sorted_down if down else scene.glyphs.sorted_up


# ---- a table of single lines


def table(scene: Scene, screen: ModelsScreen, found: Sequence[Choice], width: int, height: int) -> list[Listed]:
    """A line a choice under a line of heads."""
    out: list[Listed] = [(_line(scene, item, width), place) for place, item in enumerate(found)]
    shown = _marked(screen, found, out, width)
    head: list[Listed] = [(_table_heads(scene, screen, width), -1)] if height > 2 else []
    return head + _windowed(shown, found, screen, height - len(head))


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
            *_columns(of, wide=False)[:1],
            gap(1),
            parts.figure(words.speed(of.prompt), "prompt" if of.prompt > 0 else "dim"),
            *_queue(of),
            gap(1),
            parts.figure(own_bound(words.took(of.ttft.p95, of.ttft.bounds), scene.glyphs), "text"),
            gap(1),
            _share(of.kv),
        ]
        if width < 62:
            right = right[:1]
    return fit_row([*_short(scene, name, width - row_width(right) - 1), gap(1), *right], width)


def own_bound(said: str, glyphs: Glyphs) -> str:
    """``≤`` and ``≥`` as one cell each where there is only ASCII."""
    return said.replace(words.AT_MOST, "<").replace(words.AT_LEAST, ">") if glyphs.ascii_only else said


def _short(scene: Scene, row: Row, width: int) -> Row:
    """A row of which the last piece gives way, cleaned."""
    fixed = row_width(row[:-1])
    last, role = row[-1]
    return fit_row([*row[:-1], (outside(last, max(1, width - fixed), scene.glyphs, middle=True), role)], width)


def _table_heads(scene: Scene, screen: ModelsScreen, width: int) -> Row:
    sort = screen.sort

    def title(name: str, label: str, columns: int) -> tuple[str, str]:
        marked = f"{label}{_arrow(scene, screen)}" if sort == name else label
        return f"{marked:>{columns}.{columns}}", "text" if sort == name else "faint"

    right = [title("speed", "gen", 6), gap(1), title("", "prompt", 6), title("", "run", 5),
             title("waiting", "wait", 5), gap(1), title("first token", "TTFT 95", 8), gap(1),
             title("cache", "KV", 5)]  # fmt: skip
    if width < 62:
        right = right[:1]
    mark = _arrow(scene, screen) if sort in (NAME, "trouble") else ""
    said = "server, by trouble" if sort == "trouble" else "server and model"
    return fit_row([*fit_row([(said + mark, "faint")], width - row_width(right)), *right], width)


# ---- both


def _marked(screen: ModelsScreen, found: Sequence[Choice], lines: list[Listed], width: int) -> list[Listed]:
    done = False
    out: list[Listed] = []
    for row, place in lines:
        if place >= 0 and found[place].key == screen.key and not done:
            done = True
            row = [("".join(piece for piece, _ in row), "select")]
        out.append((fit_row(row, width), place))
    return out


def _windowed(lines: list[Listed], found: Sequence[Choice], screen: ModelsScreen, room: int) -> list[Listed]:
    """As many lines as there is room for, with what is selected in their middle."""
    if len(lines) <= room or room <= 0:
        return lines[: max(0, room)]
    at = next((n for n, (_, place) in enumerate(lines) if place >= 0 and found[place].key == screen.key), 0)
    first = max(0, min(at - room // 2, len(lines) - room))
    shown = lines[first : first + room]
    below = len(lines) - first - room
    if below > 0:
        shown[-1] = ([(f"  {below + 1} more lines", "dim")], -1)
    return shown
