"""The view in a real terminal: it comes up, it survives resizing, and it leaves the terminal as it found it."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.pty.terminal import WFTOP, Terminal

pytestmark = pytest.mark.pty


@pytest.fixture(autouse=True)
def stop_recorder() -> Iterator[None]:
    """End the recorder that a view started."""
    yield
    subprocess.run([*WFTOP, "record", "--stop"], capture_output=True, check=False, timeout=20)


def assert_restored(terminal: Terminal) -> None:
    """Every mode that was set is reset, the alternate screen is left, echo and line mode are back."""
    assert terminal.modes_left() == set()
    assert b"\x1b[?1049h" in terminal.output, "it never entered the alternate screen: the test shows nothing"
    assert terminal.attributes_now() == terminal.attributes


def live(terminal: Terminal) -> None:
    """Wait for a screen with data."""
    terminal.until_shows("LIVE")


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (120, 40), (200, 50), (300, 100)])
def test_first_screen_then_quit(size: tuple[int, int]) -> None:
    with Terminal(size=size) as terminal:
        terminal.until(lambda: b"\x1b[?1049h" in terminal.output, 5, "the first byte")
        if size[0] >= 80:
            live(terminal)
        terminal.until_shows("cpu")
        terminal.send("q")
        assert terminal.until_gone() == 0
        assert_restored(terminal)


@pytest.mark.parametrize("size", [(20, 5), (8, 3), (1, 1)])
def test_tiny_terminals_do_not_crash(size: tuple[int, int]) -> None:
    with Terminal(size=size) as terminal:
        terminal.until(lambda: terminal.output.count(b"\x1b[?2026l") >= 2, 10, "two frames")
        terminal.send("q")
        assert terminal.until_gone() == 0
        assert_restored(terminal)


def test_control_c_is_an_ordinary_end() -> None:
    with Terminal() as terminal:
        live(terminal)
        terminal.send("\x03")
        assert terminal.until_gone() == 0
        assert_restored(terminal)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signals_restore_the_terminal(number: int, code: int) -> None:
    with Terminal() as terminal:
        live(terminal)
        os.kill(terminal.pid, number)
        assert terminal.until_gone(2) == code
        assert_restored(terminal)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_signals_during_start_up_restore_the_terminal(number: int, code: int) -> None:
    with Terminal() as terminal:
        terminal.until(lambda: b"\x1b[?1049h" in terminal.output, 5, "the first byte")
        os.kill(terminal.pid, number)
        assert terminal.until_gone(3) in (code, 0)
        assert_restored(terminal)


def test_a_crash_restores_the_terminal_and_tells() -> None:
    # A panel that raises while it draws: the bug's traceback belongs on the ordinary screen.
    code = (
        "import sys; from wftui.tui import state;\n"
        "def broken(*a, **k): raise RuntimeError('planted bug')\n"
        "state.State.on = broken\n"
        "from wftui.__main__ import main; sys.exit(main([]))"
    )
    with Terminal((sys.executable, "-c", code)) as terminal:
        assert terminal.until_gone(20) == 1
        assert_restored(terminal)
        after = bytes(terminal.output).rpartition(b"\x1b[?1049l")[2]
        assert b"planted bug" in after
        assert b"Traceback" in after


def test_resize_storm() -> None:
    sizes = random.Random(4)  # noqa: S311  a repeatable storm, no secret
    with Terminal(size=(80, 24)) as terminal:
        live(terminal)
        for _ in range(200):
            terminal.resize((sizes.randint(1, 300), sizes.randint(1, 100)))
            terminal.read(0.005)
        terminal.resize((100, 30))
        del terminal.output[: terminal.output.rfind(b"\x1b[?1049h") + 8]
        terminal.output[:0] = b"\x1b[?1049h\x1b[?25l\x1b[?7l"
        live(terminal)
        terminal.until_shows("cpu")
        assert max(len(line) for line in terminal.screen()) <= 100
        terminal.send("q")
        assert terminal.until_gone() == 0
        assert_restored(terminal)


def test_a_dropped_line_ends_the_view_and_not_the_recorder() -> None:
    with Terminal() as terminal:
        live(terminal)
        status = subprocess.run([*WFTOP, "record", "--status"], capture_output=True, text=True, check=True)
        recorder = int(status.stdout.split()[1])
        terminal.hang_up()
        terminal.until_gone(2)
    os.kill(recorder, 0)
    again = subprocess.run([*WFTOP, "record", "--status"], capture_output=True, text=True, check=True)
    assert again.stdout.split()[1] == str(recorder)


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {"TERM": ""}])
def test_an_unfit_terminal_gets_plain_text(environ: dict[str, str]) -> None:
    with Terminal(environ=environ) as terminal:
        assert terminal.until_gone(20) == 0
        assert b"\x1b[" not in terminal.output
        assert b"cpu" in bytes(terminal.output).lower()


def test_no_color_sends_no_colour() -> None:
    with Terminal(environ={"NO_COLOR": "1"}) as terminal:
        live(terminal)
        terminal.send("q")
        terminal.until_gone()
        assert b"\x1b[38;" not in terminal.output
        assert b"\x1b[48;" not in terminal.output
        assert not any(b"\x1b[%dm" % code in terminal.output for code in (*range(30, 38), *range(90, 98)))


def test_a_locale_without_utf8_gets_ascii() -> None:
    with Terminal(environ={"LC_ALL": "C", "LANG": "C"}) as terminal:
        live(terminal)
        terminal.send("q")
        terminal.until_gone()
        assert bytes(terminal.output).isascii()


def test_the_view_comes_back_when_its_recorder_is_killed() -> None:
    with Terminal(size=(120, 40)) as terminal:
        live(terminal)
        status = subprocess.run([*WFTOP, "record", "--status"], capture_output=True, text=True, check=True)
        os.kill(int(status.stdout.split()[1]), signal.SIGKILL)
        terminal.until_shows("DISCONNECTED", 5)
        terminal.until_shows("LIVE", 15)
        terminal.send("q")
        assert terminal.until_gone() == 0
        assert_restored(terminal)
