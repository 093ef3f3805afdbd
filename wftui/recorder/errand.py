"""A child that comes and goes: its output, its deadline, its end.

Spawned by hand: ``asyncio.subprocess`` and its transports would stay in memory for all the time that nothing runs.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec

from wftui import log

DEADLINE_S: Final = 600.0
GRACE_S: Final = 10.0
"""From SIGTERM to SIGKILL."""
_OUTPUT: Final = 65_536
_LOOK_S: Final = 0.02


class Usage(msgspec.Struct, frozen=True):
    """What a child took."""

    cpu_s: float
    wall_s: float
    peak_bytes: int


class Errand:
    """One process; all methods belong to the loop's thread."""

    def __init__(self, name: str, command: list[str], ended: Callable[[int, str, Usage], None]) -> None:
        """Start it.

        Args:
            name: What the log calls it.
            command: Program and arguments.
            ended: Told its exit code (negative: the signal), what it wrote to both outputs, and what it took.

        Raises:
            OSError: It cannot be started.
        """
        self._loop = loop = asyncio.get_running_loop()
        self._name = name
        self._told = ended
        self._output = bytearray()
        self._began_s = loop.time()
        self._gone: asyncio.Future[None] = loop.create_future()
        self._pipe, theirs = os.pipe()
        try:
            os.set_blocking(self._pipe, False)
            null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
            try:
                self.pid = os.posix_spawn(
                    command[0],
                    command,
                    os.environ,
                    file_actions=[
                        (os.POSIX_SPAWN_DUP2, null, 0),
                        (os.POSIX_SPAWN_DUP2, theirs, 1),
                        (os.POSIX_SPAWN_DUP2, theirs, 2),
                    ],
                    setpgroup=0,  # ^C in our terminal is for us: we end it in order
                    setsigmask=[],
                )
            finally:
                os.close(null)
        except BaseException:
            os.close(self._pipe)
            raise
        finally:
            os.close(theirs)
        loop.add_reader(self._pipe, self._readable)
        self._timer = loop.call_later(DEADLINE_S, self._late)

    def _readable(self) -> None:
        try:
            found = os.read(self._pipe, _OUTPUT)
        except BlockingIOError:
            return
        except OSError:
            found = b""
        self._output += found[: _OUTPUT - len(self._output)]
        if not found:
            self._loop.remove_reader(self._pipe)
            os.close(self._pipe)
            self._look()

    def _look(self) -> None:
        """Its output is closed: it has ended, or does within a moment."""
        try:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
        except ChildProcessError:
            pid, status, usage = self.pid, 0, None
        if not pid:
            self._loop.call_later(_LOOK_S, self._look)
            return
        self._timer.cancel()
        self._gone.set_result(None)
        wall_s = self._loop.time() - self._began_s
        cost = Usage(0.0, wall_s, 0)
        if usage is not None:
            peak = usage.ru_maxrss if sys.platform == "darwin" else usage.ru_maxrss * 1024
            cost = Usage(usage.ru_utime + usage.ru_stime, wall_s, peak)
        code = os.waitstatus_to_exitcode(status)
        self._told(code, self._output.decode("utf-8", "replace"), cost)

    def _late(self) -> None:
        log.warning(self._name, f"not done within {DEADLINE_S:g} s; ended", pid=self.pid)
        self._signal(signal.SIGTERM)
        self._timer = self._loop.call_later(GRACE_S, self._signal, signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if not self._gone.done():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)  # not reaped yet, so the number is still its own

    async def end(self, patience_s: float) -> None:
        """SIGTERM, then SIGKILL; returns when it is reaped, or after twice the patience."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            self._signal(number)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._gone), patience_s)
                return
