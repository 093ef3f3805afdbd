"""What `wftop proxy` adds: time to the first text and per chunk at 50 streams, CPU per 1,000 chunks, memory.

50 clients keep a stream of server-sent events open each, straight to a server and through the proxy in turn, in
one run: so both meet the same machine. Server, proxy, clients and the recorder that is told are processes of their
own. The server answers at once and writes the time into each chunk; all clocks are the kernel's one.

Run: python -m tests.benchmarks.bench_proxy [--streams 50] [--rounds 6] [--seconds 5]. Ends with 1 when a limit is
missed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # also runs as a file

ROOT = Path(__file__).resolve().parents[2]
CHUNKS = 50
PACE_S = 0.02
LIMIT_MS = 1.0
BODY = b'{"model":"bench","stream":true,"messages":[{"role":"user","content":"%s"}]}' % (b"word " * 200)
REQUEST = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(BODY)
) + BODY
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(payload: bytes) -> bytes:
    """One event in one chunk."""
    event = b"data: " + payload + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(event), event)


def piece() -> bytes:
    """A token as servers send it, with the time in it."""
    return chunk(
        b'{"id":"chatcmpl-0001","object":"chat.completion.chunk","created":1767225600,"model":"bench","choices":'
        b'[{"index":0,"delta":{"content":"t%020d"},"finish_reason":null}]}' % time.perf_counter_ns()
    )


async def serve() -> None:
    """The server's process: prints its port."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(len(BODY))
                writer.write(HEAD + piece())
                for _ in range(CHUNKS - 1):
                    await asyncio.sleep(PACE_S)
                    writer.write(piece())
                usage = b'{"choices":[],"usage":{"prompt_tokens":200,"completion_tokens":%d}}' % CHUNKS
                writer.write(chunk(usage) + chunk(b"[DONE]") + b"0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


class Seen:
    """What the clients of one way saw; ns."""

    def __init__(self) -> None:
        self.first: list[int] = []
        self.transit: list[int] = []


async def client(port: int, seen: Seen, until_s: float, delay_s: float, fresh: bool) -> None:
    """One stream after the other; on new connections or on one that is kept."""
    await asyncio.sleep(delay_s)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.monotonic() < until_s:
        began = time.perf_counter_ns()
        if fresh:
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST)
        first = True
        while True:
            data = await reader.read(65536)
            now = time.perf_counter_ns()
            at = data.find(b'"content":"t')
            while at >= 0:
                if first:
                    seen.first.append(now - began)
                    first = False
                else:
                    seen.transit.append(now - int(data[at + 12 : at + 32]))
                at = data.find(b'"content":"t', at + 32)
            if data.endswith(b"0\r\n\r\n") or not data:
                break
    writer.close()


async def round_of(port: int, seen: Seen, streams: int, seconds: float, *, burst: bool) -> None:
    """All clients for a while; spread over a second, or all at the same moment."""
    until_s = time.monotonic() + seconds
    spread = 0.0 if burst else CHUNKS * PACE_S / streams
    await asyncio.gather(*(client(port, seen, until_s, n * spread, n % 2 == 0) for n in range(streams)))


def cpu_ns(pid: int) -> int:
    """CPU time of a process."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total


def memory(pid: int) -> tuple[float, float]:
    """RSS and PSS, MB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = {line.split()[0]: int(line.split()[1]) / 1024 for line in text.splitlines()[1:] if line.endswith("kB")}
    return found["Rss:"], found["Pss:"]


def quantiles(values: list[int]) -> tuple[float, float, float]:
    """p50, p95, p99 in ms."""
    cuts = statistics.quantiles(values, n=100)
    return cuts[49] / 1e6, cuts[94] / 1e6, cuts[98] / 1e6


def row(name: str, direct: list[int], through: list[int]) -> float:
    """One line of the table; what p50 grew by."""
    a, b = quantiles(direct), quantiles(through)
    cells = "  ".join(f"{x:6.2f} {y:6.2f} {y - x:+6.2f}" for x, y in zip(a, b, strict=True))
    print(f"{name:26} {len(direct):6} {len(through):6}  {cells}")
    return b[0] - a[0]


def main() -> int:
    """Measure and print; 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--streams", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=5.0)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(serve())
        return 0
    with tempfile.TemporaryDirectory(prefix="wftop-bench-") as folder:
        private = {"XDG_RUNTIME_DIR": folder, "XDG_STATE_HOME": folder, "XDG_DATA_HOME": folder}
        env = {**os.environ, **private, "PYTHONPATH": str(ROOT)}
        server = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        port = int(server.stdout.readline())
        words = ["proxy", "--upstream", f"http://127.0.0.1:{port}", "--listen", "127.0.0.1:0"]
        record = [sys.executable, "-m", "wftui", "record"]
        recorder = subprocess.Popen(record, stdout=subprocess.DEVNULL, env=env, cwd=ROOT)
        proxy = subprocess.Popen(
            [sys.executable, "-m", "wftui", *words], stdout=subprocess.PIPE, text=True, env=env, cwd=ROOT
        )
        assert proxy.stdout is not None
        own = int(proxy.stdout.readline().partition(",")[0].rpartition(":")[2])
        try:
            return measure(arguments, port, own, proxy)
        finally:
            for process in (proxy, recorder, server):
                process.send_signal(signal.SIGTERM)
                process.communicate()


def measure(arguments: argparse.Namespace, port: int, own: int, proxy: subprocess.Popen[str]) -> int:
    """The rounds, and the table."""
    print(f"{arguments.streams} streams of {CHUNKS} chunks, one each {PACE_S * 1000:g} ms; ms")
    print(
        f"{'':26} {'direct':>6} {'proxy':>6}  "
        + "  ".join(f"{q:>6} {'proxy':>6} {'added':>6}" for q in ("p50", "p95", "p99"))
    )
    asyncio.run(round_of(own, Seen(), arguments.streams, 1.5, burst=False))
    missed = False
    rss = memory(proxy.pid)[0]
    for name, burst in (("starts spread", False), ("all start at once", True)):
        direct, through = Seen(), Seen()
        spent = 0
        for _ in range(arguments.rounds):
            asyncio.run(round_of(port, direct, arguments.streams, arguments.seconds, burst=burst))
            before = cpu_ns(proxy.pid)
            asyncio.run(round_of(own, through, arguments.streams, arguments.seconds, burst=burst))
            spent += cpu_ns(proxy.pid) - before
        added = row(f"first text, {name}", direct.first, through.first)
        row(f"a chunk, {name}", direct.transit, through.transit)
        chunks = len(through.first) + len(through.transit)
        print(f"  CPU of the proxy: {spent / chunks / 1e3:.1f} ms per 1,000 chunks ({chunks} chunks)")
        missed |= not burst and added > LIMIT_MS
    after, pss = memory(proxy.pid)
    print(
        f"memory of the proxy: RSS {rss:.1f} MB after the first round, {after:.1f} MB at the end, PSS {pss:.1f} MB"
    )
    print(f"target: first text, starts spread, p50 added <= {LIMIT_MS:g} ms: {'MISSED' if missed else 'met'}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
