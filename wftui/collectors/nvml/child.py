"""The worker's process as its parent sees it: started without waiting, read without waiting, ended gently."""

import fcntl
import os
import signal
import sys
from contextlib import suppress
from typing import Final

from wftui import log, text
from wftui.clock import NS_PER_S, Instant

COMMAND: Final = (sys.executable, "-m", "wftui.collectors.nvml.worker")
PIPE_BYTES: Final = 1 << 20
"""What a recorder that is busy for a while may miss without the worker having to drop."""
SILENT_S: Final = 10.0
"""A worker that says nothing for so long is asked to end; it says something each second."""
KILL_S: Final = 60.0
"""SIGKILL no earlier than this after SIGTERM: a killed client of NVML has frozen cards."""
COMPLAINT: Final = 4096
"""Bytes of its standard error that are kept."""
LONGEST: Final = 8 << 20
"""Bytes of one frame, at most; more is no frame of ours."""


class Child:
    """One worker."""

    def __init__(self, command: tuple[str, ...], at: Instant) -> None:
        """Raises: OSError: It cannot be started."""
        theirs_in, ours_in = os.pipe2(os.O_CLOEXEC)
        ours_out, theirs_out = os.pipe2(os.O_CLOEXEC)
        ours_err, theirs_err = os.pipe2(os.O_CLOEXEC)
        try:
            for file in (ours_in, ours_out, ours_err):
                os.set_blocking(file, False)
            with suppress(OSError):  # above the user's limit: 64 KB it is
                fcntl.fcntl(ours_out, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
            self.pid = os.posix_spawn(
                command[0],
                command,
                # One heap for all of its threads: each of them would take a megabyte of its own.
                os.environ | {"MALLOC_ARENA_MAX": "1"},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, theirs_in, 0),
                    (os.POSIX_SPAWN_DUP2, theirs_out, 1),
                    (os.POSIX_SPAWN_DUP2, theirs_err, 2),
                ],
                setpgroup=0,  # ^C in our terminal is for us: we end it in order
                setsigmask=[],
            )
        except BaseException:
            for file in (ours_in, ours_out, ours_err):
                os.close(file)
            raise
        finally:
            for file in (theirs_in, theirs_out, theirs_err):
                os.close(file)
        self.status: int | None = None
        """Its exit code, a signal as a negative number; None: it runs."""
        self.terminated_ns: int | None = None
        """CLOCK_BOOTTIME of SIGTERM."""
        self.heard_ns = at.boottime_ns
        """When it said something last."""
        self.ended = False
        """Its output has ended and nothing is left to read."""
        self._in, self._out, self._err = ours_in, ours_out, ours_err
        self._complaint = b""
        self._buffer = bytearray()
        self._killed = False

    def read(self, at: Instant) -> list[bytes]:
        """Whole frames that came since the last look."""
        self._listen()
        while self._out >= 0:
            try:
                data = os.read(self._out, 1 << 18)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                self._close_out()
                break
            self.heard_ns = at.boottime_ns
            self._buffer += data
        if len(self._buffer) > LONGEST and b"\n" not in self._buffer:
            self._buffer.clear()
        *frames, rest = self._buffer.split(b"\n")
        self._buffer = bytearray(rest)
        return [bytes(frame) for frame in frames]

    def _listen(self) -> None:
        """Keep the end of what it writes to its standard error, where Python tells how it failed."""
        while self._err >= 0:
            try:
                data = os.read(self._err, COMPLAINT)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                os.close(self._err)
                self._err = -1
            self._complaint = (self._complaint + data)[-COMPLAINT:]

    @property
    def complaint(self) -> str:
        """The last line that it wrote to its standard error; outside text, cleaned."""
        self._listen()
        lines = self._complaint.decode(errors="replace").split("\n")
        return next((text.clean(line, 200) for line in reversed(lines) if line.strip()), "")

    def tell(self, words: str) -> None:
        """Say a line to it; what it cannot take now is dropped."""
        if self._in >= 0:
            with suppress(OSError):
                os.write(self._in, words.encode() + b"\n")

    def silent_s(self, at: Instant) -> float:
        """Seconds since it said something."""
        return (at.boottime_ns - self.heard_ns) / NS_PER_S

    def look(self, at: Instant) -> None:
        """Reap it when it has ended; ask it to end when it is silent, and insist much later."""
        if self.status is None:
            with suppress(ChildProcessError):
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.status = os.waitstatus_to_exitcode(status)
        if self.status is not None:
            return
        if self.terminated_ns is None:
            if self.silent_s(at) > SILENT_S:
                log.warning("gpu", "the GPU worker is silent and is asked to end", pid=self.pid)
                self.terminate(at)
        elif not self._killed and at.boottime_ns - self.terminated_ns > KILL_S * NS_PER_S:
            self._killed = True
            log.warning("gpu", "the GPU worker did not end and is killed", pid=self.pid)
            self._signal(signal.SIGKILL)

    def terminate(self, at: Instant) -> None:
        """End of its input and SIGTERM; it leaves in order, or when the call that hangs comes back."""
        if self.terminated_ns is None:
            self.terminated_ns = at.boottime_ns
            if self._in >= 0:
                os.close(self._in)
                self._in = -1
            self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        if self.status is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)  # not reaped yet, so the number is still its own

    def _close_out(self) -> None:
        if self._out >= 0:
            os.close(self._out)
            self._out = -1
        self.ended = True
        self._listen()

    def close(self, at: Instant) -> None:
        """Ask it to end and let go: nobody waits for it. Twice is harmless."""
        self.terminate(at)
        self._close_out()
        if self._err >= 0:
            os.close(self._err)
            self._err = -1
        self.look(at)
