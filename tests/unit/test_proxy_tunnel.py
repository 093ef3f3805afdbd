"""How a tunnel ends when its two ends do not end together."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import sys
import termios
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.proxied import reset
from wftui.proxy import tunnel
from wftui.proxy.backlog import Backlog
from wftui.proxy.ends import Plain
from wftui.proxy.meter import Meter
from wftui.proxy.tunnel import Tunnel
from wftui.proxy.watcher import Watcher

MB = 1 << 20


class Nowhere:
    """A sink for nothing."""

    def counter(self, *_: object) -> None:
        """Dropped."""

    def gauge(self, *_: object) -> None:
        """Dropped."""

    def timing(self, *_: object) -> None:
        """Dropped."""

    def happened(self, *_: object) -> None:
        """Dropped."""

    def close(self) -> None:
        """Nothing is held."""


def pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of a TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        near = socket.create_connection(listening.getsockname())
        far, _ = listening.accept()
    near.settimeout(10)
    return near, far


class Made:
    """A tunnel with the sockets outside of it."""

    def __init__(self) -> None:
        self.client, client = pair()
        self.server, server = pair()
        self.ends = [Plain.of(client), Plain.of(server)]
        self.closed: list[Tunnel] = []
        self.gone = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.meter = Meter(Nowhere(), "test")
        self.backlog = Backlog(loop)
        watcher = Watcher(self.meter, self.meter.cannot_read)
        self.tunnel = Tunnel(loop, self.backlog, watcher, self.ends[0], self.ends[1], self._ended)
        self.tunnel.start()

    def _ended(self, one: Tunnel) -> None:
        self.closed.append(one)
        self.gone.set()

    async def over(self) -> None:
        """Wait until it has closed."""
        await asyncio.wait_for(self.gone.wait(), 10)
        assert self.closed == [self.tunnel]
        assert [end.fileno() for end in self.ends] == [-1, -1]

    async def filled(self) -> int:
        """Let the server send until the client's kernel takes no more; how many bytes."""
        sent = 0
        async with asyncio.timeout(10):
            while not self.ends[0].unsent():
                sent += self.server.send(bytes(65_536))
                await asyncio.sleep(0.002)
            # What a kernel has not handed over when its socket is reset is lost, with a tunnel or without.
            while _unsent(self.server):  # noqa: ASYNC110  the kernel tells nobody
                await asyncio.sleep(0.002)
        return sent

    async def passes(self, data: bytes, source: socket.socket, sink: socket.socket) -> None:
        """Send and receive."""
        source.sendall(data)
        got = b""
        while len(got) < len(data):
            got += await asyncio.to_thread(sink.recv, MB)
        assert got == data

    def close(self) -> None:
        self.tunnel.abort()
        self.client.close()
        self.server.close()


@pytest_asyncio.fixture
async def made() -> AsyncIterator[Made]:
    found = Made()
    yield found
    found.close()


async def test_a_client_that_never_ends_its_side_is_left_after_a_while(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tunnel, "LINGER_S", 0.05)
    made.server.close()
    assert await asyncio.to_thread(made.client.recv, 1) == b""
    await made.over()


async def test_a_client_may_end_its_side_long_before_the_answer(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tunnel, "LINGER_S", 0.05)
    await made.passes(b"GET / HTTP/1.1\r\n\r\n", made.client, made.server)
    made.client.shutdown(socket.SHUT_WR)
    assert await asyncio.to_thread(made.server.recv, 1) == b""
    await asyncio.sleep(0.2)  # longer than the server's end is waited for
    await made.passes(b"late", made.server, made.client)
    made.server.close()
    await made.over()
    assert made.client.recv(1) == b""


async def test_what_came_before_a_reset_is_handed_on_before_it(made: Made) -> None:
    sent = await made.filled()
    reset(made.server)
    got, how = await asyncio.wait_for(asyncio.to_thread(_to_the_end, made.client), 20)
    assert (got, how) == (sent, "reset")
    await made.over()


async def test_a_client_that_does_not_read_holds_a_reset_up_for_a_while_only(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tunnel, "_FLUSH_S", 0.1)
    await made.filled()
    reset(made.server)
    await made.over()


async def test_an_abort_resets_both_ends_once(made: Made) -> None:
    made.tunnel.abort()
    made.tunnel.abort()
    made.tunnel.close()
    await made.over()
    for end in (made.client, made.server):
        with pytest.raises(ConnectionResetError):
            end.recv(1)


def _unsent(one: socket.socket) -> int:
    return int.from_bytes(fcntl.ioctl(one.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"), sys.byteorder)


def _to_the_end(one: socket.socket) -> tuple[int, str]:
    got = 0
    try:
        while data := one.recv(MB):
            got += len(data)
    except ConnectionResetError:
        return got, "reset"
    return got, "end"


async def test_a_bug_costs_its_connection_and_no_other(made: Made) -> None:
    other = Made()
    met: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, happened: met.append(happened["exception"]))

    class Broken(Backlog):
        def put(self, *_: object) -> None:
            raise KeyError("a bug")

    made.tunnel.backlog = Broken(asyncio.get_running_loop())
    made.client.sendall(b"x")
    await made.over()
    assert [type(error) for error in met] == [KeyError]
    await other.passes(b"GET / HTTP/1.1\r\n\r\n", other.client, other.server)
    other.close()
