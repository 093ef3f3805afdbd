"""What an adapter is: one kind of server, how it is recognised, and how it is asked."""

from typing import Protocol, runtime_checkable

from wftui.collectors.servers.figures import Look
from wftui.collectors.servers.web import Web


class Adapter(Protocol):
    """One server of one kind that is being watched. It remembers what it needs between looks."""

    async def look(self, web: Web) -> Look:
        """Ask it once: ``GET`` only, nothing that loads, wakes or generates.

        Raises:
            SourceError: It does not answer, refuses, or says something else than its kind does; the state and
                the fix are the server's from then on.
        """
        ...


@runtime_checkable
class Glancing(Protocol):
    """An adapter whose server has something cheap that moves within a second."""

    @property
    def moves(self) -> bool:
        """Whether it does now: where nothing is under way a look a second tells all, and wakes nobody."""
        ...

    async def glance(self, web: Web) -> Look:
        """Ask for that alone: gauges and rates, no counters, models or requests.

        Raises:
            SourceError: As ``Adapter.look``; the next look says what became of the server.
        """
        ...


class Kind(Protocol):
    """A kind of server; a module of this package."""

    @property
    def NAME(self) -> str:  # noqa: N802  a constant of the module
        """As in ``server.kind``."""
        ...

    async def identify(self, web: Web) -> str | None:
        """Ask whether it is of this kind, as cheaply as can be.

        Returns:
            Its version, empty when it does not say; None: it is something else.

        Raises:
            SourceError: It does not answer, or wants a key first.
        """
        ...

    def make(self) -> Adapter:
        """An adapter for one server of this kind."""
        ...
