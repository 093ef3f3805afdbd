"""Bursts: the full-rate samples around a mark, from the rings into the journal.

A mark wants a minute before and a minute after it. The rings are copied when that minute is over, a few series at
a time so that the recorder's loop does not notice; the keeper's thread does the rest.
"""

import asyncio
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from wftui import clock, redact, text
from wftui.clock import NS_PER_S, Instant
from wftui.errors import StoreError
from wftui.model.sample import Column
from wftui.model.tick import Layout
from wftui.recorder.emitter import Emit
from wftui.recorder.keeper import Job
from wftui.store.journal import Burst, Journal
from wftui.windows.ring import Pool

AROUND_NS: Final = 60 * NS_PER_S
"""Before and after a mark."""
EVERY_NS: Final = 60 * NS_PER_S
"""At most one burst begins in that time."""
PIECE_NS: Final = 180 * NS_PER_S
"""A burst that marks keep extending is stored in pieces: the rings hold five minutes."""
MAX_BYTES: Final = 50_000_000
"""Of bursts in the journal (By); what is sealed is the retention's."""
STEP_NS: Final = 3_000_000
"""Time in the loop at once: half of what one slot may take."""
CHECK: Final = 8
"""Series copied between two looks at the clock."""
NAME_LIMIT: Final = 80
"""Characters of a mark's name."""
MARK_LIMIT_NS: Final = 1 << 62
"""UTC; later (the year 2116) no mark can be."""
SAMPLE_BYTES: Final = 16
"""Of a time and a value in the journal."""

_Piece = list[tuple[Column, "array[int]", "array[float]"]]
"""Of each series its times (CLOCK_BOOTTIME) and values."""


