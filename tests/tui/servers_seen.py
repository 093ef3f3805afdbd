"""The fake machine with model servers: a vLLM, one that swells, an Ollama with its runner, some in trouble."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from functools import lru_cache
from typing import Self

from tests.tui.fake import GIB, HOSTILE, NAN, NOW_S, wave
from tests.tui.fake_gpus import NS, GpuFed, box
from wftui.model.health import Health
from wftui.model.sample import APPORTIONED, DERIVED, MEASURED, Column, column
from wftui.model.servers import MODELS, REQUESTS, SERVERS, SOURCE
from wftui.model.table import Cell, Row, TableSchema
from wftui.tui.state import State

VLLM = "127.0.0.1:8000"
SWOLLEN = "127.0.0.1:8001"
OLLAMA = "127.0.0.1:11434"
RUNNER = "127.0.0.1:36417"
LLAMA = "127.0.0.1:8080"
COMFY = "127.0.0.1:8188"
LOCKED = "127.0.0.1:1234"
GONE = "unix:/run/tgi.sock"
SCOUT, QWEN, SMALL, LARGE, CODER = "Llama-4-Scout", "Qwen3-32B", "qwen3:8b", "gemma3:27b", "Qwen3-Coder-30B-A3B"
_SPREADS = {
    "gen_ai.server.time_to_first_token": (0.21, 3.0, 5.6),
    "inference.inter_token_latency": (0.024, 1.4, 2.1),
    "gen_ai.server.request.duration": (8.4, 2.2, 3.1),
}
BOUNDS = (
    "gen_ai.server.time_to_first_token=0.001:2560,inference.inter_token_latency=0.01:80,"
    "inference.phase.duration=0.3:7680"
)


@lru_cache(maxsize=1024)
def _column(name: str, server: str, model: str, mode: str, stat: str, call: str, quality: str) -> Column:
    labels = {"server": server}
    labels |= {"model": model} if model else {}
    labels |= {"mode": mode} if mode else {}
    return column(SOURCE, name, labels, call=call, quality=quality, stat=stat)


class _Told:
    """Series of one server, or of one of its models."""

    def __init__(self, server: str, model: str = "") -> None:
        self.server, self.model = server, model
        self.out: list[tuple[Column, float]] = []

    def put(
        self, name: str, value: float, mode: str = "", stat: str = "", call: str = "", quality: str = MEASURED
    ) -> None:
        call = call or f"/metrics {name.rpartition('.')[2]}"
        self.out.append((_column(name, self.server, self.model, mode, stat, call, quality), value))

    def spread(self, name: str, middle: float, high: tuple[float, float], ended: float, mode: str = "") -> None:
        call = f"/metrics vllm:{name.rpartition('.')[2]}_seconds"
        self.put(name, ended, mode, "count", call)
        self.put(name, ended * middle, mode, "sum", call)
        for stat, factor in (("p50", 1.0), ("p95", high[0]), ("p99", high[1])):
            self.put(name, middle * factor if ended else NAN, mode, stat, call)


def vllm(
    server: str, model: str, second: int, size: float, *, swollen: bool = False
) -> list[tuple[Column, float]]:
    """What a vLLM tells in one second."""
    load = 0.5 + 0.5 * wave(second, 47, len(model)) * (0.7 + 0.3 * wave(second, 5))
    burst = math.exp(-(((second - 470) / 25) ** 2)) if not swollen else 1 / (1 + math.exp((500 - second) / 20))
    ended = round(4 * load)
    told = _Told(server, model)
    told.put("inference.tokens.rate", size * 3.1 * load * (1 - 0.6 * burst), "prompt", quality=DERIVED)
    told.put("inference.tokens.rate", size * load * (1 - 0.3 * burst), "generation", quality=DERIVED)
    told.put("inference.tokens", 1e6 + size * second, "generation")
    told.put("inference.requests", round(48 * load), "running", call="/metrics vllm:num_requests_running")
    told.put("inference.requests", round(31 * burst), "waiting", call="/metrics vllm:num_requests_waiting")
    told.put("inference.request.count", 4.0 * second, "finished")
    told.put("inference.request.count", 3.0, "aborted")
    for name, (middle, p95, p99) in _SPREADS.items():
        told.spread(name, middle * (0.6 + load + 4 * burst), (p95, p99), ended)
    told.spread("inference.phase.duration", 0.3 if burst < 0.05 else 0.3 + 6 * burst, (1.0, 2.0), ended, "queue")
    told.put("inference.kv_cache.utilization", min(1.0, 0.4 + 0.2 * load + 0.6 * burst))
    told.put("inference.kv_cache.limit", 262_144.0)
    told.put("inference.prefix_cache.hit_ratio", 0.62 - 0.2 * load if ended else NAN, quality=DERIVED)
    told.put("inference.preemptions", 40 + (0.0 if not swollen else 2.0 * max(0, second - 560)))
    told.put("inference.batch.size", round(44 * load))
    told.put("inference.energy", 900.0 * second, quality=APPORTIONED, call="hw.gpu.energy by GPU processes")
    told.put("inference.energy.per_token", 1.1 / load, quality=APPORTIONED, call="hw.gpu.energy by GPU processes")
    return told.out


def small(server: str, model: str, second: int, speed: float, every: int) -> list[tuple[Column, float]]:
    """What the slots of a llama-server tell: one request after another with pauses."""
    at = second % every
    busy = at < 0.7 * every
    told = _Told(server, model)
    told.put(
        "inference.tokens.rate", speed * 11 if at < 3 else 0.0, "prompt", call="/slots n_prompt_tokens_processed"
    )
    made = speed * (0.9 + 0.1 * wave(second, 3)) if busy and at > 2 else 0.0
    told.put("inference.tokens.rate", made, "generation", call="/slots n_decoded")
    told.put("inference.requests", float(busy), "running", call="/slots is_processing")
    told.put("inference.requests", 0.0, "waiting", call="/slots")
    told.put(
        "inference.kv_cache.utilization", 0.05 + 0.3 * at / every, quality=DERIVED, call="/slots n_prompt_tokens"
    )
    return told.out


def whole(second: int) -> Iterator[tuple[Column, float]]:
    """What is told of servers as such."""
    for server in (VLLM, SWOLLEN, OLLAMA, RUNNER, LLAMA, COMFY, LOCKED, GONE):
        told = _Told(server)
        up = server not in (LOCKED, GONE) or (server == GONE and second < 588)
        told.put("inference.server.up", float(up), call="any answer")
        told.put("inference.server.scrape.duration", 0.004 if up else NAN, call="clock around a look")
        if server != LOCKED:
            told.put("inference.server.restarts", 1.0 if server == SWOLLEN else 0.0, call="counters, start time")
        if server in (VLLM, OLLAMA):
            vram = 132 * GIB if server == VLLM else 7.2 * GIB
            told.put("inference.server.memory", vram, "vram", call="driver", quality=DERIVED)
            told.put("inference.server.memory", 9.1 * GIB, "resident", call="/proc", quality=DERIVED)
        if server == COMFY:
            told.put("inference.requests", 1.0, "running", call="/queue")
            told.put("inference.requests", 3.0, "waiting", call="/queue")
            told.put("inference.progress", second % 24 / 24, call="websocket progress")
        yield from told.out


def _row(schema: TableSchema, known: Mapping[str, Cell]) -> Row:
    return tuple(known.get(item.name, "" if item.kind == "text" else None) for item in schema.columns)


def server_rows(cards: list[str], *, hostile: bool = False) -> dict[str, Row]:
    """The table ``servers``; ``cards``: UUIDs of the GPUs."""

    def row(
        endpoint: str, kind: str, version: str = "", state: str = "ok", since_s: float = 9000, **more: Cell
    ) -> Row:
        known: dict[str, Cell] = {
            "server.endpoint": endpoint, "server.kind": kind, "server.version": version, "server.state": state,
            "server.since": int((NOW_S - since_s) * NS), "process.pid": 812, "process.start_time": 1000,
            "server.origin": "process", "server.reads": "/metrics,/v1/models",
        }  # fmt: skip
        known |= {f"server.{name}": value for name, value in more.items()}
        if hostile:
            known |= {f"server.{name}": HOSTILE for name in ("version", "reason", "fix", "verdict", "evidence")}
            known["server.missing"] = f"{HOSTILE.replace(':', ' ')}: {HOSTILE}"
        return _row(SERVERS, known)

    renamed = "vllm:gpu_cache_usage_perc=vllm:kv_cache_usage_perc"
    found = [
        row(VLLM, "vllm", "0.33.0", bounds=BOUNDS, gpus=",".join(cards[:2]), renamed=renamed),
        row(SWOLLEN, "vllm", "0.33.0", bounds=BOUNDS, gpus=cards[6], since_s=4000),
        row(OLLAMA, "ollama", "0.32.4", reads="/api/ps", gpus=cards[7], verdict="not all of it is on the GPU",
            evidence=f"{LARGE}: 38 % of 20.6 GiB is in RAM",
            missing="time to first token: wftop proxy --upstream http://127.0.0.1:11434\nfailed requests:"),
        row(RUNNER, "llama.cpp", "b6402", reads="/slots", parent=OLLAMA),
        row(LLAMA, "llama.cpp", "b6402", reads="/slots,/props", missing="tokens since the start: --metrics"),
        row(COMFY, "comfyui", "0.27", reads="/queue"),
        row(LOCKED, "lmstudio", "", "denied", 600, reason="401: it wants a key",
            fix='[servers] endpoints = ["http://127.0.0.1:1234 key-file=FILE"]'),
        row(GONE, "tgi", "3.3.6", "stuck", 12, reason="no answer within 5 s", fix="see its log"),
    ]  # fmt: skip
    return {str(item[0]): item for item in found}


def model_rows(*, hostile: bool = False) -> dict[str, Row]:
    """The table ``models``."""

    def row(server: str, name: str, state: str = "loaded", **more: Cell) -> tuple[str, Row]:
        known: dict[str, Cell] = {
            "server.endpoint": server, "model.name": name, "model.state": state,
            "model.since": (NOW_S - 4000) * NS, **{f"model.{key}": value for key, value in more.items()},
        }  # fmt: skip
        if hostile:
            known |= {"model.detail": HOSTILE, "model.quantization": HOSTILE}
        return f"{server}|{name}", _row(MODELS, known)

    return dict([
        row(VLLM, SCOUT, context=131_072.0, quantization="fp8"),
        row(SWOLLEN, QWEN, context=32_768.0),
        row(OLLAMA, SMALL, size=5.2 * GIB, parameters=8.2e9, quantization="Q4_K_M", context=8192.0, vram=6.1 * GIB,
            ram=0.0, expires=(NOW_S + 260) * NS),
        row(OLLAMA, LARGE, size=17.4 * GIB, parameters=27e9, quantization="Q4_K_M", context=8192.0,
            vram=12.8 * GIB, ram=7.8 * GIB, expires=-1),
        row(OLLAMA, "mistral:7b", "unloaded", size=4.1 * GIB, parameters=7e9, quantization="Q4_0"),
        row(LLAMA, CODER, size=17.3 * GIB, quantization="Q4_K - Medium", context=16_384.0, ram=19.0 * GIB,
            vram=0.0),
    ])  # fmt: skip


def request_rows() -> dict[str, Row]:
    """The table ``inference_requests``: slots of the llama-server."""
    rows = {}
    for slot, (state, prompt, done, made) in enumerate(
        [("generating", 1204.0, 1204.0, 311.0), ("prefill", 14_200.0, 6144.0, 0.0), ("waiting", 90.0, 0.0, None)]
    ):
        known: dict[str, Cell] = {
            "server.endpoint": LLAMA, "model.name": CODER, "request.slot": float(slot), "request.state": state,
            "request.prompt": prompt, "request.processed": done, "request.cached": 512.0 if slot == 0 else 0.0,
            "request.generated": made, "request.context": 16_384.0, "request.since": (NOW_S - 7 - slot) * NS,
        }  # fmt: skip
        rows[f"{LLAMA}|{slot}"] = _row(REQUESTS, known)
    return rows


class ServersFed(GpuFed):
    """Eight GPUs, and what serves models on them; ``alone``: only the servers of these endpoints."""

    def __init__(self, alone: tuple[str, ...] = (), *, hostile: bool = False) -> None:
        self.alone = alone
        super().__init__(box(8), hostile=hostile)

    def series(self, second: int) -> list[tuple[Column, float]]:
        found = [
            *vllm(VLLM, SCOUT, second, 2900.0),
            *vllm(SWOLLEN, QWEN, second, 1250.0, swollen=True),
            *small(RUNNER, SMALL, second, 96.0, 71),
            *small(LLAMA, CODER, second, 21.0, 47),
            *whole(second),
        ]
        return super().series(second) + [
            item for item in found if not self.alone or item[0].series.label("server") in self.alone
        ]

    @property
    def made_of(self) -> tuple[Hashable, ...]:
        return *super().made_of, *self.alone

    def furnish(self) -> Self:
        super().furnish()

        def told(rows: dict[str, Row]) -> dict[str, Row]:
            return {key: row for key, row in rows.items() if not self.alone or row[0] in self.alone}

        self.table(SERVERS, told(server_rows([card.uuid for card in self.cards], hostile=self.hostile)))
        self.table(MODELS, told(model_rows(hostile=self.hostile)))
        self.table(REQUESTS, told(request_rows()))
        self.state.sources = [*self.state.sources, Health(SOURCE, "ok", interval_s=1.0, coverage=1.0)]
        return self


def serving(*alone: str, hostile: bool = False) -> State:
    """Five minutes of it, with a gap of 12 s."""
    return ServersFed(alone, hostile=hostile).run(301, 600, without=range(540, 552)).furnish().state
