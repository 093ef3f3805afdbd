"""Servers that belong together: an Ollama and its runner, on one process table and over real sockets."""

from pathlib import Path

import pytest

from tests.servers import fake_llamacpp, fake_ollama
from tests.servers.fake import Fake
from tests.servers.machine import Machine
from tests.servers.test_poller import impatient, line, watching
from wftui.collectors.servers.ollama import LATENCIES, TOKENS
from wftui.model import health
from wftui.model.servers import KIND, MISSING, MODELS, PARENT

__all__ = ["impatient"]

DIGEST = "5e" * 32
MODEL = "qwen3:8b"


def listen(machine: Machine, server: Fake, inode: int) -> None:
    machine.listen(inode, f"0100007F:{server.endpoint.port:04X}")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """An empty one."""
    root = tmp_path / "proc"
    root.mkdir()
    return Machine(root)


def test_a_runner_has_the_name_that_its_ollama_gives_the_model(machine: Machine, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    fake_ollama.install_files(folder, **{DIGEST: ("registry.ollama.ai/library/qwen3/8b",)})
    state, llama = fake_ollama.OllamaState(), fake_llamacpp.Llama(metrics=False)
    state.install(MODEL)
    state.load(MODEL)
    with fake_ollama.serve(state) as ollama, fake_llamacpp.serve(llama) as runner:
        machine.process(10, "ollama serve", sockets=(1,))
        command = f"/usr/lib/ollama/llama-server --model {folder}/blobs/sha256-{DIGEST} -c 8192 -np 1"
        machine.process(11, command, parent=10, sockets=(2,))
        listen(machine, ollama, 1)
        listen(machine, runner, 2)
        with watching(discover=True, proc=machine.root) as seen:
            above, below = ollama.endpoint.name, runner.endpoint.name
            seen.until(lambda: below in seen.servers and seen.servers[below][PARENT] == above, "the runner")
            assert seen.servers[below][KIND] == "llama.cpp"
            assert seen.servers[above][PARENT] == ""
            seat = llama.begin()
            llama.read(seat, 10)
            series = f'inference.tokens.rate{{mode="generation",model="{MODEL}",server="{below}"}}'

            def generating() -> bool:
                llama.decode(seat, 3)
                return any(value > 0 for value in seen.values(series))

            seen.until(generating, "live tokens of the runner, under its model's name")
            assert f"{above}|{MODEL}" in seen.tables[MODELS.name]
            assert LATENCIES.figure in str(seen.servers[above][MISSING])

            def told() -> bool:
                return TOKENS.figure + ":" not in str(seen.servers[above][MISSING])

            seen.until(told, "what its runner tells is not missing in the Ollama")


def test_two_llama_servers_know_of_each_other() -> None:
    first, second = fake_llamacpp.Llama(), fake_llamacpp.Llama()
    with fake_llamacpp.serve(first) as one, fake_llamacpp.serve(second) as two:
        lines = (line(one, "kind=llama.cpp"), line(two, "kind=llama.cpp"))
        with watching(*lines) as seen:
            names = (one.endpoint.name, two.endpoint.name)
            seen.until(lambda: all(seen.state(name) == health.OK for name in names), "both")
            assert [seen.servers[name][PARENT] for name in names] == ["", ""]
