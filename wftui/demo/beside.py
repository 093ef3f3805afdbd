"""The past of the demo by two processes: one plays the script, the other writes it down and looks at the rules."""

import os
import signal
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import Final, NoReturn, Self

import msgspec

from wftui.clock import Instant
from wftui.demo.past import Past, Played, play
from wftui.demo.script import Script
from wftui.errors import StoreError, WftopError, report

_LENGTH: Final = 4
"""Bytes, big-endian, before each second; a length of 0 asks for a byte once all before it is written."""
_FAILED: Final = "the past of the demo could not be written"


class Beside:
    """As ``Past``, in less time where two cores are free; the script goes on in this process."""

    def __init__(self, folder: Path, script: Script, now: Instant) -> None:
        """As ``Past``; before the first thread, as it forks."""
        self.next_s = 0
        """The next second of the script."""
        self._script = script
        self._encoder = msgspec.msgpack.Encoder()
        pid = os.getpid()
        self._socket, theirs = socket.socketpair()
        self._child = os.fork()
        if not self._child:
            self._socket.close()
            _live(theirs, folder, script, now, pid)
        theirs.close()

    def write(self, until_s: int) -> None:
        """Write the seconds up to, not with, ``until_s`` of the script.

        Raises:
            StoreError: The other process is gone; it has said why.
        """
        try:
            while self.next_s < until_s:
                body = self._encoder.encode(play(self._script, self.next_s))
                self._socket.sendall(len(body).to_bytes(_LENGTH, "big") + body)
                self.next_s += 1
            self._socket.sendall(bytes(_LENGTH))
            written = self._socket.recv(1)
        except OSError as error:
            raise StoreError(_FAILED) from error
        if not written:
            raise StoreError(_FAILED)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the other process close the session; after an error it is ended at once.

        Raises:
            StoreError: It could not.
        """
        if kind is not None:
            os.kill(self._child, signal.SIGKILL)
        self._socket.close()
        _, status = os.waitpid(self._child, 0)
        if status and kind is None:
            raise StoreError(_FAILED)


def _live(asked: socket.socket, folder: Path, script: Script, now: Instant, pid: int) -> NoReturn:
    """The other process's life."""
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        _write(asked, Past(folder, script, now, pid))
        code = 0
    except WftopError as error:
        print(report(error), file=sys.stderr)  # noqa: T201  the one stderr line of an error
    except Exception:  # noqa: BLE001  no frame of the process that forked us may go on here
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


def _write(asked: socket.socket, past: Past) -> None:
    """Write what comes, until nothing more does."""
    decoder = msgspec.msgpack.Decoder(Played)
    with asked.makefile("rb") as opened:
        while head := opened.read(_LENGTH):
            length = int.from_bytes(head, "big")
            if length:
                past.take(decoder.decode(opened.read(length)))
            else:
                past.commit()
                asked.sendall(b"\0")
    past.close()
