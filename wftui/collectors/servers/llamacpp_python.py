"""``python -m llama_cpp.server``: the models that it was given, nothing about its work."""

from typing import Final

import msgspec

from wftui.collectors.servers.figures import Look, Missing, ModelInfo, named
from wftui.collectors.servers.web import Web, refusal
from wftui.errors import SourceFormatError

NAME: Final = "llama-cpp-python"
PATHS: Final = "/openapi.json"
MODELS: Final = "/v1/models"
_OWN: Final = "/extras/tokenize/count"
_EITHER: Final = "one of several, loaded when it is asked for; which one is loaded it does not say"
_MISSING: Final = (
    Missing(
        "requests, tokens, latencies",
        "it has no metrics: `wftop proxy --upstream` in front of it measures them",
    ),
)


class _Paths(msgspec.Struct):
    paths: dict[str, msgspec.Raw]


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


async def identify(web: Web) -> str | None:
    """A path among those it lists that no other has."""
    answer = await web.get(PATHS)
    if answer.status != 200:
        return None
    try:
        return "" if _OWN in answer.json(_Paths).paths else None
    except SourceFormatError:
        return None


class LlamaCppPython:
    """One of it."""

    async def look(self, web: Web) -> Look:
        """Ask for its models."""
        answer = await web.get(MODELS)
        if answer.status != 200:
            raise refusal(answer)
        names = [named(item.id) for item in answer.json(_Models).data]
        detail = _EITHER if len(names) > 1 else ""
        state = "" if len(names) > 1 else "loaded"
        models = tuple(ModelInfo(name=name, state=state, detail=detail) for name in names)
        return Look(reads=(MODELS,), at=answer.at, models=models, missing=_MISSING)


def make() -> LlamaCppPython:
    """An adapter for one of it."""
    return LlamaCppPython()
