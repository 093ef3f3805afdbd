"""Whether the server can be reached, told where it changes."""

from collections.abc import Callable
from typing import Final

from wftui import clock, log

LOOK_NS: Final = 5 * 10**9
"""A server that does not answer is looked for so often: its clients may have given up."""
FRESH_NS: Final = 30 * 10**9
"""So long a connection that was made says that the next one would be, too."""
QUIET_NS: Final = 5 * 10**9
"""A server that comes and goes is told of once in so long."""


class Reach:
    """Counts the connections that got no server, and says so once."""

    def __init__(self, server: str, tell: Callable[[str], None]) -> None:
        self._server = server
        self._tell = tell
        self._why = ""
        self._refused = 0
        self._quiet_until_ns = 0
        self._lost = False
        self._look_ns = 0
        self._made_ns: int | None = None

    @property
    def up(self) -> bool | None:
        """Whether connections are made; None: not known, nobody has tried lately."""
        if self._lost:
            return False
        fresh = self._made_ns is not None and clock.perf_ns() - self._made_ns < FRESH_NS
        return True if fresh else None

    def connected(self) -> None:
        """There is a connection to it."""
        if not self._lost:
            self._made_ns = clock.perf_ns()

    def look(self) -> bool:
        """Whether it is time to look for a server that did not answer; asked again soon after, it is not."""
        now_ns = clock.perf_ns()
        if not self._lost or now_ns < self._look_ns:
            return False
        self._look_ns = now_ns + LOOK_NS
        return True

    def failed(self, why: str, *, client: bool = True) -> None:
        """A connection could not be made; ``client``: for one, who is told so."""
        self._refused += client
        if not self._lost:
            self._lost, self._look_ns = True, clock.perf_ns() + LOOK_NS
        if why == self._why or (not self._why and clock.perf_ns() < self._quiet_until_ns):
            return
        self._why = why
        self._quiet_until_ns = clock.perf_ns() + QUIET_NS
        log.warning("proxy", "the server does not answer", server=self._server, reason=why)
        self._tell(f"{self._server} does not answer: {why}; clients are told so with status 502")

    def made(self) -> None:
        """A connection was made."""
        self._lost, self._made_ns = False, clock.perf_ns()
        if self._why:
            log.info("proxy", "the server answers again", server=self._server, refused=self._refused)
            self._tell(f"{self._server} answers again; refused meanwhile: {self._refused}")
            self._why = ""
        self._refused = 0
