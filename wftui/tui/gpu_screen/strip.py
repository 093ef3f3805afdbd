"""The health strip: a sign for each check, and in its pane what to do about those in trouble."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.tui.frame import Row, cells, fit_row, row_width
from wftui.tui.gpu_screen import health
from wftui.tui.gpu_screen.words import folded, own
from wftui.tui.scene import gap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.tui.glyphs import Glyphs
    from wftui.tui.gpu_screen.health import Check
    from wftui.tui.scene import Scene

_BRIEF: Final = {"answers": "up", "bad memory": "rows", "clocks": "clk", "NVLink": "NVL"}
_HEAD: Final = 13


def sign(check: Check, glyphs: Glyphs) -> str:
    """Its level without colour."""
    return {health.GOOD: glyphs.ok, health.WARN: glyphs.alert, health.BAD: glyphs.lost}.get(
        check.level, glyphs.none
    )


def strip(scene: Scene, checks: Sequence[Check], width: int) -> Row:
    """All checks in one line; brief names where there is little room."""
    for brief, space in ((False, 3), (False, 2), (True, 2), (True, 1)):
        row: Row = []
        for check in checks:
            name = _BRIEF.get(check.name, check.name) if brief else check.name
            trouble = check.level in (health.WARN, health.BAD)
            row += [
                (f"{sign(check, scene.glyphs)} ", check.level),
                (name, check.level if trouble else "dim"),
                gap(space),
            ]
        if row_width(row) - space <= width:
            return fit_row(row, width)
    # Too narrow for all: those in trouble by name, the others as a number.
    row = []
    for check in checks:
        if check.level in (health.WARN, health.BAD):
            name = _BRIEF.get(check.name, check.name)
            row += [(f"{sign(check, scene.glyphs)} {name}", check.level), gap(2)]
    well = sum(check.level == health.GOOD for check in checks)
    if well:
        row += [(f"{scene.glyphs.ok} ", health.GOOD), (f"{well} of {len(checks)} checks ok", "dim")]
    return fit_row(row, width)


def trouble(scene: Scene, checks: Sequence[Check], width: int, lines: int) -> list[Row]:
    """The worst check in trouble in words, with its step; nothing when all is well."""
    those = [check for check in checks if check.level in (health.WARN, health.BAD)]
    if not those or lines <= 0:
        return []
    check = min(those, key=lambda item: item.level != health.BAD)
    since = health.since_words(check, scene.now.time_ns)
    words = f"{sign(check, scene.glyphs)} {check.words}"
    if since and cells(own(words, scene.glyphs)) + len(since) + 2 <= width:
        words += f", {since}"
    rows = folded(words, width, scene.glyphs, check.level, 1)
    if check.step and lines > 1:
        step = folded(f"{scene.glyphs.right} {check.step}", width, scene.glyphs, "text", lines - 1)
        rows += step
    return [fit_row(row, width) for row in rows]


def draw(scene: Scene, checks: Sequence[Check], width: int) -> list[Row]:
    """A line or two a check: sign, name, words, since when, and below what to do."""
    rows: list[Row] = []
    for check in checks:
        trouble_ = check.level in (health.WARN, health.BAD)
        since = health.since_words(check, scene.now.time_ns)
        words = own(check.words, scene.glyphs)
        head: Row = [
            (f"{sign(check, scene.glyphs)} ", check.level),
            (f"{check.name:<{_HEAD - 2}}", "text" if trouble_ else "dim"),
        ]
        room = max(8, width - _HEAD)
        role = check.level if trouble_ else "text" if check.level == health.GOOD else "dim"
        said = f"{words}, {since}" if since else words
        for place, part in enumerate(folded(said, room, scene.glyphs, role, 2)):
            rows.append(fit_row([*(head if place == 0 else [gap(_HEAD)]), *part], width))
        if check.step:
            step = folded(
                f"{scene.glyphs.right} {check.step}", room, scene.glyphs, "text" if trouble_ else "dim", 3
            )
            rows += [fit_row([gap(_HEAD), *part], width) for part in step]
    return rows
