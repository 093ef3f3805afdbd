"""Graphs, sparks and meters as text.

A graph is made of *levels*: for each sample the number of dots that stand for it, ``GAP`` for a second that has
no value inside the recorded time, ``BLANK`` before the recording began. Two samples share one cell (braille has
two by four dots), so a known value always shows at least one dot: the base line is zero, a hole is not.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

GAP = -1
BLANK = -2
_UP = ((0x00, 0x40, 0x44, 0x46, 0x47), (0x00, 0x80, 0xA0, 0xB0, 0xB8))
_DOWN = ((0x00, 0x01, 0x03, 0x07, 0x47), (0x00, 0x08, 0x18, 0x38, 0xB8))
_BRAILLE_UP = tuple(tuple(chr(0x2800 + a + b) if a + b else " " for b in _UP[1]) for a in _UP[0])
_BRAILLE_DOWN = tuple(tuple(chr(0x2800 + a + b) if a + b else " " for b in _DOWN[1]) for a in _DOWN[0])
_ASCII = " .:|#"
_ASCII_UP = tuple(tuple(_ASCII[max(a, b)] for b in range(5)) for a in range(5))
_ASCII_DOWN = tuple(tuple(" '\"|#"[max(a, b)] for b in range(5)) for a in range(5))
_BLOCKS = " ▁▂▃▄▅▆▇█"
_DIGITS = "0123456789"


def levels(values: Sequence[float], maximum: float, height: int, ahead: int = 0) -> list[int]:
    """Samples to dots, 1 to ``4 * height``; NaN becomes ``GAP``, or ``BLANK`` before the first number.

    The last ``ahead`` samples have not happened yet: they are ``BLANK`` whatever they hold.
    """
    top = 4 * height
    scale = top / maximum if maximum > 0 else 0.0
    out: list[int] = []
    hole = BLANK
    for value in values:
        if value != value:
            out.append(hole)
            continue
        hole = GAP
        dots = int(value * scale + 0.5)
        out.append(1 if dots < 1 else min(dots, top))
    if ahead:
        out[-ahead:] = [BLANK] * ahead
    return out


def rows(dots: Sequence[int], height: int, *, down: bool = False, ascii_only: bool = False) -> list[str]:
    """Lines of a filled graph, top line first; an even number of levels, two per cell.

    Cells with a gap hold ``▒`` (``%`` in ASCII) from top to bottom. ``down`` hangs the graph from its top line.
    """
    if ascii_only:
        table = _ASCII_DOWN if down else _ASCII_UP
        hatch = "%"
    else:
        table = _BRAILLE_DOWN if down else _BRAILLE_UP
        hatch = "▒"
    pairs = list(zip(dots[::2], dots[1::2], strict=True))
    lines = []
    # Most lines of most graphs are empty: they are not looked at cell by cell.
    holes = GAP in dots
    highest = 4 * height if holes else max(dots, default=0)
    for line in range(height):
        base = 4 * (line if down else height - 1 - line)
        if base >= highest:
            lines.append(" " * len(pairs))
            continue
        if not holes:
            clipped = [0 if dot <= base else 4 if dot >= base + 4 else dot - base for dot in dots]
            lines.append("".join([table[a][b] for a, b in zip(clipped[::2], clipped[1::2], strict=True)]))
            continue
        cells = []
        for left, right in pairs:
            if left == GAP or right == GAP:
                cells.append(hatch)
                continue
            a = left - base
            b = right - base
            cells.append(table[4 if a > 4 else a if a > 0 else 0][4 if b > 4 else b if b > 0 else 0])
        lines.append("".join(cells))
    return lines


_CELL = 2 * array("d").itemsize
"""Bytes of the two samples of a cell."""
_SHORT = 16
"""Samples below which making all lines anew costs no more."""
_MOST_ALIKE = 8
_MOST_KINDS = 24
"""Graphs of one size and scale, and sizes and scales, that are remembered: more than any screen has."""


class Lines:
    """The lines of graphs as they were last: one that went on by a second has one other column.

    It is found again by what it shows; of a graph with gaps every line is made anew.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[int, int, float, bool, bool], list[tuple[bytes, list[str], int]]] = {}
        """Samples as bytes, since NaN is not equal to itself; lines; samples before the recording began."""

    def rows(
        self,
        values: list[float],
        maximum: float,
        height: int,
        ahead: int = 0,
        *,
        down: bool = False,
        ascii_only: bool = False,
    ) -> list[str]:
        """``rows`` of the ``levels`` of these samples."""
        if ahead > 1 or len(values) < _SHORT:
            return rows(levels(values, maximum, height, ahead), height, down=down, ascii_only=ascii_only)
        alike = self._kept.setdefault((len(values), height, maximum, down, ascii_only), [])
        now = array("d", values).tobytes()
        for place, (was, drawn, blank) in enumerate(alike):
            moved = _moved(was, now)
            if moved is None:
                continue
            left = max(0, blank - 2 * moved)
            known = sum(values[left:-2])
            if known == known:
                # The two before say whether a sample that is missing is a gap.
                newest = rows(
                    levels(values[-4:], maximum, height, ahead), height, down=down, ascii_only=ascii_only
                )
                kept = [line[1:] for line in drawn] if moved else [line[:-1] for line in drawn]
                lines = [line + new[-1] for line, new in zip(kept, newest, strict=True)]
                alike[place] = now, lines, left
                return lines
        lines = rows(levels(values, maximum, height, ahead), height, down=down, ascii_only=ascii_only)
        blank = next((place for place, value in enumerate(values[:-2]) if value == value), len(values) - 2)
        alike.append((now, lines, blank))
        if len(alike) > _MOST_ALIKE:
            del alike[0]
        if len(self._kept) > _MOST_KINDS:
            del self._kept[next(iter(self._kept))]
        return lines


