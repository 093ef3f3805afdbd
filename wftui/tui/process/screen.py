"""Screen 2, the whole process list: cursor, order, filter, tree, tags, and the one that is followed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wftui.tui.frame import Row, outside, plain, row_width
from wftui.tui.panels import processes
from wftui.tui.process import filter as filters
from wftui.tui.scene import Body, Scene

if TYPE_CHECKING:
    from wftui.tui.process.order import Line
    from wftui.tui.process.work import Follow
    from wftui.tui.ui import Ui

_TITLE = 14
"""Columns of the border that the panel's own title wants."""


def draw(scene: Scene, ui: Ui, width: int, height: int) -> Body:
    """The list."""
    total = len(scene.state.processes())
    if not total:
        return processes.draw(scene, width, height)
    lines = ui.processes(scene.state)
    room = max(0, height - 1)
    top, cursor = ui.window("processes", len(lines), room)
    body = [processes.header(scene, width, ui.sort, reverse=ui.reverse)]
    tagged = ui.work.tagged
    body += [
        processes.table_row(
            scene, lines[place], width, ui.sort, selected=place == cursor, tagged=lines[place].key in tagged
        )
        for place in range(top, min(len(lines), top + room))
    ]
    if not lines:
        body.append([("no process matches the filter", "dim")])
        body.append([("Esc clears it", "dim")])
    return Body(body, _right(scene, ui, lines, total, f"line {cursor + 1}" if len(lines) > room else "", width))


def _right(scene: Scene, ui: Ui, lines: list[Line], total: int, where: str, width: int) -> Row:
    """What stands in the border: as much as there is room for, the most wanted first."""
    wanted = ui.wanted["processes"]
    found = sum([not line.context for line in lines]) if wanted else total
    count: Row = [(f"{found} of {total}" if wanted else f"{total}", "text")]
    pieces: list[Row] = []
    if wanted:
        wrong = filters.parse(wanted).wrong
        shown = outside(wanted, min(28, len(wanted)), scene.glyphs).rstrip()
        mark = f"{scene.glyphs.alert} " if wrong else "/"
        count = [(mark, "warn" if wrong else "mark"), (f"{shown} ", "strong"), *count]
    pieces.append(count)
    if ui.work.follow is not None:
        pieces.append(_followed(scene, ui.work.follow, lines))
    if ui.work.tagged:
        pieces.append([(f"{scene.glyphs.tag} ", "mark"), (f"{len(ui.work.tagged)} tagged", "text")])
    if ui.work.tree:
        pieces.append([("tree", "text")])
    if where:
        pieces.append([(where, "dim")])
    dot = (f" {scene.glyphs.separator} ", "dim")
    row: Row = []
    for piece in pieces:
        more = [dot, *piece] if row else piece
        if row_width(row) + row_width(more) <= width - _TITLE:
            row += more
    return row


def _followed(scene: Scene, follow: Follow, lines: list[Line]) -> Row:
    target = follow.target
    who = f"{target.pid} {outside(target.name, 15, scene.glyphs).rstrip()}"
    if target.key in scene.state.processes():
        row: Row = [("follows ", "dim"), (who, "mark")]
        if not any(line.key == target.key for line in lines):
            row.append((", not in this list", "warn"))
        return row
    if follow.ended_ns is not None:
        return [(plain(follow.said(), scene.glyphs), "warn")]
    return [(f"{who} was not there yet", "warn")]
