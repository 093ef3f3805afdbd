"""The source ``core``: a WIRTHFORGE core as its WebSocket tells of it.

Without a core nothing of the rest of this package is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from wftui.clock import NS_PER_S, Clock, Instant, SystemClock
from wftui.collectors.base import STREAM
from wftui.endpoint import Endpoint, websocket
from wftui.energy.sink import Nowhere, TokenSink
from wftui.errors import ConfigError, SourceUnavailableError
from wftui.model import health
from wftui.model.sample import Note, Sample, Scrape

if TYPE_CHECKING:
    from wftui.collectors.core.following import Following
    from wftui.collectors.servers.discovery import Found

AUTO: Final = "auto"
OFF: Final = "off"
PATH: Final = "/ws"
_SAY: Final = "say where it is: wftop config set core.url ws://127.0.0.1:PORT/ws"
_NONE: Final = Note(health.ABSENT, "no WIRTHFORGE core runs here as far as can be seen", f"start one, or {_SAY}")


class Core:
    """It streams: asked once a second, it brings what came over the WebSocket since."""

    name = "core"
    interval_s = 1.0
    where = STREAM
    timeout_s = 3.0

    def __init__(
        self,
        url: str = AUTO,
        found: Callable[[], Sequence[Found]] = tuple,
        *,
        looked_for: bool = True,
        clock: Clock | None = None,
    ) -> None:
        """``url``: the setting ``core.url``; ``found``: processes that may be a core, as far as they are
        ``looked_for``."""
        self._url = url
        self._found = found
        self._looked_for = looked_for
        self._clock = clock or SystemClock()
        self._sink: TokenSink = Nowhere()
        self._tell: Callable[[int, list[Sample]], None] | None = None
        self._following: Following | None = None
        self._rate_hz = 1.0
        self._second = 0

    def bring_to(self, sink: TokenSink, tell: Callable[[int, list[Sample]], None]) -> None:
        """Bring tokens and frames there, and samples as they come to ``tell``. Before the first collection."""
        self._sink, self._tell = sink, tell

    def look_closely(self, rate_hz: float) -> None:
        """Somebody follows at that rate; 1: nobody does."""
        self._rate_hz = rate_hz
        if self._following is not None:
            self._following.look_closely(rate_hz)

    def collect(self, at: Instant) -> Scrape:
        """What came since the last time; never waits."""
        endpoints, note = self._where()
        if not endpoints and self._following is None:
            return Scrape([], note=note)
        following = self._following or self._follow()
        if following is None:
            return Scrape([], note=Note(health.ABSENT, "one look says nothing of a stream", "wftop record"))
        following.toward(endpoints)
        ails = following.second() or self._beside(following.endpoint)
        readings, events = following.account.harvest()
        second = at.time_ns // NS_PER_S
        # While somebody follows it is asked within the second, too: counts and gauges wait for its end.
        samples = [] if second == self._second else following.account.samples(following.up, at)
        self._second = second
        return Scrape(samples, note=ails if endpoints else note, readings=tuple(readings), events=tuple(events))

    def _follow(self) -> Following | None:
        """Begin; None: there is no event loop, so this is a command that looks once."""
        import asyncio

        from wftui.collectors.core.account import Account
        from wftui.collectors.core.following import Following

        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return None
        made = self._following = Following(Account(self._sink, self._tell), self._clock)
        made.look_closely(self._rate_hz)
        return made

    def _where(self) -> tuple[tuple[Endpoint, ...], Note]:
        """Where a core is; if nowhere, why."""
        if self._url == OFF:
            return (), Note(health.ABSENT, "the setting core.url is off", "wftop config unset core.url")
        if self._url != AUTO:
            return (self._named(),), _NONE
        found = self._found()
        endpoints = tuple(
            item._replace(prefix=item.prefix + PATH)
            for process in found
            for item in process.endpoints
            if item.port
        )
        if endpoints:
            return endpoints, _NONE
        for process in found:
            if process.reason:
                return (), Note(health.DENIED, f"pid {process.pid}: {process.reason}", _SAY)
        if found:
            return (), Note(health.ABSENT, f"pid {found[0].pid} looks like a core and does not listen yet", _SAY)
        if not self._looked_for:
            reason = "none is configured, and servers.discover is off, so none is looked for"
            return (), Note(health.ABSENT, reason, _SAY)
        return (), _NONE

    def _beside(self, followed: Endpoint | None) -> Note | None:
        """Which cores are not followed, for one is; None: there is no other."""
        if self._url != AUTO or followed is None:
            return None
        others = [
            f"pid {process.pid} at ws://{process.endpoints[0].name}{PATH}"
            for process in self._found()
            if process.endpoints and all(item.port != followed.port for item in process.endpoints)
        ]
        if not others:
            return None
        reason = f"ws://{followed.name} is followed, as one is; not {', '.join(others)}"
        return Note(health.OK, reason, "wftop config set core.url ws://127.0.0.1:PORT/ws chooses which")

    def _named(self) -> Endpoint:
        try:
            return websocket(self._url)
        except ConfigError as error:  # the configuration was checked when it was read
            raise SourceUnavailableError(str(error), state=health.FAILED, fix=_SAY) from error

    def close(self) -> None:
        """Hang up. What was counted so far is forgotten. Twice is harmless."""
        if self._following is not None:
            self._following.close()
            self._following = None
