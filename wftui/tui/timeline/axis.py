"""The time under the lanes: a ruler, what happened when, and the ranges that a person marked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from wftui.render import text
from wftui.tui.frame import Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wftui.tui.glyphs import Glyphs
    from wftui.tui.timeline.window import Grid

_NS: Final = 1_000_000_000
_DAY: Final = 86_400
_STEPS: Final = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200,
    _DAY, 2 * _DAY, 7 * _DAY,
)  # fmt: skip
"""Seconds between two labels; beyond them the first of each month."""
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ROOM: Final = 3
"""Blank cells between two labels, at least."""


def ticks(grid: Grid) -> list[tuple[int, str]]:
    """Columns and what is written there, on round local times."""
    first, last = grid.start_ns // _NS, grid.end_ns // _NS
    for step in _STEPS:
        widest = 8 if step < 60 else 6
        if step * _NS >= (widest + _ROOM) * grid.column_ns:
            return list(_marks(grid, _rounds(first, last, step), step))
    return list(_marks(grid, _months(first, last, grid), 31 * _DAY))


def _marks(grid: Grid, times: Iterable[int], step: int) -> Iterable[tuple[int, str]]:
    for moment in times:
        column = grid.column(moment * _NS)
        if 0 <= column < grid.columns:
            yield column, _stamp(moment, step)


def _stamp(moment: int, step: int) -> str:
    local = time.localtime(moment)
    if step > 7 * _DAY:
        return str(local.tm_year) if local.tm_mon == 1 else _MONTHS[local.tm_mon - 1]
    if step >= _DAY or (not local.tm_hour and not local.tm_min and not local.tm_sec and step >= 60):
        return f"{local.tm_mday} {_MONTHS[local.tm_mon - 1]}"
    return text.clock(moment)[: 8 if step < 60 else 5]


def _rounds(first: int, last: int, step: int) -> Iterable[int]:
    """Moments whose local time is a multiple of the step; weeks begin on Mondays."""
    shift = 3 * _DAY if step == 7 * _DAY else 0
    east = time.localtime(first).tm_gmtoff
    local = -(-(first + east + shift) // step) * step - shift
    moment = first
    while moment < last:
        moment = local - east
        now_east = time.localtime(moment).tm_gmtoff
        # A clock change since the label before: the wall clock decides where the round time is.
        if now_east != east:
            moment = local - now_east
            east = now_east
        if first <= moment < last:
            yield moment
        local += step


def _months(first: int, last: int, grid: Grid) -> Iterable[int]:
    local = time.localtime(first)
    year, month = local.tm_year, local.tm_mon
    # Labels are at most four letters: each month, each third, or each year.
    every = next((n for n in (1, 3, 12) if n * 28 * _DAY * _NS >= (4 + 2) * grid.column_ns), 12)
    moment = 0
    while moment < last:
        moment = int(time.mktime((year, month, 1, 0, 0, 0, 0, 0, -1)))
        if first <= moment < last and (month - 1) % every == 0:
            yield moment
        month += 1
        if month > 12:
            year, month = year + 1, 1


def ruler(grid: Grid, glyphs: Glyphs, cursor: int) -> Row:
    """A line of ticks with their times, and the cursor's column."""
    across, tick = ("-", "+") if glyphs.ascii_only else ("─", "┬")
    line = [across] * grid.columns
    for column, words in ticks(grid):
        stamp = tick + words
        # The label never runs over the edge, and never over the one before.
        if column + len(stamp) < grid.columns:
            line[column : column + len(stamp)] = stamp
            if column + len(stamp) < grid.columns:
                line[column + len(stamp)] = " "
        else:
            line[column] = tick
    row: Row = [("".join(line[:cursor]), "dim")] if cursor else []
    row.append((line[cursor] if line[cursor] != across else glyphs.mark, "crosshair"))
    if cursor + 1 < grid.columns:
        row.append(("".join(line[cursor + 1 :]), "dim"))
    return row


def lane(grid: Grid, found: Mapping[int, Sequence[tuple[str, str]]], cursor: int, glyphs: Glyphs) -> Row:
    """One glyph a column where something happened, the worst of several or their number.

    ``found``: column to (glyph, role), the worst first.
    """
    row: Row = []
    at = 0
    places = sorted({*found, cursor})
    for column in places:
        if column > at:
            row.append((" " * (column - at), "text"))
        here = found.get(column, ())
        glyph, role = here[0] if here else (glyphs.vertical, "crosshair")
        if len(here) > 1 and role != "bad":
            glyph = str(len(here)) if len(here) <= 9 else "+"
        row.append((glyph, role))
        at = column + 1
    if at < grid.columns:
        row.append((" " * (grid.columns - at), "text"))
    return row


def ranges(grid: Grid, marked: Mapping[str, tuple[int, int]], glyphs: Glyphs) -> Row:
    """The marked ranges as bars with their letters; the later letter lies over the earlier one."""
    begin, across, end = ("[", "=", "]") if glyphs.ascii_only else ("┣", "━", "┫")
    line = [" "] * grid.columns
    roles = ["text"] * grid.columns
    for letter, (since_ns, until_ns) in sorted(marked.items()):
        first, last = grid.column(since_ns), grid.column(max(since_ns, until_ns - 1))
        left, right = max(0, first), min(grid.columns - 1, last)
        if left > right:
            continue
        for column in range(left, right + 1):
            line[column] = across
            roles[column] = RANGE_ROLES.get(letter, "mark")
        if left == first and left < right:
            line[left] = begin
        if right == last and left < right:
            line[right] = end
        line[(left + right) // 2] = letter
    row: Row = []
    start = 0
    for column in range(1, grid.columns + 1):
        if column == grid.columns or roles[column] != roles[start]:
            row.append(("".join(line[start:column]), roles[start]))
            start = column
    return row


RANGE_ROLES: Final = {"A": "cpu.title", "B": "write"}


def moment(time_s: float, now_s: float, *, seconds: bool = True) -> str:
    """A moment in words: ``Thu 20 Nov 14:02:10 +09:00``; with its year when that is not the one of ``now_s``."""
    local = time.localtime(time_s)
    year = "" if local.tm_year == time.localtime(now_s).tm_year else f" {local.tm_year}"
    clock = text.clock(time_s)[: 8 if seconds else 5]
    day = f"{_WEEKDAYS[local.tm_wday]} {local.tm_mday:2d} {_MONTHS[local.tm_mon - 1]}{year}"
    return f"{day} {clock} {text.offset(time_s)}"
