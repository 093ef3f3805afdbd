"""Events around the cursor: those that history told, and those that the feed brought since."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

import msgspec

from wftui.wire import messages as wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wftui.model.event import Event

PASSING: Final = frozenset({"view.attached", "view.detached", "burst.stored"})
"""Types that are no place to travel to."""
MARK: Final = "mark.set"
_STEP_NS: Final = 600_000_000_000
"""Questions end on multiples of this, so that the next step asks nothing."""


def placed(event: Event) -> Event:
    """A mark at the moment that it marks, not at that of its making; any other event as it is."""
    at = event.payload.get("at_ns") if event.type == MARK else None
    return msgspec.structs.replace(event, time_ns=at) if isinstance(at, int) and at != event.time_ns else event


def _order(event: Event) -> tuple[int, int]:
    return event.time_ns, event.seq


class Chronicle:
    """Events of some types, in order of time, as far as they are known."""

    def __init__(self, types: Sequence[str] = (), limit: int = 400) -> None:
        """``types``: only these; empty: all. ``limit``: events of one answer."""
        self._types = list(types)
        self._limit = limit
        self.known: list[Event] = []
        self.version = 0
        """Another number as soon as ``known`` is another list."""
        self._asked_ns = 0
        self._since_ns = 0
        self._until_ns = 0
        self._seqs: set[int] = set()
        self._marks: dict[int, Event] = {}
        """All of them that are known: one may be about any time, whenever it was set."""

    def question(self, begin_ns: int, end_ns: int) -> wire.Events | None:
        """What has to be asked to know the events of [begin, end); None: nothing."""
        if self._since_ns <= begin_ns and end_ns <= self._until_ns:
            return None
        until = -(-end_ns // _STEP_NS) * _STEP_NS
        if until == self._asked_ns:
            return None  # what is further back is beyond the limit
        self._asked_ns = until
        return wire.Events(until_ns=until, types=self._types, limit=self._limit, newest=True)

    def take(self, reply: wire.EventsReply) -> None:
        """Keep an answer to the last question."""
        self._until_ns = self._asked_ns
        self._since_ns = reply.events[0].time_ns if reply.more and reply.events else 0
        found = {item.seq: placed(item) for item in reply.events} | self._marks
        self._settle(found.values())

    def pin(self, marks: Iterable[Event]) -> None:
        """Keep marks for good."""
        self._marks.update((item.seq, placed(item)) for item in marks)
        self._settle({item.seq: item for item in (*self.known, *self._marks.values())}.values())

    def _settle(self, events: Iterable[Event]) -> None:
        self.known = sorted(events, key=_order)
        self._seqs = {item.seq for item in self.known}
        self.version += 1

    def failed(self) -> None:
        """The last question has no answer: ask again at the next step."""
        self._asked_ns = 0

    def add(self, arrived: Iterable[Event]) -> None:
        """Add what the feed brought, where it belongs to the time that is known."""
        fresh = [
            placed(item)
            for item in arrived
            if item.seq not in self._seqs
            and (self._since_ns <= item.time_ns < self._until_ns or item.type == MARK)
            and (not self._types or item.type in self._types)
        ]
        if fresh:
            self._marks.update((item.seq, item) for item in fresh if item.type == MARK)
            self._settle([*self.known, *fresh])

    def before(self, time_ns: int) -> int:
        """How many of the known ones happened before a moment."""
        return bisect_left(self.known, time_ns, key=lambda item: item.time_ns)

    def within(self, begin_ns: int, end_ns: int) -> list[Event]:
        """Those of [begin, end)."""
        return self.known[self.before(begin_ns) : self.before(end_ns)]


def beside(events: Iterable[Event], anchor: tuple[int, int], direction: int) -> Event | None:
    """The nearest event after (+1) or before (-1) a place (time, seq) that one may travel to."""
    there = [item for item in map(placed, events) if item.type not in PASSING]
    if direction > 0:
        return min((item for item in there if _order(item) > anchor), key=_order, default=None)
    return max((item for item in there if _order(item) < anchor), key=_order, default=None)
