"""The one clock. No other module reads the time, so that tests can step, slew and suspend it.

``time_ns`` is the UTC wall clock and may jump; ``boottime_ns`` (CLOCK_BOOTTIME) goes on through suspend and
never jumps, so durations come from it.
"""

import time
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

TYPE_CHECKING = False  # typing's own is the same; asyncio is heavier than all of this
if TYPE_CHECKING:
    pass

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


class Beat(Protocol):
    """A chain of calls in the event loop."""

    async def run(self) -> None:
        """Until cancelled; what the call raises ends it."""
        ...

    def soon(self) -> None:
        """Let the next multiple of the period be a beat, whatever the last call said."""
        ...


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> Instant:
        """Both clocks, read one right after the other."""
        ...

    async def sleep_until(self, boottime_ns: int) -> None:
        """Return when CLOCK_BOOTTIME has reached ``boottime_ns``; at once if it has."""
        ...

    def beat(self, period_ns: int, call: Callable[[Instant], int]) -> Beat:
        """Call on multiples of the period on the wall clock, in the event loop.

        ``call`` returns the CLOCK_BOOTTIME up to which there is nothing to do: the multiple that is nearest to it
        is the next beat.
        """
        ...

    def strobe(self, period_ns: int, call: Callable[[], bool]) -> None:
        """Call on each multiple of the period on the wall clock, in a thread of its own, while it returns True."""
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

    def beat(self, period_ns: int, call: Callable[[Instant], int]) -> Beat:
        """A chain of timers: one turn of the loop a beat, where waking a sleeping task takes two (80 µs less)."""
        return _Chain(self, period_ns, call)

    def strobe(self, period_ns: int, call: Callable[[], bool]) -> None:
        """A thread that sleeps and calls: a third of what a turn of the event loop costs."""
        import threading

        def run(sleep: Callable[[float], None] = time.sleep, wall_ns: Callable[[], int] = time.time_ns) -> None:
            # Few instructions, all of them here: after each sleep the processor has forgotten them.
            sleep((period_ns - wall_ns() % period_ns) / NS_PER_S)
            while call():
                sleep((period_ns - wall_ns() % period_ns) / NS_PER_S)

        threading.Thread(target=run, name="wftop-strobe", daemon=True).start()


class _Chain:
    def __init__(self, now: "SystemClock", period_ns: int, call: Callable[[Instant], int]) -> None:
        import asyncio

        self._clock = now
        self._period_ns = period_ns
        self._call = call
        self._loop = asyncio.get_running_loop()
        self._broken: asyncio.Future[None] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        self._arm(0)
        try:
            await self._broken
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def soon(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._arm(0)

    def _arm(self, due_ns: int) -> None:
        now = self._clock.now()
        wall_ns = next_beat(now, self._period_ns, due_ns)
        self._timer = self._loop.call_later((wall_ns - now.time_ns) / NS_PER_S, self._beat)

    def _beat(self) -> None:
        try:
            due_ns = self._call(self._clock.now())
        except Exception as error:  # noqa: BLE001  handed to whoever awaits the beat
            self._timer = None
            self._broken.set_exception(error)
        else:
            self._arm(due_ns)


def next_beat(now: Instant, period_ns: int, due_ns: int) -> int:
    """The multiple of the period on the wall clock after now, in ns, nearest to a time of CLOCK_BOOTTIME."""
    wall_ns = now.time_ns + due_ns - now.boottime_ns
    return max((wall_ns + period_ns // 2) // period_ns, now.time_ns // period_ns + 1) * period_ns


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
