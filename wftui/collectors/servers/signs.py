"""What in a command line says that a process serves models. A sign is a reason to ask, never an answer."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

_PYTHON: Final = re.compile(r"(?:python|pypy)[0-9.]*\Z")
_BLOB: Final = re.compile(r"/blobs/sha256-[0-9a-f]{64}\Z")

PRETENDERS_FIRST: Final = (
    "koboldcpp", "sglang", "llamacpp", "ollama", "tgi", "trtllm", "triton", "dynamo", "lmstudio", "localai",
    "comfyui", "vllm", "transformers", "llamacpp_python",
)  # fmt: skip
"""Modules of kinds in the order in which they are asked: who answers in another's name stands before that one."""

CORE: Final = "core"
"""The kind of a WIRTHFORGE core, which is no model server: whoever follows it takes it from what was found."""

_PROGRAMS: Final[dict[str, tuple[str, ...]]] = {
    "vllm": ("vllm",),
    "llama-server": ("llamacpp",),
    "llama.cpp": ("llamacpp",),
    "ollama": ("ollama",),
    "sglang": ("sglang",),
    "text-generation-router": ("tgi",),
    "text-generation-launcher": ("tgi",),
    "trtllm-serve": ("trtllm",),
    "tritonserver": ("triton",),
    "local-ai": ("localai",),
    "lm-studio": ("lmstudio",),
    "lms": ("lmstudio",),
    "llmster": ("lmstudio",),
    "comfyui": ("comfyui",),
    "comfy": ("comfyui",),
    "transformers": ("transformers",),
    "transformers-cli": ("transformers",),
    "wirthforge": (CORE,),
    "wirthforge-core": (CORE,),
}
"""Base name of the program, or of the script that Python runs."""
_MODULES: Final[dict[str, tuple[str, ...]]] = {
    "vllm": ("vllm",),
    "sglang": ("sglang",),
    "dynamo": ("dynamo",),
    "tensorrt_llm": ("trtllm",),
    "llama_cpp": ("llamacpp_python",),
    "transformers": ("transformers",),
    "text_generation_server": ("tgi",),
    "wirthforge": (CORE,),
    "wirthforge_core": (CORE,),
}
"""First part of what stands behind ``python -m``."""
_TITLES: Final[dict[str, tuple[str, ...]]] = {"VLLM::": ("vllm",), "sglang::": ("sglang",)}
"""Beginnings of process titles that were written over the command line."""
_COMFY: Final = "main.py"
"""ComfyUI starts as this, as many others do: its folder must hold ``comfy/`` and ``nodes.py``."""


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """Why a process is asked, and what its command line says about where."""

    kinds: tuple[str, ...]
    """Modules, in the order in which they are asked."""
    port: int | None = None
    prefix: str = ""
    """Of its paths (``--api-prefix``)."""
    tls: bool = False
    words: tuple[str, ...] = ()
    """The command line of a runner of Ollama; empty: it is none."""
    sleep_s: float | None = None
    """Idle time after which a llama.cpp server sleeps; None: it does not say."""
    folder: bool = False
    """Whether only the working folder can tell (``python main.py``)."""


def sign(words: Sequence[str]) -> Sign | None:
    """What a command line says.

    Args:
        words: Of ``/proc/PID/cmdline``; one word with blanks when the title was written over.

    Returns:
        None: nothing in it looks like a model server.
    """
    if not words or not words[0]:
        return None
    kinds = _kinds(words)
    if kinds is None:
        return None
    sleep = _option(words, "--sleep-idle-seconds") or ""
    return Sign(
        kinds=kinds,
        port=_number(_option(words, "--port", "-p")),
        prefix=_option(words, "--api-prefix") or "",
        tls=any(word.split("=")[0] in ("--ssl-cert-file", "--ssl-certfile") for word in words),
        words=tuple(words) if any(_BLOB.search(word) for word in words) else (),
        sleep_s=float(sleep) if sleep.isascii() and sleep.isdecimal() else None,
        folder=kinds == ("comfyui",) and words[0].rpartition("/")[2] not in _PROGRAMS,
    )


def _kinds(words: Sequence[str]) -> tuple[str, ...] | None:
    first = words[0]
    kinds = next((kinds for title, kinds in _TITLES.items() if first.startswith(title)), None)
    if kinds is not None:
        return kinds
    name = _base(first)
    rest = list(words[1:])
    if _PYTHON.match(name):
        while rest and rest[0].startswith("-") and rest[0] not in ("-m", "-c"):
            rest = rest[2:] if rest[0] in ("-X", "-W") else rest[1:]
        if len(rest) > 1 and rest[0] == "-m":
            return _MODULES.get(rest[1].partition(".")[0])
        if not rest or rest[0] == "-c":
            return None
        name = _base(rest[0])
        if name == _COMFY:
            return ("comfyui",)
        rest = rest[1:]
    if name.startswith("koboldcpp"):
        return ("koboldcpp",)
    kinds = _PROGRAMS.get(name.removesuffix(".py"))
    # `ollama run` and `vllm bench` are clients; the runner of an old Ollama speaks llama.cpp's language in part.
    if kinds == ("ollama",) and rest[:1] not in (["serve"], []):
        return None
    if kinds in (("vllm",), ("sglang",), ("transformers",)) and rest[:1] != ["serve"]:
        return None
    return kinds


def _base(path: str) -> str:
    name = path.rpartition("/")[2]
    return name.lower() if name[:2].isupper() else name


def _option(words: Sequence[str], *names: str) -> str | None:
    for place, word in enumerate(words):
        if word in names and place + 1 < len(words):
            return words[place + 1]
        for name in names:
            if word.startswith(name + "="):
                return word[len(name) + 1 :]
    return None


def _number(word: str | None) -> int | None:
    return int(word) if word is not None and word.isdigit() and 0 < int(word) < 65536 else None
