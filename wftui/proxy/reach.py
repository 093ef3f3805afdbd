"""Whether the server can be reached, told where it changes."""

from collections.abc import Callable
from typing import Final

from wftui import clock, log

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

    def failed(self, why: str) -> None:
        """A connection could not be made."""
        self._refused += 1
        if why == self._why or (not self._why and clock.perf_ns() < self._quiet_until_ns):
            return
        self._why = why
        self._quiet_until_ns = clock.perf_ns() + QUIET_NS
        log.warning("proxy", "the server does not answer", server=self._server, reason=why)
        self._tell(f"{self._server} does not answer: {why}; clients are told so with status 502")

    def made(self) -> None:
        """A connection was made."""
        if self._why:
            log.info("proxy", "the server answers again", server=self._server, refused=self._refused)
            self._tell(f"{self._server} answers again; refused meanwhile: {self._refused}")
            self._why = ""
        self._refused = 0
