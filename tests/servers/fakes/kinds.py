"""A stand-in of every kind, for what must hold for all of them: who is whom, what is never asked, bad answers."""

from __future__ import annotations

from collections.abc import Callable

from tests.servers.fake import Route, constant, page, said, sample
from tests.servers.fakes import comfyui, koboldcpp
from tests.servers.fakes.paged import Paged

Routes = dict[str, Route]


def vllm() -> Routes:
    """vLLM."""
    return {
        "/metrics": Paged("vllm.prom"),
        "/v1/models": constant(sample("vllm_models.json")),
        "/version": constant(sample("vllm_version.json")),
        "/health": constant(b""),
    }


def sglang() -> Routes:
    """SGLang with ``--enable-metrics``; it speaks some of Ollama's language."""
    return {
        "/metrics": Paged("sglang.prom"),
        "/model_info": constant(sample("sglang_model_info.json")),
        "/v1/models": lambda _: said({"data": [{"id": "Qwen/Qwen3-8B", "owned_by": "sglang"}]}),
        "/v1/loads": lambda _: said(
            {
                "version": "0.5.23",
                "num_accelerators": 1,
                "loads": [
                    {
                        "dp_rank": 0,
                        "num_running_reqs": 5,
                        "num_waiting_reqs": 2,
                        "max_total_num_tokens": 33370,
                        "token_usage": 0.1834,
                        "gen_throughput": 312.7,
                        "memory": {"weight_gb": 15.27, "kv_cache_gb": 4.58, "graph_gb": 0.15},
                    }
                ],
            }
        ),
        "/": constant(b"Ollama is running"),
        "/api/tags": constant(sample("ollama_tags.json")),
        "/api/version": constant(sample("ollama_version.json")),
        "/health": constant(b""),
    }


def tgi() -> Routes:
    """Text Generation Inference."""
    return {"/metrics": Paged("tgi.prom"), "/info": constant(sample("tgi_info.json")), "/health": constant(b"")}


def trtllm() -> Routes:
    """``trtllm-serve`` with its text page."""
    return {
        "/prometheus/metrics": Paged("trtllm_serve.prom"),
        "/metrics": constant(sample("trtllm_serve_metrics.json")),
        "/v1/models": lambda _: said({"data": [{"id": "Qwen3-8B", "owned_by": "tensorrt_llm"}]}),
        "/version": lambda _: said({"version": "1.2.0"}),
        "/health": constant(b""),
    }


def triton() -> Routes:
    """Triton whose metrics are reached through the same address."""
    return {
        "/v2": lambda _: said({"name": "triton", "version": "2.61.0", "extensions": ["statistics"]}),
        "/metrics": Paged("triton.prom"),
        "/v2/health/live": constant(b""),
    }


def dynamo() -> Routes:
    """A frontend of Dynamo."""
    return {
        "/metrics": Paged("dynamo_frontend.prom"),
        "/v1/models": lambda _: said({"data": [{"id": "Qwen/Qwen3-8B", "owned_by": "nvidia"}]}),
        "/health": lambda _: said({"status": "healthy", "instances": [{"namespace": "dynamo"}], "endpoints": []}),
    }


def dynamo_worker() -> Routes:
    """The system port of a worker of Dynamo."""
    return {
        "/metrics": Paged("dynamo_worker.prom"),
        "/health": lambda _: said({"status": "ready", "uptime": {"secs": 5}, "endpoints": {"generate": "ready"}}),
    }


def lmstudio() -> Routes:
    """LM Studio 0.4, but for its habit to answer any path."""
    return {
        "/api/v1/models": constant(sample("lmstudio_v1_models.json")),
        "/api/v0/models": constant(sample("lmstudio_v0_models.json")),
        "/v1/models": lambda _: said({"data": [{"id": "qwen3-8b", "owned_by": "organization_owner"}]}),
    }


