"""The GPUs to choose from: a line each, at the left of the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wftui.render import text
from wftui.render.palette import heat
from wftui.tui import gpus
from wftui.tui.frame import Row, fit_row
from wftui.tui.panels import parts
from wftui.tui.scene import gap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.tui.glyphs import Glyphs
    from wftui.tui.gpus import Gpu
    from wftui.tui.scene import Scene


def sign(gpu: Gpu, glyphs: Glyphs) -> tuple[str, str]:
    """Its state without colour, and the role to draw it in."""
    if gpu.state in glyphs.health and gpu.state != "ok":
        return glyphs.health[gpu.state], gpu.level
    if gpu.level == gpus.GOOD:
        return glyphs.ok, gpu.level
    return glyphs.lost if gpu.level == gpus.BAD else glyphs.alert, gpu.level


def width_of(width: int) -> int:
    """Cells of the list on a screen of this width; 0: there is none."""
    return 34 if width >= 150 else 24 if width >= 100 else 16 if width >= 64 else 0


def draw(scene: Scene, found: Sequence[Gpu], selected: str, width: int, height: int, *, inside: bool) -> list[Row]:
    """A line a GPU, the selected one in view and inverted; ``inside``: the cursor is elsewhere."""
    at = next((place for place, gpu in enumerate(found) if gpu.uuid == selected), 0)
    first = max(0, min(at - height // 2, len(found) - height))
    rows: list[Row] = []
    for gpu in found[first : first + height]:
        row = _line(scene, gpu, width)
        if gpu.uuid == selected:
            words = "".join(shown for shown, _ in row)
            row = [(words, "strong" if inside else "select")]
            if inside:
                row = [(scene.glyphs.right + words[1:], "strong")]
        rows.append(row)
    if len(found) > height and rows:
        rows[-1] = fit_row([(f"  {len(found) - first - height + 1} more", "dim")], width)
    return [fit_row(row, width) for row in rows]


def _line(scene: Scene, gpu: Gpu, width: int) -> Row:
    glyph, role = sign(gpu, scene.glyphs)
    indent = " " if gpu.parent else ""
    row: Row = [gap(1), (f"{indent}{gpu.title:<{4 if gpu.parent else 3}.4}", "text"), (glyph, role), gap(1)]
    if not gpu.speaks or gpu.state not in ("ok", ""):
        said = gpu.trouble or gpu.state
        return fit_row([*row, (said, role)], width)
    left = width - sum(len(shown) for shown, _ in row)
    busy = gpu.utilization
    if left < 16:
        hot = f"{gpu.temperature:3.0f}" if gpu.temperature == gpu.temperature else "  -"
        return fit_row(
            [*row, (text.percent(busy), heat(busy)), (hot + ("" if scene.glyphs.ascii_only else "°"), "dim")],
            width,
        )
    tail: Row = []
    if left >= 26:
        tail = [gap(1), (text.short(gpu.memory_used), "text" if gpu.memory_used == gpu.memory_used else "dim")]
    heat_ = f"{gpu.temperature:4.0f}" if gpu.temperature == gpu.temperature else "   -"
    tail += [(heat_ + ("C" if scene.glyphs.ascii_only else "°"), "dim")]
    bar = left - 5 - 1 - sum(len(shown) for shown, _ in tail) - 1
    return fit_row([*row, *parts.meter(scene, busy, bar), gap(1), parts.percent(busy), *tail], width)
