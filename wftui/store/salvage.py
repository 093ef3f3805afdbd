"""What a damaged journal that was renamed aside still holds, put into the one that was begun instead of it.

Everything is believed only with a checksum that fits, newest first, a batch at a time: between two batches the
keeper writes what is new. Numbers stay; the new session's go on behind them.
"""

import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

from wftui import clock
from wftui.errors import StoreError
from wftui.model.event import Event
from wftui.model.tick import Layout, Tick
from wftui.store import little
from wftui.store.database import Database, open_immutable, open_reader
from wftui.store.entries import Burst, Opening, StoredChange
from wftui.store.journal import LIVE_TICKS, Journal
from wftui.store.manifest import Floor
from wftui.store.read import Reader, decode_change, sound_event

TICKS: Final = 48 * 3600
"""At most, of the newest."""
LIMIT_S: Final = 2.0
"""All batches together."""
_BATCH: Final = 128
"""Ticks, with all that belongs to them."""
_EVENTS: Final = 1_000
_LARGEST: Final = 1 << 53
"""No number is as large; a flipped byte's may be."""
_PROBES: Final = 5_000

_SCANS: Final = (("NOT INDEXED", "seq {0}"), ("INDEXED BY tick_time", "time_s {0}, seq {0}"))

_T = TypeVar("_T")
_Cells = tuple[Any, ...]  # Any: SQLite's cells


