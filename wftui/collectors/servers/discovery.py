"""Which processes may serve models, and where: processes ↔ command lines ↔ listening sockets.

Nothing is asked here. No port is tried that nobody was seen to listen on, and nobody is asked whose command line
does not look like a model server's. In a container the socket lies in another network namespace; a port that
Docker publishes is found by the proxy process that holds it.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from wftui import text
from wftui.clock import NS_PER_S, Instant
from wftui.collectors.files import read_once
from wftui.collectors.process_files import COMMAND_LIMIT, ProcessStat, parse_process, short_cgroup
from wftui.collectors.servers.signs import Sign, sign
from wftui.collectors.servers.sockets import Listener, children, listeners, namespace, sockets_of
from wftui.endpoint import Endpoint
from wftui.errors import SourceFormatError

YOUNG_NS: Final = 60 * NS_PER_S
"""After a change among the servers they are looked at more often for so long."""
AGES_NS: Final = (5 * NS_PER_S, 20 * NS_PER_S, 60 * NS_PER_S)
"""Since a process was first seen. It may still become another program (exec): its command line is read again then.
Each time would be 400 files every five seconds on a machine where much begins: 6 ms a second on a slow one."""
AGAIN_NS: Final = 60 * NS_PER_S
"""So often all command lines are read again: an old shell may become a server, too."""
_PROXY: Final = "docker-proxy"
_GENERATIONS: Final = 8
_MOST_MEMBERS: Final = 512
_OTHER_USER: Final = "another user's process, and none of its sockets could be told"
_CONTAINED: Final = "it listens on port {} inside a container that publishes no port to this machine"
_ADDRESS: Final = "give its address in [servers] of the configuration"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A process that may serve models."""

    pid: int
    start: int
    """Clock ticks after boot."""
    sign: Sign
    endpoints: tuple[Endpoint, ...] = ()
    """Where it listens; none: it does not, or that is not ours to see."""
    reason: str = ""
    """Why there is no endpoint; empty while it may only not listen yet."""
    fix: str = ""
    container: str = ""
    parent: int | None = None
    """Pid of the model server that started it (the Ollama of a runner)."""
    members: tuple[int, ...] = ()
    """Pids of the process and all that it started."""


class _Known(NamedTuple):
    since_ns: int
    """CLOCK_BOOTTIME of its first sight."""
    reads: int
    """Of ``AGES_NS`` that have passed."""
    sign: Sign | None


