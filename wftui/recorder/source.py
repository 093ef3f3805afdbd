"""A collector as the recorder sees it: when it is due, how it fared, what it costs."""

import math
from collections import deque
from collections.abc import Sequence
from typing import Final

from wftui.clock import Instant, thread_cpu_ns
from wftui.collectors.base import STREAM, THREAD, Collector, Deferring
from wftui.collectors.files import ProcFile, Reading, fetch_all
from wftui.errors import SourceError
from wftui.model import health
from wftui.model.health import Health

BUDGET: Final = 0.003
"""Share of a core that one source may cost; beyond it its interval stretches."""
TOTAL_BUDGET: Final = 0.02
"""Share of a core that all sources together may cost."""
COVERAGE_STEP_NS: Final = 10_000_000_000
COVERAGE_STEPS: Final = 30
BACKOFF_MAX_S: Final = 300.0
_FAST: Final = (0.1, 0.2, 0.5, 1.0)
"""Intervals below and at 1 s that fit the recorder's 100 ms grid."""
_PHASE_NS: Final = 700_000_000
"""Sources of 1 s and slower run 0.7 s into the second: late enough to be fresh in its tick, early enough that a
late wake-up still hits the same second."""


EARLY_NS: Final = 50_000_000
"""Half a slot early is on time: while the wall clock is slewed the slots come a little before."""
_EARLIEST_NS: Final = 5_000_000
"""A slot does not come earlier than that, however the wall clock is slewed."""
NEVER_NS: Final = 1 << 62
_MEASURE_GRABS: Final = 10


def stretch(wanted_s: float, cost_s: float, budget: float) -> float:
    """The interval, on the grid and at least the wanted one, at which such a collection stays in its budget."""
    need = max(wanted_s, cost_s / budget)
    for step in _FAST:
        if need <= step:
            return step
    return float(math.ceil(need - 1e-9))


Grabbed = tuple[Instant, Sequence[ProcFile], list[Reading]]
"""When files were read, and what they held."""


