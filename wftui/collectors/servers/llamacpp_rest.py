"""When a llama.cpp server that sleeps after a while may be asked: never so that it cannot fall asleep.

With ``--sleep-idle-seconds`` each question for slots counts as work and starts the time anew: a monitor that asks
each second keeps the model in memory for ever. The setting may stand in its environment, where we do not look. So
a server that is idle is left alone until the CPU time of its process, or its page, shows that it works; where
neither can be looked at (it runs elsewhere, without ``--metrics``), until its time is over. When that is not known
either, it is asked again after as long as it has been idle already: so it falls asleep, if it is one that does,
and what begins is seen after at most as long a time as nothing had happened before. ``/props`` and ``/health`` do
not count, and say when it sleeps.

Source: https://github.com/ggml-org/llama.cpp/issues/20227, issues/23096, pull/27376 (since August 2026
``/metrics`` counts no longer, ``/slots`` still does).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from wftui.clock import NS_PER_S

UNKNOWN_S: Final = 600.0
"""For a server that was seen asleep and does not say after which time."""
_FLAG: Final = "--sleep-idle-seconds"
_MARGIN_S: Final = 2.0
LONGEST_S: Final = 600.0
"""An idle server that was left alone for so long and stayed awake is none that sleeps."""
_WORK_TICKS: Final = 4
"""CPU time between two looks (ticks, mostly of 10 ms) that is work: idle and answering ``/props`` it takes 0 to 2,
for an answer of 20 tokens of a tiny model 7."""
_FREE_BUILD: Final = 10488
"""From here on ``/metrics`` may be asked at any time."""


def free_page(build: str) -> bool:
    """Whether that build's metrics page neither wakes it nor keeps it awake. ``build``: ``b10488-0c1e570``."""
    number = build.removeprefix("b").partition("-")[0]
    return number.isascii() and number.isdecimal() and len(number) < 10 and int(number) >= _FREE_BUILD


def sleep_after(words: Sequence[str]) -> float | None:
    """Idle time (s) after which a server of that command line sleeps; None: it does not say so."""
    for place, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name == _FLAG:
            value = value if equals else words[place + 1] if place + 1 < len(words) else ""
            # -1, their default: never.
            return float(value) if value.isascii() and value.isdecimal() and len(value) < 10 else None
    return None


class Rest:
    """Whether one model may be asked for what counts as work."""

    def __init__(self, sleep_s: float | None = None, pid: int | None = None, proc: Path = Path("/proc")) -> None:
        """``sleep_s``: idle time after which it sleeps; None: it is not known whether it does."""
        self.sleep_s = sleep_s
        self.sleepless = False
        """Whether it never sleeps."""
        self.pid = pid
        """Of its process: its CPU time shows that it works, whatever may make it sleep. None: not known."""
        self._proc = proc
        self._idle = False
        """When it was asked last."""
        self._until_ns = 0
        self._asked_ns: int | None = None
        self._quiet_s = _MARGIN_S
        """So long it is left alone next."""
        self._ticks: int | None = None

    def may_ask(self, at_ns: int, *, page: bool = False) -> bool:
        """Whether it may be asked now (CLOCK_BOOTTIME); ``page``: its page, free to ask, tells when it works."""
        works = self._works()  # each time: the next one compares with this one
        if not self._idle or works:
            return True
        if self._ticks is not None or page:
            return False
        return self.sleepless or at_ns >= self._until_ns

    def asked(self, at_ns: int, *, busy: bool) -> None:
        """It was asked, and this is what it said."""
        quiet_s = self._quiet_s
        if busy:
            self._quiet_s = _MARGIN_S
        elif self._idle and at_ns >= self._until_ns:
            self.sleepless |= self.sleep_s is None and quiet_s >= LONGEST_S
            self._quiet_s = quiet_s = min(2 * quiet_s, LONGEST_S)
        self._idle = not busy
        wait_s = quiet_s if self.sleep_s is None else self.sleep_s + _MARGIN_S
        self._asked_ns, self._until_ns = at_ns, at_ns + int(wait_s * NS_PER_S)

    def slept(self, at_ns: int) -> None:
        """It sleeps: it does so after at most as long as it was left alone."""
        if self.sleep_s is None:
            asked_ns = self._asked_ns
            self.sleep_s = UNKNOWN_S if asked_ns is None else (at_ns - asked_ns) / NS_PER_S

    def end(self) -> None:
        """It has been woken by somebody, or is another process."""
        self._idle = self.sleepless = False
        self._quiet_s = _MARGIN_S
        self._ticks = None

    @property
    def watched(self) -> bool:
        """Whether its process is seen to rest."""
        return self._ticks is not None

    def _works(self) -> bool:
        before, self._ticks = self._ticks, self._read()
        return before is not None and self._ticks is not None and self._ticks - before >= _WORK_TICKS

    def _read(self) -> int | None:
        if self.pid is None:
            return None
        try:
            stat = (self._proc / str(self.pid) / "stat").read_bytes()
            fields = stat.rpartition(b")")[2].split()
            return int(fields[11]) + int(fields[12])
        except (OSError, ValueError, IndexError):
            return None
