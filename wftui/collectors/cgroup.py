"""Our own cgroup: where it is (v1, v2, hybrid), which limits hold, and what it used, was throttled and lost."""

import os
from pathlib import Path
from typing import Final, NamedTuple

from wftui.clock import Instant
from wftui.collectors.base import INLINE
from wftui.collectors.files import malformed, read_number, read_once
from wftui.collectors.mountinfo import Mount, parse_mountinfo
from wftui.errors import SourceUnavailableError
from wftui.model.sample import Sample, Scrape, column
from wftui.units import NS_PER_S

_NO_LIMIT: Final = 1 << 60
"""v1 says "no limit" as 2^63 - 1 rounded down to a page; nothing real is as large as this."""

LIMIT_NS: Final = 5 * NS_PER_S
"""Limits hardly ever change, and are some files on each level: they are read this often (60 µs)."""
SEARCH_NS: Final = 2 * LIMIT_NS
"""A process may be moved between cgroups: its place is looked for this often (it costs 90 µs)."""


class Place(NamedTuple):
    """Where a controller keeps us."""

    version: int
    """1 or 2."""
    folders: tuple[str, ...]
    """Our folder, then its parents as far as the mount shows them."""
    nested: bool
    """False: our path is ``/``, which is the whole machine unless a namespace hides the rest."""


class MemoryLimit(NamedTuple):
    """The tightest memory limit above us."""

    version: int
    folder: str
    """The level that carries it: its use counts against it, not ours alone."""
    limit: int
    """Bytes (By)."""


def parse_cgroup(data: bytes) -> dict[str, bytes]:
    """Parse ``/proc/PID/cgroup``.

    Returns:
        Controller to path; the unified hierarchy (v2) under an empty key, a named v1 one under ``name=…``.

    Raises:
        SourceFormatError: A line is not ``number:controllers:path``.

    Source: cgroups(7).
    """
    found: dict[str, bytes] = {}
    for line in data.split(b"\n"):
        if not line:
            continue
        parts = line.split(b":", 2)
        if len(parts) != 3 or not parts[0].isdigit() or not parts[2].startswith(b"/"):
            raise malformed("/proc/PID/cgroup", "'number:controllers:/path'", line)
        for controller in parts[1].split(b","):
            found[controller.decode("ascii", "replace")] = parts[2]
    return found


def place(controller: str, paths: dict[str, bytes], mounts: list[Mount], sys: str) -> Place | None:
    """Find the folders of one controller; None when it is neither in v1 nor in v2 mounted for us."""
    if controller in paths:
        version, path = 1, paths[controller]
        here = [m for m in mounts if m.kind == b"cgroup" and controller.encode() in m.options.split(b",")]
    elif "" in paths:
        version, path = 2, paths[""]
        here = [m for m in mounts if m.kind == b"cgroup2"]
    else:
        return None
    if not here:
        return None
    mount = here[-1]
    point = os.fsdecode(mount.point)
    if point == "/sys" or point.startswith("/sys/"):
        point = sys + point[4:]
    # A container without a cgroup namespace sees the host's path, and only its own folder mounted.
    root = mount.root.rstrip(b"/")
    inner = path[len(root) :] if path == root or path.startswith(root + b"/") else b""
    parts = [] if b"/.." in path else [part for part in os.fsdecode(inner).split("/") if part]
    folders = tuple("/".join([point, *parts[:depth]]) for depth in range(len(parts), -1, -1))
    return Place(version, folders, nested=bool(parts) or len(root) > 0)


def locate(proc: str | Path = "/proc", sys: str | Path = "/sys") -> dict[str, Place]:
    """Our places by controller: ``memory``, ``cpu``, ``cpuacct``; empty where there are no cgroups."""
    try:
        paths = parse_cgroup(read_once(f"{proc}/self/cgroup", 65_536))
        mounts = parse_mountinfo(Path(f"{proc}/self/mountinfo").read_bytes())
    except OSError:
        return {}
    found = {name: place(name, paths, mounts, str(sys)) for name in ("memory", "cpu", "cpuacct")}
    return {name: item for name, item in found.items() if item is not None}


def memory_limit(where: Place | None) -> MemoryLimit | None:
    """The tightest limit from our folder upwards; of equal ones the innermost. None: no limit."""
    if where is None:
        return None
    file = "memory.max" if where.version == 2 else "memory.limit_in_bytes"
    found: MemoryLimit | None = None
    for folder in where.folders:
        limit = read_number(f"{folder}/{file}")  # "max" is no number
        if limit is not None and 0 < limit < _NO_LIMIT and (found is None or limit < found.limit):
            found = MemoryLimit(where.version, folder, limit)
    return found


def cpu_limit(where: Place | None) -> tuple[float, str] | None:
    """The tightest CPU limit in cores and the folder that carries it. None: no limit."""
    if where is None:
        return None
    found: tuple[float, str] | None = None
    for folder in where.folders:
        if where.version == 2:
            try:
                quota, period = (int(word) for word in read_once(f"{folder}/cpu.max", 64).split())
            except (OSError, ValueError):  # "max 100000", or the root, which has no such file
                continue
        else:
            quota = read_number(f"{folder}/cpu.cfs_quota_us") or -1
            period = read_number(f"{folder}/cpu.cfs_period_us") or 0
        if quota > 0 and period > 0 and (found is None or quota / period < found[0]):
            found = quota / period, folder
    return found


