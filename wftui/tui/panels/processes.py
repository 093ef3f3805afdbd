"""Processes: columns, order and rows of the table, on the overview and on its own screen."""

from __future__ import annotations

from typing import Final, NamedTuple

from wftui.model import processes as cells
from wftui.model.table import Cell
from wftui.model.table import Row as Cells
from wftui.render import text
from wftui.render.palette import heat
from wftui.tui.frame import Row, fit_row, outside
from wftui.tui.gpus import holders
from wftui.tui.panels import parts
from wftui.tui.scene import Body, Scene, empty, gap, keep
from wftui.tui.state import State


class Column(NamedTuple):
    """One column: heading, cell of the row, width, alignment, and the panel width from which it is shown."""

    title: str
    place: int
    width: int
    right: bool = True
    since: int = 0


GPU: Final = len(cells.PROCESSES.columns)
VRAM: Final = GPU + 1
"""Places of the cells that a row has beyond those of the table, when its process holds a GPU."""
COLUMNS: Final = (
    Column("pid", cells.PID, 7),
    Column("user", cells.USER, 9, right=False, since=70),
    Column("s", cells.STATE, 1, right=False, since=56),
    Column("cpu", cells.CPU, 6),
    Column("mem", cells.MEMORY, 5),
    Column("gpu%", GPU, 5, since=56),
    Column("vram", VRAM, 5, since=48),
    Column("thr", cells.THREADS, 5, since=84),
    Column("read/s", cells.READ, 7, since=100),
    Column("write/s", cells.WRITE, 8, since=100),
    Column("age", cells.CREATED, 7, since=110),
    Column("container", cells.CGROUP, 13, right=False, since=122),
    Column("command", cells.COMMAND, 0, right=False),
)
"""The last one takes what is left."""
SORTS: Final = ("cpu", "mem", "read/s", "write/s", "thr", "pid", "age", "user", "command")
"""What `s` cycles through."""
_GPU_SORTS: Final = ("gpu%", "vram")
_SOME: Final = 0.005
"""Share from which on a percent is more than 0."""
_DRAWN: Final = 256
"""Rows kept as drawn."""
_BY_TITLE: Final = {column.title: column for column in COLUMNS}
_TEXTS: Final = frozenset({cells.USER, cells.COMMAND, cells.CGROUP, cells.STATE, cells.NAME})


def joined(state: State) -> dict[str, Cells]:
    """The process table; rows of processes that hold GPUs go on with what they have of all of them together."""

    def join() -> dict[str, Cells]:
        rows = state.processes()
        held = {key: have for key, have in holders(state).items() if key in rows}
        if not held:
            return rows
        return rows | {key: (*rows[key], have.utilization, have.memory) for key, have in held.items()}

    return keep(state, "processes joined", state.table_version, join)


def graphic(state: State) -> bool:
    """Whether there is a process that holds a GPU."""
    return joined(state) is not state.processes()


def sorts(state: State) -> tuple[str, ...]:
    """What there is to sort by."""
    return (*SORTS[:2], *_GPU_SORTS, *SORTS[2:]) if graphic(state) else SORTS


def value_of(row: Cells, place: int) -> Cell:
    """A cell; None beyond the end of a row that holds no GPU."""
    return row[place] if place < len(row) else None


def command(row: Cells) -> str:
    """The command line; ``[name]`` where there is none (kernel threads, no right to read it)."""
    said = row[cells.COMMAND]
    return str(said) if said else f"[{row[cells.NAME]}]"


def ordered(
    rows: dict[str, Cells], sort: str, *, reverse: bool = False, wanted: str = ""
) -> list[tuple[str, Cells]]:
    """Keys and rows that hold ``wanted`` (any case, in pid, user, name, command or container), in order.

    Numbers go down, texts and pids up; unknown comes last whichever way round. Equal rows stay in one order, so
    that they do not dance.
    """
    place = _BY_TITLE[sort].place
    items = list(rows.items())
    if wanted:
        needle = wanted.lower()
        items = [item for item in items if needle in _haystack(item[1])]
    items.sort(key=_rank)
    if place == cells.COMMAND:
        known, unknown = items, []
        known.sort(key=lambda item: command(item[1]).lower(), reverse=reverse)
    else:
        known = [item for item in items if value_of(item[1], place) is not None]
        unknown = [item for item in items if value_of(item[1], place) is None]
        down = place not in _TEXTS and place not in (cells.PID, cells.CREATED)
        if place in _TEXTS:
            known.sort(key=lambda item: str(item[1][place]).lower(), reverse=reverse)
        else:
            known.sort(key=lambda item: _number(item[1], place), reverse=down != reverse)
    return [*known, *unknown]


def listed(state: State, sort: str, *, reverse: bool = False, wanted: str = "") -> list[tuple[str, Cells]]:
    """The process table ``ordered``, once for each table that comes; not to be changed."""
    return keep(
        state,
        "processes ordered",
        (state.table_version, sort, reverse, wanted),
        lambda: ordered(joined(state), sort, reverse=reverse, wanted=wanted),
    )


def _rank(item: tuple[str, Cells]) -> tuple[float, float]:
    """Order among equals: more memory first (in steps, so that it holds still), then by pid."""
    return -int(_number(item[1], cells.MEMORY)).bit_length(), _number(item[1], cells.PID)


