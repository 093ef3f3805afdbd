"""Runners of Ollama: whose weights they hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.fake_ollama import install_files
from wftui.collectors.servers.figures import ModelInfo
from wftui.collectors.servers.ollama_runner import Runner, manifests, match, runner

A, B, C = "a" * 64, "b" * 64, "c" * 64
QWEN = ModelInfo(name="qwen3:8b", context=8192, size=5e9)
GEMMA = ModelInfo(name="gemma3:27b", context=32768, size=17e9)
OTHER = ModelInfo(name="me/other:latest", context=8192, size=5.1e9)
KNOWN = {A: frozenset({"qwen3:8b", "qwen3:latest"}), B: frozenset({"gemma3:27b"})}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (
            f"/usr/lib/ollama/llama-server --model /o/models/blobs/sha256-{A} --port 41000 --host 127.0.0.1 "
            "--no-webui --offline -c 32768 -np 4",
            Runner("/o/models", A, 8192),
        ),
        (f"llama-server --model=/m/blobs/sha256-{B} --ctx-size=4096", Runner("/m", B, 4096)),
        (f"llama-server --model /m/blobs/sha256-{B} --parallel 2 --ctx-size 4096", Runner("/m", B, 2048)),
        (f"llama-server --model /m/blobs/sha256-{B} -c 0 -np x", Runner("/m", B, None)),
        (f"llama-server --model /m/blobs/sha256-{B} -c", Runner("/m", B, None)),
        (f"llama-server --model /m/blobs/sha256-{B}0", None),
        ("llama-server --model /m/qwen.gguf", None),
        ("llama-server --model", None),
        ("ollama serve", None),
        ("", None),
    ],
)
def test_command_lines(line: str, found: Runner | None) -> None:
    assert runner(line.split()) == found


def test_manifests(tmp_path: Path) -> None:
    install_files(
        tmp_path,
        **{
            A: ("registry.ollama.ai/library/qwen3/8b", "registry.ollama.ai/library/qwen3/latest"),
            B: ("registry.ollama.ai/me/other/latest", "hf.co/some/model/Q4_K_M"),
        },
    )
    deep = tmp_path / "manifests"
    (deep / "registry.ollama.ai/library/broken").mkdir()
    (deep / "registry.ollama.ai/library/broken/json").write_text("{")
    (deep / "registry.ollama.ai/library/broken/none").write_text('{"layers": null}')
    (deep / "registry.ollama.ai/library/broken/list").write_text("[]")
    (deep / "stray").write_text("{}")
    (deep / "registry.ollama.ai/library/broken/dead").symlink_to("/nowhere")
    assert manifests(tmp_path) == {
        A: {"qwen3:8b", "qwen3:latest"},
        B: {"me/other:latest", "hf.co/some/model:Q4_K_M"},
    }
    assert manifests(tmp_path / "nowhere") == {}


@pytest.mark.parametrize(
    ("models", "digest", "context", "size", "name"),
    [
        ([QWEN, GEMMA], A, None, None, "qwen3:8b"),
        ([QWEN, GEMMA], B, 8192, None, "gemma3:27b"),
        ([GEMMA], A, None, None, None),
        ([QWEN], B, None, None, "gemma3:27b"),
        ([], B, None, None, "gemma3:27b"),
        ([QWEN, OTHER, GEMMA], C, None, None, "me/other:latest"),
        ([QWEN, GEMMA], C, None, None, None),
        ([], C, None, None, None),
    ],
)
def test_by_manifest(
    models: list[ModelInfo], digest: str, context: int | None, size: float | None, name: str | None
) -> None:
    assert match(models, digest, KNOWN, context=context, size=size) == name


@pytest.mark.parametrize(
    ("models", "context", "size", "name"),
    [
        ([QWEN], None, None, "qwen3:8b"),
        ([QWEN], 4096, None, None),
        ([QWEN], 8192, 5.02e9, "qwen3:8b"),
        ([QWEN, GEMMA], None, None, None),
        ([QWEN, GEMMA], 32768, None, "gemma3:27b"),
        ([QWEN, OTHER], 8192, None, None),
        ([QWEN, OTHER], 8192, 4.8e9, "qwen3:8b"),
        ([QWEN, GEMMA], None, 17.1e9, "gemma3:27b"),
        ([ModelInfo(name="old"), GEMMA], 4096, None, "old"),
        ([], 4096, 1e9, None),
    ],
)
def test_without_manifests(
    models: list[ModelInfo], context: int | None, size: float | None, name: str | None
) -> None:
    """They belong to another user as a rule."""
    assert match(models, A, {}, context=context, size=size) == name


def test_two_names_of_the_same_weights() -> None:
    twin = ModelInfo(name="qwen3:latest", context=4096)
    assert match([QWEN, twin], A, KNOWN) is None
    assert match([QWEN, twin], A, KNOWN, context=4096) == "qwen3:latest"


@given(
    st.lists(st.builds(ModelInfo, name=st.sampled_from(["a", "b", "c"]), context=st.sampled_from([None, 1, 2]))),
    st.dictionaries(st.sampled_from([A, B, C]), st.frozensets(st.sampled_from(["a", "b", "c", "d"]))),
    st.sampled_from([None, 1, 2]),
)
def test_only_what_may_be_is_named(
    models: list[ModelInfo], known: dict[str, frozenset[str]], context: int | None
) -> None:
    found = match(models, A, known, context=context)
    names = known.get(A, frozenset())
    assert found is None or found in names or (not names and found in {item.name for item in models})
