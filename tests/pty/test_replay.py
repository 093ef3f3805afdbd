"""A bundle in a real terminal: opened without a recorder, stepped through, left; and those that are refused."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest

from tests.harness import until
from tests.pty.terminal import WFTOP, Terminal
from tests.replayed import ALERT_S, FIRST_S, GAP, HOST, LAST_S, incident
from tests.tui.fake import machine
from wftui import paths
from wftui.bundle import crypt
from wftui.render import text

pytestmark = pytest.mark.pty
LEFT, RIGHT, END, HOME = "\x1b[D", "\x1b[C", "\x1b[F", "\x1b[H"
_EAST_S = 9 * 3600
_CLOCK = re.compile(r"(\d\d:\d\d:\d\d)\+09:00")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten minutes of the machine of the view's tests."""
    return incident(tmp_path_factory.mktemp("bundle") / "incident.wftop", zone="+09:00")


@pytest.fixture(autouse=True)
def own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where replays make their folders."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def shown(terminal: Terminal) -> str:
    """The time of day that the top line shows."""
    found = _CLOCK.search(terminal.screen()[0])
    return found[1] if found else ""


def at(second: int) -> str:
    """A second as a clock of the origin shows it."""
    return time.strftime("%H:%M:%S", time.gmtime(second + _EAST_S))


def stands(terminal: Terminal, second: int) -> None:
    """Wait until a second is on the screen."""
    terminal.until(lambda: shown(terminal) == at(second), what=f"{at(second)} instead of {shown(terminal)}")


def busy(second: int) -> str:
    """CPU of the machine in one of its seconds, as the panel writes it."""
    found = {column.series.text: value for column, value in machine(second - FIRST_S)}
    return text.percent(found["system.cpu.utilization"]).strip()


def test_open_step_jump_end_quit(bundle: Path, own_tmp: Path) -> None:
    with Terminal((*WFTOP, "replay", str(bundle)), size=(120, 40)) as terminal:
        stands(terminal, ALERT_S)
        assert terminal.screen()[0].startswith(f"  REPLAY  {HOST} ")
        terminal.until_shows(busy(ALERT_S))
        for number in (1, 2, 3):
            terminal.send(LEFT)
            stands(terminal, ALERT_S - number)
        terminal.until_shows(busy(ALERT_S - 3))
        terminal.send(RIGHT)
        stands(terminal, ALERT_S - 2)
        terminal.send(END)
        stands(terminal, LAST_S)
        terminal.until_shows("the recording ends here: nothing in it is live")
        terminal.send(HOME)
        stands(terminal, FIRST_S)
        terminal.send(f"@{FIRST_S + GAP.start + 3}\r")
        terminal.until_shows("nothing was recorded at this moment")
        terminal.send(RIGHT)
        stands(terminal, FIRST_S + GAP.stop)
        terminal.send("m")
        terminal.until_shows("this is a recording")
        for screen in "23456789":
            terminal.send(screen)
            terminal.until(lambda: "LIVE" not in terminal.screen()[0], what="no live screen")
        terminal.send("q")
        assert terminal.until_gone() == 0
        terminal.assert_restored()
        assert b"LIVE" not in terminal.output
    assert not paths.places(None, None).socket.exists(), "a recorder was started"
    assert not list(own_tmp.iterdir())


def test_it_begins_where_it_was_told_to(bundle: Path) -> None:
    with Terminal((*WFTOP, "replay", str(bundle), "--at", "30s"), size=(80, 24)) as terminal:
        stands(terminal, LAST_S + 1 - 30)
        terminal.send("q")
        assert terminal.until_gone() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_is_left_however_it_ends(bundle: Path, own_tmp: Path, number: signal.Signals) -> None:
    with Terminal((*WFTOP, "replay", str(bundle)), size=(80, 24)) as terminal:
        stands(terminal, ALERT_S)
        assert list(own_tmp.iterdir())
        os.kill(terminal.pid, number)
        terminal.until_gone()
        until(lambda: not list(own_tmp.iterdir()) or None, what="an empty folder")


def test_a_view_whose_reader_died_says_so_and_goes_on(bundle: Path, own_tmp: Path) -> None:
    with Terminal((*WFTOP, "replay", str(bundle)), size=(120, 40)) as terminal:
        stands(terminal, ALERT_S)
        terminal.send(LEFT)
        stands(terminal, ALERT_S - 1)
        (reader,) = Path(f"/proc/{terminal.pid}/task/{terminal.pid}/children").read_text().split()
        os.kill(int(reader), signal.SIGKILL)
        terminal.until_shows("its reader ended")
        terminal.send(RIGHT)
        stands(terminal, ALERT_S)
        terminal.send("q")
        assert terminal.until_gone() == 0
        terminal.assert_restored()
    assert not list(own_tmp.iterdir())


def test_a_refused_bundle_never_reaches_the_alternate_screen(bundle: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.wftop"
    cut.write_bytes(bundle.read_bytes()[:5000])
    with Terminal((*WFTOP, "replay", str(cut)), size=(80, 24)) as terminal:
        assert terminal.until_gone() == 8
        assert b"\x1b[?1049h" not in terminal.output
        said = bytes(terminal.output).decode().strip().splitlines()
        assert len(said) == 1
        assert said[0].startswith("wftop: ")


def test_a_time_outside_never_reaches_the_alternate_screen(bundle: Path) -> None:
    with Terminal((*WFTOP, "replay", str(bundle), "--at", "3h"), size=(120, 24)) as terminal:
        assert terminal.until_gone() == 2
        assert b"\x1b[?1049h" not in terminal.output
        assert b"not in this recording" in terminal.output


@pytest.mark.skipif(not crypt.available(), reason="pyrage is not installed")
def test_a_passphrase_is_asked_without_an_echo(bundle: Path, tmp_path: Path) -> None:
    locked = tmp_path / "incident.wftop.age"
    crypt.encrypt_file(bundle, locked, crypt.Encryption(passphrase="correct horse"))  # noqa: S106  of this test
    with Terminal((*WFTOP, "replay", str(locked)), size=(80, 24)) as terminal:
        terminal.until_shows("Passphrase of incident.wftop.age:")
        terminal.send("correct horse\r")
        stands(terminal, ALERT_S)
        assert b"correct horse" not in terminal.output
        terminal.send("q")
        assert terminal.until_gone() == 0
    with Terminal((*WFTOP, "replay", str(locked)), size=(80, 24)) as terminal:
        terminal.until_shows("Passphrase of")
        terminal.send("wrong\r")
        assert terminal.until_gone() == 8
        assert b"\x1b[?1049h" not in terminal.output
    with Terminal((*WFTOP, "replay", str(locked)), size=(80, 24)) as terminal:
        terminal.until_shows("Passphrase of")
        terminal.send("\x03")
        assert terminal.until_gone() == 130
        assert b"Traceback" not in terminal.output
