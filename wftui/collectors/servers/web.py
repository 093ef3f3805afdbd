"""A polite HTTP client: GET only, one kept connection a server, deadlines, bounded bodies, no redirects.

h11 frames what is not plain (pure Python, no I/O of its own). Ten servers a second would cost 1.8 ms and +0.8 MB
with it alone; with ``http.client``, which blocks a thread each, 1.4 ms and +1.6 MB; with httptools 1.7 ms and
+1.0 MB; with urllib3 4.0 ms and +4.9 MB, with aiohttp 2.8 ms and +14 MB, with httpx 6.2 ms and +15 MB.
"""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import msgspec

from wftui import __version__, text
from wftui.clock import Clock, Instant
from wftui.collectors.servers.framing import CHUNKED, NotHttpError, OddError, plain_head, unchunked
from wftui.collectors.servers.plain import Plain
from wftui.endpoint import Endpoint
from wftui.errors import SourceFormatError, SourceUnavailableError
from wftui.model import health

if TYPE_CHECKING:
    from wftui.collectors.servers.tls import Secured

CONNECT_S: Final = 1.0
READ_S: Final = 5.0
LIMIT: Final = 8 * 1024 * 1024
"""Bytes of a body; the page of a vLLM with many engines has 200 kB."""
_PIECE: Final = 64 * 1024
"""Bytes read at once. More would be mapped and unmapped each time: 28 us a page of 48 kB instead of 4."""
_PIECES: Final = 8
"""In so many at most a reply in chunks is looked at anew with each of them."""
_SAID: Final = 120
_ASKED: Final = 64
"""Questions that are kept ready."""

T = TypeVar("T")


class Closes(Protocol):
    """Something that goes with a server's connection."""

    def close(self) -> None:
        """Let go of it. Twice is harmless."""
        ...


K = TypeVar("K", bound=Closes)


class Answer(msgspec.Struct, frozen=True):
    """One reply."""

    path: str
    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    at: Instant
    """When it had arrived."""

    def json(self, shape: type[T]) -> T:
        """The body as JSON of that shape; unknown fields are passed over.

        Raises:
            SourceFormatError: It is no JSON or of another shape.
        """
        try:
            return msgspec.json.decode(self.body, type=shape, strict=False)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SourceFormatError(f"{self.path}: {text.clean(str(error))[:_SAID]}") from error
        except RecursionError as error:
            raise SourceFormatError(f"{self.path}: nested too deeply") from error


