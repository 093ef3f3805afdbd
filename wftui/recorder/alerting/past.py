"""The last seconds of the session before: windows of rules are full again soon after a start, not after a window.

What is usual over longer spans is no window: ``backfill`` asks for it.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from typing import Final

from wftui import clock, log
from wftui.clock import NS_PER_S
from wftui.errors import StoreError
from wftui.model.tick import Layout, Tick
from wftui.store.read import Reader

AT_ONCE: Final = 60
"""Ticks that are read in one go: some 300 KB."""
SLICE_S: Final = 0.008
"""The loop is held up no longer than that; a second of 100 rules takes 1 ms."""
PAUSE_S: Final = 0.016


class Past:
    """Reads in a thread."""

    def __init__(self, open_reader: Callable[[], Reader], last: Tick) -> None:
        """``last``: the last second of the session before."""
        self._open = open_reader
        self._last = last

    async def seconds(self, window_s: int, now_s: int) -> AsyncIterator[tuple[Tick, Layout]]:
        """Those that lie within ``window_s`` before ``now_s`` (UTC), oldest first; none that cannot be read."""
        if not 0 <= now_s - self._last.time_s < window_s:
            return
        try:
            with closing(_Held(await asyncio.to_thread(self._open))) as held:
                seq = self._last.seq - window_s
                while seq < self._last.seq:
                    until = min(seq + AT_ONCE, self._last.seq)
                    for item in await asyncio.to_thread(held.read, seq + 1, until):
                        if item[0].time_s >= now_s - window_s:
                            yield item
                    seq = until
        except StoreError as error:
            log.warning("alert", "the last seconds before the start cannot be read", reason=str(error))


class _Held:
    """A reader that is not closed while a thread still reads, whose task was cancelled: SQLite would crash."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._lock = threading.Lock()
        self._closed = False

    def read(self, first: int, last: int) -> list[tuple[Tick, Layout]]:
        """Ticks with their layouts; none after it was closed."""
        with self._lock:
            return [] if self._closed else _read(self._reader, first, last)

    def close(self) -> None:
        """Wait for the piece that is being read: some milliseconds."""
        with self._lock:
            self._closed = True
            self._reader.close()


def _read(reader: Reader, first: int, last: int) -> list[tuple[Tick, Layout]]:
    found = []
    for tick in reader.sequence(first, last):
        layout = reader.layout(tick.layout)
        if len(tick.values) == 8 * len(layout.columns):  # else the layout is damaged
            found.append((tick, layout))
    return found


class Breaks:
    """Lets others have the loop between short pieces of work."""

    def __init__(self) -> None:
        self._since_ns = clock.perf_ns()

    async def __call__(self) -> None:
        """Pause when a piece is long enough."""
        if clock.perf_ns() - self._since_ns > SLICE_S * NS_PER_S:
            await asyncio.sleep(PAUSE_S)
            self._since_ns = clock.perf_ns()