def _number(row: Cells, place: int) -> float:
    value = value_of(row, place)
    if isinstance(value, str) or value is None:
        return 0.0
    # What is shown with three digits is also ordered by them: idle processes do not swap places all the time.
    return round(value, 3) if place in (cells.CPU, GPU) else value


def _haystack(row: Cells) -> str:
    parts_ = (row[cells.PID], row[cells.USER], row[cells.NAME], row[cells.COMMAND], row[cells.CGROUP])
    return " ".join(str(part) for part in parts_ if part is not None).lower()


def columns_for(width: int, sort: str = "", *, gpus: bool = False) -> list[tuple[Column, int]]:
    """The columns that fit, and the sorted one always; their widths; the command takes what is left.

    ``gpus``: whether a process holds one, without which their columns would be empty.
    """
    shown = [
        column
        for column in COLUMNS
        if column.title == sort or (width >= column.since and (gpus or column.title not in _GPU_SORTS))
    ]
    fixed = sum(column.width + 1 for column in shown[:-1])
    return [(column, column.width or max(4, width - fixed)) for column in shown]


def header(scene: Scene, width: int, sort: str, *, reverse: bool) -> Row:
    """The headings, the sorted one marked."""
    row: Row = []
    for column, wide in columns_for(width, sort, gpus=graphic(scene.state)):
        title = column.title
        role = "dim"
        if title == sort:
            title += scene.glyphs.sorted_up if reverse else scene.glyphs.sorted_down
            role = "strong"
        shown = f"{title:>{wide}}" if column.right else f"{title:<{wide}}"
        row += [(shown[-wide:] if column.right else shown[:wide], role), gap(1)]
    return fit_row(row[:-1], width)


def _age(scene: Scene, row: Cells) -> str:
    created = row[cells.CREATED]
    return text.duration((scene.now.time_ns - created) / 1e9) if isinstance(created, int | float) else text.UNKNOWN


def table_row(scene: Scene, key: str, row: Cells, width: int, sort: str = "cpu", *, selected: bool = False) -> Row:
    """One process."""
    age = _age(scene, row)
    gpus = graphic(scene.state)
    drawn = scene.state.drawn
    fitted: Row
    # The table hands out the same tuple until a cell changes.
    if (
        (found := drawn.get((key, width))) is not None
        and found[:4] == (age, scene.glyphs, sort, gpus)
        and found[4] is row
    ):
        fitted = found[5]  # type: ignore[assignment]  # what the line below put there
    else:
        out: Row = []
        for column, wide in columns_for(width, sort, gpus=gpus):
            shown, role = _cell(scene, row, column, wide, age)
            out += [(shown, role), gap(1)]
        fitted = fit_row(out[:-1], width)
        if len(drawn) > _DRAWN:
            drawn.clear()
        drawn[key, width] = (age, scene.glyphs, sort, gpus, row, fitted)
    if selected:
        return [("".join(piece for piece, _ in fitted), "select")]
    return fitted


def _cell(scene: Scene, row: Cells, column: Column, wide: int, age: str) -> tuple[str, str]:
    place = column.place
    value = value_of(row, place)
    if place == cells.COMMAND:
        kernel = not row[cells.COMMAND]
        return outside(command(row), wide, scene.glyphs), "dim" if kernel else "text"
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
        return shown.rjust(wide), heat(value) if value >= 0.0005 else "faint"
    if place == GPU:
        return f"{value * 100:.0f}".rjust(wide), heat(value) if value >= _SOME else "faint"
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


def line(scene: Scene, width: int, rank: int = 0) -> Row:
    """The subject in one line: the ``rank``-th busiest process."""
    rows = scene.state.processes()
    row: Row = [parts.label("proc" if rank == 0 else "", 5)]
    if not rows:
        return fit_row([*row, ("no process table yet", "dim")] if rank == 0 else row, width)
    busiest = listed(scene.state, "cpu")
    if rank >= len(busiest):
        return fit_row(row, width)
    process = busiest[rank][1]
    cpu = process[cells.CPU]
    memory = process[cells.MEMORY]
    used = float(cpu) if isinstance(cpu, int | float) else float("nan")
    row += [(text.percent(used), heat(used) if used >= 0.005 else "dim"), gap(1)]
    row += [(text.short(float(memory) if isinstance(memory, int | float) else None), "text"), gap(1)]
    said = command(process) if width >= 60 else str(process[cells.NAME] or "-")
    row.append((outside(said, max(1, width - 17), scene.glyphs), "text"))
    return fit_row(row, width)


def draw(scene: Scene, width: int, height: int) -> Body:
    """The busiest ones."""
    rows = scene.state.processes()
    if not rows:
        source = scene.state.source("processes")
        reason = source.reason if source and source.reason else "the first scan comes within 2 s"
        return empty("no process table yet", outside(reason, width, scene.glyphs))
    busiest = listed(scene.state, "cpu")[: max(0, height - 1)]

    def make() -> Body:
        body = [header(scene, width, "cpu", reverse=False)]
        body += [table_row(scene, key, row, width) for key, row in busiest]
        return Body(body, [(f"{len(rows)}", "dim")])

    ages = tuple(_age(scene, row) for _, row in busiest) if width >= _BY_TITLE["age"].since else ()
    made_of = (scene.state.table_version, len(rows), ages, width, height, scene.glyphs)
    return keep(scene.state, "processes", made_of, make)
