"""Rules of thresholds over many recorded seconds at once: what the engine says, which is asked where it matters.

Values come as columns; where no alert can begin, nothing is asked. Everywhere else the engine's own judges and
alerts are asked, second by second: so what fires, and with which numbers, is theirs.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from wftui.alerts import rule as rules
from wftui.alerts.conditions import Binder
from wftui.alerts.judges import COMPARE, Part, ThresholdJudge
from wftui.alerts.number import Number
from wftui.alerts.replay import NO_SERIES, Findings, Firing, Outcome
from wftui.alerts.rule import Condition, Query, Rule, Threshold, leaves
from wftui.alerts.signals import Labels, Signal, Signals
from wftui.alerts.states import Alert
from wftui.clock import Instant
from wftui.history.moments import Flags, Moments
from wftui.model.alerts import FIRING, INACTIVE, OVER
from wftui.model.tick import Layout
from wftui.names import COUNTER
from wftui.store.cuts import Matrix

_AGGREGATIONS: Final = frozenset({"avg", "sum", "count", "last"})
"""Of windows: those that take no order."""
_MOST: Final = 1e100
"""Beyond it is no number, as for ``Signals``."""
_NO_VALUE: Final = "no value"
_FEW: Final = 2
"""Seconds of a firing alert that are as well asked one by one."""


def judgeable(rule: Rule) -> bool:
    """Whether a rule is one of thresholds alone, and no memory but its windows and its alerts'."""
    for leaf in leaves(rule.condition):
        if not isinstance(leaf, Threshold) or leaf.often is not None:
            return False
        if leaf.query.window_s and leaf.query.aggregation not in _AGGREGATIONS:
            return False
    return True


class _Told(Number):
    """A number that was read before."""

    __slots__ = ("per", "reason", "told")

    def __init__(self, query: Query, signal: Signal, per: Signal | None = None) -> None:
        super().__init__(query, signal, per)
        self.per = per
        self.told = float("nan")
        self.reason = ""

    def read(self) -> float:
        self.why = self.reason
        return self.told

    def fresh(self) -> float:
        """It now, out of its windows."""
        return super().read()


class _Binder(Binder):
    number = _Told


class _Column(NamedTuple):
    """What a number is over some seconds."""

    leaf: Threshold
    number: _Told
    values: Matrix
    """(seconds,), NaN = unknown."""
    whys: Sequence[str] | None
    """Why each is unknown; None: it has no value."""

    def tell(self, place: int) -> None:
        """Let the number be what it is in one second."""
        number = self.number
        number.told = value = float(self.values[place])
        number.reason = "" if value == value else self.why(place)

    def why(self, place: int) -> str:
        """Why it is unknown."""
        return _NO_VALUE if self.whys is None else self.whys[place]

    def beyond(self, limit: float) -> Flags:
        """Where it is known, and compares with a limit as asked."""
        found: Flags = COMPARE[self.leaf.operator](self.values, limit) & ~np.isnan(self.values)  # type: ignore[arg-type]  # of arrays too
        return found


