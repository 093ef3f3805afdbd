"""Where a model server is reached: TCP, TLS or a unix socket, with a path prefix and what else it needs."""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple, Self
from urllib.parse import unquote, urlsplit

from wftui import text
from wftui.errors import ConfigError

GRAMMAR: Final = (
    "http://HOST:PORT[/PREFIX], https://… or unix:/PATH[#/PREFIX], then key_env=NAME or key_file=PATH, "
    "ca=PATH, verify=no, kind=NAME, metrics=PORT; of any page, kind=prometheus with source=NAME, "
    "include=PATTERN,…, exclude=PATTERN,…, relabel=OLD:NEW,…"
)
_UNIX: Final = "unix:"
_PORTS: Final = {"http": 80, "https": 443}
PAGE: Final = "prometheus"
"""The kind of a metrics page of something that is no model server."""
_PICKS: Final = ("source", "include", "exclude", "relabel")
_OPTIONS: Final = ("key_env", "key_file", "ca", "verify", "kind", "metrics", *_PICKS)
_SOURCE: Final = re.compile(r"[a-z][a-z0-9_]{0,23}\Z")
_MAX_KEY: Final = 4096


class Pick(NamedTuple):
    """What is taken from a metrics page of kind ``prometheus``."""

    source: str = ""
    """Its series are ``custom.<source>.<name>``; empty: made of the address."""
    include: tuple[str, ...] = ()
    """Patterns (fnmatch) of names; none: all."""
    exclude: tuple[str, ...] = ()
    relabel: tuple[tuple[str, str], ...] = ()
    """(label or name on the page, what it is called here; empty: left out)."""


class Endpoint(NamedTuple):
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
    metrics: int = 0
    """Port of the same host where its metrics are; 0: here, or where it is seen to listen."""
    pick: Pick = Pick()

    def __repr__(self) -> str:
        """The name alone: a key must not get into a traceback."""
        return f"Endpoint({self.name})"

    @property
    def name(self) -> str:
        """How the server is called in series, tables and on screen; it holds no key.

        ``localhost`` is called as the process table shows it, so that a server found and named is one server.
        """
        if self.path:
            return f"{_UNIX}{self.path}{self.prefix and '#' + self.prefix}"
        host = "127.0.0.1" if self.host == "localhost" else self.host
        host = f"[{host}]" if ":" in host else host
        return f"{host}:{self.port}{self.prefix}"

    @classmethod
    def parse(cls, address: str) -> Self:
        """From ``http://host:port/prefix``, ``https://…``, ``unix:/path.sock`` or ``unix:/path.sock#/prefix``.

        Raises:
            ConfigError: It is none of these.
        """
        shown = text.clean(address, 120)
        if address.startswith(_UNIX):
            path, _, prefix = address.removeprefix(_UNIX).removeprefix("//").partition("#")
            if not path.startswith("/"):
                raise ConfigError(f"{shown!r}: expected unix:/absolute/path.sock")
            return cls(path=unquote(path), prefix=_prefix(prefix))
        try:
            parts = urlsplit(address)
            port = parts.port
        except ValueError as error:
            raise ConfigError(f"{shown!r}: {error}") from error
        if parts.username or parts.password:
            raise ConfigError(f"an address of {parts.hostname} holds a user or password: use key_env or key_file")
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ConfigError(f"{shown!r}: expected http://host:port, https://host:port or unix:/path.sock")
        if parts.query or parts.fragment:
            raise ConfigError(f"{shown!r}: expected nothing behind the path")
        return cls(
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            prefix=_prefix(parts.path),
            tls=parts.scheme == "https",
        )


def websocket(address: str) -> Endpoint:
    """From ``ws://host:port/path``; without a path ``/ws``.

    Raises:
        ConfigError: It is none, or wants TLS, which is not spoken there.
    """
    expected = "expected ws://HOST:PORT/ws; of another machine, by a tunnel"
    # A password must not get into a message.
    shown = repr(text.clean(address, 120)) if "@" not in address else "an address with a user or password"
    if any(sign in address for sign in " ,;\t"):
        raise ConfigError(f"{shown}: expected one address, ws://HOST:PORT/ws: one core is followed")
    if not address.startswith("ws://"):
        raise ConfigError(f"{shown}: {expected}")
    try:
        found = Endpoint.parse("http" + address.removeprefix("ws"))
    except ConfigError as error:
        raise ConfigError(f"{shown}: {expected}") from error
    return found._replace(prefix=found.prefix or "/ws")


