"""Triton Inference Server: its metrics stand at another port of the same process; without them its statistics.

Durations are microseconds that add up, without buckets: means are all that can be had of them. An ensemble counts
each request once more in each of its members, so models stand side by side and are never added.
"""

from typing import Final

import msgspec

from wftui.collectors.servers.figures import Histogram, Key, Look, Missing, ModelInfo, gauge, named
from wftui.collectors.servers.gains import Gains
from wftui.collectors.servers.sign import sign
from wftui.collectors.servers.takes import COUNTER, HISTOGRAM, MAX, SUMMARY, Reader, Take
from wftui.collectors.servers.web import Answer, Web
from wftui.errors import SourceError
from wftui.model.sample import DERIVED, MEASURED

NAME: Final = "triton"
PAGE: Final = "/metrics"
ABOUT: Final = "/v2"
STATISTICS: Final = "/v2/models/stats"
_EVERY: Final = 30
"""Looks between two searches for a page that was not there."""
_US: Final = 1e-6
_MS: Final = 1e-3
_NS: Final = 1e-9
_ONLY: Final = (float("inf"),)
_DONE: Final = "nv_inference_request_success"
_FAILURES: Final = {"CANCELED": "aborted", "REJECTED": "rejected", "*": "failed"}
_MADE: Final = "made"
_BLOCKS: Final = "blocks"
"""Figures that others are made of, no series."""
_METRICS: Final = Missing(
    "requests under way, KV cache, memory",
    "its metrics port was not found: start it without --allow-metrics=false, or add metrics=PORT to its line in "
    "[servers]",
)
_BACKEND: Final = Missing(
    "tokens, time to first token",
    "Triton itself counts none: newer builds of the TensorRT-LLM backend count tokens, "
    "--metrics-config histogram_latencies=true times first responses",
)


def _us(name: str, metric: str, mode: str = "") -> Take:
    return Take(metric, (f"nv_inference_{name}_duration_us",), SUMMARY, mode, scale=_US, counter=_DONE)


TAKES: Final = (
    Take(
        "inference.requests",
        ("nv_trt_llm_request_metrics",),
        by=("request_type", {"scheduled": "running", "waiting": "waiting"}),
    ),
    Take("inference.requests", ("nv_inference_pending_request_count",), mode="waiting"),
    Take("inference.request.count", (_DONE,), COUNTER, mode="finished"),
    Take("inference.request.count", ("nv_inference_request_failure",), COUNTER, by=("reason", _FAILURES)),
    Take("inference.tokens", ("nv_llm_input_token_len_sum",), COUNTER, mode="prompt", coarse=True),
    Take("inference.tokens", ("nv_llm_output_token_len_sum",), COUNTER, mode="generation", coarse=True),
    Take(
        "gen_ai.server.time_to_first_token",
        ("nv_inference_first_response_histogram_ms",),
        HISTOGRAM,
        scale=_MS,
    ),
    _us("request", "gen_ai.server.request.duration"),
    _us("queue", "inference.phase.duration", "queue"),
    Take(
        "inference.kv_cache.utilization",
        ("nv_trt_llm_kv_cache_block_metrics",),
        only=("kv_cache_block_type", "fraction"),
        fold=MAX,
    ),
    Take(
        _BLOCKS,
        ("nv_trt_llm_kv_cache_block_metrics",),
        by=("kv_cache_block_type", {"max": "max", "tokens_per": "tokens_per"}),
        fold=MAX,
    ),
    Take(
        "inference.model.memory",
        ("nv_trt_llm_runtime_memory_metrics",),
        by=("memory_type", {"gpu": "vram", "cpu": "ram", "pinned": "ram"}),
    ),
    Take(
        "inference.batch.tokens",
        ("nv_trt_llm_inflight_batcher_metrics",),
        only=("inflight_batcher_specific_metric", "total_context_tokens"),
    ),
    Take(_MADE, ("nv_inference_count",), COUNTER, mode="inferences"),
    Take(_MADE, ("nv_inference_exec_count",), COUNTER, mode="batches"),
)


class _About(msgspec.Struct):
    name: str
    version: str = ""


class _Took(msgspec.Struct):
    count: float = 0.0
    ns: float = 0.0


class _Ends(msgspec.Struct):
    success: _Took
    fail: _Took
    queue: _Took


class _Model(msgspec.Struct):
    name: str
    inference_stats: _Ends
    inference_count: float = 0.0
    execution_count: float = 0.0


class _Statistics(msgspec.Struct):
    model_stats: list[_Model]


async def identify(web: Web) -> str | None:
    """``/v2`` gives its name and version."""
    about = await sign(web, ABOUT, _About)
    return about.version if about is not None and about.name == NAME else None


