"""One connection of a client and its own connection to the server, joined byte for byte.

One to one: so nothing has to be changed on the way. Keep-alive, pipelining, trailers, ``100 Continue`` and
upgrades are the business of the two ends, and how one end stops is passed on to the other as it came: the end of
its bytes (FIN) or a reset. Plain sockets and the loop's readers, not its transports: these read into 256 KiB,
buffer what is written to them, and cannot reset a connection.
"""

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import Final

from wftui import clock
from wftui.proxy.backlog import Backlog, Reader
from wftui.proxy.ends import BLOCKED, End
from wftui.proxy.watcher import Watcher

CHUNK: Final = 65_536
"""Bytes that are taken at once; no more than this waits in memory for a slow end, in each direction."""
LINGER_S: Final = 30.0
"""How long a client may go on sending after the server has ended its side."""
_FLUSH_S: Final = 2.0
"""How long what was received before a reset may take to reach the other end."""


class _Flow:
    """One direction: what comes from one end goes to the other, with at most one piece in between."""

    __slots__ = ("_cut", "_ended", "_left", "_loop", "_reader", "_sink", "_source", "_tunnel", "over")

    def __init__(self, tunnel: "Tunnel", source: End, sink: End, reader: Reader) -> None:
        self._tunnel = tunnel
        self._loop = tunnel.loop
        self._source = source
        self._sink = sink
        self._reader = reader
        self._left: memoryview | None = None
        self._ended = False
        self._cut = False
        self.over = False
        """The source has ended and all of it is passed on."""

    def start(self) -> None:
        """Take what comes from now on."""
        self._loop.add_reader(self._source.fileno(), self._tunnel.guard, self._readable)

    def early(self) -> Callable[[], None] | None:
        """Pass on what is there already, before `start`: the request mostly is, and having it watched first costs
        more time than passing it on. What is left to do after `start`; None: nothing.
        """
        try:
            data = self._source.recv(CHUNK)
        except BLOCKED:
            return None
        except OSError:
            return partial(self._tunnel.broke, self._source)
        if not data:
            return self._at_end
        now_ns = clock.perf_ns()
        return partial(self._passed, data, self._send(data), now_ns)

    @property
    def waiting(self) -> bool:
        """Something could not be passed on yet."""
        return self._left is not None

    def drain(self) -> None:
        """The source has broken: what came before that is still passed on, nothing after it."""
        self._cut = True
        while self._left is None:
            try:
                data = self._source.recv(CHUNK)
            except OSError:
                return
            if not data:
                return
            self._pass_on(data)

    def _readable(self) -> None:
        try:
            data = self._source.recv(CHUNK)
        except BLOCKED:
            return
        except OSError:
            self._tunnel.broke(self._source)
            return
        if data:
            self._pass_on(data)
        else:
            self._at_end()

    def _at_end(self) -> None:
        self._ended = True
        self._loop.remove_reader(self._source.fileno())
        self._tunnel.ends(self._source)
        if self._left is None:
            self._end()

    def _pass_on(self, data: bytes) -> None:
        now_ns = clock.perf_ns()
        self._passed(data, self._send(data), now_ns)

    def _send(self, data: bytes) -> int:
        """How much the sink took; -1: it is broken."""
        try:
            return self._sink.send(data)
        except BLOCKED:
            return 0
        except OSError:
            return -1

    def _passed(self, data: bytes, sent: int, now_ns: int) -> None:
        if sent < 0:
            self._tunnel.broke(self._sink)
            return
        if sent < len(data):
            # Nothing more is taken until this is gone: the source feels the sink's pace.
            self._left = memoryview(data)[sent:]
            self._loop.remove_reader(self._source.fileno())
            self._loop.add_writer(self._sink.fileno(), self._tunnel.guard, self._writable)
        self._tunnel.backlog.put(self._reader, data, now_ns)

    def _writable(self) -> None:
        left = self._left
        if left is None:
            return
        try:
            left = left[self._sink.send(left) :]
        except BLOCKED:
            return
        except OSError:
            self._tunnel.broke(self._sink)
            return
        self._left = left if len(left) else None
        if self._left is None:
            self._loop.remove_writer(self._sink.fileno())
            if self._ended:
                self._end()
            elif not self._cut:
                self._loop.add_reader(self._source.fileno(), self._tunnel.guard, self._readable)

    def _end(self) -> None:
        self.over = True
        self._tunnel.ended(self._sink)


