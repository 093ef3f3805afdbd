"""The connection of the line mode: one socket that is read when something came. No event loop, 3 MB less."""

from __future__ import annotations

import os
import socket
from typing import Final

from wftui import __version__
from wftui.errors import ProtocolError
from wftui.wire import codec
from wftui.wire import messages as wire

_TIMEOUT_S: Final = 2.0
_CHUNK: Final = 1 << 16
SELECTORS: Final = [
    "system.*", "container.*", "hw.*", "inference.*", "gen_ai.*", "ux.stream.*", "ux.ensemble.*", "ux.frame.*",
    "ux.progression.*", "ux.core.up", "wftop.fidelity.*", "wftop.view.motion",
]  # fmt: skip
TABLES: Final = [
    "processes",
    "gpus",
    "gpu_processes",
    "servers",
    "models",
    "inference_requests",
    "alerts",
    "rules",
    "streams",
    "frames",
]
_EVENTS: Final = 50


class Feed:
    """One open connection, subscribed at a tick a second."""

    def __init__(self, path: str, terminal: str) -> None:
        """Connect, greet, subscribe, and ask for the last events.

        Raises:
            OSError: Nobody answers there.
            ProtocolError: It is no recorder, or one of another major version.
        """
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._buffer = bytearray()
        self.recorder = wire.Hello(wire.VERSION, "recorder")
        """The recorder's greeting."""
        try:
            self._socket.settimeout(_TIMEOUT_S)
            self._socket.connect(path)
            hello = wire.Hello(wire.VERSION, "view", program=__version__, pid=os.getpid(), terminal=terminal)
            self._socket.sendall(codec.encode(hello))
            self._greeted(path)
            self._socket.sendall(codec.encode(wire.Subscribe(SELECTORS, tables=TABLES), 1))
            self._socket.sendall(codec.encode(wire.Events(limit=_EVENTS, newest=True), 2))
            self._socket.setblocking(False)
        except BaseException:
            self._socket.close()
            raise

    def _greeted(self, path: str) -> None:
        while not (found := self._frames()):
            self._take(path)
        message = found.pop(0)
        if isinstance(message, wire.Error):
            raise ProtocolError(message.message)
        if not isinstance(message, wire.Hello) or found:
            raise ProtocolError(f"{path}: expected a greeting, got {type(message).__name__}")
        self.recorder = message

    def fileno(self) -> int:
        """For ``poll``."""
        return self._socket.fileno()

    def receive(self) -> list[wire.Message]:
        """What came, answers too; without waiting.

        Raises:
            ProtocolError: The connection is over, or what came is not the protocol.
        """
        try:
            self._take("the recorder")
        except BlockingIOError:
            return []
        except OSError as error:
            raise ProtocolError(f"the recorder went away: {error.strerror or error}") from error
        return self._frames()

    def _take(self, who: str) -> None:
        chunk = self._socket.recv(_CHUNK)
        if not chunk:
            raise ProtocolError(f"{who} closed the connection")
        self._buffer += chunk

    def _frames(self) -> list[wire.Message]:
        found: list[wire.Message] = []
        buffer = self._buffer
        while len(buffer) >= codec.HEADER:
            end = codec.HEADER + codec.frame_length(bytes(buffer[: codec.HEADER]))
            if len(buffer) < end:
                break
            found.append(codec.decode(bytes(buffer[codec.HEADER : end]))[0])
            del buffer[:end]
        return found

    def send(self, message: wire.Message) -> None:
        """Send if there is room: what is sent here is told again soon."""
        try:
            self._socket.sendall(codec.encode(message))
        except OSError:
            return  # reading tells that it is over

    def close(self) -> None:
        """Close the connection. Twice is harmless."""
        self._socket.close()
