"""The model servers of the scripted machine: their numbers, second by second."""

from collections.abc import Callable
from math import nan
from typing import Final

from wftui.demo import cards, story
from wftui.demo.noise import calm, quick, slow
from wftui.demo.part import Part, constant
from wftui.demo.telling import Telling, Value, once
from wftui.model.sample import APPORTIONED, DERIVED
from wftui.model.servers import SOURCE

VLLM: Final = "127.0.0.1:8000"
"""On GPUs 4 and 5."""
LEAKY: Final = "127.0.0.1:8001"
"""The vLLM of GPU 6, that is away for a while."""
OLLAMA: Final = "127.0.0.1:11434"
RUNNER: Final = "127.0.0.1:36417"
SPLIT_RUNNER: Final = "127.0.0.1:43011"
"""Runners of the Ollama: of its smaller model, and of the larger one that does not fit into the GPU."""
LLAMA: Final = "127.0.0.1:8080"
"""llama.cpp on the processor."""
COMFY: Final = "127.0.0.1:8188"
LOCKED: Final = "127.0.0.1:1234"
"""LM Studio, which wants a key."""

SCOUT, QWEN, SMALL, LARGE, CODER = "Llama-4-Scout", "Qwen3-32B", "qwen3:8b", "gemma3:27b", "Qwen3-Coder-30B-A3B"
GIB: Final = 1024.0**3
SMALL_VRAM: Final = 6.1 * GIB
LARGE_VRAM: Final = cards.SPLIT
LARGE_RAM: Final = 12.9 * GIB
COMFY_VRAM: Final = 11.2 * GIB
_TOKENS: Final = 410.0
"""Of an answer, on average."""
_TURN_S: Final = 47
"""Between two requests to the llama.cpp; 31 of them it works."""
_JOB_S: Final = 24
"""Of a picture."""


def parts() -> list[Part]:
    """Everything that the model servers tell in numbers."""
    part = Part(SOURCE, 1.0)
    big, leaky = Telling(part, VLLM, SCOUT, _always), Telling(part, LEAKY, QWEN, story.serves)
    _vllm(big, once(story.served), once(story.spill), _made(VLLM), (7_800.0, 56.0), 5.1e9)
    _vllm(leaky, once(_leaky_load), once(_slowed), _made(LEAKY), (2_300.0, 21.0), 0.0)
    _speculates(leaky)
    _llama(Telling(part, LLAMA, CODER, _always))
    _runner(Telling(part, RUNNER, SMALL, _always), 71, 96.0, 2, 16_384.0)
    _runner(Telling(part, SPLIT_RUNNER, LARGE, story.larger_loaded), 113, 7.4, 1, 8_192.0)
    _held(Telling(part, OLLAMA, SMALL, _always), SMALL_VRAM, 0.0)
    _held(Telling(part, OLLAMA, LARGE, story.larger_loaded), LARGE_VRAM, LARGE_RAM)
    _comfy(Telling(part, COMFY, "", _always))
    for endpoint, there, answers, loaded in (
        (VLLM, _always, _always, constant(1)),
        (LEAKY, listed, story.serves, constant(1)),
        (LLAMA, _always, _always, constant(1)),
        (OLLAMA, _always, _always, lambda t: 1.0 + story.larger_loaded(t)),
        (RUNNER, _always, _always, constant(1)),
        (SPLIT_RUNNER, story.larger_loaded, story.larger_loaded, constant(1)),
        (COMFY, _always, _always, None),
        (LOCKED, _always, None, None),
    ):
        _presence(part, endpoint, there, answers, loaded)
    return [part]


def _always(_: float) -> bool:
    return True


def listed(t: float) -> bool:
    """Whether the server of GPU 6 is known: a dead one is for some seconds."""
    return not story.within((story.GONE_S, story.LOADED_S), t)


def _presence(
    part: Part,
    endpoint: str,
    there: Callable[[float], bool],
    answers: Callable[[float], bool] | None,
    loaded: Value | None,
) -> None:
    known = Telling(part, endpoint, "", there)
    if answers is None:
        known.gauge("inference.server.up", constant(0.0))
        return
    up = answers
    known.gauge("inference.server.up", lambda t: float(up(t)))
    seen = Telling(part, endpoint, "", answers)
    seen.gauge("inference.server.scrape.duration", lambda t: 0.0031 + 0.0012 * abs(quick(t, 17)))
    restarts: Value = (lambda t: float(story.generation(t))) if endpoint == LEAKY else constant(0.0)
    seen.gauge("inference.server.restarts", restarts)
    if loaded is not None:
        seen.gauge("inference.models.loaded", loaded)


def _leaky_load(t: float) -> float:
    """How busy the server of GPU 6 is; after a restart its clients come back bit by bit."""
    coming = story.within((story.LOADED_S, story.LOADED_S + 40), t)
    return story.demand(t, 6) * ((story.phase(t) - story.LOADED_S) / 40 if coming else 1.0)


def _slowed(t: float) -> float:
    """How much the leak hampers the server of GPU 6: its cache has less and less room."""
    return 0.7 * story.ramp(story.phase(t), 150, story.FAULT_S) if story.phase(t) < story.FAULT_S else 0.0


