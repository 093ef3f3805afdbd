"""The two graphs of the selected GPU: work and power, or memory and heat, on one time axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.render import graph, text
from wftui.render.palette import heat
from wftui.tui.frame import Row, fit_row, join, row_width
from wftui.tui.gpu_screen.fields import figure, watts
from wftui.tui.gpu_screen.words import own
from wftui.tui.panels import parts
from wftui.tui.panels.gpu_parts import COOL, HOT
from wftui.tui.scene import gap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.tui.gpus import Gpu
    from wftui.tui.scene import Scene

WORK: Final = "work and power"
HEAT: Final = "memory and heat"
KINDS: Final = (WORK, HEAT)
NAN: Final = float("nan")
_HEADROOM: Final = 1.1
"""Above a limit there is room, so that its line can be seen and crossed."""
_TITLE: Final = 12
_FIGURES: Final = 14


class Plot(NamedTuple):
    """One graph: what is drawn and what stands above it."""

    title: Row
    figures: Row
    more: Row
    """Beside the figures where there is room."""
    front: list[float]
    top: float
    role: str = ""
    """Empty: the heat scale by height."""
    back: list[float] | None = None
    """Drawn behind, on the same scale."""
    back_role: str = ""
    limit: float = NAN
    limit_words: str = ""
    heat_top: float = NAN
    """Where the heat scale ends; unknown: at the top."""
    heat_from: float = 0.0
    """Where it begins."""
    scale: str = ""
    """Whose limits it has."""


def plots(scene: Scene, gpu: Gpu, kind: str, seconds: int) -> list[Plot]:
    """The two graphs of a kind."""
    makers = (_work, _power) if kind == WORK else (_memory, _temperature)
    if kind == WORK and gpu.utilization != gpu.utilization and gpu.memory_share == gpu.memory_share:
        makers = (_memory, _power)  # with MIG on: nobody tells how busy it is
    return [make(scene, gpu, seconds) for make in makers]


def _past(scene: Scene, gpu: Gpu, seconds: int, name: str, *labels: tuple[str, str]) -> list[float]:
    return scene.state.past(seconds, f"hw.gpu.{name}", ("gpu", gpu.uuid), *labels)


def _limit(values: Sequence[float], limit: float, least: float) -> float:
    """Top of the scale of what may go beyond its limit; without one, of what was seen."""
    highest = max((value for value in values if value == value), default=0.0)
    return max(limit, highest) * _HEADROOM if limit == limit else max(least, text.round_up(highest * _HEADROOM))


def _work(scene: Scene, gpu: Gpu, seconds: int) -> Plot:
    moved = gpu.memory_io
    more: Row = [("memory io ", "dim"), (text.percent(moved), "memory")] if moved == moved else []
    past = _past(scene, gpu, seconds, "utilization")
    back = _past(scene, gpu, seconds, "memory.io.utilization")
    return Plot([("utilisation", "dim")], [parts.percent(gpu.utilization)], more, past, 1.0, back=back,
                back_role="memory", limit_words="100 %", scale="gpu")  # fmt: skip


def _power(scene: Scene, gpu: Gpu, seconds: int) -> Plot:
    past, limit = _past(scene, gpu, seconds, "power"), gpu.power_limit
    words = f"limit {watts(limit)}" if limit == limit else ""
    figures: Row = [(watts(gpu.power), "strong" if gpu.power == gpu.power else "dim")]
    if limit == limit:
        figures.append((f" of {watts(limit)}", "dim"))
    return Plot([("power", "dim")], figures, [], past, _limit(past, limit, 50.0), limit=limit, limit_words=words,
                heat_top=limit, scale="power")  # fmt: skip


def _memory(scene: Scene, gpu: Gpu, seconds: int) -> Plot:
    more: Row = [(f"{figure(gpu.memory_used, 'By')} of {figure(gpu.memory_total, 'By')}", "dim")]
    past = _past(scene, gpu, seconds, "memory.utilization")
    return Plot([("memory", "dim")], [parts.percent(gpu.memory_share)], more, past, 1.0, role="memory",
                limit_words="100 %")  # fmt: skip


def _temperature(scene: Scene, gpu: Gpu, seconds: int) -> Plot:
    def words(degrees: float) -> str:
        return own(figure(degrees, "Cel"), scene.glyphs)

    memory, limit = gpu.memory_temperature, gpu.hot_at
    past = _past(scene, gpu, seconds, "temperature", ("sensor", "gpu"))
    figures: Row = [(words(gpu.temperature), "strong" if gpu.temperature == gpu.temperature else "dim")]
    more: Row = [("memory ", "dim"), (words(memory), "text")] if memory == memory else []
    told = f"slows down at {words(limit)}" if limit == limit else ""
    return Plot([("temperature", "dim")], figures, more, past, _limit(past, limit, 100.0), limit=limit,
                limit_words=told, heat_top=limit if limit > COOL else HOT, heat_from=COOL,
                scale="temperature")  # fmt: skip


def draw(scene: Scene, plot: Plot, width: int, height: int) -> list[Row]:
    """A line of figures, and below it the graph; with one line only, the graph beside the figures."""
    head = join(plot.title, [*plot.more, gap(2), *plot.figures] if plot.more else plot.figures, width)
    if row_width(plot.title) + row_width(plot.more) + row_width(plot.figures) + 4 > width:
        head = join(plot.title, plot.figures, width)
    if height < 2:
        # Lines above each other share their edges.
        room = width - _TITLE - _FIGURES - 1
        if room < 6:
            return [join(plot.title, plot.figures, width)]
        shown = parts.spark(scene, plot.front, room, plot.top, plot.role or "gpus")
        return [[*fit_row(plot.title, _TITLE), *shown, gap(1), *join([], plot.figures, _FIGURES)]]
    lines = _lines(scene, plot, height - 1)
    if plot.limit_words and height >= 6:
        at = 0
        if plot.limit == plot.limit and plot.top > 0:
            # Right above its line where there is room.
            at = max(0, height - 2 - int(plot.limit / plot.top * (height - 1)))
        lines[at] = _written(lines[at], plot.limit_words, width)
    if not any(value == value for value in plot.front):
        lines[height // 2 - 1] = fit_row([("no value in this time".center(width).rstrip(), "faint")], width)
    return [head, *lines]


def _written(row: Row, words: str, width: int) -> Row:
    """Words at the left end, where nothing but the line of the limit is drawn."""
    from wftui.tui.frame import crop

    taken = len(words) + 1
    under = "".join(shown for shown, _ in crop(row, 0, taken))
    if taken > width or under.strip("⠀ ⠉⠒⠤⣀-"):
        return row
    return [(words + " ", "faint"), *crop(row, taken, width)]


def _lines(scene: Scene, plot: Plot, height: int) -> list[Row]:
    state = scene.state
    front = graph.levels(plot.front, plot.top, height, state.ahead)
    behind = graph.levels(plot.back, plot.top, height, state.ahead) if plot.back else [graph.BLANK] * len(front)
    masks: list[tuple[Sequence[int], str]] = []
    limit = int(plot.limit / plot.top * 4 * height + 0.5) if plot.limit == plot.limit and plot.top > 0 else 0
    line = 1 << max(0, min(4 * height, limit) - 1)
    masks.append(([line if limit else 0] * len(front), "-"))
    # The part below what is behind is drawn in every second dot: two shades, also without colour.
    shade = [_checkered(place) & ((1 << max(0, dot)) - 1) for place, dot in enumerate(behind)]
    solid = [
        ((1 << max(0, dot)) - 1) & ~((1 << max(0, under)) - 1)
        for dot, under in zip(front, behind, strict=True)
    ]  # fmt: skip
    masks.append((shade, ":"))
    masks.append((solid, "#"))
    drawn = graph.layers(masks, front, height, ascii_only=scene.glyphs.ascii_only)
    hottest = plot.heat_top if plot.heat_top == plot.heat_top else plot.top
    span = hottest - plot.heat_from if hottest > plot.heat_from else 1.0
    rows: list[Row] = []
    for place, runs in enumerate(drawn):
        at = (height - 1 - place + 0.7) / height * plot.top
        warmth = heat((at - plot.heat_from) / span, plot.scale)
        roles = ("dim", plot.back_role or "dim", plot.role or warmth)
        row = [(words, roles[owner] if owner >= 0 else "faint") for words, owner in runs]
        rows.append(parts.swept(scene, row, len(front) // 2))
    return rows


def _checkered(half: int) -> int:
    return 0x5555_5555_5555_5555_5555_5555_5555_5555_5555_5555 << (half & 1)
