"""One connection to a core, in the running event loop: a socket, a WebSocket, and when to look.

A turn of the loop after a sleep costs more than ten events. So the socket is not watched while events keep coming:
it is read on a grid, ten times a second, or as often as somebody follows; a core that has nothing to say costs
nothing. Events carry the core's time, so none is lost by waiting.

A look that finds nothing costs as much as one that finds a frame, and the next byte wakes us again: frames that
come a moment after each look would double the cost. So the grid begins anew, a moment later, at a frame that came
after its look, and stays where frames are there when it looks.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

from wftui.collectors.core.protocol import LIMIT
from wftui.collectors.core.websocket import EndedError, RefusedError, WebSocket
from wftui.endpoint import Endpoint

CONNECT_S: Final = 5.0
"""For connection and handshake together."""
PAUSE_S: Final = 0.1
APART_S: Final = 0.002
"""What a core says of one frame comes in pieces, and its frames not quite evenly."""
QUIET_S: Final = 5.0
"""After so long without a byte the core is asked whether it lives."""
DEAD_S: Final = 15.0
"""After so long the connection is taken for half open."""
_PIECE: Final = 32 * 1024
"""A tenth of a second of a core that talks a lot is 20 KB."""
_TURN: Final = 2 * 1024 * 1024
"""Bytes read in one turn: who sends without a pause does not keep the loop."""
_UNSENT: Final = 64 * 1024

# Any: an address is a tuple as its family has it.
_Address = tuple[Any, Any, int, str, Any]


class Connection:
    """Opened once; ``ended`` is told once, unless it is closed from our side."""

    def __init__(
        self,
        endpoint: Endpoint,
        opened: Callable[[], None],
        take: Callable[[Sequence[bytes]], int],
        ended: Callable[[Exception], None],
    ) -> None:
        """``take`` gets text messages that arrived together, and returns how many answers they want; ``ended``
        is told why: ``OSError``, ``RefusedError`` or ``EndedError``."""
        self.pause_s = PAUSE_S
        """Between two looks while events come."""
        self._due_s = 0.0
        """Of the loop's clock, when the last look was to be."""
        self.answer = b""
        """What is said to each message that wants an answer."""
        self._loop = asyncio.get_running_loop()
        self._endpoint = endpoint
        self._opened = opened
        self._take = take
        self._ended = ended
        self._socket: socket.socket | None = None
        self._web = WebSocket(endpoint.name.removesuffix(endpoint.prefix), endpoint.prefix or "/", LIMIT)
        self._timer: asyncio.TimerHandle | None = None
        self._watched = False
        self._heard_s = self._loop.time()
        """Of the loop's clock, when something came."""
        self._asked = False
        self._greeted = False
        self._over = False

    @property
    def silent_s(self) -> float:
        """Since something came."""
        return self._loop.time() - self._heard_s

    def take_passed_over(self) -> tuple[int, int]:
        """(binary, oversized) messages since the last call."""
        web = self._web
        found = web.binary, web.oversized
        web.binary = web.oversized = 0
        return found

    # ---- opening

    def start(self) -> None:
        """Connect; who made this hears of what comes of it."""
        self._timer = self._loop.call_later(CONNECT_S, self._late)
        host = "127.0.0.1" if self._endpoint.host == "localhost" else self._endpoint.host
        look_up = partial(socket.getaddrinfo, host, self._endpoint.port, type=socket.SOCK_STREAM)
        try:
            self._connect(look_up(flags=socket.AI_NUMERICHOST))
        except socket.gaierror:  # a name: that may take its time
            asked = self._loop.run_in_executor(None, look_up)
            asked.add_done_callback(self._resolved)

    def _late(self) -> None:
        self._end(TimeoutError(errno.ETIMEDOUT, f"no answer within {CONNECT_S:g} s"))

    def _resolved(self, asked: asyncio.Future[list[_Address]]) -> None:
        if asked.cancelled() or self._over:
            return
        error = asked.exception()
        if error is None:
            self._connect(asked.result())
        else:
            self._end(error if isinstance(error, OSError) else OSError(str(error)))

    def _connect(self, addresses: list[_Address]) -> None:
        family, _, _, _, address = addresses[0]
        opened = self._socket = socket.socket(family, socket.SOCK_STREAM)
        opened.setblocking(False)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = opened.connect_ex(address)
        if code in (0, errno.EISCONN):
            self._connected()
        elif code == errno.EINPROGRESS:
            self._loop.add_writer(opened.fileno(), self._connected)
        else:
            # Not from here: who made this is still making it.
            self._loop.call_soon(self._end, OSError(code, os.strerror(code)))

    def _connected(self) -> None:
        opened = self._socket
        if opened is None:
            return
        self._loop.remove_writer(opened.fileno())
        code = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._end(OSError(code, os.strerror(code)))
            return
        self._send()
        if self._socket is not None:
            self._watch()

    # ---- listening

    def _watch(self) -> None:
        """Be woken by the next byte."""
        assert self._socket is not None  # noqa: S101  there is a connection
        self._watched = True
        self._loop.add_reader(self._socket.fileno(), self._look)

    def _look(self) -> None:
        """Read all that is there."""
        opened = self._socket
        if opened is None:
            return
        came = 0
        messages: list[bytes] = []
        failed: Exception | None = None
        try:
            while came < _TURN:
                data = opened.recv(_PIECE)
                if not data:
                    failed = EndedError(1006, "cut off: the core hung up without a word")
                    break
                came += len(data)
                messages += self._web.receive(data)
                if len(data) < _PIECE:
                    break
        except (BlockingIOError, InterruptedError):
            pass
        except EndedError as error:
            messages += self._web.left
            failed = error
        except (RefusedError, OSError) as error:
            failed = error
        if came:
            self._heard_s = self._loop.time()
            self._asked = False
        if self._web.open and not self._greeted:
            self._greeted = True
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._opened()
        if messages:
            for _ in range(self._take(messages)):
                self._web.say(self.answer)
        if self._web.reply:
            self._send()
        if failed is not None:
            self._end(failed)
        elif self._socket is not None and self._greeted:
            self._next(bool(came))

    def _next(self, came: bool) -> None:
        """When to look again."""
        assert self._socket is not None  # noqa: S101  there is a connection
        if came:
            now_s = self._loop.time()
            due_s = self._due_s + self.pause_s
            if self._watched:
                self._watched = False
                self._loop.remove_reader(self._socket.fileno())
                due_s = now_s + self.pause_s + APART_S
            elif not now_s + self.pause_s / 2 <= due_s <= now_s + self.pause_s:
                due_s = now_s + self.pause_s  # late, or another pace
            self._due_s = due_s
            self._timer = self._loop.call_at(due_s, self._look)
        elif not self._watched:
            self._timer = None
            self._watch()

    def check(self) -> None:
        """Once a second: ask a core that has been silent whether it lives; one that does not answer is gone."""
        if not self._greeted or self._socket is None:
            return
        silent_s = self.silent_s
        if silent_s >= DEAD_S:
            self._end(EndedError(1006, f"nothing came for {silent_s:.0f} s, not even an answer to a ping"))
        elif silent_s >= QUIET_S and not self._asked:
            self._asked = True
            self._web.ping()
            self._send()

    def _send(self) -> None:
        opened, reply = self._socket, self._web.reply
        if opened is None:
            return
        try:
            sent = opened.send(reply)
            del reply[:sent]
        except (BlockingIOError, InterruptedError):
            if len(reply) > _UNSENT:
                self._end(EndedError(1006, "the core takes no answers"))
        except OSError as error:
            self._end(error)

    # ---- the end

    def _end(self, error: Exception) -> None:
        if not self._over:
            self._shut()
            self._ended(error)

    def close(self) -> None:
        """Hang up, with a word. Twice is harmless."""
        if self._greeted and self._socket is not None:
            self._web.leave()
            with suppress(OSError):
                self._socket.send(self._web.reply)
        self._shut()

    def _shut(self) -> None:
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        opened, self._socket = self._socket, None
        if opened is not None:
            if not self._loop.is_closed():
                self._loop.remove_reader(opened.fileno())
                self._loop.remove_writer(opened.fileno())
            opened.close()
