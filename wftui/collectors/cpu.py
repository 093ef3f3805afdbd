"""CPU: utilisation ten times a second, cores and modes once a second."""

import os
from pathlib import Path
from typing import Final, NamedTuple

from wftui.clock import Instant
from wftui.collectors.base import INLINE
from wftui.collectors.files import ProcFile, malformed
from wftui.model.sample import DERIVED, Column, Sample, Scrape, column
from wftui.units import NS_PER_S

MODES: Final = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest")
"""Modes in the order of our tuples; they add up to the whole time."""
_IDLE: Final = 3
_IOWAIT: Final = 4
_BUSY_CORE: Final = 0.02
"""A core above this share counts as not idle: its frequency may be read."""
CALL: Final = "/proc/stat"

Times = tuple[int, ...]
"""Clock ticks in the order of ``MODES``."""


class Stat(NamedTuple):
    """What /proc/stat holds, in clock ticks and counts since boot."""

    total: Times
    cores: dict[int, Times]
    """Core number to times; cores that are offline are not there."""
    context_switches: int
    interrupts: int
    created: int
    running: int
    blocked: int


def parse_times(line: bytes) -> Times:
    """Parse a ``cpu`` or ``cpuN`` line.

    Returns:
        Ticks in the order of ``MODES``. The kernel counts guest time inside user and nice; here it is taken out
        and stands alone, so that the modes add up.

    Raises:
        SourceFormatError: Fewer than eight numbers, or something that is no number.

    Source: proc_stat(5).
    """
    try:
        fields = [int(field) for field in line.split()[1:11]]
    except ValueError as error:
        raise malformed(CALL, "numbers after the name of the core", line) from error
    if len(fields) < 8 or min(fields) < 0:
        raise malformed(CALL, "at least eight times of a core", line)
    guest, guest_nice = (*fields[8:10], 0, 0)[:2]
    # The two are not read at one moment: a guest time ahead of its user time must not become a negative.
    user, nice = max(0, fields[0] - guest), max(0, fields[1] - guest_nice)
    return (user, nice, *fields[2:8], guest + guest_nice)


def parse_first(data: bytes) -> tuple[Times, int]:
    """Times of all cores together and the number of running threads, without touching the lines between.

    Raises:
        SourceFormatError: Either is not where proc_stat(5) puts it.
    """
    if not data.startswith(b"cpu "):
        raise malformed(CALL, "a first line 'cpu …'", data)
    return parse_times(data[: data.find(b"\n")]), _value(data, b"\nprocs_running ")


def _value(data: bytes, name: bytes) -> int:
    start = data.rfind(name)
    try:
        if start < 0:
            raise ValueError  # noqa: TRY301  the except below quotes the text
        end = data.find(b"\n", start + 1)
        return int(data[start + len(name) : end if end > 0 else None].split(None, 1)[0])
    except (ValueError, IndexError) as error:
        raise malformed(CALL, f"a line {name.decode().strip()!r} with a number", data[-60:]) from error


def parse_stat(data: bytes) -> Stat:
    """Parse the whole of ``/proc/stat``.

    Raises:
        SourceFormatError: A line that we need is missing or holds no number.

    Source: proc_stat(5).
    """
    total, running = parse_first(data)
    cores: dict[int, Times] = {}
    for line in data.split(b"\n")[1:]:
        if not line.startswith(b"cpu"):
            break
        try:
            number = int(line[3 : line.find(b" ")])
        except ValueError as error:
            raise malformed(CALL, "a line 'cpuN …'", line) from error
        cores[number] = parse_times(line)
    # Only the first number of the long intr line is wanted: the sum.
    return Stat(
        total,
        cores,
        _value(data, b"\nctxt "),
        _value(data, b"\nintr "),
        _value(data, b"\nprocesses "),
        running,
        _value(data, b"\nprocs_blocked "),
    )


def busy_share(before: Times, after: Times) -> float | None:
    """Share 0..1 of the time between two readings that was neither idle nor waiting for I/O.

    None when no time has passed, or when a counter went backwards (a core was replugged; iowait does it on some
    kernels): then the difference means nothing.
    """
    deltas = [b - a for a, b in zip(before, after, strict=True)]
    if min(deltas) < 0:
        return None
    whole = sum(deltas)
    return (whole - deltas[_IDLE] - deltas[_IOWAIT]) / whole if whole else None


