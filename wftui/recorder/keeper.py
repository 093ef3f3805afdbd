"""The keeper: one thread that owns the journal and takes whole ticks from a queue.

When the disk does not take them it holds ten minutes in memory and tries again each second; when the file is
damaged it renames it aside and begins a new one. Nothing here ever stops the recorder.
"""

import os
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final, NamedTuple

from wftui import clock, log
from wftui.clock import Clock
from wftui.errors import StoreError
from wftui.model import health
from wftui.model.event import Event
from wftui.model.tick import Layout, Tick
from wftui.store.journal import (
    Journal,
    Opening,
    StoreDamagedError,
    StoredChange,
    set_aside,
)

PENDING_TICKS: Final = 600
"""Ticks held in memory while the journal cannot be written: 10 minutes."""
MEMORY_TICKS: Final = 600
"""Ticks that a journal in memory keeps."""
PENDING_OTHERS: Final = 2_000
QUEUE: Final = 4_000
"""Items that wait for the thread at most."""
TRIM_S: Final = 60.0
CHECKPOINT_S: Final = 30.0
RETRY_S: Final = 1.0


class Caps(NamedTuple):
    """How much may be kept."""

    ticks: int
    max_bytes: int
    min_free_bytes: int
    min_free_share: float = 0.02


class Condition(NamedTuple):
    """State of the store, told to the recorder's loop."""

    state: str
    reason: str
    fix: str


Job = Callable[[Journal], object]
_Item = tuple[Tick, Layout] | StoredChange | Event | Job


