"""Frames over an asyncio stream."""

import asyncio

from wftui.errors import ProtocolError
from wftui.wire import codec
from wftui.wire.messages import Message


async def read(reader: asyncio.StreamReader) -> tuple[Message, int] | None:
    """The next message and its request id; None when the peer closed between two frames.

    Raises:
        ProtocolError: The peer sent something else, or closed inside a frame.
    """
    try:
        header = await reader.readexactly(codec.HEADER)
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            return None
        raise ProtocolError("the connection ended inside a frame") from error
    except ConnectionError:
        return None
    try:
        body = await reader.readexactly(codec.frame_length(header))
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise ProtocolError("the connection ended inside a frame") from error
    return codec.decode(body)
