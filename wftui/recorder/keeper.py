"""The keeper: one thread that owns the journal and takes whole ticks from a queue.

When the disk does not take them it holds ten minutes in memory and tries again each second; when the file is
damaged it renames it aside and begins a new one. Nothing here ever stops the recorder.
"""

import os
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final, NamedTuple

import msgspec

from wftui import clock, log
from wftui.clock import Clock
from wftui.errors import StoreError
from wftui.model import health
from wftui.recorder import pending
from wftui.recorder.pending import Batch, Pending, Stored
from wftui.store import checkup, floor, manifest, room
from wftui.store.journal import (
    Journal,
    Opening,
    StoreDamagedError,
    StoreFullError,
    StoreUnavailableError,
    open_reader,
    set_aside,
)
from wftui.store.manifest import Floor, SegmentsDamagedError
from wftui.store.opening import foresee
from wftui.store.room import MIN_FREE_SHARE
from wftui.store.salvage import LIMIT_S, Salvage

MEMORY_TICKS: Final = 600
"""Ticks that a journal in memory keeps."""
QUEUE: Final = 4_000
"""Items that wait for the thread at most."""
TRIM_S: Final = 60.0
CHECKPOINT_S: Final = 30.0
RETRY_S: Final = 1.0
TRIM_TICKS: Final = 6_000
"""Ticks that leave the journal in one go: two days of backlog go within half an hour, and no commit waits."""
CHECK_S: Final = 3.0
"""After the start, once: what SQLite would only notice later."""
CHECK_LIMIT_S: Final = 1.0
"""Some gigabytes; commits wait meanwhile, ticks do not."""
MIN_SHARE: Final = 8
"""The journal may always take this part of the cap, whatever segments take: what is not sealed is only there."""


class Caps(NamedTuple):
    """How much may be kept."""

    ticks: int
    max_bytes: int
    min_free_bytes: int
    min_free_share: float = MIN_FREE_SHARE


class Condition(NamedTuple):
    """State of the store, told to the recorder's loop."""

    state: str
    reason: str
    fix: str


