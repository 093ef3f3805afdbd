"""Events of the recorder: named, numbered, counted, told."""

from collections.abc import Callable
from typing import Any

import msgspec

import wftui
from wftui import names
from wftui.clock import Clock, Instant
from wftui.model import event as events
from wftui.model.event import Event

Emit = Callable[[str, tuple[str, str], dict[str, Any]], object]
"""Makes an event: type, (aggregate type, id), payload; Any: JSON values."""


class Emitter:
    """An ``Emit``; its numbers go on where the session before stopped."""

    def __init__(self, clock: Clock, tell: Callable[[Event], None]) -> None:
        self.seq = 0
        """Of the newest event."""
        self.session = 0
        """Of the journal; in each event's metadata."""
        self.counts = dict.fromkeys(names.EVENT_TYPES, 0)
        """Events of this session, by type."""
        self._clock = clock
        self._tell = tell

    def __call__(
        self,
        kind: str,
        about: tuple[str, str],
        payload: dict[str, Any],  # Any: JSON values
        at: Instant | None = None,
    ) -> Event:
        """Make an event. Without an id it is about itself; ``at``: when it happened, None: now.

        Raises:
            ValueError: There is no such type.
        """
        if kind not in names.EVENT_TYPES:
            raise ValueError(f"{kind} is no event type (wftui/names/)")
        self.seq += 1
        at = at or self._clock.now()
        metadata = {"program": wftui.__version__, "session": self.session}
        item = events.event(at.time_ns, kind, about, payload, metadata)
        item = msgspec.structs.replace(item, seq=self.seq, aggregate_id=item.aggregate_id or item.event_id)
        self.counts[kind] += 1
        self._tell(item)
        return item
