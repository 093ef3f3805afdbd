"""Two ranges of time side by side, series by series.

The noise band is made by batch means (A. M. Law, *Simulation Modeling and Analysis*, "steady-state parameters";
10 to 30 batches after B. Schmeiser, *Batch size effects in the analysis of simulation output*, 1982): a range is
cut into 20 consecutive batches, or fewer when it is short; their means hardly depend on each other even where
neighbouring seconds do, so the variance of the range's mean is that of the batch means over their number. How
wide the band is: ``windows.noise``.
"""

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from wftui import clock
from wftui.clock import NS_PER_S
from wftui.errors import ProtocolError
from wftui.history.seconds import Matrix, Part, Seconds, seconds
from wftui.model.sample import Column
from wftui.model.series import matches
from wftui.store import query
from wftui.store.answers import MAX_CELLS, MAX_POINTS
from wftui.store.archive import Archive
from wftui.windows.noise import Variance, band
from wftui.wire import messages as m

BATCHES: Final = 20
MIN_BATCHES: Final = 4
BATCH_VALUES: Final = 5
"""In a batch at least."""
RAW_TICKS: Final = 7_200
"""A longer range is compared by its buckets."""
_SERIES: Final = 64
"""Looked at together: 7,200 values of them are 4 MB, and a dozen such matrices are made of them."""


class _Buckets:
    """A range by the buckets of an answer."""

    def __init__(self, reply: m.RangeReply) -> None:
        self.columns = [item.column for item in reply.series]
        self.level_s = reply.step_ns // NS_PER_S
        self._reply = reply

    def part(self, places: slice) -> Part:
        """Means, minima and maxima of some of the series."""
        mean, low, high = (
            np.array([np.frombuffer(getattr(item, name), dtype="<f8") for item in self._reply.series[places]])
            .reshape(-1, self._reply.points)
            .T
            for name in ("mean", "minimum", "maximum")
        )
        return mean, low, high


def compare(archive: Archive, question: m.Compare, deadline_s: float) -> m.CompareReply:
    """Statistics of both ranges, and how much of a difference is noise.

    Raises:
        TooLargeError: Too many series, or the deadline passed.
        ProtocolError: The question makes no sense.
        StoreError: The store cannot be read.
    """
    spans = (question.a_since_ns, question.a_until_ns), (question.b_since_ns, question.b_until_ns)
    if any(since >= until for since, until in spans):
        raise ProtocolError("compare: expected since < until in both ranges")
    deadline_ns = clock.perf_ns() + int(deadline_s * NS_PER_S)
    # One after the other: a range of two hours and 400 series is 23 MB.
    a, b = (told(archive, question.selectors, since, until, deadline_ns) for since, until in spans)
    found = []
    for text in sorted(a.columns.keys() | b.columns.keys()):
        column = b.columns.get(text) or a.columns[text]
        noise = band(a.variances.get(text), b.variances.get(text))
        found.append(m.Difference(column, a.stats.get(text), b.stats.get(text), noise))
    return m.CompareReply(found, a.level_s, b.level_s)


class Told(NamedTuple):
    """What is compared of a range, by the text of a series."""

    columns: dict[str, Column]
    level_s: int
    """Seconds of one value: 1, 10 or 300."""
    stats: dict[str, m.RangeStats]
    """Of those that have a value."""
    variances: dict[str, Variance]
    """Of those with values for enough batches."""


def told(archive: Archive, selectors: list[str], since_ns: int, until_ns: int, deadline_ns: int) -> Told:
    """Of [since, until); counters as rates per second.

    Raises:
        TooLargeError: Too many series, or the deadline (of ``clock.perf_ns``) passed.
        StoreError: The store cannot be read.
    """
    side = _side(archive, selectors, since_ns, until_ns, deadline_ns)
    texts = [item.series.text for item in side.columns]
    found = Told(dict(zip(texts, side.columns, strict=True)), side.level_s, {}, {})
    for begin in range(0, len(texts), _SERIES):
        places = slice(begin, begin + _SERIES)
        values, low, high = side.part(places)
        if values.size:
            found.stats.update(_statistics(texts[places], values, low, high))
            found.variances.update(_batch_means(texts[places], values))
    return found


