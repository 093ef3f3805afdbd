"""Token counters of model servers, where nobody tells the tokens themselves.

A server says how many tokens a second it makes, as the difference of its counter or in its own words; where its
counter steps only when an answer ends there is no such rate, and no stream is made of it. That it is asked once a
second, as a rule, is why E of such a stream is an estimate.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from wftui.clock import NS_PER_S, Instant
from wftui.energy.sink import Key
from wftui.model.sample import Column, Sample, Scrape
from wftui.recorder.streams.desk import Desk

SOURCE: Final = "servers"
LONGEST_S: Final = 15.0
"""Between two looks that belong together."""
_RATE: Final = "inference.tokens.rate"
_REQUESTS: Final = "inference.requests"
_MOST: Final = 4096
"""Columns that are remembered."""
_FRESH: Final = 1e-6


class _Model:
    """One model of a server."""

    __slots__ = ("at_s", "key", "left")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.at_s = 0.0
        """When its tokens were counted last; 0: never."""
        self.left = 0.0
        """Part of a token that was not counted yet."""


class Counters:
    """Of all servers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._models: dict[tuple[str, str], _Model] = {}
        self._of: dict[str, _Model | None] = {}
        """By a series' text; None: none of ours."""

    def scraped(self, source: str, scrape: Scrape, at: Instant, interval_s: float) -> None:
        """Take in what a source brought; most are none of ours."""
        if source != SOURCE:
            return
        for reading in scrape.readings:
            self._take(reading.samples, reading.at, reading.interval_s)
        self._take(scrape.samples, at, interval_s)

    def _take(self, samples: Iterable[Sample], at: Instant, interval_s: float) -> None:
        at_s = at.boottime_ns / NS_PER_S
        running: list[tuple[_Model, int]] = []
        for sample in samples:
            text = sample.column.series.text
            if text not in self._of:
                self._remember(text, sample.column)
            model = self._of[text]
            if model is None:
                continue
            if sample.column.series.name == _RATE:
                self._count(model, sample.value, at_s, interval_s)
            else:
                running.append((model, int(sample.value)))
        # After the tokens: those of the last moment are of the answers that ended in it.
        for model, count in running:
            if model.at_s:
                self._desk.running(model.key, at_s, count)

    def _count(self, model: _Model, rate: float, at_s: float, interval_s: float) -> None:
        before_s, model.at_s = model.at_s, at_s
        since_s = before_s if 0 < at_s - before_s <= LONGEST_S else at_s - interval_s
        if at_s <= since_s:
            return
        whole = model.left + max(0.0, rate) * (at_s - since_s) + _FRESH
        count = int(whole)
        model.left = max(0.0, whole - count - _FRESH)
        self._desk.counted(model.key, since_s, at_s, count)

    def _remember(self, text: str, column: Column) -> None:
        if len(self._of) >= _MOST:
            self._of.clear()
            self._models.clear()
        series = column.series
        labels = dict(series.labels)
        wanted = (series.name == _RATE and labels.get("mode") == "generation") or (
            series.name == _REQUESTS and labels.get("mode") == "running"
        )
        if not wanted or "source" in labels or "server" not in labels:
            self._of[text] = None
            return
        names = labels["server"], labels.get("model", "")
        found = self._models.get(names)
        if found is None:
            found = self._models[names] = _Model(Key("", *names))
        self._of[text] = found
