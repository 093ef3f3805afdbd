"""Columns of the process table, and the rows that they are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.model import processes as cells
from wftui.model.table import Cell
from wftui.model.table import Row as Cells
from wftui.tui.gpus import holders
from wftui.tui.scene import keep
from wftui.tui.state import State

if TYPE_CHECKING:
    from collections.abc import Sequence


class Column(NamedTuple):
    """One column: heading, cell of the row, width, alignment, and the panel width from which it is shown."""

    title: str
    place: int
    width: int
    right: bool = True
    since: int = 0
    roomy: int = 0
    """Width where there is room to spare; 0: the same."""


GPU: Final = len(cells.PROCESSES.columns)
VRAM: Final = GPU + 1
"""Places of the cells that a row has beyond those of the table, when its process holds a GPU."""
COLUMNS: Final = (
    Column("pid", cells.PID, 7),
    Column("user", cells.USER, 9, right=False, since=70, roomy=13),
    Column("s", cells.STATE, 1, right=False, since=56),
    Column("cpu", cells.CPU, 6),
    Column("mem", cells.MEMORY, 5),
    Column("gpu%", GPU, 5, since=56),
    Column("vram", VRAM, 5, since=48),
    Column("thr", cells.THREADS, 5, since=84),
    Column("read/s", cells.READ, 7, since=100),
    Column("write/s", cells.WRITE, 8, since=100),
    Column("age", cells.CREATED, 7, since=110),
    Column("container", cells.CGROUP, 13, right=False, since=122, roomy=24),
    Column("command", cells.COMMAND, 0, right=False),
)
"""The last one takes what is left."""
_ROOMY: Final = 168
"""Columns of the table from which on long names need not be cut."""
_FIRST: Final = 3
_LEAST: Final = 8
"""Columns of a command that is worth showing."""
SORTS: Final = tuple(
    column.title for column in (*COLUMNS[_FIRST:], *COLUMNS[:_FIRST]) if column.place not in (GPU, VRAM)
)
"""What `s` goes through on a machine without GPUs: the columns from left to right, from ``cpu`` on."""
GPU_TITLES: Final = ("gpu%", "vram")
BY_TITLE: Final = {column.title: column for column in COLUMNS}
TEXTS: Final = frozenset({cells.USER, cells.COMMAND, cells.CGROUP, cells.STATE, cells.NAME})


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
    return (*SORTS[:2], *GPU_TITLES, *SORTS[2:]) if graphic(state) else SORTS


def value_of(row: Cells, place: int) -> Cell:
    """A cell; None beyond the end of a row that holds no GPU."""
    return row[place] if place < len(row) else None


def number(row: Cells, place: int) -> float:
    """A cell as a number; 0 where it is none."""
    value = value_of(row, place)
    return 0.0 if value is None or isinstance(value, str) else value


def command(row: Cells) -> str:
    """The command line; ``[name]`` where there is none (kernel threads, no right to read it)."""
    said = row[cells.COMMAND]
    return str(said) if said else f"[{row[cells.NAME]}]"


def columns_for(
    width: int, sort: str = "", *, gpus: bool = False, chosen: Sequence[str] = ()
) -> list[tuple[Column, int]]:
    """The columns that fit, and the sorted one always; their widths; the command takes what is left.

    ``gpus``: whether a process holds one, without which their columns would be empty. ``chosen``: these in this
    order instead, as many from the left as fit.
    """
    own = [BY_TITLE[name] for name in chosen if gpus or name not in GPU_TITLES]
    if own:
        return _chosen(width, own)
    shown = [
        column
        for column in COLUMNS
        if column.title == sort or (width >= column.since and (gpus or column.title not in GPU_TITLES))
    ]
    wide = [(column.roomy or column.width) if width >= _ROOMY else column.width for column in shown[:-1]]
    return [*zip(shown, [*wide, max(4, width - sum(wide) - len(wide))], strict=True)]


def _chosen(width: int, shown: list[Column]) -> list[tuple[Column, int]]:
    def room() -> int:
        return width - sum((column.width or _LEAST) + 1 for column in shown) + 1

    while len(shown) > 1 and room() < 0:
        del shown[-1]
    left = max(0, room())
    return [(column, column.width or _LEAST + left) for column in shown]
