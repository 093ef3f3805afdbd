"""SGLang: its metrics page when that is switched on, else what it says of its load."""

from collections.abc import Mapping
from typing import Final

import msgspec

from wftui.collectors.servers.figures import Key, Look, Missing, ModelInfo, Whole, gauge, named, whole
from wftui.collectors.servers.takes import COUNTER, HISTOGRAM, MAX, MEAN, Reader, Take
from wftui.collectors.servers.web import Answer, Web, refusal
from wftui.errors import SourceError, SourceFormatError
from wftui.model.sample import MEASURED

NAME: Final = "sglang"
PAGE: Final = "/metrics"
LOADS: Final = "/v1/loads?include=core,memory"
_INFOS: Final = ("/model_info", "/get_model_info")
"""Today's path first."""
_EVERY: Final = 30
"""Looks between two questions for what hardly changes."""
GIB: Final = 1024.0**3
"""What SGLang calls a GB."""
_HELD: Final = "held"
_CONTEXT: Final = "context"
_PACE: Final = "pace"
"""Figures that others are made of, no series."""
_RATE: Final = "inference.tokens.rate"
_ENABLE: Final = "start it with --enable-metrics"
_ERRORS: Final = {
    "400": "rejected",
    "413": "rejected",
    "422": "rejected",
    "429": "rejected",
    "500": "failed",
    "502": "failed",
    "503": "failed",
    "504": "failed",
}


def _family(*names: str) -> tuple[str, ...]:
    return tuple(f"sglang:{name}" for name in names)


def _realtime(metric: str, **modes: str) -> Take:
    """Of the counter that moves while tokens are made; older builds have only those that step at the end."""
    return Take(metric, _family("realtime_tokens_total"), COUNTER, by=("mode", modes))


TAKES: Final = (
    Take("inference.requests", _family("num_running_reqs"), mode="running"),
    Take("inference.requests", _family("num_queue_reqs"), mode="waiting"),
    # A request that was aborted while it ran is in both of these, as SGLang counts.
    Take("inference.request.count", _family("num_requests_total"), COUNTER, mode="finished"),
    Take("inference.request.count", _family("num_aborted_requests_total"), COUNTER, mode="aborted"),
    Take(
        "inference.request.count",
        _family("http_responses_total"),
        COUNTER,
        by=("status_code", _ERRORS),
        only=("method", "POST"),
    ),
    _realtime("inference.tokens", prefill_compute="prompt", prefill_cache="prompt", decode="generation"),
    _realtime("inference.tokens", prefill_cache="cached"),
    Take("inference.tokens", _family("prompt_tokens_total"), COUNTER, mode="prompt", coarse=True),
    Take("inference.tokens", _family("generation_tokens_total"), COUNTER, mode="generation", coarse=True),
    Take("inference.tokens", _family("cached_tokens_total"), COUNTER, mode="cached", coarse=True),
    Take("gen_ai.server.time_to_first_token", _family("time_to_first_token_seconds"), HISTOGRAM),
    Take("inference.inter_token_latency", _family("inter_token_latency_seconds"), HISTOGRAM),
    Take(
        "gen_ai.server.time_per_output_token",
        _family("request_time_per_output_token_seconds", "time_per_output_token_seconds"),
        HISTOGRAM,
    ),
    Take("gen_ai.server.request.duration", _family("e2e_request_latency_seconds"), HISTOGRAM),
    Take("inference.phase.duration", _family("queue_time_seconds"), HISTOGRAM, mode="queue"),
    Take("inference.kv_cache.utilization", _family("token_usage"), fold=MEAN),
    Take("inference.kv_cache.limit", _family("max_total_num_tokens")),
    _realtime("inference.prefix_cache.tokens", prefill_compute="queried", prefill_cache="queried"),
    _realtime("inference.prefix_cache.tokens", prefill_cache="hit"),
    Take("inference.prefix_cache.tokens", _family("prompt_tokens_total"), COUNTER, mode="queried"),
    Take("inference.prefix_cache.tokens", _family("cached_tokens_total"), COUNTER, mode="hit"),
    Take("inference.preemptions", _family("num_retracted_requests_total"), COUNTER),
    # Both stay 0 while nothing is speculated.
    Take(
        "inference.speculation.acceptance",
        _family("spec_accept_rate"),
        fold=MEAN,
        unknown=frozenset({0.0}),
    ),
    Take(_HELD, _family("weight_memory_usage_gb"), mode="weights", scale=GIB),
    Take(_HELD, _family("kv_cache_memory_usage_gb"), mode="cache", scale=GIB),
    Take(_HELD, _family("graph_memory_usage_gb"), mode="graphs", scale=GIB),
    Take(_CONTEXT, _family("context_len"), fold=MAX),
    # Counters move each 40 steps or so: at 30 tokens/s a difference over a second is 0 or 40, the pace is right.
    # It stays where it was when nothing runs any more.
    Take(_PACE, _family("gen_throughput")),
)


class _Info(msgspec.Struct):
    model_path: str
    is_generation: bool
    served_model_name: str | None = None


class _Memory(msgspec.Struct):
    weight_gb: float = 0.0
    kv_cache_gb: float = 0.0
    graph_gb: float = 0.0


class _Load(msgspec.Struct):
    num_running_reqs: float
    num_waiting_reqs: float
    max_total_num_tokens: float | None = None
    token_usage: float | None = None
    gen_throughput: float | None = None
    memory: _Memory | None = None


class _Loads(msgspec.Struct):
    loads: list[_Load]
    version: str = ""
    num_accelerators: Whole | None = None


