"""The line mode from start to end: one thread, one poll, no timers but the interval's."""

from __future__ import annotations

import os
import select
import signal
import stat
from typing import TYPE_CHECKING, Final

from wftui import __version__
from wftui.clock import SystemClock, cpu_ns
from wftui.errors import ProtocolError, WftopError
from wftui.render import text
from wftui.tui.plain import speech
from wftui.tui.plain.answers import Quit, answer, interval
from wftui.tui.plain.feed import Feed
from wftui.tui.plain.news import News
from wftui.tui.state import CONNECTING, LIVE, LOST, State
from wftui.units import NS_PER_S
from wftui.wire import messages as wire

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from types import FrameType

EVERY: Final = "5s"
_STDIN: Final = 0
_STDOUT: Final = 1
_STDERR: Final = 2
_RETRY_S: Final = 0.5
_FIRST_RETRY_S: Final = 0.03
_FIRST_S: Final = 2.0
_ALONE_S: Final = 3.0
"""Without a recorder for so long, one is started."""
_SETTLE_S: Final = 3.0
"""So long the first report waits for rates and tables; usually they come with the second tick."""
_REPORT_S: Final = 5.0
_LONGEST_LINE: Final = 4096
_GONE: Final = select.POLLERR | select.POLLHUP | select.POLLNVAL


