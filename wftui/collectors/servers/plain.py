"""A connection without TLS: a socket that is read when its answer is there, not watched while it comes.

An event loop's streams register a socket, wake for each piece, copy it twice and make futures: of ten pages a
second that was 2 ms. So the question is sent, and after a pause that lasts as long as servers take to answer it is
read in one go, that of the other servers right behind it. What is not there by then is waited for.
"""

import asyncio
import socket
from contextlib import suppress
from typing import Any, Final

from wftui.endpoint import Endpoint

PAUSE_S: Final = 0.01
"""Servers on this machine answer within so long, mostly."""


class Plain:
    """Reader and writer at once, as far as ``web`` uses those of asyncio."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._asked = False

    @classmethod
    async def to(cls, endpoint: Endpoint) -> "Plain":
        """Connect. Raises: OSError: Nobody listens, or there is no such host."""
        if endpoint.path:
            return cls(await _connected(socket.AF_UNIX, endpoint.path))
        error = OSError(f"{endpoint.host} has no address")
        for family, _, _, _, address in await _addresses(endpoint.host, endpoint.port):
            try:
                return cls(await _connected(family, address))
            except OSError as caught:
                error = caught
        raise error

    async def read(self, size: int) -> bytes:
        """At most so many bytes; none: the other side has ended."""
        if self._asked:
            self._asked = False
            await asyncio.sleep(PAUSE_S)
        with suppress(BlockingIOError, InterruptedError):
            return self._socket.recv(size)
        return await asyncio.get_running_loop().sock_recv(self._socket, size)

    async def write(self, data: bytes) -> None:
        """Send."""
        self._asked = True
        await asyncio.get_running_loop().sock_sendall(self._socket, data)

    def close(self) -> None:
        """Hang up. Twice is harmless."""
        self._socket.close()


# Any: an address is a text or a tuple, as the family has it.
async def _connected(family: int, address: Any) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setblocking(False)
        await asyncio.get_running_loop().sock_connect(opened, address)
        if family != socket.AF_UNIX:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        opened.close()
        raise
    return opened


async def _addresses(host: str, port: int) -> list[tuple[int, int, int, str, Any]]:
    # As a text it would go through the tables of international names: 0.3 MB.
    name = host.encode() if host.isascii() else host
    try:
        return list(socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
    except socket.gaierror:  # a name: that may take its time
        return list(await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM))
