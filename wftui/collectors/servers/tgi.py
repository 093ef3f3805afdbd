"""Text Generation Inference: its metrics page, and what it says of its model."""

from typing import Final

import msgspec

from wftui.collectors.servers.figures import Look, Missing, ModelInfo, Whole, gauge, named
from wftui.collectors.servers.sign import sign
from wftui.collectors.servers.takes import COUNTER, HISTOGRAM, Reader, Take
from wftui.collectors.servers.web import Web

NAME: Final = "tgi"
PAGE: Final = "/metrics"
INFO: Final = "/info"
_EVERY: Final = 30
"""Looks between two questions for what hardly changes."""
_FAILURES: Final = {"overloaded": "rejected", "validation": "rejected", "*": "failed"}
_GRANTED: Final = "granted"
_ROOM: Final = "inference.kv_cache.limit"

# Names without a unit are seconds. A family appears after its first use: one that is not there was not used yet.
TAKES: Final = (
    Take("inference.requests", ("tgi_batch_current_size",), mode="running"),
    Take("inference.requests", ("tgi_queue_size",), mode="waiting"),
    Take("inference.batch.size", ("tgi_batch_current_size",)),
    Take("inference.request.count", ("tgi_request_success",), COUNTER, mode="finished"),
    Take("inference.request.count", ("tgi_request_failure",), COUNTER, by=("err", _FAILURES)),
    # No counters of tokens: the histograms of lengths sum them up when a request ends.
    Take("inference.tokens", ("tgi_request_input_length_sum",), COUNTER, mode="prompt", coarse=True),
    Take("inference.tokens", ("tgi_request_generated_tokens_sum",), COUNTER, mode="generation", coarse=True),
    Take("gen_ai.server.request.duration", ("tgi_request_duration",), HISTOGRAM),
    Take("gen_ai.server.time_per_output_token", ("tgi_request_mean_time_per_token_duration",), HISTOGRAM),
    Take("inference.phase.duration", ("tgi_request_queue_duration",), HISTOGRAM, mode="queue"),
    Take(_GRANTED, ("tgi_batch_current_max_tokens",)),
    Take(_ROOM, ("tgi_batch_total_tokens",)),
)
_MISSING: Final = (
    Missing(
        "time to first token, tokens as they are made",
        "it tells tokens when a request ends: `wftop proxy --upstream` in front of it measures both",
    ),
)


class _Info(msgspec.Struct):
    model_id: str
    router: str
    version: str = ""
    max_total_tokens: Whole | None = None
    max_input_tokens: Whole | None = None
    model_dtype: str | None = None


async def identify(web: Web) -> str | None:
    """``/info`` names a model and a router; no key guards it."""
    info = await sign(web, INFO, _Info)
    return None if info is None else info.version


class Tgi:
    """One router of TGI."""

    def __init__(self) -> None:
        self._reader = Reader(TAKES, PAGE)
        self._looks = 0

    async def look(self, web: Web) -> Look:
        """Read its page; ask for its model now and then."""
        answer = await web.ok(PAGE)
        look = Look(reads=(PAGE,), at=answer.at, missing=_MISSING)
        self._reader.read(answer.body, look)
        granted = room = None
        for key in list(look.gauges):
            if key.metric == _GRANTED:
                granted = look.gauges.pop(key)
            elif key.metric == _ROOM:
                room = look.gauges[key]
        if granted is not None and room:
            # Blocks are set aside for the most that the batch may become: of the cache, that is what is in use.
            call = f"{PAGE} tgi_batch_current_max_tokens / tgi_batch_total_tokens"
            look.gauges[gauge("inference.kv_cache.utilization", call=call, derived=True)] = granted / room
        if self._looks % _EVERY == 0:
            info = await web.json(INFO, _Info)
            look.version = info.version
            look.models = (
                ModelInfo(
                    name=named(info.model_id),
                    quantization=named(info.model_dtype or ""),
                    context=info.max_total_tokens or info.max_input_tokens,
                ),
            )
        self._looks += 1
        return look


def make() -> Tgi:
    """An adapter for one TGI."""
    return Tgi()
