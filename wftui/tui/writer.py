"""Output to the terminal that never waits: at once while there is room, in a thread when there is none."""

from __future__ import annotations

import os
import threading
from queue import SimpleQueue
from typing import TextIO


class Writer:
    """Takes text in order; has what the toolkit expects of its own thread for this.

    That one wakes up for every frame. A terminal that keeps up takes a frame in one call.
    """

    def __init__(self, file: TextIO) -> None:
        """``file``: open for writing on the terminal."""
        self._file = file
        self._direct = _unblocked(file.fileno())
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        # Each is written by one thread only.
        self._put = self._done = 0
        self._thread: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """Writes that the terminal has not taken yet, the one under way included."""
        return self._put - self._done

    def write(self, text: str) -> None:
        """Hand over; never waits."""
        data = text.encode(self._file.encoding or "utf-8", self._file.errors or "replace")
        if not self.waiting and self._direct >= 0:
            try:
                taken = os.write(self._direct, data)
            except OSError:
                taken = 0  # no room, or no terminal any more: the thread will see
            if taken == len(data):
                return
            data = data[taken:]
        self._put += 1
        self._queue.put(data)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="wftop-output", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        fd, gone = self._file.fileno(), False
        while (data := self._queue.get()) is not None:
            try:
                while data and not gone:
                    data = data[os.write(fd, data) :]
            except OSError:
                gone = True  # whoever reads the keyboard ends the program
            self._done += 1

    def start(self) -> None:
        """The thread starts when it is needed."""

    def is_alive(self) -> bool:
        """Whether what waits may still get out."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """Wait until everything is out."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None
        if self._direct >= 0:
            os.close(self._direct)
            self._direct = -1

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        """It is one."""
        return True

    def fileno(self) -> int:
        """The terminal."""
        return self._file.fileno()


def _unblocked(fd: int) -> int:
    """The same terminal opened anew, so that its writes do not wait; -1 where that is not possible.

    To set it on ``fd`` would set it for the shell, which shares that.
    """
    try:
        return os.open(os.ttyname(fd), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return -1
