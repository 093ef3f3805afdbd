"""A frame of the view as SVG: cells of styled text on a dark ground, no font and no address from elsewhere."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from wftui.render.palette import Ink, Palette
from wftui.text import clean, width

CELL: Final = (8, 16)
"""Width and height of a cell in the picture's units."""
_PAD: Final = 12
_BASE: Final = 12
"""From the top of a cell to the line on which letters stand."""
_GROUND: Final = "#0f141a"
_TEXT: Final = "#d5dce4"
_FONT: Final = "ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace"

Segment = tuple[str, str]
"""Text and role, as a frame of the view has them."""


def svg(rows: Sequence[Iterable[Segment]], columns: int, palette: Palette, title: str) -> bytes:
    """The picture, UTF-8.

    Args:
        rows: Each as wide as ``columns``; the roles are those of the palette.
        columns: Cells of a row.
        palette: Of 24-bit colours.
        title: What it shows, for who does not see it.
    """
    wide, high = columns * CELL[0] + 2 * _PAD, len(rows) * CELL[1] + 2 * _PAD
    styles: dict[tuple[str, bool], str] = {}
    grounds: list[str] = []
    words: list[str] = []
    for line, row in enumerate(rows):
        y = _PAD + line * CELL[1]
        x = 0
        for text, ink in _joined(row, palette):
            cells = width(text)
            fore, back = _colors(ink)
            left = _PAD + x * CELL[0]
            if back:
                size = f'width="{cells * CELL[0]}" height="{CELL[1]}"'
                grounds.append(f'<rect x="{left}" y="{y}" {size} fill="{back}"/>')
            shown = clean(text)
            lead = len(shown) - len(shown.lstrip(" "))
            shown = shown.strip(" ")
            if shown:
                style = styles.setdefault((fore, ink.bold), f"s{len(styles)}")
                # Whatever font there is: each piece is as wide as its cells.
                place = f'x="{left + lead * CELL[0]}" y="{y + _BASE}" textLength="{width(shown) * CELL[0]}"'
                words.append(f'<text class="{style}" {place}>{escape(shown)}</text>')
            x += cells
    css = "".join(
        f".{name}{{fill:{fore}{';font-weight:700' if bold else ''}}}" for (fore, bold), name in styles.items()
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" role="img">'
        f"<title>{escape(clean(title))}</title>"
        f"<style>text{{font:13.3px {_FONT};white-space:pre}}{css}</style>"
        f'<rect width="{wide}" height="{high}" rx="6" fill="{_GROUND}"/>{"".join(grounds)}{"".join(words)}</svg>\n'
    ).encode()


def _joined(row: Iterable[Segment], palette: Palette) -> Iterable[tuple[str, Ink]]:
    """Neighbours of one ink in one piece; blanks between two belong to the first."""
    plain = palette.live["text"]
    held, ink = "", plain
    for text, role in row:
        if not text:
            continue
        found = palette.live.get(role, plain)
        same = found == ink or (text.isspace() and _colors(found)[1] == _colors(ink)[1])
        if same and held and "   " not in held[-3:] + text[:3]:
            held += text
            continue
        if held:
            yield held, ink
        held, ink = text, found
    if held:
        yield held, ink


def _colors(ink: Ink) -> tuple[str, str]:
    """Of text and ground; an empty ground is the picture's own."""
    fore = _hex(ink.foreground) or _TEXT
    back = _hex(ink.background)
    return (back or _GROUND, fore) if ink.reverse else (fore, back)


def _hex(color: int | tuple[int, int, int]) -> str:
    return "" if isinstance(color, int) else "#{:02x}{:02x}{:02x}".format(*color)
