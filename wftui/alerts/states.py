"""One alert: the life of a rule over one label set. Durations are CLOCK_BOOTTIME, never the wall clock."""

from typing import Final

from wftui.alerts.judges import Judge
from wftui.alerts.rule import SEVERITIES, Rule, Severity
from wftui.alerts.signals import Labels
from wftui.clock import NS_PER_S, Instant
from wftui.model.alerts import FIRING, INACTIVE, OVER, PENDING
from wftui.model.series import escape

STALE_NS: Final = 300 * NS_PER_S
"""So long an alert fires on after it became unknown whether its condition holds."""
COUNTED_NS: Final = 3600 * NS_PER_S
"""Firings are counted over so long."""
OUTAGE_NS: Final = 600 * NS_PER_S
"""So long an outage may last, at most, for pending alerts to go on after it."""

FIRED: Final = "alert.fired"
RESOLVED: Final = "alert.resolved"
PENDED: Final = "alert.pending"
ESCALATED: Final = "alert.escalated"
ENDED: Final = "alert.over"


def key_of(rule: str, labels: Labels) -> str:
    """The name of an alert: ``rule.gpu-hot{gpu="…"}``."""
    inner = ",".join(f'{key}="{escape(value)}"' for key, value in labels)
    return f"{rule}{{{inner}}}" if inner else rule


