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
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyte

WFTOP = (sys.executable, "-m", "wftui")
_PRIVATE = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")
_KITTY = re.compile(rb"\x1b\[([<>])[0-9;]*u")
UNKNOWN_TO_PYTE = re.compile(
    rb"\x1b\[[<=>?][0-9;:]*[ $]?[a-zA-Z]|\x1b\[[0-9;:]*[ $][a-zA-Z]|\x1b\][^\x07\x1b]*(?:\x1b\\|\x07)", re.S
)
_ENTER = b"\x1b[?1049h"
_BEGIN, _END, _LEAVE = b"\x1b[?2026h", b"\x1b[?2026l", b"\x1b[?1049l"
_COMPLETE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*\x07|[^\[\]])", re.S)
"""An escape sequence with its end. One that ends in ESC \\ is in two pieces, of which each is taken for one."""
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
        *,
        errors: Path | None = None,
        controlling: bool = True,
        answers: bool = True,
    ) -> None:
        """Start it.

        Args:
            argv: The program and its arguments.
            size: (columns, lines).
            environ: Added to this process's environment.
            errors: A file for standard error; None: it goes to the terminal too.
            controlling: False: the program is on the terminal but not in its session, so that a hang-up sends
                no SIGHUP and only the end of the keyboard tells of it.
            answers: False: queries stay without an answer, as on a terminal that does not know them.
        """
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(environ or {})}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self.output = bytearray()
        """Everything written so far."""
        self.size = size
        self.status: int | None = None
        """Exit code, negative for a signal; None: it runs."""
        self.shown_from = 0
        """Where in the output the screen begins; a test that resizes moves it past what other sizes got."""
        self._answers = answers
        self._answered = 0
        self._drawn: tuple[tuple[int, int], int] | None = None
        self._drawn_to = 0
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        master, slave = pty.openpty()
        self._master, self._slave = master, slave
        self._set_size(size)
        self.attributes = termios.tcgetattr(slave)
        standard_error = slave if errors is None else os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.setsid()
                if controlling:
                    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
                for descriptor, target in enumerate((slave, slave, standard_error)):
                    os.dup2(target, descriptor)
                os.closerange(3, 256)
                os.execvpe(argv[0], list(argv), environment)  # noqa: S606  the program under test
            finally:
                os._exit(127)
        if errors is not None:
            os.close(standard_error)
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
        for query, answer in _QUERIES if self._answers else ():
            for found in query.finditer(self.output, max(0, self._answered - 16)):
                if found.end() > self._answered:
                    os.write(self._master, answer)
        self._answered = len(self.output)
        return data

    def read_for(self, seconds: float) -> None:
        """Read for that time, whatever comes."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.read(left)

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

    def until_writes(self, data: bytes, since: int = 0, seconds: float = 20.0) -> None:
        """Read until the output holds these bytes, from an offset on."""
        self.until(lambda: self.output.find(data, since) >= 0, seconds, repr(data))

    def live(self) -> Self:
        """Wait for a screen with data; that of the demo plays its past first."""
        self.until_shows("LIVE", 60.0)
        return self

    def until_gone(self, seconds: float = 10.0, *, reading: bool = True) -> int:
        """Wait until the program has ended, by default reading; its exit code, negative for a signal.

        Raises:
            AssertionError: It runs after that time.
        """
        end = time.monotonic() + seconds
        while self._poll() is None:
            if time.monotonic() > end:
                raise AssertionError(f"still running after {seconds:g} s")
            if reading and self._master >= 0:
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
        """The lines that a person sees, never a part of a frame."""
        if self._drawn != (self.size, self.shown_from):
            self._drawn = self.size, self.shown_from
            self._drawn_to = self.shown_from
            self._blank()
        # Only what is new: to draw 100 KB takes a quarter of a second, and waits ask twenty times a second.
        data = bytes(self.output[self._drawn_to :])
        last = data.rfind(b"\x1b")
        if last >= 0 and not _COMPLETE.match(data, last):
            data = data[:last]
        # A frame is seen when it has ended, or when it never will.
        begun = data.rfind(_BEGIN)
        if begun > data.rfind(_END) and data.find(_LEAVE, begun) < 0:
            data = data[:begun]
        self._drawn_to += len(data)
        if _ENTER in data:
            # The alternate screen begins empty; pyte does not know it.
            self._blank()
            data = data.rpartition(_ENTER)[2]
        self._stream.feed(UNKNOWN_TO_PYTE.sub(b"", data))
        return [line.rstrip() for line in self._screen.display]

    def _blank(self) -> None:
        self._screen = pyte.Screen(*self.size)
        self._stream = pyte.ByteStream(self._screen)

    def modes_set(self) -> set[str]:
        """Every private mode that was switched on, put back or not."""
        return {
            mode
            for found in _PRIVATE.finditer(bytes(self.output))
            if found[2] == b"h"
            for mode in found[1].decode().split(";")
        }

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

    def assert_restored(self) -> None:
        """Every mode that was set is reset, the alternate screen is left, echo and line mode are back."""
        assert b"\x1b[?1049h" in self.output, "it never entered the alternate screen: the test shows nothing"
        assert self.modes_left() == set(), self.modes_left()
        assert self.attributes_now() == self.attributes

    def state(self) -> str:
        """The program's state: the letter in /proc/PID/stat, ``T`` for stopped."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]

    def cpu_s(self) -> float:
        """CPU time that the program has used, in seconds, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def recorder_pid() -> int:
    """The pid of the recorder that runs.

    Raises:
        CalledProcessError: None runs.
    """
    done = subprocess.run([*WFTOP, "record", "--status"], capture_output=True, text=True, check=True, timeout=20)
    return int(done.stdout.split()[1])
