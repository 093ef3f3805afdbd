"""The terminal from the first byte to the last: every mode that is set here is taken back on every way out.

Modes that wftop sets: alternate screen (1049), hidden cursor (25), no line wrap (7), bracketed paste (2004), and
synchronised output (2026) around single frames; buttons and wheel of the mouse (1000, 1006) unless ``view.mouse``
is off; with ``view.title`` the title (its own is kept: 22 t, 23 t). No reports of motion or focus,
no key protocol: what is not set cannot be left behind by a dropped link.
Light to import: it paints before anything else is loaded.
"""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False  # typing is heavier than this module
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

COLORS = ("auto", "truecolor", "256", "16", "mono")
"""Depths that a person may ask for."""
ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"
MOUSE = "\x1b[?1000h\x1b[?1006h"
NO_MOUSE = "\x1b[?1006l\x1b[?1000l"
RESTORE = f"{NO_MOUSE}\x1b[?2026l\x1b[?2004l\x1b[?7h\x1b[0m\x1b[?1049l\x1b[?25h"
_MODES = (9, 1000, 1001, 1002, 1003, 1005, 1006, 1015, 1016, 1004, 2004, 2026, 2031, 2048)
"""Private modes that RESET switches off: the mouse and its encodings, focus, paste, frames, scheme, resizes."""
RESET = "".join(
    (
        # Keys as ever: kitty's protocol, xterm's modifyOtherKeys. What does not know them may print a part.
        "\x1b[<u\x1b[=0u\x1b[>4;0m\r\x1b[K",
        "\x1b7\x1b[r\x1b8",  # whole screen scrolls; that moves the cursor, which is put back
        *(f"\x1b[?{mode}l" for mode in _MODES),
        "\x1b[?1l\x1b>",  # cursor keys and keypad
        "\x1b[?7h\x1b[4l\x1b(B\x0f",  # lines wrap, typing replaces, no line-drawing letters
        # Leaving the other screen takes the cursor to where it was saved: right here, if this is the usual one.
        "\x1b7\x1b[?1049l",
        "\x1b[0m\x1b[0 q\x1b[?25h",
    )
)
"""For ``--reset-terminal``: all that wftop sets, and what other programs leave behind."""
_WRITE_S = 0.3
"""How long the end waits for a terminal that does not take its bytes."""


class Terminal:
    """Enters and leaves full screen on one descriptor; ``restore`` may be called any number of times."""

    def __init__(self, output: int = 1, keyboard: int = 0) -> None:
        self.output = output
        self.keyboard = keyboard
        self.before_restore: Callable[[], None] | None = None
        """Called first in ``restore``: stops whoever else writes to the terminal."""
        self._parting = ""
        self._attributes: list[Any] | None = None  # Any: what termios gives, only handed back
        self._entered = False

    def enter(self) -> None:
        """Switch to the alternate screen, without echo, and catch the signals that would leave it so.

        Nothing to do when it is there already.
        """
        if self._entered:
            return
        import termios

        try:
            self._attributes = termios.tcgetattr(self.keyboard)
            quiet = termios.tcgetattr(self.keyboard)
            quiet[3] &= ~(termios.ECHO | termios.ICANON)
            termios.tcsetattr(self.keyboard, termios.TCSANOW, quiet)
        except termios.error:
            self._attributes = None
        self._entered = True
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, self._on_signal)
        os.write(self.output, ENTER.encode())

    def on_restore(self, data: str) -> None:
        """What is written after the modes were taken back; empty: nothing."""
        self._parting = data

    def restore(self) -> None:
        """Take back every mode, as far as the terminal still listens."""
        if not self._entered:
            return
        self._entered = False
        import termios

        if self.before_restore is not None:
            self.before_restore()
        _write(self.output, (RESTORE + self._parting).encode())
        if self._attributes is not None:
            try:
                # What was not read by now is an answer of the terminal or was typed for us, not for the shell.
                termios.tcsetattr(self.keyboard, termios.TCSAFLUSH, self._attributes)
            except termios.error:
                return  # the terminal is gone

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        # A second signal while this one is at work ends the process at once.
        for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(each, signal.SIG_DFL)
        self.restore()
        # Not sys.exit: threads of the toolkit may wait for a terminal that is no longer there.
        os._exit(128 + number)


def _write(descriptor: int, data: bytes) -> None:
    """Write, but give up after ``_WRITE_S``: a stopped or dropped terminal must not keep us."""
    import select

    while data:
        try:
            _, ready, _ = select.select([], [descriptor], [], _WRITE_S)
            if not ready:
                return
            data = data[os.write(descriptor, data[:512]) :]
        except OSError:
            return


def reset(output: int = 1) -> None:
    """Take back whatever a program left, on a terminal that is not ours: modes, then echo and whole lines."""
    import termios

    _write(output, RESET.encode())
    for descriptor in (0, output, 2):
        try:
            attributes = termios.tcgetattr(descriptor)
        except termios.error:
            continue  # no terminal
        attributes[0] |= termios.ICRNL | termios.IXON
        attributes[1] |= termios.OPOST | termios.ONLCR
        attributes[3] |= termios.ECHO | termios.ECHOE | termios.ICANON | termios.ISIG | termios.IEXTEN
        termios.tcsetattr(descriptor, termios.TCSADRAIN, attributes)
        return


def unfit() -> str:
    """Why this is no terminal for full screen; an empty text when it is one."""
    if not os.isatty(1):
        return "stdout is no terminal"
    if not os.isatty(0):
        return "stdin is no terminal"
    if os.environ.get("TERM", "") in ("", "dumb"):
        return "TERM is unset or dumb"
    return ""


def ascii_only() -> bool:
    """Whether box and braille characters would not arrive: by locale and terminal type, not by guess."""
    if os.environ.get("TERM", "").startswith(("linux", "vt1", "vt2")):
        return True
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return not value.lower().replace("-", "").partition("@")[0].endswith("utf8")
    return True


def colors() -> str:
    """Colour depth by NO_COLOR, COLORTERM and TERM: ``truecolor``, ``256``, ``16`` or ``mono``."""
    if os.environ.get("NO_COLOR"):
        return "mono"
    term = os.environ.get("TERM", "")
    if os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit") or term.endswith("-direct"):
        return "truecolor"
    if "256color" in term or term.startswith(("xterm-kitty", "alacritty", "foot", "wezterm")):
        return "256"
    return "mono" if term.startswith(("vt1", "vt2")) else "16"


def size() -> tuple[int, int]:
    """Columns and lines of the terminal; 80 by 24 when it does not say."""
    try:
        columns, lines = os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1)
    except (OSError, ValueError):
        return 80, 24
    return (columns, lines) if columns > 0 and lines > 0 else (80, 24)
