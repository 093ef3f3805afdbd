"""What arranging draws over the overview: the top line, and the menus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wftui.tui import layout
from wftui.tui.frame import Row, box, crop, fit_row, join, outside, row_width
from wftui.tui.scene import gap

if TYPE_CHECKING:
    from wftui.tui.arrange.model import Arranger, Menu
    from wftui.tui.glyphs import Glyphs


def top_line(arranger: Arranger, glyphs: Glyphs, width: int) -> Row:
    """What is arranged: the layout, its rows' condition, the panel and its size."""
    plan, when, place = arranger.plan, arranger.when, arranger.place
    left: Row = [gap(1), (" ARRANGE ", "cursor"), gap(2), (outside(plan.name, 24, glyphs).rstrip(), "strong")]
    if arranger.changed:
        left.append((" changed", "warn"))
    for_whom = [
        f"{glyphs.right if glyphs.ascii_only else '≥'} {least} {what}"
        for least, what in ((when.columns, "columns"), (when.lines, "lines"), (when.gpus, "GPU"))
        if least
    ]
    if for_whom:
        left += [(f"  {glyphs.separator} ", "faint"), (", ".join(for_whom), "dim")]
    title = layout.titles(plan)[arranger.selected]
    right: Row = [("moving " if arranger.moving else "", "mark"), (outside(title, 40, glyphs).rstrip(), "strong")]
    if place is not None:
        times = "x" if glyphs.ascii_only else "\u00d7"
        right.append((f" {place.width} {times} {place.height}", "dim"))
    right.append(gap(1))
    return join(left, [gap(2), *right] if row_width(right) < width - 12 else [], width)


def menu_frame(found: Menu, width: int, height: int) -> tuple[int, int, int, int, int]:
    """Left column and upper line of a menu's border, columns and lines inside it, and the first item shown."""
    inner = min(width - 4, max(28, *(len(words) for _, words in found.items), len(found.title)) + 2)
    room = min(len(found.items), height - 4)
    first = max(0, min(found.place - room + 1, len(found.items) - room))
    return (width - inner - 4) // 2, (height - room - 2) // 2, inner, room, first


def menu(arranger: Arranger, glyphs: Glyphs, width: int, height: int, rows: list[Row]) -> tuple[int, int]:
    """Put the open menu over ``rows``; its first line and number of lines."""
    found = arranger.menu
    if found is None:
        return 0, 0
    x, y, inner, room, first = menu_frame(found, width, height)
    body: list[Row] = []
    for at in range(first, first + room):
        words = outside(f" {found.items[at][1]}", inner, glyphs)
        body.append([(words, "select" if at == found.place else "text")])
    framed = box(body, inner + 4, room + 2, glyphs=glyphs, title=found.title, accent="processes", focused=True)
    for offset, row in enumerate(framed):
        under = fit_row(rows[y + offset], width)
        rows[y + offset] = [*crop(under, 0, x), *row, *crop(under, x + inner + 4, width)]
    return y, room + 2
