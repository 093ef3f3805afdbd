"""A real ``llama-server`` process with the tiny model."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any, Final, Self

import pytest

from tests.harness import until
from tests.servers.real.build import MODEL, SERVER, missing

START_S = 120.0
"""It takes half a second; beside compilers on two cores, more."""


def port() -> int:
    """A port where nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Llama:
    """Started, answering, and killed at the end. The same port again after a restart."""

    def __init__(
        self, log: Path, *arguments: str | Path, model: bool = True, unix: Path | None = None, prefix: str = ""
    ) -> None:
        """What is started.

        Args:
            log: File for what it says.
            arguments: More of them.
            model: False for a router, which is told of models otherwise.
            unix: Where it listens instead of a port.
            prefix: Of all its paths.
        """
        self.port = port()
        self.name = (
            (f"unix:{unix}" + (f"#{prefix}" if prefix else "")) if unix else f"127.0.0.1:{self.port}{prefix}"
        )
        """How wftop calls it."""
        self._unix = unix
        self._prefix = prefix
        self._log = log
        words: list[str | Path] = [SERVER, "--host", unix or "127.0.0.1", "--no-warmup", "--offline"]
        words += [] if unix else ["--port", str(self.port)]
        words += ["--api-prefix", prefix] if prefix else []
        words += ["-t", "1", "-tb", "1"]  # the tests and wftop want the other core
        words += ["--cache-ram", "0"]  # it would keep prompts in some GB
        self._words = [*words, *(("-m", MODEL) if model else ()), *arguments]
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                self._words,
                env={name: value for name, value in os.environ.items() if not name.startswith("LLAMA_")},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self.ready()

    def __exit__(self, *error: object) -> None:
        self.kill()

    def ready(self) -> Self:
        """Wait until it has its model."""

        def answers() -> bool:
            assert self.process.poll() is None, self.log()
            try:
                return self.get("/health")[0] == 200
            except OSError:
                return False

        until(answers, START_S, "llama-server")
        return self

    def kill(self) -> None:
        """End it at once, with those that it started (a router's)."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)

    def again(self) -> Self:
        """Kill it and start it at the same port."""
        self.kill()
        self.process = self._start()
        return self.ready()

    def get(self, path: str, method: str = "GET", body: str | None = None) -> tuple[int, bytes]:
        """Status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            if self._unix is not None:
                connection.sock = socket.socket(socket.AF_UNIX)
                connection.sock.settimeout(60)
                connection.sock.connect(str(self._unix))
            connection.request(method, self._prefix + path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def told(self, path: str) -> Any:  # Any: whatever it says
        """Its JSON at a path."""
        return json.loads(self.get(path)[1])

    def asleep(self) -> bool:
        """Whether it says that it sleeps; asking that does not wake it."""
        return bool(self.told("/props")["is_sleeping"])

    def log(self) -> str:
        """What it said on its terminal."""
        return self._log.read_text(encoding="utf-8", errors="replace")


REAL: Final = [
    pytest.mark.slow,
    pytest.mark.servers,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(missing()), reason=missing()),
]
"""Marks of every test that needs it."""
