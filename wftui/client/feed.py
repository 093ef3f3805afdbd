"""A connection to the recorder: a live feed and questions over the same socket."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final, Self

from wftui.errors import ProtocolError
from wftui.wire import codec, stream
from wftui.wire.messages import VERSION, Error, Hello, Message

_LIMIT: Final = 1024 * 1024
"""Bytes that asyncio buffers before it stops reading: a view that stands still makes the recorder drop."""


class Feed:
    """One open connection. Make it with :meth:`open`; whoever opens it closes it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._request = 0
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self.recorder: Hello = Hello(VERSION, "recorder")
        """The recorder's greeting."""

    @classmethod
    async def open(cls, socket: str, hello: Hello) -> Self:
        """Connect and greet.

        Raises:
            OSError: Nobody answers there.
            ProtocolError: It is no recorder, or one of another major version.
        """
        reader, writer = await asyncio.open_unix_connection(socket, limit=_LIMIT)
        feed = cls(reader, writer)
        try:
            writer.write(codec.encode(hello))
            feed.recorder = _greeting(await asyncio.wait_for(stream.read(reader), timeout=5), socket)
        except BaseException:
            await feed.close()
            raise
        return feed

    async def messages(self) -> AsyncIterator[Message]:
        """Everything that is no reply, in order; ends when the recorder closes.

        Replies reach their askers only while somebody iterates.

        Raises:
            ProtocolError: What came is not the protocol.
        """
        try:
            while (item := await stream.read(self._reader)) is not None:
                message, request = item
                if request:
                    waiting = self._waiting.pop(request, None)
                    if waiting is not None and not waiting.done():
                        waiting.set_result(message)
                else:
                    yield message
        finally:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(ProtocolError("the recorder closed the connection"))
            self._waiting.clear()

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
        self._writer.write(codec.encode(message, request))
        await self._writer.drain()

    async def close(self) -> None:
        """Close the connection. Twice is harmless."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            return


def _greeting(item: tuple[Message, int] | None, socket: str) -> Hello:
    if item is None:
        raise ProtocolError(f"{socket}: the recorder closed the connection")
    message, _ = item
    if isinstance(message, Error):
        raise ProtocolError(message.message)
    if not isinstance(message, Hello):
        raise ProtocolError(f"{socket}: expected a greeting, got {type(message).__name__}")
    return message
