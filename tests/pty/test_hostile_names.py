"""Names that attack the terminal: whatever a process calls itself, only printable characters reach the PTY."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.pty.terminal import WFTOP, Terminal

pytestmark = pytest.mark.pty

HOSTILE = (
    b"\x1b]52;c;cHduZWQ=\x07",
    b"\x1b]0;pwned\x07",
    b"\x1b[2Jwiped",
    b"\x9b31mc1",
    b"\xc2\x9b31mc1utf8",
    "bidi\u202eevil".encode(),
    b"[/bold] [@click=app.quit]x[/",
    b"[b +a[ [1",
    b"\xff\xfe\xfd",
    "zwj\u200d\ufeff\u2028line".encode(),
    b"bell\x07\x08\x08back",
    b"x" * 4096,
)
ALLOWED = re.compile(
    rb"\x1b\[[0-9;]*[HmABCDJKX]|\x1b\[[<>]?[0-9;]*u"
    rb"|\x1b\[\?(?:1049|25|7|2004|2026|1000|1002|1003|1006|1015|1004|2048)[hl]"
    rb"|\x1b\[\?[0-9;]*\$p|\x1b\[>[0-9;]*[qcm]|\x1b\[[0-9]* q|\x1b\[[0-9;]*[cn]"
    rb"|\x1b\]22;[a-z-]*\x07"
    rb"|\x1b[78=>]|\x1b\(B|\x1b\[s|\x1b\[u|[\r\n\t]"
)
"""The control sequences that wftop itself writes; all else is somebody's name."""


@pytest.fixture
def attackers() -> Iterator[list[subprocess.Popen[bytes]]]:
    """A process for each hostile text, in its command name, its arguments and its file name."""
    code = (
        "import ctypes, sys, time, os;"
        "ctypes.CDLL(None).prctl(15, os.fsencode(sys.argv[1])[:15], 0, 0, 0);"
        "print('ready', flush=True);\nend = time.time() + 120\n"
        "while time.time() < end: sum(range(20000)); time.sleep(0.02)"
    )
    started = []
    for text in HOSTILE:
        argument = text.replace(b"\0", b"")
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", code, argument], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        )
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
    yield started
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def assert_harmless(output: bytes) -> None:
    """Nothing but our own control sequences and printable text."""
    rest = ALLOWED.sub(b"", output)
    bad = re.search(rb"[\x00-\x1f\x7f]", rest)
    assert bad is None, rest[max(0, bad.start() - 60) : bad.start() + 60]
    text = rest.decode("utf-8")  # raises on invalid UTF-8
    assert not re.search("[\x80-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", text)


@pytest.mark.usefixtures("attackers")
@pytest.mark.parametrize("size", [(200, 50), (80, 24)])
def test_every_screen_is_harmless(size: tuple[int, int]) -> None:
    with Terminal(size=size) as terminal:
        terminal.live()
        terminal.until_shows("python")
        for keys in ("2", "j", "j", "\r", "\x1b", "3", "j", "\r", "\x1b", "4", "j", "1", "\t", "\t", "e", "\x1b"):
            before = len(terminal.output)
            terminal.send(keys)

            def answered(start: int = before) -> bool:
                return len(terminal.output) > start

            terminal.until(answered, 10, f"an answer to {keys!r}")
            if keys == "\x1b":
                # A key right behind an Escape is an Alt chord to every terminal program.
                terminal.read_for(0.5)
        terminal.send("q")
        assert terminal.until_gone() == 0
        terminal.assert_restored()
        assert_harmless(bytes(terminal.output))
        assert b"pwned" not in re.findall(rb"\x1b\][^\x07\x1b]*", bytes(terminal.output))


@pytest.mark.usefixtures("attackers")
@pytest.mark.parametrize("command", [["--once"], ["--once", "--json"], ["doctor"]])
def test_plain_output_is_harmless(command: list[str]) -> None:
    environment = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run([*WFTOP, *command], capture_output=True, check=False, env=environment, timeout=30)
    assert done.returncode in (0, 1)
    assert_harmless(done.stdout)
    assert_harmless(done.stderr)


def test_hostile_arguments_are_shown_as_visible_escapes() -> None:
    evil = "zz\x1b]0;owned\x07\x1b[2J\u202e[red]\x9b31m"
    with (
        # A short name: the details wrap long command lines, and where the tests lie decides how long they are.
        subprocess.Popen(["sh", "-c", "read word", evil], stdin=subprocess.PIPE) as victim,
        Terminal() as terminal,
    ):
        try:
            terminal.live()
            terminal.until_shows("cpu▾")
            terminal.send("2/owned\r")
            terminal.until_shows("read word")  # the table is scanned every other second
            terminal.send("\r")
            terminal.until_shows("process ")
            terminal.until_writes(b"zz\\x1b]0;")
            terminal.send("q")
            assert terminal.until_gone() == 0
        finally:
            victim.kill()
        for raw in (b"\x1b]0;owned", b"\x07", b"\x1b[2J\xe2\x80\xae", "\u202e".encode(), b"\xc2\x9b"):
            assert raw not in terminal.output, raw
        terminal.assert_restored()
