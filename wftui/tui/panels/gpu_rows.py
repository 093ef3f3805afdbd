"""A line a GPU: meters and figures, or in words why it has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from wftui.render import text
from wftui.tui.frame import Row, fit_row, outside, plain, row_width
from wftui.tui.gpus import RANK, WARN
from wftui.tui.panels import gpu_parts, parts
from wftui.tui.panels.window import window
from wftui.tui.scene import Scene, gap, keep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.tui.gpus import Gpu

LEAST = 34
"""Columns below which a line would say nothing."""
BESIDE = 84
"""Columns from which on two of them stand beside each other."""
_SPARK = 8


class Plan(NamedTuple):
    """Widths of a line's parts; 0: left out."""

    title: int
    name: int
    use: int
    """Meter of the utilisation."""
    memory: int
    """Meter of the memory."""
    sizes: bool
    limit: bool
    last: int
    """Clock, or what is wrong."""
    spark: int


def plan(gpus: Sequence[Gpu], width: int) -> Plan:
    """How lines of this width are divided; the same for all of them, so that columns stand under each other."""
    title = max(2, *(len(gpu.title) + 2 * bool(gpu.parent) for gpu in gpus))
    names = {gpu.short for gpu in gpus}
    # One name for all stands in the frame.
    name = min(20, max(len(each) for each in names)) if len(names) > 1 and width >= 96 else 0
    sizes = width >= 70
    limit = width >= 100
    last = 20 if width >= 96 else 18 if width >= 70 else 0
    fixed = 3 + title + (name + 1 if name else 0) + 6 + 1 + (14 if sizes else 6) + 7 + (12 if limit else 7)
    fixed += last + 1 if last else 0
    room = max(0, width - fixed - 1)
    spark = 0
    if room >= 22 + _SPARK and any(gpu.utilization == gpu.utilization for gpu in gpus):
        spark = max(_SPARK, room - 37)
        room -= spark + 1
    use = min(20, (room * 5 + 4) // 9)
    return Plan(title, name, use, min(16, room - use), sizes, limit, last, spark)


def header(shape: Plan, width: int) -> Row:
    """What the columns are."""
    name = f"{'name':<{shape.name}} " if shape.name else ""
    use = shape.use + 8 + (shape.spark + 1 if shape.spark else 0)
    memory = shape.memory + (14 if shape.sizes else 6)
    said = f"{'gpu':<{3 + shape.title}}{name}{'utilisation' if use >= 12 else 'util':<{use}}{'memory':<{memory}}"
    said += f"{'temp':>7}{'power':>{12 if shape.limit else 7}}" + (
        f"{'clock':>{shape.last + 1}}" if shape.last else ""
    )
    return fit_row([(said, "dim")], width)


def line(scene: Scene, gpu: Gpu, shape: Plan, width: int) -> Row:
    """One GPU; drawn anew only when something in it reads differently."""
    said = gpu_parts.why(scene, gpu) if not gpu.speaks else gpu_parts.words(scene, gpu)
    slot = (scene.state.slot + scene.state.ahead, scene.plan.length("gpus")) if shape.spark else ()
    made_of = (gpu_parts.shown(gpu), said, slot, shape, width, scene.glyphs)
    return keep(scene.state, f"gpu row {gpu.uuid}", made_of, lambda: _line(scene, gpu, shape, width, said))


def _line(scene: Scene, gpu: Gpu, shape: Plan, width: int, said: str) -> Row:
    row: Row = [gpu_parts.sign(scene, gpu), gap(1)]
    title = gpu.title
    if gpu.parent:
        title = ("`-" if scene.glyphs.ascii_only else "└ ")[: shape.title - len(gpu.title)] + gpu.title
    row += [(f"{title:>{shape.title}}", "strong" if gpu.speaks and not gpu.parent else "dim"), gap(1)]
    if not gpu.speaks:
        return _silent(scene, gpu, row, width, said)
    if shape.name:
        row += [(outside(gpu.short, shape.name, scene.glyphs, middle=True), "text"), gap(1)]
    if shape.spark:
        shown = window(scene, "gpus", shape.spark)
        past = shown.past("hw.gpu.utilization", ("gpu", gpu.uuid))
        row += [*shown.spark(scene, past, shape.spark, 1.0, "gpus"), gap(1)]
    row += parts.meter(scene, gpu.utilization, shape.use, scale="gpu")
    row += [gap(1), gpu_parts.percent(gpu, gpu.utilization, "util"), gap(2)]
    row += parts.meter(scene, gpu.memory_share, shape.memory, "memory")
    if shape.sizes:
        known = gpu.memory_used == gpu.memory_used
        row += [gap(1), (text.share(gpu.memory_used, gpu.memory_total), "text" if known else "dim")]
    else:
        row += [gap(1), gpu_parts.percent(gpu, gpu.memory_share, "mem_used", "text")]
    row += [gap(1), gpu_parts.celsius(scene, gpu), gap(1)]
    row += gpu_parts.limited_watts(gpu) if shape.limit else [gpu_parts.watts(gpu)]
    if shape.last:
        row.append(gap(1))
        if said:
            row.append((plain(said, scene.glyphs)[: shape.last].rjust(shape.last), gpu_parts.role(gpu)))
        else:
            divided = "MIG" if gpu.mig.startswith("enabled") else ""
            row += [(f"{divided:>{shape.last - 9}} ", "dim"), gpu_parts.hertz(gpu)]
    return fit_row(row, width)


def least(scene: Scene, gpu: Gpu) -> Row:
    """What is left of a line in very few columns: how it is, its number, how busy it is."""
    return [
        gpu_parts.sign(scene, gpu),
        gap(1),
        (gpu.title, "text"),
        gap(1),
        gpu_parts.percent(gpu, gpu.utilization, "util") if gpu.speaks else (gpu.trouble, gpu_parts.role(gpu)),
    ]


def _silent(scene: Scene, gpu: Gpu, row: Row, width: int, said: str) -> Row:
    """Its last name, what is wrong, and what to do when there is room for it."""
    name = min(24, max(4, len(gpu.short)))
    row = [*row, (outside(gpu.short, name, scene.glyphs, middle=True), "dim"), gap(2)]
    row.append((said, gpu_parts.role(gpu)))
    fix = plain(gpu.fix, scene.glyphs)
    used = row_width(row)
    if fix and width - used >= 16:
        row += [gap(2), (outside(f"{scene.glyphs.right} {fix}", width - used - 2, scene.glyphs), "text")]
    elif used > width:
        row[-1] = (outside(said, width - used + row_width([row[-1]]), scene.glyphs), row[-1][1])
    return fit_row(row, width)


def _grid(gpus: Sequence[Gpu], width: int, height: int) -> tuple[int, int]:
    """Columns of lines, and the width of each."""
    columns = 1
    while -(-len(gpus) // columns) > height and (width - 3 * columns) // (columns + 1) >= BESIDE:
        columns += 1
    return columns, (width - 3 * (columns - 1)) // columns


def spark_of(gpus: Sequence[Gpu], width: int, height: int) -> bool:
    """Whether there is room for the past in the lines."""
    return plan(gpus, _grid(gpus, width, height)[1]).spark > 0


def draw(scene: Scene, gpus: Sequence[Gpu], width: int, height: int) -> list[Row]:
    """All of them, in as many columns as it takes and as fit; a last line tells of those left out."""
    columns, each = _grid(gpus, width, height)
    shape = plan(gpus, each)
    lines = -(-len(gpus) // columns)
    if columns > 1 and len(gpus) <= height:
        lines = len(gpus)
    rows: list[Row] = []
    headed = height > lines
    left_out = max(0, lines - height)
    if left_out:
        lines = height - 1
    shown = [line(scene, gpu, shape, each) for gpu in gpus]
    head = header(shape, each)
    for place in range(-1 if headed else 0, lines):
        row: Row = []
        for column in range(columns):
            at = column * lines + place
            piece = head if place < 0 else shown[at] if at < len(shown) else [gap(each)]
            row += [*([gap(3)] if column else []), *piece]
        rows.append(row)
    if left_out:
        rows.append(rest(gpus[lines * columns :]))
    return rows


def rest(gpus: Sequence[Gpu]) -> Row:
    """In place of those that there is no line for."""
    bad = [gpu.label for gpu in gpus if RANK[gpu.level] >= RANK[WARN]]
    more = f": {', '.join(bad[:6])} in trouble" if bad else ""
    return [(f"{len(gpus)} more{more}", "warn" if bad else "dim")]
