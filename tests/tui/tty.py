"""wftop on a terminal of its own, for tests of what really reaches one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

MODE = re.compile(rb"\x1b\[\?(\d+)([hl])")
SOON_S = 20.0


class Tty:
    """wftop in a terminal of its own; reads what it writes, answers nothing."""

    def __init__(self, folder: Path, *arguments: str, **extra: str) -> None:
        self.master, slave = pty.openpty()
        self.resize(80, 24)
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.output = b""
        environment = {**os.environ, "COLORTERM": "truecolor", **extra}
        self.errors = folder / "stderr"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "wftui", "--data-dir", str(folder / "d"), *arguments],
                stdin=slave,
                stdout=slave,
                stderr=errors,
                env=environment,
                start_new_session=True,
            )

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self, until: Callable[[bytes], bool], seconds: float = SOON_S) -> bytes:
        """Read until the whole output fulfils a condition, the program ends, or time is up."""
        end = time.monotonic() + seconds
        while not until(self.output) and time.monotonic() < end:
            ready, _, _ = select.select([self.master], [], [], 0.1)
            if ready:
                try:
                    data = os.read(self.master, 65536)
                except OSError:
                    break
                self.output += data
            elif self.process.poll() is not None:
                break
        return self.output

    def live(self) -> Tty:
        """Wait for real data."""
        assert b"LIVE" in self.read(lambda output: b"LIVE" in output), self.output[-2000:]
        return self

    def key(self, data: bytes) -> None:
        os.write(self.master, data)

    def end(self) -> int:
        """Wait for the program; drain what it still says."""
        self.read(lambda _: False)
        return self.process.wait(SOON_S)

    def modes_left(self) -> dict[bytes, bytes]:
        """DEC modes whose last change is not their state at a shell's prompt."""
        last = dict(MODE.findall(self.output))
        return {mode: state for mode, state in last.items() if state != (b"h" if mode in (b"25", b"7") else b"l")}

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(SOON_S)
        for descriptor in (self.master, self.slave):
            with contextlib.suppress(OSError):
                os.close(descriptor)


def stop_recorder(folder: Path) -> None:
    """End the recorder that a view started for this folder; none is fine."""
    subprocess.run(
        [sys.executable, "-m", "wftui", "record", "--stop", "--data-dir", str(folder / "d")],
        check=False,
        capture_output=True,
        timeout=SOON_S,
    )
