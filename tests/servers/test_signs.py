"""Which command lines look like a model server's, and what they say of its address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.collectors.servers.kinds import modules
from wftui.collectors.servers.signs import PRETENDERS_FIRST, sign
from wftui.errors import ConfigError

DIGEST = "3f" * 32

SERVERS = [
    ("vllm serve Qwen/Qwen3-8B --port 8123", "vllm", 8123),
    ("/opt/venv/bin/python3.11 /opt/venv/bin/vllm serve meta-llama/Llama-3.1-8B", "vllm", None),
    ("python3 -m vllm.entrypoints.openai.api_server --model x --port=9000", "vllm", 9000),
    ("python -X dev -u -m vllm.entrypoints.openai.api_server", "vllm", None),
    ("/usr/local/bin/llama-server -m model.gguf --port 8080 --metrics", "llamacpp", 8080),
    ("ollama serve", "ollama", None),
    ("/usr/bin/ollama serve", "ollama", None),
    ("sglang serve --model-path x", "sglang", None),
    ("python3 -m sglang.launch_server --model-path x --port 30000", "sglang", 30000),
    ("text-generation-launcher --model-id x", "tgi", None),
    ("text-generation-router --port 3000", "tgi", 3000),
    ("/usr/bin/python3 /usr/local/bin/trtllm-serve model", "trtllm", None),
    ("tritonserver --model-repository /models", "triton", None),
    ("python -m dynamo.frontend", "dynamo", None),
    ("python3 -m dynamo.vllm --model x", "dynamo", None),
    ("/opt/LM-Studio/lm-studio --no-sandbox", "lmstudio", None),
    ("local-ai run", "localai", None),
    ("./koboldcpp-linux-x64 --model m.gguf", "koboldcpp", None),
    ("python koboldcpp.py --model m.gguf", "koboldcpp", None),
    ("python main.py --listen --port 8188", "comfyui", 8188),
    ("transformers serve Qwen/Qwen3-0.6B", "transformers", None),
    ("python -m llama_cpp.server --model m.gguf", "llamacpp_python", None),
]
OTHERS = [
    "python -c pass",
    "python",
    "python -m http.server 8000",
    "python train.py --model llama",
    "bash -c vllm",
    "ollama run llama3",
    "vllm bench serve",
    "vllm",
    "grep vllm",
    "ssh -L 8000:localhost:8000 gpu-box",
    "vim llama-server.service",
    "nginx: master process",
    "",
]


@pytest.mark.parametrize(("line", "kind", "port"), SERVERS, ids=[line for line, _, _ in SERVERS])
def test_a_server(line: str, kind: str, port: int | None) -> None:
    found = sign(line.split(" "))
    assert found is not None
    assert found.kinds == (kind,)
    assert found.port == port
    assert kind in PRETENDERS_FIRST


@pytest.mark.parametrize("line", OTHERS)
def test_no_server(line: str) -> None:
    assert sign(line.split(" ")) is None


@pytest.mark.parametrize(("title", "kind"), [("VLLM::EngineCore", "vllm"), ("sglang::scheduler_TP0", "sglang")])
def test_a_title_that_was_written_over(title: str, kind: str) -> None:
    found = sign([title])
    assert found is not None
    assert found.kinds == (kind,)


def test_what_the_line_says_more() -> None:
    runner = sign(
        f"/usr/lib/ollama/llama-server --model /root/.ollama/models/blobs/sha256-{DIGEST} --port 4".split()
    )
    assert runner is not None
    assert runner.words[0] == "/usr/lib/ollama/llama-server"
    assert runner.port == 4
    secure = sign(["llama-server", "--api-prefix", "/llm", "--ssl-cert-file", "c.pem", "-m", "x"])
    assert secure is not None
    assert (secure.prefix, secure.tls, secure.words, secure.sleep_s) == ("/llm", True, (), None)
    sleeper = sign(["llama-server", "-m", "x", "--sleep-idle-seconds", "300"])
    assert sleeper is not None
    assert sleeper.sleep_s == 300
    wild = sign(["llama-server", "--port", "99999999"])
    assert wild is not None
    assert wild.port is None


def test_main_py_needs_its_folder() -> None:
    found = sign(["python3", "main.py"])
    assert found is not None
    assert found.folder
    named = sign(["comfy", "launch"])
    assert named is not None
    assert not named.folder


@given(st.lists(st.text(max_size=30), max_size=6))
def test_any_words_are_a_sign_or_none(words: list[str]) -> None:
    found = sign(words)
    assert found is None or set(found.kinds) <= set(PRETENDERS_FIRST)


def test_a_kind_that_a_person_names() -> None:
    assert modules("") == PRETENDERS_FIRST
    assert modules("llama.cpp") == ("llamacpp",)
    assert modules("vLLM") == ("vllm",)
    with pytest.raises(ConfigError, match=r"kind=oLLama2: expected one of koboldcpp"):
        modules("oLLama2")
