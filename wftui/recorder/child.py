"""The history service's process and the socket pair to it.

Spawned and reaped by hand: ``asyncio.subprocess`` waits in a thread of its own for each child (before Python 3.12)
and cannot say what it cost, which ``wait4`` does.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import wftui
from wftui.errors import ProtocolError
from wftui.wire import codec
from wftui.wire import messages as m


class Passed(NamedTuple):
    """An answer as the child gave it."""

    tag: str
    body: memoryview
    """msgpack of the message's fields."""


class EndedError(Exception):
    """The child ended before it answered."""


class Child(asyncio.Protocol):
    """One process and the socket pair to it. Ends when the socket does; whatever happens, it is reaped."""

    def __init__(
        self, pid: int, ours: socket.socket, patience_s: float, reaped: "Callable[[Child, float], None]"
    ) -> None:
        self.pid = pid
        self.ending = False
        self._loop = loop = asyncio.get_running_loop()
        self.gone: asyncio.Future[None] = loop.create_future()
        """Done when the process was reaped."""
        self._patience_s = patience_s
        self._reaped = reaped
        self._transport: asyncio.WriteTransport | None = None
        # Two turns of the loop and over; the child owns it, as an asker that gives up must not take it along.
        self._opening = loop.create_task(loop.create_connection(lambda: self, sock=ours))
        self._buffer = bytearray()
        self._waiting: dict[int, asyncio.Future[Passed]] = {}
        self._request = 0
        self._greeted = False
        self._heard_s = loop.time()
        self._end_s = 0.0
        self._signalled = 0
        self._reason = ""

    async def ask(self, question: m.Message) -> Passed:
        """Send a question and wait.

        Raises:
            EndedError: The child ended first.
        """
        await asyncio.shield(self._opening)
        if self._transport is None or self.ending:
            raise EndedError("it ended")
        if not self._waiting:
            self._heard_s = self._loop.time()
        self._request += 1
        request = self._request
        future: asyncio.Future[Passed] = self._loop.create_future()
        self._waiting[request] = future
        self._transport.write(codec.encode(question, request))
        try:
            return await future
        finally:
            self._waiting.pop(request, None)

    def silent_s(self) -> float:
        """Seconds since it said something, or since a question was put to it when it had none."""
        return self._loop.time() - self._heard_s

    # ---- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101  a socket's transport is one
        self._transport = transport
        transport.write(codec.encode(m.Hello(m.VERSION, "recorder", wftui.__version__, os.getpid())))
        if self.ending:
            transport.close()

    def data_received(self, data: bytes) -> None:
        self._heard_s = self._loop.time()
        self._buffer += data
        try:
            while len(self._buffer) >= codec.HEADER:
                end = codec.HEADER + codec.frame_length(bytes(self._buffer[: codec.HEADER]))
                if len(self._buffer) < end:
                    return
                frame = bytes(memoryview(self._buffer)[codec.HEADER : end])
                del self._buffer[:end]
                self._arrived(frame)
        except ProtocolError as error:
            self._reason = f"it does not speak our protocol: {error}"
            self.end(at_once=True)

    def _arrived(self, frame: bytes) -> None:
        if not self._greeted:
            message, _ = codec.decode(frame)
            if not isinstance(message, m.Hello) or message.version[0] != m.VERSION[0]:
                raise ProtocolError("expected a greeting of our version first")
            self._greeted = True
            return
        tag, request, body = codec.envelope(frame)
        future = self._waiting.get(request)
        if future is not None and not future.done():
            future.set_result(Passed(tag, body))

    def eof_received(self) -> bool:
        return False  # close our side too

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._buffer.clear()
        self.end()

    # ---- its end

    def end(self, *, at_once: bool = False) -> None:
        """End of input; SIGTERM, now or when that does not help; SIGKILL when nothing does."""
        if not self.ending:
            self.ending = True
            self._end_s = self._loop.time()
            if self._transport is not None:
                self._transport.close()
            self._look(0.005)
        if at_once:
            self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self.gone.done() or number in (self._signalled, 0):
            return
        self._signalled = number
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)  # not reaped yet, so the number is still its own

    def _look(self, pause_s: float) -> None:
        """Reap it when it has ended, else look again a little later."""
        cpu_s = 0.0
        try:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            code = os.waitstatus_to_exitcode(status)
            cpu_s = usage.ru_utime + usage.ru_stime
        except ChildProcessError:
            pid, code = self.pid, 0
        if not pid:
            waited_s = self._loop.time() - self._end_s
            if waited_s > 2 * self._patience_s:
                self.kill()
            elif waited_s > self._patience_s:
                self._signal(signal.SIGTERM)
            self._loop.call_later(pause_s, self._look, min(0.2, pause_s * 1.5))
            return
        how = f"ended by signal {-code}" if code < 0 else f"ended with code {code}"
        self.gone.set_result(None)
        self._reaped(self, cpu_s)
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(EndedError(self._reason or f"it {how}"))
