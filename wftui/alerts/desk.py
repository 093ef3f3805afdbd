"""Who is told of what: silences, inhibition, quiet hours and limits. States change whatever is decided here."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from wftui.alerts.rule import Quiet
from wftui.alerts.states import ENDED, ESCALATED, FIRED, RESOLVED, Alert
from wftui.clock import NS_PER_S, Instant
from wftui.model.alerts import FIRING

MOST: Final = 10
"""Notifications of all rules in a minute."""
_MINUTE_NS: Final = 60 * NS_PER_S
_KINDS: Final = frozenset({FIRED, ESCALATED, RESOLVED, ENDED})


def _local_minute(time_ns: int) -> int:
    local = time.localtime(time_ns // NS_PER_S)
    return local.tm_hour * 60 + local.tm_min


class Desk:
    """Decides of each change whether anybody is told."""

    def __init__(self, minute: Callable[[int], int] = _local_minute) -> None:
        """``minute``: of the day at a time (ns, UTC), where the person is."""
        self._minute = minute
        self._told: dict[str, int] = {}
        """Alert to the CLOCK_BOOTTIME of its last notification."""
        self._open: set[str] = set()
        """Alerts of whose firing somebody was told."""
        self._by_rule: dict[str, deque[int]] = {}
        self._all: deque[int] = deque()
        self.held = 0
        """Notifications that the limit of all rules held back."""

    def why_not(self, kind: str, alert: Alert, now: Instant, silence: str, inhibited: str) -> str:
        """Decide, and remember that it was told.

        Args:
            kind: What befell the alert.
            alert: As it is now.
            now: When.
            silence: Id of the silence that holds it; empty: none.
            inhibited: Key of the alert that inhibits it; empty: none.

        Returns:
            Why nobody is told; empty: they are.
        """
        if kind not in _KINDS:
            return "nobody is told of that"
        ends = kind in (RESOLVED, ENDED)
        if ends and alert.key not in self._open:
            return "nobody was told that it fired"
        if silence:
            return f"silenced by {silence}"
        if not ends:
            reason = self._held_back(kind, alert, now, inhibited)
            if reason:
                return reason
        while self._all and self._all[0] <= now.boottime_ns - _MINUTE_NS:
            self._all.popleft()
        if len(self._all) >= MOST:
            self.held += 1
            return f"{MOST} notifications within a minute already"
        self._all.append(now.boottime_ns)
        if ends:
            self._open.discard(alert.key)
        else:
            self._open.add(alert.key)
            self._told[alert.key] = now.boottime_ns
            if alert.rule.most is not None:
                self._by_rule.setdefault(alert.rule.id, deque()).append(now.boottime_ns)
        return ""

    def _held_back(self, kind: str, alert: Alert, now: Instant, inhibited: str) -> str:
        if inhibited:
            return f"inhibited by {inhibited}"
        if alert.severity != "critical" and any(self._within(item, now.time_ns) for item in alert.rule.quiet):
            return "quiet hours"
        last = self._told.get(alert.key)
        if kind == FIRED and last is not None and now.boottime_ns - last < alert.rule.cooldown_s * NS_PER_S:
            return f"told {(now.boottime_ns - last) / NS_PER_S:.0f} s ago"
        if alert.rule.most is not None:
            count, seconds = alert.rule.most
            told = self._by_rule.setdefault(alert.rule.id, deque())
            while told and told[0] <= now.boottime_ns - seconds * NS_PER_S:
                told.popleft()
            if len(told) >= count:
                return f"{count} notifications of this rule in {seconds:g} s already"
        return ""

    def _within(self, quiet: Quiet, time_ns: int) -> bool:
        minute = self._minute(time_ns)
        if quiet.start <= quiet.end:
            return quiet.start <= minute < quiet.end
        return minute >= quiet.start or minute < quiet.end

    def resume(self, key: str) -> None:
        """Somebody was told that it fired, before the start."""
        self._open.add(key)

    def forget(self, there: Iterable[str]) -> None:
        """Keep what is remembered of these alerts only; a cooldown of one that is gone does not matter."""
        keys = set(there)
        self._open &= keys
        self._told = {key: at for key, at in self._told.items() if key in keys}


def inhibitor(alert: Alert, others: Iterable[Alert]) -> str:
    """The key of a firing alert that inhibits this one; empty: none.

    Labels that both have are of the same values; two that have labels and none in common are of different things.
    """
    if not alert.rule.inhibited_by:
        return ""
    own = dict(alert.labels)
    for other in others:
        if other.state != FIRING or other is alert or other.rule.id not in alert.rule.inhibited_by:
            continue
        common = [(key, value) for key, value in other.labels if key in own]
        if (common or not own or not other.labels) and all(own[key] == value for key, value in common):
            return other.key
    return ""
