"""What stands below the graphs: one of six panes, and what else fits under it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from wftui.model import gpus as cells
from wftui.model.health import ASLEEP, OK
from wftui.tui.gpu_screen import fields, holding, model, strip, topology
from wftui.tui.gpu_screen.shown import Shown
from wftui.tui.gpu_screen.words import folded

if TYPE_CHECKING:
    from wftui.tui.frame import Row


def draw(shown: Shown, width: int, room: int) -> list[Row]:
    """The chosen pane in ``room`` lines; where it leaves many, health and topology below it."""
    if room <= 0:
        return []
    screen, glyphs = shown.screen, shown.scene.glyphs
    if screen.pane == model.PROCESSES:
        rows = _processes(shown, width, room)
    else:
        lines = _DRAW[screen.pane](shown, width)
        top = screen.window(len(lines), room)
        rows = lines[top : top + room]
        if top + room < len(lines):
            rows[-1] = [(f"{glyphs.down} {len(lines) - top - room + 1} more", "dim")]
    for name in (model.HEALTH, model.TOPOLOGY):
        if screen.pane == name or screen.pane == model.FIELDS:
            continue
        more = _DRAW[name](shown, width)
        if len(more) > 2 and len(rows) + len(more) + 3 <= room:
            rows += [[], [(name, "gpus.title")], *more]
    return rows


def _fields(shown: Shown, width: int) -> list[Row]:
    return fields.draw(shown.scene, fields.groups(shown.scene.state, shown.gpu.uuid, shown.row), width)


def _health(shown: Shown, width: int) -> list[Row]:
    return strip.draw(shown.scene, shown.checks, width)


def _topology(shown: Shown, width: int) -> list[Row]:
    return topology.draw(shown.scene, shown.found, shown.gpu.uuid, width)


def _holders(shown: Shown, width: int) -> list[Row]:
    from wftui.tui.gpu_screen import holders  # here: few look at every pane

    return holders.draw(shown, width)


def _siblings(shown: Shown, width: int) -> list[Row]:
    from wftui.tui.gpu_screen import lens  # here: as above

    return lens.draw(shown, width)


_DRAW: Final[dict[str, Callable[[Shown, int], list[Row]]]] = {
    model.FIELDS: _fields,
    model.HEALTH: _health,
    model.TOPOLOGY: _topology,
    model.HOLDERS: _holders,
    model.SIBLINGS: _siblings,
}
"""Panes that only scroll: all their lines."""


def _processes(shown: Shown, width: int, room: int) -> list[Row]:
    scene, screen, gpu = shown.scene, shown.screen, shown.gpu
    rows = screen.rows(scene.state)
    if not rows:
        screen.window(0, room)
        if gpu.state == ASLEEP:
            words = "asleep: nobody asks which processes hold it"
        elif gpu.state != OK:
            words = "not known while it does not answer"
        elif cells.GPU_PROCESSES.name not in scene.state.tables:
            words = "no process list yet: it comes every few seconds"
        else:
            words = "no process holds this GPU"
        return folded(words, width, scene.glyphs, "dim", 2)
    top = screen.window(len(rows), max(1, room - 1))
    columns = holding.columns((row for _, row in rows), width)
    out = [holding.header(columns, width)] if room > 1 else []
    for place in range(top, min(len(rows), top + max(1, room - 1))):
        chosen = screen.inside and place == screen.place
        out.append(holding.line(scene, rows[place][1], columns, width, selected=chosen))
    return out
