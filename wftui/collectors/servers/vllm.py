"""vLLM: one metrics page says nearly all. v1 names, v0 names where they stand instead."""

import re
from typing import Final

from wftui.collectors.servers import owned
from wftui.collectors.servers.exposition import parse
from wftui.collectors.servers.figures import WHOLE, Look, Missing, ModelInfo, gauge, named
from wftui.collectors.servers.takes import COUNTER, HISTOGRAM, MEAN, Reader, Take
from wftui.collectors.servers.web import Web
from wftui.errors import SourceFormatError
from wftui.model import health

NAME: Final = "vllm"
PAGE: Final = "/metrics"
_MODELS_S: Final = 30
"""Looks between two questions for the models."""
_CONFIG: Final = b"vllm:cache_config_info{"
_SLEEP: Final = b"vllm:engine_sleep_state{"
_AWAKE: Final = re.compile(rb'sleep_state="awake"[^}]*+} 0(?:\.0)?$', re.MULTILINE)
_ENDS: Final = {
    "stop": "finished",
    "length": "finished",
    "repetition": "finished",
    "abort": "aborted",
    "error": "failed",
}


def _family(*names: str) -> tuple[str, ...]:
    return tuple(f"vllm:{name}" for name in names)


TAKES: Final = (
    Take("inference.requests", _family("num_requests_running"), mode="running"),
    Take("inference.requests", _family("num_requests_waiting"), mode="waiting"),
    Take("inference.request.count", _family("request_success_total"), COUNTER, by=("finished_reason", _ENDS)),
    Take("inference.request.count", _family("admission_rejections_total"), COUNTER, mode="rejected"),
    Take("inference.tokens", _family("prompt_tokens_total"), COUNTER, mode="prompt"),
    Take("inference.tokens", _family("prompt_tokens_cached_total"), COUNTER, mode="cached"),
    Take("inference.tokens", _family("generation_tokens_total"), COUNTER, mode="generation"),
    Take("gen_ai.server.time_to_first_token", _family("time_to_first_token_seconds"), HISTOGRAM),
    # Until 2025 "time per output token" was the gap between tokens; then that got its true name.
    Take(
        "inference.inter_token_latency",
        _family("inter_token_latency_seconds", "time_per_output_token_seconds"),
        HISTOGRAM,
    ),
    Take("gen_ai.server.time_per_output_token", _family("request_time_per_output_token_seconds"), HISTOGRAM),
    Take("gen_ai.server.request.duration", _family("e2e_request_latency_seconds"), HISTOGRAM),
    Take("inference.phase.duration", _family("request_queue_time_seconds"), HISTOGRAM, mode="queue"),
    Take("inference.phase.duration", _family("request_prefill_time_seconds"), HISTOGRAM, mode="prefill"),
    Take("inference.phase.duration", _family("request_decode_time_seconds"), HISTOGRAM, mode="decode"),
    Take("inference.kv_cache.utilization", _family("kv_cache_usage_perc", "gpu_cache_usage_perc"), fold=MEAN),
    Take(
        "inference.prefix_cache.tokens",
        _family("prefix_cache_queries_total", "gpu_prefix_cache_queries_total"),
        COUNTER,
        mode="queried",
    ),
    Take(
        "inference.prefix_cache.tokens",
        _family("prefix_cache_hits_total", "gpu_prefix_cache_hits_total"),
        COUNTER,
        mode="hit",
    ),
    Take(
        "inference.prefix_cache.hit_ratio",
        _family("gpu_prefix_cache_hit_rate"),
        fold=MEAN,
        unknown=frozenset({-1.0}),
    ),
    Take("inference.preemptions", _family("num_preemptions_total"), COUNTER),
    Take(
        "inference.speculation.tokens",
        _family("spec_decode_num_draft_tokens_total"),
        COUNTER,
        mode="drafted",
    ),
    Take(
        "inference.speculation.tokens",
        _family("spec_decode_num_accepted_tokens_total"),
        COUNTER,
        mode="accepted",
    ),
)


async def identify(web: Web) -> str | None:
    """Who signed its models says it."""
    return await owned.identify(web, NAME, PAGE, b"vllm:")


class Vllm:
    """One vLLM."""

    def __init__(self) -> None:
        self._reader = Reader(TAKES, PAGE)
        self._limit: float | None = None
        """Tokens that fit into the cache; it is set when the engine starts."""
        self._looks = 0

    async def look(self, web: Web) -> Look:
        """Read its page; ask for its models now and then."""
        answer = await web.ok(PAGE)
        look = Look(reads=(PAGE,), at=answer.at)
        self._reader.read(answer.body, look)
        if not any(name.startswith("vllm:") for name in self._reader.families):
            look.missing = (Missing("requests, tokens, latencies", "start it without --disable-log-stats"),)
        if _sleeps(answer.body):
            look.state, look.reason = health.ASLEEP, "its engine sleeps: it takes no requests until it is woken"
        if self._looks % _MODELS_S == 0:
            look.models = await self._ask_models(web)
            self._limit = _limit(answer.body)
        if self._limit is not None:
            models = {key.model for key in look.gauges}
            model = models.pop() if len(models) == 1 else WHOLE
            key = gauge("inference.kv_cache.limit", model, call=f"{PAGE} vllm:cache_config_info", derived=True)
            look.gauges[key] = self._limit
        self._looks += 1
        return look

    async def _ask_models(self, web: Web) -> tuple[ModelInfo, ...] | None:
        answer = await web.get(owned.MODELS)
        if answer.status != 200:
            return None  # guarded by a key that we do not have: the page names the model
        try:
            models = answer.json(owned.Models).data
        except SourceFormatError:
            return None
        return tuple(
            ModelInfo(
                name=named(item.id),
                context=item.max_model_len,
                detail=f"adapter of {named(item.parent)}" if item.parent else "",
            )
            for item in models
        )


def _sleeps(page: bytes) -> bool:
    # Within its family: a search of the whole page is a tenth of what a look costs.
    begin = page.find(_SLEEP)
    return begin >= 0 and _AWAKE.search(page, begin, page.find(b"\n#", begin) + 1 or len(page)) is not None


def _limit(page: bytes) -> float | None:
    """Tokens that the KV caches of all engines hold: blocks by tokens of a block, as labels of an info metric."""
    found = None
    for line in page.split(b"\n"):
        if line.startswith(_CONFIG):
            for sample in parse(line, PAGE):
                blocks, size = sample.labels.get("num_gpu_blocks", ""), sample.labels.get("block_size", "")
                if blocks.isdecimal() and size.isdecimal():
                    found = (found or 0.0) + float(blocks) * float(size)
    return found


def make() -> Vllm:
    """An adapter for one vLLM."""
    return Vllm()
