"""A connection to the recorder: a live feed and questions over the same socket."""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Final, Self, cast

from wftui.errors import ProtocolError
from wftui.wire import codec
from wftui.wire.messages import VERSION, Error, Hello, Message, Samples

if TYPE_CHECKING:
    from socket import socket as Socket  # noqa: N812  a class

_LIMIT: Final = 1024 * 1024
"""Bytes that wait here before nothing more is read: a view that stands still makes the recorder drop."""
_READ: Final = 256 * 1024


class Feed:
    """One open connection. Make it with :meth:`open`; whoever opens it closes it.

    Usually the loop wakes whoever iterates :meth:`messages`. A view that wakes up by itself sixty times a second
    reads then instead (:meth:`pause`, :meth:`poll`): each wake-up costs as much as what is done in it.
    """

    def __init__(self, arrivals: "_Arrivals") -> None:
        self._arrivals = arrivals
        self._request = 0
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._held: deque[Message] = deque()
        """What ``poll`` found for whoever iterates."""
        self._failed: ProtocolError | None = None
        """The same, after all of that."""
        self.recorder: Hello = Hello(VERSION, "recorder")
        """The recorder's greeting."""

    @classmethod
    async def open(cls, socket: "str | Socket", hello: Hello) -> Self:
        """Connect and greet; a socket that is connected already is taken over.

        Raises:
            OSError: Nobody answers there.
            ProtocolError: It is no recorder, or one of another major version.
        """
        loop = asyncio.get_running_loop()
        if isinstance(socket, str):
            _, arrivals = await loop.create_unix_connection(_Arrivals, socket)
        else:
            socket.setblocking(False)
            _, arrivals = await loop.create_unix_connection(_Arrivals, sock=socket)
        feed = cls(arrivals)
        try:
            arrivals.transport.write(codec.encode(hello))
            feed.recorder = _greeting(await asyncio.wait_for(arrivals.next(), timeout=5), str(socket))
        except BaseException:
            await feed.close()
            raise
        return feed

    async def messages(self) -> AsyncIterator[Message]:
        """Everything that is no reply, in order; ends when the recorder closes.

        Replies reach their askers only while somebody iterates or polls.

        Raises:
            ProtocolError: What came is not the protocol.
        """
        try:
            while True:
                while self._held:
                    yield self._held.popleft()
                if self._failed is not None:
                    raise self._failed
                item = self._arrivals.take()
                if item is None:
                    if self._arrivals.ended:
                        return
                    await self._arrivals.more()
                elif (message := self._told(*item)) is not None:
                    yield message
        finally:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(ProtocolError("the recorder closed the connection"))
            self._waiting.clear()

    def pause(self) -> None:
        """From now on nothing is read but by ``poll``."""
        self._arrivals.pause()

    def resume(self) -> None:
        """Whoever iterates is woken again by what comes."""
        self._arrivals.resume()

    def poll(self) -> Iterator[Samples]:
        """Read what has come, while paused: the samples that are next in order; the rest is for who iterates."""
        self._arrivals.read()
        try:
            while self._failed is None and (item := self._arrivals.take()) is not None:
                message = self._told(*item)
                if isinstance(message, Samples) and not self._held:
                    yield message
                elif message is not None:
                    self._held.append(message)
        except ProtocolError as error:
            self._failed = error
        if self._held or self._failed is not None:
            self._arrivals.wake()

    def _told(self, message: Message, request: int) -> Message | None:
        """A message for everybody; None: it was somebody's reply."""
        if not request:
            return message
        waiting = self._waiting.pop(request, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(message)
        return None

    async def ask(self, message: Message, timeout_s: float = 5.0) -> Message:
        """Send a request and wait for its reply (somebody must iterate ``messages``).

        Raises:
            ProtocolError: The recorder answered with an error, went away, or did not answer in time.
        """
        self._request += 1
        request = self._request
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[request] = future
        try:
            await self.send(message, request)
            reply = await asyncio.wait_for(future, timeout_s)
        except TimeoutError as error:
            raise ProtocolError(f"no answer from the recorder within {timeout_s:g} s") from error
        except OSError as error:
            raise ProtocolError(f"the recorder went away: {error}") from error
        finally:
            self._waiting.pop(request, None)
        if isinstance(reply, Error):
            raise ProtocolError(reply.message)
        return reply

    async def send(self, message: Message, request: int = 0) -> None:
        """Send without waiting for a reply. Raises: OSError."""
        await self._arrivals.write(codec.encode(message, request))

    async def close(self) -> None:
        """Close the connection. Twice is harmless."""
        await self._arrivals.close()


class _Arrivals(asyncio.Protocol):
    """Frames as they arrive over a socket."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.ended = False
        """Nothing more will come."""
        self._data = bytearray()
        self._at = 0
        """Of the next frame in the data."""
        self._paused = self._full = False
        self._waiter: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        """Done when the transport takes more; None: it does."""
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # ---- what the loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        self._bound()
        self.wake()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  an end is an end
        self.ended = True
        self.resume_writing()
        if not self._gone.done():
            self._gone.set_result(None)
        self.wake()

    def pause_writing(self) -> None:
        if self._room is None:
            self._room = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        self._room = None

    # ---- reading

    def take(self) -> tuple[Message, int] | None:
        """The next message that is there as a whole, and its request.

        Raises:
            ProtocolError: It is none, or the connection ended inside it.
        """
        begin = self._at + codec.HEADER
        end = begin
        if len(self._data) >= begin:
            end += codec.frame_length(bytes(self._data[self._at : begin]))
            if len(self._data) >= end:
                self._at = end
                return codec.decode(bytes(self._data[begin:end]))
        # What was taken is dropped once for all of it.
        del self._data[: self._at]
        self._at = 0
        if self._data and self.ended:
            raise ProtocolError("the connection ended inside a frame")
        self._full = False
        self._flow()
        return None

    async def next(self) -> tuple[Message, int] | None:
        """The next message; None when the peer closed between two.

        Raises:
            ProtocolError: As ``take``.
        """
        while (item := self.take()) is None and not self.ended:
            await self.more()
        return item

    async def more(self) -> None:
        """Until something has come, or the end."""
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def wake(self) -> None:
        """Whoever waits for more looks again."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def read(self) -> None:
        """Take what lies in the socket, without the loop."""
        while not self._full:
            try:
                data = os.read(self.transport.get_extra_info("socket").fileno(), _READ)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.resume()  # the loop sees the end as well, and ends the connection
                return
            self._data += data
            self._bound()
            if len(data) < _READ:
                return

    def pause(self) -> None:
        self._paused = True
        self._flow()

    def resume(self) -> None:
        self._paused = False
        self._flow()

    def _bound(self) -> None:
        if len(self._data) - self._at > max(_LIMIT, self._wanted()):
            self._full = True
            self._flow()

    def _wanted(self) -> int:
        """Bytes (By) of the frame that is arriving: one may be larger than what is held otherwise."""
        begin = self._at + codec.HEADER
        if len(self._data) < begin:
            return 0
        return codec.HEADER + int.from_bytes(self._data[self._at : begin], "big")

    def _flow(self) -> None:
        if self.transport.is_closing():
            return
        if self._paused or self._full:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    # ---- writing

    async def write(self, data: bytes) -> None:
        """Raises: OSError: the connection is gone."""
        if self.ended:
            raise ConnectionResetError("the recorder closed the connection")
        self.transport.write(data)
        if self._room is not None:
            await asyncio.shield(self._room)

    async def close(self) -> None:
        """Twice is harmless."""
        self.transport.close()
        await asyncio.shield(self._gone)


def _greeting(item: tuple[Message, int] | None, socket: str) -> Hello:
    if item is None:
        raise ProtocolError(f"{socket}: the recorder closed the connection")
    message, _ = item
    if isinstance(message, Error):
        raise ProtocolError(message.message)
    if not isinstance(message, Hello):
        raise ProtocolError(f"{socket}: expected a greeting, got {type(message).__name__}")
    return message
