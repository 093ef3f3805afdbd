"""What the recorder says of itself, each second: cost, lateness, sources, views, rings, store."""

import math
from collections.abc import Callable, Mapping
from typing import Final

from wftui.clock import NS_PER_S, Instant
from wftui.model.sample import Sample
from wftui.recorder.accumulator import Accumulator
from wftui.recorder.emitter import Emit
from wftui.recorder.gauges import Gauges
from wftui.recorder.own import OwnCost
from wftui.recorder.scheduler import Scheduler
from wftui.recorder.server import Server
from wftui.recorder.storage import Storage
from wftui.recorder.views import Views
from wftui.wire.reports import Report

SLOW_EVERY_S: Final = 5
"""Interval of the series about sources and segments: sixty that hardly move would cost more each second than
reading the CPUs."""


class Ledger:
    """Of one recorder."""

    def __init__(
        self,
        started: Instant,
        emit: Emit,
        scheduler: Scheduler,
        storage: Storage,
        server: Server,
        reported: Callable[[str, Report], None],
    ) -> None:
        """``started``: since when CPU time counts; ``reported``: see ``Views``."""
        self._gauges = Gauges()
        self.cost = OwnCost(started)
        self.views = Views(emit, self._gauges, reported)
        """Who is attached, told by the server."""
        self._scheduler = scheduler
        self._storage = storage
        self._server = server
        self._closed_ns = started.boottime_ns

    def second(
        self, time_s: int, at: Instant, accumulator: Accumulator, events: Mapping[str, int]
    ) -> list[Sample]:
        """Of the UTC second whose tick was closed at ``at``; ``events``: type to how many of this session."""
        gauges, storage, views = self._gauges, self._storage, self._server.views
        rings = accumulator.pool
        return [
            *self.cost.sample(at),
            *gauges.tick(self._late_s(time_s, at), len(accumulator), len(views), rings.span_s, rings.bytes),
            *gauges.store(storage.keeper),
            *gauges.history(storage.relay.usage()),
            *gauges.counters(self._scheduler.sources, accumulator.rejected, events),
            *gauges.seals(storage.sealing, storage.keeper),
            *self.views.second(views),
        ]

    def slow(self, seq: int) -> list[Sample]:
        """What is told every ``SLOW_EVERY_S``; ``seq``: of the newest tick."""
        storage = self._storage
        return [
            *self._gauges.sealed(storage.sealing, storage.keeper, seq),
            *self._gauges.sources(self._scheduler.sources),
        ]

    def _late_s(self, time_s: int, at: Instant) -> float:
        late_s: float = max(0, at.time_ns - (time_s + 1) * NS_PER_S) / 1e9
        if late_s > (at.boottime_ns - self._closed_ns) / 1e9:
            late_s = math.nan  # the wall clock was stepped: the tick was not late
        self._closed_ns = at.boottime_ns
        return late_s
