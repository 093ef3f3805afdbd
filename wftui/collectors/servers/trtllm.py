"""TensorRT-LLM's ``trtllm-serve``: the text page when it is switched on, else the records of its iterations.

The records are a queue that each reader empties: with two of them, each has a part. So they are read only where
there is no text page, and their sums say what passed through our hands.
"""

from typing import Final

import msgspec

from wftui.collectors.servers import owned
from wftui.collectors.servers.figures import Key, Look, Missing, ModelInfo, gauge, named
from wftui.collectors.servers.gains import Gains
from wftui.collectors.servers.takes import COUNTER, HISTOGRAM, MEAN, Reader, Take
from wftui.collectors.servers.web import Answer, Web, refusal
from wftui.model.sample import DERIVED

NAME: Final = "trtllm"
OWNER: Final = "tensorrt_llm"
PAGE: Final = "/prometheus/metrics"
RECORDS: Final = "/metrics"
RECORDS_S: Final = 5.0
"""An idle server holds its answer for up to two seconds."""
_EVERY: Final = 30
"""Looks between two questions for what hardly changes, and for a page that was not there."""
_ENDS: Final = {"stop": "finished", "length": "finished", "cancelled": "aborted", "*": "failed"}
_REUSED: Final = "reused"
_PERF: Final = "return_perf_metrics: true in the YAML file of --extra_llm_api_options"
_ITERATIONS: Final = "enable_iter_perf_stats: true in the YAML file of --extra_llm_api_options (from 1.3 on)"
_AT_THE_END: Final = Missing(
    "tokens as they are made",
    "it counts them when a request ends: `wftop proxy --upstream` in front of it measures them",
)


def family(*names: str, prefixes: tuple[str, ...] = ("trtllm_", "")) -> tuple[str, ...]:
    """Names on the page; builds of early 2025 have the first few without the prefix."""
    return tuple(prefix + name for prefix in prefixes for name in names)


TAKES: Final = (
    Take("inference.requests", family("num_requests_running"), mode="running"),
    Take("inference.requests", family("num_requests_waiting"), mode="waiting"),
    Take("inference.request.count", family("request_success_total"), COUNTER, by=("finished_reason", _ENDS)),
    Take("inference.request.count", family("num_requests_completed_total"), COUNTER, mode="finished"),
    # Tokens of a request are counted when it ends.
    Take("inference.tokens", family("prompt_tokens_total"), COUNTER, mode="prompt", coarse=True),
    Take("inference.tokens", family("generation_tokens_total"), COUNTER, mode="generation", coarse=True),
    Take("gen_ai.server.time_to_first_token", family("time_to_first_token_seconds"), HISTOGRAM),
    Take("gen_ai.server.time_per_output_token", family("time_per_output_token_seconds"), HISTOGRAM),
    Take("gen_ai.server.request.duration", family("e2e_request_latency_seconds"), HISTOGRAM),
    Take("inference.phase.duration", family("request_queue_time_seconds"), HISTOGRAM, mode="queue"),
    Take("inference.phase.duration", family("request_prefill_time_seconds"), HISTOGRAM, mode="prefill"),
    Take("inference.phase.duration", family("request_decode_time_seconds"), HISTOGRAM, mode="decode"),
    Take("inference.kv_cache.utilization", family("kv_cache_utilization"), fold=MEAN),
    Take("inference.speculation.tokens", family("spec_decode_num_draft_tokens_total"), COUNTER, mode="drafted"),
    Take(
        "inference.speculation.tokens", family("spec_decode_num_accepted_tokens_total"), COUNTER, mode="accepted"
    ),
    # Blocks, and the page's own rate is that of its life: the share is made of what both gained.
    Take(_REUSED, family("kv_cache_reused_blocks_total"), COUNTER, mode="hit"),
    Take(_REUSED, family("kv_cache_missed_blocks_total"), COUNTER, mode="missed"),
)


class _Cache(msgspec.Struct, rename="camel"):
    used_num_blocks: float | None = None
    max_num_blocks: float | None = None
    tokens_per_block: float | None = None
    reused_blocks: float | None = None
    missed_blocks: float | None = None


class _Batch(msgspec.Struct, rename="camel"):
    num_scheduled_requests: float | None = None
    num_gen_requests: float = 0.0
    num_ctx_tokens: float = 0.0
    avg_num_decoded_tokens_per_iter: float = 1.0


class _Record(msgspec.Struct, rename="camel"):
    """One iteration of the engine."""

    iter: float | None = None
    num_active_requests: float | None = None
    num_queued_requests: float | None = None
    num_completed_requests: float = 0.0
    kv_cache_stats: _Cache | None = None
    inflight_batching_stats: _Batch | None = None


async def identify(web: Web) -> str | None:
    """Who signed its models says it."""
    return await owned.identify(web, OWNER, PAGE, b"trtllm_")


