"""TLS over a plain connection, in memory: the recorder's asyncio was imported without OpenSSL (4.5 MB of RSS).

Loaded only where an endpoint is https.
"""

import asyncio
import sys
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

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, endpoint: Endpoint) -> None:
        self._reader = reader
        self._writer = writer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = _context(endpoint).wrap_bio(self._incoming, self._outgoing, server_hostname=endpoint.host)

    @classmethod
    async def over(cls, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, endpoint: Endpoint) -> "Self":
        """Shake hands.

        Raises:
            SourceUnavailableError: The certificate is refused, its authorities' file cannot be read, or it speaks
                no TLS.
            EOFError: It closed the connection.
        """
        made = cls(reader, writer, endpoint)
        while True:
            try:
                made._tls.do_handshake()
            except ssl.SSLWantReadError:
                await made._more()
            except ssl.SSLError as error:
                raise SourceUnavailableError(
                    f"{endpoint.name}: {_words(error)}",
                    state=health.FAILED,
                    fix="ca=FILE behind its address in [servers] names whom to trust",
                ) from error
            else:
                made._flush()
                return made

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

    def write(self, data: bytes) -> None:
        """Send."""
        self._tls.write(data)  # into memory: never in part, never waiting
        self._flush()


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
