"""Replies that are not plain, framed by h11: loaded where one comes (0.8 MB)."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

import h11

from wftui.collectors.servers.framing import NotHttpError

_HEAD: Final = 64 * 1024


class Reply(NamedTuple):
    """One of them."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    again: bool
    """Whether the connection may be used again."""


async def framed(
    target: str,
    headers: Sequence[tuple[str, str]],
    data: bytes,
    read: Callable[[], Awaitable[bytes]],
    limit: int,
) -> Reply | None:
    """What is left of an exchange.

    Args:
        target: Of the question that was sent.
        headers: Of the question.
        data: How the reply began.
        read: Gives more of it; nothing: it has ended.
        limit: Bytes of a body at most.

    Returns:
        None: it is longer than ``limit``.

    Raises:
        NotHttpError: What came is no HTTP.
        EOFError: It ended without an answer.
    """
    state = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD)
    head: h11.Response | None = None
    body: list[bytes] = []
    length = 0
    try:
        state.send(h11.Request(method="GET", target=target, headers=list(headers)))
        state.send(h11.EndOfMessage())
        state.receive_data(data)
        while True:
            event = state.next_event()
            if event is h11.NEED_DATA:
                state.receive_data(await read())
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                length += len(event.data)
                if length > limit:
                    return None
                body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                break
            elif isinstance(event, h11.ConnectionClosed):
                raise EOFError
    except h11.ProtocolError as error:
        raise NotHttpError(str(error)) from error
    assert head is not None  # noqa: S101  h11 gives no end without a response
    again = state.our_state is h11.DONE and state.their_state is h11.DONE
    said = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
    return Reply(head.status_code, said, b"".join(body), again)
