"""The line mode as a process: pipes, signals, a recorder that goes and comes, and what it weighs."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Self

import pytest

from tests.harness import ROOT, Running, command, environment, recorder, until
from tests.servers.test_ended import BUSY, started

READY = "sources ok"


class Plain:
    """A running `wftop --plain`; its output goes to a file, so that no pipe fills."""

    def __init__(
        self, out: Path, *arguments: str, keyboard: int = subprocess.PIPE, locale: str = "C.UTF-8"
    ) -> None:
        self._out = out
        with out.open("wb") as file:
            self.process = subprocess.Popen(
                command("--plain", *arguments),
                stdin=keyboard,
                stdout=file,
                stderr=subprocess.PIPE,
                env=environment({"LC_ALL": locale, "TERM": "dumb"}),
                cwd=ROOT,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    @property
    def said(self) -> str:
        return self._out.read_text()

    def until_says(self, words: str, seconds: float = 15.0) -> Self:
        until(lambda: words in self.said, seconds, repr(words))
        return self

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def ended(self) -> tuple[int, bytes]:
        """Exit code and standard error."""
        assert self.process.stderr is not None
        code = self.process.wait(5)
        return code, self.process.stderr.read()


def test_words_through_a_pipe_are_answered_before_the_end() -> None:
    with recorder() as running:
        running.ticks(2)
        done = subprocess.run(
            command("--plain", "--every", "1s"),
            input=b"help\nprocesses 2\nzebra\n\nquit\nhelp\n",
            capture_output=True,
            timeout=20,
            check=False,
            env=environment({"LC_ALL": "C"}),
            cwd=ROOT,
        )
    said = done.stdout.decode("ascii")
    assert done.returncode == 0
    assert done.stderr == b""
    assert all(line.isprintable() for line in said.splitlines())
    assert said.count("quit: the end, as Control D.") == 1
    assert "processes in all" in said
    assert "There is no word zebra" in said
    assert said.count("CPU ") >= 2


def test_the_end_of_a_pipe_is_the_end_but_that_of_dev_null_is_not(tmp_path: Path) -> None:
    with (
        recorder(),
        Plain(tmp_path / "a") as piped,
        Plain(tmp_path / "b", keyboard=subprocess.DEVNULL) as silent,
    ):
        piped.until_says(READY)
        silent.until_says(READY)
        assert piped.process.stdin is not None
        piped.process.stdin.close()
        piped.process.stdin = None
        assert piped.ended() == (0, b"")
        assert silent.process.poll() is None


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 0)],
    ids=lambda value: str(value),
)
def test_signals_end_it_at_once_and_without_a_word(tmp_path: Path, number: int, code: int) -> None:
    with recorder(), Plain(tmp_path / "out") as plain:
        plain.until_says(READY)
        began = time.monotonic()
        plain.process.send_signal(number)
        assert plain.ended() == (code, b"")
        assert time.monotonic() - began < 1.0


def test_a_reader_that_has_enough_ends_it() -> None:
    with recorder() as running:
        running.ticks(1)
        plain = subprocess.Popen(
            command("--plain", "--every", "1h"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
            cwd=ROOT,
        )
        try:
            assert plain.stdout is not None
            assert plain.stderr is not None
            assert b"line mode" in plain.stdout.readline()
            plain.stdout.close()
            assert plain.wait(5) == 0
            assert plain.stderr.read() == b""
            plain.stderr.close()
        finally:
            plain.kill()
            plain.wait()


@pytest.mark.parametrize(
    ("shell", "words"),
    [(">&-", "stdout is closed"), (">/dev/full", "the output cannot be written: No space left")],
    ids=["closed", "full"],
)
def test_an_output_that_takes_nothing_is_one_line_of_error(shell: str, words: str) -> None:
    with recorder():
        line = f'"$@" --plain </dev/null {shell}'
        done = subprocess.run(
            ["sh", "-c", line, "sh", *command()],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            env=environment(),
            cwd=ROOT,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("wftop: ")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_closed_keyboard_is_no_keyboard(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with recorder():
        line = '"$@" --plain <&- >"$OUT"'
        plain = subprocess.Popen(
            ["sh", "-c", f"exec {line}", "sh", *command()], env=environment({"OUT": str(out)}), cwd=ROOT
        )
        try:
            until(lambda: out.exists() and READY in out.read_text(), 15, "the report")
            assert plain.poll() is None
        finally:
            plain.terminate()
            assert plain.wait(5) == 143


@pytest.mark.timeout(120)
def test_model_servers_are_told(tmp_path: Path) -> None:
    with started(tmp_path, BUSY) as (_, name), Running(env={"WFTOP_SERVERS_DISCOVER": "true"}) as running:
        running.ready()
        with Plain(tmp_path / "out", "--every", "2s") as plain:
            plain.until_says("6 running, 3 waiting", 60)
            plain.type("models")
            plain.until_says(name, 30)


def test_a_recorder_that_goes_and_comes(tmp_path: Path) -> None:
    with recorder() as first, Plain(tmp_path / "out", "--every", "1s") as plain:
        plain.until_says(READY)
        first.stop()
        plain.until_says("The recorder is gone: stopped.")
        plain.type("cpu")
        plain.until_says("This is old: the recorder has been gone for")
        with recorder():
            plain.until_says("The recorder answers again.")
            plain.type("quit")
            assert plain.ended() == (0, b"")


def test_it_is_small(tmp_path: Path) -> None:
    with recorder(), Plain(tmp_path / "out", "--every", "1s") as plain:
        plain.until_says(READY)
        for word in ("all", "gpu", "processes 50", "events", "sources", "every 2s"):
            plain.type(word)
        plain.until_says("every 2 seconds")
        pages = int(Path(f"/proc/{plain.process.pid}/statm").read_text().split()[1])
        assert pages * os.sysconf("SC_PAGE_SIZE") < 25 * 1000**2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--plain", "--every", "0.2s"), "from 1s to 1h"),
        (("--plain", "--every", "blue"), "expected a duration"),
        (("--every", "2s"), "--every goes with --plain"),
        (("--plain", "--once"), "choose one"),
    ],
)
def test_what_is_typed_wrongly(arguments: tuple[str, ...], words: str) -> None:
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=10, check=False, env=environment(), cwd=ROOT
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""
