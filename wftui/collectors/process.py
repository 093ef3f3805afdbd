"""Processes as a table: one small file per process and scan, the rest only for what is new or moves."""

import os
from pathlib import Path
from typing import Final

from wftui import text
from wftui.clock import Instant
from wftui.collectors.base import THREAD
from wftui.collectors.files import read_once, unavailable
from wftui.collectors.mountinfo import parse_mountinfo
from wftui.collectors.process_files import (
    COMMAND_LIMIT,
    KERNEL_THREAD,
    ProcessStat,
    parse_command_line,
    parse_io,
    parse_process,
    short_cgroup,
)
from wftui.collectors.users import Users
from wftui.errors import SourceFormatError
from wftui.model.health import DENIED, FAILED
from wftui.model.processes import CPU, PID, PROCESSES, READ, WRITE, row_key
from wftui.model.sample import Note, Sample, Scrape, column
from wftui.model.table import Row, TableSnapshot
from wftui.units import NS_PER_S

_STAT_LIMIT: Final = 2048
_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC
_STATES: Final = {
    "R": "running", "S": "sleeping", "I": "sleeping", "D": "blocked",
    "Z": "zombie", "T": "stopped", "t": "stopped",
}  # fmt: skip
_MODES: Final = ("running", "sleeping", "blocked", "stopped", "zombie")
_QUIET_SCANS: Final = 5
"""A process that moved nothing and used no CPU is asked for its I/O in every fifth scan only."""
_NOT_OURS: Final = -2
_HIDDEN: Final = (b"hidepid=1", b"hidepid=2", b"hidepid=4", b"hidepid=noaccess", b"hidepid=invisible")
_KEPT: Final = 512
"""Files kept open at most, and half of what we may open; each takes 4.5 kB of the kernel's memory."""
_GONE: Final = (FileNotFoundError, ProcessLookupError, PermissionError)
"""Between listing and reading a process may end, or turn out not to be ours to see (hidepid)."""


class _Process:
    """What is remembered of one process between scans."""

    __slots__ = (
        "cgroup", "command", "created", "fd", "io", "io_ns", "key", "name",
        "raw", "row", "settled", "start", "stat", "user",
    )  # fmt: skip

    def __init__(self, pid: str, stat: ProcessStat, created: int) -> None:
        self.key = row_key(int(pid), stat.start)
        self.start = stat.start
        self.created = created
        self.stat = stat
        self.raw = b""
        self.fd = -1
        """Its ``stat``, kept open; -1: it is opened for each scan."""
        self.settled = False
        """False until its second scan: between fork and exec it looks like its parent."""
        self.io: tuple[int, int] | None = None
        """Bytes read and written; None: not read yet, or not ours to read."""
        self.io_ns = -1
        """When ``io`` was read (boottime); -1: never; ``_NOT_OURS``: it was refused."""
        self.name = self.user = self.command = self.cgroup = ""
        self.row: Row = ()


