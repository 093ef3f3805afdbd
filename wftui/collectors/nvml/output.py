"""What the GPU worker writes to its parent, and never waits for."""

import json
import os
from typing import Final

BACKLOG: Final = 4 << 20
"""Bytes that wait for the reader; beyond it readings are dropped."""
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Out:
    """Standard output, never waited for."""

    def __init__(self, file: int) -> None:
        os.set_blocking(file, False)
        self._file = file
        self._buffer = bytearray()

    def write(self, frame: dict[str, object]) -> None:
        """Queue a frame; readings are dropped while the reader does not read.

        Raises:
            BrokenPipeError: Nobody reads any more.
        """
        if self.full and frame["t"] in ("v", "processes", "calls"):
            return
        self._buffer += json.dumps(frame, separators=(",", ":"), allow_nan=False).encode() + b"\n"
        self.flush()

    @property
    def empty(self) -> bool:
        """Whether all is written."""
        return not self._buffer

    @property
    def full(self) -> bool:
        """Whether the reader has not read for long."""
        return len(self._buffer) > BACKLOG

    def flush(self) -> None:
        """Write what can be written."""
        while self._buffer:
            try:
                del self._buffer[: os.write(self._file, self._buffer)]
            except BlockingIOError:
                return


def resident() -> int:
    """RSS (By) of this process; 0 where /proc does not say."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123  each second: no path object for it
            return int(file.read().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return 0
