"""A GPU with its graphs and figures, for boxes with a few of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wftui.render import text
from wftui.tui.frame import Row, fit_row, join, outside, plain, row_width
from wftui.tui.panels import gpu_parts, parts
from wftui.tui.panels.pressure import wrap
from wftui.tui.panels.window import Window, window
from wftui.tui.scene import Scene, gap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.tui.gpus import Gpu

LEAST_WIDTH = 36
LEAST_HEIGHT = 4
GOOD_HEIGHT = 9
_BETWEEN = 3


def grid(count: int, width: int, height: int) -> tuple[int, int]:
    """Cards beside and above each other; (0, 0): they do not fit.

    Width shows more of the past than height does: as few beside each other as leave them ``GOOD_HEIGHT`` lines.
    """
    fitting = []
    for beside in range(1, count + 1):
        above = -(-count // beside)
        wide = (width - _BETWEEN * (beside - 1)) // beside
        tall = (height - (above - 1)) // above
        if wide >= LEAST_WIDTH and tall >= LEAST_HEIGHT:
            if tall >= GOOD_HEIGHT:
                return beside, above
            fitting.append((beside, above))
    return fitting[-1] if fitting else (0, 0)


def draw(scene: Scene, gpus: Sequence[Gpu], width: int, height: int) -> list[Row]:
    """All of them; the caller knows that they fit."""
    beside, above = grid(len(gpus), width, height)
    wide = (width - _BETWEEN * (beside - 1)) // beside
    tall = (height - (above - 1)) // above
    rows: list[Row] = []
    for first in range(0, len(gpus), beside):
        if rows:
            rows.append([gap(width)])
        drawn = [_card(scene, gpu, wide, tall) for gpu in gpus[first : first + beside]]
        for place in range(tall):
            row: Row = []
            for lines in drawn:
                row += [*([gap(_BETWEEN)] if row else []), *lines[place]]
            rows.append(row)
    return rows


def _card(scene: Scene, gpu: Gpu, width: int, height: int) -> list[Row]:
    """Name and state first; below it graphs on the left, figures or words on the right."""
    side = 30 if width >= 76 else 24 if width >= 52 else 20
    ruled = height >= 8 and width - side >= 44
    lines = height - 1 - ruled
    wide = width - side - 2
    both = wide >= 64
    first = (wide - 2) // 2 if both else wide
    second = wide - 2 - first
    shown = window(scene, "gpus", first)
    graphs = _use(scene, shown, gpu, first, lines, named=both)
    if both:
        graphs = [[*a, gap(2), *b] for a, b in zip(graphs, _power(scene, gpu, second, lines), strict=True)]
    if ruled:
        times = shown.ruler(scene, first)
        graphs.append([*times, gap(2), *window(scene, "gpus", second).ruler(scene, second)] if both else times)
    figures = _figures(scene, gpu, side, height - 1) if gpu.speaks else _reason(scene, gpu, side, height - 1)
    head: Row
    if both:
        limit: Row = [("power", "dim"), (f" of {gpu.power_limit:.0f} W", "faint")] if gpu.power_limit > 0 else []
        use: Row = [("util", "dim"), (" of 100 %", "faint")] if gpu.utilization == gpu.utilization else []
        above: Row = [*join(_name(scene, gpu, first - 14), use, first), gap(2), *fit_row(limit, second), gap(2)]
        head = [*above, *join([], _now(scene, gpu), side)]
    else:
        tail = _now(scene, gpu)
        head = join(_name(scene, gpu, width - row_width(tail) - 1), [gap(1), *tail], width)
    return [
        head,
        *(
            [*row, gap(2), *(figures[place] if place < len(figures) else [gap(side)])]
            for place, row in enumerate(graphs)
        ),
    ]


def _name(scene: Scene, gpu: Gpu, width: int) -> Row:
    row: Row = [gpu_parts.sign(scene, gpu), gap(1), (gpu.title, "strong"), gap(1)]
    room = max(1, width - row_width(row))
    return [*row, (outside(plain(gpu.short, scene.glyphs), room, scene.glyphs, middle=True).rstrip(), "text")]


def _now(scene: Scene, gpu: Gpu) -> Row:
    """What is wrong with it; its clock while nothing is."""
    said = plain(gpu_parts.words(scene, gpu), scene.glyphs)
    if said:
        return [(said, gpu_parts.role(gpu))]
    state: Row = [(plain(gpu.performance, scene.glyphs, 4), "dim"), gap(2)] if gpu.performance else []
    return [*state, gpu_parts.hertz(gpu)]


def _use(scene: Scene, shown: Window, gpu: Gpu, width: int, height: int, *, named: bool) -> list[Row]:
    """How busy it was in the last minutes; ``named``: what that is stands above."""
    past = shown.past("hw.gpu.utilization", ("gpu", gpu.uuid))
    rows = shown.area(scene, past, 1.0, height)
    if height >= 3 and not named and any(value == value for value in past):
        rows[0] = parts.overlay(rows[0], [("util ", "dim"), ("100 % ", "faint")], width)
    return rows


def _power(scene: Scene, gpu: Gpu, width: int, height: int) -> list[Row]:
    """What it drew, up to its limit; up to a round number where there is none."""
    shown = window(scene, "gpus", width)
    past = shown.past("hw.gpu.power", ("gpu", gpu.uuid))
    peak = max((value for value in past if value == value), default=0.0)
    top = gpu.power_limit if gpu.power_limit > 0 else text.round_up(max(peak, 50.0))
    rows = shown.area(scene, past, top, height)
    if height >= 3 and not gpu.power_limit > 0 and peak:
        rows[0] = parts.overlay(rows[0], [("power ", "dim"), (f"{top:.0f} W ", "faint")], width)
    return rows


def _figures(scene: Scene, gpu: Gpu, width: int, height: int) -> list[Row]:
    """Meters first, then what is only a number, as far as there are lines."""
    bar = width - 6 - 7
    memory: Row = [parts.label("mem", 6), *parts.meter(scene, gpu.memory_share, bar, "memory"), gap(2)]
    memory.append(gpu_parts.percent(gpu, gpu.memory_share, "mem_used"))
    use: Row = [parts.label("util", 6), *parts.meter(scene, gpu.utilization, bar, scale="gpu"), gap(2)]
    use.append(gpu_parts.percent(gpu, gpu.utilization, "util"))
    share = gpu.power / gpu.power_limit if gpu.power_limit > 0 else float("nan")
    power: Row = [parts.label("power", 6), *parts.meter(scene, share, bar), gap(1), gpu_parts.watts(gpu)]
    span = (gpu.temperature - gpu_parts.COOL) / (max(gpu.hot_at, gpu_parts.COOL + 1) - gpu_parts.COOL)
    warm: Row = [parts.label("temp", 6), *parts.meter(scene, span, bar, gpu_parts.warmth(gpu)), gap(1)]
    warm.append(gpu_parts.celsius(scene, gpu))
    sizes = text.share(gpu.memory_used, gpu.memory_total).strip()
    kind = "unified" if gpu.unified else ""
    of: Row = join([parts.label("", 6), (kind, "dim")], [(sizes, "text")], width)
    both: Row = join([parts.label("", 6), gpu_parts.celsius(scene, gpu)], [gap(1), gpu_parts.watts(gpu)], width)
    if height <= 3:
        return [fit_row(row, width) for row in (use, memory, both)]
    rows = [use, memory, power, warm]
    if height >= 5:
        rows.insert(2, of)
    if height >= 6:
        limit = f"{gpu.power_limit:.0f} W" if gpu.power_limit > 0 else text.UNKNOWN
        rows.append(join([parts.label("limit", 6)], [(limit, "text")], width))
    if height >= 7:
        count = f"{gpu.processes:.0f}" if gpu.processes == gpu.processes else text.UNKNOWN
        rows.append(join([parts.label("procs", 6)], [(count, "text")], width))
    return [fit_row(row, width) for row in rows]


def _reason(scene: Scene, gpu: Gpu, width: int, height: int) -> list[Row]:
    """Why there are no figures, and what to do."""
    said = gpu_parts.reason(scene, gpu)
    rows = wrap(scene, said, width, "dim", max(1, height // 2)) if said else []
    if gpu.fix and height > len(rows):
        fix = f"{scene.glyphs.right} {plain(gpu.fix, scene.glyphs)}"
        rows += wrap(scene, fix, width, "text", height - len(rows))
    return [fit_row(row, width) for row in rows]
