"""How often the GPU worker reads: as often as a small share of a core pays for."""

from typing import Final

from wftui import clock
from wftui.clock import NS_PER_S

RATES: Final = (10.0, 5.0, 2.0, 1.0)
SHARE: Final = 0.005
"""Of a core: what the fast readings may cost before they become fewer."""
SHARE_FOR_ENERGY: Final = 0.01
"""The same where energy is added up from power, which has to be read often for that."""
ADAPT_S: Final = 3.0
SETTLED_S: Final = 5.0
"""So long after its start what it costs is that of the start."""


class Pace:
    """The rate of the fast readings, and what the process costs. Times are CLOCK_BOOTTIME in ns."""

    def __init__(self, boottime_ns: int) -> None:
        self.rate = RATES[-1]
        """Readings a second; it climbs as far as it can pay for."""
        self.fast_ns = 0
        """CPU time of the fast readings since the last look."""
        self.beats = 0
        """Rounds of the main thread since then."""
        self._wished = RATES[0]
        self._began_ns = self._looked_ns = self._told_ns = boottime_ns
        self._cpu_ns = self._cpu_told_ns = clock.cpu_ns()
        self._main_ns = 0
        self._measured = False

    def wish(self, rate: int) -> None:
        """No more readings a second than that."""
        self._wished = next((known for known in RATES if known <= rate), RATES[-1])
        self.rate = min(self.rate, self._wished)
        self._measured = False

    def adapt(self, now: int, *, integrates: bool) -> None:
        """Read more or less often, every few seconds, by what it has cost. In the main thread.

        ``integrates``: energy is added up from power.
        """
        if self._measured and now - self._looked_ns < ADAPT_S * NS_PER_S:
            return
        cpu = clock.cpu_ns()
        if self._measured:
            share = (cpu - self._cpu_ns) / (now - self._looked_ns)
            # Only the fast readings and the beat come more often with the rate; the rest stays as it is.
            each = (self.fast_ns + clock.thread_cpu_ns() - self._main_ns) / max(1, self.beats)
            place = RATES.index(self.rate)
            most = SHARE_FOR_ENERGY if integrates else SHARE
            if share > most and self.rate > RATES[-1]:
                self.rate = RATES[place + 1]
            elif place and RATES[place - 1] <= self._wished:
                more = each * (RATES[place - 1] - self.rate) / NS_PER_S
                if share + more < 0.9 * most:
                    self.rate = RATES[place - 1]
        self.fast_ns = self.beats = 0
        self._main_ns = clock.thread_cpu_ns()
        self._cpu_ns, self._looked_ns, self._measured = cpu, now, True

    def cost(self, now: int) -> float | None:
        """CPU utilisation (1 = a core) since it was asked last; None: just started."""
        cpu = clock.cpu_ns()
        share = (cpu - self._cpu_told_ns) / max(1, now - self._told_ns)
        self._cpu_told_ns, self._told_ns = cpu, now
        return round(share, 6) if now - self._began_ns > SETTLED_S * NS_PER_S else None
