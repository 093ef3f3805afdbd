"""The process pane: who is on the selected GPU, with what of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.model import gpus as cells
from wftui.model import processes
from wftui.model.processes import row_key
from wftui.render import text
from wftui.render.palette import heat
from wftui.tui.frame import Row, Segment, fit_row, outside, row_width
from wftui.tui.gpu_screen.words import own
from wftui.tui.scene import gap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from wftui.model.table import Cell
    from wftui.model.table import Row as Cells
    from wftui.tui.scene import Scene


class _Column(NamedTuple):
    title: str
    width: int
    since: int
    """Width of the pane from which on it is shown."""
    cell: Callable[[Scene, Cells, int], Segment]
    right: bool = True
    places: tuple[int, ...] = ()
    """Without any of these cells, neither empty nor 0, in any row there is no such column."""


def _known(value: Cell) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _share(place: int) -> Callable[[Scene, Cells, int], Segment]:
    def cell(_: Scene, row: Cells, width: int) -> Segment:
        value = _known(row[place])
        if value != value:
            return text.UNKNOWN.rjust(width), "faint"
        return f"{value * 100:.0f}".rjust(width), heat(value, "gpu") if value >= 0.005 else "faint"

    return cell


def _words(place: int) -> Callable[[Scene, Cells, int], Segment]:
    def cell(scene: Scene, row: Cells, width: int) -> Segment:
        value = row[place]
        if value is None or value == "":
            return text.UNKNOWN.ljust(width), "faint"
        return outside(str(value), width, scene.glyphs, middle=True), "text"

    return cell


def _pid(_: Scene, row: Cells, width: int) -> Segment:
    value = row[cells.P_PID]
    return (f"{value:.0f}" if isinstance(value, int | float) else text.UNKNOWN).rjust(width), "dim"


def _memory(_: Scene, row: Cells, width: int) -> Segment:
    value = _known(row[cells.P_MEMORY])
    return text.short(value).rjust(width), "strong" if value == value else "faint"


def _job(scene: Scene, row: Cells, width: int) -> Segment:
    job, rank = row[cells.P_JOB], row[cells.P_RANK]
    said = str(job or "")
    if isinstance(rank, int | float):
        said = f"{said} #{rank:.0f}" if said else f"rank {rank:.0f}"
    if not said:
        return text.UNKNOWN.ljust(width), "faint"
    return outside(said, width, scene.glyphs, middle=True), "text"


def _idle(scene: Scene, row: Cells, width: int) -> Segment:
    since = row[cells.P_IDLE_SINCE]
    if not isinstance(since, int | float) or since <= 0:
        return " " * width, "faint"
    return text.duration((scene.now.time_ns - since) / 1e9).rjust(width), "warn"


_COLUMNS: Final = (
    _Column("pid", 7, 0, _pid),
    _Column("user", 8, 46, _words(cells.P_USER), right=False),
    _Column("job", 16, 84, _job, right=False, places=(cells.P_JOB, cells.P_RANK)),
    _Column("container", 14, 104, _words(cells.P_CGROUP), right=False, places=(cells.P_CGROUP,)),
    _Column("type", 4, 64, _words(cells.P_TYPE), right=False),
    _Column("memory", 6, 0, _memory),
    _Column("sm %", 4, 0, _share(cells.P_UTILIZATION)),
    _Column("mem %", 5, 60, _share(cells.P_MEMORY_IO)),
    _Column("enc %", 5, 84, _share(cells.P_ENCODER), places=(cells.P_ENCODER,)),
    _Column("dec %", 5, 84, _share(cells.P_DECODER), places=(cells.P_DECODER,)),
    _Column("idle", 7, 52, _idle, places=(cells.P_IDLE_SINCE,)),
)

_MERGED: Final = 32
"""Cells that a reason needs."""


def columns(rows: Iterable[Cells], width: int) -> list[_Column]:
    """The columns that fit, without those that have nothing to say of any row."""
    told = list(rows)
    return [
        column
        for column in _COLUMNS
        if width >= column.since
        and (not column.places or any(row[place] for row in told for place in column.places))
    ]


def header(shown: Sequence[_Column], width: int) -> Row:
    """Titles; sorted by memory."""
    row: Row = []
    for column in shown:
        title = column.title.rjust(column.width) if column.right else column.title.ljust(column.width)
        row += [(title, "text" if column.title == "memory" else "dim"), gap(1)]
    return fit_row([*row, ("command", "dim")], width)


def line(scene: Scene, row: Cells, shown: Sequence[_Column], width: int, *, selected: bool) -> Row:
    """One process."""
    out: Row = []
    words, role = _said(scene, row)
    # Who is not ours to see has no user, job and container: the reason has their room.
    blank = [column for column in shown[1:] if not column.right] if row[cells.P_UNSEEN] else []
    merged = sum(column.width + 1 for column in blank) - 1
    for column in shown:
        if column in blank and merged >= _MERGED:
            if column is blank[0]:
                out += [(outside(words, merged, scene.glyphs), role), gap(1)]
                words = ""
            continue
        out += [column.cell(scene, row, column.width), gap(1)]
    room = width - row_width(out)
    if room > 0:
        out.append((outside(words, room, scene.glyphs), role))
    out = fit_row(out, width)
    return [("".join(shown for shown, _ in out), "select")] if selected else out


def _said(scene: Scene, row: Cells) -> tuple[str, str]:
    """Its command line, its name, or why neither is known."""
    unseen = str(row[cells.P_UNSEEN] or "")
    if unseen:
        # Some reasons say whose it is, or that it is nobody's any more.
        whole = unseen.startswith(("another user", "other users", "it ended"))
        return own(unseen if whole else f"other users' process: {unseen}", scene.glyphs), "dim"
    pid, start = row[cells.P_PID], row[cells.P_START]
    if isinstance(pid, int | float) and isinstance(start, int | float):
        known = scene.state.processes().get(row_key(int(pid), int(start)))
        if known is not None and known[processes.COMMAND]:
            return str(known[processes.COMMAND]), "text"
    return str(row[cells.P_NAME] or text.UNKNOWN), "text"
