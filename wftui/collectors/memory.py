"""Memory ten times a second, swap, paging and huge pages once. Inside a cgroup its limit is the total."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from wftui.clock import Instant
from wftui.collectors.base import INLINE
from wftui.collectors.cgroup import LIMIT_NS, SEARCH_NS, MemoryLimit, Place, locate, memory_limit, read_flat
from wftui.collectors.files import ProcFile, malformed
from wftui.errors import SourceError
from wftui.model.sample import DERIVED, Column, Sample, Scrape, column
from wftui.units import KIB, NS_PER_S

CALL: Final = "/proc/meminfo"
_REFRESH_NS: Final = NS_PER_S
"""memory.stat is read once a second: it moves slowly and may cost a walk of the tree."""
_FIRST: Final = [b"MemTotal:", b"MemFree:", b"MemAvailable:", b"Buffers:", b"Cached:"]
_UNITS: Final = [b"kB"] * len(_FIRST)


def parse_meminfo(data: bytes) -> dict[str, int]:
    """Parse the text of ``/proc/meminfo``.

    Args:
        data: The whole file, one ``Name: 123 kB`` per line; counts of huge pages have no ``kB``.

    Returns:
        Field name to bytes (By); fields without ``kB`` to their count.

    Raises:
        SourceFormatError: A line holds no whole number.

    Source: proc_meminfo(5); the kernel's "kB" is 1024 bytes.
    """
    found: dict[str, int] = {}
    for line in data.split(b"\n"):
        if not line:
            continue
        name, _, rest = line.partition(b":")
        value, _, unit = rest.strip().partition(b" ")
        if not value.isdigit():
            raise malformed(CALL, "'Name: 123 kB'", line)
        found[name.decode("utf-8", "replace")] = int(value) * KIB if unit == b"kB" else int(value)
    return found


def meminfo_value(data: bytes, name: bytes) -> int:
    """One field of ``/proc/meminfo`` in bytes (By): ten of them cost less than parsing all fifty.

    Raises:
        SourceFormatError: There is no such field, or no number of kB in it.
    """
    # "Cached" is also the end of "SwapCached", so the line's start belongs to what is looked for.
    key = name + b":"
    start = 0 if data.startswith(key) else data.find(b"\n" + key) + 1
    if start == 0 and not data.startswith(key):
        raise malformed(CALL, f"a line {key.decode()!r}", data)
    start += len(key)
    value = data[start : data.find(b" kB", start)]
    try:
        number = int(value)
    except ValueError as error:
        raise malformed(CALL, f"{key.decode()!r} and a number of kB", value) from error
    if number < 0:
        raise malformed(CALL, f"{key.decode()!r} and a number of kB", value)
    return number * KIB


def meminfo_field(data: bytes, name: bytes) -> int | None:
    """One field of ``/proc/meminfo``, as ``parse_meminfo`` has it; None where this kernel has none of that name.

    Raises:
        SourceFormatError: It is no whole number.
    """
    key = name + b":"
    start = 0 if data.startswith(key) else data.find(b"\n" + key) + 1
    if start == 0 and not data.startswith(key):
        return None
    line = data[start:].partition(b"\n")[0]
    value, _, unit = line[len(key) :].strip().partition(b" ")
    if not value.isdigit():
        raise malformed(CALL, "'Name: 123 kB'", line)
    return int(value) * KIB if unit == b"kB" else int(value)


def _first_lines(data: bytes) -> list[int] | None:
    """MemTotal, MemFree, MemAvailable, Buffers and Cached in bytes (By); None unless they are the first lines.

    They have been since Linux 3.14. One by one they cost four times as much.
    """
    words = data.split(None, 3 * len(_FIRST))[: 3 * len(_FIRST)]
    if words[::3] != _FIRST or words[2::3] != _UNITS:
        return None
    values = words[1::3]
    return [int(value) * KIB for value in values] if all(map(bytes.isdigit, values)) else None


class Memory:
    """How memory is used. 10 Hz.

    ``used`` is limit - available, as ``free`` and ``top`` have it. Inside a cgroup with a limit below the
    machine's memory the limit is the total and ``used`` is what is charged to that cgroup without its file
    cache, which the kernel gives back before it kills: the active part too, as in MemAvailable. The weights of a
    model that is mapped into memory are such a cache, as large as the model.
    """

    name = "memory"
    interval_s = 0.1
    where = INLINE
    timeout_s = 1.0

    def __init__(self, proc: str | Path = "/proc", sys: str | Path = "/sys") -> None:
        self._proc, self._sys = proc, sys
        self._file = ProcFile(f"{proc}/meminfo", single=True)
        self._physical = column(self.name, "system.memory.physical", call=CALL)
        self._host = tuple(self._make(CALL))
        self._ours: tuple[Column, ...] = ()
        self._limit: MemoryLimit | None = None
        self._current: ProcFile | None = None
        self._stat: dict[str, int] = {}
        self._due_ns = 0
        self._place: Place | None = None
        self._search_ns = self._limit_ns = 0

    def _make(self, call: str) -> Iterator[Column]:
        yield column(self.name, "system.memory.limit", call=call)
        yield column(self.name, "system.memory.available", call=call)
        yield column(self.name, "system.memory.utilization", call=call, quality=DERIVED)
        for mode in ("used", "free", "cached", "buffers"):
            quality = DERIVED if mode in ("used", "cached") else "measured"
            yield column(self.name, "system.memory.usage", {"mode": mode}, call=call, quality=quality)

    def files(self) -> tuple[ProcFile, ...]:
        """What ``collect`` reads."""
        return (self._file,) if self._current is None else (self._file, self._current)

    def collect(self, at: Instant) -> Scrape:
        """Read once.

        Raises:
            SourceError: /proc/meminfo cannot be read or is not as documented.
        """
        data = self._file.read()
        first = _first_lines(data)
        if first is None:
            first = [meminfo_value(data, name[:-1]) for name in _FIRST]
        total, free, available, buffers, page_cache = first
        if at.boottime_ns >= self._due_ns:
            self._due_ns = at.boottime_ns + _REFRESH_NS
            if at.boottime_ns >= self._limit_ns:
                self._limit_ns = at.boottime_ns + LIMIT_NS
                if at.boottime_ns >= self._search_ns:
                    self._search_ns = at.boottime_ns + SEARCH_NS
                    self._place = locate(self._proc, self._sys).get("memory")
                self._look_for_limit(total)
            limit = self._limit
            self._stat = read_flat(f"{limit.folder}/memory.stat") if limit is not None else {}
        if self._limit is not None and (ours := self._in_cgroup(self._limit, available)) is not None:
            return Scrape([Sample(self._physical, total), *ours])
        # Shared memory is counted as cache but cannot be dropped; slabs that can be are cache in all but name.
        cached = max(0, page_cache + meminfo_value(data, b"SReclaimable") - meminfo_value(data, b"Shmem"))
        used = max(0, total - available)
        values = (total, available, used / total if total else None, used, free, cached, buffers)
        samples = [Sample(self._physical, total)]
        samples += [Sample(c, v) for c, v in zip(self._host, values, strict=True) if v is not None]
        return Scrape(samples)

    def _look_for_limit(self, total: int) -> None:
        limit = memory_limit(self._place)
        if limit is not None and limit.limit >= total:
            limit = None  # what the machine does not have is no limit
        if limit != self._limit or (limit is not None and self._current is None):
            if self._current is not None:
                self._current.close()
                self._current = None
            if limit is not None:
                file = "memory.current" if limit.version == 2 else "memory.usage_in_bytes"
                self._current = ProcFile(f"{limit.folder}/{file}", single=True)  # one number
                self._ours = tuple(self._make(self._current.path))
        self._limit = limit

    def _in_cgroup(self, limit: MemoryLimit, host_available: int) -> list[Sample] | None:
        """The samples of a limited cgroup; None when its use cannot be read, so that the machine's are taken."""
        prefix = "total_" if limit.version == 1 else ""  # v1 keeps the sums over children apart
        cache = self._stat.get("file" if limit.version == 2 else "total_cache")
        inactive = self._stat.get(f"{prefix}inactive_file")
        if self._current is None or inactive is None:
            return None
        try:
            current = int(self._current.read())
        except (SourceError, ValueError):
            return None
        reclaimable = inactive + self._stat.get(f"{prefix}active_file", 0)
        # memory.stat is up to a second older than the use: the difference may fall below zero, the truth not.
        used = max(0, current - reclaimable)
        shared = self._stat.get(f"{prefix}shmem", 0)
        values = (
            limit.limit,
            max(0, min(limit.limit - used, host_available)),
            min(1.0, used / limit.limit),
            used,
            max(0, limit.limit - current),
            None if cache is None else max(0, cache - shared),
            None,  # a cgroup has no buffers of its own
        )
        return [Sample(c, v) for c, v in zip(self._ours, values, strict=True) if v is not None]

    def close(self) -> None:
        """Close the files."""
        self._file.close()
        if self._current is not None:
            self._current.close()


