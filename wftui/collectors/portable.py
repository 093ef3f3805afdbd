"""The same metrics through psutil, where there is no /proc (macOS). Imported only there, and by its tests."""

import os
import sys
from collections.abc import Callable, Iterator

import psutil

from wftui import redact, text
from wftui.clock import Instant
from wftui.collectors.base import INLINE, THREAD, Collector
from wftui.collectors.files import label
from wftui.errors import SourceUnavailableError
from wftui.model.processes import PROCESSES, row_key
from wftui.model.sample import DERIVED, Column, Sample, Scrape, column
from wftui.model.table import Row, TableSnapshot
from wftui.units import NS_PER_S

_STATES = {
    psutil.STATUS_RUNNING: ("R", "running"),
    psutil.STATUS_SLEEPING: ("S", "sleeping"),
    psutil.STATUS_IDLE: ("I", "sleeping"),
    psutil.STATUS_DISK_SLEEP: ("D", "blocked"),
    psutil.STATUS_STOPPED: ("T", "stopped"),
    psutil.STATUS_ZOMBIE: ("Z", "zombie"),
}

_FIELDS = [
    "pid", "ppid", "username", "name", "cmdline", "status", "cpu_times", "memory_info", "num_threads",
    "create_time",
]  # fmt: skip

Value = tuple[str, dict[str, str], float]
"""Metric, labels, value."""
Read = Callable[[float | None], Iterator[Value]]
"""Takes the seconds since the call before; None on the first."""


class PsutilCollector:
    """One psutil call as a source."""

    def __init__(self, name: str, interval_s: float, call: str, read: Read, where: str = INLINE) -> None:
        self.name = name
        self.interval_s = interval_s
        self.where = where
        self.timeout_s = 5.0
        self._call = f"psutil.{call}"
        self._read = read
        self._columns: dict[tuple[str, tuple[str, ...]], Column] = {}
        self._before_ns: int | None = None

    def collect(self, at: Instant) -> Scrape:
        """Read once; the first call has no rates.

        Raises:
            SourceUnavailableError: psutil cannot tell.
        """
        elapsed_s = None if self._before_ns is None else (at.boottime_ns - self._before_ns) / NS_PER_S
        self._before_ns = at.boottime_ns
        samples = []
        try:
            for name, labels, value in self._read(elapsed_s):
                key = (name, tuple(labels.values()))
                item = self._columns.get(key)
                if item is None:
                    quality = DERIVED if name.endswith(("utilization", "throughput")) else "measured"
                    item = column(self.name, name, labels, call=self._call, quality=quality)
                    self._columns[key] = item
                samples.append(Sample(item, value))
        except (OSError, psutil.Error, NotImplementedError) as error:
            reason = f"{self._call}: {text.clean(str(error)) or type(error).__name__}"
            raise SourceUnavailableError(reason, state="unsupported") from error
        return Scrape(samples)

    def close(self) -> None:
        """Nothing is kept open."""


class _Shares:
    """Busy shares between two readings of CPU times, per key."""

    def __init__(self) -> None:
        self._before: dict[int, tuple[float, float]] = {}

    def share(self, key: int, times: dict[str, float]) -> float | None:
        """Share 0..1 that was neither idle nor waiting; None on the first sight or when a counter went back."""
        total = sum(value for mode, value in times.items() if not mode.startswith("guest"))
        idle = times.get("idle", 0.0) + times.get("iowait", 0.0)
        before = self._before.get(key)
        self._before[key] = total, idle
        if before is None:
            return None
        whole, waited = total - before[0], idle - before[1]
        return (whole - waited) / whole if whole > 0 and 0 <= waited <= whole else None


def _cpu() -> Read:
    shares = _Shares()

    def read(_elapsed_s: float | None) -> Iterator[Value]:
        share = shares.share(-1, psutil.cpu_times()._asdict())
        if share is not None:
            yield "system.cpu.utilization", {}, share

    return read


