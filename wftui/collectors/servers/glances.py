"""Glances between two looks: at what moves within a second, while somebody looks at the servers.

A look a second is enough for the record. Whoever watches tokens being made sees more with ten of them, of the few
figures that are cheap to ask for and harm nobody (``Glancing``).
"""

from collections.abc import Callable
from typing import Final

from wftui import log
from wftui.clock import NS_PER_S, Clock, Instant
from wftui.collectors.servers.adapter import Glancing
from wftui.collectors.servers.attention import RATES, Attention
from wftui.collectors.servers.figures import Look
from wftui.collectors.servers.web import Web
from wftui.errors import SourceError
from wftui.model.sample import Reading, Sample

_AFTER_NS: Final = 10 * NS_PER_S
"""So long a server is left alone after a glance that failed."""
_QUICK: Final = 10
"""So many quick answers in a row, and a server is asked more often again."""


class Glances:
    """Those at one server."""

    def __init__(self, attention: Attention, clock: Clock, phase_ns: int) -> None:
        """``phase_ns``: where in a second the looks are."""
        self._attention = attention
        self._clock = clock
        self._phase_ns = phase_ns
        self._slow = 0
        """Place in ``RATES``: what the server's answers allow."""
        self._quick = 0
        self._failed_ns = -_AFTER_NS
        self._told: frozenset[str] = frozenset()
        """Series that came with glances since the last look."""
        self._interval_s = 1.0
        """Between two of these."""

    def reading(self, at: Instant, interval_s: float, samples: list[Sample]) -> Reading:
        """What a glance told, as it is told on."""
        self._told = frozenset(item.column.series.text for item in samples)
        self._interval_s = interval_s
        return Reading(at, interval_s, samples)

    def between(self, at: Instant, samples: list[Sample]) -> Reading | None:
        """Take from a look's samples those of the series that glances tell, too: they have the pace of these.

        None: there was no glance since the last look, and all of them come once a second.
        """
        told, self._told = self._told, frozenset()
        if not told:
            return None
        quick = [item for item in samples if item.column.series.text in told]
        samples[:] = [item for item in samples if item.column.series.text not in told]
        return Reading(at, self._interval_s, quick)

    async def until(self, due_ns: int, adapter: object, web: Web, tell: Callable[[Look, float], None]) -> None:
        """Glance until a look is due (CLOCK_BOOTTIME), as long as something moves; not beyond.

        Args:
            due_ns: When.
            adapter: The server's; one that is not ``Glancing`` has nothing to glance at.
            web: Its connection.
            tell: Takes what was seen, and the seconds between two glances.
        """
        if self._attention.wanted_hz <= RATES[-1] or not isinstance(adapter, Glancing):
            return
        while adapter.moves:
            now = self._clock.now()
            if now.boottime_ns < self._failed_ns + _AFTER_NS:
                return
            rate = min(self._attention.rate, RATES[self._slow])
            if rate <= RATES[-1]:
                self._attention.tried(now.boottime_ns)
                return
            interval_ns = NS_PER_S // rate
            at_ns = now.boottime_ns + interval_ns - (now.time_ns - self._phase_ns) % interval_ns
            if at_ns > due_ns - interval_ns // 2:
                return
            await self._clock.sleep_until(at_ns)
            try:
                tell(await self._glance(adapter, web), interval_ns / NS_PER_S)
            except SourceError:
                self._failed_ns = self._clock.now().boottime_ns  # the next look says what became of it
            except Exception as error:  # noqa: BLE001  an adapter's mistake: the looks go on
                self._failed_ns = self._clock.now().boottime_ns
                log.error("servers", "a glance failed", exc=error)

    async def _glance(self, adapter: Glancing, web: Web) -> Look:
        began_ns = self._clock.now().boottime_ns
        self._attention.begin()
        try:
            look = await adapter.glance(web)
        finally:
            ended_ns = self._clock.now().boottime_ns
            self._attention.end(ended_ns)
        self._pace((ended_ns - began_ns) / NS_PER_S)
        return look

    def _pace(self, took_s: float) -> None:
        """A server that takes half of the time for its answers is asked less often: it has better things to do."""
        if took_s > 0.5 / RATES[self._slow]:
            self._slow, self._quick = min(self._slow + 1, len(RATES) - 2), 0
        elif self._slow and took_s < 0.25 / RATES[self._slow - 1]:
            self._quick += 1
            if self._quick >= _QUICK:
                self._slow, self._quick = self._slow - 1, 0
