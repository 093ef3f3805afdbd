"""Pictures as text: what stands in each row, and which role has which of its cells.

A sheet is what ``git diff`` can show. Its colours are names of roles; ``inks.txt`` has the codes of each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from wftui.render.palette import Ink, Palette
from wftui.text import width as columns
from wftui.tui.compose import Picture

GROUNDED = frozenset({"select", "cursor", "crosshair", "banner.bad", "banner.warn", "banner.mark"})
"""Roles of which blanks are seen, too."""
Cell = tuple[str, str]
"""A character and its role, or the codes of its ink; both empty: nothing is there."""
_BLANK: Cell = ("", "")
_WIDE = "\u0300"
"""From here on a character may be of any width."""
_CODES = re.compile(r"\x1b\[([\d;?]*)([A-Za-z])|([^\x1b]+)")


def cells(picture: Picture) -> list[list[Cell]]:
    """Rows of what is seen: a blank has no role. A wide character is followed by an empty cell."""
    rows = []
    for row in picture.rows:
        line: list[Cell] = []
        for text, role in row:
            for char in text:
                wide = 1 if char < _WIDE else columns(char)
                if not wide:
                    line[-1] = line[-1][0] + char, line[-1][1]
                    continue
                line.append(_BLANK if char == " " and role not in GROUNDED else (char, role))
                line += [_BLANK] * (wide - 1)
        rows.append(line)
    return rows


def on_terminal(data: str, width: int, height: int) -> list[list[Cell]]:
    """What a terminal shows that got these bytes on an empty screen: characters with the codes of their ink.

    Only what the painter writes for a whole frame is known: places, inks, text.
    """
    rows = [[_BLANK] * width for _ in range(height)]
    x = y = 0
    ink = ""
    for numbers, letter, text in _CODES.findall(data):
        if letter == "H":
            y, x = (int(number) - 1 for number in numbers.split(";"))
        elif letter == "m":
            ink = numbers.removeprefix("0").removeprefix(";")
        elif letter:
            assert (numbers, letter) == ("2", "J"), "unknown code"
        for char in text:
            wide = 1 if char < _WIDE else columns(char)
            if not wide:
                rows[y][x - 1] = rows[y][x - 1][0] + char, rows[y][x - 1][1]
                continue
            rows[y][x] = char, ink
            x += wide
    return rows


def expected(picture: Picture, palette: Palette) -> list[list[Cell]]:
    """The same by the palette: what each cell ought to look like."""
    out = []
    for y, row in enumerate(cells(picture)):
        stale = picture.stale and y not in picture.live_lines
        inks: Mapping[str, Ink] = palette.stale if stale else palette.live
        out.append([(char, inks[role].sgr) if char else _BLANK for char, role in row])
    return out


def seen(rows: list[list[Cell]]) -> list[list[Cell]]:
    """Without blanks that only a coloured ground would show: ``1;7`` and ``48`` have one."""
    return [[_BLANK if char == " " and not _grounded(ink) else (char, ink) for char, ink in row] for row in rows]


def _grounded(ink: str) -> bool:
    return "7" in ink.split(";") or ";48;" in f";{ink};"


def lines(picture: Picture) -> Iterator[str]:
    """The sheet of one picture: its rows, and under them the roles of each, as ``role length``."""
    rows = cells(picture)
    for row in picture.rows:
        yield "|" + "".join(text for text, _ in row).rstrip() + "|"
    for y, row in enumerate(rows):
        words = [f"{role} {length}" for role, length in _runs(row)]
        if words:
            mark = "~" if picture.stale and y not in picture.live_lines else " "
            yield f"{y + 1:>2}{mark} {', '.join(words)}"


def _runs(row: list[Cell]) -> list[tuple[str, int]]:
    """Roles one after another with how many cells they have; blanks belong to the role before them."""
    runs: list[tuple[str, int]] = []
    for char, role in row:
        if runs and (not char or runs[-1][0] == role):
            runs[-1] = runs[-1][0], runs[-1][1] + 1
        else:
            runs.append((role if char else "-", 1))
    while runs and runs[-1][0] == "-":
        runs.pop()
    return runs


def inks(palettes: Mapping[str, Palette]) -> Iterator[str]:
    """The sheet of a theme: each role with its codes at each depth, live and stale."""
    depths = list(palettes)
    yield f"{'role':20}" + "".join(f"{depth:36}" for depth in depths).rstrip()
    for kind in ("live", "stale"):
        for role in sorted(getattr(palettes[depths[0]], kind)):
            codes = [getattr(palettes[depth], kind)[role].sgr or "-" for depth in depths]
            yield (
                f"{role + (' ~' if kind == 'stale' else ''):20}" + "".join(f"{code:36}" for code in codes).rstrip()
            )
