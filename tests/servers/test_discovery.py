"""Which processes are found to serve models, and where: on a made-up process table, and on this machine's."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakeclock import FakeClock
from tests.servers.machine import Machine
from wftui.clock import NS_PER_S, Instant, SystemClock
from wftui.collectors.servers import discovery as module
from wftui.collectors.servers.discovery import Discovery, Found, shown
from wftui.endpoint import Endpoint

LOOPBACK_8000 = "0100007F:1F40"
LOOPBACK_8001 = "0100007F:1F41"
EVERYWHERE_8000 = "00000000:1F40"
CONTAINER = "0::/system.slice/docker-" + "ab12" * 16 + ".scope"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """An empty one."""
    root = tmp_path / "proc"
    root.mkdir()
    return Machine(root)


def look(machine: Machine, seconds: float = 0) -> dict[int, Found]:
    at = Instant(int(seconds * NS_PER_S), int(seconds * NS_PER_S))
    return {item.pid: item for item in Discovery(machine.root).look(at)}


def names(found: Found) -> list[str]:
    return [item.name for item in found.endpoints]


def test_a_server_and_its_workers_are_one(machine: Machine) -> None:
    machine.process(10, "vllm serve m", sockets=(1,), start=77)
    machine.process(11, "VLLM::EngineCore", parent=10)
    machine.process(12, "VLLM::Worker_TP0", parent=11)
    machine.process(13, "python -c helper", parent=11)
    machine.process(20, "nginx", sockets=(2,))
    machine.listen(1, LOOPBACK_8000)
    machine.listen(2, "0100007F:0050")
    (found,) = look(machine).values()
    assert (found.pid, found.start, names(found)) == (10, 77, ["127.0.0.1:8000"])
    assert set(found.members) == {10, 11, 12, 13}
    assert found.parent is None


def test_the_port_may_belong_to_a_child(machine: Machine) -> None:
    machine.process(10, "text-generation-launcher --model-id m")
    machine.process(11, "text-generation-router --port 8000", parent=10, sockets=(1,))
    machine.listen(1, EVERYWHERE_8000)
    (found,) = look(machine).values()
    assert (found.pid, names(found)) == (10, ["127.0.0.1:8000"])


def test_a_runner_belongs_to_its_ollama(machine: Machine) -> None:
    digest = "0f" * 32
    machine.process(10, "ollama serve", sockets=(1,))
    machine.process(11, f"/usr/lib/ollama/llama-server --model /m/blobs/sha256-{digest}", parent=10, sockets=(2,))
    machine.listen(1, LOOPBACK_8000)
    machine.listen(2, LOOPBACK_8001)
    found = look(machine)
    assert (found[10].parent, names(found[10])) == (None, ["127.0.0.1:8000"])
    assert (found[11].parent, names(found[11])) == (10, ["127.0.0.1:8001"])
    assert digest in " ".join(found[11].sign.words)


def test_one_that_does_not_listen_yet_is_no_trouble(machine: Machine) -> None:
    machine.process(10, "vllm serve m")
    (found,) = look(machine).values()
    assert (found.endpoints, found.reason) == ((), "")


def test_both_families_are_one_address(machine: Machine) -> None:
    machine.process(10, "vllm serve m", sockets=(1, 2))
    machine.listen(1, EVERYWHERE_8000)
    machine.listen(2, "0" * 32 + ":1F40")
    assert names(look(machine)[10]) == ["127.0.0.1:8000"]


def test_an_address_of_the_network_is_asked_when_configured_only(machine: Machine) -> None:
    machine.process(10, "vllm serve m", sockets=(1,))
    machine.listen(1, "0501A8C0:1F40")
    found = look(machine)[10]
    assert found.endpoints == ()
    assert "192.168.1.5 only" in found.reason
    assert "[servers]" in found.fix
    assert shown(found) == "pid:10"


def test_a_published_port_of_a_container(machine: Machine) -> None:
    machine.process(10, "vllm serve m", sockets=(1,), network="net:[2]", cgroup=CONTAINER)
    machine.listen(1, EVERYWHERE_8000, of=10)
    found = look(machine)[10]
    assert found.endpoints == ()
    assert found.container == "ab12" * 3
    assert "port 8000 inside a container" in found.reason
    assert shown(found) == "ab12ab12ab12/pid:10"
    machine.process(30, "/usr/bin/docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 9000 -container-port 8000")
    assert names(look(machine)[10]) == ["127.0.0.1:9000"]


def test_another_users_server(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.process(10, "vllm serve m --port 8000", sockets=(1,))
    machine.listen(1, LOOPBACK_8000, uid=(machine.root / "10").stat().st_uid)
    listing = os.listdir

    def refused(path: str) -> list[str]:
        if str(path).endswith("/fd"):
            raise PermissionError(13, "Permission denied", path)
        return listing(path)

    monkeypatch.setattr(os, "listdir", refused)
    assert names(look(machine)[10]) == ["127.0.0.1:8000"]
    machine.end(10)
    machine.process(11, "vllm serve m")  # nothing says which of that user's sockets is its own
    found = look(machine)[11]
    assert found.endpoints == ()
    assert "another user's process" in found.reason


def test_comfyui_is_known_by_its_folder(machine: Machine, tmp_path: Path) -> None:
    folder = tmp_path / "ComfyUI"
    (folder / "comfy").mkdir(parents=True)
    machine.process(10, "python main.py", sockets=(1,), folder=folder)
    machine.listen(1, LOOPBACK_8000)
    assert look(machine) == {}
    (folder / "nodes.py").touch()
    assert names(look(machine)[10]) == ["127.0.0.1:8000"]


def test_what_a_process_becomes_is_seen_while_it_is_young_and_each_minute(machine: Machine) -> None:
    clock = FakeClock()
    discovery = Discovery(machine.root)
    assert discovery.look(clock.now()) == []
    machine.process(10, "bash start.sh", sockets=(1,))
    machine.listen(1, LOOPBACK_8000)
    assert discovery.look(clock.now()) == []
    (machine.root / "10" / "cmdline").write_bytes(b"vllm\0serve\0m\0")
    clock.advance(5 * NS_PER_S)
    assert [item.pid for item in discovery.look(clock.now())] == [10]
    # Grown up: its line is read again once a minute only.
    clock.advance(61 * NS_PER_S)
    for _ in module.AGES_NS:
        discovery.look(clock.now())
    (machine.root / "10" / "cmdline").write_bytes(b"sleep\0")
    clock.advance(5 * NS_PER_S)
    assert [item.pid for item in discovery.look(clock.now())] == [10]
    clock.advance(module.AGAIN_NS)
    assert discovery.look(clock.now()) == []


def test_one_that_loads_for_an_hour_is_found_when_it_listens(machine: Machine) -> None:
    machine.process(10, "vllm serve m", sockets=(1,))
    clock = FakeClock()
    discovery = Discovery(machine.root)
    for _ in range(3):
        assert [item.endpoints for item in discovery.look(clock.now())] == [()]
        clock.advance(1200 * NS_PER_S)
    discovery.look(clock.now())
    machine.listen(1, LOOPBACK_8000)
    clock.advance(5 * NS_PER_S)
    assert [names(item) for item in discovery.look(clock.now())] == [["127.0.0.1:8000"]]


def test_settled_ones_are_looked_at_once_a_minute(machine: Machine) -> None:
    machine.process(10, "vllm serve m", sockets=(1,))
    machine.listen(1, LOOPBACK_8000)
    clock = FakeClock()
    discovery = Discovery(machine.root)
    discovery.look(clock.now())
    clock.advance(2 * module.YOUNG_NS)
    settled = discovery.look(clock.now())
    clock.advance(5 * NS_PER_S)
    assert discovery.look(clock.now()) is settled
    machine.process(11, "llama-server -m m", sockets=(2,))
    machine.listen(2, LOOPBACK_8001)
    clock.advance(5 * NS_PER_S)
    assert {item.pid for item in discovery.look(clock.now())} == {10, 11}


def test_one_that_ended_is_gone(machine: Machine) -> None:
    machine.process(10, "vllm serve m", sockets=(1,))
    machine.listen(1, LOOPBACK_8000)
    discovery = Discovery(machine.root)
    assert len(discovery.look(Instant(0, 0))) == 1
    machine.end(10)
    assert discovery.look(Instant(0, 1)) == []


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_real_process(tmp_path: Path, family: socket.AddressFamily) -> None:
    if family == socket.AF_INET6 and not Path("/proc/net/if_inet6").exists():
        pytest.skip("no IPv6 on this machine")
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    script = tmp_path / "vllm"
    script.write_text(
        "import socket, sys\n"
        f"with socket.socket({int(family)}) as s:\n"
        f"    s.bind(({host!r}, 0)); s.listen(); print(s.getsockname()[1], flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, str(script), "serve", "model"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            found = {item.pid: item for item in Discovery().look(SystemClock().now())}
            assert found[process.pid].endpoints == (Endpoint(host=host, port=port),)
            assert found[process.pid].start > 0
        finally:
            process.communicate("")
    assert process.pid not in {item.pid for item in Discovery().look(SystemClock().now())}
