"""What of an alert's actions goes into its event: advice, and how views are to show it."""

from typing import Any, Final

from wftui.alerts.rule import Action
from wftui.alerts.states import Alert
from wftui.alerts.words import message_text

SHOWN: Final = frozenset({"notify.toast", "notify.sound", "notify.dashboard", "notify.terminal", "notify.desktop"})
ADVICE: Final = frozenset({"suggest.mitigation", "suggest.diagnostic"})
_MOST: Final = 8
_STEPS: Final = 20
"""An event is stored and told to everybody: a rule may be longer than it should be."""
_DEFAULT: Final = (Action("notify.toast"), Action("notify.dashboard"))
"""Of a rule without actions."""


def shown(alert: Alert) -> dict[str, Any]:  # Any: JSON values
    """``show`` and ``suggestions`` of the event's payload: lists of actions, each without its empty fields."""
    actions = alert.rule.actions or _DEFAULT
    found: dict[str, Any] = {}  # Any: JSON values
    if show := [_show(alert, item) for item in actions if item.type in SHOWN]:
        found["show"] = show[:_MOST]
    if advice := [_advice(alert, item) for item in actions if item.type in ADVICE]:
        found["suggestions"] = advice[:_MOST]
    return found


def _show(alert: Alert, item: Action) -> dict[str, Any]:  # Any: JSON values
    said = {
        "type": item.type,
        "message": message_text(alert, item.message) if item.message else "",
        "level": item.level,
        "duration_s": item.duration_s,
        "panel": item.panel,
        "sound": item.sound,
        "volume": item.volume,
    }
    return {key: value for key, value in said.items() if value not in ("", None)}


def _advice(alert: Alert, item: Action) -> dict[str, Any]:  # Any: JSON values
    said = {
        "type": item.type,
        "message": message_text(alert, item.message) if item.message else "",
        "details": item.details,
        "actions": list(item.suggestions[:_STEPS]),
    }
    return {key: value for key, value in said.items() if value}
