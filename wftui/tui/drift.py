"""A line of which a part travels to the right: it is what it was, some cells further on, and little else.

The painter has the terminal push those cells along itself and writes only what is new. As segments, which
everything else wants, such a line is put together when somebody asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.tui.frame import Row, Segment, cells

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FURTHEST: Final = 4
"""What travels by more than this part of its own length is written anew."""


class Drift:
    """One line; never changed once it is made.

    ``text`` is one cell a character, ``inks`` says for each by one character which of ``roles`` it has.
    ``travelled`` is how many cells ``text`` has gone altogether: by the difference, and only as long as that is
    small, one such line is taken for the same as another a little later.
    """

    __slots__ = ("column", "inks", "left", "right", "roles", "text", "travelled")

    def __init__(
        self,
        left: Row,
        text: str,
        inks: str,
        right: Row,
        *,
        roles: Mapping[str, str],
        travelled: int,
        column: int = -1,
    ) -> None:
        """``column``: where ``text`` begins in the line, as wide as ``left``; -1: is counted."""
        self.left = left
        self.text = text
        self.inks = inks
        self.right = right
        self.roles = roles
        self.travelled = travelled
        self.column = sum(cells(words) for words, _ in left) if column < 0 else column

    def __iter__(self) -> Iterator[Segment]:
        yield from self.left
        yield from segments(self.text, self.inks, self.roles)
        yield from self.right

    def framed(self, first: Segment, last: Segment) -> Drift:
        """The same between two segments."""
        return Drift(
            [first, *self.left], self.text, self.inks, [*self.right, last],
            roles=self.roles, travelled=self.travelled, column=self.column + cells(first[0]),
        )  # fmt: skip

    def since(self, before: Drift) -> int:
        """Cells that ``text`` has gone since an earlier line; 0: it has not, or is none that could be pushed."""
        gone = self.travelled - before.travelled
        alike = self.column == before.column and len(self.text) == len(before.text)
        return gone if alike and 0 < gone <= len(self.text) // _FURTHEST else 0


Line = Row | Drift


def edges(line: Line) -> tuple[Segment, Segment]:
    """The first and the last segment of a line that is framed."""
    return (line.left[0], line.right[-1]) if isinstance(line, Drift) else (line[0], line[-1])


def segments(text: str, inks: str, roles: Mapping[str, str]) -> Row:
    """Pieces of one ink each, one after the other."""
    row: Row = []
    at = 0
    while at < len(text):
        ink = inks[at]
        end = at + 1
        while end < len(text) and inks[end] == ink:
            end += 1
        row.append((text[at:end], roles[ink]))
        at = end
    return row
