"""Bare loops to judge a measurement by: what answering lines costs at least, how late timers are here anyway."""

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ECHO = """
import asyncio, sys

class Echo(asyncio.BufferedProtocol):
    room = memoryview(bytearray(65536))

    def connection_made(self, transport):
        self.transport = transport

    def get_buffer(self, sizehint):
        return self.room

    def buffer_updated(self, nbytes):
        self.transport.write(b'{"accepted":10,"rejected":[]}\\n')

async def main():
    server = await asyncio.get_running_loop().create_unix_server(Echo, sys.argv[1])
    print("ready", flush=True)
    await server.serve_forever()

asyncio.run(main())
"""
"""Reads lines, understands nothing and answers each."""

IDLE = """
import asyncio, json, signal, sys, time

async def main():
    ends, late = asyncio.Event(), []
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ends.set)
    print("ready", flush=True)
    while not ends.is_set():
        due = time.monotonic() + 0.005
        await asyncio.sleep(0.005)
        now = time.monotonic()
        late.append((now, now - due))
    with open(sys.argv[1], "w") as file:
        json.dump(late, file)

asyncio.run(main())
"""
"""Has a timer of 5 ms and nothing else to do."""


@contextmanager
def _running(program: str, file: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.terminate()


@contextmanager
def idle() -> Iterator[list[tuple[float, float]]]:
    """An idle loop in a process of its own; afterwards the list holds (CLOCK_MONOTONIC, s late) of its timer."""
    found: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "late")
        with _running(IDLE, file):
            yield found
        found += [(at, late) for at, late in json.loads(file.read_text())]


def echo(line: bytes, per_s: int, seconds: float) -> float:
    """CPU (% of a core) of a bare loop that answers such lines, each of which waits for its answer."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "socket")
        with _running(ECHO, path) as process, socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            schedstat = Path(f"/proc/{process.pid}/schedstat")
            before, start, sent = int(schedstat.read_text().split()[0]), time.monotonic(), 0
            while (passed := time.monotonic() - start) < seconds:
                if sent + 1 > passed * per_s:
                    time.sleep((sent + 1) / per_s - passed)
                connection.sendall(line)
                connection.recv(4096)
                sent += 1
            cpu_s = (int(schedstat.read_text().split()[0]) - before) / 1e9
            return cpu_s / (time.monotonic() - start) * 100
