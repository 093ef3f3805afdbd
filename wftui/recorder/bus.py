"""The bus: what happens, to whoever subscribed, through bounded queues."""

import asyncio
from collections import deque
from collections.abc import Callable
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


Notice = Closed | Scraped | TableChanged | Event | HealthChanged


class Subscription:
    """One reader's queue. When it is full everything in it goes, counted, and the reader starts anew."""

    def __init__(self, name: str, full_rate: bool) -> None:
        self.name = name
        self.full_rate = full_rate
        self.dropped = 0
        """Notices dropped since the last :meth:`take_dropped`."""
        self.dropped_total = 0
        self._queue: deque[Notice] = deque()
        self._ready = asyncio.Event()

    def offer(self, notice: Notice) -> None:
        """Put a notice in; never waits."""
        if len(self._queue) >= QUEUE:
            lost = len(self._queue)
            self._queue.clear()
            self.dropped += lost
            self.dropped_total += lost
        self._queue.append(notice)
        self._ready.set()

    async def take(self) -> Notice:
        """The next notice."""
        while not self._queue:
            self._ready.clear()
            await self._ready.wait()
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

    def __init__(self, hurry: Callable[[], None] = lambda: None) -> None:
        """``hurry`` is called when somebody begins to follow at full rate."""
        self._hurry = hurry
        self._subscriptions: set[Subscription] = set()

    def subscribe(self, name: str, full_rate: bool = False) -> Subscription:
        """A new queue; give it back with :meth:`unsubscribe`."""
        subscription = Subscription(name, full_rate)
        self._subscriptions.add(subscription)
        if full_rate:
            self._hurry()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a queue. Twice is harmless."""
        self._subscriptions.discard(subscription)

    @property
    def full_rate(self) -> bool:
        """Whether anybody wants samples as they come."""
        return any(subscription.full_rate for subscription in self._subscriptions)

    def publish(self, notice: Notice) -> None:
        """Offer a notice to every subscriber."""
        for subscription in self._subscriptions:
            subscription.offer(notice)

    def publish_samples(self, time_ns: int, samples: list[Sample]) -> None:
        """Offer samples to the subscribers that want full rate."""
        for subscription in self._subscriptions:
            if subscription.full_rate:
                subscription.offer(Scraped(time_ns, samples))

    def subscriptions(self) -> list[Subscription]:
        """All queues, for their counts."""
        return list(self._subscriptions)
