"""The lanes of the selected server or model above one another: how tall each is, its name, its value of now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.render import model_figures as figures
from wftui.render import model_words as words
from wftui.render import text
from wftui.render.palette import heat
from wftui.tui import gpus
from wftui.tui.frame import Row, join, row_width
from wftui.tui.gpu_screen.fields import watts
from wftui.tui.gpu_screen.words import own
from wftui.tui.models_screen import lanes
from wftui.tui.models_screen.lanes import (
    BUSY,
    ENERGY,
    HITS,
    ITL,
    KV,
    POWER,
    PROGRESS,
    RUNNING,
    TOKENS,
    TTFT,
    WAITING,
)
from wftui.tui.models_screen.listing import between, own_bound
from wftui.tui.panels import parts
from wftui.tui.panels.window import Window
from wftui.tui.scene import gap, keep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.render.model_figures import Spread
    from wftui.tui.gpus import Gpu
    from wftui.tui.models_screen.lanes import Lane, Plot
    from wftui.tui.models_screen.model import Choice, ModelsScreen
    from wftui.tui.scene import Scene

NAMES: Final = 13
"""Columns of the names of the lanes, with the gap behind them."""
_KEPT: Final = (TOKENS, PROGRESS, TTFT, WAITING, KV, RUNNING, ITL, BUSY, ENERGY, HITS, POWER)
"""Which stay when there are fewer lines than lanes."""
_STEPS: Final = (
    (TOKENS, 4), (TTFT, 2), (ITL, 2), (TTFT, 3), (ITL, 3), (TOKENS, 6), ("", 1), (PROGRESS, 2), (KV, 2), (BUSY, 2),
    (TOKENS, 8), (RUNNING, 2), (POWER, 2), (WAITING, 2), (TOKENS, 10), (PROGRESS, 4), (RUNNING, 3), (KV, 3),
    (TOKENS, 12),
)  # fmt: skip
"""Who grows in turn, and up to how many lines; the empty name: a blank line between groups."""
_MIRRORED: Final = 9
"""Lines from which on the tokens have two for each of their halves."""
_GROUPS: Final = {
    TOKENS: 0, PROGRESS: 0, TTFT: 1, ITL: 1, RUNNING: 2, WAITING: 2, KV: 3, HITS: 3, BUSY: 4, POWER: 4, ENERGY: 4,
}  # fmt: skip
_HALVES: Final = (("prompt", "prompt"), ("generation", "generation"))
"""Name and role."""
_COUNT: Final = {RUNNING: lambda of: of.running, WAITING: lambda of: of.waiting}


def heights(found: Sequence[Lane], room: int) -> tuple[dict[str, int], bool]:
    """Lines of each lane in ``room`` of them, and whether groups have a blank line between them."""
    # Two halves of one line each tell little: lanes of less weight give way to them.
    both = 4 if room >= _MIRRORED else 2
    least = {lane.name: both if lane.name == TOKENS and all(lane.series) else 1 for lane in found}
    while least and sum(least.values()) > room:
        least.pop(max(least, key=_KEPT.index))
    blanks = len({_GROUPS[name] for name in least}) - 1
    spaced = False
    for name, most in _STEPS:
        left = room - sum(least.values()) - blanks * spaced
        if not name:
            spaced = left >= blanks > 0
        elif name in least and least[name] < most <= least[name] + left:
            least[name] = most
    return least, spaced


def draw(scene: Scene, screen: ModelsScreen, choice: Choice, width: int, height: int) -> list[Row]:
    """All lanes with a ruler below them, at most ``height`` lines."""
    right = 25 if width >= 100 else 21 if width >= 60 else 12
    plot = width - NAMES - right - 1
    found = lanes.lanes(choice)
    if plot < 8 or not found:
        return []
    ruled = height >= 6
    tall, spaced = heights(found, height - ruled)
    window = Window(scene.state, plot, screen.seconds)
    screen.span = 2 * plot
    shown = [lane for lane in found if lane.name in tall]
    drawn = _plots(scene, screen, window, choice, shown, tall, plot)
    rows: list[Row] = []
    for place, lane in enumerate(shown):
        lines = tall[lane.name]
        if spaced and place and _GROUPS[lane.name] != _GROUPS[shown[place - 1].name]:
            rows.append([])
        names, values = _names(choice, lane, lines), _values(scene, choice, lane, lines, right)
        for at, middle in enumerate(drawn[place].rows):
            name = _scaled(names.get(at, []), drawn[place].tops.get(at, ""))
            rows.append([*name, *middle, gap(1), *join([], values.get(at, []), right)])
    if ruled and rows:
        rows.append([gap(NAMES), *window.ruler(scene, plot), gap(right + 1)])
    return rows


def _scaled(name: Row, top: str) -> Row:
    """A name, and where there is room what the scale of its lane ends with, next to it."""
    scale: Row = [(top, "faint")] if row_width(name) + len(top) < NAMES - 1 else []
    return [*join(name, scale, NAMES - 1), gap(1)]


def _plots(
    scene: Scene,
    screen: ModelsScreen,
    window: Window,
    choice: Choice,
    shown: Sequence[Lane],
    tall: dict[str, int],
    width: int,
) -> list[Plot]:
    """The middles: made once a second, whatever keys are pressed."""
    state = scene.state

    def make() -> list[Plot]:
        gaps = lanes.holes(window, choice)
        limit = sum(gpu.power_limit for gpu in _boxes(scene, choice)) or lanes.NAN
        return [lanes.draw(scene, window, lane, tall[lane.name], gaps, limit) for lane in shown]

    if scene.replay is not None:
        return make()  # blocks of the past come when they come
    # The past that is fetched later comes as new histories.
    held = tuple(id(state.histories.get(text_)) for lane in shown for text_ in lane.texts)
    made_of = (
        choice.key, tuple(tall.items()), width, screen.seconds, state.second, held, state.far.version,
        scene.glyphs, scene.sweep,
    )  # fmt: skip
    return keep(state, "model lanes", made_of, make)


def _names(choice: Choice, lane: Lane, lines: int) -> dict[int, Row]:
    """What stands at the left of each of its lines."""
    if lane.name == TOKENS:
        halves = [
            (label, role)
            for label, role, texts in zip(
                ("prompt", "generation"), ("prompt", "generation"), lane.series, strict=True
            )
            if texts
        ]
        places = (0, max(1, lines // 2)) if len(halves) == 2 else (0,)
        return {at: [half] for at, half in zip(places, halves, strict=True)}
    if lane.name in lanes.SPREADS:
        of = _spread(choice, lane)
        label = "TTFT" if lane.name == TTFT else between(of)
        stats = {1: ("p95",), 2: ("p95", "p99")}.get(lines, figures.QUANTILES)
        return {at: [(f"{label if at == 0 else '':<5}", "dim"), (stat, "faint")] for at, stat in enumerate(stats)}
    name = lane.name
    if name == ENERGY:
        name = "1k tokens"
    elif name == BUSY and len(choice.server.gpus) > 1:
        name = f"{len(choice.server.gpus)} gpus busy"
    return {0: [(name, "dim")]}


def _spread(choice: Choice, lane: Lane) -> Spread:
    return choice.figures.ttft if lane.name == TTFT else choice.figures.itl


def _values(scene: Scene, choice: Choice, lane: Lane, lines: int, width: int) -> dict[int, Row]:
    """What stands at the right of each of its lines, right-aligned."""
    of = choice.figures
    if lane.name == TOKENS:
        return _speeds(lane, of, lines, width)
    if lane.name in lanes.SPREADS:
        return _quantiles(scene, _spread(choice, lane), lines, width)
    if lane.name in _COUNT:
        value = _COUNT[lane.name](of)
        role = "warn" if lane.name == WAITING and value > 0 else "strong"
        return {0: [parts.figure(words.whole(value), role)]}
    if lane.name in (KV, HITS, PROGRESS):
        value = {KV: of.kv, HITS: of.hits, PROGRESS: of.progress}[lane.name]
        size: Row = []
        if lane.name == KV and of.kv_tokens == of.kv_tokens and width >= 20:
            size = [("of ", "faint"), (f"{words.tokens(of.kv_tokens)} ", "dim")]
        role = heat(value) if lane.name == KV and value >= 0.65 else "strong"
        return {0: [*size, parts.percent(value, role)]}
    if lane.name == ENERGY:
        return {0: _energy(scene, choice, width)}
    return {0: _cards(scene, choice, lane.name)}


def _speeds(lane: Lane, of: figures.Figures, lines: int, width: int) -> dict[int, Row]:
    out: dict[int, Row] = {}
    halves = [
        pair
        for pair, texts in zip(
            ((of.prompt, of.prompt_mean), (of.generation, of.generation_mean)), lane.series, strict=True
        )
        if texts
    ]
    half = max(1, lines // 2)
    for place, (now, mean) in enumerate(halves):
        unit: Row = [(" tok/s" if now == now else "      ", "dim")] if width >= 12 else []
        out[place * half] = [parts.figure(words.speed(now)), *unit]
        # The mean stands below its value where the half has a second line.
        if (half if place == 0 else lines - half * (len(halves) - 1)) >= 2 and width >= 20:
            label = "mean of 10 s " if width >= 25 else "10 s "
            out[place * half + 1] = [(label, "faint"), parts.figure(words.speed(mean), "dim"), gap(6)]
        elif width >= 25:
            out[place * half] = [
                ("10 s ", "faint"),
                parts.figure(words.speed(mean).strip(), "dim"),
                gap(1),
                *out[place * half],
            ]
    return out


def _quantiles(scene: Scene, of: Spread, lines: int, width: int) -> dict[int, Row]:
    def said(value: float, role: str = "strong") -> tuple[str, str]:
        return parts.figure(own_bound(words.took(value, of.bounds), scene.glyphs), role)

    n = words.seen(of)
    if lines == 1:
        first: Row = [("p50 ", "faint"), said(of.p50, "text"), gap(1)] if width >= 21 else []
        return {0: [*first, said(of.p95)]}
    shown = (of.p95, of.p99) if lines == 2 else (of.p50, of.p95, of.p99)
    out: dict[int, Row] = {at: [said(value)] for at, value in enumerate(shown)}
    if n and width >= 20:
        out[0] = [(f"{n}  ", "faint"), *out[0]]
    return out


def _energy(scene: Scene, choice: Choice, width: int) -> Row:
    of = choice.figures
    about = f"{scene.glyphs.about} "
    hours = words.watt_hours(of.per_1000_wh)
    if of.per_token != of.per_token:
        return [(text.UNKNOWN, "dim")]
    joules: Row = [(f"{words.joules(of.per_1000_j)}  ", "dim")] if width >= 25 else []
    return [(about, "faint"), *joules, (hours, "strong")]


def _cards(scene: Scene, choice: Choice, name: str) -> Row:
    """Its GPUs now: the mean of how busy they are, the sum of what they draw."""
    those = _boxes(scene, choice)
    if name == BUSY:
        told = [gpu.utilization for gpu in those if gpu.utilization == gpu.utilization]
        return [parts.percent(sum(told) / len(told) if told else lanes.NAN)]
    told = [gpu.power for gpu in those if gpu.power == gpu.power]
    return [parts.figure(own(watts(sum(told) if told else lanes.NAN), scene.glyphs))]


def _boxes(scene: Scene, choice: Choice) -> list[Gpu]:
    """Its GPUs that are known."""
    return [gpu for gpu in gpus.boxes(scene.state) if gpu.uuid in choice.server.gpus]
