"""What following a WIRTHFORGE core costs the recorder: `python tests/benchmarks/bench_core.py [--minutes 10]`.

A reference core (a process of its own) sends 60 frames a second with the tokens of three models; a recorder
follows it over its WebSocket. Printed: CPU of the recorder by schedstat, as a share of a core, and its RSS, with
the core and without; then that no frame was lost without being reported: frames sent are those that were counted
and those that were reported lost. ``--view`` follows at 60 Hz meanwhile. ``--parts`` prints what a message costs
instead, with wsproto in the place of ours beside it.
"""

import argparse
import json
import statistics
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.bench_servers import rss, threads
from tests.core.reference import voices
from tests.core.running import Playing, core, now
from tests.harness import Running, View
from wftui.clock import NS_PER_S
from wftui.model.streams import STREAMS
from wftui.wire import messages as m

SETTLE_S = 8.0
LINGER_S = 6.0
RECEIVED = 'ux.core.events{mode="energy_update",source="core"}'
LOST = 'ux.frames.lost{source="core"}'


@contextmanager
def watching(running: Running, rate_hz: float) -> Iterator[None]:
    """A view that follows at that rate; 0: none."""
    if not rate_hz:
        yield
        return
    view = View(running.where)
    view.connection.ask(m.Subscribe(["ux.*"], rate_hz, sources=["core", STREAMS.source]), m.Ok)

    def drain() -> None:
        for _ in view.messages():
            pass

    thread = threading.Thread(target=drain, daemon=True)
    thread.start()
    yield
    view.connection.close()


def used(pid: int, seconds: float) -> float:
    """CPU of a process over so long, as a share of a core."""
    before, began = threads(pid), time.monotonic()
    time.sleep(seconds)
    after, elapsed = threads(pid), time.monotonic() - began
    return sum(value - before.get(name, value) for name, value in after.items()) / elapsed / NS_PER_S


def without(seconds: float, rate_hz: float) -> tuple[float, float]:
    """(CPU, RSS) of a recorder with no core at all."""
    with Running(env={"WFTOP_SERVERS_DISCOVER": "false"}) as running:
        running.ready(60).ticks(2)
        with watching(running, rate_hz):
            time.sleep(SETTLE_S)
            return used(running.pid, seconds), rss(running.pid)


def along(seconds: float, rate: float, script: str, fault: str, rate_hz: float) -> tuple[float, float]:
    """(CPU, RSS) of one that follows a core; prints what came of its frames."""
    options = ["--rate", str(rate), "--script", script, "--seconds", str(seconds + SETTLE_S)]
    options += ["--linger", str(LINGER_S), *(["--fault", fault] if fault else [])]
    with core(*options) as played, Running(env={"WFTOP_CORE_URL": played.url}) as running:
        running.ready(60).ticks(2)
        with watching(running, rate_hz):
            time.sleep(SETTLE_S - 2)
            share, memory = used(running.pid, seconds - 2), rss(running.pid)
            report(played, running, seconds, len(voices(script)))
        return share, memory


def report(played: Playing, running: Running, seconds: float, models: int) -> None:
    """Wait for the core's last frame to be counted; print the sums. A frame has an event for each model."""
    time.sleep(LINGER_S)
    found = now(running)
    said = played.ended(seconds)
    received, lost = found.get(RECEIVED, 0.0) / models, found.get(LOST)
    shed = sum(value for name, value in found.items() if name.startswith("ux.core.refused") and "shed" in name)
    numbers = 1 + (said.last or 0) - (said.first or 0)
    print(f"frames numbered {numbers}, sent {said.sent}, counted {received:.0f}, reported lost {lost}")
    print(f"events shed {shed:.0f}")
    print(f"heartbeats {said.heartbeats}, answered {said.responses}; connections {said.connections}", said.errors)
    tokens = sum(value for name, value in found.items() if name.startswith("ux.stream.tokens") and "core" in name)
    print(f"tokens sent {said.tokens}, of streams {tokens:.0f}")


def parts() -> None:
    """Print what a message costs, and what the modules weigh."""
    program = (
        "import asyncio, base64, msgspec, socket, time\n"
        "from wftui import text, log\nfrom wftui.energy import sink\nfrom wftui.model import sample\n"
        "def pss():\n"
        "    return int(next(l for l in open('/proc/self/smaps_rollup') if l.startswith('Pss:')).split()[1])\n"
        "a = pss()\n{}\nprint(pss() - a)"
    )
    for name, line in (
        ("wsproto", "import wsproto; wsproto.WSConnection(wsproto.ConnectionType.CLIENT)"),
        ("websocket.py", "from wftui.collectors.core.websocket import WebSocket; WebSocket('a', '/', 1)"),
        ("all of collectors/core", "from wftui.collectors.core import following, collector"),
    ):
        found = [
            int(
                subprocess.run(
                    [sys.executable, "-c", program.format(line)], capture_output=True, check=True
                ).stdout
            )
            for _ in range(5)
        ]
        print(f"| {name} | {statistics.median(found) / 1024:.2f} MB |")
    from wsproto import ConnectionType, WSConnection
    from wsproto.events import AcceptConnection, Request

    from wftui.collectors.core.protocol import parse
    from wftui.collectors.core.websocket import WebSocket

    payload = {
        "totalEnergy": 0.5,
        "deltaEnergy": 0.1,
        "tokensGenerated": 1,
        "processingTime": 7.3,
        "modelId": "llama3",
    }
    event = json.dumps(
        {"type": "energy_update", "channel": "energy", "timestamp": 1, "frameNumber": 5, "payload": payload}
    ).encode()
    frame = b"\x81" + struct.pack(">BH", 126, len(event)) + event
    theirs, server = WSConnection(ConnectionType.CLIENT), WSConnection(ConnectionType.SERVER)
    server.receive_data(theirs.send(Request(host="a", target="/ws")))
    list(server.events())
    theirs.receive_data(server.send(AcceptConnection()))
    list(theirs.events())
    ours = WebSocket("a", "/ws", 1 << 20)
    ours.open = True

    def wsproto() -> None:
        theirs.receive_data(frame)
        list(theirs.events())

    for name, call in (
        ("wsproto", wsproto),
        ("websocket.py", lambda: ours.receive(frame)),
        ("parse", lambda: parse(event)),
    ):
        began = time.process_time()
        for _ in range(20_000):
            call()
        print(f"| {name} | {(time.process_time() - began) / 20_000 * 1e6:.2f} us a message |")


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=60.0)
    parser.add_argument("--script", default="three")
    parser.add_argument("--fault", default="")
    parser.add_argument("--view", type=float, default=0.0, help="a view follows at that rate (Hz)")
    parser.add_argument("--parts", action="store_true")
    options = parser.parse_args()
    if options.parts:
        parts()
        return 0
    seconds = options.minutes * 60
    base = without(min(seconds, 120.0), options.view)
    with_core = along(seconds, options.rate, options.script, options.fault, options.view)
    print("| recorder | CPU, % of a core | RSS, MB |\n|---|---|---|")
    print(f"| no core | {base[0]:.2%} | {base[1] / 1e6:.1f} |")
    print(f"| a core at {options.rate:g} Hz, {options.script} | {with_core[0]:.2%} | {with_core[1] / 1e6:.1f} |")
    print(f"| difference | {with_core[0] - base[0]:+.2%} | {(with_core[1] - base[1]) / 1e6:+.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
