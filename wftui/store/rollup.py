"""Rollups: ticks to rows of 10 s and of 5 minutes, by statistic.

Gauges have min, mean and max; counters the same of their rate per second, by the rules of
``windows.buckets.Rates``; of distributions ``count`` and ``sum`` are summed, of the others the worst stays.
A row is a run of consecutive ticks in one step; a clock that goes back begins a new row.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from wftui import names
from wftui.model.series import parse
from wftui.store.manifest import MAX, MEAN, MIN, SUM, StoredColumn
from wftui.windows.buckets import GAP_NS, SHORT_NS

# As in ``segments``, which loads all of DuckDB's package: the history service does without.
Matrix = npt.NDArray[np.float64]
Single = npt.NDArray[np.float32]

Numbers = npt.NDArray[np.int64]
Places = npt.NDArray[np.intp]
"""Rows of a matrix."""
FINE_S: Final = 10
COARSE_S: Final = 300


class Ticks(NamedTuple):
    """Consecutive ticks by column."""

    seq: Numbers
    """int64 of shape (ticks,), as the next three."""
    time_s: Numbers
    boottime_ns: Numbers
    boot: Numbers
    values: Matrix
    """(series, ticks)"""

    def tail(self, count: int) -> "Ticks":
        """The last ticks."""
        return self.of([item[-count:] for item in self.lead()], self.values[:, -count:])

    def lead(self) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """All but the values."""
        return self[:4]

    @classmethod
    def of(cls, lead: Sequence[Numbers], values: Matrix) -> "Ticks":
        """From ``lead`` and values."""
        return cls(lead[0], lead[1], lead[2], lead[3], values)


def statistics(column: StoredColumn) -> tuple[str, ...]:
    """Which files of a rollup level hold a series."""
    stat = parse(column.series).stat
    if column.kind == names.COUNTER or not stat:
        return MIN, MEAN, MAX
    if column.kind == names.DISTRIBUTION and stat in ("count", "sum"):
        return (SUM,)
    return (MIN,) if stat == MIN else (MAX,)


def follows(ticks: Ticks) -> npt.NDArray[np.bool_]:
    """Whether nothing lies between a tick and the one before. Shape (ticks,), the first is False."""
    elapsed_ns = np.diff(ticks.boottime_ns)
    found = np.zeros(len(ticks.seq), dtype=np.bool_)
    found[1:] = (
        (np.diff(ticks.seq) == 1)
        & (np.diff(ticks.boot) == 0)
        & (np.diff(ticks.time_s) == 1)
        & (elapsed_ns >= SHORT_NS)
        & (elapsed_ns <= GAP_NS)
    )
    return found


def rates(counters: Matrix, linked: npt.NDArray[np.bool_]) -> Matrix:
    """Rates per second of counters, NaN where there is none.

    A rate needs the reading of the second before, or of the one before that when that one is missing.

    Args:
        counters: (series, ticks).
        linked: ``follows`` of the same ticks.
    """
    found = np.full(counters.shape, np.nan)
    with np.errstate(invalid="ignore", over="ignore"):
        one = counters[:, 1:] - counters[:, :-1]
        one[:, ~linked[1:]] = np.nan
        one[one < 0] = np.nan
        found[:, 1:] = one
        if counters.shape[1] > 2:
            bridge = linked[2:] & linked[1:-1]
            two = (counters[:, 2:] - counters[:, :-2]) / 2
            usable = bridge & np.isnan(counters[:, 1:-1]) & (two >= 0)
            np.copyto(found[:, 2:], two, where=usable)
    return found


class Steps(NamedTuple):
    """Rows of one level."""

    seq: Numbers
    """First tick of each row; int64 of shape (rows,), as the next two."""
    time_s: Numbers
    """Where its step begins."""
    ticks: Numbers
    """How many are in it."""
    low: Matrix
    """(series, rows), as the next two; NaN = no value."""
    high: Matrix
    total: Matrix
    known: Matrix
    """Values counted in ``total``."""

    def of(self, stat: str, places: Places) -> Matrix | Single:
        """One statistic of some series; means as float32."""
        if stat == MIN:
            return self.low[places]
        if stat == MAX:
            return self.high[places]
        total, known = self.total[places], self.known[places]
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            if stat == MEAN:
                return (total / known).astype(np.float32)
            summed: Matrix = np.where(known > 0, total, np.nan)
        return summed


def starts(time_s: Numbers, step_s: int) -> npt.NDArray[np.intp]:
    """Where rows begin among consecutive ticks."""
    breaks = (np.diff(time_s // step_s) != 0) | (np.diff(time_s) < 0)
    return np.concatenate(([0], np.flatnonzero(breaks) + 1))


def fine(ticks: Ticks, readings: Matrix) -> Steps:
    """Ticks to rows of 10 s. ``readings``: (series, ticks), counters as rates."""
    first = starts(ticks.time_s, FINE_S)
    gaps = np.isnan(readings)
    with np.errstate(invalid="ignore", over="ignore"):
        return Steps(
            ticks.seq[first],
            ticks.time_s[first] // FINE_S * FINE_S,
            np.diff(np.append(first, len(ticks.seq))),
            np.fmin.reduceat(readings, first, axis=1),
            np.fmax.reduceat(readings, first, axis=1),
            np.add.reduceat(np.where(gaps, 0.0, readings), first, axis=1),
            np.add.reduceat(~gaps, first, axis=1, dtype=np.float64),
        )


def coarse(steps: Steps) -> Steps:
    """Rows of 10 s that lie in one step of 5 minutes to one row."""
    with np.errstate(invalid="ignore", over="ignore"):
        return Steps(
            steps.seq[:1],
            steps.time_s[:1] // COARSE_S * COARSE_S,
            steps.ticks.sum(keepdims=True),
            np.fmin.reduce(steps.low, axis=1, keepdims=True),
            np.fmax.reduce(steps.high, axis=1, keepdims=True),
            steps.total.sum(axis=1, keepdims=True),
            steps.known.sum(axis=1, keepdims=True),
        )


class Level:
    """Rows of one level over a piece, each statistic only of the series that have it."""

    def __init__(self, step_s: int, columns: Sequence[StoredColumn]) -> None:
        self.step_s = step_s
        self._lead: list[tuple[Numbers, Numbers, Numbers]] = []
        places: dict[str, list[int]] = {}
        for place, item in enumerate(columns):
            for stat in statistics(item):
                places.setdefault(stat, []).append(place)
        self._places = {stat: np.array(kept, dtype=np.intp) for stat, kept in sorted(places.items())}
        self._rows: dict[str, list[Matrix | Single]] = {stat: [] for stat in self._places}

    def add(self, steps: Steps) -> None:
        """Rows behind the others."""
        self._lead.append((steps.seq, steps.time_s, steps.ticks))
        for stat, places in self._places.items():
            self._rows[stat].append(steps.of(stat, places))

    def lead(self) -> tuple[Numbers, Numbers, Numbers]:
        """First tick, begin and number of ticks of each row."""
        seq, time_s, ticks = (np.concatenate(parts) for parts in zip(*self._lead, strict=True))
        return seq, time_s, ticks

    def take(self, wanted: Places) -> Iterator[tuple[str, Places, Matrix | Single]]:
        """Statistic by statistic: which of the wanted series have it, and its values."""
        for stat, places in self._places.items():
            inside = np.isin(places, wanted)
            if inside.any():
                every = inside.all()
                parts = [item if every else item[inside] for item in self._rows[stat]]
                yield stat, places[inside], _beside(parts)


def _beside(parts: Sequence[Matrix | Single]) -> Matrix | Single:
    found: npt.NDArray[Any] = np.concatenate(parts, axis=1)  # Any: its stubs lose which float it is
    return found
