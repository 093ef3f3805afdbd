"""A WebSocket that is only listened to: what comes is handed on as it comes, nothing waits and no task runs.

wsproto frames the messages (pure Python over h11, no I/O of its own; +1.3 MB), loaded when something speaks it.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Ping, RejectConnection, Request, TextMessage
from wsproto.utilities import ProtocolError

from wftui import __version__
from wftui.collectors.servers.web import CONNECT_S
from wftui.endpoint import Endpoint

LIMIT: Final = 1024 * 1024
"""Characters of a message; a longer one is passed over."""


class Socket(asyncio.Protocol):
    """One connection; opened again by whoever made it. Never sends an ``Origin``: a browser would."""

    def __init__(self, endpoint: Endpoint, path: str, hear: Callable[[str], None]) -> None:
        """``hear`` gets each text message; binary ones (previews of pictures) are passed over."""
        self._endpoint = endpoint
        self._path = path
        self._hear = hear
        self._transport: asyncio.Transport | None = None
        self._state = WSConnection(ConnectionType.CLIENT)
        self._text: list[str] = []
        self._length = 0
        self.ready = False
        """Whether messages may come."""

    @property
    def dead(self) -> bool:
        """Whether it has to be opened (again)."""
        return self._transport is None

    async def open(self) -> bool:
        """Connect and ask for it; the answer comes later. False: nobody listens, or TLS is spoken there."""
        endpoint = self._endpoint
        if endpoint.tls:
            return False
        self.close()
        self._state = WSConnection(ConnectionType.CLIENT)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                if endpoint.path:
                    await loop.create_unix_connection(lambda: self, endpoint.path)
                else:
                    await loop.create_connection(lambda: self, endpoint.host, endpoint.port)
        except (OSError, TimeoutError):
            return False
        return True

    def close(self) -> None:
        """Hang up. Twice is harmless."""
        transport, self._transport = self._transport, None
        self.ready = False
        self._text.clear()
        self._length = 0
        if transport is not None:
            with suppress(RuntimeError):  # the loop has ended before us
                transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a WebSocket."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  a stream's transport
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        assert self._transport is not None  # noqa: S101  just connected
        headers = [(b"user-agent", f"wftop/{__version__}".encode())]
        if self._endpoint.key:
            headers.append((b"authorization", f"Bearer {self._endpoint.key}".encode()))
        host = "localhost" if self._endpoint.path else self._endpoint.name.removesuffix(self._endpoint.prefix)
        target = self._endpoint.prefix + self._path
        self._transport.write(self._state.send(Request(host=host, target=target, extra_headers=headers)))

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        try:
            self._state.receive_data(data)
            for event in self._state.events():
                self._take(event)
        except ProtocolError:
            self.close()

    def eof_received(self) -> None:
        """The other end hung up."""
        self.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  as asyncio calls it
        """It is gone."""
        self.close()

    def _take(self, event: object) -> None:
        if isinstance(event, TextMessage):
            self._length += len(event.data)
            if self._length <= LIMIT:
                self._text.append(event.data)
            if event.message_finished:
                whole, whole_length = "".join(self._text), self._length
                self._text.clear()
                self._length = 0
                if whole_length <= LIMIT:
                    self._hear(whole)
        elif isinstance(event, AcceptConnection):
            self.ready = True
        elif isinstance(event, Ping) and self._transport is not None:
            self._transport.write(self._state.send(event.response()))
        elif isinstance(event, CloseConnection | RejectConnection):
            self.close()
