"""Below the figures: how far the core's person has come, and what wftop changed about its own quality."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.model.quality import EVERYTHING
from wftui.render import text
from wftui.tui import quality
from wftui.tui.frame import Row, fit_row, outside, plain, row_width
from wftui.tui.panels import events
from wftui.tui.scene import gap
from wftui.tui.ux_screen import figures, seen

if TYPE_CHECKING:
    from wftui.tui.scene import Scene
    from wftui.tui.ux_screen.seen import Core

_NAME: Final = 10


def core(scene: Scene, width: int) -> Row:
    """The first core, or why there is none."""
    known = seen.cores(scene.state)
    if not known:
        return fit_row([(f"{'core':<{_NAME}}", "gpus.title"), *_absent(scene, width - _NAME)], width)
    item = known[0]
    row: Row = [(f"{'core':<{_NAME}}", "gpus.title"), *_link(scene, item)]
    pieces: list[Row] = [
        [("level ", "dim"), (figures.level(item.level), "strong")],
        [(figures.level(item.rate), "text"), (" levels/h", "dim")],
        [(figures.whole(item.points), "text"), (" points", "dim")],
        [("session ", "dim"), (text.duration(item.session_s), "text")],
        [
            ("heartbeat ", "dim"),
            (f"{item.heartbeat_s:.1f} s" if item.heartbeat_s == item.heartbeat_s else "-", "text"),
        ],
    ]
    for piece in pieces:
        if row_width(row) + row_width(piece) + 2 <= width:
            row += [gap(2), *piece]
    return fit_row(row, width)


def _link(scene: Scene, item: Core) -> Row:
    if item.up != item.up:
        return [(f"{scene.glyphs.none} ", "dim"), ("not told", "dim")]
    return (
        [(f"{scene.glyphs.ok} ", "good"), ("here", "text")]
        if item.up
        else [(f"{scene.glyphs.lost} ", "bad"), ("lost", "bad")]
    )


def _absent(scene: Scene, width: int) -> Row:
    if scene.replay is not None:
        return [("none at this moment", "dim")]
    health = scene.state.source(seen.CORE)
    words = (health.reason or health.state) if health is not None else "no WIRTHFORGE core is here"
    if health is not None and health.fix:
        words += f" {scene.glyphs.right} {health.fix}"
    return [(outside(plain(words, scene.glyphs), max(1, width), scene.glyphs), "dim")]


def adaptation(scene: Scene, width: int, height: int) -> list[Row]:
    """The level now with what the terminal gets less of; then the changes, newest first."""
    level, reason = quality.now(scene.state)
    row: Row = [
        (f"{'quality':<{_NAME}}", "gpus.title"),
        (f"{level} of {EVERYTHING}", "warn" if level < EVERYTHING else "text"),
    ]
    if reason and level < EVERYTHING:
        row.append((f"  {plain(reason, scene.glyphs)}", "dim"))
    if scene.given_up:
        row.append((f"  this terminal gets less: {scene.given_up}", "warn"))
    found = seen.changes(scene.state)
    if not found:
        row.append(("  no change is known" if level == EVERYTHING else "", "dim"))
    elif height == 1:
        row += [gap(2), *_change(scene, found[0], max(1, width - row_width(row) - 2))]
    rows = [fit_row(row, width)]
    rows += [fit_row([gap(_NAME), *_change(scene, event, width - _NAME)], width) for event in found[: height - 1]]
    return rows


def _change(scene: Scene, event: object, width: int) -> Row:
    from wftui.model.event import Event

    assert isinstance(event, Event)  # noqa: S101  what ``seen.changes`` holds
    said = outside(f"{text.clock(event.time_ns / 1e9)}  {events.said(event)}", max(1, width), scene.glyphs)
    return [(said.rstrip(), "dim")]
