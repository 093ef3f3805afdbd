"""Rules over seconds that were recorded: when each would have fired. The engine is the one of the recorder."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from wftui.alerts.engine import Engine
from wftui.alerts.judges import Texts
from wftui.alerts.rule import Absent, Anomaly, Baseline, Forecast, Rule, Text, Threshold, leaves
from wftui.alerts.states import ENDED, ESCALATED, FIRED, RESOLVED, Alert
from wftui.clock import NS_PER_S, Instant
from wftui.model.tick import Layout, Tick

NO_SERIES: Final = "no series that it looks at is there"


class Firing(msgspec.Struct):
    """One alert, from its firing to its end."""

    alert: str
    labels: dict[str, str]
    severity: str
    fired_ns: int
    """UTC."""
    value: float
    """At that moment; NaN: unknown."""
    threshold: float
    unit: str
    worst: float
    """The farthest beyond the threshold until the end."""
    ended_ns: int | None = None
    """None: it still fires when the replay ends."""


class Outcome(msgspec.Struct):
    """What became of a rule."""

    rule: Rule
    firings: list[Firing] = []
    seconds: int = 0
    """That were looked at."""
    firing_s: int = 0
    """Of them those in which at least one of its alerts fired."""
    unknown: dict[str, int] = {}
    """Why nothing was known of any of its alerts, to how many seconds."""


class Findings:
    """What became of rules, from the changes of their alerts."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.outcomes: Mapping[str, Outcome] = {rule.id: Outcome(rule) for rule in rules}
        self.open: dict[str, Firing] = {}
        """Those that fire, by the alerts' keys."""

    def change(self, kind: str, alert: Alert, time_ns: int) -> Firing | None:
        """Note a change; returns the firing that began with it."""
        if kind == FIRED:
            judge = alert.judge
            found = Firing(
                alert.key, dict(alert.labels), alert.severity, time_ns,
                judge.value, judge.threshold, judge.unit, judge.value,
            )  # fmt: skip
            self.open[alert.key] = found
            return found
        if kind in (RESOLVED, ENDED) and alert.key in self.open:
            found = self.open.pop(alert.key)
            found.ended_ns, found.worst = time_ns, alert.worst
        elif kind == ESCALATED and alert.key in self.open:
            self.open[alert.key].severity = alert.severity
        return None


class Replay:
    """Seconds in, outcomes out; memory is that of the engine, and the firings."""

    def __init__(self, rules: Iterable[Rule], texts: Texts = lambda _: ()) -> None:
        """
        Args:
            rules: All of them, also those that are off.
            texts: Of a text signal at the second that is looked at.
        """
        on = [msgspec.structs.replace(rule, enabled=True) for rule in rules]
        self.engine = Engine(texts)
        self.engine.use(on, Instant(0, 0))
        self._findings = Findings(on)
        self.outcomes = self._findings.outcomes
        self._steady_ns = 0
        self._last: Tick | None = None

    def warm(self, tick: Tick, layout: Layout) -> None:
        """A second before the first that counts: it fills windows."""
        self._advance(tick)
        self.engine.past(tick, layout, {})

    def second(self, tick: Tick, layout: Layout) -> None:
        """Look at a second."""
        self._advance(tick)
        time_ns = (tick.time_s + 1) * NS_PER_S
        for kind, alert in self.engine.second(tick, layout, {}, Instant(time_ns, self._steady_ns)):
            found = self._findings.change(kind, alert, time_ns)
            if found is not None:
                self.outcomes[alert.rule.id].firings.append(found)
        self._count()

    def _count(self) -> None:
        for name, running in self.engine.running.items():
            outcome = self.outcomes[name]
            outcome.seconds += 1
            why = NO_SERIES
            for alert in running.alerts.values():
                why = alert.why.partition(",")[0]
                if not why:
                    break
            if why:
                outcome.unknown[why] = outcome.unknown.get(why, 0) + 1
        for name in {found.alert.partition("{")[0] for found in self._findings.open.values()}:
            self.outcomes[name].firing_s += 1

    def finish(self) -> None:
        """The last second was looked at: what fires still is brought up to date."""
        for key, found in self._findings.open.items():
            alert = self.engine.find(key)
            if alert is not None:
                found.worst = alert.worst

    def _advance(self, tick: Tick) -> None:
        """Durations go on over the recorder's restarts and the machine's: there only the wall clock tells."""
        last, self._last = self._last, tick
        if last is None:
            self._steady_ns = tick.boottime_ns
        elif tick.boot == last.boot and tick.boottime_ns > last.boottime_ns:
            self._steady_ns += tick.boottime_ns - last.boottime_ns
        else:
            self._steady_ns += max(1, tick.time_s - last.time_s) * NS_PER_S


def longest_window_s(rules: Iterable[Rule]) -> int:
    """Seconds before the first one that must be read so that every window is full."""
    found = [0]
    for rule in rules:
        for leaf in leaves(rule.condition):
            if isinstance(leaf, Threshold | Baseline | Anomaly | Forecast):
                usual = isinstance(leaf, Forecast)  # its window is what is usual, which is asked for
                found.append(0 if usual else leaf.query.window_s)
            if isinstance(leaf, Threshold) and leaf.often is not None:
                found.append(leaf.often[1])
    return max(found)


def text_signals(rules: Iterable[Rule]) -> set[str]:
    """Names of the texts that they compare."""
    return {leaf.signal for rule in rules for leaf in leaves(rule.condition) if isinstance(leaf, Text)}


def selectors(rules: Iterable[Rule]) -> list[str]:
    """Of the series that they look at."""
    found: set[str] = set()
    for rule in rules:
        for leaf in leaves(rule.condition):
            if isinstance(leaf, Absent):
                found.add(leaf.selector)
            elif not isinstance(leaf, Text):
                found.add(leaf.query.selector)
                found |= {leaf.query.per} if leaf.query.per else set()
    return sorted(found)
