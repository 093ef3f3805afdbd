"""``python -m wftui.history DATA_DIR``: frames on standard input, answers on standard output.

A greeting first, then one answer for each request, in order. It ends at the end of input, after 60 s without a
question, and by SIGTERM at once: there is nothing to put in order, it never writes.
"""

import os
import select
import signal
import sys
from pathlib import Path
from typing import Final

from wftui import __version__
from wftui.errors import ProtocolError, UsageError, report
from wftui.wire import codec
from wftui.wire import messages as m

IDLE_S: Final = 60.0
_READ: Final = 65_536
_ARGUMENTS: Final = (1, 2)


class _GoneError(Exception):
    """The asker closed its end."""


class _Input:
    """Frames from a descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._held = bytearray()

    def waits(self) -> bool:
        """Whether something came already."""
        return bool(self._held or select.select([self._descriptor], [], [], 0)[0])

    def frame(self, idle_s: float) -> bytes | None:
        """The next frame without its length; None: nothing came for so long.

        Raises:
            ProtocolError: The asker speaks something else.
        """
        while True:
            if len(self._held) >= codec.HEADER:
                length = codec.frame_length(bytes(self._held[: codec.HEADER]))
                end = codec.HEADER + length
                if len(self._held) >= end:
                    found = bytes(self._held[codec.HEADER : end])
                    del self._held[:end]
                    return found
            if not select.select([self._descriptor], [], [], idle_s)[0]:
                return None
            try:
                data = os.read(self._descriptor, _READ)
            except ConnectionError as error:
                raise _GoneError from error
            if not data:
                raise _GoneError
            self._held += data


def _write(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except ConnectionError as error:
            raise _GoneError from error


def _encoded(reply: m.Message, request: int) -> bytes:
    try:
        return codec.encode(reply, request)
    except ProtocolError as error:
        return codec.encode(m.Error("too-large", str(error)), request)


def _request_of(frame: bytes) -> int:
    try:
        return codec.envelope(frame)[1]
    except ProtocolError:
        return 0


def serve(data_dir: Path, idle_s: float) -> None:
    """Answer until nobody asks any more.

    Raises:
        ProtocolError: The asker speaks something else, or another version.
    """
    source, out = _Input(0), 1
    _write(out, codec.encode(m.Hello(m.VERSION, "history", __version__, os.getpid(), data_dir=str(data_dir))))
    from wftui.history.service import Service

    service = Service(data_dir)
    if not source.waits():
        service.warm()
    try:
        while (frame := source.frame(idle_s)) is not None:
            try:
                message, request = codec.decode(frame)
            except ProtocolError as error:
                _write(out, codec.encode(m.Error("bad-request", str(error)), _request_of(frame)))
                continue
            if isinstance(message, m.Hello):
                if message.version[0] != m.VERSION[0]:
                    raise ProtocolError(
                        f"the asker speaks version {message.version[0]}, this one speaks {m.VERSION[0]}"
                    )
                continue
            _write(out, _encoded(service.answer(message), request))
    finally:
        service.close()


def main() -> int:
    """Run; the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C in the recorder's terminal is the recorder's
    _, *arguments = sys.argv
    if len(arguments) not in _ARGUMENTS:
        sys.stderr.write("usage: python -m wftui.history DATA_DIR [IDLE_SECONDS]\n")
        return UsageError.exit_code
    try:
        serve(Path(arguments[0]), float(arguments[1]) if arguments[1:] else IDLE_S)
    except _GoneError:
        return 0
    except ProtocolError as error:
        sys.stderr.write(report(error) + "\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # DuckDB's binding would print what it believes to be leaks of its own
