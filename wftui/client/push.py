"""Push figures of a program to wftop: ``Pusher("my-app").gauge("queue_length", 3)``.

Nothing here waits, raises into the caller or needs a recorder: samples go into a bounded buffer that a thread
sends, and while nobody records they are dropped and counted. The standard library only, and little of it.
"""

import atexit
import json
import os
import socket
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from functools import wraps
from queue import SimpleQueue
from typing import Any, Final, ParamSpec, Self, TypeVar

from wftui.client.outbox import ROOM, Item, Queue, Told, gather, happened, sample
from wftui.client.tokens import TokenStream

FRAME_S: Final = 1 / 60
"""A frame that took longer is a dropped one."""
EVERY_S: Final = 0.2
"""Samples are gathered for so long before they are sent."""
SOONEST_S: Final = 1 / 60
"""The same while somebody follows the tokens of this program: the recorder says so."""
BATCH: Final = 1_000
AWAY_S: Final = 1.0
"""Between two looks for a recorder that does not answer."""
ANSWER_S: Final = 5.0
EXIT_S: Final = 0.5
"""At the program's end what is left is sent for so long at most."""
_LINE: Final = 512 << 10
_COROUTINE: Final = 0x80  # inspect.CO_COROUTINE, without importing inspect

Labels = Mapping[str, str]
_P = ParamSpec("_P")
_T = TypeVar("_T")


