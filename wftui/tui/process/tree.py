"""Processes as a tree: parents above their children, siblings in the list's order, folded ones summed up.

All is done with loops and lists: a chain of processes may be as deep as there are processes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from wftui.model import processes as cells
from wftui.tui.process.columns import GPU, VRAM, value_of
from wftui.tui.process.order import Line, arrange
from wftui.tui.process.sieve import matching

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from wftui.model.table import Cell, Row

SUMMED: Final = frozenset({cells.CPU, cells.MEMORY, cells.THREADS, cells.READ, cells.WRITE, GPU, VRAM})
"""Cells that are sums in the line of a folded process. Memory that several share is in it more than once."""

_PID, _PARENT, _START = cells.PID, cells.PARENT, cells.START


class _Last:
    """The newest table that parents were found in: most scans bring no birth and no death among them."""

    rows: ClassVar[dict[str, Row]] = {}
    above: ClassVar[dict[str, str]] = {}


def parents(rows: dict[str, Row]) -> dict[str, str]:
    """``related``, once for all tables that tell the same of who began whom; not to be changed."""
    before = _Last.rows
    if len(before) != len(rows) or not _same_family(before, rows):
        _Last.above = related(rows)
    # A copy: the table itself is changed in place.
    _Last.rows = rows.copy()
    return _Last.above


def _same_family(before: dict[str, Row], rows: dict[str, Row]) -> bool:
    for key, row in rows.items():
        old = before.get(key)
        if old is row:
            continue
        if old is None or (old[_PID], old[_PARENT], old[_START]) != (row[_PID], row[_PARENT], row[_START]):
            return False
    return True


def related(rows: dict[str, Row]) -> dict[str, str]:
    """Key of each process to that of its parent; without those whose parent is not in the table.

    A parent that began after its child is another process with its number; of two that began in one tick the lower
    number is the older one. So there are no circles, whatever the table says.
    """
    by_pid = {row[_PID]: (key, row[_START]) for key, row in rows.items()}
    found = {}
    for key, row in rows.items():
        parent = by_pid.get(row[_PARENT])
        if parent is None:
            continue
        began, its = row[_START], parent[1]
        if isinstance(began, str) or isinstance(its, str) or began is None or its is None or its > began:
            continue
        if its < began or _older(row[_PARENT], row[_PID]):
            found[key] = parent[0]
    return found


def _older(one: Cell, other: Cell) -> bool:
    return isinstance(one, int | float) and isinstance(other, int | float) and one < other


def children(rows: Iterable[str], above: dict[str, str]) -> tuple[list[str], dict[str, list[str]]]:
    """The roots, and the children of each process that has some, in the order of ``rows``."""
    roots: list[str] = []
    below: dict[str, list[str]] = {}
    for key in rows:
        parent = above.get(key)
        if parent is None:
            roots.append(key)
        elif (group := below.get(parent)) is None:
            below[parent] = [key]
        else:
            group.append(key)
    return roots, below


def descendants(key: str, below: dict[str, list[str]]) -> list[str]:
    """All below a process, without itself."""
    found: list[str] = []
    waiting = list(below.get(key, ()))
    while waiting:
        each = waiting.pop()
        found.append(each)
        waiting += below.get(each, ())
    return found


def summed(rows: dict[str, Row], key: str, inside: list[str]) -> Row:
    """The row of a process with sums over it and ``inside``; of what is unknown for all it stays unknown."""
    group = [rows[key], *(rows[each] for each in inside)]
    own = group[0]
    wide = max(len(row) for row in group)

    def cell(place: int) -> Cell:
        if place not in SUMMED:
            return value_of(own, place)
        known = [value for row in group if isinstance(value := value_of(row, place), int | float)]
        return sum(known) if known else None

    return tuple([cell(place) for place in range(wide)])


def lines(
    rows: dict[str, Row],
    sort: str,
    *,
    reverse: bool = False,
    wanted: str = "",
    folded: Collection[str] = (),
    at_ns: int = 0,
) -> list[Line]:
    """The tree, top to bottom.

    A filter keeps what matches and all above it, and opens what is ``folded``: nothing that was looked for hides.
    """
    above = parents(rows)
    context: frozenset[str] = frozenset()
    inside: dict[str, int] = {}
    shown = rows
    if wanted:
        found_keys = matching(rows, wanted, at_ns)
        kept = set(found_keys)
        for key in found_keys:
            parent = above.get(key)
            while parent is not None and parent not in kept:
                kept.add(parent)
                parent = above.get(parent)
        context = frozenset(kept.difference(found_keys))
        shown = {key: row for key, row in rows.items() if key in kept}
    elif folded:
        shown, inside = _folded(rows, above, folded)
    order = arrange(shown, sort, reverse=reverse)
    roots, below = children([key for key, _ in order], above)
    found: list[Line] = []
    # Twice as fast as Line(...), and there are thousands.
    new = tuple.__new__
    # Siblings are gone through one by one; above those of a child wait the rest of its own.
    waiting: list[tuple[Iterator[str], str, str, str]] = []
    each, between, end, last = iter(roots), "", "", ""
    append, group_of = found.append, below.get
    while True:
        for key in each:
            branch = end if key is last else between
            append(new(Line, (key, shown[key], branch, inside.get(key, 0), key in context)))
            group = group_of(key)
            if group is not None:
                waiting.append((each, between, end, last))
                stem = branch[:-1] + (" " if branch[-1] == "L" else "|") if branch else ""
                each, between, end, last = iter(group), stem + "+", stem + "L", group[-1]
                break
        else:
            if not waiting:
                break
            each, between, end, last = waiting.pop()
    return found


def _folded(
    rows: dict[str, Row], above: dict[str, str], folded: Collection[str]
) -> tuple[dict[str, Row], dict[str, int]]:
    """The rows that are left when ``folded`` are, with their sums, and how many each of those holds."""
    roots, below = children(rows, above)
    shown: dict[str, Row] = {}
    inside: dict[str, int] = {}
    waiting = roots
    while waiting:
        key = waiting.pop()
        under = below.get(key)
        if under is not None and key in folded:
            under = descendants(key, below)
            inside[key] = len(under)
            shown[key] = summed(rows, key, under)
        else:
            shown[key] = rows[key]
            waiting += under or ()
    return shown, inside
