"""What turns one frame on the terminal into another of the same size: escape codes for the cells that differ.

All pieces of one ink follow each other, wherever they stand: the codes of a colour are longer than those of a
place. The part of a line that only travels is pushed along by the terminal itself: cells are deleted at its end
and inserted at its beginning (DCH, ICH), which leaves what stands behind it where it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.tui.drift import Drift
from wftui.tui.frame import Segment, cells

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wftui.tui.compose import Picture

_STEP: Final = 5
_WIDE_STEP: Final = 2
"""Cells that are cheaper to write again than to step over; braille is three bytes a cell."""
_NEW: Final = "\0"
"""The ink of a cell that has none of ours."""


class _Inks:
    """Pieces of text by the code of their ink."""

    def __init__(self) -> None:
        self._pieces: dict[str, list[str]] = {}
        self._ends: dict[str, tuple[int, int]] = {}
        self.pushes: list[str] = []
        """What has to be done before anything is written."""

    def put(self, code: str, y: int, x: int, text: str, taken: int) -> None:
        """A piece, so many cells wide."""
        out = self._pieces.get(code)
        if out is None:
            out = self._pieces[code] = []
        if self._ends.get(code) != (y, x):
            out.append(f"\x1b[{y + 1};{x + 1}H")
        out.append(text)
        self._ends[code] = y, x + taken

    def runs(self, code: str, y: int, x: int, old: str, new: str) -> None:
        """The parts of a text that are others than in one of the same length, of one cell a character."""
        out = self._pieces.setdefault(code, [])
        at = -1
        for start, piece in _changed(old, new):
            if at >= 0:
                out.append(f"\x1b[{x + start - at}C")
            elif self._ends.get(code) != (y, x + start):
                out.append(f"\x1b[{y + 1};{x + start + 1}H")
            out.append(piece)
            at = x + start + len(piece)
        self._ends[code] = y, at

    def __str__(self) -> str:
        if not self._pieces and not self.pushes:
            return ""
        pieces = [code + "".join(out) for code, out in self._pieces.items()]
        # The toolkit writes plain text without a reset in front: no colour of ours may be left on.
        return "".join([*self.pushes, *pieces, "\x1b[0m"])


def difference(before: Picture, after: Picture, live: Mapping[str, str], stale: Mapping[str, str]) -> str:
    """The codes; empty where there is no difference.

    Args:
        before: What the terminal shows.
        after: What it is to show.
        live: Role to the code of its ink.
        stale: The same of lines that are no longer so.
    """
    inks = _Inks()
    for y, row in enumerate(after.rows):
        old = before.rows[y]
        if row is old and after.stale is before.stale:
            continue
        old_now = after.stale and y not in after.live_lines
        same_inks = old_now == (before.stale and y not in before.live_lines)
        if same_inks and row == old:
            continue
        codes = stale if old_now else live
        if same_inks and isinstance(row, Drift) and isinstance(old, Drift) and row.column == old.column:
            if row.left != old.left:
                _written(inks, y, _starts(row.left, 0), _starts(old.left, 0), codes)
            _drifted(inks, y, old, row, codes)
            end = row.column + len(row.text)
            if row.right != old.right or len(row.text) != len(old.text):
                _written(inks, y, _starts(row.right, end), _starts(old.right, old.column + len(old.text)), codes)
            continue
        _written(inks, y, after.starts(y), before.starts(y) if same_inks else {}, codes)
    return str(inks)


def _starts(row: Sequence[Segment], x: int) -> dict[int, Segment]:
    """Segments by the column where they begin."""
    found = {}
    for segment in row:
        found[x] = segment
        words = segment[0]
        x += len(words) if words.isascii() else cells(words)
    return found


def _written(
    inks: _Inks, y: int, row: Mapping[int, Segment], known: Mapping[int, Segment], codes: Mapping[str, str]
) -> None:
    """Segments of a line, of which some may be known."""
    for x, segment in row.items():
        there = known.get(x)
        if there == segment:
            continue
        text, role = segment
        code = codes[role]
        taken = len(text) if text.isascii() else cells(text)
        old = there[0] if there is not None and there[1] == role else ""
        # Only where one character is one cell, parts of a segment can be kept.
        if old and len(old) == len(text) == taken == cells(old):
            inks.runs(code, y, x, old, text)
        else:
            inks.put(code, y, x, text, taken)


def _drifted(inks: _Inks, y: int, before: Drift, after: Drift, codes: Mapping[str, str]) -> None:
    """The part of a line that travels."""
    was, colours = before.text, before.inks
    x, width = after.column, len(after.text)
    gone = after.since(before)
    if gone:
        inks.pushes.append(f"\x1b[{y + 1};{x + width - gone + 1}H\x1b[{gone}P\x1b[{y + 1};{x + 1}H\x1b[{gone}@")
        was, colours = " " * gone + was[:-gone], _NEW * gone + colours[:-gone]
    if after.roles != before.roles:
        others = {ord(ink): _NEW for ink, role in before.roles.items() if after.roles.get(ink) != role}
        colours = colours.translate(others)
    if was == after.text and colours == after.inks:
        return
    if len(was) != width:
        was = colours = _NEW * width
    for start, end in _others(was, colours, after.text, after.inks):
        inks.put(codes[after.roles[after.inks[start]]], y, x + start, after.text[start:end], end - start)


def _others(was: str, colours: str, text: str, inks: str) -> Iterable[tuple[int, int]]:
    """Runs of one ink that hold all cells which are others; a blank has no colour."""
    places = [
        at
        for at, (old, new, colour, ink) in enumerate(zip(was, text, colours, inks, strict=True))
        if old != new or (colour != ink and new != " ")
    ]
    start = end = -1
    for at in places:
        if start >= 0 and at - end <= _WIDE_STEP and inks.startswith(inks[start] * (at + 1 - end), end):
            end = at + 1
            continue
        if start >= 0:
            yield start, end
        start, end = at, at + 1
    if start >= 0:
        yield start, end


def _changed(old: str, new: str) -> list[tuple[int, str]]:
    """The parts of a text that are others than in one of the same length, each with the place where it begins.

    What is the same for a cell or two is sent again: to step over it would take as many bytes.
    """
    places = [place for place, (was, char) in enumerate(zip(old, new, strict=True)) if was != char]
    step = _STEP if new.isascii() else _WIDE_STEP
    runs = []
    first = end = places[0]
    for place in places:
        if place - end > step:
            runs.append((first, new[first : end + 1]))
            first = place
        end = place
    runs.append((first, new[first : end + 1]))
    return runs
