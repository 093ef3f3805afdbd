"""The thread that finds servers and watches them, in an event loop of its own: a hung server delays nobody."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

from wftui import log
from wftui.clock import NS_PER_S, Clock
from wftui.collectors.servers import ended
from wftui.collectors.servers.attention import Attention
from wftui.collectors.servers.discovery import Discovery, Found, shown
from wftui.collectors.servers.ended import Ended
from wftui.collectors.servers.kinds import modules
from wftui.collectors.servers.neighbours import introduce, runner_of
from wftui.collectors.servers.signs import CORE
from wftui.collectors.servers.weighing import Weighing
from wftui.endpoint import Endpoint, Named
from wftui.errors import ConfigError
from wftui.model import health
from wftui.model.sample import Occurrence, Reading
from wftui.model.servers import MODELS, REQUESTS, SERVERS
from wftui.model.table import Row, TableSnapshot

if TYPE_CHECKING:
    from wftui.collectors.servers.adapter import Adapter
    from wftui.collectors.servers.derive import Derivation
    from wftui.collectors.servers.watch import Watch

DISCOVER_S: Final = 5.0
REMEMBERED_NS: Final = 600 * NS_PER_S
"""A server that comes back at its endpoint within so long has restarted; after that it is a new one."""
_KEPT: Final = 4096
"""Readings kept for a recorder that does not ask: ten servers for some minutes."""


class _More(TypedDict, total=False):
    """What a watch may be told at its start."""

    found: Found
    derivation: "Derivation"
    restarts: int
    told: bool
    making: "Callable[[], Adapter | None] | None"


class Poller:
    """Owns the thread. ``take`` is called from the recorder's loop, all else runs in the thread."""

    def __init__(
        self,
        clock: Clock,
        endpoints: Sequence[str] = (),
        *,
        proc: str | Path = "/proc",
        discover: bool = True,
    ) -> None:
        """``endpoints``: lines of the setting ``servers.endpoints``."""
        self._clock = clock
        self._endpoints = endpoints
        self._configured: set[str] = set()
        self._discovery = Discovery(proc) if discover else None
        self._weighing = Weighing(proc)
        self._readings: deque[Reading] = deque(maxlen=_KEPT)
        self._events: deque[Occurrence] = deque(maxlen=_KEPT)
        self._watches: dict[str, tuple[Watch, asyncio.Task[None]]] = {}
        self._gone: dict[str, Ended] = {}
        self._hidden: dict[str, Found] = {}
        """Servers that cannot be asked, by how they are called."""
        self._refused: dict[str, str] = {}
        """Servers that a person named and that cannot be asked, with the reason."""
        self._since: dict[str, int] = {}
        self._dirty = False
        self._stop: Callable[[], object] | None = None
        self._thread: threading.Thread | None = None
        self._attention = Attention()
        self.cores: tuple[Found, ...] = ()
        """Processes that may be a WIRTHFORGE core; another object at each look."""
        self.tables: tuple[TableSnapshot, ...] = ()
        """As they are now; another object when something in them changed."""

    def start(self) -> None:
        """Begin, once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="wftop-servers", daemon=True)
            self._thread.start()

    def look_closely(self, rate_hz: float) -> None:
        """Somebody looks at the servers: what is cheap and moves is asked for that often. 1: nobody does."""
        self._attention.wanted_hz = rate_hz

    def take(self) -> tuple[list[Reading], list[Occurrence]]:
        """What came since the last time."""
        readings, events = [], []
        with suppress(IndexError):
            while True:
                readings.append(self._readings.popleft())
        with suppress(IndexError):
            while True:
                events.append(self._events.popleft())
        return readings, events

    def close(self) -> None:
        """Ask the thread to end; does not wait for it. Twice is harmless."""
        stop, self._stop = self._stop, None
        if stop is not None:
            with suppress(RuntimeError):  # its loop has ended already
                stop()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except Exception as error:  # noqa: BLE001  a thread that dies silently would look like no servers at all
            log.error("servers", "the thread that watches model servers ended", exc=error)

    async def _main(self) -> None:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        self._stop = lambda: loop.call_soon_threadsafe(ended.set)
        for line in self._endpoints:
            self._configure(line)
        while not ended.is_set():
            if self._discovery is not None:
                self._reconcile(self._discovery)
                self._weigh()
            introduce(watch for watch, _ in self._watches.values())
            with suppress(TimeoutError):
                async with asyncio.timeout(DISCOVER_S):
                    await ended.wait()
        for _, task in self._watches.values():
            task.cancel()
        await asyncio.gather(*(task for _, task in self._watches.values()), return_exceptions=True)

    def _configure(self, line: str) -> None:
        """Watch a server that a person named; one whose key cannot be had is shown with the reason."""
        named = Named.parse(line)
        name = named.endpoint.name
        try:
            endpoint, names = named.with_key(), modules(named.kind)
        except ConfigError as error:
            self._refused[name] = str(error)
            self._retell()
            return
        self._configured.add(name)
        self._begin(name, self._watch(endpoint, names))

    def _watch(self, endpoint: Endpoint, names: Sequence[str], **more: Unpack[_More]) -> "Watch":
        from wftui.collectors.servers.watch import Watch  # 0.2 MB that a machine without servers saves

        return Watch(endpoint, names, self._clock, self._tell, attention=self._attention, **more)

    def _begin(self, name: str, watch: "Watch") -> None:
        self._watches[name] = watch, asyncio.get_running_loop().create_task(watch.run())

    def _reconcile(self, discovery: Discovery) -> None:
        try:
            found = discovery.look(self._clock.now())
        except Exception as error:  # noqa: BLE001  those that are known go on being watched
            log.error("servers", "looking for model servers failed", exc=error)
            return
        self.cores = tuple(item for item in found if item.sign.kinds == (CORE,))
        found = [item for item in found if item.sign.kinds != (CORE,)] if self.cores else found
        seen: dict[str, tuple[Found, Endpoint]] = {}
        hidden: dict[str, Found] = {}
        for item in found:
            for endpoint in item.endpoints:
                seen.setdefault(endpoint.name, (item, endpoint))
            if not item.endpoints and item.reason:
                hidden[shown(item)] = item
        for name, (watch, _) in list(self._watches.items()):
            if name in self._configured:
                watch.found = seen[name][0] if name in seen else None
            elif name not in seen:
                self._end(name, "server.gone", {other.pid for other in found})
            elif watch.found is not None and not _same(watch.found, seen[name][0]):
                self._end(name, "")
            else:
                watch.found, watch.ahead = seen[name][0], False
        for name, (item, endpoint) in seen.items():
            if name not in self._watches:
                self._begin(name, self._made(name, item, endpoint))
        now = self._clock.now()
        over = [name for name, item in self._gone.items() if item.row is not None and item.shown(now) is None]
        for name in over:
            self._gone[name] = self._gone[name]._replace(row=None)
        if over or hidden.keys() != self._hidden.keys():
            self._hidden = hidden
            self._retell()

    def _by_pid(self, pid: int | None) -> "Watch | None":
        watches = (watch for watch, _ in self._watches.values())
        return next((item for item in watches if item.found is not None and item.found.pid == pid), None)

    def _weigh(self) -> None:
        servers = {
            name: watch.found.members
            for name, (watch, _) in self._watches.items()
            if watch.state and watch.found is not None
        }
        if servers:
            reading = self._weighing.reading(servers, self._clock.now(), DISCOVER_S)
            self._readings.append(reading)

    def _made(self, name: str, item: Found, endpoint: Endpoint) -> "Watch":
        making = runner_of(item, lambda: self._by_pid(item.parent)) if item.sign.words else None
        back = self._gone.pop(name, None)
        known = back is not None and self._clock.now().boottime_ns - back.at.boottime_ns < REMEMBERED_NS
        if back is None or not known:
            return self._watch(endpoint, item.sign.kinds, found=item, making=making)
        back.watch.derivation.forget()
        return self._watch(
            endpoint,
            item.sign.kinds,
            found=item,
            derivation=back.watch.derivation,
            restarts=back.watch.restarts + (not back.watch.ahead),
            told=back.watch.ahead,
            making=making,
        )

    def _end(self, name: str, event: str, alive: Collection[int] = ()) -> None:
        watch, task = self._watches.pop(name)
        task.cancel()
        if not watch.state:
            return  # it was never told of
        now = self._clock.now()
        self._gone = {
            other: item
            for other, item in self._gone.items()
            if now.boottime_ns - item.at.boottime_ns < REMEMBERED_NS
        }
        others = [item for item, _ in self._watches.values()] + [item.watch for item in self._gone.values()]
        self._gone[name] = Ended(watch, now, ended.row(watch, others, alive, now) if event else None)
        if event:
            kind = watch.kind.NAME if watch.kind else ""
            self._events.append(Occurrence(event, ("server", name), {"kind": kind}, now))
        self._retell()

    def _tell(self, watch: "Watch", reading: Reading | None, events: Sequence[Occurrence] | None) -> None:
        if self._watches.get(watch.name, (None,))[0] is not watch:
            return  # it ended while it waited for an answer
        if reading is not None and reading.samples:
            self._readings.append(reading)
        if events is not None:
            self._events.extend(events)
            self._retell()

    def _retell(self) -> None:
        """Make the tables anew, once for all servers that answer in the same moment."""
        if not self._dirty:
            self._dirty = True
            asyncio.get_running_loop().call_soon(self._make_tables)

    def _make_tables(self) -> None:
        self._dirty = False
        now = self._clock.now()
        now_ns = now.time_ns
        watches = [watch for watch, _ in self._watches.values() if watch.state]
        by_pid = {watch.found.pid: watch.name for watch in watches if watch.found is not None}
        servers: dict[str, Row] = {}
        models: dict[str, Row] = {}
        requests: dict[str, Row] = {}
        for watch in watches:
            above = watch.found.parent if watch.found is not None else None
            parent = by_pid.get(above, "") if above is not None else ""
            servers[watch.name] = watch.row(parent or _whole(watch, watches))
            models |= watch.model_rows()
            requests |= watch.request_rows()
        for name, item in self._gone.items():
            if (last := item.shown(now)) is not None:
                servers.setdefault(name, last)
        for name, found in self._hidden.items():
            servers[name] = _hidden_row(name, found, self._since.setdefault(name, now_ns))
        for name, reason in self._refused.items():
            servers[name] = _refused_row(name, reason, self._since.setdefault(name, now_ns))
        told: Mapping[str, Mapping[str, Row]] = {item.schema.name: item.rows for item in self.tables}
        new = ((SERVERS, servers), (MODELS, models), (REQUESTS, requests))
        if any(told.get(schema.name, {}) != rows for schema, rows in new) or not self.tables:
            self.tables = tuple(TableSnapshot(schema, now_ns, rows) for schema, rows in new)


def _whole(part: "Watch", watches: Sequence["Watch"]) -> str:
    """The server of the same kind that counts the figures of a part, too; empty: there is none."""
    if not part.look.part:
        return ""
    return next((item.name for item in watches if item.kind is part.kind and not item.look.part), "")


def _same(before: Found, now: Found) -> bool:
    return (before.pid, before.start) == (now.pid, now.start)


def _hidden_row(name: str, found: Found, since_ns: int) -> Row:
    return (
        name, found.sign.kinds[0], "", health.DENIED, found.reason, found.fix, since_ns, found.pid, found.start,
        found.container, "process", "", "", "", "", "", "", "", "",
    )  # fmt: skip


def _refused_row(name: str, reason: str, since_ns: int) -> Row:
    fix = "set it where the recorder is started, then restart it"
    return (
        name, "", "", health.DENIED, reason, fix, since_ns, None, None, "", "configured",
        "", "", "", "", "", "", "", "",
    )  # fmt: skip
