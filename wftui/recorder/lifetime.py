"""When a recorder ends by itself: after the time it was given, or some time after its last view."""

from wftui.clock import NS_PER_S, Instant
from wftui.recorder.options import Options


class Lifetime:
    """Of one recorder."""

    def __init__(self, options: Options, started: Instant) -> None:
        self._mode = options.mode
        self._for_s = options.for_s
        self._linger_s = options.linger_s
        self._started_ns = started.boottime_ns
        self._idle_ns: int | None = started.boottime_ns
        """Since when no view is there; CLOCK_BOOTTIME."""

    def over(self, at: Instant, views: int) -> str:
        """Why it ends now, ``time`` or ``idle``; empty: it does not. Asked once a second."""
        if self._for_s is not None and at.boottime_ns - self._started_ns >= self._for_s * NS_PER_S:
            return "time"
        if views:
            self._idle_ns = None
        elif self._idle_ns is None:
            self._idle_ns = at.boottime_ns
        elif self._mode == "view" and at.boottime_ns - self._idle_ns > self._linger_s * NS_PER_S:
            return "idle"
        return ""
