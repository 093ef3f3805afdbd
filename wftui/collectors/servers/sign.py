"""A page that only one kind of server has, and has in that shape."""

from typing import TypeVar

from wftui.collectors.servers.web import Web, refusal
from wftui.errors import SourceFormatError

T = TypeVar("T")


async def sign(web: Web, path: str, shape: type[T]) -> T | None:
    """What the page says; None: it is not there, or something else's.

    Raises:
        SourceError: The server does not answer, or wants a key.
    """
    answer = await web.get(path)
    if answer.status in (401, 403):
        raise refusal(answer)
    if answer.status != 200:
        return None
    try:
        return answer.json(shape)
    except SourceFormatError:
        return None
