"""A reference core in a process of its own, and a real recorder that follows it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.core.reference import Said
from tests.harness import ROOT, Running
from wftui.model.tick import unpack
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


LISTENS = (
    sys.executable,
    "-c",
    "import os, sys\n"
    "from wftui.collectors.core.collector import Core\n"
    "bring_to = Core.bring_to\n"
    "class Sink:\n"
    "    def __init__(self, sink):\n"
    "        self.sink, self.sum = sink, 0\n"
    "    def __getattr__(self, name):\n"
    "        return getattr(self.sink, name)\n"
    "    def lost(self, program, at_s, count):\n"
    "        self.sum += count\n"
    "        open(os.environ['LOST'], 'w').write(str(self.sum))\n"
    "        self.sink.lost(program, at_s, count)\n"
    "Core.bring_to = lambda self, sink, tell: bring_to(self, Sink(sink), tell)\n"
    "from wftui.__main__ import main; sys.exit(main())",
)
"""``wftop`` that writes how many frames its core reported lost into the file that ``LOST`` names."""


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
        reply = connection.ask(m.At(2**62), m.AtReply)
        if reply.tick is None and reply.previous_s is not None:
            reply = connection.ask(m.At(reply.previous_s * 10**9), m.AtReply)
    if reply.tick is None or reply.layout is None:
        return {}
    pairs = zip(reply.layout.columns, unpack(reply.tick.values), strict=True)
    return {column.series.text: value for column, value in pairs if value == value}
