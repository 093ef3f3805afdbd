"""LM Studio: both of its lists, and its habit to answer any path with 200."""

from __future__ import annotations

import pytest

from tests.servers.conftest import Dial
from tests.servers.fake import Fake, Route, said
from tests.servers.fakes.kinds import lmstudio as routes
from wftui.collectors.servers import lmstudio
from wftui.collectors.servers.figures import ModelInfo
from wftui.errors import SourceError
from wftui.model import health

UNEXPECTED = {"error": "Unexpected endpoint or method. (GET /api/v1/models)"}


def older() -> dict[str, Route]:
    """LM Studio 0.3: it answers 200 for a list that it does not have."""
    return routes() | {"/api/v1/models": lambda _: said(UNEXPECTED)}


async def test_models_of_04(dial: Dial) -> None:
    with Fake(routes()) as server:
        web = dial(server)
        assert await lmstudio.identify(web) == ""
        look = await lmstudio.make().look(web)
        assert look.models == (
            ModelInfo(
                name="qwen3-8b", size=5027783872, parameters=8e9, quantization="Q4_K_M", context=8192,
                detail="qwen3, gguf",
            ),
        )  # fmt: skip
        assert look.reads == ("/api/v1/models",)
        assert "wftop proxy" in look.missing[0].fix
        assert (look.gauges, look.counters) == ({}, {})


async def test_instances(dial: Dial) -> None:
    def model(key: str, *instances: str) -> dict[str, object]:
        return {"key": key, "max_context_length": 4096, "loaded_instances": [{"id": item} for item in instances]}

    models = {"models": [model("a", "a", "a:2"), model("b")]}
    with Fake(routes() | {"/api/v1/models": lambda _: said(models)}) as server:
        look = await lmstudio.make().look(dial(server))
        assert [(item.name, item.state, item.context) for item in look.models or ()] == [
            ("a", "loaded", 4096), ("a:2", "loaded", 4096), ("b", "unloaded", 4096),
        ]  # fmt: skip


async def test_models_of_03(dial: Dial) -> None:
    with Fake(older()) as server:
        web = dial(server)
        assert await lmstudio.identify(web) == ""
        adapter = lmstudio.make()
        for _ in range(2):
            look = await adapter.look(web)
            assert look.models == (
                ModelInfo(name="qwen3-8b", quantization="Q4_K_M", context=8192, detail="qwen3, gguf"),
                ModelInfo(
                    name="qwen2-vl-7b-instruct", state="unloaded", quantization="4bit", context=32768,
                    detail="qwen2_vl, mlx",
                ),
                ModelInfo(
                    name="text-embedding-nomic-embed-text-v1.5", state="unloaded", quantization="Q4_0",
                    context=2048, detail="nomic-bert, gguf",
                ),
            )  # fmt: skip
        assert server.paths.count("/api/v1/models") == 2, "once by each: it is not there"


async def test_any_path_answers(dial: Dial) -> None:
    with Fake({path: lambda _: said(UNEXPECTED) for path in ("/api/v1/models", "/api/v0/models")}) as server:
        web = dial(server)
        assert await lmstudio.identify(web) is None
        with pytest.raises(SourceError):
            await lmstudio.make().look(web)


async def test_a_token(dial: Dial) -> None:
    with Fake(routes(), key="k") as server:
        with pytest.raises(SourceError) as refused:
            await lmstudio.identify(dial(server))
        assert refused.value.state == health.DENIED
        assert await lmstudio.identify(dial(server, key="k")) == ""


@pytest.mark.parametrize(
    ("said", "parameters"),
    [
        ("8B", 8e9),
        ("0.6B", 6e8),
        ("137M", 1.37e8),
        ("1T", 1e12),
        ("", None),
        ("8x7B", None),
        ("B", None),
        ("8b", None),
    ],
)
def test_parameters(said: str, parameters: float | None) -> None:
    assert lmstudio.parameters(said) == parameters
