"""The lists of screen 8: a line for each alert, rule or silence, as wide as there is room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.render import text
from wftui.tui.alerts_screen import seen
from wftui.tui.alerts_screen.model import Drawn, Head
from wftui.tui.alerts_screen.seen import Alert, Rule
from wftui.tui.frame import Row, fit_row, outside, row_width
from wftui.tui.gpu_screen.words import own
from wftui.tui.scene import gap
from wftui.units import NS_PER_S, quantity

if TYPE_CHECKING:
    from wftui.tui.alerts_screen.model import AlertsScreen, Line
    from wftui.tui.alerts_screen.seen import Silence
    from wftui.tui.scene import Scene

_VALUE: Final = 11
"""Columns of a value with its unit."""
_VALUED: Final = 58
"""Columns from which on a line has room for it."""
_WORDED: Final = 40
"""The same for the state in a word."""
_RULE_ROLES: Final = {"inactive": "good", "warming": "mark"}


def sign(scene: Scene, state: str) -> str:
    """A state as one cell."""
    glyphs = scene.glyphs
    return {
        seen.FIRING: glyphs.alert,
        seen.ACKED: glyphs.alert,
        seen.PENDING: glyphs.health["late"],
        seen.OVER: glyphs.none,
        seen.SILENCED: glyphs.health["asleep"],
        seen.INHIBITED: glyphs.health["asleep"],
        "inactive": glyphs.ok,
        "warming": glyphs.about,
    }.get(state, glyphs.health["off"])


def age(scene: Scene, since_ns: int) -> str:
    """How long ago, in at most 7 cells."""
    if not since_ns:
        return text.UNKNOWN
    return text.duration(max(0.0, (scene.now.time_ns - since_ns) / NS_PER_S)).strip()


def said(scene: Scene, value: float, unit: str) -> str:
    """A value with its unit."""
    words = quantity(value, unit)
    return own(words.replace("µ", "u") if scene.glyphs.ascii_only else words, scene.glyphs)


def lines(scene: Scene, screen: AlertsScreen, found: list[Line], width: int, height: int, first: int) -> list[Row]:
    """As many lines of the list as fit, with the selected one in view; ``first``: its line inside the screen."""
    chosen = screen.selected(found)
    place = found.index(chosen) if chosen is not None else 0
    top = screen.window(place, len(found), height)
    # A head without its first line says nothing: the cursor's line brings its own along.
    if 0 < place == top and isinstance(found[place - 1], Head):
        top = screen.tops[screen.tab] = place - 1
    shown = found[top : top + height]
    screen.drawn = Drawn(width, first, tuple("" if isinstance(item, Head) else item.key for item in shown))
    rows = []
    for item in shown:
        row = one(scene, item, width)
        if item is chosen:
            row = [("".join(words for words, _ in row), "select")]
        rows.append(row)
    return rows


def one(scene: Scene, item: Line, width: int) -> Row:
    """A line about one of them."""
    return fit_row(_line(scene, item, width), width)


def _line(scene: Scene, item: Line, width: int) -> Row:
    if isinstance(item, Head):
        return [
            (outside(item.words, min(len(item.words), width - 5), scene.glyphs), "strong"),
            (f" {item.members}", "dim"),
        ]
    if isinstance(item, Alert):
        return _alert(scene, item, width)
    return _rule(scene, item, width) if isinstance(item, Rule) else _silence(scene, item, width)


def _alert(scene: Scene, item: Alert, width: int) -> Row:
    role = item.role
    row: Row = [(sign(scene, item.status), role), gap(1), (f"{item.severity:<8} ", role)]
    if width >= _WORDED:
        row.append((f"{item.status:<9} ", role if item.status == seen.FIRING else "dim"))
    row.append((f"{age(scene, item.since_ns):>7}  ", "dim"))
    value = said(scene, item.value, item.unit) if width >= _VALUED else ""
    if len(value) > _VALUE:
        value = value.partition(" ")[0]  # the number is worth more than its unit
    room = width - row_width(row) - (_VALUE + 1 if value else 0)
    row += _named(scene, item, max(0, room))
    if value:
        told = item.value == item.value and item.role != "dim"
        row += [gap(1), (outside(f"{value:>{_VALUE}}", _VALUE, scene.glyphs), "strong" if told else "dim")]
    return row


def _named(scene: Scene, item: Alert, room: int) -> Row:
    """Its name, and of which thing; that stays whole as long as the name keeps a few letters."""
    things = seen.things(scene.state, item.labels)
    quiet = item.status not in (seen.FIRING, seen.ACKED)
    role = "dim" if quiet else "text"
    if not things or room < 16:
        return [(outside(item.name, room, scene.glyphs), role)]
    wide = min(len(things), max(room // 3, room - len(item.name) - 2))
    name = outside(item.name, min(len(item.name), room - wide - 2), scene.glyphs)
    row: Row = [
        (name, role),
        gap(2),
        (outside(things, wide, scene.glyphs, middle=True), "dim" if quiet else "strong"),
    ]
    return fit_row(row, room)


def _rule(scene: Scene, item: Rule, width: int) -> Row:
    active = item.state in (seen.FIRING, seen.OVER)
    role = seen.ROLES.get(item.severity, "warn") if active else _RULE_ROLES.get(item.state, "dim")
    row: Row = [(sign(scene, item.state), role), gap(1), (f"{item.state:<9} ", role)]
    if width >= _WORDED:
        row.append((f"{item.severity:<8} ", "dim"))
    figures = ""
    if width >= _VALUED:
        count = f"{item.alerts}/{item.instances}" if item.instances else ""
        cost = said(scene, item.cost_s, "s") if item.cost_s == item.cost_s else ""
        figures = f"{count:>6} {cost:>8}"
    room = max(0, width - row_width(row) - len(figures))
    name = outside(item.name, room, scene.glyphs)
    shown: Row = [(name, "text" if item.enabled else "dim")]
    if item.reason and room - len(item.name) > 14:
        shown = [(outside(item.name, len(item.name), scene.glyphs), "text")]
        shown += [gap(2), (outside(item.reason, room - len(item.name) - 2, scene.glyphs), "dim")]
    return [*row, *fit_row(shown, room), (figures, "dim")]


def _silence(scene: Scene, item: Silence, width: int) -> Row:
    left = text.duration(max(0.0, (item.until_ns - scene.now.time_ns) / NS_PER_S)).strip()
    row: Row = [(scene.glyphs.health["asleep"], "mark"), gap(1), (f"{left:>7} left  ", "dim")]
    room = max(0, width - row_width(row))
    what = min(len(item.matchers), max(room * 2 // 3, room - len(item.reason) - len(item.by) - 5))
    row.append((outside(item.matchers, max(0, min(what, room)), scene.glyphs, middle=True), "text"))
    by = f"  {item.by}" if item.by else ""
    reason = f": {item.reason}" if item.reason else ""
    return [*row, (outside(f"{by}{reason}", max(0, room - what), scene.glyphs), "dim")]


def heading(scene: Scene, screen: AlertsScreen, width: int) -> Row:
    """What the columns are."""
    del scene
    if screen.tab == "alerts":
        state = f"{'state':<9} " if width >= _WORDED else ""
        row: Row = [(f"  {'severity':<8} {state}{'for':>7}  alert", "dim")]
        return fit_row(
            [*fit_row(row, width - _VALUE), (f"{'now':>{_VALUE}}", "dim")] if width >= _VALUED else row, width
        )
    if screen.tab == "rules":
        severity = f"{'severity':<8} " if width >= _WORDED else ""
        row = [(f"  {'state':<9} {severity}rule", "dim")]
        figures = f"{'alerts':>6} {'cost':>8}"
        return fit_row([*fit_row(row, width - 15), (figures, "dim")] if width >= _VALUED else row, width)
    return fit_row([("  how long      what is not told", "dim")], width)
