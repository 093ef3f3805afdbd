"""Which questions a journal cannot answer by itself: what is sealed, as far as a recorder has to know."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from wftui import log
from wftui.clock import NS_PER_S
from wftui.model.sample import Column
from wftui.store import answers, manifest
from wftui.store.read import Reader
from wftui.wire import messages as m

HOUR_S: Final = 3600
KEYFRAMES: Final = 90
"""Ticks after the journal's first one until it holds a keyframe of every table."""

Question = m.Range | m.At | m.Events | m.Tables | m.Compare | m.Catalogue | m.Why | m.ReplayRules


class _Segment(msgspec.Struct, frozen=True, gc=False):
    """What counts here of ``manifest.Segment``; a year of them stays below 100 kB."""

    kind: str
    first_seq: int
    last_seq: int
    since_s: int
    until_s: int


class _Segments(msgspec.Struct, frozen=True):
    version: int
    segments: list[_Segment] = []


class _Columns(msgspec.Struct, frozen=True):
    columns: list[manifest.StoredColumn] = []


class _Start(NamedTuple):
    """Where the journal begins."""

    seq: int
    time_s: int
    event_seq: int


class Sealed:
    """The spans of a data dir's segments, read again when the manifest was renamed over. One thread's."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / manifest.FOLDER / manifest.NAME
        self._stamp = (0, 0)
        self._ticks: list[_Segment] = []
        self._events: list[_Segment] = []

    def refresh(self) -> None:
        """Look whether something was sealed meanwhile: one stat."""
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_ino)
            if stamp == self._stamp:
                return
            found = msgspec.json.decode(self._path.read_bytes(), type=_Segments)
        except FileNotFoundError:
            found, stamp = _Segments(manifest.VERSION), (0, 0)
        except (OSError, msgspec.MsgspecError) as error:
            # Without it only the journal is asked; `wftop doctor` says what is to be done.
            log.warning("history", "the manifest of segments cannot be read", path=self._path, reason=str(error))
            found, stamp = _Segments(manifest.VERSION), self._stamp
        if found.version > manifest.VERSION:
            found = _Segments(manifest.VERSION)  # a newer wftop's: left alone
        self._stamp = stamp
        self._ticks = _distinct(item for item in found.segments if item.kind in manifest.LEVELS)
        self._events = _distinct(item for item in found.segments if item.kind == manifest.EVENT)

    @property
    def empty(self) -> bool:
        """Nothing was sealed yet."""
        return not (self._ticks or self._events)

    def bounds(self) -> tuple[int, int] | None:
        """First and last UTC second of sealed ticks; None: there are none."""
        raw = [item for item in self._ticks if item.kind == manifest.RAW]
        first = min((item.first_seq for item in raw), default=1 << 62)
        # A step begins before its first tick: it counts only where no single tick is left.
        items = raw + [item for item in self._ticks if item.kind != manifest.RAW and item.first_seq < first]
        if not items:
            return None
        return min(item.since_s for item in items), max(item.until_s for item in items) - 1

    def columns(self) -> list[Column]:
        """Every series that was ever sealed and is not purged."""
        if self.empty:
            return []
        try:
            found = msgspec.json.decode(self._path.read_bytes(), type=_Columns)
        except (OSError, msgspec.MsgspecError):
            return []  # refresh has told
        return [item.column() for item in found.columns]

    def is_older(self, reader: Reader, question: Question) -> bool:
        """Whether the answer needs ticks or events that the journal does not hold any more."""
        if self.empty:
            return False
        start = _start(reader)
        match question:
            case m.Range():
                # One second more, as for the first rate.
                return self._holds(start, question.since_ns // NS_PER_S - 1, -(-question.until_ns // NS_PER_S))
            case m.Tables():
                later = start._replace(seq=start.seq + KEYFRAMES, time_s=start.time_s + KEYFRAMES)
                return self._holds(later, question.since_ns // NS_PER_S, -(-question.until_ns // NS_PER_S))
            case m.At():
                return self._is_older_moment(reader, start, question)
            case m.Events():
                return self._has_older_events(reader, start, question)
            case m.Compare() | m.Why() | m.ReplayRules():
                return True
            case m.Catalogue():
                return False

    def _holds(self, start: _Start, since_s: int, until_s: int) -> bool:
        """Whether ticks from before the journal's first one lie in [since, until)."""
        for item in self._ticks:
            if item.first_seq >= start.seq:
                continue
            end_s = item.until_s
            # The journal holds the rest of this one. Where seconds came twice, or the clock flipped between hours,
            # time says nothing about order.
            ordered = item.last_seq - item.first_seq < end_s - item.since_s
            flipped = item.kind == manifest.RAW and end_s - item.since_s > HOUR_S
            if item.last_seq >= start.seq and ordered and not flipped:
                end_s = min(end_s, start.time_s)
            if item.since_s < until_s and since_s < end_s:
                return True
        return False

    def _is_older_moment(self, reader: Reader, start: _Start, question: m.At) -> bool:
        second = question.time_ns // NS_PER_S
        if question.seq is not None:
            return question.seq < start.seq + KEYFRAMES and any(
                item.first_seq <= question.seq <= item.last_seq for item in self._ticks
            )
        tick = reader.at(second)
        if tick is not None:
            # The last tick of that second is the one that counts, and it is here. Its tables may not be.
            return tick.seq < start.seq + KEYFRAMES and any(item.first_seq < tick.seq for item in self._ticks)
        if self._holds(start, second, second + 1):
            return True
        # In a gap: the neighbours are wanted.
        return reader.neighbours(second)[0] is None

    def _has_older_events(self, reader: Reader, start: _Start, question: m.Events) -> bool:
        since_s = -(1 << 62) if question.since_ns is None else question.since_ns // NS_PER_S
        until_s = 1 << 62 if question.until_ns is None else -(-question.until_ns // NS_PER_S)
        if not any(
            item.first_seq < start.event_seq
            and item.last_seq > question.after_seq
            and item.since_s < until_s
            and since_s < item.until_s
            for item in self._events
        ):
            return False
        if not question.newest or question.after_seq >= start.event_seq:
            return question.after_seq + 1 < start.event_seq
        # Only when the journal does not have so many.
        found = answers.answer_events(reader, question)
        return len(found.events) < question.limit and not found.more


def _distinct(items: Iterable[_Segment]) -> list[_Segment]:
    # A file for each group and statistic has the same span.
    return list({msgspec.structs.astuple(item): item for item in items}.values())


def _start(reader: Reader) -> _Start:
    tick, event_seq = reader.first()
    if tick is None:
        return _Start(1 << 62, 1 << 62, event_seq or 1 << 62)
    return _Start(*tick, event_seq or 1 << 62)


def answer(reader: Reader, sealed: Sealed | None, question: Question) -> m.Message | None:
    """The journal's answer; None: the history service has to be asked.

    Raises:
        ProtocolError: The question makes no sense, or is too large.
        StoreError: The journal cannot be read.
    """
    if sealed is not None:
        sealed.refresh()
        if isinstance(question, m.Compare | m.Why | m.ReplayRules) or sealed.is_older(reader, question):
            return None
    match question:
        case m.Range():
            return answers.answer_range(reader, question)
        case m.At():
            return answers.answer_at(reader, question)
        case m.Events():
            return answers.answer_events(reader, question)
        case m.Tables():
            return answers.answer_tables(reader, question)
        case m.Catalogue():
            return _catalogue(reader, sealed)
        case m.Compare():
            return m.Error("refused", "compare: needs a recording on disk; this recorder keeps nothing there")
        case m.Why():
            return m.Error("refused", "why: needs a recording on disk; this recorder keeps nothing there")
        case m.ReplayRules():
            return m.Error("refused", "the last 24 h: need a recording on disk; this recorder keeps nothing there")


def _catalogue(reader: Reader, sealed: Sealed | None) -> m.CatalogueReply:
    found = answers.answer_catalogue(reader)
    bounds = sealed.bounds() if sealed is not None else None
    if sealed is None or bounds is None:
        return found
    low, high = bounds[0] * NS_PER_S, (bounds[1] + 1) * NS_PER_S
    if found.first_ns is not None and found.last_ns is not None:
        low, high = min(low, found.first_ns), max(high, found.last_ns)
    return m.CatalogueReply(answers.distinct([*sealed.columns(), *found.columns]), found.tables, low, high)
