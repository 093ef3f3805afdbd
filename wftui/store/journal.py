"""The journal: every tick, table change and event, one SQLite file in WAL mode.

One thread owns a :class:`Journal`. A commit does not wait for the disk (``synchronous=NORMAL``): a killed process
loses nothing committed, a power cut what came since the last checkpoint (30 s).
"""

import errno
import os
import sqlite3
import sys
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from wftui import clock
from wftui.errors import StoreError
from wftui.model.event import Event
from wftui.model.tick import Layout, Tick
from wftui.store import little, sound
from wftui.store.aside import NAME, damaged_files, lock, set_aside
from wftui.store.database import (
    Database,
    StoreDamagedError,
    StoreFullError,
    StoreNewerError,
    StoreUnavailableError,
    check_version,
    open_reader,
    translate,
)
from wftui.store.entries import Burst, Opening, StoredChange
from wftui.store.founding import make_tables, put_new
from wftui.store.manifest import Floor
from wftui.store.numbering import Numbering
from wftui.store.opening import foresee

__all__ = [
    "LIVE_TICKS", "NAME", "Burst", "Database", "Journal", "Opening", "StoreDamagedError", "StoreFullError",
    "StoreNewerError", "StoreUnavailableError", "StoredChange", "damaged_files", "open_reader", "set_aside",
]  # fmt: skip

LIVE_TICKS: Final = 3660
"""Ticks that stay in the journal although they are sealed: the recorder answers the last hour by itself."""

_WIPES: Final = 3
"""Times that the WAL is tried to be emptied, 5 s (SQLite's own patience) each."""

_T = TypeVar("_T")
_msgpack: Final = msgspec.msgpack.Encoder()
_json: Final = msgspec.json.Encoder()


