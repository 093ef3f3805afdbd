"""What open files on a GPU tell of their processes: engine time and memory by client.

Source: Documentation/gpu/drm-usage-stats.rst.
"""

import os
import re
from collections.abc import Callable, Collection
from typing import Final, NamedTuple

from wftui.clock import perf_ns
from wftui.collectors.files import malformed, read_once
from wftui.collectors.gpu_reading import MOST_BYTES
from wftui.errors import SourceFormatError

BUDGET_S: Final = 0.01
"""Of one round, beyond the processes that are known to hold a GPU; the next goes on where it ended."""
MOST_FILES: Final = 4096
"""Open files looked at of one process."""
_NODES: Final = "/dev/dri/"
_LIMIT: Final = 16_384
_UNITS: Final = {b"": 1, b"B": 1, b"KiB": 1024, b"MiB": 1 << 20, b"GiB": 1 << 30}
_DEVICE_MEMORY: Final = re.compile(rb"(?:vram|local)\d*\Z")
"""Regions of the card's own memory: amdgpu ``vram``, xe ``vram0``, i915 ``local0``."""
_SYSTEM_MEMORY: Final = re.compile(rb"(?:system|gtt|stolen-system|stolen)\d*\Z")
_LARGEST: Final = 2**63


class Engine(NamedTuple):
    """Use of one kind of engine by one client, since it opened the file."""

    busy: int
    """ns, or cycles where ``total`` is given."""
    total: int | None
    """Cycles that passed; None: time passes for ``busy``."""
    capacity: int
    """Engines of this kind."""


class Client(NamedTuple):
    """One open file, whoever shares it."""

    bus: str
    """PCI address; empty: not told."""
    number: int
    """Unique on its device."""
    engines: dict[str, Engine]
    own: int | None
    """By of the card's memory; None: not told."""
    system: int | None
    """By of the system's memory."""


def parse_fdinfo(data: bytes) -> Client | None:
    """Parse ``/proc/PID/fdinfo/FD``.

    Returns:
        None where it is no file of a GPU, or one whose driver tells nothing.

    Raises:
        SourceFormatError: A number is none.
    """
    facts = {}
    for line in data.split(b"\n"):
        key, colon, value = line.partition(b":")
        if colon and key.startswith(b"drm-"):
            facts[key[4:]] = value.split()
    if b"client-id" not in facts or not facts[b"client-id"]:
        return None
    memory: dict[bytes, dict[bytes, int]] = {b"memory": {}, b"resident": {}, b"total": {}}
    busy: dict[str, int] = {}
    cycles: dict[str, int] = {}
    totals: dict[str, int] = {}
    capacities: dict[str, int] = {}
    for key, words in facts.items():
        kind, _, name = key.partition(b"-")
        if key.startswith(b"engine-capacity-"):
            capacities[_name(key[16:])] = _whole(words, data)
        elif kind == b"engine":
            busy[_name(name)] = _whole(words, data)
        elif key.startswith(b"total-cycles-"):
            totals[_name(key[13:])] = _whole(words, data)
        elif kind == b"cycles":
            cycles[_name(name)] = _whole(words, data)
        elif kind in memory:
            memory[kind][name] = _size(words, data)
    engines = {engine: Engine(ns, None, max(1, capacities.get(engine, 1))) for engine, ns in busy.items()}
    for engine, count in cycles.items():
        if engine not in busy and engine in totals:
            engines[engine] = Engine(count, totals[engine], max(1, capacities.get(engine, 1)))
    bus = facts.get(b"pdev") or [b""]
    return Client(
        bus[0].decode("ascii", "replace"),
        _whole(facts[b"client-id"], data),
        engines,
        _sum(memory, _DEVICE_MEMORY),
        _sum(memory, _SYSTEM_MEMORY),
    )


def _name(name: bytes) -> str:
    return name.decode("ascii", "replace")


def _whole(words: list[bytes], data: bytes) -> int:
    try:
        value = int(words[0])
    except (IndexError, ValueError) as error:
        raise malformed("/proc/PID/fdinfo", "a whole number", b" ".join(words) or data) from error
    if not 0 <= value < _LARGEST:
        raise malformed("/proc/PID/fdinfo", "a number of 63 bits", words[0])
    return value