def _cores() -> Read:
    shares = _Shares()

    def read(_elapsed_s: float | None) -> Iterator[Value]:
        cores = psutil.cpu_times(percpu=True)
        yield "system.cpu.logical.count", {}, len(cores)
        for number, times in enumerate(cores):
            share = shares.share(number, times._asdict())
            if share is not None:
                yield "system.cpu.logical.utilization", {"cpu": str(number)}, share
        total = psutil.cpu_times()._asdict()
        total["user"] -= total.get("guest", 0.0)  # psutil leaves guest time inside user
        total["nice"] = total.get("nice", 0.0) - total.pop("guest_nice", 0.0)
        for mode in ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"):
            if mode in total:
                yield "system.cpu.time", {"mode": mode}, total[mode]
        if total.get("guest"):
            yield "system.cpu.time", {"mode": "guest"}, total["guest"]
        for span, value in zip(("1m", "5m", "15m"), psutil.getloadavg(), strict=True):
            yield f"system.cpu.load_average.{span}", {}, value
        counts = psutil.cpu_stats()
        yield "system.cpu.context_switches", {}, counts.ctx_switches
        yield "system.cpu.interrupts", {}, counts.interrupts

    return read


def _memory(_elapsed_s: float | None) -> Iterator[Value]:
    memory = psutil.virtual_memory()
    used = max(0, memory.total - memory.available)
    yield "system.memory.physical", {}, memory.total
    yield "system.memory.limit", {}, memory.total
    yield "system.memory.available", {}, memory.available
    yield "system.memory.usage", {"mode": "used"}, used
    yield "system.memory.usage", {"mode": "free"}, memory.free
    for mode in ("cached", "buffers"):
        if hasattr(memory, mode):
            yield "system.memory.usage", {"mode": mode}, getattr(memory, mode)
    if memory.total:
        yield "system.memory.utilization", {}, used / memory.total


def _paging(_elapsed_s: float | None) -> Iterator[Value]:
    swap = psutil.swap_memory()
    yield "system.paging.usage", {"mode": "used"}, swap.used
    yield "system.paging.usage", {"mode": "free"}, swap.free
    if swap.total:
        yield "system.paging.utilization", {}, swap.used / swap.total


def _disks(_elapsed_s: float | None) -> Iterator[Value]:
    for name, disk in (psutil.disk_io_counters(perdisk=True, nowrap=False) or {}).items():
        if name.startswith(("loop", "ram", "zram", "sr", "fd")) or _partition(name):
            continue
        device = label(name)
        for direction in ("read", "write"):
            labels = {"device": device, "direction": direction}
            yield "system.disk.io", labels, getattr(disk, f"{direction}_bytes")
            yield "system.disk.operations", labels, getattr(disk, f"{direction}_count")


def _partition(name: str) -> bool:
    return os.path.exists(f"/sys/class/block/{name}/partition")  # noqa: PTH110  only where psutil runs on Linux


def _network() -> Read:
    before: dict[str, tuple[int, int]] = {}

    def read(elapsed_s: float | None) -> Iterator[Value]:
        for name, counts in psutil.net_io_counters(pernic=True, nowrap=False).items():
            if name in ("lo", "lo0"):
                yield "system.network.loopback.io", {}, counts.bytes_recv
                yield "system.network.loopback.packets", {}, counts.packets_recv
                continue
            interface = label(name)
            moved = counts.bytes_recv, counts.bytes_sent
            old = before.get(name)
            before[name] = moved
            for place, direction, short, end in ((0, "receive", "in", "recv"), (1, "transmit", "out", "sent")):
                labels = {"interface": interface, "direction": direction}
                yield "system.network.io", labels, moved[place]
                yield "system.network.packets", labels, getattr(counts, f"packets_{end}")
                yield "system.network.errors", labels, getattr(counts, f"err{short}")
                yield "system.network.dropped", labels, getattr(counts, f"drop{short}")
                if old is not None and elapsed_s and moved[0] >= old[0] and moved[1] >= old[1]:
                    yield "system.network.throughput", labels, (moved[place] - old[place]) / elapsed_s

    return read


