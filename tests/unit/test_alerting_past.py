"""The journal's last seconds are read in a thread: what ends the task does not close the reader under it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import suppress

from wftui.model.tick import Tick
from wftui.recorder.alerting.past import Past


class Slow:
    """A reader that takes its time, and knows whether it was closed meanwhile."""

    def __init__(self) -> None:
        self.reads = threading.Event()
        self.go_on = threading.Event()
        self.reading = False
        self.closed = False
        self.closed_under_a_read = False

    def sequence(self, first: int, last: int) -> Iterator[Tick]:
        del first, last
        self.reading = True
        self.reads.set()
        self.go_on.wait(10)
        self.reading = False
        return iter(())

    def close(self) -> None:
        self.closed = True
        self.closed_under_a_read = self.reading


def test_a_cancelled_task_closes_the_reader_after_the_read() -> None:
    reader = Slow()
    past = Past(lambda: reader, Tick(100, 1_000, 0, 1, 1, b""))  # type: ignore[arg-type,return-value]  # what it uses of one

    async def catch_up() -> None:
        async for _ in past.seconds(60, 1_001):
            pass

    async def run() -> None:
        task = asyncio.create_task(catch_up())
        await asyncio.to_thread(reader.reads.wait, 10)
        threading.Timer(0.05, reader.go_on.set).start()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert reader.closed
    assert not reader.closed_under_a_read