def mark_name(given: str, time_ns: int) -> str:
    """What a mark is called: 1 to 80 printable characters without secrets; ``mark HH:MM:SS`` without a name."""
    name = redact.message(text.clean(given.strip(), 4 * NAME_LIMIT))
    if not name:
        return time.strftime("mark %H:%M:%S", time.localtime(time_ns // NS_PER_S))
    return name if len(name) <= NAME_LIMIT else name[: NAME_LIMIT - 1] + text.ELLIPSIS


class _Capture:
    """One burst; times are CLOCK_BOOTTIME."""

    __slots__ = (
        "begin", "event_id", "first", "high", "last", "low", "names", "offset_ns", "reason", "samples",
    )  # fmt: skip

    def __init__(self, event_id: str, low: int, high: int, offset_ns: int) -> None:
        self.event_id = event_id
        self.begin = low
        self.low = low
        """Where the next piece begins: what is before it is stored already."""
        self.high = high
        self.offset_ns = offset_ns
        """UTC - CLOCK_BOOTTIME at the mark's moment."""
        self.names: set[str] = set()
        self.samples = 0
        self.first = self.last = 0
        self.reason = ""
        """Why it was not stored; set in the keeper's thread."""


class Bursts:
    """Marks in, bursts out. All methods belong to the recorder's loop."""

    def __init__(
        self, pool: Callable[[], Pool], seq: Callable[[], int], put: Callable[[Job], None], emit: Emit
    ) -> None:
        """``pool``: the rings; ``seq``: of the open tick; ``put``: to the keeper; ``emit``: makes an event."""
        self._pool = pool
        self._seq = seq
        self._put = put
        self._emit = emit
        self._waiting: list[_Capture] = []
        self._stored: _Capture | None = None
        """The newest that is over: a mark that overlaps it extends it."""
        self._began_ns: int | None = None
        self._steps: list[Iterator[None]] = []
        self._untold: list[_Capture] = []
        """Handed over whole; the keeper has not said yet that it is through with them."""
        self._offsets: list[tuple[int, int]] = []
        """(CLOCK_BOOTTIME until which it held, UTC - CLOCK_BOOTTIME) before each step, oldest first."""

    def clock_stepped(self, by_ns: int, at: Instant) -> None:
        """The wall clock jumped: moments before it are elsewhere in the rings."""
        self._offsets.append((at.boottime_ns, at.time_ns - at.boottime_ns - by_ns))
        del self._offsets[:-16]

    def wanted(self, event_id: str, time_ns: int, now: Instant) -> None:
        """Store what is around a moment (UTC), or tell why not."""
        at_ns, offset_ns = self._place(time_ns, now)
        low, high = at_ns - AROUND_NS, at_ns + AROUND_NS
        span_s = self._pool().span_s
        if high <= now.boottime_ns - span_s * 1e9:
            self._refuse(event_id, f"older than the full-rate samples, which are kept for {span_s:g} s")
            return
        for capture in self._waiting:
            if low <= capture.high and capture.begin <= high:
                if capture.low == capture.begin:
                    capture.low = capture.begin = min(capture.low, low)
                capture.high = max(capture.high, high)
                return
        stored = self._stored
        if stored is not None and low <= stored.high and stored.begin <= high:
            if low < stored.begin:
                self._waiting.append(_Capture(stored.event_id, low, stored.begin, offset_ns))
            if high > stored.high:
                self._waiting.append(_Capture(stored.event_id, stored.high, high, offset_ns))
            return
        if self._began_ns is not None and now.boottime_ns - self._began_ns < EVERY_NS:
            self._refuse(event_id, f"at most one burst begins in {EVERY_NS / NS_PER_S:g} s")
            return
        self._began_ns = now.boottime_ns
        self._waiting.append(_Capture(event_id, low, high, offset_ns))

    def _place(self, time_ns: int, now: Instant) -> tuple[int, int]:
        """Where a moment is on CLOCK_BOOTTIME, and the offset then; of two passes of an hour the later one."""
        offset_ns = now.time_ns - now.boottime_ns
        until = now.boottime_ns + 1
        places = [0, *(until for until, _ in self._offsets)]
        offsets = [*(before_ns for _, before_ns in self._offsets), offset_ns]
        for since, found_ns in zip(reversed(places), reversed(offsets), strict=True):
            if since <= time_ns - found_ns < until:
                return time_ns - found_ns, found_ns
            until = since
        return time_ns - offset_ns, offset_ns  # still to come, or in what a step left out

    def second_ended(self, now: Instant, layout: Layout) -> None:
        """Begin to store what is over; its steps take turns with all else in the loop."""
        if not self._waiting:
            return
        idle = not self._steps
        for capture in list(self._waiting):
            if now.boottime_ns >= capture.high or now.boottime_ns - capture.low >= PIECE_NS:
                self._steps.append(self._begin(capture, now.boottime_ns, layout))
        if idle and self._steps:
            asyncio.get_running_loop().call_soon(self._step)

    def finish(self, now: Instant, layout: Layout) -> None:
        """The recorder ends: store what there is, at once."""
        for capture in list(self._waiting):
            capture.high = min(capture.high, now.boottime_ns + 1)
            self._steps.append(self._begin(capture, capture.high, layout))
        for steps in self._steps:
            deque(steps, 0)
        self._steps.clear()
        for capture in list(self._untold):
            self._tell(capture)  # the keeper's word would come too late

    def _step(self) -> None:
        if self._steps and next(self._steps[0], _Done) is _Done:
            self._steps.pop(0)
        if self._steps:
            asyncio.get_running_loop().call_soon(self._step)

    def _begin(self, capture: _Capture, now_ns: int, layout: Layout) -> Iterator[None]:
        """The steps that store a capture as far as it is over."""
        low, capture.low = capture.low, min(now_ns, capture.high)
        done = capture.low == capture.high
        if done:
            self._waiting.remove(capture)
            self._remember(capture)
        return self._steps_of(capture, low, capture.low, layout, done)

    def _remember(self, capture: _Capture) -> None:
        before, self._stored = self._stored, capture
        if before is not None and before.event_id == capture.event_id:
            capture.begin = min(before.begin, capture.begin)
            capture.high = max(before.high, capture.high)

    def _steps_of(self, capture: _Capture, low: int, high: int, layout: Layout, done: bool) -> Iterator[None]:
        """Copy [low, high) out of the rings, a step's worth at a time."""
        pool = self._pool()
        piece: _Piece = []
        started = clock.perf_ns()
        for number, column in enumerate(layout.columns):
            ring = pool.get(column.series.text)
            if ring is None:
                continue  # the peak of the series before it: the samples themselves say it
            times, values = ring.between(low, high)
            if times:
                piece.append((column, times, values))
                capture.names.add(column.series.text)
                capture.first = min(capture.first or times[0], times[0])
                capture.last = max(capture.last, times[-1])
                capture.samples += len(times)
            if number % CHECK == CHECK - 1 and clock.perf_ns() - started > STEP_NS:
                self._put(partial(_store, capture, self._seq(), piece))
                piece = []
                yield
                started = clock.perf_ns()
        self._put(partial(_store, capture, self._seq(), piece))
        if not done:
            return
        self._untold.append(capture)
        loop = asyncio.get_running_loop()
        self._put(lambda _: loop.call_soon_threadsafe(self._tell, capture))

    def _tell(self, capture: _Capture) -> None:
        if capture not in self._untold:
            return
        self._untold.remove(capture)
        if not capture.samples:
            capture.reason = capture.reason or "there are no full-rate samples of that time"
        if capture.reason:
            self._refuse(capture.event_id, capture.reason)
            return
        payload = {
            "series": len(capture.names),
            "samples": capture.samples,
            "bytes": capture.samples * SAMPLE_BYTES,
            "since_ns": capture.first + capture.offset_ns,
            "until_ns": capture.last + capture.offset_ns,
        }
        self._emit("burst.stored", ("mark", capture.event_id), payload)

    def _refuse(self, event_id: str, reason: str) -> None:
        self._emit("burst.stored", ("mark", event_id), {"series": 0, "samples": 0, "bytes": 0, "reason": reason})


class _Done:
    """What the last step of a capture gives."""


def _store(capture: _Capture, seq: int, piece: _Piece, journal: Journal) -> None:
    """Write a piece. In the keeper's thread."""
    if capture.reason or not piece:
        return
    size = sum(len(times) for _, times, _ in piece) * SAMPLE_BYTES
    if journal.burst_bytes() + size > MAX_BYTES:
        capture.reason = f"bursts take {MAX_BYTES // 1_000_000} MB at most until they are sealed"
        return
    offset_ns = capture.offset_ns
    rows = [
        Burst(seq, capture.event_id, column, array("q", [at + offset_ns for at in times]), array("d", values))
        for column, times, values in piece
    ]
    try:
        journal.write(bursts=rows)
    except StoreError as error:
        capture.reason = str(error)
        raise
