"""Sentences of this screen in the characters that the terminal has, cleaned and folded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wftui.tui.frame import Row, cells, plain

if TYPE_CHECKING:
    from wftui.tui.glyphs import Glyphs


def own(words: str, glyphs: Glyphs) -> str:
    """Text from elsewhere and from us, cleaned; our own signs become ASCII where there is nothing else."""
    if glyphs.ascii_only:
        words = words.replace(" °", glyphs.degree[:-1]).replace("≈", "~").replace("…", "...")
    return plain(words, glyphs)


def folded(words: str, width: int, glyphs: Glyphs, role: str, most: int) -> list[Row]:
    """Words over at most ``most`` lines of ``width``; the last one is cut."""
    lines: list[str] = []
    line = ""
    for word in own(words, glyphs).split():
        if line and cells(line) + 1 + cells(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    lines.append(line)
    if len(lines) > most:
        lines = lines[:most]
        lines[-1] = f"{lines[-1][: max(0, width - 1)]}{glyphs.ellipsis}"
    return [[(line, role)] for line in lines]
