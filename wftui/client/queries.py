"""Single questions to a running recorder, without an event loop: for the commands."""

import os
import socket
import time
from collections.abc import Collection
from contextlib import suppress
from types import TracebackType
from typing import Final, Self, TypeVar

from wftui.errors import ProtocolError
from wftui.model.table import Row, TableSchema, apply
from wftui.wire import codec
from wftui.wire.messages import (
    VERSION,
    At,
    Catalogue,
    Compare,
    Error,
    Events,
    Hello,
    Message,
    Ok,
    PreviewRule,
    Range,
    Subscribe,
    TableArrived,
    Tables,
    Why,
)

TIMEOUT_S: Final = 5.0
HISTORY_S: Final = 10.0
"""For questions that a recorder may pass on to its history service, which has 8 s with its start."""
_HISTORY: Final = (At, Catalogue, Compare, Events, PreviewRule, Range, Tables, Why)
_M = TypeVar("_M", bound=Message)


class Connection:
    """One connection for questions; a context manager."""

    def __init__(self, path: str | socket.socket, role: str = "query", timeout_s: float | None = None) -> None:
        """Connect and greet.

        Args:
            path: The recorder's socket; or one that is connected, to who reads a bundle.
            role: What the recorder takes us for.
            timeout_s: Of each answer; None: ``TIMEOUT_S``, and ``HISTORY_S`` for what was recorded.

        Raises:
            ProtocolError: Nobody answers, or it is no recorder of our major version.
        """
        self._socket = (
            path if isinstance(path, socket.socket) else socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        )
        self._timeout_s = timeout_s
        self._socket.settimeout(TIMEOUT_S if timeout_s is None else timeout_s)
        self._request = 0
        try:
            if isinstance(path, str):
                self._socket.connect(path)
            greeting = codec.encode(Hello(VERSION, role, pid=os.getpid()))
            with suppress(BrokenPipeError):  # who refuses has closed already, and what was said waits to be read
                self._socket.sendall(greeting)
            message, _ = self._read()
        except OSError as error:
            self._socket.close()
            raise ProtocolError(f"no recorder answers at {path} ({error.strerror or error})") from error
        except ProtocolError:
            self._socket.close()
            raise
        if not isinstance(message, Hello):
            self._socket.close()
            raise ProtocolError(message.message if isinstance(message, Error) else f"{path}: expected a greeting")
        self.recorder = message
        """The recorder's greeting."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection. Twice is harmless."""
        self._socket.close()

    def _exactly(self, count: int) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            chunk = self._socket.recv(min(count - len(parts), 1 << 20))
            if not chunk:
                raise ProtocolError("the recorder closed the connection")
            parts += chunk
        return bytes(parts)

    def _read(self) -> tuple[Message, int]:
        return codec.decode(self._exactly(codec.frame_length(self._exactly(codec.HEADER))))

    def ask(self, message: Message, expected: type[_M]) -> _M:
        """The reply to a question.

        Raises:
            ProtocolError: The recorder answered with an error or something unexpected, or not in time.
        """
        self._request += 1
        if self._timeout_s is None:
            self._socket.settimeout(HISTORY_S if isinstance(message, _HISTORY) else TIMEOUT_S)
        try:
            self._socket.sendall(codec.encode(message, self._request))
            while True:
                reply, request = self._read()
                if request == self._request:
                    break
        except OSError as error:
            raise ProtocolError(f"the recorder went away: {error.strerror or error}") from error
        if isinstance(reply, Error):
            raise ProtocolError(reply.message)
        if not isinstance(reply, expected):
            raise ProtocolError(f"expected {expected.__name__}, got {type(reply).__name__}")
        return reply

    def tables(self, names: Collection[str]) -> dict[str, tuple[TableSchema, dict[str, Row]]]:
        """Some tables as they are now; waits for those that a recorder has not told yet. Asked once.

        Raises:
            ProtocolError: It went away, or one of them does not come in time.
        """
        self.ask(Subscribe([], tables=list(names), sources=[]), Ok)
        found: dict[str, tuple[TableSchema, dict[str, Row]]] = {}
        deadline = time.monotonic() + TIMEOUT_S
        try:
            while len(found) < len(names):
                message, _ = self._read()  # ticks come all the time: the socket alone would wait for ever
                if time.monotonic() > deadline:
                    raise ProtocolError(f"the recorder told no {', '.join(set(names) - set(found))}")
                if isinstance(message, TableArrived):
                    name = message.change.name
                    if message.schema is not None:
                        found[name] = message.schema, {}
                    if name in found:
                        apply(found[name][1], message.change)
        except OSError as error:
            raise ProtocolError(f"the recorder went away: {error.strerror or error}") from error
        return found


def wait_gone(pid: int, timeout_s: float) -> bool:
    """Whether a process ended within that time."""
    deadline = time.monotonic() + timeout_s
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        import select

        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        return bool(ready)
    finally:
        os.close(descriptor)
