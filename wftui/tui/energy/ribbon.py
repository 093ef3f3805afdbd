"""A ribbon: a stream of power as cells, at one moment of its flow.

Its thickness is the share of what the device may draw; its speed and its colour follow the same share. Streaks
(dots that are left out) run along with it, so that the flow is seen without any colour. The pattern of a thickness
repeats itself, so it is made once, and a frame only cuts it at another place.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

from wftui.render.palette import HEAT_STEPS, bent

SWELL: Final = 48
"""Cells after which a stream looks the same again."""
_STREAK: Final = 32
"""Dots from one streak of a line to the next; two are a cell."""
_GAP: Final = 5
"""Dots of a streak."""
SLOWEST: Final = 3.0
FASTEST: Final = 27.0
"""Cells a second of a stream next to nothing, and of a full one."""
_LEFT: Final = (0x01, 0x02, 0x04, 0x40)
_RIGHT: Final = (0x08, 0x10, 0x20, 0x80)
"""Dots of a braille cell from above."""


def speed(share: float) -> float:
    """Cells a second for a share of the limit; 0 where nothing flows or nothing is known."""
    if not share > 0:
        return 0.0
    return SLOWEST + (FASTEST - SLOWEST) * min(1.0, share)


def shade(share: float, shades: int = HEAT_STEPS) -> int:
    """Step of the heat scale for a share, of ``shades`` distinct ones over the whole scale."""
    step = min(shades - 1, max(0, int(share * shades)))
    return step * (HEAT_STEPS - 1) // max(1, shades - 1)


def thickness(share: float, height: int) -> int:
    """Dots of ``4 * height`` for a share, as many above the middle as below; a stream that is there has some."""
    if not share > 0:
        return 0
    return 2 * min(2 * height, max(1, round(share * 2 * height)))


def ink(share: float, *, shades: int = HEAT_STEPS, role: str = "") -> str:
    """The role of a ribbon: ``role``, or that of the scale of power, of which ``shades`` steps are used."""
    if not share > 0:  # also where it is not known
        return "faint"
    return role or f"heat{shade(bent(share, 'power'), shades)}"


def texts(share: float, width: int, height: int, travelled: float, *, ascii_only: bool = False) -> tuple[str, ...]:
    """Rows of a ribbon, exactly ``width`` cells each; the same again as long as it looks the same.

    Args:
        share: Of the limit; NaN is unknown and drawn as such.
        width: Cells.
        height: Cells.
        travelled: Cells that the stream has flowed since it began.
        ascii_only: Without braille characters.
    """
    if share != share:
        return _unknown(width, height, ascii_only)
    return _cut(thickness(share, height), width, height, -int(travelled) % SWELL, ascii_only)


@lru_cache(maxsize=64)
def _unknown(width: int, height: int, ascii_only: bool) -> tuple[str, ...]:
    line = ("." if ascii_only else "╌") * width
    return tuple(line if y == height // 2 else " " * width for y in range(height))


@lru_cache(maxsize=512)
def _cut(thick: int, width: int, height: int, start: int, ascii_only: bool) -> tuple[str, ...]:
    times = 2 + width // SWELL
    return tuple((line * times)[start : start + width] for line in _pattern(thick, height, ascii_only))


@lru_cache(maxsize=64)
def _pattern(thick: int, height: int, ascii_only: bool) -> tuple[str, ...]:
    """``height`` lines of ``SWELL`` cells."""
    if not thick:
        line = ("-" if ascii_only else "─") * SWELL
        return tuple(line if y == height // 2 else " " * SWELL for y in range(height))
    # A wave of one dot more, one dot less runs along both edges, where there is room for it.
    waves = 4 <= thick <= 4 * height - 2
    middle = 2 * height
    columns = []
    for x in range(2 * SWELL):
        wave = math.sin(2 * math.pi * x / SWELL) if waves else 0.0
        half = thick // 2 + (wave > 0.5) - (wave < -0.5)
        columns.append(
            [abs(y - middle + 0.5) < half and not _streak(x, y - middle, thick) for y in range(2 * middle)]
        )
    return tuple(
        "".join(
            _cell(left[4 * y : 4 * y + 4], right[4 * y : 4 * y + 4], ascii_only)
            for left, right in zip(columns[::2], columns[1::2], strict=True)
        )
        for y in range(height)
    )


def _streak(x: int, y: int, thick: int) -> bool:
    """Whether a dot is left out: on every third line inside, at another place on each."""
    if thick <= 2:
        return x % _STREAK < _GAP
    return y % 3 == 0 and (x + 11 * (y // 3)) % _STREAK < _GAP


def _cell(left: list[bool], right: list[bool], ascii_only: bool) -> str:
    if ascii_only:
        return " .:=#"[(sum(left) + sum(right) + 1) // 2]
    bits = sum(bit for bit, on in zip(_LEFT, left, strict=True) if on)
    bits += sum(bit for bit, on in zip(_RIGHT, right, strict=True) if on)
    return chr(0x2800 + bits) if bits else " "
