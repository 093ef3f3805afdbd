"""What the lists of servers have in common: signs, figures of a line, the mark of what is selected."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from wftui.model import health
from wftui.model import servers as cells
from wftui.render import model_figures as figures
from wftui.render import model_words as words
from wftui.render import text
from wftui.render.models import GOOD, QUIET
from wftui.tui.frame import Row, fit_row
from wftui.tui.models_screen.model import NAME
from wftui.tui.panels import parts
from wftui.tui.scene import gap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.render.model_cards import Model, Server
    from wftui.render.model_figures import Figures, Spread
    from wftui.tui.glyphs import Glyphs
    from wftui.tui.models_screen.model import Choice, ModelsScreen
    from wftui.tui.scene import Scene

WIDE: Final = 56
"""Columns from which on a card has more than the speed of generation."""
_BETWEEN: Final = {figures.TPOT: "TPOT", figures.CLIENT_ITL: "gap"}
_LOOPBACK: Final = ("127.0.0.1:", "[::1]:", "localhost:")
_MODEL_SIGNS: Final = {
    cells.LOADED: ("ok", GOOD),
    cells.LOADING: ("late", "warn"),
    cells.SLEEPING: ("asleep", QUIET),
    cells.UNLOADED: ("absent", "faint"),
    cells.FAILED: ("failed", "bad"),
}
Listed = tuple[Row, int]
"""A line, and the place among the choices that it is about; -1: none."""
Draws = tuple[Callable[[], Row], int]
"""The same before it is drawn."""


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


def between(of: Spread) -> str:
    """What the time between two tokens is called where it may be that of something else."""
    return _BETWEEN.get(of.metric, "ITL")


def own_bound(said: str, glyphs: Glyphs) -> str:
    """``≤`` and ``≥`` as one cell each where there is only ASCII."""
    return said.replace(words.AT_MOST, "<").replace(words.AT_LEAST, ">") if glyphs.ascii_only else said


def columns(of: Figures, *, wide: bool) -> Row:
    """Speeds, and where it is wide queue and cache."""
    made = words.speed(of.generation)
    row: Row = [parts.figure(made, "generation" if of.generation > 0 else "dim")]
    if not wide:
        return row
    return [
        parts.figure(words.speed(of.prompt), "prompt" if of.prompt > 0 else "dim"),
        gap(1),
        *row,
        *queue(of),
        gap(1),
        share(of.kv),
    ]


def queue(of: Figures) -> Row:
    """Running and waiting requests."""
    waits = of.waiting > 0
    return [
        parts.figure(f"{words.whole(of.running):>5}", "text" if of.running > 0 else "dim"),
        parts.figure(f"{words.whole(of.waiting):>5}", "warn" if waits else "dim"),
    ]


def share(value: float) -> tuple[str, str]:
    """A share, warm where it is nearly all."""
    return text.percent(value), "dim" if value != value else "warn" if value >= 0.9 else "text"


def arrow(scene: Scene, screen: ModelsScreen) -> str:
    """Which way the list is sorted."""
    down = (screen.sort != NAME) != screen.reverse
    return scene.glyphs.sorted_down if down else scene.glyphs.sorted_up


def hidden(found: Sequence[Choice], place: int) -> int:
    """Models of the server that are left out, where its last line in the list is; elsewhere 0."""
    server = found[place].server
    if len(server.models) <= 1 or (place + 1 < len(found) and found[place + 1].server is server):
        return 0
    shown = 0
    while place - shown >= 0 and found[place - shown].model is not None and found[place - shown].server is server:
        shown += 1
    return len(server.models) - shown


def more(scene: Scene, count: int) -> Draws:
    """The line about models that are left out."""
    return partial(list, [gap(2), (f"{scene.glyphs.none} {count} more not loaded", "faint")]), -1


def shown(
    screen: ModelsScreen, found: Sequence[Choice], lines: Sequence[Draws], width: int, room: int
) -> list[Listed]:
    """As many lines of ``width`` as there is room for, what is selected in their middle; only these are drawn.

    The first line of what is selected is inverted, another one belongs to it.
    """
    if room <= 0:
        return []
    at = next((n for n, (_, place) in enumerate(lines) if place >= 0 and found[place].key == screen.key), -1)
    first = max(0, min(at - room // 2, len(lines) - room))
    out: list[Listed] = []
    for number in range(first, min(len(lines), first + room)):
        draw, place = lines[number]
        row = draw()
        if number == at:
            row = [("".join(piece for piece, _ in row), "select")]
        out.append((fit_row(row, width), place))
    below = len(lines) - first - room
    if below > 0:
        out[-1] = fit_row([(f"  {below + 1} more lines", "dim")], width), -1
    return out
