"""All rules over all series, once a second: what fires, what ends, what it costs. It knows no clock of its own."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from wftui.alerts.conditions import Binder
from wftui.alerts.judges import Absence, Judge, Texts
from wftui.alerts.logic import Unbound
from wftui.alerts.rule import Rule, Text, leaves
from wftui.alerts.signals import Labels, Signal, Signals
from wftui.alerts.states import RESOLVED, Alert
from wftui.clock import Instant
from wftui.model import health
from wftui.model.alerts import FIRING, INACTIVE, OVER, PENDING
from wftui.model.tick import Layout, Tick

UNWELL: Final = frozenset({health.LATE, health.STUCK, health.FAILED, health.OFF})
"""States of a source whose series tell nothing."""
_SMOOTH: Final = 0.05
_NONE: Final[Mapping[int, float]] = {}
_FORGOTTEN: Final = "resolved by hand; it is looked at again when something of it is there"


class SourceState(Protocol):
    """What of a source matters here."""

    @property
    def state(self) -> str:
        """Of its health."""

    @property
    def interval_s(self) -> float:
        """Between two readings."""


class Change(NamedTuple):
    """What befell an alert."""

    kind: str
    """A type of event: ``alert.fired`` …"""
    alert: Alert


class Running(NamedTuple):
    """A rule and its alerts, one a label set; also those that are inactive."""

    rule: Rule
    alerts: dict[Labels, Alert]


class Engine:
    """Rules in, changes out."""

    def __init__(self, texts: Texts = lambda _: ()) -> None:
        """``texts``: the texts of a text signal now, ``source.state`` apart, which comes with the health."""
        self._texts_of = texts
        self._signals = Signals()
        self._rules: dict[str, Running] = {}
        self._layout: Layout | None = None
        self._text_names: tuple[str, ...] = ()
        self._bound_texts: frozenset[tuple[str, Labels]] = frozenset()
        self._second_texts: dict[str, Sequence[tuple[Labels, str]]] = {}
        """Those of the second that is looked at: each rule of each server asks for all of them."""
        self._sources: Mapping[str, SourceState] = {}
        self._intervals: tuple[float, ...] = ()
        self._unwell: set[str] = set()
        self.cost_s: dict[str, float] = {}
        """Rule to the seconds of one evaluation, smoothed."""

    @property
    def running(self) -> Mapping[str, Running]:
        """By the rules' ids; rules that are off are not here."""
        return self._rules

    def alerts(self) -> Iterable[Alert]:
        """Those that are pending, firing or over."""
        return (alert for item in self._rules.values() for alert in item.alerts.values() if alert.active)

    def signals(self) -> Iterable[Signal]:
        """The series that rules look at now."""
        return iter(self._signals)

    @property
    def steady_s(self) -> int:
        """The clock of what is usual: seconds since 1970 as the first tick told them, which no step moves."""
        return self._signals.steady_s

    def find(self, key: str) -> Alert | None:
        """An alert by its key; None: there is none."""
        for item in self._rules.values():
            if key == item.rule.id or key.startswith(item.rule.id + "{"):
                for alert in item.alerts.values():
                    if alert.key == key:
                        return alert
        return None

    def use(self, rules: Iterable[Rule], now: Instant) -> list[Change]:
        """Go on with these rules. What a rule that stayed the same knows stays; alerts of rules that went end."""
        before, self._rules = self._rules, {}
        ended = []
        for rule in rules:
            if not rule.enabled:
                continue
            old = before.pop(rule.id, None)
            if old is not None and old.rule.condition == rule.condition:
                for alert in old.alerts.values():
                    alert.rule = rule
                self._rules[rule.id] = Running(rule, old.alerts)
            else:
                ended += _ended(old, now, "the rule was changed")
                self._rules[rule.id] = Running(rule, {})
        for gone in before.values():
            ended += _ended(gone, now, "the rule is gone or off")
        self.cost_s = {name: cost for name, cost in self.cost_s.items() if name in self._rules}
        if self._layout is not None:
            self._bind(self._layout)
        return ended

    def restore(self, rule: str, labels: Labels) -> Alert | None:
        """An alert that was there before the start; it is not known yet whether it holds still.

        Returns:
            It, inactive: ``Alert.resume`` gives it its state. None: there is no such rule now.
        """
        running = self._rules.get(rule)
        if running is None:
            return None
        alert = running.alerts.get(labels)
        if alert is None:
            alert = running.alerts[labels] = Alert(running.rule, labels, Unbound())
        return alert

    def forget(self, alert: Alert) -> None:
        """Somebody resolved it. While nothing of what it looks at is there, it would fire again for ever."""
        absent = any(isinstance(part, Absence) for part in alert.judge.parts())
        alert.forgotten = absent and not _there(alert)

    def second(
        self,
        tick: Tick,
        layout: Layout,
        sources: Mapping[str, SourceState],
        now: Instant,
        latest: Mapping[int, float] = _NONE,
    ) -> list[Change]:
        """Look at a second.

        Args:
            tick: Of that second.
            layout: Of the tick.
            sources: By name; what a source that is unwell brings is not known.
            now: The end of the second.
            latest: Place in the tick to what a gauge was at the end of the second, where the tick has the mean of
                several values: what is judged by the newest second alone is judged by that.
        """
        follows = self.past(tick, layout, sources)
        self._signals.say(latest, layout)
        changes: list[Change] = []
        off = {name for name, source in sources.items() if source.state == health.OFF}
        for item in self._rules.values():
            started, needs = time.perf_counter_ns(), item.rule.needs
            for alert in item.alerts.values():
                if alert.forgotten:
                    alert.forgotten = not _there(alert)
                    alert.why = _FORGOTTEN
                    continue
                judge = alert.judge
                answer = judge.holds(alert.state == FIRING)
                alert.why = judge.why
                if needs and not self._unwell.isdisjoint(needs):
                    needed = next(name for name in needs if name in self._unwell)
                    answer, alert.why = None, f"its source {needed} is not well"
                if answer or alert.state != INACTIVE:
                    what = alert.second(answer, now, follows=follows)
                    if off and not what and answer is None and alert.state == FIRING and _all_of(alert, off):
                        what = alert.give_up(now, "what it looks at was switched off")
                    if what:
                        changes.append(Change(what, alert))
            spent_s = (time.perf_counter_ns() - started) / 1e9
            cost = self.cost_s.get(item.rule.id)
            self.cost_s[item.rule.id] = spent_s if cost is None else cost + (spent_s - cost) * _SMOOTH
        return changes

    def past(self, tick: Tick, layout: Layout, sources: Mapping[str, SourceState]) -> bool:
        """Take a second in without judging it: what a start reads back, oldest first, so that windows are full.

        Returns:
            Whether it follows the one before at once.
        """
        self._sources = sources
        self._second_texts.clear()
        intervals = tuple([item.interval_s for item in sources.values()])
        unwell = {name for name, item in sources.items() if item.state in UNWELL}
        if self._layout is None or layout.id != self._layout.id or self._texts_changed():
            self._layout = layout
            self._bind(layout)
        elif intervals != self._intervals:
            self._lay_out(layout)
        elif unwell != self._unwell:
            self._signals.unwell(unwell)
        self._intervals, self._unwell = intervals, unwell
        return self._signals.second(tick)

    # ---- which series

    def texts(self, name: str) -> Iterable[tuple[Labels, str]]:
        """The texts of a text signal in the newest second, each with its labels."""
        found = self._second_texts.get(name)
        if found is None:
            if name == "source.state":
                found = [((("source", source),), item.state) for source, item in self._sources.items()]
            else:
                found = tuple(self._texts_of(name))
            self._second_texts[name] = found
        return found

    def _texts_changed(self) -> bool:
        """Whether other things are there whose texts rules look at: texts are in no layout."""
        found = frozenset((name, labels) for name in self._text_names for labels, _ in self.texts(name))
        changed = found != self._bound_texts
        self._bound_texts = found
        return changed

    def _bind(self, layout: Layout) -> None:
        """Find the series of each rule; what fires goes on though its series are gone, until that is too long."""
        binder = Binder(self._signals, layout.columns, self.texts, lambda: self._signals.steady_s)
        used: list[Signal] = []
        names: set[str] = set()
        for item in self._rules.values():
            names.update(leaf.signal for leaf in leaves(item.rule.condition) if isinstance(leaf, Text))
            found = binder.bind(item.rule.condition)
            if () in found and _never(found[()]) and any(map(_counts, item.alerts.values())):
                del found[()]  # it is known whose series are gone
            for labels, judge in found.items():
                alert = item.alerts.get(labels)
                if alert is None:
                    item.alerts[labels] = Alert(item.rule, labels, judge)
                else:
                    _carry(alert.judge, judge)
                    alert.judge = judge
            self._gone(item, found, binder)
            used += [signal for alert in item.alerts.values() for signal in alert.judge.signals()]
        self._text_names = tuple(sorted(names))
        self._texts_changed()
        read = [
            thing
            for item in self._rules.values()
            for alert in item.alerts.values()
            for part in alert.judge.parts()
            for thing in part.keeps()
        ]
        self._signals.keep(used, read)
        self._lay_out(layout)

    def _gone(self, item: Running, found: Mapping[Labels, Judge], binder: Binder) -> None:
        """Alerts whose series are in no layout now: those stay that are shown, and those that count absence."""
        for labels in [labels for labels in item.alerts if labels not in found]:
            alert = item.alerts[labels]
            if not alert.active and not _counts(alert):
                del item.alerts[labels]
            for part in alert.judge.parts():
                if isinstance(part, Absence):
                    part.look(binder.select)

    def _lay_out(self, layout: Layout) -> None:
        self._signals.lay_out(layout, {name: item.interval_s for name, item in self._sources.items()})
        self._signals.unwell({name for name, item in self._sources.items() if item.state in UNWELL})


