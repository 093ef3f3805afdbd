"""What wftop itself costs, as series like any other."""

import os
from collections.abc import Iterator
from typing import Final

from wftui import clock
from wftui.clock import Instant
from wftui.model.sample import Sample, column

SOURCE: Final = "recorder"
PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_CPU: Final = column(SOURCE, "wftop.cpu.utilization", call="process CPU clock")
_MEMORY: Final = column(SOURCE, "wftop.memory.usage", call="/proc/self/statm")


def resident_bytes() -> int | None:
    """RSS (By) of this process; None where /proc does not say."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123  read each second: no path object for it
            return int(file.read().split()[1]) * PAGE
    except (OSError, IndexError, ValueError):
        return None


class OwnCost:
    """CPU and memory of the recorder's process."""

    def __init__(self, at: Instant) -> None:
        self._cpu_ns = clock.cpu_ns()
        self._boottime_ns = at.boottime_ns
        self.cpu_utilization: float | None = None
        """Smoothed over about 10 s; 1 = one core; None in the first second."""
        self.memory_bytes = resident_bytes()

    def sample(self, at: Instant) -> Iterator[Sample]:
        """Cost since the call before."""
        cpu_ns, elapsed_ns = clock.cpu_ns(), at.boottime_ns - self._boottime_ns
        if elapsed_ns > 0:
            now = (cpu_ns - self._cpu_ns) / elapsed_ns
            before = self.cpu_utilization
            self.cpu_utilization = now if before is None else before + (now - before) * 0.1
            yield Sample(_CPU, now)
        self._cpu_ns, self._boottime_ns = cpu_ns, at.boottime_ns
        self.memory_bytes = resident_bytes()
        if self.memory_bytes is not None:
            yield Sample(_MEMORY, self.memory_bytes)
