"""LocalAI: mean durations of calls from its page, loaded models from ``/system``.

The page's one histogram has buckets that were made for milliseconds, its values are seconds: all that is shorter
than 5 s falls into one of them, so only the mean is read.
"""

from typing import Final

import msgspec

from wftui.collectors.servers.figures import Look, Missing, ModelInfo, named
from wftui.collectors.servers.sign import sign
from wftui.collectors.servers.takes import SUMMARY, Reader, Take
from wftui.collectors.servers.web import Web, refusal
from wftui.errors import SourceFormatError, SourceUnavailableError

NAME: Final = "localai"
PAGE: Final = "/metrics"
SYSTEM: Final = "/system"
_EVERY: Final = 5
"""Looks between two questions for the models: it looks at their processes for an answer."""
_GENERATING: Final = dict.fromkeys(
    (
        "/v1/chat/completions",
        "/chat/completions",
        "/v1/completions",
        "/completions",
        "/v1/messages",
        "/v1/responses",
        "/v1/images/generations",
        "/v1/edits",
    ),
    "",
)
_START: Final = "start"
TAKES: Final = (
    Take("gen_ai.server.request.duration", ("api_call_sum",), SUMMARY, by=("path", _GENERATING)),
    Take(_START, ("process_start_time_seconds",)),
)
_TOLD_BY_NOBODY: Final = Missing(
    "tokens, time to first token, queue",
    "LocalAI tells none: `wftop proxy --upstream` in front of it measures them",
)
_OFF: Final = Missing("durations", "start it without --disable-metrics-endpoint")


class _Process(msgspec.Struct):
    rss_bytes: float | None = None


class _Loaded(msgspec.Struct):
    id: str
    backend: str = ""
    process: _Process | None = None
    size_vram: float | None = None


class _System(msgspec.Struct):
    backends: list[msgspec.Raw] | None
    loaded_models: list[_Loaded] | None


class _Version(msgspec.Struct):
    version: str


async def identify(web: Web) -> str | None:
    """``/system`` has backends and loaded models."""
    if await sign(web, SYSTEM, _System) is None:
        return None
    try:
        return (await web.json("/version", _Version)).version
    except SourceFormatError:
        return None
    except SourceUnavailableError:
        return ""


class LocalAi:
    """One LocalAI."""

    def __init__(self) -> None:
        self._reader = Reader(TAKES, PAGE)
        self._looks = 0

    async def look(self, web: Web) -> Look:
        """Read its page; ask for its models now and then."""
        answer = await web.get(PAGE)
        look = Look(at=answer.at, missing=(_TOLD_BY_NOBODY,))
        if answer.status == 200:
            look.reads = (PAGE,)
            self._reader.read(answer.body, look)
            for key in [key for key in look.gauges if key.metric == _START]:
                look.birth = str(look.gauges.pop(key))
        elif answer.status in (404, 501):
            look.missing += (_OFF,)
        else:
            raise refusal(answer)
        if self._looks % _EVERY == 0 or answer.status != 200:
            system = await web.json(SYSTEM, _System)
            look.reads += (SYSTEM,)
            look.models = tuple(_info(item) for item in system.loaded_models or ())
        self._looks += 1
        return look


def _info(item: _Loaded) -> ModelInfo:
    return ModelInfo(
        name=named(item.id),
        vram=item.size_vram,
        ram=item.process.rss_bytes if item.process is not None else None,
        detail=f"backend {named(item.backend)}" if item.backend else "",
    )


def make() -> LocalAi:
    """An adapter for one LocalAI."""
    return LocalAi()
