"""What waits for the journal: at most ten minutes of ticks, and at most 64 MB of everything."""

from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from wftui.model.event import Event
from wftui.model.tick import Layout, Tick
from wftui.store.entries import Burst, StoredChange

TICKS: Final = 660
"""Ticks held in memory while the journal cannot be written: 10 minutes, and a minute until it is again."""
OTHERS: Final = 2_000
"""Table changes and events held, each."""
BYTES: Final = 64_000_000
"""Of ticks, table changes and bursts together (By)."""
_EVENT: Final = 1_000

Stored = tuple[Tick, Layout] | StoredChange | Event | Burst


def weight(item: Stored) -> int:
    """About the memory that an item holds (By): a row of a table is a tuple and what it names."""
    if isinstance(item, StoredChange):
        return 300 + len(item.change.rows) * (150 + 40 * len(item.schema.columns))
    if isinstance(item, Burst):
        return 300 + 8 * (len(item.time_ns) + len(item.values))
    if isinstance(item, Event):
        return _EVENT
    return 200 + len(item[0].values)


class Batch(NamedTuple):
    """The arguments of ``Journal.write``."""

    ticks: tuple[tuple[Tick, Layout], ...] = ()
    changes: tuple[StoredChange, ...] = ()
    events: tuple[Event, ...] = ()
    bursts: tuple[Burst, ...] = ()


class Pending:
    """Items in the order in which they came; when there are too many, the oldest go, counted."""

    def __init__(self) -> None:
        self._ticks: deque[tuple[Tick, Layout]] = deque()
        self._changes: deque[StoredChange] = deque()
        self._events: deque[Event] = deque()
        self._bursts: deque[Burst] = deque()
        self.bytes = 0
        """Of ticks, changes and bursts."""
        self.lost = 0
        """Ticks that had to go."""

    def __bool__(self) -> bool:
        return bool(self._ticks or self._changes or self._events or self._bursts)

    @property
    def ticks(self) -> int:
        """How many ticks wait."""
        return len(self._ticks)

    def add(self, item: Stored) -> None:
        """Take an item in, and let the oldest go where that is one too many."""
        if isinstance(item, Event):
            self._events.append(item)
            if len(self._events) > OTHERS:
                self._events.popleft()
            return
        self.bytes += weight(item)
        if isinstance(item, StoredChange):
            self._changes.append(item)
        elif isinstance(item, Burst):
            self._bursts.append(item)
        else:
            self._ticks.append(item)
        while len(self._ticks) > TICKS:
            self._drop_tick()
        while len(self._changes) > OTHERS:
            self.bytes -= weight(self._changes.popleft())
        while self.bytes > BYTES:
            # Tables and bursts first: every tick that fits shall be there.
            if self._bursts:
                self.bytes -= weight(self._bursts.popleft())
            elif self._changes:
                self.bytes -= weight(self._changes.popleft())
            else:
                self._drop_tick()

    def _drop_tick(self) -> None:
        self.bytes -= weight(self._ticks.popleft())
        self.lost += 1

    def batch(self) -> Batch:
        """All of it."""
        return Batch(tuple(self._ticks), tuple(self._changes), tuple(self._events), tuple(self._bursts))

    def singly(self) -> Iterator[Batch]:
        """Each item alone."""
        for tick in self._ticks:
            yield Batch(ticks=(tick,))
        for change in self._changes:
            yield Batch(changes=(change,))
        for event in self._events:
            yield Batch(events=(event,))
        for burst in self._bursts:
            yield Batch(bursts=(burst,))

    def clear(self) -> None:
        """All is written."""
        for queue in (self._ticks, self._changes, self._events, self._bursts):
            queue.clear()
        self.bytes = 0
