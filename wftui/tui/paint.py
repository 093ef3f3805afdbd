"""The only module that touches the toolkit's inner parts: driver, direct painting, styles of ready strips.

A frame goes to the terminal as the difference from the frame before: one string through the driver. What the
toolkit repaints itself (start, resize) takes the same rows as strips, so both paths show the same cells. With a
version that was not tried, or without our driver (tests), everything goes through the toolkit.
"""

from __future__ import annotations

import asyncio
import os
import re
import select
import selectors
import signal
import time
from codecs import getincrementaldecoder
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import textual
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import Screen as TextualScreen
from textual.strip import Strip
from textual.worker import WorkerFailed

from wftui.render.palette import Ink, Palette
from wftui.tui.difference import difference
from wftui.tui.terminal import ENTER, MOUSE, NO_MOUSE, Terminal
from wftui.tui.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from textual.app import App
    from textual.message import Message

    from wftui.tui.compose import Picture
    from wftui.tui.flow import Flow
    from wftui.tui.frame import Segment as Piece

# The toolkit's driver makes its writer by this name.
linux_driver.WriterThread = Writer  # type: ignore[assignment,attr-defined]  # has all that is asked of that
_TRIED: Final = textual.__version__.startswith("8.")
_UNWANTED: Final = frozenset(
    {"\x1b[?1049h", "\x1b[?25l", "\x1b[?1049l", "\x1b[?25h", "\x1b[?1004h", "\x1b[?1004l"}
    | {"\x1b[>1u", "\x1b[<u"}
)
"""What the toolkit writes and ``terminal`` does itself, or never sets."""
_POINTER: Final = "\x1b]22;"
"""Asks for a mouse pointer's shape, which is the terminal's own; and old ones print it."""
_GROUNDED: Final = frozenset({"select", "cursor", "crosshair", "banner.bad", "banner.warn", "banner.mark"})
"""Roles in which a blank is seen."""
_DRAIN_S: Final = 0.3
_ANSWER_S: Final = 0.6
_NO_ANSWER_S: Final = 0.15
"""How long the end waits for the terminal's last answers; from one that never gave any."""
_QUEUED: Final = 2
"""Writes that may wait for the terminal behind the one that it is taking."""
_ANSWERS: Final = re.compile(rb"(?:\x1b\[(?!1;)\d{1,4};\d{1,4}R)+")
"""Places of the cursor. From the top line they look like F3 with a modifier, which is the parser's business."""
_COLUMN: Final = re.compile(rb";(\d+)R")
_ESCAPE_S: Final = 0.1
_ESCAPE_TICKS: Final = 4
"""Short waits after a key: the toolkit's parser decides by time whether an Escape stands alone."""


