"""What the terminal itself is told of alerts: a bell or a notification of its desktop, and its title. Opt-in.

They go through the terminal, so over SSH they reach the machine that a person sits at. The text is cleaned: no
byte of it can be read as a code.

Source: OSC 9 of iTerm2, OSC 777 of rxvt-unicode, OSC 99 of kitty (its desktop notifications protocol); OSC 2 and
the stack of titles (CSI 22 t, CSI 23 t) of xterm's control sequences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable

NONE: Final = "none"
BELL: Final = "bell"
OSC9: Final = "osc9"
OSC777: Final = "osc777"
OSC99: Final = "osc99"
KINDS: Final = (NONE, BELL, OSC9, OSC777, OSC99)
KEEP_TITLE: Final = "\x1b[22;2t"
GIVE_TITLE_BACK: Final = "\x1b[23;2t"
_LONGEST: Final = 200
_END: Final = "\x1b\\"


def notification(kind: str, title: str, body: str) -> str:
    """The bytes for one of ``KINDS``; empty: nothing is sent."""
    title, body = clean(title, _LONGEST), clean(body, _LONGEST)
    if kind == BELL:
        return "\x07"
    if kind == OSC9:
        # ConEmu takes a text that begins with a digit and a semicolon for an order.
        return f"\x1b]9;{title}: {body}{_END}"
    if kind == OSC777:
        return f"\x1b]777;notify;{title.replace(';', ',')};{body.replace(';', ',')}{_END}"
    if kind == OSC99:
        return f"\x1b]99;i=wftop:d=0;{title}{_END}\x1b]99;i=wftop:p=body;{body}{_END}"
    return ""


def title(words: str) -> str:
    """The bytes that set the terminal's title."""
    return f"\x1b]2;{clean(words, _LONGEST)}{_END}"


class Notices:
    """Tells one terminal."""

    def __init__(self, write: Callable[[str], object], parting: Callable[[str], object]) -> None:
        """``write``: to the terminal; ``parting``: what is written when the screen is left."""
        self._write = write
        self._parting = parting
        self._titled = ""

    def alert(self, kind: str, severity: str, words: str) -> None:
        """An alert that somebody is to be told of."""
        if data := notification(kind, f"wftop {severity}", words):
            self._write(data)

    def name(self, words: str) -> None:
        """The title from now on; empty: the one that the terminal had."""
        if words == self._titled:
            return
        if not self._titled:
            self._write(KEEP_TITLE)
            self._parting(GIVE_TITLE_BACK)
        if words:
            self._write(title(words))
        else:
            self._write(GIVE_TITLE_BACK)
            self._parting("")
        self._titled = words

    def forget(self) -> None:
        """Another program had the terminal: its title is no longer ours."""
        self._titled = ""
