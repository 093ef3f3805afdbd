"""The first frame: the panels' frames at their real places, painted before anything heavy is imported."""

from __future__ import annotations

import os

from wftui.tui import layout
from wftui.tui.frame import box, fit_row
from wftui.tui.glyphs import ASCII, UTF8

_FRAME = "\x1b[90m"
_TITLE = "\x1b[0;1m"


def paint(width: int, height: int, *, ascii_only: bool, color: bool) -> bytes:
    """The bytes of the skeleton for a terminal of this size."""
    glyphs = ASCII if ascii_only else UTF8
    frame = _FRAME if color else "\x1b[2m"
    out = ["\x1b[H\x1b[2J"]
    words = fit_row([(" wftop ", "strong"), (" connecting to the recorder" + glyphs.ellipsis, "dim")], width)
    out.append("".join(f"{_TITLE if role == 'strong' else frame}{text}\x1b[0m" for text, role in words))
    screen = layout.overview(width, height)
    for place in screen.places:
        if not screen.framed:
            out.append(f"\x1b[{place.y + 1};1H{frame}{layout.SHORT[place.name]:.{width}}\x1b[0m")
            continue
        rows = box(
            [],
            place.width,
            place.height,
            glyphs=glyphs,
            title=layout.TITLES[place.name],
            accent=place.name,
            key=layout.SCREEN_KEYS.get(place.name, ""),
        )
        for line, row in enumerate(rows):
            out.append(f"\x1b[{place.y + 1 + line};{place.x + 1}H{frame}")
            for text, role in row:
                strong = role.endswith(".title") or role == "key"
                out.append(f"{_TITLE}{text}\x1b[0m{frame}" if strong else text)
            out.append("\x1b[0m")
    return "".join(out).encode("ascii" if ascii_only else "utf-8", "replace")


def show(output: int, width: int, height: int, *, ascii_only: bool, color: bool) -> None:
    """Write the skeleton to the terminal."""
    os.write(output, paint(width, height, ascii_only=ascii_only, color=color))
