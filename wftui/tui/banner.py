"""A firing alert that somebody is to be told of: one line on every screen for a few seconds, or until Escape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wftui.render import text
from wftui.tui.alerts_screen import seen
from wftui.tui.frame import Row, fit_row, outside, plain, row_width
from wftui.tui.scene import gap
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from wftui.model.event import Event
    from wftui.tui.scene import Scene
    from wftui.tui.state import State

SHOWN_S: Final = 8.0
"""How long a line stays where its rule does not say it."""
_LONGEST_S: Final = 60.0
_BEGINS: Final = ("alert.fired", "alert.escalated")
_ENDS: Final = ("alert.resolved", "alert.acknowledged", "alert.over")
_TOAST: Final = "notify.toast"
_RINGING: Final = frozenset({_TOAST, "notify.sound", "notify.terminal", "notify.desktop"})
_CLOCK: Final = 60
"""Columns from which on the clock stays beside it."""


class _Line(NamedTuple):
    event: Event
    until_ns: int
    """CLOCK_BOOTTIME."""


class Banner:
    """Those that are shown now; several that fire together share the line."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}
        """By the key of the alert."""

    def hear(self, event: Event, now_ns: int) -> bool:
        """An event of the feed, now (CLOCK_BOOTTIME, ns); whether a line is shown because of it."""
        if event.type in _ENDS:
            self._lines.pop(event.aggregate_id, None)
        toast = _shows(event).get(_TOAST) if event.type in _BEGINS else None
        if toast is None:
            return False
        wanted = toast.get("duration_s")
        seconds = min(_LONGEST_S, float(wanted)) if isinstance(wanted, int | float) and wanted > 0 else SHOWN_S
        self._lines[event.aggregate_id] = _Line(event, now_ns + int(seconds * NS_PER_S))
        return True

    def shown(self, now_ns: int) -> list[Event]:
        """The worst first, of equal ones the newest; what was shown long enough goes."""
        self._lines = {key: line for key, line in self._lines.items() if now_ns < line.until_ns}
        return sorted(
            (line.event for line in self._lines.values()), key=lambda item: (_rank(item), -item.time_ns, -item.seq)
        )

    def dismiss(self, now_ns: int) -> bool:
        """Escape: away with it. False when nothing is shown."""
        there = bool(self.shown(now_ns))
        self._lines.clear()
        return there


def _shows(event: Event) -> dict[str, dict[str, Any]]:  # Any: JSON values
    """How views are to show an alert, by the type of its action; nothing when nobody is to be told."""
    found = event.payload.get("show")
    if event.payload.get("told") is not True or not isinstance(found, list):
        return {}
    return {str(item.get("type")): item for item in found if isinstance(item, dict)}


def rings(event: Event) -> bool:
    """Whether the terminal is told of it, where that was chosen."""
    return event.type in _BEGINS and not _RINGING.isdisjoint(_shows(event))


def severity(event: Event) -> str:
    """Of an event about an alert; ``warning`` where it says none that is known."""
    told = event.payload.get("severity")
    return told if isinstance(told, str) and told in seen.ROLES else "warning"


def _rank(event: Event) -> int:
    return seen.SEVERITIES.index(severity(event))


def words(state: State, event: Event) -> str:
    """What an event about an alert says, not cleaned: its name and message, things by their names."""
    payload = event.payload
    labels = payload.get("labels")
    known = {str(key): str(value) for key, value in labels.items()} if isinstance(labels, dict) else {}
    name = str(payload.get("name") or payload.get("rule") or "")
    message = str(_shows(event).get(_TOAST, {}).get("message") or payload.get("message") or "")
    things = seen.things(state, known)
    if not message or message == name:
        return f"{name}  {things}".rstrip()
    return f"{name}: {seen.renamed(state, known, message)}"


def line(scene: Scene, found: list[Event], width: int) -> Row:
    """The whole top line while alerts are told: the worst one, how many others, the clock."""
    glyphs = scene.glyphs
    event = found[0]
    role = f"banner.{seen.ROLES[severity(event)]}"
    left = f" {glyphs.alert} {severity(event).upper()}  "
    more = f"  +{len(found) - 1} more" if len(found) > 1 else ""
    keys = f"{more}  A shows, Esc " if width >= _CLOCK else f"{more} "
    right: Row = [gap(1), (text.clock(scene.now.time_ns / NS_PER_S), "strong"), gap(1)] if width >= _CLOCK else []
    room = width - len(left) - len(keys) - row_width(right)
    said = outside(plain(words(scene.state, event), glyphs), max(0, room), glyphs)
    return fit_row([(left + said + keys, role), *right], width, role)