async def identify(web: Web) -> str | None:
    """``/model_info`` in its shape; the page alone when a key guards all else."""
    for path in _INFOS:
        answer = await web.get(path)
        if answer.status in (401, 403):
            page = await web.get(PAGE)
            if page.status == 200 and b"\nsglang:" in page.body:
                return ""
            raise refusal(answer)
        if answer.status == 200:
            break
    else:
        return None
    try:
        answer.json(_Info)
    except SourceFormatError:
        return None
    return ""


class Sglang:
    """One SGLang."""

    def __init__(self) -> None:
        self._reader = Reader(TAKES, PAGE)
        self._looks = 0
        self._version = ""
        self._name = ""
        self._info = _INFOS[0]
        self._gpus: int | None = None
        """Of one data-parallel rank; None: not told."""
        self._loads = True
        """Whether it says its load."""

    async def look(self, web: Web) -> Look:
        """Read its page, or its load while the page is switched off."""
        if self._looks % _EVERY == 0:
            await self._ask(web)
        self._looks += 1
        answer = await web.get(PAGE)
        if answer.status == 200:
            return self._page(answer)
        if answer.status not in (404, 501):
            raise refusal(answer)
        return await self._without(web)

    def _page(self, answer: Answer) -> Look:
        look = Look(reads=(PAGE,), at=answer.at, version=self._version or None)
        self._reader.read(answer.body, look)
        if not any(name.startswith("sglang:") for name in self._reader.families):
            look.missing = (Missing("requests, tokens, latencies", _ENABLE),)
        held, context, pace, model = 0.0, None, None, named(self._name)
        for key in list(look.gauges):
            model = key.model or model
            if key.metric == _PACE:
                pace = look.gauges.pop(key)
                continue
            if key.metric == _HELD:
                held += look.gauges.pop(key)
            elif key.metric == _CONTEXT:
                context = whole(look.gauges.pop(key))
        running = _sum(look.gauges, "inference.requests", "running")
        if pace is not None and running:
            look.live[Key(_RATE, model, "generation", MEASURED, f"{PAGE} sglang:gen_throughput")] = pace
        if model:
            look.models = (ModelInfo(name=model, context=context, vram=self._claimed(look, model, held)),)
        return look

    async def _without(self, web: Web) -> Look:
        look = Look(reads=(LOADS.partition("?")[0],), version=self._version or None)
        look.missing = (Missing("tokens in total, latencies, finished requests", _ENABLE),)
        if not self._loads:
            look.at = (await web.ok(self._info)).at
            look.reads = (self._info,)
            look.missing = (Missing("requests, tokens, latencies", _ENABLE),)
            look.models = self._named()
            return look
        answer = await web.ok(LOADS)
        loads = answer.json(_Loads).loads
        model, call = named(self._name), look.reads[0]
        look.at = answer.at
        running = sum(item.num_running_reqs for item in loads)
        waiting = sum(item.num_waiting_reqs for item in loads)
        look.gauges[gauge("inference.requests", model, "running", call=f"{call} num_running_reqs")] = running
        look.gauges[gauge("inference.requests", model, "waiting", call=f"{call} num_waiting_reqs")] = waiting
        paces = [item.gen_throughput for item in loads if item.gen_throughput is not None]
        if paces and running:
            look.live[Key(_RATE, model, "generation", MEASURED, f"{call} gen_throughput")] = sum(paces)
        used = [item.token_usage for item in loads if item.token_usage is not None]
        if used:
            key = gauge("inference.kv_cache.utilization", model, call=f"{call} token_usage", derived=len(used) > 1)
            look.gauges[key] = sum(used) / len(used)
        most = [item.max_total_num_tokens for item in loads if item.max_total_num_tokens]
        if most:
            key = gauge("inference.kv_cache.limit", model, call=f"{call} max_total_num_tokens")
            look.gauges[key] = sum(most)
        look.models = self._named(self._claimed(look, model, sum(_bytes(item.memory) for item in loads)))
        return look

    def _named(self, vram: float | None = None) -> tuple[ModelInfo, ...] | None:
        return (ModelInfo(name=named(self._name), vram=vram),) if self._name else None

    def _claimed(self, look: Look, model: str, held: float) -> float | None:
        """Only the first rank of a group tells its memory: with several GPUs to a group the sum is not known."""
        if not held or self._gpus != 1:
            return None
        key = gauge("inference.model.memory", model, "vram", call="weights, cache and graphs", derived=True)
        look.gauges[key] = held
        return held

    async def _ask(self, web: Web) -> None:
        """What hardly changes: the model's name, the version, how many GPUs hold a copy of it."""
        for path in _INFOS:
            answer = await web.get(path)
            if answer.status == 200:
                info = answer.json(_Info)
                self._name, self._info = info.served_model_name or info.model_path, path
                break
        answer = await web.get(LOADS)
        self._loads = answer.status == 200
        if not self._loads:
            return
        try:
            told = answer.json(_Loads)
        except SourceError:
            self._loads = False
            return
        self._version, self._gpus = told.version, told.num_accelerators


def _sum(gauges: Mapping[Key, float], metric: str, mode: str) -> float:
    return sum(value for key, value in gauges.items() if (key.metric, key.mode) == (metric, mode))


def _bytes(memory: _Memory | None) -> float:
    if memory is None:
        return 0.0
    return (memory.weight_gb + memory.kv_cache_gb + memory.graph_gb) * GIB


def make() -> Sglang:
    """An adapter for one SGLang."""
    return Sglang()