class Judged:
    """One rule over consecutive ticks."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule = msgspec.structs.replace(rule, enabled=True)
        self._signals = Signals()
        self._layout: Layout | None = None
        self._places: Mapping[str, int] = {}
        self._alerts: dict[Labels, Alert] = {}
        self._findings = Findings([rule])

    @property
    def outcome(self) -> Outcome:
        """What became of it."""
        return self._findings.outcomes[self._rule.id]

    def take(self, layout: Layout, values: Matrix, moments: Moments) -> None:
        """Look at ticks of one layout.

        Args:
            layout: Theirs.
            values: (ticks, columns of the layout), NaN = no value.
            moments: When they were.
        """
        if self._layout is None or layout.id != self._layout.id:
            self._bind(layout)
        series = {signal.column.series.text: self._values(signal, values, moments) for signal in self._signals}
        columns = self._columns(series, moments)
        if moments.counted:
            self._count(columns, moments)

    def finish(self) -> Outcome:
        """The last second was looked at."""
        for alert in self._alerts.values():
            found = self._findings.open.get(alert.key)
            if found is not None:
                found.worst = alert.worst
        return self.outcome

    # ---- series

    def _bind(self, layout: Layout) -> None:
        """As the engine binds: what is active goes on though its series are gone."""
        self._layout, self._places = layout, layout.places()
        found = _Binder(self._signals, layout.columns, lambda _: (), lambda: 0).bind(self._rule.condition)
        for labels, judge in found.items():
            alert = self._alerts.get(labels)
            if alert is None:
                self._alerts[labels] = Alert(self._rule, labels, judge)
                continue
            known = {part.key: part for part in alert.judge.parts()}
            for part in judge.parts():
                if part.key in known:
                    part.carry(known[part.key])
            alert.judge = judge
        for labels in [item for item in self._alerts if item not in found]:
            if not self._alerts[labels].active:
                del self._alerts[labels]
        self._signals.keep([signal for alert in self._alerts.values() for signal in alert.judge.signals()])
        self._signals.lay_out(layout, {})

    def _values(self, signal: Signal, values: Matrix, moments: Moments) -> Matrix:
        place = self._places.get(signal.column.series.text)
        if place is None:
            return np.full(len(values), np.nan)
        column = np.where(np.abs(values[:, place]) < _MOST, values[:, place], np.nan)
        if signal.column.kind != COUNTER:
            return column
        readings = zip(column.tolist(), moments.boottime_ns.tolist(), strict=True)
        return np.array([signal.rate(value, at_ns) for value, at_ns in readings])

    def _columns(self, series: Mapping[str, Matrix], moments: Moments) -> list[tuple[Alert, list[_Column]]]:
        """Each alert with the numbers of its parts."""
        windowed: dict[int, tuple[list[float], list[str]]] = {}
        numbers = []
        for alert in self._alerts.values():
            for part in alert.judge.parts():
                number, leaf = _parts_of(part)
                if leaf.query.window_s and id(number) not in windowed:
                    windowed[id(number)] = [], []
                    numbers.append((number, *windowed[id(number)]))
        if windowed:
            self._slide(series, moments, numbers)
        found = []
        for alert in self._alerts.values():
            columns = []
            for part in alert.judge.parts():
                number, leaf = _parts_of(part)
                if leaf.query.window_s:
                    read, whys = windowed[id(number)]
                    columns.append(_Column(leaf, number, np.array(read), whys))
                    continue
                values = series[number.signal.column.series.text]
                if number.per is not None:
                    of = series[number.per.column.series.text]
                    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                        values = np.where(of != 0, values / of, np.nan)
                columns.append(_Column(leaf, number, values, None))
            found.append((alert, columns))
        return found

    def _slide(
        self,
        series: Mapping[str, Matrix],
        moments: Moments,
        numbers: Sequence[tuple[_Told, list[float], list[str]]],
    ) -> None:
        """Move all windows on, and read the numbers in each second."""
        windows = [
            (window, series[signal.column.series.text].tolist())
            for signal in self._signals
            for window in signal.windows.values()
        ]
        counted = moments.counted
        for place, missing in enumerate(moments.missing.tolist()):
            for window, values in windows:
                if missing > 0:
                    window.skip(missing)
                window.put(values[place])
            for number, read, whys in numbers if counted else ():
                read.append(number.fresh())
                whys.append(number.why)

    # ---- alerts

    def _count(self, columns: Sequence[tuple[Alert, list[_Column]]], moments: Moments) -> None:
        seconds = len(moments.time_ns)
        outcome, opened = self.outcome, self._findings.open
        outcome.seconds += seconds
        if not columns:
            outcome.unknown[NO_SERIES] = outcome.unknown.get(NO_SERIES, 0) + seconds
            return
        firing: Flags = np.zeros(seconds, dtype=np.bool_)
        known: Flags = np.zeros(seconds, dtype=np.bool_)
        fired: list[tuple[int, Firing]] = []
        courses = [_Course(alert, parts, moments) for alert, parts in columns]
        for course in courses:
            alert = course.alert
            since = 0 if alert.key in opened else seconds
            for place, what in course.run():
                begun = self._findings.change(what, alert, int(moments.time_ns[place]))
                if begun is not None:
                    fired.append((place, begun))
                    since = place
                elif alert.key not in opened:
                    firing[since:place] = True
                    since = seconds
            firing[since:] = True
            known |= course.known
        outcome.firings += [item for _, item in sorted(fired, key=lambda pair: pair[0])]
        outcome.firing_s += int(firing.sum())
        for place in np.flatnonzero(~known).tolist():
            why = courses[-1].why(place).partition(",")[0]
            outcome.unknown[why] = outcome.unknown.get(why, 0) + 1


def _parts_of(part: Part) -> tuple[_Told, Threshold]:
    """A part's number and what it is compared with; ``judgeable`` lets no others in."""
    if isinstance(part, ThresholdJudge) and isinstance(part.number, _Told) and isinstance(part.leaf, Threshold):
        return part.number, part.leaf
    raise TypeError(f"{type(part).__name__} is no threshold of seconds that were told")


