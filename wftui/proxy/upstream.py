"""The server behind the proxy: its address, and a connection to it."""

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from wftui.endpoint import Endpoint
from wftui.errors import ConfigError, UsageError
from wftui.proxy.ends import End, Plain

if TYPE_CHECKING:
    import ssl

    from wftui.proxy.secure import Secure

CONNECT_S: Final = 10.0
_BUSY_S: Final = 0.01
_PORTS: Final = {"http": 80, "https": 443}
_UNIX_BYTES: Final = 107

Address = tuple[int, tuple[str, int] | str]
"""Family, and what `socket.connect` takes."""


class Url(NamedTuple):
    """A server's URL in parts."""

    secure: bool
    host: str
    """Name or address without brackets; of a unix socket its path."""
    port: int
    """0: a unix socket."""
    prefix: str = ""
    """What stands before each path, without a slash at its end."""

    @property
    def endpoint(self) -> str:
        """As the recorder names a server: what its clients saw stands beside what it says itself."""
        if not self.port:
            return Endpoint(path=self.host).name
        return Endpoint(host=self.host, port=self.port, prefix=self.prefix).name


def url(text: str) -> Url:
    """Read ``http://host:port``, ``https://host``, ``host:port`` or ``unix:PATH``.

    Raises:
        UsageError: It is none of these.
    """
    if text.startswith("unix:"):
        path = "/" + text[5:].lstrip("/") if text.startswith("unix:/") else str(Path(text[5:]).absolute())
        if not text[5:] or len(os.fsencode(path)) > _UNIX_BYTES or "\0" in path:
            raise UsageError(f"expected a path of at most {_UNIX_BYTES} bytes after unix:, got {text!r}")
        return Url(False, path, 0)
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise UsageError(f"{text!r}: {error}") from error
    if parts.scheme not in _PORTS or not parts.hostname or parts.query or parts.fragment:
        raise UsageError(f"expected a URL like http://127.0.0.1:8080 or unix:/run/server.sock, got {text!r}")
    if parts.username is not None:
        raise UsageError("a URL may not carry a user or key: it would be seen in the process table")
    return Url(parts.scheme == "https", parts.hostname, port, parts.path.rstrip("/"))


def addresses(where: Url) -> list[Address]:
    """Where to connect, in the order to try.

    Raises:
        ConfigError: The name is not known.
    """
    if not where.port:
        return [(socket.AF_UNIX, where.host)]
    try:
        found = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"{where.host}: {getattr(error, 'strerror', None) or error}") from error
    return [(family, (str(address[0]), int(address[1]))) for family, _, _, _, address in found]


class Dial:
    """One connection in the making; ``done(end, why)`` is called once, with None and the reason if it failed."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        where: Url,
        found: list[Address],
        context: "ssl.SSLContext | None",
        done: Callable[[End | None, str], None],
    ) -> None:
        self._loop = loop
        self._where = where
        self._left = list(found)
        self._context = context
        self._done: Callable[[End | None, str], None] | None = done
        self._one: socket.socket | Secure | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin; over loopback this is all, without TLS."""
        self._next("no address")
        if self._done is not None:
            self._timer = self._loop.call_later(CONNECT_S, self._fail, f"no connection within {CONNECT_S:g} s")

    def cancel(self) -> None:
        """Give up without a word."""
        self._done = None
        self._fail("")

    def _next(self, why: str) -> None:
        if self._done is None:
            return
        if not self._left:
            self._fail(why)
            return
        family, address = self._left.pop(0)
        try:
            one = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            self._fail(error.strerror or str(error))
            return
        one.setblocking(False)
        self._one = one
        code = one.connect_ex(address)
        if code == errno.EINPROGRESS:
            # Over loopback the kernel has connected before it returns, and says so when it is asked again.
            code = one.connect_ex(address)
        if code == 0:
            self._connected(one)
        elif code in (errno.EINPROGRESS, errno.EALREADY, errno.EINTR):
            self._loop.add_writer(one.fileno(), self._tried, one)
        elif code == errno.EAGAIN:
            # A unix socket whose queue is full gives no sign when it has room.
            one.close()
            self._left.insert(0, (family, address))
            self._loop.call_later(_BUSY_S, self._next, why)
        else:
            one.close()
            self._next(os.strerror(code))

    def _tried(self, one: socket.socket) -> None:
        self._loop.remove_writer(one.fileno())
        code = one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            one.close()
            self._next(os.strerror(code))
        else:
            self._connected(one)

    def _connected(self, one: socket.socket) -> None:
        plain = Plain.of(one)
        if self._context is None:
            self._finish(plain)
            return
        from wftui.proxy.secure import Secure

        end = Secure(plain, self._context, self._where.host)
        self._one = end
        self._greet(end)

    def _greet(self, end: "Secure") -> None:
        self._loop.remove_reader(end.fileno())
        self._loop.remove_writer(end.fileno())
        try:
            writes = end.greet()
        except OSError as error:
            from wftui.proxy.secure import reason

            end.close()
            self._next(reason(error))
            return
        if writes is None:
            self._finish(end)
        elif writes:
            self._loop.add_writer(end.fileno(), self._greet, end)
        else:
            self._loop.add_reader(end.fileno(), self._greet, end)

    def _finish(self, end: End) -> None:
        self._stop_timer()
        done, self._done = self._done, None
        if done is None:
            end.close()
        else:
            done(end, "")

    def _fail(self, why: str) -> None:
        self._stop_timer()
        one, self._one = self._one, None
        if one is not None and one.fileno() >= 0:
            self._loop.remove_reader(one.fileno())
            self._loop.remove_writer(one.fileno())
            one.close()
        done, self._done = self._done, None
        if done is not None:
            done(None, why)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