def generated(endpoint: str, t: float) -> float:
    """Tokens a second of one of the vLLMs."""
    most, load, place = (2_900.0, story.served(t), 4) if endpoint == VLLM else (1_250.0, _leaky_load(t), 6)
    return most * float(load**0.8) * (1 + 0.06 * calm(t, 120 + place) + 0.03 * quick(t, place))


def _made(endpoint: str) -> Value:
    return once(lambda t: generated(endpoint, t))


def _vllm(
    tells: Telling, load: Value, jammed: Value, tokens: Value, most: tuple[float, float], before: float
) -> None:
    """All that a page of vLLM's metrics brings.

    ``jammed``: 0..1, how much requests have to wait; ``tokens``: generated per second; ``most``: tokens per second
    read, requests at once; ``before``: tokens generated since it began.
    """
    read, requests = most
    place = int(requests)

    @once
    def prompts(t: float) -> float:
        return max(0.0, read * load(t) * (1 + 0.34 * calm(t, 130 + place) + 0.1 * quick(t, 9 + place)))

    @once
    def ended(t: float) -> float:
        return max(0.0, tokens(t) / _TOKENS * (1 + 0.3 * calm(t, 140 + place)))

    @once
    def first(t: float) -> float:
        return 0.13 + 0.21 * load(t) ** 2 + 3.4 * jammed(t) ** 2 + 0.03 * calm(t, 150 + place)

    @once
    def between(t: float) -> float:
        return 0.0085 + 0.0125 * load(t) * requests / 56 + 0.017 * jammed(t) + 0.0006 * calm(t, 160 + place)

    @once
    def waits(t: float) -> float:
        return 0.02 + 3.1 * jammed(t) ** 2

    @once
    def cache(t: float) -> float:
        return min(0.998, 0.2 + 0.56 * load(t) + 0.36 * jammed(t) + 0.02 * calm(t, 170 + place))

    @once
    def hits(t: float) -> float:
        return 0.61 + 0.09 * slow(t, 40 + place) - 0.2 * jammed(t)

    tells.gauge("inference.requests", lambda t: float(round(2 + requests * load(t))), "running")
    tells.gauge(
        "inference.requests",
        lambda t: float(max(0, round(26 * jammed(t) ** 2 + 5 * (load(t) - 0.86) * 10 + 1.5 * calm(t, place)))),
        "waiting",
    )
    for mode, share in (("finished", 0.985), ("aborted", 0.014), ("failed", 0.001)):
        tells.count("inference.request.count", _times(ended, share), mode, before / _TOKENS * share)
    tells.count("inference.tokens", prompts, "prompt", before * 2.7)
    tells.count("inference.tokens", lambda t: prompts(t) * hits(t), "cached", before * 1.6)
    tells.count("inference.tokens", tokens, "generation", before)
    tells.gauge("inference.tokens.rate", prompts, "prompt", DERIVED)
    tells.gauge("inference.tokens.rate", tokens, "generation", DERIVED)
    tells.spread("gen_ai.server.time_to_first_token", first, (2.4, 3.9), ended)
    tells.spread("inference.inter_token_latency", between, (1.6, 2.4), lambda t: tokens(t) - ended(t))
    tells.spread("gen_ai.server.time_per_output_token", between, (1.3, 1.5), ended)
    tells.spread("gen_ai.server.request.duration", lambda t: first(t) + _TOKENS * between(t), (2.9, 4.2), ended)
    tells.spread("inference.phase.duration", waits, (2.2, 3.0), ended, "queue")
    tells.spread("inference.phase.duration", lambda t: first(t) * 0.5, (2.4, 3.7), ended, "prefill")
    tells.spread("inference.phase.duration", lambda t: _TOKENS * between(t), (2.9, 4.2), ended, "decode")
    tells.gauge("inference.kv_cache.utilization", cache)
    tells.count("inference.prefix_cache.tokens", prompts, "queried", before * 2.7)
    tells.count("inference.prefix_cache.tokens", lambda t: prompts(t) * hits(t), "hit", before * 1.6)
    tells.gauge("inference.prefix_cache.hit_ratio", hits, "", DERIVED)
    tells.count("inference.preemptions", lambda t: 2.6 * jammed(t) if cache(t) > 0.94 else 0.0, "", before / 4e8)


def _times(value: Value, factor: float) -> Value:
    return lambda t: value(t) * factor


def joins() -> list[Part]:
    """What the recorder makes of servers, processes and GPUs by itself: told in the past only."""
    part = Part(SOURCE, 1.0)
    _joined(Telling(part, VLLM, "", _always), cards.SERVING, _made(VLLM), _held_by_workers)
    _joined(Telling(part, LEAKY, "", story.serves), (story.LEAKING,), _made(LEAKY),
            lambda t: cards.memory(story.LEAKING, t))  # fmt: skip
    ollama = Telling(part, OLLAMA, "", _always)
    ollama.gauge("inference.server.memory", lambda t: SMALL_VRAM + LARGE_VRAM * story.larger_loaded(t), "vram")
    Telling(part, COMFY, "", _always).gauge("inference.server.memory", constant(COMFY_VRAM), "vram")
    return [part]


