"""The lines of screen 6 that are not graphs and lists: which GPU, what is wrong, what else it tells, the panes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.model import gpus as cells
from wftui.model.health import OK
from wftui.render import text
from wftui.tui import gpus
from wftui.tui.frame import Row, fit_row, join, row_width
from wftui.tui.gpu_screen import fields, graphs, health, sidebar, strip
from wftui.tui.gpu_screen.model import PANES
from wftui.tui.gpu_screen.shown import Shown
from wftui.tui.gpu_screen.words import folded, own
from wftui.tui.scene import Scene, gap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.tui.gpu_screen.model import GpuScreen
    from wftui.tui.gpus import Gpu

_MIG_ON: Final = "MIG is on: the card itself tells no utilisation, its instances are the GPUs"


def right(scene: Scene, screen: GpuScreen, found: Sequence[Gpu], width: int) -> Row:
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


def head(shown: Shown, width: int) -> Row:
    """Which one it is."""
    scene, gpu, cell = shown.scene, shown.gpu, shown.row
    glyph, role = sidebar.sign(gpu, scene.glyphs)
    name = own(gpu.name or gpu.vendor or "GPU", scene.glyphs)
    row: Row = [(glyph, role), (f" {gpu.label} ", "strong"), (name, "strong")]
    if gpu.trouble:
        row += [gap(2), (trouble(shown), role)]
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


def trouble(shown: Shown) -> str:
    """``no answer for 12 s``."""
    gpu, scene = shown.gpu, shown.scene
    words = own(gpu.trouble, scene.glyphs)
    if gpu.trouble_ns is None or not words:
        return words
    return f"{words} for {text.duration(max(0.0, (scene.now.time_ns - gpu.trouble_ns) / 1e9))}"


def notes(shown: Shown, width: int, lines: int) -> list[Row]:
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


def values(shown: Shown, width: int) -> Row:
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
        if gpu.utilization == gpu.utilization:
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


def tabs(shown: Shown, width: int) -> Row:
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
