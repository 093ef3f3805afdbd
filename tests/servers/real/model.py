"""A tiny language model of random weights, written by hand as a GGUF file: no package is needed for it.

Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, version 3.
"""

import random
import struct
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

VOCABULARY: Final = 600
WIDTH: Final = 128
HEADS: Final = 4
LAYERS: Final = 4
INNER: Final = 256
CONTEXT: Final = 8192
_ALIGNED: Final = 32
_SEED: Final = 1
# Types of values, of tensors and of tokens, as the format numbers them.
_UINT32, _INT32, _FLOAT32, _STRING, _ARRAY = 4, 5, 6, 8, 9
_F32: Final = 0
_NORMAL, _UNKNOWN, _CONTROL, _BYTE = 1, 2, 3, 6


class _Tensor(NamedTuple):
    name: str
    shape: tuple[int, ...]
    """As in numpy; the file has it the other way round."""
    random: bool = True
    """False: ones."""

    @property
    def size(self) -> int:
        """Numbers in it."""
        found = 1
        for one in self.shape:
            found *= one
        return found


def word(number: int) -> str:
    """A word that is one token: ``w1 `` to ``w340 ``."""
    return f"w{number}"


def _tokens() -> Iterator[tuple[str, int]]:
    """Every token and its type: bytes, the space, and words that begin with one."""
    yield from (("<unk>", _UNKNOWN), ("<s>", _CONTROL), ("</s>", _CONTROL))
    yield from ((f"<0x{number:02X}>", _BYTE) for number in range(256))
    yield "\u2581", _NORMAL
    yield from (("\u2581" + word(number), _NORMAL) for number in range(VOCABULARY - 260))


def _tensors() -> Iterator[_Tensor]:
    yield _Tensor("token_embd.weight", (VOCABULARY, WIDTH))
    yield _Tensor("output.weight", (VOCABULARY, WIDTH))
    yield _Tensor("output_norm.weight", (WIDTH,), random=False)
    for number in range(LAYERS):
        for name in ("attn_norm", "ffn_norm"):
            yield _Tensor(f"blk.{number}.{name}.weight", (WIDTH,), random=False)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            yield _Tensor(f"blk.{number}.{name}.weight", (WIDTH, WIDTH))
        for name in ("ffn_gate", "ffn_up"):
            yield _Tensor(f"blk.{number}.{name}.weight", (INNER, WIDTH))
        yield _Tensor(f"blk.{number}.ffn_down.weight", (WIDTH, INNER))


PARAMETERS: Final = sum(tensor.size for tensor in _tensors())
SIZE: Final = 4 * PARAMETERS
"""Bytes of the weights."""


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def _value(key: str, kind: int, packed: bytes) -> bytes:
    return _text(key) + struct.pack("<I", kind) + packed


def _list(key: str, kind: int, items: list[bytes]) -> bytes:
    return _value(key, _ARRAY, struct.pack("<IQ", kind, len(items)) + b"".join(items))


def _values() -> list[bytes]:
    tokens = list(_tokens())

    def whole(key: str, value: int) -> bytes:
        return _value(key, _UINT32, struct.pack("<I", value))

    return [
        _value("general.architecture", _STRING, _text("llama")),
        _value("general.name", _STRING, _text("tiny")),
        whole("general.file_type", 0),
        whole("llama.vocab_size", VOCABULARY),
        whole("llama.context_length", CONTEXT),
        whole("llama.embedding_length", WIDTH),
        whole("llama.block_count", LAYERS),
        whole("llama.feed_forward_length", INNER),
        whole("llama.attention.head_count", HEADS),
        whole("llama.attention.head_count_kv", HEADS),
        whole("llama.rope.dimension_count", WIDTH // HEADS),
        _value("llama.attention.layer_norm_rms_epsilon", _FLOAT32, struct.pack("<f", 1e-5)),
        _value("tokenizer.ggml.model", _STRING, _text("llama")),
        _list("tokenizer.ggml.tokens", _STRING, [_text(name) for name, _ in tokens]),
        _list("tokenizer.ggml.scores", _FLOAT32, [struct.pack("<f", 0.0) for _ in tokens]),
        _list("tokenizer.ggml.token_type", _INT32, [struct.pack("<i", kind) for _, kind in tokens]),
        whole("tokenizer.ggml.bos_token_id", 1),
        whole("tokenizer.ggml.eos_token_id", 2),
        whole("tokenizer.ggml.unknown_token_id", 0),
    ]


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGNED)


def write(path: Path) -> None:
    """Write the model, the same bytes each time (3 MB)."""
    values, tensors = _values(), list(_tensors())
    head = bytearray(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values)) + b"".join(values))
    offset = 0
    for tensor in tensors:
        head += _text(tensor.name) + struct.pack("<I", len(tensor.shape))
        head += struct.pack(f"<{len(tensor.shape)}Q", *reversed(tensor.shape))
        head += struct.pack("<IQ", _F32, offset)
        offset += len(_padded(bytes(4 * tensor.size)))
    numbers = random.Random(_SEED)  # noqa: S311  weights, no secrets
    made = path.with_suffix(".part")
    with made.open("wb") as file:
        file.write(_padded(bytes(head)))
        for tensor in tensors:
            found = (numbers.uniform(-0.1, 0.1) if tensor.random else 1.0 for _ in range(tensor.size))
            file.write(_padded(struct.pack(f"<{tensor.size}f", *array("f", found))))
    made.replace(path)
