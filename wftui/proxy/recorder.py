"""The recorder as a `sink.Sink`: what is measured is pushed to it like the figures of any program.

Not by `wftui.client.push`: its thread takes the interpreter whenever the loop is in a call of the kernel, and
with 50 streams it made one chunk in a hundred wait for 1 to 15 ms. Here each sample becomes text when it is taken
(half a microsecond), and the loop sends what has gathered.
"""

import asyncio
import socket
import time
from contextlib import suppress
from typing import Any, Final

import msgspec

from wftui import clock, log
from wftui.paths import Places
from wftui.proxy.sink import Labels

SOURCE: Final = "proxy"
"""Label ``source`` of all series."""
EVERY_S: Final = 0.05
"""Samples are gathered for so long before they are sent: short lines hold up the recorder, and what shares its
CPU, for less time."""
SOONEST_S: Final = 1 / 60
"""The same while somebody follows the tokens: the recorder says so."""
AWAY_S: Final = 1.0
"""Between two looks for a recorder that does not answer."""
ANSWER_S: Final = 5.0
CLOSE_S: Final = 1.0
ROOM: Final = 10_000
"""Samples that wait at most."""
LINE: Final = 2_000
"""Samples in one line at most: 300 KB, where the recorder takes 1 MiB."""
_ANSWER_BYTES: Final = 65_536
_START: Final = b'{"source":"%s","samples":[' % SOURCE.encode()
_TOKENS: Final = b'],"tokens":['


