"""Many GPUs in a few lines: a column each, cool to warm, and in words what is wrong with whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wftui.model.health import ASLEEP
from wftui.render import graph, text
from wftui.render.palette import heat
from wftui.tui.frame import Row, Segment, fit_row, plain, row_width
from wftui.tui.gpu_trouble import QUIET, findings
from wftui.tui.panels import gpu_parts
from wftui.tui.scene import Scene, gap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wftui.tui.gpus import Gpu

_LABEL = 5
_NOTHING = ("", "dim")
_SOME = 0.005
_GONE = frozenset({"lost", "no answer", "failed"})


def draw(scene: Scene, gpus: Sequence[Gpu], width: int, height: int) -> list[Row]:
    """Numbers, utilisation, memory, heat and power, as many as there are lines; trouble has the last one."""
    each = (width - _LABEL) // len(gpus)
    said = trouble(scene, gpus, width)
    room = height - bool(said)
    rows = _figures(scene, gpus, min(each, 12), width, room) if each >= 3 else _cells(scene, gpus, width, room)
    return [*rows, *([said] if said else [])]


def _figures(scene: Scene, gpus: Sequence[Gpu], each: int, width: int, height: int) -> list[Row]:
    """A column of ``each`` cells for a GPU; with little room the numbers only."""
    wide = each >= 6

    def line(label: str, cell: Callable[[Gpu], Segment]) -> Row:
        row: Row = [(f"{label:<{_LABEL}}", "dim")]
        for gpu in gpus:
            shown, role = cell(gpu)
            row.append((f"{shown:>{each - 1}} "[-each:], role))
        return fit_row(row, width)

    def number(value: float) -> str:
        return f"{value:.0f}" if value == value else text.UNKNOWN

    def share(ratio: float) -> str:
        return text.percent(ratio).strip() if wide else number(ratio * 100)

    def title(gpu: Gpu) -> Segment:
        role = gpu_parts.sign(scene, gpu)[1]
        return gpu.title, "strong" if role == "good" else role

    def use(gpu: Gpu) -> Segment:
        return (share(gpu.utilization), gpu_parts.hue(gpu.utilization)) if gpu.speaks else _NOTHING

    def meter(gpu: Gpu) -> Segment:
        if not gpu.speaks:
            return _NOTHING
        cell = graph.cell(gpu.utilization, ascii_only=scene.glyphs.ascii_only)
        return cell * (each - 1), heat(gpu.utilization, "gpu")

    def memory(gpu: Gpu) -> Segment:
        if not gpu.speaks:
            return _NOTHING
        return share(gpu.memory_share), "memory" if gpu.memory_share >= _SOME else "dim"

    def warm(gpu: Gpu) -> Segment:
        return (number(text.degrees(gpu.temperature)), gpu_parts.warmth(gpu)) if gpu.speaks else _NOTHING

    def power(gpu: Gpu) -> Segment:
        return (number(gpu.power), gpu_parts.watts(gpu)[1]) if gpu.speaks else _NOTHING

    lines = [
        line("gpu", title),
        line("util" if wide else "util%", use),
        line("mem" if wide else "mem%", memory),
        line(scene.glyphs.degree.strip()[:-1] + text.degree_letter(), warm),
        line("W", power),
    ]
    if height > len(lines):
        lines.insert(1, line("", lambda gpu: gpu_parts.sign(scene, gpu)))
    if height > len(lines):
        lines.insert(2, line("", meter))
    return lines[:height]


def _cells(scene: Scene, gpus: Sequence[Gpu], width: int, height: int) -> list[Row]:
    """One or two cells a GPU, in blocks of as many as fit, numbers above every eighth."""
    rows: list[Row] = []
    each = max(1, min(2, (width - _LABEL) // len(gpus)))
    per = max(1, (width - _LABEL) // each)
    blocks_ = -(-len(gpus) // per)
    # All of them first, then more about each.
    shown = _SUBJECTS[: max(1, (height - blocks_) // blocks_)]
    for first in range(0, len(gpus), per):
        part = gpus[first : first + per]
        if height > blocks_:
            numbers = "".join(f"{gpu.title:<{8 * each}}" for gpu in part[::8])
            rows.append(fit_row([(f"{'gpu':<{_LABEL}}{numbers}"[:width], "dim")], width))
        for label, share, scale in shown:
            row: Row = [(f"{label:<{_LABEL}}", "dim")]
            for gpu in part:
                cell, role = gpu_parts.sign(scene, gpu)
                if gpu.speaks:
                    value = share(gpu)
                    cell = graph.cell(value, ascii_only=scene.glyphs.ascii_only)
                    role = heat(value, scale) if scale else "memory" if value >= _SOME else "dim"
                if row[-1][1] == role and len(row) > 1:
                    row[-1] = (row[-1][0] + cell * each, role)
                else:
                    row.append((cell * each, role))
            rows.append(fit_row(row, width))
    return rows[:height]


def blocks(scene: Scene, gpus: Sequence[Gpu], each: int) -> Row:
    """``each`` cells a GPU: as high and as warm as it is busy, or the sign of why nobody knows."""
    row: Row = []
    for gpu in gpus:
        cell, role = graph.cell(gpu.utilization, ascii_only=scene.glyphs.ascii_only), heat(gpu.utilization, "gpu")
        if not gpu.speaks:
            cell, role = gpu_parts.sign(scene, gpu)
        row.append((cell + " " * (each > 1), role))
    return row


def _warmth(gpu: Gpu) -> float:
    top = max(gpu.hot_at, gpu_parts.COOL + 1)
    return min(1.0, max(0.0, (gpu.temperature - gpu_parts.COOL) / (top - gpu_parts.COOL)))


def _power(gpu: Gpu) -> float:
    return gpu.power / gpu.power_limit if gpu.power_limit > 0 else float("nan")


_SUBJECTS: tuple[tuple[str, Callable[[Gpu], float], str], ...] = (
    ("util", lambda gpu: gpu.utilization, "gpu"),
    ("mem", lambda gpu: gpu.memory_share, ""),
    ("temp", _warmth, "temperature"),
    ("watt", _power, "power"),
)
"""Label, share, and the scale by which it is drawn cool to warm; empty: it is not."""


def trouble(scene: Scene, gpus: Sequence[Gpu], width: int) -> Row:
    """One line: each trouble with the numbers of those that have it; empty when there is none."""
    pieces: Row = []
    for found in findings(gpus):
        glyph = scene.glyphs.lost if found.word in _GONE else scene.glyphs.alert
        said = gpu_parts.aged(scene, found.word, found.since_ns)
        pieces.append((plain(f"{glyph} {_some(found.labels)} {said}", scene.glyphs), found.level))
    asleep = [gpu.label for gpu in gpus if gpu.level == QUIET and gpu.state == ASLEEP]
    if asleep:
        pieces.append((f"{scene.glyphs.health[ASLEEP]} {_some(asleep)} asleep", "dim"))
    row: Row = []
    for piece in pieces:
        if row_width([*row, piece]) + 5 > width:
            # A number cut in half would be another GPU's.
            row.append((f"  {scene.glyphs.ellipsis}", "dim"))
            break
        row += [*([gap(3)] if row else []), piece]
    return fit_row(row, width) if row else []


def _some(labels: Sequence[str]) -> str:
    return ", ".join(labels[:8]) + (f" and {len(labels) - 8} more" if len(labels) > 8 else "")
