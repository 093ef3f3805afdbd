"""The lines of a page that are wanted: where they lie, and their values, without a look at the rest.

After a second of sleep the caches are cold, and a look costs what it touches of memory. So a server's plan is a
few runs of lines and one text to compare with, no object a line.
"""

from array import array
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

_DRIFT: Final = 64
"""Bytes by which the numbers between two runs make a page longer or shorter from one look to the next, mostly."""
_SHORTEST: Final = 16
"""Bytes of a line: a page that grew or shrank by less has as many as before."""


class _Run(NamedTuple):
    """Wanted lines that follow each other."""

    ahead: bytes
    """What stands before them: the comment above, or the first line as far as its value."""
    into: int
    """Where in ``ahead`` they begin."""
    behind: bytes
    """What stands after them; empty: nothing."""


class Lines:
    """Values of the same lines of page after page."""

    def __init__(self, page: bytes, lines: Sequence[bytes], starts: Mapping[int, int]) -> None:
        """Args:
        page: The page that shows where they are.
        lines: Its lines.
        starts: Place of each wanted line to where in it the value begins.
        """
        wanted = sorted(starts)
        self._count = page.count(b"\n")
        self._length = len(page)
        self._starts = tuple(starts[place] for place in wanted)
        self._bare = all(_bare(lines[place], starts[place]) for place in wanted)
        self._runs = _runs(lines, starts, wanted)
        self._gaps = [0] * len(self._runs)
        """Bytes between a run and the one before it, on the page before."""
        self._sizes = [0] * len(self._runs)
        """Bytes of a run, on the page before."""
        self._text = b""
        self._heads = b""
        self._values: array[float] = array("d")
        # What its own page does not give, for repeated lines perhaps, no page will.
        self._heads = b"".join(self._cut(b"\n".join([lines[place] for place in wanted]))[0])
        self.useful = self.values(page) is not None
        """Whether its own page can be read by it."""

    def values(self, page: bytes) -> "array[float] | None":
        """Their values, in order; the same object when none of them changed. None: the page is another one."""
        if abs(len(page) - self._length) >= _SHORTEST:
            if page.count(b"\n") != self._count:
                return None
            self._length = len(page)
        text = self._find(page)
        if text is None:
            return None
        if text == self._text:
            return self._values
        heads, tails = self._cut(text)
        if b"".join(heads) != self._heads or len(tails) != len(self._starts) or b"_" in b"".join(tails):
            return None
        try:
            values = array("d", map(float, tails))
        except ValueError:
            return None
        self._text, self._values = text, values
        return values

    def _find(self, page: bytes) -> bytes | None:
        """The wanted lines, each run where it is by the page before or near it."""
        found = []
        at = 0
        for place, (ahead, into, behind) in enumerate(self._runs):
            begin = at + self._gaps[place]
            if not page.startswith(ahead, begin):
                begin = _near(page, ahead, at, begin)
                if begin < 0:
                    return None
                self._gaps[place] = begin - at
            begin += into
            if not behind:
                found.append(page[begin:])
                break
            at = begin + self._sizes[place]
            if not page.startswith(behind, at):
                at = _near(page, behind, begin, at)
                if at < 0:
                    return None
                self._sizes[place] = at - begin
            found.append(page[begin:at])
        return b"\n".join(found)

    def _cut(self, text: bytes) -> tuple[list[bytes], list[bytes]]:
        """(What stands before the values, the values)."""
        if self._bare:
            parts = text.split()
            return parts[::2], parts[1::2]
        lines = text.split(b"\n")
        heads = [line[:start] for start, line in zip(self._starts, lines, strict=False)]
        ends = [line[start:].split(None, 1) for start, line in zip(self._starts, lines, strict=False)]
        return heads, [end[0] for end in ends if end]


def _near(page: bytes, text: bytes, low: int, guess: int) -> int:
    """Where a text stands, at ``low`` or after it: about where it is expected, else anywhere; -1: nowhere."""
    found = page.find(text, max(low, guess - _DRIFT), guess + _DRIFT + len(text))
    return found if found >= 0 else page.find(text, low)


def _bare(line: bytes, start: int) -> bool:
    """Whether a line is one word, a blank and a number."""
    parts = line.split()
    return len(parts) == 2 and start == len(parts[0]) + 1


def _runs(lines: Sequence[bytes], starts: Mapping[int, int], wanted: Sequence[int]) -> tuple[_Run, ...]:
    found = []
    for place in wanted:
        if place - 1 in starts:
            continue
        last = place
        while last + 1 in starts:
            last += 1
        behind = b"\n" + _fixed(lines[last + 1]) if any(lines[last + 1 : last + 3]) else b""
        found.append(_Run(*_ahead(lines, starts[place], place), behind))
    return tuple(found)


def _ahead(lines: Sequence[bytes], start: int, place: int) -> tuple[bytes, int]:
    if place == 0:
        return b"", 0
    above = lines[place - 1]
    if above.startswith(b"#"):
        return above + b"\n", len(above) + 1
    return b"\n" + lines[place][:start], 1


def _fixed(line: bytes) -> bytes:
    """What does not change of a line that is not wanted."""
    if line.startswith(b"#"):
        return line
    return line[: line.find(b"}") + 1] or line.partition(b" ")[0] or b"\n"
