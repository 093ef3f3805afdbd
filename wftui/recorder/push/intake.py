"""Counts pushed samples in the open second, and hands them to the recorder at its end as a source of its own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from wftui.clock import NS_PER_S, Instant
from wftui.collectors.base import STREAM
from wftui.energy.sink import Key, Nowhere
from wftui.errors import ProtocolError
from wftui.model import health
from wftui.model.health import Health
from wftui.model.sample import Column, Note, Reading, Sample, Scrape, column
from wftui.recorder.push.counting import Counting, refusal
from wftui.recorder.push.forms import AGO_NS, Batch, UnusableError
from wftui.recorder.push.known import SOURCE, pusher
from wftui.recorder.push.lines import parse
from wftui.recorder.push.places import Admit, Places
from wftui.recorder.push.quick import Quick
from wftui.recorder.push.tokens import USUAL_S, Tokens
from wftui.recorder.streams.desk import Desk
from wftui.text import clean

MAX_PUSHERS: Final = 64
AWRY_MS: Final = 60_000
"""A line with a time further from now is refused: it would be recorded as of now."""
QUIET_NS: Final = 30 * NS_PER_S
"""Health says after so long that nothing comes any more, and forgets what was rejected."""
TIDY_EVERY_S: Final = 60
_NOWHERE: Final = Nowhere()
OFF: Final = "pushes are switched off; wftop sources on push"


def _check_time(batch: Batch, at: Instant) -> None:
    if batch.time_ms is not None and not abs(batch.time_ms - at.time_ns / 1e6) <= AWRY_MS:
        raise UnusableError("timestamp: expected Unix milliseconds within a minute of now, when it is recorded")


def _taken(batch: Batch, at: Instant) -> Instant:
    """When the samples of a line were taken: as it says when that is a moment ago, else now."""
    ago_ns = 0 if batch.time_ms is None else at.time_ns - int(batch.time_ms * 1e6)
    return Instant(at.time_ns - ago_ns, at.boottime_ns - ago_ns) if 0 < ago_ns <= AGO_NS else at


class Intake:
    """The source ``push``: a streaming collector whose samples come from programs."""

    name = SOURCE
    interval_s = 1.0
    where = STREAM
    timeout_s = 5.0

    def __init__(
        self, admit: Admit, refused: Callable[[], dict[str, int]], quick: Quick, desk: Desk | None = None
    ) -> None:
        """``admit``: makes room for new series. ``refused``: source to series for which there was none. ``desk``:
        takes token events and frames; None: they are understood, and nothing is made of them."""
        self._admit = admit
        self._refused = refused
        self._quick = quick
        self._desk = desk
        self._pushers: dict[str, Places] = {}
        """By name."""
        self._by_text: dict[str, Places] = {}
        """By what a line says."""
        self._lines_rejected = 0
        self._second = 0
        self._ending = False
        self._own: dict[tuple[str, str], Column] = {}
        self._switched: dict[str, Health] = {}
        """Sources that are off, with what is said of them."""
        self.connections = 0
        self.off = False
        """Switched off by a person: nothing is counted."""
        self.trouble = ""
        """Why nothing can be pushed at all."""

    # ---- lines

    def begin(self, line: bytes, at: Instant, under_way: dict[Key, int] | None = None) -> Counting | bytes:
        """Understand a line; what is to be counted of it, or the reply that refuses it. ``under_way``: answers
        that its connection announced and has not ended, kept up to date."""
        if self.off:
            return refusal(OFF)
        try:
            batch = parse(line)
            _check_time(batch, at)
            places = self._by_text.get(batch.source) or self._places(batch.source)
        except UnusableError as error:
            self._lines_rejected += 1
            return refusal(str(error))
        places.seen_ns = at.boottime_ns
        if places.refuses:
            places.rejected += len(batch.samples) + len(batch.data) + len(batch.troubles)
            places.rejected += len(batch.tokens or ())
            return refusal(places.refuses)
        taken = _taken(batch, at)
        places.begin(taken)
        if batch.tokens is None:
            return Counting(batch, places, taken)
        sink, known = self._desk or _NOWHERE, {} if under_way is None else under_way
        tokens = Tokens(batch.tokens, batch.token_indices, places.streams, sink, taken, known)
        within_s = self._desk.every_s if self._desk is not None else 0.0
        return Counting(batch, places, taken, tokens, round(within_s or USUAL_S, 4))

    def left(self, under_way: Mapping[Key, int], at: Instant) -> None:
        """A connection that announced so many answers of each stream, and did not end them, is gone."""
        for key, count in under_way.items():
            (self._desk or _NOWHERE).left(key, at.boottime_ns / NS_PER_S, count)

    def _places(self, text: str) -> Places:
        who = pusher(text)
        found = self._pushers.get(who.name)
        if found is None:
            if len(self._pushers) >= MAX_PUSHERS:
                raise UnusableError(f"{MAX_PUSHERS} sources push already")
            frames = self._desk.frames if self._desk is not None else None
            found = self._pushers[who.name] = Places(who, self._admit, self._quick, frames)
            found.refuses = self._why_not(who.source)
        self._by_text[text] = found  # at most two ways of writing each
        return found

    # ---- the collector

    def collect(self, at: Instant) -> Scrape:
        """What came in the second that ended; nothing within one."""
        second = at.time_ns // NS_PER_S
        if second == self._second and not self._ending:
            return Scrape([], note=self._note(), readings=tuple(self._quick.take()))
        # In the second that is about to be closed, or it would be taken for the next one's.
        over_ns = max(0, at.time_ns - (self._second + 1) * NS_PER_S) + 1 if second == self._second + 1 else 0
        moment = Instant(at.time_ns - over_ns, at.boottime_ns - over_ns)
        self._second = second
        found: dict[float, list[Sample]] = {}
        latest: list[Sample] = []
        for places in self._pushers.values():
            latest += places.flush(moment.boottime_ns, found)
        if second % TIDY_EVERY_S == 0:
            self._tidy(at.boottime_ns)
        samples = found.pop(1.0, [])
        samples += self._about()
        readings = self._quick.take()
        readings += (Reading(moment, interval_s, items) for interval_s, items in found.items() if items)
        return Scrape(samples, note=self._note(), readings=tuple(readings), latest=tuple(latest))

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
            places.refuses = self._why_not(places.who.source)
        return [places.who.source for places in self._pushers.values()]

    def switch_one(self, source: str, off: Health | None) -> bool:
        """Refuse what one program pushes, with what health is to say of it, or (None) take it again.

        Returns:
            Whether that is another state than before.

        Raises:
            ProtocolError: Too many are off.
        """
        if off is None:
            changed = self._switched.pop(source, None) is not None
        else:
            changed = source not in self._switched
            if changed and len(self._switched) >= MAX_PUSHERS:
                raise ProtocolError(f"{MAX_PUSHERS} programs that push are switched off already")
            self._switched[source] = off
        for places in self._pushers.values():
            if places.who.source == source:
                places.clear()
                places.refuses = self._why_not(source)
        return changed

    def _why_not(self, source: str) -> str:
        off = self._switched.get(source)
        return OFF if self.off else f"{source} is switched off; {off.fix}" if off else ""

    def muted(self, group: str) -> None:
        """Series of this group are not kept any more: the next push of one learns it."""
        for places in self._pushers.values():
            places.clear(group)

    def _note(self) -> Note | None:
        return Note(health.FAILED, self.trouble) if self.trouble else None

    def _tidy(self, boottime_ns: int) -> None:
        self._quick.tidy(boottime_ns)
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
        """Of each program that pushes, or is not to."""
        off = self._switched
        told = [self._health(item, at) for item in self._pushers.values() if item.who.source not in off]
        return [*told, *off.values()]

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