class Web:
    """One server's connection; whoever makes it closes it. Not for two askers at once."""

    def __init__(self, endpoint: Endpoint, clock: Clock) -> None:
        self.endpoint: Final = endpoint
        self.siblings: tuple[Endpoint, ...] = ()
        """Where else the same process listens."""
        self._clock = clock
        self._others: dict[Endpoint, Web] = {}
        self._kept: list[Closes] = []
        self._line: Plain | Secured | None = None
        self._questions: dict[str, bytes] = {}
        """By path: the bytes that ask for it."""
        host = "localhost" if endpoint.path else endpoint.name.removesuffix(endpoint.prefix)
        self._headers = [
            ("Host", host),
            ("User-Agent", f"wftop/{__version__}"),
            ("Accept", "*/*"),
        ]
        if endpoint.key:
            self._headers.append(("Authorization", f"Bearer {endpoint.key}"))

    async def get(self, path: str, *, timeout_s: float = READ_S, limit: int = LIMIT) -> Answer:
        """Ask for a path, whatever the status of the reply.

        Raises:
            SourceUnavailableError: Nobody listens, or no answer came in time.
            SourceFormatError: What came is no HTTP, or more than ``limit`` bytes.
        """
        fresh = self._line is None
        try:
            async with asyncio.timeout(timeout_s):
                try:
                    return await self._exchange(path, limit)
                except (ConnectionError, EOFError, NotHttpError):
                    self._drop()
                    if fresh:
                        raise
                    # A kept connection may have been closed at any time: that says nothing about the server.
                    return await self._exchange(path, limit)
        except TimeoutError as error:
            self._drop()
            raise SourceUnavailableError(
                f"{path}: no answer within {timeout_s:g} s", state=health.STUCK
            ) from error
        except (ConnectionError, EOFError) as error:
            self._drop()
            raise SourceUnavailableError(f"{path}: {_words(error)}", state=health.FAILED) from error
        except OSError as error:
            self._drop()
            raise SourceUnavailableError(
                f"{self.endpoint.name}: {text.clean(error.strerror or str(error))}", state=health.FAILED
            ) from error
        except NotHttpError as error:
            self._drop()
            raise SourceFormatError(f"{path}: no HTTP: {text.clean(str(error))[:_SAID]}") from error
        except BaseException:
            self._drop()  # half an exchange is of no use to the next
            raise

    async def ok(self, path: str, *, timeout_s: float = READ_S) -> Answer:
        """Ask for a path that must be there.

        Raises:
            SourceError: As ``get``; or the status is another than 200: 401 and 403 are ``denied`` with the fix.
        """
        answer = await self.get(path, timeout_s=timeout_s)
        if answer.status == 200:
            return answer
        raise refusal(answer)

    async def json(self, path: str, shape: type[T], *, timeout_s: float = READ_S) -> T:
        """The JSON of a path that must be there. Raises: SourceError: as ``ok`` and ``Answer.json``."""
        return (await self.ok(path, timeout_s=timeout_s)).json(shape)

    def beside(self, sibling: Endpoint) -> "Web":
        """The connection to another address of the same server; it is closed with this one."""
        found = self._others.get(sibling)
        if found is None:
            found = self._others[sibling] = Web(sibling._replace(key=self.endpoint.key), self._clock)
        return found

    def keep(self, thing: K) -> K:
        """Close that, too, when this is closed."""
        self._kept.append(thing)
        return thing

    async def _exchange(self, path: str, limit: int) -> Answer:
        line = self._line
        if line is None:
            line = self._line = await self._connect()
        question = self._questions.get(path)
        if question is None:
            if len(self._questions) >= _ASKED:
                del self._questions[next(iter(self._questions))]  # the oldest: names of models may come and go
            question = self._questions[path] = self._question(path)
        await line.write(question)
        data = await line.read(_PIECE)
        head = plain_head(data)
        body: bytes | None = None
        if head is not None and head.length == CHUNKED:
            data, body = await self._chunks(line, data, head.start, limit)
        elif head is not None:
            body = await self._rest(line, data[head.start :], head.length, path, limit)
        if head is None or body is None:
            return await self._framed(line, path, limit, data)
        return Answer(path, head.status, head.headers, body, self._clock.now())

    @staticmethod
    async def _chunks(line: "Plain | Secured", data: bytes, start: int, limit: int) -> tuple[bytes, bytes | None]:
        """What came of a reply in chunks that begins so, and its body; None: what is odd or long is h11's."""
        with suppress(OddError):
            for _ in range(_PIECES):
                body = unchunked(data, start)
                if body is not None:
                    return data, body if len(body) <= limit else None
                more = await line.read(_PIECE)
                if not more:
                    break
                data += more
        return data, None

    @staticmethod
    async def _rest(line: "Plain | Secured", data: bytes, length: int, path: str, limit: int) -> bytes:
        """The body of a reply with a length, that begins so."""
        if length > limit:
            raise _too_long(path, limit)
        pieces = [data]
        left = length - len(data)
        while left > 0:
            data = await line.read(_PIECE)
            if not data:
                raise NotHttpError("it closed the connection in the middle of an answer")
            pieces.append(data)
            left -= len(data)
        if left < 0:
            raise SourceFormatError(f"{path}: more bytes than the reply's length says")
        return b"".join(pieces)

    async def _framed(self, line: "Plain | Secured", path: str, limit: int, data: bytes) -> Answer:
        """What is left of an exchange whose reply is no plain one and began like that."""
        from wftui.collectors.servers.odd import framed

        reply = await framed(self.endpoint.prefix + path, self._headers, data, lambda: line.read(_PIECE), limit)
        if reply is None:
            raise _too_long(path, limit)
        if not reply.again:
            self._drop()
        return Answer(path, reply.status, reply.headers, reply.body, self._clock.now())

    def _question(self, path: str) -> bytes:
        target = self.endpoint.prefix + path
        lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in self._headers)]
        # A line break in a key or a prefix would be a header of somebody else's.
        if " " in target or not all(line.isascii() and line.isprintable() for line in lines):
            raise SourceUnavailableError(
                f"{path}: the prefix or the key of this server holds a character that HTTP does not allow",
                state=health.FAILED,
                fix="look at its prefix and key in [servers] of the configuration: one line of plain letters",
            )
        return "\r\n".join([*lines, "", ""]).encode()

    async def _connect(self) -> "Plain | Secured":
        endpoint = self.endpoint
        try:
            async with asyncio.timeout(CONNECT_S):
                if endpoint.tls:
                    from wftui.collectors.servers.tls import Secured  # OpenSSL, for the few that need it

                    return await Secured.to(endpoint)
                return await Plain.to(endpoint)
        except TimeoutError as error:
            raise SourceUnavailableError(
                f"{endpoint.name}: no connection within {CONNECT_S:g} s", state=health.STUCK
            ) from error

    def close(self) -> None:
        """Let go of all of it; the next question opens another connection. Twice is harmless."""
        self._drop()
        for web in self._others.values():
            web.close()
        self._others.clear()
        while self._kept:
            self._kept.pop().close()

    def _drop(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.close()


def _too_long(path: str, limit: int) -> SourceFormatError:
    return SourceFormatError(f"{path}: more than {limit // 1024 // 1024} MiB")


def _words(error: BaseException) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(error, EOFError):
        return "it closed the connection without an answer"
    return text.clean(getattr(error, "strerror", "") or type(error).__name__)


def refusal(answer: Answer) -> SourceUnavailableError:
    """The error for a status other than 200."""
    what = f"{answer.path}: {answer.status}"
    if answer.status in (401, 403):
        return SourceUnavailableError(
            f"{what}, it wants a key",
            state=health.DENIED,
            fix="give it in [servers] of config.toml: key_env or key_file",
        )
    if 300 <= answer.status < 400:
        there = text.clean(answer.headers.get("location", "?"))[:_SAID]
        return SourceUnavailableError(
            f"{what}, it points to {there}",
            state=health.FAILED,
            fix="give that address in [servers] of the configuration",
        )
    return SourceUnavailableError(what, state=health.FAILED)
