"""Names made up for what a bundle must not tell: the same all over one bundle, without meaning outside of it.

They come from a random key (HMAC-SHA256) that is never written, so that neither the same recording nor the same
name in two bundles can be joined. Their first word says what they stand for.
"""

import hmac
import ipaddress
import re
import secrets
from collections import Counter
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from wftui.bundle import public

_DIGITS: Final = 4
_DEEP: Final = 16
"""Components of a path that keep their place; what lies deeper is one."""
_MAX: Final = 240
"""Bytes of a path or an address; a label may have 256."""
_ENDPOINT: Final = re.compile(r"(\[[^\]]*\]|[^:/\[\]]*)(:\d{1,5})?(/.*)?\Z", re.DOTALL)
_LOOPBACK: Final = ("127.0.0.1", "::1", "0.0.0.0", "::")  # noqa: S104  compared, not bound to


class Pseudonyms:
    """Made-up names by class: ``host-7f3a``."""

    def __init__(self, seed: bytes | None = None) -> None:
        """``seed``: the key, for tests alone; None: 32 random bytes."""
        self._key: Final = seed or secrets.token_bytes(32)
        self._made: dict[tuple[str, str], str] = {}
        self._taken: dict[str, tuple[str, str]] = {}
        self.counts: Counter[str] = Counter()
        """Different values by class."""

    def name(self, what: str, value: str, joint: str = "-") -> str:
        """The name for a value of a class; never one that another value has."""
        key = what, value
        known = self._made.get(key)
        if known is not None:
            return known
        stem, digest = what.replace(" ", joint) + joint, self.digits(what, value)
        length = _DIGITS
        while self._taken.setdefault(stem + digest[:length], key) != key:
            length += 1
        self._made[key] = stem + digest[:length]
        self.counts[what] += 1
        return self._made[key]

    def ordinal(self, what: str, value: str) -> str:
        """``gpu-0``, ``gpu-1``: in the order in which they are first asked for."""
        key = what, value
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = f"{what}-{self.counts[what]}"
            self.counts[what] += 1
        return made

    def digits(self, what: str, value: str) -> str:
        """64 hex digits for a value of a class."""
        return hmac.digest(self._key, f"{what}\0{value}".encode(errors="surrogatepass"), "sha256").hex()


class Places:
    """Users, hosts, addresses and paths by names made up for them."""

    def __init__(self, names: Pseudonyms, words: Callable[[str], str], *, full: bool) -> None:
        """``words``: takes names of persons and machines out of what stays; ``full``: names of programs stay."""
        self._names = names
        self._words = words
        self._full = full

    def user(self, value: str) -> str:
        """Accounts that every system has stay."""
        return value if not value or value in public.ACCOUNTS else self._names.name("user", value)

    def host(self, value: str) -> str:
        """A name or address of a machine."""
        if value.casefold() in public.HOSTS or not value:
            return value
        address = self.address(value)
        return self._names.name("host", value.casefold().rstrip(".")) if address is None else address

    def address(self, value: str) -> str | None:
        """An IP address by its kind; None: it is none. Those of this very machine stay."""
        inner = value[1:-1] if value.startswith("[") and value.endswith("]") else value
        try:
            found = ipaddress.ip_address(inner)
        except ValueError:
            return None
        if str(found) in _LOOPBACK:
            return value
        kind = (
            "loopback" if found.is_loopback
            else "link-local" if found.is_link_local
            else "private" if found.is_private
            else "public"
        )  # fmt: skip
        made = self._names.name(f"ip {kind}", str(found))
        return f"[{made}]" if inner is not value else made

    def endpoint(self, value: str) -> str:
        """``127.0.0.1:8000/llm``, ``unix:/run/llama.sock#/llm``, ``pid:4711``."""
        if value.startswith("pid:") and value[4:].isdecimal():
            return value
        if value.startswith("unix:"):
            path, sign, prefix = value[5:].partition("#")
            return f"unix:{self.path(path.removeprefix('//'))}{sign}{self._parts(prefix)}"
        found = _ENDPOINT.match(value)
        if found is None or not found[1]:
            return self._names.name("server", value) if value else value
        port = found[2] or ""
        if port and not self._full and int(port[1:]) not in public.PORTS:
            port = ":" + self._names.name("port", port)
        return self.host(found[1]) + port + self._parts(found[3] or "")

    def url(self, value: str) -> str:
        """An address with its scheme; what stands behind ``?`` and ``#``, and a user, are left out."""
        try:
            parts = urlsplit(value)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return self._names.name("url", value)
        if parts.scheme == "file":
            return f"file://{self.path(parts.path)}"
        shown = self.host(host)
        shown = f"[{shown}]" if ":" in shown else shown
        return f"{parts.scheme}://{shown}{'' if port is None else f':{port}'}{self._parts(parts.path)}"

    def _parts(self, path: str) -> str:
        """The path of an address: what is no well-known page is not told."""
        if not path.strip("/"):
            return path[:1]
        shown = [
            part if not part or part in public.URL_PARTS else self._names.name("part", part)
            for part in path.split("/")[:8]
        ]
        return "/".join(shown)

    def path(self, value: str) -> str:
        """A path: its depth, the folders that every system has and the endings of files stay."""
        if value in ("", "/", "~", ".", "..") or value.startswith(("anon_inode:", "memfd:")):
            return value if value in ("", "/", "~", ".", "..") else self._names.name("path", value)
        parts = value.split("/")
        shown: list[str] = []
        for at, part in enumerate(parts[:_DEEP]):
            last = at == len(parts) - 1
            shown.append(self._component(part, parts[at - 1] if at else "", parts[:at], last=last))
        if len(parts) > _DEEP:
            shown.append(self._names.name("path", "/".join(parts[_DEEP:])))
        made = "/".join(shown)
        return made if len(made.encode()) <= _MAX else "/" + self._names.name("path", value)

    def _component(self, part: str, above: str, before: list[str], *, last: bool) -> str:
        if not part:
            return part
        if above in public.PEOPLE or before == ["", "run", "user"]:
            return self._names.name("user", part) if part not in public.FOLDERS or above == "home" else part
        if before[:1] == [""] and part.startswith("~"):
            return "~" + self.user(part[1:])
        if part in public.FOLDERS or public.VERSIONED.fullmatch(part):
            return part
        kernel = before[:2] in (["", "proc"], ["", "sys"]) and public.KERNEL_FILES.fullmatch(part)
        if kernel and not {"root", "cwd", "cgroup", "net", "block"} & set(before):  # named by somebody below these
            return part
        if above == "dev" and public.DEVICES.fullmatch(part):
            return part
        if last and (above in public.PROGRAM_FOLDERS or not before):
            return self.program(part)
        ending = public.ENDINGS.search(part)
        stem = part[: ending.start()] if ending else part
        return self._names.name("path", stem) + (ending[0] if ending else "") if stem else part

    def program(self, value: str) -> str:
        """A program's name: stays at ``full``; else those that many machines have do."""
        if not value or value in public.PROGRAMS or value in public.CUT:
            return value
        if self._full:
            return self._words(value)
        base = re.split(r"[/:. ]", value, maxsplit=1)[0]
        if public.KERNEL_THREADS.fullmatch(value):
            return base if base.isalpha() else re.split(r"[^A-Za-z_]", value, maxsplit=1)[0]
        if base in public.PROGRAMS or re.fullmatch(r"python3\.\d+", value):
            return base if base in public.PROGRAMS else value
        return self._names.name("program", value)
