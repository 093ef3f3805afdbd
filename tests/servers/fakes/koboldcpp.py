"""KoboldCpp, with all that it says in others' names."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.servers.fake import Route, constant, said, sample


class Kobold:
    """One that generates when a test says so."""

    def __init__(self) -> None:
        self.perf: dict[str, Any] = msgspec.json.decode(sample("koboldcpp_perf.json"))  # Any: JSON
        self.model = "koboldcpp/Qwen3-8B-Q4_K_M"

    def generate(self, tokens: int, prompt: int, process_s: float, eval_s: float) -> None:
        """One generation ends."""
        self.perf |= {
            "last_token_count": tokens,
            "last_input_count": prompt,
            "last_process_time": process_s,
            "last_eval_time": eval_s,
            "total_gens": self.perf["total_gens"] + 1,
            "uptime": self.perf["uptime"] + 1,
        }

    def restart(self) -> None:
        """The process is another one."""
        self.perf |= {"total_gens": 0, "uptime": 0.5, "last_token_count": 0, "last_input_count": 0}

    def routes(self) -> dict[str, Route]:
        """Its paths, and those of Ollama, ComfyUI and others that it answers with constants."""
        return {
            "/api/extra/version": constant(sample("koboldcpp_version.json")),
            "/api/extra/perf": lambda _: said(self.perf),
            "/api/v1/model": lambda _: said({"result": self.model}),
            "/api/extra/true_max_context_length": lambda _: said({"value": 8192}),
            "/": constant(b"Ollama is running"),
            "/api/version": constant(sample("koboldcpp_fake_ollama_version.json")),
            "/api/tags": lambda _: said({"models": [{"name": "koboldcpp", "model": "m", "size": 394998579}]}),
            "/api/ps": lambda _: said({"models": [{"name": "koboldcpp", "model": "m", "size": 394998579}]}),
            "/system_stats": constant(sample("koboldcpp_fake_system_stats.json")),
            "/prompt": lambda _: said({"exec_info": {"queue_remaining": 0}}),
            "/v1/models": lambda _: said({"data": [{"id": "koboldcpp/Qwen3", "owned_by": "koboldcpp"}]}),
            "/health": lambda _: said({"status": "ok"}),
        }


def routes() -> dict[str, Route]:
    """One at rest."""
    return Kobold().routes()
