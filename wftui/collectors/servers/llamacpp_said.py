"""What a llama.cpp server says of itself and of its models."""

import msgspec

from wftui.collectors.servers.figures import Whole, named


class _Settings(msgspec.Struct):
    n_ctx: Whole = 0
    """Of one slot."""


class Props(msgspec.Struct):
    """What a server says of itself; older ones leave much out."""

    role: str = ""
    model_alias: str | None = None
    model_path: str | None = None
    model_ftype: str | None = None
    total_slots: Whole = 0
    build_info: str = ""
    is_sleeping: bool | None = None
    """None: it is a build that cannot sleep."""
    endpoint_metrics: bool | None = None
    endpoint_slots: bool | None = None
    default_generation_settings: _Settings | None = None

    @property
    def router(self) -> bool:
        """Whether it hands requests on to servers of its own."""
        return self.role == "router"

    @property
    def name(self) -> str:
        """Its model: the alias, or the file that it was read from."""
        return named(file(self.model_alias or self.model_path or ""))


class Meta(msgspec.Struct):
    """Of a model: what its file says."""

    n_params: float | None = None
    size: float | None = None
    n_ctx: Whole | None = None
    ftype: str | None = None


class Status(msgspec.Struct):
    """Of a router's model."""

    value: str = ""
    failed: bool = False
    exit_code: Whole | None = None
    args: list[str] = []
    """Command line of its server."""


class Model(msgspec.Struct):
    """One of ``/v1/models``."""

    id: str
    meta: Meta | None = None
    status: Status | None = None
    """Of a router's."""


class Models(msgspec.Struct):
    """``/v1/models``; the list beside it that looks like Ollama's is empty."""

    data: list[Model] = []


def file(name: str) -> str:
    """A path shortened to its file; an alias, which may hold slashes, as it is."""
    return name.replace("\\", "/").rpartition("/")[2] if name.endswith(".gguf") else name
