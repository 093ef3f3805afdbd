"""The beat inside the loop's waiting: on the grid, never in the way of anything else."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from itertools import pairwise
from typing import Any

import pytest

from wftui.clock import Instant
from wftui.recorder.metronome import Metronome

PERIOD_NS = 20_000_000


def run(made: Callable[[Metronome], Coroutine[Any, Any, None]]) -> None:
    """Run in a metronome's loop."""
    metronome = Metronome()
    with asyncio.Runner(loop_factory=metronome.loop) as runner:
        runner.run(made(metronome))


def test_beats_come_on_the_grid_and_leave_the_loop_alone() -> None:
    seen: list[Instant] = []

    async def main(metronome: Metronome) -> None:
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        turns = 0

        def turn() -> None:
            nonlocal turns
            turns += 1
            loop.call_soon(turn)

        def beat(now: Instant) -> bool:
            seen.append(now)
            if len(seen) == 10:
                done.set()
            return len(seen) == 10

        task = asyncio.ensure_future(metronome.beat(PERIOD_NS, beat))
        await done.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # A loop that is never idle still beats.
        seen.clear()
        done.clear()
        again = asyncio.ensure_future(metronome.beat(PERIOD_NS, beat))
        loop.call_soon(turn)
        await done.wait()
        again.cancel()
        assert turns > 10

    run(main)
    steps = [b.time_ns // PERIOD_NS - a.time_ns // PERIOD_NS for a, b in pairwise(seen)]
    assert min(steps) >= 1


def test_timers_and_threads_are_heard_between_two_beats() -> None:
    async def main(metronome: Metronome) -> None:
        loop = asyncio.get_running_loop()
        called = asyncio.Event()
        beats = 0

        def beat(_: Instant) -> bool:
            nonlocal beats
            beats += 1
            return False

        task = asyncio.ensure_future(metronome.beat(3_600_000_000_000, beat))
        began = time.monotonic()
        await asyncio.sleep(0.01)
        threading.Timer(0.01, loop.call_soon_threadsafe, (called.set,)).start()
        await called.wait()
        assert 0.02 <= time.monotonic() - began < 30
        assert beats <= 1  # the hour may just be over
        task.cancel()

    run(main)


def test_after_a_beat_that_left_something_to_do_the_loop_turns() -> None:
    async def main(metronome: Metronome) -> None:
        told = asyncio.Event()

        def beat(_: Instant) -> bool:
            told.set()
            return True

        task = asyncio.ensure_future(metronome.beat(PERIOD_NS, beat))
        await told.wait()
        task.cancel()

    run(main)


def test_what_a_beat_raises_ends_it() -> None:
    async def main(metronome: Metronome) -> None:
        calls = 0

        def beat(_: Instant) -> bool:
            nonlocal calls
            calls += 1
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await metronome.beat(PERIOD_NS, beat)
        await asyncio.sleep(3 * PERIOD_NS / 1e9)
        assert calls == 1

    run(main)


def test_files_that_are_always_ready_do_not_keep_it_from_beating() -> None:
    beats = 0

    async def main(metronome: Metronome) -> None:
        nonlocal beats
        loop = asyncio.get_running_loop()
        ends = asyncio.Event()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.send(b"never read")
            loop.add_reader(ours, bool)

            def beat(now: Instant) -> bool:
                nonlocal beats
                beats += 1
                if now.boottime_ns >= until_ns:
                    ends.set()
                return now.boottime_ns >= until_ns

            until_ns = metronome.now().boottime_ns + 25 * PERIOD_NS
            beating = asyncio.ensure_future(metronome.beat(PERIOD_NS, beat))
            try:
                async with asyncio.timeout(20):
                    await ends.wait()
            finally:
                beating.cancel()
                loop.remove_reader(ours)

    run(main)
    assert beats > 5
