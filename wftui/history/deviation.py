"""Which series deviate most in a window from the time before, over plain arrays.

Each series is looked at as means of five seconds, so that one odd second is no finding. How far it went is told by
the median and the median absolute deviation of the time before, which a burst in it hardly moves (F. R. Hampel,
*The influence curve and its role in robust estimation*, 1974); whether that matters is told by the size of the
step, in its unit, and as a share of the greater of both levels: a megabyte a second more is much for one disk and
nothing for another, a thousandth is nothing for both.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from wftui.history.groups import groups
from wftui.history.seconds import Matrix
from wftui.model.sample import Column
from wftui.model.why import APPEARED, FELL, ROSE, VANISHED, Moved
from wftui.windows.effect import effect, matters, unit_of

MOST: Final = 30.0
"""Times the usual spread: beyond it nothing is more unusual."""
LEAST: Final = 5.0
"""Fewer is noise: of 400 series of white noise the farthest is 4.1, the median of 20 tries, and 5.2 at most."""
TELLING: Final = 1.0
"""A score below this is not told."""
_MEAN_S: Final = 5
_ENOUGH_S: Final = 60
"""Known seconds of the time before, at least."""
_TAIL_S: Final = 120
"""Seconds before the window in which it is looked whether series move together."""
_LATE_S: Final = 120
"""A step so long before the window counts half."""
_GROUPED: Final = 300
"""Series that are looked at for groups."""
_SKIPPED: Final = frozenset({"max", "p50", "p99", "sum"})
"""Statistics that say what the plain series, or p95, says as well."""


class Scene(NamedTuple):
    """Values on a grid of seconds."""

    columns: Sequence[Column]
    since_s: int
    """UTC second of the first row."""
    split: int
    """Rows of the time before; the rest is the window."""
    values: Matrix
    """float64, (seconds, series), NaN = no value; counters as rates."""


def wanted(column: Column) -> bool:
    """Whether a series is looked at: wftop's own are not, nor statistics that say nothing more."""
    item = column.series
    return not item.name.startswith("wftop.") and item.stat not in _SKIPPED


