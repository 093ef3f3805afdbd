"""Events about alerts and silences in words, for lists of events and for who listens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wftui.render import text
from wftui.tui.alerts_screen import seen
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from wftui.model.event import Event
    from wftui.tui.state import State

ALERT: Final = "alert"
ACTION: Final = "alert.action"
SILENCE: Final = "silence"
_NAMES: Final = ("alert", "rule")
"""Matchers whose values speak for themselves."""
_BEGINS: Final = ("alert.fired", "alert.escalated")
_CLAIMED: Final = ("alert.acknowledged", "silence.set", "silence.ended")


def role(event: Event) -> str:
    """How much it matters: what fires by its severity, what a person did as a mark."""
    if event.type in _BEGINS:
        found = event.payload.get("severity")
        return seen.ROLES.get(found, "warn") if isinstance(found, str) and event.payload.get("told") else "text"
    return "mark" if event.type in _CLAIMED else "text"


def about(state: State, event: Event) -> str:
    """Of which thing: ``GPU 3``; without labels the rule's name. Not cleaned."""
    labels = _labels(event)
    return seen.things(state, labels) or str(event.payload.get("name") or event.payload.get("rule") or "")


def said(event: Event) -> str:
    """What befell it, in a sentence. Not cleaned."""
    payload = event.payload
    if event.aggregate_type == SILENCE:
        return _silence(payload)
    name = str(payload.get("name") or payload.get("rule") or event.aggregate_id)
    message = str(payload.get("message") or "")
    words = f"{name}: {message}" if message and message != name else name
    if event.type in _BEGINS:
        why_not = payload.get("why_not")
        return f"{words} (nobody told: {why_not})" if why_not else words
    parts = [
        carried_out(event),
        f"by {payload['by']}" if payload.get("by") else "",
        str(payload.get("note") or payload.get("reason") or ""),
    ]
    tail = ", ".join(part for part in parts if part)
    return f"{name}: {tail}" if tail else name


def carried_out(event: Event) -> str:
    """Which action it was, and of what: the file of a bundle, a program, where a webhook goes; else empty."""
    if event.type != ACTION:
        return ""
    payload = event.payload
    what = payload.get("file") or payload.get("program") or payload.get("target") or ""
    done = "" if payload.get("done") else " not done"
    return f"{payload.get('action', '')}{done} {what}".rstrip()


def _silence(payload: dict[str, Any]) -> str:  # Any: JSON values
    """What is not told, until when, who said so and why."""
    found = payload.get("matchers")
    whom = found if isinstance(found, dict) else {}
    # The name of one alert says it all; others are typed as key=value.
    parts = [", ".join(str(value) if key in _NAMES else f"{key}={value}" for key, value in whom.items())]
    until = payload.get("until_ns")
    if isinstance(until, int | float):
        parts.append(f"until {text.clock(until / NS_PER_S)[:5]}")
    parts += [f"by {payload['by']}" if payload.get("by") else "", str(payload.get("reason") or "")]
    return ", ".join(part for part in parts if part)


def _labels(event: Event) -> dict[str, str]:
    labels = event.payload.get("labels")
    return {str(key): str(value) for key, value in labels.items()} if isinstance(labels, dict) else {}
