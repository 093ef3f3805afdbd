"""A tmux server of its own, with a shell in it: what a person sees who detaches, stops and comes back."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.pty.terminal import WFTOP


class Tmux:
    """One session; ``LINES`` of its pane are read as text."""

    def __init__(self, folder: Path, size: tuple[int, int] = (120, 40)) -> None:
        self._socket = str(folder / "tmux")
        self._environment = {
            **{name: value for name, value in os.environ.items() if name not in ("TMUX", "TMUX_PANE")},
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm-256color",
            "PS1": "shell> ",
            "ENV": "",
        }
        self.run(
            "-f", "/dev/null", "new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), "-s", "t", "sh", "-i"
        )
        self.run("set", "-g", "status", "off")
        self.until("shell>")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], capture_output=True, check=False)

    def run(self, *arguments: str) -> str:
        """A tmux command; its output."""
        command = ["tmux", "-S", self._socket, *arguments]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=True, timeout=20
        )
        return done.stdout

    def wftop(self) -> None:
        """Start the view and wait for its data."""
        self.type(shlex.join(WFTOP))
        self.until("LIVE")

    def type(self, line: str) -> None:
        """A line and Enter."""
        self.run("send-keys", "-t", "t", "-l", line)
        self.keys("Enter")

    def keys(self, *names: str) -> None:
        """Keys as tmux names them."""
        self.run("send-keys", "-t", "t", *names)

    def screen(self) -> list[str]:
        """Lines of the pane."""
        return self.run("capture-pane", "-p", "-t", "t").splitlines()

    def until(self, text: str | Callable[[list[str]], bool], seconds: float = 20.0) -> list[str]:
        """Wait until the pane shows a text, or a condition holds for its lines.

        Raises:
            AssertionError: It did not; the message shows the pane.
        """
        end = time.monotonic() + seconds
        while True:
            lines = self.screen()
            if text in "\n".join(lines) if isinstance(text, str) else text(lines):
                return lines
            if time.monotonic() > end:
                raise AssertionError(f"waited for {text!r}\n" + "\n".join(lines))
            time.sleep(0.05)