class Journal:
    """The writer. All methods belong to one thread, except that ``reader`` may be called from any."""

    def __init__(self, path: Path | None) -> None:
        """Open or create a journal; ``None`` keeps it in memory.

        Raises:
            StoreError: See the subclasses.
        """
        self.path = path
        self._lock = -1
        try:
            if path is not None:
                self._lock = lock(path)
            self._connection = self._open()
            self._numbers = Numbering(self._connection.execute, path)
        except (StoreError, sqlite3.Error, OSError) as error:
            self._unlock()
            if isinstance(error, sqlite3.Error):
                raise translate(error, path) from error
            if isinstance(error, OSError):
                kind = StoreFullError if error.errno in (errno.ENOSPC, errno.EDQUOT) else StoreUnavailableError
                raise kind(f"{path}: {error.strerror or error}") from error
            raise

    def _open(self) -> sqlite3.Connection:
        if self.path is not None:
            if not os.path.lexists(self.path):
                put_new(self.path)
            elif what := sound.wrong(self.path):
                raise StoreDamagedError(f"{self.path}: {what}")
        connection = sqlite3.connect(
            ":memory:" if self.path is None else str(self.path),
            timeout=5,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=32,
        )
        try:
            make_tables(connection, check_version(connection, self.path), self.path)
            if self.path is not None:
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA cache_size = -256")
            # Checkpoints are made on a clock (``checkpoint``), so that none falls into a tick's commit.
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            connection.execute(f"PRAGMA journal_size_limit = {4 * 1024 * 1024}")
        except BaseException:
            connection.close()
            raise
        return connection

    def reader(self) -> Database:
        """A connection for questions; the journal's own one when it lives in memory."""
        return self.database() if self.path is None else open_reader(self.path)

    def database(self) -> Database:
        """Questions by the writer's own connection, in its thread."""
        return Database(self._connection, self.path)

    def begin(
        self,
        boot_id: str,
        program: str,
        mode: str,
        pid: int,
        time_ns: int,
        boottime_ns: int,
        boot: int = 0,
        floor: Floor | None = None,
    ) -> Opening:
        """Start a session.

        Args:
            boot_id: Of the kernel.
            program: wftop's version.
            mode: ``record`` or ``view``.
            pid: Of the recorder.
            time_ns: UTC.
            boottime_ns: CLOCK_BOOTTIME.
            boot: The number that this boot already has (journal begun anew); 0: none yet.
            floor: Numbers that segments have used: a new journal goes on behind them.
        """
        with _Guard(self):
            run = self._connection.execute
            opening = foresee(Database(self._connection, self.path), boot_id, boot, floor)
            run("INSERT OR IGNORE INTO boot(id, boot_id) VALUES (?, ?)", (opening.boot, boot_id))
            session = run(
                "INSERT INTO session(boot, program, mode, pid, started_ns, started_boottime_ns)"
                " VALUES (?,?,?,?,?,?)",
                (opening.boot, program, mode, pid, time_ns, boottime_ns),
            ).lastrowid
            return opening._replace(session=session or opening.session)

    def adopt(self, boots: Mapping[int, str]) -> None:
        """Take over the boots of another journal, by number; those known here stay."""
        with _Guard(self):
            self._connection.executemany("INSERT OR IGNORE INTO boot(id, boot_id) VALUES (?, ?)", boots.items())

    def check(self, limit_s: float) -> str:
        """What SQLite finds wrong with the file, indexes included; empty: nothing, or not done in time.

        30 MB take 20 ms.
        """
        end = clock.perf_ns() + int(limit_s * 1e9)
        try:
            self._connection.set_progress_handler(lambda: int(clock.perf_ns() > end), 10_000)
            self._connection.execute("PRAGMA shrink_memory").fetchall()  # the file counts, not what we know of it
            (found,) = self._connection.execute("PRAGMA integrity_check(1)").fetchone()
        except sqlite3.Error as error:
            failed = translate(error, self.path)
            return str(failed) if isinstance(failed, StoreDamagedError) else ""
        finally:
            self._connection.set_progress_handler(None, 0)
        return "" if found == "ok" else str(found)

    def end(self, session: int, time_ns: int, how: str) -> None:
        """Close a session in order."""
        with _Guard(self):
            self._connection.execute(
                "UPDATE session SET ended_ns = ?, ended = ? WHERE id = ?", (time_ns, how, session)
            )

    def write(
        self,
        ticks: Iterable[tuple[Tick, Layout]] = (),
        changes: Iterable[StoredChange] = (),
        events: Iterable[Event] = (),
        bursts: Iterable[Burst] = (),
    ) -> None:
        """Commit all of it, or nothing.

        Raises:
            StoreUnavailableError: Nothing was written; keep it and try again.
            StoreDamagedError: The file is damaged.
        """
        with _Guard(self):
            run = self._connection.execute
            for tick, layout in ticks:
                self._numbers.put_layout(layout)
                run(
                    "INSERT OR REPLACE INTO tick VALUES (?,?,?,?,?,?,?)",
                    (tick.seq, tick.time_s, tick.boottime_ns, tick.boot, tick.layout, tick.crc32(), tick.values),
                )
            for item in changes:
                body = _msgpack.encode(item.change)
                run(
                    "INSERT INTO table_change(tick, time_ns, name, schema, keyframe, crc32, body)"
                    " VALUES (?,?,?,?,?,?,?)",
                    (
                        item.tick,
                        item.change.time_ns,
                        item.change.name,
                        self._numbers.schema(item.schema),
                        int(item.change.keyframe),
                        zlib.crc32(body),
                        body,
                    ),
                )
            for event in events:
                run(
                    "INSERT OR IGNORE INTO event VALUES (?,?,?,?,?,?,?,?,?,?)",
                    (
                        event.seq,
                        event.event_id,
                        event.time_ns,
                        event.type,
                        event.aggregate_type,
                        event.aggregate_id,
                        event.trace_id,
                        event.span_id,
                        _json.encode(event.payload).decode(),
                        _json.encode(event.metadata).decode(),
                    ),
                )

            for burst in bursts:
                times, values = little.pack(burst.time_ns), little.pack(burst.values)
                run(
                    'INSERT INTO burst(tick, event, series_column, time_ns, "values", crc32) VALUES (?,?,?,?,?,?)',
                    (
                        burst.tick,
                        burst.event_id,
                        self._numbers.column(burst.column),
                        times,
                        values,
                        zlib.crc32(values, zlib.crc32(times)),
                    ),
                )

    def size(self) -> int:
        """Bytes (By) in use, without pages that were freed."""
        try:
            (pages,) = self._connection.execute("PRAGMA page_count").fetchone()
            (free,) = self._connection.execute("PRAGMA freelist_count").fetchone()
            (size,) = self._connection.execute("PRAGMA page_size").fetchone()
        except sqlite3.Error as error:
            raise translate(error, self.path) from error
        return int((pages - free) * size)

    def second_after(self, seq: int) -> int | None:
        """UTC second of the first tick behind a number; None: there is none."""
        try:
            row = self._connection.execute(
                "SELECT time_s FROM tick WHERE seq > ? ORDER BY seq LIMIT 1", (seq,)
            ).fetchone()
        except sqlite3.Error as error:
            raise translate(error, self.path) from error
        return None if row is None else int(row[0])

    def burst_bytes(self) -> int:
        """Bytes (By) of the times and values of all bursts."""
        sql = 'SELECT coalesce(sum(length(time_ns) + length("values")), 0) FROM burst'
        try:
            (size,) = self._connection.execute(sql).fetchone()
        except sqlite3.Error as error:
            raise translate(error, self.path) from error
        return int(size)

    def trim(
        self,
        keep_ticks: int,
        max_bytes: int,
        keep_events: int = 100_000,
        sealed_seq: int = 0,
        at_most: int = sys.maxsize,
    ) -> int:
        """Delete the oldest ticks: sealed ones older than an hour, then those beyond a count, then until the
        file is under its cap; once ``at_most`` are gone the rest waits for the next call. Return how many.

        All of it counts ticks, not wall time: a clock that jumps to 2106 must not empty the journal.
        """
        removed = 0
        batch = 600
        while True:
            with _Guard(self):
                run = self._connection.execute
                first, last = run("SELECT min(seq), max(seq) FROM tick").fetchone()
                if first is None:
                    return removed
                over = max(last - first + 1 - keep_ticks, min(sealed_seq, last - LIVE_TICKS) + 1 - first)
                if over <= 0 and self.size() > max_bytes and last > first:
                    over = batch
                if over <= 0 or removed >= at_most:
                    run("DELETE FROM event WHERE seq <= (SELECT max(seq) FROM event) - ?", (keep_events,))
                    # Layout numbers only grow, so what is older than the oldest tick's is nobody's.
                    run("DELETE FROM layout WHERE id < (SELECT layout FROM tick WHERE seq = ?)", (first,))
                    return removed
                limit = min(first + min(over, batch), last)
                removed += run("DELETE FROM tick WHERE seq < ?", (limit,)).rowcount
                run("DELETE FROM table_change WHERE tick < ?", (limit,))
                run("DELETE FROM burst WHERE tick < ?", (limit,))
            # ``execute`` would end after its first step, which frees one page.
            self._connection.executescript("PRAGMA incremental_vacuum(256)")

    def revise(self, change: Callable[[Callable[..., Any]], _T]) -> tuple[_T, bool]:
        """Change what is stored in one transaction, and leave no byte of what it deletes.

        Args:
            change: Gets ``execute``.

        Returns:
            What it gave, and False when a reader kept the WAL from being emptied.

        Raises:
            StoreError: Nothing was changed.
        """
        try:
            self._connection.execute("PRAGMA secure_delete = ON").fetchall()
        except sqlite3.Error as error:
            raise translate(error, self.path) from error
        try:
            with _Guard(self):
                found = change(self._connection.execute)
            return found, self._wipe()
        finally:
            self._numbers.forget()
            with suppress(sqlite3.Error):  # it only costs time
                self._connection.execute("PRAGMA secure_delete = OFF").fetchall()

    def _wipe(self) -> bool:
        """Free pages hold what was deleted before, without ``secure_delete``; the WAL what was changed."""
        if self.path is None:
            return True
        with suppress(sqlite3.Error):  # no room for a copy: what is deleted now is overwritten all the same
            self._connection.execute("VACUUM")
        for _ in range(_WIPES):
            with suppress(sqlite3.Error):
                (busy, *_rest) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                if not busy:
                    return True
        return False

    def checkpoint(self) -> None:
        """Move the WAL into the file as far as readers allow: bounds what a power cut may take."""
        if self.path is None:
            return
        try:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:
            raise translate(error, self.path) from error

    def close(self) -> None:
        """Checkpoint and close. Twice is harmless."""
        with suppress(StoreError, sqlite3.ProgrammingError):  # the WAL is read at the next opening
            self.checkpoint()
        self._connection.close()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


class _Guard:
    """A transaction; SQLite's errors come out as ours, and nothing half-written stays."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __enter__(self) -> None:
        try:
            self._journal._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise translate(error, self._journal.path) from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        connection = self._journal._connection
        try:
            if error is None:
                connection.execute("COMMIT")
                return
        except sqlite3.Error as failed:
            error = failed
        self._journal._numbers.forget()  # what was put in this transaction is gone
        with suppress(sqlite3.Error):  # the first error tells more
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error):
            raise translate(error, self._journal.path) from error