class Keeper:
    """Owns the journal's thread."""

    def __init__(
        self,
        path: Path | None,
        caps: Caps,
        clk: Clock,
        tell: Callable[[Condition], None],
        found_damaged: Callable[[str], None],
    ) -> None:
        """``tell`` and ``found_damaged`` are called in the keeper's thread."""
        self._path = path
        self._caps = caps
        self._clock = clk
        self._tell = tell
        self._found_damaged = found_damaged
        self._queue: SimpleQueue[_Item | None] = SimpleQueue()
        self._ticks: deque[tuple[Tick, Layout]] = deque()
        self._changes: deque[StoredChange] = deque(maxlen=PENDING_OTHERS)
        self._events: deque[Event] = deque(maxlen=PENDING_OTHERS)
        self._condition = Condition(health.OK, "", "")
        self._journal: Journal | None = None
        self._session: tuple[str, str, str, int] = ("", "", "", 0)
        self._number = 0
        self._boot = 0
        self._thread: threading.Thread | None = None
        self.lost = 0
        """Ticks lost because the journal could not be written for too long."""
        self.damaged = 0
        """Damaged journals renamed aside."""
        self.size: int | None = None
        """Bytes in use; None: not known yet."""
        self.write_s = 0.0
        """Wall time of the slowest commit since it was last read."""

    @property
    def in_memory(self) -> bool:
        """Whether nothing is written to disk."""
        return self._path is None

    @property
    def pending(self) -> int:
        """Ticks held in memory."""
        return len(self._ticks)

    def open(self, boot_id: str, program: str, mode: str) -> Opening:
        """Open the journal and begin a session, before the thread starts.

        Raises:
            StoreError: It cannot be used (newer, unavailable); a damaged one has been renamed aside.
        """
        self._session = (boot_id, program, mode, os.getpid())
        try:
            return self._open()
        except StoreDamagedError as error:
            self._quarantine(error)
            return self._open()

    def use_memory(self, boot_id: str, program: str, mode: str) -> Opening:
        """Keep the last minutes in memory only, from the start."""
        self._session = (boot_id, program, mode, os.getpid())
        self._path = None
        self._caps = self._caps._replace(ticks=MEMORY_TICKS)
        return self._open()

    def _open(self) -> Opening:
        journal = Journal(self._path)
        now = self._clock.now()
        try:
            opening = journal.begin(*self._session, now.time_ns, now.boottime_ns, self._boot)
        except BaseException:
            journal.close()
            raise
        self._journal, self._number, self._boot = journal, opening.session, opening.boot
        return opening

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="wftop-keeper", daemon=True)
        self._thread.start()

    def put(self, item: _Item) -> None:
        """Hand over a tick, a change, an event or a job; never waits."""
        # A disk that hangs instead of failing holds up the thread: memory must stay bounded then, too.
        if self._queue.qsize() >= QUEUE and not callable(item):
            self.lost += isinstance(item, tuple) and not isinstance(item, StoredChange)
            return
        self._queue.put(item)

    def stop(self, how: str, timeout_s: float) -> bool:
        """Write what is there, close the session and the journal; False when it did not end in time."""
        if self._thread is None:
            return True

        def end(journal: Journal) -> None:
            journal.end(self._number, self._clock.now().time_ns, how)

        self._queue.put(end)
        self._queue.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    # ---- in the thread

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            # A bug; without this word everything would seem to be stored for ever after.
            log.error("store", "the keeper ended", exc=error)
            self._become(Condition(health.FAILED, f"{type(error).__name__}: {error}", "restart wftop record"))
            raise

    def _work(self) -> None:
        trim_at = clock.perf_ns() + int(5e9)
        checkpoint_at = clock.perf_ns() + int(CHECKPOINT_S * 1e9)
        running = True
        while running:
            running = self._gather()
            self._flush()
            now = clock.perf_ns()
            if now >= trim_at:
                trim_at = now + int(TRIM_S * 1e9)
                self._guarded(self._trim)
            if now >= checkpoint_at:
                checkpoint_at = now + int(CHECKPOINT_S * 1e9)
                self._guarded(Journal.checkpoint)
        if self._journal is not None:
            self._journal.close()

    def _gather(self) -> bool:
        """Move what has come into the pending queues; False at the end."""
        waiting = self._ticks or self._events or self._changes
        try:
            item = self._queue.get(timeout=RETRY_S) if waiting else self._queue.get()
            while True:
                if item is None:
                    return False
                if isinstance(item, tuple) and not isinstance(item, StoredChange):
                    if len(self._ticks) >= PENDING_TICKS:
                        self._ticks.popleft()
                        self.lost += 1
                    self._ticks.append(item)
                elif isinstance(item, StoredChange):
                    self._changes.append(item)
                elif isinstance(item, Event):
                    self._events.append(item)
                else:
                    self._flush()
                    self._guarded(item)
                item = self._queue.get_nowait()
        except Empty:
            return True

    def _flush(self) -> None:
        if not (self._ticks or self._events or self._changes):
            return
        started = clock.perf_ns()

        def write(journal: Journal) -> None:
            journal.write(self._ticks, self._changes, self._events)

        if self._condition.state == health.FAILED and not self._room():
            return
        try:
            done = self._guarded(write, heals=True)
        except (ValueError, OverflowError, TypeError) as error:
            log.error("store", "an item cannot be stored", exc=error)
            done = self._one_by_one()
        if done:
            self._ticks.clear()
            self._changes.clear()
            self._events.clear()
            self.write_s = max(self.write_s, (clock.perf_ns() - started) / 1e9)

    def _one_by_one(self) -> bool:
        """Write what can be written: one item that SQLite or msgspec refuses must not hold up the others."""
        batches: list[tuple[list[tuple[Tick, Layout]], list[StoredChange], list[Event]]] = [
            *(([item], [], []) for item in self._ticks),
            *(([], [item], []) for item in self._changes),
            *(([], [], [item]) for item in self._events),
        ]
        for batch in batches:
            try:
                if not self._guarded(
                    partial(Journal.write, ticks=batch[0], changes=batch[1], events=batch[2]), True
                ):
                    return False
            except (ValueError, OverflowError, TypeError):
                self.lost += 1
        return True

    def _guarded(self, job: Job, heals: bool = False) -> bool:
        """Run a job on the journal; what goes wrong becomes the store's condition.

        Only a write (``heals``) shows that all is well again: a checkpoint succeeds on a full disk too.
        """
        try:
            if self._journal is None:
                self._open()
            assert self._journal is not None  # noqa: S101  _open has set it
            job(self._journal)
        except StoreDamagedError as error:
            self._quarantine(error)
            return False
        except StoreError as error:
            self._become(
                Condition(
                    health.FAILED,
                    f"{error}; the last {PENDING_TICKS // 60} minutes are held in memory",
                    f"make room or give rights in {self._path.parent if self._path else 'memory'}",
                )
            )
            return False
        if heals:
            self._become(Condition(health.OK, "", ""))
        return True

    def _become(self, condition: Condition) -> None:
        if condition.state != self._condition.state or condition.reason != self._condition.reason:
            self._condition = condition
            self._tell(condition)

    def _quarantine(self, error: StoreError) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        if self._path is None:
            return
        self.damaged += 1
        try:
            target = set_aside(self._path, self._clock.now().time_ns)
        except OSError as failed:
            self._become(
                Condition(health.FAILED, f"{error}; cannot rename it: {failed.strerror}", "remove the file")
            )
            return
        log.error("store", "damaged journal renamed aside", path=str(target), reason=str(error))
        self._found_damaged(f"{error}; renamed to {target.name}")

    def _room(self) -> bool:
        """Whether the file system has more free space than we must leave."""
        if self._path is None:
            return True
        try:
            status = os.statvfs(self._path.parent)
        except OSError:
            return False
        free = status.f_bavail * status.f_frsize
        floor = max(self._caps.min_free_bytes, int(status.f_blocks * status.f_frsize * self._caps.min_free_share))
        return free >= floor

    def _trim(self, journal: Journal) -> None:
        journal.trim(self._caps.ticks, self._caps.max_bytes)
        self.size = journal.size()
        if not self._room():
            raise StoreError(f"{self._path}: free space is under the floor that wftop leaves to others")