def _moved(was: bytes, now: bytes) -> int | None:
    """By how many cells a graph went on, up to its newest cell; None: it is another one."""
    before = now[:-_CELL]
    return 0 if was[:-_CELL] == before else 1 if was[_CELL:] == before else None


def spark(values: Sequence[float], width: int, maximum: float, ahead: int = 0, *, ascii_only: bool = False) -> str:
    """One line of braille over the last ``2 * width`` samples, right-aligned."""
    wanted = list(values[-2 * width :])
    missing = 2 * width - len(wanted)
    return rows(levels([float("nan")] * missing + wanted, maximum, 1, ahead), 1, ascii_only=ascii_only)[0]


def cell(ratio: float, *, ascii_only: bool = False) -> str:
    """One cell for one ratio: a block of that height, a digit of tenths in ASCII; unknown is ``-``."""
    if ratio != ratio:
        return "-"
    if ascii_only:
        return _DIGITS[min(9, max(0, int(ratio * 10)))]
    return _BLOCKS[min(8, max(1, int(ratio * 8 + 0.5)))]


def meter(ratio: float | None, width: int, *, ascii_only: bool = False) -> tuple[str, str]:
    """The filled and the empty part of a bar, ``width`` cells together; all empty when unknown."""
    if width <= 0:
        return "", ""
    full, half, rest = ("#", "", ".") if ascii_only else ("━", "╸", "─")
    if ratio is None or ratio != ratio:
        return "", (" ." if ascii_only else " ╌")[1] * width
    share = min(1.0, max(0.0, ratio)) * width
    if ascii_only:
        cells = min(width, int(share + 0.5) or int(ratio > 0))
        return full * cells, rest * (width - cells)
    halves = min(2 * width, int(share * 2 + 0.5) or int(ratio > 0))
    filled = full * (halves // 2) + half * (halves % 2)
    return filled, rest * (width - len(filled))


# ---- lines with bands


_LEFT_BITS = (0x40, 0x04, 0x02, 0x01)
_RIGHT_BITS = (0x80, 0x20, 0x10, 0x08)
_BRAILLE_BITS = tuple(
    tuple(
        chr(
            0x2800
            + sum(bit for at, bit in enumerate(_LEFT_BITS) if left >> at & 1)
            + sum(bit for at, bit in enumerate(_RIGHT_BITS) if right >> at & 1)
        )
        for right in range(16)
    )
    for left in range(16)
)
BAND = "."
"""What a band is made of in ASCII."""
NOTHING = -1
"""The owner of a cell that nobody drew in."""


def line_masks(dots: Sequence[int]) -> list[int]:
    """For each half column the dots (bit 0 lowest) of a line through these levels; 0 where there is none.

    Neighbours are joined upright in the right one of the two; nothing is joined across a gap.
    """
    masks = []
    before = GAP
    for dot in dots:
        if dot < 1:
            masks.append(0)
        elif before < 1 or dot == before:
            masks.append(1 << dot - 1)
        elif dot > before:
            masks.append((1 << dot) - (1 << before))
        else:
            masks.append((1 << before - 1) - (1 << dot - 1))
        before = dot
    return masks


def band_masks(low: Sequence[int], high: Sequence[int], height: int) -> list[int]:
    """For each half column every second dot between two levels: a shade, not a line, also without colour."""
    even = sum(1 << 2 * at for at in range(2 * height))
    odd = even << 1
    return [
        (odd if at & 1 else even) & (1 << top) - (1 << bottom - 1) if top > bottom >= 1 else 0
        for at, (bottom, top) in enumerate(zip(low, high, strict=True))
    ]


def layers(
    masks: Sequence[tuple[Sequence[int], str]], holes: Sequence[int], height: int, *, ascii_only: bool = False
) -> list[list[tuple[str, int]]]:
    """Drawings over each other as runs of (text, owner), top line first.

    Args:
        masks: From back to front: dots of each half column, and the ASCII character; a place here is an owner.
            Two lines that cross in a cell show both; whoever is in front gives the owner. A drawing whose
            character is ``BAND`` is a band: what is in front of it in a cell replaces it.
        holes: 0, ``GAP`` or ``BLANK`` for each half column; a cell with a gap is hatched, owner ``NOTHING``.
        height: Lines.
    """
    columns = len(holes) // 2
    cells = [[" "] * columns for _ in range(height)]
    owners = [[NOTHING] * columns for _ in range(height)]
    dots = [[0] * columns for _ in range(height)]
    for owner, (halves, char) in enumerate(masks):
        band = char == BAND
        for column, (left, right) in enumerate(zip(halves[::2], halves[1::2], strict=True)):
            both = left | right
            if not both:
                continue
            first = ((both & -both).bit_length() - 1) // 4
            for from_base in range(first, (both.bit_length() - 1) // 4 + 1):
                a, b = left >> 4 * from_base & 15, right >> 4 * from_base & 15
                if not a | b:
                    continue
                line = height - 1 - from_base
                if ascii_only:
                    cells[line][column] = char
                else:
                    if not band:
                        under = owners[line][column]
                        if under >= 0 and masks[under][1] != BAND:
                            a |= dots[line][column] >> 4
                            b |= dots[line][column] & 15
                    dots[line][column] = a << 4 | b
                    cells[line][column] = _BRAILLE_BITS[a][b]
                owners[line][column] = owner
    hatch = "%" if ascii_only else "▒"
    for column in range(columns):
        if GAP in (holes[2 * column], holes[2 * column + 1]):
            for line in range(height):
                cells[line][column] = hatch
                owners[line][column] = NOTHING
    return [_runs(texts, whose) for texts, whose in zip(cells, owners, strict=True)]


def _runs(texts: Sequence[str], whose: Sequence[int]) -> list[tuple[str, int]]:
    runs = []
    start = 0
    count = len(whose)
    while start < count:
        owner = whose[start]
        end = start + 1
        while end < count and whose[end] == owner:
            end += 1
        runs.append(("".join(texts[start:end]), owner))
        start = end
    return runs
