"""When recorded ticks were, as the engine's clocks tell it: many at once."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from wftui.alerts.signals import GAP_NS
from wftui.clock import NS_PER_S
from wftui.store.cuts import Lead, Numbers

Flags = npt.NDArray[np.bool_]
_HALF_NS: Final = NS_PER_S // 2


class Moments(NamedTuple):
    """Of consecutive ticks; each of shape (ticks,)."""

    time_ns: Numbers
    """UTC, the end of each."""
    steady_ns: Numbers
    """A clock that goes on over restarts: what durations of alerts are counted by."""
    boottime_ns: Numbers
    follows: Flags
    """Whether nothing lies between it and the one before."""
    missing: Numbers
    """Seconds before it that windows must be told of."""
    counted: bool
    """Whether rules are judged in them; else they only fill windows."""


class Timeline:
    """Ticks in their order, in pieces. The rules are those of ``Signals`` and ``Replay``."""

    def __init__(self, since_s: int) -> None:
        """``since_s``: from when on seconds count."""
        self._since_s = since_s
        self._begun = False
        self._last = (0, 0, 0)
        """UTC second, CLOCK_BOOTTIME and boot of the last tick."""
        self._steady_ns = 0
        self._anchor = (0, 0)
        """(seconds since 1970, CLOCK_BOOTTIME) of one moment."""

    def parts(self, lead: Lead) -> list[slice]:
        """Such of them as count all, or not at all: a clock may be set back over the beginning."""
        counts = lead.time_s >= self._since_s
        breaks = (np.flatnonzero(np.diff(counts)) + 1).tolist()
        return [slice(*pair) for pair in zip([0, *breaks], [*breaks, len(counts)], strict=True)]

    def take(self, lead: Lead) -> Moments:
        """Of the next ticks, at least one; those of one part."""
        if not self._begun:
            first = int(lead.boottime_ns[0])
            self._begun, self._last = True, (int(lead.time_s[0]), first, int(lead.boot[0]))
            self._anchor, self._steady_ns = self._last[:2], first
            fresh = True
        else:
            fresh = False
        time_s, at_ns, boot = lead.time_s, lead.boottime_ns, lead.boot
        before_s, before_ns, boot_before = (
            np.concatenate(([last], item[:-1]))
            for last, item in zip(self._last, (time_s, at_ns, boot), strict=True)
        )
        elapsed_ns = at_ns - before_ns
        same = boot == boot_before
        missing = (elapsed_ns - GAP_NS) // NS_PER_S + 1
        for place in np.flatnonzero(~same | (elapsed_ns < 0)).tolist():
            steady_s = self._anchor[0] + (int(before_ns[place]) - self._anchor[1] + _HALF_NS) // NS_PER_S
            gone_s = max(1, int(time_s[place]) - steady_s - 1)
            missing[place] = gone_s
            self._anchor = steady_s + 1 + gone_s, int(at_ns[place])
        steps_ns = np.where(same & (elapsed_ns > 0), elapsed_ns, np.maximum(1, time_s - before_s) * NS_PER_S)
        follows = missing <= 0
        if fresh:
            steps_ns[0], missing[0], follows[0] = 0, 0, False
        steady_ns = self._steady_ns + np.cumsum(steps_ns)
        self._steady_ns = int(steady_ns[-1])
        self._last = int(time_s[-1]), int(at_ns[-1]), int(boot[-1])
        counted = bool(time_s[0] >= self._since_s)
        return Moments((time_s + 1) * NS_PER_S, steady_ns, at_ns, follows, missing, counted)
