"""A webhook: one POST of JSON to a program on this machine, and nowhere else.

Raw sockets in the event loop, as one request a minute needs no client: no name is looked up, no proxy is asked,
no redirect is followed, no reply is believed beyond its status.
"""

import asyncio
import re
import socket
from contextlib import suppress
from typing import Final, NamedTuple

from wftui import __version__, text
from wftui.recorder.alerting.actions_outcome import Outcome

DEADLINE_S: Final = 5.0
"""Of one try."""
PAUSES_S: Final = (1.0, 3.0)
"""Between the tries."""
_URL: Final = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(?::([0-9]{1,5}))?((?:[/?][!-~]*)?)")
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: [^\r\n]*)?\r?\n")
_HEAD: Final = 64 * 1024
_DRAIN_S: Final = 0.5
"""So long what follows the status is read and thrown away: a server that is hung up on complains in its log."""
_MAX_PORT: Final = 65_535
_AGAIN: Final = frozenset({408, 425, 429})
"""Refusals that may be none the next time; as all of 500 and above."""


class Target(NamedTuple):
    """Where it goes."""

    hosts: tuple[str, ...]
    """Addresses to try in their order: ``localhost`` is not looked up, so that no file can lead it elsewhere."""
    port: int
    name: str
    """Host and port as a header says them; the path may hold a key and is not told."""
    path: str


class _Refused(NamedTuple):
    reason: str
    again: bool


def target(url: str) -> Target | None:
    """Take an address apart; None: it is not plain HTTP to this machine."""
    found = _URL.fullmatch(url)
    if found is None or not 0 < int(found[2] or 80) <= _MAX_PORT:
        return None
    hosts = {"localhost": ("127.0.0.1", "::1"), "[::1]": ("::1",)}.get(found[1], ("127.0.0.1",))
    port, path = int(found[2] or 80), found[3].partition("#")[0]
    return Target(hosts, port, f"{found[1]}:{port}", path if path.startswith("/") else f"/{path}")


async def post(
    url: str, body: bytes, deadline_s: float = DEADLINE_S, pauses_s: tuple[float, ...] = PAUSES_S
) -> Outcome:
    """Send it; again after a pause where the next try may go better.

    Args:
        url: As the rule says.
        body: JSON.
        deadline_s: Of one try (s).
        pauses_s: Between two tries (s): one more than these are made at most.
    """
    where = target(url)
    if where is None:
        return Outcome("expected http:// to 127.0.0.1, [::1] or localhost")
    question = (
        f"POST {where.path} HTTP/1.1\r\nHost: {where.name}\r\nUser-Agent: wftop/{__version__}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode() + body
    tries = 0
    while True:
        tries += 1
        answer = await _try(where, question, deadline_s)
        if isinstance(answer, int):
            return Outcome("", f"status {answer}", tries)
        if not answer.again or tries > len(pauses_s):
            return Outcome(answer.reason, tries=tries)
        await asyncio.sleep(pauses_s[tries - 1])


async def _try(where: Target, question: bytes, deadline_s: float) -> int | _Refused:
    """The status of what was taken, or why it was not."""
    try:
        async with asyncio.timeout(deadline_s):
            status = await _exchange(where, question)
    except TimeoutError:
        return _Refused(f"no answer within {deadline_s:g} s", again=True)
    except ConnectionRefusedError:
        return _Refused("nobody listens there", again=True)
    except EOFError:
        return _Refused("it closed the connection without an answer", again=True)
    except OSError as error:
        return _Refused(text.clean(error.strerror or str(error), 200), again=True)
    if status is None:
        return _Refused("what came is no HTTP", again=False)
    if 200 <= status < 300:
        return status
    if 300 <= status < 400:
        return _Refused(f"status {status}: it points elsewhere, which is not followed", again=False)
    return _Refused(f"status {status}", again=status >= 500 or status in _AGAIN)


async def _exchange(where: Target, question: bytes) -> int | None:
    """The status; None: what came is no HTTP. Raises: OSError, EOFError: No reply came."""
    loop = asyncio.get_running_loop()
    opened = await _connected(where)
    try:
        await loop.sock_sendall(opened, question)
        data = b""
        while len(data) < _HEAD:
            more = await loop.sock_recv(opened, _HEAD)
            if not more and not data:
                raise EOFError
            data += more
            status, data = _status(data)
            if status is not None:
                await _drained(opened)
                return status
            if not more or (b"\n" in data and _STATUS.match(data) is None):
                return None
    finally:
        opened.close()
    return None


def _status(data: bytes) -> tuple[int | None, bytes]:
    """The status of a reply that begins so, None while it is not there; and what is left after interim replies."""
    while (found := _STATUS.match(data)) is not None:
        if int(found[1]) >= 200:
            return int(found[1]), data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            break
        data = data[end + 4 :]
    return None, data


async def _drained(opened: socket.socket) -> None:
    loop, left = asyncio.get_running_loop(), _HEAD
    with suppress(TimeoutError, OSError):
        async with asyncio.timeout(_DRAIN_S):
            while left > 0 and (data := await loop.sock_recv(opened, left)):
                left -= len(data)


async def _connected(where: Target) -> socket.socket:
    first: OSError | None = None
    for host in where.hosts:
        opened = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        try:
            opened.setblocking(False)
            await asyncio.get_running_loop().sock_connect(opened, (host, where.port))
        except OSError as error:
            opened.close()
            first = first or error
        except BaseException:
            opened.close()
            raise
        else:
            return opened
    raise first or ConnectionRefusedError
