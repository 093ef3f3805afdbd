"""The bus: what happens, to whoever subscribed, through bounded queues."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from wftui.model.event import Event
from wftui.model.health import Health
from wftui.model.sample import Sample
from wftui.model.table import TableChange, TableSnapshot
from wftui.model.tick import Layout, Tick

QUEUE: Final = 64
"""Messages that wait for one subscriber at most: about 20 s of a feed."""


class Closed(NamedTuple):
    """A second was closed."""

    tick: Tick
    layout: Layout


class LaidOut(NamedTuple):
    """There are new series in the open second, of a source that is told as it comes."""

    source: str
    layout: Layout


class Scraped(NamedTuple):
    """A source brought samples (only for subscribers that want full rate)."""

    time_ns: int
    samples: list[Sample]


class TableChanged(NamedTuple):
    """A table was scanned."""

    snapshot: TableSnapshot
    change: TableChange
    """From the scan before."""


class HealthChanged(NamedTuple):
    """Health of all sources."""

    sources: list[Health]


EVERY: Final = "*"
"""In place of a source's name: all of them."""
Notice = Closed | LaidOut | Scraped | TableChanged | Event | HealthChanged


class Subscription:
    """One reader's queue. When it is full everything in it goes, counted, and the reader starts anew."""

    def __init__(self, name: str, rate_hz: float = 1.0, sources: Iterable[str] = (EVERY,)) -> None:
        """``rate_hz``: above 1 it gets samples as they come; ``sources``: only of these."""
        self.name = name
        self.rate_hz = rate_hz
        self.sources = frozenset(sources)
        self.dropped = 0
        """Notices dropped since the last :meth:`take_dropped`."""
        self.dropped_total = 0
        self._queue: deque[Notice] = deque()
        self._waiter: asyncio.Future[None] | None = None
        """Of the reader, while it has nothing to read: an Event would be twice the work sixty times a second."""

    def wants(self, source: str) -> bool:
        """Whether it gets the samples of a source as they come."""
        return self.rate_hz > 1 and (EVERY in self.sources or source in self.sources)

    def offer(self, notice: Notice) -> None:
        """Put a notice in; never waits."""
        if len(self._queue) >= QUEUE:
            lost = len(self._queue)
            self._queue.clear()
            self.dropped += lost
            self.dropped_total += lost
        self._queue.append(notice)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def take(self) -> Notice:
        """The next notice; for one reader."""
        while not self._queue:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._queue.popleft()

    def take_nowait(self) -> Notice | None:
        """The next notice if there is one."""
        return self._queue.popleft() if self._queue else None

    def take_dropped(self) -> int:
        """How many were dropped since the last call."""
        count, self.dropped = self.dropped, 0
        return count


class Bus:
    """Fan-out without back-pressure: a slow reader loses, nobody else notices."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        """``changed`` is called when somebody begins or ceases to follow at full rate."""
        self._changed = changed
        self._subscriptions: set[Subscription] = set()
        self._wanted: dict[str, bool] = {}
        """By source, as long as nobody comes or goes: it is asked some hundred times a second."""

    def subscribe(self, name: str, rate_hz: float = 1.0, sources: Iterable[str] = (EVERY,)) -> Subscription:
        """A new queue (see there); give it back with :meth:`unsubscribe`."""
        subscription = Subscription(name, rate_hz, sources)
        self._subscriptions.add(subscription)
        if rate_hz > 1:
            self._wanted.clear()
            self._changed()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a queue. Twice is harmless."""
        if subscription in self._subscriptions:
            self._subscriptions.discard(subscription)
            if subscription.rate_hz > 1:
                self._wanted.clear()
                self._changed()

    @property
    def full_rate(self) -> bool:
        """Whether anybody wants samples as they come."""
        return any(subscription.rate_hz > 1 for subscription in self._subscriptions)

    def wanted(self, source: str) -> bool:
        """Whether anybody wants those of that source as they come."""
        found = self._wanted.get(source)
        if found is None:
            found = any(subscription.wants(source) for subscription in self._subscriptions)
            self._wanted[source] = found
        return found

    def followed_hz(self, source: str) -> float:
        """The rate of the fastest who want those of that source as they come; 0: nobody does."""
        return max((item.rate_hz for item in self._subscriptions if item.wants(source)), default=0.0)

    def rate_hz(self, source: str) -> float:
        """How closely somebody looks at a source that is named; 1: as at all others."""
        return max((item.rate_hz for item in self._subscriptions if source in item.sources), default=1.0)

    def publish(self, notice: Notice) -> None:
        """Offer a notice to every subscriber."""
        for subscription in self._subscriptions:
            subscription.offer(notice)

    def publish_samples(self, source: str, time_ns: int, samples: list[Sample]) -> None:
        """Offer samples of a source to the subscribers that want them as they come."""
        if not self.wanted(source):
            return
        notice = Scraped(time_ns, samples)
        for subscription in self._subscriptions:
            if subscription.wants(source):
                subscription.offer(notice)

    def subscriptions(self) -> list[Subscription]:
        """All queues, for their counts."""
        return list(self._subscriptions)
