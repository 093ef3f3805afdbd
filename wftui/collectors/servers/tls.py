"""TLS over a plain connection, in memory: the recorder's asyncio was imported without OpenSSL (4.5 MB of RSS).

Loaded only where an endpoint is https.
"""

import asyncio
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from wftui.endpoint import Endpoint
from wftui.errors import SourceUnavailableError
from wftui.model import health

if sys.modules.get("ssl", sys) is None:  # left out by `wftui.lean`; here is somebody who needs it
    del sys.modules["ssl"]
import ssl

if TYPE_CHECKING:
    from typing import Self

_PIECE = 65_536


class Secured:
    """Reader and writer at once, as far as ``web`` uses those of asyncio."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext, host: str
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    @classmethod
    async def to(cls, endpoint: Endpoint) -> "Self":
        """Connect, and shake hands.

        Raises:
            SourceUnavailableError: The certificate is refused, its authorities' file cannot be read, or it speaks
                no TLS.
            EOFError: It closed the connection.
            OSError: Nobody listens.
        """
        context = _context(endpoint)
        if endpoint.path:
            reader, writer = await asyncio.open_unix_connection(endpoint.path)
        else:
            reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
        made = cls(reader, writer, context, endpoint.host)
        try:
            await made._shake_hands(endpoint)
        except BaseException:
            made.close()
            raise
        return made

    async def _shake_hands(self, endpoint: Endpoint) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._more()
            except ssl.SSLError as error:
                raise SourceUnavailableError(
                    f"{endpoint.name}: {_words(error)}",
                    state=health.FAILED,
                    fix="ca=FILE behind its address in [servers] names whom to trust",
                ) from error
            else:
                self._flush()
                return

    async def _more(self) -> None:
        self._flush()
        data = await self._reader.read(_PIECE)
        if not data:
            raise EOFError
        self._incoming.write(data)

    def _flush(self) -> None:
        if data := self._outgoing.read():
            self._writer.write(data)

    async def read(self, size: int) -> bytes:
        """At most so many bytes; none: the other side has ended."""
        while True:
            try:
                return self._tls.read(size)
            except ssl.SSLWantReadError:
                try:
                    await self._more()
                except EOFError:
                    return b""
            except ssl.SSLZeroReturnError:
                return b""

    async def write(self, data: bytes) -> None:
        """Send."""
        self._tls.write(data)  # into memory: never in part, never waiting
        self._flush()

    def close(self) -> None:
        """Hang up. Twice is harmless."""
        with suppress(RuntimeError):  # the loop has ended before us
            self._writer.transport.abort()


def _context(endpoint: Endpoint) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=endpoint.ca or None)
    except ssl.SSLError as error:
        raise SourceUnavailableError(
            f"ca={endpoint.ca}: no certificate in PEM form: {error.reason or error}", state=health.FAILED
        ) from error
    except OSError as error:
        raise SourceUnavailableError(
            f"ca={endpoint.ca}: {error.strerror or error}", state=health.FAILED
        ) from error
    if not endpoint.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is refused: {error.verify_message}"
    return f"TLS: {error.reason or error}"