class RecorderSink:
    """Pushes; while nobody records, what is measured is dropped and counted. One line is on its way at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, home: Places) -> None:
        """Nothing is opened before the first sample."""
        self.dropped = 0
        """Samples that were never answered: nobody recorded, or more came than could be sent."""
        self.rejected = 0
        """Samples that the recorder refused; ``trouble`` says why the last one was."""
        self.trouble = ""
        self._loop = loop
        self._path = str(home.push_socket)
        self._beginnings: dict[tuple[str, str, Labels], bytes] = {}
        self._waiting: list[bytes] = []
        self._tokens: list[tuple[bytes, int]] = []  # with their times, ns of `clock.perf_ns`
        self._within_s = EVERY_S
        self._deaf = False  # the recorder is an older one, and knows no tokens
        self._timer: asyncio.TimerHandle | None = None
        self._away = False
        self._socket: socket.socket | None = None
        self._line = memoryview(b"")  # not sent yet
        self._sent = 0  # samples in the line that is not answered
        self._sent_tokens = 0
        self._sent_at = 0.0
        self._answer = b""

    def counter(self, name: str, by: float, labels: Labels) -> None:
        """See `sink.Sink`."""
        self._put(name, "counter", labels, b"%d}" % by)

    def timing(self, name: str, seconds: float, labels: Labels) -> None:
        """See `sink.Sink`."""
        self._put(name, "distribution", labels, b"%.9g}" % seconds)

    def gauge(self, name: str, value: float, labels: Labels) -> None:
        """See `sink.Sink`."""
        self._put(name, "gauge", labels, b"%.9g}" % value)

    def happened(self, do: str, at_ns: int, labels: Labels, how: str = "") -> None:
        """See `sink.Sink`."""
        if self._deaf or not self._room():
            return
        key = (do, how, labels)
        beginning = self._beginnings.get(key)
        if beginning is None:
            told = {"do": do, **dict(labels)} | ({"how": how} if how else {})
            beginning = self._beginnings[key] = msgspec.json.encode(told)[:-1] + b',"ago":'
        self._tokens.append((beginning, at_ns))
        self._soon()

    def close(self) -> None:
        """Hand over what is left, within a second; the loop has ended or waits meanwhile."""
        if self._timer is not None:
            self._timer.cancel()
        until_s = time.monotonic() + CLOSE_S
        try:
            while self._waiting or self._tokens or self._under_way:
                if not self._under_way:
                    self._begin()
                assert self._socket is not None  # noqa: S101  as long as a line is on its way
                self._socket.settimeout(max(0.001, until_s - time.monotonic()))
                self._go_on()
                self._hear()
        except OSError as error:
            self._lost(str(error) or type(error).__name__)
        self._disconnect()
        self._drop(len(self._waiting) + len(self._tokens), "the proxy ended")
        self._waiting, self._tokens = [], []
        if self.trouble:
            log.info(
                "proxy",
                "not everything was recorded",
                dropped=self.dropped,
                rejected=self.rejected,
                reason=self.trouble,
            )

    def _put(self, name: str, kind: str, labels: Labels, value: bytes) -> None:
        if not self._room():
            return
        key = (name, kind, labels)
        beginning = self._beginnings.get(key)
        if beginning is None:
            sample = {"name": name, "kind": kind, "labels": dict(labels)}
            if kind == "distribution":
                sample["unit"] = "s"
            beginning = self._beginnings[key] = msgspec.json.encode(sample)[:-1] + b',"value":'
        self._waiting.append(beginning + value)
        self._soon()

    def _room(self) -> bool:
        if self._away:
            self.dropped += 1
            return False
        if len(self._waiting) + len(self._tokens) >= ROOM:
            self._drop(1, "more was measured than could be sent")
            return False
        return True

    @property
    def _under_way(self) -> int:
        """Samples and tokens in the line that is not answered."""
        return self._sent + self._sent_tokens

    def _soon(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(min(EVERY_S, self._within_s), self._turn)

    def _turn(self) -> None:
        """Send what has gathered, unless the last line is still on its way."""
        self._timer = None
        try:
            if self._under_way:
                if self._loop.time() - self._sent_at > ANSWER_S:
                    raise TimeoutError(f"the recorder did not answer within {ANSWER_S:g} s")
            elif self._waiting or self._tokens:
                self._begin()
                self._writable()
        except OSError as error:
            self._lost(str(error) or type(error).__name__)
        if self._waiting or self._tokens or self._under_way:
            self._soon()

    def _begin(self) -> None:
        """Make the next line of what waits.

        Raises:
            OSError: Nobody records.
        """
        if self._socket is None:
            self._connect()
        samples, self._waiting = self._waiting[:LINE], self._waiting[LINE:]
        tokens, self._tokens = self._tokens[:LINE], self._tokens[LINE:]
        told = b""
        if tokens:
            now_ns = clock.perf_ns()
            told = _TOKENS + b",".join(b"%b%.6f}" % (item, max(0, now_ns - at_ns) / 1e9) for item, at_ns in tokens)
        self._line = memoryview(_START + b",".join(samples) + told + b"]}\n")
        self._sent, self._sent_tokens = len(samples), len(tokens)
        self._sent_at = self._loop.time()

    def _connect(self) -> None:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.setblocking(False)
        self._socket = made
        made.connect(self._path)
        self._loop.add_reader(made.fileno(), self._readable)

    def _writable(self) -> None:
        made = self._socket
        if made is None:
            return
        try:
            with suppress(BlockingIOError, InterruptedError):
                self._go_on()
        except OSError as error:
            self._lost(str(error) or type(error).__name__)
            return
        if len(self._line):
            self._loop.add_writer(made.fileno(), self._writable)
        else:
            self._loop.remove_writer(made.fileno())

    def _readable(self) -> None:
        try:
            self._hear()
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lost(str(error) or type(error).__name__)

    def _go_on(self) -> None:
        """Send what is left of the line, until the socket is full.

        Raises:
            OSError: It is full, or the recorder went away.
        """
        while len(self._line):
            assert self._socket is not None  # noqa: S101  as in `close`
            self._line = self._line[self._socket.send(self._line) :]

    def _hear(self) -> None:
        """Read what has come of the answer.

        Raises:
            OSError: Nothing has, or the recorder went away.
        """
        assert self._socket is not None  # noqa: S101  as in `close`
        data = self._socket.recv(_ANSWER_BYTES)
        if not data:
            raise ConnectionError("the recorder went away")
        answer, end, self._answer = (self._answer + data).partition(b"\n")
        if not end:
            self._answer = answer
            if len(answer) > _ANSWER_BYTES:
                raise ConnectionError("an answer without an end")
            return
        try:
            found: dict[str, Any] = msgspec.json.decode(answer)  # Any: JSON
            accepted, rejected = int(found["accepted"]), found["rejected"]
            if self._sent_tokens and "within" not in found:
                self._deaf, self._sent_tokens = True, 0
                self._tokens = []
            if "within" in found:
                self._within_s = max(SOONEST_S, float(found["within"]))
            self.rejected += self._under_way - accepted
            if rejected:
                self.trouble = str(rejected[-1].get("reason", ""))
        except (
            msgspec.MsgspecError,
            UnicodeDecodeError,
            LookupError,
            TypeError,
            ValueError,
            AttributeError,
        ) as error:
            raise ConnectionError("an answer that is none") from error
        self._sent = self._sent_tokens = 0

    def _lost(self, why: str) -> None:
        """The line is dropped, and nobody is looked for in the next second."""
        self._disconnect()
        self._drop(self._under_way + len(self._waiting) + len(self._tokens), why)
        self._waiting, self._tokens = [], []
        self._sent = self._sent_tokens = 0
        self._deaf, self._within_s = False, EVERY_S
        self._line = memoryview(b"")
        self._away = True
        self._loop.call_later(AWAY_S, self._look_again)

    def _look_again(self) -> None:
        self._away = False

    def _disconnect(self) -> None:
        made, self._socket = self._socket, None
        self._answer = b""
        if made is not None:
            if not self._loop.is_closed():
                self._loop.remove_reader(made.fileno())
                self._loop.remove_writer(made.fileno())
            made.close()

    def _drop(self, count: int, why: str) -> None:
        if count:
            self.dropped += count
            self.trouble = why
