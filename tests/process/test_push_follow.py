"""What is pushed sixty times a second reaches who follows as it comes, and is kept so, with a real recorder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from tests.harness import View, recorder, until
from tests.process.test_push import Program
from wftui.model.tick import unpack
from wftui.wire import messages as m

HZ = 60
LEVEL = 'ux.energy.level{source="ui"}'
FRAME = 'ux.frame.duration{source="ui",stat="max"}'
FRAMES = 'custom.ui.frames{source="ui"}'
STEP = 1 / 1024
"""Between two values: a number of its own for each frame, exact in float32."""


@contextmanager
def frames() -> Iterator[list[tuple[int, int]]]:
    """A program that pushes each of its frames; the list holds before and after each push (UTC ns)."""
    ends = Event()
    times: list[tuple[int, int]] = []

    def run() -> None:
        with Program() as program:
            due = time.monotonic()
            while not ends.is_set():
                number = len(times)
                time.sleep(max(0.0, due - time.monotonic()))
                due = max(due + 1 / HZ, time.monotonic())  # what a busy machine leaves out is not made up for
                before = time.time_ns()
                reply = program.native(
                    {"name": "ux.energy.level", "value": number * STEP},
                    {"name": "ux.frame.duration", "value": number * STEP},
                    {"name": "frames", "value": 1, "kind": "counter"},
                    source="ui",
                )
                assert reply["accepted"] == 3
                times.append((before, time.time_ns()))

    thread = Thread(target=run)
    thread.start()
    try:
        yield times
    finally:
        ends.set()
        thread.join()


def followed(view: View, seconds: float) -> dict[str, list[tuple[int, float, int]]]:
    """By series: time, value and when it arrived, of so many seconds at full rate."""
    texts: list[str] = []
    found: dict[str, list[tuple[int, float, int]]] = {}
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        message = view.next()
        assert message is not None
        if isinstance(message, m.LayoutChanged):
            texts = [column.series.text for column in message.columns]
        if isinstance(message, m.Samples):
            arrived = time.time_ns()
            for at, place, value in zip(message.time_ns, message.places, unpack(message.values), strict=True):
                found.setdefault(texts[place], []).append((at, value, arrived))
    return found


@pytest.mark.alone
def test_sixty_a_second_are_followed_as_they_come_and_kept_at_their_own_times() -> None:
    with recorder() as running:
        with frames() as times:
            until(lambda: len(times) > 2 * HZ, what="two seconds of frames")
            with View(running.where, HZ) as view:
                found = followed(view, 3.0)
            # Not a row of seconds: nobody follows any more, and the recorder holds them as they came.
            running.ticks(running.status().ticks + 3)
            with running.ask() as connection:
                reply = connection.ask(m.Windows(["ux.energy.level"]), m.WindowsReply)
            pushed = sum(before > times[-1][0] - 9_000_000_000 for before, _ in times)
        for text in (LEVEL, FRAME):
            numbers = {round(value / STEP) for _, value, _ in found[text]}
            between = range(min(numbers), max(numbers) + 1)
            assert len(between) >= HZ
            # All that came so long after the one before as 60 a second do: on an idle machine that are all.
            missing = sorted(set(between) - numbers)
            assert [n for n in missing if times[n][0] - times[n - 1][1] > 15_000_000] == []
            for at, value, _ in found[text]:
                before, after = times[round(value / STEP)]
                assert before - 5_000_000 <= at <= after + 5_000_000
            waited = sorted(arrived - at for at, _, arrived in found[text])
            assert waited[len(waited) // 2] < 50_000_000
        counts = [value for _, value, _ in found[FRAMES]]
        assert counts == sorted(counts)
        assert len(counts) >= HZ
        [kept] = [item.count for item in reply.stats if (item.series, item.span_s) == (LEVEL, 10.0)]
        assert kept >= 0.8 * pushed - 2 * HZ
        assert running.stop() == 0
        assert running.errors() == ""
