"""All about the selected rule or silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.render import text
from wftui.tui.alerts_screen import seen
from wftui.tui.alerts_screen.details import event_line
from wftui.tui.alerts_screen.listing import age, said, sign
from wftui.tui.frame import Row, fit_row, join, outside, row_width
from wftui.tui.gpu_screen.words import folded
from wftui.tui.scene import gap
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from wftui.tui.alerts_screen.model import AlertsScreen
    from wftui.tui.alerts_screen.seen import Rule, Silence
    from wftui.tui.scene import Scene

_LABEL: Final = 11


def rule(scene: Scene, screen: AlertsScreen, item: Rule, width: int, height: int) -> list[Row]:
    """At most ``height`` lines."""
    glyphs = scene.glyphs
    right: Row = [(item.state, "text" if item.enabled else "dim")]
    left: Row = [(f"{sign(scene, item.state)} ", "dim")]
    left.append((outside(item.name, max(0, width - row_width(right) - 4), glyphs).rstrip(), "strong"))
    rows = [join(left, right, width)]
    rows += [
        fit_row([("when ", "faint"), *row], width) for row in folded(item.condition, width - 5, glyphs, "text", 4)
    ]
    if item.reason:
        rows += folded(item.reason, width, glyphs, "warn", 3)
    things = f"{item.instances} things" if item.instances != 1 else "1 thing"
    count = f"{things}, {_loud(item.alerts)}" if item.instances else "nothing now"
    told = [
        ("severity", f"{item.severity}, {item.category}"),
        ("looks at", count if item.enabled else "it is off"),
        ("cost", f"{said(scene, item.cost_s, 's')} each second" if item.cost_s == item.cost_s else text.UNKNOWN),
        ("id", item.key),
        ("file", ("ships with wftop: " if item.builtin else "") + item.file),
    ]
    for label, words in told:
        shown = outside(words, max(0, width - _LABEL), glyphs, middle=True)
        rows.append(fit_row([(f"{label:<{_LABEL}}", "dim"), (shown, "text")], width))
    switch = "disable" if item.enabled else "enable"
    name = item.key.removeprefix("rule.")
    rows += folded(f"{glyphs.right} wftop rules {switch} {name}, wftop rules edit {name}", width, glyphs, "dim", 2)
    until_ns = scene.now.time_ns if scene.replay is not None else 1 << 62
    past = [event for event in screen.history(scene.state, until_ns) if event.payload.get("rule") == item.key]
    if past:
        rows += [[gap(width)], fit_row([("history", "events.title")], width)]
        rows += [event_line(scene, event, width, which=True) for event in past]
    return _scrolled(screen, rows, height)


def _loud(alerts: int) -> str:
    return f"{alerts} of them pending or firing" if alerts else "all is quiet"


def silence(scene: Scene, screen: AlertsScreen, item: Silence, width: int, height: int) -> list[Row]:
    """At most ``height`` lines."""
    glyphs = scene.glyphs
    rows = folded(item.matchers, width, glyphs, "strong", 3)
    until = item.until_ns / NS_PER_S
    by = f" by {item.by}" if item.by else ""
    rows += folded(f"until {text.day(until)} {text.clock(until)}", width, glyphs, "text", 1)
    rows += folded(f"set {age(scene, item.created_ns)} ago{by}", width, glyphs, "dim", 1)
    if item.reason:
        rows += folded(item.reason, width, glyphs, "text", 3)
    held = [alert for alert in seen.alerts(scene.state) if alert.silence == item.key]
    rows += [[gap(width)], fit_row([(f"holds {len(held)} now", "events.title")], width)]
    for alert in held:
        things = seen.things(scene.state, alert.labels)
        rows.append(
            fit_row([(outside(f"{alert.severity:<8} {alert.name}  {things}", width, glyphs), "dim")], width)
        )
    rows += [[gap(width)], fit_row([("U", "key"), (" ends it: what it holds is told again", "dim")], width)]
    return _scrolled(screen, rows, height)


def _scrolled(screen: AlertsScreen, rows: list[Row], height: int) -> list[Row]:
    if not screen.inside:
        return rows[:height]
    top = screen.scrolled(len(rows), height)
    return rows[top : top + height]
