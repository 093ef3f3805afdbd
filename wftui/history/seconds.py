"""A range of every series second by second, out of the archive: what is compared and searched."""

import math
from array import array
from typing import Final

import numpy as np
import numpy.typing as npt

from wftui import clock, names
from wftui.model.sample import Column
from wftui.model.series import matches
from wftui.model.tick import Tick
from wftui.store.answers import TooLargeError
from wftui.store.archive import Archive
from wftui.store.rollup import Ticks, follows, rates

_BLOCK: Final = 512
_HEADER: Final = ("seq", "time_s", "boottime_ns", "boot")
_RAW_CELLS: Final = 4_000_000
"""Values of a range that are read second by second: 32 MB."""

Matrix = npt.NDArray[np.float64]
"""float64 of shape (times, series), NaN = no value."""
Numbers = npt.NDArray[np.int64]
"""int64 of shape (times,)."""
Part = tuple[Matrix, Matrix, Matrix]
"""Values, and what is least and greatest in the time of each."""


class Seconds:
    """A range second by second."""

    level_s = 1

    def __init__(self, columns: list[Column], header: list[Numbers], blocks: list[Matrix], since_s: int) -> None:
        self.columns, self._header, self._blocks = columns, header, blocks
        self._inside = header[1] >= since_s
        self.times = header[1][self._inside]
        """UTC second of each value."""

    def part(self, places: slice) -> Part:
        """Values of some of the series, three times: a second is its own extreme."""
        columns = self.columns[places]
        values = np.full((len(self._inside), len(columns)), math.nan)
        at = 0
        for block in self._blocks:  # the later ones may have more series
            some = block[:, places]
            values[at : at + len(some), : some.shape[1]] = some
            at += len(some)
        kinds = np.array([item.kind == names.COUNTER for item in columns], dtype=np.bool_)
        if kinds.any():
            counters = np.ascontiguousarray(values[:, kinds].T)
            ticks = Ticks(*(self._header[0], self._header[1], self._header[2], self._header[3]), counters)
            values[:, kinds] = rates(counters, follows(ticks)).T
        values = values[self._inside]
        return values, values, values


def seconds(
    archive: Archive, selectors: list[str], since_s: int, until_s: int, deadline_ns: int
) -> Seconds | None:
    """Of [since_s, until_s); None: there are none, or too many values.

    Raises:
        TooLargeError: The deadline passed.
        StoreError: The store cannot be read.
    """
    columns: dict[str, Column] = {}
    wanted: dict[int, list[tuple[int, int]]] = {}
    lead = [array("q") for _ in _HEADER]
    blocks: list[Matrix] = []

    def flush(ticks: list[Tick]) -> None:
        places = wanted[ticks[0].layout]
        flat = np.frombuffer(b"".join([item.values for item in ticks]), dtype="<f8").reshape(len(ticks), -1)
        block = np.full((len(ticks), len(columns)), math.nan)
        block[:, [slot for slot, _ in places]] = flat[:, [place for _, place in places]]
        blocks.append(block)

    batch: list[Tick] = []
    for tick in archive.ticks(since_s - 1, until_s):
        if batch and (tick.layout != batch[0].layout or len(batch) == _BLOCK):
            flush(batch)
            batch = []
        if tick.layout not in wanted:
            wanted[tick.layout] = _places(archive, tick.layout, selectors, columns)
            if len(columns) * (until_s - since_s) > _RAW_CELLS:
                return None
        if len(lead[0]) % _BLOCK == 0 and clock.perf_ns() > deadline_ns:
            raise TooLargeError("not done within its deadline; ask for less time or fewer series")
        if len(tick.values) == 8 * len(archive.layout(tick.layout).columns):
            batch.append(tick)
            for name, held in zip(_HEADER, lead, strict=True):
                held.append(getattr(tick, name))
    if batch:
        flush(batch)
    header = [np.array(held, dtype=np.int64) for held in lead]
    found = Seconds(list(columns.values()), header, blocks, since_s)
    return found if (header[1] >= since_s).any() else None


def _places(
    archive: Archive, layout: int, selectors: list[str], columns: dict[str, Column]
) -> list[tuple[int, int]]:
    """(column of the matrix, place in the layout) of the wanted series."""
    found = []
    for place, item in enumerate(archive.layout(layout).columns):
        if any(matches(selector, item.series) for selector in selectors):
            columns[item.series.text] = item
            found.append((list(columns).index(item.series.text), place))
    return found
