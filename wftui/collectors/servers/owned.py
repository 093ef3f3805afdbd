"""Servers that sign the models they list (``owned_by``): what two of them have in common."""

import msgspec

from wftui.collectors.servers.figures import Whole
from wftui.collectors.servers.web import Web, refusal
from wftui.errors import SourceFormatError, SourceUnavailableError

MODELS = "/v1/models"


class Model(msgspec.Struct):
    """One of ``/v1/models``."""

    id: str
    owned_by: str = ""
    max_model_len: Whole | None = None
    root: str | None = None
    """Of vLLM. The model: its path or repository; an adapter: its path."""
    parent: str | None = None
    """Of vLLM: the model that an adapter belongs to."""


class Models(msgspec.Struct):
    """``/v1/models``."""

    data: list[Model] = []


class _Version(msgspec.Struct):
    version: str


async def identify(web: Web, owner: str, page: str, mark: bytes) -> str | None:
    """Whether the models are signed so; ``/version`` alone would also be that of others.

    Args:
        web: The server.
        owner: The signature.
        page: Of its metrics, which no key guards.
        mark: What a line of that page begins with.

    Returns:
        Its version, empty when it does not say; None: it is something else.

    Raises:
        SourceError: It does not answer, or wants a key and has no such page.
    """
    answer = await web.get(MODELS)
    if answer.status in (401, 403):
        metrics = await web.get(page)
        if metrics.status == 200:
            return "" if b"\n" + mark in metrics.body else None
        raise refusal(answer)
    if answer.status != 200:
        return None
    try:
        if not any(item.owned_by == owner for item in answer.json(Models).data):
            return None
        return (await web.json("/version", _Version)).version
    except SourceFormatError:
        return None
    except SourceUnavailableError:
        return ""
