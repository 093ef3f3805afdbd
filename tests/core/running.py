"""A reference core in a process of its own, and a real recorder that follows it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.core.reference import Said
from tests.harness import ROOT, Running
from wftui.errors import StoreError
from wftui.model.tick import unpack
from wftui.store import read
from wftui.wire import messages as m


class Playing:
    """One core."""

    def __init__(self, *arguments: str, program: tuple[str, ...] = ("-m", "tests.core.reference")) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *program, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    @property
    def url(self) -> str:
        """Of its WebSocket."""
        return f"ws://127.0.0.1:{self.port}/ws"

    def end(self, timeout_s: float = 20.0) -> Said:
        """Ask it to stop; what it did."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        return self.ended(timeout_s)

    def ended(self, timeout_s: float) -> Said:
        """What it did, when it has stopped."""
        out, _ = self.process.communicate(timeout=timeout_s)
        return Said(**json.loads(out.splitlines()[-1]))


@contextmanager
def core(*arguments: str, program: tuple[str, ...] = ("-m", "tests.core.reference")) -> Iterator[Playing]:
    """A core; killed at the end if it still runs."""
    found = Playing(*arguments, program=program)
    try:
        yield found
    finally:
        if found.process.poll() is None:
            found.process.kill()
            found.process.wait(10)
        if found.process.stdout is not None:
            found.process.stdout.close()


def now(running: Running) -> dict[str, float]:
    """Series to its value in the recorder's newest tick."""
    with running.ask() as connection:
        status = connection.ask(m.Status(), m.StatusReply)
        assert status.ticks
        reply = connection.ask(m.At(2**62), m.AtReply)
        if reply.tick is None and reply.previous_s is not None:
            reply = connection.ask(m.At(reply.previous_s * 10**9), m.AtReply)
    if reply.tick is None or reply.layout is None:
        return {}
    pairs = zip(reply.layout.columns, unpack(reply.tick.values), strict=True)
    return {column.series.text: value for column, value in pairs if value == value}


def recorded(data_dir: Path) -> dict[str, float]:
    """Series to the last value in the journal."""
    found: dict[str, float] = {}
    with suppress(StoreError), read.open_reader(data_dir) as reader:
        for tick in reader.ticks(0, 2**40):
            columns = reader.layout(tick.layout).columns
            for column, value in zip(columns, unpack(tick.values), strict=True):
                if value == value:
                    found[column.series.text] = value
    return found