def parse_vmstat(data: bytes) -> dict[str, int]:
    """The counters of ``/proc/vmstat`` that we use: pages swapped in and out, faults, major faults, OOM kills.

    Raises:
        SourceFormatError: One of them is missing or no whole number; kernels before 4.13 count no OOM kills.

    Source: proc_vmstat(5).
    """
    found: dict[str, int] = {}
    for name in ("pswpin", "pswpout", "pgfault", "pgmajfault", "oom_kill"):
        start = data.find(f"\n{name} ".encode())
        end = data.find(b"\n", start + 1)
        value = data[start + len(name) + 2 : end if end > 0 else None] if start >= 0 else b""
        if start < 0 and name == "oom_kill":
            continue
        if not value.isdigit():
            raise malformed("/proc/vmstat", f"a line '{name} number'", value or data)
        found[name] = int(value)
    return found


class Paging:
    """Swap, huge pages, pages swapped and faults. 1 Hz."""

    name = "paging"
    interval_s = 1.0
    where = INLINE
    timeout_s = 1.0

    def __init__(self, proc: str | Path = "/proc") -> None:
        self._meminfo = ProcFile(f"{proc}/meminfo", single=True)
        self._vmstat = ProcFile(f"{proc}/vmstat")
        swap, paging = "system.paging.usage", "/proc/vmstat"
        self._used = column(self.name, swap, {"mode": "used"}, call=CALL, quality=DERIVED)
        self._free = column(self.name, swap, {"mode": "free"}, call=CALL)
        self._utilization = column(self.name, "system.paging.utilization", call=CALL, quality=DERIVED)
        self._in = column(self.name, "system.paging.operations", {"direction": "in"}, call=paging)
        self._out = column(self.name, "system.paging.operations", {"direction": "out"}, call=paging)
        self._killed = column(self.name, "system.memory.oom_kills", call=paging)
        self._major = column(self.name, "system.paging.faults", {"mode": "major"}, call=paging)
        self._minor = column(self.name, "system.paging.faults", {"mode": "minor"}, call=paging, quality=DERIVED)
        self._huge = {
            mode: column(self.name, "system.memory.huge_pages.usage", {"mode": mode}, call=CALL)
            for mode in ("used", "free", "reserved")
        }
        self._has_huge = False

    def collect(self, at: Instant) -> Scrape:  # noqa: ARG002  only gauges and the kernel's own counters
        """Read once. Huge pages appear with the first that is set aside; without swap there is no utilisation.

        Raises:
            SourceError: A file cannot be read or is not as documented.
        """
        counts = parse_vmstat(self._vmstat.read())
        samples = [
            Sample(self._in, counts["pswpin"]),
            Sample(self._out, counts["pswpout"]),
            Sample(self._major, counts["pgmajfault"]),
            # The two are summed over the cores one after the other.
            Sample(self._minor, max(0, counts["pgfault"] - counts["pgmajfault"])),
        ]
        if "oom_kill" in counts:
            samples.append(Sample(self._killed, counts["oom_kill"]))
        data = self._meminfo.read()
        total, free = meminfo_field(data, b"SwapTotal"), meminfo_field(data, b"SwapFree")
        if total is not None and free is not None:
            used = max(0, total - free)
            samples += (Sample(self._used, used), Sample(self._free, free))
            if total:
                samples.append(Sample(self._utilization, used / total))
        pages = meminfo_field(data, b"HugePages_Total") or 0
        self._has_huge = self._has_huge or pages > 0
        size = meminfo_field(data, b"Hugepagesize") if self._has_huge else None
        if size is not None:
            unused = meminfo_field(data, b"HugePages_Free") or 0
            reserved = meminfo_field(data, b"HugePages_Rsvd") or 0
            counted = {"used": max(0, pages - unused), "free": unused, "reserved": reserved}
            samples += [Sample(self._huge[mode], value * size) for mode, value in counted.items()]
        return Scrape(samples)

    def close(self) -> None:
        """Close the files."""
        self._meminfo.close()
        self._vmstat.close()