def _held_by_workers(t: float) -> float:
    beside = SMALL_VRAM + COMFY_VRAM + LARGE_VRAM * story.larger_loaded(t)
    return sum(cards.memory(gpu, t) for gpu in cards.SERVING) - beside


def _joined(tells: Telling, gpus: tuple[int, ...], tokens: Value, memory: Value) -> None:
    @once
    def watts(t: float) -> float:
        return sum(cards.power(gpu, t) for gpu in gpus)

    def each(t: float) -> float:
        return watts(t) / tokens(t) if tokens(t) > 1 else nan

    tells.gauge("inference.server.memory", memory, "vram")
    tells.count("inference.energy", watts, "", 0.0, APPORTIONED)
    tells.gauge("inference.energy.per_token", each, "", APPORTIONED)


def _speculates(tells: Telling) -> None:
    tells.count("inference.speculation.tokens", lambda t: 1.3 * generated(LEAKY, t), "drafted")
    tells.count("inference.speculation.tokens", lambda t: 0.9 * generated(LEAKY, t), "accepted")
    tells.gauge("inference.speculation.acceptance", lambda t: 0.69 + 0.05 * slow(t, 61), "", DERIVED)


def turn(t: float) -> float:
    """Seconds since the llama.cpp was asked; over 31 it has nothing to do."""
    return t % _TURN_S


def _llama(tells: Telling) -> None:
    """Asked now and then: it reads for four seconds and answers for 27; its counters step when it is done."""

    def reads(t: float) -> float:
        return 212.0 + 9 * quick(t, 31) if turn(t) < 4 else 0.0

    def writes(t: float) -> float:
        return 23.5 + 1.4 * calm(t, 32) if 4 <= turn(t) < 31 else 0.0

    tells.gauge("inference.requests", lambda t: float(turn(t) < 31), "running")
    tells.gauge("inference.requests", constant(0.0), "waiting")
    tells.gauge("inference.tokens.rate", reads, "prompt", DERIVED)
    tells.gauge("inference.tokens.rate", writes, "generation", DERIVED)
    tells.count("inference.tokens", lambda t: 848.0 if int(turn(t)) == 31 else 0.0, "prompt", 21_300.0)
    tells.count("inference.tokens", lambda t: 634.0 if int(turn(t)) == 31 else 0.0, "generation", 94_100.0)
    tells.gauge("inference.kv_cache.limit", constant(32_768.0))
    tells.gauge("inference.kv_cache.utilization", lambda t: (1_200 + 24 * min(31.0, turn(t))) / 32_768)


def answering(every: int, t: float) -> bool:
    """Whether a runner of the Ollama works: the first two thirds of each so many seconds."""
    return t % every < every * 0.66


def _runner(tells: Telling, every: int, rate: float, slots: int, context: float) -> None:
    """What a runner's slots tell without its metrics: who is at work, and how fast."""

    def writes(t: float) -> float:
        return rate * (1 + 0.05 * calm(t, every)) if answering(every, t) else 0.0

    tells.gauge("inference.requests", lambda t: float(answering(every, t)) * min(slots, 1 + int(t / 97) % 2),
                "running")  # fmt: skip

    def reads(t: float) -> float:
        return 11 * rate if answering(every, t) and t % every < 3 else 0.0

    tells.gauge("inference.tokens.rate", reads, "prompt", DERIVED)
    tells.gauge("inference.tokens.rate", writes, "generation", DERIVED)
    tells.gauge("inference.kv_cache.utilization", lambda t: 0.12 + 0.3 * (t % every) / every, "", DERIVED)
    tells.gauge("inference.kv_cache.limit", constant(context))


def _held(tells: Telling, vram: float, ram: float) -> None:
    tells.gauge("inference.model.memory", constant(vram), "vram")
    tells.gauge("inference.model.memory", constant(ram), "ram")


def drawing(t: float) -> bool:
    """Whether the ComfyUI has a job."""
    return slow(t - t % _JOB_S, 77) > -0.35


def progress(t: float) -> float:
    """How far its job is."""
    return round((t % _JOB_S + 1) / _JOB_S, 2)


def _comfy(tells: Telling) -> None:
    tells.gauge("inference.requests", lambda t: float(drawing(t)), "running")
    tells.gauge("inference.requests", lambda t: float(max(0, round(3 * slow(t, 78)))) * drawing(t), "waiting")
    tells.gauge("inference.progress", lambda t: progress(t) if drawing(t) else nan)

    def ended(t: float) -> float:
        return float(drawing(t) and int(t) % _JOB_S == _JOB_S - 1)

    tells.count("inference.request.count", ended, "finished", 312.0, DERIVED)
    tells.gauge("inference.model.memory", constant(COMFY_VRAM), "vram", DERIVED)
    tells.spread("gen_ai.server.request.duration", lambda t: 21.0 + 2.5 * slow(t, 79), (1.3, 1.5),
                 ended, bounds=(0.1, 3600.0))  # fmt: skip
