"""One HTTP/1.1 request on a connection of its own, with the time of every step. It blocks; nothing is followed."""

import socket
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from wftui import clock
from wftui.errors import SourceError, SourceUnavailableError
from wftui.proxy.framing import INTERIM, NO_BODY, UNTIL_CLOSE, Framing, Head, NotHttpError, length
from wftui.proxy.upstream import Address, Url

if TYPE_CHECKING:
    import ssl

BODY_BYTES: Final = 4 << 20
"""Of a body that is kept."""
_CONNECT_S: Final = 10.0


class Reply:
    """What came back; times in ns of `clock.perf_ns`."""

    def __init__(self) -> None:
        self.status = 0
        self.fields: dict[bytes, bytes] = {}
        self.body = b""
        """Only where nobody took it piece by piece."""
        self.began_ns = 0
        self.connected_ns = 0
        self.secured_ns = 0
        """0: no TLS."""
        self.sent_ns = 0
        self.first_ns = 0
        """First byte of the answer."""
        self.ended_ns = 0


class Server:
    """Where to ask, and how."""

    def __init__(
        self, where: Url, found: list[Address], context: "ssl.SSLContext | None", fields: Mapping[str, str]
    ) -> None:
        """``fields``: of each request, beside those that it needs."""
        self.where = where
        self._found = found
        self._context = context
        self._fields = dict(fields)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        timeout_s: float,
        piece: Callable[[Reply, bytes, int], None] | None = None,
    ) -> Reply:
        """Ask once.

        Args:
            method: ``GET`` or ``POST``.
            path: After the URL's prefix.
            body: JSON.
            timeout_s: For the whole exchange.
            piece: Gets the answer, a piece of its body and when that came (ns); None: the body is kept.

        Raises:
            SourceUnavailableError: Nobody answers, or not in time.
            SourceError: What answers does not speak HTTP, or its certificate is not trusted.
        """
        reply = Reply()
        until_s = time.monotonic() + timeout_s
        reply.began_ns = clock.perf_ns()
        try:
            with self._connected(reply, min(_CONNECT_S, timeout_s)) as one:
                one.sendall(self._request(method, path, body))
                reply.sent_ns = clock.perf_ns()
                _read(one, reply, piece, until_s)
        except TimeoutError as error:
            silent = self._context is not None and reply.connected_ns and not reply.secured_ns
            what = "no TLS answer (does it want http://?)" if silent else "no answer"
            raise SourceUnavailableError(f"{self.where.endpoint}: {what} within {timeout_s:g} s") from error
        except NotHttpError as error:
            raise SourceError(f"{self.where.endpoint}: this is no HTTP/1.1: {error}") from error
        except OSError as error:
            raise SourceUnavailableError(f"{self.where.endpoint}: {_reason(error)}{self._hint(reply)}") from error
        return reply

    def _hint(self, reply: Reply) -> str:
        """A server that speaks TLS hangs up on who does not."""
        plain = self.where.port and not self.where.secure
        return "; does it want https://?" if plain and reply.connected_ns and not reply.first_ns else ""

    def _connected(self, reply: Reply, timeout_s: float) -> socket.socket:
        error: OSError = ConnectionError("no address")
        for family, address in self._found:
            one = socket.socket(family, socket.SOCK_STREAM)
            one.settimeout(timeout_s)
            try:
                one.connect(address)
                reply.connected_ns = clock.perf_ns()
                if self._context is not None:
                    one = self._context.wrap_socket(one, server_hostname=self.where.host)
                    reply.secured_ns = clock.perf_ns()
            except OSError as failed:
                one.close()
                error = failed
                continue
            if family != socket.AF_UNIX:
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return one
        raise error

    def _request(self, method: str, path: str, body: bytes) -> bytes:
        where = self.where
        lines = [f"{method} {where.prefix}{path} HTTP/1.1"]
        lines.append(f"Host: {where.endpoint if where.port else 'localhost'}")
        lines += ["Accept: application/json, text/event-stream", "Accept-Encoding: identity", "Connection: close"]
        if body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in self._fields.items()]
        return "\r\n".join([*lines, "", ""]).encode() + body


def _read(
    one: socket.socket, reply: Reply, piece: Callable[[Reply, bytes, int], None] | None, until_s: float
) -> None:
    over = False

    def head(found: Head) -> int:
        words = found.start.split(b" ", 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
            raise NotHttpError("no status")
        reply.status, reply.fields = int(words[1]), found.fields
        if reply.status < 200:
            return INTERIM
        return NO_BODY if reply.status in (204, 304) else length(found.fields, UNTIL_CLOSE)

    def body(data: bytes) -> None:
        if piece is not None and reply.status < 300:
            piece(reply, data, framing.now_ns)
        elif len(reply.body) < BODY_BYTES:
            reply.body += data

    def end() -> None:
        nonlocal over
        over = True

    framing = Framing(head, body, end)
    while not over:
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        one.settimeout(left_s)
        data = one.recv(65_536)
        now_ns = clock.perf_ns()
        if not data:
            framing.close(now_ns)
            if not over:
                raise ConnectionError("it ended in the middle of its answer" if reply.first_ns else "no answer")
            break
        reply.first_ns = reply.first_ns or now_ns
        framing.feed(data, now_ns)
    reply.ended_ns = clock.perf_ns()


def _reason(error: OSError) -> str:
    if type(error).__module__ == "ssl":
        from wftui.proxy.secure import reason

        return reason(error)
    return error.strerror or str(error)
