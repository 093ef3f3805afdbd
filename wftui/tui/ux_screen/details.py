"""One program: its frame time as a graph with the budget in it, its windows, the parts of a frame."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from wftui.render import text
from wftui.render.palette import heat
from wftui.tui.frame import Row, fit_row, outside, row_width
from wftui.tui.history import NAN
from wftui.tui.panels import parts
from wftui.tui.panels.window import Window
from wftui.tui.scene import gap
from wftui.tui.ux_screen import figures, seen
from wftui.windows.frames import BUDGET_S, SHARES

if TYPE_CHECKING:
    from wftui.tui.scene import Scene
    from wftui.tui.ux_screen.seen import Program

_WINDOWS: Final = 13 + len(seen.MODES) * 9
"""Cells of the table of windows."""
_BOTH: Final = _WINDOWS + 34
"""From this width on it stands beside the parts of a frame."""
_GRAPH: Final = 3
"""Lines that a graph has at least."""
_PARTS: Final = len(SHARES) + 1
_WIDEST: Final = 40
_SCALE: Final = 10
"""Cells of the scale of the graph."""
_SHORT: Final = 44
"""Columns below which the parts of a frame are told in short."""


def draw(scene: Scene, program: Program, width: int, height: int) -> list[Row]:
    """As much of it as fits."""
    if height < 3:
        return []
    rows: list[Row] = [_heading(scene, program, width)]
    room = height - 1
    below = min(len(figures.NAMES) + 1, max(_PARTS + 1, room - max(_GRAPH, room * 2 // 5)))
    if room < _PARTS + _GRAPH:
        below = room if room <= _PARTS else _PARTS
    if room - below >= _GRAPH:
        rows += frame_graph(scene, program, width, room - below)
    tables = min(below, room)
    if width >= _BOTH:
        rows += _beside(
            _windows(program, tables), _parts(scene, program, min(64, width - _WINDOWS - 3), tables), tables
        )
    elif program.stages:
        rows += _parts(scene, program, width, tables)
    else:
        rows += _windows(program, tables)
    return [fit_row(row, width) for row in rows[:height]]


def _heading(scene: Scene, program: Program, width: int) -> Row:
    separator = f" {scene.glyphs.separator} "
    name = outside(program.name, min(28, max(8, width // 3)), scene.glyphs, middle=True).rstrip()
    row: Row = [(name, "gpus.title"), gap(2), ("longest frame of each second", "dim")]
    pieces: list[Row] = [
        [(figures.whole(program.over), "warn" if program.over > 0 else "text"), (" over 16.67 ms", "dim")],
        [(figures.whole(program.lost), "warn" if program.lost > 0 else "text"), (" lost", "dim")],
        [("input p95 ", "dim"), (figures.milliseconds(program.input_s).strip(), "text")],
    ]
    tail: Row = []
    for piece in pieces:
        added = [(separator, "faint"), *piece] if tail else piece
        if row_width(row) + 2 + row_width(tail) + row_width(added) <= width:
            tail += added
    return [*fit_row(row, width - row_width(tail)), *tail]


def frame_graph(scene: Scene, program: Program, width: int, height: int) -> list[Row]:
    """The longest frame of each second beside a scale; a broken line where the budget ends, in what is blank."""
    room = max(1, width - _SCALE)
    window = Window(scene.state, room, 0)
    values = window.past("ux.frame.longest", *sorted((program.label, ("mode", "1s"))))
    known = sorted(value for value in values if value == value)
    usual = known[min(len(known) - 1, len(known) * 9 // 10)] if known else 0.0
    # One hiccup is cut off at the top, and told: it would press all others flat.
    top = 2 * BUDGET_S if usual <= 2 * BUDGET_S else text.round_up(usual * 1000) / 1000
    roles = [heat(min(0.999, (place + 0.5) / height * top / (2 * BUDGET_S))) for place in range(height)]
    rows = parts.area(scene, values, top, height, roles)
    at = height - 1 - min(height - 1, int(BUDGET_S / top * height))
    rows[at] = _ruled(scene, rows[at])
    peak = known[-1] if known else 0.0
    marks = {0: figures.milliseconds(top), at: f"{BUDGET_S * 1000:.2f} ms"}
    if peak > top:
        marks[0] = f"{scene.glyphs.up}{figures.milliseconds(peak).strip()}"
    return [[(f"{marks.get(place, ''):>{_SCALE - 1}} ", "faint"), *row] for place, row in enumerate(rows)]


def _ruled(scene: Scene, row: Row) -> Row:
    """A line in the blank cells."""
    stroke = "-" if scene.glyphs.ascii_only else "╌"
    ruled: Row = []
    for words, role in row:
        for blank, run in groupby(words, " ".__eq__):
            piece = "".join(run)
            ruled.append((stroke * len(piece), "faint") if blank else (piece, role))
    return ruled


def _windows(program: Program, height: int) -> list[Row]:
    head = "".join(f"{words:>9}" for words in seen.MODES.values())
    rows: list[Row] = [[(f"{'':<13}{head}", "faint")]]
    for name, words in list(figures.NAMES.items())[: max(0, height - 1)]:
        row: Row = [(f"{words:<13}", "dim")]
        for window in program.windows.values():
            said, role = figures.segment(name, getattr(window, name), plain="strong" if name == "fps" else "text")
            row.append((f"{said:>9}", role))
        rows.append(row)
    return rows[:height]


def _parts(scene: Scene, program: Program, width: int, height: int) -> list[Row]:
    """Each part of a frame against its share of the budget; which one is furthest over it."""
    if not program.stages:
        words = ("it does not tell the parts of a frame", "Pusher.frame(seconds, stages={…}) tells them")
        if scene.glyphs.ascii_only:
            words = words[0], words[1].replace("…", "...")
        return [fit_row([(line[:width], "dim")], width) for line in words][:height]
    short = width < _SHORT
    bar = max(4, min(_WIDEST, width - 10 - (15 if short else 26)))
    rows: list[Row] = []
    if height > _PARTS:
        head = "mean of share" if short else "mean, 10 s, of its share"
        rows.append([(f"{'part':<{10 + bar}}{head:>{15 if short else 26}}", "faint")])
    for stage, share in SHARES.items():
        took = program.stages.get(stage, NAN)
        ratio = took / share
        role = "bad" if ratio > 2 else "warn" if ratio > 1 else "good"
        row: Row = [(f"{stage:<9}", "dim"), *parts.meter(scene, min(1.0, ratio), bar, role), gap(1)]
        row += [(f"{figures.milliseconds(took):>8}", "dim" if took != took else "text")]
        if not short:
            row.append((f" of {share * 1000:4.2f} ms", "dim"))
        row.append((f" {text.percent(ratio)}", "dim" if ratio != ratio else role))
        rows.append(row)
    over = program.bottleneck
    if over in SHARES and over in program.stages:
        times = program.stages[over] / SHARES[over]
        rows.append([(f"{scene.glyphs.alert} {over}", "warn"), (f": {times:.1f} times its share", "text")])
    else:
        rows.append([(f"{scene.glyphs.ok} ", "good"), ("no part is over its share", "dim")])
    return [fit_row(row, width) for row in rows[:height]]


def _beside(left: list[Row], right: list[Row], height: int) -> list[Row]:
    return [
        [
            *fit_row(left[place] if place < len(left) else [], _WINDOWS),
            gap(3),
            *(right[place] if place < len(right) else []),
        ]
        for place in range(height)
    ]
