"""Dynamo: a frontend that owns the totals, and workers that repeat their engine's page under its labels."""

from typing import Final

import msgspec

from wftui.collectors.servers.figures import Look, Missing, ModelInfo, gauge, named, whole
from wftui.collectors.servers.sglang import TAKES as SGLANG
from wftui.collectors.servers.takes import COUNTER, HISTOGRAM, MAX, MEAN, Reader, Take
from wftui.collectors.servers.trtllm import TAKES as TRTLLM
from wftui.collectors.servers.vllm import TAKES as VLLM
from wftui.collectors.servers.web import Web, refusal
from wftui.errors import SourceFormatError

NAME: Final = "dynamo"
PAGE: Final = "/metrics"
MODELS: Final = "/v1/models"
_EVERY: Final = 30
"""Looks between two questions for the models."""
_PREFIX: Final = "dynamo_frontend"
_SIGN: Final = b"_inter_token_latency_seconds_bucket"
_UNDER_WAY: Final = "under way"
_CONTEXT: Final = "context"
_WORKERS: Final = Missing(
    "KV cache use, preemptions, batch", "its workers tell them: start each with DYN_SYSTEM_PORT=PORT"
)
_REFUSED: Final = {
    "cancelled": "aborted",
    "validation": "rejected",
    "not_found": "rejected",
    "overload": "rejected",
    "*": "failed",
}


def frontend(prefix: str) -> tuple[Take, ...]:
    """The page of a frontend whose names begin like that (``DYN_METRICS_PREFIX``)."""

    def name(*rest: str) -> tuple[str, ...]:
        return tuple(f"{prefix}_{item}" for item in rest)

    return (
        Take("inference.requests", name("queued_requests", "queued_requests_total"), mode="waiting"),
        # The queued ones are among these.
        Take(_UNDER_WAY, name("inflight_requests", "inflight_requests_total")),
        Take("inference.request.count", name("requests_total"), COUNTER, by=("status", {"success": "finished"})),
        Take(
            "inference.request.count",
            name("requests_total"),
            COUNTER,
            by=("error_type", _REFUSED),
            only=("status", "error"),
        ),
        Take("inference.tokens", name("input_sequence_tokens_sum"), COUNTER, mode="prompt", coarse=True),
        Take("inference.tokens", name("cached_tokens_sum"), COUNTER, mode="cached", coarse=True),
        Take("inference.tokens", name("output_tokens_total"), COUNTER, mode="generation"),
        Take("inference.tokens", name("output_sequence_tokens_sum"), COUNTER, mode="generation", coarse=True),
        Take("inference.prefix_cache.tokens", name("input_sequence_tokens_sum"), COUNTER, mode="queried"),
        Take("inference.prefix_cache.tokens", name("cached_tokens_sum"), COUNTER, mode="hit"),
        Take("gen_ai.server.time_to_first_token", name("time_to_first_token_seconds"), HISTOGRAM),
        Take("inference.inter_token_latency", name("inter_token_latency_seconds"), HISTOGRAM),
        Take("gen_ai.server.request.duration", name("request_duration_seconds"), HISTOGRAM),
        Take(_CONTEXT, name("model_context_length"), fold=MAX),
    )


def _worker() -> tuple[Take, ...]:
    """The page of a worker: its engine's figures where it gives them, its own word on requests where not."""
    own = (
        Take("inference.requests", ("dynamo_component_inflight_requests",), mode="running"),
        Take("inference.request.count", ("dynamo_component_requests_total",), COUNTER, mode="finished"),
        Take("inference.request.count", ("dynamo_component_errors_total",), COUNTER, mode="failed"),
        Take(
            "inference.kv_cache.utilization",
            ("dynamo_component_kvstats_gpu_cache_usage_percent",),  # a share all the same
            fold=MEAN,
        ),
        Take(
            "inference.prefix_cache.hit_ratio",
            ("dynamo_component_kvstats_gpu_prefix_cache_hit_rate",),
            fold=MEAN,
        ),
    )
    trtllm = (
        take._replace(names=(take.names[0], "trtllm:" + take.names[0].removeprefix("trtllm_"))) for take in TRTLLM
    )
    # Names without a dot are what an adapter makes other figures of.
    return tuple(take for take in (*VLLM, *SGLANG, *trtllm, *own) if "." in take.metric)


WORKER: Final = _worker()


class _Instances(msgspec.Struct):
    """What ``/health`` of a frontend says: the workers that it knows."""

    status: str
    instances: list[msgspec.Raw]


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model] = []


async def identify(web: Web) -> str | None:
    """Its page, or, while a frontend has served nothing yet, the instances in its ``/health``."""
    page = await web.get(PAGE)
    if page.status in (401, 403):
        raise refusal(page)
    if page.status != 200:
        return None
    if any(sign in page.body for sign in (b"dynamo_frontend_", b"dynamo_component_")):
        return ""
    answer = await web.get("/health")
    try:
        answer.json(_Instances)
    except SourceFormatError:
        return None
    return ""


class Dynamo:
    """A frontend, or the system port of a worker."""

    def __init__(self) -> None:
        self._reader: Reader | None = None
        self._worker = False
        self._models: tuple[str, ...] = ()
        self._looks = 0

    async def look(self, web: Web) -> Look:
        """Read its page; a frontend is asked for the true names of its models now and then."""
        answer = await web.ok(PAGE)
        look = Look(reads=(PAGE,), at=answer.at)
        if self._reader is None:
            self._worker = b"dynamo_component_" in answer.body and b"dynamo_frontend_" not in answer.body
            prefix = None if self._worker else _prefix(answer.body)
            if self._worker:
                self._reader = Reader(WORKER, PAGE)
            elif prefix:
                self._reader = Reader(frontend(prefix), PAGE)
        if not self._worker and self._looks % _EVERY == 0:
            models = await web.get(MODELS)
            if models.status == 200:
                self._models = tuple(item.id for item in models.json(_Models).data)
        self._looks += 1
        if self._reader is not None:
            # A frontend writes names in lower case, its workers do not.
            self._reader.spell({name.lower(): name for name in self._models})
            self._reader.read(answer.body, look)
        if self._worker:
            look.part = True
        else:
            self._whole(look)
        return look

    def _whole(self, look: Look) -> None:
        """What only a frontend says."""
        look.missing = (_WORKERS,)
        contexts: dict[str, int | None] = {}
        for key in list(look.gauges):
            if key.metric == _CONTEXT:
                contexts[key.model] = whole(look.gauges.pop(key))
            elif key.metric == _UNDER_WAY:
                inside = look.gauges.pop(key)
                queued = sum(
                    value
                    for other, value in look.gauges.items()
                    if (other.metric, other.model, other.mode) == ("inference.requests", key.model, "waiting")
                )
                call = f"{key.call} less the queued ones"
                running = gauge("inference.requests", key.model, "running", call=call, derived=True)
                look.gauges[running] = max(0.0, inside - queued)
        names = dict.fromkeys((*(named(name) for name in self._models), *contexts))
        look.models = tuple(ModelInfo(name=name, context=contexts.get(name)) for name in names if name)


def _prefix(page: bytes) -> str:
    """How the names of a frontend's page begin; empty while it has served nothing."""
    if b"dynamo_frontend_" in page:
        return _PREFIX
    for line in page.split(b"\n"):
        name, sign, _ = line.partition(_SIGN)
        if sign and not line.startswith(b"#"):
            return name.decode("ascii", "replace")
    return ""


def make() -> Dynamo:
    """An adapter for one process of Dynamo."""
    return Dynamo()
