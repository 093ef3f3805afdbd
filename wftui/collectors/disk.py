"""Disks: bytes, operations and how busy each device is."""

import os
import re
from pathlib import Path
from typing import Final, NamedTuple

from wftui.clock import Instant
from wftui.collectors.base import INLINE
from wftui.collectors.files import ProcFile, label, malformed
from wftui.model.sample import DERIVED, Column, Sample, Scrape, column
from wftui.units import SECTOR

CALL: Final = "/proc/diskstats"
_NEVER: Final = (b"loop", b"ram", b"zram", b"sr", b"fd")
"""Not disks: files and memory under a device's name, and drives that are empty most of the time."""
_PARTITION: Final = re.compile(rb"(?:(?:sd|vd|xvd|hd)[a-z]+\d+|(?:nvme\d+n\d+|mmcblk\d+|nbd\d+|md\d+)p\d+)\Z")
"""Partitions by name, for where /sys/block is hidden. ``xvda1`` may be a whole disk there; it is left out."""


class Disk(NamedTuple):
    """One line of /proc/diskstats, counted since boot."""

    reads: int
    sectors_read: int
    writes: int
    sectors_written: int
    busy_ms: int
    """Time with at least one operation in flight."""
    weighted_ms: int
    """Time of each operation, added up."""


def parse_diskstats(data: bytes) -> dict[bytes, Disk]:
    """Parse the text of ``/proc/diskstats``, partitions and all, by device name.

    Raises:
        SourceFormatError: A line has fewer than 14 fields, or a counter that is no whole number.

    Source: Documentation/admin-guide/iostats.rst.
    """
    found: dict[bytes, Disk] = {}
    for line in data.split(b"\n"):
        if not line:
            continue
        fields = line.split(None, 14)
        try:
            counts = [int(field) for field in fields[3:14]]
        except ValueError as error:
            raise malformed(CALL, "whole numbers after the device's name", line) from error
        if len(counts) < 11 or min(counts) < 0:
            raise malformed(CALL, "fourteen fields or more", line)
        found[fields[2]] = Disk(counts[0], counts[2], counts[4], counts[6], counts[9], counts[10])
    return found


class _Columns(NamedTuple):
    read: Column
    written: Column
    reads: Column
    writes: Column
    busy: Column
    utilization: Column
    queue: Column


class Disks:
    """Whole devices, 1 Hz: no partitions, loop, RAM or optical devices.

    ``dm-`` and ``md`` devices are kept though they stand on other disks: their bytes are counted there again.
    """

    name = "disks"
    interval_s = 1.0
    where = INLINE
    timeout_s = 1.0

    def __init__(self, proc: str | Path = "/proc", sys: str | Path = "/sys") -> None:
        self._file = ProcFile(f"{proc}/diskstats")
        self._block = f"{sys}/block"
        self._known: dict[bytes, _Columns | None] = {}
        self._unused: set[bytes] = set()
        self._before: dict[bytes, Disk] = {}
        self._before_ns = 0

    def collect(self, at: Instant) -> Scrape:
        """Read once; the first call has no busy share and no queue.

        Raises:
            SourceError: /proc/diskstats cannot be read or is not as documented.
        """
        now = parse_diskstats(self._file.read())
        elapsed_ms = (at.boottime_ns - self._before_ns) / 1e6
        samples: list[Sample] = []
        for name, disk in now.items():
            columns = self._columns(name, disk)
            if columns is None:
                continue
            samples += (
                Sample(columns.read, disk.sectors_read * SECTOR),
                Sample(columns.written, disk.sectors_written * SECTOR),
                Sample(columns.reads, disk.reads),
                Sample(columns.writes, disk.writes),
                Sample(columns.busy, disk.busy_ms / 1000),
            )
            before = self._before.get(name)
            if before is None or elapsed_ms <= 0:
                continue
            busy, weighted = disk.busy_ms - before.busy_ms, disk.weighted_ms - before.weighted_ms
            # Both are 32 bits of milliseconds on old kernels and begin afresh with a device plugged in again.
            if busy >= 0 and disk.reads >= before.reads:
                samples.append(Sample(columns.utilization, min(1.0, busy / elapsed_ms)))
            if weighted >= 0 and disk.reads >= before.reads:
                samples.append(Sample(columns.queue, weighted / elapsed_ms))
        self._known = {name: columns for name, columns in self._known.items() if name in now}
        self._before, self._before_ns = now, at.boottime_ns
        return Scrape(samples)

    def _columns(self, name: bytes, disk: Disk) -> _Columns | None:
        if name in self._known:
            return self._known[name]
        unused = disk.reads + disk.writes == 0
        if unused and name in self._unused:
            return None
        if not self._wanted(name, disk):
            # An unused device without hardware (nbd0 …) becomes wanted with its first operation: ask again then.
            if unused:
                self._unused.add(name)
            else:
                self._known[name] = None
            return None
        device = label(name)

        def make(metric: str, direction: str = "", quality: str = "measured") -> Column:
            labels = {"device": device, "direction": direction} if direction else {"device": device}
            return column(self.name, f"system.disk.{metric}", labels, call=CALL, quality=quality)

        self._known[name] = _Columns(
            make("io", "read"),
            make("io", "write"),
            make("operations", "read"),
            make("operations", "write"),
            make("io_time"),
            make("utilization", quality=DERIVED),
            make("queue", quality=DERIVED),
        )
        return self._known[name]

    def _wanted(self, name: bytes, disk: Disk) -> bool:
        if name.startswith(_NEVER):
            return False
        # A name with a slash (cciss/c0d0) has an exclamation mark in sysfs.
        folder = f"{self._block}/{os.fsdecode(name).replace('/', '!')}"
        if Path(folder).is_dir():
            hardware = any(Path(folder, entry).exists() for entry in ("device", "dm", "md"))
            return hardware or disk.reads + disk.writes > 0
        return not Path(self._block).is_dir() and not _PARTITION.match(name)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
