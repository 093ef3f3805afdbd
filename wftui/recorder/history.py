"""The relay to the history service: a child that is there while somebody asks about older times.

One child at a time, started by the first question. Questions go to it side by side and its answers are handed on
as they came, undecoded.
"""

import asyncio
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from wftui import log
from wftui.recorder.child import Child, EndedError, Passed
from wftui.recorder.own import PAGE
from wftui.wire import messages as m

IDLE_S: Final = 60.0
DEADLINE_S: Final = 8.0
PATIENCE_S: Final = 2.0
"""Between end of input, SIGTERM and SIGKILL."""
IDLE: Final = "WFTOP_HISTORY_IDLE_S"
"""Environment variable that tells the child when to end by itself."""
SPARE_S: Final = 5.0
BRIEF_S: Final = 3.0
"""Idle time of one that was only started for what happens once: 110 MB for a minute are too much for that."""
CLOSE_S: Final = 1.0
"""That the child gets at the recorder's end."""
_ATTEMPTS: Final = 2
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


class Usage(NamedTuple):
    """What the history services cost."""

    cpu_s: float
    """Of all in this session."""
    memory_bytes: int | None
    """RSS of the one that runs; None: none does."""


class Relay:
    """Asks the history service; belongs to the recorder's loop."""

    def __init__(
        self,
        command: list[str],
        idle_s: float = IDLE_S,
        deadline_s: float = DEADLINE_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Nothing is started yet.

        Args:
            command: Program and arguments of the child: frames over standard input and output, a greeting first.
            idle_s: After this long without a question it is sent away.
            deadline_s: Of one question. A child that says nothing for so long is taken for hung, and ended.
            patience_s: Between end of input, SIGTERM and SIGKILL.
        """
        self._command = command
        self._idle_s, self._deadline_s, self._patience_s = idle_s, deadline_s, patience_s
        self._child: Child | None = None
        self._cpu_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._asking = 0
        self._brief = False
        """Nobody else has asked the child that runs."""
        self._closed = False

    async def ask(self, question: m.Message, *, brief: bool = False) -> m.Message | Passed:
        """The child's answer, or an error that says why there is none: deadline, internal, gone.

        ``brief``: no other question is likely to follow.
        """
        self._brief = brief and (self._brief or self._child is None)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._deadline_s
        reason = ""
        self._asking += 1
        try:
            for _ in range(_ATTEMPTS):
                try:
                    async with asyncio.timeout_at(deadline):
                        child = await self._ready()
                        return await child.ask(question)
                except EndedError as error:
                    reason = str(error)
                    log.warning("history", "the history service ended with a question open", reason=reason)
                except TimeoutError:
                    self._end_if_hung()
                    text = f"history: no answer within {self._deadline_s:g} s; ask for less time or fewer series"
                    return m.Error("deadline", text)
                except OSError as error:
                    reason = f"it cannot be started: {error.strerror or error}"
                if self._closed:
                    return m.Error("gone", "history: the recorder is ending")
            return m.Error("internal", f"history: the service that reads older times failed: {reason}")
        finally:
            self._asking -= 1
            self._rest()

    async def _ready(self) -> Child:
        # One at a time: the one that is on its way out has to be gone first.
        while (child := self._child) is not None and child.ending:
            await asyncio.shield(child.gone)
        if self._closed:
            raise EndedError("the recorder is ending")
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if child is None:
            child = self._child = self._start()
        return child

    def _start(self) -> Child:
        ours, theirs = socket.socketpair()
        try:
            ours.setblocking(False)
            pid = os.posix_spawn(
                self._command[0],
                self._command,
                # A little longer than ours: it ends by itself only when nobody is there to send it away.
                os.environ | {IDLE: f"{self._idle_s + SPARE_S:g}"},
                file_actions=[(os.POSIX_SPAWN_DUP2, theirs.fileno(), descriptor) for descriptor in (0, 1)],
                setpgroup=0,  # ^C in our terminal is for us: we end it in order
                setsigmask=[],
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return Child(pid, ours, self._patience_s, self._reaped)

    def _reaped(self, child: Child, cpu_s: float) -> None:
        self._cpu_s += cpu_s
        if self._child is child:
            self._child = None

    def _end_if_hung(self) -> None:
        child = self._child
        if child is not None and child.silent_s() >= self._deadline_s * 0.99:
            log.warning("history", "the history service hangs and is ended", pid=child.pid)
            child.end(at_once=True)

    def _rest(self) -> None:
        """After the last answer: the idle time begins."""
        if self._asking or self._closed or self._child is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(
            min(BRIEF_S, self._idle_s) if self._brief else self._idle_s, self._dismiss
        )

    def _dismiss(self) -> None:
        self._timer = None
        if self._child is not None:
            self._child.end()

    def renew(self) -> None:
        """The files were written anew: the next question goes to a service that remembers nothing of them."""
        if self._child is not None:
            self._child.end()

    def usage(self) -> Usage:
        """What it costs, now."""
        child = self._child
        if child is None:
            return Usage(self._cpu_s, None)
        try:
            with open(f"/proc/{child.pid}/stat", "rb") as file:  # noqa: PTH123  read each second: no path object for it
                fields = file.read().rpartition(b")")[2].split()
            return Usage(self._cpu_s + (int(fields[11]) + int(fields[12])) / _TICKS_PER_S, int(fields[21]) * PAGE)
        except (OSError, IndexError, ValueError):
            return Usage(self._cpu_s, None)

    async def close(self) -> None:
        """End the child; open questions get ``gone``. Twice is harmless."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        child = self._child
        if child is None:
            return
        child.end(at_once=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(child.gone), CLOSE_S)
            return
        child.kill()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(child.gone), CLOSE_S)


def service(data_dir: Path) -> list[str]:
    """The command of the history service of a data dir."""
    return [sys.executable, "-m", "wftui.history", str(data_dir)]
