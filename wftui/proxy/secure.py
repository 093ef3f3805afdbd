"""A TLS connection to a server as an end of a tunnel. Imported only where one is wanted: OpenSSL is 4.5 MB."""

import socket
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Final

from wftui.errors import ConfigError
from wftui.proxy.ends import RESET

_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL")
"""What OpenSSL's versions call an answer that is none of TLS."""
_UNKNOWN: Final = (18, 19, 20, 21)
"""Verify codes of a certificate whose authority nobody here knows, its own among them (x509_vfy.h)."""
_WAITS: Final = (ssl.SSLWantReadError, ssl.SSLWantWriteError)


def context(ca: Path | None) -> ssl.SSLContext:
    """How a server is verified: by the system's authorities, or only by those of the file or folder ``ca``.

    There is no way to leave verifying out: a self-signed certificate is its own authority, name its file.

    Raises:
        ConfigError: ``ca`` cannot be read or holds no certificate.
    """
    try:
        if ca is None:
            return ssl.create_default_context()
        if ca.is_dir():
            return ssl.create_default_context(capath=str(ca))
        return ssl.create_default_context(cafile=str(ca))
    except ssl.SSLError as error:
        raise ConfigError(f"--ca {ca}: no certificate in PEM form: {error.reason or error}") from error
    except OSError as error:
        raise ConfigError(f"--ca {ca}: {error.strerror or error}") from error


class Secure:
    """One end that speaks TLS. As `socket.socket`, with `BlockingIOError` when it has to wait."""

    halves = False

    def __init__(self, plain: socket.socket, how: ssl.SSLContext, name: str) -> None:
        self._plain = how.wrap_socket(
            plain, server_hostname=name, do_handshake_on_connect=False, suppress_ragged_eofs=True
        )

    def greet(self) -> bool | None:
        """Go on with the handshake: None when it is done, else whether it waits to write (True) or read (False).

        Raises:
            OSError: It failed; `reason` makes words of it.
        """
        try:
            self._plain.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLWantWriteError:
            return True
        return None

    def fileno(self) -> int:
        """The descriptor, -1 when closed."""
        return self._plain.fileno()

    def recv(self, size: int) -> bytes:
        """Read; a record is at most 16 KiB and is taken whole, so nothing stays behind unseen by the loop."""
        try:
            return self._plain.recv(size)
        except _WAITS as error:
            raise BlockingIOError from error

    def send(self, data: bytes | memoryview) -> int:
        """Write."""
        try:
            return self._plain.send(data)
        except _WAITS as error:
            raise BlockingIOError from error

    def shutdown(self, how: int) -> None:
        """End it; TLS here has no half."""
        self._plain.shutdown(how)

    def reset(self) -> None:
        """Close so that the other side sees a reset."""
        if self._plain.fileno() >= 0:
            with suppress(OSError):  # reset by the other side already
                self._plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._plain.close()

    def unsent(self) -> int:
        """Not known for TLS."""
        return 0

    def close(self) -> None:
        """Close; twice is harmless."""
        self._plain.close()


def reason(error: OSError) -> str:
    """Why a handshake failed, in a few words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = " (--ca FILE names another authority)" if error.verify_code in _UNKNOWN else ""
        return f"certificate refused: {error.verify_message.rstrip('.')}{hint}"
    if isinstance(error, ssl.SSLError) and error.reason in _NO_TLS:
        return "it does not speak TLS; does it want http://?"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error}"
    return error.strerror or str(error)
