"""Graphs, sparks and meters as text.

A graph is made of *levels*: for each sample the number of dots that stand for it, ``GAP`` for a second that has
no value inside the recorded time, ``BLANK`` before the recording began. Two samples share one cell (braille has
two by four dots), so a known value always shows at least one dot: the base line is zero, a hole is not.
"""

from __future__ import annotations

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
