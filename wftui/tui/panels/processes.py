"""Processes: columns, order and rows of the table, on the overview and on its own screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, cast

from wftui.model import processes as cells
from wftui.model.table import Row as Cells
from wftui.render import text
from wftui.render.palette import heat
from wftui.tui.frame import Row, fit_row, outside, row_width
from wftui.tui.panels import parts
from wftui.tui.process.columns import GPU, VRAM, Column, columns_for, command, graphic, value_of
from wftui.tui.process.order import Line, listed
from wftui.tui.scene import Body, Scene, empty, gap, keep

if TYPE_CHECKING:
    from collections.abc import Sequence

_SOME: Final = 0.005
"""Share from which on a percent is more than 0."""
_DRAWN: Final = 256
"""Rows kept as drawn."""


class _Drawn(NamedTuple):
    """A row as drawn."""

    made_of: tuple[object, ...]
    """All that it depends on but the process and its age."""
    row: Cells
    fitted: Row
    age: str
    place: int
    """Of the age among the pieces; -1: the row is made anew when the age changes."""


def header(scene: Scene, width: int, sort: str, *, reverse: bool, chosen: Sequence[str] = ()) -> Row:
    """The headings, the sorted one marked; ``chosen``: as ``columns_for`` has it."""
    row: Row = []
    for column, wide in columns_for(width, sort, gpus=graphic(scene.state), chosen=chosen):
        title = column.title
        role = "dim"
        if title == sort:
            title += scene.glyphs.sorted_up if reverse else scene.glyphs.sorted_down
            role = "strong"
        shown = f"{title:>{wide}}" if column.right else f"{title:<{wide}}"
        if len(title) == wide + 1 and not column.right:
            # The mark of a column of one cell stands in the blank behind it.
            row.append((title, role))
        else:
            row += [(shown[-wide:] if column.right else shown[:wide], role), gap(1)]
    return fit_row(row, width)


def _age(scene: Scene, row: Cells) -> str:
    created = row[cells.CREATED]
    return text.duration((scene.now.time_ns - created) / 1e9) if isinstance(created, int | float) else text.UNKNOWN


def table_row(
    scene: Scene,
    line: Line,
    width: int,
    sort: str = "cpu",
    *,
    selected: bool = False,
    tagged: bool = False,
    chosen: tuple[str, ...] = (),
) -> Row:
    """One process, or the sums of a folded one; ``chosen``: as ``columns_for`` has it."""
    row = line.row
    age = _age(scene, row)
    gpus = graphic(scene.state)
    drawn = scene.state.drawn
    # The table hands out the same tuple until a cell changes; sums are made anew with each table.
    made_of = (scene.glyphs, sort, gpus, line[2:], tagged, chosen)
    found = cast("_Drawn | None", drawn.get((line.key, width)))
    older = found is not None and found.age != age
    if (
        found is None
        or found.made_of != made_of
        or found.row is not row
        or (older and (found.place < 0 or len(age) > len(found.fitted[found.place][0])))
    ):
        out: Row = []
        place = -1
        for column, wide in columns_for(width, sort, gpus=gpus, chosen=chosen):
            if column.place == cells.COMMAND:
                out += [*_command(scene, line, wide), gap(1)]
                continue
            shown, role = _cell(scene, row, column, wide, age)
            if column.place == cells.CREATED:
                place = len(out)
            if column.place == cells.PID and tagged:
                out += [(shown, "mark"), (scene.glyphs.tag, "mark")]
            else:
                out += [(shown, "faint" if line.context else role), gap(1)]
        fitted = fit_row(out[:-1], width)
        if len(drawn) > _DRAWN:
            drawn.clear()
        if fitted[place:] != out[place:-1]:  # cut, or without an age
            place = -1
        found = _Drawn(made_of, row, fitted, age, place)
        drawn[line.key, width] = found
    elif older:
        # Of a process that began just now nothing else changes each second: 20 µs a row less.
        fitted = found.fitted.copy()
        shown, role = fitted[found.place]
        fitted[found.place] = age.rjust(len(shown)), role
        drawn[line.key, width] = found = found._replace(fitted=fitted, age=age)
    fitted = found.fitted
    if selected:
        return [("".join(piece for piece, _ in fitted), "select")]
    return fitted


def _command(scene: Scene, line: Line, wide: int) -> Row:
    """Its branch of the tree, how many are folded into it, what it runs."""
    glyphs = scene.glyphs
    row: Row = []
    if line.branch:
        # Deep down the near end of the branch tells more than the far one.
        levels = line.branch[-max(1, wide // 6) :]
        cut = glyphs.ellipsis if len(levels) < len(line.branch) else ""
        row.append((cut + "".join([glyphs.branch[level] for level in levels]), "faint"))
    if line.inside:
        row += [(glyphs.folded, "key"), (f"{glyphs.sum}{line.inside + 1} ", "strong")]
    room = wide - row_width(row)
    if room < 1:
        return fit_row(row, wide)
    kernel = line.context or not line.row[cells.COMMAND]
    row.append((outside(command(line.row), room, glyphs), "dim" if kernel else "text"))
    return row


def _cell(scene: Scene, row: Cells, column: Column, wide: int, age: str) -> tuple[str, str]:
    place = column.place
    value = value_of(row, place)
    if place == cells.STATE:
        role = "good" if value == "R" else "warn" if value == "D" else "bad" if value == "Z" else "dim"
        return outside(str(value or "-"), wide, scene.glyphs), role
    if isinstance(value, str):
        shown = outside(value, wide, scene.glyphs, middle=place == cells.CGROUP)
        return shown, "dim"
    if value is None and place in (GPU, VRAM) and len(row) <= GPU:
        # It holds none: nothing to know, so nothing unknown.
        return " " * wide, "faint"
    if value is None:
        return ("-".rjust(wide) if column.right else "-".ljust(wide)), "faint"
    if place == cells.CPU:
        shown = f"{value * 100:.1f}" if value < 9.995 else f"{value * 100:.0f}"
        return shown.rjust(wide), heat(value, "cpu") if value >= 0.0005 else "faint"
    if place == GPU:
        return f"{value * 100:.0f}".rjust(wide), heat(value, "gpu") if value >= _SOME else "faint"
    if place == VRAM:
        return text.short(value).rjust(wide), "memory"
    if place == cells.MEMORY:
        return text.short(value).rjust(wide), "text"
    if place in (cells.READ, cells.WRITE):
        role = "read" if place == cells.READ else "write"
        return text.short(value).rjust(wide), role if value >= 1 else "faint"
    if place == cells.CREATED:
        return age.rjust(wide), "dim"
    return f"{value:.0f}".rjust(wide)[-wide:], "text" if place == cells.THREADS else "dim"


def _sort(scene: Scene) -> str:
    return str(scene.plan.option("processes", "sort"))


def line(scene: Scene, width: int, rank: int = 0) -> Row:
    """The subject in one line: the ``rank``-th busiest process."""
    rows = scene.state.processes()
    row: Row = [parts.label("proc" if rank == 0 else "", 5)]
    if not rows:
        return fit_row([*row, ("no process table yet", "dim")] if rank == 0 else row, width)
    busiest = listed(scene.state, _sort(scene))
    if rank >= len(busiest):
        return fit_row(row, width)
    process = busiest[rank][1]
    cpu = process[cells.CPU]
    memory = process[cells.MEMORY]
    used = float(cpu) if isinstance(cpu, int | float) else float("nan")
    row += [(text.percent(used), heat(used, "cpu") if used >= 0.005 else "dim"), gap(1)]
    row += [(text.short(float(memory) if isinstance(memory, int | float) else None), "text"), gap(1)]
    said = command(process) if width >= 60 else str(process[cells.NAME] or "-")
    row.append((outside(said, max(1, width - 17), scene.glyphs), "text"))
    return fit_row(row, width)


def draw(scene: Scene, width: int, height: int) -> Body:
    """The busiest ones, or the first by what was chosen."""
    rows = scene.state.processes()
    if not rows:
        source = scene.state.source("processes")
        reason = source.reason if source and source.reason else "the first scan comes within 2 s"
        return empty("no process table yet", outside(reason, width, scene.glyphs))
    sort, chosen = _sort(scene), scene.plan.columns()
    busiest = listed(scene.state, sort)[: max(0, height - 1)]
    shown = [column.title for column, _ in columns_for(width, sort, gpus=graphic(scene.state), chosen=chosen)]

    def make() -> Body:
        body = [header(scene, width, sort, reverse=False, chosen=chosen)]
        body += [table_row(scene, Line(key, row), width, sort, chosen=chosen) for key, row in busiest]
        right: Row = [(f"{len(rows)}", "dim")]
        if sort not in shown:
            right = [(f"by {sort} {scene.glyphs.separator} ", "dim"), *right]
        return Body(body, right)

    ages = tuple(_age(scene, row) for _, row in busiest) if "age" in shown else ()
    made_of = (scene.state.table_version, len(rows), ages, width, height, scene.glyphs, sort, chosen)
    return keep(scene.state, "processes", made_of, make)
