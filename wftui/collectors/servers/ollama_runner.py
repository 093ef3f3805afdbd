"""Which model a runner of Ollama holds. Its command line has the digest of the weights, Ollama's API another one.

From 0.30 on the runner is llama.cpp's server on a port of its own:
``llama-server --model <models>/blobs/sha256-<digest> --port N -c <context of all slots> -np <slots> …``. The
manifests in ``<models>/manifests/<host>/<namespace>/<model>/<tag>`` join that digest to names.
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from wftui.collectors.servers.figures import ModelInfo, named

_BLOB: Final = re.compile(r"(.*)/blobs/sha256-([0-9a-f]{64})\Z", re.DOTALL)
_WEIGHTS: Final = "application/vnd.ollama.image.model"
_HOST: Final = "registry.ollama.ai"
_NAMESPACE: Final = "library"
_FILES: Final = 2_000
"""Manifests that are read; more are nobody's."""
_BYTES: Final = 64 * 1024
_NEAR: Final = 0.05
"""Sizes that differ by less are of the same weights: the API counts template and licence in."""


class Runner(msgspec.Struct, frozen=True):
    """What a runner's command line says."""

    folder: str
    """Of the models: ``/usr/share/ollama/.ollama/models``."""
    digest: str
    """Of the weights, in hex."""
    context: int | None
    """Tokens that one request may hold; None: it does not say."""


def runner(words: Sequence[str]) -> Runner | None:
    """Read the command line of a runner; None: it is none (of 0.30 or later)."""
    options = {"--model": "", "-c": "", "--ctx-size": "", "-np": "", "--parallel": ""}
    for place, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in options:
            options[name] = value if equals else words[place + 1] if place + 1 < len(words) else ""
    found = _BLOB.match(options["--model"])
    if found is None:
        return None
    context = _number(options["-c"] or options["--ctx-size"])
    slots = _number(options["-np"] or options["--parallel"]) or 1
    return Runner(found[1], found[2], context // slots if context else None)


class _Layer(msgspec.Struct):
    mediaType: str = ""  # noqa: N815  as the format has it
    digest: str = ""


class _Manifest(msgspec.Struct):
    layers: list[_Layer] | None = None


def manifests(folder: Path) -> dict[str, frozenset[str]]:
    """Digest of weights (hex) to the names that share them.

    Args:
        folder: Of the models. What cannot be read is left out: Ollama runs as a user of its own.

    It reads up to 2,000 small files: not for the event loop.
    """
    top = folder / "manifests"
    found: dict[str, set[str]] = {}
    left = _FILES
    for place, _, files in os.walk(top):
        for file in files:
            left -= 1
            if left < 0:
                return {digest: frozenset(names) for digest, names in found.items()}
            path = Path(place) / file
            parts = path.relative_to(top).parts
            if len(parts) != 4:
                continue
            try:
                with path.open("rb") as opened:
                    manifest = msgspec.json.decode(opened.read(_BYTES), type=_Manifest)
            except (OSError, ValueError):
                continue
            for layer in manifest.layers or ():
                if layer.mediaType == _WEIGHTS:
                    found.setdefault(layer.digest.removeprefix("sha256:"), set()).add(_name(parts))
    return {digest: frozenset(names) for digest, names in found.items()}


def match(
    models: Sequence[ModelInfo],
    digest: str,
    known: Mapping[str, frozenset[str]],
    *,
    context: int | None = None,
    size: float | None = None,
) -> str | None:
    """The model that a runner holds.

    Args:
        models: Loaded ones, as Ollama's API says.
        digest: Of the runner's weights, in hex.
        known: What ``manifests`` gives.
        context: Tokens of one of its requests.
        size: Of its weights (By).

    Returns:
        The name in Ollama's words; None: it cannot be told for sure.
    """
    names = known.get(digest, frozenset())
    if names:
        found = [item for item in models if item.name in names]
        if not found and len(names) == 1:
            return next(iter(names))  # it is being loaded: the API does not have it yet
    else:
        # Another user's folder, perhaps: it may be every loaded model that no manifest gives to other weights.
        others = frozenset[str]().union(*known.values())
        found = [item for item in models if item.name not in others]
    if len(found) > 1 or not names:
        found = [item for item in found if context is None or item.context in (None, context)]
        found = [item for item in found if not size or not item.size or abs(item.size - size) <= _NEAR * size]
    return found[0].name if len(found) == 1 else None


def _name(parts: Sequence[str]) -> str:
    """As Ollama prints it: its own host and name space are left out."""
    host, space, model, tag = parts
    name = f"{model}:{tag}"
    if host != _HOST:
        return named(f"{host}/{space}/{name}")
    return named(name if space == _NAMESPACE else f"{space}/{name}")


def _number(word: str) -> int | None:
    return int(word) if word.isascii() and word.isdecimal() and len(word) < 12 else None