class Screen(LinuxDriver):
    """The toolkit's driver on our terminal: fewer modes, counted bytes, an end when the keyboard is gone."""

    terminal: Terminal
    """Set by ``driver_for``."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = False, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        utf8 = not getattr(app, "ascii_only", False)
        self._file = os.fdopen(
            os.dup(self.terminal.output), "w", encoding="utf-8" if utf8 else "ascii", errors="replace", newline=""
        )
        self.written = 0
        """Bytes given to the terminal."""
        self.heard: Callable[[], object] | None = None
        """Called in the view's own thread when an answer of the terminal has come that is waited for."""
        self.awaited = False
        """Whether a frame waits for an answer. Else answers lie until the next frame: to wake the view's thread
        for each of them would be one more wake-up a frame."""
        self._answers: deque[tuple[int, int]] = deque()
        self.pointed: Callable[[events.MouseEvent], object] | None = None
        """Takes presses of buttons and turns of the wheel in the view's own thread."""
        self._asked = self._answered = 0
        self._muted = False
        self._wake = os.pipe()
        self.terminal.before_restore = self.mute

    def write(self, data: str) -> None:
        """Queue text for the terminal."""
        if self._muted or data in _UNWANTED or data.startswith(_POINTER):
            return
        self.written += len(data) if data.isascii() else len(data.encode("utf-8", "replace"))
        super().write(data)

    def ask(self, data: str) -> None:
        """Queue text that ends with a question for the cursor's place."""
        self._asked += not self._muted
        self.write(data)

    def hear(self, flow: Flow) -> bool:
        """Hand on the answers that have come; whether one of them had been asked for."""
        found = False
        while self._answers:
            found |= flow.answered(*self._answers.popleft())
        return found

    def _answer(self, column: int) -> None:
        self._answered += 1
        self._answers.append((column, time.monotonic_ns()))
        # In this order: who begins to wait looks at the answers afterwards.
        if self.awaited and self.heard is not None:
            self._loop.call_soon_threadsafe(self.heard)

    @property
    def behind(self) -> bool:
        """Whether the terminal has not yet taken what it was given: a slow link, or a stopped terminal."""
        writer = self._writer_thread
        return isinstance(writer, Writer) and writer.waiting > _QUEUED

    def mute(self) -> None:
        """Drop what comes from now on, and give what is queued a moment to get out."""
        self._muted = True
        writer = self._writer_thread
        end = time.monotonic() + _DRAIN_S
        # This runs in a signal handler, perhaps inside a write: it takes no lock.
        while isinstance(writer, Writer) and writer.is_alive() and writer.waiting and time.monotonic() < end:
            time.sleep(0.005)
        self._hear_out()

    def _hear_out(self) -> None:
        """Wait a moment for the answers that are still to come: the shell would take them for typing."""
        end = time.monotonic() + (_ANSWER_S if self._answered else _NO_ANSWER_S)
        reader = self._key_thread
        while self._answered < self._asked and time.monotonic() < end:
            if reader is not None and reader.is_alive():
                time.sleep(0.005)
            elif select.select([self.fileno], [], [], 0.02)[0]:
                try:
                    data = os.read(self.fileno, 4096)
                except OSError:
                    return
                if not data:
                    return
                self._answered += data.count(b"R")
        self._asked = self._answered = 0

    def _query_in_band_window_resize(self) -> None:
        """SIGWINCH tells of every resize; one more mode could only be left behind."""

    def _enable_mouse_support(self) -> None:
        """Presses and the wheel only: any-motion reports (1003) would wake the view for each cell passed over."""
        if self._mouse:
            self.write(MOUSE)

    def _disable_mouse_support(self) -> None:
        if self._mouse:
            self.write(NO_MOUSE)

    def _enable_mouse_pixels(self) -> None:
        """Cells are enough."""

    def start_application_mode(self) -> None:
        """Enter full screen, the first time or again after SIGCONT."""
        again = self._muted
        self.terminal.enter()
        self._muted = False
        super().start_application_mode()  # type: ignore[no-untyped-call]  # the toolkit leaves it without types
        if again:
            # The alternate screen is empty now, whatever was painted before.
            self._app.call_later(self._app.repaint)  # type: ignore[attr-defined]  # only WftopApp has this driver

    def enter_again(self) -> None:
        """All modes once more, for a terminal that was reset under us."""
        self.write(ENTER)
        self._enable_bracketed_paste()
        self._enable_mouse_support()

    def stop_application_mode(self) -> None:
        """Leave full screen, so that what follows (a traceback) is seen."""
        super().stop_application_mode()
        self.terminal.restore()

    def disable_input(self) -> None:
        """Wake the thread that waits for keys, then end it."""
        os.write(self._wake[1], b"x")
        super().disable_input()

    def process_message(self, message: Message) -> None:
        """Answers to our own questions and the mouse go past the toolkit; all else goes to it.

        To find out which widget was clicked, and which of its text, the toolkit would have it drawn anew.
        """
        if isinstance(message, events.MouseEvent):
            if self.pointed is not None and not isinstance(message, events.MouseUp | events.MouseMove):
                self._loop.call_soon_threadsafe(self.pointed, message)
            return
        if isinstance(message, events.CursorPosition):
            self._answer(message.x + 1)
            return
        super().process_message(message)

    def run_input_thread(self) -> None:
        """Read keys until the app ends; a keyboard that is gone ends the app, it never spins.

        It sleeps until a key comes: the toolkit's own loop wakes ten times a second (0.1 % of a core).
        """
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        ticks = 0
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            selector.register(self._wake[0], selectors.EVENT_READ)
            while not self.exit_event.is_set():
                ready = selector.select(_ESCAPE_S if ticks else None)
                if any(key.fd == self.fileno for key, _ in ready):
                    try:
                        data = os.read(self.fileno, 4096)
                    except OSError:
                        data = b""
                    if not data:
                        os.kill(os.getpid(), signal.SIGHUP)
                        return
                    if not ticks and _ANSWERS.fullmatch(data):
                        # One after each frame: the toolkit's parser takes 15 µs to find that out, this 0.6.
                        for column in _COLUMN.findall(data):
                            self._answer(int(column))
                        continue
                    found = list(parser.feed(decode(data)))
                    for event in found:
                        self.process_message(event)
                    # Answers come after each frame; they hold no Escape that stands alone.
                    if not found or not all(isinstance(event, events.CursorPosition) for event in found):
                        ticks = _ESCAPE_TICKS
                # An Escape that nothing follows becomes a key of its own only by these.
                for event in parser.tick():
                    self.process_message(event)
                ticks = max(0, ticks - 1)
        os.read(self._wake[0], 16)


def driver_for(terminal: Terminal) -> type[Screen]:
    """The driver class of one terminal."""
    return type("Driver", (Screen,), {"terminal": terminal})


