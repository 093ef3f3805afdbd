"""What fires, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.render import text
from wftui.tui.alerts_screen import seen
from wftui.tui.alerts_screen.model import AlertsScreen
from wftui.tui.plain import speech
from wftui.units import NS_PER_S, quantity

if TYPE_CHECKING:
    from wftui.model.event import Event
    from wftui.tui.alerts_screen.seen import Alert
    from wftui.tui.state import State

_STATES: Final = {
    seen.FIRING: "fires",
    seen.ACKED: "fires, acknowledged",
    seen.SILENCED: "fires, silenced",
    seen.INHIBITED: "fires, held back by another one",
    seen.PENDING: "may fire soon",
    seen.OVER: "is over and waits to be resolved",
}


def count(state: State) -> str:
    """How many fire, the worst first, without a full stop: ``2 alerts wait: 1 critical, 1 warning``."""
    waiting = [item for item in seen.alerts(state) if item.loud]
    if not waiting:
        return "No alert waits"
    each = [(sum(item.severity == name for item in waiting), name) for name in seen.SEVERITIES]
    said = speech.listed([f"{number} {name}" for number, name in each if number])
    return f"{len(waiting)} alert{'s wait' if len(waiting) > 1 else ' waits'} for somebody: {said}"


def sentence(state: State, item: Alert) -> str:
    """One alert."""
    things = seen.things(state, item.labels)
    name = speech.spoken(f"{item.name} {things}".strip(), 120)
    parts = [f"{item.severity}: {name} {_STATES.get(item.status, item.status)}"]
    if item.since_ns and state.tick is not None:
        age_s = max(0.0, state.tick.time_s + 1 - item.since_ns / NS_PER_S)
        parts.append(f"for {speech.spoken(text.duration(age_s))}")
    if item.value == item.value:
        limit = f", limit {quantity(item.threshold, item.unit)}" if item.threshold == item.threshold else ""
        parts.append(speech.spoken(f"now {quantity(item.value, item.unit)}{limit}"))
    return f"{', '.join(parts)}."


def answer(state: State, most: int) -> list[str]:
    """The word ``alerts``: how many, then each of them."""
    found = [item for item in AlertsScreen().listed(state) if isinstance(item, seen.Alert)]
    if not found:
        rules = seen.rules(state)
        watching = sum(bool(item.instances) for item in rules.values())
        return [f"No alert fires; {watching} of {len(rules)} rules have something to look at."]
    lines = [f"{count(state)}.", *(sentence(state, item) for item in found[:most])]
    if len(found) > most:
        lines.append(f"{len(found) - most} more; alerts {len(found)} tells all.")
    return lines


def told(state: State, event: Event) -> str:
    """An alert that fired, without a full stop."""
    from wftui.tui import banner  # here: on a good day nothing fires

    return f"alert fired, {banner.severity(event)}: {speech.spoken(banner.words(state, event), 300)}"
