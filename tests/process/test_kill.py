"""kill -9 at any moment: at most two seconds are gone, and the next start needs no cleaning."""

from __future__ import annotations

import random
import signal
import time

import pytest

from tests.harness import Running, View, events, stored
from wftui.paths import places


@pytest.mark.parametrize("rounds", [10, pytest.param(200, marks=pytest.mark.slow)])
def test_killed_again_and_again(rounds: int) -> None:
    dice = random.Random(7)  # noqa: S311  when to kill, the same each run
    where = places()
    slowest_s = 0.0
    most_missing = 0
    for number in range(rounds):
        with Running() as running:
            running.ready()
            slowest_s = max(slowest_s, time.monotonic() - running.started)
            before = stored(where)
            with View(where) as view:
                seen = view.tick().seq
                deadline = time.monotonic() + dice.uniform(0, 1.3 if number % 4 else 0.05)
                while time.monotonic() < deadline:
                    seen = view.tick().seq
                running.signal(signal.SIGKILL)
                assert running.ended() == -signal.SIGKILL
        after = stored(where)
        assert after[: len(before)] == before, "what was committed stays"
        last = after[-1] if after else 0  # the very first second may end with its process
        assert after == list(range(1, last + 1)), "no hole: the numbers go on where they ended"
        most_missing = max(most_missing, seen - last)
        assert seen - last <= 2
    print(f"{rounds} kills: slowest start {slowest_s:.2f} s, at most {most_missing} ticks missing")  # noqa: T201  the figure, shown by pytest -s
    assert slowest_s < 2.0
    assert len(events(where, "recorder.unclean")) == rounds - 1, "each later start says so"
    with Running() as running:
        running.ready()
        assert running.status().store.state == "ok"
        assert running.stop() == 0
    assert len(events(where, "recorder.stopped")) == 1
    assert not list(where.data_dir.glob("*damaged*"))
