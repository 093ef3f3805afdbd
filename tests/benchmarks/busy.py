"""Honest load for a machine that is watched: every core, memory, a disk, a model server with clients, pushes.

What a machine at work looks like while nothing is wrong with it: all cores are busy for three minutes of five (at
the lowest priority, as batch work is), files are written and removed, a stand-in for vLLM answers requests that
come at random, a program pushes.

    python -m tests.benchmarks.busy PART FOLDER

runs one part until it is ended; ``busy(folder)`` runs them all as processes of their own.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
ROUND_S: Final = 300
WORK_S: Final = 180
"""Of each round."""
FILE: Final = 256 << 20
"""Bytes that are written in a round, and removed at its end."""
HELD: Final = 0.2
"""Share of the memory that is still to be had, and at most a GiB, that comes and goes."""
RATE: Final = 1.5
"""Requests a second, in bursts five times as many."""
SLOTS: Final = 8
TOKEN_S: Final = 0.02
LIMITS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
MODEL: Final = "stand-in"
_RANDOM: Final = random.Random()  # noqa: S311  moments and lengths, no secrets


def _working() -> bool:
    return time.monotonic() % ROUND_S < WORK_S


def cpu(_: Path) -> None:
    """One core, three minutes of five."""
    os.nice(19)
    while True:
        if _working():
            sum(number * number for number in range(200_000))
        else:
            time.sleep(0.5)


def memory(_: Path) -> None:
    """Memory is taken, touched and given back."""
    kib = int(Path("/proc/meminfo").read_text().partition("MemAvailable:")[2].split()[0])
    most = min(1 << 30, int(kib * 1024 * HELD))
    while True:
        if _working():
            held = bytearray(most)
            held[::4096] = b"x" * len(range(0, most, 4096))
            while _working():
                time.sleep(0.5)
            del held
        time.sleep(0.5)


def disk(folder: Path) -> None:
    """A file grows by a MiB at a time, is made durable now and then, and goes."""
    path = folder / "written"
    chunk = os.urandom(1 << 20)
    while True:
        if not _working():
            time.sleep(0.5)
            continue
        with path.open("wb") as file:
            for place in range(FILE >> 20):
                file.write(chunk)
                if place % 16 == 15:
                    file.flush()
                    os.fsync(file.fileno())
                time.sleep(WORK_S / 2 / (FILE >> 20))
        path.unlink()


def pushes(_: Path) -> None:
    """A program that pushes ten times a second."""
    from wftui.client.push import Pusher

    pusher = Pusher("busy")
    while True:
        pusher.gauge("queue_length", _RANDOM.randint(0, 5))
        time.sleep(0.1)


class Server:
    """A stand-in for vLLM that answers requests of its own clients: its page tells what really went on."""

    def __init__(self) -> None:
        self.running = self.waiting = self.done = self.tokens = self.prompts = 0
        self.first: list[float] = []
        """Times to first token, s."""
        self._slots = asyncio.Semaphore(SLOTS)

    async def request(self) -> None:
        """One request: a queue, a prompt, some tokens."""
        came = time.monotonic()
        self.waiting += 1
        async with self._slots:
            self.waiting -= 1
            self.running += 1
            await asyncio.sleep(_RANDOM.uniform(0.05, 0.25))
            self.prompts += 400
            self.first.append(time.monotonic() - came)
            for _ in range(int(_RANDOM.lognormvariate(3.5, 0.6))):
                await asyncio.sleep(TOKEN_S * (1 + self.running / SLOTS))
                self.tokens += 1
            self.running -= 1
            self.done += 1

    async def clients(self) -> None:
        """Requests at random, a burst of half a minute every five."""
        async with asyncio.TaskGroup() as group:
            while True:
                burst = time.monotonic() % ROUND_S < 30
                await asyncio.sleep(_RANDOM.expovariate(RATE * (5 if burst else 1)))
                group.create_task(self.request())

    def page(self) -> bytes:
        """In the text format of Prometheus, with the names of vLLM."""
        labels = f'{{engine="0",model_name="{MODEL}"}}'
        lines = [
            f"vllm:num_requests_running{labels} {self.running}",
            f"vllm:num_requests_waiting{labels} {self.waiting}",
            f"vllm:kv_cache_usage_perc{labels} {self.running / SLOTS * 0.6}",
            f"vllm:num_preemptions_total{labels} 0",
            f"vllm:prompt_tokens_total{labels} {self.prompts}",
            f"vllm:generation_tokens_total{labels} {self.tokens}",
            f'vllm:request_success_total{{engine="0",finished_reason="stop",model_name="{MODEL}"}} {self.done}',
        ]
        for limit in LIMITS:
            count = sum(item <= limit for item in self.first)
            name = "vllm:time_to_first_token_seconds_bucket"
            lines.append(f'{name}{{engine="0",le="{limit}",model_name="{MODEL}"}} {count}')
        count = len(self.first)
        name = "vllm:time_to_first_token_seconds"
        lines.append(f'{name}_bucket{{engine="0",le="+Inf",model_name="{MODEL}"}} {count}')
        lines += [f"{name}_count{labels} {count}", f"{name}_sum{labels} {sum(self.first)}", ""]
        return "\n".join(lines).encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept."""
        models = b'{"object":"list","data":[{"id":"%s","object":"model","owned_by":"vllm"}]}' % MODEL.encode()
        said = {b"/v1/models": models, b"/version": b'{"version":"0.11.0"}'}
        try:
            while True:
                path = (await reader.readuntil(b"\r\n\r\n")).split()[1]
                body = self.page() if path == b"/metrics" else said.get(path, b"")
                head = b"HTTP/1.1 %s\r\nServer: uvicorn\r\nContent-Length: %d\r\n\r\n"
                writer.write(head % (b"200 OK" if body else b"404 Not Found", len(body)) + body)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    async def run(self) -> None:
        """Until it is ended."""
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        async with server, asyncio.TaskGroup() as group:
            group.create_task(self.clients())
            group.create_task(server.serve_forever())


def model(_: Path) -> None:
    """The model server with its clients."""

    async def run() -> None:
        await Server().run()

    asyncio.run(run())


PARTS: Final = {"cpu": cpu, "memory": memory, "disk": disk, "model": model, "pushes": pushes}


@contextmanager
def busy(folder: Path) -> Iterator[None]:
    """All parts, one ``cpu`` for each core; ended when it is left. Pushes go where the environment says."""
    # A process whose program is called vllm, as the real one is: this is how it is found.
    script = folder / "vllm"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom pathlib import Path\n"
        "from tests.benchmarks.busy import model\nmodel(Path())\n"
    )
    part = [sys.executable, "-m", "tests.benchmarks.busy"]
    commands = [[*part, name, str(folder)] for name in ("memory", "disk", "pushes")]
    commands += [[*part, "cpu", str(folder)]] * (os.cpu_count() or 1)
    commands.append([sys.executable, str(script), "serve", MODEL])
    found = [subprocess.Popen(command, cwd=ROOT) for command in commands]
    try:
        yield
    finally:
        for item in found:
            item.kill()
            item.wait()


if __name__ == "__main__":
    PARTS[sys.argv[1]](Path(sys.argv[2]))
