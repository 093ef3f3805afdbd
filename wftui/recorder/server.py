"""The socket: greets, checks who asks, answers, and feeds."""

import asyncio
import os
import socket
import struct
from pathlib import Path
from typing import Final, Protocol

from wftui import log
from wftui.errors import ProtocolError
from wftui.recorder.bus import Bus
from wftui.recorder.connection import Connection, Host
from wftui.recorder.private import binding
from wftui.wire import codec, stream
from wftui.wire.messages import VERSION, Error, Goodbye, Hello

MAX_CONNECTIONS: Final = 64
GREETING_S: Final = 5.0
_PEERCRED: Final = struct.Struct("3i")


class _Peer(Protocol):
    def getsockopt(self, level: int, option: int, size: int, /) -> bytes: ...


def peer_uid(peer: _Peer) -> int | None:
    """Who is at the other end; None where the system does not say (then the folder's 0700 stands alone)."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    _, uid, _ = _PEERCRED.unpack(peer.getsockopt(socket.SOL_SOCKET, option, _PEERCRED.size))
    return int(uid)


class Server:
    """Listens on the data dir's socket."""

    def __init__(self, path: Path, host: Host, bus: Bus) -> None:
        self._path = path
        self._host = host
        self._bus = bus
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Bind.

        Raises:
            ConfigError: Something else lies there, or it cannot be bound.
        """
        with binding(self._path):
            self._server = await asyncio.start_unix_server(self._accept, self._path, limit=1 << 20)

    @property
    def views(self) -> list[Connection]:
        """Connections of views."""
        return [item for item in self._connections if item.is_view]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  asyncio runs this in a task
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the peer went away, or we are closing
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        uid = peer_uid(writer.get_extra_info("socket"))
        if uid is not None and uid != os.geteuid():
            log.warning("server", "refused another user", uid=uid)
            return
        if len(self._connections) >= MAX_CONNECTIONS:
            writer.write(codec.encode(Error("refused", f"{MAX_CONNECTIONS} connections are open already")))
            return
        try:
            async with asyncio.timeout(GREETING_S):
                hello = _check(await stream.read(reader))
        except (ProtocolError, TimeoutError) as error:
            writer.write(codec.encode(Error("version", str(error) or "no greeting")))
            return
        writer.write(codec.encode(self._host.greeting()))
        connection = Connection(hello, reader, writer, self._host, self._bus)
        self._connections.add(connection)
        self._host.views.attached(connection)
        try:
            await connection.run()
        except ProtocolError as error:
            log.warning("server", "a client broke the protocol", reason=str(error))
            writer.write(codec.encode(Error("bad-request", str(error))))
        finally:
            self._connections.discard(connection)
            self._host.views.detached(connection)

    async def close(self, reason: str) -> None:
        """Say goodbye and close every connection; take the socket away."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for connection in list(self._connections):
            connection.say(Goodbye(reason))
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=0.5)
        self._path.unlink(missing_ok=True)


def _check(item: tuple[object, int] | None) -> Hello:
    if item is None:
        raise ProtocolError("the peer closed without a greeting")
    hello, _ = item
    if not isinstance(hello, Hello):
        raise ProtocolError("expected a greeting (hello) first")
    if hello.version[0] != VERSION[0]:
        raise ProtocolError(
            f"this recorder speaks protocol {VERSION[0]}.{VERSION[1]}, the {hello.role} "
            f"{hello.version[0]}.{hello.version[1]}: update the older of both and restart it"
        )
    return hello
