"""The graphs' past in blocks of 256 seconds of wall clock, fetched as they come near the cursor.

A block is asked for once and answers every step inside it; blocks that were not looked at for long are dropped.
"""

from __future__ import annotations

from array import array
from typing import Final

from wftui.model import tick as ticks
from wftui.tui.history import NAN, STATISTICS
from wftui.units import NS_PER_S
from wftui.wire import messages as wire

SECONDS: Final = 256
"""Seconds of one block: about 8 ms of the recorder's time, so that a question about a moment never waits long."""
KEPT: Final = 24
"""Blocks kept: 300 columns of bar and graph need 10."""
UNKNOWN: Final = -1
_TRIES: Final = 2


class Block:
    """Values by second of one stretch of wall clock."""

    __slots__ = ("counts", "series", "until")

    def __init__(self) -> None:
        self.counts = array("h", [UNKNOWN]) * SECONDS
        """Ticks in each second; 0 is a gap, ``UNKNOWN`` was not asked yet."""
        self.series: dict[str, array[float]] = {}
        self.until = 0
        """Seconds of UTC before which it is whole."""


class Blocks:
    """All blocks near the cursor."""

    def __init__(self) -> None:
        self._blocks: dict[int, Block] = {}
        self._failures: dict[int, int] = {}

    def values(self, text: str, end: int, count: int) -> list[float]:
        """The ``count`` seconds of a series up to and with ``end``; NaN = gap, or not here yet."""
        out: list[float] = []
        start = end - count + 1
        for number in range(start // SECONDS, end // SECONDS + 1):
            base = number * SECONDS
            low, high = max(start, base) - base, min(end + 1 - base, SECONDS)
            block = self._blocks.get(number)
            column = block.series.get(text) if block else None
            out += column[low:high].tolist() if column is not None else [NAN] * (high - low)
        return out

    def counts(self, begin: int, end: int) -> list[int]:
        """Ticks in each second of [begin, end); ``UNKNOWN`` where no block is here."""
        out: list[int] = []
        for number in range(begin // SECONDS, (end - 1) // SECONDS + 1):
            base = number * SECONDS
            low, high = max(begin, base) - base, min(end - base, SECONDS)
            block = self._blocks.get(number)
            out += block.counts[low:high].tolist() if block else [UNKNOWN] * (high - low)
        return out

    def missing(self, begin: int, end: int, cursor: int, newest: int) -> int | None:
        """The block to ask for next, for all of [begin, end): the nearest to the cursor first; None: all are here.

        A block that ends in the present is asked for again when the cursor leaves what it knew, or lags by far.
        """
        found: list[int] = []
        for number in range(begin // SECONDS, (end - 1) // SECONDS + 1):
            block = self._blocks.get(number)
            need = min((number + 1) * SECONDS, newest + 1)
            if block is not None and cursor >= block.until:
                need = min(need, cursor + 1)
            elif block is not None:
                need -= 30
            if (block is None or block.until < need) and self._failures.get(number, 0) < _TRIES:
                found.append(number)
        at = cursor // SECONDS
        return min(found, key=lambda number: (abs(number - at), number), default=None)

    @staticmethod
    def question(number: int, selectors: list[str]) -> wire.Range:
        """What asks for a block."""
        since = number * SECONDS
        return wire.Range(selectors, since * NS_PER_S, (since + SECONDS) * NS_PER_S, SECONDS)

    def failed(self, number: int) -> None:
        """A block could not be had; after some tries it is not asked for again."""
        self._failures[number] = self._failures.get(number, 0) + 1

    def forgive(self) -> None:
        """Blocks that failed may be asked for again."""
        self._failures.clear()

    def take(self, number: int, reply: wire.RangeReply, newest: int) -> None:
        """Keep an answer; ``newest``: the last second that was over when it was asked for."""
        block = Block()
        base = number * SECONDS
        block.until = min(base + SECONDS, newest + 1)
        if reply.step_ns > 0:
            step = max(1, reply.step_ns // NS_PER_S)
            first = reply.start_ns // NS_PER_S - base
            block.counts = _seconds(array("h", [min(count, 9) for count in reply.counts]), first, step, 0)
            for item in reply.series:
                stat = item.column.series.stat
                if not stat or stat in STATISTICS:
                    mean = ticks.unpack(item.mean)
                    block.series[item.column.series.text] = _seconds(mean, first, step, NAN)
        # What is still to come is no gap.
        for place in range(max(0, block.until - base), SECONDS):
            block.counts[place] = UNKNOWN
        self._blocks.pop(number, None)
        self._blocks[number] = block
        while len(self._blocks) > KEPT:
            del self._blocks[next(iter(self._blocks))]

    def note(self, second: int, values: dict[str, float]) -> None:
        """One tick that is known exactly: the block that ends there grows by it."""
        block = self._blocks.get(second // SECONDS)
        if block is None or second > block.until:
            return
        place = second % SECONDS
        block.until = max(block.until, second + 1)
        block.counts[place] = max(1, block.counts[place])
        for text, value in values.items():
            column = block.series.get(text)
            if column is not None and value == value:
                column[place] = value


def _seconds(values: array, first: int, step: int, hole: float) -> array:  # type: ignore[type-arg]  # of counts or values
    """One value a second of a block from one a step that begins at the block's second ``first``."""
    if step == 1 and first == 0 and len(values) == SECONDS:
        return values
    out = array(values.typecode, [hole if values.typecode == "d" else int(hole)]) * SECONDS
    for place, value in enumerate(values):
        for second in range(first + place * step, first + place * step + step):
            if 0 <= second < SECONDS:
                out[second] = value
    return out
