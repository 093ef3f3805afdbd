"""From what a server counts to what is told: rates, quantiles, hit ratios, restarts. The same for every server."""

from collections import deque
from collections.abc import Mapping
from typing import Final, TypeVar

from wftui.clock import NS_PER_S, Instant
from wftui.collectors.servers.custom import CUSTOM, custom
from wftui.collectors.servers.figures import Histogram, Key, Look
from wftui.model.sample import DERIVED, Column, Sample, column
from wftui.model.servers import SOURCE
from wftui.names import COUNTER, DISTRIBUTION, GAUGE
from wftui.windows.histogram import quantiles

WINDOW_NS: Final = 10 * NS_PER_S
"""Quantiles and ratios are those of so long; shorter, one request would be all of them."""
QUANTILES: Final = ("p50", "p95", "p99")
SHARES: Final = (0.5, 0.95, 0.99)
_MOST: Final = 4096
"""Series that are remembered: twice what a source may have series."""
_RATED: Final = {"inference.tokens": "inference.tokens.rate"}
"""Counter to the gauge of its rate; of the modes in ``_MODES``."""
_MODES: Final = ("prompt", "generation")
_RATIOS: Final = {
    "inference.prefix_cache.tokens": ("inference.prefix_cache.hit_ratio", "hit", "queried"),
    "inference.speculation.tokens": ("inference.speculation.acceptance", "accepted", "drafted"),
}
"""Counter to (gauge, mode above, mode below)."""


class _Counter:
    """A counter: its columns, and what it stood at."""

    __slots__ = ("column", "kept", "quotient", "rate", "ratio")

    def __init__(self, column: Column, rate: Column | None, ratio: tuple[str, str, str] | None) -> None:
        self.column = column
        self.rate = rate
        """None: no rate is made of it."""
        self.ratio = ratio
        """Of ``_RATIOS``."""
        self.quotient: Column | None = None
        """Of the ratio that it is the upper part of."""
        self.kept: deque[tuple[int, float]] = deque()
        """(ns, value), oldest first."""

    def gain(self) -> float | None:
        """What it gained within the window; None when it is not known for two moments."""
        return self.kept[-1][1] - self.kept[0][1] if len(self.kept) > 1 else None


class _Spread:
    """A distribution: its columns, and what it stood at."""

    __slots__ = ("count", "kept", "quantiles", "total")

    def __init__(self, count: Column, total: Column, quantiles: list[Column]) -> None:
        self.count = count
        self.total = total
        self.quantiles = quantiles
        self.kept: deque[tuple[int, Histogram]] = deque()


_Kept = TypeVar("_Kept")


