"""Alerts on the overview: what waits for somebody first; a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wftui.tui.alerts_screen import seen
from wftui.tui.frame import Row, fit_row
from wftui.tui.panels import parts
from wftui.tui.scene import Body, Scene, empty

if TYPE_CHECKING:
    from wftui.tui.alerts_screen.model import Line


def line(scene: Scene, width: int) -> Row:
    """The subject in one line."""
    words, role = seen.loud(scene.state)
    row: Row = [parts.label("alrt", 5)]
    if not words:
        others = len(seen.alerts(scene.state))
        return fit_row([*row, (f"none waits, {others} others" if others else "nothing fires", "dim")], width)
    row.append((f"{scene.glyphs.alert} {words}", role))
    return fit_row(row, width)


def draw(scene: Scene, width: int, height: int) -> Body:
    """The list of screen 8, as far as it fits."""
    known = seen.alerts(scene.state)
    if not known:
        rules = seen.rules(scene.state)
        watching = sum(bool(item.instances) for item in rules.values())
        return empty("nothing fires", f"{watching} of {len(rules)} rules have something to look at: 8")
    from wftui.tui.alerts_screen import listing  # here: on a good day nothing fires
    from wftui.tui.alerts_screen.model import AlertsScreen

    found: list[Line] = AlertsScreen().listed(scene.state)
    return Body(
        [listing.one(scene, item, width) for item in found[:height]],
        [(f"{len(known)}", "dim")],
    )