def _mounts(_elapsed_s: float | None) -> Iterator[Value]:
    for part in psutil.disk_partitions(all=False):
        try:
            use = psutil.disk_usage(part.mountpoint)
        except OSError:  # gone since, or not ours to look at: no row
            continue
        mount = label(part.mountpoint)
        yield "system.filesystem.usage", {"mount": mount, "mode": "used"}, use.used
        yield "system.filesystem.usage", {"mount": mount, "mode": "free"}, use.free
        yield "system.filesystem.limit", {"mount": mount}, use.total
        if use.used + use.free > 0:
            yield "system.filesystem.utilization", {"mount": mount}, use.used / (use.used + use.free)


class PsutilProcesses:
    """The process table through psutil; dearer than our own reader, and without cgroups."""

    name = "processes"
    interval_s = 2.0
    where = THREAD
    timeout_s = 10.0

    def __init__(self) -> None:
        self._cpu: dict[str, float] = {}
        self._before_ns: int | None = None
        self._counts = {
            mode: column(self.name, "system.process.count", {"mode": mode}, call="psutil.process_iter")
            for mode in ("running", "sleeping", "blocked", "stopped", "zombie")
        }

    def collect(self, at: Instant) -> Scrape:
        """Scan all processes; CPU is None on the first sight, what may not be read is None or empty."""
        elapsed_s = None if self._before_ns is None else (at.boottime_ns - self._before_ns) / NS_PER_S
        self._before_ns = at.boottime_ns
        rows: dict[str, Row] = {}
        cpu: dict[str, float] = {}
        counts = dict.fromkeys(self._counts, 0)
        for process in psutil.process_iter(_FIELDS):
            info = process.info
            created_s = info["create_time"]
            if created_s is None:
                continue
            key = row_key(info["pid"], round(created_s * 100))
            times = info["cpu_times"]
            share = None
            if times is not None:
                cpu[key] = times.user + times.system
                before = self._cpu.get(key)
                if before is not None and elapsed_s and cpu[key] >= before:
                    share = (cpu[key] - before) / elapsed_s
            letter, mode = _STATES.get(info["status"], ("", ""))
            if mode:
                counts[mode] += 1
            memory = info["memory_info"]
            rows[key] = (
                info["pid"],
                round(created_s * 100),
                info["ppid"],
                text.clean(info["username"] or "", 64),
                text.clean(info["name"] or "", 64),
                text.clean(redact.command_line(info["cmdline"] or [])),
                letter,
                share,
                None if memory is None else memory.rss,
                info["num_threads"],
                None,
                None,
                int(created_s * NS_PER_S),
                "",
            )
        self._cpu = cpu
        samples = [Sample(self._counts[mode], count) for mode, count in counts.items()]
        return Scrape(samples, (TableSnapshot(PROCESSES, at.time_ns, rows),))

    def close(self) -> None:
        """Nothing is kept open."""


def collectors() -> list[Collector]:
    """What psutil can tell on every platform."""
    made: list[Collector] = [
        PsutilCollector("cpu", 0.1, "cpu_times", _cpu()),
        PsutilCollector("cores", 1.0, "cpu_times", _cores()),
        PsutilCollector("memory", 0.1, "virtual_memory", _memory),
        PsutilCollector("paging", 1.0, "swap_memory", _paging),
        PsutilCollector("disks", 1.0, "disk_io_counters", _disks),
        PsutilCollector("network", 1.0, "net_io_counters", _network()),
        PsutilCollector("mounts", 10.0, "disk_usage", _mounts, THREAD),
        PsutilProcesses(),
    ]
    if sys.platform == "win32":  # only a viewer there: nothing is collected
        return []
    return made
