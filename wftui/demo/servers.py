"""The tables about the model servers of the scripted machine: who serves, which models, which requests."""

from typing import Final

from wftui.demo import cards, people, serving, story
from wftui.demo.serving import COMFY, LEAKY, LLAMA, LOCKED, OLLAMA, RUNNER, SPLIT_RUNNER, VLLM
from wftui.demo.telling import BOUNDS
from wftui.model import health
from wftui.model.sample import JsonValue
from wftui.model.servers import LOADED, NEVER
from wftui.model.table import Row
from wftui.units import NS_PER_S
from wftui.windows.serving import Claim, GpuUse, verdict

_KEPT_S: Final = 300
"""So long Ollama keeps a model that nobody asks."""
NO_ENDS: Final = "time to first token, latencies, requests ended: put `wftop proxy` before it"
NO_TIMES: Final = "time to first token, latencies: put `wftop proxy` before it"
NO_TOTALS: Final = (
    "tokens in total and of requests shorter than a second, requests waiting, speculation: "
    "set LLAMA_ARG_ENDPOINT_METRICS=1 for `ollama serve`"
)
"""What they do not tell, in the words of those that read them; a test compares both."""
_JOB_BOUNDS: Final = "gen_ai.server.request.duration=0.1:3600"
JOINED: Final = frozenset({"server.queueing", "server.preempting", "model.verdict"})
"""Events that the recorder makes by itself once it runs."""
_HELD: Final = serving.SMALL_VRAM + serving.LARGE_VRAM
_SPLIT, _SLOW = verdict(
    Claim(_HELD, serving.LARGE_RAM, None, None, None, None), GpuUse(("any",), _HELD, None, None), True
)
"""What the recorder says of an Ollama one model of which does not fit."""


def _bounds() -> str:
    return ",".join(f"{name}={low:g}:{high:g}" for name, (low, high) in BOUNDS.items())


def _server(
    endpoint: str,
    kind: str,
    version: str,
    person: people.Person,
    since_ns: int,
    *,
    reads: str,
    state: str = health.OK,
    reason: str = "",
    fix: str = "",
    missing: str = "",
    bounds: str = "",
    gpus: tuple[int, ...] = (),
    parent: str = "",
    verdict: str = "",
    evidence: str = "",
) -> Row:
    return (
        endpoint, kind, version, state, reason, fix, since_ns, person.pid, person.start, person.cgroup
        if len(person.cgroup) == 12 else "", "process", reads, missing, "", bounds,
        ",".join(cards.uuid(gpu) for gpu in gpus), parent, verdict, evidence,
    )  # fmt: skip


def servers(second: int, epoch_s: int) -> dict[str, Row]:
    """Rows of ``servers`` in a second of the script; ``epoch_s``: UTC second of its second 0."""
    t, began = float(second), epoch_s * NS_PER_S
    split = story.larger_loaded(t)
    found = [
        _server(VLLM, "vllm", "0.33.0", people.person(people.API_PID), began, reads="/metrics", bounds=_bounds(),
                gpus=cards.SERVING),
        _server(OLLAMA, "ollama", "0.30.4", people.person(people.OLLAMA_PID), began,
                reads="/api/ps", missing=NO_ENDS, gpus=cards.SERVING[:1],
                verdict=_SPLIT if split else "", evidence=_SLOW if split else ""),
        _server(RUNNER, "llama.cpp", "b9310", people.person(people.RUNNER_PID), began, reads="/props,/slots",
                missing=f"{NO_TIMES}\n{NO_TOTALS}",
                gpus=cards.SERVING[:1], parent=OLLAMA),
        _server(LLAMA, "llama.cpp", "b9344", people.person(people.LLAMA_PID), began,
                reads="/props,/metrics,/slots", missing=NO_TIMES),
        _server(COMFY, "comfyui", "0.27.1", people.person(people.COMFY_PID), began,
                reads="/prompt,/history,/ws", bounds=_JOB_BOUNDS, gpus=cards.SERVING[1:]),
        _server(LOCKED, "lmstudio", "", people.person(people.LOCKED_PID), began, reads="", state=health.DENIED,
                reason="/api/v1/models: 401, it wants a key",
                fix="give it in [servers] of config.toml: key_env or key_file"),
    ]  # fmt: skip
    if split:
        loaded = _loaded_ns(t, epoch_s)
        found.append(_server(SPLIT_RUNNER, "llama.cpp", "b9310", people.splitting(t), loaded,
                             reads="/props,/slots", missing=f"{NO_TIMES}\n{NO_TOTALS}",
                             gpus=cards.SERVING[:1], parent=OLLAMA))  # fmt: skip
    if serving.listed(t):
        found.append(_leaky(t, epoch_s))
    return {str(row[0]): row for row in found}


def _leaky(t: float, epoch_s: int) -> Row:
    if not story.serves(t):
        since = _second_ns(story.began((story.FAULT_S, 0), t), epoch_s)
        return _server(LEAKY, "vllm", "0.33.0", people.leaky(t - story.GONE_S + story.FAULT_S), since,
                       reads="", state=health.FAILED, reason="/metrics: nobody listens there")  # fmt: skip
    again = story.generation(t)
    since = story.FIRST_S + (again - 1) * story.CYCLE_S + story.LOADED_S if again else 0
    return _server(LEAKY, "vllm", "0.33.0", people.leaky(t), _second_ns(since, epoch_s), reads="/metrics",
                   bounds=_bounds(), gpus=(story.LEAKING,))  # fmt: skip


