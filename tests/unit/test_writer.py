"""Output that never waits: in order, whole, also to a terminal that stands still."""

from __future__ import annotations

import os
import pty
import threading
import time
import tty
from collections.abc import Iterator
from typing import TextIO

import pytest

from wftui.tui.writer import Writer


@pytest.fixture
def terminal() -> Iterator[tuple[int, TextIO]]:
    """The other end of a PTY, and the file of it."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    with os.fdopen(slave, "w", encoding="utf-8") as file:
        yield master, file
    os.close(master)


def reader(master: int, wanted: int, found: bytearray) -> threading.Thread:
    def read() -> None:
        while len(found) < wanted:
            found.extend(os.read(master, 65_536))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def test_a_terminal_that_keeps_up_needs_no_thread(terminal: tuple[int, TextIO]) -> None:
    master, file = terminal
    writer = Writer(file)
    before = threading.active_count()
    for number in range(50):
        writer.write(f"{number:03}▁")
        assert os.read(master, 100) == f"{number:03}▁".encode()
    assert threading.active_count() == before
    assert writer.waiting == 0
    writer.stop()


@pytest.mark.parametrize("direct", [True, False])
def test_everything_comes_in_order_after_a_stop(
    terminal: tuple[int, TextIO], monkeypatch: pytest.MonkeyPatch, *, direct: bool
) -> None:
    master, file = terminal
    if not direct:

        def refuse(fd: int) -> str:
            raise OSError(fd)

        monkeypatch.setattr(os, "ttyname", refuse)
    writer = Writer(file)
    texts = [f"<{number}>" + "█x" * (number * 7 % 3000) for number in range(200)]
    began = time.monotonic()
    for text in texts[:100]:
        writer.write(text)  # far more than a terminal holds that nobody reads
    assert time.monotonic() - began < 5, "it waited for the terminal"
    assert writer.waiting > 50
    assert writer.is_alive()
    wanted = "".join(texts).encode()
    found = bytearray()
    reading = reader(master, len(wanted), found)
    for text in texts[100:]:
        writer.write(text)
    writer.stop()
    reading.join(20)
    assert bytes(found) == wanted
    assert not writer.is_alive()


def test_the_shell_s_side_still_waits(terminal: tuple[int, TextIO]) -> None:
    _, file = terminal
    writer = Writer(file)
    writer.write("x")
    assert os.get_blocking(file.fileno())
    writer.stop()


def test_a_terminal_that_is_gone_holds_nothing_up() -> None:
    master, slave = pty.openpty()
    with os.fdopen(slave, "w", encoding="utf-8") as file:
        writer = Writer(file)
        os.close(master)
        for _ in range(10):
            writer.write("lost" * 10_000)
        writer.stop()
        assert writer.waiting == 0
