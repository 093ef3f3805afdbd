"""The one answer that the proxy gives itself: the server cannot be reached."""

import asyncio
import socket
from collections.abc import Callable
from typing import Final

from wftui import clock
from wftui.proxy.ends import BLOCKED, End
from wftui.proxy.tunnel import CHUNK
from wftui.proxy.watcher import Watcher

WAIT_S: Final = 2.0
"""How long a client may go on sending after the answer; closing at once would reset what it has not read."""


class Refusal:
    """Waits for a request, answers 502 and closes. ``closed(refusal)`` is called once."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        client: End,
        watcher: Watcher,
        server: str,
        why: str,
        closed: Callable[["Refusal"], None],
    ) -> None:
        self._loop = loop
        self._client = client
        self._watcher = watcher
        self._closed: Callable[[Refusal], None] | None = closed
        self._answer = _answer(server, why)
        self._answered = False
        self._timer = loop.call_later(30.0, self.cancel)
        loop.add_reader(client.fileno(), self._readable)

    def cancel(self) -> None:
        """Close; twice is harmless."""
        closed, self._closed = self._closed, None
        if closed is None:
            return
        self._timer.cancel()
        self._loop.remove_reader(self._client.fileno())
        self._client.close()
        self._watcher.closed_by_client(b"", clock.perf_ns())
        closed(self)

    def _readable(self) -> None:
        try:
            data = self._client.recv(CHUNK)
        except BLOCKED:
            return
        except OSError:
            data = b""
        if not data:
            self.cancel()
            return
        if self._answered:
            return
        self._answered = True
        now_ns = clock.perf_ns()
        self._watcher.sent(data, now_ns)
        self._watcher.received(self._answer, now_ns)
        try:
            # A few hundred bytes into an empty buffer: they fit.
            self._client.send(self._answer)
            self._client.shutdown(socket.SHUT_WR)
        except OSError:
            self.cancel()
            return
        self._timer.cancel()
        self._timer = self._loop.call_later(WAIT_S, self.cancel)


def _answer(server: str, why: str) -> bytes:
    import msgspec

    words = {"error": {"message": f"wftop proxy: {server}: {why}", "type": "upstream_unreachable", "code": 502}}
    body = msgspec.json.encode(words)
    return (
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: application/json\r\n"
        b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    ) + body
