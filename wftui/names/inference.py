"""Metrics of model servers, from the server's side and from its client's.

``server`` is an endpoint as ``wftui.model.servers`` writes it, ``model`` a name as its server says it.
"""

from typing import Final

from wftui.names.entry import COUNTER, DISTRIBUTION, GAUGE, Metric

_BOTH: Final = ("server", "model")
_SPREAD: Final = ("count", "sum", "p50", "p95", "p99")


def _model(
    name: str, unit: str, kind: str, words: str, labels: tuple[str, ...] = (), statistics: tuple[str, ...] = ()
) -> Metric:
    """A metric of one model of one server; of the server as a whole where it does not tell them apart."""
    return Metric(name, unit, kind, words, _BOTH + labels, "models", statistics)


def _spread(name: str, words: str, labels: tuple[str, ...] = ()) -> Metric:
    """How long something took: count and sum of what ended, quantiles over the last ten seconds."""
    return _model(name, "s", DISTRIBUTION, words, labels, _SPREAD)


SERVERS: Final = (
    _model("inference.server.up", "1", GAUGE, "1 while the server answers, 0 while it does not"),
    _model("inference.server.scrape.duration", "s", GAUGE, "Wall time of asking the server once"),
    _model("inference.server.restarts", "{restart}", COUNTER, "Restarts seen since the recorder started"),
    _model(
        "inference.server.memory",
        "By",
        GAUGE,
        "Memory of the server's processes by mode: vram (as the driver says), resident, swapped; of its mapped "
        "weights: weights, weights_resident",
        ("mode",),
    ),
    _model("inference.server.memory.faults", "{fault}", COUNTER, "Pages its processes had to read from disk"),
    _model("inference.models.loaded", "{model}", GAUGE, "Models loaded"),
    _model(
        "inference.model.memory",
        "By",
        GAUGE,
        "Memory that the server says a model takes, by mode: vram, ram, vram_reserved (in use or not)",
        ("mode",),
    ),
    _model(
        "inference.requests",
        "{request}",
        GAUGE,
        "Requests in the server by mode: running, waiting",
        ("mode",),
        ("max",),
    ),
    _model(
        "inference.request.count",
        "{request}",
        COUNTER,
        "Requests ended by mode: finished (well, or at the length asked for), aborted, failed, rejected",
        ("mode",),
    ),
    _model(
        "inference.tokens",
        "{token}",
        COUNTER,
        "Tokens by mode: prompt (cached ones among them), cached (taken from the cache), generation",
        ("mode",),
    ),
    _model(
        "inference.tokens.rate",
        "{token}/s",
        GAUGE,
        "Tokens a second as they are made, by mode: prompt, generation",
        ("mode",),
        ("max",),
    ),
    _spread("gen_ai.server.request.duration", "Request from its arrival to its last token"),
    _spread("gen_ai.server.time_to_first_token", "Request from its arrival to its first token"),
    _spread("gen_ai.server.time_per_output_token", "Mean time of a token after the first, per request"),
    _spread("inference.inter_token_latency", "Time between two tokens of a request"),
    _spread("inference.phase.duration", "Phases of requests by mode: queue, prefill, decode", ("mode",)),
    _model("inference.kv_cache.utilization", "1", GAUGE, "Share of the KV cache in use", (), ("max",)),
    _model("inference.kv_cache.limit", "{token}", GAUGE, "Tokens that fit into the KV cache"),
    _model(
        "inference.prefix_cache.tokens",
        "{token}",
        COUNTER,
        "Tokens looked up in the prefix cache by mode: queried, hit",
        ("mode",),
    ),
    _model("inference.prefix_cache.hit_ratio", "1", GAUGE, "Share of the looked up tokens that were there"),
    _model("inference.preemptions", "{request}", COUNTER, "Requests thrown out of the batch for lack of KV cache"),
    _model("inference.batch.size", "{request}", GAUGE, "Requests in a step of the engine"),
    _model("inference.batch.tokens", "{token}", GAUGE, "Tokens in a step of the engine"),
    _model(
        "inference.speculation.tokens",
        "{token}",
        COUNTER,
        "Speculated tokens by mode: drafted, accepted",
        ("mode",),
    ),
    _model("inference.speculation.acceptance", "1", GAUGE, "Share of the drafted tokens that were accepted"),
    _model("inference.progress", "1", GAUGE, "How far the job that runs has come"),
    _model("inference.energy", "J", COUNTER, "Energy of the GPUs, apportioned to the server by its use of them"),
    _model("inference.energy.per_token", "J/{token}", GAUGE, "Energy of a generated token, over ten seconds"),
)

CLIENTS: Final = tuple(
    Metric(name, unit, kind, words, ("server", "model", "source", *labels), "models", statistics)
    for name, unit, kind, words, labels, statistics in (
        ("gen_ai.client.operation.duration", "s", DISTRIBUTION, "Request as its client saw it", (), _SPREAD),
        (
            "gen_ai.client.operation.time_to_first_chunk",
            "s",
            DISTRIBUTION,
            "Request to the first chunk that holds text, as its client saw it",
            (),
            _SPREAD,
        ),
        (
            "gen_ai.client.operation.time_per_output_chunk",
            "s",
            DISTRIBUTION,
            "Gap between two chunks as the client saw it; a chunk is not a token",
            (),
            _SPREAD,
        ),
        (
            "gen_ai.client.tokens",
            "{token}",
            COUNTER,
            "Tokens that the answers' `usage` counted, by mode: input, output",
            ("mode",),
            (),
        ),
        (
            "gen_ai.client.requests",
            "{request}",
            COUNTER,
            "Requests seen by mode: finished, aborted (by the client), failed",
            ("mode",),
            (),
        ),
        (
            "gen_ai.client.requests.unmetered",
            "{request}",
            COUNTER,
            "Requests that finished without saying how many tokens they cost: those are not in the tokens",
            (),
            (),
        ),
        (
            "inference.proxy.upstream.up",
            "1",
            GAUGE,
            "1 while connections from `wftop proxy` to its server are made, 0 while they are not",
            (),
            (),
        ),
        (
            "gen_ai.client.connections.unread",
            "{connection}",
            COUNTER,
            "Connections that were passed on but could not be read: nothing of them is measured",
            (),
            (),
        ),
    )
)