def _there(alert: Alert) -> bool:
    """Whether any of its series has a value."""
    return any(signal.value == signal.value for signal in alert.judge.signals())


def _all_of(alert: Alert, sources: Collection[str]) -> bool:
    """Whether all that it looks at is of these sources."""
    found = {signal.column.source for signal in alert.judge.signals()}
    return bool(found) and found.issubset(sources)


def _never(judge: Judge) -> bool:
    """Whether all that it looks for was never there."""
    return all(isinstance(part, Absence) and not part.signals() for part in judge.parts())


def _counts(alert: Alert) -> bool:
    """Whether it waits for a series that was there to come back."""
    return any(isinstance(part, Absence) and bool(part.signals()) for part in alert.judge.parts())


def _carry(before: Judge, judge: Judge) -> None:
    """A layout changes and a condition is bound anew: what its comparisons remember stays."""
    known = {part.key: part for part in before.parts()}
    for part in judge.parts():
        if part.key in known:
            part.carry(known[part.key])


def _ended(item: Running | None, now: Instant, reason: str) -> list[Change]:
    """The alerts of a rule that goes."""
    found = []
    for alert in item.alerts.values() if item is not None else ():
        if alert.state in (FIRING, OVER):
            alert.resolve(now, reason)
            found.append(Change(RESOLVED, alert))
        elif alert.state == PENDING:
            alert.state = INACTIVE
    return found
