"""The first frame: the panels' frames at their real places, painted before anything heavy is imported.

Where they stood last is kept in a small file, by the terminal's size: a layout of one's own, or GPUs, are not
known yet when this is painted. Without it the places are those of the default layout.
"""

from __future__ import annotations

import os

from wftui.tui import layout
from wftui.tui.frame import box, fit_row
from wftui.tui.glyphs import ASCII, UTF8

TYPE_CHECKING = False  # typing is heavier than this module
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FRAME = "\x1b[90m"
_TITLE = "\x1b[0;1m"
FILE = "skeleton"
_SIZES = 6
"""Terminals of different sizes that are remembered."""
_MOST = 1 << 14
_HEAD = "wftop-skeleton 1"


def paint(width: int, height: int, *, ascii_only: bool, color: bool, memory: str = "") -> bytes:
    """The bytes of the skeleton for a terminal of this size; ``memory``: the file of last times."""
    glyphs = ASCII if ascii_only else UTF8
    frame = _FRAME if color else "\x1b[2m"
    out = ["\x1b[H\x1b[2J"]
    words = fit_row([(" wftop ", "strong"), (" connecting to the recorder" + glyphs.ellipsis, "dim")], width)
    out.append("".join(f"{_TITLE if role == 'strong' else frame}{text}\x1b[0m" for text, role in words))
    found = remembered(memory, width, height)
    if found is None:
        screen = layout.overview(width, height)
        framed = screen.framed
        names = layout.TITLES if framed else layout.SHORT
        found = (
            framed,
            [(place, layout.SCREEN_KEYS.get(place.name, ""), names[place.name]) for place in screen.places],
        )
    framed, panels = found
    for place, key, title in panels:
        if not framed:
            out.append(f"\x1b[{place.y + 1};1H{frame}{title:.{width}}\x1b[0m")
            continue
        rows = box([], place.width, place.height, glyphs=glyphs, title=title, accent="text", key=key)
        for line, row in enumerate(rows):
            out.append(f"\x1b[{place.y + 1 + line};{place.x + 1}H{frame}")
            for text, role in row:
                strong = role.endswith(".title") or role == "key"
                if len(text) > 6 and text.isspace():
                    out.append(f"\x1b[{len(text)}C")
                else:
                    out.append(f"{_TITLE}{text}\x1b[0m{frame}" if strong else text)
            out.append("\x1b[0m")
    return "".join(out).encode("ascii" if ascii_only else "utf-8", "replace")


def show(output: int, width: int, height: int, *, ascii_only: bool, color: bool) -> None:
    """Write the skeleton to the terminal."""
    os.write(output, paint(width, height, ascii_only=ascii_only, color=color, memory=read(os.environ)))


def read(environ: Mapping[str, str]) -> str:
    """What was remembered; empty when nothing was, or it cannot be read.

    Source: XDG Base Directory Specification, as ``paths.places`` has it, which is too heavy here.
    """
    state = environ.get("XDG_STATE_HOME", "")
    if not state.startswith("/"):
        state = environ.get("HOME", "") + "/.local/state"
    try:
        file = os.open(f"{state}/wftop/{FILE}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return ""
    try:
        return os.read(file, _MOST).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(file)


def remembered(memory: str, width: int, height: int) -> tuple[bool, list[tuple[layout.Place, str, str]]] | None:
    """Whether panels have frames, and each with key and title, as they stood on a terminal of this size."""
    for block in memory.split(_HEAD)[1:]:
        lines = block.split("\n")
        if lines[0].split()[:2] != [str(width), str(height)]:
            continue
        found = []
        for line in lines[1:-1]:
            parts = line.split(" ", 5)
            numbers = [int(part) for part in parts[:4] if part.isascii() and part.isdigit() and len(part) < 5]
            if len(parts) < 6 or len(numbers) < 4 or len(parts[5]) > 40 or not parts[5].isprintable():
                return None
            x, y, wide, high = numbers
            # Not more than a frame fits: the file may be of anybody's making.
            if not (wide >= 4 and x + wide <= width and y >= 1 and high >= 1 and y + high <= height):
                return None
            found.append((layout.Place("", x, y, wide, high), parts[4].strip("-")[:1], parts[5]))
        return (lines[0].endswith("framed"), found) if found else None
    return None


def remember(memory: str, screen: layout.Layout, titles: Mapping[str, str]) -> str:
    """The file's new text: this screen first, then those of other sizes."""
    head = f" {screen.width} {screen.height}{' framed' if screen.framed else ''}\n"
    keys = layout.SCREEN_KEYS if screen.framed else {}
    body = "".join(
        f"{place.x} {place.y} {place.width} {place.height} {keys.get(place.name) or '-'} {titles[place.name]}\n"
        for place in screen.places
    )
    mine = head.split()[:2]
    others: Sequence[str] = [
        block for block in memory.split(_HEAD)[1:] if block.split("\n")[0].split()[:2] != mine
    ]
    return "".join(_HEAD + block for block in [head + body, *others][:_SIZES])
