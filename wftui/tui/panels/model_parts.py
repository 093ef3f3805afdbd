"""What the models panel says of a server in any of its shapes: lines, signs, names, words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.model import servers as cells
from wftui.model.health import ASLEEP, DENIED, OK, UNSUPPORTED
from wftui.render import model_words, text
from wftui.render.model_figures import PER_TOKEN, RATE
from wftui.render.models import BAD, GOOD, QUIET, RANK, WARN
from wftui.tui.frame import cells as cells_of
from wftui.tui.frame import outside, plain
from wftui.tui.models_screen.model import SORTS
from wftui.tui.models_screen.seen import servers
from wftui.tui.scene import keep
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.render.model_cards import Model, Server
    from wftui.render.model_figures import Figures
    from wftui.tui.frame import Row, Segment
    from wftui.tui.scene import Scene
    from wftui.tui.state import State

_HERE: Final = ("127.0.0.1:", "[::1]:", "localhost:")
_ENERGY_S: Final = 10
"""Energy by process is told every five seconds."""
_LOOK_S: Final = 30
_BACK_S: Final = 300
"""Seconds of the past that say what makes most tokens."""
_YOUNG_S: Final = 120
"""So long after a restart it is said."""
_STATES: Final = {
    cells.LOADING: ("late", WARN),
    cells.SLEEPING: (ASLEEP, QUIET),
    cells.FAILED: ("failed", BAD),
}
"""State of a model to the health state whose sign it has, and how bad that is."""


class Line(NamedTuple):
    """A line of the panel: a server with its model, or a further model of the server above."""

    server: Server
    model: Model | None
    first: bool
    claims: bool
    """Whether the trouble of the server is said here."""

    @property
    def figures(self) -> Figures:
        """What is told of it."""
        return self.server.figures if self.model is None else self.model.figures

    @property
    def speaks(self) -> bool:
        """Whether there are numbers to show, or a model."""
        return self.server.state in (OK, ASLEEP) or self.server.figures.speaks

    @property
    def level(self) -> str:
        """How it is."""
        if self.claims or not self.speaks:
            return self.server.level
        if self.model is not None and self.model.state in _STATES:
            return _STATES[self.model.state][1]
        return GOOD if self.server.state == OK else self.server.level


def lines(state: State, sort: str = "name") -> tuple[Line, ...]:
    """A line for each model that is there, at least one for each server."""
    if not state.tables.get(cells.SERVERS.name):
        return ()  # most machines: nothing is looked up for them
    found = servers(state)
    return keep(state, "model lines", (found, sort), lambda: _lines(found, sort))


def _lines(found: tuple[Server, ...], sort: str) -> tuple[Line, ...]:
    out: list[Line] = []
    for server in sorted(found, key=SORTS[sort]):
        shown: list[Model | None] = [model for model in server.models if model.state != cells.UNLOADED]
        shown = shown or [None]
        # A claim is about the model that is least where it is said to be.
        meant = max(range(len(shown)), key=lambda at: (_in_ram(shown[at]), -at))
        out += [
            Line(server, model, at == 0, at == (meant if server.trouble == "claim" else 0))
            for at, model in enumerate(shown)
        ]
    return tuple(out)


def named(server: Server) -> str:
    """Short, for a person: ``vllm:8000``, ``llama.cpp run/llama.sock``, ``tgi 10.0.0.3:3000``."""
    where, kind = server.endpoint, server.kind or "server"
    for here in _HERE:
        if where.startswith(here):
            return f"{kind}:{where.removeprefix(here)}"
    if where.startswith("unix:"):
        return f"{kind} {where.rpartition('/')[2]}"
    return f"{kind} {where}"


def _in_ram(model: Model | None) -> float:
    share = model.in_ram if model is not None else 0.0
    return share if share == share else 0.0


def known(state: State) -> tuple[tuple[str, str], ...]:
    """(endpoint, short name) of all servers."""
    found = servers(state)
    return keep(state, "model server names", found, lambda: tuple((item.endpoint, named(item)) for item in found))


def sign(scene: Scene, line: Line) -> Segment:
    """How it is, without colour and with."""
    level = line.level
    if line.server.state != OK:
        return scene.glyphs.health.get(line.server.state, "?"), level
    if line.model is not None and line.model.state in _STATES:
        return scene.glyphs.health[_STATES[line.model.state][0]], level
    return (scene.glyphs.alert if RANK[level] > RANK[GOOD] else scene.glyphs.ok), level


def words(scene: Scene, line: Line, width: int) -> Segment:
    """What is to be said of it beside its figures, trouble first; exactly ``width`` cells."""
    said, kind = _said(scene, line)
    glyphs = scene.glyphs
    fitting = [words_ for words_ in said if cells_of(words_) <= width]
    return outside(fitting[0] if fitting else said[-1], width, glyphs), kind


def _said(scene: Scene, line: Line) -> tuple[list[str], str]:
    """The same at length, and shorter; and its role."""
    server, model, glyphs = line.server, line.model, scene.glyphs
    if line.claims and server.trouble == "claim":
        verdict, evidence = plain(server.verdict, glyphs), plain(server.evidence, glyphs)
        # How much of it says more than that it is so.
        brief = _placed(model) if model is not None and "RAM" in verdict + evidence and _in_ram(model) else verdict
        return [f"{verdict}: {evidence}", brief], line.level
    if line.claims and server.trouble:
        return [server.trouble], line.level
    if model is not None and model.state in _STATES:
        return [model.state], line.level
    if line.first and server.figures.restarts > 0 and server.since_ns is not None:
        age_s = scene.now.time_ns / NS_PER_S - server.since_ns / NS_PER_S
        if 0 <= age_s < _YOUNG_S:
            return [f"restarted {text.duration(age_s)} ago", "restarted"], "warn"
    figures = line.figures
    if figures.progress == figures.progress:
        return [f"job {text.percent(figures.progress).strip()}"], "text"
    each = _per_token(scene.state, line)
    if each == each:
        joules = model_words.joules(each)
        hits = f"{text.percent(figures.hits).strip()} prefix hits" if figures.hits == figures.hits else ""
        energy = f"{joules}/tok {glyphs.about}"
        return [f"{energy}  {hits}" if hits else energy, energy], "dim"
    if model is None:
        return [""], "dim"
    return [plain(model_words.placed(model), glyphs), _placed(model)], "dim"


def _per_token(state: State, line: Line) -> float:
    """Joules of a token; in a second for which the cards' energy was not read yet, those of the seconds before."""
    scope = line.server.scope if line.model is None else line.model.scope
    for text_ in scope.texts(PER_TOKEN):
        known = [value for value in state.seconds(text_, _ENERGY_S) if value == value]
        if known:
            return known[-1]
    return line.figures.per_token


