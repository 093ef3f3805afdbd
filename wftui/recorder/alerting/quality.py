"""wftop's own quality: alerts that fire lower it, calm brings it back, a person has the last word.

The level follows the alerts' states and not what was told of them: no limit of notifications leaves it lowered.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from wftui import log
from wftui.alerts.rule import Severity
from wftui.alerts.states import Alert
from wftui.clock import NS_PER_S, Instant
from wftui.errors import ProtocolError
from wftui.model.alerts import FIRING, SOURCE
from wftui.model.quality import (
    BY,
    CHANGES,
    CHOSEN,
    EVERYTHING,
    KEY,
    LEAST,
    LEVEL,
    QUALITY,
    RULE,
    SINCE,
    STILL,
    UNTIL,
)
from wftui.model.sample import Sample, column
from wftui.model.table import Cell, Row, TableSnapshot
from wftui.recorder.emitter import Emit
from wftui.wire import messages as m

EVENT: Final = "quality.changed"
ACTION: Final = "signal.performance"
BY_SEVERITY: Final[Mapping[Severity, int]] = {"info": 4, "warning": 3, "error": 2, "critical": 1}
"""What the action asks for in a rule that has no ``adaptation``."""
MOST: Final = 10
"""Changes by alerts within an hour; further ones wait."""
CALM_S: Final = 60.0
"""So long nobody has to ask for less before it rises by one."""
TABLE_NS: Final = 10 * NS_PER_S
MAX_NS: Final = 366 * 86_400 * NS_PER_S
"""A person's choice holds at most so long, unless until it is ended."""
_HOUR_NS: Final = 3600 * NS_PER_S


