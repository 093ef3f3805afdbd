"""The health score of each second: a series, and a table of what it lacks."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from wftui.alerts.engine import SourceState
from wftui.alerts.health import Firing, Score, score
from wftui.alerts.health_facts import Reader
from wftui.clock import NS_PER_S, Instant
from wftui.model.alerts import SOURCE
from wftui.model.sample import DERIVED, Sample, column
from wftui.model.score import SCORE
from wftui.model.table import Row, TableSnapshot
from wftui.model.tick import Layout, Tick

TABLE_NS: Final = 10 * NS_PER_S
"""Told at least so often: the evidence moves each second, the reasons seldom."""


class Scoring:
    """Of one recorder."""

    def __init__(
        self,
        table: Callable[[str], Mapping[str, Row]],
        publish: Callable[[TableSnapshot, Instant, str], None],
    ) -> None:
        """
        Args:
            table: Rows of a table now.
            publish: Tells and stores a table: snapshot, when, whose.
        """
        self._table = table
        self._publish = publish
        self._reader = Reader()
        self._column = column(SOURCE, "wftop.health.score", call="docs/why.md, the formula", quality=DERIVED)
        self._told: tuple[object, ...] | None = None
        self._told_ns = 0

    def second(
        self, tick: Tick, layout: Layout, sources: Mapping[str, SourceState], alerts: Iterable[Firing], at: Instant
    ) -> Sample:
        """Judge a second that was closed; returns the score as a sample."""
        states = {name: item.state for name, item in sources.items()}
        found = score(self._reader.second(tick, layout, states, self._table, alerts))
        # The reasons and whole points: a new one is told at once.
        sign = tuple(
            (item.key, -1 if item.points is None else math.ceil(item.points)) for item in found.deductions
        )
        if sign != self._told or at.boottime_ns >= self._told_ns + TABLE_NS:
            self._told, self._told_ns = sign, at.boottime_ns
            self._publish(TableSnapshot(SCORE, at.time_ns, rows(found)), at, SOURCE)
        return Sample(self._column, found.value)


def rows(found: Score) -> dict[str, Row]:
    """The deductions as rows of the table."""
    return {
        item.key: (item.part, item.reason, None if item.points is None else round(item.points, 2), item.evidence)
        for item in found.deductions
    }
