"""The proxy's process: takes connections, joins each with one to the server, and ends them in good order."""

import asyncio
import errno
import resource
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from wftui import log
from wftui.proxy.backlog import Backlog
from wftui.proxy.ends import End, Plain
from wftui.proxy.listen import Listener
from wftui.proxy.meter import Meter
from wftui.proxy.reach import Reach
from wftui.proxy.refusal import Refusal
from wftui.proxy.tunnel import Tunnel
from wftui.proxy.upstream import Address, Dial, Url
from wftui.proxy.watcher import Watcher

if TYPE_CHECKING:
    import ssl

GRACE_S: Final = 5.0
"""How long requests that run may go on after a signal to stop; a second signal ends them at once."""
_FILES: Final = 8_192
_AT_ONCE: Final = 8
"""Connections that are taken before those that are there have their turn."""
_PAUSE_S: Final = 0.1
_LACK: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Proxy:
    """One listener and one server."""

    def __init__(
        self,
        listener: Listener,
        where: Url,
        found: list[Address],
        meter: Meter,
        context: "ssl.SSLContext | None",
        tell: Callable[[str], None],
    ) -> None:
        """``tell`` gets a line for whoever started it when something changes for the clients."""
        self._listener = listener
        self._where = where
        self._found = found
        self._meter = meter
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._backlog = Backlog(self._loop)
        self._tunnels: set[Tunnel] = set()
        self._dials: dict[Dial, End] = {}  # clients whose server is not there yet
        self._refusals: set[Refusal] = set()
        self._looking: Dial | None = None
        self._stop = asyncio.Event()
        self._tell = tell
        self._reach = Reach(where.endpoint, tell)

    async def run(self) -> None:
        """Serve until `stop` and the end of what runs then."""
        _more_files()
        self._loop.set_exception_handler(_quietly)
        self._loop.add_reader(self._listener.socket.fileno(), self._accept)
        try:
            while not self._stop.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), 1.0)
                self._look()
                self._meter.flush()
        finally:
            self._deaf()
            if self._looking is not None:
                self._looking.cancel()
            await self._finish()
            self._backlog.drain()
            self._meter.flush()

    def stop(self) -> None:
        """End after what runs; called again: at once."""
        if self._stop.is_set():
            self._abort()
            return
        self._stop.set()
        running = self._running()
        if running:
            self._tell(f"stopping: {running}, for {GRACE_S:g} s at most; once more (^C) ends that now")

    def on_signals(self) -> None:
        """Stop on SIGTERM, ^C and when the terminal goes."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._loop.add_signal_handler(number, self.stop)

    def _look(self) -> None:
        """Tell whether the server can be reached; one that did not answer is looked for without a client, too."""
        if self._tunnels:
            self._reach.connected()
        if self._looking is None and not self._dials and self._reach.look():
            self._looking = Dial(self._loop, self._where, self._found, self._context, self._looked)
            self._looking.start()
        up = self._reach.up
        if up is not None:
            self._meter.reachable(up)

    def _looked(self, end: End | None, why: str) -> None:
        self._looking = None
        if end is None:
            self._reach.failed(why, client=False)
        else:
            end.close()
            self._reach.made()

    def _deaf(self) -> None:
        if self._listener.socket.fileno() >= 0:
            self._loop.remove_reader(self._listener.socket.fileno())
        self._listener.close()

    async def _finish(self) -> None:
        until_s = self._loop.time() + GRACE_S
        while self._loop.time() < until_s:
            self._backlog.drain()
            for tunnel in [one for one in self._tunnels if one.idle]:
                tunnel.close()
            if not self._tunnels:
                break
            await asyncio.sleep(0.02)
        self._abort()

    def _running(self) -> str:
        """What a stop has to wait for; empty: nothing."""
        self._backlog.drain()
        count = len(self._dials) + sum(not tunnel.idle for tunnel in self._tunnels)
        return f"{count} connection{'s' if count > 1 else ''} with a request that runs" if count else ""

    def _abort(self) -> None:
        running = self._running()
        if running:
            self._tell(f"ended {running}")
        for tunnel in list(self._tunnels):
            tunnel.abort()
        for refusal in list(self._refusals):
            refusal.cancel()
        for dial, client in self._dials.items():
            dial.cancel()
            client.close()
        self._dials.clear()

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                one, _address = self._listener.socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _LACK:
                    log.warning("proxy", "a connection could not be taken", reason=error)
                    return
                # It waits in the kernel until another ends; asking again at once would only burn time.
                self._loop.remove_reader(self._listener.socket.fileno())
                self._loop.call_later(_PAUSE_S, self._listen_again)
                return
            self._join(one)

    def _listen_again(self) -> None:
        if not self._stop.is_set():
            self._loop.add_reader(self._listener.socket.fileno(), self._accept)

    def _join(self, one: socket.socket) -> None:
        try:
            client = Plain.of(one)
        except OSError:
            one.close()  # gone before it was taken
            return
        watcher = Watcher(self._meter, self._meter.cannot_read)

        # The client's bytes wait in the kernel until the server is there.
        def done(end: End | None, why: str) -> None:
            del self._dials[dial]
            if end is None:
                self._refuse(client, watcher, why)
            else:
                self._reach.made()
                tunnel = Tunnel(self._loop, self._backlog, watcher, client, end, self._tunnels.discard)
                self._tunnels.add(tunnel)
                tunnel.start()

        dial = Dial(self._loop, self._where, self._found, self._context, done)
        self._dials[dial] = client
        dial.start()

    def _refuse(self, client: End, watcher: Watcher, why: str) -> None:
        self._reach.failed(why)
        self._refusals.add(Refusal(self._loop, client, watcher, self._where.endpoint, why, self._refusals.discard))


def _more_files() -> None:
    """Two descriptors a connection: the usual limit of 1,024 is 500 of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _quietly(_: asyncio.AbstractEventLoop, happened: dict[str, object]) -> None:
    """Log where a bug is, and nothing that it may quote."""
    error = happened.get("exception")
    trace = getattr(error, "__traceback__", None)
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""
    log.error("proxy", "a bug", kind=type(error).__name__, place=place)
