"""Fifty recorders at once: one runs, the others name it and leave."""

from __future__ import annotations

import subprocess
import time

import pytest

from tests.harness import Running, command, environment, stored
from wftui.errors import NoDataError
from wftui.paths import places


def _recorded() -> bool:
    try:
        return bool(stored(places()))
    except NoDataError:
        return False


@pytest.mark.alone
def test_fifty_at_once() -> None:
    started = time.monotonic()
    env = environment()
    crowd = [
        subprocess.Popen(command("record"), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in range(50)
    ]
    try:
        deadline = started + 20
        while sum(item.poll() is None for item in crowd) > 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        took_s = time.monotonic() - started
        running = [item for item in crowd if item.poll() is None]
        assert len(running) == 1
        (winner,) = running
        left = [item for item in crowd if item is not winner]
        assert {item.returncode for item in left} == {3}
        for item in left:
            assert item.stderr is not None
            said = item.stderr.read()
            assert f"pid {winner.pid}" in said
            assert said.count("\n") == 1, "one line"
        print(f"49 of 50 left within {took_s:.2f} s")  # noqa: T201  the figure, shown by pytest -s
        assert took_s < 5.0
        while not _recorded() and time.monotonic() < deadline:
            time.sleep(0.05)
        winner.terminate()
        assert winner.wait(5) == 0
    finally:
        for item in crowd:
            item.kill()
            item.wait()
            if item.stderr is not None:
                item.stderr.close()
    assert stored(places())


def test_a_second_one_names_the_first() -> None:
    with Running() as first:
        first.ready()
        with Running() as second:
            assert second.ended() == 3
            assert f"pid {first.pid}" in second.errors()
        assert first.process.poll() is None
        # What a view starts when one runs already leaves in the same way.
        with Running("--for-view") as third:
            assert third.ended() == 3