class Trtllm:
    """One ``trtllm-serve``."""

    def __init__(self) -> None:
        self._reader = Reader(TAKES, PAGE)
        self._looks = 0
        self._paged = True
        """Whether it has a text page."""
        self._models: tuple[ModelInfo, ...] | None = None
        self._sums = {"prompt": 0.0, "generation": 0.0, "finished": 0.0}
        """Of the records that came to us."""
        self._last = -1.0
        """Iteration of the record that came last."""
        self._births = 0
        self._gains: dict[str, Gains] = {}

    async def look(self, web: Web) -> Look:
        """Read its page; without one empty the queue of its records."""
        again = self._looks % _EVERY == 0
        self._looks += 1
        look = None
        if self._paged or again:
            answer = await web.get(PAGE)
            self._paged = answer.status == 200
            if not self._paged and answer.status not in (404, 405, 501):
                raise refusal(answer)
            if self._paged:
                look = self._page(answer)
        if look is None:
            look = await self._records(web)
        if again:
            look.models = await self._ask(web)
        return look

    def _page(self, answer: Answer) -> Look:
        look = Look(reads=(PAGE,), at=answer.at)
        self._reader.read(answer.body, look)
        blocks: dict[str, dict[str, float]] = {}
        for key in [key for key in look.counters if key.metric == _REUSED]:
            blocks.setdefault(key.model, {})[key.mode] = look.counters.pop(key)
        for model, found in blocks.items():
            if len(found) == 2:
                self._share(look, answer, model, found["hit"], found["missed"])
        # How many ended is told twice; with the reasons it is the better one, in all its modes.
        told = {key.model for key in look.counters if key.call.endswith("request_success_total")}
        for key in [key for key in look.counters if key.call.endswith("requests_completed_total")]:
            if key.model in told:
                del look.counters[key]
        look.missing = (_AT_THE_END,)
        names = self._reader.families
        if not any(name.endswith("request_success_total") for name in names):
            look.missing += (Missing("time to first token, latencies, totals", _PERF),)
        if "trtllm_num_requests_running" not in names:
            look.missing += (Missing("requests under way, use of the KV cache", _ITERATIONS),)
        return look

    def _share(self, look: Look, answer: Answer, model: str, hit: float, missed: float) -> None:
        share = self._gains.setdefault(model, Gains()).ratio(answer.at.boottime_ns, hit, hit + missed)
        if share is not None:
            call = f"{answer.path} reused blocks, last 10 s"
            look.gauges[gauge("inference.prefix_cache.hit_ratio", model, call=call, derived=True)] = share

    async def _records(self, web: Web) -> Look:
        answer = await web.get(RECORDS, timeout_s=RECORDS_S)
        look = Look(reads=(RECORDS,), at=answer.at)
        latencies = Missing("time to first token, latencies, totals", _PERF)
        shared = Missing("all of its iterations", f"each reader empties {RECORDS}: {_PERF} brings a page instead")
        look.missing = (latencies, shared)
        if answer.status in (404, 405, 501):
            look.missing = (latencies, Missing("requests under way, use of the KV cache", _ITERATIONS))
            return look
        if answer.status != 200:
            raise refusal(answer)
        for record in (records := answer.json(list[_Record])):
            self._add(record)
        if records:
            self._now(look, answer, records[-1])
        for metric, mode, name in (
            ("inference.tokens", "prompt", "numCtxTokens"),
            ("inference.tokens", "generation", "numGenRequests"),
            ("inference.request.count", "finished", "numCompletedRequests"),
        ):
            look.counters[Key(metric, "", mode, DERIVED, f"{RECORDS} {name}, summed")] = self._sums[mode]
        look.birth = str(self._births)
        return look

    def _add(self, record: _Record) -> None:
        if record.iter is not None:
            if record.iter < self._last:
                self._births += 1
                self._sums = dict.fromkeys(self._sums, 0.0)
            self._last = record.iter
        self._sums["finished"] += record.num_completed_requests
        batch = record.inflight_batching_stats
        if batch is not None:
            self._sums["prompt"] += batch.num_ctx_tokens
            self._sums["generation"] += batch.num_gen_requests * batch.avg_num_decoded_tokens_per_iter

    def _now(self, look: Look, answer: Answer, record: _Record) -> None:
        queued, active = record.num_queued_requests, record.num_active_requests
        cache = record.kv_cache_stats or _Cache()
        batch = record.inflight_batching_stats or _Batch()
        for metric, mode, name, value in (
            ("inference.requests", "running", "numActiveRequests", active),
            ("inference.requests", "waiting", "numQueuedRequests", queued),
            ("inference.batch.size", "", "numScheduledRequests", batch.num_scheduled_requests),
        ):
            if value is not None:
                look.gauges[gauge(metric, mode=mode, call=f"{RECORDS} {name}")] = value
        if cache.used_num_blocks is not None and cache.max_num_blocks:
            key = gauge("inference.kv_cache.utilization", call=f"{RECORDS} usedNumBlocks", derived=True)
            look.gauges[key] = cache.used_num_blocks / cache.max_num_blocks
            if cache.tokens_per_block:
                key = gauge("inference.kv_cache.limit", call=f"{RECORDS} maxNumBlocks", derived=True)
                look.gauges[key] = cache.max_num_blocks * cache.tokens_per_block
        if cache.reused_blocks is not None and cache.missed_blocks is not None:
            self._share(look, answer, "", cache.reused_blocks, cache.missed_blocks)

    async def _ask(self, web: Web) -> tuple[ModelInfo, ...] | None:
        answer = await web.get(owned.MODELS)
        if answer.status != 200:
            return None  # guarded by a key that we do not have: the page names the model
        return tuple(ModelInfo(name=named(item.id)) for item in answer.json(owned.Models).data)


def make() -> Trtllm:
    """An adapter for one ``trtllm-serve``."""
    return Trtllm()