def localai() -> Routes:
    """LocalAI."""
    system = {
        "backends": ["llama-cpp", "whisper"],
        "loaded_models": [
            {
                "id": "qwen3-8b",
                "backend": "llama-cpp",
                "process": {"pid": 812, "rss_bytes": 6442450944, "cpu_percent": 3.5},
                "size_vram": 5368709120,
            }
        ],
    }
    return {
        "/metrics": Paged("localai.prom"),
        "/system": lambda _: said(system),
        "/version": lambda _: said({"version": "v4.9.0"}),
        "/readyz": constant(b""),
        "/v1/models": lambda _: said({"data": [{"id": "qwen3-8b", "object": "model"}]}),
    }


def ollama() -> Routes:
    """Ollama."""
    return {
        "/": constant(b"Ollama is running"),
        "/api/version": constant(sample("ollama_version.json")),
        "/api/tags": constant(sample("ollama_tags.json")),
        "/api/ps": constant(sample("ollama_ps.json")),
        "/v1/models": lambda _: said({"data": [{"id": "qwen3:8b", "owned_by": "library"}]}),
    }


def llamacpp() -> Routes:
    """llama.cpp's server, but for its ``Server`` header."""
    return {
        "/metrics": Paged("llamacpp.prom"),
        "/props": constant(sample("llamacpp_props.json")),
        "/slots": constant(sample("llamacpp_slots.json")),
        "/v1/models": constant(sample("llamacpp_models.json")),
        "/models": constant(sample("llamacpp_models.json")),
        "/health": lambda _: said({"status": "ok"}),
    }


def llamacpp_router() -> Routes:
    """A router of llama.cpp with a loaded, an unloaded and a failed model."""
    return llamacpp() | {
        "/props": constant(sample("llamacpp_router_props.json")),
        "/v1/models": constant(sample("llamacpp_router_models.json")),
    }


def transformers() -> Routes:
    """``transformers serve``."""
    paths: dict[str, object] = {
        "/load_model": {}, "/v1/responses": {}, "/v1/models": {}, "/v1/chat/completions": {},
    }  # fmt: skip
    return {
        "/health": constant(sample("transformers_health.json")),
        "/openapi.json": lambda _: said({"openapi": "3.1.0", "paths": paths}),
        "/v1/models": lambda _: said({"detail": "CacheNotFound"}, 500),
    }


def llamacpp_python() -> Routes:
    """``python -m llama_cpp.server``."""
    paths: dict[str, object] = {"/v1/models": {}, "/v1/completions": {}, "/extras/tokenize/count": {}}
    return {
        "/openapi.json": lambda _: said({"openapi": "3.1.0", "paths": paths}),
        "/v1/models": lambda _: said({"object": "list", "data": [{"id": "qwen3-8b", "owned_by": "me"}]}),
    }


def other() -> Routes:
    """A program that exports metrics and serves no model."""
    return {"/metrics": lambda _: page(sample("dcgm.prom")), "/health": lambda _: said({"status": "ok"})}


SERVERS: dict[str, tuple[str, Callable[[], Routes]]] = {
    "vllm": ("vllm", vllm),
    "sglang": ("sglang", sglang),
    "tgi": ("tgi", tgi),
    "trtllm": ("trtllm", trtllm),
    "triton": ("triton", triton),
    "dynamo": ("dynamo", dynamo),
    "dynamo worker": ("dynamo", dynamo_worker),
    "lmstudio": ("lmstudio", lmstudio),
    "localai": ("localai", localai),
    "koboldcpp": ("koboldcpp", koboldcpp.routes),
    "comfyui": ("comfyui", comfyui.routes),
    "transformers": ("transformers", transformers),
    "llamacpp_python": ("llamacpp_python", llamacpp_python),
    "ollama": ("ollama", ollama),
    "llamacpp": ("llamacpp", llamacpp),
    "llamacpp router": ("llamacpp", llamacpp_router),
    "other": ("", other),
}
"""What it is called in a test → (module of its kind, its paths)."""
HEADERS = {"llamacpp": "llama.cpp", "llamacpp router": "llama.cpp"}
"""Of those whose ``Server`` header says who they are."""