def failure(app: App[Any]) -> BaseException | None:
    """The bug that ended the app; None when it ended in order."""
    found = app._exception
    return found.error if isinstance(found, WorkerFailed) else found


def watch(app: App[Any]) -> None:
    """A bug in a callback of the loop (a frame of the clock, an answer of the terminal) ends the app as one in a
    handler does: asyncio alone would write it over the screen and go on without what the callback was for."""

    def failed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if "handle" in context and isinstance(error, Exception):
            app._handle_exception(error)
        else:
            loop.default_exception_handler(context)

    asyncio.get_running_loop().set_exception_handler(failed)


class Stage(TextualScreen[None]):
    """The toolkit's screen. When it wants to repaint, the newest frame is painted our way, if that is possible."""

    def _compositor_refresh(self) -> None:
        if self.app.repaint_directly():  # type: ignore[attr-defined]  # only WftopApp has this screen
            self._dirty_widgets.clear()
        else:
            super()._compositor_refresh()


class Styles:
    """Ready styles of a palette for the toolkit's strips."""

    def __init__(self, palette: Palette) -> None:
        self.live = {role: _style(ink) for role, ink in palette.live.items()}
        self.stale = {role: _style(ink) for role, ink in palette.stale.items()}

    def strip(self, row: Iterable[Piece], width: int, *, stale: bool) -> Strip:
        """One row of a frame."""
        styles = self.stale if stale else self.live
        return Strip([Segment(text, styles[role]) for text, role in row], width)


def _style(ink: Ink) -> Style:
    return Style(
        color=_color(ink.foreground),
        bgcolor=_color(ink.background),
        bold=ink.bold or None,
        dim=ink.dim or None,
        reverse=ink.reverse or None,
    )


def _color(value: int | tuple[int, int, int]) -> Color | None:
    if isinstance(value, tuple):
        return Color.from_rgb(*value)
    return None if value < 0 else Color.from_ansi(value)


class Painter:
    """Writes what changed since the frame before."""

    def __init__(self, palette: Palette) -> None:
        self._live = {role: f"\x1b[0;{ink.sgr}m" if ink.sgr else "\x1b[0m" for role, ink in palette.live.items()}
        self._stale = {role: f"\x1b[0;{ink.sgr}m" if ink.sgr else "\x1b[0m" for role, ink in palette.stale.items()}
        self._shown: Picture | None = None
        self.frames = 0
        self.owed = False
        """Whether the last frame was left out, because the terminal had not taken those before it."""

    def shown(self, picture: Picture | None) -> None:
        """The toolkit has put this frame on the terminal; None: nobody knows what is there."""
        self._shown = picture

    def paints(self, app: App[Any]) -> bool:
        """Whether painting through the driver is possible now."""
        return _TRIED and isinstance(app._driver, Screen) and len(app.screen_stack) == 1 and not app._batch_count

    def direct(self, app: App[Any], picture: Picture, flow: Flow) -> bool:
        """Paint through the driver; False when that is not possible and the toolkit has to."""
        driver = app._driver
        if not self.paints(app) or not isinstance(driver, Screen):
            return False
        before = self._shown
        now_ns = time.monotonic_ns()
        driver.hear(flow)
        # Left out, not queued: the next frame shows the difference from what the terminal has.
        self.owed = driver.awaited = not flow.ready(now_ns) or driver.behind
        if self.owed and driver.hear(flow):  # while we looked
            self.owed = driver.awaited = not flow.room or driver.behind
        if self.owed:
            return True
        if before is None or (before.width, before.height) != (picture.width, picture.height):
            data = self.whole(picture)
        else:
            data = self.difference(before, picture)
        self._shown = picture
        if data:
            self.frames += 1
            if app._sync_available:
                data = f"\x1b[?2026h{data}\x1b[?2026l"
            question = flow.question(picture.width, picture.height, now_ns)
            if question:
                driver.ask(data + question)
            else:
                driver.write(data)
        return True

    def whole(self, picture: Picture) -> str:
        """The escape codes for a frame on a terminal of which nothing is known. Blanks are not written."""
        out = ["\x1b[0m\x1b[2J"]
        last = ""
        for y in range(picture.height):
            codes = self._stale if picture.stale and y not in picture.live_lines else self._live
            for x, (text, role) in picture.starts(y).items():
                if role not in _GROUNDED and not text.strip(" "):
                    continue
                out.append(f"\x1b[{y + 1};{x + 1}H")
                code = codes[role]
                if code != last:
                    out.append(code)
                    last = code
                out.append(text if role in _GROUNDED else text.rstrip(" "))
        out.append("\x1b[0m")
        return "".join(out)

    def difference(self, before: Picture, after: Picture) -> str:
        """The escape codes that turn one frame into another of the same size."""
        return difference(before, after, self._live, self._stale)