class Triton:
    """One Triton."""

    def __init__(self) -> None:
        self._reader = Reader(TAKES, PAGE, ("model",))
        self._looks = 0
        self._beside: Web | None = None
        """Where its metrics are."""
        self._gains: dict[str, Gains] = {}

    async def look(self, web: Web) -> Look:
        """Read its metrics where they are; without them only see that it answers."""
        search = self._looks % _EVERY == 0
        self._looks += 1
        if self._beside is None and search:
            self._beside = await _found(web)
        if self._beside is None:
            return await self._without(web)
        try:
            answer = await self._beside.ok(PAGE)
        except SourceError:
            self._beside = None
            self._looks = 0
            raise
        return self._page(answer, self._beside)

    def _page(self, answer: Answer, beside: Web) -> Look:
        look = Look(reads=(f"{beside.endpoint.name}{PAGE}",), at=answer.at)
        self._reader.read(answer.body, look)
        if not any(name.startswith("nv_llm_") for name in self._reader.families):
            look.missing = (_BACKEND,)
        made: dict[str, dict[str, float]] = {}
        for key in [key for key in look.counters if key.metric == _MADE]:
            made.setdefault(key.model, {})[key.mode] = look.counters.pop(key)
        for model, found in made.items():
            if len(found) == 2:
                self._batches(look, answer, model, found["inferences"], found["batches"])
        blocks: dict[str, dict[str, float]] = {}
        for key in [key for key in look.gauges if key.metric == _BLOCKS]:
            blocks.setdefault(key.model, {})[key.mode] = look.gauges.pop(key)
        for model, found in blocks.items():
            if len(found) == 2:
                call = f"{PAGE} nv_trt_llm_kv_cache_block_metrics"
                key = gauge("inference.kv_cache.limit", model, call=call, derived=True)
                look.gauges[key] = found["max"] * found["tokens_per"]
        models = {key.model: None for key in look.counters if key.model}
        look.models = tuple(ModelInfo(name=model) for model in models)
        return look

    async def _without(self, web: Web) -> Look:
        """What its statistics say; a server may have switched them off."""
        answer = await web.get(STATISTICS)
        if answer.status != 200:
            answer = await web.ok(ABOUT)
            return Look(reads=(ABOUT,), at=answer.at, missing=(_METRICS, _BACKEND))
        look = Look(reads=(STATISTICS,), at=answer.at, missing=(_METRICS, _BACKEND))
        made: dict[str, tuple[float, float]] = {}
        sums: dict[tuple[str, str], _Took] = {}
        for item in answer.json(_Statistics).model_stats:  # one for each version
            model = named(item.name)
            inferences, batches = made.get(model, (0.0, 0.0))
            made[model] = inferences + item.inference_count, batches + item.execution_count
            ends = item.inference_stats
            for mode, took in (("finished", ends.success), ("failed", ends.fail)):
                key = _key("inference.request.count", model, mode, "count")
                look.counters[key] = look.counters.get(key, 0.0) + took.count
            for mode, count, ns in (
                ("", ends.success.count, ends.success.ns),
                ("queue", ends.queue.count, ends.queue.ns),
            ):
                so_far = sums.setdefault((model, mode), _Took())
                so_far.count, so_far.ns = so_far.count + count, so_far.ns + ns
        for (model, mode), took in sums.items():
            metric = "inference.phase.duration" if mode else "gen_ai.server.request.duration"
            look.histograms[_key(metric, model, mode, "ns")] = Histogram(_ONLY, (took.count,), took.ns * _NS)
        for model, (inferences, batches) in made.items():
            self._batches(look, answer, model, inferences, batches)
        look.models = tuple(ModelInfo(name=model) for model in made)
        return look

    def _batches(self, look: Look, answer: Answer, model: str, inferences: float, batches: float) -> None:
        size = self._gains.setdefault(model, Gains()).ratio(answer.at.boottime_ns, inferences, batches)
        if size is not None:
            call = f"{answer.path} inferences / executions, last 10 s"
            look.gauges[gauge("inference.batch.size", model, call=call, derived=True)] = size


def _key(metric: str, model: str, mode: str, name: str) -> Key:
    return Key(metric, model, mode, DERIVED if name == "ns" else MEASURED, f"{STATISTICS} {name}")


async def _found(web: Web) -> Web | None:
    """The address of the same process that has its metrics; behind a proxy it may be this one."""
    for beside in [*(web.beside(sibling) for sibling in web.siblings), web]:
        try:
            answer = await beside.get(PAGE)
        except SourceError:
            continue  # gRPC speaks no HTTP/1.1
        if answer.status == 200 and b"nv_inference_" in answer.body:
            return beside
    return None


def make() -> Triton:
    """An adapter for one Triton."""
    return Triton()