class Discovery:
    """Remembers what it has read of the process table. Called from one thread."""

    def __init__(self, proc: str | Path = "/proc") -> None:
        self._proc = str(proc)
        self._known: dict[int, _Known] = {}
        self._again_ns = 0
        self._found: list[Found] = []
        self._settled_ns = 0
        """Up to this CLOCK_BOOTTIME a server may still begin to listen: a minute after the last change."""
        self._proxies: dict[int, tuple[int, int]] = {}
        """Pid of a proxy of Docker to (port of the machine, port in the container)."""

    def look(self, at: Instant) -> list[Found]:
        """Look once. Ten servers take 3 ms; 0.2 ms when they have been settled for a minute and no new one came.

        Raises:
            OSError: There is no process table.
        """
        every = self._learn(at)
        # To load its weights may take a server many minutes, and it listens only then.
        waited_for = any(not item.endpoints and not item.reason for item in self._found)
        if at.boottime_ns >= self._settled_ns and not every and not waited_for:
            return self._found
        self._found = self._all()
        return self._found

    def _all(self) -> list[Found]:
        suspects = {pid: known.sign for pid, known in self._known.items() if known.sign is not None}
        if not suspects:
            return []
        stats = {pid: stat for pid in suspects if (stat := self._stat(pid)) is not None}
        here = listeners(f"{self._proc}/net")
        ours = namespace(self._proc, "self")
        found = []
        for pid, stat in stats.items():
            above = self._above(stat, suspects, stats)
            if above is not None and suspects[above].kinds == suspects[pid].kinds:
                continue  # part of that one: a worker, a shard, the child of a router
            found.append(self._describe(pid, stat, suspects[pid], above, here, ours))
        return found

    def _learn(self, at: Instant) -> bool:
        """Read the command lines that are new; returns whether all were read again."""
        pids = {int(name) for name in os.listdir(self._proc) if name.isdigit()}  # noqa: PTH208  300 names, often
        for pid in self._known.keys() - pids:
            if self._known.pop(pid).sign is not None:
                self._settled_ns = at.boottime_ns + YOUNG_NS
            self._proxies.pop(pid, None)
        first = not self._known
        every = at.boottime_ns >= self._again_ns
        if every:
            self._again_ns = at.boottime_ns + AGAIN_NS
        for pid in pids:
            known = self._known.get(pid)
            if known is None:
                # What ran before us has mostly done so for long.
                self._read(pid, _Known(at.boottime_ns, 1 if first else 0, None), at)
            elif known.reads < len(AGES_NS) and at.boottime_ns >= known.since_ns + AGES_NS[known.reads]:
                self._read(pid, known._replace(reads=known.reads + 1), at)
            elif every:
                self._read(pid, known, at)
        return every

    def _read(self, pid: int, known: _Known, at: Instant) -> None:
        try:
            data = read_once(f"{self._proc}/{pid}/cmdline", COMMAND_LIMIT)
        except OSError:
            return
        words = [word.decode("utf-8", "replace") for word in data.rstrip(b"\0").split(b"\0")]
        found = sign(words)
        if found is not None and found.folder and not self._is_comfy(pid):
            found = None
        if words[0].endswith(_PROXY) and pid not in self._proxies:
            self._proxies[pid] = _published(words)
            self._settled_ns = at.boottime_ns + YOUNG_NS
        if found != known.sign:
            self._settled_ns = at.boottime_ns + YOUNG_NS
        self._known[pid] = known._replace(sign=found)

    def _is_comfy(self, pid: int) -> bool:
        try:
            folder = os.readlink(f"{self._proc}/{pid}/cwd")  # noqa: PTH115  may be another user's
            return Path(folder, "nodes.py").is_file() and Path(folder, "comfy").is_dir()
        except OSError:
            return False

    def _stat(self, pid: int) -> ProcessStat | None:
        try:
            return parse_process(read_once(f"{self._proc}/{pid}/stat"))
        except (OSError, SourceFormatError):
            return None

    def _above(
        self, stat: ProcessStat, suspects: Mapping[int, Sign], stats: Mapping[int, ProcessStat]
    ) -> int | None:
        """The nearest suspect among the ancestors."""
        pid = stat.parent
        for _ in range(_GENERATIONS):
            if pid in suspects and pid in stats:
                return pid
            above = self._stat(pid) if pid > 1 else None
            if above is None:
                return None
            pid = above.parent
        return None

    def _members(self, pid: int) -> tuple[int, ...]:
        found = [pid]
        for member in found:  # grows while it is walked
            if len(found) >= _MOST_MEMBERS:
                break
            found += [child for child in children(self._proc, member) if child not in found]
        return tuple(found)

    def _describe(
        self,
        pid: int,
        stat: ProcessStat,
        sign: Sign,
        above: int | None,
        here: Mapping[int, Listener],
        ours: str,
    ) -> Found:
        members = self._members(pid)
        there = namespace(self._proc, pid)
        away = bool(there and ours and there != ours)
        endpoints: tuple[Endpoint, ...] = ()
        reason = fix = container = ""
        if away:
            container = self._container(pid)
            inner = self._held(members, listeners(f"{self._proc}/{pid}/net"), sign, pid)
            endpoints = tuple(self._outside(inner, sign))
            if inner and not endpoints:
                reason, fix = _CONTAINED.format(inner[0].port), _ADDRESS
        else:
            held = self._held(members, here, sign, pid)
            endpoints = tuple(_endpoint(item, sign) for item in held if item.local)
            if held and not endpoints:
                reason = f"it listens on {held[0].reached} only, which is asked when it is configured"
                fix = _ADDRESS
            elif not held and sockets_of(self._proc, pid) is None:
                reason, fix = _OTHER_USER, _ADDRESS
        return Found(
            pid=pid, start=stat.start, sign=sign, endpoints=endpoints, reason=reason, fix=fix, container=container,
            parent=above, members=members,
        )  # fmt: skip

    def _held(
        self, members: Sequence[int], listening: Mapping[int, Listener], sign: Sign, pid: int
    ) -> list[Listener]:
        """Where it listens: itself, or else those that it started."""
        for group in ((pid,), members[1:]):
            inodes: set[int] = set()
            refused = False
            for member in group:
                sockets = sockets_of(self._proc, member)
                refused = refused or sockets is None
                inodes |= sockets or set()
            found = [listening[inode] for inode in sorted(inodes & listening.keys())]
            if refused and not found:
                # Not ours to see: a socket of the same user on the port that it was told to take is its own.
                uid = self._uid(pid)
                found = [item for item in listening.values() if item.uid == uid and item.port == sign.port != 0]
            if found:
                return _once(found)
        return []

    def _uid(self, pid: int) -> int | None:
        try:
            return Path(self._proc, str(pid)).stat().st_uid
        except OSError:
            return None

    def _container(self, pid: int) -> str:
        try:
            return short_cgroup(read_once(f"{self._proc}/{pid}/cgroup", 1 << 16))
        except (OSError, SourceFormatError):
            return ""

    def _outside(self, inner: Iterable[Listener], sign: Sign) -> Iterable[Endpoint]:
        ports = {item.port for item in inner}
        for outer, port in self._proxies.values():
            if port in ports:
                yield Endpoint(host="127.0.0.1", port=outer, prefix=sign.prefix, tls=sign.tls)


def _once(found: Sequence[Listener]) -> list[Listener]:
    """One of two sockets of one port: IPv4 where there are both."""
    kept: dict[object, Listener] = {}
    for item in sorted(found, key=lambda item: ":" in item.host):
        kept.setdefault(item.path or item.port, item)
    return list(kept.values())


def _endpoint(item: Listener, sign: Sign) -> Endpoint:
    prefix = sign.prefix.rstrip("/")
    return Endpoint(
        host=item.reached, port=item.port, path=item.path, prefix=prefix, tls=sign.tls and not item.path
    )


def _published(words: Sequence[str]) -> tuple[int, int]:
    """(port of the machine, port in the container) of a proxy's command line; zeros: it does not say."""
    ports = []
    for name in ("-host-port", "-container-port"):
        place = next((at for at, word in enumerate(words[:-1]) if word.lstrip("-") == name[1:]), None)
        word = words[place + 1] if place is not None else ""
        ports.append(int(word) if word.isdigit() else 0)
    return ports[0], ports[1]


def shown(found: Found) -> str:
    """How a process without an endpoint is called."""
    return f"pid:{found.pid}" if not found.container else text.clean(f"{found.container}/pid:{found.pid}", 64)
