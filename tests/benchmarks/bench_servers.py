"""What watching ten model servers costs the recorder: `python tests/benchmarks/bench_servers.py [--servers 10]`.

Ten stand-ins for vLLM (a page of 48 kB and 395 samples, on which every counter and bucket moves each second) run
as processes of their own; a recorder finds them by itself. Printed: CPU of the recorder by schedstat and its RSS,
with the servers, without any, and with the source switched off; then how late the readings of nine servers are
while the tenth hangs; then what other HTTP clients would cost for the same pages, as far as they are installed.
"""

import argparse
import importlib
import importlib.util
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.harness import Running
from tests.servers.fake import EXPOSITIONS, HUNG
from tests.servers.test_poller import Vllm
from wftui.clock import NS_PER_S, SystemClock
from wftui.collectors.servers.source import Servers

PAGE = (EXPOSITIONS / "vllm.prom").read_bytes()
MOVING = re.compile(rb"((?:_bucket|_count|_sum|_total)\{[^\n]*\}) ([0-9.e+]+)$", re.MULTILINE)
LOOKING = {"WFTOP_SERVERS_DISCOVER": "true"}
SETTLE_S = 70
"""Discovery looks more often in a server's first minute."""
PROGRAM = """
import asyncio, re, sys, time
sys.path.insert(0, {root!r})
from tests.benchmarks.bench_servers import MOVING, PAGE
from tests.servers.fake import EXPOSITIONS
began, made = time.monotonic(), (-1, b"")
fixed = {{b"/v1/models": "vllm_models.json", b"/version": "vllm_version.json"}}

def page():
    global made
    second = int(time.monotonic() - began)
    if made[0] != second:
        made = second, MOVING.sub(lambda m: b"%s %.1f" % (m[1], float(m[2]) + 7 * second), PAGE)
    return made[1]

async def serve(reader, writer):
    try:
        while True:
            path = (await reader.readuntil(b"\\r\\n\\r\\n")).split()[1]
            body = page() if path == b"/metrics" else (EXPOSITIONS / fixed[path]).read_bytes()
            head = b"HTTP/1.1 200 OK\\r\\nServer: uvicorn\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body)
            writer.write(head + body)
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        writer.close()

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


@contextmanager
def servers(count: int) -> Iterator[list[int]]:
    """Stand-ins that look like vLLM in the process table; gives their ports."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "vllm")
        script.write_text(PROGRAM.format(root=str(Path(__file__).parents[2])))
        command = [sys.executable, str(script), "serve", "model"]
        found = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)]
        try:
            yield [int(item.stdout.readline()) for item in found if item.stdout is not None]
        finally:
            for item in found:
                item.kill()
                item.wait()


def threads(pid: int) -> dict[str, int]:
    """CPU (ns) of each thread."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            name = (task / "comm").read_text().strip()
            found[f"{name} {task.name}"] = int((task / "schedstat").read_text().split()[0])
        except OSError:
            continue
    return found


def rss(pid: int) -> int:
    """Resident bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def recorder(seconds: float, settle_s: float, env: dict[str, str]) -> tuple[float, float]:
    """(CPU as a share of a core, RSS) of a recorder that has settled."""
    with Running(env=env) as running:
        running.ready(60).ticks(2)
        time.sleep(settle_s)
        before, began = threads(running.pid), time.monotonic()
        time.sleep(seconds)
        after, elapsed = threads(running.pid), time.monotonic() - began
        used = sum(value - before.get(name, value) for name, value in after.items())
        return used / elapsed / NS_PER_S, rss(running.pid)


def cost(count: int, rounds: int, seconds: float, settle_s: float) -> None:
    """Print the recorder's cost with servers, without, and with the source off; in turn."""
    rows: dict[str, list[tuple[float, float]]] = {}
    for _ in range(rounds):
        rows.setdefault("source off", []).append(recorder(seconds, 10, {"WFTOP_SOURCES_DISABLED": "servers"}))
        rows.setdefault("no server", []).append(recorder(seconds, settle_s, LOOKING))
        with servers(count):
            rows.setdefault(f"{count} servers", []).append(recorder(seconds, settle_s, LOOKING))
    print("| recorder | CPU, % of a core | RSS, MB | beside no server: CPU | RSS |")
    print("|---|---|---|---|---|")
    base = [statistics.median(item[place] for item in rows["no server"]) for place in (0, 1)]
    for name, found in rows.items():
        cpu, memory = (statistics.median(item[place] for item in found) for place in (0, 1))
        print(
            f"| {name} | {cpu:.2%} | {memory / 1e6:.1f} | {cpu - base[0]:+.2%} | {(memory - base[1]) / 1e6:+.1f} |"
        )


