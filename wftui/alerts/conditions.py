"""A rule's condition over the series there are: what judges it, for each label set that they bring."""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from fnmatch import translate
from typing import Final

import msgspec

from wftui.alerts import rule as rules
from wftui.alerts.deviations import AnomalyJudge, BaselineJudge, ForecastJudge
from wftui.alerts.judges import Absence, Judge, TextJudge, Texts, threshold_judge
from wftui.alerts.logic import Joined, Negation
from wftui.alerts.number import Number
from wftui.alerts.signals import Labels, Signal, Signals
from wftui.model.sample import Column

_OPEN: Final = re.compile(r"[*?\[]")
_FIXED: Final = re.compile(r'([a-z_]+)="[^"*?\[]+"')
"""A label that a selector names with its value: it says which series is meant, not of which thing."""


class Binder:
    """Makes judges of a condition for the series of a layout."""

    number: type[Number] = Number
    """What reads the numbers that they compare."""

    def __init__(
        self, signals: Signals, columns: Sequence[Column], texts: Texts, now_s: Callable[[], int]
    ) -> None:
        """``now_s``: seconds since 1970, for the hour of the day."""
        self._signals = signals
        self._columns = columns
        self._texts = texts
        self._now_s = now_s
        self._found: dict[str, list[tuple[Labels, Signal]]] = {}
        self._named: dict[str, list[Column]] = {}
        for column in columns:
            self._named.setdefault(column.series.name, []).append(column)

    def bind(self, condition: rules.Condition) -> dict[Labels, Judge]:
        """Label set to what judges it; empty while there is no series."""
        if isinstance(condition, rules.Any) and self._differ(condition.parts):
            joined: dict[Labels, Judge] = {}
            for part in condition.parts:
                for labels, judge in self.bind(part).items():
                    before = joined.get(labels)
                    joined[labels] = judge if before is None else Joined((before, judge), True)
            return joined
        bound = {labels: self._judge(condition, labels) for labels in self._frame(condition)}
        return {labels: judge for labels, judge in bound.items() if judge is not None}

    def _differ(self, parts: Sequence[rules.Condition]) -> bool:
        """Whether they are about different things: the CPU, or one of the GPUs. Each is an alert of its own.

        What is bound of a part does not tell: one that lacks a series here is about its own things nevertheless.
        """
        return len({_keys(frame) for part in parts if (frame := self._frame(part))}) > 1

    def _frame(self, condition: rules.Condition) -> Collection[Labels]:
        """The label sets that a condition is about."""
        sets = [self._labels(leaf) for leaf in _asserted(condition) or rules.leaves(condition)]
        widest = max((len(labels) for found in sets for labels in found), default=0)
        return dict.fromkeys(labels for found in sets for labels in found if len(labels) == widest)

    def _labels(self, leaf: rules.Leaf) -> list[Labels]:
        if isinstance(leaf, rules.Text):
            return [labels for labels, _ in self._texts(leaf.signal)]
        if isinstance(leaf, rules.Absent):
            return [labels for labels, _ in self.select(leaf.selector)] or [()]
        return [labels for labels, _ in self.select(leaf.query.selector)]

    def select(self, selector: str) -> list[tuple[Labels, Signal]]:
        """What a selector finds, each with the labels that it leaves open."""
        found = self._found.get(selector)
        if found is None:
            found = self._found[selector] = []
            fixed = set(_FIXED.findall(selector))
            name, brace, _ = selector.partition("{")
            fits = re.compile(translate(selector)).match
            for column in self._columns if _OPEN.search(name) else self._named.get(name, ()):
                item = column.series
                # A name alone means the series itself, not its peaks and quantiles.
                if fits(item.text if brace else item.name) and ("stat" in fixed or not item.stat):
                    signal = self._signals.of(column)
                    found.append((tuple(pair for pair in signal.labels if pair[0] not in fixed), signal))
        return found

    def _judge(self, condition: rules.Condition, labels: Labels) -> Judge | None:
        if isinstance(condition, rules.All | rules.Any):
            parts = [self._judge(part, labels) for part in condition.parts]
            known = [part for part in parts if part is not None]
            if len(known) < len(parts) and isinstance(condition, rules.All):
                return None  # a part of it has no series here
            return Joined(known, isinstance(condition, rules.Any)) if known else None
        if isinstance(condition, rules.Not):
            part = self._judge(condition.part, labels)
            return None if part is None else Negation(part)
        return self._leaf(condition, labels)

    def _leaf(self, leaf: rules.Leaf, labels: Labels) -> Judge | None:
        if isinstance(leaf, rules.Text):
            there = [item for item, _ in self._texts(leaf.signal) if _agree(item, labels)]
            return _one([TextJudge(leaf, item, self._texts) for item in there])
        selector = leaf.selector if isinstance(leaf, rules.Absent) else leaf.query.selector
        found = [item for item in self.select(selector) if _agree(item[0], labels)]
        if isinstance(leaf, rules.Absent):
            return _one([Absence(signal, leaf) for _, signal in found]) or Absence(None, leaf)
        judges: list[Judge] = []
        for own, signal in found:
            query = leaf.query
            if isinstance(leaf, rules.Forecast):  # a line goes through what is usual, not through a window
                query = msgspec.structs.replace(query, window_s=0)
            number = self._number(query, own, signal)
            if number is None:
                continue
            if isinstance(leaf, rules.Threshold):
                judges.append(threshold_judge(number, leaf))
            elif isinstance(leaf, rules.Baseline):
                judges.append(BaselineJudge(number, leaf))
            elif isinstance(leaf, rules.Anomaly):
                judges.append(AnomalyJudge(number, leaf, self._now_s))
            else:
                judges.append(ForecastJudge(number, leaf))
        return _one(judges)

    def _number(self, query: rules.Query, labels: Labels, signal: Signal) -> Number | None:
        if not query.per:
            return self.number(query, signal)
        per = next((item for own, item in self.select(query.per) if _agree(own, labels)), None)
        return self.number(query, signal, per) if per is not None else None


def _asserted(condition: rules.Condition) -> tuple[rules.Leaf, ...]:
    """Comparisons that are not negated: what must not be is not what an alert is about."""
    if isinstance(condition, rules.All | rules.Any):
        return tuple(leaf for part in condition.parts for leaf in _asserted(part))
    return () if isinstance(condition, rules.Not) else (condition,)


def _one(judges: "Sequence[Judge]") -> Judge | None:
    if len(judges) > 1:
        return Joined(judges, True)
    return judges[0] if judges else None


def _keys(found: Iterable[Labels]) -> frozenset[str]:
    return frozenset(key for labels in found for key, _ in labels)


def _agree(one: Labels, other: Labels) -> bool:
    """Whether the labels that both have are of the same values."""
    theirs = dict(other)
    return all(theirs.get(key, value) == value for key, value in one)
