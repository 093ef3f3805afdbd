"""A real llama.cpp server at a unix socket and under a prefix: found in the process table, and asked there."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest

from tests.servers.real.llama import REAL, Llama
from tests.servers.real.measured import series
from tests.servers.real.test_alone import NAME, last
from tests.servers.test_poller import watching
from wftui.model import health
from wftui.model.servers import ORIGIN

pytestmark = REAL


@pytest.mark.parametrize("prefix", ["", "/llm/x"])
@pytest.mark.parametrize("unix", [False, True])
def test_it_is_found_where_it_listens(unix: bool, prefix: str, tmp_path: Path) -> None:
    # A socket's path holds 107 bytes at most.
    with tempfile.TemporaryDirectory(prefix="wf") as folder:
        path = Path(folder) / "llama.sock" if unix else None
        with (
            Llama(tmp_path / "log", "--metrics", unix=path, prefix=prefix) as server,
            watching(discover=True) as seen,
        ):
            seen.until(lambda: seen.state(server.name) == health.OK, "its row")
            assert seen.servers[server.name][ORIGIN] == "process"
            asked = {"prompt": "w1 w2", "max_tokens": 25, "ignore_eos": True}
            status, body = server.get("/v1/completions", "POST", json.dumps(asked))
            assert status == 200, body
            assert json.loads(body)["usage"]["completion_tokens"] == 25
            tokens = series("tokens", server.name, NAME, "generation")
            seen.until(lambda: last(seen, tokens) == 25, "its tokens")
