"""``transformers serve``: that it answers is all that it tells.

Its ``/v1/models`` lists what lies in the cache of downloads, not what is loaded, and fails where that folder is
missing: it is not asked.
"""

from typing import Final

import msgspec

from wftui.collectors.servers.figures import Look, Missing
from wftui.collectors.servers.web import Web
from wftui.errors import SourceFormatError

NAME: Final = "transformers"
HEALTH: Final = "/health"
PATHS: Final = "/openapi.json"
_OWN: Final = frozenset({"/load_model", "/v1/responses"})
_MISSING: Final = (
    Missing(
        "requests, tokens, latencies, loaded models",
        "it has no metrics: `wftop proxy --upstream` in front of it measures them",
    ),
)


class _Health(msgspec.Struct):
    status: str


class _Paths(msgspec.Struct):
    paths: dict[str, msgspec.Raw]


async def identify(web: Web) -> str | None:
    """It is well, and has two paths that no other has both of."""
    health = await web.get(HEALTH)
    if health.status != 200:
        return None
    try:
        if health.json(_Health).status != "ok":
            return None
        answer = await web.get(PATHS)
        found = answer.status == 200 and answer.json(_Paths).paths.keys() >= _OWN
    except SourceFormatError:
        return None
    return "" if found else None


class Transformers:
    """One ``transformers serve``."""

    async def look(self, web: Web) -> Look:
        """See that it answers."""
        answer = await web.ok(HEALTH)
        answer.json(_Health)
        return Look(reads=(HEALTH,), at=answer.at, missing=_MISSING)


def make() -> Transformers:
    """An adapter for one ``transformers serve``."""
    return Transformers()