class _Course:
    """One alert over some seconds."""

    def __init__(self, alert: Alert, parts: Sequence[_Column], moments: Moments) -> None:
        self.alert = alert
        self._parts = parts
        self._moments = moments
        self._single = len(parts) == 1 and alert.judge in tuple(alert.judge.parts())
        """Whether the alert's answer is that of one comparison."""
        unknown: Flags = np.zeros(len(moments.time_ns), dtype=np.bool_)
        beyond: dict[Threshold, Flags] = {}
        for part in parts:
            unknown |= np.isnan(part.values)
            held = part.beyond(part.leaf.value)
            beyond[part.leaf] = beyond[part.leaf] | held if part.leaf in beyond else held
        self.known = ~unknown
        """Whether it is known if the condition holds."""
        self._whys: dict[int, str] = {}
        asked = _may_hold(alert.rule.condition, beyond, len(unknown))
        self._asked = np.flatnonzero(asked if self._single else asked | unknown).tolist()
        """Where an answer is wanted of an alert that is inactive."""
        self._ends: list[int] | None = None
        self._last = -1
        """The second that the judge was asked about last."""

    def why(self, place: int) -> str:
        """Why it is unknown in a second."""
        return self._parts[0].why(place) if self._single else self._whys[place]

    def run(self) -> Iterator[tuple[int, str]]:
        """Look at all seconds: (second, what happened)."""
        alert, seconds, place = self.alert, len(self.known), 0
        while place < seconds:
            if alert.state == INACTIVE:
                place = self._next(place)
            elif alert.state == FIRING and self._single and not alert.rule.escalations:
                until = self._firing_until(place)
                if until - place > _FEW:
                    yield from self._stay(place, until)
                    place = until
                    continue
            if place >= seconds:
                break
            answer, what = self._step(place)
            if what:
                yield place, what
            place += 1
            if alert.state == OVER and not answer:
                place = self._next(place)
        self._catch_up(seconds)

    def _next(self, place: int) -> int:
        """The next second in which an alert that is not active may begin, or it is not known; else their end."""
        at = bisect_left(self._asked, place)
        return self._asked[at] if at < len(self._asked) else len(self.known)

    def _firing_until(self, place: int) -> int:
        """The next second in which the one comparison of a firing alert does not hold."""
        if self._ends is None:
            self._ends = np.flatnonzero(~self._parts[0].beyond(self._limit)).tolist()
        at = bisect_left(self._ends, place)
        return self._ends[at] if at < len(self._ends) else len(self.known)

    @property
    def _limit(self) -> float:
        leaf = self._parts[0].leaf
        return leaf.value if leaf.clear is None else leaf.clear

    def _stay(self, place: int, until: int) -> Iterator[tuple[int, str]]:
        """It fires on: of seconds in which the condition holds only the farthest and the last leave a trace."""
        far = place + int(np.argmax(np.abs(self._parts[0].values[place:until] - self._limit)))
        for second in sorted({far, until - 1}):
            _, what = self._step(second)
            if what:
                yield second, what

    def _step(self, place: int) -> tuple[bool | None, str]:
        """Ask about a second as the engine does: the judge's answer, and what happened."""
        self._catch_up(place)
        alert, moments = self.alert, self._moments
        answer = self._answer(place, active=alert.state == FIRING)
        alert.why = alert.judge.why
        if not self._single:
            self.known[place] = not alert.why
            self._whys[place] = alert.why
        if not answer and alert.state == INACTIVE:
            return answer, ""
        now = Instant(int(moments.time_ns[place]), int(moments.steady_ns[place]))
        return answer, alert.second(answer, now, follows=bool(moments.follows[place]))

    def _catch_up(self, place: int) -> None:
        """What several comparisons remember of the second before one, when that was left out."""
        if not self._single and self._last < place - 1:
            self._answer(place - 1, active=False)

    def _answer(self, place: int, *, active: bool) -> bool | None:
        self._last = place
        for part in self._parts:
            part.tell(place)
        return self.alert.judge.holds(active)


def _may_hold(condition: Condition, beyond: Mapping[Threshold, Flags], seconds: int) -> Flags:
    """Where a condition may hold; where not, it surely does not."""
    found: Flags
    match condition:
        case Threshold():
            found = beyond[condition] if condition in beyond else np.zeros(seconds, dtype=np.bool_)
        case rules.All(parts):
            found = np.logical_and.reduce([_may_hold(part, beyond, seconds) for part in parts])
        case rules.Any(parts):
            found = np.logical_or.reduce([_may_hold(part, beyond, seconds) for part in parts])
        case _:
            found = np.ones(seconds, dtype=np.bool_)
    return found
