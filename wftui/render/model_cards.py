"""What is known of a model server at one moment: its card, its models, its requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from wftui.model import servers as cells

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wftui.model.table import Row
    from wftui.render.model_figures import Figures, Scope


class Model(NamedTuple):
    """One model of a server; None: no word."""

    name: str
    state: str
    size: float | None
    """By, of the weights."""
    parameters: float | None
    quantization: str
    context: float | None
    """Tokens that one request may hold."""
    vram: float | None
    ram: float | None
    expires_ns: int | None
    """UTC; ``model.servers.NEVER``: it is kept."""
    since_ns: int | None
    detail: str
    scope: Scope
    figures: Figures

    @property
    def present(self) -> bool:
        """Whether it is in memory, or was when the server fell asleep."""
        return self.state in (cells.LOADED, cells.SLEEPING)

    @property
    def in_ram(self) -> float:
        """Share of what it takes that is not in the memory of a GPU; NaN: the server does not tell."""
        if self.vram is None or self.ram is None or not self.vram + self.ram > 0:
            return float("nan")
        return self.ram / (self.vram + self.ram)


class Request(NamedTuple):
    """A request under way; None: no word. Tokens."""

    model: str
    name: str
    """Its slot or id."""
    state: str
    prompt: float | None
    processed: float | None
    cached: float | None
    generated: float | None
    context: float | None
    progress: float | None
    """0 to 1."""
    since_ns: int | None
    detail: str


class Server(NamedTuple):
    """One card."""

    endpoint: str
    kind: str
    version: str
    state: str
    """A health state."""
    reason: str
    fix: str
    since_ns: int | None
    pid: int | None
    start: int | None
    container: str
    origin: str
    reads: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]
    """Figure that it does not give, and what would bring it (empty: nothing)."""
    renamed: tuple[tuple[str, str], ...]
    """Name on its page, the present name."""
    bounds: Mapping[str, tuple[float, float]]
    """Metric to lowest and highest bucket."""
    gpus: tuple[str, ...]
    """UUIDs."""
    parts: tuple[Row, ...]
    """Rows of the servers that are parts of it."""
    verdict: str
    evidence: str
    models: tuple[Model, ...]
    requests: tuple[Request, ...]
    scope: Scope
    figures: Figures
    level: str
    """``GOOD``, ``WARN``, ``BAD`` or ``QUIET``."""
    trouble: str
    """In a word, what ``level`` comes from; empty: nothing to say."""

    def model(self, name: str) -> Model | None:
        """One of its models."""
        return next((item for item in self.models if item.name == name), None)

    @property
    def loaded(self) -> tuple[Model, ...]:
        """Those in memory."""
        return tuple(item for item in self.models if item.present)
