"""Rows of styled text: what every panel returns and every painter takes.

A segment is (text, role); a row is a list of segments that together are exactly as wide as its panel. Kept free
of the toolkit and of heavy imports, because the skeleton is made of the same rows.
"""

from __future__ import annotations

import re
from functools import lru_cache

TYPE_CHECKING = False  # typing is heavier than this module
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wftui.tui.glyphs import Glyphs

Segment = tuple[str, str]
"""Text and role."""
Row = list[Segment]

# From the first combining mark on a character may be of any width; ours (arrows, boxes, blocks, shapes, braille,
# superscripts) are one cell each.
_OWN = re.compile(
    "[\x20-\x7e\u00a0-\u02ff\u2013-\u2044\u2070-\u209f\u2190-\u21ff\u2500-\u25ff\u263e\u2800-\u28ff]*\\Z"
)


@lru_cache(maxsize=4096)
def cells(text: str) -> int:
    """Columns of a text; fast for ASCII and for our own glyphs."""
    if text.isascii() or _OWN.match(text):
        return len(text)
    from wftui.text import width  # here: the skeleton has no such text

    return width(text)


def outside(text: str, columns: int, glyphs: Glyphs, *, middle: bool = False) -> str:
    """Text from elsewhere, cleaned and exactly ``columns`` wide; ``middle`` keeps its end as well."""
    from wftui.text import clean, cut_middle, fit

    shown = clean(text, 512)
    if glyphs.ascii_only and not shown.isascii():
        shown = shown.encode("ascii", "backslashreplace").decode("ascii")
    if middle:
        shown = cut_middle(shown, columns)
    shown = fit(shown, columns)
    return shown.replace("…", glyphs.ellipsis) if glyphs.ascii_only else shown


def plain(text: str, glyphs: Glyphs, limit: int = 512) -> str:
    """Text from elsewhere, cleaned, of its own length."""
    from wftui.text import clean

    shown = clean(text, limit)
    if glyphs.ascii_only and not shown.isascii():
        shown = shown.encode("ascii", "backslashreplace").decode("ascii")
    return shown


def row_width(row: Iterable[Segment]) -> int:
    """Columns of a row."""
    # Most text is ASCII, and a call costs more than to look: three thousand of them are made a frame.
    return sum([len(text) if text.isascii() else cells(text) for text, _ in row])


def fit_row(row: Row, width: int, fill: str = "text") -> Row:
    """The row at exactly ``width`` columns: blanks are added, what is too much is cut."""
    used = 0
    for place, (text, role) in enumerate(row):
        taken = len(text) if text.isascii() else cells(text)
        if used + taken > width:
            kept = _head(text, width - used)
            cut = row[:place]
            if kept:
                cut.append((kept, role))
            return cut
        used += taken
    if used < width:
        return [*row, (" " * (width - used), fill)]
    return row


def crop(row: Iterable[Segment], start: int, end: int) -> Row:
    """The columns [start, end) of a row; a wide character cut in half becomes a blank."""
    out: Row = []
    x = 0
    for text, role in row:
        taken = cells(text)
        if x + taken > start and x < end:
            if x >= start and x + taken <= end:
                out.append((text, role))
            elif taken == len(text) and (text.isascii() or _OWN.match(text)):
                out.append((text[max(0, start - x) : end - x], role))
            else:
                piece = ""
                at = x
                for char in text:
                    wide = cells(char)
                    if at >= start and at + wide <= end:
                        piece += char
                    elif at < end and at + wide > start:
                        piece += " " * (min(end, at + wide) - max(start, at))
                    at += wide
                if piece:
                    out.append((piece, role))
        x += taken
        if x >= end:
            break
    return out


def _head(text: str, columns: int) -> str:
    used = 0
    for place, char in enumerate(text):
        used += cells(char)
        if used > columns:
            return text[:place] + " " * (columns - (used - cells(char)))
    return text


def join(left: Row, right: Row, width: int) -> Row:
    """``left`` at the left edge, ``right`` at the right edge; the left one gives way."""
    room = width - row_width(right)
    if room < 0:
        return fit_row(right, width)
    return [*fit_row(left, room), *right]


def box(
    body: Sequence[Row],
    width: int,
    height: int,
    *,
    glyphs: Glyphs,
    title: str,
    accent: str,
    key: str = "",
    right: Row | None = None,
    focused: bool = False,
    past: bool = False,
    alarm: str = "",
) -> list[Row]:
    """A framed panel: title left in the border with its key, ``right`` at the right end of the border.

    The body gets ``width - 4`` columns (one blank inside each side) and ``height - 2`` lines. ``past``: what it
    frames is not now. ``alarm``: colour of the frame while an alert is about what it frames.
    """
    line = "frame_focus" if focused else "frame"
    if past:
        line = f"past_{line}"
    elif alarm:
        line = alarm
    left_top, across, right_top = glyphs.past_top if past else glyphs.top
    left_bottom, _, right_bottom = glyphs.past_bottom if past else glyphs.bottom
    head: Row = [(left_top + across, line)]
    if key:
        head.append((key, "key"))
    head += [(f" {title} ", f"{accent}.title")]
    extra: Row = []
    if right:
        room = width - row_width(head) - 4
        if row_width(right) <= room:
            extra = [(" ", line), *right, (" ", line)]
    tail: Row = [*extra, (across + right_top, line)]
    gap = width - row_width(head) - row_width(tail)
    rows: list[Row] = [fit_row([*head, (across * max(0, gap), line), *tail], width)]
    inner = width - 4
    side = glyphs.past_vertical if past else glyphs.vertical
    first, last = (side + " ", line), (" " + side, line)
    rows += [[first, *fit_row(row, inner), last] for row in body[: max(0, height - 2)]]
    if len(rows) < height - 1:
        blank = [first, (" " * inner, "text"), last]
        rows += [blank] * (height - 1 - len(rows))
    rows.append([(left_bottom + across * (width - 2) + right_bottom, line)])
    return rows[:height]