def lateness(count: int, seconds: float) -> None:
    """Print how late the readings of the others are while one server takes questions and never answers."""
    fakes = [Vllm() for _ in range(count)]
    lines = []
    for fake in fakes:
        fake.listen()
        lines.append(f"http://{fake.endpoint.name} kind=vllm")
    source = Servers("/proc", lines, discover=False)
    times: dict[str, list[int]] = {}
    clock = SystemClock()
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for reading in source.collect(clock.now()).readings:
                for sample in reading.samples:
                    if sample.column.series.name == "inference.server.up" and sample.value == 1:
                        times.setdefault(sample.column.series.text, []).append(reading.at.time_ns)
            if fakes[0].fault != HUNG and len(times) == count:
                fakes[0].fault = HUNG
                times.clear()
            time.sleep(0.5)
    finally:
        source.close()
        for fake in fakes:
            fake.close()
    late = sorted((at % NS_PER_S - NS_PER_S // 4) / 1e6 for found in times.values() for at in found[1:])
    shares = ", ".join(f"p{share} {late[len(late) * share // 100]:.1f} ms" for share in (50, 99))
    print(f"\nWhile 1 of {count} hangs, readings of the others are late: {shares}, at most {late[-1]:.1f} ms")


def _sockets(ports: list[int]) -> Callable[[], None]:
    opened = [socket.create_connection(("127.0.0.1", port)) for port in ports]

    def ask() -> None:
        for item in opened:
            item.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        for item in opened:
            data = b""
            while b"\r\n\r\n" not in data or len(data) < 40_000:
                data += item.recv(1 << 18)

    return ask


def _http_client(ports: list[int]) -> Callable[[], None]:
    import http.client

    opened = [http.client.HTTPConnection("127.0.0.1", port) for port in ports]

    def ask() -> None:
        for item in opened:
            item.request("GET", "/metrics")
            item.getresponse().read()

    return ask


def _urllib3(ports: list[int]) -> Callable[[], None]:
    pool = importlib.import_module("urllib3").PoolManager()

    def ask() -> None:
        for port in ports:
            assert pool.request("GET", f"http://127.0.0.1:{port}/metrics").data

    return ask


def _httpx(ports: list[int]) -> Callable[[], None]:
    client = importlib.import_module("httpx").Client()

    def ask() -> None:
        for port in ports:
            assert client.get(f"http://127.0.0.1:{port}/metrics").content

    return ask


def _ours(ports: list[int]) -> Callable[[], None]:
    import asyncio

    from wftui.collectors.servers.web import Web
    from wftui.endpoint import Endpoint

    loop = asyncio.new_event_loop()
    webs = [Web(Endpoint(host="127.0.0.1", port=port), SystemClock()) for port in ports]

    async def all_of_them() -> None:
        await asyncio.gather(*(web.get("/metrics") for web in webs))

    return lambda: loop.run_until_complete(all_of_them())


CLIENTS = {
    "bare sockets": _sockets,
    "ours": _ours,
    "http.client": _http_client,
    "urllib3": _urllib3,
    "httpx": _httpx,
}


def client(name: str, ports: list[int], rounds: int) -> None:
    """One row: CPU of a round of questions after a second's pause, and what importing and connecting costs."""
    import asyncio  # the recorder has it anyway

    import msgspec

    assert asyncio.__name__ != msgspec.__name__
    before = rss(os.getpid())
    ask = CLIENTS[name](ports)
    spent = []
    for _ in range(rounds):
        cpu = time.thread_time()
        ask()
        spent.append(time.thread_time() - cpu)
        time.sleep(0.9)
    print(f"| {name} | {statistics.median(spent[2:]) * 1e3:.2f} | {(rss(os.getpid()) - before) / 1e6:+.1f} |")


def clients(count: int) -> None:
    """Print what HTTP clients cost for the same pages, each in a process of its own."""
    print(f"\n| client | CPU of {count} pages, ms | RSS, MB |\n|---|---|---|", flush=True)
    with servers(count) as ports:
        for name in CLIENTS:
            if name not in ("bare sockets", "ours") and importlib.util.find_spec(name) is None:
                continue
            subprocess.run([sys.executable, __file__, "--client", name, *map(str, ports)], check=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--servers", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--settle", type=float, default=SETTLE_S)
    parser.add_argument("--client", nargs="+")
    asked = parser.parse_args()
    if asked.client:
        client(asked.client[0], [int(port) for port in asked.client[1:]], 10)
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in ("CONFIG_HOME", "DATA_HOME", "STATE_HOME", "RUNTIME_DIR"):
            os.environ[f"XDG_{name}"] = f"{folder}/{name}"
            Path(folder, name).mkdir(mode=0o700)
        cost(asked.servers, asked.rounds, asked.seconds, asked.settle)
    lateness(asked.servers, 30)
    clients(asked.servers)


if __name__ == "__main__":
    main()
