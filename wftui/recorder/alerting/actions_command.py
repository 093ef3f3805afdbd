"""A command hook: a program with its arguments as the rule says them, and JSON on its standard input.

No shell, and nothing of an alert becomes an argument or a variable: a name like ``$(touch x)`` is data in JSON.
"""

import asyncio
import os
import selectors
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Final

from wftui import text
from wftui.recorder.alerting.actions_outcome import Outcome

if TYPE_CHECKING:
    import subprocess

DEADLINE_S: Final = 30.0
OUTPUT: Final = 4096
"""Bytes of its standard output and error that are kept; the rest is read and thrown away."""
_LOOK_S: Final = 0.05
_FLOOD_S: Final = 0.01
_PIECE: Final = 65_536
_PASSED: Final = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "DISPLAY", "WAYLAND_DISPLAY",
    "XAUTHORITY", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
})  # fmt: skip
"""Variables that it gets, and ``LC_*``. A list of what is allowed: nobody knows the names of all secrets."""


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What of these variables a command gets."""
    return {name: value for name, value in environ.items() if name in _PASSED or name.startswith("LC_")}


class Command:
    """One run of one program, in a thread of its own: starting one from a disk that hangs may take for ever."""

    def __init__(self, argv: tuple[str, ...], body: bytes, deadline_s: float = DEADLINE_S) -> None:
        """``body``: for its standard input; ``deadline_s``: then it is killed, and all of its process group."""
        self._argv = argv
        self._body = memoryview(body)
        self._deadline_s = deadline_s
        self._lock = threading.Lock()
        self._pid = 0
        """Of the process group, as long as it may be killed."""
        self._stopped = False
        self.output = b""
        """What it said, the first ``OUTPUT`` bytes."""

    async def run(self) -> Outcome:
        """Run it in a daemon thread. Cancelled: it is killed at once."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Outcome] = loop.create_future()

        def finish(outcome: Outcome) -> None:
            if not done.done():
                done.set_result(outcome)

        def work() -> None:
            outcome = self.carry_out()
            with suppress(RuntimeError):  # the loop has ended before us
                loop.call_soon_threadsafe(finish, outcome)

        threading.Thread(target=work, name="wftop-command", daemon=True).start()
        try:
            # A start that hangs cannot be ended; the thread is left alone, the others go on.
            return await asyncio.wait_for(done, self._deadline_s + 5)
        except TimeoutError:
            return Outcome("it could not be started in time")
        finally:
            self.kill()

    def kill(self) -> None:
        """SIGKILL to it and all of its group, and to what is not started yet. Twice is harmless."""
        with self._lock:
            self._stopped = True
            if self._pid:
                with suppress(ProcessLookupError):
                    os.killpg(self._pid, signal.SIGKILL)

    def carry_out(self) -> Outcome:
        """Run it; blocks until it has ended or was killed."""
        import subprocess  # 3 ms and 0.5 MB, where there is a command only

        try:
            process = subprocess.Popen(  # noqa: S603  argv only, as the person's own rule says it
                self._argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment(os.environ),
                cwd=_home(),
                start_new_session=True,  # a group of its own, and no terminal of ours to write to
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            return Outcome(f"it could not be started: {text.clean(reason or str(error), 200)}", tries=1)
        with self._lock:
            self._pid = process.pid
        if self._stopped:
            self.kill()
        try:
            in_time = self._talk(process)
        finally:
            # Not reaped yet, so the numbers of process and group are still its own.
            with self._lock:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                self._pid = 0
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
            code = process.wait()
        if not in_time:
            return Outcome(f"not done within {self._deadline_s:g} s, killed", tries=1)
        if self._stopped:
            return Outcome("killed: the recorder ends", tries=1)
        if code:
            return Outcome(f"ended by signal {-code}" if code < 0 else f"ended with code {code}", tries=1)
        return Outcome("", "code 0", 1)

    def _talk(self, process: "subprocess.Popen[bytes]") -> bool:
        """Feed it and read it until it ends; False: it did not in time."""
        deadline_s = time.monotonic() + self._deadline_s
        assert process.stdin is not None  # noqa: S101  both are pipes
        assert process.stdout is not None  # noqa: S101  both are pipes
        with selectors.DefaultSelector() as pipes:
            for pipe, wanted in ((process.stdin, selectors.EVENT_WRITE), (process.stdout, selectors.EVENT_READ)):
                os.set_blocking(pipe.fileno(), False)
                pipes.register(pipe, wanted)
            while True:
                ended = _ended(process)
                for key, _ in pipes.select(0 if ended else _LOOK_S):
                    self._serve(pipes, key.fileobj)  # type: ignore[arg-type]  # files were registered
                if ended:
                    return True
                if time.monotonic() >= deadline_s:
                    return False
                if not pipes.get_map():  # it closed both and works on
                    time.sleep(_LOOK_S)
                elif len(self.output) == OUTPUT:  # a flood is thrown away at 6 MB/s, not as fast as a core can
                    time.sleep(_FLOOD_S)

    def _serve(self, pipes: selectors.BaseSelector, pipe: IO[bytes]) -> None:
        """One step of one pipe."""
        over = True
        with suppress(BrokenPipeError):
            try:
                if pipe.readable():
                    data = os.read(pipe.fileno(), _PIECE)
                    self.output += data[: OUTPUT - len(self.output)]
                    over = not data
                else:
                    self._body = self._body[os.write(pipe.fileno(), self._body[:_PIECE]) :]
                    over = not self._body
            except BlockingIOError:
                over = False
        if over:
            pipes.unregister(pipe)
            pipe.close()


def _ended(process: "subprocess.Popen[bytes]") -> bool:
    if not hasattr(os, "waitid"):  # macOS: there the process is reaped at once
        return process.poll() is not None
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _home() -> str:
    home = os.environ.get("HOME", "")
    return home if os.path.isdir(home) else "/"  # noqa: PTH112  no path object for one question
