"""Frequencies of the cores that work. An idle core is not asked: that would wake it."""

from pathlib import Path
from typing import Final

from wftui.clock import Instant
from wftui.collectors.base import THREAD
from wftui.collectors.cpu import Cores
from wftui.collectors.files import ProcFile, malformed, read_number
from wftui.errors import SourceUnavailableError
from wftui.model.sample import ESTIMATED, MEASURED, Column, Sample, Scrape, column

_SYSFS: Final = "cpufreq/scaling_cur_freq"


def parse_cpuinfo(data: bytes) -> dict[int, float]:
    """Core number to Hz from the ``cpu MHz`` lines of ``/proc/cpuinfo``; empty where there are none (not x86).

    Raises:
        SourceFormatError: Such a line holds no number.

    Source: proc_cpuinfo(5).
    """
    found: dict[int, float] = {}
    number = -1
    for line in data.split(b"\n"):
        name, colon, value = line.partition(b":")
        try:
            if colon and name.startswith(b"processor\t"):
                number = int(value)
            elif colon and number >= 0 and name.startswith(b"cpu MHz"):
                hertz = float(value) * 1e6
                if not 0 <= hertz < 1e12:  # nan and inf are words that float() takes
                    raise ValueError  # noqa: TRY301  the except below quotes the line
                found[number] = hertz
        except ValueError as error:
            raise malformed("/proc/cpuinfo", "a number", line) from error
    return found


class Frequency:
    """``system.cpu.frequency`` of busy cores.

    In a thread: kernels 4.13 to 5.17 sleep 10 ms for a core whose frequency nobody asked for lately.
    """

    name = "frequency"
    where = THREAD
    timeout_s = 2.0

    def __init__(self, cores: Cores, proc: str | Path = "/proc", sys: str | Path = "/sys") -> None:
        self._cores = cores
        self._root = f"{sys}/devices/system/cpu"
        self._cpuinfo = ProcFile(f"{proc}/cpuinfo")
        self._sysfs = any(Path(self._root).glob(f"cpu[0-9]*/{_SYSFS}"))
        # Without cpufreq (a virtual machine) the only number is what the boot measured: it hardly changes.
        self.interval_s: float = 1.0 if self._sysfs else 10.0
        self._columns: dict[int, Column] = {}

    def collect(self, at: Instant) -> Scrape:  # noqa: ARG002  nothing here is a rate
        """Read the busy cores; none of them busy gives no samples.

        Raises:
            SourceError: The machine tells no frequency at all, or /proc/cpuinfo is not as documented.
        """
        busy = sorted(self._cores.busy)
        if self._sysfs:
            kilohertz = ((number, read_number(f"{self._root}/cpu{number}/{_SYSFS}")) for number in busy)
            return Scrape([Sample(self._column(n), khz * 1000) for n, khz in kilohertz if khz])
        found = parse_cpuinfo(self._cpuinfo.read())
        if not found:
            raise SourceUnavailableError(
                "no core frequencies: no cpufreq driver, no 'cpu MHz' in /proc/cpuinfo", state="absent"
            )
        return Scrape([Sample(self._column(number), found[number]) for number in busy if number in found])

    def _column(self, number: int) -> Column:
        item = self._columns.get(number)
        if item is None:
            item = self._columns[number] = column(
                self.name,
                "system.cpu.frequency",
                {"cpu": str(number)},
                call=f"/sys/devices/system/cpu/cpu{number}/{_SYSFS}" if self._sysfs else "/proc/cpuinfo",
                quality=MEASURED if self._sysfs else ESTIMATED,
            )
        return item

    def close(self) -> None:
        """Close the file."""
        self._cpuinfo.close()
