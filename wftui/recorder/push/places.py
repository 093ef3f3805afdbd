"""Where pushed samples gather until the second ends: all places of one pusher, and the ways to them."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from wftui import names
from wftui.clock import NS_PER_S, Instant
from wftui.model.sample import Column, Sample
from wftui.model.series import MAX_LABELS
from wftui.recorder.frames import FrameDesk
from wftui.recorder.push.forms import AGO_NS, LARGEST, UnusableError
from wftui.recorder.push.known import CUSTOM, FIELDS, LABELS, OF_FRAMES, Meaning, Pusher, meaning
from wftui.recorder.push.place import FOLLOWED, FRAMED, KEPT, MOST, Place, Way
from wftui.recorder.push.quick import Quick
from wftui.recorder.push.tokens import Streams
from wftui.text import clean

KEPT_NS: Final = 3_300_000_000_000
"""A place goes when nothing came for so long: a little before the recorder forgets the series itself."""
MAX_BUCKETS: Final = 64_000
"""Of all distributions of a pusher together in one second: some 6 MB."""
_CACHED: Final = 2 << 20
"""Bytes of ways of writing series that are remembered, of one pusher."""
_ENTRY: Final = 200
"""What an entry takes beside its text."""
_tags: Final = msgspec.json.Decoder(dict[str, str | float | int | bool | None])
_labels: Final = msgspec.json.Decoder(dict[str, str])


def _labels_among(tags: Mapping[str, str | float | None]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key in LABELS and isinstance(value, str) and value}


Admit = Callable[[Sequence[Column]], str]
"""Makes room for new series: all or none; returns why not, or an empty text."""


class Places:
    """All series of one pusher. What finds a place quickly is bounded, and may be forgotten at any time."""

    def __init__(self, who: Pusher, admit: Admit, quick: Quick, frames: FrameDesk | None = None) -> None:
        """``frames``: hears of the times of frames, their parts and inputs."""
        self.who = who
        self.streams = Streams(who)
        self._frames = frames
        self.refuses = ""
        """Why nothing is taken; empty: it is."""
        self.lines = 0
        """In the open second."""
        self.now_ns = 0
        """CLOCK_BOOTTIME of when the samples of the line were taken, as far as is known."""
        self._every_ns = 0
        """Between two samples of a series that are told; 0: nobody follows."""
        self.ways: tuple[dict[bytes, dict[str, Way]], ...] = ({}, {})
        """JSON of labels to name to what it leads to, of samples and of events: what is known of them, and not
        forgotten again."""
        self.buckets = 0
        """Of all distributions in the open second."""
        self.accepted = 0
        self.rejected = 0
        self.trouble = ""
        """Why the last rejected sample was."""
        self.trouble_ns = 0
        """CLOCK_BOOTTIME of that."""
        self.seen_ns = 0
        """CLOCK_BOOTTIME of the last line."""
        self.limited = 0
        """Series for which there was no room, as last told."""
        self.limited_ns = 0
        """CLOCK_BOOTTIME when that grew."""
        self.state = ""
        """Of health, as last told."""
        self.since_ns = 0
        """When it came into that (UTC)."""
        self._admit = admit
        self._quick = quick
        self._moments: dict[int, tuple[list[Sample], dict[float, list[Sample]]]] = {}
        """Of the line, by how long ago (ns): for those who follow, and to be kept at that time (by pace)."""
        self._timed = False
        """Whether samples of the open second said how long ago they were taken."""
        self._places: dict[str, Place] = {}
        self._cached = 0
        """Bytes of these, about."""
        self._fixed: dict[str, Meaning] = {}
        """Name to what the first push made of it."""
        self._ignored: dict[bytes, list[str]] = {}
        self._touched: list[Place] = []
        self._counters: list[Place] = []

    def __len__(self) -> int:
        return len(self._places)

    def _remember(self, name: str, labels: bytes, way: Way, *, event: bool) -> None:
        if self._room_for(len(name) + len(labels)):
            self.ways[event].setdefault(labels, {})[sys.intern(name)] = way

    def _room_for(self, size: int) -> bool:
        if size > _CACHED // 256:
            return False
        if self._cached > _CACHED:
            self._forget_ways()
        self._cached += size + _ENTRY
        return True

    def _forget_ways(self) -> None:
        for tables in self.ways:
            tables.clear()
        self._ignored.clear()
        self._cached = 0

    def add(self, way: Way, value: float, ago_s: float = 0.0) -> str:
        """Count a sample, taken so long ago; returns why it is refused, or an empty text."""
        place = way.place
        value *= way.factor
        if not -LARGEST <= value <= LARGEST:
            return f"value: expected a number up to {LARGEST:g}"
        sketch = place.sketch
        if sketch is not None:
            if value < 0 and place.columns[0].group != CUSTOM:
                return f"value: expected 0 or more, got {value / way.factor:g}"
            if self.buckets >= MAX_BUCKETS:
                return "too many different values of distributions in this second"
            if sketch.add(value):
                self.buckets += 1
        elif not place.gauge:
            if value < 0:
                return "a counter is pushed as what it grew by: expected 0 or more"
            if not place.total + value <= LARGEST:
                return "the counter is full"
            place.total += value
        else:
            place.total += value
            place.last = value
        if not place.count:
            self._touched.append(place)
        place.count += 1
        if ago_s:
            self._timed = True
        if place.tells:
            self._as_it_comes(place, place.total if place.kind == names.COUNTER else value, ago_s)
        return ""

    def _as_it_comes(self, place: Place, value: float, ago_s: float) -> None:
        if place.live is None:
            return
        ago_ns = int(ago_s * 1e9) if 0 < ago_s <= AGO_NS / 1e9 else 0
        if place.tells & FRAMED:
            self._framed(place.live, value, (self.now_ns - ago_ns) / NS_PER_S)
            if place.tells == FRAMED:
                return
        told, kept = self._moments.setdefault(ago_ns, ([], {}))
        sample = Sample(place.live, value)
        if place.tells & KEPT:
            if place.count <= MOST:
                kept.setdefault(place.pace_s, []).append(sample)
            elif place.count == MOST + 1 and place.gauge:
                place.total = value  # the mean of those that follow is handed over at the second's end
        taken_ns = self.now_ns - ago_ns
        if place.tells & FOLLOWED and abs(taken_ns - place.told_ns) >= self._every_ns:
            place.told_ns = taken_ns
            told.append(sample)

    def _framed(self, column: Column, value: float, at_s: float) -> None:
        frames, name = self._frames, column.series.name
        if frames is None:
            return
        if name == "ux.frame.duration":
            frames.frame(self.who.name, at_s, value)
        elif name == "ux.stage.duration":
            frames.stage(self.who.name, at_s, dict(column.series.labels).get("mode", ""), value)
        else:
            frames.input(self.who.name, at_s, value)

    def hand_over(self, at: Instant) -> None:
        """The line is counted: what of it does not wait for the second's end."""
        if not self._moments:
            return
        moments, self._moments = self._moments, {}
        for ago_ns in sorted(moments, reverse=True):
            self._quick.hand_over(Instant(at.time_ns - ago_ns, at.boottime_ns - ago_ns), *moments[ago_ns])
        self._quick.tell(self.seen_ns)

    def begin(self, at: Instant) -> None:
        """A line comes; its samples were taken then."""
        self.lines += 1
        self.now_ns = at.boottime_ns
        every_ns = self._quick.every_ns
        if every_ns != self._every_ns:
            self._every_ns = every_ns
            for place in self._places.values():
                place.tells = place.tells & ~FOLLOWED | (FOLLOWED if every_ns else 0)

    def find(self, name: str, unit: str, kind: str, labels: bytes, *, event: bool) -> Way:
        """The way to the place of a series, made when there is none.

        Raises:
            UnusableError: It cannot be recorded.
        """
        if self.refuses:
            raise UnusableError(self.refuses)
        pairs = self._understood(labels, event=event)
        known = FIELDS.get(name) if event else None
        meant = meaning(self.who, name, pairs, unit, kind, known)
        fixed = self._fixed.get(meant.columns[0].series.name)
        if fixed is not None:
            meant = self._as_before(name, meant, fixed, pairs, unit, kind)
        place = self._places.get(meant.text)
        if place is None:
            why = self._admit(meant.columns)
            if why:
                raise UnusableError(why)
            self._fixed.setdefault(meant.columns[0].series.name, meant)
            place = self._places[meant.text] = Place(meant)
            place.tells = FOLLOWED if self._every_ns else 0
            if self._frames is not None and meant.columns[0].series.name in OF_FRAMES:
                place.tells |= FRAMED
            if place.kind == names.COUNTER:
                self._counters.append(place)
        way = Way(place, meant.unit, meant.kind, meant.factor)
        self._remember(name, labels, way, event=event)
        return way

    def _as_before(
        self, name: str, meant: Meaning, fixed: Meaning, pairs: Mapping[str, str], unit: str, kind: str
    ) -> Meaning:
        """The meaning with the unit and the kind that the first push fixed."""
        if fixed.columns[0].unit == meant.columns[0].unit and fixed.kind == meant.kind:
            return meant
        for what, given, first in (("unit", unit, fixed.unit), ("kind", kind, fixed.kind)):
            if given and given != first:
                raise UnusableError(f"{name}: its first push fixed the {what} as {first!r}, not {clean(given)!r}")
        return meaning(self.who, name, pairs, fixed.unit, fixed.kind)

    def _understood(self, labels: bytes, *, event: bool) -> dict[str, str]:
        if not labels:
            return {}
        if event:
            return self._tagged(labels)
        try:
            pairs = _labels.decode(labels)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UnusableError(f"labels: expected a text for each key: {str(error)[:100]}") from error
        if len(pairs) > MAX_LABELS:
            raise UnusableError(f"{len(pairs)} labels, at most {MAX_LABELS} are allowed")
        if "source" in pairs:
            raise UnusableError("label 'source' is the source of the line")
        return pairs

    def _tagged(self, labels: bytes) -> dict[str, str]:
        """Of an event's tags those that are labels. A tag is a remark: one more must not cost the event."""
        try:
            tags = _tags.decode(labels)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UnusableError(f"tags: expected a text for each key: {str(error)[:100]}") from error
        return _labels_among(tags)

    def ignored(self, labels: bytes) -> list[str]:
        """Tags of these that are no labels, eight at most."""
        found = self._ignored.get(labels)
        if found is None:
            try:
                tags = _tags.decode(labels)
            except (msgspec.DecodeError, UnicodeDecodeError):
                tags = {}  # the samples say what is wrong with them
            found = sorted({clean(key[:32]) for key in tags.keys() - _labels_among(tags).keys()})[:8]
            if self._room_for(len(labels)):
                self._ignored[labels] = found
        return found

    def flush(self, boottime_ns: int, found: dict[float, list[Sample]]) -> list[Sample]:
        """Put what came since the last time into ``found``, by interval; counters also where nothing came.

        Returns:
            Of gauges that came several times, what they were last.
        """
        latest = []
        touched, self._touched = self._touched, []
        for place in touched:
            place.paced(boottime_ns)
            count = place.count
            found.setdefault(place.spacing_s, []).extend(place.samples())
            if count > 1:
                self._quick.look(place, count, count if self._timed else self.lines, boottime_ns)
                if place.gauge:
                    latest.append(Sample(place.columns[0], place.last))
        # Between two pushes a counter is known: it has not grown. Left out it would have no rate.
        for place in self._counters:
            if place.last_ns != boottime_ns:
                found.setdefault(place.spacing_s, []).append(Sample(place.columns[0], place.total))
        self.buckets = self.lines = 0
        self._timed = False
        return latest

    def tidy(self, boottime_ns: int) -> None:
        """Let go of what is not pushed any more."""
        self._let_go(place for place in self._places.values() if boottime_ns - place.last_ns > KEPT_NS)

    def clear(self, group: str = "") -> None:
        """Nothing of a group, of any without its name, is known any more, the open second included."""
        self._let_go(place for place in self._places.values() if group in ("", place.columns[0].group))

    def _let_go(self, those: Iterable[Place]) -> None:
        gone = {id(place): place for place in those}
        if not gone:
            return
        self._moments = {}
        self._quick.forget(gone.values())
        self._places = {text: place for text, place in self._places.items() if id(place) not in gone}
        self._counters = [place for place in self._counters if id(place) not in gone]
        self._touched = [place for place in self._touched if id(place) not in gone]
        kept = {place.columns[0].series.name for place in self._places.values()}
        self._fixed = {name: meant for name, meant in self._fixed.items() if name in kept}
        self._forget_ways()
