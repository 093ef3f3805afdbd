"""The one clock. No other module reads the time, so that tests can step, slew and suspend it.

``time_ns`` is the UTC wall clock and may jump; ``boottime_ns`` (CLOCK_BOOTTIME) goes on through suspend and
never jumps, so durations come from it.
"""

import time
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

NS_PER_S: Final = 1_000_000_000

_BOOTTIME: Final[int] = getattr(
    time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC
)  # macOS: its monotonic clock is as good


class Instant(NamedTuple):
    """One moment on both clocks."""

    time_ns: int
    """UTC wall clock."""
    boottime_ns: int
    """CLOCK_BOOTTIME."""


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> Instant:
        """Both clocks, read one right after the other."""
        ...

    async def sleep_until(self, boottime_ns: int) -> None:
        """Return when CLOCK_BOOTTIME has reached ``boottime_ns``; at once if it has."""
        ...

    async def beat(self, period_ns: int, call: Callable[[Instant], bool]) -> None:
        """Call on each multiple of the period on the wall clock, until cancelled; what ``call`` raises ends it.

        ``call`` returns whether it left anything for the event loop to do.
        """
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> Instant:
        """Both clocks of the machine."""
        return Instant(time.time_ns(), time.clock_gettime_ns(_BOOTTIME))

    async def sleep_until(self, boottime_ns: int) -> None:
        """Sleep in the event loop. Its timers stop during suspend, so wake up late then rather than early."""
        import asyncio  # the view's first frame reads this module before asyncio is needed

        delay_ns = boottime_ns - time.clock_gettime_ns(_BOOTTIME)
        await asyncio.sleep(max(0, delay_ns) / NS_PER_S)

    async def beat(self, period_ns: int, call: Callable[[Instant], bool]) -> None:
        """A sleep in the event loop for each beat; the recorder has a cheaper way (``recorder/metronome.py``)."""
        import asyncio

        while True:
            await asyncio.sleep((period_ns - time.time_ns() % period_ns) / NS_PER_S)
            call(self.now())


def boot_id(path: str = "/proc/sys/kernel/random/boot_id") -> str:
    """The kernel's random id of this boot; an empty text where there is none (not Linux)."""
    try:
        with open(path, encoding="ascii") as file:  # noqa: PTH123  pathlib would cost the first frame 4 ms
            return file.read().strip()
    except OSError:
        return ""


def cpu_ns() -> int:
    """CPU time (ns) of this process."""
    return time.process_time_ns()


def thread_cpu_ns() -> int:
    """CPU time (ns) of the calling thread."""
    return time.thread_time_ns()


def perf_ns() -> int:
    """A clock (ns) for short durations inside one process."""
    return time.perf_counter_ns()


def sleep(seconds: float) -> None:
    """Block the calling thread."""
    time.sleep(seconds)
