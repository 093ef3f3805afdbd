"""What a collector is, and the two ways in which one runs."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol, runtime_checkable

from wftui.clock import Instant
from wftui.collectors.files import ProcFile
from wftui.energy.sink import TokenSink
from wftui.model.sample import Sample, Scrape

INLINE: Final = "inline"
"""Runs in the recorder's event loop: only files of /proc and /sys that cannot wait."""
THREAD: Final = "thread"
"""Runs in a daemon thread of its own under a deadline: whatever may block (statvfs, cmdline, hwmon)."""
STREAM: Final = "stream"
"""Brings at each second's end what it gathered on its own; asked in the recorder's loop, it never waits."""


@runtime_checkable
class Deferring(Protocol):
    """A collector whose files may be read at one time and understood later.

    Its ``collect`` must depend on nothing but what these files hold and the instant.
    """

    def files(self) -> Sequence[ProcFile]:
        """The files that the next ``collect`` reads, each of them ``single``."""
        ...


@runtime_checkable
class Parting(Protocol):
    """A streaming collector whose processes may take a while to end."""

    def part(self, at: Instant) -> None:
        """Look after those that are still ending; never waits. Called once a second while it is switched off."""
        ...


@runtime_checkable
class Attentive(Protocol):
    """A streaming collector that can tell more often than once a second what somebody looks at."""

    def look_closely(self, rate_hz: float) -> None:
        """Bring what moves so often, as far as it is cheap; 1: nobody looks any more. Never waits."""
        ...


@runtime_checkable
class Bringing(Protocol):
    """A streaming collector that hears of tokens and frames as they come."""

    def bring_to(self, sink: TokenSink, tell: Callable[[int, list[Sample]], None]) -> None:
        """Bring tokens and frames to ``sink``, and samples of a moment (UTC ns) as they come to ``tell``.

        Called once, before the first collection. What was told so comes with a collection's readings, too.
        """
        ...


@runtime_checkable
class Passing(Protocol):
    """A streaming collector that tells who follows what comes as it comes, and asks for no collection within a
    second."""

    def pass_by(self, at: Instant) -> bool:
        """Tell what time alone changed; returns whether a collection at once has more to say. Never waits.

        Called ten times a second while somebody follows.
        """
        ...


class Collector(Protocol):
    """One source of samples, collected at its own interval."""

    @property
    def name(self) -> str:
        """Name of the source, as in health and provenance."""
        ...

    @property
    def interval_s(self) -> float:
        """Wanted seconds between collections; the recorder may stretch it, visibly."""
        ...

    @property
    def where(self) -> str:
        """``INLINE``, ``THREAD`` or ``STREAM``."""
        ...

    @property
    def timeout_s(self) -> float:
        """Seconds after which a collection in a thread counts as stuck."""
        ...

    def collect(self, at: Instant) -> Scrape:
        """Read the source once.

        Rates that are no plain counter differences (busy shares) are computed from the boottime between two
        calls; the first call leaves them out.

        Raises:
            SourceError: Nothing can be had from the source at all; it carries state, reason and fix.
        """
        ...

    def close(self) -> None:
        """Let go of open files. Twice is harmless."""
        ...