class Salvage:
    """One damaged journal's rescue. All methods belong to the keeper's thread."""

    def __init__(self, path: Path, sealed_seq: int) -> None:
        """Look at what was renamed aside; a file that cannot be opened holds nothing.

        Args:
            path: Its new name.
            sealed_seq: Ticks up to here are in segments; only the last hour of them is wanted.
        """
        self.saved = 0
        """Ticks."""
        self.spent_s = 0.0
        self._readers: list[Reader] = []
        self._databases: list[Database] = []
        # A WAL that is damaged hides pages that were in the file already, so that is read alone, too.
        for opened in (open_reader, open_immutable):
            with suppress(StoreError, OSError):
                database = opened(path)
                self._databases.append(database)
                self._readers.append(Reader(database))
        self._boots: dict[int, str] = {}
        self._layout = self._event_seq = 0
        self._look()
        found = self._numbers()
        wanted = min(sealed_seq, found[-1] - LIVE_TICKS) if found else 0
        self._known = [seq for seq in found if seq > wanted][-TICKS:]
        self._last = self._newest()
        self._left = len(self._known)
        self._events: int | None = self._event_seq or None
        self._begun = False

    def _each(self, ask: Callable[[Database], _T], none: _T) -> Iterator[_T]:
        for database in self._databases:
            try:
                yield ask(database)
            except (StoreError, OverflowError):
                yield none

    def _look(self) -> None:
        none: list[_Cells] = []
        for rows in self._each(lambda database: list(database.rows("SELECT id, boot_id FROM boot")), none):
            for number, name in rows:
                if isinstance(name, str) and 0 < number < _LARGEST:
                    self._boots.setdefault(number, name)
        sql = "SELECT coalesce(max(id), 0) FROM layout WHERE id < ?"
        self._layout = max(self._each(lambda database: self._number(database, sql), 0), default=0)
        sql = "SELECT coalesce(max(seq), 0) FROM event WHERE seq < ?"
        self._event_seq = max(self._each(lambda database: self._number(database, sql), 0), default=0)

    @staticmethod
    def _number(database: Database, sql: str) -> int:
        (found,) = next(database.rows(sql, (_LARGEST,)))
        return int(found)

    def _numbers(self) -> list[int]:
        """Numbers of ticks that the table or its index names, ascending."""
        found: set[int] = set()
        for database in self._databases:
            for table, order in _SCANS:
                for end in ("DESC", "ASC"):
                    sql = f"SELECT seq FROM tick {table} ORDER BY {order.format(end)}"  # noqa: S608  fixed words only
                    try:
                        for (seq,) in islice(database.rows(sql), TICKS):
                            if isinstance(seq, int) and 0 < seq < _LARGEST:
                                found.add(seq)
                    except (StoreError, OverflowError):
                        continue
                    break  # the other end comes to the same
        return sorted(found)

    def _newest(self) -> int:
        """Number of the newest sound tick; 0: there is none."""
        for seq in self._known[: -_PROBES - 1 : -1]:
            if self._ticks(seq, seq):
                return seq
        return 0

    def floor(self, used: Floor) -> Floor:
        """Numbers that are used, by segments and by what is saved here."""
        boots = {name: number for number, name in self._boots.items()} | used.boots
        return Floor(max(self._last, used.seq), max(self._event_seq, used.event_seq), boots)

    def above(self, opening: Opening) -> Opening:
        """The same, where layouts go on behind those saved here."""
        return opening._replace(last_layout=max(opening.last_layout, self._layout))

    @property
    def holds(self) -> bool:
        """Whether there is anything to save."""
        return bool(self._known or self._event_seq or self._boots)

    @property
    def lost(self) -> int:
        """Ticks that were there and are not saved, as far as anybody knows."""
        return len(self._known) - self.saved

    def step(self, journal: Journal) -> bool:
        """Put the next batch into the new journal; False when there is no more, or the time is over.

        Raises:
            StoreError: The new journal does not take it; try again, or ``close``.
        """
        began = clock.perf_ns()
        try:
            if not self._begun:
                journal.adopt(self._boots)
                self._begun = True
            if self._events is not None:
                self._put_events(journal)
                return True
            if not self._left:
                return False
            self._put_ticks(journal)
            return bool(self._left)
        finally:
            self.spent_s += (clock.perf_ns() - began) / 1e9

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return self.spent_s >= LIMIT_S

    def _put_events(self, journal: Journal) -> None:
        assert self._events is not None  # noqa: S101  step has looked
        top = self._events
        found: dict[int, Event] = {}
        sql = "SELECT * FROM event WHERE seq BETWEEN ? AND ? ORDER BY seq"
        none: list[_Cells] = []
        for rows in self._each(lambda database: self._some(database, sql, top - _EVENTS + 1, top), none):
            for row in rows:
                item = sound_event(row)
                if item is not None:
                    found.setdefault(item.seq, item)
        journal.write(events=[found[seq] for seq in sorted(found)])
        # The newest ones only, before the ticks: what is wanted first must not wait for a year of events.
        self._events = None if top <= _EVENTS or top <= self._event_seq - 20 * _EVENTS else top - _EVENTS

    def _put_ticks(self, journal: Journal) -> None:
        numbers = self._known[max(0, self._left - _BATCH) : self._left]
        low, high = numbers[0], numbers[-1]
        found: dict[int, tuple[Tick, Layout]] = {}
        for item in self._ticks(low, high):
            found.setdefault(item[0].seq, item)
        if len(found) < len(numbers):
            for seq in numbers:
                if seq not in found:
                    found |= {item[0].seq: item for item in self._ticks(seq, seq)}
        ticks = [found[seq] for seq in sorted(found)]
        journal.write(ticks, self._changes(low, high), (), self._bursts(low, high))
        self._left -= len(numbers)
        self.saved += len(ticks)

    def _ticks(self, low: int, high: int) -> list[tuple[Tick, Layout]]:
        found: dict[int, tuple[Tick, Layout]] = {}
        for reader in self._readers:
            with suppress(StoreError, OverflowError):
                for tick in reader.sequence(low, high):
                    layout = reader.layout(tick.layout)
                    if len(tick.values) == 8 * len(layout.columns) and tick.seq not in found:
                        found[tick.seq] = tick, layout
        return list(found.values())

    def _changes(self, low: int, high: int) -> list[StoredChange]:
        sql = "SELECT tick, schema, crc32, body FROM table_change WHERE tick BETWEEN ? AND ? ORDER BY tick, id"
        for reader, database in zip(self._readers, self._databases, strict=True):
            with suppress(StoreError):
                found = []
                for tick, number, crc, body in database.rows(sql, (low, high)):
                    schema = reader.schema(number)
                    if schema is not None and isinstance(body, bytes) and zlib.crc32(body) == crc:
                        found.append(StoredChange(tick, schema, decode_change(body)))
                return found
        return []

    def _bursts(self, low: int, high: int) -> list[Burst]:
        sql = 'SELECT tick, event, series_column, time_ns, "values", crc32 FROM burst WHERE tick BETWEEN ? AND ?'
        for reader, database in zip(self._readers, self._databases, strict=True):
            with suppress(StoreError):
                return [
                    Burst(tick, event, column, little.unpack("q", times), little.unpack("d", values))
                    for tick, event, number, times, values, crc in database.rows(sql, (low, high))
                    if isinstance(times, bytes) and isinstance(values, bytes) and isinstance(event, str)
                    if zlib.crc32(values, zlib.crc32(times)) == crc and len(times) == len(values)
                    if (column := reader.column(number)) is not None
                ]
        return []

    @staticmethod
    def _some(database: Database, sql: str, low: int, high: int) -> list[_Cells]:
        """Rows up to where the file is damaged, and back from the end to there."""
        found: list[_Cells] = []
        for order in (sql, sql + " DESC"):
            try:
                for row in database.rows(order, (low, high)):
                    found.append(row)  # noqa: PERF402  what came before the error counts
            except StoreError:
                continue
            break
        return found

    def close(self) -> None:
        """Let go of the damaged file. Twice is harmless."""
        for database in self._databases:
            database.close()
        self._databases.clear()
        self._readers.clear()
