"""A terminal at the far end of a link: so many bits a second, so long a way, and what a person saw frame by frame.

The link takes bytes from the PTY into a queue of its own, as a modem or a TCP window does; what is in it is not on
the screen yet. Answers to questions come back after the delay, from the column that was asked at. What arrived is
kept and drawn by pyte afterwards, so that the emulator never competes with the program for the CPU.
"""

from __future__ import annotations

import os
import re
import select
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import pyte

from tests.pty.terminal import UNKNOWN_TO_PYTE, Terminal

_QUESTION: Final = re.compile(rb"\x1b\[(?:(\d+);(\d+)H\x1b\[)?6n")
_OTHERS: Final = ((re.compile(rb"\x1b\[c"), b"\x1b[?62;22c"), (re.compile(rb"\x1b\[\?2026\$p"), b"\x1b[?2026;2$y"))
_LONGEST: Final = 24
"""Bytes of a question, at most."""
_END: Final = re.compile(rb"\x1b\[\?2026l(?:\x1b\[\d+;\d+H\x1b\[6n)?")
"""A frame's end, and the question that acknowledges it."""
_ENTER: Final = b"\x1b[?1049h"
BUFFER: Final = 16_384
"""Bytes in the link's queue, beyond which it takes no more from the PTY."""
_BURST_S: Final = 0.02
"""Of the link's time at most is saved up while nothing is sent."""


class Link(Terminal):
    """A program in a PTY whose other end is at a distance."""

    def __init__(self, argv: Sequence[str], size: tuple[int, int], environ: dict[str, str] | None = None) -> None:
        """As a ``Terminal``; at first the link is as fast as a local one."""
        self.rate_bps = 0.0
        """Bits a second; 0: as fast as it comes."""
        self.delay_s = 0.0
        """From a question's arrival to its answer."""
        self._queue = bytearray()
        self._back: deque[tuple[float, bytes]] = deque()
        self._credit = self._then = 0.0
        super().__init__(argv, size, environ)

    def slow_down(self, rate_bps: float, delay_s: float) -> None:
        """From now on; 0 and 0: not at all."""
        self.rate_bps, self.delay_s = rate_bps, delay_s

    def read(self, seconds: float = 0.05) -> bytes:
        """What arrives within that time at the far end."""
        end = time.monotonic() + seconds
        before = len(self.output)
        while True:
            self._carry()
            left = end - time.monotonic()
            if len(self.output) > before or left <= 0:
                return bytes(self.output[before:])
            if self._queue or self._back:
                left = min(left, 0.002)
            full = len(self._queue) >= BUFFER
            ready = [] if full else select.select([self._master], [], [], left)[0]
            if full:
                time.sleep(min(left, 0.002))
            if ready:
                try:
                    data = os.read(self._master, 65536 if not self.rate_bps else 4096)
                except OSError:
                    data = b""
                if not data and not self._queue:
                    return b""
                self._queue += data

    def _carry(self) -> None:
        """What the link has brought to the far end by now, and answers to this one."""
        now = time.monotonic()
        while self._back and self._back[0][0] <= now:
            os.write(self._master, self._back.popleft()[1])
        passed, self._then = now - self._then, now
        if not self.rate_bps:
            take = len(self._queue)
        else:
            most = self.rate_bps / 8 * _BURST_S
            self._credit = min(most, self._credit + passed * self.rate_bps / 8)
            take = min(len(self._queue), int(self._credit))
            self._credit -= take
        if take:
            self.output += self._queue[:take]
            del self._queue[:take]
            self._answer(now)
            while self._back and self._back[0][0] <= now:
                os.write(self._master, self._back.popleft()[1])

    def _answer(self, now: float) -> None:
        since = max(0, self._answered - _LONGEST)
        found = [
            (match.end(), b"\x1b[%s;%sR" % (match[1] or b"1", match[2] or b"1"))
            for match in _QUESTION.finditer(self.output, since)
        ]
        for query, reply in _OTHERS:
            found += [(match.end(), reply) for match in query.finditer(self.output, since)]
        for end, reply in sorted(found):
            if end > self._answered and self._answers:
                self._back.append((now + self.delay_s, reply))
        self._answered = len(self.output)


class Frame(NamedTuple):
    """A screen at the end of a frame."""

    number: int
    """From 0, of those that were drawn."""
    end: int
    """Offset in the output behind it and its question."""
    lines: list[str]
    """A character a cell. The list is the same object each time: copy what is to be kept."""
    changed: frozenset[int]
    """Lines that may be others than in the frame before."""


def frames(output: bytes, size: tuple[int, int], since: int = 0) -> Iterator[Frame]:
    """The screen at each frame's end from an offset on.

    pyte knows no synchronized output (mode 2026): it draws what comes as it comes, so only its screen at a frame's
    end means anything, and that is where it is looked at. It draws a wide glyph into one cell and leaves the next
    one empty; here that one becomes a blank, so that a line's places are the terminal's columns. Private sequences
    that it would print (kitty keyboard, pointer shapes) are left out first.
    """
    begin = output.rfind(_ENTER, 0, max(since, 1))
    if begin < 0:
        begin = output.find(_ENTER)
    screen = pyte.Screen(*size)
    stream = pyte.ByteStream(screen)
    at = max(0, begin)
    lines = [""] * size[1]
    dirty: set[int] = set(range(size[1]))
    number = 0
    for match in _END.finditer(output, at):
        stream.feed(UNKNOWN_TO_PYTE.sub(b"", output[at : match.end()].replace(_ENTER, b"")))
        at = match.end()
        dirty |= screen.dirty
        screen.dirty.clear()
        if at <= since:
            continue
        for line in dirty:
            cells = screen.buffer[line]
            lines[line] = "".join(cells[column].data or " " for column in range(size[0]))
        yield Frame(number, at, lines, frozenset(dirty))
        dirty.clear()
        number += 1


class Counted:
    """Cells of some glyphs on a screen, brought up to date frame by frame."""

    def __init__(self, glyphs: str, first: int = 0, last: int | None = None) -> None:
        """``first`` and ``last``: lines that count, the last one without."""
        self._glyphs = frozenset(glyphs)
        self._first, self._last = first, last
        self.by_line: dict[int, int] = {}

    def take(self, frame: Frame) -> int:
        """How many there are."""
        last = len(frame.lines) if self._last is None else self._last
        for line in frame.changed:
            if self._first <= line < last:
                self.by_line[line] = sum(cell in self._glyphs for cell in frame.lines[line])
        return sum(self.by_line.values())
