"""The whole of screen 6: the GPUs, the selected one's graphs, its health, and one of six panes below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.model import gpus as cells
from wftui.model.health import OK
from wftui.render import text
from wftui.tui import gpus
from wftui.tui.frame import Row, fit_row, join, row_width
from wftui.tui.gpu_screen import fields, graphs, health, panes, sidebar, strip
from wftui.tui.gpu_screen.model import FIELDS, HOLDERS, PANES
from wftui.tui.gpu_screen.shown import Shown
from wftui.tui.gpu_screen.words import folded, own
from wftui.tui.panels import parts
from wftui.tui.scene import Body, Scene, gap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.tui.gpu_screen.model import GpuScreen
    from wftui.tui.gpus import Gpu

_SMALL: Final = (60, 15)
"""Below this width or height there are lines and no graphs."""
_SIDE_BY_SIDE: Final = 118
"""From this width of the main part on all that fits of the fields stands at its right."""
_MIG_ON: Final = "MIG is on: the card itself tells no utilisation, its instances are the GPUs"


def draw(scene: Scene, screen: GpuScreen, width: int, height: int) -> Body:
    """The inside of the screen."""
    found = screen.listed(scene.state)
    gpu = screen.selected(scene.state)
    if gpu is None:
        return _nothing(scene, screen, width)
    right = _right(scene, screen, found, width)
    row = scene.state.tables[cells.GPUS.name][gpu.uuid]
    checks = health.checks(scene.state, gpu.uuid, row, scene.now.time_ns)
    shown = Shown(scene, screen, found, gpu, row, checks)
    if width < _SMALL[0] or height < _SMALL[1]:
        return Body(_small(shown, width, height), right)
    side = sidebar.width_of(width) if len(found) > 1 else 0
    main = width - side - (3 if side else 0)
    rows = _main(shown, main, height)
    if side:
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


def _right(scene: Scene, screen: GpuScreen, found: Sequence[Gpu], width: int) -> Row:
    """In the border: what there is in all."""
    those = gpus.cards(found)
    kinds = {gpu.short for gpu in those}
    kind = own(next(iter(kinds)), scene.glyphs) if len(kinds) == 1 else "GPUs"
    row: Row = [(f"{len(those)} {kind}" if len(those) != 1 else kind, "text")]
    if screen.mine:
        row.append((f" of {len(gpus.cards(gpus.boxes(scene.state)))}", "mark"))
    power, told, of = gpus.summed_power(found)
    if told:
        part = f" of {told}/{of}" if told < of else ""
        shown = fields.watts(power) if power < 1000 else f"{text.significant(power / 1000).strip()} kW"
        row.append((f" {scene.glyphs.separator} {shown}{part}", "dim"))
    return row if row_width(row) < width - 12 else []


def _head(shown: Shown, width: int) -> Row:
    """Which one it is."""
    scene, gpu, cell = shown.scene, shown.gpu, shown.row
    glyph, role = sidebar.sign(gpu, scene.glyphs)
    name = own(gpu.name or gpu.vendor or "GPU", scene.glyphs)
    row: Row = [(glyph, role), (f" {gpu.label} ", "strong"), (name, "strong")]
    if gpu.trouble:
        row += [gap(2), (own(gpu.trouble, scene.glyphs), role)]
    said = [gpu.performance, "unified memory" if gpu.unified else "", gpu.bus]
    said += [
        f"{word} {cell[place]}" for word, place in (("driver", cells.DRIVER), ("CUDA", cells.CUDA)) if cell[place]
    ]
    while said:
        tail = own(f" {scene.glyphs.separator} ".join(word for word in said if word), scene.glyphs)
        if row_width(row) + len(tail) + 3 <= width:
            return join(row, [(tail, "dim")], width)
        said.pop()
    return fit_row(row, width)


def _notes(shown: Shown, width: int, lines: int) -> list[Row]:
    """What is wrong and what to do; nothing when all is well."""
    scene, gpu, checks = shown.scene, shown.gpu, shown.checks
    if gpu.state != OK:
        told = checks[0]
        since = health.since_words(told, scene.now.time_ns)
        words = f"{told.words}, {since}" if since else told.words
        role = told.level if told.level in (health.WARN, health.BAD) else "text"
        rows = folded(words, width, scene.glyphs, role, max(1, lines - bool(told.step)))
        if told.step and lines > 1:
            rows += folded(
                f"{scene.glyphs.right} {told.step}", width, scene.glyphs, "text", max(1, lines - len(rows))
            )
        return rows[:lines]
    if gpu.mig.startswith("enabled") and gpu.utilization != gpu.utilization:
        return folded(_MIG_ON, width, scene.glyphs, "dim", 1)
    return strip.trouble(scene, checks, width, lines)


def _main(shown: Shown, width: int, height: int) -> list[Row]:
    """Everything about the selected one."""
    scene = shown.scene
    rows = [_head(shown, width), strip.strip(scene, shown.checks, width)]
    rows += _notes(shown, width, 2 if 19 <= height < 30 else 1)
    fielded = width >= _SIDE_BY_SIDE and shown.screen.pane != FIELDS
    left = width - fields.COLUMN - 3 if fielded else width
    start = len(rows) + (height >= 19)
    tall = max(4, min(16, int((height - 3) * 0.30)))
    if height >= 19:
        rows.append([])
    rows += _graphs(shown, left, tall)
    rows.append(_values(shown, left))
    if height >= 19:
        rows.append([])
    rows.append(_tabs(shown, left))
    rows += panes.draw(shown, left, max(0, height - len(rows)))
    if fielded:
        beside = fields.draw(scene, _beside(shown), fields.COLUMN - 2)
        for place in range(start, height):
            at = place - start
            while len(rows) <= place:
                rows.append([])
            more = beside[at] if at < len(beside) else []
            rows[place] = [*fit_row(rows[place], left), gap(5), *fit_row(more, fields.COLUMN - 2)]
    return rows


def _beside(shown: Shown) -> list[fields.Group]:
    """The fields that are worth standing there all the time; the others have a pane."""
    found = fields.groups(shown.scene.state, shown.gpu.uuid, shown.row)
    if shown.gpu.state == OK:
        # The card's own texts stand in the head.
        return found[1:]
    known = [fields.Group(title, [line for line in lines if line.role == "text"]) for title, lines in found]
    return [group for group in known if group.lines]


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


def _values(shown: Shown, width: int) -> Row:
    """What else it tells now, as much as fits."""
    gpu, state, glyphs = shown.gpu, shown.scene.state, shown.scene.glyphs

    def value(name: str) -> float:
        return state.newest(fields.series_of(name, gpu.uuid), counter=name.startswith("^"))

    told: list[tuple[str, str]] = []

    def tell(label: str, number: float, unit: str, of: float = graphs.NAN) -> None:
        if number == number:
            words = fields.figure(number, unit)
            if of == of:
                words = f"{words} of {fields.figure(of, unit)}"
            told.append((label, own(words, glyphs)))

    if shown.screen.kind == graphs.WORK:
        tell("memory", gpu.memory_used, "By", gpu.memory_total)
        tell("", gpu.temperature, "Cel")
    else:
        tell("busy", gpu.utilization, "1")
        tell("", gpu.power, "W", gpu.power_limit)
    tell("clock", gpu.clock, "Hz")
    tell("fan", value("fan.speed_ratio:fan0"), "1")
    tell("PCIe in", value("^io:receive"), "By/s")
    tell("out", value("^io:transmit"), "By/s")
    tell("energy", value("energy"), "J")
    row: Row = []
    for label, words in told:
        more: Row = [gap(3)] if row else []
        more += [(f"{label} ", "dim")] if label else []
        more.append((words, "text"))
        if row_width(row) + row_width(more) > width:
            break
        row += more
    return fit_row(row, width)


def _tabs(shown: Shown, width: int) -> Row:
    """The panes by name, the shown one marked; how the cursor gets in and out."""
    screen, checks = shown.screen, shown.checks
    bad = sum(check.level in (health.WARN, health.BAD) for check in checks)
    counts = {"processes": len(gpus.held_by(shown.scene.state, shown.gpu.uuid)), "health": bad, "siblings": 0}
    if len(shown.found) > 1:
        from wftui.tui.gpu_screen import lens  # here: many machines have one GPU

        counts["siblings"] = len(lens.compared(shown)[1])
    row: Row = []
    for name in PANES:
        count = counts.get(name, 0)
        words = f"{name} {count}" if count else name
        role = "select" if name == screen.pane else "warn" if name != "processes" and count else "dim"
        row += [(f" {words} ", role)]
    if row_width(row) > width:
        at = PANES.index(screen.pane)
        count = counts.get(screen.pane, 0)
        words = f"{screen.pane} {count}" if count else screen.pane
        return join([(f" {words} ", "select")], [(f"{at + 1} of {len(PANES)}, Tab", "dim")], width)
    hint: Row = (
        [("Esc", "key"), (" to the GPUs", "dim")] if screen.inside else [("Enter", "key"), (" into it", "dim")]
    )
    return join(row, hint, width) if row_width(row) + row_width(hint) + 2 <= width else fit_row(row, width)


def _small(shown: Shown, width: int, height: int) -> list[Row]:
    """Lines instead of graphs."""
    scene, gpu, found = shown.scene, shown.gpu, shown.found
    glyph, role = sidebar.sign(gpu, scene.glyphs)
    at = f"{found.index(gpu) + 1}/{len(found)}"
    right: Row = [(f" {at}", "dim")] if len(found) > 1 else []
    name = own(gpu.short, scene.glyphs)
    head: Row = [(glyph, role), (f" {gpu.label} {name} ", "strong"), (own(gpu.trouble, scene.glyphs), role)]
    rows = [join(head, right, width)]
    if height >= 5:
        for plot in graphs.plots(scene, gpu, shown.screen.kind, 2 * width):
            rows += graphs.draw(scene, plot, width, 1)
    if height >= 8:
        rows.append(_values(shown, width))
        rows.append(strip.strip(scene, shown.checks, width))
    if height >= 10:
        rows += _notes(shown, width, 2 if height >= 12 else 1)
    if height >= 3:
        rows.append(_tabs(shown, width))
        rows += panes.draw(shown, width, max(0, height - len(rows)))
    return rows[:height]