class Derivation:
    """Remembers the last ten seconds of one server."""

    def __init__(self, server: str) -> None:
        """``server``: its endpoint, the label of all its series."""
        self._server = server
        self._gauges: dict[Key, Column] = {}
        self._counters: dict[Key, _Counter] = {}
        self._spreads: dict[Key, _Spread] = {}
        self._birth = ""
        self.restarts = 0
        """Seen since it was first looked at."""
        self.bounds: dict[str, tuple[float, float]] = {}
        """Metric to the lowest and the highest finite bound of its histogram."""

    def samples(self, look: Look, at: Instant) -> tuple[list[Sample], bool]:
        """What is told of a look.

        Args:
            look: What the server says.
            at: When the reply arrived that holds its counters.

        Returns:
            The samples, and whether the server restarted since the look before.
        """
        if look.reloaded:
            self._forget(look.reloaded)
        counters = [(key, self._counter(key), value) for key, value in look.counters.items()]
        spreads = [(key, self._spread(key), now) for key, now in look.histograms.items()]
        restarted = (
            bool(self._birth and look.birth and look.birth != self._birth)
            or any(item.kept and value < item.kept[-1][1] for _, item, value in counters)
            or any(item.kept and now.count < item.kept[-1][1].count for _, item, now in spreads)
        )
        if restarted:
            self.restarts += 1
            self.forget()
        if look.birth:
            self._birth = look.birth
        told = [Sample(self._gauge(key), value) for key, value in look.gauges.items()]
        told += [Sample(self._gauge(key), value) for key, value in look.live.items()]
        now_ns = at.boottime_ns
        live = {(key.metric, key.model, key.mode) for key in look.live}
        parts: dict[tuple[str, str, str], tuple[Key, _Counter]] = {}
        for key, item, value in counters:
            kept = item.kept
            told.append(Sample(item.column, value))
            if (
                item.rate is not None
                and kept
                and now_ns > kept[-1][0]
                and (_RATED[key.metric], key.model, key.mode) not in live
                and key not in look.coarse
            ):
                seconds = (now_ns - kept[-1][0]) / NS_PER_S
                told.append(Sample(item.rate, (value - kept[-1][1]) / seconds))
            _keep(kept, now_ns, value)
            if item.ratio is not None:
                parts.setdefault((key.metric, key.model, key.mode), (key, item))
        if parts:
            told += self._ratios(look, parts)
        for key, spread, histogram in spreads:
            self._told(key, spread, histogram, now_ns, told)
        if len(self._gauges) + len(self._counters) + 5 * len(self._spreads) > _MOST:
            self._forget_absent(look)
        return told, restarted

    def forget(self) -> None:
        """What was counted before says nothing about what comes: after a restart, and after a time away."""
        for item in self._counters.values():
            item.kept.clear()
        for spread in self._spreads.values():
            spread.kept.clear()
        self._birth = ""

    def _forget_absent(self, look: Look) -> None:
        """A server whose models have ever new names must not fill the memory with those that are gone."""
        there = look.gauges.keys() | look.live.keys()
        self._gauges = {key: item for key, item in self._gauges.items() if key in there}
        self._counters = {key: item for key, item in self._counters.items() if key in look.counters}
        self._spreads = {key: item for key, item in self._spreads.items() if key in look.histograms}

    def _forget(self, models: frozenset[str]) -> None:
        for key in [key for key in self._counters if key.model in models]:
            del self._counters[key]
        for key in [key for key in self._spreads if key.model in models]:
            del self._spreads[key]

    def _gauge(self, key: Key) -> Column:
        found = self._gauges.get(key)
        if found is None:
            found = self._gauges[key] = self._column(key)
        return found

    def _counter(self, key: Key) -> _Counter:
        found = self._counters.get(key)
        if found is None:
            rate = None
            if key.metric in _RATED and key.mode in _MODES:
                call = f"difference of {key.call}"
                rate = self._column(Key(_RATED[key.metric], key.model, key.mode, DERIVED, call))
            found = _Counter(self._column(key, kind=COUNTER), rate, _RATIOS.get(key.metric))
            self._counters[key] = found
        return found

    def _spread(self, key: Key) -> _Spread:
        found = self._spreads.get(key)
        if found is None:
            parts = self._column(key, "count"), self._column(key, "sum")
            found = self._spreads[key] = _Spread(*parts, [self._column(key, stat) for stat in QUANTILES])
        return found

    def _column(self, key: Key, stat: str = "", kind: str = GAUGE) -> Column:
        """``kind``: of a name that is in no catalogue."""
        labels = {"server": self._server}
        if key.model:
            labels["model"] = key.model
        if key.mode:
            labels["mode"] = key.mode
        if key.metric.startswith(CUSTOM):
            kind = DISTRIBUTION if stat else kind
            return custom(key.metric, labels, kind, call=key.call, quality=key.quality, stat=stat)
        return column(SOURCE, key.metric, labels, call=key.call, quality=key.quality, stat=stat)

    def _ratios(self, look: Look, parts: Mapping[tuple[str, str, str], tuple[Key, _Counter]]) -> list[Sample]:
        """``parts``: counters that may be one of a ratio, by metric, model and mode."""
        told = []
        said = {(key.metric, key.model) for key in look.gauges}
        for key, item in parts.values():
            assert item.ratio is not None  # noqa: S101  those that have none are no parts
            name, above, below = item.ratio
            if key.mode != above or key in look.coarse or (name, key.model) in said:
                continue  # or the server says it itself
            under = parts.get((key.metric, key.model, below))
            gained, of = item.gain(), under[1].gain() if under is not None else None
            if gained is not None and of:
                if item.quotient is None:
                    item.quotient = self._column(Key(name, key.model, "", DERIVED, f"{key.call}, last 10 s"))
                told.append(Sample(item.quotient, min(1.0, gained / of)))
        return told

    def _told(self, key: Key, spread: _Spread, now: Histogram, now_ns: int, told: list[Sample]) -> None:
        kept = spread.kept
        if kept:
            last = kept[-1][1]
            if last.bounds is not now.bounds and last.bounds != now.bounds:
                kept.clear()  # an operator's other buckets: nothing can be subtracted
            else:
                told.append(Sample(spread.count, now.count - last.count))
                told.append(Sample(spread.total, now.total - last.total))
        _keep(kept, now_ns, now)
        oldest = kept[0][1]
        if oldest is not now and now.count > oldest.count:
            if len(now.bounds) > 1:
                self.bounds[key.metric] = now.bounds[0], now.bounds[-2]
            found = quantiles(now.bounds, oldest.counts, now.counts, SHARES)
            if found is not None:
                told += map(Sample, spread.quantiles, found)


def _keep(kept: deque[tuple[int, _Kept]], now_ns: int, item: _Kept) -> None:
    """Remember the newest, and forget what is older than the window but for one."""
    kept.append((now_ns, item))
    while len(kept) > 2 and kept[1][0] <= now_ns - WINDOW_NS:
        kept.popleft()