def _side(
    archive: Archive, selectors: list[str], since_ns: int, until_ns: int, deadline_ns: int
) -> Seconds | _Buckets:
    since_s, until_s = since_ns // NS_PER_S, -(-until_ns // NS_PER_S)
    if until_s - since_s <= RAW_TICKS:
        found = seconds(archive, selectors, since_s, until_s, deadline_ns)
        if found is not None:
            return found
    return _buckets(archive, selectors, since_ns, until_ns, deadline_ns)


def _buckets(archive: Archive, selectors: list[str], since_ns: int, until_ns: int, deadline_ns: int) -> _Buckets:
    """By the means of buckets, as many as an answer may have."""
    series = {
        item.series.text
        for item in archive.columns()
        if any(matches(selector, item.series) for selector in selectors)
    }
    points = max(1, min(MAX_POINTS, MAX_CELLS // max(1, len(series)), (until_ns - since_ns) // NS_PER_S))
    left_s = (deadline_ns - clock.perf_ns()) / NS_PER_S
    return _Buckets(query.range_(archive, m.Range(selectors, since_ns, until_ns, points), left_s))


def _statistics(texts: list[str], values: Matrix, lows: Matrix, highs: Matrix) -> dict[str, m.RangeStats]:
    """Of every series that has a value."""
    count = np.sum(~np.isnan(values), axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(values, axis=0) / count
        off = np.where(np.isnan(values), 0.0, values - mean)
        deviation = np.where(count > 1, np.sqrt(np.sum(off * off, axis=0) / (count - 1)), math.nan)
    low = np.fmin.reduce(lows, axis=0)
    high = np.fmax.reduce(highs, axis=0)
    mean = np.clip(mean, low, high)
    ordered = np.sort(values, axis=0)  # NaN last
    p50, p95 = _quantile(ordered, count, 0.5), _quantile(ordered, count, 0.95)
    return {
        text: m.RangeStats(
            int(count[place]),
            float(mean[place]),
            float(low[place]),
            float(high[place]),
            float(p50[place]),
            float(p95[place]),
            float(deviation[place]),
        )
        for place, text in enumerate(texts)
        if count[place]
    }


def _quantile(ordered: Matrix, count: npt.NDArray[np.intp], share: float) -> Matrix:
    """Linear between the two nearest values, of shape (series,)."""
    place = np.maximum(count - 1, 0) * share
    low = np.floor(place).astype(np.intp)
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    across = np.arange(ordered.shape[1])
    below, above = ordered[low, across], ordered[high, across]
    found: Matrix = below + (above - below) * (place - low)
    return found


def _batch_means(texts: list[str], values: Matrix) -> dict[str, Variance]:
    """Variance of the mean and number of batches, of series with enough of them."""
    known = ~np.isnan(values)
    count = np.sum(known, axis=0)
    # Batches of as many values each, whatever gaps lie between: the k-th value of a series belongs to a batch.
    batches = np.minimum(BATCHES, count // BATCH_VALUES)
    usable = batches >= MIN_BATCHES
    rank = np.cumsum(known, axis=0) - 1
    number = np.where(known, rank * batches // np.maximum(count, 1), -1)
    means = np.full((BATCHES, values.shape[1]), math.nan)
    filled = np.where(known, values, 0.0)
    for batch in range(BATCHES):
        here = number == batch
        with np.errstate(invalid="ignore", divide="ignore"):
            means[batch] = np.sum(filled, axis=0, where=here) / np.sum(here, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = np.nansum(means, axis=0) / batches
        off = np.where(np.isnan(means), 0.0, means - centre)
        variance = np.sum(off * off, axis=0) / (batches - 1) / batches
    return {
        text: (float(variance[place]), int(batches[place])) for place, text in enumerate(texts) if usable[place]
    }
