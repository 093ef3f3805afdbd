"""Model server, clients and a bare proxy for `bench_proxy`: as light as Python can be, so that little of what is
measured is theirs.

Server and clients are one loop over epoll each and no asyncio; the pump is asyncio as one writes it without
thinking (protocols that write what they get to each other), the floor that a proxy in Python stands on.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import select
import socket
import time
from collections import defaultdict
from typing import Final

CHUNKS: Final = 25
PACE_S: Final = 0.02
STEPS: Final = b"/steps"
"""Prefix of the path: each step gives every stream its token at the same moment, as servers that batch do."""
_MARK: Final = b'"content":"t'
_DIGITS: Final = 20
_BODY: Final = b'{"model":"bench","stream":true,"messages":[{"role":"user","content":"%s"}]}' % (b"word " * 200)
_FIELDS: Final = b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
_HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_END: Final = b"0\r\n\r\n"


def _request(prefix: bytes) -> bytes:
    return b"POST " + prefix + b"/v1/chat/completions" + _FIELDS % len(_BODY) + _BODY


def _chunk(payload: bytes) -> bytes:
    event = b"data: " + payload + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(event), event)


def _piece() -> bytes:
    """A token as servers send it, with the time in it."""
    return _chunk(
        b'{"id":"chatcmpl-0001","object":"chat.completion.chunk","created":1767225600,"model":"bench","choices":'
        b'[{"index":0,"delta":{"content":"t%020d"},"finish_reason":null}]}' % time.perf_counter_ns()
    )


_LAST: Final = (
    _chunk(b'{"choices":[],"usage":{"prompt_tokens":200,"completion_tokens":%d}}' % CHUNKS)
    + _chunk(b"[DONE]")
    + _END
)


def _listening() -> socket.socket:
    listening = socket.socket(proto=socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY only where it sees this
    listening.bind(("127.0.0.1", 0))
    listening.listen(1000)
    print(listening.getsockname()[1], flush=True)
    return listening


class Server:
    """Answers each request at once with its first token, and goes on with one each ``PACE_S``. Prints its port."""

    def __init__(self) -> None:
        self._listening = _listening()
        self._listening.setblocking(False)
        self._ends: dict[int, socket.socket] = {}
        self._asked: defaultdict[int, bytes] = defaultdict(bytes)
        self._due: list[tuple[float, int, int, bool]] = []  # when, descriptor, tokens left, in steps
        self._poll = select.epoll()
        self._poll.register(self._listening, select.EPOLLIN)

    def run(self) -> None:
        """Serve until a signal."""
        while True:
            wait_s = max(0.0, self._due[0][0] - time.monotonic()) if self._due else -1.0
            for number, _ in self._poll.poll(wait_s):
                if number == self._listening.fileno():
                    self._take()
                elif number in self._ends:
                    self._read(number)
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                self._say(*heapq.heappop(self._due))

    def _take(self) -> None:
        while True:
            try:
                one, _ = self._listening.accept()
            except BlockingIOError:
                return
            one.setblocking(False)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._ends[one.fileno()] = one
            self._poll.register(one, select.EPOLLIN)

    def _read(self, number: int) -> None:
        try:
            data = self._ends[number].recv(65536)
        except OSError:
            data = b""
        if not data:
            self._close(number)
            return
        data = self._asked[number] + data
        if not data.endswith(_BODY):
            self._asked[number] = data
            return
        self._asked[number] = b""
        self._send(number, _HEAD + _piece())
        steps = data.startswith(b"POST " + STEPS)
        now = time.monotonic()
        due = (now // PACE_S + 1) * PACE_S if steps else now + PACE_S
        heapq.heappush(self._due, (due, number, CHUNKS - 1, steps))

    def _say(self, due: float, number: int, left: int, steps: bool) -> None:
        if number in self._ends:
            self._send(number, _piece() if left else _LAST)
            if left:
                heapq.heappush(self._due, (due + PACE_S, number, left - 1, steps))

    def _send(self, number: int, data: bytes) -> None:
        try:
            self._ends[number].send(data)
        except OSError:
            self._close(number)

    def _close(self, number: int) -> None:
        one = self._ends.pop(number, None)
        if one is not None:
            self._asked.pop(number, None)
            self._due = [item for item in self._due if item[1] != number]
            heapq.heapify(self._due)
            one.close()


class Seen:
    """What the clients of one way saw; ns."""

    def __init__(self) -> None:
        self.fresh: list[int] = []
        """From the begin of a new connection to its first text."""
        self.kept: list[int] = []
        """From the request to its first text, on a connection that had one before."""
        self.chunk: list[int] = []
        """A later piece, from the server to the client."""

    def add(self, other: Seen) -> None:
        """Take what another saw, too."""
        self.fresh += other.fresh
        self.kept += other.kept
        self.chunk += other.chunk


class Clients:
    """So many streams at any time; each client takes a new connection for every second request."""

    def __init__(self, port: int, seen: Seen, streams: int) -> None:
        self._where = ("127.0.0.1", port)
        self._seen = seen
        self._streams = streams
        self._request = b""
        self._poll = select.epoll()
        self._ends: dict[int, socket.socket] = {}
        self._began: dict[int, tuple[int, list[int]]] = {}  # waits for its first text
        self._unsent: set[int] = set()
        self._served: set[int] = set()  # had one request
        self._due: list[tuple[float, int]] = []  # when, descriptor with which to go on, -1: a new one

    def spread(self, seconds: float, *, steps: bool) -> None:
        """Clients that begin at any moment, for a while."""
        self._request = _request(STEPS if steps else b"")
        now = time.monotonic()
        self._due = sorted((now + random.random() * CHUNKS * PACE_S, -1) for _ in range(self._streams))  # noqa: S311
        self._go(now + seconds)

    def bursts(self, count: int) -> None:
        """All at the same moment on new connections, again when the last has ended."""
        self._request = _request(b"")
        for _ in range(count):
            self._due = [(0.0, -1)] * self._streams
            self._go(0.0)

    def _go(self, until_s: float) -> None:
        while self._due or self._ends:
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                self._begin(heapq.heappop(self._due)[1])
            wait_s = max(0.0, self._due[0][0] - time.monotonic()) if self._due else 1.0
            for number, what in self._poll.poll(wait_s):
                if number in self._unsent:
                    self._unsent.discard(number)
                    self._poll.modify(number, select.EPOLLIN)
                    self._ends[number].send(self._request)
                elif what and self._read(number):
                    self._over(number, until_s)

    def _begin(self, number: int) -> None:
        began = time.perf_counter_ns()
        if number >= 0:
            self._began[number] = (began, self._seen.kept)
            self._ends[number].send(self._request)
            return
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(self._where)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = one.fileno()
        self._ends[number] = one
        self._began[number] = (began, self._seen.fresh)
        self._unsent.add(number)
        self._poll.register(one, select.EPOLLOUT)

    def _read(self, number: int) -> bool:
        """Take what came; whether the answer is over."""
        data = self._ends[number].recv(65536)
        now = time.perf_counter_ns()
        if not data:
            raise ConnectionError("the server ended it")
        at = data.find(_MARK)
        while at >= 0:
            waits = self._began.pop(number, None)
            if waits is not None:
                waits[1].append(now - waits[0])
            else:
                at += len(_MARK)
                self._seen.chunk.append(now - int(data[at : at + _DIGITS]))
            at = data.find(_MARK, at + _DIGITS)
        return data.endswith(_END)

    def _over(self, number: int, until_s: float) -> None:
        now = time.monotonic()
        again = now < until_s
        keep = again and number not in self._served
        if keep:
            self._served.add(number)
        else:
            self._served.discard(number)
            self._ends.pop(number).close()
        if again:
            # Not the same rhythm for ever.
            pause_s = random.random() * PACE_S  # noqa: S311
            heapq.heappush(self._due, (now + pause_s, number if keep else -1))


class _Pump(asyncio.Protocol):
    """One side: writes what it gets to the other."""

    def __init__(self, other: _Pump | None, port: int) -> None:
        self._port = port
        self._held = b""
        self.other = other
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self.other is None:
            self._task = asyncio.ensure_future(self._connect())
        else:
            self.other.other = self
            transport.write(self.other._held)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: _Pump(self, self._port), "127.0.0.1", self._port)

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self._held += data
        else:
            self.other.transport.write(data)

    def connection_lost(self, _: Exception | None) -> None:
        if self.other is not None:
            self.other.transport.close()


async def pump(port: int) -> None:
    """A proxy that does nothing but copy. Prints its port."""
    listening = _listening()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Pump(None, port), sock=listening, backlog=1000
    )
    await server.serve_forever()
