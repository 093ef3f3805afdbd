"""Choosing series: the catalogue as a list that narrows while a person types."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from wftui.names import METRICS
from wftui.tui.frame import Row, fit_row, outside
from wftui.tui.timeline.figures import NAMELESS, short_name, unit_of, unit_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from wftui.model.sample import Column
    from wftui.tui.glyphs import Glyphs


class Picker:
    """The open list: what was typed, which line the cursor is on."""

    def __init__(self, first: Sequence[str]) -> None:
        """``first``: texts that stand on top for as long as the list is open, so that no line moves."""
        self._first = frozenset(first)
        self.wanted = ""
        self.place = 0
        self.top = 0

    def type(self, char: str) -> None:
        """A character; the empty text takes one back."""
        self.wanted = (self.wanted + char)[:80] if char else self.wanted[:-1]
        self.place = self.top = 0

    def found(self, columns: Sequence[Column]) -> list[Column]:
        """The series that match what was typed: those chosen when it opened, then by name.

        ``*``, ``?`` and ``[`` make it a pattern on name or text; else every word has to be somewhere in it.
        """
        typed = self.wanted.strip().lower()
        if not typed:
            kept = list(columns)
        elif any(sign in typed for sign in "*?["):
            kept = [
                column
                for column in columns
                if fnmatchcase(column.series.name.lower(), typed) or fnmatchcase(column.series.text.lower(), typed)
            ]
        else:
            words = typed.split()
            kept = [column for column in columns if all(word in column.series.text.lower() for word in words)]
        return sorted(kept, key=lambda column: (column.series.text not in self._first, column.series.text))

    def window(self, count: int, room: int) -> tuple[int, int]:
        """First line and cursor's line of ``count`` lines in ``room``."""
        self.place = min(self.place, max(0, count - 1))
        self.top = max(0, min(self.top, self.place, max(0, count - room)))
        if self.place >= self.top + room:
            self.top = self.place - room + 1
        return self.top, self.place


def draw(picker: Picker, columns: Sequence[Column], chosen: Sequence[str], width: int, height: int,
         glyphs: Glyphs, names: Mapping[str, str] = NAMELESS) -> list[Row]:  # fmt: skip
    """The list with its filter above; a mark before each chosen series."""
    found = picker.found(columns)
    typed = outside(picker.wanted, max(1, min(60, width - 40)), glyphs).rstrip()
    head: Row = [(" / ", "mark"), (typed, "strong"), (" ", "cursor")]
    tally = f"{len(found)} of {len(columns)} series, {len(chosen)} chosen "
    blank = width - sum(len(piece) for piece, _ in head) - len(tally)
    if blank > 0:
        head += [(" " * blank, "text"), (tally, "dim")]
    rows: list[Row] = [fit_row(head, width)]
    if not columns:
        return [*rows, [(" asking for the catalogue" + glyphs.ellipsis, "dim")]]
    if not found:
        return [*rows, [(" no series matches", "dim")], [(" Backspace widens it, Esc closes the list", "dim")]]
    room = max(0, height - 1)
    top, place = picker.window(len(found), room)
    taken = set(chosen)
    helped = width >= 110
    name = min(52, width // 2) if helped else width - 16
    tick = "x" if glyphs.ascii_only else "✓"
    sign: Callable[[Column], str] = lambda column: tick if column.series.text in taken else " "  # noqa: E731  one line, used once
    for at in range(top, min(len(found), top + room)):
        column = found[at]
        row: Row = [
            (f" {sign(column)} ", "good"),
            (outside(short_name(column.series, names), name, glyphs, middle=True), "text"),
        ]
        row += [
            (" ", "text"),
            (outside(unit_words(unit_of(column), ascii_only=glyphs.ascii_only), 12, glyphs), "dim"),
        ]
        if helped:
            metric = METRICS.get(column.series.name)
            row.append((outside(metric.help if metric else "", width - name - 16, glyphs), "dim"))
        row = fit_row(row, width)
        rows.append([("".join(piece for piece, _ in row), "select")] if at == place else row)
    return rows


def footer() -> Row:
    """The keys of the open list."""
    keys = (("Enter", "choose or leave out"), ("Esc", "close"), ("Backspace", "widen"), ("* ?", "patterns"))
    return [(" ", "text"), *(piece for key, words in keys for piece in ((key, "key"), (f" {words}   ", "dim")))]
