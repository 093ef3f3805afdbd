"""How closely the servers are looked at: as somebody wants it, as far as it can be paid for."""

from typing import Final

from wftui.clock import NS_PER_S, thread_cpu_ns

RATES: Final = (10, 5, 2, 1)
"""A second; 1: only the looks themselves."""
SHARE: Final = 0.015
"""Of a core that glances at all servers together may cost."""
_ROOM: Final = 0.8
"""They come more often again when they would stay below so much of that."""
_ADAPT_NS: Final = 2 * NS_PER_S
_AGAIN_NS: Final = 30 * NS_PER_S
"""After so long without a glance it is tried anew."""


class Attention:
    """How closely all servers are looked at, and what that costs. In their thread, ``wanted_hz`` apart."""

    def __init__(self) -> None:
        self.wanted_hz = 1.0
        """As somebody wants it. Set by whoever knows, from any thread."""
        self._place = 0
        self._under_way = 0
        self._cpu_ns = 0
        """Of the glances since they were judged last."""
        self._began_ns = 0
        """CPU time of the thread when the first of those under way began."""
        self._judged_ns = 0

    @property
    def rate(self) -> int:
        """Glances a second at each server, looks included, as far as they can be paid for."""
        return next((rate for rate in RATES[self._place :] if rate <= self.wanted_hz), RATES[-1])

    def begin(self) -> None:
        """A glance begins. Those at several servers overlap: their time is taken together."""
        if not self._under_way:
            self._began_ns = thread_cpu_ns()
        self._under_way += 1

    def end(self, at_ns: int) -> None:
        """One ended (CLOCK_BOOTTIME): judge now and then what they cost."""
        self._under_way -= 1
        if self._under_way:
            return
        self._cpu_ns += thread_cpu_ns() - self._began_ns
        passed = at_ns - self._judged_ns
        if passed >= _AGAIN_NS:
            self._place = min(self._place, len(RATES) - 2)
        elif passed >= _ADAPT_NS:
            self._judge(self._cpu_ns / passed)
        else:
            return
        self._cpu_ns, self._judged_ns = 0, at_ns

    def tried(self, at_ns: int) -> None:
        """Somebody would glance and may not for what it costs: after some time it is tried again."""
        if at_ns - self._judged_ns >= _AGAIN_NS:
            self._place, self._cpu_ns, self._judged_ns = min(self._place, len(RATES) - 2), 0, at_ns

    def _judge(self, share: float) -> None:
        place = self._place
        if share > SHARE:
            self._place = min(place + 1, len(RATES) - 1)
        elif 0 < place < len(RATES) - 1:
            # The looks themselves are not among the glances.
            more = (RATES[place - 1] - 1) / (RATES[place] - 1)
            if share * more < _ROOM * SHARE:
                self._place = place - 1
