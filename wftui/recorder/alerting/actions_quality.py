"""How much wftop itself shall hold back: the highest level that a firing alert asks for."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from wftui.alerts.rule import Severity
from wftui.alerts.states import Alert
from wftui.model.alerts import FIRING
from wftui.recorder.emitter import Emit

EVENT: Final = "quality.wanted"
ACTION: Final = "signal.performance"
LEVELS: Final[Mapping[Severity, int]] = {"info": 1, "warning": 2, "error": 3, "critical": 4}
"""What the action means in a rule that has no ``adaptation``. 1 gives up least, 5 most; 0: nothing is asked."""
_NAMED: Final = 10


class Quality:
    """The level follows the states, not what was told of them: no limit of notifications leaves it lowered."""

    def __init__(self, emit: Emit) -> None:
        self.level = 0
        self._emit = emit

    def second(self, alerts: Iterable[Alert], silenced: Callable[[Alert], bool]) -> None:
        """Tell by an event when another level is asked for; ``alerts``: the active ones."""
        asking = [
            (level, alert.key)
            for alert in alerts
            if alert.state == FIRING and (level := wanted(alert)) and not silenced(alert)
        ]
        level = max((level for level, _ in asking), default=0)
        if level == self.level:
            return
        payload = {
            "level": level,
            "before": self.level,
            "alerts": [key for own, key in asking if own == level][:_NAMED],
        }
        self.level = level
        self._emit(EVENT, ("quality", "wanted"), payload)


def wanted(alert: Alert) -> int:
    """The level that an alert asks for while it fires; 0: none."""
    rule = alert.rule
    if rule.adaptation is not None:
        return rule.adaptation
    return LEVELS[alert.severity] if any(item.type == ACTION for item in rule.actions) else 0
