"""wftop beside a real llama.cpp server that routes to two models: looking loads none of them."""

from __future__ import annotations

from pathlib import Path

from tests.servers.real.build import MODEL
from tests.servers.real.client import Asked, Client
from tests.servers.real.llama import REAL, Llama
from tests.servers.real.measured import series
from tests.servers.real.test_alone import last, more
from tests.servers.test_poller import Seen, watching
from wftui.model.servers import LOADED, M_STATE, MODELS, PARENT, UNLOADED

pytestmark = REAL


def states(seen: Seen, server: Llama) -> dict[str, object]:
    """State of each of its models."""
    rows = seen.tables.get(MODELS.name, {})
    return {
        key.partition("|")[2]: row[M_STATE] for key, row in rows.items() if key.partition("|")[0] == server.name
    }


def test_looking_loads_nothing_and_each_model_has_its_tokens(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    for name in ("one", "two"):
        (folder / f"{name}.gguf").symlink_to(MODEL)
    with (
        Llama(tmp_path / "log", "--models-dir", folder, "--metrics", "-c", "2048", model=False) as server,
        watching(discover=True) as seen,
    ):
        seen.until(lambda: states(seen, server) == {"one": UNLOADED, "two": UNLOADED}, "both models")
        more(seen, server, 5)
        assert states(seen, server) == {"one": UNLOADED, "two": UNLOADED}
        run = Client(server.port, [Asked(120), Asked(80), Asked(10)], model="one").run()
        seen.until(lambda: states(seen, server) == {"one": LOADED, "two": UNLOADED}, "the loaded model")
        more(seen, server, 7)  # longer than the process table is left alone: its child is known, too
        assert states(seen, server) == {"one": LOADED, "two": UNLOADED}
        assert "model.loaded" in seen.kinds
        other = Client(server.port, [Asked(33)], model="two").run()

        def told() -> float:
            """Generated tokens of all servers that are no part of another, as a sum over servers would be made."""
            ours = [name for name, row in seen.servers.items() if server.name in (name, row[PARENT])]
            assert server.name in ours
            heads = [name for name in ours if not seen.servers[name][PARENT]]
            return sum(
                last(seen, series("tokens", name, model, "generation")) or 0
                for name in heads
                for model in ("one", "two")
            )

        seen.until(lambda: told() == run.generated + other.generated == 243, f"243 tokens, not {told()}")
        more(seen, server)
        assert told() == 243
