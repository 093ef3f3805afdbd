"""The frame clock: when frames are made, and what they are said to have cost."""

from __future__ import annotations

import asyncio
import gc
import selectors

import pytest

from wftui.tui import frames
from wftui.tui.frames import AUTO, DATA, FULL, REDUCED, SMOOTH, Clock, Costs, state_for


@pytest.mark.parametrize(
    ("motion", "moves", "remote", "asked", "idle_s", "heard", "state"),
    [
        (AUTO, False, False, True, 0, True, DATA),
        (AUTO, True, False, False, 0, True, SMOOTH),
        (AUTO, True, False, True, 0, True, FULL),
        (AUTO, True, False, True, 61, True, SMOOTH),
        (AUTO, True, True, False, 0, True, DATA),
        (AUTO, True, True, True, 0, True, FULL),
        (AUTO, True, True, True, 61, True, DATA),
        (AUTO, True, False, True, 0, False, DATA),
        (REDUCED, True, False, True, 0, True, DATA),
        (FULL, True, True, False, 9e9, True, FULL),
        (FULL, False, False, True, 0, True, DATA),
    ],
)
def test_when_something_moves(
    motion: str, moves: bool, remote: bool, asked: bool, idle_s: float, heard: bool, state: str
) -> None:
    found = state_for(motion, moves=moves, remote=remote, asked=asked, idle_s=idle_s, heard=heard)
    assert found == state


def run(seconds: float, hz_state: str) -> list[float]:
    """Times of the frames that a clock made."""
    made: list[float] = []

    async def main() -> None:
        clock = Clock(asyncio.get_running_loop(), made.append)
        clock.want(hz_state)
        assert not gc.isenabled()
        await asyncio.sleep(seconds)
        clock.want(DATA)
        count = len(made)
        await asyncio.sleep(0.1)
        assert len(made) == count, "nothing moves any more"
        assert gc.isenabled()

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(main())
    return made


def test_the_clock_runs_only_while_something_moves() -> None:
    made = run(0.5, SMOOTH)
    # Never more than its rate, however busy the machine.
    assert 2 <= len(made) <= 7


def test_missed_turns_are_not_made_up_for() -> None:
    made: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        clock = Clock(loop, made.append)
        clock.want(FULL)
        await asyncio.sleep(0.05)
        before = len(made)
        began = loop.time()
        while loop.time() - began < 0.3:
            pass
        await asyncio.sleep(0.05)
        clock.stop()
        assert len(made) - before <= 8, "eighteen turns were missed"

    asyncio.run(main())


def test_costs_tell_the_95th_percentile_and_the_longest_key_once() -> None:
    costs = Costs()
    for place in range(100):
        costs.frame(place / 60, place / 60 + (0.010 if place >= 90 else 0.001))
    costs.whole(0.5, 0.5001)
    costs.key(0.002)
    costs.key(0.007)
    costs.key(0.001)
    work, key, longest = costs.take()
    assert longest == pytest.approx(1 / 60)
    assert work == pytest.approx(0.010)
    assert key == 0.007
    work, key, longest = costs.take()
    assert longest != longest
    assert work != work
    assert key != key


def test_a_pause_is_no_interval() -> None:
    costs = Costs()
    costs.frame(0.0, 0.001)
    costs.frame(0.1, 0.101)
    costs.pause()
    costs.frame(50.0, 50.001)
    assert costs.take()[2] == pytest.approx(0.1), "and not fifty seconds"
    assert frames.HZ[FULL] > 60, "a late timer must not cost the sixtieth frame"