def _size(words: list[bytes], data: bytes) -> int:
    unit = _UNITS.get(words[1] if len(words) > 1 else b"")
    if unit is None:
        raise malformed("/proc/PID/fdinfo", "KiB or MiB", b" ".join(words))
    return _whole(words, data) * unit


def _sum(memory: dict[bytes, dict[bytes, int]], wanted: re.Pattern[bytes]) -> int | None:
    """Resident where it is told, else what amdgpu calls plainly memory, else what was allocated."""
    for kind in (b"resident", b"memory", b"total"):
        sizes = [size for name, size in memory[kind].items() if wanted.match(name)]
        if sizes:
            total = sum(sizes)
            return total if total <= MOST_BYTES else None
    return None


class Found(NamedTuple):
    """One round."""

    clients: dict[tuple[str, int], tuple[int, Client]]
    """(PCI address, client) to (pid, what it told): each client once, whoever shares its file."""
    hidden: int
    """Processes whose open files are not ours to see."""
    whole: bool
    """Every process that is ours to see was looked at since the round before."""


class Scanner:
    """Walks the open files of processes, within a budget of time."""

    def __init__(self, proc: str, *, budget_s: float = BUDGET_S, now_ns: Callable[[], int] = perf_ns) -> None:
        self._proc = proc
        self._budget_ns = int(budget_s * 1e9)
        self._now_ns = now_ns
        self._holders: set[int] = set()
        self._last = -1
        """Pid at which the round before ended."""
        self._hidden: set[int] = set()
        self._owners: dict[tuple[str, int], int] = {}

    def scan(self, nodes: Collection[str], buses: Collection[str]) -> Found:
        """One round.

        Args:
            nodes: Names below /dev/dri of the cards that may be asked; files on others are not opened.
            buses: Their PCI addresses; a client of another one is left out.
        """
        pids = self._pids()
        known = [pid for pid in pids if pid in self._holders]
        others = [pid for pid in pids if pid not in self._holders]
        # Those after the last one first: a round that ran out of time is continued, not repeated.
        others = [pid for pid in others if pid > self._last] + [pid for pid in others if pid <= self._last]
        clients: dict[tuple[str, int], tuple[int, Client]] = {}
        holders: set[int] = set()
        self._hidden &= set(pids)
        until_ns = self._now_ns() + self._budget_ns
        whole = True
        for place, pid in enumerate(known + others):
            if place >= len(known) and self._now_ns() > until_ns:
                whole = False
                break
            if place >= len(known):
                self._last = pid
            found = self._process(pid, nodes)
            if found is None:
                continue
            for client in found:
                bus = client.bus or (next(iter(buses)) if len(buses) == 1 else "")
                if bus not in buses:
                    continue
                holders.add(pid)
                key = bus, client.number
                # A file that was inherited is one use: it stays with whom it was seen first.
                if key not in clients or self._owners.get(key) == pid:
                    clients[key] = pid, client
        if whole:
            self._last = -1
        self._holders = holders
        self._owners = {key: pid for key, (pid, _) in clients.items()}
        return Found(clients, len(self._hidden), whole)

    def _pids(self) -> list[int]:
        try:
            return sorted(int(name) for name in os.listdir(self._proc) if name.isdecimal())  # noqa: PTH208  names
        except OSError:
            return []

    def _process(self, pid: int, nodes: Collection[str]) -> list[Client] | None:
        found = []
        seen: set[int] = set()
        try:
            with os.scandir(f"{self._proc}/{pid}/fd") as files:
                for count, file in enumerate(files):
                    if count >= MOST_FILES:
                        break
                    client = self._file(pid, file, nodes)
                    if client is not None and client.number not in seen:
                        seen.add(client.number)
                        found.append(client)
        except PermissionError:
            self._hidden.add(pid)
            return None
        except OSError:  # it ended
            return None
        self._hidden.discard(pid)
        return found

    def _file(self, pid: int, file: "os.DirEntry[str]", nodes: Collection[str]) -> Client | None:
        try:
            target = os.readlink(file.path)  # noqa: PTH115  a Path costs 3 µs each
            if not target.startswith(_NODES) or target.removeprefix(_NODES) not in nodes:
                return None
            return parse_fdinfo(read_once(f"{self._proc}/{pid}/fdinfo/{file.name}", _LIMIT))
        except (OSError, SourceFormatError):  # closed meanwhile, or a driver's own idea of a number
            return None