def _second_ns(second: float, epoch_s: int) -> int:
    return int((epoch_s + second) * NS_PER_S)


def _loaded_ns(t: float, epoch_s: int) -> int:
    """When Ollama loaded its larger model."""
    return _second_ns(max(0.0, people.split_born(t)), epoch_s)


def models(second: int, epoch_s: int) -> dict[str, Row]:
    """Rows of ``models``."""
    t = float(second)
    gib, began = serving.GIB, epoch_s * NS_PER_S
    found: list[Row] = [
        (VLLM, serving.SCOUT, LOADED, None, None, "", 131_072, None, None, None, began, ""),
        (OLLAMA, serving.SMALL, LOADED, 5.2e9, 8.19e9, "Q4_K_M", 16_384, serving.SMALL_VRAM, 0.0, NEVER, began,
         ""),
        (RUNNER, serving.SMALL, LOADED, 5.2e9, 8.19e9, "Q4_K_M", 16_384, None, None, None, began, ""),
        (LLAMA, serving.CODER, LOADED, 17.3 * gib, 30.5e9, "Q4_K_M", 32_768, 0.0, 19.4 * gib, None, began, ""),
    ]  # fmt: skip
    if story.larger_loaded(t):
        since = _loaded_ns(t, epoch_s)
        asked = t if serving.answering(113, t) else t - (t % 113 - 113 * 0.66)
        found += [
            (OLLAMA, serving.LARGE, LOADED, 17.4e9, 27.4e9, "Q4_K_M", 8_192, serving.LARGE_VRAM,
             serving.LARGE_RAM, _second_ns(int(asked) + _KEPT_S, epoch_s), since, ""),
            (SPLIT_RUNNER, serving.LARGE, LOADED, 17.4e9, 27.4e9, "Q4_K_M", 8_192, None, None, None, since, ""),
        ]  # fmt: skip
    if serving.listed(t):
        found.append((LEAKY, serving.QWEN, LOADED, None, None, "", 40_960, None, None, None,
                      _leaky(t, epoch_s)[6], ""))  # fmt: skip
    return {f"{row[0]}|{row[1]}": row for row in found}


def requests(second: int, epoch_s: int) -> dict[str, Row]:
    """Rows of ``inference_requests``: of the servers that name them."""
    t = float(second)
    found: list[Row] = []
    at = serving.turn(t)
    if at < 31:
        read, made = min(848, int(212 * (at + 1))), max(0, int(23.5 * (at - 4)))
        found.append((LLAMA, serving.CODER, 0, f"{int(t // 47)}", "prefill" if at < 4 else "generating", 848,
                      read, 0, made, 32_768, None, _second_ns(t - at, epoch_s), ""))  # fmt: skip
    if serving.answering(71, t):
        since = t % 71
        found.append((RUNNER, serving.SMALL, 0, f"{int(t // 71)}", "generating", 1_940, 1_940, 1_410,
                      int(96 * since), 16_384, None, _second_ns(t - since, epoch_s), ""))  # fmt: skip
    if story.larger_loaded(t) and serving.answering(113, t):
        since = t % 113
        found.append((SPLIT_RUNNER, serving.LARGE, 0, f"{int(t // 113)}", "generating", 3_120, 3_120, 0,
                      int(7.4 * since), 8_192, None, _second_ns(t - since, epoch_s), ""))  # fmt: skip
    if serving.drawing(t):
        found.append((COMFY, "", None, f"job {int(t // 24)}", "running", None, None, None, None, None,
                      serving.progress(t), _second_ns(t - t % 24, epoch_s), "node 12"))  # fmt: skip
    return {f"{row[0]}|{row[3] if row[2] is None else row[2]}": row for row in found}


def happened() -> tuple[tuple[float, str, str, dict[str, JsonValue]], ...]:
    """(second of the incident, kind, endpoint, what it says) of all that befalls the servers."""
    gone: dict[str, JsonValue] = {
        "before": health.OK, "after": health.FAILED, "reason": "/metrics: nobody listens there", "fix": "",
    }  # fmt: skip
    return (
        (story.FAULT_S + 1.0, "server.state", LEAKY, gone),
        (float(story.GONE_S), "server.gone", LEAKY, {"kind": "vllm"}),
        (float(story.QUEUED_S), "server.queueing", VLLM, {"waiting": 17, "running": 48}),
        (float(story.PREEMPTED_S), "server.preempting", VLLM,
         {"model": serving.SCOUT, "count": 1, "kv_cache": 0.96, "running": 51, "waiting": 22}),
        (story.LOADED_S + 0.3, "server.restarted", LEAKY, {"version": "0.33.0"}),
        (story.UNLOADED[0] + 0.2, "model.unloaded", OLLAMA, {"model": serving.LARGE}),
        (story.UNLOADED[1] + 0.2, "model.loaded", OLLAMA, {"model": serving.LARGE}),
        (story.UNLOADED[1] + 1.2, "model.verdict", OLLAMA, {"verdict": _SPLIT, "evidence": _SLOW}),
    )  # fmt: skip
