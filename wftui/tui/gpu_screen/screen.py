"""The whole of screen 6: the GPUs, the selected one's graphs, its health, and one of six panes below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.model import gpus as cells
from wftui.model.health import OK
from wftui.tui import gpus
from wftui.tui.frame import Row, fit_row, join
from wftui.tui.gpu_screen import fields, graphs, headings, health, panes, sidebar, strip
from wftui.tui.gpu_screen.model import FIELDS, HEALTH, HOLDERS, PROCESSES, Drawn
from wftui.tui.gpu_screen.shown import Shown
from wftui.tui.gpu_screen.words import folded, own
from wftui.tui.panels import parts
from wftui.tui.scene import Body, Scene, gap

if TYPE_CHECKING:
    from wftui.tui.gpu_screen.model import GpuScreen

_SMALL: Final = (60, 15)
"""Below this width or height there are lines and no graphs."""
_SIDE_BY_SIDE: Final = 118
"""From this width of the main part on all that fits of the fields stands at its right."""


def draw(scene: Scene, screen: GpuScreen, width: int, height: int) -> Body:
    """The inside of the screen."""
    found = screen.listed(scene.state)
    gpu = screen.selected(scene.state)
    if gpu is None:
        return _nothing(scene, screen, width)
    right = headings.right(scene, screen, found, width)
    row = scene.state.tables[cells.GPUS.name][gpu.uuid]
    checks = health.checks(scene.state, gpu.uuid, row, scene.now.time_ns)
    shown = Shown(scene, screen, found, gpu, row, checks)
    if width < _SMALL[0] or height < _SMALL[1]:
        return Body(_small(shown, width, height), right)
    side = sidebar.width_of(width) if len(found) > 1 else 0
    main = width - side - (3 if side else 0)
    screen.drawn = Drawn(tabs=screen.drawn.tabs)
    rows = _main(shown, main, height)
    if side:
        first = sidebar.first_of(found, gpu.uuid, height)
        screen.drawn = Drawn(side, first, min(height, len(found) - first), screen.drawn.tabs)
        listing = sidebar.draw(scene, found, gpu.uuid, side, height, inside=screen.inside)
        listing += _below(shown, side, height - len(listing))
        rule = f" {scene.glyphs.vertical} "
        rows = [
            [*fit_row(listing[place] if place < len(listing) else [], side), (rule, "faint"),
             *fit_row(rows[place] if place < len(rows) else [], main)]
            for place in range(height)
        ]  # fmt: skip
    return Body(rows[:height], right)


def _below(shown: Shown, width: int, room: int) -> list[Row]:
    """Who holds the GPUs, where the list of them leaves room."""
    if width < 34 or room < 6 or shown.screen.pane == HOLDERS:
        return []
    from wftui.tui.gpu_screen import holders  # here: only wide screens have the room

    return [[], *holders.brief(shown, width, room - 1)]


def _nothing(scene: Scene, screen: GpuScreen, width: int) -> Body:
    """Two lines: why there is none, and the step."""
    if screen.mine and gpus.boxes(scene.state):
        return Body([[("none of the GPUs that this shell may use is here", "dim")], [("v shows all", "dim")]])
    source = scene.state.source("gpu")
    reason = source.reason if source is not None and source.reason else "no GPU is known yet"
    fix = source.fix if source is not None else ""
    rows = folded(reason, width, scene.glyphs, "dim", 3)
    if fix:
        rows += folded(f"{scene.glyphs.right} {fix}", width, scene.glyphs, "text", 3)
    elif source is None:
        rows.append([("the recorder looks for them each minute; wftop doctor says what it finds", "dim")])
    return Body(rows)


def _main(shown: Shown, width: int, height: int) -> list[Row]:
    """Everything about the selected one."""
    scene = shown.scene
    rows = [headings.head(shown, width), strip.strip(scene, shown.checks, width)]
    rows += headings.notes(shown, width, _note_lines(shown, height))
    fielded = width >= _SIDE_BY_SIDE and shown.screen.pane != FIELDS
    left = width - fields.COLUMN - 3 if fielded else width
    start = len(rows) + (height >= 19)
    tall = max(4, min(16, int((height - 3) * 0.30)))
    if height >= 19:
        rows.append([])
    rows += _graphs(shown, left, tall)
    rows.append(headings.values(shown, left))
    if height >= 19:
        rows.append([])
    shown.screen.drawn = shown.screen.drawn._replace(tabs=len(rows))
    rows.append(headings.tabs(shown, left))
    rows += panes.draw(shown, left, max(0, height - len(rows)))
    if fielded:
        beside, rest = _beside(shown, height - start)
        more: list[fields.Group] = []
        for group in rest:
            if len(fields.draw(scene, [*more, group], left)) + len(rows) < height:
                more.append(group)
        if more:
            rows += [[], *fields.draw(scene, more, left)]
        for place in range(start, height):
            at = place - start
            while len(rows) <= place:
                rows.append([])
            there = beside[at] if at < len(beside) else []
            rows[place] = [*fit_row(rows[place], left), gap(5), *fit_row(there, fields.COLUMN - 2)]
    return rows


def _beside(shown: Shown, room: int) -> tuple[list[Row], list[fields.Group]]:
    """The fields at the right as lines, as many whole groups as fit, and the groups that are left."""
    found = fields.groups(shown.scene.state, shown.gpu.uuid, shown.row)
    if shown.gpu.state == OK:
        # The card's own texts stand in the head.
        found = found[1:]
    else:
        known = [fields.Group(title, [line for line in lines if line.role == "text"]) for title, lines in found]
        found = [group for group in known if group.lines]
    rows: list[Row] = []
    for place, group in enumerate(found):
        more = fields.draw(shown.scene, [group], fields.COLUMN - 2)
        if len(rows) + len(more) + bool(rows) > room:
            return rows, found[place:]
        rows += [[], *more] if rows else more
    return rows, []


def _note_lines(shown: Shown, height: int) -> int:
    """Lines for what is wrong: one where its health stands below anyway."""
    if height < 19:
        return 1
    if height >= 30:
        return 1 if shown.screen.pane in (PROCESSES, HEALTH) else 3
    return 2 if shown.gpu.state == OK else 3


def _graphs(shown: Shown, width: int, height: int) -> list[Row]:
    """Two graphs side by side over the same time."""
    scene = shown.scene
    each = (width - 3) // 2
    ruled = height >= 6
    drawn = [
        graphs.draw(scene, plot, each, height - ruled)
        for plot in graphs.plots(scene, shown.gpu, shown.screen.kind, 2 * each)
    ]
    if ruled:
        ruler = parts.ruler(scene, each)
        for lines in drawn:
            lines.append(ruler)
    return [fit_row([*one, gap(3), *other], width) for one, other in zip(*drawn, strict=True)]


def _small(shown: Shown, width: int, height: int) -> list[Row]:
    """Lines instead of graphs."""
    scene, gpu, found = shown.scene, shown.gpu, shown.found
    glyph, role = sidebar.sign(gpu, scene.glyphs)
    at = f"{found.index(gpu) + 1}/{len(found)}"
    right: Row = [(f" {at}", "dim")] if len(found) > 1 else []
    name = own(gpu.short, scene.glyphs)
    head: Row = [(glyph, role), (f" {gpu.label} {name} ", "strong"), (headings.trouble(shown), role)]
    rows = [join(head, right, width)]
    if height >= 5:
        for plot in graphs.plots(scene, gpu, shown.screen.kind, 2 * width):
            rows += graphs.draw(scene, plot, width, 1)
    if height >= 8:
        values = headings.values(shown, width)
        rows += [values] if any(words.strip() for words, _ in values) else []
        rows.append(strip.strip(scene, shown.checks, width))
    if height >= 10:
        rows += headings.notes(shown, width, 2 if height >= 11 else 1)
    if height >= 3:
        shown.screen.drawn = Drawn(tabs=len(rows))
        rows.append(headings.tabs(shown, width))
        rows += panes.draw(shown, width, max(0, height - len(rows)))
    return rows[:height]
