"""Pieces that several panels are made of: graphs as rows, meters, labelled values."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Final

from wftui.render import graph, text
from wftui.render.palette import heat
from wftui.tui.frame import Row, Segment, crop, fit_row, join, row_width
from wftui.tui.scene import Scene

_HATCH: Final = {"▒", "%"}
_SWEPT: Final = 8
"""Narrower graphs scroll."""


def area(
    scene: Scene,
    values: list[float],
    maximum: float,
    height: int,
    roles: Sequence[str] | str | None = None,
    *,
    down: bool = False,
    scale: str = "",
    ahead: int | None = None,
) -> list[Row]:
    """A filled graph as rows, two samples a cell; ``roles``: one for all lines or one for each from the base,
    None for the heat of ``scale`` by height. ``ahead``: samples that are still to come, if not one a second."""
    ascii_only = scene.glyphs.ascii_only
    coming = scene.state.ahead if ahead is None else ahead
    lines = scene.state.lines.rows(values, maximum, height, coming, down=down, ascii_only=ascii_only)
    hatch = "%" if ascii_only else "▒"
    rows: list[Row] = []
    for place, line in enumerate(lines):
        from_base = place if down else height - 1 - place
        if roles is None:
            role = heat((from_base + 0.7) / height, scale)
        elif isinstance(roles, str):
            role = roles
        else:
            role = roles[min(from_base, len(roles) - 1)]
        rows.append(swept(scene, _split(line, role, hatch), len(line)))
    return rows


def swept(scene: Scene, row: Row, width: int) -> Row:
    """A line of a graph of ``width`` cells as it stands where graphs do not scroll.

    Every two seconds have their own cell, to which they come back after a whole width; behind the newest one is a
    gap. A step changes two cells of a line and not all of them.
    """
    if not (scene.sweep and scene.replay is None) or width < _SWEPT:
        return row
    seam = _seam(scene, width)
    if len(row) == 1 and len(row[0][0]) == width:
        # One piece stays one piece: of two such lines only the cells that differ are sent.
        line, role = row[0]
        line = line[width - seam :] + line[: width - seam]
        return [(f"{line[:seam]} {line[seam + 1 :]}", role)]
    turned = [*crop(row, width - seam, width), *crop(row, 0, width - seam)]
    return [*crop(turned, 0, seam), (" ", "faint"), *crop(turned, seam + 1, width)]


def _seam(scene: Scene, width: int) -> int:
    """The cell after the newest one."""
    return ((scene.state.slot | 1) // 2 + 1) % width


def overlay(row: Row, words: Row, width: int) -> Row:
    """Words over the left end of a row where it is blank there; a graph is never hidden."""
    taken = row_width(words)
    if taken > width:
        return row
    under = "".join(text_ for text_, _ in crop(row, 0, taken))
    if under.strip():
        return row
    return [*words, *crop(row, taken, width)]


def _split(line: str, role: str, hatch: str) -> Row:
    if hatch not in line:
        return [(line, role)]
    row: Row = []
    rest = line
    while rest:
        start = rest.find(hatch)
        if start < 0:
            row.append((rest, role))
            break
        if start:
            row.append((rest[:start], role))
        end = start
        while end < len(rest) and rest[end] == hatch:
            end += 1
        row.append((rest[start:end], "faint"))
        rest = rest[end:]
    return row


def spark(
    scene: Scene, values: Sequence[float], width: int, maximum: float, role: str, ahead: int | None = None
) -> Row:
    """One line of graph; ``ahead`` as in ``area``."""
    ascii_only = scene.glyphs.ascii_only
    coming = scene.state.ahead if ahead is None else ahead
    line = graph.spark(values, width, maximum, coming, ascii_only=ascii_only)
    return _split(line, role, "%" if ascii_only else "▒")


def with_spark(
    scene: Scene, row: Row, tail: Row, width: int, past: Sequence[float], maximum: float, role: str
) -> Row:
    """A subject's line: its figures, as much of the past as fits between, and ``tail`` at the right edge."""
    room = width - row_width(row) - row_width(tail) - (2 if tail else 1)
    if room < 6:
        return join(row, tail, width)
    shown = spark(scene, past, room, maximum, role)
    return fit_row([*row, (" ", "text"), *shown, *([(" ", "text"), *tail] if tail else [])], width)


def meter(scene: Scene, ratio: float, width: int, role: str | None = None, scale: str = "") -> Row:
    """A bar of ``width`` cells in one colour: that of its value on a scale, or ``role``."""
    filled, rest = graph.meter(ratio, width, ascii_only=scene.glyphs.ascii_only)
    row: Row = []
    if filled:
        row.append((filled, role or heat(ratio, scale)))
    if rest:
        row.append((rest, "faint"))
    return row


def percent(ratio: float, role: str = "strong") -> Segment:
    """5 cells."""
    return text.percent(ratio), role if ratio == ratio else "dim"


def figure(shown: str, role: str = "strong") -> Segment:
    """A value that was made by ``render.text``; dim when it is only the sign of the unknown."""
    return shown, "dim" if shown.strip() == text.UNKNOWN else role


def label(name: str, width: int) -> Segment:
    """A dim label in a fixed width."""
    return f"{name:<{width}.{width}}", "dim"


def ruler(scene: Scene, columns: int) -> Row:
    """A thin line of clock times under a graph of ``columns`` cells, with marks where events were."""
    state = scene.state
    if state.tick is None or columns < 12:
        return [(" " * columns, "faint")]
    line = [" "] * columns
    end = state.slot | 1
    newest = state.tick.time_s + (end - state.slot)
    marks = set()
    turn = _seam(scene, columns) if scene.sweep and scene.replay is None and columns >= _SWEPT else 0
    for slot, event in state.event_slots:
        cell = columns - 1 - (end - slot) // 2
        if 0 <= cell < columns and event.type != "view.attached" and event.type != "view.detached":
            marks.add((cell + turn) % columns)
    # The cell whose two seconds hold a full minute carries that minute's time.
    first = newest - 2 * columns + 1
    for minute in range(-(-first // 60) * 60, newest + 1, 60):
        cell = (minute - first) // 2
        stamp = scene.glyphs.tick + text.clock(minute)[:5]
        at = (cell + turn) % columns
        # A time with a mark in it would read as another one: the tick alone says where the minute is.
        if marks.intersection(range(at, at + len(stamp))):
            stamp = scene.glyphs.tick
        if cell + len(stamp) <= columns and at + len(stamp) <= columns:
            line[at : at + len(stamp)] = stamp
    return marked(scene, line, marks)


def marked(scene: Scene, line: Sequence[str], marks: Set[int]) -> Row:
    """The cells of a ruler, with the mark of an event in some of them."""
    if not marks:
        return [("".join(line), "faint")]
    row: Row = []
    run = ""
    for cell, char in enumerate(line):
        if cell in marks:
            if run:
                row.append((run, "faint"))
                run = ""
            row.append((scene.glyphs.mark, "mark"))
        else:
            run += char
    if run:
        row.append((run, "faint"))
    return row
