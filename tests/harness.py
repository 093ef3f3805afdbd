"""A real recorder process for tests: started, watched over its socket, stopped and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self, TypeVar

from wftui.client.queries import Connection
from wftui.errors import ProtocolError
from wftui.paths import Places, places
from wftui.store import read
from wftui.wire import messages as m

ROOT = Path(__file__).resolve().parent.parent
SEALS_SOON = (
    sys.executable,
    "-c",
    "import sys; from wftui.recorder import sealing; sealing.FIRST_S = 2.0; "
    "from wftui.__main__ import main; sys.exit(main())",
)
"""``wftop`` whose recorder starts its first sealer after two seconds, not after twenty."""
_T = TypeVar("_T")


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The test's environment for a program: with byte code caches, as a user's start has them."""
    # Tests beside this one run stand-ins for model servers on this machine: only who means to look finds them.
    found = {"WFTOP_SERVERS_DISCOVER": "false", **os.environ, **(extra or {})}
    found.pop("PYTHONDONTWRITEBYTECODE", None)
    found["PYTHONPATH"] = str(ROOT)
    return found


def command(*arguments: str) -> list[str]:
    """``wftop`` with these arguments, run by the Python of the tests."""
    return [sys.executable, "-m", "wftui", *arguments]


def until(ask: Callable[[], _T | None], timeout_s: float = 10.0, what: str = "it") -> _T:
    """Wait for a truthy answer."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = ask()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come within {timeout_s:g} s")
        time.sleep(0.01)


class Running:
    """One `wftop record` process."""

    def __init__(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        stdout: int = subprocess.PIPE,
        program: Sequence[str] = (),
    ) -> None:
        """``program``: what is started in the place of wftop, with the same arguments."""
        self.where = places()
        self.started = time.monotonic()
        self.process: subprocess.Popen[str] = subprocess.Popen(
            [*program, "record", *arguments] if program else command("record", *arguments),
            env=environment(env),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    @property
    def pid(self) -> int:
        """Process id."""
        return self.process.pid

    def ready(self, timeout_s: float = 10.0) -> Self:
        """Wait until it answers on its socket."""

        def answers() -> bool:
            if self.process.poll() is not None:
                raise AssertionError(f"the recorder ended ({self.process.returncode}): {self.errors()}")
            try:
                with Connection(str(self.where.socket)) as connection:
                    return connection.recorder.pid == self.pid
            except ProtocolError:
                return False

        until(answers, timeout_s, "the recorder")
        return self

    def ask(self) -> Connection:
        """A connection for questions; the caller closes it."""
        return Connection(str(self.where.socket))

    def status(self) -> m.StatusReply:
        """How it is."""
        with self.ask() as connection:
            return connection.ask(m.Status(), m.StatusReply)

    def ticks(self, count: int, timeout_s: float = 15.0) -> m.StatusReply:
        """Wait until it closed so many ticks."""
        return until(
            lambda: reply if (reply := self.status()).ticks >= count else None, timeout_s, f"tick {count}"
        )

    def signal(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def ended(self, timeout_s: float = 10.0) -> int:
        """Its exit code, when it has ended."""
        return self.process.wait(timeout_s)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.signal(signal.SIGTERM)
        return self.ended()

    def errors(self) -> str:
        """stderr of a process that ended."""
        self.process.wait(10)
        return self.process.stderr.read() if self.process.stderr else ""


class View:
    """A feed without an event loop: greets as a view, subscribes, reads what comes."""

    def __init__(self, where: Places, rate_hz: float = 1.0) -> None:
        self.connection = Connection(str(where.socket), role="view")
        self.connection.ask(m.Subscribe(["*"], rate_hz), m.Ok)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.connection.close()

    def next(self) -> m.Message | None:
        """The next message; None when the recorder has gone."""
        try:
            message, _ = self.connection._read()
        except (ProtocolError, OSError):
            return None
        return message

    def messages(self) -> Iterator[m.Message]:
        """Until the recorder goes."""
        while (message := self.next()) is not None:
            yield message

    def tick(self) -> m.TickArrived:
        """The next tick."""
        for message in self.messages():
            if isinstance(message, m.TickArrived):
                return message
        raise AssertionError("the recorder went away")


def stored(where: Places) -> list[int]:
    """Sequence numbers of the sound ticks in the journal; fails when one is damaged."""
    with read.open_reader(where.data_dir) as reader:
        found = [item.seq for item in reader.ticks(0, 2**40)]
        assert reader.damaged == 0
        return found


def events(where: Places, kind: str = "*") -> list[dict[str, object]]:
    """Payloads of the events of a type, in order."""
    with read.open_reader(where.data_dir) as reader:
        return [item.payload for item in reader.events(types=[kind], limit=10_000)[0]]


@contextmanager
def recorder(*arguments: str, env: Mapping[str, str] | None = None) -> Iterator[Running]:
    """A recorder that answers; killed at the end if it still runs."""
    with Running(*arguments, env=env) as running:
        yield running.ready()
