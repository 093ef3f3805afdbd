"""A pushed line while it is counted, and the answers to lines."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from wftui import clock
from wftui.clock import Instant
from wftui.recorder.push.forms import NO_LABELS, Batch, Trouble, UnusableError
from wftui.recorder.push.places import Places
from wftui.text import clean

TOLD: Final = 20
"""Rejected samples that a reply names; of the others it tells the number."""
_LOOK: Final = 32
"""Samples between two looks at the clock."""
_encode: Final = msgspec.json.Encoder().encode


class Counting:
    """A line that is being counted, a few samples at a time."""

    __slots__ = ("_at", "_items", "_places", "_rest", "accepted", "troubles", "unnamed")

    def __init__(self, batch: Batch, places: Places, at: Instant) -> None:
        """``at``: when its samples were taken."""
        self._at = at
        self._places = places
        self._items = _native(batch) if batch.samples else _fields(batch)
        self._rest = batch
        self.accepted = 0
        self.troubles: list[Trouble] = []
        self.unnamed = 0
        """Rejected, beyond those."""
        for trouble in batch.troubles:
            self._refuse(trouble)

    def _refuse(self, trouble: Trouble) -> None:
        if len(self.troubles) < TOLD:
            self.troubles.append(trouble)
        else:
            self.unnamed += 1
        self._places.trouble = trouble.reason

    def go_on(self, until_ns: int) -> bool:
        """Count until that time (``perf_ns``) at most; returns whether all is counted."""
        places, event = self._places, not self._rest.samples
        left = _LOOK
        for index, name, value, unit, kind, labels in self._items:
            way = places.way(name, labels, event=event)
            try:
                if way is None or (unit and unit != way.unit) or (kind and kind != way.kind):
                    way = places.find(name, unit, kind, labels, event=event)
                why = places.add(way, value)
            except UnusableError as refused:
                why = str(refused)
            if why:
                self._refuse(Trouble(None if event else index, name, why))
            else:
                self.accepted += 1
            left -= 1
            if not left:
                left = _LOOK
                if clock.perf_ns() >= until_ns:
                    return False
        return True

    def finish(self, boottime_ns: int) -> bytes:
        """The reply, when all is counted."""
        rejected = len(self.troubles) + self.unnamed
        places = self._places
        places.hand_over(self._at)
        places.accepted += self.accepted
        if rejected:
            places.rejected += rejected
            places.trouble_ns = boottime_ns
        ignored = places.ignored(bytes(self._rest.tags)) if self._rest.tags is not NO_LABELS else []
        if not rejected and not ignored:
            return b'{"accepted":%d,"rejected":[]}\n' % self.accepted
        found: dict[str, Any] = {"accepted": self.accepted}  # Any: JSON
        found["rejected"] = [_told(trouble) for trouble in self.troubles]
        if self.unnamed:
            found["more"] = self.unnamed
        if ignored:
            found["ignored"] = [f"tags.{name}" for name in ignored]
        return _encode(found) + b"\n"


_Item = tuple[int, str, float, str, str, bytes]


def _native(batch: Batch) -> Iterator[_Item]:
    indices = batch.indices
    for place, item in enumerate(batch.samples):
        labels = b"" if item.labels is NO_LABELS else bytes(item.labels)
        yield place if indices is None else indices[place], item.name, item.value, item.unit, item.kind, labels


def _fields(batch: Batch) -> Iterator[_Item]:
    labels = b"" if batch.tags is NO_LABELS else bytes(batch.tags)
    for name, value in batch.data.items():
        yield 0, name, value, "", "", labels


def _told(trouble: Trouble) -> dict[str, int | str]:
    found: dict[str, int | str] = {} if trouble.index is None else {"index": trouble.index}
    if trouble.name:
        found["name"] = clean(trouble.name, 64)
    found["reason"] = clean(trouble.reason, 300)
    return found


def refusal(reason: str) -> bytes:
    """The reply to a line of which nothing was counted."""
    return _encode({"accepted": 0, "rejected": [{"reason": clean(reason, 300)}]}) + b"\n"