def _placed(model: Model) -> str:
    """Where its memory is, in at most 12 cells."""
    vram, ram = model.vram or 0.0, model.ram or 0.0
    if not vram + ram:
        return ""
    if vram and ram:
        return f"{text.percent(model.in_ram).strip()} in RAM"
    return f"{text.short(vram + ram).strip()} {'VRAM' if vram else 'RAM'}"


def foremost(state: State, found: Sequence[Line], room: int) -> Sequence[Line]:
    """So many lines that matter most, in their order: what is in trouble, then what makes most tokens.

    Looked at twice a minute, so that lines do not dance.
    """
    if len(found) <= room:
        return found
    keys = tuple((item.server.endpoint, item.model.name if item.model else "") for item in found)
    alarming = tuple(_alarm(item) for item in found)

    def ranked() -> list[int]:
        return sorted(range(len(found)), key=lambda at: (-alarming[at], -_peak(state, found[at]), at))

    order = keep(state, "model lines that matter", (keys, alarming, state.slot // _LOOK_S), ranked)
    shown: list[Line] = []
    for at in sorted(order[:room]):
        item = found[at]
        # A model whose server's first line is left out names its server itself.
        alone = not shown or shown[-1].server.endpoint != item.server.endpoint
        shown.append(item._replace(first=True) if alone and not item.first else item)
    return shown


def _alarm(line: Line) -> int:
    server = line.server
    if not line.claims or not troubled(server) or server.trouble == "claim":
        return 0
    return RANK[server.level]


def _peak(state: State, line: Line) -> float:
    scope = line.server.scope if line.model is None else line.model.scope
    known = [
        value
        for text_ in scope.texts(RATE, "generation")
        for value in state.seconds(text_, _BACK_S)
        if value == value
    ]
    return max(known, default=0.0)


def troubled(server: Server) -> bool:
    """Whether a server is in trouble; one that wants a key only says so in its line."""
    return RANK[server.level] > RANK[GOOD] and server.state not in (DENIED, UNSUPPORTED)


def speed(figures: Figures) -> Segment:
    """6 cells: tokens generated a second."""
    value = figures.generation
    if value == 0 and not figures.running > 0:
        return f"{'idle':>6}", "dim"
    return model_words.speed(value), "strong" if value > 0 else "dim"


def prompt(figures: Figures) -> Segment:
    """6 cells: tokens read a second."""
    return model_words.speed(figures.prompt), "prompt" if figures.prompt > 0 else "dim"


def running(figures: Figures) -> Segment:
    """4 cells."""
    return _count(figures.running, 4), "text" if figures.running > 0 else "dim"


def waiting(figures: Figures) -> Segment:
    """4 cells; a queue that is more than a fleeting one is a warning."""
    value = figures.waiting
    queued = value > max(2.0, 0.1 * figures.running if figures.running == figures.running else 0.0)
    return _count(value, 4), "warn" if queued else "text" if value > 0 else "dim"


def _count(value: float, width: int) -> str:
    return f"{model_words.whole(value):>{width}}"


def took(scene: Scene, seconds: float, bounds: tuple[float, float]) -> Segment:
    """8 cells: a duration, with ``≤`` or ``≥`` where it is only a bound."""
    shown = model_words.took(seconds, bounds)
    if scene.glyphs.ascii_only:
        shown = shown.replace(model_words.AT_MOST, "<").replace(model_words.AT_LEAST, ">")
    return shown, "text" if seconds == seconds else "dim"


def dimmed(row: Row) -> Row:
    """What was so some time ago."""
    return [(piece, "faint" if kind == "faint" else "dim") for piece, kind in row]


def total(found: tuple[Server, ...], what: str) -> float:
    """Sum of a figure over all servers; NaN: none tells it."""
    known = [value for server in found if (value := float(getattr(server.figures, what))) == value]
    return sum(known) if known else float("nan")
