"""A terminal for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tui.tty import Tty, stop_recorder


@pytest.fixture
def tty(tmp_path: Path) -> Iterator[Callable[..., Tty]]:
    opened: list[Tty] = []

    def start(*arguments: str, **environment: str) -> Tty:
        opened.append(Tty(tmp_path, *arguments, **environment))
        return opened[-1]

    yield start
    for each in opened:
        each.close()
    stop_recorder(tmp_path)
