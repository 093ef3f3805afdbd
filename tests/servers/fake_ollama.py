"""An Ollama that loads and unloads models; what a watcher must not do to it is counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from tests.fakeclock import FakeClock
from tests.servers.fake import Asked, Fake, Reply, Route, page, said, sample
from wftui.clock import NS_PER_S

FOREVER: Final = "2318-04-12T12:00:00.000000001Z"
_MIB: Final = 1 << 20


class OllamaState:
    """The state of one. Models expire by its clock."""

    def __init__(self, clock: FakeClock | None = None, *, version: str = "0.32.15", contexts: bool = True) -> None:
        """``contexts``: whether it says them; before July 2025 it did not."""
        self.clock = clock or FakeClock()
        self.version = version
        self.contexts = contexts
        self.installed: dict[str, int] = {}
        """Name to bytes of weights."""
        self.loaded: dict[str, dict[str, object]] = {}
        self.page: bytes | None = None
        """Of metrics; no release has one."""
        self.harm = 0
        """Questions that load a model or keep it."""

    def install(self, name: str, size: int = 5000 * _MIB) -> None:
        """Somebody pulls a model."""
        self.installed[name] = size

    def load(self, name: str, *, on_gpu: float = 1.0, keep_s: float | None = 300, context: int = 8192) -> None:
        """Somebody asks it something; ``keep_s`` None: it is kept for ever."""
        size = self.installed[name] + 1200 * _MIB
        self.loaded[name] = {
            "name": name, "model": name, "size": size, "digest": f"{hash(name) & 0xFFFF:064x}",
            "details": {"families": None, "parameter_size": "8.2B", "quantization_level": "Q4_K_M"},
            "expires_at": FOREVER if keep_s is None else self._at(keep_s), "size_vram": int(size * on_gpu),
        } | ({"context_length": context} if self.contexts else {})  # fmt: skip

    def unload(self, name: str) -> None:
        """It is gone."""
        del self.loaded[name]

    def _at(self, after_s: float) -> str:
        now = datetime.fromtimestamp(self.clock.time_ns // NS_PER_S, UTC)
        return (now + timedelta(seconds=after_s)).isoformat().replace("+00:00", "Z")

    def routes(self) -> dict[str, Route]:
        """By path."""
        return {
            "/": lambda _: Reply(b"Ollama is running", type="text/plain; charset=utf-8"),
            "/api/version": lambda _: said({"version": self.version}),
            "/api/ps": lambda _: said({"models": list(self.loaded.values())}),
            "/api/tags": self._say_tags,
            "/metrics": lambda _: page(self.page) if self.page is not None else said("404 page not found", 404),
            "/api/generate": self._harmed,
            "/api/chat": self._harmed,
            "/api/show": self._harmed,
        }

    def _say_tags(self, _: Asked) -> Reply:
        known = msgspec.json.decode(sample("ollama_tags.json"))["models"][0]
        return said({"models": [known | {"name": name, "size": size} for name, size in self.installed.items()]})

    def _harmed(self, _: Asked) -> Reply:
        self.harm += 1
        return said({})


def serve(state: OllamaState, **how: object) -> Fake:
    """A server of that state, not listening yet."""
    return Fake(state.routes(), **how)  # type: ignore[arg-type]  # each test gives the right ones


def install_files(folder: Path, **names: tuple[str, ...]) -> None:
    """Manifests: ``install_files(models, **{digest: (name, …)})``; names as ``host/space/model/tag``."""
    for digest, places in names.items():
        for place in places:
            file = folder / "manifests" / place
            file.parent.mkdir(parents=True, exist_ok=True)
            layers = [
                {"mediaType": "application/vnd.ollama.image.template", "digest": f"sha256:{'0' * 64}", "size": 5},
                {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}", "size": 5},
            ]
            file.write_bytes(msgspec.json.encode({"schemaVersion": 2, "layers": layers}))
