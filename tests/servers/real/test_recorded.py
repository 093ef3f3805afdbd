"""A real llama.cpp server, a real recorder, and ``wftop proxy`` between the server and its client."""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path

from tests.harness import View, recorder
from tests.process.test_push import told
from tests.proxied import Proxied
from tests.servers.real.client import Asked, Client
from tests.servers.real.llama import REAL, Llama
from tests.servers.real.measured import TOLERANCE, say, series
from tests.servers.real.test_alone import NAME
from wftui.model.tick import unpack
from wftui.wire import messages as m

pytestmark = REAL
RUN_S = 8.0
DEADLINE_S = 240.0
LATE_S = 0.05
"""What a thread of the client may wait for the interpreter until it reads what is there."""


def test_proxy_server_and_client_agree_and_all_is_recorded(tmp_path: Path) -> None:
    with (
        Llama(tmp_path / "log", "--metrics", "-np", "3", "-c", "6144") as server,
        recorder(env={"WFTOP_SERVERS_DISCOVER": "true"}) as running,
        Proxied(f"http://{server.name}", "--server", "front") as proxy,
        View(running.where) as view,
    ):
        tokens = {mode: series("tokens", server.name, NAME, mode) for mode in ("generation", "prompt")}
        rate = series("tokens.rate", server.name, NAME, "generation")
        seen: dict[str, list[float]] = defaultdict(list)
        layout: list[str] = []
        client: Client | None = None
        end = time.monotonic() + DEADLINE_S
        for message in view.messages():
            assert time.monotonic() < end, {name: seen[name][-3:] for name in (*tokens.values(), rate)}
            if isinstance(message, m.LayoutChanged):
                layout = [column.series.text for column in message.columns]
            elif isinstance(message, m.TickArrived):
                for name, value in zip(layout, unpack(message.values), strict=True):
                    if value == value:
                        seen[name].append(value)
            if client is None:
                if seen[rate]:  # it is found and read
                    client = Client(proxy.port, [Asked(size) for size in (20, 90, 200, 400)], NAME, seconds=RUN_S)
            elif client.done:
                run = client.run()
                if seen[tokens["generation"]][-1] == run.generated and seen[rate][-1] == 0:
                    break
        assert client is not None
        run = client.run()
        assert seen[tokens["prompt"]][-1] == run.prompt
        said = proxy.stop()
        assert running.stop() == 0
    count = len(run.got)
    assert f"{count} requests finished, 0 aborted, 0 failed; " in said
    assert f"; {run.prompt} input tokens, {run.generated} output tokens; 0 answers without usage; " in said
    ticks = told(running.where)

    def kept(text: str) -> list[float]:
        return [tick[text] for tick in ticks if text in tick]

    def measured(name: str, labels: str) -> list[float]:
        return kept(f"gen_ai.client.{name}{{{labels}}}")

    base = f'model="{NAME}",server="front",source="proxy"'
    first = {
        stat: sum(measured("operation.time_to_first_chunk", f'{base},stat="{stat}"')) for stat in ("count", "sum")
    }
    client_first_s = sum(one.first_s for one in run.got) / count
    say(
        "recorder and proxy",
        run,
        ("generated, server's page", run.generated, kept(tokens["generation"])[-1]),
        ("prompt, server's page", run.prompt, kept(tokens["prompt"])[-1]),
        ("generated, proxy", run.generated, measured("tokens", f'mode="output",{base}')[-1]),
        ("prompt, proxy", run.prompt, measured("tokens", f'mode="input",{base}')[-1]),
        ("requests, proxy", count, measured("requests", f'mode="finished",{base}')[-1]),
        ("rate x time, server's slots", run.generated, sum(seen[rate])),
        ("mean time to first text (s)", client_first_s, first["sum"] / first["count"]),
    )
    assert measured("tokens", f'mode="output",{base}')[-1] == run.generated
    assert measured("tokens", f'mode="input",{base}')[-1] == run.prompt
    assert measured("requests", f'mode="finished",{base}')[-1] == first["count"] == count
    assert abs(sum(seen[rate]) / run.generated - 1) <= TOLERANCE
    assert 0 <= client_first_s - first["sum"] / count <= LATE_S
    assert kept(tokens["generation"])[-1] == run.generated
    assert kept(tokens["prompt"])[-1] == run.prompt