def parse_flat(data: bytes, path: str) -> dict[str, int]:
    """Parse a flat keyed file (memory.stat, cpu.stat, memory.events): one ``key value`` per line.

    Raises:
        SourceFormatError: A line is not a word and a whole number.

    Source: Documentation/admin-guide/cgroup-v2.rst.
    """
    found: dict[str, int] = {}
    for line in data.split(b"\n"):
        if not line:
            continue
        key, _, value = line.partition(b" ")
        if not value.isdigit():
            raise malformed(path, "'key number'", line)
        found[key.decode("ascii", "replace")] = int(value)
    return found


def read_flat(path: str) -> dict[str, int]:
    """A flat keyed file; empty when it cannot be read."""
    try:
        data = read_once(path, 65_536)
    except OSError:
        return {}
    return parse_flat(data, path)


class Cgroup:
    """Limits, use, throttling and OOM kills of the cgroup that we run in. 1 Hz."""

    name = "cgroup"
    interval_s = 1.0
    where = INLINE
    timeout_s = 1.0

    def __init__(self, proc: str | Path = "/proc", sys: str | Path = "/sys") -> None:
        self._proc, self._sys = proc, sys
        self._places: dict[str, Place] = {}
        self._due_ns = self._limits_ns = 0
        self._memory_limit: MemoryLimit | None = None
        self._cpu_limit: tuple[float, str] | None = None
        self._columns = {
            name: column(self.name, f"container.{name}", call=call)
            for name, call in (
                ("cpu.limit", "cpu.max or cpu.cfs_quota_us"),
                ("cpu.time", "cpu.stat or cpuacct.usage"),
                ("cpu.throttled.time", "cpu.stat"),
                ("cpu.throttled.periods", "cpu.stat"),
                ("memory.usage", "memory.current or memory.usage_in_bytes"),
                ("memory.limit", "memory.max or memory.limit_in_bytes"),
                ("memory.oom_kills", "memory.events or memory.oom_control"),
            )
        }

    def collect(self, at: Instant) -> Scrape:
        """Read what our cgroup has.

        Raises:
            SourceUnavailableError: No cgroup of our own: what it would say is what the machine says.
            SourceFormatError: A file is not as documented.
        """
        if at.boottime_ns >= self._due_ns:
            self._due_ns = at.boottime_ns + SEARCH_NS
            self._places = locate(self._proc, self._sys)
        if at.boottime_ns >= self._limits_ns:
            self._limits_ns = at.boottime_ns + LIMIT_NS
            self._memory_limit = memory_limit(self._places.get("memory"))
            self._cpu_limit = cpu_limit(self._places.get("cpu"))
        values = {**self._memory(self._places.get("memory")), **self._cpu(self._places)}
        if not values:
            raise SourceUnavailableError(
                "not inside a cgroup of our own: the machine's limits hold", state="absent"
            )
        return Scrape([Sample(self._columns[name], value) for name, value in values.items()])

    def _memory(self, where: Place | None) -> dict[str, float]:
        if where is None:
            return {}
        limit = self._memory_limit
        folder = limit.folder if limit else where.folders[0]
        values: dict[str, float] = {}
        if where.version == 2:
            usage = read_number(f"{folder}/memory.current")
            kills = read_flat(f"{folder}/memory.events").get("oom_kill")
        elif limit or where.nested:  # at the top v1 has the files too, and they count the whole machine
            usage = read_number(f"{folder}/memory.usage_in_bytes")
            kills = read_flat(f"{folder}/memory.oom_control").get("oom_kill")
        else:
            return {}
        if usage is not None:
            values["memory.usage"] = usage
        if kills is not None:
            values["memory.oom_kills"] = kills
        if limit is not None:
            values["memory.limit"] = limit.limit
        return values

    def _cpu(self, places: dict[str, Place]) -> dict[str, float]:
        where = places.get("cpu")
        if where is None:
            return {}
        limit = self._cpu_limit
        values: dict[str, float] = {}
        folder = limit[1] if limit else where.folders[0]
        stat = read_flat(f"{folder}/cpu.stat")
        if limit is not None:
            values["cpu.limit"] = limit[0]
        if "nr_throttled" not in stat:  # the top of the tree: never throttled, and its time is the machine's
            return values
        if limit is not None:
            values["cpu.throttled.periods"] = stat["nr_throttled"]
            if "throttled_usec" in stat:
                values["cpu.throttled.time"] = stat["throttled_usec"] / 1e6
            elif "throttled_time" in stat:
                values["cpu.throttled.time"] = stat["throttled_time"] / NS_PER_S
        if "usage_usec" in stat:
            values["cpu.time"] = stat["usage_usec"] / 1e6
        elif (account := places.get("cpuacct")) and account.nested:
            spent = read_number(f"{account.folders[0]}/cpuacct.usage")
            if spent is not None:
                values["cpu.time"] = spent / NS_PER_S
        return values

    def close(self) -> None:
        """Nothing is kept open."""
