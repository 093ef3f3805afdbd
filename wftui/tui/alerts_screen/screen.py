"""The whole of screen 8: alerts, rules or silences in a list, and all about the selected one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.tui.alerts_screen import details, listing, ruling, seen
from wftui.tui.alerts_screen.model import ALERTS, RULES, SILENCES, TABS, Drawn
from wftui.tui.alerts_screen.seen import Alert, Rule
from wftui.tui.frame import Row, fit_row, outside, row_width
from wftui.tui.gpu_screen.words import folded
from wftui.tui.scene import Body, Scene, gap

if TYPE_CHECKING:
    from wftui.tui.alerts_screen.model import AlertsScreen, Line

_SMALL: Final = 15
"""Below this height there is the list alone; ``e`` shows the details."""
_SIDE: Final = 150
"""From this width on the list stands at the left of the details."""
_NO_RULES: Final = "no word of any rule yet: the recorder tells of them within 10 s"


def draw(scene: Scene, screen: AlertsScreen, wanted: str, width: int, height: int) -> Body:
    """The inside of the screen; ``wanted``: the filter."""
    found = screen.listed(scene.state, wanted)
    chosen = screen.selected(found)
    screen.drawn = Drawn()
    screen.shown, screen.span = (), 0
    if screen.editor is not None:
        from wftui.tui.alerts_screen import editor_draw  # here: few change a rule, and those seldom

        return Body(editor_draw.draw(scene, screen, screen.editor, width, height))
    right = _right(scene, wanted, width)
    if screen.inside and chosen is not None:
        return Body(_details(scene, screen, chosen, width, height), right)
    rows = [_tabs(scene, screen, width)]
    if chosen is None:
        return Body([*rows, [gap(width)], *_nothing(scene, screen, wanted, width, height - 2)][:height], right)
    height -= 1
    if width >= _SIDE:
        return Body([*rows, *_beside(scene, screen, found, chosen, width, height)], right)
    if height < _SMALL:
        rows += [listing.heading(scene, screen, width)] if height >= 6 else []
        room = max(1, height + 1 - len(rows))
        return Body([*rows, *listing.lines(scene, screen, found, width, room, len(rows))], right)
    most = min(len(found), max(3, height // 3))
    rows += [listing.heading(scene, screen, width), *listing.lines(scene, screen, found, width, most, 2)]
    rule = ("-" if scene.glyphs.ascii_only else "─") * width
    rows.append([(rule, "faint")])
    return Body([*rows, *_details(scene, screen, chosen, width, height + 1 - len(rows))], right)


def _beside(
    scene: Scene, screen: AlertsScreen, found: list[Line], chosen: Line, width: int, height: int
) -> list[Row]:
    side = max(66, width * 2 // 5)
    listed = [listing.heading(scene, screen, side), *listing.lines(scene, screen, found, side, height - 1, 2)]
    main = _details(scene, screen, chosen, width - side - 3, height)
    rule = (f" {scene.glyphs.vertical} ", "faint")
    blank: Row = [gap(side)]
    return [
        [*(listed[place] if place < len(listed) else blank), rule, *(main[place] if place < len(main) else [])]
        for place in range(height)
    ]


def _details(scene: Scene, screen: AlertsScreen, chosen: Line, width: int, height: int) -> list[Row]:
    if isinstance(chosen, Alert):
        return details.draw(scene, screen, chosen, width, height)
    if isinstance(chosen, Rule):
        return ruling.rule(scene, screen, chosen, width, height)
    return ruling.silence(scene, screen, chosen, width, height) if isinstance(chosen, seen.Silence) else []


def _tabs(scene: Scene, screen: AlertsScreen, width: int) -> Row:
    """The three lists with how much is in each; what they are grouped by."""
    state = scene.state
    counts = {
        ALERTS: len(seen.alerts(state)),
        RULES: len(seen.rules(state)),
        SILENCES: len(seen.silences(state)),
    }
    row: Row = []
    for name in TABS:
        here = name == screen.tab
        row += [(f" {name} {counts[name]} ", "select" if here else "dim"), gap(1)]
    tail: Row = [("Tab", "key"), (" next", "faint")]
    if screen.tab == ALERTS and screen.group:
        tail = [(f"by {screen.group}", "dim"), gap(3), *tail]
    room = width - row_width(row) - row_width(tail)
    return fit_row([*row, *([gap(room), *tail] if room >= 1 else [])], width)


def _right(scene: Scene, wanted: str, width: int) -> Row:
    """The filter, and how many fire by severity."""
    if wanted:
        shown = outside(wanted, min(20, max(1, width // 4)), scene.glyphs).rstrip()
        return [("/", "mark"), (shown, "strong")]
    counts: dict[str, int] = {}
    for item in seen.alerts(scene.state):
        if item.status in (seen.FIRING, seen.ACKED):
            counts[item.severity] = counts.get(item.severity, 0) + 1
    pieces: Row = []
    for severity in seen.SEVERITIES:
        if count := counts.get(severity):
            dot: Row = [(f" {scene.glyphs.separator} ", "dim")] if pieces else []
            pieces += [*dot, (f"{count} {severity}", seen.ROLES[severity])]
    return pieces


def _nothing(scene: Scene, screen: AlertsScreen, wanted: str, width: int, height: int) -> list[Row]:
    """Why the list is empty, and what one can do."""
    glyphs, state = scene.glyphs, scene.state
    if wanted:
        return [
            fit_row([("nothing matches the filter", "dim")], width),
            fit_row([("Esc clears it", "dim")], width),
        ]
    known = seen.rules(state)
    if screen.tab == SILENCES:
        rows = folded("no silence holds: everything that fires is told", width, glyphs, "text", 2)
        return rows + folded("S on an alert or a rule silences it for a while.", width, glyphs, "dim", 2)
    if not known:
        words = _NO_RULES if scene.replay is None else "no rule was known at this moment"
        return folded(words, width, glyphs, "dim", 2)
    if screen.tab == RULES:
        return []
    watching = [item for item in known.values() if item.instances]
    count = sum(item.instances for item in watching)
    off = sum(not item.enabled for item in known.values())
    rows = [fit_row([(f"{glyphs.ok} ", "good"), ("nothing fires", "strong")], width), [gap(width)]]
    words = f"{len(watching)} of {len(known)} rules watch {count} things each second"
    words += f"; {off} {'is' if off == 1 else 'are'} off" if off else ""
    rows += folded(f"{words}.", width, glyphs, "text", 2)
    by: dict[str, int] = {}
    for item in watching:
        by[item.category] = by.get(item.category, 0) + 1
    rows += folded(", ".join(f"{name} {number}" for name, number in sorted(by.items())), width, glyphs, "dim", 2)
    more = (
        "",
        "Tab shows each rule with its state and cost.",
        "wftop rules new NAME writes a rule to begin with, wftop rules check FILE says what is wrong with one.",
        "N goes back through what fired before.",
    )
    for line in more:
        rows += folded(line, width, glyphs, "dim", 3) if line else [[gap(width)]]
    return rows[: max(0, height)]