class Cpu:
    """Utilisation of all cores together, and the run queue. 10 Hz.

    The kernel makes the whole of /proc/stat for every reader, so a machine with hundreds of cores pays more for
    this source; its cost budget stretches the interval there.
    """

    name = "cpu"
    interval_s = 0.1
    where = INLINE
    timeout_s = 1.0

    def __init__(self, proc: str | Path = "/proc") -> None:
        self._file = ProcFile(f"{proc}/stat", single=True)
        self._before: Times | None = None
        self._utilization = column(self.name, "system.cpu.utilization", call=CALL, quality=DERIVED)
        self._run_queue = column(self.name, "system.cpu.run_queue", call=CALL)

    def files(self) -> tuple[ProcFile]:
        """What ``collect`` reads."""
        return (self._file,)

    def collect(self, at: Instant) -> Scrape:  # noqa: ARG002  the shares come from the kernel's own times
        """Read once; the first call has no utilisation.

        Raises:
            SourceError: /proc/stat cannot be read or is not as documented.
        """
        times, running = parse_first(self._file.read())
        samples = [Sample(self._run_queue, running)]
        if self._before is not None and (share := busy_share(self._before, times)) is not None:
            samples.append(Sample(self._utilization, share))
        self._before = times
        return Scrape(samples)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Cores:
    """Cores one by one, CPU time by mode, counts since boot, load and uptime. 1 Hz."""

    name = "cores"
    interval_s = 1.0
    where = INLINE
    timeout_s = 1.0

    def __init__(self, proc: str | Path = "/proc") -> None:
        self._stat = ProcFile(f"{proc}/stat", single=True)
        self._load = ProcFile(f"{proc}/loadavg", single=True)
        self._before: dict[int, Times] = {}
        self._cores: dict[int, Column] = {}
        self._tick_s: Final = 1 / os.sysconf("SC_CLK_TCK")
        self._guests = False
        self._modes = tuple(column(self.name, "system.cpu.time", {"mode": mode}, call=CALL) for mode in MODES)
        self._counts = tuple(
            column(self.name, name, call=CALL)
            for name in (
                "system.cpu.context_switches",
                "system.cpu.interrupts",
                "system.processes.created",
                "system.processes.blocked",
                "system.cpu.logical.count",
            )
        )
        self._loads = tuple(
            column(self.name, f"system.cpu.load_average.{span}", call="/proc/loadavg")
            for span in ("1m", "5m", "15m")
        )
        self._uptime = column(self.name, "system.uptime", call="CLOCK_BOOTTIME")
        self.busy: frozenset[int] = frozenset()
        """Cores that were not idle between the last two calls."""

    def collect(self, at: Instant) -> Scrape:
        """Read once; the first call has no utilisation.

        Raises:
            SourceError: /proc/stat or /proc/loadavg cannot be read or is not as documented.
        """
        stat = parse_stat(self._stat.read())
        samples = [Sample(self._uptime, at.boottime_ns / NS_PER_S)]
        samples += map(Sample, self._loads, parse_loadavg(self._load.read()))
        self._guests = self._guests or stat.total[-1] > 0
        # A machine that never ran a guest has no use for the series: its zero says nothing.
        modes = self._modes if self._guests else self._modes[:-1]
        for item, ticks in zip(modes, stat.total, strict=False):
            samples.append(Sample(item, ticks * self._tick_s))
        counts = (stat.context_switches, stat.interrupts, stat.created, stat.blocked, len(stat.cores))
        samples += map(Sample, self._counts, counts)
        busy = []
        for number, times in stat.cores.items():
            before = self._before.get(number)
            share = None if before is None else busy_share(before, times)
            if share is not None:
                samples.append(Sample(self._core(number), share))
                if share > _BUSY_CORE:
                    busy.append(number)
        self._before = stat.cores
        self.busy = frozenset(busy)
        return Scrape(samples)

    def _core(self, number: int) -> Column:
        item = self._cores.get(number)
        if item is None:
            labels = {"cpu": str(number)}
            item = column(self.name, "system.cpu.logical.utilization", labels, call=CALL, quality=DERIVED)
            self._cores[number] = item
        return item

    def close(self) -> None:
        """Close the files."""
        self._stat.close()
        self._load.close()


def parse_loadavg(data: bytes) -> tuple[float, float, float]:
    """Parse ``/proc/loadavg``: the averages of 1, 5 and 15 minutes.

    Raises:
        SourceFormatError: The first three words are no plain numbers.

    Source: proc_loadavg(5).
    """
    try:
        one, five, fifteen = (float(word) for word in data.split(None, 3)[:3])
    except ValueError as error:
        raise malformed("/proc/loadavg", "three numbers", data) from error
    if not all(0 <= value < 1e9 for value in (one, five, fifteen)):  # nan and inf are words that float() takes
        raise malformed("/proc/loadavg", "three load averages", data)
    return one, five, fifteen
