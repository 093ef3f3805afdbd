"""Where a server is reached: TCP, TLS or a unix socket, with a path prefix and a key where it needs them."""

from typing import Final, Self
from urllib.parse import unquote, urlsplit

import msgspec

from wftui.errors import ConfigError

UNIX: Final = "unix"
_PORTS: Final = {"http": 80, "https": 443}


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One address."""

    host: str = ""
    """Without brackets; empty for a unix socket."""
    port: int = 0
    path: str = ""
    """Of a unix socket."""
    prefix: str = ""
    """Of all paths, ``/llm``; empty or beginning with a slash, never ending in one."""
    tls: bool = False
    ca: str = ""
    """File of certificates to trust instead of the system's."""
    verify: bool = True
    key: str = ""
    """Bearer token. Never shown, stored or logged."""

    @property
    def name(self) -> str:
        """How the server is called in series, tables and on screen; it holds no key."""
        if self.path:
            return f"{UNIX}:{self.path}{self.prefix and '#' + self.prefix}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}{self.prefix}"

    @classmethod
    def parse(cls, url: str, **more: object) -> Self:
        """From ``http://host:port/prefix``, ``https://…``, ``unix:/path.sock`` or ``unix:/path.sock#/prefix``.

        Raises:
            ConfigError: It is none of these.
        """
        if url.startswith("unix:"):
            path, _, prefix = url.removeprefix("unix:").removeprefix("//").partition("#")
            if not path.startswith("/"):
                raise ConfigError(f"{url!r}: expected unix:/absolute/path.sock")
            return cls(path=unquote(path), prefix=_prefix(prefix), **more)  # type: ignore[arg-type]  # msgspec checks
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ConfigError(f"{url!r}: {error}") from error
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ConfigError(f"{url!r}: expected http://host:port, https://host:port or unix:/path.sock")
        if parts.username or parts.password:
            raise ConfigError(f"an address of {parts.hostname} holds a user or password: use key_env or key_file")
        if parts.query or parts.fragment:
            raise ConfigError(f"{url!r}: expected no query behind the address")
        return cls(
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            prefix=_prefix(parts.path),
            tls=parts.scheme == "https",
            **more,  # type: ignore[arg-type]  # msgspec checks
        )


def _prefix(path: str) -> str:
    path = path.rstrip("/")
    return path if not path or path.startswith("/") else f"/{path}"
