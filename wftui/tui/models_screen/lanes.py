"""What is drawn over time: a lane for each figure of the selected server or model, all on one time axis.

A lane has a name at its left, its past in the middle, its value of now at its right. Where a figure has no
value in a second in which nothing happened (no request ended, no token was looked up) the lane is blank; hatched
is only what nobody recorded.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.render import graph, text
from wftui.render import model_figures as figures
from wftui.render.palette import heat
from wftui.tui.panels import parts
from wftui.tui.state import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wftui.tui.frame import Row, Segment
    from wftui.tui.models_screen.model import Choice
    from wftui.tui.panels.window import Window
    from wftui.tui.scene import Scene

NAN: Final = float("nan")
TOKENS: Final = "tokens"
TTFT: Final = "first token"
ITL: Final = "next token"
RUNNING: Final = "running"
WAITING: Final = "waiting"
KV: Final = "KV cache"
HITS: Final = "prefix hits"
BUSY: Final = "gpu busy"
POWER: Final = "power"
ENERGY: Final = "energy"
PROGRESS: Final = "progress"
ORDER: Final = (TOKENS, PROGRESS, TTFT, ITL, RUNNING, WAITING, KV, HITS, BUSY, POWER, ENERGY)
"""The most important first."""
SPREADS: Final = {
    TTFT: (figures.TTFT, figures.CLIENT_TTFT),
    ITL: (figures.ITL, figures.TPOT, figures.CLIENT_ITL),
}
SCALES: Final = {TTFT: (0.05, 10.0), ITL: (0.005, 0.5)}
"""Seconds where the scale of a lane of durations begins and ends; each doubling is as long as any other."""


class Lane(NamedTuple):
    """One figure, and the series that it is made of."""

    name: str
    series: tuple[tuple[str, ...], ...]
    """For each of its rows or halves: the series, several are put together."""

    @property
    def texts(self) -> tuple[str, ...]:
        """All of its series."""
        return tuple(text for texts in self.series for text in texts)


class Plot(NamedTuple):
    """A lane as drawn."""

    rows: list[Row]
    tops: dict[int, str]
    """What the highest value of a scale is, by the line at which it stands."""


def lanes(choice: Choice) -> list[Lane]:
    """Those that this server tells something for, in order."""
    scope = choice.scope

    def plain(metric: str, *modes: str) -> tuple[tuple[str, ...], ...]:
        return tuple(scope.texts(metric, mode) for mode in modes or ("",))

    made: dict[str, tuple[tuple[str, ...], ...]] = {
        TOKENS: plain(figures.RATE, "prompt", "generation"),
        PROGRESS: plain(figures.PROGRESS),
        RUNNING: plain(figures.REQUESTS, "running"),
        WAITING: plain(figures.REQUESTS, "waiting"),
        KV: plain(figures.KV),
        HITS: plain(figures.HITS),
        ENERGY: plain(figures.PER_TOKEN),
    }
    for name, metrics in SPREADS.items():
        metric = next((one for one in metrics if scope.texts(one, "", "p50")), metrics[0])
        made[name] = tuple(scope.texts(metric, "", stat) for stat in figures.QUANTILES)
    for name, metric in ((BUSY, "hw.gpu.utilization"), (POWER, "hw.gpu.power")):
        made[name] = (tuple(text_of(metric, ("gpu", uuid)) for uuid in choice.server.gpus),)
    return [Lane(name, made[name]) for name in ORDER if any(made[name])]


# ---- values


def holes(window: Window, choice: Choice) -> list[int]:
    """``GAP`` or ``BLANK`` for each half column where nothing is known of the server, 0 elsewhere."""
    for texts in (
        choice.server.scope.texts(figures.REQUESTS, "running"),
        choice.scope.texts(figures.RATE, "generation"),
    ):
        if texts:
            return [level if level < 0 else 0 for level in graph.levels(_past(window, texts, _add), 1.0, 1)]
    return [0] * len(window.past("inference.server.up", ("server", choice.server.endpoint)))


def _past(
    window: Window, texts: Sequence[str], fold: Callable[[list[float]], float], *, worst: bool = False
) -> list[float]:
    """The past of several series together; ``worst``: the highest second of a half column, not its mean."""
    each = [window.sampled(one).high if worst and window.zoomed else window.past(one) for one in texts]
    if len(each) == 1:
        return each[0]
    return [fold(known) if (known := [v for v in at if v == v]) else NAN for at in zip(*each, strict=True)]


def _add(known: list[float]) -> float:
    return sum(known)


def _even(known: list[float]) -> float:
    return sum(known) / len(known)


# ---- drawn


def draw(scene: Scene, window: Window, lane: Lane, height: int, gaps: Sequence[int], limit: float = NAN) -> Plot:
    """The middle of a lane: ``height`` rows; ``limit``: of what its GPUs may draw (W)."""
    if lane.name == TOKENS:
        return _mirrored(scene, window, lane, height, gaps)
    if lane.name in SPREADS:
        # One row shows the p95, two the p95 and p99.
        shown = {1: lane.series[1:2], 2: lane.series[1:]}.get(height, lane.series)
        low, high = SCALES[lane.name]
        rows = [
            _heated(scene, _past(window, texts, max, worst=True), gaps, low, high, window.ahead) for texts in shown
        ]
        return Plot(rows, {})
    fold = max if lane.name == KV else _add if lane.name in (POWER, RUNNING, WAITING) else _even
    values = _past(window, lane.series[0], fold)
    top = limit if lane.name == POWER and limit == limit else _top(lane.name, values)
    roles = _ROLES.get(lane.name)
    if lane.name == POWER and limit == limit:
        roles = None  # a share of a limit has its heat
    scale = {BUSY: "gpu", POWER: "power"}.get(lane.name, "")
    rows = _area(scene, values, top, height, roles, gaps, window.ahead, scale=scale)
    return Plot(rows, {0: _scaled(lane.name, top)} if lane.name in _COUNTED else {})


_COUNTED: Final = (RUNNING, WAITING, POWER)
"""Lanes that are no shares and have room for what their scale ends with."""
_ROLES: Final = {
    RUNNING: "models",
    WAITING: "wait",
    HITS: "good",
    POWER: "gpus",
    ENERGY: "gpus",
    PROGRESS: "models",
}
"""Lanes of one colour; the others have the heat of their share."""


def _top(name: str, values: Sequence[float]) -> float:
    if name in (KV, HITS, BUSY, PROGRESS):
        return 1.0
    highest = max((value for value in values if value == value), default=0.0)
    return text.round_up(max(highest, {POWER: 50.0, RUNNING: 4.0, WAITING: 4.0}.get(name, 0.0)))


def _scaled(name: str, top: float) -> str:
    """A round number: ``500``, ``10k``, ``1.4kW``."""
    said = f"{top / 1000:g}k" if top >= 1000 else f"{top:g}"
    return f"{said}W" if name == POWER else said


def _area(
    scene: Scene,
    values: list[float],
    top: float,
    height: int,
    role: str | None,
    gaps: Sequence[int],
    ahead: int,
    *,
    down: bool = False,
    scale: str = "",
) -> list[Row]:
    ascii_only = scene.glyphs.ascii_only
    if any(value != value for value in values):
        dots = graph.levels(values, top, height, ahead)
        dots = [hole if dot == graph.GAP else dot for dot, hole in zip(dots, _blank(gaps), strict=True)]
        lines = graph.rows(dots, height, down=down, ascii_only=ascii_only)
    else:
        lines = scene.state.lines.rows(values, top, height, ahead, down=down, ascii_only=ascii_only)
    hatch = "%" if ascii_only else "▒"
    rows: list[Row] = []
    for place, line in enumerate(lines):
        from_base = place if down else height - 1 - place
        shade = role if role is not None else "" if height == 1 else heat((from_base + 0.7) / height, scale)
        if not shade:
            # A single line has the heat of each of its cells.
            rows.append(parts.swept(scene, _by_value(line, values, top, hatch, scale), len(line)))
        else:
            rows.append(parts.swept(scene, _hatched(line, shade, hatch), len(line)))
    return rows


def _blank(gaps: Sequence[int]) -> list[int]:
    """What stands where there is no value: a gap where nobody recorded, else nothing."""
    return [hole if hole == graph.GAP else graph.BLANK for hole in gaps]


def _hatched(line: str, role: str, hatch: str) -> Row:
    return (
        _runs([(char, "faint" if char == hatch else role) for char in line]) if hatch in line else [(line, role)]
    )


def _by_value(line: str, values: Sequence[float], top: float, hatch: str, scale: str) -> Row:
    cells: Row = []
    for place, char in enumerate(line):
        pair = [value for value in values[2 * place : 2 * place + 2] if value == value]
        cells.append((char, "faint" if char == hatch or not pair else heat(max(pair) / top, scale)))
    return _runs(cells)


def _mirrored(scene: Scene, window: Window, lane: Lane, height: int, gaps: Sequence[int]) -> Plot:
    """Prompt tokens upwards, generated ones downwards, each on its own scale."""
    rows: list[Row] = []
    tops: dict[int, str] = {}
    upper = max(1, height // 2) if lane.series[0] and lane.series[1] else height if lane.series[0] else 0
    for place, (texts, role) in enumerate(zip(lane.series, ("prompt", "generation"), strict=True)):
        lines = upper if place == 0 else height - upper
        if not texts or lines <= 0:
            continue
        values = _past(window, texts, _add)
        top = text.round_up(max((value for value in values if value >= 1.0), default=1.0))
        rows += _area(scene, values, top, lines, role, gaps, window.ahead, down=place == 1)
        tops[0 if place == 0 else len(rows) - 1] = _scaled(lane.name, top)
    return Plot(rows, tops)


def _heated(
    scene: Scene, values: Sequence[float], gaps: Sequence[int], low: float, high: float, ahead: int
) -> Row:
    """A cell for every two values: as warm, and as high, as the worst of them is long."""
    ascii_only = scene.glyphs.ascii_only
    hatch = ("%" if ascii_only else "▒", "faint")
    nothing = (" ", "faint")
    cells: Row = []
    coming = len(values) - ahead
    for place in range(0, len(values), 2):
        one, other = values[place], values[place + 1]
        if place + 1 >= coming:
            other = NAN
        # Of NaN and a number either may stand first.
        worst = other if one != one or other > one else one
        if worst == worst:
            cells.append(_warmth(worst, low, high, ascii_only))
        else:
            cells.append(hatch if graph.GAP in (gaps[place], gaps[place + 1]) else nothing)
    return parts.swept(scene, _runs(cells), len(cells))


@lru_cache(maxsize=4096)
def _warmth(seconds: float, low: float, high: float, ascii_only: bool) -> Segment:
    """A cell of a lane of durations; each comes again in every frame until it has left the screen."""
    share = min(1.0, math.log(seconds / low) / math.log(high / low)) if seconds > low else 0.0
    return graph.cell(share, ascii_only=ascii_only), heat(share)


def _runs(cells: Sequence[tuple[str, str]]) -> Row:
    """Neighbours of one role as one piece."""
    row: Row = []
    for char, role in cells:
        if row and row[-1][1] == role:
            row[-1] = row[-1][0] + char, role
        else:
            row.append((char, role))
    return row