class Pusher:
    """What one program pushes; make one and keep it. Threads and forked children may use it."""

    def __init__(
        self, source: str, *, data_dir: str | None = None, socket_path: str | None = None, room: int = ROOM
    ) -> None:
        """Nothing is opened before the first sample.

        Args:
            source: Who pushes; the label ``source`` of all its series, and part of the names of its own ones.
            data_dir: Of the recorder; None: ``WFTOP_DATA_DIR``, or the usual one.
            socket_path: The recorder's ``push.sock``; None: that of the data dir.
            room: Samples that wait at most.
        """
        self.source = source
        self.accepted = 0
        """Samples and token events that the recorder counted."""
        self.rejected = 0
        """Those that it refused; ``trouble`` says why the last one was."""
        self.dropped = 0
        """Those that were never answered: nobody recorded, or more came than could be sent."""
        self.trouble = ""
        self._data_dir = data_dir
        self._path = socket_path
        self._room = room
        self._begin()
        _pushers.add(self)

    def _begin(self) -> None:
        # SimpleQueue.put may be interrupted by a signal handler that pushes, too; an ordinary lock may not.
        self._queue: Queue = SimpleQueue()
        self._lock = threading.RLock()
        self._hurry = threading.Event()
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None
        self._unread = b""
        self._away_until = 0.0
        self._every_s = EVERY_S
        self._deaf = False

    def _after_fork(self) -> None:
        """In the child: the parent sends what it had; the connection is the parent's."""
        taken = self._socket
        self._begin()
        self.accepted = self.rejected = self.dropped = 0
        if taken is not None:
            taken.close()

    # ---- what a program says

    def gauge(self, name: str, value: float, labels: Labels | None = None, *, unit: str = "") -> None:
        """A value as it is now; a second's tick holds the mean of what came in it."""
        self._put(name, value, unit, "gauge", labels)

    def counter(self, name: str, by: float = 1.0, labels: Labels | None = None, *, unit: str = "") -> None:
        """Something happened ``by`` times more; the recorder adds it up."""
        self._put(name, by, unit, "counter", labels)

    def timing(self, name: str, seconds: float, labels: Labels | None = None) -> None:
        """Something took so long; a tick holds count, sum and quantiles of what came in it."""
        self._put(name, seconds, "s", "distribution", labels)

    def frame(
        self, seconds: float, labels: Labels | None = None, *, stages: Mapping[str, float] | None = None
    ) -> None:
        """A frame took so long: ``ux.frame.duration``, and ``ux.frames.dropped`` when it was over ``FRAME_S``.

        ``stages``: part of the frame (``token``, ``energy``, ``render``, ``overhead``) to its seconds.
        """
        for stage, took_s in (stages or {}).items():  # before the frame: they are parts of the next one
            self.timing("ux.stage.duration", took_s, {**(labels or {}), "mode": stage})
        self.timing("ux.frame.duration", seconds, labels)
        if seconds > FRAME_S:
            self.counter("ux.frames.dropped", 1, labels)

    def frames(self, function: Callable[_P, _T]) -> Callable[_P, _T]:
        """Decorate what makes one frame, a coroutine function too: each call is told as :meth:`frame`."""
        code = getattr(function, "__code__", None)
        if code is not None and code.co_flags & _COROUTINE:

            @wraps(function)
            async def awaited(*args: _P.args, **kwargs: _P.kwargs) -> Any:  # Any: whatever it returns
                start = time.perf_counter()
                try:
                    return await function(*args, **kwargs)  # type: ignore[misc]  # it is one, its flags say
                finally:
                    self.frame(time.perf_counter() - start)

            return awaited  # type: ignore[return-value]  # as callable as what it wraps

        @wraps(function)
        def timed(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.frame(time.perf_counter() - start)

        return timed

    def stream(self, model: str = "", server: str = "") -> TokenStream:
        """A context manager around one answer of a model: ``stream.token()`` for each token that arrives.

        wftop makes energy of when they come, and of how sure the model was where ``token`` is told that.
        """
        return TokenStream(self, model, server)

    def flush(self, timeout_s: float = 1.0) -> bool:
        """Wait until all that was said before is answered or dropped; returns whether it was in time."""
        if self._thread is None:
            return True
        done = threading.Event()
        self._queue.put(done)
        self._hurry.set()
        return done.wait(timeout_s)

    def close(self, timeout_s: float = 1.0) -> None:
        """Send what is left, for so long at most. What is pushed later opens it again."""
        self.flush(timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- the buffer

    def _put(self, name: str, value: float, unit: str, kind: str, labels: Labels | None) -> None:
        try:
            if self._queue.qsize() >= self._room:
                self._drop(1, "more was pushed than could be sent")
                return
            self._queue.put((name, value, unit, kind, dict(labels) if labels else None, time.monotonic()))
            if self._thread is None:
                self._start()
        except Exception as error:  # noqa: BLE001  what measures must not break what it measures
            self._drop(1, str(error))

    def happened(self, fields: dict[str, Any]) -> None:  # Any: JSON
        """Something happened in a stream of tokens, as ``push.sock`` has it: ``{"do": "token", "model": …}``."""
        try:
            if self._queue.qsize() >= self._room:
                self._drop(1, "more was pushed than could be sent")
                return
            if "top" in fields:
                fields = {**fields, "top": dict(fields["top"])}  # the caller's may change before it is sent
            self._queue.put(Told(fields, time.monotonic()))
            if fields.get("do") == "prompt":
                self._hurry.set()  # the answer says how often the tokens that follow are wanted
            if self._thread is None:
                self._start()
        except Exception as error:  # noqa: BLE001  as above
            self._drop(1, str(error))

    def _drop(self, count: int, why: str) -> None:
        with self._lock:
            self.dropped += count
            self.trouble = why

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._run, args=(self._queue,), name="wftop-push", daemon=True)
                self._thread = thread  # before it starts: a signal handler that pushes now must not start another
                try:
                    thread.start()
                except (
                    RuntimeError
                ) as error:  # too many threads: what is pushed waits, and the next call tries again
                    self._thread = None
                    self.trouble = str(error)

    # ---- the thread

    def _run(self, queue: Queue) -> None:
        while True:
            first = queue.get()
            if not isinstance(first, threading.Event):
                self._hurry.wait(self._every_s)
            self._hurry.clear()
            batch, told, waiting = gather(queue, first)
            for start in range(0, len(batch), BATCH):
                self._say(batch[start : start + BATCH])
            for start in range(0, len(told), BATCH):
                self._tell(told[start : start + BATCH])
            for done in waiting:
                done.set()

    def _say(self, items: list[Item]) -> None:
        now_s = time.monotonic()
        samples = [found for item in items if (found := sample(item, now_s))]
        wrong = len(items) - len(samples)
        if wrong:
            with self._lock:
                self.rejected += wrong
                self.trouble = "a value is no finite number"
        if samples:
            self._send("samples", samples)

    def _tell(self, items: list[Told]) -> None:
        if self._deaf and self._socket is not None:
            return
        now_s = time.monotonic()
        events = [found for item in items if (found := happened(item, now_s))]
        wrong = len(items) - len(events)
        if wrong:
            with self._lock:
                self.rejected += wrong
                self.trouble = "a token event has something that is no number"
        if events:
            self._send("tokens", events)

    def _send(self, what: str, samples: list[dict[str, Any]]) -> None:  # Any: JSON
        try:
            document = {"source": self.source, what: samples}
            line = json.dumps(document, separators=(",", ":"), allow_nan=False).encode() + b"\n"
            if len(line) > _LINE and len(samples) > 1:
                half = len(samples) // 2
                self._send(what, samples[:half])
                self._send(what, samples[half:])
                return
            reply = self._ask(line)
            accepted, rejected = int(reply["accepted"]), reply["rejected"]
            if what == "tokens":
                if "within" not in reply:
                    self._deaf = True  # an older recorder, which knows samples only: nothing is lost by it
                    return
                self._every_s = min(EVERY_S, max(SOONEST_S, float(reply["within"])))
        except Exception as error:  # noqa: BLE001  whatever it was, these are lost and the program goes on
            self._drop(len(samples), str(error) or type(error).__name__)
            return
        with self._lock:
            self.accepted += accepted
            self.rejected += len(samples) - accepted
            if rejected:
                self.trouble = str(rejected[-1].get("reason", ""))

    def _ask(self, line: bytes) -> dict[str, Any]:  # Any: JSON
        if self._socket is None and time.monotonic() < self._away_until:
            raise ConnectionError("no recorder answers")
        try:
            if self._socket is None:
                self._connect()
            assert self._socket is not None  # noqa: S101  connected just now
            self._socket.sendall(line)
            while b"\n" not in self._unread:
                self._unread += _received(self._socket)
        except BaseException:
            self._disconnect()
            raise
        answer, _, self._unread = self._unread.partition(b"\n")
        found: dict[str, Any] = json.loads(answer)
        return found

    def _connect(self) -> None:
        if self._path is None:
            from wftui.paths import places

            self._path = str(places(self._data_dir).push_socket)
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket = made
        made.settimeout(ANSWER_S)
        made.connect(self._path)

    def _disconnect(self) -> None:
        self._away_until = time.monotonic() + AWAY_S
        self._unread = b""
        self._every_s = EVERY_S
        self._deaf = False
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _received(connection: socket.socket) -> bytes:
    more = connection.recv(65_536)
    if not more:
        raise ConnectionError("the recorder went away")
    return more


_pushers: "weakref.WeakSet[Pusher]" = weakref.WeakSet()


def _after_fork() -> None:
    for pusher in list(_pushers):
        pusher._after_fork()


def _at_exit() -> None:
    until = time.monotonic() + EXIT_S
    for pusher in list(_pushers):
        pusher.close(max(0.0, until - time.monotonic()))


os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