class Tunnel:
    """Two connected ends. ``closed(tunnel)`` is called once, when both are closed."""

    __slots__ = (
        "_client", "_closed", "_down", "_first", "_server", "_timer", "_up", "_watcher", "backlog", "loop",
    )  # fmt: skip

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        backlog: Backlog,
        watcher: Watcher,
        client: End,
        server: End,
        closed: Callable[["Tunnel"], None],
    ) -> None:
        self.loop = loop
        self.backlog = backlog
        self._watcher = watcher
        self._client = client
        self._server = server
        self._closed: Callable[[Tunnel], None] | None = closed
        self._first: End | None = None  # whoever stopped first
        self._timer: asyncio.TimerHandle | None = None
        self._up = _Flow(self, client, server, watcher.sent)
        self._down = _Flow(self, server, client, watcher.received)

    def start(self) -> None:
        """Begin to pass on; `closed` may be called before this returns."""
        self.guard(self._begin)

    def _begin(self) -> None:
        rest = self._up.early()
        self._up.start()
        self._down.start()
        if rest is not None:
            rest()

    def guard(self, call: Callable[[], None]) -> None:
        """Call; a bug costs this connection, and is not met again with every turn of the loop."""
        try:
            call()
        except BaseException:
            self.abort()
            raise

    @property
    def idle(self) -> bool:
        """No request is open on it, as far as it can be read."""
        return self._watcher.idle

    def ends(self, end: End) -> None:
        """An end stopped sending."""
        self._first = self._first or end
        if end is self._server:
            self.backlog.put(self._watcher.answers_ended, b"", clock.perf_ns())

    def ended(self, sink: End) -> None:
        """All that will ever come for this end is passed on."""
        if self._up.over and self._down.over:
            self.close()
            return
        if not sink.halves:
            # TLS has no half: a client that goes has gone.
            self.close()
            return
        try:
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            self.broke(sink)
            return
        if sink is self._client:
            self._timer = self.loop.call_later(LINGER_S, self.close)

    def broke(self, end: End) -> None:
        """An end was reset, by its other side or by the network: so is the other, once it has what came before."""
        self._first = self._first or end
        self._forget(end)
        if end is self._client:
            self._forget(self._server)
            self._server.reset()
            self.close()
        else:
            # A server that refuses a long request may have answered before it stopped to listen.
            self._down.drain()
            self._server.close()
            self.loop.remove_reader(self._client.fileno())
            self._flush(self.loop.time() + _FLUSH_S)

    def close(self) -> None:
        """Close both ends; twice is harmless."""
        closed, self._closed = self._closed, None
        if closed is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        for end in (self._client, self._server):
            self._forget(end)
            end.close()
        by_client = self._first is self._client
        closing = self._watcher.closed_by_client if by_client else self._watcher.closed_by_server
        closed(self)
        self.backlog.put(closing, b"", clock.perf_ns())

    def abort(self) -> None:
        """Reset both ends."""
        for end in (self._client, self._server):
            self._forget(end)
            end.reset()
        self.close()

    def _flush(self, until_s: float) -> None:
        """Reset the client as soon as it has what the server sent before it broke."""
        if self._closed is None:
            return
        try:
            busy = self._down.waiting or self._client.unsent()
        except OSError:
            busy = False  # it has gone, too
        if busy and self.loop.time() < until_s:
            self._timer = self.loop.call_later(0.005, self._flush, until_s)
            return
        self._forget(self._client)
        self._client.reset()
        self.close()

    def _forget(self, end: End) -> None:
        """Watch an end no more. Always before it is closed: the loop would take the next of its number for it."""
        number = end.fileno()
        if number >= 0:
            self.loop.remove_reader(number)
            self.loop.remove_writer(number)