class Processes:
    """The table ``processes`` and ``system.process.count`` by state.

    A scan reads one ``stat`` per process, kept open from the third scan on; where its bytes are the same as
    before nothing is parsed and the very row of the scan before is given again. User, command line and cgroup are
    read for new processes and after an exec. A thread: reading a command line waits for the lock of that process'
    memory, and the names of users may come from the network.
    """

    name = "processes"
    interval_s = 2.0
    where = THREAD
    timeout_s = 10.0

    def __init__(self, proc: str | Path = "/proc") -> None:
        self._proc = str(proc)
        self._known: dict[str, _Process] = {}
        self._users = Users()
        self._before_ns = 0
        self._scans = 0
        self._page: Final = os.sysconf("SC_PAGE_SIZE")
        self._tick_ns: Final = NS_PER_S // os.sysconf("SC_CLK_TCK")
        self._counts = {
            mode: column(self.name, "system.process.count", {"mode": mode}, call="/proc/PID/stat")
            for mode in _MODES
        }
        self._hidden: Note | None = None
        self._open = 0
        self._most_open: Final = min(_KEPT, os.sysconf("SC_OPEN_MAX") // 2)

    def collect(self, at: Instant) -> Scrape:
        """Scan all processes. A row's CPU is None on the first sight, its I/O also where it is not ours to read.

        Raises:
            SourceError: /proc cannot be listed, or no process in it can be parsed.
        """
        try:
            pids = [name for name in os.listdir(self._proc) if name.isdigit()]  # noqa: PTH208  names, no paths
        except OSError as error:
            raise unavailable(self._proc, error) from error
        self._scans += 1
        elapsed_ns = at.boottime_ns - self._before_ns if self._before_ns else 0
        known, now = self._known, {}
        rows: dict[str, Row] = {}
        counts = dict.fromkeys(_MODES, 0)
        broken: SourceFormatError | None = None
        for place, pid in enumerate(pids):
            process = known.get(pid)
            try:
                data = self._read(pid, process)
            except _GONE:
                continue
            except OSError as error:
                raise unavailable(f"/proc/{pid}/stat", error) from error
            try:
                if process is None or data != process.raw or not process.settled:
                    process = self._changed(pid, process, data, at, elapsed_ns)
                elif (process.io_ns >= 0 and not (place + self._scans) % _QUIET_SCANS) or (
                    process.row[CPU] or process.row[READ] or process.row[WRITE]
                ):
                    self._quiet(pid, process, at)
            except SourceFormatError as error:
                broken = error
                continue
            now[pid] = process
            rows[process.key] = process.row
            mode = _STATES.get(process.stat.state)
            if mode is not None:
                counts[mode] += 1
        for pid, process in known.items():
            if process.fd >= 0 and now.get(pid) is not process:
                self._shut(process)
        self._known, self._before_ns = now, at.boottime_ns
        if broken is not None and not rows:
            raise broken
        note = Note(FAILED, broken.reason) if broken is not None else self._hidepid()
        samples = [Sample(self._counts[mode], count) for mode, count in counts.items()]
        return Scrape(samples, (TableSnapshot(PROCESSES, at.time_ns, rows),), note)

    def _read(self, pid: str, process: _Process | None) -> bytes:
        """The ``stat`` of a process. On cold caches 3.5 µs with the file open, 7 with opening and closing it."""
        if process is not None and process.fd >= 0:
            try:
                return os.pread(process.fd, _STAT_LIMIT, 0)
            except ProcessLookupError:  # it ended, and its number may be another's by now
                self._shut(process)
        fd = os.open(f"{self._proc}/{pid}/stat", _FLAGS)
        try:
            data = os.read(fd, _STAT_LIMIT)
        except OSError:
            os.close(fd)
            raise
        # Most of those that end soon have ended by now.
        if process is not None and process.settled and self._open < self._most_open:
            process.fd = fd
            self._open += 1
        else:
            os.close(fd)
        return data

    def _shut(self, process: _Process) -> None:
        fd, process.fd = process.fd, -1
        self._open -= 1
        os.close(fd)

    def _changed(self, pid: str, process: _Process | None, data: bytes, at: Instant, elapsed_ns: int) -> _Process:
        stat = parse_process(data)
        cpu: float | None = None
        if process is None or process.start != stat.start:
            created = at.time_ns - at.boottime_ns + stat.start * self._tick_ns
            process = _Process(pid, stat, created)
            self._describe(pid, process, stat)
        else:
            if stat.name != process.stat.name or not process.settled:
                self._describe(pid, process, stat)
                process.settled = True
                if process.io_ns == _NOT_OURS:  # exec can change whose it is
                    process.io_ns = -1
            ticks = stat.cpu_ticks - process.stat.cpu_ticks
            if elapsed_ns > 0 and ticks >= 0:
                cpu = ticks * self._tick_ns / elapsed_ns
        process.raw, process.stat = data, stat
        read, written = self._io(pid, process, at)
        self._set(process, cpu, read, written)
        return process

    def _quiet(self, pid: str, process: _Process, at: Instant) -> None:
        """Same bytes as before: no CPU was used; the rates fall to 0 unless I/O went on in the kernel."""
        read, written = self._io(pid, process, at)
        self._set(process, 0.0, read, written)

    def _set(self, process: _Process, cpu: float | None, read: float | None, written: float | None) -> None:
        stat = process.stat
        old = process.row
        pid = old[PID] if old else int(process.key.partition(":")[0])
        row: Row = (
            pid,
            stat.start,
            stat.parent,
            process.user,
            process.name,
            process.command,
            stat.state,
            cpu,
            max(0, stat.pages) * self._page,
            stat.threads,
            read,
            written,
            process.created,
            process.cgroup,
        )
        if row != old:  # the same object where nothing moved: the difference is taken by identity first
            process.row = row

    def _describe(self, pid: str, process: _Process, stat: ProcessStat) -> None:
        folder = f"{self._proc}/{pid}"
        process.name = text.clean(stat.name, 64)
        try:
            # The folder belongs to the effective user, whatever the process' files belong to.
            process.user = self._users.name(os.stat(folder).st_uid)  # noqa: PTH116  a Path for each process costs 3 µs
            if stat.flags & KERNEL_THREAD:
                return
            process.command = parse_command_line(read_once(f"{folder}/cmdline", COMMAND_LIMIT))
            process.cgroup = short_cgroup(read_once(f"{folder}/cgroup", 8192))
        except OSError:  # it ended meanwhile, or hides: what is known stays
            return

    def _io(self, pid: str, process: _Process, at: Instant) -> tuple[float | None, float | None]:
        """Rates (By/s) since its I/O was read last; None, None on the first sight or where it is not ours."""
        before, before_ns = process.io, process.io_ns
        if before_ns == _NOT_OURS or process.stat.flags & KERNEL_THREAD:
            return None, None
        try:
            now = parse_io(read_once(f"{self._proc}/{pid}/io", 512))
        except OSError:  # EACCES: another user's, or one that may not be dumped
            process.io, process.io_ns = None, _NOT_OURS
            return None, None
        process.io, process.io_ns = now, at.boottime_ns
        elapsed_s = (at.boottime_ns - before_ns) / NS_PER_S
        if before is None or elapsed_s <= 0 or now[0] < before[0] or now[1] < before[1]:
            return None, None
        return (now[0] - before[0]) / elapsed_s, (now[1] - before[1]) / elapsed_s

    def _hidepid(self) -> Note | None:
        if self._scans == 1 and os.geteuid() != 0:
            try:
                mounts = parse_mountinfo(Path(f"{self._proc}/self/mountinfo").read_bytes())
            except OSError:
                return None
            for mount in mounts:
                hidden = [word for word in mount.options.split(b",") if word in _HIDDEN]
                if mount.kind == b"proc" and hidden:
                    self._hidden = Note(
                        DENIED,
                        f"/proc is mounted with {hidden[0].decode()}: processes of other users are not seen",
                        "mount -o remount,hidepid=0 /proc, or join the group of its gid= option",
                    )
        return self._hidden

    def close(self) -> None:
        """Forget the scan before, and close its files. Twice is harmless."""
        for process in self._known.values():
            if process.fd >= 0:
                self._shut(process)
        self._known = {}
        self._before_ns = 0
