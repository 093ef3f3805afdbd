"""Counts pushed samples in the open second, and hands them to the recorder at its end as a source of its own."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec

from wftui import clock
from wftui.clock import NS_PER_S, Instant
from wftui.collectors.base import STREAM
from wftui.model import health
from wftui.model.health import Health
from wftui.model.sample import Column, Note, Reading, Sample, Scrape, column
from wftui.recorder.push.forms import NO_LABELS, Batch, Trouble, UnusableError
from wftui.recorder.push.known import SOURCE, pusher
from wftui.recorder.push.lines import parse
from wftui.recorder.push.places import Admit, Places
from wftui.text import clean

MAX_PUSHERS: Final = 64
TOLD: Final = 20
"""Rejected samples that a reply names; of the others it tells the number."""
AWRY_MS: Final = 60_000
"""A line with a time further from now is refused: it would be recorded as of now."""
QUIET_NS: Final = 30 * NS_PER_S
"""Health says after so long that nothing comes any more, and forgets what was rejected."""
TIDY_EVERY_S: Final = 60
_LOOK: Final = 32
"""Samples between two looks at the clock."""
_encode: Final = msgspec.json.Encoder().encode


class Counting:
    """A line that is being counted, a few samples at a time."""

    __slots__ = ("_items", "_places", "_rest", "accepted", "reply", "troubles", "unnamed")

    def __init__(self, batch: Batch, places: Places) -> None:
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


def _check_time(batch: Batch, at: Instant) -> None:
    if batch.time_ms is not None and not abs(batch.time_ms - at.time_ns / 1e6) <= AWRY_MS:
        raise UnusableError("timestamp: expected Unix milliseconds within a minute of now, when it is recorded")


def refusal(reason: str) -> bytes:
    """The reply to a line of which nothing was counted."""
    return _encode({"accepted": 0, "rejected": [{"reason": clean(reason, 300)}]}) + b"\n"


class Intake:
    """The source ``push``: a streaming collector whose samples come from programs."""

    name = SOURCE
    interval_s = 1.0
    where = STREAM
    timeout_s = 5.0

    def __init__(self, admit: Admit, refused: Callable[[], dict[str, int]]) -> None:
        """``admit``: makes room for new series. ``refused``: source to series for which there was none."""
        self._admit = admit
        self._refused = refused
        self._pushers: dict[str, Places] = {}
        """By name."""
        self._by_text: dict[str, Places] = {}
        """By what a line says."""
        self._lines_rejected = 0
        self._second = 0
        self._ending = False
        self._own: dict[tuple[str, str], Column] = {}
        self.connections = 0
        self.off = False
        """Switched off by a person: nothing is counted."""
        self.trouble = ""
        """Why nothing can be pushed at all."""

    # ---- lines

    def begin(self, line: bytes, at: Instant) -> Counting | bytes:
        """Understand a line; what is to be counted of it, or the reply that refuses it."""
        if self.off:
            return refusal("pushes are switched off; wftop sources on push")
        try:
            batch = parse(line)
            _check_time(batch, at)
            places = self._by_text.get(batch.source) or self._places(batch.source)
        except UnusableError as error:
            self._lines_rejected += 1
            return refusal(str(error))
        places.seen_ns = at.boottime_ns
        return Counting(batch, places)

    def _places(self, text: str) -> Places:
        who = pusher(text)
        found = self._pushers.get(who.name)
        if found is None:
            if len(self._pushers) >= MAX_PUSHERS:
                raise UnusableError(f"{MAX_PUSHERS} sources push already")
            found = self._pushers[who.name] = Places(who, self._admit)
        self._by_text[text] = found  # at most two ways of writing each
        return found

    # ---- the collector

    def collect(self, at: Instant) -> Scrape:
        """What came in the second that ended; nothing within one."""
        second = at.time_ns // NS_PER_S
        if second == self._second and not self._ending:
            return Scrape([], note=self._note())
        # In the second that is about to be closed, or it would be taken for the next one's.
        over_ns = max(0, at.time_ns - (self._second + 1) * NS_PER_S) + 1 if second == self._second + 1 else 0
        moment = Instant(at.time_ns - over_ns, at.boottime_ns - over_ns)
        self._second = second
        found: dict[float, list[Sample]] = {}
        for places in self._pushers.values():
            places.flush(moment.boottime_ns, found)
        if second % TIDY_EVERY_S == 0:
            self._tidy(at.boottime_ns)
        samples = found.pop(1.0, [])
        samples += self._about()
        readings = tuple(Reading(moment, interval_s, items) for interval_s, items in found.items())
        return Scrape(samples, note=self._note(), readings=readings)

    def end(self) -> None:
        """The recorder ends: the next collection brings the part of a second that there is."""
        self._ending = True

    def close(self) -> None:
        """Nothing is open here."""

    def switch(self, *, on: bool) -> list[str]:
        """Count what is pushed, or nothing; returns the sources that it is of."""
        self.off = not on
        for places in self._pushers.values():
            places.clear()
        return [places.who.source for places in self._pushers.values()]

    def muted(self, group: str) -> None:
        """Series of this group are not kept any more: the next push of one learns it."""
        for places in self._pushers.values():
            places.clear(group)

    def _note(self) -> Note | None:
        return Note(health.FAILED, self.trouble) if self.trouble else None

    def _tidy(self, boottime_ns: int) -> None:
        for name, places in list(self._pushers.items()):
            places.tidy(boottime_ns)
            if not len(places) and boottime_ns - places.seen_ns > QUIET_NS:
                del self._pushers[name]
                self._by_text = {text: item for text, item in self._by_text.items() if item is not places}

    def _about(self) -> Iterator[Sample]:
        yield Sample(self._column("wftop.push.connections", ""), self.connections)
        if self._lines_rejected:
            yield Sample(self._column("wftop.push.rejected", SOURCE), self._lines_rejected)
        for places in self._pushers.values():
            source = places.who.source
            yield Sample(self._column("wftop.push.samples", source), places.accepted)
            yield Sample(self._column("wftop.push.rejected", source), places.rejected)

    def _column(self, name: str, source: str) -> Column:
        found = self._own.get((name, source))
        if found is None:
            if len(self._own) > 4 * MAX_PUSHERS:
                self._own.clear()
            labels = {"source": source} if source else None
            found = self._own[name, source] = column(SOURCE, name, labels, call="wftop itself")
        return found

    # ---- health

    def health(self, at: Instant) -> Sequence[Health]:
        """Of each program that pushes."""
        return [self._health(places, at) for places in self._pushers.values()]

    def _health(self, places: Places, at: Instant) -> Health:
        source = places.who.source
        state, reason, fix = health.OK, "", ""
        refused = self._refused().get(source, 0)
        if refused != places.limited:
            places.limited, places.limited_ns = refused, at.boottime_ns
        if at.boottime_ns - places.seen_ns > QUIET_NS:
            state, reason = health.ABSENT, "nothing is pushed at present"
        elif refused and at.boottime_ns - places.limited_ns < QUIET_NS:
            state, reason = health.DENIED, f"{refused} new series refused, {len(places)} are kept"
            fix = "push fewer different names and label values"
        elif places.rejected and at.boottime_ns - places.trouble_ns < QUIET_NS:
            reason = f"{places.rejected} samples rejected, the last: {clean(places.trouble, 160)}"
        if state != places.state:
            places.state, places.since_ns = state, at.time_ns
        return Health(
            source,
            state,
            reason,
            fix,
            places.since_ns,
            interval_s=self.interval_s,
            last_ns=at.time_ns - (at.boottime_ns - places.seen_ns),
            failures=places.rejected,
        )