class Source:
    """State of one source."""

    def __init__(self, collector: Collector, off: bool) -> None:
        self.collector = collector
        self.name = collector.name
        self.interval_s = collector.interval_s
        """Now; at least the collector's own."""
        self.threaded = collector.where == THREAD
        self.deferring = collector if isinstance(collector, Deferring) and not self.threaded else None
        """The collector, when its files may be read now and understood later."""
        self.grabbed: list[Grabbed] = []
        """(when, what was read), not understood yet."""
        self.grab_s = 0.0
        """CPU seconds of reading the files once."""
        self.grab_ns = NEVER_NS if off else 0
        """CLOCK_BOOTTIME of the next reading of the files; 0: at once."""
        self._grabs = 0
        self.due_ns = 0
        """CLOCK_BOOTTIME of the next collection; 0: not known yet."""
        self.started: Instant | None = None
        """A collection in a thread is under way since then."""
        self.late = 0
        self.failures = 0
        self.cost_s = 0.0
        """CPU seconds of one collection, smoothed."""
        self.duration_s: float | None = None
        self.last_ns: int | None = None
        self.state = health.OFF if off else health.OK
        self.reason = "switched off by the setting sources.disabled" if off else ""
        self.fix = f"wftop sources on {self.name}" if off else ""
        self.since_ns = 0
        self.tick_duration_s = 0.0
        self._failed_in_a_row = 0
        self._covered: deque[list[int]] = deque()
        """[10 s interval of boottime, expected, came], of the last 5 minutes."""

        self.fresh = False
        """Switched on just now: the first collection is only where the next one's differences begin."""

    @property
    def off(self) -> bool:
        """Whether a person switched it off."""
        return self.state == health.OFF

    def restart(self, at: Instant) -> None:
        """Switched on: collect at once, as if nothing had been before."""
        self.fresh = self.collector.where != STREAM
        self.due_ns = self.grab_ns = at.boottime_ns
        self._failed_in_a_row = 0
        self._covered.clear()

    def grab(self, at: Instant) -> None:
        """Read the files; what they say is understood later."""
        assert self.deferring is not None  # noqa: S101  the scheduler grabs from no others
        # Asking for the CPU time costs as much as reading a file: once in a while is enough.
        self._grabs += 1
        measure = self._grabs % _MEASURE_GRABS == 0
        started = thread_cpu_ns() if measure else 0
        files = self.deferring.files()
        readings = fetch_all(files)
        if measure:
            self.grab_s = (thread_cpu_ns() - started) / 1e9
        self.grabbed.append((at, files, readings))
        self.grab_ns = self._following(at, _EARLIEST_NS)

    def regrid(self) -> None:
        """Its interval or the clock is another: read now, and find a new place on the grid."""
        self.due_ns = 0
        if not self.off:
            self.grab_ns = 0

    def _following(self, at: Instant, early_ns: int = 0) -> int:
        """The next time after that on the wall clock's grid, as CLOCK_BOOTTIME."""
        interval_ns = int(self.interval_s * 1e9)
        phase = _PHASE_NS if self.interval_s >= 1.0 else 0
        return at.boottime_ns + early_ns + interval_ns - (at.time_ns + early_ns - phase) % interval_ns

    def schedule(self, at: Instant) -> None:
        """Set the next collection on the wall clock's grid, after now; skipped ones are counted, never queued."""
        interval_ns = int(self.interval_s * 1e9)
        due = self._following(at)
        if self.due_ns:
            skipped = (due - self.due_ns) // interval_ns - 1
            # Some seconds of skipping are lateness; more is a suspended or stepped clock, which has its own event.
            if 0 < skipped * self.interval_s < 5:
                self.late += skipped
                for number in range(skipped):
                    self._count(self.due_ns + (number + 1) * interval_ns, came=False)
        if self._failed_in_a_row:
            due += (
                int(min(BACKOFF_MAX_S, self.interval_s * 2 ** min(self._failed_in_a_row, 12)) * 1e9) - interval_ns
            )
            self.grab_ns = due
        self.due_ns = due

    def _count(self, boottime_ns: int, came: bool) -> None:
        number = boottime_ns // COVERAGE_STEP_NS
        if not self._covered or self._covered[-1][0] != number:
            self._covered.append([number, 0, 0])
            while self._covered[0][0] <= number - COVERAGE_STEPS:
                self._covered.popleft()
        self._covered[-1][1] += 1
        self._covered[-1][2] += came

    @property
    def coverage(self) -> float | None:
        """Share of the expected collections of the last 5 minutes that came; None before the first."""
        expected = sum(item[1] for item in self._covered)
        return sum(item[2] for item in self._covered) / expected if expected else None

    def succeeded(self, at: Instant, cost_s: float, duration_s: float) -> None:
        """A collection brought something."""
        self._count(at.boottime_ns, came=True)
        self._failed_in_a_row = 0
        self.last_ns = at.time_ns
        self.duration_s = duration_s
        self.tick_duration_s = max(self.tick_duration_s, duration_s)
        self.cost_s += (cost_s - self.cost_s) * (0.2 if self.cost_s else 1.0)

    def failed(self, at: Instant, error: BaseException) -> tuple[str, str, str]:
        """A collection ended in an error; returns (state, reason, fix)."""
        if isinstance(error, SourceError):
            state, reason, fix = str(error.state), error.reason, error.fix
        else:
            state, reason, fix = (
                health.FAILED,
                f"{type(error).__name__}: {error}",
                "see the log; it is tried again",
            )
        # What is not there is not missed: only what should have come counts as a failure and lowers the coverage.
        if state in health.TROUBLE:
            self._count(at.boottime_ns, came=False)
            self.failures += 1
        self._failed_in_a_row += 1
        return state, reason, fix

    def enter(self, state: str, reason: str, fix: str, time_ns: int) -> bool:
        """Change the health state; True when it is another one than before."""
        changed = state != self.state
        if changed:
            self.since_ns = time_ns
        self.state, self.reason, self.fix = state, reason, fix
        return changed

    def health(self) -> Health:
        """For the wire."""
        return Health(
            self.name,
            self.state,
            self.reason,
            self.fix,
            self.since_ns,
            self.interval_s,
            self.duration_s,
            self.coverage,
            self.last_ns,
            self.late,
            self.failures,
        )
