"""Sources: which of them work, and of the others why not."""

from __future__ import annotations

from typing import Final

from wftui.model.health import ABSENT, ASLEEP, DENIED, FAILED, LATE, OFF, OK, STUCK, TROUBLE, UNSUPPORTED, Health
from wftui.render import text
from wftui.tui.frame import Row, fit_row, outside, plain, row_width
from wftui.tui.moment import UNTOLD
from wftui.tui.panels import parts
from wftui.tui.scene import Body, Scene, empty, gap, keep

ORDER: Final = (FAILED, STUCK, LATE, DENIED, UNSUPPORTED, ABSENT, ASLEEP, OFF, OK)
"""Worst first."""
ROLES: Final = {OK: "good", LATE: "warn", STUCK: "bad", FAILED: "bad", DENIED: "warn"}


def untold(scene: Scene) -> Body:
    """Nothing is known of any source."""
    if scene.replay is not None and scene.replay.recording is not None:
        return empty("this recording tells nothing of its sources at this moment", "their numbers are on 5")
    return empty("no word from the sources yet", "the recorder sends it within 5 s")


def sorted_sources(sources: list[Health]) -> list[Health]:
    """Worst first, then by name."""
    rank = {state: place for place, state in enumerate(ORDER)}
    return sorted(sources, key=lambda item: (rank.get(item.state, rank[OFF]), item.source))


def counts(scene: Scene, width: int = 1000) -> Row:
    """``● 9 ok  ◌ 3 absent`` as segments; where that is too wide, without the words of what is no trouble."""
    totals: dict[str, int] = {}
    for item in scene.state.sources:
        totals[item.state] = totals.get(item.state, 0) + 1
    row: Row = []
    brief: Row = []
    for state in (OK, *ORDER[:-1], UNTOLD):
        if state not in totals:
            continue
        role = ROLES.get(state, "dim")
        glyph = scene.glyphs.health.get(state, "?")
        words = role if state in TROUBLE else "dim"
        for each, word in ((row, f" {state}"), (brief, f" {state}" if state in TROUBLE else "")):
            if each:
                each.append(gap(2))
            each += [(f"{glyph} ", role), (f"{totals[state]}{word}", words)]
    return row if row_width(row) <= width else brief


def line(scene: Scene, width: int) -> Row:
    """The subject in one line."""
    row = counts(scene, width - 5) or [("no word yet", "dim")]
    return fit_row([parts.label("src", 5), *row], width)


def draw(scene: Scene, width: int, height: int) -> Body:
    """The count, then those that are not ok with their reason, then the others with their cost."""
    sources = scene.state.sources
    if not sources:
        return untold(scene)
    made_of = (sources, width, height, scene.glyphs)
    return keep(scene.state, "sources", made_of, lambda: _listing(scene, width, height))


def _listing(scene: Scene, width: int, height: int) -> Body:
    sources = sorted_sources(scene.state.sources)
    rows: list[Row] = [fit_row(counts(scene, width), width)]
    for item in sources:
        if len(rows) >= height:
            break
        name = min(12, max(6, width // 4))
        row: Row = [
            (scene.glyphs.health.get(item.state, "?"), ROLES.get(item.state, "dim")),
            gap(1),
            (outside(item.source, name, scene.glyphs), "text"),
            gap(1),
        ]
        room = width - name - 3
        if item.state == OK:
            every = text.duration(item.interval_s)
            if item.interval_s < 1:
                every = f"{item.interval_s * 1000:.0f} ms"
            shown = f"{text.milliseconds(item.duration_s)} each {every}"
            row.append((outside(shown, room, scene.glyphs), "dim"))
        else:
            row.append(
                (
                    outside(plain(item.reason or item.state, scene.glyphs), room, scene.glyphs),
                    ROLES.get(item.state, "dim"),
                )
            )
        rows.append(fit_row(row, width))
    return Body(rows)
