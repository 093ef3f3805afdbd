"""Processes in order, and what the filter leaves of them: a flat list, or a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from wftui.model import processes as cells
from wftui.model.table import Row as Cells
from wftui.tui.process.columns import BY_TITLE, GPU, TEXTS, command, joined
from wftui.tui.process.sieve import matching
from wftui.tui.scene import keep
from wftui.tui.state import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


_NUMBERS = (int, float)
_MEMORY, _PID = cells.MEMORY, cells.PID


class Line(NamedTuple):
    """One line of the process list."""

    key: str
    row: Cells
    """Its cells; numbers of a folded one are sums over it and all below it."""
    branch: str = ""
    """Its place in the tree, a letter a level: ``|`` goes on, blank does not, ``+`` a child, ``L`` the last."""
    inside: int = 0
    """How many are folded into it; 0: it is one process."""
    context: bool = False
    """It does not match the filter, but something below it does."""


class _Last:
    """The newest order by a number, from which the next one is made: most rows are the very same tuples."""

    by: tuple[int, bool] = (-1, False)
    """Column and direction."""
    known: ClassVar[list[tuple[float, int, float, str, Cells]]] = []
    unknown: ClassVar[list[tuple[int, float, str, Cells]]] = []


def arrange(rows: Mapping[str, Cells], sort: str, *, reverse: bool = False) -> list[tuple[str, Cells]]:
    """Keys and rows in order.

    Numbers go down, texts and pids up; unknown comes last whichever way round. Equal rows stay in one order, so
    that they do not dance.
    """
    place = BY_TITLE[sort].place
    if place in TEXTS:
        return _by_text(rows.items(), place, reverse=reverse)
    sign = 1.0 if (place in (cells.PID, cells.CREATED)) != reverse else -1.0
    # What is shown with three digits is also ordered by them: idle processes do not swap places all the time.
    digits = 3 if place in (cells.CPU, GPU) else 0
    # Tuples that compare by themselves: a call for each row would cost more than all the rest.
    known, unknown = (_Last.known, _Last.unknown) if _Last.by == (place, reverse) else ([], [])
    # What is still so is in order already, and a sort goes through it once.
    known = [entry for entry in known if rows.get(entry[3]) is entry[4]]
    unknown = [entry for entry in unknown if rows.get(entry[2]) is entry[3]]
    same = {entry[3] for entry in known}
    same.update([entry[2] for entry in unknown])
    for key, row in rows.items():
        if key in same:
            continue
        value = row[place] if place < len(row) else None
        memory, pid = row[_MEMORY], row[_PID]
        steps = -int(memory).bit_length() if isinstance(memory, _NUMBERS) else 0
        number = pid if isinstance(pid, _NUMBERS) else 0
        if isinstance(value, _NUMBERS):
            known.append((sign * (round(value, digits) if digits else value), steps, number, key, row))
        else:
            unknown.append((steps, number, key, row))
    known.sort()
    unknown.sort()
    _Last.by, _Last.known, _Last.unknown = (place, reverse), known, unknown
    found = [(key, row) for _, _, _, key, row in known]
    return found + [(key, row) for _, _, key, row in unknown] if unknown else found


def _by_text(items: Iterable[tuple[str, Cells]], place: int, *, reverse: bool) -> list[tuple[str, Cells]]:
    """By the letters of a cell, big ones as small ones; unknown last."""
    # The sort by letters comes last and keeps the order of equals.
    rest = sorted(items, key=_rank)
    if place == cells.COMMAND:
        rest.sort(key=lambda item: command(item[1]).lower(), reverse=reverse)
        return rest
    known = [item for item in rest if item[1][place] is not None]
    known.sort(key=lambda item: str(item[1][place]).lower(), reverse=reverse)
    return known + [item for item in rest if item[1][place] is None]


def ordered(
    rows: dict[str, Cells], sort: str, *, reverse: bool = False, wanted: str = "", at_ns: int = 0
) -> list[tuple[str, Cells]]:
    """What the filter ``wanted`` leaves, in order; ``at_ns``: when the table was made."""
    if wanted:
        rows = {key: rows[key] for key in matching(rows, wanted, at_ns)}
    return arrange(rows, sort, reverse=reverse)


def listed(state: State, sort: str, *, reverse: bool = False, wanted: str = "") -> list[tuple[str, Cells]]:
    """The process table ``ordered``, once for each table that comes; not to be changed."""
    at_ns = state.table_times.get(cells.PROCESSES.name, 0)
    return keep(
        state,
        "processes ordered",
        (state.table_version, sort, reverse, wanted),
        lambda: ordered(joined(state), sort, reverse=reverse, wanted=wanted, at_ns=at_ns),
    )


def _rank(item: tuple[str, Cells]) -> tuple[int, float]:
    """Order among equals: more memory first, in steps, so that it holds still; then by pid."""
    memory, pid = item[1][_MEMORY], item[1][_PID]
    steps = -int(memory).bit_length() if isinstance(memory, _NUMBERS) else 0
    return steps, pid if isinstance(pid, _NUMBERS) else 0
