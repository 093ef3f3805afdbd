"""What is done when somebody is to be told of an alert."""

from wftui import log
from wftui.alerts.engine import Change
from wftui.alerts.words import message_text
from wftui.recorder.emitter import Emit


class Actions:
    """Carries actions out. What views show comes to them as events."""

    def __init__(self, emit: Emit) -> None:
        """``emit``: tells what became of an action."""
        self._emit = emit

    def carry_out(self, change: Change, event_id: str) -> None:
        """Write it into the log; ``event_id``: of the change's event."""
        alert = change.alert
        log.info(
            "alert", f"{change.kind} {alert.key}: {message_text(alert)}", severity=alert.severity, event=event_id
        )