def judge(scene: Scene) -> tuple[list[Moved], int]:
    """The series that moved, the most telling first, in groups; and how many could be judged."""
    if not scene.values.size:
        return [], 0
    means = _means(scene.values)
    split = scene.split
    # Means at the end of the time before hold seconds of the window.
    base = means[: max(0, split - _MEAN_S // 2)]
    known = np.sum(~np.isnan(scene.values[:split]), axis=0)
    inside = np.sum(~np.isnan(scene.values[split:]), axis=0)
    middle = _median(base)
    spread = 1.4826 * _median(np.abs(base - middle))
    window = means[split:]
    away = np.abs(window - middle)
    far = np.where(np.isnan(away), -1.0, away).argmax(axis=0) if len(window) else np.zeros(len(known), np.intp)
    found: list[Moved] = []
    places: dict[int, int] = {}
    judged = 0
    for place, column in enumerate(scene.columns):
        enough = known[place] >= _ENOUGH_S and middle[place] == middle[place]
        if enough and inside[place]:
            judged += 1
            row = split + int(far[place])
            item = _moved(
                scene,
                means[:, place],
                column,
                row,
                (float(middle[place]), float(spread[place])),
                int(known[place]),
            )
        else:
            item = _came_or_went(scene, column, int(known[place]), int(inside[place]), place)
        if item is not None:
            places[id(item)] = place
            found.append(item)
    found.sort(key=lambda item: -item.score)
    found = found[:_GROUPED]
    tail = scene.values[max(0, split - _TAIL_S) :, [places[id(item)] for item in found]]
    return groups(found, tail), judged


def _means(values: Matrix) -> Matrix:
    """Of 5 s around each second, NaN with fewer than two values."""
    known = ~np.isnan(values)
    half = _MEAN_S // 2
    pad = ((half + 1, half), (0, 0))
    # A running sum in float64: values of 1e12 lose 1e-4 of their unit over 700 rows.
    sums = np.cumsum(np.pad(np.where(known, values, 0.0), pad), axis=0)
    counts = np.cumsum(np.pad(known, pad), axis=0, dtype=np.int64)
    total, count = sums[_MEAN_S:] - sums[:-_MEAN_S], counts[_MEAN_S:] - counts[:-_MEAN_S]
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Matrix = np.where(count > 1, total / count, math.nan)
    return found


def _median(values: Matrix) -> npt.NDArray[np.float64]:
    """Of each column, NaN left out; numpy's own takes ten times as long with NaN."""
    if not len(values):
        return np.full(values.shape[1], math.nan)
    ordered = np.sort(values, axis=0)  # NaN last
    count = np.sum(~np.isnan(values), axis=0)
    across = np.arange(values.shape[1])
    low, high = ordered[np.maximum(count - 1, 0) // 2, across], ordered[np.maximum(count, 1) // 2, across]
    found: npt.NDArray[np.float64] = np.where(count > 0, (low + high) / 2, math.nan)
    return found


def _bulk(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Median of a series, and four fifths of it as a standard deviation: what is often quiet and often busy has a
    median absolute deviation of nothing. NaN: too little is known."""
    ordered = np.sort(values[~np.isnan(values)])
    count = len(ordered)
    if count < _ENOUGH_S:
        return math.nan, math.nan
    tenth = count // 10
    return float(ordered[count // 2]), float(ordered[count - 1 - tenth] - ordered[tenth]) / 2.563


def _moved(
    scene: Scene,
    means: npt.NDArray[np.float64],
    column: Column,
    row: int,
    usual: tuple[float, float],
    seconds: int,
) -> Moved | None:
    middle, spread = usual
    # How far it goes usually is hardly known after a minute.
    doubt = 1 + _ENOUGH_S / seconds
    peak = float(means[row])
    if _score(column, peak, middle, spread * doubt)[1] < TELLING:
        return None
    with np.errstate(invalid="ignore"):
        beyond = (means - middle) / (peak - middle) >= 0.5
    known = ~np.isnan(means)
    began, ended = _stretch(beyond | ~known, row)
    while began < row and not known[began]:
        began += 1
    # Of what lies before the step itself more can be told than of all that lies before the window.
    level, bulk = _bulk(means[: min(began, scene.split) - _MEAN_S // 2])
    if level == level:
        middle, spread = level, max(spread if began >= scene.split else 0.0, bulk)
    deviation, score = _score(column, peak, middle, spread * doubt)
    repeats = _runs(beyond[: min(began, scene.split)])
    # What goes so far again and again is its way; what began long before the moment is another's cause.
    late_s = max(0, scene.split - began)
    score /= (1 + repeats) ** 2 * (1 + late_s / _LATE_S)
    if score < TELLING:
        return None
    last = len(means) - 1
    return Moved(
        column,
        unit_of(column),
        ROSE if peak > middle else FELL,
        middle,
        peak,
        scene.since_s + began,
        None if ended >= last else scene.since_s + ended + 1,
        deviation,
        score,
        repeats=repeats,
    )


def _score(column: Column, peak: float, middle: float, spread: float) -> tuple[float, float]:
    """How many times the usual spread a step is, and what it is ranked by: 0, it is nothing."""
    step = abs(peak - middle)
    if not step > 0:
        return 0.0, 0.0
    unit = unit_of(column)
    deviation = min(MOST, step / max(spread, 0.01 * abs(middle), 0.02 * matters(unit)))
    if deviation < LEAST:
        return deviation, 0.0
    return deviation, deviation * effect(column, middle, peak)


def _stretch(beyond: npt.NDArray[np.bool_], row: int) -> tuple[int, int]:
    """First and last row of the run around ``row``; breaks of up to 3 s belong to it."""
    inside = np.flatnonzero(beyond)
    place = int(np.searchsorted(inside, row))
    if place >= len(inside) or inside[place] != row:
        return row, row
    breaks = np.flatnonzero(np.diff(inside) > 4)
    low = breaks[breaks < place]
    high = breaks[breaks >= place]
    return int(inside[low[-1] + 1 if len(low) else 0]), int(inside[high[0] if len(high) else -1])


def _runs(beyond: npt.NDArray[np.bool_]) -> int:
    rows = np.flatnonzero(beyond)
    return 0 if not len(rows) else 1 + int(np.sum(np.diff(rows) > 4))


def _came_or_went(scene: Scene, column: Column, known: int, inside: int, place: int) -> Moved | None:
    """A series that there was only before, or only since; nothing is said where little was recorded at all."""
    values = scene.values[:, place]
    recorded = np.any(~np.isnan(scene.values), axis=1)
    before, window = int(recorded[: scene.split].sum()), int(recorded[scene.split :].sum())
    rows = np.flatnonzero(~np.isnan(values))
    score = 4.0 if column.group in ("gpu", "models") else 1.5
    if not known and inside * 4 >= window and inside >= _MEAN_S and before >= _ENOUGH_S:
        value = float(np.nanmean(values[scene.split :]))
        at_s = scene.since_s + int(rows[0])
        return Moved(column, unit_of(column), APPEARED, math.nan, value, at_s, None, MOST, score)
    if not inside and known * 2 >= before >= _ENOUGH_S and window >= _MEAN_S:
        value = float(np.nanmedian(values[: scene.split]))
        at_s = scene.since_s + int(rows[-1]) + 1
        return Moved(column, unit_of(column), VANISHED, value, math.nan, at_s, None, MOST, score)
    return None