class Alert:
    """States and times; who may be told of it is decided elsewhere."""

    def __init__(self, rule: Rule, labels: Labels, judge: Judge) -> None:
        self.rule = rule
        self.labels = labels
        self.judge = judge
        self.key: Final = key_of(rule.id, labels)
        self.state = INACTIVE
        self.since: Instant | None = None
        """When it came into its state; None: it has always been inactive."""
        self.severity: Severity = rule.severity
        """Of the rule, or what it was escalated to."""
        self.why = ""
        """Why it is not known whether the condition holds; empty when it is."""
        self.fired_value = self.worst = float("nan")
        self.fired: list[int] = []
        """CLOCK_BOOTTIME of its firings within the last hour."""
        self.event = ""
        """event_id of its firing."""
        self.acknowledged: tuple[str, str, int] | None = None
        """(who, note, when in ns UTC)."""
        self.reason = ""
        """Why it was resolved: of the last change."""
        self.forgotten = False
        """Somebody resolved it while nothing of it was there: it is not looked at until something is."""
        self._held_ns = 0
        """CLOCK_BOOTTIME when the condition held last."""
        self._known_ns = self._seen_ns = 0
        """When it was known last, and when it was looked at last."""
        self._began_ns: int | None = None
        """Since when it holds again while it is over."""
        self._blind: tuple[int, int] | None = None
        """CLOCK_BOOTTIME, after a start while it was pending: up to when the time does not count, because nothing
        was known, and when it begins anew instead. None: it is known."""

    @property
    def active(self) -> bool:
        """Whether it is shown: pending, firing, or over and waiting for a person."""
        return self.state != INACTIVE

    def second(self, answer: bool | None, now: Instant, *, follows: bool) -> str:
        """Take the condition's answer in.

        Args:
            answer: Whether it holds; None: not known.
            now: The end of the second.
            follows: Whether the second before was looked at, too; a condition does not hold across a gap.

        Returns:
            What happened, a type of event; empty: nothing.
        """
        at_ns = self._seen_ns = now.boottime_ns
        if answer is not None or not follows:  # a time in which nobody looked is no time without an answer
            self._known_ns = at_ns
        if answer:
            self._held_ns = at_ns
        if self.state in (INACTIVE, PENDING):
            return self._waiting(answer, now, follows)
        if self.state == OVER:
            return self._again(answer, now, follows)
        if answer:
            if self._farther():
                self.worst = self.judge.value
            return self._escalate(now)
        if answer is None:
            if at_ns - self._known_ns < max(STALE_NS, self.rule.keep_firing_s * NS_PER_S):
                return ""
            return self._end(now, f"not known any more: {self.why}" if self.why else "not known any more")
        if at_ns - self._held_ns < self.rule.keep_firing_s * NS_PER_S:
            return ""
        return self._end(now, "")

    def _waiting(self, answer: bool | None, now: Instant, follows: bool) -> str:
        if self._blind is not None:
            if self._still_blind(answer, now):
                return ""
            follows = True  # the outage was taken off when it was resumed
        if not answer:
            if self.state == PENDING:
                self._enter(INACTIVE, now)
            return ""
        if self.state == INACTIVE or not follows:
            if self.rule.for_s <= 0:
                return self._fire(now)
            began = self.state == INACTIVE
            self._enter(PENDING, now)
            return PENDED if began else ""
        assert self.since is not None  # noqa: S101  it is pending since then
        if now.boottime_ns - self.since.boottime_ns >= self.rule.for_s * NS_PER_S:
            return self._fire(now)
        return ""

    def _still_blind(self, answer: bool | None, now: Instant) -> bool:
        """After a start: whether it is to be known yet; the time without an answer is no time in which it held."""
        assert self._blind is not None and self.since is not None  # noqa: S101, PT018  it was resumed
        known_ns, limit_ns = self._blind
        if answer is not None or now.boottime_ns >= limit_ns:
            self._blind = None
            return False
        passed_ns = max(0, now.boottime_ns - known_ns)
        self.since = Instant(self.since.time_ns + passed_ns, self.since.boottime_ns + passed_ns)
        self._blind = max(known_ns, now.boottime_ns), limit_ns
        return True

    def _again(self, answer: bool | None, now: Instant, follows: bool) -> str:
        """Of one that is over and waits for a person: it fires again when it held for ``for`` once more."""
        if not answer:
            self._began_ns = None
            return ""
        if self._began_ns is None or not follows:
            self._began_ns = now.boottime_ns
        if now.boottime_ns - self._began_ns < self.rule.for_s * NS_PER_S:
            return ""
        return self._fire(now)

    def _fire(self, now: Instant) -> str:
        self._enter(FIRING, now)
        self.fired_value = self.worst = self.judge.value
        self.acknowledged = None
        self.severity = self.rule.severity
        self.event = ""
        self.fired.append(now.boottime_ns)
        while self.fired[0] < now.boottime_ns - COUNTED_NS:
            del self.fired[0]
        self._escalate(now)  # by its count: it fires with the severity that it has by then
        return FIRED

    def _escalate(self, now: Instant) -> str:
        if not self.rule.escalations or self.since is None:
            return ""
        firing_s = (now.boottime_ns - self.since.boottime_ns) / NS_PER_S
        before = SEVERITIES.index(self.severity)
        for item in self.rule.escalations:
            counted = item.after_count is not None and len(self.fired) >= item.after_count
            lasting = item.after_s is not None and firing_s >= item.after_s
            if (counted or lasting) and SEVERITIES.index(item.to) > SEVERITIES.index(self.severity):
                self.severity = item.to
        return ESCALATED if SEVERITIES.index(self.severity) > before else ""

    def _farther(self) -> bool:
        """Whether the value is farther beyond the threshold than any since it fired."""
        value, limit = self.judge.value, self.judge.threshold
        return value == value and abs(value - limit) > abs(self.worst - limit)

    def _end(self, now: Instant, reason: str) -> str:
        self.reason = reason
        if self.rule.manual:
            self._enter(OVER, now)
            return ENDED
        self._enter(INACTIVE, now)
        return RESOLVED

    def resume(self, state: str, since: Instant, held_ns: int, now: Instant, event: str) -> None:
        """Go on where it was before the start: firing, or over.

        Args:
            state: ``FIRING`` or ``OVER``.
            since: When it came into it.
            held_ns: CLOCK_BOOTTIME when its condition held last: ``keep_firing_for`` counts from there.
            now: From when on it is looked at again.
            event: event_id of its firing.
        """
        self.state, self.since, self.event = state, since, event
        self._held_ns, self._known_ns = held_ns, now.boottime_ns
        if now.boottime_ns - since.boottime_ns < COUNTED_NS:
            self.fired.append(since.boottime_ns)

    def resume_pending(self, pended_ns: int, down_ns: int, now: Instant) -> bool:
        """Go on pending where that was broken off; the outage itself does not count, for nobody looked.

        Args:
            pended_ns: How long it had been pending.
            down_ns: How long nobody looked.
            now: From when on it is looked at again; until its windows know something it stays as it is.

        Returns:
            Whether it does: the outage, with what is still unknown after it, must not last longer than ``for``,
            nor longer than ``OUTAGE_NS``. What was pending before a longer one begins anew.
        """
        left_ns = min(OUTAGE_NS, round(self.rule.for_s * NS_PER_S)) - down_ns
        if left_ns <= 0:
            return False
        self.state = PENDING
        self.since = Instant(now.time_ns - pended_ns, now.boottime_ns - pended_ns)
        self._known_ns = now.boottime_ns
        self._blind = now.boottime_ns, now.boottime_ns + left_ns
        return True

    @property
    def ceased_ns(self) -> int | None:
        """CLOCK_BOOTTIME when its condition was seen to hold last, while it fires without; None: it does not."""
        return self._held_ns if self.state == FIRING and self._held_ns < self._seen_ns else None

    def give_up(self, now: Instant, reason: str) -> str:
        """It fires, and nobody will know any more whether it holds; returns what happened, a type of event."""
        return self._end(now, reason)

    def resolve(self, now: Instant, reason: str) -> bool:
        """Resolve it by hand; False: it does not fire. While its condition holds it fires again after ``for``."""
        if self.state not in (FIRING, OVER):
            return False
        self.reason = reason
        self._enter(INACTIVE, now)
        return True

    def _enter(self, state: str, now: Instant) -> None:
        self.state, self.since, self._began_ns, self._blind = state, now, None, None