class Named(NamedTuple):
    """An endpoint as a person wrote it: one line of the setting ``servers.endpoints``."""

    endpoint: Endpoint
    """Without its key."""
    kind: str = ""
    """Of server; empty: to be found out."""
    key_env: str = ""
    key_file: str = ""

    @classmethod
    def parse(cls, line: str) -> Self:
        """From an address and words like ``key_env=NAME``.

        Raises:
            ConfigError: The line is not of that form; it says what is expected.
        """
        address, *words = line.split()
        options: dict[str, str] = {}
        for word in words:
            name, equals, value = word.partition("=")
            if name not in _OPTIONS or not equals or not value:
                raise ConfigError(f"{text.clean(name, 40)!r}: expected {GRAMMAR}")
            options[name] = value
        if options.get("verify", "yes") not in ("yes", "no"):
            raise ConfigError(f"verify={text.clean(options['verify'], 40)}: expected yes or no")
        if "key_env" in options and "key_file" in options:
            raise ConfigError("key_env and key_file: expected one of the two")
        kind = options.get("kind", "")
        if kind != PAGE and any(name in options for name in _PICKS):
            raise ConfigError(f"{', '.join(_PICKS)}: expected kind={PAGE} beside them")
        endpoint = Endpoint.parse(address)._replace(
            ca=options.get("ca", ""),
            verify=options.get("verify") != "no",
            metrics=_port(options.get("metrics", "")),
            pick=_pick(options),
        )
        return cls(endpoint, kind, options.get("key_env", ""), options.get("key_file", ""))

    def with_key(self) -> Endpoint:
        """The endpoint with its key, read now.

        Raises:
            ConfigError: The variable is not set, or the file cannot be read or is open to others.
        """
        if self.key_env:
            key = os.environ.get(self.key_env, "")
            if not key:
                raise ConfigError(f"{self.endpoint.name}: key_env={self.key_env}: that variable is not set")
        elif self.key_file:
            key = _key_of(Path(self.key_file).expanduser(), self.endpoint.name)
        else:
            return self.endpoint
        key = key.strip()
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ConfigError(f"{self.endpoint.name}: its key holds characters that no header may hold")
        return self.endpoint._replace(key=key)


def _key_of(file: Path, name: str) -> str:
    try:
        with file.open("rb") as opened:
            found = os.fstat(opened.fileno())
            if stat.S_IMODE(found.st_mode) & 0o077:
                raise ConfigError(f"{name}: key_file={file}: others may read it (chmod 600)")
            raw = opened.read(_MAX_KEY)
    except OSError as error:
        raise ConfigError(f"{name}: key_file={file}: {error.strerror or error}") from error
    return raw.decode("utf-8", "replace")


def _prefix(path: str) -> str:
    path = path.rstrip("/")
    return path if not path or path.startswith("/") else f"/{path}"


def _port(said: str) -> int:
    if said and not (said.isascii() and said.isdigit() and 0 < int(said) < 65536):
        raise ConfigError(f"metrics={text.clean(said, 40)}: expected a port, 1 to 65535")
    return int(said or 0)


def _pick(options: Mapping[str, str]) -> Pick:
    source = options.get("source", "")
    if source and not _SOURCE.match(source):
        raise ConfigError(f"source={text.clean(source, 40)}: expected at most 24 of a-z 0-9 _, a letter first")
    pairs = []
    for word in _words(options.get("relabel", "")):
        old, colon, new = word.partition(":")
        if not old or not colon:
            raise ConfigError(f"relabel={text.clean(word, 40)}: expected OLD:NEW, or OLD: to leave it out")
        pairs.append((old, new))
    return Pick(source, _words(options.get("include", "")), _words(options.get("exclude", "")), tuple(pairs))


def _words(said: str) -> tuple[str, ...]:
    return tuple(word for word in said.split(",") if word)
