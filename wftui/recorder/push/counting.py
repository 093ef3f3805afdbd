"""A pushed line while it is counted, and the answers to lines."""

from typing import Any, Final

import msgspec

from wftui import clock
from wftui.clock import Instant
from wftui.recorder.push.forms import NO_LABELS, Batch, Pushed, Trouble, UnusableError
from wftui.recorder.push.places import Places
from wftui.recorder.push.tokens import NAME, Tokens
from wftui.text import clean

TOLD: Final = 20
"""Rejected samples that a reply names; of the others it tells the number."""
_LOOK: Final = 32
"""Samples between two looks at the clock."""
_encode: Final = msgspec.json.Encoder().encode


class Counting:
    """A line that is being counted, a few samples at a time."""

    __slots__ = (
        "_at",
        "_event",
        "_indices",
        "_next",
        "_places",
        "_samples",
        "_tags",
        "_tokens",
        "_within",
        "accepted",
        "troubles",
        "unnamed",
    )

    def __init__(
        self, batch: Batch, places: Places, at: Instant, tokens: Tokens | None = None, within_s: float = 0.0
    ) -> None:
        """``at``: when its samples were taken; ``tokens``: its token events, of which the next are wanted within
        so long."""
        self._at = at
        self._places = places
        self._event = not batch.samples
        self._samples = batch.samples or [
            Pushed(name, value, "", "", batch.tags) for name, value in batch.data.items()
        ]
        self._indices = batch.indices
        self._tags = batch.tags
        self._tokens = tokens
        self._within = within_s
        self._next = 0
        """Place of the first sample that is not counted yet."""
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
        # What runs here for each sample runs on cold caches: a look-up or a call less is felt.
        places, samples, event = self._places, self._samples, self._event
        ways = places.ways[event]
        while self._next < len(samples):
            first = self._next
            self._next = first + _LOOK
            for index, item in enumerate(samples[first : self._next], first):
                raw, unit, kind = item.labels, item.unit, item.kind
                labels = b"" if raw is NO_LABELS else bytes(raw)
                table = ways.get(labels)
                way = None if table is None else table.get(item.name)
                try:
                    if way is None or (unit and unit != way.unit) or (kind and kind != way.kind):
                        way = places.find(item.name, unit, kind, labels, event=event)
                    why = places.add(way, item.value, item.ago)
                except UnusableError as refused:
                    why = str(refused)
                if why:
                    self._refuse(Trouble(self._index(index), item.name, why))
                else:
                    self.accepted += 1
            if self._next < len(samples) and clock.perf_ns() >= until_ns:
                return False
        return self._tokens is None or self._tokens.go_on(until_ns, self._refuse_tokens)

    def _refuse_tokens(self, place: int, why: str) -> None:
        self._refuse(Trouble(place, NAME, why))

    def _index(self, place: int) -> int | None:
        """Where a sample stood in the line; of an event it has a name only."""
        if self._event:
            return None
        return place if self._indices is None else self._indices[place]

    def finish(self, boottime_ns: int) -> bytes:
        """The reply, when all is counted."""
        if self._tokens is not None:
            self.accepted += self._tokens.accepted
        rejected = len(self.troubles) + self.unnamed
        places = self._places
        places.hand_over(self._at)
        places.accepted += self.accepted
        if rejected:
            places.rejected += rejected
            places.trouble_ns = boottime_ns
        ignored = places.ignored(bytes(self._tags)) if self._tags is not NO_LABELS else []
        if not rejected and not ignored and self._tokens is None:
            return b'{"accepted":%d,"rejected":[]}\n' % self.accepted
        found: dict[str, Any] = {"accepted": self.accepted}  # Any: JSON
        found["rejected"] = [_told(trouble) for trouble in self.troubles]
        if self.unnamed:
            found["more"] = self.unnamed
        if self._tokens is not None:
            found["within"] = self._within
        if ignored:
            found["ignored"] = [f"tags.{name}" for name in ignored]
        return _encode(found) + b"\n"


def _told(trouble: Trouble) -> dict[str, int | str]:
    found: dict[str, int | str] = {} if trouble.index is None else {"index": trouble.index}
    if trouble.name:
        found["name"] = clean(trouble.name, 64)
    found["reason"] = clean(trouble.reason, 300)
    return found


def refusal(reason: str) -> bytes:
    """The reply to a line of which nothing was counted."""
    return _encode({"accepted": 0, "rejected": [{"reason": clean(reason, 300)}]}) + b"\n"
