"""The GPUs to choose from: a line each, at the left of the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wftui.render import text
from wftui.render.palette import heat
from wftui.tui import gpus
from wftui.tui.frame import Row, fit_row, row_width
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


def first_of(found: Sequence[Gpu], selected: str, height: int) -> int:
    """The first GPU that is shown."""
    at = next((place for place, gpu in enumerate(found) if gpu.uuid == selected), 0)
    return max(0, min(at - height // 2, len(found) - height))


def draw(scene: Scene, found: Sequence[Gpu], selected: str, width: int, height: int, *, inside: bool) -> list[Row]:
    """A line a GPU, the selected one in view and inverted; ``inside``: the cursor is elsewhere."""
    first = first_of(found, selected, height)
    rows: list[Row] = []
    for gpu in found[first : first + height]:
        row = _line(scene, gpu, width)
        if gpu.uuid == selected:
            words = "".join(shown for shown, _ in row)
            row = [(words, "strong" if inside else "select")]
            if inside:
                row = [(scene.glyphs.right + words[1:], "strong")]
        rows.append(row)
    below = len(found) - first - height
    if below > 0 and rows:
        rows[-1] = [(f"  {below + 1} more", "dim")]
    return [fit_row(row, width) for row in rows]


def _line(scene: Scene, gpu: Gpu, width: int) -> Row:
    glyph, role = sign(gpu, scene.glyphs)
    indent = " " if gpu.parent else ""
    row: Row = [gap(1), (f"{indent}{gpu.title:<{4 if gpu.parent else 3}.4}", "text"), (glyph, role), gap(1)]
    if not gpu.speaks or gpu.state not in ("ok", ""):
        said = gpu.trouble or gpu.state
        return fit_row([*row, (said, role)], width)
    left = width - row_width(row)
    busy, filled = gpu.utilization, None
    if busy != busy and gpu.memory_share == gpu.memory_share:
        # An instance of a card tells how full it is, if anything.
        busy, filled = gpu.memory_share, "memory"
    degree = "" if scene.glyphs.ascii_only else "°"
    hot = f"{text.degrees(gpu.temperature):4.0f}{degree}" if gpu.temperature == gpu.temperature else ""
    tail: Row = [(hot.rjust(4 + len(degree)), "dim")]
    if left < 16:
        return fit_row([*row, (text.percent(busy), filled or heat(busy, "gpu")), (tail[0][0][1:], "dim")], width)
    if left >= 26:
        tail = [
            gap(1),
            (text.short(gpu.memory_used), "text" if gpu.memory_used == gpu.memory_used else "dim"),
            *tail,
        ]
    meter = parts.meter(scene, busy, left - row_width(tail) - 7, filled)
    return fit_row([*row, *meter, gap(1), parts.percent(busy, filled or "strong"), *tail], width)
