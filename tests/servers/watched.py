"""A server that is watched on a clock that jumps, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from tests.fakeclock import FakeClock
from tests.servers.fake import Fake
from wftui.clock import NS_PER_S
from wftui.collectors.servers.attention import Attention
from wftui.collectors.servers.watch import Watch
from wftui.model.sample import Occurrence, Reading


class Watched:
    """What was told of it."""

    def __init__(self, server: Fake, clock: FakeClock, kind: str = "llamacpp", hz: float = 1) -> None:
        self.clock = clock
        self.readings: list[Reading] = []
        self.events: list[str] = []
        self.attention = Attention()
        self.attention.wanted_hz = hz
        self.watch = Watch(server.endpoint, (kind,), clock, self._tell, attention=self.attention)

    def _tell(self, _: Watch, reading: Reading | None, events: Sequence[Occurrence] | None) -> None:
        if reading is not None:
            self.readings.append(reading)
        self.events += [item.kind for item in events or ()]

    async def seconds(self, count: float) -> None:
        """Let so many pass."""
        end = self.clock.boottime_ns + int(count * NS_PER_S)
        running = asyncio.create_task(self.watch.run())
        async with asyncio.timeout(60):
            while self.clock.boottime_ns < end:
                await asyncio.sleep(0)
                assert not running.done(), running
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    def told(self, series: str) -> list[tuple[int, float, float]]:
        """When (CLOCK_BOOTTIME), value, and seconds to the next one, of the series that begin so."""
        return [
            (reading.at.boottime_ns, sample.value, reading.interval_s)
            for reading in self.readings
            for sample in reading.samples
            if sample.column.series.text.startswith(series)
        ]
