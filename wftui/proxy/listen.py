"""Where the proxy listens: on loopback, or on a unix socket that only its user can open."""

import errno
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from wftui.errors import ConfigError, UsageError
from wftui.proxy.upstream import Address, Url

_BACKLOG: Final = 1_024
_SHIFT: Final = 10_000
"""The default port is the server's and this: 11434 becomes 21434."""


class Place(NamedTuple):
    """Where to listen."""

    host: str
    """An address; of a unix socket its path."""
    port: int
    """0: any that is free; -1: a unix socket."""

    @property
    def loopback(self) -> bool:
        """Nobody on another machine can reach it."""
        return self.port < 0 or self.host == "::1" or self.host.startswith("127.")


def place(text: str | None, upstream: Url) -> Place:
    """Read ``127.0.0.1:PORT``, ``[::1]:PORT``, ``PORT`` or ``unix:PATH``; None is the default for a server.

    Raises:
        UsageError: It is none of these.
    """
    if text is None:
        port = upstream.port + _SHIFT
        return Place("127.0.0.1", port if _SHIFT < port < 65_536 else 0)
    if text.startswith("unix:"):
        if not text[5:] or "\0" in text:
            raise UsageError("--listen unix:PATH: expected a path")
        return Place(str(Path(text[5:]).absolute()), -1)
    host, _, digits = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    host = "127.0.0.1" if host == "localhost" else host
    if not digits.isascii() or not digits.isdigit() or int(digits) > 65_535 or not _address(host):
        raise UsageError(f"--listen: expected 127.0.0.1:PORT, [::1]:PORT or unix:PATH, got {text!r}")
    return Place(host, int(digits))


def meets(where: Place, found: list[Address]) -> bool:
    """What listens here would be its own server."""
    everywhere = where.host in ("0.0.0.0", "::")  # noqa: S104  compared, not bound
    for _, address in found:
        if isinstance(address, str):
            if where.port < 0 and os.path.realpath(where.host) == os.path.realpath(address):
                return True
        elif where.port == address[1] and (where.host == address[0] or everywhere):
            return True
    return False


class Listener:
    """A socket that listens, and the file of a unix socket, which goes when it is closed."""

    def __init__(self, where: Place) -> None:
        """Listen.

        Raises:
            ConfigError: The address is in use or not ours.
        """
        self._file: tuple[Path, os.stat_result] | None = None
        try:
            self.socket = self._unix(Path(where.host)) if where.port < 0 else _tcp(where)
        except OSError as error:
            at = where.host if where.port < 0 else f"{where.host}:{where.port}"
            raise ConfigError(f"--listen {at}: {error.strerror or error}") from error
        self.socket.setblocking(False)

    @property
    def url(self) -> str:
        """What a client is told to use."""
        if self._file is not None:
            return f"unix:{self._file[0]}"
        host, port = self.socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def close(self) -> None:
        """Listen no more; twice is harmless."""
        self.socket.close()
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                # Another may have put its own there.
                if os.path.samestat(file[0].lstat(), file[1]):
                    file[0].unlink()

    def _unix(self, path: Path) -> socket.socket:
        _clear(path)
        one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            one.bind(str(path))
        finally:
            os.umask(before)
        self._file = (path, path.lstat())
        one.listen(_BACKLOG)
        return one


def _tcp(where: Place) -> socket.socket:
    one = socket.socket(socket.AF_INET6 if ":" in where.host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((where.host, where.port))
        one.listen(_BACKLOG)
    except OSError:
        one.close()
        raise
    return one


def _clear(path: Path) -> None:
    """Remove a socket that nobody listens on; leave everything else, which makes `bind` say why.

    Raises:
        OSError: Somebody listens there.
    """
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            code = probe.connect_ex(str(path))
        if code == 0:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        if code == errno.ECONNREFUSED:
            path.unlink()


def _address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):
            socket.inet_pton(family, host)
            return True
    return False
