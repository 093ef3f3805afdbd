"""What the truth of the picture is measured with, itself measured: a link, and the screen frame by frame."""

from __future__ import annotations

import sys
import time

from tests.pty.link import Counted, Link, frames

SIZE = (60, 12)
DRAWS = """
import os, tty
tty.setraw(0)
def put(data):
    while data:
        data = data[os.write(1, data):]
put(b"\\x1b[?1049h")
answers = b""
for number in range(40):
    rows = b"".join(
        b"\\x1b[%d;1H\\x1b[2K" % (row + 1) + "∙".encode() * ((number * (row + 3)) % 50) + "界".encode() * 2
        for row in range(8)
    )
    put(b"\\x1b[?2026h" + rows + b"\\x1b[?2026l\\x1b[12;%dH\\x1b[6n" % (number + 1))
    while b"R" not in answers:
        answers += os.read(0, 100)
    line, _, answers = answers.partition(b"R")
    assert line == b"\\x1b[12;%d" % (number + 1), line
put(b"\\x1b[?1049l")
"""
"""Forty frames of known dots, each sent when the one before was acknowledged from the column asked at."""


def test_the_screen_of_every_frame_is_what_was_drawn_however_slow_the_link() -> None:
    for rate_bps, delay_s in ((0.0, 0.0), (1_000_000.0, 0.02)):
        with Link((sys.executable, "-c", DRAWS), SIZE) as link:
            link.slow_down(rate_bps, delay_s)
            began = time.monotonic()
            assert link.until_gone() == 0
            took_s = time.monotonic() - began
        if rate_bps:
            assert len(link.output) * 8 / took_s <= rate_bps
            assert took_s >= 40 * delay_s
        counted = Counted("∙")
        found = []
        for frame in frames(bytes(link.output), SIZE):
            found.append(counted.take(frame))
            assert counted.by_line[3] == (frame.number * 6) % 50
            assert frame.lines[3].rstrip() == "∙" * ((frame.number * 6) % 50) + "界 界"
        assert found == [sum((number * (row + 3)) % 50 for row in range(8)) for number in range(40)]


def test_frames_before_an_offset_are_drawn_and_not_told() -> None:
    with Link((sys.executable, "-c", DRAWS), SIZE) as link:
        assert link.until_gone() == 0
    output = bytes(link.output)
    every = [(frame.end, list(frame.lines)) for frame in frames(output, SIZE)]
    later = [(frame.end, list(frame.lines)) for frame in frames(output, SIZE, every[20][0])]
    assert later == every[21:]
