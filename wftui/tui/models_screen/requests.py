"""The requests under way of a server that names them: a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.render import model_words as words
from wftui.render import text
from wftui.tui.frame import Row, fit_row, outside
from wftui.tui.panels import parts
from wftui.tui.scene import gap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.render.model_cards import Request
    from wftui.tui.models_screen.model import Choice
    from wftui.tui.scene import Scene

_METER: Final = 12
_ROLES: Final = {"generating": "generation", "prefill": "prompt", "waiting": "warn"}


def of(choice: Choice) -> list[Request]:
    """Those of the selected server or model."""
    model = choice.model
    return [item for item in choice.server.requests if model is None or item.model == model.name]


def draw(scene: Scene, found: Sequence[Request], width: int, height: int) -> list[Row]:
    """Heads and as many as fit; the last line says how many do not."""
    if height < 2 or not found:
        return []
    named = len({item.model for item in found}) > 1 and width >= 90
    metered = width >= 70
    rows: list[Row] = [_heads(named=named, metered=metered, width=width)]
    rows += [_line(scene, item, named=named, metered=metered, width=width) for item in found[: height - 1]]
    if len(found) > height - 1:
        rows[-1] = [(f"  {len(found) - height + 2} more", "dim")]
    return rows


def _heads(*, named: bool, metered: bool, width: int) -> Row:
    model = f"{'model':<21}" if named else ""
    rest = f"{'context':>14}" if metered else ""
    said = f"{'request':<9}{model}{'state':<11}{'prompt':>13}{'cached':>8}{'made':>7}{rest}{'for':>9}"
    return fit_row([(said, "faint")], width)


def _line(scene: Scene, item: Request, *, named: bool, metered: bool, width: int) -> Row:
    row: Row = [(outside(item.name or text.UNKNOWN, 8, scene.glyphs), "text"), gap(1)]
    if named:
        row += [(outside(item.model or text.UNKNOWN, 20, scene.glyphs, middle=True), "dim"), gap(1)]
    row += [(outside(item.state, 10, scene.glyphs), _ROLES.get(item.state, "text")), gap(1)]
    done = f"{words.tokens(item.processed)}/{words.tokens(item.prompt)}" if item.processed is not None else ""
    row.append(parts.figure(f"{done or words.tokens(item.prompt):>13}", "text"))
    row.append(parts.figure(f"{words.tokens(item.cached):>8}", "dim"))
    row.append(parts.figure(f"{words.tokens(item.generated):>7}", "strong"))
    if metered:
        row += [gap(2), *parts.meter(scene, _filled(item), _METER)]
    since = item.since_ns
    ago = None if since is None else max(0.0, (scene.now.time_ns - since) / 1e9)
    row.append((f"{text.duration(ago):>9}", "dim"))
    if item.detail:
        row += [gap(2), (outside(item.detail, max(1, min(40, width - 80)), scene.glyphs), "dim")]
    return fit_row(row, width)


def _filled(item: Request) -> float:
    """How much of its context it holds; how far it has come where nobody tells that."""
    if item.context:
        return ((item.prompt or 0.0) + (item.generated or 0.0)) / item.context
    return item.progress if item.progress is not None else float("nan")
