"""One end of a tunnel: a socket of the kernel's, or what behaves like one."""

import fcntl
import socket
import struct
import termios
from contextlib import suppress
from typing import Final, Protocol

BLOCKED: Final = (BlockingIOError, InterruptedError)
RESET: Final = struct.pack("ii", 1, 0)
"""Value of SO_LINGER: closing resets."""


class End(Protocol):
    """What a tunnel needs of a socket; `upstream.Secure` is one that speaks TLS."""

    @property
    def halves(self) -> bool:
        """Its side can be ended while the other goes on."""
        ...

    def fileno(self) -> int: ...
    def recv(self, size: int) -> bytes: ...
    def send(self, data: bytes | memoryview) -> int: ...
    def shutdown(self, how: int) -> None: ...
    def reset(self) -> None:
        """Close so that the other side sees a reset."""
        ...

    def unsent(self) -> int:
        """Bytes that the other side has not acknowledged."""
        ...

    def close(self) -> None: ...


class Plain(socket.socket):
    """A socket of the kernel's."""

    halves = True

    @classmethod
    def of(cls, one: socket.socket) -> "Plain":
        """Take over a connected socket."""
        one.setblocking(False)
        made = cls(one.family, one.type, one.proto, fileno=one.detach())
        made.setblocking(False)
        if made.family != socket.AF_UNIX:
            # A chunk goes out as it comes, however small.
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def reset(self) -> None:
        """Close; over TCP the other side sees a reset. A unix socket only knows an end."""
        if self.family != socket.AF_UNIX and self.fileno() >= 0:
            with suppress(OSError):  # reset by the other side already
                self.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.close()

    def unsent(self) -> int:
        """Bytes that the other side's kernel has not acknowledged."""
        answer = fcntl.ioctl(self.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
        return int(struct.unpack("i", answer)[0])
