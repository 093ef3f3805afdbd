"""Command lines by an allow-list: the program, its flags, and values of a shape that can hold no sentence.

A command line may hold anything: prompts, passwords, code, names. So a word stays only where it is known what it
can be: a flag, a number, one of few words, a path or an address (both by their made-up names), a model behind a
flag that names models. All else becomes ``…``.
"""

import re
from typing import Final

from wftui import redact
from wftui.bundle import public
from wftui.bundle.freetext import CUT, FreeText
from wftui.bundle.names import Places

_FLAG: Final = re.compile(r"(--?[A-Za-z][A-Za-z0-9_.-]{0,48})(?:=(.*))?\Z", re.DOTALL)
_NUMBER: Final = re.compile(r"[+-]?\d{1,9}(?:\.\d{1,9})?(?:[kKmMgGtT]i?[bB]?|%|ms|s|m|h)?(?:[,:]\d{1,6}){0,15}\Z")
_VALUES: Final = public.words(
    "true false yes no on off auto none null all default float16 float32 bfloat16 half fp8 fp8_e4m3 fp8_e5m2 fp16"
    " fp32 bf16 f16 f32 int4 int8 q8_0 q4_0 q4_1 q5_0 q5_1 q4_k_m awq gptq gguf bitsandbytes marlin safetensors pt"
    " cuda cpu rocm vulkan metal mps nccl gloo spawn fork mp ray uvloop debug info warning error critical slow"
    " linear yarn dynamic layer row prefix chatml mistral hermes json text xgrammar outlines flashinfer eager"
    " generate embed pooling pipeline tensor"
)
_COMMANDS: Final = public.words(
    "serve run start stop server launch worker runner engine api daemon exec list ps pull load unload bench chat"
    " complete record replay report doctor export bundle compare install build test"
)
_MODULE: Final = re.compile(
    r"(?:vllm|sglang|torch|transformers|text_generation_server|llama_cpp|tensorrt_llm|tritonserver|dynamo|uvicorn"
    r"|gunicorn|http|pytest|pip|venv|wftui|wftop|jupyter|accelerate|deepspeed|ray)(?:\.\w{1,40}){0,6}\Z"
)
_NAMES_MODELS: Final = re.compile(
    r"(?i)\A--?(?:.*[-_])?(?:model|tokenizer|lora|adapter|alias|draft|mmproj)(?:[-_].*)?\Z"
)
_MAY_NAME: Final = frozenset({"", "-m", "-md"})
"""Where a model may stand, and something else."""
_MODEL: Final = re.compile(r"[A-Za-z0-9][\w.:+-]*(?:/[\w.:+-]+)?\Z")
_ENDS: Final = re.compile(
    r"(?i)-{1,2}(?:p|c|e|prompt|prompts|sys|system|system[-_]prompt|input|text|content|message|messages|query|question|code"
    r"|command|eval|exec|execute|data|data-raw|body|d|header|h|grammar|chat[-_]template|prefix|suffix|env|user)"
)
"""Flags behind which a sentence, code or a secret may follow: nothing of the rest of the line is told."""
_ADDRESS: Final = re.compile(
    r"(?:\[[0-9a-fA-F:]+\]|[\w.-]+):\d{1,5}\Z|\d{1,3}(?:\.\d{1,3}){3}\Z|[0-9a-fA-F]*::[0-9a-fA-F:]*\Z"
)


class CommandLines:
    """Command lines of the person who writes the bundle."""

    def __init__(self, places: Places, text: FreeText) -> None:
        self._places = places
        self._text = text
        self.left_out = 0
        """Words that are not told."""

    def __call__(self, value: str) -> str:
        """A line as the process table has it: words with blanks between, secrets hidden."""
        hidden = redact.command_line_text(value)
        words = hidden.split()
        self._text.secrets += max(0, hidden.count(redact.HIDDEN))
        if not words:
            return ""
        shown = [self._program(words[0])]
        flag = ""
        for place, word in enumerate(words[1:], 1):
            found = _FLAG.match(word)
            if found is None:
                shown.append(self._value(word, flag))
                flag = ""
                continue
            name, given = found.groups()
            if _ENDS.fullmatch(name) and not _harmless(name, given, words[place + 1 : place + 2]):
                self.left_out += len(words) - place
                shown += [name, CUT]
                break
            name = self._text.words(name)
            shown.append(name if given is None else f"{name}={self._value(given, name)}")
            flag = "" if given is not None else name
        return " ".join(_folded(shown))

    def _program(self, word: str) -> str:
        folder, slash, program = word.rpartition("/")
        return (self._places.path(folder) if folder else "") + slash + self._places.program(program.rstrip(":"))

    def _value(self, word: str, flag: str) -> str:
        bare = word.strip("\"'")
        if word == redact.HIDDEN or _NUMBER.match(bare) or bare.casefold() in _VALUES:
            return word
        if not flag and bare in _COMMANDS:
            return word
        if "://" in bare:
            return self._places.url(bare)
        if bare.startswith(("/", "~/", "./", "../")):
            return self._places.path(bare)
        if _ADDRESS.match(bare):
            return self._places.endpoint(bare)
        if (flag == "-m" or not flag) and _MODULE.match(bare):
            return word
        named = _NAMES_MODELS.match(flag) is not None
        if _MODEL.match(bare) and (named or (flag in _MAY_NAME and _is_model(bare))):
            return self._text(bare)
        if public.ENDINGS.search(bare) and " " not in bare:
            return self._places.path(bare)
        self.left_out += 1
        return CUT


def _harmless(name: str, given: str | None, behind: list[str]) -> bool:
    """``-p 8080``, ``-c 4096``, ``-e 1``: with a number behind, it is the flag of another program."""
    value = given if given is not None else behind[0] if behind else ""
    return len(name) == 2 and _NUMBER.match(value) is not None


def _is_model(word: str) -> bool:
    """Without a flag before it a word with a number and a sign is a model: ``llama3:8b``, ``org/Name-7B``."""
    return any(map(str.isdigit, word)) and any(sign in word for sign in "/:-")


def _folded(words: list[str]) -> list[str]:
    """Of several ``…`` in a row one."""
    return [word for place, word in enumerate(words) if word != CUT or not place or words[place - 1] != CUT]
