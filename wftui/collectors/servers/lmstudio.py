"""LM Studio: which models it has and which are loaded. It answers every path with 200, so shapes decide."""

import re
from typing import Final

import msgspec

from wftui.collectors.servers.figures import Look, Missing, ModelInfo, Whole, named
from wftui.collectors.servers.web import Answer, Web, refusal
from wftui.errors import SourceFormatError
from wftui.model.servers import LOADED, LOADING, UNLOADED

NAME: Final = "lmstudio"
MODELS: Final = "/api/v1/models"
OLDER: Final = "/api/v0/models"
_PARAMETERS: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)([BMT])\Z")
_FACTORS: Final = {"M": 1e6, "B": 1e9, "T": 1e12}
_MISSING: Final = (
    Missing(
        "requests, tokens, latencies",
        "it tells them to its clients only: `wftop proxy --upstream` in front of it measures them",
    ),
)


class _Quantization(msgspec.Struct):
    name: str | None = None


class _Config(msgspec.Struct, frozen=True):
    context_length: Whole | None = None


class _Instance(msgspec.Struct):
    id: str
    config: _Config = _Config()


class _Model(msgspec.Struct):
    key: str
    loaded_instances: list[_Instance]
    quantization: _Quantization | None = None
    size_bytes: float | None = None
    params_string: str | None = None
    max_context_length: Whole | None = None
    format: str | None = None
    architecture: str | None = None


class _Models(msgspec.Struct):
    models: list[_Model]


class _Older(msgspec.Struct):
    id: str
    state: str
    compatibility_type: str
    quantization: str | None = None
    max_context_length: Whole | None = None
    loaded_context_length: Whole | None = None
    arch: str | None = None


class _OlderList(msgspec.Struct):
    data: list[_Older]


async def identify(web: Web) -> str | None:
    """One of its own two lists of models, in its shape."""
    for path, shape in ((MODELS, _Models), (OLDER, _OlderList)):
        answer = await web.get(path)
        if answer.status in (401, 403):
            raise refusal(answer)
        if answer.status == 200 and _is(answer, shape):
            return ""
    return None


def _is(answer: Answer, shape: type[msgspec.Struct]) -> bool:
    try:
        answer.json(shape)
    except SourceFormatError:
        return False
    return True


class LmStudio:
    """One LM Studio."""

    def __init__(self) -> None:
        self._path = MODELS
        """Of the list that it has: it answers 200 for one that it does not have, too."""

    async def look(self, web: Web) -> Look:
        """Ask for its models; the list of 0.3 where that of 0.4 is not there."""
        answer = await web.ok(self._path)
        if self._path == MODELS and not _is(answer, _Models):
            self._path = OLDER
            answer = await web.ok(OLDER)
        look = Look(reads=(self._path,), at=answer.at, missing=_MISSING)
        if self._path == MODELS:
            models = answer.json(_Models).models
            look.models = tuple(info for item in models for info in _infos(item))
        else:
            look.models = tuple(_older(item) for item in answer.json(_OlderList).data)
        return look


def _infos(item: _Model) -> list[ModelInfo]:
    """A row for each loaded instance, or one for the model that is not loaded."""
    info = ModelInfo(
        name=named(item.key),
        state=UNLOADED,
        size=item.size_bytes,
        parameters=parameters(item.params_string or ""),
        quantization=named((item.quantization and item.quantization.name) or ""),
        context=item.max_context_length,
        detail=_detail(item.architecture, item.format),
    )
    return [
        msgspec.structs.replace(
            info,
            name=named(instance.id),
            state=LOADED,
            context=instance.config.context_length or item.max_context_length,
        )
        for instance in item.loaded_instances
    ] or [info]


def _older(item: _Older) -> ModelInfo:
    states = {"loaded": LOADED, "loading": LOADING}
    return ModelInfo(
        name=named(item.id),
        state=states.get(item.state, UNLOADED),
        quantization=named(item.quantization or ""),
        context=item.loaded_context_length or item.max_context_length,
        detail=_detail(item.arch, item.compatibility_type),
    )


def _detail(*words: str | None) -> str:
    return ", ".join(named(word) for word in words if word)


def parameters(said: str) -> float | None:
    """Parameters as people write them, ``8B``; None: it is no such text."""
    found = _PARAMETERS.match(said)
    return float(found[1]) * _FACTORS[found[2]] if found else None


def make() -> LmStudio:
    """An adapter for one LM Studio."""
    return LmStudio()
