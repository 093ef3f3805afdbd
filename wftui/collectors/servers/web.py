"""A polite HTTP client: GET only, one kept connection a server, deadlines, bounded bodies, no redirects.

h11 frames what is not plain (pure Python, no I/O of its own). Ten servers a second would cost 1.8 ms and +0.8 MB
with it alone; with ``http.client``, which blocks a thread each, 1.4 ms and +1.6 MB; with httptools 1.7 ms and
+1.0 MB; with urllib3 4.0 ms and +4.9 MB, with aiohttp 2.8 ms and +14 MB, with httpx 6.2 ms and +15 MB.
"""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import h11
import msgspec

from wftui import __version__, text
from wftui.clock import Clock, Instant
from wftui.collectors.servers.framing import plain_head
from wftui.endpoint import Endpoint
from wftui.errors import SourceFormatError, SourceUnavailableError
from wftui.model import health

if TYPE_CHECKING:
    from wftui.collectors.servers.tls import Secured

CONNECT_S: Final = 1.0
READ_S: Final = 5.0
LIMIT: Final = 8 * 1024 * 1024
"""Bytes of a body; the page of a vLLM with many engines has 200 kB."""
_HEAD: Final = 64 * 1024
_PIECE: Final = 256 * 1024
_SAID: Final = 120

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
        self._writer: asyncio.StreamWriter | None = None
        self._from: asyncio.StreamReader | Secured | None = None
        self._to: asyncio.StreamWriter | Secured | None = None
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
        fresh = self._writer is None
        try:
            async with asyncio.timeout(timeout_s):
                try:
                    return await self._exchange(path, limit)
                except (ConnectionError, EOFError, h11.RemoteProtocolError):
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
        except h11.ProtocolError as error:
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
        if self._writer is None:
            await self._connect()
        assert self._from is not None  # noqa: S101  connected above
        assert self._to is not None  # noqa: S101  connected above
        question = self._questions.get(path)
        if question is None:
            question = self._questions[path] = h11.Connection(h11.CLIENT).send(self._request(path)) or b""
        self._to.write(question)
        data = await self._from.read(_PIECE)
        head = plain_head(data)
        if head is None:
            return await self._framed(path, limit, data)
        if head.length > limit:
            raise _too_long(path, limit)
        pieces = [data[head.start :]]
        left = head.length - len(pieces[0])
        while left > 0:
            data = await self._from.read(_PIECE)
            if not data:
                raise h11.RemoteProtocolError("it closed the connection in the middle of an answer")
            pieces.append(data)
            left -= len(data)
        if left < 0:
            raise SourceFormatError(f"{path}: more bytes than the reply's length says")
        return Answer(path, head.status, head.headers, b"".join(pieces), self._clock.now())

    async def _framed(self, path: str, limit: int, data: bytes) -> Answer:
        """What is left of an exchange whose reply is no plain one and began like that."""
        assert self._from is not None  # noqa: S101  in the middle of an exchange
        state = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD)
        state.send(self._request(path))
        state.send(h11.EndOfMessage())
        state.receive_data(data)
        head: h11.Response | None = None
        body: list[bytes] = []
        length = 0
        while True:
            event = state.next_event()
            if event is h11.NEED_DATA:
                state.receive_data(await self._from.read(_PIECE))
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                length += len(event.data)
                if length > limit:
                    raise _too_long(path, limit)
                body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                break
            elif isinstance(event, h11.ConnectionClosed):
                raise EOFError
        assert head is not None  # noqa: S101  h11 gives no end without a response
        at = self._clock.now()
        if not (state.our_state is h11.DONE and state.their_state is h11.DONE):
            self._drop()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        return Answer(path, head.status_code, headers, b"".join(body), at)

    def _request(self, path: str) -> h11.Request:
        try:
            return h11.Request(method="GET", target=self.endpoint.prefix + path, headers=self._headers)
        except (h11.LocalProtocolError, UnicodeEncodeError):
            # Their words quote the header: the key must not get into an error text or the log.
            raise SourceUnavailableError(
                f"{path}: the prefix or the key of this server holds a character that HTTP does not allow",
                state=health.FAILED,
                fix="look at its prefix and key in [servers] of the configuration: one line of plain letters",
            ) from None

    async def _connect(self) -> None:
        endpoint = self.endpoint
        try:
            async with asyncio.timeout(CONNECT_S):
                if endpoint.path:
                    reader, self._writer = await asyncio.open_unix_connection(endpoint.path)
                else:
                    reader, self._writer = await asyncio.open_connection(endpoint.host, endpoint.port)
                self._from, self._to = reader, self._writer
                if endpoint.tls:
                    from wftui.collectors.servers.tls import Secured  # OpenSSL, for the few that need it

                    self._from = self._to = await Secured.over(reader, self._writer, endpoint)
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
        writer, self._writer = self._writer, None
        self._from = self._to = None
        if writer is not None:
            with suppress(RuntimeError):  # the loop has ended before us
                writer.transport.abort()


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