class Quality:
    """Of one recorder."""

    def __init__(
        self,
        emit: Emit,
        publish: Callable[[TableSnapshot, Instant, str], None],
        apply: Callable[[int], None],
        *,
        adapt: bool = True,
    ) -> None:
        """
        Args:
            emit: Makes events.
            publish: Tells and stores a table: snapshot, when, whose.
            apply: The recorder's own part; given each level that is another than before.
            adapt: Whether alerts may lower it (``alerts.adapt``).
        """
        self.level = EVERYTHING
        self.held = 0
        """Changes that had to wait for the hour's end, of this session."""
        self._emit = emit
        self._publish = publish
        self._apply = apply
        self._adapt = adapt
        self._wanted, self._asking = EVERYTHING, ""
        """The lowest level that is asked for, and the first alert that does."""
        self._rule = ""
        self._reason = ""
        self._since_ns = 0
        self._chosen: int | None = None
        self._by = ""
        self._until_ns: int | None = None
        self._changes: deque[int] = deque()
        """CLOCK_BOOTTIME of the changes by alerts within the last hour."""
        self._calm_ns: int | None = None
        """CLOCK_BOOTTIME since when nobody asks for less than there is."""
        self._waits = False
        self._told: Row | None = None
        self._told_ns = 0
        self._level = column(SOURCE, "wftop.quality.level", call="the alerts' wish, or a person's")
        self._held = column(SOURCE, "wftop.quality.held_back", call="changes over the limit")

    def restore(self, row: Row | None, now: Instant) -> None:
        """Go on where the session before ended; ``row``: None when it told nothing."""
        level = _whole(row[LEVEL]) if row is not None else None
        if row is None or level is None or not LEAST <= level <= EVERYTHING:
            return
        chosen = _whole(row[CHOSEN])
        if chosen is None and not self._adapt:
            return  # switched off meanwhile
        self._since_ns = _whole(row[SINCE]) or now.time_ns
        # When each of them was is not known: as late as can be, so that a restart allows no more than none does.
        ago_ns = max(0, now.time_ns - self._since_ns)
        if ago_ns < _HOUR_NS:
            self._changes.extend([now.boottime_ns - ago_ns] * min(MOST, _whole(row[CHANGES]) or 0))
        self._rule = str(row[RULE])
        if chosen is not None and LEAST <= chosen <= EVERYTHING:
            self._chosen, self._by, self._until_ns = chosen, str(row[BY]), _whole(row[UNTIL])
        self._reason = "as before the recorder started"
        self._go(level)

    # ---- each second

    def second(self, alerts: Iterable[Alert], silenced: Callable[[Alert], bool], at: Instant) -> list[Sample]:
        """Look at the alerts of a second that was closed; returns what it tells of itself.

        Args:
            alerts: All that are active.
            silenced: Whether nobody is to hear of one: it asks for nothing then.
            at: The end of the second.
        """
        self._since_ns = self._since_ns or at.time_ns
        self._wanted, self._asking = self._ask(alerts, silenced)
        if self._chosen is not None and self._until_ns is not None and at.time_ns >= self._until_ns:
            self._release("the time of the choice is over", at, {})
        if self._chosen is None:
            self._follow(at)
        self._tell(at)
        return [Sample(self._level, self.level), Sample(self._held, self.held)]

    def _ask(self, alerts: Iterable[Alert], silenced: Callable[[Alert], bool]) -> tuple[int, str]:
        found = [
            (level, alert.key)
            for alert in alerts
            if self._adapt and alert.state == FIRING and (level := wanted(alert)) < EVERYTHING
            if not silenced(alert)
        ]
        return min(found, default=(EVERYTHING, ""))

    def _follow(self, at: Instant) -> None:
        asking = self._asking
        if self._wanted > self.level:
            if self._calm_ns is None:
                self._calm_ns = at.boottime_ns
            calm_ns = at.boottime_ns - self._calm_ns
            if calm_ns >= CALM_S * NS_PER_S and self._may_change(at):
                self._calm_ns = at.boottime_ns
                less = f"asked for less than {self.level + 1}"
                self._change(self.level + 1, asking, f"for {CALM_S:g} s nobody {less}", at)
            return
        self._calm_ns = None
        if self._wanted == self.level:
            self._waits = False
            self._rule = asking
        elif self._may_change(at):
            self._change(self._wanted, asking, f"{asking} fires", at)

    def _may_change(self, at: Instant) -> bool:
        while self._changes and self._changes[0] <= at.boottime_ns - _HOUR_NS:
            self._changes.popleft()
        if len(self._changes) < MOST:
            self._waits = False
            self._changes.append(at.boottime_ns)
            return True
        if not self._waits:
            self._waits = True
            self.held += 1
            log.info("quality", f"a change waits: there were {MOST} within the hour", wanted=self._wanted)
        return False

    # ---- what a person wants

    def choose(self, order: m.SetQuality, at: Instant) -> None:
        """Hold a level whatever the alerts ask for, or leave it to them again.

        Raises:
            ProtocolError: The level or the time is none.
        """
        if order.level is None:
            if self._chosen is None:
                raise ProtocolError("quality: no choice of a person holds; the alerts decide already")
            self._release("left to the alerts", at, {"by": order.by} if order.by else {})
        else:
            if not LEAST <= order.level <= EVERYTHING:
                raise ProtocolError(f"quality: expected a level from 1 to 5, got {order.level}")
            if not 0 <= order.duration_ns <= MAX_NS:
                raise ProtocolError("quality: expected at most a year; 0 is until it is left to the alerts")
            self._chosen, self._by = order.level, order.by
            self._until_ns = at.time_ns + order.duration_ns if order.duration_ns else None
            self._calm_ns, self._waits = None, False
            more = {"by": order.by, "until_ns": self._until_ns}
            more = {key: value for key, value in more.items() if value}
            self._change(order.level, "", "chosen", at, more)
        self._tell(at)

    def _release(self, reason: str, at: Instant, more: dict[str, Any]) -> None:  # Any: JSON values
        """What the alerts ask for holds at once: to wait for calm would be to keep what nobody wants."""
        self._chosen, self._by, self._until_ns = None, "", None
        self._change(self._wanted, self._asking, reason, at, more)

    # ---- what becomes of it

    def _change(
        self,
        level: int,
        rule: str,
        reason: str,
        at: Instant,
        more: Mapping[str, Any] | None = None,  # Any: as above
    ) -> None:
        before = self.level
        self._rule, self._reason = rule, reason
        if level != before:
            self._since_ns = at.time_ns
        payload = {"before": before, "after": level, "rule": rule, "reason": reason, **(more or {})}
        self._emit(EVENT, ("quality", KEY), payload)
        log.info("quality", f"{before} to {level}: {reason}", rule=rule)
        self._go(level)

    def _go(self, level: int) -> None:
        if level != self.level:
            self.level = level
            self._apply(level)

    def _tell(self, at: Instant) -> None:
        row = self._row(at)
        if row != self._told or at.boottime_ns >= self._told_ns + TABLE_NS:
            self._told, self._told_ns = row, at.boottime_ns
            self._publish(TableSnapshot(QUALITY, at.time_ns, {KEY: row}), at, SOURCE)

    def _row(self, at: Instant) -> Row:
        waits = f"waits: {MOST} changes within an hour" if self._waits else ""
        within = sum(when > at.boottime_ns - _HOUR_NS for when in self._changes)
        return (
            self.level,
            self._wanted,
            self._rule,
            waits or self._reason,
            self._since_ns,
            self._chosen,
            self._by,
            self._until_ns,
            within,
        )


def closest_hz(level: int) -> float:
    """How often a source is asked at most that somebody looks at closely."""
    return math.inf if level > STILL else 2.0 if level == STILL else 1.0


def slower(level: int) -> float:
    """By what the intervals of sources that are read seldom are longer."""
    return 2.0 if level <= LEAST else 1.0


def wanted(alert: Alert) -> int:
    """The level that an alert asks for while it fires; 5: none."""
    rule = alert.rule
    if rule.adaptation is not None:
        return rule.adaptation
    asks = any(item.type == ACTION for item in rule.actions)
    return BY_SEVERITY[alert.severity] if asks else EVERYTHING


def _whole(cell: Cell) -> int | None:
    return int(cell) if isinstance(cell, int | float) and cell == cell else None