class _Ended(BaseException):
    """A signal: out of whatever is waited for. Not an ``Exception``, so that nobody takes it for an error."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def main(flags: argparse.Namespace) -> int:
    """Tell what changes until the end; return the exit code: 0 after quit, ^C or the end of input.

    Raises:
        WftopError: Settings or folders cannot be used, or the output cannot be written.
        BrokenPipeError: Who read our output has gone.
    """
    for number, code in ((signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
        signal.signal(number, _ending(code))
    _stand()
    try:
        return _start(flags)
    except _Ended as ended:
        return ended.code


def _stand() -> None:
    """Make sure of the three standard descriptors: the next file that is opened would else take the place of one.

    Raises:
        WftopError: The output is closed.
    """
    for descriptor in (_STDIN, _STDOUT, _STDERR):
        try:
            os.fstat(descriptor)
        except OSError as error:
            if descriptor == _STDOUT:
                raise WftopError("stdout is closed: there is nowhere to tell anything") from error
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one


def _ending(code: int) -> Callable[[int, FrameType | None], None]:
    def end(_number: int, _frame: FrameType | None) -> None:
        raise _Ended(code)

    return end


def _start(flags: argparse.Namespace) -> int:
    from wftui import config, lean, paths

    lean.leave_out(lean.SSL, lean.TYPING_EXTENSIONS)
    from wftui.client.spawn import ensure_recorder
    from wftui.render import preferred
    from wftui.tui.terminal import ascii_only

    every = interval(flags.every or EVERY)
    where = recorded = paths.places(flags.data_dir, flags.config)
    if flags.demo:
        from wftui.demo.folder import demo_places

        recorded = demo_places()

    def recorder() -> object:
        return ensure_recorder(recorded, demo=flags.demo)

    recorder()
    settings = config.load(where, {"view.ascii": flags.ascii})
    preferred.use(settings)
    ascii_text = ascii_only() or settings.text("view.ascii") == "true"
    return Lines(str(recorded.socket), recorder, every, ascii_text=ascii_text).run()


class Lines:
    """The conversation."""

    def __init__(self, path: str, start: Callable[[], object], every: int, *, ascii_text: bool) -> None:
        self._path = path
        self._start = start
        self._ascii = ascii_text
        self._clock = SystemClock()
        self._poll = select.poll()
        self._feed: Feed | None = None
        self._state = State()
        self._news = News(every)
        self._typed: list[str] = []
        """What is still to be answered."""
        self._input = bytearray()
        self._ended = False
        """Nothing more will be typed, and that is the end."""
        self._introduced = False
        self._ticks = 0
        self._told_ns = 0
        self._reason = ""
        """Why nobody answers, as it was told."""
        began = self._now_ns()
        self._began_ns = self._lost_ns = self._asked_ns = began
        self._first_tick_ns = 0
        self._cost_ns = began
        self._cpu_ns = cpu_ns()
        self._written = 0
        self._reports = 0

    def run(self) -> int:
        """Until the person leaves; the exit code."""
        self._watch()
        try:
            while True:
                self._connect()
                for descriptor, event in self._poll.poll(self._wait_ms()):
                    if descriptor == _STDOUT and event & _GONE:
                        raise BrokenPipeError
                    if descriptor == _STDIN:
                        self._read()
                    elif self._feed is not None and descriptor == self._feed.fileno():
                        self._receive(self._feed)
                self._introduce()
                if self._introduced:
                    try:
                        self._answer()
                    except Quit:
                        return 0
                    if self._ended:
                        return 0
                    self._tell()
        finally:
            if self._feed is not None:
                self._feed.close()

    def _watch(self) -> None:
        kind = os.fstat(_STDIN).st_mode
        # From /dev/null nobody ever types, and its end says nothing.
        if not (stat.S_ISCHR(kind) and not os.isatty(_STDIN)):
            self._poll.register(_STDIN, select.POLLIN)
        kind = os.fstat(_STDOUT).st_mode
        if stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind):
            # Only that its reader is gone: `wftop --plain | head` would else wait for the next line.
            self._poll.register(_STDOUT, 0)

    def _now_ns(self) -> int:
        return self._clock.now().boottime_ns

    def _wait_ms(self) -> float | None:
        """Until when nothing has to be done without a word from outside; None: for ever."""
        if self._feed is None:
            early = self._now_ns() - self._began_ns < _FIRST_S * NS_PER_S and self._state.hello is None
            return 1000 * (_FIRST_RETRY_S if early else _RETRY_S)
        # Ticks come each second and bring us here. Without them there is nothing to compare.
        return 1000.0 if not self._introduced else None

    # ---- the recorder

    def _connect(self) -> None:
        if self._feed is not None:
            return
        state, now = self._state, self._now_ns()
        try:
            feed = Feed(self._path, "lines")
        except (OSError, ProtocolError) as error:
            self._alone(now, str(error), final=isinstance(error, ProtocolError))
            return
        self._feed = feed
        self._poll.register(feed.fileno(), select.POLLIN)
        again = state.hello is not None
        state.attached(feed.recorder)
        state.now_linked(LIVE, now)
        self._reason = ""
        if again:
            self._say(["The recorder answers again."])

    def _alone(self, now: int, reason: str, *, final: bool) -> None:
        """Nobody answers: say so once, and start a recorder after a while."""
        first = self._state.hello is None
        self._state.now_linked(CONNECTING if first else LOST, now, reason)
        waited = (now - max(self._lost_ns, self._asked_ns)) / NS_PER_S
        if waited >= _ALONE_S:
            self._asked_ns = now
            self._start()
        if reason != self._reason and (final or (first and now - self._began_ns > _ALONE_S * NS_PER_S)):
            self._reason = reason
            self._say([f"No recorder answers: {speech.spoken(reason)}. Trying again."])

    def _receive(self, feed: Feed) -> None:
        over = ""
        try:
            for message in feed.receive():
                self._on(message)
                if isinstance(message, wire.Goodbye):
                    over = message.reason
        except ProtocolError as error:
            over = str(error)
        if not over:
            return
        self._poll.unregister(feed.fileno())
        feed.close()
        self._feed = None
        self._lost_ns = self._asked_ns = self._now_ns()
        self._state.now_linked(LOST, self._lost_ns, over)
        if self._introduced:
            self._say([f"The recorder is gone: {speech.spoken(over)}. What is told is old until it answers."])

    def _on(self, message: wire.Message) -> None:
        state = self._state
        if isinstance(message, wire.EventsReply):
            state.add_events(message.events)
            return
        if isinstance(message, wire.Error):
            self._say([f"The recorder refused: {speech.spoken(message.message)}."])
            return
        state.on(message)
        if isinstance(message, wire.TickArrived):
            self._ticks += 1
            self._first_tick_ns = self._first_tick_ns or self._now_ns()
            self._cost()

    def _cost(self) -> None:
        """Tell the recorder what this view costs."""
        now, used = self._now_ns(), cpu_ns()
        if self._feed is None or now - self._cost_ns < _REPORT_S * NS_PER_S:
            return
        share = (used - self._cpu_ns) / (now - self._cost_ns)
        self._cost_ns, self._cpu_ns = now, used
        self._feed.send(wire.Report(share, _resident(), self._written, self._reports))

    # ---- what is said

    def _introduce(self) -> None:
        """Once rates are known: what this is, and everything as it is now."""
        if self._introduced or not self._ticks:
            return
        settled = self._ticks >= 3 and bool(self._state.sources)
        if not settled and self._now_ns() - self._first_tick_ns < _SETTLE_S * NS_PER_S:
            return
        self._introduced = True
        every = self._news.seconds
        self._say(
            [
                f"wftop {__version__}, line mode. What changes noticeably is told every {every} seconds."
                if every != 1
                else f"wftop {__version__}, line mode. What changes noticeably is told every second.",
                "Enter: everything now. help: the words. quit: the end.",
                *self._stamped(self._news.everything(self._state)),
            ]
        )
        self._told_ns = self._now_ns()

    def _tell(self) -> None:
        if self._state.link != LIVE or self._state.tick is None:
            return
        # Ticks come a little early or late.
        if self._now_ns() - self._told_ns < (self._news.seconds - 0.3) * NS_PER_S:
            return
        self._told_ns = self._now_ns()
        lines = self._news.since(self._state)
        if lines:
            self._say(self._stamped(lines))

    def _stamped(self, lines: list[str]) -> list[str]:
        """The time before the first line: once a report is enough to hear it."""
        return [f"{text.clock(self._clock.now().time_ns / 1e9)} {lines[0]}", *lines[1:]] if lines else []

    def _answer(self) -> None:
        typed, self._typed = self._typed, []
        for line in typed:
            lines = answer(line, self._state, self._news)
            if not line.strip():
                lines = self._stamped(lines)
            if self._state.link != LIVE:
                away = speech.spoken(text.duration((self._now_ns() - self._state.link_since_ns) / NS_PER_S))
                lines.insert(0, f"This is old: the recorder has been gone for {away}.")
            self._say(lines)

    def _say(self, lines: list[str]) -> None:
        said = "\n".join(lines) + "\n"
        data = said.encode("ascii", "backslashreplace") if self._ascii else said.encode()
        self._written += len(data)
        self._reports += 1
        try:
            while data:
                data = data[os.write(_STDOUT, data) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise WftopError(f"the output cannot be written: {error.strerror}") from error

    # ---- what is typed

    def _read(self) -> None:
        try:
            chunk = os.read(_STDIN, _LONGEST_LINE)
        except OSError:  # the terminal is gone
            chunk = b""
        if not chunk:
            self._poll.unregister(_STDIN)
            self._ended = True
            if self._input:
                self._typed.append(self._input.decode(errors="replace"))
            return
        self._input += chunk
        *lines, rest = self._input.split(b"\n")
        self._input = bytearray(rest[-_LONGEST_LINE:])
        self._typed += [line.decode(errors="replace") for line in lines]


def _resident() -> int:
    """Resident memory of this process in bytes; 0 where /proc does not tell."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123  a file of /proc, never waits
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