Job = Callable[[Journal], object]
_Item = Stored | Job


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
        self._pending = Pending()
        self._refused = self._unstorable = 0
        # Two counters, each written by one thread only: their difference is what the queue holds.
        self._put_bytes = self._taken_bytes = 0
        self._condition = Condition(health.OK, "", "")
        self._journal: Journal | None = None
        self._session: tuple[str, str, str, int] = ("", "", "", 0)
        self._number = 0
        self._inode = 0
        self._boot = 0
        self._thread: threading.Thread | None = None
        self._salvage: Salvage | None = None
        self._reason = ""
        self.damaged = 0
        """Damaged journals and manifests renamed aside."""
        self.size: int | None = None
        """Bytes of the journal in use; None: not known yet."""
        self.sealed_seq = 0
        """The last tick that is in segments. Set by whoever hears from the sealer."""
        self.segments_bytes: int | None = None
        """Everything sealed, with history.duckdb once the sealer has told; None: not known yet."""
        self.manifest_lost = False
        """There are segments, but no manifest that names them: the sealer makes it anew."""
        self.write_s = 0.0
        """Wall time of the slowest commit since it was last read."""

    @property
    def in_memory(self) -> bool:
        """Whether nothing is written to disk."""
        return self._path is None

    @property
    def writes(self) -> bool:
        """Whether the journal can be written, as far as is known."""
        return self._condition.state == health.OK

    @property
    def pending(self) -> int:
        """Ticks held in memory."""
        return self._pending.ticks

    @property
    def lost(self) -> int:
        """Ticks lost because the journal could not be written for too long, and items that nobody can store."""
        return self._pending.lost + self._refused + self._unstorable

    def open(self, boot_id: str, program: str, mode: str) -> Opening:
        """Open the journal and begin a session, before the thread starts.

        Raises:
            StoreError: It cannot be used (newer, unavailable); a damaged one has been renamed aside. On a full
                disk it is opened later: until then ticks are held in memory, as when the disk fills up later.
        """
        self._session = (boot_id, program, mode, os.getpid())
        try:
            try:
                return self._open()
            except StoreDamagedError as error:
                self._quarantine(error)
                return self._open()
        except StoreFullError as error:
            opening = self._foreseen()
            self._become(self._failure(error))
            return opening

    def _foreseen(self) -> Opening:
        assert self._path is not None  # noqa: S101  memory is never full
        used = self._used(self._path.parent)
        if self._salvage is not None:
            used = self._salvage.floor(used)
        try:
            with closing(open_reader(self._path)) as database:
                opening = foresee(database, self._session[0], 0, used)
        except StoreError:
            opening = foresee(None, self._session[0], 0, used)
        self._number, self._boot = opening.session, opening.boot
        return opening if self._salvage is None else self._salvage.above(opening)

    def use_memory(self, boot_id: str, program: str, mode: str) -> Opening:
        """Keep the last minutes in memory only, from the start."""
        self._session = (boot_id, program, mode, os.getpid())
        self._path = None
        self._caps = self._caps._replace(ticks=MEMORY_TICKS)
        return self._open()

    def _open(self) -> Opening:
        used = None if self._path is None else self._used(self._path.parent)
        if used is not None and self._salvage is not None:
            used = self._salvage.floor(used)
        opened = Journal(self._path)
        now = self._clock.now()
        try:
            opening = opened.begin(*self._session, now.time_ns, now.boottime_ns, self._boot, used)
        except BaseException:
            opened.close()
            raise
        self._journal, self._number, self._boot = opened, opening.session, opening.boot
        self._inode = self._file()
        return opening if self._salvage is None else self._salvage.above(opening)

    def _file(self) -> int:
        """Number of the journal's file; 0: it is not there, or in memory."""
        try:
            return 0 if self._path is None else self._path.stat().st_ino
        except OSError:
            return 0

    def _used(self, folder: Path) -> Floor:
        """The numbers that segments have used; a damaged manifest is renamed aside, the sealer makes it anew."""
        try:
            found = floor.used(folder)
        except SegmentsDamagedError as error:
            aside = self._set_aside(folder / manifest.FOLDER / manifest.NAME, error)
            if aside is not None:
                self._found_damaged(f"{error}; renamed to {aside.name}")
            found = floor.unknown(folder)
        self.sealed_seq, self.segments_bytes = found.sealed_seq, found.bytes
        self.manifest_lost = found.bytes is None and found.floor.seq > 0
        return found.floor

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="wftop-keeper", daemon=True)
        self._thread.start()

    def put(self, item: _Item) -> None:
        """Hand over a tick, a change, an event or a job; never waits."""
        # A disk that hangs instead of failing holds up the thread: memory must stay bounded then, too.
        if not callable(item):
            size = pending.weight(item)
            held = self._put_bytes - self._taken_bytes
            if self._queue.qsize() >= QUEUE or held + size > pending.BYTES:
                self._refused += type(item) is tuple  # ticks; the others are named tuples and events
                return
            self._put_bytes += size
        self._queue.put(item)

    def oldest_unsealed(self, tell: Callable[[int | None], object]) -> None:
        """Tell, in the keeper's thread, the UTC second of the oldest tick that no segment has; None: none."""
        self.put(lambda journal: tell(journal.second_after(self.sealed_seq)))

    def check(self) -> None:
        """Somebody met damage in the journal: look, in the keeper's thread, and begin a new one if it is true."""
        self.put(self._check)

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
        check_at = clock.perf_ns() + int(CHECK_S * 1e9)
        running = True
        while running:
            running = self._gather()
            self._flush()
            self._save()
            now = clock.perf_ns()
            if now >= check_at:
                check_at = sys.maxsize
                self._guarded(self._check)
            if now >= trim_at:
                trim_at = now + int(TRIM_S * 1e9)
                self._guarded(self._trim)
            if now >= checkpoint_at:
                checkpoint_at = now + int(CHECKPOINT_S * 1e9)
                self._guarded(Journal.checkpoint)
        self._salvaged("the recorder ended")
        if self._journal is not None:
            self._journal.close()

    def _gather(self) -> bool:
        """Move what has come into the pending queues; False at the end."""
        try:
            if self._salvage is not None and self.writes:
                item = self._queue.get_nowait()
            else:
                item = self._queue.get(timeout=RETRY_S) if self._pending else self._queue.get()
            while True:
                if item is None:
                    return False
                if callable(item):
                    self._flush()
                    while self._salvage is not None and self.writes:
                        self._save()  # what a job looks at, or deletes, must be there
                    self._guarded(item)
                else:
                    self._taken_bytes += pending.weight(item)
                    self._pending.add(item)
                    if self._pending.ticks >= pending.TICKS and self._condition.state == health.OK:
                        return True  # a disk that hung and works again: write before the oldest must go
                item = self._queue.get_nowait()
        except Empty:
            return True

    def _flush(self) -> None:
        if not self._pending:
            return
        if self._condition.state == health.FAILED and not self._room():
            return
        started = clock.perf_ns()
        try:
            done = self._write(self._pending.batch())
        except (ValueError, OverflowError, TypeError) as error:
            log.error("store", "an item cannot be stored", exc=error)
            done = self._one_by_one()
        if done:
            self._pending.clear()
            self.write_s = max(self.write_s, (clock.perf_ns() - started) / 1e9)

    def _write(self, batch: Batch) -> bool:
        return self._guarded(lambda journal: journal.write(*batch), heals=True)

    def _one_by_one(self) -> bool:
        """Write what can be written: one item that SQLite or msgspec refuses must not hold up the others."""
        for batch in self._pending.singly():
            try:
                if not self._write(batch):
                    return False
            except (ValueError, OverflowError, TypeError):
                self._unstorable += 1
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
            self._become(self._failure(error))
            return False
        if heals:
            self._become(Condition(health.OK, "", ""))
        return True

    def _failure(self, error: StoreError) -> Condition:
        return Condition(
            health.FAILED,
            f"{error}; the last {pending.TICKS // 600 * 10} minutes are held in memory",
            f"make room or give rights in {self._path.parent if self._path else 'memory'}",
        )

    def _become(self, condition: Condition) -> None:
        if condition.state != self._condition.state or condition.reason != self._condition.reason:
            self._condition = condition
            self._tell(condition)

    def _quarantine(self, error: StoreError) -> None:
        self._salvaged("the new journal was damaged, too")
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        if self._path is None:
            return
        aside = self._set_aside(self._path, error)
        if aside is None:
            return
        salvage = Salvage(aside, self.sealed_seq)
        self._salvage, self._reason = salvage, f"{error}; renamed to {aside.name}"
        if not salvage.holds:
            self._salvaged("")

    def _save(self) -> None:
        """Put the next batch of what a damaged journal still holds into the new one."""
        salvage = self._salvage
        if salvage is None or not self.writes:
            return
        more = True

        def put(journal: Journal) -> None:
            nonlocal more
            more = salvage.step(journal)

        try:
            done = self._guarded(put)
        except (ValueError, OverflowError, TypeError, msgspec.MsgspecError) as error:
            log.error("store", "what a damaged journal holds cannot be stored", exc=error)
            self._salvaged("it cannot be stored")
            return
        if done and not more:
            self._salvaged("")
        elif salvage.late:
            self._salvaged(f"no more was done within {LIMIT_S:g} s")

    def _salvaged(self, why: str) -> None:
        """Tell what became of the damaged journal; ``why`` it was no more, if it could be."""
        salvage, self._salvage = self._salvage, None
        if salvage is None:
            return
        salvage.close()
        said = f"{salvage.saved} ticks saved, {salvage.lost} lost{f': {why}' if why and salvage.lost else ''}"
        log.info("store", f"what the damaged journal held: {said}")
        self._found_damaged(f"{self._reason}; {said}")

    def _check(self, journal: Journal) -> None:
        what = checkup.look(journal, CHECK_LIMIT_S)
        if what:
            raise StoreDamagedError(f"{self._path}: {what}")

    def _set_aside(self, path: Path, error: StoreError) -> Path | None:
        self.damaged += 1
        try:
            target = set_aside(path, self._clock.now().time_ns)
        except OSError as failed:
            self._become(
                Condition(health.FAILED, f"{error}; cannot rename it: {failed.strerror}", "remove the file")
            )
            return None
        log.error("store", f"damaged {path.name} renamed aside", path=str(target), reason=str(error))
        return target

    def _room(self) -> bool:
        """Whether the file system has more free space than we must leave."""
        try:
            self._check_room()
        except StoreError:
            return False
        return True

    def _check_room(self) -> None:
        if self._path is not None:
            room.check(self._path.parent, self._caps.min_free_bytes, self._caps.min_free_share)

    def _trim(self, journal: Journal) -> None:
        if self._file() != self._inode:
            # Somebody removed it: what we write is nobody's any more. The next write begins a new one.
            journal.close()
            self._journal = None
            raise StoreUnavailableError(f"{self._path}: was removed")
        caps = self._caps
        available = max(caps.max_bytes - (self.segments_bytes or 0), caps.max_bytes // MIN_SHARE)
        journal.trim(caps.ticks, available, sealed_seq=self.sealed_seq, at_most=TRIM_TICKS)
        self.size = journal.size()
        self._check_room()
