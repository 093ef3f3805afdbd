"""Where what was recorded goes and comes from: the keeper, the sealer, the answers, the history service."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

import wftui
from wftui import log
from wftui.clock import Clock, boot_id
from wftui.errors import ConfigError, StoreError
from wftui.model import health
from wftui.model.health import Health
from wftui.model.table import Row
from wftui.model.tick import Tick
from wftui.paths import private_dir
from wftui.recorder import history
from wftui.recorder.answers import Answers
from wftui.recorder.child import Passed
from wftui.recorder.emitter import Emit
from wftui.recorder.history import Relay
from wftui.recorder.keeper import Condition, Keeper
from wftui.recorder.options import Options
from wftui.recorder.sealed import Question, Sealed
from wftui.recorder.sealed import answer as sealed_answer
from wftui.recorder.sealing import Sealing, sealer
from wftui.store import journal
from wftui.store.journal import Opening
from wftui.store.manifest import SegmentsNewerError
from wftui.store.read import Reader
from wftui.wire import messages as m

STORE: Final = "store"
FLUSH_S: Final = 2.0
"""Seconds that the journal gets at the end."""


class Left(NamedTuple):
    """How the session before left things."""

    rows: dict[str, dict[str, Row]]
    """Table to its rows."""
    last: Tick | None
    """Its last second; None: it was before this boot (CLOCK_BOOTTIME began anew), or cannot be read."""


class Storage:
    """The recorder's memory. Methods belong to the loop's thread."""

    def __init__(self, options: Options, clock: Clock, emit: Emit, changed: Callable[[], None]) -> None:
        """``changed`` is called when the store's health is another."""
        self._data_dir = options.places.data_dir
        self._memory_only = options.memory_only
        self._clock = clock
        self._emit = emit
        self._changed = changed
        self.health = Health(STORE, health.OK)
        path = None if self._memory_only else self._data_dir / journal.NAME
        self.keeper = Keeper(path, options.caps, clock, self._told, self._damaged)
        self.sealing = Sealing(sealer(self._data_dir, options.keep), self.keeper, self._sealing_told)
        self.relay = Relay(history.service(self._data_dir), options.history_idle_s)
        self._sealed = Sealed(self._data_dir)
        self._answers: Answers | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self, mode: str) -> Opening:
        """Open the journal, or one in memory when it cannot be used, and begin a session.

        Raises:
            StoreError: A newer wftop wrote the data dir.
        """
        self._loop = asyncio.get_running_loop()
        identity = (boot_id(), wftui.__version__, mode)
        reason = self._memory_only
        if not reason:
            try:
                private_dir(self._data_dir)
                return self.keeper.open(*identity)
            except (journal.StoreNewerError, SegmentsNewerError):
                raise
            except (StoreError, ConfigError, OSError) as error:
                reason = str(error)
        fix = "see `wftop doctor`; views, alerts and the last 10 minutes work meanwhile"
        self.health = Health(STORE, health.DENIED, f"memory only: {reason}", fix, self._clock.now().time_ns)
        log.warning("store", "memory only", reason=reason)
        return self.keeper.use_memory(*identity)

    def left(self, opening: Opening, names: Iterable[str]) -> Left:
        """What the session before left of these tables; without what cannot be read."""
        if self.keeper.in_memory or not opening.last_seq:
            return Left({}, None)
        try:
            reader = self.reader()
            try:
                # What came after the last tick belongs to one that was never closed.
                found = {name: reader.table_of(name, opening.last_seq + 1) for name in names}
                last = next(reader.sequence(opening.last_seq, opening.last_seq), None)
            finally:
                reader.close()
        except StoreError as error:
            log.error("store", "the tables of the session before cannot be read", exc=error)
            return Left({}, None)
        ours = last if last is not None and last.boot == opening.boot else None
        return Left({name: item.rows for name, item in found.items() if item is not None}, ours)

    async def question(self, question: Question, *, brief: bool = False) -> m.Message | Passed:
        """Answer from the journal, in a thread; what is older the history service answers.

        ``brief``: the service need not stay for the next question.

        Raises:
            StoreError, ProtocolError: As the names say.
        """
        in_memory = self.keeper.in_memory
        if self._answers is None:
            self._answers = Answers(self.reader, self.keeper if in_memory else None)
        sealed = None if in_memory else self._sealed
        try:
            reply = await asyncio.wrap_future(
                self._answers.submit(lambda reader: sealed_answer(reader, sealed, question))
            )
        except journal.StoreDamagedError:
            self.keeper.check()  # a writer may not come across it for hours
            raise
        return reply if reply is not None else await self.relay.ask(question, brief=brief)

    def renew(self) -> None:
        """What was stored is another: whoever answers looks again."""
        if self._answers is not None:
            self._answers.renew()
        self.relay.renew()

    async def close(self, how: str) -> None:
        """Flush, and end all that runs for us."""
        if self._answers is not None:
            self._answers.stop()
        await self.relay.close()
        await self.sealing.close()
        if not await asyncio.to_thread(self.keeper.stop, how, FLUSH_S):
            log.error("store", f"the journal was not closed within {FLUSH_S:g} s")

    def reader(self) -> Reader:
        """The journal, for who reads it in a thread and closes it.

        Raises:
            StoreError: It cannot be read.
        """
        return Reader(journal.open_reader(self._data_dir / journal.NAME))

    def _sealing_told(self, kind: str, about: tuple[str, str], payload: dict[str, Any]) -> None:  # Any: JSON
        self._emit(kind, about, payload)
        if kind == "store.seal_failed":
            self.keeper.check()  # the journal may be the reason

    # ---- what the keeper tells

    def _told(self, condition: Condition) -> None:
        """In the keeper's thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._become, condition)

    def _become(self, condition: Condition) -> None:
        if self.keeper.in_memory:
            return
        now = self._clock.now().time_ns
        before = self.health.state
        if condition.state != before:
            kind = "store.resumed" if condition.state == health.OK else "store.failed"
            self._emit(kind, (STORE, "journal"), {"reason": condition.reason, "lost": self.keeper.lost})
        since = self.health.since_ns if condition.state == before else now
        self.health = Health(STORE, condition.state, condition.reason, condition.fix, since)
        self._changed()

    def _damaged(self, reason: str) -> None:
        """In the keeper's thread, or before it runs."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._begun_anew, reason)

    def _begun_anew(self, reason: str) -> None:
        self._emit("store.damaged", (STORE, "journal"), {"reason": reason})
        if self._answers is not None:
            self._answers.renew()
