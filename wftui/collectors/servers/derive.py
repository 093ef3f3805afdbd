"""From what a server counts to what is told: rates, quantiles, hit ratios, restarts. The same for every server."""

from collections import deque
from typing import Final, NamedTuple

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
"""Columns that are remembered: twice what a source may have series."""
_RATED: Final = {"inference.tokens": "inference.tokens.rate"}
"""Counter to the gauge of its rate; of the modes in ``_MODES``."""
_MODES: Final = ("prompt", "generation")
_RATIOS: Final = {
    "inference.prefix_cache.tokens": ("inference.prefix_cache.hit_ratio", "hit", "queried"),
    "inference.speculation.tokens": ("inference.speculation.acceptance", "accepted", "drafted"),
}
"""Counter to (gauge, mode above, mode below)."""


class _Counted(NamedTuple):
    at_ns: int
    value: float


class Derivation:
    """Remembers the last ten seconds of one server."""

    def __init__(self, server: str) -> None:
        """``server``: its endpoint, the label of all its series."""
        self._server = server
        self._columns: dict[tuple[Key, str], Column] = {}
        self._counters: dict[Key, deque[_Counted]] = {}
        self._histograms: dict[Key, deque[tuple[int, Histogram]]] = {}
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
        restarted = self._restarted(look)
        if restarted:
            self.restarts += 1
            self.forget()
        if look.birth:
            self._birth = look.birth
        told = [Sample(self._column(key), value) for key, value in look.gauges.items()]
        told += [Sample(self._column(key, kind=COUNTER), value) for key, value in look.counters.items()]
        told += [Sample(self._column(key), value) for key, value in look.live.items()]
        for key, value in look.counters.items():
            kept = self._counters.setdefault(key, deque())
            rated = _RATED.get(key.metric)
            if kept and rated and key.mode in _MODES and key not in look.coarse:
                rate = Key(rated, key.model, key.mode, DERIVED, f"difference of {key.call}")
                if not any((k.metric, k.model, k.mode) == (rated, key.model, key.mode) for k in look.live):
                    seconds = (at.boottime_ns - kept[-1].at_ns) / NS_PER_S
                    if seconds > 0:
                        told.append(Sample(self._column(rate), (value - kept[-1].value) / seconds))
            kept.append(_Counted(at.boottime_ns, value))
            while len(kept) > 2 and kept[1].at_ns <= at.boottime_ns - WINDOW_NS:
                kept.popleft()
        if len(self._columns) > _MOST:
            self._forget_absent(look)
        told += self._ratios(look)
        for key, histogram in look.histograms.items():
            told += self._spread(key, histogram, at)
        return told, restarted

    def forget(self) -> None:
        """What was counted before says nothing about what comes: after a restart, and after a time away."""
        self._counters.clear()
        self._histograms.clear()
        self._birth = ""

    def _forget_absent(self, look: Look) -> None:
        """A server whose models have ever new names must not fill the memory with those that are gone."""
        there = look.gauges.keys() | look.counters.keys() | look.live.keys() | look.histograms.keys()
        self._columns = {place: item for place, item in self._columns.items() if place[0] in there}
        self._counters = {key: item for key, item in self._counters.items() if key in there}
        self._histograms = {key: item for key, item in self._histograms.items() if key in there}

    def _forget(self, models: frozenset[str]) -> None:
        for key in [key for key in self._counters if key.model in models]:
            del self._counters[key]
        for key in [key for key in self._histograms if key.model in models]:
            del self._histograms[key]

    def _restarted(self, look: Look) -> bool:
        if self._birth and look.birth and look.birth != self._birth:
            return True
        for key, value in look.counters.items():
            kept = self._counters.get(key)
            if kept and value < kept[-1].value:
                return True
        for key, histogram in look.histograms.items():
            spread = self._histograms.get(key)
            if spread and histogram.count < spread[-1][1].count:
                return True
        return False

    def _column(self, key: Key, stat: str = "", kind: str = GAUGE) -> Column:
        """``kind``: of a name that is in no catalogue."""
        found = self._columns.get((key, stat))
        if found is None:
            labels = {"server": self._server}
            if key.model:
                labels["model"] = key.model
            if key.mode:
                labels["mode"] = key.mode
            if key.metric.startswith(CUSTOM):
                kind = DISTRIBUTION if stat else kind
                found = custom(key.metric, labels, kind, call=key.call, quality=key.quality, stat=stat)
            else:
                found = column(SOURCE, key.metric, labels, call=key.call, quality=key.quality, stat=stat)
            self._columns[key, stat] = found
        return found

    def _ratios(self, look: Look) -> list[Sample]:
        told = []
        for key in look.counters:
            ratio = _RATIOS.get(key.metric)
            if ratio is None or key.mode != ratio[1] or key in look.coarse:
                continue
            name, above, below = ratio
            if any((k.metric, k.model) == (name, key.model) for k in look.gauges):
                continue  # the server says it itself
            parts = self._gain(look, key.metric, key.model, above), self._gain(look, key.metric, key.model, below)
            if parts[0] is not None and parts[1]:
                made = Key(name, key.model, "", DERIVED, f"{key.call}, last 10 s")
                told.append(Sample(self._column(made), min(1.0, parts[0] / parts[1])))
        return told

    def _gain(self, look: Look, metric: str, model: str, mode: str) -> float | None:
        """What a counter gained within the window; None when it is not known for two moments."""
        for key in look.counters:
            if (key.metric, key.model, key.mode) == (metric, model, mode):
                kept = self._counters.get(key)
                return kept[-1].value - kept[0].value if kept and len(kept) > 1 else None
        return None

    def _spread(self, key: Key, now: Histogram, at: Instant) -> list[Sample]:
        kept = self._histograms.setdefault(key, deque())
        if kept and kept[-1][1].bounds != now.bounds:
            kept.clear()  # an operator's other buckets: nothing can be subtracted
        told: list[Sample] = []
        if kept:
            last = kept[-1][1]
            told.append(Sample(self._column(key, "count"), now.count - last.count))
            told.append(Sample(self._column(key, "sum"), now.total - last.total))
        kept.append((at.boottime_ns, now))
        while len(kept) > 2 and kept[1][0] <= at.boottime_ns - WINDOW_NS:
            kept.popleft()
        oldest = kept[0][1]
        if oldest is not now and now.count > oldest.count:
            if len(now.bounds) > 1:
                self.bounds[key.metric] = now.bounds[0], now.bounds[-2]
            found = quantiles(now.bounds, oldest.counts, now.counts, SHARES)
            if found is not None:
                told += [
                    Sample(self._column(key, stat), value) for stat, value in zip(QUANTILES, found, strict=True)
                ]
        return told
