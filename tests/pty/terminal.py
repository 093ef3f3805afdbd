"""A terminal for tests: a real PTY, what the program wrote to it, and the screen that a person would see.

It answers the queries that a terminal answers, keeps every byte, and knows which modes were set and not reset.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import pyte

WFTOP = (sys.executable, "-m", "wftui")
_PRIVATE = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")
_KITTY = re.compile(rb"\x1b\[([<>])[0-9;]*u")
_UNKNOWN_TO_PYTE = re.compile(
    rb"\x1b\[[<=>?][0-9;:]*[ $]?[a-zA-Z]|\x1b\[[0-9;:]*[ $][a-zA-Z]|\x1b\][^\x07\x1b]*(?:\x1b\\|\x07)", re.S
)
_QUERIES = (
    (re.compile(rb"\x1b\[6n"), b"\x1b[1;1R"),
    (re.compile(rb"\x1b\[c"), b"\x1b[?62;22c"),
    (re.compile(rb"\x1b\[\?2026\$p"), b"\x1b[?2026;2$y"),
)


class Terminal:
    """Runs one program in a PTY."""

    def __init__(
        self,
        argv: Sequence[str] = WFTOP,
        size: tuple[int, int] = (80, 24),
        environ: dict[str, str] | None = None,
    ) -> None:
        """Start it; ``size`` is (columns, lines)."""
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(environ or {})}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self.output = bytearray()
        """Everything written so far."""
        self.size = size
        self.status: int | None = None
        """Exit code, negative for a signal; None: it runs."""
        self._answered = 0
        master, slave = pty.openpty()
        self._master, self._slave = master, slave
        self._set_size(size)
        self.attributes = termios.tcgetattr(slave)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.setsid()
                fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
                for descriptor in (0, 1, 2):
                    os.dup2(slave, descriptor)
                os.closerange(3, 256)
                os.execvpe(argv[0], list(argv), environment)  # noqa: S606  the program under test
            finally:
                os._exit(127)
        os.set_blocking(master, False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill what is left, hang up."""
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.status = -9
        for descriptor in (self._master, self._slave):
            if descriptor >= 0:
                os.close(descriptor)
        self._master = self._slave = -1

    def _set_size(self, size: tuple[int, int]) -> None:
        self.size = size
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

    def resize(self, size: tuple[int, int]) -> None:
        """Change the window; the kernel sends SIGWINCH to the program's group."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.size = size

    def send(self, keys: str | bytes) -> None:
        """Type."""
        os.write(self._master, keys.encode() if isinstance(keys, str) else keys)

    def hang_up(self) -> None:
        """Drop the line, as a lost SSH connection does."""
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = -1

    def read(self, seconds: float = 0.05) -> bytes:
        """What comes within that time."""
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return b""
        try:
            data = os.read(self._master, 65536)
        except OSError:
            return b""
        self.output += data
        for query, answer in _QUERIES:
            for found in query.finditer(self.output, max(0, self._answered - 16)):
                if found.end() > self._answered:
                    os.write(self._master, answer)
        self._answered = len(self.output)
        return data

    def until(self, condition: Callable[[], bool], seconds: float = 20.0, what: str = "") -> None:
        """Read until a condition holds.

        Raises:
            AssertionError: It did not within that time; the message shows the screen.
        """
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"waited {seconds:g} s for {what}\n" + "\n".join(self.screen()))
            self.read()
            self._poll()

    def until_shows(self, text: str, seconds: float = 20.0) -> None:
        """Read until the screen holds a text."""
        self.until(lambda: text in "\n".join(self.screen()), seconds, repr(text))

    def until_gone(self, seconds: float = 5.0) -> int:
        """Read until the program has ended; its exit code, negative for a signal."""
        end = time.monotonic() + seconds
        while self._poll() is None:
            if time.monotonic() > end:
                raise AssertionError(f"still running after {seconds:g} s")
            if self._master >= 0:
                self.read(0.02)
            else:
                time.sleep(0.02)
        while self._master >= 0 and self.read(0.0):
            pass
        assert self.status is not None
        return self.status

    def _poll(self) -> int | None:
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def screen(self) -> list[str]:
        """The lines that a person sees."""
        screen = pyte.Screen(*self.size)
        stream = pyte.ByteStream(screen)
        # The alternate screen begins empty; pyte does not know it.
        stream.feed(_UNKNOWN_TO_PYTE.sub(b"", bytes(self.output).rpartition(b"\x1b[?1049h")[2]))
        return [line.rstrip() for line in screen.display]

    def modes_left(self) -> set[str]:
        """Terminal modes that were changed and not put back; empty after an orderly end.

        25 (cursor) and 7 (wrapping) are on in a fresh terminal, every other private mode is off.
        """
        state: dict[str, bool] = {}
        for found in _PRIVATE.finditer(bytes(self.output)):
            for mode in found[1].decode().split(";"):
                state[mode] = found[2] == b"h"
        left = {f"?{mode}" for mode, on in state.items() if on != (mode in ("25", "7"))}
        kitty = sum(1 if found[1] == b">" else -1 for found in _KITTY.finditer(bytes(self.output)))
        if kitty > 0:
            left.add("kitty keyboard")
        return left

    def attributes_now(self) -> list[Any]:  # Any: what termios gives
        """The line discipline's settings."""
        return termios.tcgetattr(self._slave)
