"""What an adapter must know of other servers: a runner of Ollama its model's name, a router its children."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wftui.collectors.servers.adapter import Adapter
from wftui.collectors.servers.discovery import Found
from wftui.model.servers import LOADED

if TYPE_CHECKING:
    from wftui.collectors.servers.watch import Watch

OLLAMA: Final = "ollama"
LLAMA_CPP: Final = "llama.cpp"
_PATIENCE: Final = 5
"""Times that a runner waits for its Ollama to name its model; after that its digest must do."""


def runner_of(found: Found, parent: "Callable[[], Watch | None]") -> Callable[[], Adapter | None]:
    """How the adapter of a runner is made: under the name that its Ollama gives the model, once that is known.

    Args:
        found: The runner.
        parent: Its Ollama, as it is watched now.

    Returns:
        A function that gives the adapter; None: the name may still come.
    """
    tries = 0

    def make() -> Adapter | None:
        nonlocal tries
        from wftui.collectors.servers.llamacpp import LlamaCpp
        from wftui.collectors.servers.ollama_runner import manifests, match, runner

        tries += 1
        told = runner(found.sign.words)
        above = parent()
        if told is None:
            return LlamaCpp(runner=True)
        models = [item for item, _ in above.models.values() if item.state == LOADED] if above is not None else []
        name = match(models, told.digest, manifests(Path(told.folder)), context=told.context)
        if name is None and tries < _PATIENCE:
            return None
        return LlamaCpp(name or told.digest[:12], runner=True)

    return make


def _below(watch: "Watch", above: "Watch") -> bool:
    return watch.found is not None and above.found is not None and watch.found.parent == above.found.pid


def introduce(watches: Iterable["Watch"]) -> None:
    """Tell the llama.cpp servers of their processes and of each other, and each Ollama of its runners."""
    known = [item for item in watches if item.kind is not None]
    found = [item for item in known if item.kind is not None and item.kind.NAME == LLAMA_CPP]
    for watch in known:
        if watch.adapter is not None and watch.kind is not None and watch.kind.NAME == OLLAMA:
            from wftui.collectors.servers.ollama import Ollama

            assert isinstance(watch.adapter, Ollama)  # noqa: S101  made by that kind
            watch.adapter.runners = tuple(item.name for item in found if _below(item, watch))
    for watch in found:
        adapter = watch.adapter
        if adapter is None:
            continue
        from wftui.collectors.servers.llamacpp import LlamaCpp

        assert isinstance(adapter, LlamaCpp)  # noqa: S101  made by that kind
        adapter.watched = frozenset(item.endpoint.port for item in found if item is not watch)
        if watch.found is not None:
            adapter.rest.pid = watch.found.pid
            adapter.rest.sleep_s = watch.found.sign.sleep_s
