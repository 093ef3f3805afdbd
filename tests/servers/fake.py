"""A stand-in for a model server: real sockets, HTTP/1.1 with kept connections, faults switched at run time.

Standard library only; a thread takes connections and each has one of its own: a fault holds nobody else up.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

import msgspec

from wftui.endpoint import Endpoint

EXPOSITIONS: Final = Path(__file__).parent.parent / "fixtures" / "expositions"

SLOW = "slow"
"""The answer comes a byte at a time, for ever."""
HUNG = "hung"
"""The question is taken and never answered."""
GARBAGE = "garbage"
"""Bytes that are no HTTP."""
HALF = "half"
"""The connection ends in the middle of the body."""
HUGE = "huge"
"""100 MB."""
ENDLESS = "endless"
"""A body in pieces that never ends."""
REDIRECT = "redirect"
"""Every path points to itself."""
TYPE = "type"
"""A page of HTML where something else was expected."""
CHUNKED = "chunked"
"""The true answer, in pieces of odd sizes."""
CLOSING = "closing"
"""The true answer, and ``Connection: close``."""
DROPPING = "dropping"
"""The true answer; then the connection is closed without a word, as after a time of idleness."""
REFUSED = "refused"
"""Nobody listens."""
OLD = "old"
"""HTTP/1.0 without a length: the end of the body is the end of the connection."""

HUGE_BYTES: Final = 100 * 1000 * 1000
_WORDS: Final = {
    200: "OK", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 500: "Internal Server Error", 501: "Not Implemented", 503: "Service Unavailable",
}  # fmt: skip


def sample(name: str) -> bytes:
    """A sample answer."""
    return (EXPOSITIONS / name).read_bytes()


class Asked(NamedTuple):
    """A question that came."""

    method: str
    path: str
    """Without the query."""
    query: dict[str, str]
    headers: dict[str, str]
    """Names in lower case."""


class Reply(NamedTuple):
    """An answer."""

    body: bytes
    status: int = 200
    type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


Route = Callable[[Asked], Reply]


def page(body: bytes, **headers: str) -> Reply:
    """A metrics page."""
    more = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Reply(body, type="text/plain; version=0.0.4; charset=utf-8", headers=more)


def said(value: object, status: int = 200) -> Reply:
    """A value as JSON."""
    return Reply(msgspec.json.encode(value), status)


def constant(body: bytes) -> Route:
    """A route that always answers the same."""
    return lambda _: Reply(body)


class Fake:
    """One server. Routes run under ``lock``, so that a test may change their state while they are asked."""

    def __init__(
        self,
        routes: Mapping[str, Route] | None = None,
        *,
        unix: Path | None = None,
        tls: tuple[Path, Path] | None = None,
        key: str = "",
        open_paths: tuple[str, ...] = ("/health",),
        prefix: str = "",
        server: str = "",
        host: str = "127.0.0.1",
    ) -> None:
        """``tls``: certificate and key; ``key``: bearer token, asked for on all but ``open_paths``."""
        self.routes: dict[str, Route] = dict(routes or {})
        self.fault: str | int = ""
        """One of the constants above, or a status that every path answers with."""
        self.faults: dict[str, str | int] = {}
        """By path; the others answer as they should."""
        self.lock = threading.RLock()
        self.asked: list[Asked] = []
        self.connections = 0
        """Taken since the start."""
        self._unix = unix
        self._host = host
        self._tls: ssl.SSLContext | None = None
        if tls is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(*tls)
        self._key = key
        self._open_paths = open_paths
        self._prefix = prefix
        self._server = server
        self._port = 0
        self._listener: socket.socket | None = None
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self._ended = threading.Event()

    # -- the life of it ------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def listen(self) -> None:
        """Take connections, at the same address as before."""
        if self._unix is not None:
            self._unix.unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(self._unix))
        else:
            listener = socket.socket(socket.AF_INET6 if ":" in self._host else socket.AF_INET)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self._host, self._port))
            self._port = listener.getsockname()[1]
        listener.listen(64)
        self._listener = listener
        self._ended.clear()
        self._start(self._accept, listener)

    def refuse(self) -> None:
        """Stop listening and drop every connection: the process is gone."""
        self._ended.set()
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept()
            listener.close()
        with self.lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive(), "a thread of the stand-in does not end"
        self._threads.clear()

    def close(self) -> None:
        """Be gone for good."""
        self.refuse()
        if self._unix is not None:
            self._unix.unlink(missing_ok=True)

    @property
    def endpoint(self) -> Endpoint:
        """Where it is, without its key."""
        if self._unix is not None:
            return Endpoint(path=str(self._unix), prefix=self._prefix)
        return Endpoint(host=self._host, port=self._port, prefix=self._prefix, tls=self._tls is not None)

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order, queries left out."""
        return [item.path for item in self.asked]

    # -- connections ---------------------------------------------------------------------------------------------

    def _start(self, run: Callable[[socket.socket], None], argument: socket.socket) -> None:
        thread = threading.Thread(target=run, args=(argument,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                if self._ended.is_set():
                    connection.close()
                    return
                self.connections += 1
                self._open.add(connection)
                self._start(self._serve, connection)

    def _serve(self, raw: socket.socket) -> None:
        connection = raw
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(raw, server_side=True)
                with self.lock:
                    self._open.add(connection)
            while (asked := _question(connection)) is not None:
                if not self._answer(connection, asked):
                    return
        except OSError:
            return  # the other end went away
        finally:
            with self.lock:
                self._open -= {raw, connection}
            connection.close()

    def _answer(self, connection: socket.socket, asked: Asked) -> bool:
        """Answer one question; whether another may come on this connection."""
        with self.lock:
            self.asked.append(asked)
            fault = self.faults.get(asked.path, self.fault)
            reply = self._reply(asked)
        if fault in (HUNG, SLOW, GARBAGE, HALF, HUGE, ENDLESS):
            self._misbehave(connection, fault, reply)
            return False
        if isinstance(fault, int):
            reply = said({"error": {"code": fault, "message": _WORDS[fault], "type": "error"}}, fault)
        elif fault == REDIRECT:
            reply = Reply(b"", 302, headers=(("Location", asked.path),))
        elif fault == TYPE:
            reply = Reply(b"<!doctype html><title>hello</title>", type="text/html")
        head = self._head(reply, 0 if fault == OLD else 1)
        if fault == CHUNKED:
            head += b"Transfer-Encoding: chunked\r\n\r\n"
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in _pieces(reply.body)) + b"0\r\n\r\n"
        elif fault == OLD:
            head, body = head + b"\r\n", reply.body
        else:
            closing = b"Connection: close\r\n" if fault == CLOSING else b""
            head, body = head + closing + b"Content-Length: %d\r\n\r\n" % len(reply.body), reply.body
        connection.sendall(head + body)
        return fault not in (CLOSING, DROPPING, OLD)

    def _reply(self, asked: Asked) -> Reply:
        path = asked.path.removeprefix(self._prefix)
        if not asked.path.startswith(self._prefix + "/"):
            return said({"error": {"code": 404, "message": "File Not Found"}}, 404)
        if (
            self._key
            and path not in self._open_paths
            and asked.headers.get("authorization") != f"Bearer {self._key}"
        ):
            return said({"error": {"code": 401, "message": "Invalid API Key"}}, 401)
        route = self.routes.get(path)
        if route is None:
            return said({"error": {"code": 404, "message": "File Not Found"}}, 404)
        return route(asked._replace(path=path))

    def _head(self, reply: Reply, minor: int) -> bytes:
        lines = [f"HTTP/1.{minor} {reply.status} {_WORDS[reply.status]}", f"Content-Type: {reply.type}"]
        if self._server:
            lines.append(f"Server: {self._server}")
        lines += [f"{name}: {value}" for name, value in reply.headers]
        return "".join(f"{line}\r\n" for line in lines).encode()

    def _misbehave(self, connection: socket.socket, fault: str | int, reply: Reply) -> None:
        length = HUGE_BYTES if fault == HUGE else 2 * len(reply.body) + 2
        head = self._head(reply, 1) + b"Content-Length: %d\r\n\r\n" % length
        if fault == HUNG:
            self._until_gone(connection)
        elif fault == GARBAGE:
            connection.sendall(bytes(range(256)) * 4)
        elif fault == HALF:
            connection.sendall(head + reply.body)
        elif fault == HUGE:
            connection.sendall(head)
            for _ in range(length // 65536 + 1):
                connection.sendall(b"# " + b"x" * 65533 + b"\n")
        elif fault == ENDLESS:
            connection.sendall(self._head(reply, 1) + b"Transfer-Encoding: chunked\r\n\r\n")
            while not self._ended.is_set():
                connection.sendall(b"10000\r\n# " + b"x" * 65533 + b"\n\r\n")
        else:
            connection.sendall(head)
            while not self._ended.wait(0.01):
                connection.sendall(b"#")

    def _until_gone(self, connection: socket.socket) -> None:
        while not self._ended.is_set() and connection.recv(4096):
            pass


def _question(connection: socket.socket) -> Asked | None:
    """The next question of a connection; None: it was closed."""
    head = b""
    while b"\r\n\r\n" not in head:
        data = connection.recv(65536)
        if not data:
            return None
        head += data
    first, *rest = head.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    if first.count(" ") != 2:
        return None  # no HTTP
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    parts = urlsplit(target)
    return Asked(method, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), headers)


def _pieces(body: bytes) -> list[bytes]:
    """A body cut at odd places: 1, 2, 3, … bytes, then a large rest."""
    found, at = [], 0
    for size in range(1, 60):
        if at >= len(body):
            break
        found.append(body[at : at + size])
        at += size
    return [*found, body[at:]] if at < len(body) else found
